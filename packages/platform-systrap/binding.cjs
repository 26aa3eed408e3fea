'use strict';
// Loads the native part: the build of this checkout when there is one (SANDBOX_KERNEL_SANITIZED=1: the instrumented one), else
// the prebuilt file of the published package.
const { existsSync } = require('node:fs');
const { dirname, join } = require('node:path');

const variant = process.env.SANDBOX_KERNEL_SANITIZED === '1' ? 'build/sanitize' : 'build';
const built = join(__dirname, variant, 'Release', 'platform_systrap.node');
const addon = existsSync(built)
  ? built
  : require('pkg-prebuilds').resolve(
      __dirname,
      { name: 'platform_systrap', napi_versions: [8] },
      false,
      true,
    );
module.exports = require(addon);
// The stub lies beside it.
module.exports.folder = dirname(addon);

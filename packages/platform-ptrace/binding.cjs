'use strict';
// Loads the native part: the build of this checkout when there is one (SANDBOX_KERNEL_SANITIZED=1: the instrumented one), else
// the prebuilt file of the published package.
const { existsSync } = require('node:fs');
const { join } = require('node:path');

const variant = process.env.SANDBOX_KERNEL_SANITIZED === '1' ? 'build/sanitize' : 'build';
const built = join(__dirname, variant, 'Release', 'platform_ptrace.node');
module.exports = existsSync(built)
  ? require(built)
  : require('pkg-prebuilds')(__dirname, { name: 'platform_ptrace', napi_versions: [8] });

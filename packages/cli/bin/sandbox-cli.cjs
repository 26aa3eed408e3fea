#!/usr/bin/env node
'use strict';
// Checked in, because npm links it before anything is built.
let cli;
try {
  cli = require('../dist/index.cjs');
} catch (error) {
  if (error.code !== 'MODULE_NOT_FOUND') throw error;
  process.stderr.write(
    `sandbox-cli: not built yet: ${error.message.split('\n')[0]}\n  run \`npm run build\` in the checkout\n`,
  );
  process.exit(125);
}
cli.main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});

// Runs after `npm ci` in a checkout: builds every package in dependency order, native parts included.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

if (!existsSync('packages')) process.exit(0);
const result = spawnSync('npx', ['lerna', 'run', 'build'], { stdio: 'inherit' });
process.exit(result.status ?? 1);

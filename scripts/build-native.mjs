// Builds the native part of the package in the current folder with cmake-js; `build` scripts call it before tsup.
// Headers come from the npm packages node-api-headers and node-addon-api, never from a download. A second run without changes
// asks cmake only (10 ms). SANITIZE=address,undefined builds an instrumented copy into build/sanitize for the tests.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const require = createRequire(import.meta.url);
const folder = process.cwd();
const sanitizers = process.env.SANITIZE ?? '';
const output = join(folder, 'build', sanitizers === '' ? '' : 'sanitize');

const stop = (sentence) => {
  process.stderr.write(`build-native: ${sentence}\n`);
  process.exit(1);
};

const runs = (command) => spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;

const checkTools = () => {
  const missing = [];
  if (!runs('cmake')) missing.push('cmake');
  const compilers = [process.env.CXX, 'c++', 'g++', 'clang++'].filter((name) => name);
  if (!compilers.some(runs)) missing.push('a C++ compiler');
  if (missing.length === 0) return;
  stop(
    `${missing.join(' and ')} not found; the native part of ${folder} is compiled in a checkout; ` +
      'on Debian or Ubuntu run `apt-get install build-essential cmake`.',
  );
};

// Without this field cmake-js takes the package for one that needs the whole of Node's headers, and downloads them.
const checkPackage = () => {
  if (!existsSync(join(folder, 'CMakeLists.txt'))) stop(`${folder} has no CMakeLists.txt: nothing to build.`);
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  if (manifest.binary?.napi_versions?.includes(8)) return;
  stop(`${folder}/package.json needs "binary": {"napi_versions": [8]}, or cmake-js would download headers.`);
};

const cmakeFiles = () =>
  [
    join(folder, 'CMakeLists.txt'),
    join(folder, 'package.json'),
    new URL(import.meta.url).pathname,
    ...readdirSync(new URL('cmake', import.meta.url)).map(
      (name) => new URL(`cmake/${name}`, import.meta.url).pathname,
    ),
  ].map((file) => statSync(file).mtimeMs);

// A checkout that was moved or copied has a cache that names another folder: cmake refuses it, so it is dropped.
const cacheIsOurs = () => {
  const cache = join(output, 'CMakeCache.txt');
  if (!existsSync(cache)) return false;
  const home = /^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$/m.exec(readFileSync(cache, 'utf8'))?.[1];
  if (home === undefined || !existsSync(home) || realpathSync(home) !== realpathSync(folder)) {
    rmSync(output, { recursive: true, force: true });
    return false;
  }
  return cmakeFiles().every((time) => time <= statSync(cache).mtimeMs);
};

const childEnvironment = () => {
  const { NODE_EXTRA_CA_CERTS: _unused, npm_config_nodedir: _nodedir, ...rest } = process.env;
  return rest;
};

const run = (command, args) =>
  spawnSync(command, args, { cwd: folder, stdio: 'inherit', env: childEnvironment() }).status === 0;

const cmakeJs = () => {
  const manifest = require.resolve('cmake-js/package.json');
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8'));
  const binary = typeof bin === 'string' ? bin : bin['cmake-js'];
  return run(process.execPath, [
    resolve(manifest, '..', binary),
    'build',
    '--log-level=warn',
    `--out=${output}`,
    '--config=Release',
    `--CDSANITIZE=${sanitizers}`,
    ...(sanitizers === ''
      ? []
      : [`--CDCMAKE_CXX_FLAGS_RELEASE=-O1 -fsanitize=${sanitizers} -fno-omit-frame-pointer -g`]),
    `--CDNATIVE_CMAKE=${new URL('cmake/native.cmake', import.meta.url).pathname}`,
    `--CDNODE_API_INCLUDE=${require('node-api-headers').include_dir}`,
    `--CDNODE_ADDON_API_INCLUDE=${resolve(require('node-addon-api').include_dir)}`,
  ]);
};

checkTools();
checkPackage();
const built = cacheIsOurs() ? run('cmake', ['--build', output, '--parallel', '2']) : cmakeJs();
if (!built) stop(`the native part of ${folder} did not compile: the compiler's messages are above.`);

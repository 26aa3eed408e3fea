// `npm run soak:cpython [-- MODULE…] [--platform P]`: CPython's own test modules for threads, processes, signals and waiting, natively and in the
// sandbox; every test must end the same way. Needs Debian's python3 and libpython3.11-testsuite; takes the better part of an hour.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('../../', import.meta.url));
const script = `${root}tests/programs/scripts/cpython-outcomes.py`;
const LIMIT_MS = 20 * 60_000;
const ENV = { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8', HOME: '/tmp' };
const MODULES = [
  'test_asyncio',
  'test_concurrent_futures',
  'test_eintr',
  'test_epoll',
  'test_fcntl',
  'test_fork1',
  'test_mmap',
  'test_multiprocessing_fork',
  'test_multiprocessing_forkserver',
  'test_multiprocessing_main_handling',
  'test_multiprocessing_spawn',
  'test_os',
  'test_poll',
  'test_popen',
  'test_posix',
  'test_pty',
  'test_queue',
  'test_resource',
  'test_select',
  'test_selectors',
  'test_signal',
  'test_subprocess',
  'test_thread',
  'test_threading',
  'test_threadsignals',
  'test_wait3',
  'test_wait4',
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { platform: { type: 'string', default: 'auto' } },
});

/** Outcome by test. The same limit on both sides: some tests look at it. */
function outcomes(prefix: readonly string[], module: string): Map<string, string> {
  const inner = ['/bin/sh', '-c', `cd /tmp && ulimit -n 1024 && exec /usr/bin/python3 ${script} ${module}`];
  const [program = '', ...args] = [...prefix, ...inner];
  const result = spawnSync(program, args, {
    encoding: 'utf8',
    env: ENV,
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  const found = new Map<string, string>();
  for (const line of result.stdout.split('\n')) {
    const space = line.indexOf(' ');
    if (space > 0) found.set(line.slice(space + 1), line.slice(0, space));
  }
  if (result.status !== 0) found.set('the run itself', `status ${result.status ?? result.signal}`);
  return found;
}

const variables = Object.entries(ENV).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
const cli = [
  process.execPath,
  `${root}packages/cli/bin/sandbox-cli.cjs`,
  'run',
  '--platform',
  values.platform,
];
let different = 0;
for (const module of positionals.length > 0 ? positionals : MODULES) {
  const native = outcomes([], module);
  const sandboxed = outcomes([...cli, ...variables, '--'], module);
  const names = new Set([...native.keys(), ...sandboxed.keys()]);
  const lines = [...names]
    .filter((name) => native.get(name) !== sandboxed.get(name))
    .map(
      (name) =>
        `  ${name}: native ${native.get(name) ?? 'absent'}, sandbox ${sandboxed.get(name) ?? 'absent'}`,
    );
  different += lines.length;
  process.stdout.write(`${module}: ${native.size} tests, ${lines.length} differ\n`);
  for (const line of lines) process.stdout.write(`${line}\n`);
}
process.exitCode = different === 0 ? 0 : 1;

// Programs in a sandbox inside a filter like that of a default container, as an ordinary user without capabilities: processes, threads,
// signals, pipes and files work there on every platform, and the filter is really on.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { compileGuest, platforms } from '../support/native.js';
import { itWith } from '../support/tools.js';

const cli = fileURLToPath(new URL('../../packages/cli/bin/sandbox-cli.cjs', import.meta.url));
const SHELL = 'for i in 1 2 3; do (echo $i; kill -0 $$) | cat; done; ls / | grep -c etc';
const PYTHON = [
  'import os, signal, subprocess, threading',
  'seen = []',
  'signal.signal(signal.SIGUSR1, lambda *_: seen.append(1))',
  'os.kill(os.getpid(), signal.SIGUSR1)',
  'threads = [threading.Thread(target=lambda: sum(range(20000))) for _ in range(8)]',
  '[t.start() for t in threads]; [t.join() for t in threads]',
  'print(seen, subprocess.run(["/bin/echo", "child"], capture_output=True).stdout)',
].join('\n');

const confined = (program: readonly string[]): string[] => {
  const profile = compileGuest(fileURLToPath(new URL('../support/docker-profile.c', import.meta.url)));
  const user =
    process.getuid?.() === 0
      ? ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', '--bounding-set=-all']
      : [];
  return [...user, profile, ...program];
};

function run(command: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  const [program = '', ...args] = command;
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/' };
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    env,
    cwd: '/',
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}

it('the filter refuses namespaces', () => {
  expect(run(confined(['unshare', '--user', 'true'])).status).not.toBe(0);
});

describe.each(platforms())('on %s', (platform) => {
  const sandboxed = (...program: string[]) =>
    run(confined([process.execPath, cli, 'run', '--platform', platform, '-w', '/', '--', ...program]));

  it('a shell with pipes and signals runs', () => {
    expect(sandboxed('/bin/sh', '-c', SHELL)).toEqual({ status: 0, stdout: '1\n2\n3\n1\n', stderr: '' });
  });

  itWith('/usr/bin/python3')('python with threads, signals and children runs', () => {
    expect(sandboxed('/usr/bin/python3', '-c', PYTHON)).toEqual({
      status: 0,
      stdout: "[1] b'child\\n'\n",
      stderr: '',
    });
  });
});

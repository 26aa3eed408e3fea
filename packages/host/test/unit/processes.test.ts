import { readFileSync } from 'node:fs';
import { EACCES, ENOENT, EPERM } from '@sandbox-kernel/abi';
import { openHost, type SpawnOptions } from '@sandbox-kernel/host';
import { expect, it } from 'vitest';

const host = openHost();
const SIGKILL = 9;

interface Outcome {
  output: string;
  status: number;
  signalled: boolean;
}

async function run(options: Partial<SpawnOptions>): Promise<Outcome> {
  const pipe = new Int32Array(2);
  host.descriptors.pipe(0o2000000, pipe);
  const [read = -1, write = -1] = pipe;
  const child = host.processes.spawn({
    executable: '/bin/sh',
    args: ['sh'],
    env: [],
    fds: [-1, write, write],
    ...options,
  });
  host.descriptors.close(write);
  if (typeof child === 'number') throw new Error(`spawn: ${child}`);
  const output = readFileSync(read, 'latin1');
  while (host.processes.reap(child.pidfd) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  host.descriptors.close(read);
  host.descriptors.close(child.pidfd);
  return { output, status: host.processes.status, signalled: host.processes.signalled };
}

it('starts a program with just the arguments, environment and descriptors given', async () => {
  const script = 'echo "$1 $A"; ls /proc/self/fd | wc -l; exit 7';
  const result = await run({ args: ['sh', '-c', script, 'sh', 'one'], env: ['A=two', 'PATH=/usr/bin:/bin'] });
  // 1 and 2, and the descriptor that ls reads the directory with (as 0).
  expect(result).toEqual({ output: 'one two\n3\n', status: 7, signalled: false });
});

it('starts a program from a descriptor', async () => {
  const fd = host.paths.open(-100, '/bin/echo', 0, 0, 0);
  expect((await run({ executable: fd, args: ['echo', 'hi'] })).output).toBe('hi\n');
  host.descriptors.close(fd);
});

it('tells why a program could not be started', () => {
  const options = { args: ['x'], env: [], fds: [] };
  expect(host.processes.spawn({ ...options, executable: '/no/such' })).toBe(-ENOENT);
  expect(host.processes.spawn({ ...options, executable: '/etc/passwd' })).toBe(-EACCES);
});

it('drops rights before the program starts', async () => {
  const script = 'grep -E "^(CapEff|CapBnd|NoNewPrivs)" /proc/self/status';
  const result = await run({
    args: ['sh', '-c', script],
    env: ['PATH=/usr/bin:/bin'],
    noNewPrivileges: true,
    dropCapabilities: true,
    newSession: true,
  });
  expect(result.output).toMatch(/CapEff:\s*0+\n/);
  expect(result.output).toMatch(/NoNewPrivs:\s*1\n/);
});

it('puts a program into namespaces of its own where the host allows it', async () => {
  const CLONE_NEWUSER_NEWPID = 0x30000000;
  const options = { args: ['sh', '-c', 'id -u; echo $$'], env: ['PATH=/usr/bin:/bin'] };
  const maps = { uidMap: `0 ${process.getuid?.()} 1`, gidMap: `0 ${process.getgid?.()} 1` };
  try {
    const result = await run({ ...options, ...maps, namespaces: CLONE_NEWUSER_NEWPID });
    expect(result.output).toBe('0\n1\n');
  } catch (error) {
    expect(String(error)).toMatch(new RegExp(`spawn: -(${EPERM}|28|22)`));
  }
});

it('signals by pidfd and says that a signal ended the program', async () => {
  const child = host.processes.spawn({ executable: '/bin/sleep', args: ['sleep', '100'], env: [], fds: [] });
  if (typeof child === 'number') throw new Error(`spawn: ${child}`);
  expect(host.processes.reap(child.pidfd)).toBe(0);
  expect(host.processes.signal(child.pidfd, SIGKILL)).toBe(0);
  while (host.processes.reap(child.pidfd) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  expect([host.processes.status, host.processes.signalled]).toEqual([SIGKILL, true]);
  expect(host.processes.reap(child.pidfd)).toBeLessThan(0);
  host.descriptors.close(child.pidfd);
});

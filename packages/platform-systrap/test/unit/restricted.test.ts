// Hosts that refuse things: the platform does without, or says what is missing and how to mend it.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import {
  SYS_clone3,
  SYS_close_range,
  SYS_execveat,
  SYS_mount,
  SYS_openat2,
  SYS_personality,
  SYS_pidfd_open,
  SYS_ptrace,
  SYS_seccomp,
  SYS_statx,
  SYS_unshare,
} from '@sandbox-kernel/abi';
import { expect, it } from 'vitest';

const ENOSYS = 38;
const EPERM = 1;
const script = fileURLToPath(new URL('../restricted.ts', import.meta.url));

function run(...refused: [number, number][]): string {
  const args = ['--import', 'tsx', script, ...refused.flat().map(String)];
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: undefined };
  const result = spawnSync(process.execPath, args, { encoding: 'utf8', env });
  return result.stdout + result.stderr;
}

it('runs where a container profile refuses namespaces and new calls', () => {
  const refused: [number, number][] = [
    [ENOSYS, SYS_clone3],
    [EPERM, SYS_unshare],
    [EPERM, SYS_mount],
    [EPERM, SYS_personality],
    [ENOSYS, SYS_close_range],
    [ENOSYS, SYS_execveat],
    [ENOSYS, SYS_openat2],
    [ENOSYS, SYS_statx],
  ];
  expect(run(...refused)).toBe('trap of 0: 39\n');
});

it('needs no ptrace', () => {
  expect(run([EPERM, SYS_ptrace])).toBe('trap of 0: 39\n');
});

it('says so when filters are refused, and what to do', () => {
  expect(run([EPERM, SYS_seccomp])).toMatch(
    /^SystrapUnavailableError: the systrap platform is not available: seccomp filters are refused \(EPERM\)\. Use a kernel/,
  );
});

it('says at which step it failed otherwise', () => {
  expect(run([EPERM, SYS_execveat])).toMatch(/the stub could not be executed from memory \(EPERM\)/);
  expect(run([EPERM, SYS_pidfd_open])).toMatch(/stub processes could not be made \(EPERM\)/);
});

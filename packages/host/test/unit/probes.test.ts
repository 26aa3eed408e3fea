import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { CLONE_NEWUSER, ECHILD, SYS_wait4 } from '@sandbox-kernel/abi';
import { openHost } from '@sandbox-kernel/host';
import { expect, it } from 'vitest';

const host = openHost();
const { probes } = host;

it('agree with what programs find out', () => {
  const unshare = spawnSync('unshare', ['--user', 'true']);
  if (unshare.error === undefined) expect(probes.namespaces(CLONE_NEWUSER) === 0).toBe(unshare.status === 0);
  const yama = '/proc/sys/kernel/yama/ptrace_scope';
  expect(probes.ptraceScope()).toBe(existsSync(yama) ? Number(readFileSync(yama, 'latin1')) : 0);
  expect(probes.device('/dev/null')).toBe(0);
  expect(probes.device('/dev/no-such-device')).toBe(-2);
});

it('leave no process and no descriptor behind', () => {
  const fds = (): number => readdirSync('/proc/self/fd').length;
  const before = fds();
  for (let i = 0; i < 5; i++) {
    probes.namespaces(CLONE_NEWUSER);
    probes.pidfd();
    probes.device('/dev/null');
    probes.seccomp();
    probes.openat2();
    probes.clone3();
    probes.memfdNoexec();
  }
  expect(fds()).toBe(before);
  const WNOHANG = 1;
  expect(host.door.call(SYS_wait4, 0, -1, 0, WNOHANG, 0, 0, 0)).toBe(-ECHILD);
});

// Hosts that refuse things: a platform does without, or says what is missing and how to mend it.
import { spawnSync } from 'node:child_process';
import {
  SYS_clone3,
  SYS_close_range,
  SYS_execveat,
  SYS_mount,
  SYS_openat2,
  SYS_personality,
  SYS_statx,
  SYS_unshare,
} from '@sandbox-kernel/abi';
import { expect, it } from 'vitest';

export const ENOSYS = 38;
export const EPERM = 1;

/** Runs `script`, which calls `tryRestricted` with the platform's `open`; these calls fail there. What it said. */
export function restricted(script: string, ...refused: [number, number][]): string {
  const args = ['--import', 'tsx', script, ...refused.flat().map(String)];
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: undefined };
  const result = spawnSync(process.execPath, args, { encoding: 'utf8', env });
  return result.stdout + result.stderr;
}

export function restrictedSuite(script: string): void {
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
    expect(restricted(script, ...refused)).toBe('trap of 0: 39\n');
  });

  it('says at which step it failed otherwise', () => {
    expect(restricted(script, [EPERM, SYS_execveat])).toMatch(
      /the stub could not be executed from memory \(EPERM\)/,
    );
  });
}

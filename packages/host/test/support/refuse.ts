// A host that lacks system calls, as old kernels and filters are: for processes of their own, as it can't be undone.
import type { Host } from '@sandbox-kernel/host';
import { assemble, type Instruction } from '../../../abi/test/support/assemble.js';

export interface Refusal {
  readonly number: number;
  readonly errno: number;
}

const LOAD_NUMBER: Instruction = [0x20, 0, 0, 0];
const ALLOW: Instruction = [0x06, 0, 0, 0x7fff_0000];
const fail = (errno: number): Instruction => [0x06, 0, 0, 0x0005_0000 | errno];

/** From here on these calls of this process fail: seccomp(2), linux/filter.h. 0 or -errno. */
export function refuseCalls(host: Host, refusals: readonly Refusal[]): number {
  const checks = refusals.flatMap(({ number, errno }): Instruction[] => [[0x15, 0, 1, number], fail(errno)]);
  const program = assemble([LOAD_NUMBER, ...checks, ALLOW]);
  host.confinement.noNewPrivileges();
  return host.confinement.seccomp(new Uint8Array(program.buffer));
}

// One row of the system call table. The table is data: dispatch, --strace and docs/coverage.md are made from it.
import type { SyscallHandler } from '@sandbox-kernel/kernel';

/** How far a call goes. `partial` carries its limit in `note`. */
export type Coverage = 'full' | 'partial';

export interface SyscallRow {
  readonly nr: number;
  readonly name: string;
  readonly handler: SyscallHandler;
  readonly coverage: Coverage;
  /** What is missing, for `partial`; a remark otherwise. */
  readonly note?: string;
  /** How --strace prints the arguments, one letter each: d int, u unsigned, x hex, o octal, p pointer, s string, f descriptor, z size. */
  readonly format?: string;
}

// rseq(2). It has no manual page; Linux's include/uapi/linux/rseq.h documents it.
import { SYS_rseq } from '@sandbox-kernel/abi';
import { registerSequence, type SyscallArgs, type Task } from '@sandbox-kernel/kernel';
import type { SyscallRow } from './row.js';

function rseq(task: Task, args: SyscallArgs): number {
  return registerSequence(task, args.addr(0), args.uint(1), args.int(2), args.uint(3));
}

export const RSEQ_SYSCALLS: readonly SyscallRow[] = [
  {
    nr: SYS_rseq,
    name: 'rseq',
    handler: rseq,
    coverage: 'full',
    format: 'puxx',
    note: "processor numbers are the sandbox's own",
  },
];

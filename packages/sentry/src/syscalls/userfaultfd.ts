// userfaultfd(2). Without CAP_SYS_PTRACE only faults of programs themselves can be watched (vm.unprivileged_userfaultfd is 0).
import {
  CAP_SYS_PTRACE,
  EINVAL,
  EPERM,
  O_CLOEXEC,
  O_NONBLOCK,
  SYS_userfaultfd,
  UFFD_USER_MODE_ONLY,
} from '@sandbox-kernel/abi';
import { createUserfault, type SyscallArgs, type Task } from '@sandbox-kernel/kernel';
import type { SyscallRow } from './row.js';

function userfaultfd(task: Task, args: SyscallArgs): number {
  const flags = args.int(0);
  const userModeOnly = (flags & UFFD_USER_MODE_ONLY) !== 0;
  if (!userModeOnly && !task.credentials.hasCapability(CAP_SYS_PTRACE)) return -EPERM;
  if ((flags & ~(UFFD_USER_MODE_ONLY | O_CLOEXEC | O_NONBLOCK)) !== 0) return -EINVAL;
  return createUserfault(task, userModeOnly, flags, (flags & O_CLOEXEC) !== 0);
}

export const USERFAULTFD_SYSCALLS: readonly SyscallRow[] = [
  {
    nr: SYS_userfaultfd,
    name: 'userfaultfd',
    handler: userfaultfd,
    coverage: 'partial',
    note: 'no UFFDIO_MOVE, UFFDIO_POISON or asynchronous write protection',
    format: 'x',
  },
];

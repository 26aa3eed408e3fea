// pidfd_open(2), pidfd_getfd(2).
import {
  EBADF,
  EINVAL,
  ENOENT,
  EPERM,
  ESRCH,
  O_EXCL,
  O_NONBLOCK,
  RLIMIT_NOFILE,
  SYS_pidfd_getfd,
  SYS_pidfd_open,
} from '@sandbox-kernel/abi';
import { createPidfd, mayTrace, pidfdTarget, type SyscallArgs, type Task } from '@sandbox-kernel/kernel';
import type { SyscallRow } from './row.js';

/** The same bit as O_EXCL. */
const PIDFD_THREAD = O_EXCL;

function pidfdOpen(task: Task, args: SyscallArgs): number {
  const pid = args.int(0);
  const flags = args.uint(1);
  if ((flags & ~(O_NONBLOCK | PIDFD_THREAD)) !== 0 || pid <= 0) return -EINVAL;
  const target = task.kernel.findTask(pid);
  if (target === null) return -ESRCH;
  const thread = (flags & PIDFD_THREAD) !== 0;
  if (!thread && !target.isLeader) return -ENOENT;
  return createPidfd(task, target.group, thread ? target : null, flags);
}

function pidfdGetfd(task: Task, args: SyscallArgs): number {
  if (args.uint(2) !== 0) return -EINVAL;
  const file = task.files.get(args.int(0));
  const pidfd = file === null ? null : pidfdTarget(file);
  if (pidfd === null) return -EBADF;
  const target = pidfd.thread ?? pidfd.group.threads[0];
  if (target === undefined || pidfd.ended) return -ESRCH;
  if (!mayTrace(task, target)) return -EPERM;
  const found = target.files.get(args.int(1));
  if (found === null) return -EBADF;
  const fd = task.files.install(found.retain(), task.group.limits.soft[RLIMIT_NOFILE]!, true);
  if (fd < 0) found.release();
  return fd;
}

export const PIDFD_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_pidfd_open, name: 'pidfd_open', handler: pidfdOpen, coverage: 'full', format: 'dx' },
  { nr: SYS_pidfd_getfd, name: 'pidfd_getfd', handler: pidfdGetfd, coverage: 'full', format: 'fdx' },
];

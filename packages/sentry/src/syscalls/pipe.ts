// pipe(2), pipe2(2).
import {
  EFAULT,
  EINVAL,
  ENOPKG,
  O_CLOEXEC,
  O_DIRECT,
  O_EXCL,
  O_NONBLOCK,
  SYS_pipe,
  SYS_pipe2,
} from '@sandbox-kernel/abi';
import type { SyscallArgs, Task } from '@sandbox-kernel/kernel';
import { createPipe, type FileDescription } from '@sandbox-kernel/vfs';
import { descriptorLimit } from './arguments.js';
import type { SyscallRow } from './row.js';
import { workspaceOf } from './workspace.js';

function pipe(task: Task, args: SyscallArgs): number {
  return makePipe(task, args.addr(0), 0);
}

function pipe2(task: Task, args: SyscallArgs): number {
  const flags = args.int(1);
  if ((flags & ~(O_CLOEXEC | O_DIRECT | O_NONBLOCK | O_EXCL)) !== 0) return -EINVAL;
  // O_NOTIFICATION_PIPE: there are no watch queues.
  if ((flags & O_EXCL) !== 0) return -ENOPKG;
  return makePipe(task, args.addr(0), flags);
}

function makePipe(task: Task, addr: number, flags: number): number {
  const { ends } = workspaceOf(task);
  const created = createPipe(task, flags & ~O_CLOEXEC, ends);
  if (created < 0) return created;
  const cloexec = (flags & O_CLOEXEC) !== 0;
  return installPair(task, ends[0] as FileDescription, ends[1] as FileDescription, cloexec, addr);
}

/** Installs two files and writes their numbers to `addr`; undoes everything when that fails. */
export function installPair(
  task: Task,
  first: FileDescription,
  second: FileDescription,
  cloexec: boolean,
  addr: number,
): number {
  const limit = descriptorLimit(task);
  const one = task.files.install(first, limit, cloexec);
  if (one < 0) {
    first.release();
    second.release();
    return one;
  }
  const two = task.files.install(second, limit, cloexec);
  if (two < 0) {
    task.files.close(one);
    second.release();
    return two;
  }
  if (task.memory.writeU32(addr, one) === 0 && task.memory.writeU32(addr + 4, two) === 0) return 0;
  task.files.close(one);
  task.files.close(two);
  return -EFAULT;
}

export const PIPE_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_pipe, name: 'pipe', handler: pipe, coverage: 'full', format: 'p' },
  { nr: SYS_pipe2, name: 'pipe2', handler: pipe2, coverage: 'full', format: 'px' },
];

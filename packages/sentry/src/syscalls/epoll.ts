// epoll_create(2), epoll_ctl(2), epoll_wait(2).
import {
  EBADF,
  EFAULT,
  EINTR,
  EINVAL,
  EPOLL_CTL_DEL,
  EPOLLIN,
  O_CLOEXEC,
  SYS_epoll_create,
  SYS_epoll_create1,
  SYS_epoll_ctl,
  SYS_epoll_pwait,
  SYS_epoll_pwait2,
  SYS_epoll_wait,
  TASK_SIZE,
} from '@sandbox-kernel/abi';
import { BLOCKED, dropTemporaryMask, type SyscallArgs, type Task } from '@sandbox-kernel/kernel';
import { controlEpoll, createEpoll, type EpollSink, epollOf } from '@sandbox-kernel/vfs';
import { install } from './open.js';
import { applyMask, expired, prepareWait, startDeadline } from './poll.js';
import type { SyscallRow } from './row.js';
import { workspaceOf } from './workspace.js';

/** sizeof(struct epoll_event): packed. */
const EVENT_SIZE = 12;
const MOST_EVENTS = Math.floor(0x7fffffff / EVENT_SIZE);

function epollCreate(task: Task, args: SyscallArgs): number {
  return args.int(0) <= 0 ? -EINVAL : install(task, createEpoll(task), 0);
}

function epollCreate1(task: Task, args: SyscallArgs): number {
  const flags = args.int(0);
  return (flags & ~O_CLOEXEC) !== 0 ? -EINVAL : install(task, createEpoll(task), flags);
}

function epollCtl(task: Task, args: SyscallArgs): number {
  const operation = args.int(1);
  const fd = args.int(2);
  const { bytes, view } = workspaceOf(task);
  if (operation !== EPOLL_CTL_DEL && task.memory.copyIn(args.addr(3), bytes, 0, EVENT_SIZE) < EVENT_SIZE) {
    return -EFAULT;
  }
  const instance = task.files.getOpen(args.int(0));
  const file = task.files.getOpen(fd);
  if (instance === null || file === null) return -EBADF;
  const events = view.getUint32(0, true);
  return controlEpoll(
    instance,
    operation,
    file,
    fd,
    events,
    view.getUint32(4, true),
    view.getUint32(8, true),
  );
}

/** Writes events to the program as they are collected. */
class EventWriter implements EpollSink {
  at: number;
  failed: boolean;
  private readonly task: Task;

  constructor(task: Task, addr: number) {
    this.task = task;
    this.at = addr;
    this.failed = false;
  }

  add(events: number, dataLow: number, dataHigh: number): boolean {
    const { bytes, view } = workspaceOf(this.task);
    view.setUint32(0, events >>> 0, true);
    view.setUint32(4, dataLow, true);
    view.setUint32(8, dataHigh, true);
    if (this.task.memory.copyOut(this.at, bytes, 0, EVENT_SIZE) < EVENT_SIZE) {
      this.failed = true;
      return false;
    }
    this.at += EVENT_SIZE;
    return true;
  }
}

function epollWait(task: Task, args: SyscallArgs): number {
  startMilliseconds(task, args.int(3));
  return collect(task, args);
}

function startMilliseconds(task: Task, timeout: number): void {
  startDeadline(task, timeout < 0 ? Number.POSITIVE_INFINITY : timeout * 1e6);
}

function epollPwait(task: Task, args: SyscallArgs): number {
  const masked = applyMask(task, args.addr(4), args.size(5));
  if (masked !== 0) return masked;
  startMilliseconds(task, args.int(3));
  return unmask(task, collect(task, args));
}

function epollPwait2(task: Task, args: SyscallArgs): number {
  const prepared = prepareWait(task, args.addr(3), args.addr(4), args.size(5));
  return prepared !== 0 ? prepared : unmask(task, collect(task, args));
}

function unmask(task: Task, result: number): number {
  if (result !== BLOCKED && result !== -EINTR) dropTemporaryMask(task);
  return result;
}

function collect(task: Task, args: SyscallArgs): number {
  const limit = args.int(2);
  if (limit <= 0 || limit > MOST_EVENTS) return -EINVAL;
  if (args.addr(1) + limit * EVENT_SIZE > TASK_SIZE) return -EFAULT;
  const file = task.files.getOpen(args.int(0));
  if (file === null) return -EBADF;
  const epoll = epollOf(file);
  if (epoll === null) return -EINVAL;
  const writer = new EventWriter(task, args.addr(1));
  const count = epoll.collect(writer, limit);
  if (count > 0) return count;
  if (writer.failed) return -EFAULT;
  if (expired(task)) return 0;
  task.watch(file, EPOLLIN, true);
  task.wakeAt(task.call.deadline);
  return task.block(-EINTR);
}

export const EPOLL_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_epoll_create, name: 'epoll_create', handler: epollCreate, coverage: 'full', format: 'd' },
  { nr: SYS_epoll_create1, name: 'epoll_create1', handler: epollCreate1, coverage: 'full', format: 'x' },
  { nr: SYS_epoll_ctl, name: 'epoll_ctl', handler: epollCtl, coverage: 'full', format: 'fdfp' },
  { nr: SYS_epoll_wait, name: 'epoll_wait', handler: epollWait, coverage: 'full', format: 'fpdd' },
  { nr: SYS_epoll_pwait, name: 'epoll_pwait', handler: epollPwait, coverage: 'full', format: 'fpddpz' },
  { nr: SYS_epoll_pwait2, name: 'epoll_pwait2', handler: epollPwait2, coverage: 'full', format: 'fpdppz' },
];

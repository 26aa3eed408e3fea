// timerfd_create(2), timerfd_settime(2), timerfd_gettime(2).
import {
  CLOCK_BOOTTIME,
  CLOCK_MONOTONIC,
  CLOCK_REALTIME,
  EBADF,
  EFAULT,
  EINVAL,
  O_CLOEXEC,
  O_NONBLOCK,
  POLLIN,
  SYS_timerfd_create,
  SYS_timerfd_gettime,
  SYS_timerfd_settime,
  TFD_TIMER_ABSTIME,
  TFD_TIMER_CANCEL_ON_SET,
} from '@sandbox-kernel/abi';
import {
  type Kernel,
  monotonicDeadline,
  type SyscallArgs,
  type Task,
  TimerNode,
  type TimerOwner,
} from '@sandbox-kernel/kernel';
import { createTimerFd, type TimerFd, type TimerSource, timerOf } from '@sandbox-kernel/vfs';
import { install } from './open.js';
import type { SyscallRow } from './row.js';
import { readTimespec, UserTime, writeTimespec } from './user-time.js';

/** CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM. */
const ALARM_CLOCKS = [8, 9];

/** A timer behind a descriptor: armed in the kernel's heap, counts what passed. */
class DescriptorTimer implements TimerOwner, TimerSource {
  readonly clock: number;
  interval: number;
  file: TimerFd | null;
  private readonly kernel: Kernel;
  private readonly node: TimerNode;
  private count: number;

  constructor(kernel: Kernel, clock: number) {
    this.kernel = kernel;
    this.clock = clock;
    this.interval = 0;
    this.file = null;
    this.node = new TimerNode(this);
    this.count = 0;
  }

  /** `deadline` on the monotonic clock; Infinity disarms. */
  set(deadline: number, interval: number): void {
    this.kernel.timers.cancel(this.node);
    this.interval = interval;
    this.count = 0;
    this.kernel.timers.arm(this.node, deadline);
  }

  get remaining(): number {
    return this.node.armed ? Math.max(this.node.deadline - this.kernel.clock.monotonic(), 1) : 0;
  }

  timerExpired(node: TimerNode, now: number): void {
    const behind = now - node.deadline;
    const passed = this.interval > 0 ? Math.floor(behind / this.interval) + 1 : 1;
    this.count += passed;
    if (this.interval > 0) this.kernel.timers.arm(node, node.deadline + passed * this.interval);
    this.file?.queue.wake(POLLIN);
  }

  takeExpirations(): number {
    const { count } = this;
    this.count = 0;
    return count;
  }

  pending(): number {
    return this.count;
  }

  closed(): void {
    this.kernel.timers.cancel(this.node);
  }
}

function timerfdCreate(task: Task, args: SyscallArgs): number {
  const clock = args.int(0);
  const flags = args.int(1);
  if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) !== 0) return -EINVAL;
  const plain = clock === CLOCK_REALTIME || clock === CLOCK_MONOTONIC || clock === CLOCK_BOOTTIME;
  if (!plain && !ALARM_CLOCKS.includes(clock)) return -EINVAL;
  const timer = new DescriptorTimer(task.kernel, clock);
  const file = createTimerFd(task, timer, flags & O_NONBLOCK);
  timer.file = timerOf(file);
  return install(task, file, flags);
}

function timerAt(task: Task, fd: number): DescriptorTimer | number {
  const file = task.files.getOpen(fd);
  if (file === null) return -EBADF;
  const timer = timerOf(file);
  return timer === null ? -EINVAL : (timer.source as DescriptorTimer);
}

function timerfdSettime(task: Task, args: SyscallArgs): number {
  const flags = args.int(1);
  const interval = new UserTime();
  const value = new UserTime();
  const addr = args.addr(2);
  const read = readTimespec(task, addr, interval) || readTimespec(task, addr + 16, value);
  if (read !== 0) return read;
  if ((flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) !== 0) return -EINVAL;
  const timer = timerAt(task, args.int(0));
  if (typeof timer === 'number') return timer;
  const before = timer.remaining;
  const beforeInterval = timer.interval;
  timer.set(deadlineOf(task, timer.clock, value, (flags & TFD_TIMER_ABSTIME) !== 0), interval.total);
  return args.addr(3) === 0 ? 0 : writeSpec(task, args.addr(3), before, beforeInterval);
}

function deadlineOf(task: Task, clock: number, value: UserTime, absolute: boolean): number {
  if (value.seconds === 0 && value.nanos === 0) return Number.POSITIVE_INFINITY;
  if (!absolute) return task.kernel.clock.monotonic() + value.total;
  return monotonicDeadline(task, clock, value.seconds, value.nanos);
}

function timerfdGettime(task: Task, args: SyscallArgs): number {
  const timer = timerAt(task, args.int(0));
  return typeof timer === 'number' ? timer : writeSpec(task, args.addr(1), timer.remaining, timer.interval);
}

function writeSpec(task: Task, addr: number, remaining: number, interval: number): number {
  const failed = writeTimespec(task, addr, interval) || writeTimespec(task, addr + 16, remaining);
  return failed < 0 ? -EFAULT : 0;
}

export const TIMERFD_SYSCALLS: readonly SyscallRow[] = [
  {
    nr: SYS_timerfd_create,
    name: 'timerfd_create',
    handler: timerfdCreate,
    coverage: 'full',
    note: 'alarm clocks do not wake a suspended machine',
    format: 'dx',
  },
  {
    nr: SYS_timerfd_settime,
    name: 'timerfd_settime',
    handler: timerfdSettime,
    coverage: 'full',
    format: 'fxpp',
  },
  {
    nr: SYS_timerfd_gettime,
    name: 'timerfd_gettime',
    handler: timerfdGettime,
    coverage: 'full',
    format: 'fp',
  },
];

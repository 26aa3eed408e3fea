// timerfd_create(2), timerfd_settime(2), timerfd_gettime(2), signalfd(2).
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
  SYS_signalfd,
  SYS_signalfd4,
  SYS_timerfd_create,
  SYS_timerfd_gettime,
  SYS_timerfd_settime,
  TFD_TIMER_ABSTIME,
  TFD_TIMER_CANCEL_ON_SET,
} from '@sandbox-kernel/abi';
import {
  dequeueSignal,
  hasDeliverable,
  type Kernel,
  monotonicDeadline,
  type SignalInfo,
  type SyscallArgs,
  type Task,
  TimerNode,
  type TimerOwner,
} from '@sandbox-kernel/kernel';
import {
  createSignalFd,
  createTimerFd,
  type SignalSource,
  signalsOf,
  type TimerFd,
  type TimerSource,
  timerOf,
  type WaitQueue,
} from '@sandbox-kernel/vfs';
import { install } from './open.js';
import type { SyscallRow } from './row.js';
import { readMask, UserMask } from './signal.js';
import { readTimespec, UserTime, writeTimespec } from './user-time.js';

const SIGSET_SIZE = 8;
/** SIGKILL and SIGSTOP as a mask. */
const UNBLOCKABLE = (1 << 8) | (1 << 18);
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

/** Signals of whoever reads: the calling task, or the maker when nobody calls (readiness asked for by a waiter). */
class TaskSignals implements SignalSource {
  readonly queue: WaitQueue;
  private readonly maker: Task;

  constructor(maker: Task) {
    this.queue = maker.group.signalEvents;
    this.maker = maker;
  }

  take(maskLow: number, maskHigh: number, into: Uint8Array): boolean {
    const info = dequeueSignal(this.reader, ~maskLow, ~maskHigh);
    if (info === null) return false;
    encode(info, into);
    return true;
  }

  pending(maskLow: number, maskHigh: number): boolean {
    return hasDeliverable(this.reader, ~maskLow, ~maskHigh);
  }

  private get reader(): Task {
    return this.maker.kernel.current ?? this.maker;
  }
}

/** siginfo_t to struct signalfd_siginfo: the fields that every kind of signal shares, and those of children. */
function encode(info: SignalInfo, into: Uint8Array): void {
  const view = new DataView(into.buffer, into.byteOffset, into.length);
  into.fill(0);
  const words = info.words;
  view.setInt32(0, info.signal, true);
  view.setInt32(4, info.errno, true);
  view.setInt32(8, info.code, true);
  view.setInt32(12, info.pid, true);
  view.setUint32(16, info.uid, true);
  view.setInt32(40, info.status, true);
  view.setInt32(44, words[6]!, true);
  view.setInt32(48, words[6]!, true);
  view.setInt32(52, words[7]!, true);
  for (let i = 0; i < 4; i++) view.setInt32(56 + i * 4, words[8 + i]!, true);
}

function signalfd(task: Task, args: SyscallArgs): number {
  return setSignals(task, args, 0);
}

function signalfd4(task: Task, args: SyscallArgs): number {
  const flags = args.int(3);
  if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) !== 0) return -EINVAL;
  return setSignals(task, args, flags);
}

function setSignals(task: Task, args: SyscallArgs, flags: number): number {
  if (args.size(2) !== SIGSET_SIZE) return -EINVAL;
  const mask = new UserMask();
  const read = readMask(task, args.addr(1), mask);
  if (read !== 0) return read;
  const low = mask.lo & ~UNBLOCKABLE;
  const fd = args.int(0);
  if (fd === -1) {
    const file = createSignalFd(task, new TaskSignals(task), low, mask.hi, flags & O_NONBLOCK);
    return install(task, file, flags);
  }
  const file = task.files.getOpen(fd);
  if (file === null) return -EBADF;
  const signals = signalsOf(file);
  if (signals === null) return -EINVAL;
  signals.maskLow = low;
  signals.maskHigh = mask.hi;
  signals.source.queue.wake(POLLIN);
  return fd;
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
  { nr: SYS_signalfd, name: 'signalfd', handler: signalfd, coverage: 'full', format: 'dpz' },
  { nr: SYS_signalfd4, name: 'signalfd4', handler: signalfd4, coverage: 'full', format: 'dpzx' },
];

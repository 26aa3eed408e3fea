// getitimer(2), setitimer(2), alarm(2), timer_create(2), timer_settime(2), timer_gettime(2), timer_getoverrun(2), timer_delete(2).
import {
  CLOCK_BOOTTIME,
  CLOCK_MONOTONIC,
  CLOCK_MONOTONIC_COARSE,
  CLOCK_MONOTONIC_RAW,
  CLOCK_PROCESS_CPUTIME_ID,
  CLOCK_REALTIME,
  CLOCK_REALTIME_COARSE,
  CLOCK_THREAD_CPUTIME_ID,
  EFAULT,
  EINVAL,
  EOPNOTSUPP,
  NSIG,
  SIGALRM,
  SIGEV_NONE,
  SIGEV_SIGNAL,
  SIGEV_THREAD_ID,
  SYS_alarm,
  SYS_getitimer,
  SYS_setitimer,
  SYS_timer_create,
  SYS_timer_delete,
  SYS_timer_getoverrun,
  SYS_timer_gettime,
  SYS_timer_settime,
  TIMER_ABSTIME,
} from '@sandbox-kernel/abi';
import {
  ITIMER_PROF,
  ITIMER_REAL,
  type PosixTimer,
  processorTime,
  type SyscallArgs,
  type Task,
  type TimerEvent,
} from '@sandbox-kernel/kernel';
import type { SyscallRow } from './row.js';
import { readTimespec, readTimeval, UserTime, writePair, writeTimespec } from './user-time.js';

const SIGEVENT_BYTES = 64;
/** CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM, CLOCK_TAI: the same as their plain forms here. */
const OTHER_CLOCKS = [8, 9, 11];

function writeTimeval(task: Task, addr: number, nanos: number): number {
  const micros = Math.ceil(nanos / 1000);
  const seconds = Math.floor(micros / 1e6);
  return writePair(task, addr, seconds, micros - seconds * 1e6);
}

function writeItimer(task: Task, which: number, addr: number): number {
  const timers = task.group.itimers;
  if (writeTimeval(task, addr, timers.interval(which)) < 0) return -EFAULT;
  return writeTimeval(task, addr + 16, timers.remaining(which));
}

function getitimer(task: Task, args: SyscallArgs): number {
  const which = args.int(0);
  return which < ITIMER_REAL || which > ITIMER_PROF ? -EINVAL : writeItimer(task, which, args.addr(1));
}

function setitimer(task: Task, args: SyscallArgs): number {
  const which = args.int(0);
  const addr = args.addr(1);
  const interval = new UserTime();
  const value = new UserTime();
  if (addr !== 0) {
    const failed = readTimeval(task, addr, interval) || readTimeval(task, addr + 16, value);
    if (failed < 0) return failed;
  }
  if (which < ITIMER_REAL || which > ITIMER_PROF) return -EINVAL;
  const old = args.addr(2);
  const written = old === 0 ? 0 : writeItimer(task, which, old);
  task.group.itimers.set(which, value.total, interval.total);
  return written;
}

function alarm(task: Task, args: SyscallArgs): number {
  const timers = task.group.itimers;
  const left = timers.remaining(ITIMER_REAL);
  timers.set(ITIMER_REAL, args.uint(0) * 1e9, 0);
  // Rounded to the nearest second, but an alarm that is set is never reported as 0.
  return left === 0 ? 0 : Math.max(1, Math.round(left / 1e9));
}

/** Clocks that no timer runs on. */
const READ_ONLY_CLOCKS: readonly number[] = [
  CLOCK_MONOTONIC_RAW,
  CLOCK_REALTIME_COARSE,
  CLOCK_MONOTONIC_COARSE,
];

function timerCreate(task: Task, args: SyscallArgs): number {
  const clock = args.int(0);
  const event = readEvent(task, args.addr(1));
  if (typeof event === 'number') return event;
  if (READ_ONLY_CLOCKS.includes(clock)) return -EOPNOTSUPP;
  if (!isTimerClock(task, clock)) return -EINVAL;
  const timer = task.group.timers.create(task, clock, event, SIGALRM);
  if (typeof timer === 'number') return timer;
  if (task.memory.writeU32(args.addr(2), timer.id) >= 0) return 0;
  task.group.timers.delete(timer.id);
  return -EFAULT;
}

function isTimerClock(task: Task, clock: number): boolean {
  if (clock === CLOCK_REALTIME || clock === CLOCK_MONOTONIC || clock === CLOCK_BOOTTIME) return true;
  if (clock === CLOCK_PROCESS_CPUTIME_ID || clock === CLOCK_THREAD_CPUTIME_ID) return true;
  return OTHER_CLOCKS.includes(clock) || (clock < 0 && processorTime(task, clock) >= 0);
}

/** Null for a NULL sigevent. */
function readEvent(task: Task, addr: number): TimerEvent | null | number {
  if (addr === 0) return null;
  const bytes = new Uint8Array(SIGEVENT_BYTES);
  if (task.memory.copyIn(addr, bytes, 0, SIGEVENT_BYTES) !== SIGEVENT_BYTES) return -EFAULT;
  const view = new DataView(bytes.buffer);
  const notify = view.getInt32(12, true);
  const signal = view.getInt32(8, true);
  const known =
    notify === SIGEV_SIGNAL || notify === SIGEV_NONE || notify === SIGEV_THREAD_ID || notify === 2;
  if (!known || (notify !== SIGEV_NONE && (signal < 1 || signal > NSIG))) return -EINVAL;
  let target: Task | null = null;
  if (notify === SIGEV_THREAD_ID) {
    target = task.kernel.findTask(view.getInt32(16, true));
    if (target === null || target.group !== task.group) return -EINVAL;
  }
  return { notify, signal, valueLo: view.getInt32(0, true), valueHi: view.getInt32(4, true), target };
}

function timerSettime(task: Task, args: SyscallArgs): number {
  const addr = args.addr(2);
  if (addr === 0) return -EINVAL;
  const interval = new UserTime();
  const value = new UserTime();
  const failed = readTimespec(task, addr, interval) || readTimespec(task, addr + 16, value);
  if (failed < 0) return failed;
  const timer = task.group.timers.get(args.int(0));
  if (timer === null) return -EINVAL;
  const left = timer.remaining();
  const oldInterval = timer.interval;
  timer.set(value.seconds, value.nanos, interval.total, (args.int(1) & TIMER_ABSTIME) !== 0);
  const old = args.addr(3);
  return old === 0 ? 0 : writeSetting(task, old, oldInterval, left);
}

function writeSetting(task: Task, addr: number, interval: number, left: number): number {
  if (writeTimespec(task, addr, interval) < 0) return -EFAULT;
  return writeTimespec(task, addr + 16, left);
}

function timerOf(task: Task, args: SyscallArgs): PosixTimer | null {
  return task.group.timers.get(args.int(0));
}

function timerGettime(task: Task, args: SyscallArgs): number {
  const timer = timerOf(task, args);
  return timer === null ? -EINVAL : writeSetting(task, args.addr(1), timer.interval, timer.remaining());
}

function timerGetoverrun(task: Task, args: SyscallArgs): number {
  const timer = timerOf(task, args);
  return timer === null ? -EINVAL : timer.lastOverrun;
}

function timerDelete(task: Task, args: SyscallArgs): number {
  return task.group.timers.delete(args.int(0));
}

export const TIMER_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_getitimer, name: 'getitimer', handler: getitimer, coverage: 'full', format: 'dp' },
  { nr: SYS_setitimer, name: 'setitimer', handler: setitimer, coverage: 'full', format: 'dpp' },
  { nr: SYS_alarm, name: 'alarm', handler: alarm, coverage: 'full', format: 'u' },
  { nr: SYS_timer_create, name: 'timer_create', handler: timerCreate, coverage: 'full', format: 'dpp' },
  { nr: SYS_timer_settime, name: 'timer_settime', handler: timerSettime, coverage: 'full', format: 'dxpp' },
  { nr: SYS_timer_gettime, name: 'timer_gettime', handler: timerGettime, coverage: 'full', format: 'dp' },
  {
    nr: SYS_timer_getoverrun,
    name: 'timer_getoverrun',
    handler: timerGetoverrun,
    coverage: 'full',
    format: 'd',
  },
  { nr: SYS_timer_delete, name: 'timer_delete', handler: timerDelete, coverage: 'full', format: 'd' },
];

// clock_gettime(2), clock_getres(2), clock_nanosleep(2), nanosleep(2), gettimeofday(2), time(2).
import {
  CLOCK_MONOTONIC_COARSE,
  CLOCK_MONOTONIC_RAW,
  CLOCK_REALTIME,
  CLOCK_REALTIME_COARSE,
  CLOCK_THREAD_CPUTIME_ID,
  EFAULT,
  EINVAL,
  EOPNOTSUPP,
  SYS_clock_getres,
  SYS_clock_gettime,
  SYS_clock_nanosleep,
  SYS_gettimeofday,
  SYS_nanosleep,
  SYS_time,
  TIMER_ABSTIME,
} from '@sandbox-kernel/abi';
import {
  monotonicDeadline,
  readClock,
  type SyscallArgs,
  sleepFor,
  sleepUntil,
  type Task,
  TimeValue,
} from '@sandbox-kernel/kernel';
import type { SyscallRow } from './row.js';
import { readTimespec, UserTime, writePair } from './user-time.js';

const COARSE_NANOS = 4_000_000;
/** Clocks that can be read only. */
const UNSLEEPABLE: readonly number[] = [
  CLOCK_MONOTONIC_RAW,
  CLOCK_REALTIME_COARSE,
  CLOCK_MONOTONIC_COARSE,
  CLOCK_THREAD_CPUTIME_ID,
];

function clockGettime(task: Task, args: SyscallArgs): number {
  const value = new TimeValue();
  const failed = readClock(task, args.int(0), value);
  return failed < 0 ? failed : writePair(task, args.addr(1), value.seconds, value.nanos);
}

function clockGetres(task: Task, args: SyscallArgs): number {
  const clock = args.int(0);
  const failed = readClock(task, clock, new TimeValue());
  if (failed < 0) return failed;
  const addr = args.addr(1);
  const coarse = clock === CLOCK_REALTIME_COARSE || clock === CLOCK_MONOTONIC_COARSE;
  return addr === 0 ? 0 : writePair(task, addr, 0, coarse ? COARSE_NANOS : 1);
}

function gettimeofday(task: Task, args: SyscallArgs): number {
  const addr = args.addr(0);
  const zone = args.addr(1);
  if (addr !== 0) {
    const value = new TimeValue();
    readClock(task, CLOCK_REALTIME, value);
    if (writePair(task, addr, value.seconds, Math.floor(value.nanos / 1000)) < 0) return -EFAULT;
  }
  return zone === 0 ? 0 : task.memory.writeU64(zone, 0);
}

function time(task: Task, args: SyscallArgs): number {
  const value = new TimeValue();
  readClock(task, CLOCK_REALTIME, value);
  const addr = args.addr(0);
  if (addr !== 0 && task.memory.writeU64(addr, value.seconds) < 0) return -EFAULT;
  return value.seconds;
}

function nanosleep(task: Task, args: SyscallArgs): number {
  const time = new UserTime();
  if (task.call.phase === 0) {
    const failed = readTimespec(task, args.addr(0), time);
    if (failed < 0) return failed;
  }
  return sleepFor(task, time.total, args.addr(1));
}

function clockNanosleep(task: Task, args: SyscallArgs): number {
  const clock = args.int(0);
  const time = new UserTime();
  const known = readClock(task, clock, new TimeValue()) >= 0 && !isOwnThread(task, clock);
  // Clocks of processes are looked for when the time has been read.
  if (!known && clock >= 0) return -EINVAL;
  if (UNSLEEPABLE.includes(clock)) return -EOPNOTSUPP;
  if (task.call.phase === 0 || (args.int(1) & TIMER_ABSTIME) !== 0) {
    const failed = readTimespec(task, args.addr(2), time);
    if (failed < 0) return failed;
  }
  if (!known) return -EINVAL;
  if (clock < 0 || clock === 2) return sleepOnProcessor(task, args, clock, time);
  if ((args.int(1) & TIMER_ABSTIME) === 0) return sleepFor(task, time.total, args.addr(3));
  const deadline = monotonicDeadline(task, clock, time.seconds, time.nanos);
  return sleepUntil(task, deadline);
}

/** A thread can't sleep until it has run for some time itself. `clock` of a thread: ~tid << 3 | 4 | kind. */
function isOwnThread(task: Task, clock: number): boolean {
  if (clock >= 0 || (clock & 4) === 0) return false;
  const tid = ~(clock >> 3);
  return tid === 0 || tid === task.tid;
}

/** Until a processor clock reaches a value: looked at again when that much real time has passed. */
function sleepOnProcessor(task: Task, args: SyscallArgs, clock: number, time: UserTime): number {
  const value = new TimeValue();
  readClock(task, clock, value);
  const now = value.seconds * 1e9 + value.nanos;
  if (task.call.phase === 0) {
    task.call.phase = 1;
    task.call.value = (args.int(1) & TIMER_ABSTIME) !== 0 ? time.total : now + time.total;
  }
  const left = task.call.value - now;
  return left <= 0 ? 0 : sleepUntil(task, task.kernel.clock.monotonic() + Math.max(left, 1_000_000));
}

export const TIME_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_clock_gettime, name: 'clock_gettime', handler: clockGettime, coverage: 'full', format: 'dp' },
  { nr: SYS_clock_getres, name: 'clock_getres', handler: clockGetres, coverage: 'full', format: 'dp' },
  {
    nr: SYS_clock_nanosleep,
    name: 'clock_nanosleep',
    handler: clockNanosleep,
    coverage: 'full',
    format: 'dxpp',
  },
  { nr: SYS_nanosleep, name: 'nanosleep', handler: nanosleep, coverage: 'full', format: 'pp' },
  { nr: SYS_gettimeofday, name: 'gettimeofday', handler: gettimeofday, coverage: 'full', format: 'pp' },
  { nr: SYS_time, name: 'time', handler: time, coverage: 'full', format: 'p' },
];

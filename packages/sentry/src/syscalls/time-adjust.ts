// adjtimex(2), clock_adjtime(2), clock_settime(2), settimeofday(2): the clock is the sandbox owner's, so that it can be looked at and nobody,
// not even root, may change it. It shows as a clock that runs free: the host's state of synchronization is the host's business.
import {
  ADJ_OFFSET_SINGLESHOT,
  CLOCK_REALTIME,
  EFAULT,
  EINVAL,
  EOPNOTSUPP,
  EPERM,
  STA_UNSYNC,
  SYS_adjtimex,
  SYS_clock_adjtime,
  SYS_clock_settime,
  SYS_settimeofday,
  TIME_ERROR,
  TIMEX_CONSTANT,
  TIMEX_ESTERROR,
  TIMEX_MAXERROR,
  TIMEX_MODES,
  TIMEX_PRECISION,
  TIMEX_SIZE,
  TIMEX_STATUS,
  TIMEX_TICK,
  TIMEX_TIME_TV_SEC,
  TIMEX_TIME_TV_USEC,
  TIMEX_TOLERANCE,
} from '@sandbox-kernel/abi';
import { processorTime, readClock, type SyscallArgs, type Task, TimeValue } from '@sandbox-kernel/kernel';
import type { SyscallRow } from './row.js';
import { put64, readTimespec, readTimeval, UserTime } from './user-time.js';

/** In `modes`: as adjtime(3) does it; with the other bit, only to ask what is left. */
const ADJ_ADJTIME = 0x8000;
const ADJ_OFFSET_READONLY = 0x2000;
/** What Linux says of a clock that nobody has set right yet. */
const WORST_ERROR = 16_000_000;
const TIME_CONSTANT = 2;
const TOLERANCE = 500 * 65536;
const TICK = 10_000;

/** `modes` that ask for nothing to be changed are fine. */
function checkModes(modes: number): number {
  if ((modes & ADJ_ADJTIME) !== 0) {
    if ((modes & ADJ_OFFSET_SINGLESHOT & ~ADJ_ADJTIME) === 0) return -EINVAL;
    return (modes & ADJ_OFFSET_READONLY) !== 0 ? 0 : -EPERM;
  }
  return modes !== 0 ? -EPERM : 0;
}

function adjust(task: Task, addr: number): number {
  const bytes = new Uint8Array(TIMEX_SIZE);
  const view = new DataView(bytes.buffer);
  if (task.memory.copyIn(addr, bytes, 0, TIMEX_SIZE) !== TIMEX_SIZE) return -EFAULT;
  const modes = view.getUint32(TIMEX_MODES, true);
  const failed = checkModes(modes);
  if (failed !== 0) return failed;
  const now = new TimeValue();
  readClock(task, CLOCK_REALTIME, now);
  bytes.fill(0, TIMEX_MODES + 4);
  put64(view, TIMEX_MAXERROR, WORST_ERROR);
  put64(view, TIMEX_ESTERROR, WORST_ERROR);
  view.setInt32(TIMEX_STATUS, STA_UNSYNC, true);
  put64(view, TIMEX_CONSTANT, TIME_CONSTANT);
  put64(view, TIMEX_PRECISION, 1);
  put64(view, TIMEX_TOLERANCE, TOLERANCE);
  put64(view, TIMEX_TIME_TV_SEC, now.seconds);
  put64(view, TIMEX_TIME_TV_USEC, Math.floor(now.nanos / 1000));
  put64(view, TIMEX_TICK, TICK);
  return task.memory.copyOut(addr, bytes, 0, TIMEX_SIZE) === TIMEX_SIZE ? TIME_ERROR : -EFAULT;
}

function adjtimex(task: Task, args: SyscallArgs): number {
  return adjust(task, args.addr(0));
}

function clockAdjtime(task: Task, args: SyscallArgs): number {
  const clock = args.int(0);
  const probe = new Uint8Array(TIMEX_SIZE);
  if (task.memory.copyIn(args.addr(1), probe, 0, TIMEX_SIZE) !== TIMEX_SIZE) return -EFAULT;
  if (clock === CLOCK_REALTIME) return adjust(task, args.addr(1));
  return readClock(task, clock, new TimeValue()) < 0 ? -EINVAL : -EOPNOTSUPP;
}

function clockSettime(task: Task, args: SyscallArgs): number {
  const clock = args.int(0);
  const value = new UserTime();
  if (clock !== CLOCK_REALTIME && clock >= 0) return -EINVAL;
  const failed = readTimespec(task, args.addr(1), value);
  if (clock === CLOCK_REALTIME || failed === -EFAULT) return failed < 0 ? failed : -EPERM;
  return processorTime(task, clock) < 0 ? -EINVAL : -EPERM;
}

function settimeofday(task: Task, args: SyscallArgs): number {
  const addr = args.addr(0);
  const zone = args.addr(1);
  const failed = addr === 0 ? 0 : readTimeval(task, addr, new UserTime());
  if (failed < 0) return failed;
  if (zone !== 0 && task.memory.copyIn(zone, new Uint8Array(8), 0, 8) !== 8) return -EFAULT;
  return -EPERM;
}

const NOTE = "read-only: the clock is the sandbox owner's";

export const TIME_ADJUST_SYSCALLS: readonly SyscallRow[] = [
  {
    nr: SYS_clock_settime,
    name: 'clock_settime',
    handler: clockSettime,
    coverage: 'partial',
    format: 'dp',
    note: NOTE,
  },
  {
    nr: SYS_settimeofday,
    name: 'settimeofday',
    handler: settimeofday,
    coverage: 'partial',
    format: 'pp',
    note: NOTE,
  },
  { nr: SYS_adjtimex, name: 'adjtimex', handler: adjtimex, coverage: 'partial', format: 'p', note: NOTE },
  {
    nr: SYS_clock_adjtime,
    name: 'clock_adjtime',
    handler: clockAdjtime,
    coverage: 'partial',
    format: 'dp',
    note: NOTE,
  },
];

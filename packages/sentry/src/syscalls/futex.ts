// futex(2), set_robust_list(2), get_robust_list(2).
import {
  EFAULT,
  EINVAL,
  ENOSYS,
  EPERM,
  ESRCH,
  FUTEX_BITSET_MATCH_ANY,
  FUTEX_CLOCK_REALTIME,
  FUTEX_CMP_REQUEUE,
  FUTEX_CMP_REQUEUE_PI,
  FUTEX_LOCK_PI,
  FUTEX_LOCK_PI2,
  FUTEX_PRIVATE_FLAG,
  FUTEX_REQUEUE,
  FUTEX_TRYLOCK_PI,
  FUTEX_UNLOCK_PI,
  FUTEX_WAIT,
  FUTEX_WAIT_BITSET,
  FUTEX_WAIT_REQUEUE_PI,
  FUTEX_WAKE,
  FUTEX_WAKE_BITSET,
  FUTEX_WAKE_OP,
  SYS_futex,
  SYS_get_robust_list,
  SYS_set_robust_list,
} from '@sandbox-kernel/abi';
import {
  futexCmpRequeuePi,
  futexRequeue,
  futexWait,
  futexWaitRequeuePi,
  futexWake,
  futexWakeOp,
  lockPi,
  monotonicDeadline,
  ROBUST_LIST_HEAD_BYTES,
  RobustList,
  type SyscallArgs,
  type Task,
  unlockPi,
} from '@sandbox-kernel/kernel';
import type { SyscallRow } from './row.js';
import { readTimespec, UserTime } from './user-time.js';

const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;
const COMMAND_BITS = 0x7f;

function futex(task: Task, args: SyscallArgs): number {
  const op = args.int(1);
  const command = op & COMMAND_BITS;
  const shared = (op & FUTEX_PRIVATE_FLAG) === 0;
  const realtime = (op & FUTEX_CLOCK_REALTIME) !== 0;
  if (realtime && !acceptsRealtime(command)) return refuseRealtime(task, args, command);
  const first = args.addr(0);
  const value = args.uint(2);
  switch (command) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
      return wait(task, args, command, shared, realtime);
    case FUTEX_WAKE:
      return futexWake(task, first, shared, value | 0, FUTEX_BITSET_MATCH_ANY);
    case FUTEX_WAKE_BITSET:
      return futexWake(task, first, shared, value | 0, args.uint(5));
    case FUTEX_REQUEUE:
      return futexRequeue(task, first, args.addr(4), shared, shared, value | 0, args.int(3), null);
    case FUTEX_CMP_REQUEUE:
      return futexRequeue(task, first, args.addr(4), shared, shared, value | 0, args.int(3), args.uint(5));
    case FUTEX_WAKE_OP:
      return futexWakeOp(task, first, args.addr(4), shared, value | 0, args.int(3), args.uint(5));
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2: {
      const clock = command === FUTEX_LOCK_PI || realtime ? CLOCK_REALTIME : CLOCK_MONOTONIC;
      const failed = readDeadline(task, args.addr(3), true, clock);
      return failed < 0 ? failed : lockPi(task, first, shared, task.call.deadline, false);
    }
    case FUTEX_WAIT_REQUEUE_PI: {
      const failed = readDeadline(task, args.addr(3), true, realtime ? CLOCK_REALTIME : CLOCK_MONOTONIC);
      if (failed < 0) return failed;
      return futexWaitRequeuePi(task, first, args.addr(4), shared, value, task.call.deadline);
    }
    case FUTEX_CMP_REQUEUE_PI: {
      const second = args.addr(4);
      return futexCmpRequeuePi(task, first, second, shared, value | 0, args.int(3), args.uint(5));
    }
    case FUTEX_TRYLOCK_PI:
      return lockPi(task, first, shared, Infinity, true);
    case FUTEX_UNLOCK_PI:
      return unlockPi(task, first, shared);
    default:
      return -ENOSYS;
  }
}

/** Even then the timeout is looked at first. */
function refuseRealtime(task: Task, args: SyscallArgs, command: number): number {
  const timed = (command === FUTEX_LOCK_PI || command === FUTEX_WAIT) && args.addr(3) !== 0;
  const failed = timed ? readTimespec(task, args.addr(3), new UserTime()) : 0;
  return failed < 0 ? failed : -ENOSYS;
}

function acceptsRealtime(command: number): boolean {
  return command === FUTEX_WAIT_BITSET || command === FUTEX_WAIT_REQUEUE_PI || command === FUTEX_LOCK_PI2;
}

function wait(task: Task, args: SyscallArgs, command: number, shared: boolean, realtime: boolean): number {
  const absolute = command === FUTEX_WAIT_BITSET;
  const failed = readDeadline(task, args.addr(3), absolute, realtime ? CLOCK_REALTIME : CLOCK_MONOTONIC);
  if (failed < 0) return failed;
  const bitset = absolute ? args.uint(5) : FUTEX_BITSET_MATCH_ANY;
  return futexWait(task, args.addr(0), shared, args.uint(2), bitset, task.call.deadline);
}

/** The first run of a call reads its timeout into `call.deadline`; later ones keep it. */
function readDeadline(task: Task, addr: number, absolute: boolean, clock: number): number {
  if (task.call.phase !== 0 || addr === 0) return 0;
  const time = new UserTime();
  const failed = readTimespec(task, addr, time);
  if (failed < 0) return failed;
  task.call.phase = 1;
  if (!absolute) task.call.deadline = task.kernel.clock.monotonic() + time.total;
  else task.call.deadline = monotonicDeadline(task, clock, time.seconds, time.nanos);
  return 0;
}

function setRobustList(task: Task, args: SyscallArgs): number {
  if (args.size(1) !== ROBUST_LIST_HEAD_BYTES) return -EINVAL;
  const head = args.addr(0);
  task.robustList = head === 0 ? null : new RobustList(head);
  return 0;
}

function getRobustList(task: Task, args: SyscallArgs): number {
  const pid = args.int(0);
  const target = pid === 0 ? task : task.kernel.findTask(pid);
  if (target === null) return -ESRCH;
  if (target.group !== task.group && target.credentials.uid !== task.credentials.euid) return -EPERM;
  if (task.memory.writeU64(args.addr(2), ROBUST_LIST_HEAD_BYTES) < 0) return -EFAULT;
  return task.memory.writeU64(args.addr(1), target.robustList === null ? 0 : target.robustList.head);
}

export const FUTEX_SYSCALLS: readonly SyscallRow[] = [
  {
    nr: SYS_futex,
    name: 'futex',
    handler: futex,
    coverage: 'partial',
    format: 'pxupp',
    note: 'owners of PI locks are not boosted: the host schedules',
  },
  {
    nr: SYS_set_robust_list,
    name: 'set_robust_list',
    handler: setRobustList,
    coverage: 'full',
    format: 'pz',
  },
  {
    nr: SYS_get_robust_list,
    name: 'get_robust_list',
    handler: getRobustList,
    coverage: 'full',
    format: 'dpp',
  },
];

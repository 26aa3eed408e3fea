// futex_wake(2), futex_wait(2), futex_requeue(2): the newer calls with one size and one clock argument each. Words of 32 bits only, as in
// Linux so far.
import {
  EFAULT,
  EINVAL,
  SYS_futex_requeue,
  SYS_futex_wait,
  SYS_futex_waitv,
  SYS_futex_wake,
} from '@sandbox-kernel/abi';
import {
  futexRequeue,
  futexWait,
  futexWaitVector,
  futexWake,
  monotonicDeadline,
  type SyscallArgs,
  type Task,
  type VectorEntry,
} from '@sandbox-kernel/kernel';
import type { SyscallRow } from './row.js';
import { readTimespec, UserTime } from './user-time.js';

const SIZE_U32 = 2;
const PRIVATE = 128;
const FLAGS = 0x03 | PRIVATE;
const CLOCK_MONOTONIC = 1;
const WAITV_BYTES = 24;
/** FUTEX_WAITV_MAX. */
const MOST_WORDS = 128;

function validFlags(flags: number): boolean {
  return (flags & ~FLAGS) === 0 && (flags & 3) === SIZE_U32;
}

function wake(task: Task, args: SyscallArgs): number {
  const flags = args.uint(3);
  if (!validFlags(flags)) return -EINVAL;
  const count = args.int(2);
  if (args.hi(1) !== 0) return -EINVAL;
  return count <= 0 ? 0 : futexWake(task, args.addr(0), (flags & PRIVATE) === 0, count, args.uint(1));
}

function wait(task: Task, args: SyscallArgs): number {
  const flags = args.uint(3);
  const clock = args.int(5);
  if (!validFlags(flags) || args.hi(1) !== 0 || args.hi(2) !== 0) return -EINVAL;
  const addr = args.addr(4);
  if (task.call.phase === 0 && addr !== 0) {
    if (clock !== 0 && clock !== CLOCK_MONOTONIC) return -EINVAL;
    const time = new UserTime();
    const failed = readTimespec(task, addr, time);
    if (failed < 0) return failed;
    task.call.phase = 1;
    task.call.deadline = monotonicDeadline(task, clock, time.seconds, time.nanos);
  }
  return futexWait(
    task,
    args.addr(0),
    (flags & PRIVATE) === 0,
    args.uint(1),
    args.uint(2),
    task.call.deadline,
  );
}

function requeue(task: Task, args: SyscallArgs): number {
  if (args.uint(1) !== 0 || args.addr(0) === 0) return -EINVAL;
  const bytes = new Uint8Array(WAITV_BYTES * 2);
  if (task.memory.copyIn(args.addr(0), bytes, 0, bytes.length) !== bytes.length) return -EFAULT;
  const view = new DataView(bytes.buffer);
  const address = (at: number): number =>
    view.getUint32(at + 12, true) * 2 ** 32 + view.getUint32(at + 8, true);
  const first = view.getUint32(16, true);
  const second = view.getUint32(16 + WAITV_BYTES, true);
  if (!validFlags(first) || !validFlags(second)) return -EINVAL;
  if (view.getUint32(20, true) !== 0 || view.getUint32(20 + WAITV_BYTES, true) !== 0) return -EINVAL;
  const expected = view.getUint32(0, true);
  return futexRequeue(
    task,
    address(0),
    address(WAITV_BYTES),
    (first & PRIVATE) === 0,
    (second & PRIVATE) === 0,
    args.int(2),
    args.int(3),
    expected,
  );
}

function waitVector(task: Task, args: SyscallArgs): number {
  const count = args.uint(1);
  if (args.uint(2) !== 0 || count === 0 || count > MOST_WORDS || args.addr(0) === 0) return -EINVAL;
  const deadline = task.call.phase === 0 ? vectorDeadline(task, args) : task.call.deadline;
  if (deadline < 0) return deadline;
  const entries = task.call.phase === 0 ? readVector(task, args.addr(0), count) : [];
  if (typeof entries === 'number') return entries;
  task.call.phase = 1;
  return futexWaitVector(task, entries, deadline);
}

/** ns monotonic; Infinity without a timeout; -EINVAL, -EFAULT. */
function vectorDeadline(task: Task, args: SyscallArgs): number {
  const clock = args.int(4);
  if (args.addr(3) === 0) return Infinity;
  if (clock !== 0 && clock !== CLOCK_MONOTONIC) return -EINVAL;
  const time = new UserTime();
  const failed = readTimespec(task, args.addr(3), time);
  if (failed < 0) return failed;
  return Math.max(monotonicDeadline(task, clock, time.seconds, time.nanos), 0);
}

function readVector(task: Task, addr: number, count: number): VectorEntry[] | number {
  const bytes = new Uint8Array(WAITV_BYTES * count);
  if (task.memory.copyIn(addr, bytes, 0, bytes.length) !== bytes.length) return -EFAULT;
  const view = new DataView(bytes.buffer);
  const entries: VectorEntry[] = [];
  for (let at = 0; at < bytes.length; at += WAITV_BYTES) {
    const flags = view.getUint32(at + 16, true);
    if (!validFlags(flags) || view.getUint32(at + 20, true) !== 0 || view.getUint32(at + 4, true) !== 0)
      return -EINVAL;
    const address = view.getUint32(at + 12, true) * 2 ** 32 + view.getUint32(at + 8, true);
    entries.push({ address, expected: view.getUint32(at, true), shared: (flags & PRIVATE) === 0 });
  }
  return entries;
}

export const FUTEX2_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_futex_waitv, name: 'futex_waitv', handler: waitVector, coverage: 'full', format: 'puxpd' },
  { nr: SYS_futex_wake, name: 'futex_wake', handler: wake, coverage: 'full', format: 'pxdx' },
  { nr: SYS_futex_wait, name: 'futex_wait', handler: wait, coverage: 'full', format: 'pxxxpd' },
  { nr: SYS_futex_requeue, name: 'futex_requeue', handler: requeue, coverage: 'full', format: 'pxdd' },
];

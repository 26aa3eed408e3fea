// futex(2) FUTEX_WAIT, FUTEX_WAKE and their BITSET forms, REQUEUE, CMP_REQUEUE, WAKE_OP. Everything is one thread: comparing the
// word and queueing can't be interrupted.
import {
  EAGAIN,
  EFAULT,
  EINVAL,
  ENOSYS,
  ERESTART_RESTARTBLOCK,
  ERESTARTSYS,
  ETIMEDOUT,
  FUTEX_BITSET_MATCH_ANY,
  FUTEX_OP_ADD,
  FUTEX_OP_ANDN,
  FUTEX_OP_CMP_EQ,
  FUTEX_OP_CMP_GE,
  FUTEX_OP_CMP_GT,
  FUTEX_OP_CMP_LE,
  FUTEX_OP_CMP_LT,
  FUTEX_OP_CMP_NE,
  FUTEX_OP_OR,
  FUTEX_OP_SET,
  FUTEX_OP_XOR,
} from '@sandbox-kernel/abi';
import { RestartBlock } from '../restart-block.js';
import { BLOCKED } from '../results.js';
import type { Task } from '../task.js';
import { FutexWaiter } from './futex-table.js';

/** Waits while the word is `expected`. `deadline` ns monotonic, Infinity for none. 0, -EAGAIN, -ETIMEDOUT, restart codes, BLOCKED. */
export function futexWait(
  task: Task,
  address: number,
  shared: boolean,
  expected: number,
  bitset: number,
  deadline: number,
): number {
  if (bitset === 0) return -EINVAL;
  const waiting = task.call.object;
  if (waiting instanceof FutexWaiter) return continueWait(task, waiting, address, shared, expected, bitset);
  const table = task.kernel.futexes;
  const located = table.locate(task, address, shared);
  if (located < 0) return located;
  const object = table.key.object!;
  const offset = table.key.offset;
  const word = task.memory.readU32(address);
  if (word < 0) return -EFAULT;
  if (word !== expected) return -EAGAIN;
  if (deadline <= table.now()) return -ETIMEDOUT;
  if (task.signalPending) return interrupted(task, address, shared, expected, bitset, deadline);
  const waiter = new FutexWaiter(task, bitset);
  table.enqueue(waiter, table.obtain(object, offset));
  task.call.object = waiter;
  task.call.deadline = deadline;
  task.wakeAt(deadline);
  return BLOCKED;
}

function continueWait(
  task: Task,
  waiter: FutexWaiter,
  address: number,
  shared: boolean,
  expected: number,
  bitset: number,
): number {
  const table = task.kernel.futexes;
  if (waiter.woken) return 0;
  if (task.call.deadline <= table.now()) {
    table.cancel(waiter);
    return -ETIMEDOUT;
  }
  if (task.signalPending) {
    table.cancel(waiter);
    task.call.object = null;
    return interrupted(task, address, shared, expected, bitset, task.call.deadline);
  }
  task.wakeAt(task.call.deadline);
  return BLOCKED;
}

function interrupted(
  task: Task,
  address: number,
  shared: boolean,
  expected: number,
  bitset: number,
  deadline: number,
): number {
  if (deadline === Infinity) return -ERESTARTSYS;
  task.restartBlock = new FutexRestart(address, shared, expected, bitset, deadline);
  return -ERESTART_RESTARTBLOCK;
}

class FutexRestart extends RestartBlock {
  readonly address: number;
  readonly shared: boolean;
  readonly expected: number;
  readonly bitset: number;
  readonly deadline: number;

  constructor(address: number, shared: boolean, expected: number, bitset: number, deadline: number) {
    super();
    this.address = address;
    this.shared = shared;
    this.expected = expected;
    this.bitset = bitset;
    this.deadline = deadline;
  }

  restart(task: Task): number {
    return futexWait(task, this.address, this.shared, this.expected, this.bitset, this.deadline);
  }
}

/** Waiters woken, or -errno. */
export function futexWake(
  task: Task,
  address: number,
  shared: boolean,
  count: number,
  bitset: number,
): number {
  if (bitset === 0) return -EINVAL;
  const table = task.kernel.futexes;
  const located = table.locate(task, address, shared);
  if (located < 0) return located;
  const queue = table.find(table.key.object!, table.key.offset);
  if (queue === null) return 0;
  const woken = table.wake(queue, Math.max(count, 1), bitset);
  return woken < 0 ? -EINVAL : woken;
}

/** Wakes up to `wakeCount`, moves up to `moveCount` to the second word. `expected` null: FUTEX_REQUEUE. */
export function futexRequeue(
  task: Task,
  from: number,
  to: number,
  sharedFrom: boolean,
  sharedTo: boolean,
  wakeCount: number,
  moveCount: number,
  expected: number | null,
): number {
  if (wakeCount < 0 || moveCount < 0) return -EINVAL;
  const table = task.kernel.futexes;
  let located = table.locate(task, from, sharedFrom);
  if (located < 0) return located;
  const object = table.key.object!;
  const offset = table.key.offset;
  located = table.locate(task, to, sharedTo);
  if (located < 0) return located;
  const targetObject = table.key.object!;
  const targetOffset = table.key.offset;
  if (expected !== null) {
    const word = task.memory.readU32(from);
    if (word < 0) return -EFAULT;
    if (word !== expected) return -EAGAIN;
  }
  const queue = table.find(object, offset);
  if (queue === null) return 0;
  const woken = wakeCount === 0 ? 0 : table.wake(queue, wakeCount, FUTEX_BITSET_MATCH_ANY);
  if (woken < 0) return -EINVAL;
  if (targetObject === object && targetOffset === offset)
    return woken + Math.min(moveCount, queue.waiters.length);
  const target = table.obtain(targetObject, targetOffset);
  let moved = 0;
  while (moved < moveCount && queue.waiters.length > 0) {
    const waiter = queue.waiters.shift()!;
    table.enqueue(waiter, target);
    moved++;
  }
  table.dropEmpty(queue);
  table.dropEmpty(target);
  return woken + moved;
}

/** FUTEX_WAKE_OP: changes the second word, wakes waiters of the first, and of the second when its old value compares true. */
export function futexWakeOp(
  task: Task,
  first: number,
  second: number,
  shared: boolean,
  count: number,
  count2: number,
  operation: number,
): number {
  const table = task.kernel.futexes;
  let located = table.locate(task, first, shared);
  if (located < 0) return located;
  const object = table.key.object!;
  const offset = table.key.offset;
  located = table.locate(task, second, shared);
  if (located < 0) return located;
  const holds = applyOperation(task, second, operation);
  if (holds < 0) return holds;
  const object2 = table.key.object!;
  const offset2 = table.key.offset;
  const queue = table.find(object, offset);
  let woken = queue === null ? 0 : table.wake(queue, Math.max(count, 1), FUTEX_BITSET_MATCH_ANY);
  if (woken < 0) return -EINVAL;
  if (holds === 0) return woken;
  const queue2 = table.find(object2, offset2);
  const more = queue2 === null ? 0 : table.wake(queue2, Math.max(count2, 1), FUTEX_BITSET_MATCH_ANY);
  if (more < 0) return -EINVAL;
  woken += more;
  return woken;
}

/** 1 or 0: whether the old value compared true; or -errno. */
function applyOperation(task: Task, address: number, encoded: number): number {
  const operation = (encoded >>> 28) & 7;
  const comparison = (encoded >>> 24) & 15;
  let argument = (encoded << 8) >> 20;
  const against = (encoded << 20) >> 20;
  if ((encoded & 0x80000000) !== 0) argument = 1 << (argument & 31);
  const old = task.memory.readU32(address);
  if (old < 0) return -EFAULT;
  const value = operate(operation, old | 0, argument);
  if (value === null) return -ENOSYS;
  if (task.memory.writeU32(address, value >>> 0) < 0) return -EFAULT;
  return compare(comparison, old | 0, against);
}

function operate(operation: number, old: number, argument: number): number | null {
  switch (operation) {
    case FUTEX_OP_SET:
      return argument;
    case FUTEX_OP_ADD:
      return (old + argument) | 0;
    case FUTEX_OP_OR:
      return old | argument;
    case FUTEX_OP_ANDN:
      return old & ~argument;
    case FUTEX_OP_XOR:
      return old ^ argument;
    default:
      return null;
  }
}

function compare(comparison: number, old: number, against: number): number {
  switch (comparison) {
    case FUTEX_OP_CMP_EQ:
      return old === against ? 1 : 0;
    case FUTEX_OP_CMP_NE:
      return old !== against ? 1 : 0;
    case FUTEX_OP_CMP_LT:
      return old < against ? 1 : 0;
    case FUTEX_OP_CMP_GE:
      return old >= against ? 1 : 0;
    case FUTEX_OP_CMP_LE:
      return old <= against ? 1 : 0;
    case FUTEX_OP_CMP_GT:
      return old > against ? 1 : 0;
    default:
      return -ENOSYS;
  }
}

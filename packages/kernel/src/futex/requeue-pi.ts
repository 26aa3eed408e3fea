// FUTEX_WAIT_REQUEUE_PI and FUTEX_CMP_REQUEUE_PI (futex(2)): a condition variable whose mutex inherits priority. A waiter sleeps on the
// first word, and is moved to the lock behind the second one by whoever signals; it returns as the lock's owner.
import {
  EAGAIN,
  EDEADLK,
  EFAULT,
  EINVAL,
  ERESTARTNOINTR,
  ESRCH,
  ETIMEDOUT,
  FUTEX_BITSET_MATCH_ANY,
  FUTEX_OWNER_DIED,
  FUTEX_TID_MASK,
  FUTEX_WAITERS,
} from '@sandbox-kernel/abi';
import { BLOCKED } from '../results.js';
import type { Task } from '../task.js';
import { type FutexQueue, FutexWaiter } from './futex-table.js';
import { leaveLock, piStateOf, wouldDeadlock } from './pi.js';

/** Two words, located; filled by `locateBoth`. */
interface Words {
  object: object;
  offset: number;
  lockObject: object;
  lockOffset: number;
}

/** The words of both addresses, or -errno: they must not be the same. */
function locateBoth(task: Task, first: number, second: number, shared: boolean): Words | number {
  const table = task.kernel.futexes;
  let located = table.locate(task, first, shared);
  if (located < 0) return located;
  const object = table.key.object!;
  const offset = table.key.offset;
  located = table.locate(task, second, shared);
  if (located < 0) return located;
  const words = { object, offset, lockObject: table.key.object!, lockOffset: table.key.offset };
  return words.lockObject === object && words.lockOffset === offset ? -EINVAL : words;
}

/** 0 as owner of the lock; -EAGAIN, -ETIMEDOUT, -ERESTARTNOINTR, BLOCKED. `deadline` ns monotonic. */
export function futexWaitRequeuePi(
  task: Task,
  address: number,
  lock: number,
  shared: boolean,
  expected: number,
  deadline: number,
): number {
  const waiting = task.call.object;
  if (waiting instanceof FutexWaiter) return continueWait(task, waiting);
  if (address === lock) return -EINVAL;
  const words = locateBoth(task, address, lock, shared);
  if (typeof words === 'number') return words;
  const table = task.kernel.futexes;
  const word = task.memory.readU32(address);
  if (word < 0) return -EFAULT;
  if (word !== expected) return -EAGAIN;
  if (deadline <= table.now()) return -ETIMEDOUT;
  if (task.signalPending) return -ERESTARTNOINTR;
  const waiter = new FutexWaiter(task, FUTEX_BITSET_MATCH_ANY);
  waiter.requeueObject = words.lockObject;
  waiter.requeueOffset = words.lockOffset;
  waiter.lockAddress = lock;
  table.enqueue(waiter, table.obtain(words.object, words.offset));
  task.call.object = waiter;
  task.call.deadline = deadline;
  task.wakeAt(deadline);
  return BLOCKED;
}

function continueWait(task: Task, waiter: FutexWaiter): number {
  if (waiter.acquired) return 0;
  const late = task.call.deadline <= task.kernel.futexes.now();
  if (!late && !task.signalPending) {
    task.wakeAt(task.call.deadline);
    return BLOCKED;
  }
  const moved = waiter.pi !== null;
  if (moved) leaveLock(task, waiter);
  else task.kernel.futexes.cancel(waiter);
  task.call.object = null;
  if (late) return -ETIMEDOUT;
  // Once it waits for the lock, the wait on the first word can't be begun again.
  return moved ? -EAGAIN : -ERESTARTNOINTR;
}

/** Waiters that got the lock or were moved to it, or -errno. `wakeCount` must be 1: only one can own the lock. */
export function futexCmpRequeuePi(
  task: Task,
  from: number,
  lock: number,
  shared: boolean,
  wakeCount: number,
  moveCount: number,
  expected: number,
): number {
  if (wakeCount < 0 || moveCount < 0 || wakeCount !== 1 || from === lock) return -EINVAL;
  const words = locateBoth(task, from, lock, shared);
  if (typeof words === 'number') return words;
  const word = task.memory.readU32(from);
  if (word < 0) return -EFAULT;
  if (word !== expected) return -EAGAIN;
  const table = task.kernel.futexes;
  const queue = table.find(words.object, words.offset);
  if (queue === null) return 0;
  const first = queue.waiters[0]!;
  if (!waitsFor(first, words)) return -EINVAL;
  const owned = takeForFirst(task, first, lock, queue.waiters.length > 1);
  if (owned < 0) return owned;
  if (owned === 1) {
    queue.waiters.shift();
    first.requeueObject = null;
    first.acquired = true;
    table.wakeOne(first);
  }
  const moved = moveWaiters(task, queue, words, lock, owned === 1 ? moveCount : moveCount + 1);
  table.dropEmpty(queue);
  return moved < 0 ? moved : owned + moved;
}

function waitsFor(waiter: FutexWaiter, words: Words): boolean {
  return waiter.requeueObject === words.lockObject && waiter.requeueOffset === words.lockOffset;
}

/** 1: the lock was free, `first` has it. 0: somebody has it. */
function takeForFirst(task: Task, first: FutexWaiter, lock: number, more: boolean): number {
  const word = task.memory.readU32(lock);
  if (word < 0) return -EFAULT;
  const owner = (word & FUTEX_TID_MASK) >>> 0;
  if (owner === first.task.tid) return -EDEADLK;
  if (owner !== 0) return 0;
  const value = (first.task.tid | (word & FUTEX_OWNER_DIED) | (more ? FUTEX_WAITERS : 0)) >>> 0;
  return task.memory.writeU32(lock, value) < 0 ? -EFAULT : 1;
}

function moveWaiters(task: Task, queue: FutexQueue, words: Words, lock: number, most: number): number {
  if (queue.waiters.length === 0 || most === 0) return 0;
  const word = task.memory.readU32(lock);
  if (word < 0) return -EFAULT;
  const owner = task.kernel.findTask((word & FUTEX_TID_MASK) >>> 0);
  if (owner === null) return -ESRCH;
  if (owner.exiting) return -EAGAIN;
  const table = task.kernel.futexes;
  const target = table.obtain(words.lockObject, words.lockOffset);
  if (target.pi !== null && target.pi.owner !== owner) return -EINVAL;
  if (task.memory.writeU32(lock, (word | FUTEX_WAITERS) >>> 0) < 0) return -EFAULT;
  let moved = 0;
  while (moved < most && queue.waiters.length > 0) {
    const waiter = queue.waiters[0]!;
    const refused = !waitsFor(waiter, words) ? -EINVAL : wouldDeadlock(waiter.task, owner) ? -EDEADLK : 0;
    if (refused < 0) {
      table.dropEmpty(target);
      return moved > 0 ? moved : refused;
    }
    queue.waiters.shift();
    waiter.requeueObject = null;
    waiter.pi = piStateOf(target, owner);
    table.enqueue(waiter, target);
    moved++;
  }
  return moved;
}

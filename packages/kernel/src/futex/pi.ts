// Priority inheritance locks (futex(2), "Priority-inheritance futexes"). Priorities order nothing here (the host schedules), so a lock
// is handed to the longest waiter; the word's owner and FUTEX_WAITERS and FUTEX_OWNER_DIED bits follow Linux exactly.
import {
  EAGAIN,
  EDEADLK,
  EFAULT,
  EINVAL,
  EPERM,
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

/** A PI lock somebody waits for. Exists while there are waiters. */
export class PiState {
  readonly queue: FutexQueue;
  owner: Task;
  /** Where the owner's program has the word (it may be mapped elsewhere in others). */
  readonly address: number;

  constructor(queue: FutexQueue, owner: Task, address: number) {
    this.queue = queue;
    this.owner = owner;
    this.address = address;
  }
}

/** FUTEX_LOCK_PI, FUTEX_LOCK_PI2 and, with `tryOnly`, FUTEX_TRYLOCK_PI. */
export function lockPi(
  task: Task,
  address: number,
  shared: boolean,
  deadline: number,
  tryOnly: boolean,
): number {
  const waiting = task.call.object;
  if (waiting instanceof FutexWaiter) return continueLock(task, waiting);
  const table = task.kernel.futexes;
  const located = table.locate(task, address, shared);
  if (located < 0) return located;
  const object = table.key.object!;
  const offset = table.key.offset;
  const word = task.memory.readU32(address);
  if (word < 0) return -EFAULT;
  const ownerTid = (word & FUTEX_TID_MASK) >>> 0;
  if (ownerTid === task.tid) return -EDEADLK;
  const existing = table.find(object, offset);
  if (ownerTid === 0 && (existing === null || existing.pi === null)) return takeFree(task, address, word);
  if (existing !== null && existing.waiters.length > 0 && existing.pi === null) return -EINVAL;
  const owner = task.kernel.findTask(ownerTid);
  if (owner === null || owner.exiting) return owner === null ? -ESRCH : -EAGAIN;
  if (existing?.pi != null && existing.pi.owner !== owner) return -EINVAL;
  if (tryOnly) return -EAGAIN;
  if (task.memory.writeU32(address, (word | FUTEX_WAITERS) >>> 0) < 0) return -EFAULT;
  return waitForLock(task, table.obtain(object, offset), owner, address, deadline);
}

function takeFree(task: Task, address: number, word: number): number {
  const value = (task.tid | (word & FUTEX_OWNER_DIED)) >>> 0;
  return task.memory.writeU32(address, value) < 0 ? -EFAULT : 0;
}

function waitForLock(task: Task, queue: FutexQueue, owner: Task, address: number, deadline: number): number {
  if (queue.pi === null) {
    queue.pi = new PiState(queue, owner, address);
    owner.heldPi.add(queue.pi);
  }
  if (wouldDeadlock(task, owner)) return -EDEADLK;
  const waiter = new FutexWaiter(task, FUTEX_BITSET_MATCH_ANY);
  waiter.pi = queue.pi;
  task.kernel.futexes.enqueue(waiter, queue);
  task.call.object = waiter;
  task.call.deadline = deadline;
  task.wakeAt(deadline);
  return BLOCKED;
}

/** The owner itself waits, through other locks, for one that `task` holds. */
function wouldDeadlock(task: Task, owner: Task): boolean {
  let at: Task = owner;
  for (let depth = 0; depth < 1024; depth++) {
    const waiting: unknown = at.call.object;
    if (!(waiting instanceof FutexWaiter) || waiting.pi === null) return false;
    at = waiting.pi.owner;
    if (at === task) return true;
  }
  return true;
}

/** The second and later runs of a call that waits for a PI lock. */
export function continueLock(task: Task, waiter: FutexWaiter): number {
  if (waiter.acquired) return 0;
  const table = task.kernel.futexes;
  if (waiter.queue === null) return waiter.woken ? -EAGAIN : -ERESTARTNOINTR;
  const late = task.call.deadline <= table.now();
  if (late || task.signalPending) {
    leaveLock(task, waiter);
    task.call.object = null;
    return late ? -ETIMEDOUT : -ERESTARTNOINTR;
  }
  task.wakeAt(task.call.deadline);
  return BLOCKED;
}

function leaveLock(task: Task, waiter: FutexWaiter): void {
  const state = waiter.pi;
  task.kernel.futexes.cancel(waiter);
  if (state === null || state.queue.waiters.length > 0) return;
  dropState(state, task);
}

function dropState(state: PiState, task: Task): void {
  state.owner.heldPi.delete(state);
  state.queue.pi = null;
  task.kernel.futexes.dropEmpty(state.queue);
}

/** FUTEX_UNLOCK_PI. */
export function unlockPi(task: Task, address: number, shared: boolean): number {
  const table = task.kernel.futexes;
  const word = task.memory.readU32(address);
  if (word < 0) return -EFAULT;
  if ((word & FUTEX_TID_MASK) >>> 0 !== task.tid) return -EPERM;
  const located = table.locate(task, address, shared);
  if (located < 0) return located;
  const queue = table.find(table.key.object!, table.key.offset);
  if (queue === null || queue.pi === null) return task.memory.writeU32(address, 0) < 0 ? -EFAULT : 0;
  if (queue.pi.owner !== task) return -EINVAL;
  return handOver(task, queue.pi, address, 0);
}

/** The longest waiter becomes owner. `died`: FUTEX_OWNER_DIED or 0. */
function handOver(task: Task, state: PiState, address: number, died: number): number {
  const queue = state.queue;
  const next = queue.waiters.shift();
  if (next === undefined) {
    dropState(state, task);
    return task.memory.writeU32(address, died) < 0 ? -EFAULT : 0;
  }
  const more = queue.waiters.length > 0 ? FUTEX_WAITERS : 0;
  const value = (next.task.tid | more | died) >>> 0;
  const failed = task.memory.writeU32(address, value) < 0;
  task.heldPi.delete(state);
  if (more !== 0) {
    state.owner = next.task;
    next.task.heldPi.add(state);
  } else {
    queue.pi = null;
    task.kernel.futexes.dropEmpty(queue);
  }
  next.acquired = true;
  task.kernel.futexes.wakeOne(next);
  return failed ? -EFAULT : 0;
}

/** A thread exits: locks it still owns, that others wait for, go to the next with FUTEX_OWNER_DIED. */
export function piOwnerDied(task: Task): void {
  for (const held of [...task.heldPi])
    handOver(task, held as PiState, (held as PiState).address, FUTEX_OWNER_DIED);
  task.heldPi.clear();
}

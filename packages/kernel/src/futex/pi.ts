// Priority inheritance locks (futex(2), "Priority-inheritance futexes"). A lock is handed to the waiter
// with the highest real-time priority, the longest waiting one among equals; nobody is boosted, since the host schedules. The word's owner
// and its FUTEX_WAITERS and FUTEX_OWNER_DIED bits follow Linux exactly.
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

  constructor(queue: FutexQueue, owner: Task) {
    this.queue = queue;
    this.owner = owner;
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
  if (wouldDeadlock(task, owner)) {
    task.kernel.futexes.dropEmpty(queue);
    return -EDEADLK;
  }
  const waiter = new FutexWaiter(task, FUTEX_BITSET_MATCH_ANY);
  waiter.pi = piStateOf(queue, owner);
  waiter.lockAddress = address;
  task.kernel.futexes.enqueue(waiter, queue);
  task.call.object = waiter;
  task.call.deadline = deadline;
  task.wakeAt(deadline);
  return BLOCKED;
}

/** The state of a lock that `owner` has and somebody is about to wait for. */
export function piStateOf(queue: FutexQueue, owner: Task): PiState {
  let state = queue.pi;
  if (state === null) {
    state = new PiState(queue, owner);
    queue.pi = state;
    owner.heldPi.add(state);
  }
  return state;
}

/** The owner itself waits, through other locks, for one that `task` holds. */
export function wouldDeadlock(task: Task, owner: Task): boolean {
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

export function leaveLock(task: Task, waiter: FutexWaiter): void {
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
  const next = takeTopWaiter(queue);
  if (next === null) {
    dropState(state, task);
    return task.memory.writeU32(address, died) < 0 ? -EFAULT : 0;
  }
  const more = queue.waiters.length > 0 ? FUTEX_WAITERS : 0;
  const value = (next.task.tid | more | died) >>> 0;
  const failed = task.memory.writeU32(address, value) < 0;
  state.owner.heldPi.delete(state);
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

function takeTopWaiter(queue: FutexQueue): FutexWaiter | null {
  const { waiters } = queue;
  let top = 0;
  for (let i = 1; i < waiters.length; i++) {
    if (waiters[i]!.task.scheduling.priority > waiters[top]!.task.scheduling.priority) top = i;
  }
  const [waiter] = waiters.splice(top, 1);
  return waiter ?? null;
}

/** A thread exits: locks it still owns, that others wait for, go to the next with FUTEX_OWNER_DIED. */
export function piOwnerDied(task: Task): void {
  for (const held of [...task.heldPi]) {
    const state = held as PiState;
    // Its own view of the lock may be gone or elsewhere; a waiter knows where it has the word.
    const waiter = state.queue.waiters[0];
    if (waiter !== undefined) handOver(waiter.task, state, waiter.lockAddress, FUTEX_OWNER_DIED);
    else dropState(state, task);
  }
  task.heldPi.clear();
}

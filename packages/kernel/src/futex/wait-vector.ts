// futex_waitv(2): waits on several words at once; woken on one, it leaves the others.
import { EAGAIN, EFAULT, EINVAL, ERESTARTSYS, ETIMEDOUT, FUTEX_BITSET_MATCH_ANY } from '@sandbox-kernel/abi';
import { BLOCKED } from '../results.js';
import type { Task } from '../task.js';
import { FutexWaiter } from './futex-table.js';

/** One word of the vector, validated. */
export interface VectorEntry {
  readonly address: number;
  readonly expected: number;
  readonly shared: boolean;
}

/** The waiters of a blocked call: kept in `task.call.object` between its runs. */
class VectorWait {
  readonly waiters: FutexWaiter[] = [];
}

/**
 * Index of a word that was woken; -EAGAIN when one no longer holds its value, -ETIMEDOUT, -EINVAL, -EFAULT, -ERESTARTSYS, BLOCKED.
 * `deadline`: ns monotonic, Infinity for none.
 */
export function futexWaitVector(task: Task, entries: readonly VectorEntry[], deadline: number): number {
  const waiting = task.call.object;
  if (waiting instanceof VectorWait) return continueWait(task, waiting);
  const wait = new VectorWait();
  const queued = enqueueAll(task, entries, wait);
  if (queued < 0) return leave(task, wait, queued);
  if (deadline <= task.kernel.futexes.now()) return leave(task, wait, -ETIMEDOUT);
  if (task.signalPending) return leave(task, wait, -ERESTARTSYS);
  task.call.object = wait;
  task.call.deadline = deadline;
  task.wakeAt(deadline);
  return BLOCKED;
}

/** Nothing runs in between, so that comparing and queueing one by one is atomic for programs. */
function enqueueAll(task: Task, entries: readonly VectorEntry[], wait: VectorWait): number {
  const table = task.kernel.futexes;
  for (let index = 0; index < entries.length; index++) {
    const { address, expected, shared } = entries[index] as VectorEntry;
    const located = table.locate(task, address, shared);
    if (located < 0) return located;
    const object = table.key.object;
    if (object === null) return -EINVAL;
    const { offset } = table.key;
    const word = task.memory.readU32(address);
    if (word < 0) return -EFAULT;
    if (word !== expected) return -EAGAIN;
    const waiter = new FutexWaiter(task, FUTEX_BITSET_MATCH_ANY);
    waiter.index = index;
    table.enqueue(waiter, table.obtain(object, offset));
    wait.waiters.push(waiter);
  }
  return 0;
}

function continueWait(task: Task, wait: VectorWait): number {
  // The last one woken, as Linux reports when several were.
  const woken = wait.waiters.findLast((waiter) => waiter.woken);
  if (woken !== undefined) return leave(task, wait, woken.index);
  if (task.call.deadline <= task.kernel.futexes.now()) return leave(task, wait, -ETIMEDOUT);
  if (task.signalPending) return leave(task, wait, -ERESTARTSYS);
  task.wakeAt(task.call.deadline);
  return BLOCKED;
}

function leave(task: Task, wait: VectorWait, result: number): number {
  for (const waiter of wait.waiters) task.kernel.futexes.cancel(waiter);
  task.call.object = null;
  return result;
}

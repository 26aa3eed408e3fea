// Who waits on which futex word (futex(2)). A word is named by (object, offset): the address space and address for private ones, the
// mapped object and its offset for shared ones, so that processes and files meet. Queues exist only while somebody waits.
import { FUTEX_BITSET_MATCH_ANY } from '@sandbox-kernel/abi';
import type { FutexKey } from '@sandbox-kernel/mm';
import type { Kernel } from '../kernel.js';
import type { Task } from '../task.js';
import type { PiState } from './pi.js';

/** One wait on one word. Stands in a queue until woken; `woken` tells the blocked call. */
export class FutexWaiter {
  readonly task: Task;
  /** Null once woken or cancelled. */
  queue: FutexQueue | null;
  bitset: number;
  woken: boolean;
  /** Waits for a PI lock: ownership is handed over instead of a plain wake. */
  pi: PiState | null;
  /** FUTEX_WAIT_REQUEUE_PI: where it may be moved to. */
  requeueObject: object | null;
  requeueOffset: number;
  /** Where its own program has the PI lock's word. */
  lockAddress: number;
  /** Got the PI lock by a hand-over. */
  acquired: boolean;
  /** Place in a futex_waitv. */
  index: number;

  constructor(task: Task, bitset: number) {
    this.task = task;
    this.queue = null;
    this.bitset = bitset;
    this.woken = false;
    this.pi = null;
    this.requeueObject = null;
    this.requeueOffset = 0;
    this.lockAddress = 0;
    this.acquired = false;
    this.index = 0;
  }
}

export class FutexQueue {
  readonly object: object;
  readonly offset: number;
  /** In order of arrival; PI locks order by priority when they choose. */
  readonly waiters: FutexWaiter[];
  pi: PiState | null;

  constructor(object: object, offset: number) {
    this.object = object;
    this.offset = offset;
    this.waiters = [];
    this.pi = null;
  }
}

export class FutexTable {
  private readonly kernel: Kernel;
  private readonly byObject: Map<object, Map<number, FutexQueue>>;
  /** Filled by `locate`. */
  readonly key: FutexKey;

  constructor(kernel: Kernel) {
    this.kernel = kernel;
    this.byObject = new Map();
    this.key = { object: null, offset: 0 };
  }

  /** Fills `key`; 0 or -errno. */
  locate(task: Task, address: number, shared: boolean): number {
    return task.memory.futexKey(address, shared, this.key);
  }

  /** The queue of a word, or null when nobody waits. */
  find(object: object, offset: number): FutexQueue | null {
    return this.byObject.get(object)?.get(offset) ?? null;
  }

  obtain(object: object, offset: number): FutexQueue {
    let offsets = this.byObject.get(object);
    if (offsets === undefined) {
      offsets = new Map();
      this.byObject.set(object, offsets);
    }
    let queue = offsets.get(offset);
    if (queue === undefined) {
      queue = new FutexQueue(object, offset);
      offsets.set(offset, queue);
    }
    return queue;
  }

  enqueue(waiter: FutexWaiter, queue: FutexQueue): void {
    waiter.queue = queue;
    waiter.woken = false;
    queue.waiters.push(waiter);
  }

  /** Takes a waiter out without waking it. */
  cancel(waiter: FutexWaiter): void {
    const queue = waiter.queue;
    if (queue === null) return;
    waiter.queue = null;
    const at = queue.waiters.indexOf(waiter);
    if (at >= 0) queue.waiters.splice(at, 1);
    this.dropEmpty(queue);
  }

  dropEmpty(queue: FutexQueue): void {
    if (queue.waiters.length > 0 || queue.pi !== null) return;
    const offsets = this.byObject.get(queue.object);
    if (offsets === undefined || offsets.get(queue.offset) !== queue) return;
    offsets.delete(queue.offset);
    if (offsets.size === 0) this.byObject.delete(queue.object);
  }

  /** Wakes up to `count` plain waiters whose bitset meets `bitset`. -1 when one waits for a PI lock (EINVAL). */
  wake(queue: FutexQueue, count: number, bitset: number): number {
    let woken = 0;
    for (let i = 0; i < queue.waiters.length && woken < count; ) {
      const waiter = queue.waiters[i]!;
      if (waiter.pi !== null || waiter.requeueObject !== null) return -1;
      if ((waiter.bitset & bitset) === 0) {
        i++;
        continue;
      }
      queue.waiters.splice(i, 1);
      this.wakeOne(waiter);
      woken++;
    }
    this.dropEmpty(queue);
    return woken;
  }

  wakeOne(waiter: FutexWaiter): void {
    waiter.queue = null;
    waiter.woken = true;
    waiter.task.wakeAgain();
  }

  /** For the kernel's own wake-ups (clear_child_tid, robust lists): the word may be private or shared. */
  wakeAddress(task: Task, address: number, shared: boolean, count: number): void {
    for (const kind of shared ? [true, false] : [false]) {
      if (this.locate(task, address, kind) < 0 || this.key.object === null) continue;
      const queue = this.find(this.key.object, this.key.offset);
      if (queue !== null) this.wake(queue, count, FUTEX_BITSET_MATCH_ANY);
    }
  }

  hasPiState(task: Task, address: number): boolean {
    for (const kind of [true, false]) {
      if (this.locate(task, address, kind) < 0 || this.key.object === null) continue;
      const queue = this.find(this.key.object, this.key.offset);
      if (queue !== null && queue.pi !== null && queue.pi.owner === task) return true;
    }
    return false;
  }

  /** Words that somebody waits on, for tests and statistics. */
  get size(): number {
    let count = 0;
    for (const offsets of this.byObject.values()) count += offsets.size;
    return count;
  }

  now(): number {
    return this.kernel.clock.monotonic();
  }
}

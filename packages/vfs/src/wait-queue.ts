// Wait queues: who wants to hear of an event on an object. Entries are links of a list (no allocation to join or leave);
// a notification calls `Waiter.wake` on each entry whose events match, and ends after the first exclusive one that took it.
// Entries are plain objects, so that a checkpoint can write them.

import type { WaitEntry, Waiter } from '@sandbox-kernel/contracts';
import { InvariantError } from './invariant-error.js';

/** An entry that can stand in one queue at a time. Subclass it to carry what the waiter must know. */
export class WaitNode implements WaitEntry {
  readonly waiter: Waiter;
  events: number;
  exclusive: boolean;
  /** The queue it stands in; null when in none. */
  queue: WaitQueue | null;
  previous: WaitNode | null;
  next: WaitNode | null;

  constructor(waiter: Waiter, events: number, exclusive = false) {
    this.waiter = waiter;
    this.events = events;
    this.exclusive = exclusive;
    this.queue = null;
    this.previous = null;
    this.next = null;
  }

  /** Leaves its queue, if it is in one. */
  leave(): void {
    if (this.queue !== null) this.queue.remove(this);
  }
}

export class WaitQueue {
  private head: WaitNode | null;
  private tail: WaitNode | null;
  private firstExclusive: WaitNode | null;
  /** The next entry that a running `wake` will look at: kept right when entries leave meanwhile. */
  private cursor: WaitNode | null;

  constructor() {
    this.head = null;
    this.tail = null;
    this.firstExclusive = null;
    this.cursor = null;
  }

  get empty(): boolean {
    return this.head === null;
  }

  /**
   * First in the queue. Plain entries come before exclusive ones: all of them hear. Within each kind it is first come, first served: what
   * all of them want (a byte of a pipe that is a lock) goes to who has waited longest, where Linux's readers wait exclusively.
   */
  get first(): WaitNode | null {
    return this.head;
  }

  /** Pre: `entry` stands in no queue. */
  add(entry: WaitNode): void {
    if (entry.queue !== null) throw new InvariantError('wait entry stands in a queue already');
    entry.queue = this;
    const next = entry.exclusive ? null : this.firstExclusive;
    const previous = next === null ? this.tail : next.previous;
    if (entry.exclusive && this.firstExclusive === null) this.firstExclusive = entry;
    entry.next = next;
    entry.previous = previous;
    if (previous === null) this.head = entry;
    else previous.next = entry;
    if (next === null) this.tail = entry;
    else next.previous = entry;
  }

  /** No effect when `entry` is not in this queue. */
  remove(entry: WaitNode): void {
    if (entry.queue !== this) return;
    if (this.cursor === entry) this.cursor = entry.next;
    // Behind an exclusive entry stand only others.
    if (this.firstExclusive === entry) this.firstExclusive = entry.next;
    if (entry.previous === null) this.head = entry.next;
    else entry.previous.next = entry.next;
    if (entry.next === null) this.tail = entry.previous;
    else entry.next.previous = entry.previous;
    entry.queue = null;
    entry.previous = null;
    entry.next = null;
  }

  /**
   * Tells entries interested in any of `events`; those without exclusive interest always, and exclusive ones until one took
   * it. Returns how many took it. Waiters may leave queues and join others while this runs.
   */
  wake(events: number): number {
    return this.tell(events, events);
  }

  /** A wake-up without a key: whatever entries are interested in, they are told, with `events` 0. */
  wakeAll(): number {
    return this.tell(-1, 0);
  }

  private tell(interest: number, events: number): number {
    const outer = this.cursor;
    let woken = 0;
    this.cursor = this.head;
    while (this.cursor !== null) {
      const entry: WaitNode = this.cursor;
      this.cursor = entry.next;
      if ((entry.events & interest) === 0) continue;
      const exclusive = entry.exclusive;
      if (!entry.waiter.wake(entry, events)) continue;
      woken++;
      if (exclusive) break;
    }
    this.cursor = outer;
    return woken;
  }
}

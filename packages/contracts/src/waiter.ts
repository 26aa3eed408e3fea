// Readiness: who waits, on what, and how it is told. A waiter is an object with a kind and an owner, never a closure,
// so that a checkpoint can write it.

/** Events as in poll(2) (EPOLLIN, EPOLLOUT, …); other queues use bit 0. */
export interface WaitEntry {
  readonly waiter: Waiter;
  /** Events the waiter wants to hear of. */
  events: number;
  /** Wake at most one of these per notification (accept queues, EPOLLEXCLUSIVE). */
  exclusive: boolean;
}

export interface Waiter {
  /**
   * Something on the entry's queue happened; `events` 0: it isn't said what. True when the waiter took it (ends an exclusive round).
   * Must not block or throw; may remove entries from queues, its own included.
   */
  wake(entry: WaitEntry, events: number): boolean;
}

// Who waits for whose record lock: the graph in which fcntl(2) F_SETLKW looks for deadlocks.

import type { Inode } from '../inode.js';

/** An owner of POSIX locks: a descriptor table (Linux: files_struct). */
export type LockOwner = object;

export class LockManager {
  /** Waiting owner → owners that it waits for, one entry per waiting task. */
  private readonly waits: Map<LockOwner, LockOwner>;
  /** Every inode that has or had locks, for /proc/locks. */
  readonly inodes: Set<Inode>;
  /** How long a lease may stand in the way, ns (/proc/sys/fs/lease-break-time); 0: for ever. */
  leaseBreakNanos: number;
  /** Set by an operation that said -EAGAIN because of a lease: what to wait for. */
  breaking: Inode | null;

  constructor() {
    this.waits = new Map();
    this.inodes = new Set();
    this.leaseBreakNanos = 45e9;
    this.breaking = null;
  }

  /** Would waiting for `holder` close a circle? */
  wouldDeadlock(owner: LockOwner, holder: LockOwner): boolean {
    let at: LockOwner | undefined = holder;
    for (let steps = 0; at !== undefined && steps < 1000; steps++) {
      if (at === owner) return true;
      at = this.waits.get(at);
    }
    return false;
  }

  waiting(owner: LockOwner, holder: LockOwner): void {
    this.waits.set(owner, holder);
  }

  done(owner: LockOwner): void {
    this.waits.delete(owner);
  }
}

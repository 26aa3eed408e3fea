// Who waits for whose record lock: the graph in which fcntl(2) F_SETLKW looks for deadlocks.

/** An owner of POSIX locks: a descriptor table (Linux: files_struct). */
export type LockOwner = object;

export class LockManager {
  /** Waiting owner → owners that it waits for, one entry per waiting task. */
  private readonly waits: Map<LockOwner, LockOwner>;

  constructor() {
    this.waits = new Map();
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

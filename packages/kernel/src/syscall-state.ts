// Progress of the system call a task is in. A blocked call is not suspended but run again, so whatever it must remember
// between runs (how far it got, when it gives up) stands here, in plain fields that a checkpoint can write.

export class SyscallState {
  /** Number of the call; -1 outside of one. */
  nr: number;
  /** 0 at the first run; a handler counts its own phases from there. */
  phase: number;
  /** Bytes, items or iterations done so far. */
  progress: number;
  /** Absolute deadline in ns monotonic; Infinity for none. Meaningful when the handler has set it. */
  deadline: number;
  value: number;
  value2: number;
  /** Any object the handler needs again (a waiter node, a file). */
  object: unknown;

  constructor() {
    this.nr = -1;
    this.phase = 0;
    this.progress = 0;
    this.deadline = Infinity;
    this.value = 0;
    this.value2 = 0;
    this.object = null;
  }

  begin(nr: number): void {
    this.nr = nr;
    this.phase = 0;
    this.progress = 0;
    this.deadline = Infinity;
    this.value = 0;
    this.value2 = 0;
    this.object = null;
  }
}

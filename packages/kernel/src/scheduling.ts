// Scheduling attributes (sched(7)): kept and returned as set; the host's scheduler runs the threads, so they order nothing here.
import { SCHED_FIFO, SCHED_NORMAL, SCHED_RR } from '@sandbox-kernel/abi';

export class Scheduling {
  policy: number;
  priority: number;
  /** −20 … 19. */
  nice: number;
  resetOnFork: boolean;
  /** sched_setaffinity(2): bit mask, 32 processors a word; null for all. */
  affinity: Uint32Array | null;
  /** ioprio_set(2). */
  ioPriority: number;

  constructor() {
    this.policy = SCHED_NORMAL;
    this.priority = 0;
    this.nice = 0;
    this.resetOnFork = false;
    this.affinity = null;
    this.ioPriority = 0;
  }

  /** What a child starts with (SCHED_RESET_ON_FORK takes privileges back). */
  inherit(from: Scheduling): void {
    this.affinity = from.affinity;
    this.ioPriority = from.ioPriority;
    const realtime = from.policy === SCHED_FIFO || from.policy === SCHED_RR;
    const resets = from.resetOnFork && realtime;
    this.policy = resets ? SCHED_NORMAL : from.policy;
    this.priority = resets ? 0 : from.priority;
    this.nice = resets ? 0 : from.resetOnFork ? Math.max(from.nice, 0) : from.nice;
  }
}

// Scheduling attributes (sched(7)): kept and returned as set; the host's scheduler runs the threads, so they order nothing here.
import { SCHED_NORMAL } from '@sandbox-kernel/abi';

export class Scheduling {
  policy: number;
  priority: number;
  /** −20 … 19. */
  nice: number;
  resetOnFork: boolean;
  /** SCHED_DEADLINE, ns. */
  runtime: number;
  deadline: number;
  period: number;
  utilMin: number;
  utilMax: number;
  /** sched_setaffinity(2): bit mask, 32 processors a word; null for all. */
  affinity: Uint32Array | null;
  /** ioprio_set(2). */
  ioPriority: number;

  constructor() {
    this.policy = SCHED_NORMAL;
    this.priority = 0;
    this.nice = 0;
    this.resetOnFork = false;
    this.runtime = 0;
    this.deadline = 0;
    this.period = 0;
    this.utilMin = 0;
    this.utilMax = 1024;
    this.affinity = null;
    this.ioPriority = 0;
  }

  /** What a child starts with (SCHED_RESET_ON_FORK takes privileges back). */
  inherit(from: Scheduling): void {
    this.affinity = from.affinity;
    this.ioPriority = from.ioPriority;
    this.utilMin = from.utilMin;
    this.utilMax = from.utilMax;
    this.nice = from.nice;
    if (from.resetOnFork) {
      this.nice = Math.max(from.nice, 0);
      return;
    }
    this.policy = from.policy;
    this.priority = from.priority;
    this.runtime = from.runtime;
    this.deadline = from.deadline;
    this.period = from.period;
  }
}

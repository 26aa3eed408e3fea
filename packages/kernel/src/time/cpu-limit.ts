// RLIMIT_CPU (getrlimit(2)): SIGXCPU when the process has used its soft limit of processor time and once a second from then on, SIGKILL at
// the hard limit. Looked at again when that much real time has passed, as the timers on processor time are.
import { RLIMIT_CPU, SIGKILL, SIGXCPU } from '@sandbox-kernel/abi';
import { sendToGroup } from '../signal/send.js';
import { kernelSignal } from '../signal/signal-info.js';
import type { ThreadGroup } from '../thread-group.js';
import { TimerNode, type TimerOwner } from '../timer-heap.js';

const NANOS = 1e9;
/** Least time between two looks: Linux's own tick. */
const LEAST_WAIT = 1_000_000;

export class CpuLimit implements TimerOwner {
  private readonly group: ThreadGroup;
  private readonly node: TimerNode;

  constructor(group: ThreadGroup) {
    this.group = group;
    this.node = new TimerNode(this);
  }

  /** The limits are new or have changed. */
  arm(): void {
    const { kernel, limits, live } = this.group;
    const limit = Math.min(limits.soft[RLIMIT_CPU]!, limits.hard[RLIMIT_CPU]!);
    if (limit === Infinity) {
      kernel.timers.cancel(this.node);
      return;
    }
    const threads = Math.min(Math.max(live, 1), kernel.options.processors);
    const left = Math.max((limit * NANOS - this.used()) / threads, LEAST_WAIT);
    kernel.timers.arm(this.node, kernel.clock.monotonic() + left);
  }

  stop(): void {
    this.group.kernel.timers.cancel(this.node);
  }

  timerExpired(): void {
    const group = this.group;
    const { limits } = group;
    const used = this.used();
    if (used >= limits.hard[RLIMIT_CPU]! * NANOS) {
      sendToGroup(group, kernelSignal(SIGKILL));
      return;
    }
    const soft = limits.soft[RLIMIT_CPU]!;
    if (used >= soft * NANOS) {
      sendToGroup(group, kernelSignal(SIGXCPU));
      limits.soft[RLIMIT_CPU] = soft + 1;
    }
    this.arm();
  }

  private used(): number {
    return this.group.userNanos() + this.group.systemNanos();
  }
}

// getitimer(2), setitimer(2), alarm(2): ITIMER_REAL on the timer heap; ITIMER_VIRTUAL and ITIMER_PROF count processor time, looked at
// again when that much real time has passed (a thread can't use more than the processors there are).
import { SIGALRM, SIGPROF, SIGVTALRM } from '@sandbox-kernel/abi';
import { sendToGroup } from '../signal/send.js';
import { kernelSignal } from '../signal/signal-info.js';
import type { ThreadGroup } from '../thread-group.js';
import { TimerNode, type TimerOwner } from '../timer-heap.js';

export const ITIMER_REAL = 0;
export const ITIMER_VIRTUAL = 1;
export const ITIMER_PROF = 2;
const SIGNALS = [SIGALRM, SIGVTALRM, SIGPROF];

class IntervalTimer implements TimerOwner {
  readonly group: ThreadGroup;
  readonly which: number;
  readonly node: TimerNode;
  /** ns; 0: one shot. */
  interval: number;
  /** When it fires next on its own clock; Infinity: off. */
  target: number;

  constructor(group: ThreadGroup, which: number) {
    this.group = group;
    this.which = which;
    this.node = new TimerNode(this);
    this.interval = 0;
    this.target = Infinity;
  }

  /** Its own clock, ns. */
  now(): number {
    if (this.which === ITIMER_REAL) return this.group.kernel.clock.monotonic();
    const user = this.group.userNanos();
    return this.which === ITIMER_VIRTUAL ? user : user + this.group.systemNanos();
  }

  arm(): void {
    const timers = this.group.kernel.timers;
    if (this.target === Infinity) timers.cancel(this.node);
    else if (this.which === ITIMER_REAL) timers.arm(this.node, this.target);
    else this.armForProcessorTime();
  }

  private armForProcessorTime(): void {
    const threads = Math.min(Math.max(this.group.live, 1), this.group.kernel.options.processors);
    const left = Math.max(this.target - this.now(), 1_000_000);
    this.group.kernel.timers.arm(this.node, this.group.kernel.clock.monotonic() + left / threads);
  }

  timerExpired(): void {
    const now = this.now();
    if (now < this.target) {
      this.arm();
      return;
    }
    if (this.interval === 0) this.target = Infinity;
    else this.target += this.interval * (Math.floor((now - this.target) / this.interval) + 1);
    this.arm();
    sendToGroup(this.group, kernelSignal(SIGNALS[this.which]!));
  }
}

export class IntervalTimers {
  private readonly group: ThreadGroup;
  private readonly all: (IntervalTimer | null)[];

  constructor(group: ThreadGroup) {
    this.group = group;
    this.all = [null, null, null];
  }

  /** ns until it fires (0: off). */
  remaining(which: number): number {
    const timer = this.all[which];
    if (timer === null || timer === undefined || timer.target === Infinity) return 0;
    return Math.max(timer.target - timer.now(), 1000);
  }

  interval(which: number): number {
    return this.all[which]?.interval ?? 0;
  }

  /** `value` 0 turns it off. Both ns. Pre: which is 0 … 2. */
  set(which: number, value: number, interval: number): void {
    let timer = this.all[which] ?? null;
    if (timer === null) {
      if (value === 0) return;
      timer = new IntervalTimer(this.group, which);
      this.all[which] = timer;
    }
    timer.interval = interval;
    timer.target = value === 0 ? Infinity : timer.now() + value;
    timer.arm();
  }

  stop(): void {
    for (const timer of this.all) if (timer !== null) this.group.kernel.timers.cancel(timer.node);
  }
}

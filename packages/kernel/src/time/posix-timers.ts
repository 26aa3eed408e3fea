// timer_create(2) and its family: timers of a process with ids, signals with overrun counts (timer_getoverrun(2)). A timer whose
// signal is still queued is not queued again: its expirations are counted and reported with the signal.
import { EAGAIN, EINVAL, SI_TIMER, SIGEV_NONE, SIGEV_THREAD_ID } from '@sandbox-kernel/abi';
import { sendToGroup, sendToTask } from '../signal/send.js';
import { SignalInfo, type SignalInfoOwner } from '../signal/signal-info.js';
import type { Task } from '../task.js';
import type { ThreadGroup } from '../thread-group.js';
import { TimerNode, type TimerOwner } from '../timer-heap.js';
import { isRealtime, monotonicDeadline, processorTime } from './clocks.js';

/** DELAYTIMER_MAX. */
const OVERRUN_MAX = 0x7fffffff;
const MOST_TIMERS = 32768;

export class PosixTimer implements TimerOwner, SignalInfoOwner {
  readonly group: ThreadGroup;
  readonly id: number;
  readonly clock: number;
  /** SIGEV_*, signal and value as struct sigevent gave them. */
  readonly notify: number;
  readonly signal: number;
  readonly valueLo: number;
  readonly valueHi: number;
  /** SIGEV_THREAD_ID. */
  readonly target: Task | null;
  /** Whose processor clock it counts, for CPU clocks. */
  readonly creator: Task;
  readonly node: TimerNode;
  interval: number;
  /** On the timer's scale (monotonic, or processor time); Infinity: disarmed. */
  deadline: number;
  /** Its signal is queued. */
  queued: SignalInfo | null;
  /** Expirations since that signal was queued, and at its last delivery. */
  overrun: number;
  lastOverrun: number;

  constructor(creator: Task, id: number, clock: number, event: TimerEvent) {
    this.group = creator.group;
    this.id = id;
    this.clock = clock;
    this.notify = event.notify;
    this.signal = event.signal;
    this.valueLo = event.valueLo;
    this.valueHi = event.valueHi;
    this.target = event.target;
    this.creator = creator;
    this.node = new TimerNode(this);
    this.interval = 0;
    this.deadline = Infinity;
    this.queued = null;
    this.overrun = 0;
    this.lastOverrun = 0;
  }

  private get countsProcessor(): boolean {
    return this.clock < 0 || this.clock === 2 || this.clock === 3;
  }

  now(): number {
    return this.countsProcessor
      ? processorTime(this.creator, this.clock)
      : this.group.kernel.clock.monotonic();
  }

  /** ns until it fires, 0 when disarmed. */
  remaining(): number {
    if (this.deadline === Infinity) return 0;
    const left = this.deadline - this.now();
    if (left > 0) return left;
    if (this.interval === 0) return 1;
    return this.interval - (-left % this.interval);
  }

  /** `seconds`, `nanos`: absolute on its clock, or from now; both 0 disarm. */
  set(seconds: number, nanos: number, interval: number, absolute: boolean): void {
    this.forgetSignal();
    this.overrun = 0;
    this.lastOverrun = 0;
    this.interval = interval;
    const value = seconds * 1e9 + nanos;
    if (value === 0) this.deadline = Infinity;
    else if (!absolute) this.deadline = this.now() + value;
    else if (isRealtime(this.clock))
      this.deadline = monotonicDeadline(this.creator, this.clock, seconds, nanos);
    else this.deadline = value;
    this.arm();
  }

  /** The signal that is still in a queue will not be delivered. */
  forgetSignal(): void {
    if (this.queued !== null) this.queued.stale = true;
  }

  arm(): void {
    const timers = this.group.kernel.timers;
    if (this.deadline === Infinity) timers.cancel(this.node);
    else if (!this.countsProcessor) timers.arm(this.node, this.deadline);
    else
      timers.arm(
        this.node,
        this.group.kernel.clock.monotonic() + Math.max(this.deadline - this.now(), 1_000_000),
      );
  }

  timerExpired(): void {
    const now = this.now();
    if (now < this.deadline) {
      this.arm();
      return;
    }
    let missed = 0;
    if (this.interval === 0) this.deadline = Infinity;
    else {
      missed = Math.floor((now - this.deadline) / this.interval);
      this.deadline += this.interval * (missed + 1);
      this.arm();
    }
    this.fire(missed);
  }

  private fire(missed: number): void {
    if (this.notify === SIGEV_NONE) return;
    if (this.queued?.stale === true) {
      this.queued.stale = false;
      this.overrun = Math.min(missed, OVERRUN_MAX);
      return;
    }
    if (this.queued !== null) {
      this.overrun = Math.min(this.overrun + missed + 1, OVERRUN_MAX);
      return;
    }
    this.overrun = Math.min(missed, OVERRUN_MAX);
    const info = new SignalInfo(this.signal, SI_TIMER).timer(this.id, 0).value(this.valueLo, this.valueHi);
    info.owner = this;
    this.queued = info;
    const sent = this.target !== null ? sendToTask(this.target, info) : sendToGroup(this.group, info);
    // Dropped on arrival (ignored, or the queue is full): nothing will dequeue it.
    if (sent < 0 || info.user === null) this.queued = null;
  }

  dequeued(info: SignalInfo): void {
    this.queued = null;
    this.lastOverrun = this.overrun;
    this.overrun = 0;
    info.timer(this.id, this.lastOverrun);
  }
}

/** struct sigevent, checked. */
export interface TimerEvent {
  readonly notify: number;
  readonly signal: number;
  readonly valueLo: number;
  readonly valueHi: number;
  readonly target: Task | null;
}

export class PosixTimers {
  private readonly group: ThreadGroup;
  private readonly byId: Map<number, PosixTimer>;
  private nextId: number;

  constructor(group: ThreadGroup) {
    this.group = group;
    this.byId = new Map();
    this.nextId = 0;
  }

  get(id: number): PosixTimer | null {
    return this.byId.get(id) ?? null;
  }

  /** The new timer or -EAGAIN. The value of a NULL sigevent is the timer's id. */
  create(task: Task, clock: number, event: TimerEvent | null, signal: number): PosixTimer | number {
    if (this.byId.size >= MOST_TIMERS) return -EAGAIN;
    const id = this.nextId++;
    const effective = event ?? { notify: 0, signal, valueLo: id, valueHi: 0, target: null };
    if (effective.notify === (SIGEV_THREAD_ID | 0) && effective.target === null) return -EINVAL;
    const timer = new PosixTimer(task, id, clock, effective);
    this.byId.set(id, timer);
    return timer;
  }

  delete(id: number): number {
    const timer = this.byId.get(id);
    if (timer === undefined) return -EINVAL;
    this.group.kernel.timers.cancel(timer.node);
    timer.forgetSignal();
    this.byId.delete(id);
    return 0;
  }

  /** exec and exit: timers are not kept. */
  deleteAll(): void {
    for (const timer of this.byId.values()) this.group.kernel.timers.cancel(timer.node);
    this.byId.clear();
  }

  list(): IterableIterator<PosixTimer> {
    return this.byId.values();
  }
}

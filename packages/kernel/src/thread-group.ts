// A process: threads that share a pid, signal dispositions, limits and children (Linux: signal_struct). Lives until it is
// reaped; `leader` stays in place as the zombie that wait(2) finds.
import { WaitQueue } from '@sandbox-kernel/vfs';
import type { Kernel } from './kernel.js';
import type { ProcessGroup } from './process-group.js';
import type { ResourceLimits } from './rlimits.js';
import type { SignalHandlers } from './signal/signal-handlers.js';
import { SignalQueue } from './signal/signal-queue.js';
import { GroupStop } from './stop.js';
import type { Task } from './task.js';
import { CpuLimit } from './time/cpu-limit.js';
import { IntervalTimers } from './time/interval-timers.js';
import { PosixTimers } from './time/posix-timers.js';

export class ThreadGroup {
  readonly kernel: Kernel;
  readonly pid: number;
  leader: Task;
  /** Those that have not exited; the leader also while it is a zombie that waits for the others. */
  readonly threads: Task[];
  /** Threads that have not exited. */
  live: number;
  handlers: SignalHandlers;
  readonly pending: SignalQueue;
  limits: ResourceLimits;
  processGroup: ProcessGroup;
  parent: ThreadGroup | null;
  /** The thread that made it: PR_SET_PDEATHSIG and __WNOTHREAD look at it. */
  parentTask: Task | null;
  readonly children: Set<ThreadGroup>;
  /** What its threads trace (ptrace(2)), zombies included; null for as long as there was nothing. */
  tracees: Set<Task> | null;
  /** Signal to the parent at the end: SIGCHLD, another, or 0 (clone(2)). */
  exitSignal: number;
  /** Ends as a whole: every thread leaves. */
  exiting: boolean;
  /** Wait status of a group exit. */
  exitStatus: number;
  /** All threads are gone. */
  exited: boolean;
  /** Gone from the table too. */
  reaped: boolean;
  /** The thread whose execve ends the others. */
  execTask: Task | null;
  /** Has called execve since fork: setpgid(2) by the parent is refused. */
  hasExecuted: boolean;
  readonly stop: GroupStop;
  /** init: signals without a handler don't reach it. */
  unkillable: boolean;
  /** PR_SET_CHILD_SUBREAPER. */
  isSubreaper: boolean;
  /** init of the sandbox. */
  isInit: boolean;
  /** Woken when a child exits, stops or continues. */
  readonly childEvents: WaitQueue;
  /** Woken when this process is gone (pidfd readiness), and when a thread count drops (execve). */
  readonly exitEvents: WaitQueue;
  /** Woken when a signal is queued for the process (signalfd readiness). */
  readonly signalEvents: WaitQueue;
  readonly itimers: IntervalTimers;
  readonly cpuLimit: CpuLimit;
  readonly timers: PosixTimers;
  /** Of threads that are gone, and of reaped children; ns. */
  deadUserNanos: number;
  deadSystemNanos: number;
  childUserNanos: number;
  childSystemNanos: number;
  /** Faults of dead threads and of reaped children. */
  minorFaults: number;
  childMinorFaults: number;
  peakRss: number;
  childPeakRss: number;
  voluntarySwitches: number;
  involuntarySwitches: number;
  childVoluntarySwitches: number;
  childInvoluntarySwitches: number;
  /** ns monotonic. */
  readonly startTime: number;
  oomScoreAdjust: number;
  oomScoreAdjustMinimum: number;
  autogroupNice: number;

  constructor(
    kernel: Kernel,
    pid: number,
    leader: Task,
    handlers: SignalHandlers,
    limits: ResourceLimits,
    group: ProcessGroup,
  ) {
    this.kernel = kernel;
    this.pid = pid;
    this.leader = leader;
    this.threads = [];
    this.live = 0;
    this.handlers = handlers;
    this.pending = new SignalQueue();
    this.limits = limits;
    this.processGroup = group;
    this.parent = null;
    this.parentTask = null;
    this.children = new Set();
    this.tracees = null;
    this.exitSignal = 0;
    this.exiting = false;
    this.exitStatus = 0;
    this.exited = false;
    this.reaped = false;
    this.execTask = null;
    this.hasExecuted = false;
    this.stop = new GroupStop();
    this.unkillable = false;
    this.isSubreaper = false;
    this.isInit = false;
    this.childEvents = new WaitQueue();
    this.exitEvents = new WaitQueue();
    this.signalEvents = new WaitQueue();
    this.itimers = new IntervalTimers(this);
    this.cpuLimit = new CpuLimit(this);
    this.timers = new PosixTimers(this);
    this.deadUserNanos = 0;
    this.deadSystemNanos = 0;
    this.childUserNanos = 0;
    this.childSystemNanos = 0;
    this.minorFaults = 0;
    this.childMinorFaults = 0;
    this.peakRss = 0;
    this.childPeakRss = 0;
    this.voluntarySwitches = 0;
    this.involuntarySwitches = 0;
    this.childVoluntarySwitches = 0;
    this.childInvoluntarySwitches = 0;
    this.startTime = kernel.clock.monotonic();
    this.oomScoreAdjust = 0;
    this.oomScoreAdjustMinimum = 0;
    this.autogroupNice = 0;
  }

  /** Processor time of all threads, dead ones included, in the program. */
  userNanos(): number {
    let sum = this.deadUserNanos;
    for (const thread of this.threads) sum += thread.userNanos();
    return sum;
  }

  /** The same in the kernel. */
  systemNanos(): number {
    let sum = this.deadSystemNanos;
    for (const thread of this.threads) sum += thread.systemNanos;
    return sum;
  }

  /** Drops pending signals in the mask from the process and all its threads. */
  flushSignals(lo: number, hi: number): void {
    this.pending.flush(lo, hi);
    for (const thread of this.threads) thread.pending.flush(lo, hi);
  }
}

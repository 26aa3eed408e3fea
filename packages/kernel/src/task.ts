// A thread (Linux: task_struct): state that system calls of every family share, how it waits, and how it is woken. What it can do
// stands in one file per aspect: clone.ts, exec.ts, exit.ts, stop.ts, wait.ts, signal/*.ts, futex/*.ts.

import {
  CAP_IPC_LOCK,
  CAP_SYS_RAWIO,
  PR_MCE_KILL_DEFAULT,
  RLIMIT_AS,
  RLIMIT_DATA,
  RLIMIT_MEMLOCK,
  RLIMIT_STACK,
  SECCOMP_MODE_DISABLED,
  SIGSEGV,
} from '@sandbox-kernel/abi';
import type { Caller, Context, FrameMemory, WaitEntry, Waiter } from '@sandbox-kernel/contracts';
import type { MemoryLimits, MemoryManager } from '@sandbox-kernel/mm';
import {
  type FdTable,
  type FileCaller,
  type FileDescription,
  type FsContext,
  WaitNode,
  WaitQueue,
} from '@sandbox-kernel/vfs';
import type { Credentials } from './credentials/credentials.js';
import type { RobustList } from './futex/robust-list.js';
import type { SemaphoreUndo } from './ipc/semaphore-set.js';
import type { Kernel } from './kernel.js';
import type { ProcessImage } from './process-image.js';
import type { CallDispatch } from './ptrace/call-work.js';
import type { TraceState } from './ptrace/trace-state.js';
import type { RestartBlock } from './restart-block.js';
import { BLOCKED } from './results.js';
import { Scheduling } from './scheduling.js';
import { SeccompState } from './seccomp/seccomp-filter.js';
import { AlternateStack } from './signal/alternate-stack.js';
import { forceSignal } from './signal/send.js';
import { kernelSignal } from './signal/signal-info.js';
import { SignalQueue } from './signal/signal-queue.js';
import { SignalSet } from './signal/signal-set.js';
import type { LingerWait } from './socket/linger.js';
import { SyscallArgs } from './syscall-args.js';
import { SyscallState } from './syscall-state.js';
import {
  TASK_BLOCKED,
  TASK_HELD,
  TASK_IN_KERNEL,
  TASK_NEW,
  TASK_RUNNING,
  TASK_STOPPED,
  TASK_TRACED,
  TASK_WOKEN,
  TASK_ZOMBIE,
} from './task-state.js';
import type { ThreadGroup } from './thread-group.js';
import { TimerNode, type TimerOwner } from './timer-heap.js';
import type { UserFault, UserFaults } from './userfault/user-faults.js';

/** One registration of a task on a queue; `file` when it went through a file's operations. */
class TaskWait extends WaitNode {
  file: FileDescription | null;

  constructor(task: Task) {
    super(task, 0);
    this.file = null;
  }
}

export interface TaskParts {
  readonly kernel: Kernel;
  readonly tid: number;
  readonly context: Context;
  readonly image: ProcessImage;
  readonly fs: FsContext;
  readonly files: FdTable;
  readonly credentials: Credentials;
  readonly comm: string;
}

export class Task implements Waiter, TimerOwner, Caller, FileCaller {
  readonly kernel: Kernel;
  tid: number;
  group: ThreadGroup;
  context: Context;
  frame: FrameMemory;
  readonly args: SyscallArgs;
  readonly call: SyscallState;
  state: number;
  image: ProcessImage;
  /** `image.memory`, for short. */
  memory: MemoryManager;
  fs: FsContext;
  files: FdTable;
  credentials: Credentials;
  /** PR_SET_NAME; at most 15 bytes, latin1. */
  comm: string;
  /** Its address space's generation when it last went to the program (MemoryManager.fault). */
  generation: number;

  readonly blocked: SignalSet;
  /** The mask to come back to while a call such as rt_sigtimedwait has altered `blocked`; null otherwise. */
  realBlocked: SignalSet | null;
  /** The mask to restore after a handler, or at the call's end (rt_sigsuspend, ppoll, …); null for none. */
  savedMask: SignalSet | null;
  readonly pending: SignalQueue;
  /** A signal, stop or end waits for the way back to the program (Linux: TIF_SIGPENDING). */
  signalPending: boolean;
  /** A stop of the process that this thread has yet to join. */
  stopPending: boolean;
  /** Only the end of the process interrupts the present wait. */
  killableOnly: boolean;
  readonly alternateStack: AlternateStack;
  /** ERESTART* of the call that just ended, 0 for none: settled on the way to the program. */
  restartCode: number;
  /** Set when a call was cut short with -ERESTART_RESTARTBLOCK. */
  restartBlock: RestartBlock | null;
  /** Last processor exception, for signal frames. */
  trapNumber: number;
  trapError: number;
  trapAddress: number;

  /** Has begun to exit. */
  exiting: boolean;
  /** Wait status of this thread. */
  exitStatus: number;
  clearChildTid: number;
  robustList: RobustList | null;
  /** Where SEM_UNDO is noted; null as long as nothing was. */
  semaphoreUndo: SemaphoreUndo | null;
  /** rseq(2): address, length, signature; 0 when none. */
  rseqAddress: number;
  rseqLength: number;
  rseqSignature: number;
  /** The processor lent to it last, and the number that its area holds; -1 for none. */
  rseqCpu: number;
  rseqWritten: number;
  /** PR_SET_PDEATHSIG. */
  parentDeathSignal: number;
  /** The child for which a vfork waits. */
  vforkParent: Task | null;
  personality: number;
  readonly scheduling: Scheduling;
  timerSlackNanos: number;
  /** What PR_SET_TIMERSLACK 0 goes back to: what it started with. */
  defaultSlackNanos: number;
  /** A timer has woken it. */
  due: boolean;
  /** PR_MCE_KILL, PR_SET_IO_FLUSHER: kept. */
  machineCheckPolicy: number;
  ioFlusher: boolean;

  systemNanos: number;
  minorFaults: number;
  voluntarySwitches: number;
  involuntarySwitches: number;
  readonly startTime: number;
  /** Priority inheritance futexes it owns; see futex/. */
  readonly heldPi: Set<object>;
  /** The watched page it waits for (userfaultfd(2)). */
  userFault: UserFault | null;
  /** Whose events of its call have yet to be read, and what the call returns then. */
  eventMonitor: UserFaults | null;
  eventResult: number;
  /** Sockets that its call has closed and that make it wait; null for none. */
  lingering: LingerWait | null;
  /** Who traces it (ptrace(2)); null for nobody. `trace` stays when nobody does any more. */
  tracer: Task | null;
  trace: TraceState | null;
  /** PR_SET_SYSCALL_USER_DISPATCH. */
  dispatch: CallDispatch | null;
  readonly seccomp: SeccompState;
  /** One of the four above wants to see its calls. */
  callWork: boolean;
  /** RESUME_* of the next way to the program. */
  resumeFlags: number;

  private readonly limitsView: { -readonly [K in keyof MemoryLimits]: MemoryLimits[K] };
  private readonly waits: TaskWait[];
  private waitCount: number;
  private readonly wakeTimer: TimerNode;

  constructor(parts: TaskParts, group: ThreadGroup | null) {
    this.kernel = parts.kernel;
    this.tid = parts.tid;
    // The first thread of a process is made before its group: `group` is set right after.
    this.group = group as ThreadGroup;
    this.context = parts.context;
    this.frame = parts.context.frame;
    this.args = new SyscallArgs(parts.context.frame);
    this.call = new SyscallState();
    this.state = TASK_NEW;
    this.image = parts.image;
    this.memory = parts.image.memory;
    this.fs = parts.fs;
    this.files = parts.files;
    this.credentials = parts.credentials;
    this.comm = parts.comm;
    this.generation = 0;
    this.blocked = new SignalSet();
    this.realBlocked = null;
    this.savedMask = null;
    this.pending = new SignalQueue();
    this.signalPending = false;
    this.stopPending = false;
    this.killableOnly = false;
    this.alternateStack = new AlternateStack();
    this.restartCode = 0;
    this.restartBlock = null;
    this.trapNumber = 0;
    this.trapError = 0;
    this.trapAddress = 0;
    this.exiting = false;
    this.exitStatus = 0;
    this.clearChildTid = 0;
    this.robustList = null;
    this.semaphoreUndo = null;
    this.rseqAddress = 0;
    this.rseqLength = 0;
    this.rseqSignature = 0;
    this.rseqCpu = -1;
    this.rseqWritten = -1;
    this.parentDeathSignal = 0;
    this.vforkParent = null;
    this.personality = 0;
    this.scheduling = new Scheduling();
    this.timerSlackNanos = 50_000;
    this.defaultSlackNanos = 50_000;
    this.due = false;
    this.machineCheckPolicy = PR_MCE_KILL_DEFAULT;
    this.ioFlusher = false;
    this.systemNanos = 0;
    this.minorFaults = 0;
    this.voluntarySwitches = 0;
    this.involuntarySwitches = 0;
    this.startTime = parts.kernel.clock.monotonic();
    this.heldPi = new Set();
    this.userFault = null;
    this.eventMonitor = null;
    this.eventResult = 0;
    this.lingering = null;
    this.tracer = null;
    this.trace = null;
    this.dispatch = null;
    this.seccomp = new SeccompState();
    this.callWork = false;
    this.resumeFlags = 0;
    this.limitsView = {
      addressSpace: Infinity,
      data: Infinity,
      stack: Infinity,
      lockedMemory: Infinity,
      canLockMemory: false,
      canMapLow: false,
    };
    this.waits = [];
    this.waitCount = 0;
    this.wakeTimer = new TimerNode(this);
  }

  get isLeader(): boolean {
    return this.group.leader === this;
  }

  /** Processor time in the program, ns. */
  userNanos(): number {
    // With a clock that is stepped, what a program uses of a processor shows in the steps of its system time.
    if (this.kernel.clock.step !== undefined) return 0;
    return this.state >= TASK_ZOMBIE ? 0 : this.context.cpuNanos();
  }

  // ── waiting ──

  /**
   * Waits for `events` of a queue or an open file. BLOCKED; or `code` at once when a signal is pending (as
   * `if (signal_pending(current)) return code; schedule();`). The handler runs again when something happened.
   */
  blockOn(source: WaitQueue | FileDescription, events: number, code: number): number {
    if (this.signalPending) return this.cutShort(code);
    this.watch(source, events, false);
    return BLOCKED;
  }

  /** Waits until `deadline` (ns monotonic) only. */
  blockUntil(deadline: number, code: number): number {
    if (this.signalPending) return this.cutShort(code);
    this.wakeAt(deadline);
    return BLOCKED;
  }

  /** Waits for what `watch` and `wakeAt` have registered. */
  block(code: number): number {
    return this.signalPending ? this.cutShort(code) : BLOCKED;
  }

  /** Waits for a queue; only the end of the process cuts it short, with `code`. */
  blockKillable(queue: WaitQueue, events: number, code: number): number {
    if (this.fatalPending()) return this.cutShort(code);
    this.killableOnly = true;
    this.watch(queue, events, false);
    return BLOCKED;
  }

  /** Registers interest without waiting yet; any number of times. Undone when the call ends or runs again. */
  watch(source: WaitQueue | FileDescription, events: number, exclusive: boolean): void {
    let entry = this.waits[this.waitCount];
    if (entry === undefined) {
      entry = new TaskWait(this);
      this.waits.push(entry);
    }
    this.waitCount++;
    entry.events = events;
    entry.exclusive = exclusive;
    if (source instanceof WaitQueue) {
      entry.file = null;
      source.add(entry);
    } else {
      entry.file = source;
      source.ops.addWaiter(source, entry);
    }
  }

  /** The handler runs again at `deadline` (ns monotonic; Infinity: never) at the latest. */
  wakeAt(deadline: number): void {
    if (deadline !== Infinity) this.kernel.timers.arm(this.wakeTimer, deadline);
  }

  /** Leaves all queues and forgets the deadline. */
  stopWaiting(): void {
    for (let i = 0; i < this.waitCount; i++) {
      const entry = this.waits[i]!;
      if (entry.file === null) entry.leave();
      else entry.file.ops.removeWaiter(entry.file, entry);
      entry.file = null;
    }
    this.waitCount = 0;
    if (this.wakeTimer.armed) this.kernel.timers.cancel(this.wakeTimer);
  }

  private cutShort(code: number): number {
    this.stopWaiting();
    return code;
  }

  /** Waiter: something waited for happened. */
  wake(_entry: WaitEntry, _events: number): boolean {
    if (this.state !== TASK_BLOCKED) return false;
    this.makeRunnable();
    return true;
  }

  timerExpired(): void {
    if (this.state === TASK_BLOCKED) this.makeRunnable();
  }

  /** Takes the task out of its wait, stop or hold and queues it. A traced stop knows itself where it goes on. */
  makeRunnable(): void {
    const state = this.state;
    if (state < TASK_BLOCKED ? state !== TASK_NEW : state === TASK_WOKEN || state >= TASK_ZOMBIE) return;
    const stoppedOrHeld = state === TASK_STOPPED || state === TASK_HELD;
    this.stopWaiting();
    this.killableOnly = false;
    if (stoppedOrHeld) this.call.nr = -1;
    this.state = TASK_WOKEN;
    this.due = this.kernel.expiring;
    this.kernel.runQueue.push(this);
  }

  /** What it waits for without a queue (a futex, a vfork child, sibling threads) has happened. */
  wakeAgain(): void {
    if (this.state === TASK_BLOCKED) this.makeRunnable();
  }

  // ── being told ──

  /** A signal, stop or end is there: interrupts a wait or the program. `fatal` also ends stops and waits that only the end cuts short. */
  signalWake(fatal: boolean): void {
    this.signalPending = true;
    switch (this.state) {
      case TASK_RUNNING:
        this.context.interrupt();
        break;
      case TASK_BLOCKED:
        if (fatal || !this.killableOnly) this.makeRunnable();
        break;
      case TASK_STOPPED:
      case TASK_TRACED:
        if (fatal) this.makeRunnable();
        break;
      default:
        break;
    }
  }

  /** The process ends, or this thread must make way for an execve. */
  fatalPending(): boolean {
    return this.group.exiting || (this.group.execTask !== null && this.group.execTask !== this);
  }

  /** True when this thread has something to do on its way to the program. */
  recalcSignals(): void {
    const lo = this.blocked.lo;
    const hi = this.blocked.hi;
    const group = this.group;
    const own = this.pending.set;
    const shared = group.pending.set;
    this.signalPending =
      (((own.lo | shared.lo) & ~lo) | ((own.hi | shared.hi) & ~hi)) !== 0 ||
      this.stopPending ||
      this.trace?.pending === true ||
      this.fatalPending();
  }

  /** After a change of what looks at its calls. */
  refreshCallWork(): void {
    this.callWork =
      this.dispatch !== null ||
      this.seccomp.mode !== SECCOMP_MODE_DISABLED ||
      (this.tracer !== null &&
        this.trace !== null &&
        (this.trace.stopsAtCalls || this.trace.steps || this.trace.watches));
  }

  /** SIGSEGV for a stack or state that the program spoilt. */
  forceSegv(): void {
    forceSignal(this, kernelSignal(SIGSEGV));
  }

  /** What memory calls must know of limits and rights, current as of now. */
  get memoryLimits(): MemoryLimits {
    const soft = this.group.limits.soft;
    const limits = this.limitsView;
    limits.addressSpace = soft[RLIMIT_AS]!;
    limits.data = soft[RLIMIT_DATA]!;
    limits.stack = soft[RLIMIT_STACK]!;
    limits.lockedMemory = soft[RLIMIT_MEMLOCK]!;
    limits.canLockMemory = this.credentials.hasCapability(CAP_IPC_LOCK);
    limits.canMapLow = this.credentials.hasCapability(CAP_SYS_RAWIO);
    return limits;
  }

  get inKernel(): boolean {
    return this.state === TASK_IN_KERNEL;
  }
}

// The object graph of one sandbox: every table, identifier, clock and queue stands here, nothing in modules. The sentry builds one
// from options and roles and drives it from its loop (loop.ts says how).

import { AF_UNIX } from '@sandbox-kernel/abi';
import type { Clock, Platform, RandomSource } from '@sandbox-kernel/contracts';
import type { MemoryFile } from '@sandbox-kernel/mm';
import type { FileDescription } from '@sandbox-kernel/vfs';
import { UserAccounts } from './credentials/user-account.js';
import { UserNamespace } from './credentials/user-namespace.js';
import { FutexTable } from './futex/futex-table.js';
import { IpcNamespace } from './ipc/ipc-namespace.js';
import type { ProgramFiles } from './loader/program-files.js';
import type { VdsoImage } from './loader/vdso.js';
import { handleTrap, runWokenTask, type SyscallObserver } from './loop.js';
import { MemoryRelief } from './memory-relief.js';
import { makeRoom } from './oom.js';
import type { ProcessImage } from './process-image.js';
import { ProcessTable } from './process-table.js';
import type { SyscallHandler } from './results.js';
import { RunQueue } from './run-queue.js';
import type { InterfaceRequests, SocketFamily } from './socket/socket.js';
import { UnixNames } from './socket/unix-names.js';
import { UnixFamily, type UnixSocket } from './socket/unix-socket.js';
import type { Task } from './task.js';
import { TASK_RUNNING, TASK_ZOMBIE } from './task-state.js';
import type { ThreadGroup } from './thread-group.js';
import { TimerHeap } from './timer-heap.js';
import { PtyTable } from './tty/pty.js';
import { UtsNamespace } from './uts-namespace.js';

/** What the kernel does its work with. */
export interface KernelRoles {
  readonly platform: Platform;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly memoryFile: MemoryFile;
  readonly programs: ProgramFiles;
}

export interface KernelOptions {
  /** By system call number; holes are ENOSYS. The sentry may fill it after construction. */
  readonly handlers: readonly (SyscallHandler | null | undefined)[];
  /** /proc/sys/kernel/pid_max; default 4,194,304. */
  readonly pidMax?: number;
  /** Most tasks at once: fork says EAGAIN beyond. Default 32,768. */
  readonly taskLimit?: number;
  readonly hostname?: string;
  readonly domainname?: string;
  /** Processors that programs see. */
  readonly processors: number;
  /** Mapped into each program; null for none. */
  readonly vdso?: VdsoImage | null;
  /** AT_HWCAP (CPUID 1 EDX). */
  readonly hwcap?: number;
}

/** Hears of things that the sentry reports or decides. */
export interface KernelEvents {
  /** A call without a handler. */
  unknownCall(task: Task, nr: number): void;
  /** init is gone: the sandbox ends with this wait status. */
  initExited(status: number): void;
  processStarted(group: ThreadGroup): void;
  processExited(group: ThreadGroup, status: number): void;
  executed(task: Task, path: string): void;
  /** The memory limit is reached, and `victim` is about to be killed for it. */
  outOfMemory(victim: ThreadGroup, note: string): void;
  /** Programs freed memory that is kept for a while. Told once, some time after the first. */
  memoryFreed(): void;
  /** Its number is free again. */
  taskForgotten(task: Task): void;
}

export class Kernel {
  readonly platform: Platform;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly memoryFile: MemoryFile;
  readonly programs: ProgramFiles;
  readonly options: KernelOptions;
  readonly handlers: readonly (SyscallHandler | null | undefined)[];
  readonly processes: ProcessTable;
  readonly runQueue: RunQueue;
  readonly timers: TimerHeap;
  readonly futexes: FutexTable;
  readonly users: UserAccounts;
  readonly userNamespace: UserNamespace;
  readonly uts: UtsNamespace;
  readonly ipc: IpcNamespace;
  readonly memoryRelief: MemoryRelief;
  readonly ptys: PtyTable;
  /** By AF_*; the network adds its own. */
  readonly socketFamilies: Map<number, SocketFamily>;
  /** Answers what any socket may be asked about interfaces (netdevice(7)); null without a network. */
  interfaceRequests: InterfaceRequests | null;
  readonly unixNames: UnixNames;
  /** Every Unix socket, in the order in which they were made. */
  readonly unixSockets: Set<UnixSocket>;
  /** Unix sockets whose descriptors are in a queue, and how many times. */
  readonly inFlight: Map<FileDescription, number>;
  /** The task in whose name the kernel works right now. */
  current: Task | null;
  /** Since when the present work counts as system time of `current`, ns monotonic. */
  private chargedAt: number;
  /** Timers fire: who is woken now is due. */
  expiring: boolean;
  observer: SyscallObserver | null;
  events: KernelEvents | null;
  init: ThreadGroup | null;
  /** Wait status of init once it is gone; -1 before. */
  initStatus: number;
  /** The process that the OOM killer chose last, and how many it has killed. */
  oomVictim: ThreadGroup | null;
  oomKills: number;
  /** Forks since boot (/proc/stat). */
  forks: number;
  /** ns monotonic. */
  readonly bootTime: number;
  private readonly byContext: (Task | null)[];
  private frameScratch: Uint8Array;
  private fpuBytes: Uint8Array;

  constructor(roles: KernelRoles, options: KernelOptions) {
    this.platform = roles.platform;
    this.clock = roles.clock;
    this.random = roles.random;
    this.memoryFile = roles.memoryFile;
    this.programs = roles.programs;
    this.options = options;
    this.handlers = options.handlers;
    this.processes = new ProcessTable(options.pidMax ?? 4194304, options.taskLimit ?? 32768);
    this.runQueue = new RunQueue();
    this.timers = new TimerHeap();
    this.futexes = new FutexTable(this);
    this.users = new UserAccounts();
    this.userNamespace = new UserNamespace(null, 0, 0);
    this.uts = new UtsNamespace(options.hostname ?? 'sandbox', options.domainname ?? '(none)');
    this.ipc = new IpcNamespace(this);
    this.memoryRelief = new MemoryRelief(this);
    this.ptys = new PtyTable(this);
    this.socketFamilies = new Map([[AF_UNIX, new UnixFamily()]]);
    this.interfaceRequests = null;
    this.unixNames = new UnixNames();
    this.unixSockets = new Set();
    this.inFlight = new Map();
    this.current = null;
    this.chargedAt = 0;
    this.expiring = false;
    this.observer = null;
    this.events = null;
    this.init = null;
    this.initStatus = -1;
    this.oomVictim = null;
    this.oomKills = 0;
    this.forks = 0;
    this.bootTime = roles.clock.monotonic();
    this.byContext = [];
    this.frameScratch = new Uint8Array(1024);
    this.fpuBytes = new Uint8Array(4096);
  }

  // ── the sentry's loop ──

  /** A context that `Platform.wait` returned. */
  trapped(contextId: number): void {
    const task = this.byContext[contextId];
    if (task === undefined || task === null || task.state !== TASK_RUNNING) return;
    handleTrap(task);
  }

  /** Runs tasks whose wait is over, and those that they wake in turn. Returns how many ran. */
  runWoken(): number {
    let count = 0;
    for (let task = this.runQueue.shift(); task !== null; task = this.runQueue.shift()) {
      runWokenTask(task);
      count++;
    }
    return count;
  }

  /** Until when the sentry may sleep, ns monotonic; Infinity without timers, 0 when tasks wait to run. */
  nextDeadline(): number {
    return this.runQueue.size > 0 ? 0 : this.timers.next();
  }

  /** Whether any program runs on a processor at the moment. */
  isBusy(): boolean {
    for (const task of this.processes.tasks.values()) if (task.state === TASK_RUNNING) return true;
    return false;
  }

  expireTimers(now: number): void {
    if (this.timers.next() > now) return;
    this.expiring = true;
    this.timers.expire(now);
    this.expiring = false;
  }

  // ── system time ──

  /** From now on the kernel works for `task`. */
  enter(task: Task): void {
    this.current = task;
    this.chargedAt = this.clock.monotonic();
  }

  leave(): void {
    this.charge();
    this.current = null;
  }

  /** ns monotonic when a task's work was last begun or ended: the time of day for who needs no better. */
  get lastLook(): number {
    return this.chargedAt;
  }

  /** Adds the work done so far to the system time of the task that it was done for. */
  charge(): void {
    const task = this.current;
    if (task === null) return;
    const now = this.clock.monotonic();
    if (now > this.chargedAt) task.systemNanos += now - this.chargedAt;
    this.chargedAt = now;
  }

  // ── tables ──

  bindContext(task: Task): void {
    this.byContext[task.context.id] = task;
  }

  unbindContext(task: Task): void {
    this.byContext[task.context.id] = null;
  }

  findTask(tid: number): Task | null {
    return this.processes.tasks.get(tid) ?? null;
  }

  /** The process with this pid (not a thread's number), also while it is a zombie. */
  findGroup(pid: number): ThreadGroup | null {
    const task = this.processes.tasks.get(pid);
    return task !== undefined && task.group.pid === pid && task.isLeader ? task.group : null;
  }

  /** Every live task in an address space. */
  tasksOf(image: ProcessImage): Task[] {
    const found: Task[] = [];
    for (const task of this.processes.tasks.values()) {
      if (task.image === image && task.state < TASK_ZOMBIE) found.push(task);
    }
    return found;
  }

  // ── happenings ──

  unknownCall(task: Task, nr: number): void {
    this.events?.unknownCall(task, nr);
  }

  /** A signal was queued: signalfd readers look again. */
  signalArrived(group: ThreadGroup, _task: Task, _signal: number, _toGroup: boolean): void {
    if (!group.signalEvents.empty) group.signalEvents.wake(1);
  }

  /** The memory limit is reached. The access is tried again afterwards, unless `task` is the one that pays. */
  outOfMemory(task: Task): void {
    makeRoom(task);
  }

  /** Wall clock, ns since the epoch; exact to about 0.2 µs. Split values: `clock.realtimeSeconds` and `realtimeNanos`. */
  realtimeNanos(): number {
    return this.clock.realtimeSeconds * 1e9 + this.clock.realtimeNanos + this.clock.monotonic();
  }

  /** Bytes for one operation; content is left from the last. */
  scratch(size: number): Uint8Array {
    if (this.frameScratch.length < size) this.frameScratch = new Uint8Array(size);
    return this.frameScratch;
  }

  /** The same for extended register states. */
  fpuScratch(size: number): Uint8Array {
    if (this.fpuBytes.length < size) this.fpuBytes = new Uint8Array(size);
    return this.fpuBytes;
  }
}

// Sending signals: kill(2) and everything inside the kernel that signals. Follows signal(7) on what is dropped on arrival, what
// stop and continue signals do to each other, and which thread of a process takes a signal meant for all.
import {
  EAGAIN,
  RLIMIT_SIGPENDING,
  SI_USER,
  SIG_DFL,
  SIG_IGN,
  SIGCONT,
  SIGKILL,
  SIGRTMIN,
} from '@sandbox-kernel/abi';
import { continueGroup } from '../stop.js';
import type { Task } from '../task.js';
import { TASK_BLOCKED, TASK_RUNNING, TASK_STOPPED, TASK_TRACED, TASK_ZOMBIE } from '../task-state.js';
import type { ThreadGroup } from '../thread-group.js';
import {
  ACTION_IGNORE,
  ACTION_STOP,
  ACTION_TERMINATE,
  defaultAction,
  STOP_SIGNALS,
} from './default-action.js';
import type { SignalInfo } from './signal-info.js';
import type { SignalQueue } from './signal-queue.js';
import { lowBit } from './signal-set.js';

/** To one thread (tgkill(2)). 0 or -EAGAIN (queue limit). */
export function sendToTask(task: Task, info: SignalInfo): number {
  return send(task, task.pending, info, false, false);
}

/** To a process (kill(2)): any thread that does not block it takes it. 0 or -EAGAIN. */
export function sendToGroup(group: ThreadGroup, info: SignalInfo): number {
  return send(group.leader, group.pending, info, true, false);
}

/**
 * A signal that the thread can't escape, for what it did itself (a fault): a block or SIG_IGN makes way for the default action.
 */
export function forceSignal(task: Task, info: SignalInfo): void {
  const signal = info.signal;
  const action = task.group.handlers.get(signal);
  const blocked = task.blocked.has(signal);
  if (blocked || action.handler === SIG_IGN) {
    action.handler = SIG_DFL;
    if (blocked) task.blocked.remove(signal);
  }
  if (action.handler === SIG_DFL) task.group.unkillable = false;
  send(task, task.pending, info, false, true);
  task.recalcSignals();
}

/** Forces the default action, whatever the program set (a signal frame that can't be written). */
export function forceFatalSignal(task: Task, info: SignalInfo): void {
  const action = task.group.handlers.get(info.signal);
  action.handler = SIG_DFL;
  forceSignal(task, info);
}

function send(task: Task, queue: SignalQueue, info: SignalInfo, toGroup: boolean, forced: boolean): number {
  const signal = info.signal;
  const group = task.group;
  if (group.exited || (!toGroup && task.state >= TASK_ZOMBIE)) return 0;
  if (!prepare(task, signal, forced)) return 0;
  // Each timer has a signal of its own, whatever else is pending.
  if (info.owner === null && queue.collapses(signal)) return 0;
  const result = enqueue(task, queue, info);
  if (result < 0) return result;
  group.kernel.signalArrived(group, task, signal, toGroup);
  complete(task, signal, toGroup);
  return 0;
}

function enqueue(task: Task, queue: SignalQueue, info: SignalInfo): number {
  const user = task.credentials.user;
  const signal = info.signal;
  // The queue limit stops real-time signals; others are still marked pending, as POSIX wants them never lost.
  const free = signal === SIGKILL || user.pendingSignals < task.group.limits.soft[RLIMIT_SIGPENDING]!;
  if (free || (signal < SIGRTMIN && (info.code >= 0 || info.code === SI_USER))) {
    user.pendingSignals++;
    info.user = user;
    queue.push(info);
    return 0;
  }
  if (signal >= SIGRTMIN && info.code !== SI_USER) return -EAGAIN;
  queue.pushBare(signal);
  return 0;
}

/** Side effects on arrival; false when the signal is to be dropped. */
function prepare(task: Task, signal: number, forced: boolean): boolean {
  const group = task.group;
  if (group.exiting && signal !== SIGKILL) return false;
  if (signal < 32 && lowBit(signal) & STOP_SIGNALS) group.flushSignals(lowBit(SIGCONT), 0);
  else if (signal === SIGCONT) {
    group.flushSignals(STOP_SIGNALS, 0);
    continueGroup(group);
  }
  return !isIgnored(task, signal, forced);
}

function isIgnored(task: Task, signal: number, forced: boolean): boolean {
  // A blocked signal is kept: its disposition may change before it is unblocked.
  if (task.blocked.has(signal) || task.realBlocked?.has(signal) === true) return false;
  const group = task.group;
  // A tracer sees ignored signals too.
  if (task.tracer !== null && signal !== SIGKILL) return false;
  if (group.unkillable && group.handlers.handlerOf(signal) === SIG_DFL && !forced) return true;
  return group.handlers.ignores(signal);
}

/** Picks who handles it and wakes that thread; a signal that ends the process ends it now. */
function complete(task: Task, signal: number, toGroup: boolean): void {
  const group = task.group;
  let target: Task | null = null;
  if (wants(task, signal)) target = task;
  else if (toGroup && group.threads.length > 1) target = chooseThread(group, signal);
  if (target === null) return;
  if (isFatal(target, signal)) {
    startGroupExit(group, signal);
    return;
  }
  target.signalWake(signal === SIGKILL);
}

function chooseThread(group: ThreadGroup, signal: number): Task | null {
  for (const thread of group.threads)
    if (thread.state === TASK_RUNNING && wants(thread, signal)) return thread;
  for (const thread of group.threads) if (wants(thread, signal)) return thread;
  return null;
}

function wants(task: Task, signal: number): boolean {
  if (task.blocked.has(signal) || task.state >= TASK_ZOMBIE || task.exiting) return false;
  if (signal === SIGKILL) return true;
  if (task.state === TASK_STOPPED || task.state === TASK_TRACED) return false;
  return task.state === TASK_RUNNING || !task.signalPending || task.state === TASK_BLOCKED;
}

function isFatal(task: Task, signal: number): boolean {
  const group = task.group;
  if (signal === SIGKILL) return !group.unkillable || group.exiting;
  if (group.exiting || group.unkillable || task.tracer !== null) return false;
  if (group.handlers.handlerOf(signal) !== SIG_DFL) return false;
  if (task.realBlocked?.has(signal) === true) return false;
  return defaultAction(signal) === ACTION_TERMINATE;
}

/** The whole process ends with `signal`: threads leave at their next step. */
export function startGroupExit(group: ThreadGroup, status: number): void {
  if (!group.exiting) {
    group.exiting = true;
    group.exitStatus = status;
  }
  for (const thread of group.threads) {
    thread.stopPending = false;
    thread.signalWake(true);
  }
}

/** True for a signal that would stop the process when delivered now. */
export function wouldStop(group: ThreadGroup, signal: number): boolean {
  return group.handlers.handlerOf(signal) === SIG_DFL && defaultAction(signal) === ACTION_STOP;
}

/** True for signals whose default is to be ignored. */
export function ignoredByDefault(signal: number): boolean {
  return defaultAction(signal) === ACTION_IGNORE;
}

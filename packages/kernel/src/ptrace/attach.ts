// Who traces whom (ptrace(2)): attaching, detaching, children that are traced from the start, and what remains when either side ends.
import {
  CAP_SYS_PTRACE,
  CLD_EXITED,
  CLD_KILLED,
  CLONE_PTRACE,
  CLONE_UNTRACED,
  CLONE_VFORK,
  EPERM,
  ESRCH,
  PTRACE_EVENT_CLONE,
  PTRACE_EVENT_FORK,
  PTRACE_EVENT_VFORK,
  SA_NOCLDWAIT,
  SIG_IGN,
  SIGCHLD,
  SIGKILL,
  SIGSTOP,
} from '@sandbox-kernel/abi';
import { forgetThread, notifyParent, reap } from '../exit.js';
import { sendToGroup, sendToTask } from '../signal/send.js';
import { kernelSignal } from '../signal/signal-info.js';
import { childInfo } from '../stop.js';
import type { Task } from '../task.js';
import { TASK_STOPPED, TASK_TRACED, TASK_ZOMBIE } from '../task-state.js';
import type { ThreadGroup } from '../thread-group.js';
import { mayTrace } from './access.js';
import { RUN_FREELY, TraceState } from './trace-state.js';
import { adoptStop, setMode, wantsEvent } from './trace-stop.js';

function link(task: Task, tracer: Task, seized: boolean, options: number): TraceState {
  const trace = task.trace ?? new TraceState();
  task.trace = trace;
  trace.forget();
  trace.seized = seized;
  trace.options = options;
  trace.privileged = tracer.credentials.hasCapability(CAP_SYS_PTRACE);
  task.tracer = tracer;
  tracer.group.tracees ??= new Set();
  tracer.group.tracees.add(task);
  return trace;
}

/** No tracer any more. Whether the task goes on is the caller's business. */
export function unlink(task: Task): void {
  const tracer = task.tracer;
  if (tracer === null) return;
  tracer.group.tracees?.delete(task);
  task.tracer = null;
  (task.trace as TraceState).forget();
  setMode(task, RUN_FREELY);
}

/** PTRACE_TRACEME: by the thread that made this process. */
export function traceMe(task: Task): number {
  const parent = task.group.parentTask;
  if (task.tracer !== null) return -EPERM;
  if (parent !== null && !parent.exiting) link(task, parent, false, 0);
  return 0;
}

/** PTRACE_ATTACH, PTRACE_SEIZE. */
export function attach(tracer: Task, task: Task, seize: boolean, options: number): number {
  if (task.group === tracer.group || !mayTrace(tracer, task)) return -EPERM;
  if (task.exiting || task.state >= TASK_ZOMBIE || task.tracer !== null) return -EPERM;
  link(task, tracer, seize, options);
  if (!seize) sendToTask(task, kernelSignal(SIGSTOP));
  if (task.state === TASK_STOPPED) adoptStop(task);
  return 0;
}

/** The task that `tracer` may command; `anyState`: also while it runs. Null: ESRCH. */
export function traceeOf(tracer: Task, tid: number, anyState: boolean): Task | null {
  const task = tracer.kernel.findTask(tid);
  if (task === null || task.tracer !== tracer) return null;
  if (anyState) return task;
  return task.state === TASK_TRACED && !(task.trace as TraceState).listening ? task : null;
}

/** PTRACE_DETACH, and the tracer's own end. A process in a group stop stays stopped. */
export function detach(task: Task, signal: number): number {
  if (task.tracer === null) return -ESRCH;
  unlink(task);
  const { stop } = task.group;
  if (task.state !== TASK_TRACED) return 0;
  (task.trace as TraceState).resumeSignal = signal;
  if (stop.active && !task.exiting) {
    if (!stop.stopped && !task.stopPending) stop.remaining++;
    task.stopPending = true;
    task.signalPending = true;
  }
  task.makeRunnable();
  return 0;
}

/** Which event of its tracer a clone with these flags is; 0 for none. */
export function cloneEvent(parent: Task, flags: number, exitSignal: number): number {
  if ((flags & CLONE_UNTRACED) !== 0) return 0;
  const plain = exitSignal === SIGCHLD ? PTRACE_EVENT_FORK : PTRACE_EVENT_CLONE;
  const event = (flags & CLONE_VFORK) !== 0 ? PTRACE_EVENT_VFORK : plain;
  return wantsEvent(parent, event) ? event : 0;
}

/** A child of a traced task is traced too, when its tracer asked for it, and begins with a stop. */
export function followClone(parent: Task, child: Task, event: number, flags: number): void {
  const from = parent.trace as TraceState;
  if (parent.tracer === null || (event === 0 && (flags & CLONE_PTRACE) === 0)) return;
  const trace = link(child, parent.tracer, from.seized, from.options);
  trace.privileged = from.privileged;
  trace.callNumber = parent.call.nr;
  if (from.seized) trace.trapStop = true;
  else child.pending.pushBare(SIGSTOP);
}

/** `tracer` ends: what it traced goes on without it, or dies with it. */
export function abandonTracees(tracer: Task): void {
  const tracees = tracer.group.tracees as Set<Task>;
  for (const task of tracees) {
    if (task.tracer !== tracer) continue;
    if ((task.trace as TraceState).killsAtExit) sendToGroup(task.group, kernelSignal(SIGKILL));
    if (task.state >= TASK_ZOMBIE) buryTracee(task);
    else detach(task, 0);
  }
}

/** A traced task has exited: its tracer can wait for it, also when it is a mere thread. False: nobody would. */
export function tellExit(task: Task): boolean {
  const tracer = (task.tracer as Task).group;
  const action = tracer.handlers.get(SIGCHLD);
  const status = task.group.exited ? task.group.exitStatus : task.exitStatus;
  const killed = (status & 0x7f) !== 0;
  const ignored = action.handler === SIG_IGN;
  if (!ignored) {
    const info = childInfo(
      task.group,
      killed ? CLD_KILLED : CLD_EXITED,
      killed ? status & 0x7f : status >>> 8,
    );
    info.sender(task.tid, task.credentials.uid);
    sendToGroup(tracer, info);
  }
  tracer.childEvents.wake(1);
  return !ignored && (action.flags & SA_NOCLDWAIT) === 0;
}

/** The tracer has seen the end of `task`: a thread is gone for good, a process is its parent's. */
export function buryTracee(task: Task): void {
  const tracer = (task.tracer as Task).group;
  const { group } = task;
  unlink(task);
  if (!task.isLeader) {
    forgetThread(task);
    return;
  }
  if (!group.exited || group.reaped) return;
  const { parent } = group;
  if (parent === null || parent.exited) {
    if (!group.isInit) reap(group);
  } else if (parent !== tracer) notifyParent(group, parent);
}

/** Traced by a process other than its parent: the parent does not see it until the tracer has. */
export function isHiddenFrom(group: ThreadGroup, parent: ThreadGroup): boolean {
  const { tracer } = group.leader;
  return tracer !== null && tracer.group !== parent;
}

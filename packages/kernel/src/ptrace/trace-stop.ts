// Stops of a traced task, one by one beside the group stop (ptrace(2), "Stopped states"): before and after a call, with a signal, at an event.
// A stopped task is in TASK_TRACED until its tracer, or SIGKILL, lets it go on at the point that its TraceState names.
import {
  CLD_STOPPED,
  CLD_TRAPPED,
  ENOSYS,
  PTRACE_EVENT_EXEC,
  PTRACE_EVENT_EXIT,
  PTRACE_EVENT_SECCOMP,
  PTRACE_EVENT_STOP,
  PTRACE_EVENTMSG_SYSCALL_ENTRY,
  PTRACE_EVENTMSG_SYSCALL_EXIT,
  PTRACE_O_TRACEEXIT,
  SA_NOCLDSTOP,
  SIG_IGN,
  SIGCHLD,
  SIGTRAP,
  TRAP_BRKPT,
  TRAP_HWBKPT,
} from '@sandbox-kernel/abi';
import { FRAME_RIP, RESUME_SINGLE_STEP } from '@sandbox-kernel/contracts';
import { getRegister } from '../registers.js';
import { BLOCKED, REGISTERS_SET } from '../results.js';
import { forceSignal, sendToGroup, sendToTask } from '../signal/send.js';
import { kernelSignal, SignalInfo, userSignal } from '../signal/signal-info.js';
import { childInfo, threadStopped } from '../stop.js';
import type { Task } from '../task.js';
import { TASK_TRACED } from '../task-state.js';
import {
  RUN_EMULATED,
  STOP_AGAIN,
  STOP_ENTRY,
  STOP_EXIT,
  STOP_EXITING,
  STOP_FILTER,
  STOP_FINISH,
  STOP_SIGNAL,
  STOP_USER,
  type TraceState,
} from './trace-state.js';

const SYSCALL_MARK = 0x80;

/** Pre: traced. */
function stopAt(task: Task, point: number, code: number, why: number, info: SignalInfo | null): void {
  const trace = task.trace as TraceState;
  trace.point = point;
  trace.code = code;
  trace.why = why;
  trace.info = info;
  trace.resumeSignal = 0;
  // After a call the number may be what the tracer made of it.
  if (task.call.nr >= 0 && point !== STOP_EXIT) trace.callNumber = task.call.nr;
  task.state = TASK_TRACED;
  tellTracer(task);
}

/** SIGCHLD and a wake-up for the tracer: a stop of `task` can be waited for. */
function tellTracer(task: Task): void {
  const tracer = (task.tracer as Task).group;
  const trace = task.trace as TraceState;
  const action = tracer.handlers.get(SIGCHLD);
  if (action.handler !== SIG_IGN && (action.flags & SA_NOCLDSTOP) === 0) {
    const status = trace.why === CLD_STOPPED ? task.group.stop.signal : trace.code;
    const info = childInfo(task.group, trace.why, status & 0x7f);
    info.sender(task.tid, task.credentials.uid);
    sendToGroup(tracer, info);
  }
  tracer.childEvents.wake(1);
}

/** A stop that is no signal's: its siginfo carries the code. */
function notice(task: Task, signal: number, code: number): SignalInfo {
  return new SignalInfo(signal, code).sender(task.tid, task.credentials.uid);
}

/** Before the call `nr`. True: stopped. */
export function stopAtEntry(task: Task, nr: number): boolean {
  const trace = task.trace as TraceState;
  if (task.tracer === null || !trace.stopsAtCalls) return false;
  trace.entryResult = -ENOSYS;
  trace.emulates = trace.mode >= RUN_EMULATED;
  trace.callNumber = nr;
  stopAtCall(task, STOP_ENTRY, PTRACE_EVENTMSG_SYSCALL_ENTRY);
  return true;
}

/** After the call that has just ended. True: stopped. A single step over a call ends in SIGTRAP. */
export function stopAtExit(task: Task): boolean {
  const trace = task.trace as TraceState;
  if (task.tracer === null) return false;
  trace.debug?.lookAll(task);
  if (trace.stopsAtCalls) {
    stopAtCall(task, STOP_EXIT, PTRACE_EVENTMSG_SYSCALL_EXIT);
    return true;
  }
  if (trace.steps) {
    forceSignal(task, new SignalInfo(SIGTRAP, TRAP_BRKPT).address(getRegister(task.frame, FRAME_RIP)));
  } else if (trace.watches) meetBreakpoint(task);
  return false;
}

/** Pre: about to go to the program. A breakpoint in a debug register at its next instruction comes first. */
export function meetBreakpoint(task: Task): void {
  const trace = task.trace as TraceState;
  if (trace.debug?.meets(task) !== true) return;
  forceSignal(task, new SignalInfo(SIGTRAP, TRAP_HWBKPT).address(getRegister(task.frame, FRAME_RIP)));
}

/** The program has made one step. Pre: `watches`. True: nobody wants to know. */
export function passStep(task: Task): boolean {
  const trace = task.trace as TraceState;
  const { steps, debug } = trace;
  if (debug?.stepped(task, steps) !== true) return !steps;
  if (steps) return false;
  forceSignal(task, new SignalInfo(SIGTRAP, TRAP_HWBKPT).address(getRegister(task.frame, FRAME_RIP)));
  return true;
}

function stopAtCall(task: Task, point: number, message: number): void {
  const trace = task.trace as TraceState;
  trace.message = message;
  const code = SIGTRAP | (trace.marksCalls ? SYSCALL_MARK : 0);
  stopAt(task, point, code, CLD_TRAPPED, notice(task, SIGTRAP, code));
}

/** `info` was taken for delivery: the tracer decides what becomes of it. */
export function stopWithSignal(task: Task, info: SignalInfo): void {
  stopAt(task, STOP_SIGNAL, info.signal, CLD_TRAPPED, info);
}

/** The signal that a stop with one left to be delivered; null for none. */
export function settleSignal(task: Task): SignalInfo | null {
  const trace = task.trace as TraceState;
  const signal = trace.resumeSignal;
  const was = trace.info;
  if (signal === 0 || was === null) return null;
  if (signal === was.signal) return was;
  const sender = task.tracer?.group;
  return userSignal(signal, sender?.pid ?? 0, sender?.leader.credentials.uid ?? 0);
}

/** A signal that the tracer gave in a stop that had none. */
export function sendResumeSignal(task: Task): void {
  const signal = (task.trace as TraceState).resumeSignal;
  if (signal !== 0) sendToTask(task, kernelSignal(signal));
}

/** An event of a call, when the tracer asked for it. False: nothing happens. */
export function wantsEvent(task: Task, event: number): boolean {
  return task.tracer !== null && ((task.trace as TraceState).options & (1 << event)) !== 0;
}

/** Stops within a call. `result`: what the call returns afterwards; BLOCKED: its handler runs again. Returns BLOCKED. */
export function stopAtEvent(task: Task, event: number, message: number, result: number): number {
  const trace = task.trace as TraceState;
  trace.message = message;
  trace.result = result;
  trace.entryResult = -ENOSYS;
  const code = SIGTRAP | (event << 8);
  const point = result === BLOCKED ? STOP_AGAIN : STOP_FINISH;
  stopAt(task, point, code, CLD_TRAPPED, notice(task, SIGTRAP, code));
  return BLOCKED;
}

/** SECCOMP_RET_TRACE: the tracer decides on the call `nr`. Pre: it wants to. */
export function stopAtFilter(task: Task, nr: number, data: number): void {
  const trace = task.trace as TraceState;
  trace.message = data;
  trace.entryResult = -ENOSYS;
  trace.emulates = false;
  trace.callNumber = nr;
  const code = SIGTRAP | (PTRACE_EVENT_SECCOMP << 8);
  stopAt(task, STOP_FILTER, code, CLD_TRAPPED, notice(task, SIGTRAP, code));
}

/** The task has become another program. */
export function stopAfterExec(task: Task, formerTid: number): number {
  const { trace } = task;
  if (trace !== null && trace.debug !== null) {
    trace.debug = null;
    setMode(task, trace.mode);
  }
  if (wantsEvent(task, PTRACE_EVENT_EXEC)) {
    return stopAtEvent(task, PTRACE_EVENT_EXEC, formerTid, REGISTERS_SET);
  }
  if (task.tracer !== null && !(task.trace as TraceState).seized) {
    sendToTask(task, userSignal(SIGTRAP, task.tid, task.credentials.uid));
  }
  return REGISTERS_SET;
}

/** True: the task stops once more before it exits with `status`. */
export function stopBeforeExit(task: Task, status: number): boolean {
  const trace = task.trace as TraceState;
  if ((trace.options & PTRACE_O_TRACEEXIT) === 0 || trace.point === STOP_EXITING) return false;
  trace.message = status;
  trace.result = status;
  const code = SIGTRAP | (PTRACE_EVENT_EXIT << 8);
  task.stopWaiting();
  stopAt(task, STOP_EXITING, code, CLD_TRAPPED, notice(task, SIGTRAP, code));
  return true;
}

/** A group stop, PTRACE_INTERRUPT or news of either, on the way to the program. */
export function stopOnTheWay(task: Task): void {
  const trace = task.trace as TraceState;
  const { group } = task;
  const joins = task.stopPending;
  task.stopPending = false;
  trace.trapStop = false;
  trace.trapNotify = false;
  const signal = trace.stopSignal === 0 ? group.stop.signal : trace.stopSignal;
  if (trace.seized) {
    const told = group.stop.active ? signal : SIGTRAP;
    const code = told | (PTRACE_EVENT_STOP << 8);
    stopAt(task, STOP_USER, code, CLD_STOPPED, notice(task, told, code));
  } else stopAt(task, STOP_USER, signal, CLD_STOPPED, null);
  if (joins) threadStopped(group);
}

/** A task in a group stop gets a tracer: from now on it is the tracer's to continue. */
export function adoptStop(task: Task): void {
  stopOnTheWay(task);
}

/** A single step ended at the first instruction of a handler. */
export function stopInHandler(task: Task): void {
  stopAt(task, STOP_USER, SIGTRAP, CLD_TRAPPED, notice(task, SIGTRAP, SIGTRAP));
}

/** A group stop began or ended. A seized task tells its tracer, at once when it listens. */
export function notifyTrap(task: Task): void {
  const trace = task.trace as TraceState;
  if (task.tracer === null || !trace.seized) return;
  trace.trapNotify = true;
  wakeForTrap(task);
}

/** The task has a trap pending: it is interrupted, or woken from listening. */
export function wakeForTrap(task: Task): void {
  const trace = task.trace as TraceState;
  task.signalWake(false);
  if (task.state === TASK_TRACED && trace.listening) task.makeRunnable();
}

/** Lets a stopped task go on. `mode`: RUN_*. */
export function resumeTraced(task: Task, signal: number, mode: number): void {
  const trace = task.trace as TraceState;
  trace.resumeSignal = signal;
  setMode(task, mode);
  task.makeRunnable();
}

export function setMode(task: Task, mode: number): void {
  const trace = task.trace as TraceState;
  trace.mode = mode;
  task.resumeFlags = trace.steps || trace.watches ? RESUME_SINGLE_STEP : 0;
  task.refreshCallWork();
}

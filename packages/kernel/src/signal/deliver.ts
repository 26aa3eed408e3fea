// The way back to the program (Linux: arch_do_signal_or_restart, get_signal): ends, stops, handlers, and what becomes of a call
// that a signal cut short (signal(7), "Interruption of system calls"; restart_syscall(2)).
import {
  EINTR,
  ERESTART_RESTARTBLOCK,
  ERESTARTNOHAND,
  ERESTARTNOINTR,
  ERESTARTSYS,
  SA_NODEFER,
  SA_RESETHAND,
  SA_RESTART,
  SIG_DFL,
  SIG_IGN,
  SIGKILL,
  SIGSEGV,
  SIGSTOP,
  SYS_restart_syscall,
} from '@sandbox-kernel/abi';
import { FRAME_RAX, FRAME_RIP } from '@sandbox-kernel/contracts';
import { exitGroup, exitTask } from '../exit.js';
import { isOrphaned } from '../process-group.js';
import type { TraceState } from '../ptrace/trace-state.js';
import { stopInHandler, stopOnTheWay, stopWithSignal } from '../ptrace/trace-stop.js';
import { getRegister, setRegister, setResult } from '../registers.js';
import { abortSequence } from '../rseq.js';
import { participateInStop, startGroupStop } from '../stop.js';
import type { Task } from '../task.js';
import { TASK_BLOCKED, TASK_STOPPED } from '../task-state.js';
import { waitForFrame } from '../userfault/wait.js';
import { ACTION_CORE, ACTION_IGNORE, ACTION_STOP, defaultAction } from './default-action.js';
import { pushSignalFrame } from './frame.js';
import { forceFatalSignal } from './send.js';
import type { SignalAction } from './signal-handlers.js';
import { kernelSignal, SignalInfo } from './signal-info.js';
import { firstSignal } from './signal-set.js';

/** Length of `syscall` (and of `int 0x80`): a restart goes back by this much. */
const SYSCALL_LENGTH = 2;

/** Everything that stands between a task and its program. False: it does not go there (stopped, or gone). */
export function workBeforeUser(task: Task): boolean {
  while (task.signalPending) {
    if (task.fatalPending()) {
      exitTask(task, task.group.exiting ? task.group.exitStatus : 0);
      return false;
    }
    if (task.stopPending || (task.tracer !== null && task.trace!.pending)) {
      if (stopsOnTheWay(task)) return false;
    }
    const injected = task.trace === null ? null : takeInjected(task);
    const info = injected ?? dequeueSignal(task, task.blocked.lo, task.blocked.hi);
    if (info === null) {
      task.recalcSignals();
      break;
    }
    if (task.tracer !== null && injected === null && info.signal !== SIGKILL) {
      stopWithSignal(task, info);
      return false;
    }
    if (!deliver(task, info)) return false;
    if (task.state >= TASK_STOPPED) return false;
  }
  finishWithoutHandler(task);
  return true;
}

/** A group stop, or what a tracer wants. False: only a signal that the tracer has seen already. */
function stopsOnTheWay(task: Task): boolean {
  if (task.tracer === null) {
    participateInStop(task);
    return true;
  }
  const trace = task.trace as TraceState;
  if (!task.stopPending && !trace.trapStop && !trace.trapNotify) return false;
  stopOnTheWay(task);
  return true;
}

function takeInjected(task: Task): SignalInfo | null {
  const trace = task.trace as TraceState;
  const { injected } = trace;
  trace.injected = null;
  if (injected !== null) task.recalcSignals();
  return injected;
}

/** Takes the next pending signal outside the mask, of the thread before those of the process; null for none. */
export function dequeueSignal(task: Task, blockedLo: number, blockedHi: number): SignalInfo | null {
  for (;;) {
    const own = task.pending.next(blockedLo, blockedHi);
    const queue = own !== 0 ? task.pending : task.group.pending;
    const signal = own !== 0 ? own : queue.next(blockedLo, blockedHi);
    if (signal === 0) return null;
    const info = queue.take(signal);
    task.recalcSignals();
    if (info === null) return new SignalInfo(signal, 0);
    info.leave();
    if (!info.stale) return info;
  }
}

/** False: the task stopped or is gone. */
function deliver(task: Task, info: SignalInfo): boolean {
  const signal = info.signal;
  const action = task.group.handlers.get(signal);
  if (action.handler === SIG_IGN) return true;
  if (action.handler !== SIG_DFL) return runHandler(task, info, action);
  const kind = defaultAction(signal);
  if (kind === ACTION_IGNORE || (task.group.unkillable && kind !== ACTION_CORE)) return true;
  if (kind === ACTION_STOP) {
    stopBySignal(task, signal);
    return true;
  }
  exitGroup(task, signal);
  return false;
}

function stopBySignal(task: Task, signal: number): void {
  // Job control signals mean nothing where no shell could continue the job.
  if (signal !== SIGSTOP && isOrphaned(task.group.processGroup, null)) return;
  startGroupStop(task, signal);
  task.recalcSignals();
}

/** False: the frame's page is not there yet. The task waits, and the signal with it. */
function runHandler(task: Task, info: SignalInfo, action: SignalAction): boolean {
  decideRestart(task, action);
  if (task.rseqAddress !== 0) abortSequence(task);
  const signal = info.signal;
  task.memory.obstacle = null;
  const ok = pushSignalFrame(task, info, action);
  if (!ok) {
    if (waitForFrame(task)) {
      info.user = task.credentials.user;
      info.user.pendingSignals++;
      task.pending.putBack(info);
      task.recalcSignals();
      return task.state !== TASK_BLOCKED;
    }
    badFrame(task, signal);
    return true;
  }
  task.savedMask = null;
  const nodefer = (action.flags & SA_NODEFER) !== 0;
  task.blocked.lo |= action.mask.lo;
  task.blocked.hi |= action.mask.hi;
  if (!nodefer) task.blocked.add(signal);
  if ((action.flags & SA_RESETHAND) !== 0) action.handler = SIG_DFL;
  task.recalcSignals();
  if (task.resumeFlags !== 0 && task.tracer !== null) stopInHandler(task);
  return true;
}

/** The frame of `signal` can't be written or read: SIGSEGV, by default action when it was SIGSEGV's own. */
export function badFrame(task: Task, signal: number): void {
  if (signal === SIGSEGV) forceFatalSignal(task, kernelSignal(SIGSEGV));
  else task.forceSegv();
}

/** A handler runs: does the call it interrupted fail with EINTR, or start again afterwards? */
function decideRestart(task: Task, action: SignalAction): void {
  const code = task.restartCode;
  if (code === 0) return;
  task.restartCode = 0;
  const again = code === ERESTARTNOINTR || (code === ERESTARTSYS && (action.flags & SA_RESTART) !== 0);
  if (again) rewind(task);
  else setResult(task.frame, -EINTR);
}

/** No handler ran: the call starts again as if nothing had been, and a temporary mask ends. */
function finishWithoutHandler(task: Task): void {
  const code = task.restartCode;
  if (code !== 0) {
    task.restartCode = 0;
    if (code === ERESTART_RESTARTBLOCK) setRegister(task.frame, FRAME_RAX, SYS_restart_syscall);
    if (
      code === ERESTARTSYS ||
      code === ERESTARTNOINTR ||
      code === ERESTARTNOHAND ||
      code === ERESTART_RESTARTBLOCK
    ) {
      rewind(task);
    }
  }
  restoreMask(task);
}

/** RAX still holds the number of the call. */
function rewind(task: Task): void {
  setRegister(task.frame, FRAME_RIP, getRegister(task.frame, FRAME_RIP) - SYSCALL_LENGTH);
}

function restoreMask(task: Task): void {
  const saved = task.savedMask;
  if (saved === null) return;
  task.savedMask = null;
  task.blocked.copy(saved);
  task.recalcSignals();
}

/** True when a signal outside `lo`/`hi` waits for the task. */
export function hasDeliverable(task: Task, lo: number, hi: number): boolean {
  const own = task.pending.set;
  const shared = task.group.pending.set;
  return firstSignal((own.lo | shared.lo) & ~lo, (own.hi | shared.hi) & ~hi) !== 0;
}

// What happens between a trap and the way back to the program. Contract with the sentry's loop:
//   for (;;) { kernel.runWoken(); const id = platform.wait(kernel.nextDeadline());
//     id ≥ 0 → kernel.trapped(id); WAIT_DEADLINE, and after every wake-up → kernel.expireTimers(clock.monotonic()); }
// `runWoken` runs blocked calls again and lets tasks go; nothing here blocks, and nothing throws for what a program does.
import {
  ENOMEM,
  ENOSYS,
  ERESTART_RESTARTBLOCK,
  ERESTARTSYS,
  ESTALE,
  SIGKILL,
  SIGSEGV,
  SIGTRAP,
  TRAP_TRACE,
} from '@sandbox-kernel/abi';
import {
  FRAME_CR2,
  FRAME_ERR,
  FRAME_HOT_SITE,
  FRAME_KIND,
  FRAME_RAX,
  FRAME_SIADDR,
  FRAME_SICODE,
  FRAME_SIGNO,
  FRAME_SYSCALL_ARCH,
  FRAME_TRAPNO,
  RESUME_DUE,
  SYSCALL_ARCH_X86_64,
  TRAP_DEATH,
  TRAP_EXCEPTION,
  TRAP_FAULT,
  TRAP_INTERRUPTED,
  TRAP_SYSCALL,
} from '@sandbox-kernel/contracts';
import { FAULT_WAITS } from '@sandbox-kernel/mm';
import { exitGroup, exitTask } from './exit.js';
import { leaveTrampoline, patchCall } from './patching/patch-call.js';
import { CALL_DISPATCHED, CALL_STOPPED, workBeforeCall } from './ptrace/call-work.js';
import {
  STOP_AGAIN,
  STOP_ENTRY,
  STOP_EXIT,
  STOP_EXITING,
  STOP_FILTER,
  STOP_FINISH,
  STOP_NONE,
  STOP_SIGNAL,
  type TraceState,
} from './ptrace/trace-state.js';
import { meetBreakpoint, passStep, sendResumeSignal, settleSignal, stopAtExit } from './ptrace/trace-stop.js';
import { getRegister, setResult } from './registers.js';
import { BLOCKED, REGISTERS_SET, TASK_EXITED } from './results.js';
import { abortSequence, lendProcessor, returnProcessor, SEQUENCE_HELD, SEQUENCE_READY } from './rseq.js';
import { GUARD_ALLOWS, GUARD_REFUSED, guardCall } from './seccomp/guard-call.js';
import { workBeforeUser } from './signal/deliver.js';
import { forceSignal, sendToTask } from './signal/send.js';
import { kernelSignal, SignalInfo } from './signal/signal-info.js';
import { endWithLinger, waitForLinger } from './socket/linger.js';
import type { Task } from './task.js';
import {
  TASK_BLOCKED,
  TASK_HELD,
  TASK_IN_KERNEL,
  TASK_RUNNING,
  TASK_TRACED,
  TASK_WOKEN,
} from './task-state.js';
import { settleObstacle, waitForEvents, waitForFault, waitForMemory } from './userfault/wait.js';

/** Processor vector of a page fault. */
const VECTOR_PAGE_FAULT = 14;
/** How often a call starts again because the names it walked over changed on the host meanwhile. Then the program hears of it. */
const STALE_TRIES = 64;

/** Sees every call of every task (--strace, events). `exit` comes once, with the result the program gets. */
export interface SyscallObserver {
  enter(task: Task, nr: number): void;
  exit(task: Task, nr: number, result: number): void;
}

/** The context of `task` has trapped. */
export function handleTrap(task: Task): void {
  const kernel = task.kernel;
  task.state = TASK_IN_KERNEL;
  const image = task.image;
  image.running--;
  if (image.freezer !== null && image.running === 0) image.freezer.makeRunnable();
  if (task.rseqAddress !== 0) returnProcessor(task);
  kernel.enter(task);
  const frame = task.frame;
  const kind = frame.words[(frame.offset + FRAME_KIND) >>> 2]!;
  if (kind === TRAP_SYSCALL) startCall(task);
  else handleException(task, kind);
  kernel.leave();
}

/** A task from the run queue: its call runs again, or it goes on to the program. */
export function runWokenTask(task: Task): void {
  if (task.state !== TASK_WOKEN) return;
  const kernel = task.kernel;
  task.state = TASK_IN_KERNEL;
  kernel.enter(task);
  if (task.trace !== null && task.trace.point !== STOP_NONE) leaveStop(task, task.trace);
  else if (task.eventMonitor !== null) finishCall(task, waitForEvents(task));
  else if (task.lingering?.started === true) finishCall(task, waitForLinger(task));
  else if (task.call.nr >= 0) dispatch(task, task.call.nr);
  else leaveKernel(task);
  kernel.leave();
}

function startCall(task: Task): void {
  const frame = task.frame;
  const base = frame.offset >>> 2;
  const nr = frame.words[base + (FRAME_RAX >>> 2)]!;
  if (frame.words[base + (FRAME_SYSCALL_ARCH >>> 2)] !== SYSCALL_ARCH_X86_64) {
    task.call.nr = -1;
    setResult(frame, -ENOSYS);
    leaveKernel(task);
    return;
  }
  task.call.begin(nr);
  if (task.memory.obstacle !== null) task.memory.obstacle = null;
  // The context has come back: what it might still have used of unmapped memory can go.
  task.memory.arrived(task.generation);
  if (frame.words[base + (FRAME_HOT_SITE >>> 2)] !== 0) patchCall(task);
  const observer = task.kernel.observer;
  if (observer !== null) observer.enter(task, nr);
  if (task.callWork) startWatchedCall(task, nr);
  else dispatch(task, nr);
}

function startWatchedCall(task: Task, nr: number): void {
  const work = workBeforeCall(task, nr);
  if (work === CALL_STOPPED) return;
  if (work === CALL_DISPATCHED) finishCall(task, REGISTERS_SET);
  else guardedCall(task, nr, false);
}

function guardedCall(task: Task, nr: number, again: boolean): void {
  const verdict = guardCall(task, nr, again);
  if (verdict === GUARD_ALLOWS) dispatch(task, nr);
  else if (verdict === GUARD_REFUSED) finishCall(task, REGISTERS_SET);
}

/** The tracer, or the end, has let the task go on. */
function leaveStop(task: Task, trace: TraceState): void {
  const { point } = trace;
  trace.point = STOP_NONE;
  trace.code = 0;
  trace.listening = false;
  trace.message = 0;
  if (point === STOP_SIGNAL) keepSignal(task, trace);
  else if (point === STOP_ENTRY || point === STOP_EXIT) sendResumeSignal(task);
  trace.info = null;
  task.recalcSignals();
  if (point === STOP_EXITING) {
    trace.point = STOP_EXITING;
    exitTask(task, trace.result);
  } else if (point === STOP_ENTRY || point === STOP_FILTER) makeCall(task, trace, point === STOP_FILTER);
  else if (point === STOP_FINISH) finishCall(task, trace.result);
  else if (point === STOP_AGAIN) dispatch(task, task.call.nr);
  else {
    if (trace.watches) meetBreakpoint(task);
    leaveKernel(task);
  }
}

/** What the tracer made of the signal is delivered now, or waits as it would have. */
function keepSignal(task: Task, trace: TraceState): void {
  const info = settleSignal(task);
  if (info === null || task.fatalPending()) return;
  if (task.blocked.has(info.signal)) sendToTask(task, info);
  else trace.injected = info;
}

/** The call that the tracer has left: another one, or none. */
function makeCall(task: Task, trace: TraceState, filtered: boolean): void {
  const nr = trace.callNumber;
  const emulated = trace.emulates;
  if (nr < 0 || emulated || task.fatalPending()) {
    setResult(task.frame, trace.entryResult);
    if (emulated) leaveKernel(task);
    else finishCall(task, REGISTERS_SET);
    return;
  }
  setResult(task.frame, nr);
  task.call.begin(nr);
  if (task.callWork) guardedCall(task, nr, filtered);
  else dispatch(task, nr);
}

function dispatch(task: Task, nr: number): void {
  const { handlers, memoryFile } = task.kernel;
  const handler = handlers[nr];
  memoryFile.exhausted = false;
  if (handler === undefined || handler === null) {
    task.kernel.unknownCall(task, nr);
    finishCall(task, -ENOSYS);
    return;
  }
  let outcome = handler(task, task.args);
  // As Linux's retry_estale(): calls can run again from the start, and one that met a stale name has done nothing yet.
  for (let tries = 0; outcome === -ESTALE && tries < STALE_TRIES; tries++) outcome = handler(task, task.args);
  finishCall(task, outcome);
}

function finishCall(task: Task, outcome: number): void {
  let result = outcome;
  if (result !== TASK_EXITED && task.memory.obstacle !== null) result = settleObstacle(task, result);
  // A file or a pipe could not grow: as for a fault, somebody dies, and the call runs again.
  if (result === -ENOMEM && task.kernel.memoryFile.exhausted) result = waitForMemory(task, result);
  if (task.lingering !== null && result !== BLOCKED) result = endWithLinger(task, result);
  if (result === BLOCKED) {
    task.voluntarySwitches++;
    if (task.state !== TASK_TRACED) task.state = TASK_BLOCKED;
    return;
  }
  if (result === TASK_EXITED) return;
  task.stopWaiting();
  task.killableOnly = false;
  if (result !== REGISTERS_SET) {
    if (result <= -ERESTARTSYS && result >= -ERESTART_RESTARTBLOCK) task.restartCode = -result;
    else setResult(task.frame, result);
  }
  const observer = task.kernel.observer;
  if (observer !== null) observer.exit(task, task.call.nr, result);
  if (task.callWork && task.trace !== null && stopAtExit(task)) return;
  leaveKernel(task);
}

/** Signals, stops, restarts; then the program. */
export function leaveKernel(task: Task): void {
  for (;;) {
    if (task.signalPending || task.restartCode !== 0 || task.savedMask !== null) {
      if (!workBeforeUser(task)) {
        if (task.rseqAddress !== 0) returnProcessor(task);
        return;
      }
    }
    task.call.nr = -1;
    if (task.rseqAddress === 0) break;
    const lent = lendProcessor(task);
    if (lent === SEQUENCE_READY) break;
    if (lent === SEQUENCE_HELD) return;
  }
  enterUser(task);
}

function enterUser(task: Task): void {
  const image = task.image;
  if (image.freezer !== null && image.freezer !== task) {
    task.state = TASK_HELD;
    image.held.push(task);
    return;
  }
  const memory = task.memory;
  task.generation = memory.generation;
  task.state = TASK_RUNNING;
  image.running++;
  const flags = task.due ? task.resumeFlags | RESUME_DUE : task.resumeFlags;
  task.due = false;
  if (task.context.resume(memory.space, flags) < 0) {
    image.running--;
    task.state = TASK_IN_KERNEL;
    exitGroup(task, SIGKILL);
  }
}

function handleException(task: Task, kind: number): void {
  task.call.nr = -1;
  if (task.trace !== null) task.trace.callNumber = -1;
  const astray = task.memory.patches !== null && leaveTrampoline(task, kind);
  if (astray) task.minorFaults++;
  else if (kind === TRAP_FAULT) {
    if (handleFault(task)) return;
  } else if (kind === TRAP_EXCEPTION) handleProcessorException(task);
  else if (kind === TRAP_INTERRUPTED) task.involuntarySwitches++;
  else if (kind === TRAP_DEATH) {
    exitGroup(task, SIGKILL);
    return;
  }
  if (task.rseqAddress !== 0) abortSequence(task);
  leaveKernel(task);
}

/** True: the task waits for whoever watches the page. */
function handleFault(task: Task): boolean {
  const frame = task.frame;
  const addr = getRegister(frame, FRAME_CR2);
  const code = frame.words[(frame.offset + FRAME_ERR) >>> 2]!;
  const hostSignal = frame.words[(frame.offset + FRAME_SIGNO) >>> 2]!;
  task.minorFaults++;
  task.memory.limits = task.memoryLimits;
  const signal = task.memory.fault(addr, code, task.generation, hostSignal);
  if (signal === 0) return false;
  if (signal === FAULT_WAITS) return blockOnFault(task, addr);
  task.trapNumber = VECTOR_PAGE_FAULT;
  task.trapError = code & 0xffff;
  task.trapAddress = addr;
  if (signal < 0) {
    task.kernel.outOfMemory(task);
    return false;
  }
  forceSignal(task, new SignalInfo(signal, task.memory.faultCode).address(task.memory.faultAddress));
  return false;
}

function blockOnFault(task: Task, addr: number): boolean {
  if (!waitForFault(task, addr)) return false;
  task.state = TASK_BLOCKED;
  return true;
}

function handleProcessorException(task: Task): void {
  const frame = task.frame;
  const base = frame.offset >>> 2;
  const signal = frame.words[base + (FRAME_SIGNO >>> 2)]!;
  const code = frame.words[base + (FRAME_SICODE >>> 2)]! | 0;
  task.trapNumber = frame.words[base + (FRAME_TRAPNO >>> 2)]!;
  task.trapError = frame.words[base + (FRAME_ERR >>> 2)]! & 0xffff;
  if (code === TRAP_TRACE && signal === SIGTRAP && task.trace?.watches === true && passStep(task)) return;
  if (signal < 1 || signal > 64) {
    forceSignal(task, kernelSignal(SIGSEGV));
    return;
  }
  forceSignal(task, new SignalInfo(signal, code).address(getRegister(frame, FRAME_SIADDR)));
}

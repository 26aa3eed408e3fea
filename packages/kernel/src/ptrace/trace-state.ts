// What a debugger's hold on one thread consists of (ptrace(2)). A task keeps the object once it has been traced; `Task.tracer` says whether
// it is traced now, and is all that anybody looks at who is in a hurry.
import { PTRACE_O_EXITKILL, PTRACE_O_TRACESYSGOOD } from '@sandbox-kernel/abi';
import type { SignalInfo } from '../signal/signal-info.js';
import type { DebugRegisters } from './debug-registers.js';

// Where a stopped task goes on.
export const STOP_NONE = 0;
/** Before a system call: the call is made. */
export const STOP_ENTRY = 1;
/** After one. */
export const STOP_EXIT = 2;
/** With a signal in its hands. */
export const STOP_SIGNAL = 3;
/** Within a call whose result stands already (an event of fork or execve). */
export const STOP_FINISH = 4;
/** Within a call that is not over (an event of vfork): its handler runs again. */
export const STOP_AGAIN = 5;
/** On its way to the program (group stop, PTRACE_INTERRUPT, the first instruction of a handler). */
export const STOP_USER = 6;
/** On its way out (PTRACE_EVENT_EXIT). */
export const STOP_EXITING = 7;

/** Before a call that a seccomp filter shows to the tracer: it is made, after another look. */
export const STOP_FILTER = 8;

// What runs between two stops.
export const RUN_FREELY = 0;
export const RUN_TO_CALL = 1;
export const RUN_ONE_STEP = 2;
/** As RUN_TO_CALL, but calls are not made (PTRACE_SYSEMU). */
export const RUN_EMULATED = 3;
export const RUN_EMULATED_STEP = 4;

export class TraceState {
  /** PTRACE_SEIZE, as opposed to PTRACE_ATTACH and PTRACE_TRACEME. */
  seized: boolean;
  /** PTRACE_O_*. */
  options: number;
  /** RUN_*. */
  mode: number;
  /** STOP_* while stopped. */
  point: number;
  /** What wait(2) tells in the upper bits of the status; 0 when it has been told. */
  code: number;
  /** si_code of the tracer's SIGCHLD. */
  why: number;
  /** PTRACE_GETSIGINFO; null in a group stop. */
  info: SignalInfo | null;
  /** PTRACE_GETEVENTMSG. */
  message: number;
  /** PTRACE_LISTEN: stopped, but news of the group stop make it report again. */
  listening: boolean;
  /** PTRACE_INTERRUPT, or the start of a seized child: the task stops on its way to the program. */
  trapStop: boolean;
  /** A group stop began or ended: a seized task tells. */
  trapNotify: boolean;
  /** Signal of the group stop that this task joins; 0: that of the process. */
  stopSignal: number;
  /** Signal that the tracer sends the task on with, and the one that then stands for delivery. */
  resumeSignal: number;
  injected: SignalInfo | null;
  /** Result of the call, or status of the exit, that goes on after the stop. */
  result: number;
  /** The call that it is in, or was in last: -1 outside. */
  callNumber: number;
  /** RAX as the tracer sees it before a call, and whether that call is the tracer's to make. */
  entryResult: number;
  emulates: boolean;
  /** Null until the tracer writes one. */
  debug: DebugRegisters | null;
  /** The tracer had CAP_SYS_PTRACE when it attached: set-user-ID programs keep their rights. */
  privileged: boolean;

  constructor() {
    this.seized = false;
    this.options = 0;
    this.mode = RUN_FREELY;
    this.point = STOP_NONE;
    this.code = 0;
    this.why = 0;
    this.info = null;
    this.message = 0;
    this.listening = false;
    this.trapStop = false;
    this.trapNotify = false;
    this.stopSignal = 0;
    this.resumeSignal = 0;
    this.injected = null;
    this.result = 0;
    this.callNumber = -1;
    this.entryResult = 0;
    this.emulates = false;
    this.debug = null;
    this.privileged = false;
  }

  /** Something is to be done before the task may go to its program. */
  get pending(): boolean {
    return this.trapStop || this.trapNotify || this.injected !== null;
  }

  get stopsAtCalls(): boolean {
    return this.mode === RUN_TO_CALL || this.mode >= RUN_EMULATED;
  }

  /** A breakpoint or watchpoint of the processor's kind is on. */
  get watches(): boolean {
    return this.debug?.active === true;
  }

  get steps(): boolean {
    return this.mode === RUN_ONE_STEP || this.mode === RUN_EMULATED_STEP;
  }

  get marksCalls(): boolean {
    return (this.options & PTRACE_O_TRACESYSGOOD) !== 0;
  }

  get killsAtExit(): boolean {
    return (this.options & PTRACE_O_EXITKILL) !== 0;
  }

  /** Nobody traces any more. */
  forget(): void {
    this.seized = false;
    this.options = 0;
    this.mode = RUN_FREELY;
    this.code = 0;
    this.listening = false;
    this.trapStop = false;
    this.trapNotify = false;
    this.stopSignal = 0;
    this.debug = null;
  }
}

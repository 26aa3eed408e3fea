// What happens around a system call for the few tasks that asked for it: Syscall User Dispatch (prctl(2), PR_SET_SYSCALL_USER_DISPATCH) and
// tracing. Everybody else is spared by one look at Task.callWork.
import { AUDIT_ARCH_X86_64, SIGSEGV, SIGSYS, SYS_USER_DISPATCH } from '@sandbox-kernel/abi';
import { FRAME_RIP } from '@sandbox-kernel/contracts';
import { getRegister, setResult } from '../registers.js';
import { forceFatalSignal, forceSignal } from '../signal/send.js';
import { kernelSignal, SignalInfo } from '../signal/signal-info.js';
import type { Task } from '../task.js';
import { stopAtEntry } from './trace-stop.js';

const ALLOW = 0;
const BLOCK = 1;

/** Where calls are made, and where they are given back to the program. */
export interface CallDispatch {
  /** Calls from [offset, offset + length) are made (or, when `inclusive`, all others are). */
  readonly offset: number;
  readonly length: number;
  readonly inclusive: boolean;
  /** Address of the byte that switches it; 0 for always on. */
  readonly selector: number;
}

/** Nothing of this for the call. */
export const CALL_GOES_ON = 0;
/** The task stopped: the call comes later. */
export const CALL_STOPPED = 1;
/** The call is not made: a signal says so. */
export const CALL_DISPATCHED = 2;

export function workBeforeCall(task: Task, nr: number): number {
  if (task.dispatch !== null && isDispatched(task, task.dispatch, nr)) return CALL_DISPATCHED;
  return task.trace !== null && stopAtEntry(task, nr) ? CALL_STOPPED : CALL_GOES_ON;
}

function isDispatched(task: Task, dispatch: CallDispatch, nr: number): boolean {
  const rip = getRegister(task.frame, FRAME_RIP);
  const inside = rip >= dispatch.offset && rip < dispatch.offset + dispatch.length;
  if (inside !== dispatch.inclusive) return false;
  if (dispatch.selector !== 0) {
    const state = task.memory.readU8(dispatch.selector);
    if (state < 0) {
      forceFatalSignal(task, kernelSignal(SIGSEGV));
      return true;
    }
    if (state === ALLOW) return false;
    if (state !== BLOCK) {
      forceFatalSignal(task, kernelSignal(SIGSYS));
      return true;
    }
  }
  setResult(task.frame, nr);
  forceSignal(task, new SignalInfo(SIGSYS, SYS_USER_DISPATCH).systemCall(rip, nr, AUDIT_ARCH_X86_64));
  return true;
}

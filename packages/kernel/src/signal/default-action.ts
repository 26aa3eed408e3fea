// What a signal does when nobody handles it (signal(7)).
import {
  SIGABRT,
  SIGBUS,
  SIGCHLD,
  SIGCONT,
  SIGFPE,
  SIGILL,
  SIGKILL,
  SIGQUIT,
  SIGSEGV,
  SIGSTOP,
  SIGSYS,
  SIGTRAP,
  SIGTSTP,
  SIGTTIN,
  SIGTTOU,
  SIGURG,
  SIGWINCH,
  SIGXCPU,
  SIGXFSZ,
} from '@sandbox-kernel/abi';
import { lowBit } from './signal-set.js';

export const ACTION_TERMINATE = 0;
export const ACTION_CORE = 1;
export const ACTION_IGNORE = 2;
export const ACTION_STOP = 3;

/** Masks over the low word of a signal set. */
export const STOP_SIGNALS = lowBit(SIGSTOP) | lowBit(SIGTSTP) | lowBit(SIGTTIN) | lowBit(SIGTTOU);
export const IGNORED_SIGNALS = lowBit(SIGCONT) | lowBit(SIGCHLD) | lowBit(SIGWINCH) | lowBit(SIGURG);
const CORE_SIGNALS =
  lowBit(SIGQUIT) |
  lowBit(SIGILL) |
  lowBit(SIGTRAP) |
  lowBit(SIGABRT) |
  lowBit(SIGFPE) |
  lowBit(SIGSEGV) |
  lowBit(SIGBUS) |
  lowBit(SIGSYS) |
  lowBit(SIGXCPU) |
  lowBit(SIGXFSZ);
/** SIGKILL and SIGSTOP: can't be caught, blocked or ignored. */
export const UNBLOCKABLE_SIGNALS = lowBit(SIGKILL) | lowBit(SIGSTOP);
/** Delivered before others when several are pending: their frames must come first. */
export const SYNCHRONOUS_SIGNALS =
  lowBit(SIGSEGV) | lowBit(SIGBUS) | lowBit(SIGILL) | lowBit(SIGTRAP) | lowBit(SIGFPE) | lowBit(SIGSYS);

export function defaultAction(signal: number): number {
  if (signal > 32) return ACTION_TERMINATE;
  const bit = lowBit(signal);
  if (bit & IGNORED_SIGNALS) return ACTION_IGNORE;
  if (bit & STOP_SIGNALS) return ACTION_STOP;
  return bit & CORE_SIGNALS ? ACTION_CORE : ACTION_TERMINATE;
}

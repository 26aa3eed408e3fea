// rt_sigtimedwait(2), rt_sigsuspend(2), pause(2), and the temporary masks of ppoll(2), pselect6(2), epoll_pwait(2), rt_sigpending(2).
import { EAGAIN, EINTR, ERESTARTNOHAND } from '@sandbox-kernel/abi';
import { BLOCKED } from '../results.js';
import type { Task } from '../task.js';
import { UNBLOCKABLE_SIGNALS } from './default-action.js';
import { dequeueSignal } from './deliver.js';
import type { SignalInfo } from './signal-info.js';
import { SignalSet } from './signal-set.js';

/** Sets the mask; SIGKILL and SIGSTOP can't be blocked. */
export function setBlocked(task: Task, lo: number, hi: number): void {
  task.blocked.set(lo & ~UNBLOCKABLE_SIGNALS, hi);
  task.recalcSignals();
}

/**
 * A mask for the length of this call; the old one comes back on the way to the program, after a handler that interrupted it has run under
 * it. Call it at each run of the handler: only the first changes anything.
 */
export function useTemporaryMask(task: Task, lo: number, hi: number): void {
  if (task.savedMask !== null) return;
  task.savedMask = new SignalSet(task.blocked.lo, task.blocked.hi);
  setBlocked(task, lo, hi);
}

/** The call ended without a signal: the old mask is back at once. */
export function dropTemporaryMask(task: Task): void {
  const saved = task.savedMask;
  if (saved === null) return;
  task.savedMask = null;
  task.blocked.copy(saved);
  task.recalcSignals();
}

export function suspendWithMask(task: Task, lo: number, hi: number): number {
  useTemporaryMask(task, lo, hi);
  return task.block(-ERESTARTNOHAND);
}

export function pause(task: Task): number {
  return task.block(-ERESTARTNOHAND);
}

/** Takes one of the signals in the set (lo, hi). Null: see `out.result`, which is -EAGAIN, -EINTR or BLOCKED. */
export function waitForSignal(
  task: Task,
  lo: number,
  hi: number,
  deadline: number,
  out: { result: number },
): SignalInfo | null {
  const wantedLo = lo & ~UNBLOCKABLE_SIGNALS;
  const info = dequeueSignal(task, ~wantedLo, ~hi);
  if (info !== null) {
    endWait(task);
    out.result = info.signal;
    return info;
  }
  if (task.kernel.clock.monotonic() >= deadline) {
    endWait(task);
    out.result = -EAGAIN;
    return null;
  }
  beginWait(task, wantedLo, hi);
  task.wakeAt(deadline);
  out.result = task.block(-EINTR);
  if (out.result !== BLOCKED) endWait(task);
  return null;
}

/** Signals in the set wake the thread although they were blocked. */
function beginWait(task: Task, lo: number, hi: number): void {
  if (task.realBlocked === null) task.realBlocked = new SignalSet(task.blocked.lo, task.blocked.hi);
  task.blocked.set(task.realBlocked.lo & ~lo, task.realBlocked.hi & ~hi);
  task.recalcSignals();
}

function endWait(task: Task): void {
  const real = task.realBlocked;
  if (real === null) return;
  task.realBlocked = null;
  task.blocked.copy(real);
  task.recalcSignals();
}

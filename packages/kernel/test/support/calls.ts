// Handlers that tests use again and again.
import {
  type CloneRequest,
  cloneTask,
  exitedStatus,
  exitGroup,
  exitTask,
  kill,
  type SyscallHandler,
  type Task,
  WaitResult,
  waitForChild,
} from '@sandbox-kernel/kernel';
import type { Machine } from './machine.js';

export const SIGCHLD = 17;

export function request(flags = 0, more: Partial<CloneRequest> = {}): CloneRequest {
  return {
    flags,
    flagsHigh: 0,
    pidfd: 0,
    childTid: 0,
    parentTid: 0,
    exitSignal: SIGCHLD,
    stackPointer: 0,
    tls: 0,
    setTid: 0,
    ...more,
  };
}

export const CLONE_VM = 0x100;
export const CLONE_VFORK = 0x4000;
export const CLONE_THREAD = 0x100 | 0x200 | 0x400 | 0x800 | 0x10000;

/** A child process (or thread, by flags) of `task`, running. */
export function fork(machine: Machine, task: Task, flags = 0, more: Partial<CloneRequest> = {}): Task {
  const made = machine.call(task, (caller) => cloneTask(caller, request(flags, more)));
  if (typeof made !== 'number' || made < 0) throw new Error(`clone: ${String(made)}`);
  const child = machine.kernel.findTask(made);
  if (child === null) throw new Error('clone: no child');
  return child;
}

export const exitCall =
  (code: number): SyscallHandler =>
  (task) =>
    exitGroup(task, exitedStatus(code));

export const exitThread =
  (code: number): SyscallHandler =>
  (task) =>
    exitTask(task, exitedStatus(code));

export const killCall =
  (pid: number, signal: number): SyscallHandler =>
  (task) =>
    kill(task, pid, signal);

/** wait with the result in `out`. */
export function waitCall(out: WaitResult, which: number, id: number, options: number): SyscallHandler {
  return (task) => waitForChild(task, which, id, options, out);
}

export { WaitResult };

// What becomes of a call under seccomp(2), after the tracer has seen it and before it is made.
import {
  AUDIT_ARCH_X86_64,
  ENOSYS,
  PTRACE_EVENT_SECCOMP,
  PTRACE_O_SUSPEND_SECCOMP,
  SECCOMP_MODE_DISABLED,
  SECCOMP_MODE_STRICT,
  SECCOMP_RET_ACTION_FULL,
  SECCOMP_RET_ALLOW,
  SECCOMP_RET_DATA,
  SECCOMP_RET_ERRNO,
  SECCOMP_RET_KILL_THREAD,
  SECCOMP_RET_LOG,
  SECCOMP_RET_TRACE,
  SECCOMP_RET_TRAP,
  SECCOMP_RET_USER_NOTIF,
  SIGKILL,
  SIGSYS,
  SYS_exit,
  SYS_read,
  SYS_rt_sigreturn,
  SYS_SECCOMP,
  SYS_write,
} from '@sandbox-kernel/abi';
import { FRAME_RIP } from '@sandbox-kernel/contracts';
import { exitTask } from '../exit.js';
import { stopAtFilter, wantsEvent } from '../ptrace/trace-stop.js';
import { getRegister, setResult } from '../registers.js';
import { forceFatalSignal, forceSignal } from '../signal/send.js';
import { SignalInfo } from '../signal/signal-info.js';
import type { Task } from '../task.js';
import { runFilters } from './seccomp-filter.js';

const MAX_ERRNO = 4095;
const STRICT_CALLS: readonly number[] = [SYS_read, SYS_write, SYS_exit, SYS_rt_sigreturn];

/** The call is made. */
export const GUARD_ALLOWS = 0;
/** The task has stopped for its tracer; the call comes later, or not. */
export const GUARD_STOPPED = 1;
/** It is not made: its result, or a signal, says so. */
export const GUARD_REFUSED = 2;
/** The task is gone. */
export const GUARD_EXITED = 3;

/** `again`: its tracer has seen the call because of SECCOMP_RET_TRACE, and may have changed it. */
export function guardCall(task: Task, nr: number, again: boolean): number {
  if (task.seccomp.mode === SECCOMP_MODE_DISABLED) return GUARD_ALLOWS;
  if (task.tracer !== null && task.trace !== null && (task.trace.options & PTRACE_O_SUSPEND_SECCOMP) !== 0)
    return GUARD_ALLOWS;
  if (task.seccomp.mode === SECCOMP_MODE_STRICT) {
    if (STRICT_CALLS.includes(nr)) return GUARD_ALLOWS;
    exitTask(task, SIGKILL);
    return GUARD_EXITED;
  }
  return obey(task, nr, runFilters(task, nr), again);
}

function obey(task: Task, nr: number, answer: number, again: boolean): number {
  const data = answer & SECCOMP_RET_DATA;
  switch ((answer & SECCOMP_RET_ACTION_FULL) >>> 0) {
    case SECCOMP_RET_ALLOW:
    case SECCOMP_RET_LOG:
      return GUARD_ALLOWS;
    case SECCOMP_RET_ERRNO:
      setResult(task.frame, -Math.min(data, MAX_ERRNO));
      return GUARD_REFUSED;
    case SECCOMP_RET_TRACE:
      return trace(task, nr, data, again);
    case SECCOMP_RET_USER_NOTIF:
      // Nobody can listen: SECCOMP_FILTER_FLAG_NEW_LISTENER is not there.
      setResult(task.frame, -ENOSYS);
      return GUARD_REFUSED;
    case SECCOMP_RET_TRAP:
      setResult(task.frame, nr);
      forceSignal(task, notice(task, nr, data));
      return GUARD_REFUSED;
    case SECCOMP_RET_KILL_THREAD:
      if (task.group.threads.length <= 1) break;
      exitTask(task, SIGSYS);
      return GUARD_EXITED;
  }
  setResult(task.frame, nr);
  forceFatalSignal(task, notice(task, nr, data));
  return GUARD_REFUSED;
}

function trace(task: Task, nr: number, data: number, again: boolean): number {
  if (again) return GUARD_ALLOWS;
  if (!wantsEvent(task, PTRACE_EVENT_SECCOMP)) {
    setResult(task.frame, -ENOSYS);
    return GUARD_REFUSED;
  }
  stopAtFilter(task, nr, data);
  return GUARD_STOPPED;
}

function notice(task: Task, nr: number, data: number): SignalInfo {
  const place = getRegister(task.frame, FRAME_RIP);
  return new SignalInfo(SIGSYS, SYS_SECCOMP).systemCall(place, nr, AUDIT_ARCH_X86_64, data);
}

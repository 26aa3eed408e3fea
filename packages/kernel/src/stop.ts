// Group stop and continue (signal(7), waitpid(2)): SIGSTOP and its like stop every thread of a process at its way back to the
// program; SIGCONT lets them go. The parent hears through SIGCHLD with CLD_STOPPED and CLD_CONTINUED, and wait4.
import { CLD_CONTINUED, CLD_STOPPED, SA_NOCLDSTOP, SIG_IGN, SIGCHLD, SIGCONT } from '@sandbox-kernel/abi';
import { notifyTrap } from './ptrace/trace-stop.js';
import { sendToGroup } from './signal/send.js';
import { SignalInfo } from './signal/signal-info.js';
import type { Task } from './task.js';
import { TASK_STOPPED, TASK_ZOMBIE } from './task-state.js';
import type { ThreadGroup } from './thread-group.js';

const NANOS_PER_TICK = 10_000_000;

export class GroupStop {
  /** All threads have stopped. */
  stopped: boolean;
  /** Signal that stopped it. */
  signal: number;
  /** Threads that must still stop. */
  remaining: number;
  /** A stop is under way or done. */
  active: boolean;
  /** wait4 has not yet reported the stop, the continuation. */
  reportStop: boolean;
  reportContinue: boolean;

  constructor() {
    this.stopped = false;
    this.signal = 0;
    this.remaining = 0;
    this.active = false;
    this.reportStop = false;
    this.reportContinue = false;
  }
}

/** `task` took a stop signal: all threads of its process stop. */
export function startGroupStop(task: Task, signal: number): void {
  const group = task.group;
  const stop = group.stop;
  if (group.exiting) return;
  if (!stop.active) {
    stop.active = true;
    stop.signal = signal;
    stop.remaining = 0;
  }
  for (const thread of group.threads) {
    if (thread.stopPending || thread.exiting || thread.state === TASK_STOPPED || thread.state >= TASK_ZOMBIE)
      continue;
    thread.stopPending = true;
    stop.remaining++;
    if (thread.trace !== null) thread.trace.stopSignal = signal;
    if (thread === task) continue;
    if (thread.trace?.seized === true) notifyTrap(thread);
    else thread.signalWake(false);
  }
}

/** A thread with a stop pending has reached its way back to the program: it stays here. */
export function participateInStop(task: Task): void {
  task.stopPending = false;
  task.state = TASK_STOPPED;
  threadStopped(task.group);
}

/** One thread less to wait for (stopped, or exited instead). */
export function threadStopped(group: ThreadGroup): void {
  const stop = group.stop;
  if (!stop.active || stop.stopped) return;
  if (stop.remaining > 0) stop.remaining--;
  if (stop.remaining > 0) return;
  stop.stopped = true;
  stop.reportStop = true;
  stop.reportContinue = false;
  notifyParent(group, CLD_STOPPED, stop.signal);
}

/** SIGCONT arrived (or SIGKILL): threads go on. */
export function continueGroup(group: ThreadGroup): void {
  const stop = group.stop;
  const wasActive = stop.active;
  const wasStopped = stop.stopped;
  stop.active = false;
  stop.stopped = false;
  stop.reportStop = false;
  stop.remaining = 0;
  for (const thread of group.threads) {
    thread.stopPending = false;
    if (thread.trace !== null) notifyTrap(thread);
    if (thread.state === TASK_STOPPED) thread.makeRunnable();
  }
  if (!wasActive) return;
  stop.reportContinue = wasStopped;
  if (wasStopped) notifyParent(group, CLD_CONTINUED, SIGCONT);
  else notifyParent(group, CLD_STOPPED, stop.signal);
}

function notifyParent(group: ThreadGroup, code: number, status: number): void {
  const parent = group.parent;
  // A parent that traces hears of each thread by itself.
  if (parent === null || group.leader.tracer?.group === parent) return;
  const action = parent.handlers.get(SIGCHLD);
  if (action.handler !== SIG_IGN && (action.flags & SA_NOCLDSTOP) === 0) {
    sendToGroup(parent, childInfo(group, code, status));
  }
  parent.childEvents.wake(1);
}

/** siginfo of SIGCHLD about `group`. */
export function childInfo(group: ThreadGroup, code: number, status: number): SignalInfo {
  const utime = Math.floor(group.userNanos() / NANOS_PER_TICK);
  const stime = Math.floor(group.systemNanos() / NANOS_PER_TICK);
  return new SignalInfo(SIGCHLD, code).child(group.pid, group.leader.credentials.uid, status, utime, stime);
}

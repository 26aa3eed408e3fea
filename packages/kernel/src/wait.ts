// wait4(2), waitid(2): finds a child with something to tell. Zombies are reaped here, stops and continuations reported once.
import {
  __WALL,
  __WCLONE,
  __WNOTHREAD,
  CLD_CONTINUED,
  CLD_EXITED,
  CLD_KILLED,
  CLD_STOPPED,
  CLD_TRAPPED,
  ECHILD,
  ERESTARTSYS,
  P_ALL,
  P_PGID,
  P_PID,
  P_PIDFD,
  SIGCHLD,
  SIGCONT,
  WCONTINUED,
  WEXITED,
  WNOHANG,
  WNOWAIT,
  WSTOPPED,
} from '@sandbox-kernel/abi';
import { reap } from './exit.js';
import { buryTracee, isHiddenFrom } from './ptrace/attach.js';
import type { TraceState } from './ptrace/trace-state.js';
import { type ResourceUsage, usageOfChild } from './resource-usage.js';
import type { Task } from './task.js';
import { TASK_TRACED, TASK_ZOMBIE } from './task-state.js';
import type { ThreadGroup } from './thread-group.js';

/** What wait found. Owned by the caller; filled when the result is > 0. */
export class WaitResult {
  pid: number;
  uid: number;
  /** Wait status, as WIFEXITED and its like read it. */
  status: number;
  /** CLD_*, and what si_status says. */
  code: number;
  value: number;
  usage: ResourceUsage | null;

  constructor() {
    this.pid = 0;
    this.uid = 0;
    this.status = 0;
    this.code = 0;
    this.value = 0;
    this.usage = null;
  }
}

/** `which` P_*; `id` the pid, pgid; `options` W* and __W*. Pid > 0 with `out` filled, 0 (WNOHANG), -ECHILD, BLOCKED or -ERESTARTSYS. */
export function waitForChild(
  task: Task,
  which: number,
  id: number,
  options: number,
  out: WaitResult,
): number {
  let candidates = 0;
  for (const child of task.group.children) {
    if (!isEligible(task, child, which, id, options)) continue;
    candidates++;
    if (report(child, options, out)) return out.pid;
  }
  if (task.group.tracees !== null) {
    const found = waitForTracee(task, which, id, options, out);
    if (found > 0) return found;
    if (found === 0) candidates++;
  }
  if (candidates === 0) return -ECHILD;
  if ((options & WNOHANG) !== 0) return 0;
  return task.blockOn(task.group.childEvents, 1, -ERESTARTSYS);
}

function isEligible(task: Task, child: ThreadGroup, which: number, id: number, options: number): boolean {
  if (!isNamed(child.pid, child, which, id)) return false;
  if ((options & __WNOTHREAD) !== 0 && child.parentTask !== task) return false;
  if ((options & __WALL) !== 0) return true;
  return (child.exitSignal !== SIGCHLD) === ((options & __WCLONE) !== 0);
}

function isNamed(pid: number, group: ThreadGroup, which: number, id: number): boolean {
  if (which === P_PID || which === P_PIDFD) return pid === id;
  if (which === P_PGID) return group.processGroup.pgid === id;
  return which === P_ALL;
}

/** Threads that it traces, whoever their parent is: every stop of theirs counts, asked for or not. 0: none has news; -ECHILD: none fits. */
function waitForTracee(task: Task, which: number, id: number, options: number, out: WaitResult): number {
  let candidates = 0;
  for (const tracee of task.group.tracees as Set<Task>) {
    if ((options & __WNOTHREAD) !== 0 && tracee.tracer !== task) continue;
    if (!isNamed(tracee.tid, tracee.group, which, id)) continue;
    candidates++;
    if (reportTracee(task, tracee, options, out)) return out.pid;
  }
  return candidates === 0 ? -ECHILD : 0;
}

function reportTracee(task: Task, tracee: Task, options: number, out: WaitResult): boolean {
  const keep = (options & WNOWAIT) !== 0;
  const trace = tracee.trace as TraceState;
  if (tracee.state >= TASK_ZOMBIE) {
    // The leader's end is that of the process, which its parent reports when it is the tracer too.
    if ((options & WEXITED) === 0 || (tracee.isLeader && !tracee.group.exited)) return false;
    if (tracee.isLeader && tracee.group.parent === task.group) return false;
    fillExit(tracee.group, out, tracee.isLeader ? tracee.group.exitStatus : tracee.exitStatus);
    name(tracee, out);
    if (!keep) buryTracee(tracee);
    return true;
  }
  if (tracee.state !== TASK_TRACED || trace.code === 0 || trace.listening) return false;
  fill(tracee.group, out, (trace.code << 8) | 0x7f, CLD_TRAPPED, trace.code);
  name(tracee, out);
  if (!keep) trace.code = 0;
  return true;
}

function name(tracee: Task, out: WaitResult): void {
  out.pid = tracee.tid;
  out.uid = tracee.credentials.uid;
}

function report(child: ThreadGroup, options: number, out: WaitResult): boolean {
  const keep = (options & WNOWAIT) !== 0;
  const parent = child.parent as ThreadGroup;
  if (child.exited) {
    if ((options & WEXITED) === 0 || isHiddenFrom(child, parent)) return false;
    reportExit(child, out);
    if (!keep) reap(child);
    return true;
  }
  const stop = child.stop;
  const ownTracee = child.leader.tracer !== null && child.leader.tracer.group === parent;
  if (stop.reportStop && !ownTracee && (options & WSTOPPED) !== 0) {
    fill(child, out, (stop.signal << 8) | 0x7f, CLD_STOPPED, stop.signal);
    if (!keep) stop.reportStop = false;
    return true;
  }
  if (stop.reportContinue && (options & WCONTINUED) !== 0) {
    fill(child, out, 0xffff, CLD_CONTINUED, SIGCONT);
    if (!keep) stop.reportContinue = false;
    return true;
  }
  return false;
}

function reportExit(child: ThreadGroup, out: WaitResult): void {
  fillExit(child, out, child.exitStatus);
}

function fillExit(child: ThreadGroup, out: WaitResult, status: number): void {
  const signal = status & 0x7f;
  fill(child, out, status, signal === 0 ? CLD_EXITED : CLD_KILLED, signal === 0 ? status >>> 8 : signal);
}

function fill(child: ThreadGroup, out: WaitResult, status: number, code: number, value: number): void {
  out.pid = child.pid;
  out.uid = child.leader.credentials.uid;
  out.status = status;
  out.code = code;
  out.value = value;
  out.usage = usageOfChild(child);
}

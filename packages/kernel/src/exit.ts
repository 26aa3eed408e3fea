// exit(2), exit_group(2), and death by signal: what a thread gives back, and, with the last one, what becomes of the process: its
// children, its process group, its terminal, its parent (wait(2), credentials(7), "Orphaned process groups" in setpgid(2)).

import { CLD_EXITED, CLD_KILLED, SA_NOCLDWAIT, SIG_IGN, SIGCHLD, SIGCONT, SIGHUP } from '@sandbox-kernel/abi';
import { vforkDone } from './clone.js';
import { thawImage } from './freeze.js';
import { exitFutexes } from './futex/robust-list.js';
import { leaveSemaphoreUndo } from './ipc/semaphore-set.js';
import { hasStopped, isOrphaned, type ProcessGroup } from './process-group.js';
import { abandonTracees, buryTracee, isHiddenFrom, tellExit, unlink } from './ptrace/attach.js';
import { stopBeforeExit } from './ptrace/trace-stop.js';
import { peakOf } from './resource-usage.js';
import { TASK_EXITED } from './results.js';
import { forgetSequence } from './rseq.js';
import { sendToGroup, sendToTask, startGroupExit } from './signal/send.js';
import { kernelSignal } from './signal/signal-info.js';
import { abandonLinger } from './socket/linger.js';
import { childInfo, threadStopped } from './stop.js';
import type { Task } from './task.js';
import { TASK_DEAD, TASK_ZOMBIE } from './task-state.js';
import type { ThreadGroup } from './thread-group.js';

/** Wait status of a normal exit. */
export function exitedStatus(code: number): number {
  return (code & 0xff) << 8;
}

/** exit_group(2), or the end by a signal (`status` is its number). Returns TASK_EXITED. */
export function exitGroup(task: Task, status: number): number {
  const group = task.group;
  startGroupExit(group, status);
  return exitTask(task, group.exitStatus);
}

/** One thread ends. Returns TASK_EXITED: nothing of the task may be used for a system call any more. */
export function exitTask(task: Task, status: number): number {
  if (task.exiting || (task.tracer !== null && stopBeforeExit(task, status))) return TASK_EXITED;
  const group = task.group;
  if (group.tracees !== null) abandonTracees(task);
  task.exiting = true;
  task.exitStatus = group.exiting ? group.exitStatus : status;
  task.stopWaiting();
  thawImage(task);
  if (task.stopPending) {
    task.stopPending = false;
    threadStopped(group);
  }
  exitFutexes(task);
  forgetSequence(task);
  const last = group.live === 1;
  leaveSemaphoreUndo(task);
  if (last) group.itimers.stop();
  if (last) group.cpuLimit.stop();
  if (last) group.timers.deleteAll();
  releaseResources(task);
  signalOrphanedChildren(task);
  group.live--;
  leaveGroup(task);
  if (last) endProcess(group, task);
  else if (!group.exitEvents.empty) group.exitEvents.wake(1);
  return TASK_EXITED;
}

function releaseResources(task: Task): void {
  const group = task.group;
  // What is still to do after this counts for nobody: the parent may ask at once.
  if (task.kernel.current === task) task.kernel.charge();
  group.deadUserNanos += task.userNanos();
  group.deadSystemNanos += task.systemNanos;
  group.minorFaults += task.minorFaults;
  group.voluntarySwitches += task.voluntarySwitches;
  group.involuntarySwitches += task.involuntarySwitches;
  task.pending.flush(-1, -1);
  vforkDone(task);
  if (task.lingering !== null) abandonLinger(task);
  task.files.release();
  task.fs.release();
  task.kernel.unbindContext(task);
  task.context.release();
  peakOf(group);
  task.image.release();
}

function leaveGroup(task: Task): void {
  const group = task.group;
  task.state = TASK_ZOMBIE;
  const at = group.threads.indexOf(task);
  if (at >= 0) group.threads.splice(at, 1);
  if (!task.isLeader && (task.tracer === null || !tellExit(task))) forgetThread(task);
  // The thread whose execve waits for this one looks again.
  if (group.execTask !== null && group.live <= 1) group.execTask.wakeAgain();
}

/** Frees the number of a thread that nobody waits for. */
export function forgetThread(task: Task): void {
  if (task.tracer !== null) unlink(task);
  task.state = TASK_DEAD;
  const kernel = task.kernel;
  if (kernel.processes.tasks.get(task.tid) === task) kernel.processes.tasks.delete(task.tid);
  task.credentials.user.processes--;
  kernel.events?.taskForgotten(task);
}

/** PR_SET_PDEATHSIG of children whose parent thread this was. */
function signalOrphanedChildren(task: Task): void {
  const group = task.group;
  const heir = group.threads.find((thread) => thread !== task) ?? null;
  for (const child of group.children) {
    if (child.parentTask !== task) continue;
    child.parentTask = heir;
    for (const thread of child.threads) {
      const signal = thread.parentDeathSignal;
      if (signal !== 0) sendToTask(thread, kernelSignal(signal).sender(group.pid, task.credentials.uid));
    }
  }
}

/** `last`: the thread whose exit ends the process; its code counts unless the group exits as one. */
function endProcess(group: ThreadGroup, last: Task): void {
  const kernel = group.kernel;
  const status = group.exiting ? group.exitStatus : last.exitStatus;
  group.exitStatus = status;
  group.exited = true;
  group.pending.flush(-1, -1);
  group.handlers.users--;
  leaveSession(group);
  reparentChildren(group);
  const parent = group.parent;
  hangUpIfOrphaned(group.processGroup, group, parent);
  kernel.events?.processExited(group, status);
  if (!group.exitEvents.empty) group.exitEvents.wake(1);
  if (group.isInit) {
    kernel.initStatus = status;
    kernel.events?.initExited(status);
  }
  // Nobody waits for the children of a dead init: what the host starts after its end must not stay as zombies.
  if (parent !== null && isHiddenFrom(group, parent)) {
    if (!tellExit(group.leader)) buryTracee(group.leader);
  } else if (parent !== null && !parent.exited) notifyParent(group, parent);
  else if (!group.isInit) reap(group);
}

function leaveSession(group: ThreadGroup): void {
  const session = group.processGroup.session;
  if (session.leader !== group) return;
  session.leader = null;
  if (session.terminal !== null) session.terminal.sessionEnded(session);
}

/** SIGCHLD (or what clone asked for) to the parent; reaps at once when the parent said that it won't wait. */
export function notifyParent(group: ThreadGroup, parent: ThreadGroup): void {
  const signal = group.exitSignal;
  let reapNow = false;
  let send = signal !== 0;
  if (signal === SIGCHLD) {
    const action = parent.handlers.get(SIGCHLD);
    if (action.handler === SIG_IGN) {
      reapNow = true;
      send = false;
    } else if ((action.flags & SA_NOCLDWAIT) !== 0) reapNow = true;
  }
  if (send) sendToGroup(parent, exitInfo(group, signal));
  if (reapNow) reap(group);
  if (!parent.childEvents.empty) parent.childEvents.wake(1);
}

function exitInfo(group: ThreadGroup, signal: number): ReturnType<typeof childInfo> {
  const status = group.exitStatus;
  const killed = (status & 0x7f) !== 0;
  const info = childInfo(group, killed ? CLD_KILLED : CLD_EXITED, killed ? status & 0x7f : status >>> 8);
  info.words[0] = signal;
  return info;
}

/** Children go to the nearest living subreaper above, or to init. */
function reparentChildren(group: ThreadGroup): void {
  if (group.children.size === 0) return;
  const reaper = findReaper(group);
  for (const child of group.children) {
    group.children.delete(child);
    child.parent = reaper;
    child.parentTask = reaper === null ? null : reaper.leader;
    child.exitSignal = SIGCHLD;
    if (reaper !== null) reaper.children.add(child);
    hangUpIfOrphaned(child.processGroup, null, group);
    if (!child.exited || (reaper !== null && isHiddenFrom(child, reaper))) continue;
    if (reaper !== null) notifyParent(child, reaper);
    else reap(child);
  }
}

function findReaper(group: ThreadGroup): ThreadGroup | null {
  for (let at = group.parent; at !== null; at = at.parent) {
    if (!at.exited && !at.exiting && (at.isSubreaper || at.isInit)) return at;
  }
  const init = group.kernel.init;
  return init !== null && init !== group && !init.exited ? init : null;
}

/**
 * A process group that loses its last link to another group of its session, and has stopped members, gets SIGHUP and SIGCONT: nobody
 * else could ever continue it. `leaving` is the process that ends; `link` the parent that it was connected through.
 */
function hangUpIfOrphaned(group: ProcessGroup, leaving: ThreadGroup | null, link: ThreadGroup | null): void {
  if (link === null || link.processGroup === group || link.processGroup.session !== group.session) return;
  if (!isOrphaned(group, leaving) || !hasStopped(group)) return;
  for (const member of [...group.members]) {
    sendToGroup(member, kernelSignal(SIGHUP));
    sendToGroup(member, kernelSignal(SIGCONT));
  }
}

/** The last trace goes: numbers are free again, times go to the parent. */
export function reap(group: ThreadGroup): void {
  if (group.reaped) return;
  group.reaped = true;
  const parent = group.parent;
  if (parent !== null) {
    parent.children.delete(group);
    addChildTimes(parent, group);
  }
  leaveProcessGroup(group);
  forgetThread(group.leader);
  if (!group.exitEvents.empty) group.exitEvents.wake(1);
}

function addChildTimes(parent: ThreadGroup, group: ThreadGroup): void {
  parent.childUserNanos += group.deadUserNanos + group.childUserNanos;
  parent.childSystemNanos += group.deadSystemNanos + group.childSystemNanos;
  parent.childMinorFaults += group.minorFaults + group.childMinorFaults;
  parent.childVoluntarySwitches += group.voluntarySwitches + group.childVoluntarySwitches;
  parent.childInvoluntarySwitches += group.involuntarySwitches + group.childInvoluntarySwitches;
  parent.childPeakRss = Math.max(parent.childPeakRss, group.peakRss, group.childPeakRss);
}

/** Takes a process out of its group; empty groups and sessions free their numbers. */
export function leaveProcessGroup(group: ThreadGroup): void {
  const kernel = group.kernel;
  const processGroup = group.processGroup;
  processGroup.members.delete(group);
  if (processGroup.members.size > 0) return;
  kernel.processes.groups.delete(processGroup.pgid);
  const session = processGroup.session;
  session.groups.delete(processGroup);
  if (session.groups.size === 0) kernel.processes.sessions.delete(session.sid);
}

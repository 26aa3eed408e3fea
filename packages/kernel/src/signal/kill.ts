// kill(2) and its relatives: who may signal whom, and whom a pid argument means.
import { CAP_KILL, EINVAL, EPERM, ESRCH, NSIG, SIGCONT } from '@sandbox-kernel/abi';
import type { Task } from '../task.js';
import type { ThreadGroup } from '../thread-group.js';
import { sendToGroup, sendToTask } from './send.js';
import { type SignalInfo, userSignal } from './signal-info.js';

/** 0, -EINVAL for what is no signal, or -EPERM (kill(2), "For a process to have permission to send a signal"). */
export function checkSignalPermission(sender: Task, target: Task, signal: number): number {
  if (signal < 0 || signal > NSIG) return -EINVAL;
  if (sender.group === target.group) return 0;
  const from = sender.credentials;
  const to = target.credentials;
  if (from.euid === to.suid || from.euid === to.uid || from.uid === to.suid || from.uid === to.uid) return 0;
  if (from.hasCapability(CAP_KILL)) return 0;
  const sameSession = sender.group.processGroup.session === target.group.processGroup.session;
  return signal === SIGCONT && sameSession ? 0 : -EPERM;
}

/** To a process; `signal` 0 only checks. */
export function signalGroup(sender: Task, group: ThreadGroup, info: SignalInfo): number {
  const allowed = checkSignalPermission(sender, group.leader, info.signal);
  if (allowed < 0 || info.signal === 0) return allowed;
  return sendToGroup(group, info);
}

/** To a thread of process `tgid` (-1: any), as tgkill(2). */
export function signalThread(sender: Task, tgid: number, tid: number, info: SignalInfo): number {
  const target = sender.kernel.findTask(tid);
  if (target === null || (tgid >= 0 && target.group.pid !== tgid)) return -ESRCH;
  const allowed = checkSignalPermission(sender, target, info.signal);
  if (allowed < 0 || info.signal === 0) return allowed;
  return sendToTask(target, info);
}

/** kill(2): a process, a group (0, < -1) or everybody (-1). */
export function kill(sender: Task, pid: number, signal: number): number {
  if (pid > 0) {
    const target = sender.kernel.findTask(pid);
    return target === null ? -ESRCH : signalGroup(sender, target.group, infoFor(sender, signal));
  }
  if (pid === -1) return killAll(sender, signal);
  const pgid = pid === 0 ? sender.group.processGroup.pgid : -pid;
  const group = sender.kernel.processes.groups.get(pgid);
  return group === undefined ? -ESRCH : signalMany(sender, group.members, signal);
}

function infoFor(sender: Task, signal: number): SignalInfo {
  return userSignal(signal, sender.group.pid, sender.credentials.uid);
}

/** Success when one got it; else the last error. */
function signalMany(sender: Task, groups: Iterable<ThreadGroup>, signal: number): number {
  let result = -ESRCH;
  let sent = false;
  for (const group of [...groups]) {
    const one = signalGroup(sender, group, infoFor(sender, signal));
    if (one === 0) sent = true;
    else result = one;
  }
  return sent ? 0 : result;
}

function killAll(sender: Task, signal: number): number {
  let seen = 0;
  let result = 0;
  for (const task of [...sender.kernel.processes.tasks.values()]) {
    if (!task.isLeader || task.group.isInit || task.group === sender.group) continue;
    seen++;
    const one = signalGroup(sender, task.group, infoFor(sender, signal));
    if (one !== -EPERM) result = one;
  }
  return seen === 0 ? -ESRCH : result;
}

/** To every member of a process group, by the kernel (terminal signals). */
export function signalProcessGroup(groups: Iterable<ThreadGroup>, info: SignalInfo): void {
  for (const group of [...groups]) sendToGroup(group, info);
}

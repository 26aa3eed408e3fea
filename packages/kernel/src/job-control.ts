// setpgid(2), setsid(2): process groups and sessions, in the order of checks that Linux makes.
import { EACCES, EINVAL, EPERM, ESRCH } from '@sandbox-kernel/abi';
import { leaveProcessGroup } from './exit.js';
import { ProcessGroup, Session } from './process-group.js';
import type { Task } from './task.js';
import type { ThreadGroup } from './thread-group.js';

/** setpgid(2); zeros stand for the caller and for the target's own pid. */
export function setProcessGroup(task: Task, pid: number, pgid: number): number {
  const kernel = task.kernel;
  const own = task.group;
  const target = pid === 0 ? own : kernel.findGroup(pid);
  const wanted = pgid === 0 ? (pid === 0 ? own.pid : pid) : pgid;
  if (wanted < 0) return -EINVAL;
  if (target === null) return -ESRCH;
  if (target.parent === own) {
    if (target.processGroup.session !== own.processGroup.session) return -EPERM;
    if (target.hasExecuted) return -EACCES;
  } else if (target !== own) return -ESRCH;
  const session = target.processGroup.session;
  if (session.leader === target) return -EPERM;
  let group = kernel.processes.groups.get(wanted);
  if (wanted !== target.pid) {
    if (group === undefined || group.session !== own.processGroup.session) return -EPERM;
  } else if (group === undefined) {
    group = new ProcessGroup(wanted, session);
    kernel.processes.groups.set(wanted, group);
  }
  moveToGroup(target, group);
  return 0;
}

function moveToGroup(target: ThreadGroup, group: ProcessGroup): void {
  if (target.processGroup === group) return;
  leaveProcessGroup(target);
  target.processGroup = group;
  group.members.add(target);
}

/** setsid(2): the new session's number, or -EPERM for a group leader. */
export function newSession(task: Task): number {
  const kernel = task.kernel;
  const own = task.group;
  if (kernel.processes.groups.has(own.pid) || own.processGroup.session.leader === own) return -EPERM;
  const session = new Session(own.pid, own);
  const group = new ProcessGroup(own.pid, session);
  kernel.processes.sessions.set(own.pid, session);
  kernel.processes.groups.set(own.pid, group);
  moveToGroup(own, group);
  return own.pid;
}

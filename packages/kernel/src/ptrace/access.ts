// Who may look into another process (ptrace(2), "Ptrace access mode checking"): debuggers, /proc/PID/mem, process_vm_readv(2), pidfd_getfd(2).
// No security module stands in between but the capabilities' own rule.
import { CAP_SYS_PTRACE } from '@sandbox-kernel/abi';
import { SUID_DUMP_USER } from '../process-image.js';
import type { Task } from '../task.js';

/** PTRACE_MODE_ATTACH_REALCREDS. */
export function mayTrace(task: Task, other: Task): boolean {
  return mayReach(task, other, task.credentials.uid, task.credentials.gid, false);
}

/** PTRACE_MODE_READ_FSCREDS, and ATTACH: what /proc/PID tells, and opens, beyond what everybody may know. */
export function mayInspect(task: Task, other: Task): boolean {
  return mayReach(task, other, task.credentials.fsuid, task.credentials.fsgid, true);
}

function mayReach(task: Task, other: Task, uid: number, gid: number, effective: boolean): boolean {
  if (task.group === other.group) return true;
  const mine = task.credentials;
  if (mine.hasCapability(CAP_SYS_PTRACE)) return true;
  const theirs = other.credentials;
  const sameUser = uid === theirs.euid && uid === theirs.suid && uid === theirs.uid;
  const sameGroup = gid === theirs.egid && gid === theirs.sgid && gid === theirs.gid;
  if (!sameUser || !sameGroup || other.image.dumpable !== SUID_DUMP_USER) return false;
  return theirs.permitted.isSubsetOf(effective ? mine.effective : mine.permitted);
}

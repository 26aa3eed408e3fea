// setuid(2), setreuid(2), setresuid(2), setfsuid(2), their group forms and setgroups(2), with what they do to capabilities
// (capabilities(7), "Effect of user ID changes on capabilities"). An id of -1 means "leave as it is".
import {
  CAP_CHOWN,
  CAP_DAC_OVERRIDE,
  CAP_DAC_READ_SEARCH,
  CAP_FOWNER,
  CAP_FSETID,
  CAP_LINUX_IMMUTABLE,
  CAP_MAC_OVERRIDE,
  CAP_MKNOD,
  CAP_SETGID,
  CAP_SETUID,
  EPERM,
  SECBIT_KEEP_CAPS,
  SECBIT_NO_SETUID_FIXUP,
} from '@sandbox-kernel/abi';
import { SUID_DUMP_DISABLE } from '../process-image.js';
import type { Task } from '../task.js';
import { type CapabilitySet, NO_CAPABILITIES } from './capability-set.js';
import type { Credentials } from './credentials.js';

const FS_CAPABILITIES = [
  CAP_CHOWN,
  CAP_DAC_OVERRIDE,
  CAP_DAC_READ_SEARCH,
  CAP_FOWNER,
  CAP_FSETID,
  CAP_LINUX_IMMUTABLE,
  CAP_MAC_OVERRIDE,
  CAP_MKNOD,
];

/** Makes changed credentials those of the task: account, dumpability, parent-death signal. */
export function commitCredentials(task: Task, next: Credentials): void {
  const old = task.credentials;
  const identity =
    next.euid !== old.euid || next.egid !== old.egid || next.fsuid !== old.fsuid || next.fsgid !== old.fsgid;
  if (identity || !next.permitted.isSubsetOf(old.permitted)) {
    task.image.dumpable = SUID_DUMP_DISABLE;
    task.parentDeathSignal = 0;
  }
  if (next.uid !== old.uid) {
    old.user.processes--;
    next.user = task.kernel.users.get(next.uid);
    next.user.processes++;
  }
  task.credentials = next;
}

export function setUid(task: Task, uid: number): number {
  const old = task.credentials;
  const next = old.edit();
  if (old.hasCapability(CAP_SETUID)) {
    next.uid = uid;
    next.suid = uid;
  } else if (uid !== old.uid && uid !== old.suid) return -EPERM;
  next.euid = uid;
  next.fsuid = uid;
  fixCapabilities(old, next);
  commitCredentials(task, next);
  return 0;
}

export function setReuid(task: Task, ruid: number, euid: number): number {
  const old = task.credentials;
  const next = old.edit();
  const privileged = old.hasCapability(CAP_SETUID);
  if (ruid !== -1) {
    if (!privileged && ruid !== old.uid && ruid !== old.euid) return -EPERM;
    next.uid = ruid;
  }
  if (euid !== -1) {
    if (!privileged && euid !== old.uid && euid !== old.euid && euid !== old.suid) return -EPERM;
    next.euid = euid;
  }
  if (ruid !== -1 || (euid !== -1 && euid !== old.uid)) next.suid = next.euid;
  next.fsuid = next.euid;
  fixCapabilities(old, next);
  commitCredentials(task, next);
  return 0;
}

export function setResuid(task: Task, ruid: number, euid: number, suid: number): number {
  const old = task.credentials;
  if (!old.hasCapability(CAP_SETUID)) {
    for (const id of [ruid, euid, suid]) {
      if (id !== -1 && id !== old.uid && id !== old.euid && id !== old.suid) return -EPERM;
    }
  }
  const next = old.edit();
  if (ruid !== -1) next.uid = ruid;
  if (euid !== -1) next.euid = euid;
  if (suid !== -1) next.suid = suid;
  next.fsuid = next.euid;
  fixCapabilities(old, next);
  commitCredentials(task, next);
  return 0;
}

/** The old value, whether it changed or not. */
export function setFsuid(task: Task, uid: number): number {
  const old = task.credentials;
  const allowed = uid === old.uid || uid === old.euid || uid === old.suid || uid === old.fsuid;
  if (uid === -1 || uid === old.fsuid || !(allowed || old.hasCapability(CAP_SETUID))) return old.fsuid;
  const next = old.edit();
  next.fsuid = uid;
  if ((old.securebits & SECBIT_NO_SETUID_FIXUP) === 0) next.effective = fsCapabilities(old, next);
  commitCredentials(task, next);
  return old.fsuid;
}

export function setGid(task: Task, gid: number): number {
  const old = task.credentials;
  const next = old.edit();
  if (old.hasCapability(CAP_SETGID)) {
    next.gid = gid;
    next.sgid = gid;
  } else if (gid !== old.gid && gid !== old.sgid) return -EPERM;
  next.egid = gid;
  next.fsgid = gid;
  commitCredentials(task, next);
  return 0;
}

export function setRegid(task: Task, rgid: number, egid: number): number {
  const old = task.credentials;
  const next = old.edit();
  const privileged = old.hasCapability(CAP_SETGID);
  if (rgid !== -1) {
    if (!privileged && rgid !== old.gid && rgid !== old.egid) return -EPERM;
    next.gid = rgid;
  }
  if (egid !== -1) {
    if (!privileged && egid !== old.gid && egid !== old.egid && egid !== old.sgid) return -EPERM;
    next.egid = egid;
  }
  if (rgid !== -1 || (egid !== -1 && egid !== old.gid)) next.sgid = next.egid;
  next.fsgid = next.egid;
  commitCredentials(task, next);
  return 0;
}

export function setResgid(task: Task, rgid: number, egid: number, sgid: number): number {
  const old = task.credentials;
  if (!old.hasCapability(CAP_SETGID)) {
    for (const id of [rgid, egid, sgid]) {
      if (id !== -1 && id !== old.gid && id !== old.egid && id !== old.sgid) return -EPERM;
    }
  }
  const next = old.edit();
  if (rgid !== -1) next.gid = rgid;
  if (egid !== -1) next.egid = egid;
  if (sgid !== -1) next.sgid = sgid;
  next.fsgid = next.egid;
  commitCredentials(task, next);
  return 0;
}

export function setFsgid(task: Task, gid: number): number {
  const old = task.credentials;
  const allowed = gid === old.gid || gid === old.egid || gid === old.sgid || gid === old.fsgid;
  if (gid === -1 || gid === old.fsgid || !(allowed || old.hasCapability(CAP_SETGID))) return old.fsgid;
  const next = old.edit();
  next.fsgid = gid;
  commitCredentials(task, next);
  return old.fsgid;
}

/** Pre: at most NGROUPS_MAX. */
export function setGroups(task: Task, groups: readonly number[]): number {
  if (!task.credentials.hasCapability(CAP_SETGID)) return -EPERM;
  const next = task.credentials.edit();
  next.groups = groups;
  commitCredentials(task, next);
  return 0;
}

function fixCapabilities(old: Credentials, next: Credentials): void {
  if ((old.securebits & SECBIT_NO_SETUID_FIXUP) !== 0) return;
  const hadRoot = old.uid === 0 || old.euid === 0 || old.suid === 0;
  if (hadRoot && next.uid !== 0 && next.euid !== 0 && next.suid !== 0) {
    if ((old.securebits & SECBIT_KEEP_CAPS) === 0) {
      next.permitted = NO_CAPABILITIES;
      next.effective = NO_CAPABILITIES;
    }
    next.ambient = NO_CAPABILITIES;
  }
  if (old.euid === 0 && next.euid !== 0) next.effective = NO_CAPABILITIES;
  if (old.euid !== 0 && next.euid === 0) next.effective = next.permitted;
}

function fsCapabilities(old: Credentials, next: Credentials): CapabilitySet {
  let effective = next.effective;
  for (const capability of FS_CAPABILITIES) {
    if (old.fsuid === 0 && next.fsuid !== 0) effective = effective.dropping(capability);
    if (old.fsuid !== 0 && next.fsuid === 0 && next.permitted.has(capability))
      effective = effective.with(capability);
  }
  return effective;
}

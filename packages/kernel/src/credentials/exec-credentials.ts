// What execve(2) makes of credentials (capabilities(7), "Transformation of capabilities during execve()"; set-user-ID bits;
// no_new_privs; securebits). File capabilities come as sets or null.
import { S_ISGID, S_ISUID, S_IXGRP, SECBIT_KEEP_CAPS, SECBIT_NOROOT } from '@sandbox-kernel/abi';
import { ALL_CAPABILITIES, type CapabilitySet, NO_CAPABILITIES } from './capability-set.js';
import type { Credentials } from './credentials.js';

export interface ProgramIdentity {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Mounted nosuid, or traced without rights: set-id bits and file capabilities count for nothing. */
  readonly noSetId: boolean;
  readonly capabilities: FileCapabilities | null;
}

/** security.capability of a file. */
export interface FileCapabilities {
  readonly permitted: CapabilitySet;
  readonly inheritable: CapabilitySet;
  readonly effective: boolean;
}

export interface ExecCredentials {
  readonly credentials: Credentials;
  /** AT_SECURE. */
  readonly secure: boolean;
  /** The file asks for capabilities that the process may not have, and says that it can't do without: execve fails with EPERM. */
  readonly refused: boolean;
}

export function credentialsAfterExec(old: Credentials, program: ProgramIdentity): ExecCredentials {
  const next = old.edit();
  const honoured = !program.noSetId && !old.noNewPrivileges;
  if (honoured && (program.mode & S_ISUID) !== 0) next.euid = program.uid;
  if (honoured && (program.mode & (S_ISGID | S_IXGRP)) === (S_ISGID | S_IXGRP)) next.egid = program.gid;
  const idsChanged = next.euid !== old.euid || next.egid !== old.egid;
  next.suid = next.euid;
  next.fsuid = next.euid;
  next.sgid = next.egid;
  next.fsgid = next.egid;
  const file = program.noSetId ? null : program.capabilities;
  const effective = transformCapabilities(old, next, file, idsChanged);
  next.securebits &= ~SECBIT_KEEP_CAPS;
  const setId = next.euid !== next.uid || next.egid !== next.gid;
  const gained = effective || !next.permitted.isSubsetOf(next.ambient);
  return { credentials: next, secure: setId || (next.uid !== 0 && gained), refused: isRefused(old, file) };
}

/** A file with the effective bit is a program that knows nothing of capabilities: it gets all that it asks for, or is not run. */
function isRefused(old: Credentials, file: FileCapabilities | null): boolean {
  if (file === null || !file.effective) return false;
  const granted = old.inheritable.and(file.inheritable).or(file.permitted.and(old.bounding));
  return !file.permitted.isSubsetOf(granted);
}

/** True when the effective bit counts: the program starts with all that it is permitted. */
function transformCapabilities(
  old: Credentials,
  next: Credentials,
  file: FileCapabilities | null,
  idsChanged: boolean,
): boolean {
  let fileInheritable = file?.inheritable ?? NO_CAPABILITIES;
  let filePermitted = file?.permitted ?? NO_CAPABILITIES;
  let fileEffective = file?.effective ?? false;
  const root = (old.securebits & SECBIT_NOROOT) === 0;
  if (root && (next.euid === 0 || next.uid === 0) && !(file !== null && next.uid !== 0 && next.euid === 0)) {
    // Root's programs count as having all capabilities, unless root got there by set-user-ID and the file has its own.
    fileInheritable = ALL_CAPABILITIES;
    filePermitted = ALL_CAPABILITIES;
    if (next.euid === 0) fileEffective = true;
  }
  const ambient = file !== null || idsChanged ? NO_CAPABILITIES : old.ambient;
  let fromFile = old.inheritable.and(fileInheritable).or(filePermitted.and(old.bounding));
  if (old.noNewPrivileges) fromFile = fromFile.and(old.permitted);
  next.ambient = ambient;
  next.permitted = fromFile.or(ambient);
  next.effective = fileEffective ? next.permitted : ambient;
  return fileEffective;
}

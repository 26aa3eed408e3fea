// Who may do what with an inode: path_resolution(7), capabilities(7). Mount flags (read-only) are checked by `mayWrite` callers.
import {
  CAP_CHOWN,
  CAP_DAC_OVERRIDE,
  CAP_DAC_READ_SEARCH,
  CAP_FOWNER,
  CAP_FSETID,
  EACCES,
  EPERM,
  EROFS,
  MS_RDONLY,
  S_IFDIR,
  S_IFMT,
  S_ISGID,
  S_ISVTX,
} from '@sandbox-kernel/abi';
import type { CallerCredentials } from '@sandbox-kernel/contracts';
import { accessAcl } from './acl/inode-acl.js';
import { checkAcl } from './acl/posix-acl.js';
import { MAY_EXEC, MAY_READ, MAY_WRITE } from './constants.js';
import type { Inode } from './inode.js';
import type { Mount } from './mount.js';

/** FS_IMMUTABLE_FL, FS_APPEND_FL of ioctl_iflags(2). */
export const INODE_IMMUTABLE = 0x10;
/** Made by O_TMPFILE without O_EXCL: may get a name although it has none. Not a flag of Linux's ABI. */
export const INODE_LINKABLE = 0x40000000;
export const INODE_APPEND = 0x20;

export function inGroup(credentials: CallerCredentials, gid: number): boolean {
  return credentials.fsgid === gid || credentials.groups.includes(gid);
}

/** 0 or -EACCES (or -EPERM for writing to an immutable file). `mask`: MAY_*. */
export function permission(inode: Inode, credentials: CallerCredentials, mask: number): number {
  const mode = inode.mode;
  if ((mask & MAY_WRITE) !== 0 && (inode.attributes & INODE_IMMUTABLE) !== 0) return -EPERM;
  let bits = mode;
  if (credentials.fsuid === inode.uid) bits = mode >> 6;
  else if ((mode & 0o70) !== 0 && inode.acl !== null && accessAcl(inode) !== null) {
    if (checkAcl(inode.acl!, inode.gid, credentials, mask & 7) === 0) return 0;
    return overridden(inode, credentials, mask) ? 0 : -EACCES;
  } else if ((mode & 0o70) !== (mode & 0o7) << 3 && inGroup(credentials, inode.gid)) bits = mode >> 3;
  if ((mask & ~bits & 7) === 0) return 0;
  return overridden(inode, credentials, mask) ? 0 : -EACCES;
}

function overridden(inode: Inode, credentials: CallerCredentials, mask: number): boolean {
  const mode = inode.mode;
  if ((mode & S_IFMT) === S_IFDIR) {
    if ((mask & MAY_WRITE) === 0 && credentials.hasCapability(CAP_DAC_READ_SEARCH)) return true;
    return credentials.hasCapability(CAP_DAC_OVERRIDE);
  }
  if (mask === MAY_READ && credentials.hasCapability(CAP_DAC_READ_SEARCH)) return true;
  if ((mask & MAY_EXEC) !== 0 && (mode & 0o111) === 0) return false;
  return credentials.hasCapability(CAP_DAC_OVERRIDE);
}

/** Owner of the inode, or CAP_FOWNER. */
export function isOwner(inode: Inode, credentials: CallerCredentials): boolean {
  return credentials.fsuid === inode.uid || credentials.hasCapability(CAP_FOWNER);
}

/** -EROFS where nothing may be changed. */
export function writableMount(mount: Mount): number {
  return ((mount.flags | mount.superblock.flags) & MS_RDONLY) === 0 ? 0 : -EROFS;
}

/** Sticky directories: only the owner of the entry, of the directory, or CAP_FOWNER removes (true: refused). */
export function stickyRefuses(directory: Inode, inode: Inode, credentials: CallerCredentials): boolean {
  if ((directory.mode & S_ISVTX) === 0) return false;
  if (credentials.fsuid === inode.uid || credentials.fsuid === directory.uid) return false;
  return !credentials.hasCapability(CAP_FOWNER);
}

/** May `inode` be removed from, or replaced in, `directory`? Kind of the entry is the caller's check. */
export function mayDelete(directory: Inode, inode: Inode, credentials: CallerCredentials): number {
  const allowed = permission(directory, credentials, MAY_WRITE | MAY_EXEC);
  if (allowed !== 0) return allowed;
  if ((directory.attributes & INODE_APPEND) !== 0) return -EPERM;
  if (stickyRefuses(directory, inode, credentials)) return -EPERM;
  return (inode.attributes & (INODE_APPEND | INODE_IMMUTABLE)) === 0 ? 0 : -EPERM;
}

/** Group of a new file in `directory`. */
export function newGroup(directory: Inode, credentials: CallerCredentials): number {
  return (directory.mode & S_ISGID) !== 0 ? directory.gid : credentials.fsgid;
}

/** Mode of a new file: inherits set-group-ID for directories, loses it on executables of a group that is not the caller's. */
export function newMode(directory: Inode, mode: number, credentials: CallerCredentials): number {
  if ((directory.mode & S_ISGID) === 0) return mode;
  if ((mode & S_IFMT) === S_IFDIR) return mode | S_ISGID;
  if ((mode & (S_ISGID | 0o10)) !== (S_ISGID | 0o10)) return mode;
  if (inGroup(credentials, directory.gid) || credentials.hasCapability(CAP_FSETID)) return mode;
  return mode & ~S_ISGID;
}

/** chown(2): may the caller set this owner (-1: leave)? */
export function mayChangeOwner(inode: Inode, credentials: CallerCredentials, uid: number): boolean {
  if (uid === -1 || (credentials.fsuid === inode.uid && uid === inode.uid)) return true;
  return credentials.hasCapability(CAP_CHOWN);
}

export function mayChangeGroup(inode: Inode, credentials: CallerCredentials, gid: number): boolean {
  if (gid === -1) return true;
  if (credentials.fsuid === inode.uid && (gid === inode.gid || inGroup(credentials, gid))) return true;
  return credentials.hasCapability(CAP_CHOWN);
}

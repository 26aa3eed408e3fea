// chmod(2), chown(2), utimensat(2), truncate(2), fallocate(2): changes of an inode's attributes and size.
import {
  AT_FDCWD,
  CAP_FSETID,
  EBADF,
  EFBIG,
  EINVAL,
  EISDIR,
  ENODEV,
  EOPNOTSUPP,
  EPERM,
  ESPIPE,
  ETXTBSY,
  FALLOC_FL_COLLAPSE_RANGE,
  FALLOC_FL_INSERT_RANGE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_UNSHARE_RANGE,
  FALLOC_FL_WRITE_ZEROES,
  FALLOC_FL_ZERO_RANGE,
  O_WRONLY,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_ISGID,
} from '@sandbox-kernel/abi';
import { followMode } from '../acl/inode-acl.js';
import {
  type AttributeChange,
  CHANGE_ATIME,
  CHANGE_CTIME,
  CHANGE_GID,
  CHANGE_MODE,
  CHANGE_MTIME,
  CHANGE_SIZE,
  CHANGE_UID,
} from '../attribute-change.js';
import { MAY_WRITE, WALK_FOLLOW } from '../constants.js';
import type { Dentry } from '../dentry.js';
import type { FileDescription } from '../file-description.js';
import type { FileCaller } from '../fs-context.js';
import type { Inode } from '../inode.js';
import { breakLeases } from '../locks/lease.js';
import type { Mount } from '../mount.js';
import { IN_ATTRIB, IN_MODIFY, notifyDentry, notifyInode } from '../notify/notify.js';
import {
  INODE_APPEND,
  INODE_IMMUTABLE,
  inGroup,
  isOwner,
  mayChangeGroup,
  mayChangeOwner,
  permission,
  writableMount,
} from '../permission.js';
import {
  dropCapabilities,
  dropPrivileges,
  isPrivileged,
  modeAfterChown,
  modeAfterWrite,
} from '../privileges.js';
import { waitForLease } from './open.js';
import { walkFlags } from './stat.js';

/** chmod(2), fchmodat2(2). `flags`: AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH. */
export function changeMode(
  caller: FileCaller,
  dirfd: number,
  path: string,
  mode: number,
  flags: number,
): number {
  const walker = caller.fs.vfs.walker;
  const found = walker.lookup(caller, dirfd, path, walkFlags(flags));
  return found !== 0 ? found : setMode(caller, walker.mount, walker.dentry, walker.dentry.inode!, mode);
}

export function changeModeOf(caller: FileCaller, file: FileDescription, mode: number): number {
  return file.inode === null ? -EINVAL : setMode(caller, file.mount, file.dentry, file.inode, mode);
}

function setMode(
  caller: FileCaller,
  mount: Mount | null,
  dentry: Dentry | null,
  inode: Inode,
  mode: number,
): number {
  if ((inode.mode & S_IFMT) === S_IFLNK) return -EOPNOTSUPP;
  const refused = mayAlter(caller, mount, inode);
  if (refused !== 0) return refused;
  const credentials = caller.credentials;
  if (!isOwner(inode, credentials)) return -EPERM;
  const change = caller.fs.vfs.change;
  change.what = CHANGE_MODE;
  change.mode = (inode.mode & S_IFMT) | (mode & 0o7777);
  if (!inGroup(credentials, inode.gid) && !credentials.hasCapability(CAP_FSETID)) change.mode &= ~S_ISGID;
  const changed = apply(caller, dentry, inode, change);
  if (changed === 0 && inode.acl !== null) followMode(inode);
  return changed;
}

/** chown(2) family. -1 leaves an id as it is. */
export function changeOwner(
  caller: FileCaller,
  dirfd: number,
  path: string,
  uid: number,
  gid: number,
  flags: number,
): number {
  const walker = caller.fs.vfs.walker;
  const found = walker.lookup(caller, dirfd, path, walkFlags(flags));
  return found !== 0 ? found : setOwner(caller, walker.mount, walker.dentry, walker.dentry.inode!, uid, gid);
}

export function changeOwnerOf(caller: FileCaller, file: FileDescription, uid: number, gid: number): number {
  return file.inode === null ? -EINVAL : setOwner(caller, file.mount, file.dentry, file.inode, uid, gid);
}

function setOwner(
  caller: FileCaller,
  mount: Mount | null,
  dentry: Dentry | null,
  inode: Inode,
  uid: number,
  gid: number,
): number {
  const refused = mayAlter(caller, mount, inode);
  if (refused !== 0) return refused;
  const credentials = caller.credentials;
  if (!mayChangeOwner(inode, credentials, uid) || !mayChangeGroup(inode, credentials, gid)) return -EPERM;
  const change = caller.fs.vfs.change;
  change.what = 0;
  if (uid !== -1) change.what |= CHANGE_UID;
  if (gid !== -1) change.what |= CHANGE_GID;
  change.uid = uid;
  change.gid = gid;
  const isDirectory = (inode.mode & S_IFMT) === S_IFDIR;
  const stripped = modeAfterChown(inode, credentials, gid);
  if (!isDirectory && stripped !== inode.mode) {
    change.what |= CHANGE_MODE;
    change.mode = stripped;
  }
  if (!isDirectory) dropCapabilities(inode);
  return apply(caller, dentry, inode, change);
}

/** What utimensat(2) asks for one timestamp. */
export const TIME_NOW = 0x3fffffff;
export const TIME_OMIT = 0x3ffffffe;

/** Seconds and nanoseconds of both stamps; nanoseconds may be TIME_NOW or TIME_OMIT. `path` null: the descriptor itself. */
export function setTimes(
  caller: FileCaller,
  dirfd: number,
  path: string,
  atime: number,
  atimeNanos: number,
  mtime: number,
  mtimeNanos: number,
  flags: number,
): number {
  if (atimeNanos === TIME_OMIT && mtimeNanos === TIME_OMIT) return 0;
  const walker = caller.fs.vfs.walker;
  const found = walker.lookup(caller, dirfd, path, walkFlags(flags));
  if (found !== 0) return found;
  return stamp(
    caller,
    walker.mount,
    walker.dentry,
    walker.dentry.inode!,
    atime,
    atimeNanos,
    mtime,
    mtimeNanos,
  );
}

export function setTimesOf(
  caller: FileCaller,
  file: FileDescription,
  atime: number,
  atimeNanos: number,
  mtime: number,
  mtimeNanos: number,
): number {
  if (atimeNanos === TIME_OMIT && mtimeNanos === TIME_OMIT) return 0;
  if (file.inode === null) return -EINVAL;
  return stamp(caller, file.mount, file.dentry, file.inode, atime, atimeNanos, mtime, mtimeNanos);
}

function stamp(
  caller: FileCaller,
  mount: Mount | null,
  dentry: Dentry | null,
  inode: Inode,
  atime: number,
  atimeNanos: number,
  mtime: number,
  mtimeNanos: number,
): number {
  const vfs = caller.fs.vfs;
  const refused = mayStamp(caller, mount, inode, atimeNanos === TIME_NOW && mtimeNanos === TIME_NOW);
  if (refused !== 0) return refused;
  const change = vfs.change;
  const seconds = vfs.nowSeconds();
  const nanos = vfs.nowNanos();
  change.what = 0;
  if (atimeNanos !== TIME_OMIT) change.what |= CHANGE_ATIME;
  if (mtimeNanos !== TIME_OMIT) change.what |= CHANGE_MTIME;
  change.atime = atimeNanos === TIME_NOW ? seconds : atime;
  change.atimeNanos = atimeNanos === TIME_NOW ? nanos : atimeNanos;
  change.mtime = mtimeNanos === TIME_NOW ? seconds : mtime;
  change.mtimeNanos = mtimeNanos === TIME_NOW ? nanos : mtimeNanos;
  return apply(caller, dentry, inode, change);
}

function mayStamp(caller: FileCaller, mount: Mount | null, inode: Inode, now: boolean): number {
  const readOnly = mount === null ? 0 : writableMount(mount);
  if (readOnly !== 0) return readOnly;
  if ((inode.attributes & INODE_IMMUTABLE) !== 0) return -EPERM;
  if (!now && (inode.attributes & INODE_APPEND) !== 0) return -EPERM;
  if (isOwner(inode, caller.credentials)) return 0;
  return now ? permission(inode, caller.credentials, MAY_WRITE) : -EPERM;
}

export function truncatePath(caller: FileCaller, path: string, size: number): number {
  if (size < 0) return -EINVAL;
  const walker = caller.fs.vfs.walker;
  const found = walker.lookup(caller, AT_FDCWD, path, WALK_FOLLOW);
  if (found !== 0) return found;
  const inode = walker.dentry.inode!;
  const type = inode.mode & S_IFMT;
  if (type === S_IFDIR) return -EISDIR;
  if (type !== S_IFREG) return -EINVAL;
  const readOnly = writableMount(walker.mount);
  if (readOnly !== 0) return readOnly;
  const allowed = permission(inode, caller.credentials, MAY_WRITE);
  if (allowed !== 0) return allowed;
  if ((inode.attributes & INODE_APPEND) !== 0) return -EPERM;
  if (inode.writers < 0) return -ETXTBSY;
  if (inode.locks !== null && breakLeases(inode, O_WRONLY) !== 0) return waitForLease(caller, inode);
  return resize(caller, walker.dentry, inode, size);
}

export function truncateFile(caller: FileCaller, file: FileDescription, size: number): number {
  const inode = file.inode;
  if (size < 0 || inode === null || (inode.mode & S_IFMT) !== S_IFREG || !file.writable) return -EINVAL;
  if ((inode.attributes & INODE_APPEND) !== 0) return -EPERM;
  return resize(caller, file.dentry, inode, size);
}

function resize(caller: FileCaller, dentry: Dentry | null, inode: Inode, size: number): number {
  if (size > inode.superblock.maxFileSize) return -EFBIG;
  const vfs = caller.fs.vfs;
  dropCapabilities(inode);
  const change = vfs.change;
  change.what = CHANGE_SIZE | CHANGE_MTIME;
  change.size = size;
  change.mtime = vfs.nowSeconds();
  change.mtimeNanos = vfs.nowNanos();
  const mode = modeAfterWrite(inode, caller.credentials);
  if (mode !== inode.mode) {
    change.what |= CHANGE_MODE;
    change.mode = mode;
  }
  return apply(caller, dentry, inode, change, IN_MODIFY);
}

export function allocateFile(
  caller: FileCaller,
  file: FileDescription,
  mode: number,
  offset: number,
  length: number,
): number {
  if (offset < 0 || length <= 0) return -EINVAL;
  if (!isAllocation(mode)) return -EOPNOTSUPP;
  if (!file.writable) return -EBADF;
  const inode = file.inode;
  if (inode === null) return -ENODEV;
  if ((inode.attributes & INODE_IMMUTABLE) !== 0) return -EPERM;
  if ((inode.attributes & INODE_APPEND) !== 0 && (mode & ~FALLOC_FL_KEEP_SIZE) !== 0) return -EPERM;
  const type = inode.mode & S_IFMT;
  if (type === S_IFIFO) return -ESPIPE;
  if (type === S_IFDIR) return -EISDIR;
  if (type !== S_IFREG) return -ENODEV;
  if (offset + length > inode.superblock.maxFileSize) return -EFBIG;
  if (isPrivileged(inode)) dropPrivileges(inode, caller.credentials);
  const done = file.ops.allocate(file, mode, offset, length);
  if (done === 0 && file.dentry !== null) notifyDentry(file.dentry, IN_MODIFY);
  return done;
}

/** One thing at a time, with the size kept where that makes sense. */
function isAllocation(mode: number): boolean {
  const keeps = (mode & FALLOC_FL_KEEP_SIZE) !== 0;
  switch (mode & ~FALLOC_FL_KEEP_SIZE) {
    case 0:
    case FALLOC_FL_UNSHARE_RANGE:
    case FALLOC_FL_ZERO_RANGE:
      return true;
    case FALLOC_FL_PUNCH_HOLE:
      return keeps;
    case FALLOC_FL_COLLAPSE_RANGE:
    case FALLOC_FL_INSERT_RANGE:
    case FALLOC_FL_WRITE_ZEROES:
      return !keeps;
    default:
      return false;
  }
}

function mayAlter(_caller: FileCaller, mount: Mount | null, inode: Inode): number {
  const readOnly = mount === null ? 0 : writableMount(mount);
  if (readOnly !== 0) return readOnly;
  return (inode.attributes & (INODE_IMMUTABLE | INODE_APPEND)) === 0 ? 0 : -EPERM;
}

function apply(
  caller: FileCaller,
  dentry: Dentry | null,
  inode: Inode,
  change: AttributeChange,
  event = IN_ATTRIB,
): number {
  const vfs = caller.fs.vfs;
  change.what |= CHANGE_CTIME;
  change.ctime = vfs.nowSeconds();
  change.ctimeNanos = vfs.nowNanos();
  const changed = inode.ops.change(inode, change);
  if (changed !== 0) return changed;
  if (dentry !== null) notifyDentry(dentry, event);
  else notifyInode(inode, event);
  return 0;
}

// open(2), openat2(2): path and flags to an open file. Departure: nothing here waits; a FIFO without peer opens at once and the
// caller asks `fifoMustWait`.
import {
  EACCES,
  EAGAIN,
  EEXIST,
  EINVAL,
  EISDIR,
  ELOOP,
  ENOENT,
  ENOTDIR,
  EPERM,
  EROFS,
  ESTALE,
  ETXTBSY,
  MS_NODEV,
  O_ACCMODE,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECT,
  O_DIRECTORY,
  O_EXCL,
  O_LARGEFILE,
  O_NOATIME,
  O_NOCTTY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
} from '@sandbox-kernel/abi';
import { bitsOfNew, inheritAcl } from '../acl/inode-acl.js';
import { CHANGE_CTIME, CHANGE_MODE, CHANGE_MTIME, CHANGE_SIZE } from '../attribute-change.js';
import {
  FMODE_CREATED,
  FMODE_INTERNAL,
  FMODE_PATH,
  FMODE_READ,
  FMODE_READER,
  FMODE_SEEK,
  FMODE_WRITE,
  FMODE_WRITER,
  MAY_READ,
  MAY_WRITE,
  WALK_DIRECTORY,
  WALK_FOLLOW,
} from '../constants.js';
import { Dentry } from '../dentry.js';
import { countWriter, FileDescription } from '../file-description.js';
import { PATH_ONLY_OPS } from '../file-ops.js';
import type { FileCaller } from '../fs-context.js';
import type { Inode } from '../inode.js';
import { breakLeases } from '../locks/lease.js';
import { type Mount, releaseMount } from '../mount.js';
import { askToOpen, madeBefore } from '../notify/fanotify-permission.js';
import { IN_MODIFY, IN_OPEN, notifyDentry } from '../notify/notify.js';
import { LAST_NAME } from '../path-walk.js';
import {
  INODE_APPEND,
  INODE_LINKABLE,
  isOwner,
  newGroup,
  newMode,
  permission,
  writableMount,
} from '../permission.js';
import { dropCapabilities, modeAfterWrite } from '../privileges.js';
import { createEntry } from './create.js';

/** The O_TMPFILE bit without O_DIRECTORY. */
const TMPFILE_BIT = O_TMPFILE & ~O_DIRECTORY;
const KEPT_WITH_PATH = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
const NOT_KEPT = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC;

/** The open file with one reference, or -errno. `mode` counts with O_CREAT and O_TMPFILE; umask is applied here. */
export function openFile(
  caller: FileCaller,
  dirfd: number,
  path: string,
  flags: number,
  mode: number,
  resolve = 0,
): FileDescription | number {
  if ((flags & O_PATH) !== 0) return openPath(caller, dirfd, path, flags & KEPT_WITH_PATH, resolve);
  if ((flags & TMPFILE_BIT) !== 0) return openUnnamed(caller, dirfd, path, flags, mode, resolve);
  if ((flags & O_CREAT) !== 0) {
    if ((flags & O_DIRECTORY) !== 0) return -EINVAL;
    return openOrCreate(caller, dirfd, path, flags, mode, resolve);
  }
  const follow = (flags & O_NOFOLLOW) === 0 ? WALK_FOLLOW : 0;
  const walker = caller.fs.vfs.walker;
  const found = walker.lookup(caller, dirfd, path, follow, resolve);
  if (found !== 0) return found;
  return openDentry(caller, walker.mount, walker.dentry, flags, false);
}

/** Opens what a place shows, permission checked unless `created`. */
export function openDentry(
  caller: FileCaller,
  mount: Mount,
  dentry: Dentry,
  flags: number,
  created: boolean,
): FileDescription | number {
  const inode = dentry.inode!;
  const refused = mayOpen(caller, mount, inode, flags, created);
  if (refused !== 0) return refused;
  if (caller.fs.vfs.notify.permissionGroups.length > 0) {
    const asked = askToOpen(caller, mount, dentry, created);
    if (asked !== 0) return asked;
  }
  return openAllowed(caller, mount, dentry, flags, created);
}

/** As `openDentry`, after all who may refuse were asked. */
export function openAllowed(
  caller: FileCaller,
  mount: Mount,
  dentry: Dentry,
  flags: number,
  created: boolean,
): FileDescription | number {
  const inode = dentry.inode!;
  if (inode.locks !== null && inode.locks.leases.length > 0) {
    const broken = breakLeases(inode, flags);
    if (broken !== 0) return waitForLease(caller, inode);
  }
  const file = describe(caller, mount, dentry, flags);
  if ((flags & O_TRUNC) !== 0 && !created && (inode.mode & S_IFMT) === S_IFREG) {
    const truncated = truncateOnOpen(caller, dentry, inode);
    if (truncated !== 0) return abandon(file, truncated);
  }
  const opened = inode.ops.open(inode, file);
  if (opened < 0) return abandon(file, opened);
  if ((flags & O_DIRECT) !== 0 && !file.ops.takesDirect(file)) {
    file.ops.release(file);
    return abandon(file, -EINVAL);
  }
  file.flags = (flags & ~NOT_KEPT) | O_LARGEFILE;
  if (created && (flags & O_CREAT) !== 0) file.mode |= FMODE_CREATED;
  notifyDentry(dentry, IN_OPEN, mount);
  return file;
}

function describe(caller: FileCaller, mount: Mount, dentry: Dentry, flags: number): FileDescription {
  const inode = dentry.inode!;
  const file = new FileDescription(PATH_ONLY_OPS, flags, openMode(inode, flags));
  file.mount = mount;
  file.dentry = dentry;
  file.attach(inode);
  file.credentials = caller.credentials;
  mount.refs++;
  mount.expiring = false;
  dentry.retain();
  if ((file.mode & FMODE_WRITER) !== 0) countWriter(file, 1);
  else if ((file.mode & FMODE_READER) !== 0) inode.readers++;
  return file;
}

function openMode(inode: Inode, flags: number): number {
  const access = flags & O_ACCMODE;
  const type = inode.mode & S_IFMT;
  let mode = 0;
  if (access === O_RDONLY || access === 2) mode |= FMODE_READ;
  if (access === O_WRONLY || access === 2) mode |= FMODE_WRITE;
  if (type === S_IFREG || type === S_IFDIR || type === S_IFBLK) mode |= FMODE_SEEK;
  if (type === S_IFREG) mode |= (mode & FMODE_WRITE) !== 0 ? FMODE_WRITER : FMODE_READER;
  return mode;
}

/** The caller finds in `locks.breaking` what to wait for. */
export function waitForLease(caller: FileCaller, inode: Inode): number {
  caller.fs.vfs.locks.breaking = inode;
  return -EAGAIN;
}

/** Undoes `describe` after a failed open. */
function abandon(file: FileDescription, error: number): number {
  file.refs = 0;
  file.detach();
  if ((file.mode & FMODE_WRITER) !== 0) countWriter(file, -1);
  else if ((file.mode & FMODE_READER) !== 0) file.inode!.readers--;
  file.dentry!.release();
  releaseMount(file.mount!);
  return error;
}

function mayOpen(caller: FileCaller, mount: Mount, inode: Inode, flags: number, created: boolean): number {
  const type = inode.mode & S_IFMT;
  if ((flags & O_DIRECTORY) !== 0 && type !== S_IFDIR) return -ENOTDIR;
  if (type === S_IFLNK) return -ELOOP;
  const access = accessMask(flags);
  if (type === S_IFDIR && ((access & MAY_WRITE) !== 0 || (flags & O_CREAT) !== 0)) return -EISDIR;
  if ((type === S_IFCHR || type === S_IFBLK) && (mount.flags & MS_NODEV) !== 0) return -EACCES;
  const writes = (access & MAY_WRITE) !== 0 && (type === S_IFREG || type === S_IFDIR);
  if (created) return 0;
  if (writes && (inode.superblock.flags & 1) !== 0) return -EROFS;
  const allowed = permission(inode, caller.credentials, access);
  if (allowed !== 0) return allowed;
  const special = mayOpenSpecial(caller, inode, flags);
  if (special !== 0) return special;
  if (writes && writableMount(mount) !== 0) return -EROFS;
  return writes && inode.writers < 0 ? -ETXTBSY : 0;
}

function mayOpenSpecial(caller: FileCaller, inode: Inode, flags: number): number {
  if ((inode.attributes & INODE_APPEND) !== 0) {
    if ((flags & O_ACCMODE) !== O_RDONLY && (flags & O_APPEND) === 0) return -EPERM;
    if ((flags & O_TRUNC) !== 0) return -EPERM;
  }
  return (flags & O_NOATIME) !== 0 && !isOwner(inode, caller.credentials) ? -EPERM : 0;
}

function accessMask(flags: number): number {
  const access = flags & O_ACCMODE;
  let mask = access === O_RDONLY ? MAY_READ : access === O_WRONLY ? MAY_WRITE : MAY_READ | MAY_WRITE;
  if ((flags & O_TRUNC) !== 0) mask |= MAY_WRITE;
  return mask;
}

function truncateOnOpen(caller: FileCaller, dentry: Dentry, inode: Inode): number {
  const vfs = caller.fs.vfs;
  const change = vfs.change;
  change.what = CHANGE_SIZE | CHANGE_MTIME | CHANGE_CTIME;
  change.size = 0;
  change.mtime = vfs.nowSeconds();
  change.mtimeNanos = vfs.nowNanos();
  change.ctime = change.mtime;
  change.ctimeNanos = change.mtimeNanos;
  dropCapabilities(inode);
  const mode = modeAfterWrite(inode, caller.credentials);
  if (mode !== inode.mode) {
    change.what |= CHANGE_MODE;
    change.mode = mode;
  }
  const changed = inode.ops.change(inode, change);
  if (changed === 0) notifyDentry(dentry, IN_MODIFY);
  return changed;
}

function openPath(
  caller: FileCaller,
  dirfd: number,
  path: string,
  flags: number,
  resolve: number,
): FileDescription | number {
  const walker = caller.fs.vfs.walker;
  const follow = (flags & O_NOFOLLOW) === 0 ? WALK_FOLLOW : 0;
  const directory = (flags & O_DIRECTORY) !== 0 ? WALK_DIRECTORY : 0;
  const found = walker.lookup(caller, dirfd, path, follow | directory, resolve);
  if (found !== 0) return found;
  return pathDescription(caller, walker.mount, walker.dentry, flags & ~O_CLOEXEC);
}

/** A description that only names a place: O_PATH, open_tree(2), pidfs and the like. */
export function pathDescription(
  caller: FileCaller,
  mount: Mount,
  dentry: Dentry,
  flags: number,
): FileDescription {
  const file = new FileDescription(PATH_ONLY_OPS, flags | O_PATH, FMODE_PATH);
  file.mount = mount;
  file.dentry = dentry;
  file.attach(dentry.inode);
  file.credentials = caller.credentials;
  mount.refs++;
  dentry.retain();
  return file;
}

function openOrCreate(
  caller: FileCaller,
  dirfd: number,
  path: string,
  flags: number,
  mode: number,
  resolve: number,
): FileDescription | number {
  const vfs = caller.fs.vfs;
  const walker = vfs.walker;
  let walked = walker.parent(caller, dirfd, path, resolve);
  for (;;) {
    if (walked !== 0) return walked;
    if (walker.kind !== LAST_NAME) return endsWithoutName(caller, flags);
    if (walker.trailing) return -EISDIR;
    const dentry = vfs.dentries.lookup(walker.dentry, walker.name);
    if (typeof dentry === 'number') return dentry;
    if (dentry.inode === null) return createAndOpen(caller, dentry, flags, mode);
    if (madeBefore(caller, dentry.inode))
      return openDentry(caller, walker.mount, dentry, flags & ~O_TRUNC, true);
    if ((flags & O_EXCL) !== 0) return -EEXIST;
    if (!dentry.inode.isSymlink) {
      walker.dentry = dentry;
      const crossed = walker.descend();
      if (crossed !== 0) return crossed;
      return openDentry(caller, walker.mount, walker.dentry, flags, false);
    }
    if ((flags & O_NOFOLLOW) !== 0) return -ELOOP;
    walked = walker.followLast(dentry);
  }
}

/** `.`, `..`, `/` or the end of a magic link, opened with O_CREAT. */
function endsWithoutName(caller: FileCaller, flags: number): FileDescription | number {
  const walker = caller.fs.vfs.walker;
  if ((flags & O_EXCL) !== 0) return -EEXIST;
  if (walker.dentry.inode!.isDirectory) return -EISDIR;
  return openDentry(caller, walker.mount, walker.dentry, flags, false);
}

function createAndOpen(
  caller: FileCaller,
  dentry: Dentry,
  flags: number,
  mode: number,
): FileDescription | number {
  const walker = caller.fs.vfs.walker;
  const mount = walker.mount;
  const bits = mode & 0o7777;
  const readOnly = writableMount(mount);
  if (readOnly !== 0) return readOnly;
  const created = createEntry(caller, walker.dentry, dentry, S_IFREG | bits, 0);
  // Somebody outside was first: the call starts again and opens what is there.
  if (created === -EEXIST && (flags & O_EXCL) === 0) return -ESTALE;
  if (created !== 0) return created;
  return openDentry(caller, mount, dentry, flags & ~O_TRUNC, true);
}

function openUnnamed(
  caller: FileCaller,
  dirfd: number,
  path: string,
  flags: number,
  mode: number,
  resolve: number,
): FileDescription | number {
  if ((flags & O_TMPFILE) !== O_TMPFILE || (flags & O_ACCMODE) === O_RDONLY) return -EINVAL;
  if ((flags & O_CREAT) !== 0) return -EINVAL;
  const walker = caller.fs.vfs.walker;
  const found = walker.lookup(caller, dirfd, path, WALK_FOLLOW | WALK_DIRECTORY, resolve);
  if (found !== 0) return found;
  const mount = walker.mount;
  const parent = walker.dentry;
  const directory = parent.inode!;
  const readOnly = writableMount(mount);
  if (readOnly !== 0) return readOnly;
  const allowed = permission(directory, caller.credentials, MAY_WRITE | 1);
  if (allowed !== 0) return allowed;
  const asked = S_IFREG | (mode & 0o7777);
  const wanted = newMode(directory, bitsOfNew(caller, directory, asked), caller.credentials);
  const group = newGroup(directory, caller.credentials);
  const inode = directory.ops.createUnnamed(directory, wanted, caller.credentials.fsuid, group);
  if (typeof inode === 'number') return inode;
  if (directory.defaultAcl !== null) inheritAcl(directory, inode, asked);
  if ((flags & O_EXCL) === 0) inode.attributes |= INODE_LINKABLE;
  const dentry = new Dentry(parent.superblock, parent, `#${inode.number}`, inode);
  const opened = openDentry(caller, mount, dentry, flags & ~TMPFILE_BIT & ~O_DIRECTORY, true);
  if (typeof opened === 'number') dentry.forgetInode();
  else opened.flags |= flags & O_TMPFILE;
  return opened;
}

/** Opens a file of which a watch tells, for whoever reads of it: no watch hears, no group is asked. */
export function openWatched(
  caller: FileCaller,
  mount: Mount,
  dentry: Dentry,
  flags: number,
): FileDescription | number {
  const file = describe(caller, mount, dentry, flags);
  file.mode |= FMODE_INTERNAL;
  const opened = dentry.inode!.ops.open(dentry.inode!, file);
  if (opened < 0) return abandon(file, opened);
  file.flags = (flags & ~NOT_KEPT) | O_LARGEFILE;
  return file;
}

/** Opens an inode for the kernel itself (copy-up, exec): no permission check, no notification, no mount. */
export function openInternal(inode: Inode, flags: number): FileDescription | number {
  const file = new FileDescription(PATH_ONLY_OPS, flags, openMode(inode, flags) | FMODE_INTERNAL);
  file.mode &= ~(FMODE_WRITER | FMODE_READER);
  file.attach(inode);
  inode.retain();
  const opened = inode.ops.open(inode, file);
  if (opened === 0) return file;
  file.detach();
  inode.release();
  return opened;
}

/** A program starts to run from `inode`: -ETXTBSY while somebody writes. Paired with `allowWrite`. */
export function denyWrite(inode: Inode): number {
  if (inode.writers > 0) return -ETXTBSY;
  inode.writers--;
  return 0;
}

export function allowWrite(inode: Inode): void {
  inode.writers++;
}

/** True for types that only name something to connect to. */
export function isEndpoint(inode: Inode): boolean {
  const type = inode.mode & S_IFMT;
  return type === S_IFSOCK || type === S_IFIFO;
}

/** open(2) of a name that is gone while the description lives: used by magic links. */
export function stillThere(dentry: Dentry): number {
  return dentry.inode === null ? -ENOENT : 0;
}

// mkdir(2), mknod(2), symlink(2): new names.
import {
  CAP_MKNOD,
  EEXIST,
  EINVAL,
  ENAMETOOLONG,
  ENOENT,
  EPERM,
  PATH_MAX,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
  S_ISVTX,
} from '@sandbox-kernel/abi';
import { bitsOfNew, inheritAcl } from '../acl/inode-acl.js';
import { MAY_EXEC, MAY_WRITE } from '../constants.js';
import type { Dentry } from '../dentry.js';
import type { FileCaller } from '../fs-context.js';
import type { Inode } from '../inode.js';
import { IN_CREATE, notifyEntry } from '../notify/notify.js';
import { LAST_NAME } from '../path-walk.js';
import { newGroup, newMode, permission, writableMount } from '../permission.js';

/**
 * Walks to the directory of a name to be created: the negative dentry, or -errno. The walker stands on the directory.
 * `directory`: a trailing slash is fine (mkdir).
 */
export function walkToNew(
  caller: FileCaller,
  dirfd: number,
  path: string,
  directory: boolean,
): Dentry | number {
  const vfs = caller.fs.vfs;
  const walker = vfs.walker;
  const walked = walker.parent(caller, dirfd, path);
  if (walked !== 0) return walked;
  if (walker.kind !== LAST_NAME) return -EEXIST;
  const dentry = vfs.dentries.lookup(walker.dentry, walker.name);
  if (typeof dentry === 'number') return dentry;
  if (dentry.inode !== null) return -EEXIST;
  if (walker.trailing && !directory) return -ENOENT;
  if (walker.dentry.superblock.namesFixed) return -ENOENT;
  const readOnly = writableMount(walker.mount);
  return readOnly !== 0 ? readOnly : dentry;
}

/** 0 or -errno: may the caller add names to this directory? */
export function mayCreateIn(directory: Inode, caller: FileCaller): number {
  if (directory.links === 0) return -ENOENT;
  return permission(directory, caller.credentials, MAY_WRITE | MAY_EXEC);
}

/** Creates a file of the type and bits in `mode`, less umask or as the default list says, at a negative dentry of `parent`. */
export function createEntry(
  caller: FileCaller,
  parent: Dentry,
  dentry: Dentry,
  mode: number,
  rdev: number,
): number {
  const directory = parent.inode!;
  const credentials = caller.credentials;
  const allowed = mayCreateIn(directory, caller);
  if (allowed !== 0) return allowed;
  const group = newGroup(directory, credentials);
  const wanted = newMode(directory, bitsOfNew(caller, directory, mode), credentials);
  const inode = directory.ops.create(directory, dentry.name, wanted, credentials.fsuid, group, rdev);
  if (typeof inode === 'number') return inode;
  if (directory.defaultAcl !== null) inheritAcl(directory, inode, mode);
  caller.fs.vfs.dentries.instantiate(dentry, inode);
  notifyEntry(directory, inode, dentry.name, IN_CREATE, 0);
  return 0;
}

export function makeDirectory(caller: FileCaller, dirfd: number, path: string, mode: number): number {
  const dentry = walkToNew(caller, dirfd, path, true);
  if (typeof dentry === 'number') return dentry;
  const bits = mode & (0o777 | S_ISVTX);
  return createEntry(caller, caller.fs.vfs.walker.dentry, dentry, S_IFDIR | bits, 0);
}

/** `rdev` as `makeDevice`. A character device 0/0 is a whiteout and needs no capability. */
export function makeNode(
  caller: FileCaller,
  dirfd: number,
  path: string,
  mode: number,
  rdev: number,
): number {
  const type = (mode & S_IFMT) === 0 ? S_IFREG : mode & S_IFMT;
  if (type === S_IFDIR) return -EPERM;
  const isDevice = type === S_IFCHR || type === S_IFBLK;
  if (!isDevice && type !== S_IFREG && type !== S_IFIFO && type !== S_IFSOCK) return -EINVAL;
  const dentry = walkToNew(caller, dirfd, path, false);
  if (typeof dentry === 'number') return dentry;
  const parent = caller.fs.vfs.walker.dentry;
  const allowed = mayCreateIn(parent.inode!, caller);
  if (allowed !== 0) return allowed;
  const whiteout = type === S_IFCHR && rdev === 0;
  if (isDevice && !whiteout && !caller.credentials.hasCapability(CAP_MKNOD)) return -EPERM;
  const bits = mode & 0o7777;
  return createEntry(caller, parent, dentry, type | bits, isDevice ? rdev : 0);
}

export function makeSymlink(caller: FileCaller, target: string, dirfd: number, path: string): number {
  if (target.length === 0) return -ENOENT;
  if (target.length >= PATH_MAX) return -ENAMETOOLONG;
  const dentry = walkToNew(caller, dirfd, path, false);
  if (typeof dentry === 'number') return dentry;
  const directory = caller.fs.vfs.walker.dentry.inode!;
  const allowed = mayCreateIn(directory, caller);
  if (allowed !== 0) return allowed;
  const group = newGroup(directory, caller.credentials);
  const inode = directory.ops.symlink(directory, dentry.name, target, caller.credentials.fsuid, group);
  if (typeof inode === 'number') return inode;
  caller.fs.vfs.dentries.instantiate(dentry, inode);
  notifyEntry(directory, inode, dentry.name, IN_CREATE, 0);
  return 0;
}

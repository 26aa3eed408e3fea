// rename(2), renameat2(2).
import {
  CAP_MKNOD,
  EBUSY,
  EEXIST,
  EINVAL,
  EISDIR,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  EPERM,
  EXDEV,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  RENAME_WHITEOUT,
} from '@sandbox-kernel/abi';
import { MAY_WRITE } from '../constants.js';
import type { Dentry } from '../dentry.js';
import type { FileCaller } from '../fs-context.js';
import type { Inode } from '../inode.js';
import {
  IN_DELETE_SELF,
  IN_MOVE_SELF,
  IN_MOVED_FROM,
  IN_MOVED_TO,
  notifyEntry,
  notifyInode,
  notifyRename,
} from '../notify/notify.js';
import { LAST_NAME } from '../path-walk.js';
import { mayDelete, permission, writableMount } from '../permission.js';
import { mayCreateIn } from './create.js';

export function renameFile(
  caller: FileCaller,
  oldDirfd: number,
  oldPath: string,
  newDirfd: number,
  newPath: string,
  flags: number,
): number {
  if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)) !== 0) return -EINVAL;
  if ((flags & RENAME_EXCHANGE) !== 0 && (flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)) !== 0) return -EINVAL;
  if ((flags & RENAME_WHITEOUT) !== 0 && !caller.credentials.hasCapability(CAP_MKNOD)) return -EPERM;
  const walker = caller.fs.vfs.walker;
  const walked = walker.parent(caller, oldDirfd, oldPath);
  if (walked !== 0) return walked;
  const { mount, dentry: oldParent, name, kind, trailing } = walker;
  oldParent.retain();
  let result = walker.parent(caller, newDirfd, newPath);
  if (result === 0) result = walker.mount === mount ? 0 : -EXDEV;
  if (result === 0 && kind !== LAST_NAME) result = -EBUSY;
  if (result === 0 && walker.kind !== LAST_NAME) result = (flags & RENAME_NOREPLACE) !== 0 ? -EEXIST : -EBUSY;
  if (result === 0) result = writableMount(mount);
  if (result === 0) result = renameEntries(caller, oldParent, name, trailing, flags);
  oldParent.release();
  return result;
}

/** The walker stands on the new parent. */
function renameEntries(
  caller: FileCaller,
  oldParent: Dentry,
  oldName: string,
  oldSlash: boolean,
  flags: number,
): number {
  const vfs = caller.fs.vfs;
  const newParent = vfs.walker.dentry;
  const newSlash = vfs.walker.trailing;
  const source = vfs.dentries.lookup(oldParent, oldName);
  if (typeof source === 'number') return source;
  if (source.inode === null) return -ENOENT;
  const target = vfs.dentries.lookup(newParent, vfs.walker.name);
  if (typeof target === 'number') return target;
  const shape = checkShape(source, target, oldSlash, newSlash, flags);
  if (shape !== 0) return shape;
  const looped = checkLoop(source, target, oldParent, newParent, flags);
  if (looped !== 0) return looped;
  return renameChecked(caller, oldParent, source, newParent, target, flags);
}

function checkShape(
  source: Dentry,
  target: Dentry,
  oldSlash: boolean,
  newSlash: boolean,
  flags: number,
): number {
  const exchange = (flags & RENAME_EXCHANGE) !== 0;
  if ((flags & RENAME_NOREPLACE) !== 0 && target.inode !== null) return -EEXIST;
  if (exchange) {
    if (target.inode === null) return -ENOENT;
    if (!target.inode.isDirectory && newSlash) return -ENOTDIR;
  }
  if (source.inode!.isDirectory) return 0;
  return oldSlash || (!exchange && newSlash) ? -ENOTDIR : 0;
}

function checkLoop(
  source: Dentry,
  target: Dentry,
  oldParent: Dentry,
  newParent: Dentry,
  flags: number,
): number {
  if (newParent.isWithin(source)) return -EINVAL;
  if (oldParent.isWithin(target)) return (flags & RENAME_EXCHANGE) !== 0 ? -EINVAL : -ENOTEMPTY;
  return 0;
}

function renameChecked(
  caller: FileCaller,
  oldParent: Dentry,
  source: Dentry,
  newParent: Dentry,
  target: Dentry,
  flags: number,
): number {
  const inode = source.inode!;
  const replaced = target.inode;
  if (inode === replaced) return 0;
  const from = oldParent.inode!;
  const to = newParent.inode!;
  const allowed = mayRename(caller, from, inode, to, replaced, flags);
  if (allowed !== 0) return allowed;
  if (source.mounts !== null || target.mounts !== null) return -EBUSY;
  const oldName = source.name;
  const newName = target.name;
  const renamed = from.ops.rename(from, oldName, inode, to, newName, replaced, flags & ~RENAME_NOREPLACE);
  if (renamed !== 0) return renamed;
  moveNames(caller, source, newParent, target, flags);
  announce(caller, from, oldName, inode, to, newName, replaced, flags);
  return 0;
}

function mayRename(
  caller: FileCaller,
  from: Inode,
  inode: Inode,
  to: Inode,
  replaced: Inode | null,
  flags: number,
): number {
  const credentials = caller.credentials;
  const exchange = (flags & RENAME_EXCHANGE) !== 0;
  const leaving = mayDelete(from, inode, credentials);
  if (leaving !== 0) return leaving;
  const arriving = replaced === null ? mayCreateIn(to, caller) : mayDelete(to, replaced, credentials);
  if (arriving !== 0) return arriving;
  if (replaced !== null && !exchange) {
    if (inode.isDirectory && !replaced.isDirectory) return -ENOTDIR;
    if (!inode.isDirectory && replaced.isDirectory) return -EISDIR;
  }
  if (from === to) return 0;
  if (inode.isDirectory && permission(inode, credentials, MAY_WRITE) !== 0)
    return permission(inode, credentials, MAY_WRITE);
  if (!exchange || replaced === null || !replaced.isDirectory) return 0;
  return permission(replaced, credentials, MAY_WRITE);
}

function moveNames(
  caller: FileCaller,
  source: Dentry,
  newParent: Dentry,
  target: Dentry,
  flags: number,
): void {
  const dentries = caller.fs.vfs.dentries;
  if ((flags & RENAME_EXCHANGE) !== 0) {
    dentries.exchange(source, target);
    return;
  }
  const name = target.name;
  if (target.hashed) dentries.drop(target);
  dentries.move(source, newParent, name);
}

function announce(
  caller: FileCaller,
  from: Inode,
  oldName: string,
  inode: Inode,
  to: Inode,
  newName: string,
  replaced: Inode | null,
  flags: number,
): void {
  const { wide } = caller.fs.vfs.notify;
  const heard = from.watches ?? to.watches ?? inode.watches ?? replaced?.watches ?? null;
  if (heard === null && wide.length === 0) return;
  notifyRename(from, oldName, inode, to, newName);
  const cookie = caller.fs.vfs.notify.nextCookie();
  notifyEntry(from, inode, oldName, IN_MOVED_FROM, cookie);
  notifyEntry(to, inode, newName, IN_MOVED_TO, cookie);
  notifyInode(inode, IN_MOVE_SELF);
  if (replaced === null) return;
  if ((flags & RENAME_EXCHANGE) === 0) notifyInode(replaced, IN_DELETE_SELF);
  else {
    const second = caller.fs.vfs.notify.nextCookie();
    notifyEntry(to, replaced, newName, IN_MOVED_FROM, second);
    notifyEntry(from, replaced, oldName, IN_MOVED_TO, second);
    notifyInode(replaced, IN_MOVE_SELF);
  }
}

// unlink(2), rmdir(2).
import { EBUSY, EINVAL, EISDIR, ENOENT, ENOTDIR, ENOTEMPTY } from '@sandbox-kernel/abi';
import type { Dentry } from '../dentry.js';
import type { FileCaller } from '../fs-context.js';
import { IN_ATTRIB, IN_DELETE, IN_DELETE_SELF, notifyEntry, notifyInode } from '../notify/notify.js';
import { LAST_DOT, LAST_DOTDOT, LAST_NAME } from '../path-walk.js';
import { mayDelete, writableMount } from '../permission.js';

export function unlinkFile(caller: FileCaller, dirfd: number, path: string): number {
  const vfs = caller.fs.vfs;
  const walker = vfs.walker;
  const walked = walker.parent(caller, dirfd, path);
  if (walked !== 0) return walked;
  if (walker.kind !== LAST_NAME) return -EISDIR;
  const dentry = existingEntry(caller);
  if (typeof dentry === 'number') return dentry;
  const inode = dentry.inode!;
  if (walker.trailing) return inode.isDirectory ? -EISDIR : -ENOTDIR;
  const directory = walker.dentry.inode!;
  const refused = mayDelete(directory, inode, caller.credentials);
  if (refused !== 0) return refused;
  if (inode.isDirectory) return -EISDIR;
  if (dentry.mounts !== null) return -EBUSY;
  const removed = directory.ops.unlink(directory, dentry.name, inode);
  return removed !== 0 ? removed : forgetEntry(caller, walker.dentry, dentry);
}

export function removeDirectory(caller: FileCaller, dirfd: number, path: string): number {
  const walker = caller.fs.vfs.walker;
  const walked = walker.parent(caller, dirfd, path);
  if (walked !== 0) return walked;
  if (walker.kind === LAST_DOTDOT) return -ENOTEMPTY;
  if (walker.kind === LAST_DOT) return -EINVAL;
  if (walker.kind !== LAST_NAME) return -EBUSY;
  const dentry = existingEntry(caller);
  if (typeof dentry === 'number') return dentry;
  const inode = dentry.inode!;
  const directory = walker.dentry.inode!;
  const refused = mayDelete(directory, inode, caller.credentials);
  if (refused !== 0) return refused;
  if (!inode.isDirectory) return -ENOTDIR;
  if (dentry.mounts !== null) return -EBUSY;
  const removed = directory.ops.rmdir(directory, dentry.name, inode);
  return removed !== 0 ? removed : forgetEntry(caller, walker.dentry, dentry);
}

/** After a `parent` walk: the positive dentry of the last component, on a writable mount; or -errno. */
function existingEntry(caller: FileCaller): Dentry | number {
  const vfs = caller.fs.vfs;
  const readOnly = writableMount(vfs.walker.mount);
  if (readOnly !== 0) return readOnly;
  const dentry = vfs.dentries.lookup(vfs.walker.dentry, vfs.walker.name);
  if (typeof dentry === 'number') return dentry;
  return dentry.inode === null ? -ENOENT : dentry;
}

function forgetEntry(caller: FileCaller, parent: Dentry, dentry: Dentry): number {
  const inode = dentry.inode!;
  inode.retain();
  caller.fs.vfs.dentries.deleted(dentry);
  notifyEntry(parent.inode!, inode, dentry.name, IN_DELETE, 0);
  if (!inode.isDirectory) notifyInode(inode, IN_ATTRIB);
  if (inode.links === 0 || inode.isDirectory) notifyInode(inode, IN_DELETE_SELF);
  inode.release();
  return 0;
}

// What one chmod, chown, utimensat or truncate changes (Linux: struct iattr). Callers own one object and refill it.
import type { Inode } from './inode.js';

export const CHANGE_MODE = 1;
export const CHANGE_UID = 2;
export const CHANGE_GID = 4;
export const CHANGE_SIZE = 8;
export const CHANGE_ATIME = 16;
export const CHANGE_MTIME = 32;
export const CHANGE_CTIME = 64;
export const CHANGE_ATTRIBUTES = 128;

export class AttributeChange {
  /** Which of the fields count: CHANGE_*. */
  what = 0;
  mode = 0;
  uid = 0;
  gid = 0;
  size = 0;
  atime = 0;
  atimeNanos = 0;
  mtime = 0;
  mtimeNanos = 0;
  ctime = 0;
  ctimeNanos = 0;
  attributes = 0;
}

/** Writes the named fields, all but the size, to the inode: what a filesystem without a store of its own does. */
export function applyChange(inode: Inode, change: AttributeChange): void {
  const what = change.what;
  inode.version++;
  if ((what & CHANGE_MODE) !== 0) inode.mode = (inode.mode & ~0o7777) | (change.mode & 0o7777);
  if ((what & CHANGE_UID) !== 0) inode.uid = change.uid;
  if ((what & CHANGE_GID) !== 0) inode.gid = change.gid;
  if ((what & CHANGE_ATIME) !== 0) {
    inode.atime = change.atime;
    inode.atimeNanos = change.atimeNanos;
  }
  if ((what & CHANGE_MTIME) !== 0) {
    inode.mtime = change.mtime;
    inode.mtimeNanos = change.mtimeNanos;
  }
  if ((what & CHANGE_CTIME) !== 0) {
    inode.ctime = change.ctime;
    inode.ctimeNanos = change.ctimeNanos;
  }
  if ((what & CHANGE_ATTRIBUTES) !== 0) inode.attributes = change.attributes;
}

// Timestamps of inodes: now, relatime and noatime rules (mount(2), inode(7)).
import { MS_NOATIME, MS_NODIRATIME, MS_STRICTATIME, O_NOATIME } from '@sandbox-kernel/abi';
import type { FileDescription } from './file-description.js';
import type { Inode } from './inode.js';

const DAY = 86_400;

export function stampNew(inode: Inode): void {
  const vfs = inode.superblock.vfs;
  const seconds = vfs.nowSeconds();
  const nanos = vfs.nowNanos();
  inode.atime = seconds;
  inode.atimeNanos = nanos;
  inode.mtime = seconds;
  inode.mtimeNanos = nanos;
  inode.ctime = seconds;
  inode.ctimeNanos = nanos;
  inode.btime = seconds;
  inode.btimeNanos = nanos;
}

/** Data changed: mtime and ctime. */
export function stampModified(inode: Inode): void {
  const vfs = inode.superblock.vfs;
  inode.version++;
  inode.mtime = vfs.nowSeconds();
  inode.mtimeNanos = vfs.nowNanos();
  inode.ctime = inode.mtime;
  inode.ctimeNanos = inode.mtimeNanos;
}

/** Attributes changed. */
export function stampChanged(inode: Inode): void {
  const vfs = inode.superblock.vfs;
  inode.version++;
  inode.ctime = vfs.nowSeconds();
  inode.ctimeNanos = vfs.nowNanos();
}

/** Data was read through `file`: true when atime has to move (relatime unless the mount says otherwise). */
export function wantsAtime(file: FileDescription, inode: Inode): boolean {
  const mount = file.mount;
  if (mount === null || (file.flags & O_NOATIME) !== 0) return false;
  const flags = mount.flags | mount.superblock.flags;
  if ((flags & (MS_NOATIME | 1)) !== 0) return false;
  if ((flags & MS_NODIRATIME) !== 0 && inode.isDirectory) return false;
  if ((flags & MS_STRICTATIME) !== 0) return true;
  if (inode.atime < inode.mtime || inode.atime < inode.ctime) return true;
  if (inode.atime === inode.mtime && inode.atimeNanos <= inode.mtimeNanos) return true;
  if (inode.atime === inode.ctime && inode.atimeNanos <= inode.ctimeNanos) return true;
  return inode.superblock.vfs.nowSeconds() - inode.atime >= DAY;
}

/** `inode`: where the data is; not that of the description when an overlay shows it. */
export function touchAtime(file: FileDescription, inode: Inode): void {
  if (!wantsAtime(file, inode)) return;
  const vfs = inode.superblock.vfs;
  inode.atime = vfs.nowSeconds();
  inode.atimeNanos = vfs.nowNanos();
}

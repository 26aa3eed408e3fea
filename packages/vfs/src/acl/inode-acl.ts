// Access control lists of inodes: read from the filesystem's xattrs when first asked for, kept in step with the mode, inherited.
// Filesystems without `superblock.acls` (pseudo filesystems) have none. On host files the lists are the host's own, enforced here: the
// sentry may there what a program may not.
import { S_IFDIR, S_IFLNK, S_IFMT } from '@sandbox-kernel/abi';
import { CHANGE_CTIME, CHANGE_MODE } from '../attribute-change.js';
import type { FileCaller } from '../fs-context.js';
import type { Inode } from '../inode.js';
import {
  aclAfterChmod,
  encodeAcl,
  inheritedAcl,
  isMinimalAcl,
  modeOfAcl,
  type PosixAcl,
  parseAcl,
} from './posix-acl.js';

export const ACCESS_ACL = 'system.posix_acl_access';
export const DEFAULT_ACL = 'system.posix_acl_default';

export function isAclName(name: string): boolean {
  return name === ACCESS_ACL || name === DEFAULT_ACL;
}

/** The list that is checked instead of the group's bits; null for none. */
export function accessAcl(inode: Inode): PosixAcl | null {
  if (inode.acl === undefined) inode.acl = load(inode, ACCESS_ACL);
  return inode.acl;
}

/** What new files of a directory get. */
export function defaultAcl(directory: Inode): PosixAcl | null {
  if (directory.defaultAcl === undefined) directory.defaultAcl = load(directory, DEFAULT_ACL);
  return directory.defaultAcl;
}

function load(inode: Inode, name: string): PosixAcl | null {
  if (!inode.superblock.acls || !inode.ops.mayHaveAcl(inode)) return null;
  const value = inode.ops.getXattr(inode, name);
  const acl = typeof value === 'number' ? null : parseAcl(value);
  return typeof acl === 'number' ? null : acl;
}

/** Stores a list, or removes it. The mode is the caller's affair. 0 or -errno. */
export function storeAcl(inode: Inode, name: string, acl: PosixAcl | null): number {
  if (acl !== null) {
    const stored = inode.ops.setXattr(inode, name, encodeAcl(acl), 0);
    if (stored !== 0) return stored;
  } else if (typeof inode.ops.getXattr(inode, name) !== 'number') {
    const removed = inode.ops.removeXattr(inode, name);
    if (removed !== 0) return removed;
  }
  if (name === ACCESS_ACL) inode.acl = acl;
  else inode.defaultAcl = acl;
  return 0;
}

/** Sets the access list with the mode that belongs to it; one that says no more than the mode is not kept. */
export function setAccessAcl(caller: FileCaller, inode: Inode, acl: PosixAcl | null, mode: number): number {
  const { vfs } = caller.fs;
  const { change } = vfs;
  change.what = CHANGE_MODE | CHANGE_CTIME;
  change.mode = acl === null ? mode : (mode & ~0o777) | modeOfAcl(acl);
  change.ctime = vfs.nowSeconds();
  change.ctimeNanos = vfs.nowNanos();
  const changed = inode.ops.change(inode, change);
  if (changed !== 0) return changed;
  return storeAcl(inode, ACCESS_ACL, acl !== null && isMinimalAcl(acl) ? null : acl);
}

/** chmod(2) was done: the list follows. */
export function followMode(inode: Inode): void {
  const acl = accessAcl(inode);
  if (acl !== null) storeAcl(inode, ACCESS_ACL, aclAfterChmod(acl, inode.mode));
}

/** Permission bits of a new file: what umask takes away, or what the default list leaves. */
export function bitsOfNew(caller: FileCaller, directory: Inode, bits: number): number {
  const acl = defaultAcl(directory);
  if (acl === null) return bits & ~caller.fs.umask;
  return (bits & ~0o777) | (bits & modeOfAcl(acl) & 0o777);
}

/** After a file was made with the bits of `bitsOfNew`: its lists. `asked`: the bits that were asked for. */
export function inheritAcl(directory: Inode, inode: Inode, asked: number): void {
  const acl = defaultAcl(directory);
  if (acl === null || (inode.mode & S_IFMT) === S_IFLNK) return;
  const own = inheritedAcl(acl, asked);
  if (!isMinimalAcl(own)) storeAcl(inode, ACCESS_ACL, own);
  if ((inode.mode & S_IFMT) === S_IFDIR) storeAcl(inode, DEFAULT_ACL, acl);
}

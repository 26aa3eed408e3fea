// What tmpfs does with inodes: names in an EntryList, data in a TmpfsFile, links and xattrs in plain fields. Directory sizes and
// link counts are Linux's (20 bytes per entry; 2 plus subdirectories).
import {
  EEXIST,
  ENODATA,
  ENOENT,
  ENOSPC,
  ENOTEMPTY,
  EOPNOTSUPP,
  EPERM,
  F_SEAL_EXEC,
  RENAME_EXCHANGE,
  RENAME_WHITEOUT,
  S_IFCHR,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  XATTR_CREATE,
  XATTR_REPLACE,
} from '@sandbox-kernel/abi';
import { isAclName } from '../acl/inode-acl.js';
import { type AttributeChange, applyChange, CHANGE_MODE, CHANGE_SIZE } from '../attribute-change.js';
import { LISTED_DIRECTORY_OPS } from '../directory-ops.js';
import { EntryList } from '../entry-list.js';
import type { FileDescription } from '../file-description.js';
import { Inode } from '../inode.js';
import { InodeOps } from '../inode-ops.js';
import { FILE_CAPABILITIES } from '../privileges.js';
import type { Superblock } from '../superblock.js';
import { stampChanged, stampModified, stampNew } from '../times.js';
import { TmpfsFile } from './tmpfs-file.js';
import { TMPFS_FILE_OPS } from './tmpfs-file-ops.js';
import type { TmpfsUsage } from './tmpfs-usage.js';

const ENTRY_SIZE = 20;
/** An empty directory: two entries, `.` and `..`. */
const EMPTY_SIZE = 2 * ENTRY_SIZE;
const XATTR_LIMIT = 128 * 1024;

/** `Inode.data` of tmpfs. */
export class TmpfsNode {
  entries: EntryList | null;
  file: TmpfsFile | null;
  target: string;
  xattrs: Map<string, Uint8Array> | null;

  constructor(entries: EntryList | null, file: TmpfsFile | null, target: string) {
    this.entries = entries;
    this.file = file;
    this.target = target;
    this.xattrs = null;
  }
}

export function nodeOf(inode: Inode): TmpfsNode {
  return inode.data as TmpfsNode;
}

/** A fresh inode without a name, counted against the limits; null when none is left. */
export function newTmpfsInode(superblock: Superblock, mode: number, uid: number, gid: number): Inode | null {
  const usage = superblock.data as TmpfsUsage;
  if (!usage.takeInode()) return null;
  const inode = new Inode(superblock, TMPFS_OPS, superblock.allocateInodeNumber(), mode);
  inode.uid = uid;
  inode.gid = gid;
  stampNew(inode);
  const type = mode & S_IFMT;
  const entries = type === S_IFDIR ? new EntryList() : null;
  const file = type === S_IFREG ? new TmpfsFile(inode, usage) : null;
  if (type === S_IFDIR) {
    inode.links = 2;
    inode.size = EMPTY_SIZE;
  }
  inode.data = new TmpfsNode(entries, file, '');
  return inode;
}

class TmpfsOps extends InodeOps {
  override lookup(directory: Inode, name: string): Inode | number {
    return nodeOf(directory).entries!.get(name) ?? -ENOENT;
  }

  /** Asked where the names are an overlay's upper layer too. */
  override revalidate(directory: Inode, name: string, inode: Inode | null): boolean {
    return (nodeOf(directory).entries?.get(name) ?? null) === inode;
  }

  override create(
    directory: Inode,
    name: string,
    mode: number,
    uid: number,
    gid: number,
    rdev: number,
  ): Inode | number {
    const inode = newTmpfsInode(directory.superblock, mode, uid, gid);
    if (inode === null) return -ENOSPC;
    inode.rdev = rdev;
    addName(directory, name, inode);
    if (inode.isDirectory) directory.links++;
    return inode;
  }

  override symlink(directory: Inode, name: string, target: string, uid: number, gid: number): Inode | number {
    const inode = newTmpfsInode(directory.superblock, S_IFLNK | 0o777, uid, gid);
    if (inode === null) return -ENOSPC;
    nodeOf(inode).target = target;
    inode.size = target.length;
    addName(directory, name, inode);
    return inode;
  }

  override createUnnamed(directory: Inode, mode: number, uid: number, gid: number): Inode | number {
    const inode = newTmpfsInode(directory.superblock, mode, uid, gid);
    if (inode === null) return -ENOSPC;
    inode.links = 0;
    return inode;
  }

  override link(directory: Inode, name: string, inode: Inode): number {
    inode.links++;
    stampChanged(inode);
    addName(directory, name, inode);
    return 0;
  }

  override unlink(directory: Inode, name: string, inode: Inode): number {
    removeName(directory, name);
    dropLink(inode);
    return 0;
  }

  override rmdir(directory: Inode, name: string, inode: Inode): number {
    if (nodeOf(inode).entries!.size > 0) return -ENOTEMPTY;
    removeName(directory, name);
    directory.links--;
    inode.links--;
    dropLink(inode);
    return 0;
  }

  override rename(
    from: Inode,
    oldName: string,
    inode: Inode,
    to: Inode,
    newName: string,
    replaced: Inode | null,
    flags: number,
  ): number {
    if ((flags & RENAME_EXCHANGE) !== 0) return exchange(from, oldName, inode, to, newName, replaced!);
    if (replaced?.isDirectory === true && nodeOf(replaced).entries!.size > 0) return -ENOTEMPTY;
    let whiteout: Inode | null = null;
    if ((flags & RENAME_WHITEOUT) !== 0) {
      whiteout = newTmpfsInode(from.superblock, S_IFCHR, inode.uid, inode.gid);
      if (whiteout === null) return -ENOSPC;
    }
    if (replaced !== null) {
      removeName(to, newName);
      if (replaced.isDirectory) {
        to.links--;
        replaced.links--;
      }
      dropLink(replaced);
    }
    removeName(from, oldName);
    addName(to, newName, inode);
    if (whiteout !== null) addName(from, oldName, whiteout);
    if (inode.isDirectory && from !== to) {
      from.links--;
      to.links++;
    }
    stampChanged(inode);
    return 0;
  }

  override readlink(inode: Inode): string {
    return nodeOf(inode).target;
  }

  override change(inode: Inode, change: AttributeChange): number {
    if ((change.what & CHANGE_SIZE) !== 0) {
      const truncated = nodeOf(inode).file!.truncate(change.size);
      if (truncated !== 0) return truncated;
    }
    if ((change.what & CHANGE_MODE) !== 0 && ((change.mode ^ inode.mode) & 0o111) !== 0)
      if (((nodeOf(inode).file?.seals ?? 0) & F_SEAL_EXEC) !== 0) return -EPERM;
    applyChange(inode, change);
    return 0;
  }

  override open(inode: Inode, file: FileDescription): number {
    const node = nodeOf(inode);
    if (node.file !== null) {
      file.ops = TMPFS_FILE_OPS;
      file.data = node.file;
      return 0;
    }
    if (node.entries === null) return super.open(inode, file);
    file.ops = LISTED_DIRECTORY_OPS;
    file.data = node.entries;
    return 0;
  }

  override mayHaveAcl(inode: Inode): boolean {
    return nodeOf(inode).xattrs !== null;
  }

  override mayHaveCapabilities(inode: Inode): boolean {
    const { xattrs } = nodeOf(inode);
    return xattrs?.has(FILE_CAPABILITIES) === true;
  }

  override getXattr(inode: Inode, name: string): Uint8Array | number {
    return nodeOf(inode).xattrs?.get(name) ?? -ENODATA;
  }

  override setXattr(inode: Inode, name: string, value: Uint8Array, flags: number): number {
    if (name.startsWith('system.') && !isAclName(name)) return -EOPNOTSUPP;
    const node = nodeOf(inode);
    const exists = node.xattrs?.has(name) === true;
    if (exists && (flags & XATTR_CREATE) !== 0) return -EEXIST;
    if (!exists && (flags & XATTR_REPLACE) !== 0) return -ENODATA;
    if (node.xattrs === null) node.xattrs = new Map();
    let size = name.length + value.length;
    for (const [other, bytes] of node.xattrs) if (other !== name) size += other.length + bytes.length;
    if (size > XATTR_LIMIT) return -ENOSPC;
    node.xattrs.set(name, value.slice());
    stampChanged(inode);
    return 0;
  }

  override removeXattr(inode: Inode, name: string): number {
    if (nodeOf(inode).xattrs?.delete(name) !== true) return -ENODATA;
    stampChanged(inode);
    return 0;
  }

  override listXattr(inode: Inode): readonly string[] {
    const xattrs = nodeOf(inode).xattrs;
    return xattrs === null ? [] : [...xattrs.keys()];
  }
}

const TMPFS_OPS = new TmpfsOps();

function addName(directory: Inode, name: string, inode: Inode): void {
  nodeOf(directory).entries!.set(name, inode);
  inode.retain();
  directory.size += ENTRY_SIZE;
  directory.version++;
  stampModified(directory);
}

function removeName(directory: Inode, name: string): void {
  const entries = nodeOf(directory).entries!;
  const inode = entries.get(name)!;
  entries.delete(name);
  directory.size -= ENTRY_SIZE;
  directory.version++;
  stampModified(directory);
  // The dentry that led here still holds one; the rest of the operation may use the inode.
  inode.refs--;
}

function dropLink(inode: Inode): void {
  inode.links--;
  stampChanged(inode);
}

function exchange(
  from: Inode,
  oldName: string,
  inode: Inode,
  to: Inode,
  newName: string,
  other: Inode,
): number {
  nodeOf(from).entries!.set(oldName, other);
  nodeOf(to).entries!.set(newName, inode);
  if (from !== to && inode.isDirectory !== other.isDirectory) {
    const gaining = inode.isDirectory ? to : from;
    const losing = inode.isDirectory ? from : to;
    gaining.links++;
    losing.links--;
  }
  from.version++;
  to.version++;
  stampModified(from);
  stampModified(to);
  stampChanged(inode);
  stampChanged(other);
  return 0;
}

/** For trees that are filled by the kernel: whiteouts and nodes go in without a caller. */
export function isWhiteout(inode: Inode): boolean {
  return (inode.mode & S_IFMT) === S_IFCHR && inode.rdev === 0;
}

/** -EPERM unless the inode is a regular file of tmpfs. */
export function tmpfsFileOf(inode: Inode): TmpfsFile | number {
  const data = inode.data;
  return data instanceof TmpfsNode && data.file !== null ? data.file : -EPERM;
}

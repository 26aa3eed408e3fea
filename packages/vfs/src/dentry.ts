// A name in a directory and the inode behind it (Linux: struct dentry); `inode` null remembers that a name does not exist.
// A dentry is in its parent's `children` while it is hashed. References are held by open files, working directories and mounts;
// without any, the cache may forget it. The last reference of an unhashed one lets its inode go.
import type { Inode } from './inode.js';
import type { Mount } from './mount.js';
import type { Superblock } from './superblock.js';

export class Dentry {
  readonly superblock: Superblock;
  name: string;
  /** Null for the top of a filesystem and for nameless files. */
  parent: Dentry | null;
  inode: Inode | null;
  children: Map<string, Dentry> | null;
  /** Mounts that stand on this directory, in any namespace. */
  mounts: Mount[] | null;
  refs: number;
  hashed: boolean;
  /** Set at use, cleared when the cache passes by: second chance. */
  used: boolean;
  previous: Dentry | null;
  next: Dentry | null;
  /** Directory `version` when a negative entry was made. */
  inCache: boolean;

  constructor(superblock: Superblock, parent: Dentry | null, name: string, inode: Inode | null) {
    this.superblock = superblock;
    this.name = name;
    this.parent = parent;
    this.inode = inode;
    this.children = null;
    this.mounts = null;
    this.refs = 0;
    this.hashed = false;
    this.used = false;
    this.previous = null;
    this.next = null;
    this.inCache = false;
    if (inode !== null) inode.retain();
  }

  retain(): void {
    this.refs++;
  }

  release(): void {
    if (--this.refs === 0 && !this.hashed) this.forgetInode();
  }

  /** Drops the inode; called when neither a name nor a user is left. */
  forgetInode(): void {
    const inode = this.inode;
    if (inode === null) return;
    this.inode = null;
    inode.release();
  }

  /** True when this is `other` or lies below it, in the same filesystem. */
  isWithin(other: Dentry): boolean {
    for (let at: Dentry | null = this; at !== null; at = at.parent) if (at === other) return true;
    return false;
  }
}

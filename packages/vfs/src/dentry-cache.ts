// Names remembered without a user, so that a warm walk asks no filesystem: positive and negative entries in one list with
// second chances (a hit stores one flag; the clock hand evicts leaves that nobody used since it last came by).
import { ENAMETOOLONG, ENOENT, NAME_MAX } from '@sandbox-kernel/abi';
import { Dentry } from './dentry.js';
import type { Inode } from './inode.js';
import type { Superblock } from './superblock.js';

/** Entries that one insertion looks at to make room: keeps insertion O(1) even when nearly all is pinned. */
const SCAN = 16;

export class DentryCache {
  private readonly limit: number;
  private count: number;
  /** Oldest entry, where the hand stands; newest ones join behind it. */
  private hand: Dentry | null;

  constructor(limit: number) {
    this.limit = limit;
    this.count = 0;
    this.hand = null;
  }

  get size(): number {
    return this.count;
  }

  /** The dentry of `name`, negative ones included, or -errno. Pre: `parent.inode` is a directory that may be searched. */
  lookup(parent: Dentry, name: string): Dentry | number {
    const cached = this.cached(parent, name);
    if (cached !== null) return cached;
    if (name.length > NAME_MAX) return -ENAMETOOLONG;
    const directory = parent.inode!;
    const found = directory.ops.lookup(directory, name);
    if (typeof found !== 'number') return this.add(parent, name, found);
    if (found !== -ENOENT) return found;
    if (!parent.superblock.cachesNegative) return new Dentry(parent.superblock, parent, name, null);
    return this.add(parent, name, null);
  }

  /** As `lookup`, but null when it is not remembered (or stale). */
  cached(parent: Dentry, name: string): Dentry | null {
    const children = parent.children;
    if (children === null) return null;
    const dentry = children.get(name);
    if (dentry === undefined) return null;
    dentry.used = true;
    if (!parent.superblock.revalidates || dentry.mounts !== null) return dentry;
    const directory = parent.inode!;
    if (directory.ops.revalidate(directory, name, dentry.inode)) return dentry;
    this.drop(dentry);
    return null;
  }

  /** Remembers `name`. Pre: it is not remembered yet. */
  add(parent: Dentry, name: string, inode: Inode | null): Dentry {
    if (this.count >= this.limit) this.makeRoom();
    const dentry = new Dentry(parent.superblock, parent, name, inode);
    this.hash(dentry, parent, name);
    this.link(dentry);
    return dentry;
  }

  /** A name was created: makes a negative (or transient) dentry positive and remembers it. */
  instantiate(dentry: Dentry, inode: Inode): void {
    dentry.inode = inode;
    inode.retain();
    if (dentry.hashed) return;
    this.hash(dentry, dentry.parent!, dentry.name);
    this.link(dentry);
  }

  /** The name is gone (unlink, rmdir). Users keep the inode; without any it becomes a negative entry. */
  deleted(dentry: Dentry): void {
    this.dropChildren(dentry);
    if (dentry.refs > 0 || !dentry.superblock.cachesNegative) this.drop(dentry);
    else dentry.forgetInode();
  }

  /** Forgets the name and all below it. Users of the dentries keep their inodes. */
  drop(dentry: Dentry): void {
    this.dropChildren(dentry);
    this.unhash(dentry);
    if (dentry.refs === 0) dentry.forgetInode();
  }

  /** Programs make directories as deep as they like: a list, no recursion. Deepest names go first. */
  dropChildren(dentry: Dentry): void {
    if (dentry.children === null) return;
    const below: Dentry[] = [];
    for (const child of dentry.children.values()) below.push(child);
    for (let i = 0; i < below.length; i++) {
      const { children } = below[i]!;
      if (children !== null) for (const child of children.values()) below.push(child);
    }
    for (let i = below.length - 1; i >= 0; i--) {
      const each = below[i]!;
      each.children = null;
      this.unhash(each);
      if (each.refs === 0) each.forgetInode();
    }
    dentry.children = null;
  }

  /** rename(2): the name moves, whatever stood at the new one was dropped before. */
  move(dentry: Dentry, parent: Dentry, name: string): void {
    this.unhash(dentry);
    const stale = parent.children?.get(name);
    if (stale !== undefined) this.drop(stale);
    dentry.parent = parent;
    dentry.name = name;
    this.hash(dentry, parent, name);
    this.link(dentry);
  }

  /** rename(2) with RENAME_EXCHANGE. */
  exchange(one: Dentry, other: Dentry): void {
    const parent = one.parent!;
    const name = one.name;
    const otherParent = other.parent!;
    const otherName = other.name;
    // Both leave their places first: `move` would drop what it finds at the new one.
    this.unhash(one);
    this.unhash(other);
    this.move(one, otherParent, otherName);
    this.move(other, parent, name);
  }

  /** Everything of one filesystem (its last mount is gone, or drop_caches). */
  dropAll(superblock: Superblock): void {
    let at = this.hand;
    for (let left = this.count; at !== null && left > 0; left--) {
      const next: Dentry | null = at.next;
      if (at.superblock === superblock && at.refs === 0 && at.inCache) this.drop(at);
      at = next === null || !next.inCache ? this.hand : next;
    }
  }

  private hash(dentry: Dentry, parent: Dentry, name: string): void {
    if (parent.children === null) parent.children = new Map();
    parent.children.set(name, dentry);
    dentry.hashed = true;
  }

  private unhash(dentry: Dentry): void {
    this.unlink(dentry);
    if (!dentry.hashed) return;
    dentry.hashed = false;
    const siblings = dentry.parent!.children;
    if (siblings !== null && siblings.get(dentry.name) === dentry) siblings.delete(dentry.name);
  }

  private link(dentry: Dentry): void {
    if (dentry.inCache) return;
    dentry.inCache = true;
    this.count++;
    const hand = this.hand;
    if (hand === null) {
      dentry.previous = dentry;
      dentry.next = dentry;
      this.hand = dentry;
      return;
    }
    const newest = hand.previous!;
    dentry.previous = newest;
    dentry.next = hand;
    newest.next = dentry;
    hand.previous = dentry;
  }

  private unlink(dentry: Dentry): void {
    if (!dentry.inCache) return;
    dentry.inCache = false;
    this.count--;
    const next = dentry.next!;
    const previous = dentry.previous!;
    if (this.hand === dentry) this.hand = next === dentry ? null : next;
    previous.next = next;
    next.previous = previous;
    dentry.previous = null;
    dentry.next = null;
  }

  private makeRoom(): void {
    for (let i = 0; i < SCAN && this.hand !== null; i++) {
      const dentry: Dentry = this.hand;
      this.hand = dentry.next;
      if (dentry.refs > 0 || (dentry.children !== null && dentry.children.size > 0)) continue;
      if (dentry.used) dentry.used = false;
      else {
        this.drop(dentry);
        return;
      }
    }
  }
}

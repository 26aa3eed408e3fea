// A filesystem shown at a place (Linux: struct mount), and a place itself: a dentry seen through a mount.
// Propagation (mount_namespaces(7)): `peers` is the group that a shared mount belongs to, `master` the group a slave listens to.
import type { Dentry } from './dentry.js';
import type { MountNamespace } from './mount-namespace.js';
import type { PeerGroup } from './propagation.js';
import type { Superblock } from './superblock.js';

/** MNT_UNIQUE_ID_OFFSET of Linux: unique ids can't be taken for old ones. */
export const FIRST_UNIQUE_ID = 2 ** 31;

export class Mount {
  readonly id: number;
  /** Never used again, as ids are not either here (Linux: from 2^31 on). */
  get uniqueId(): number {
    return FIRST_UNIQUE_ID + this.id;
  }
  readonly superblock: Superblock;
  /** The directory (or file) that it shows. */
  readonly root: Dentry;
  /** MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_NOATIME, MS_NODIRATIME, MS_RELATIME, MS_NOSYMFOLLOW. */
  flags: number;
  /** Null for the top of a namespace and for detached mounts. */
  parent: Mount | null;
  mountpoint: Dentry | null;
  namespace: MountNamespace | null;
  /** In order of mounting. */
  readonly children: Mount[];
  peers: PeerGroup | null;
  master: PeerGroup | null;
  unbindable: boolean;
  /** Open files, working directories, roots: umount(2) says EBUSY. */
  refs: number;
  /** Files open for writing: it can't become read-only meanwhile (EBUSY). */
  writers: number;
  /** MNT_EXPIRE was asked for once and nobody used it since. */
  expiring: boolean;
  source: string;

  constructor(id: number, superblock: Superblock, root: Dentry, flags: number, source: string) {
    this.id = id;
    this.superblock = superblock;
    this.root = root;
    this.flags = flags;
    this.parent = null;
    this.mountpoint = null;
    this.namespace = null;
    this.children = [];
    this.peers = null;
    this.master = null;
    this.unbindable = false;
    this.refs = 0;
    this.writers = 0;
    this.expiring = false;
    this.source = source;
    root.retain();
    superblock.mounts++;
  }
}

/** A place in the tree. Holders that keep one call `retain`, and `release` when done. */
export class Location {
  mount: Mount;
  dentry: Dentry;

  constructor(mount: Mount, dentry: Dentry) {
    this.mount = mount;
    this.dentry = dentry;
  }

  set(mount: Mount, dentry: Dentry): void {
    this.mount = mount;
    this.dentry = dentry;
  }

  retain(): void {
    this.mount.refs++;
    this.mount.expiring = false;
    this.dentry.retain();
  }

  release(): void {
    this.dentry.release();
    releaseMount(this.mount);
  }
}

/** One use less; a mount that was detached while in use ends with its last one. */
export function releaseMount(mount: Mount): void {
  mount.refs--;
  if (mount.refs === 0 && mount.namespace === null && mount.parent === null) destroyMount(mount);
}

/** Pre: not attached anywhere and not in use. */
export function destroyMount(mount: Mount): void {
  if (mount.refs < 0) return;
  mount.refs = -1;
  mount.peers?.leave(mount);
  mount.master?.leaveSlave(mount);
  mount.root.release();
  releaseSuperblock(mount.superblock);
}

/** One mount, or other holder, less. */
export function releaseSuperblock(superblock: Superblock): void {
  if (--superblock.mounts === 0) superblock.vfs.shutdown(superblock);
}

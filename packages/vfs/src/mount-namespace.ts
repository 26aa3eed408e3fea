// The tree of mounts that a group of processes sees: mount_namespaces(7).
import { Location, type Mount } from './mount.js';
import { mountAt } from './path-walk.js';
import type { Vfs } from './vfs.js';

/** fs.mount-max of proc(5). */
export const MOUNT_MAX = 100_000;

export class MountNamespace {
  readonly vfs: Vfs;
  readonly id: number;
  root: Mount;
  /** Mounts in it. */
  count: number;
  /** Changed by every mount and umount: poll on /proc/mounts. */
  version: number;

  constructor(vfs: Vfs, root: Mount) {
    this.vfs = vfs;
    this.id = vfs.allocateNamespaceId();
    this.root = root;
    this.count = 1;
    this.version = 0;
    root.namespace = this;
  }

  /** Where a process that enters the namespace stands: what is seen at the top of it. Not retained. */
  entrance(): Location {
    let top = this.root;
    for (let on = mountAt(top, top.root); on !== null; on = mountAt(top, top.root)) top = on;
    return new Location(top, top.root);
  }

  /** All mounts, parents first, in the order of /proc/self/mountinfo. */
  list(): Mount[] {
    const all: Mount[] = [this.root];
    for (let i = 0; i < all.length; i++) for (const child of all[i]!.children) all.push(child);
    return all;
  }
}

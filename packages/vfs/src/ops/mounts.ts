// mount(2), umount2(2), bind mounts, moves, propagation types, pivot_root(2): the tree of mounts. Callers have checked capabilities.
import {
  EAGAIN,
  EBUSY,
  EINVAL,
  ELOOP,
  ENOENT,
  ENOSPC,
  ENOTDIR,
  FAN_MNT_ATTACH,
  FAN_MNT_DETACH,
  MNT_DETACH,
  MNT_EXPIRE,
  MS_PRIVATE,
  MS_RDONLY,
  MS_REC,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
} from '@sandbox-kernel/abi';
import { Dentry } from '../dentry.js';
import { destroyMount, type Location, Mount } from '../mount.js';
import { MOUNT_MAX, MountNamespace } from '../mount-namespace.js';
import { notifyMount } from '../notify/notify.js';
import { mountAt } from '../path-walk.js';
import { PeerGroup, propagateMount, propagationTargets } from '../propagation.js';
import type { Superblock } from '../superblock.js';

/** A mount of `superblock` that is attached nowhere yet. */
export function newMount(superblock: Superblock, flags: number, root: Dentry | null = null): Mount {
  const vfs = superblock.vfs;
  const top = root ?? topDentry(superblock);
  return new Mount(vfs.allocateMountId(), superblock, top, flags, superblock.source);
}

/** All mounts of a superblock share the dentries below its top. */
function topDentry(superblock: Superblock): Dentry {
  if (superblock.top === null) {
    superblock.top = new Dentry(superblock, null, '/', superblock.root);
    superblock.top.retain();
  }
  return superblock.top;
}

/** A namespace with `superblock` as its root. */
export function createNamespace(superblock: Superblock, flags: number): MountNamespace {
  return new MountNamespace(superblock.vfs, newMount(superblock, flags));
}

/**
 * Attaches `mount` (with what hangs below it) at a place, on top of what is mounted there, and tells peers. A mount that was `moved`
 * from another place may itself be one of the peers that get a copy; a new one may not. `from`: the namespace in which that place was.
 */
export function attachMount(
  mount: Mount,
  place: Location,
  moved = false,
  from: MountNamespace | null = null,
): number {
  const namespace = place.mount.namespace;
  if (namespace === null) return -EINVAL;
  const dentry = place.dentry;
  if (dentry.inode === null || (dentry.parent !== null && !dentry.hashed)) return -ENOENT;
  if (mount.root.inode!.isDirectory !== dentry.inode.isDirectory) return -ENOTDIR;
  if (tooMany(mount, place.mount, moved)) return -ENOSPC;
  connect(mount, place.mount, dentry, namespace);
  if (from !== null) notifyMount(namespace, mount, FAN_MNT_ATTACH | FAN_MNT_DETACH);
  else for (const each of treeOf(mount)) notifyMount(namespace, each, FAN_MNT_ATTACH);
  propagateMount(mount, place.mount, dentry, moved);
  return 0;
}

/** Whoever listens to the new parent gets a copy as well: all of them count before the first one is made. */
function tooMany(mount: Mount, parent: Mount, moved: boolean): boolean {
  const tree = treeOf(mount);
  const fresh = new Set(moved ? [] : tree);
  const copies = 1 + propagationTargets(parent).filter((target) => !fresh.has(target)).length;
  return parent.namespace!.count + tree.length * copies > MOUNT_MAX;
}

/** The link itself, without propagation. */
export function connect(mount: Mount, parent: Mount, dentry: Dentry, namespace: MountNamespace | null): void {
  mount.parent = parent;
  mount.mountpoint = dentry;
  dentry.retain();
  if (dentry.mounts === null) dentry.mounts = [];
  dentry.mounts.push(mount);
  parent.children.push(mount);
  if (namespace === null) return;
  for (const each of treeOf(mount)) {
    each.namespace = namespace;
    namespace.count++;
  }
  namespace.version++;
}

/** Takes a mount out of its place; its own children stay with it. */
export function disconnect(mount: Mount): void {
  const parent = mount.parent;
  const dentry = mount.mountpoint;
  const namespace = mount.namespace;
  if (parent !== null && dentry !== null) {
    remove(parent.children, mount);
    remove(dentry.mounts!, mount);
    if (dentry.mounts!.length === 0) dentry.mounts = null;
    dentry.release();
  }
  mount.parent = null;
  mount.mountpoint = null;
  if (namespace === null) return;
  for (const each of treeOf(mount)) {
    each.namespace = null;
    namespace.count--;
  }
  namespace.version++;
}

/** The mount and all below it, parents first. */
export function treeOf(mount: Mount): Mount[] {
  const all = [mount];
  for (let i = 0; i < all.length; i++) for (const child of all[i]!.children) all.push(child);
  return all;
}

/** umount2(2). `place` must be the top of a mount. `flags`: MNT_DETACH, MNT_EXPIRE, MNT_FORCE. */
export function unmount(place: Location, flags: number, root: Location | null): number {
  const mount = place.mount;
  if (place.dentry !== mount.root || mount.namespace === null) return -EINVAL;
  if (mount.parent === null || (root !== null && mount === root.mount)) return -EINVAL;
  if ((flags & MNT_EXPIRE) !== 0) {
    if ((flags & ~MNT_EXPIRE) !== 0) return -EINVAL;
    if (mount.refs > 0 || mount.children.length > 0) return -EBUSY;
    if (!mount.expiring) {
      mount.expiring = true;
      return -EAGAIN;
    }
  }
  if ((flags & MNT_DETACH) === 0 && (mount.refs > 0 || mount.children.length > 0)) return -EBUSY;
  const parent = mount.parent;
  const dentry = mount.mountpoint!;
  const followers: Mount[] = [];
  for (const target of propagationTargets(parent)) {
    const other = mountAt(target, dentry);
    if (other !== null && other !== mount) followers.push(other);
  }
  dropTree(mount);
  for (const other of followers) if (other.children.length === 0) dropTree(other);
  return 0;
}

/** Detaches a mount and everything below it; each ends with its last user. */
export function dropTree(mount: Mount): void {
  const all = treeOf(mount);
  const { namespace } = mount;
  if (namespace !== null) for (const each of all) notifyMount(namespace, each, FAN_MNT_DETACH);
  for (let i = all.length - 1; i >= 0; i--) {
    const each = all[i]!;
    disconnect(each);
    if (each.refs === 0) destroyMount(each);
  }
}

/** mount(2) with MS_BIND: shows `source` at `place` too. `recursive`: with the mounts below it. */
export function bindMount(source: Location, place: Location, recursive: boolean): number {
  const copy = copyTree(source.mount, source.dentry, recursive);
  if (typeof copy === 'number') return copy;
  const attached = attachMount(copy, place);
  if (attached !== 0) dropTree(copy);
  return attached;
}

/** A detached copy of a mount as seen from `root`; -EINVAL for an unbindable one. */
export function copyTree(mount: Mount, root: Dentry, recursive: boolean): Mount | number {
  if (mount.unbindable) return -EINVAL;
  const top = cloneMount(mount, root);
  if (!recursive) return top;
  // Programs nest mounts as deep as they like: no recursion.
  const originals = [mount];
  const copies = [top];
  for (let i = 0; i < originals.length; i++)
    for (const child of originals[i]!.children) {
      if (child.unbindable || (i === 0 && !child.mountpoint!.isWithin(root))) continue;
      const copy = cloneMount(child, child.root);
      connect(copy, copies[i]!, child.mountpoint!, null);
      originals.push(child);
      copies.push(copy);
    }
  return top;
}

/** A mount like `mount`: same flags, member of the same peer group, slave of the same master. */
export function cloneMount(mount: Mount, root: Dentry): Mount {
  const copy = new Mount(
    mount.superblock.vfs.allocateMountId(),
    mount.superblock,
    root,
    mount.flags,
    mount.source,
  );
  mount.peers?.join(copy);
  mount.master?.joinSlave(copy);
  return copy;
}

/** mount(2) with MS_MOVE. */
export function moveMount(from: Location, to: Location): number {
  const mount = from.mount;
  if (from.dentry !== mount.root || to.mount.namespace === null) return -EINVAL;
  // Attached nowhere is fine for the top of a detached tree, which a descriptor holds (fsmount(2), open_tree(2)).
  if (mount.parent === null && mount.namespace !== null) return -EINVAL;
  if (mount.parent !== null && (mount.namespace === null || mount.parent.peers !== null)) return -EINVAL;
  if (to.mount.peers !== null && treeOf(mount).some((each) => each.unbindable)) return -EINVAL;
  if (mount.root.inode!.isDirectory !== to.dentry.inode!.isDirectory) return -EINVAL;
  for (let at: Mount | null = to.mount; at !== null; at = at.parent) if (at === mount) return -ELOOP;
  if (to.mount.namespace === null || tooMany(mount, to.mount, true)) return -ENOSPC;
  const before = mount.namespace;
  disconnect(mount);
  return attachMount(mount, to, true, before);
}

/** move_mount(2) with MOVE_MOUNT_BENEATH: `from` goes where the mount stands whose top is `to`, and that mount on top of it. */
export function moveBeneath(from: Location, to: Location, root: Location): number {
  const mount = from.mount;
  const top = to.mount;
  if (from.dentry !== mount.root || to.dentry !== top.root) return -EINVAL;
  const { parent, mountpoint } = top;
  if (top.namespace === null || parent === null || mountpoint === null || top === root.mount) return -EINVAL;
  if (
    mount.parent === null ? mount.namespace !== null : mount.namespace === null || mount.parent.peers !== null
  )
    return -EINVAL;
  if (parent.peers !== null && treeOf(mount).some((each) => each.unbindable)) return -EINVAL;
  if (mount.root.inode!.isDirectory !== to.dentry.inode!.isDirectory) return -EINVAL;
  for (let at: Mount | null = parent; at !== null; at = at.parent) if (at === mount) return -ELOOP;
  for (let at: Mount | null = mount; at !== null; at = at.parent) if (at === top) return -EINVAL;
  if (tooMany(mount, parent, true)) return -ENOSPC;
  const { namespace } = parent;
  disconnect(mount);
  disconnect(top);
  connect(mount, parent, mountpoint, namespace);
  // Peers have their own top: copies are made before this one stands on the mount.
  propagateMount(mount, parent, mountpoint, true, connectBeneath);
  connect(top, mount, mount.root, namespace);
  return 0;
}

/** As `connect`, and what stood there stands on the new one from now on. */
function connectBeneath(mount: Mount, parent: Mount, dentry: Dentry, namespace: MountNamespace | null): void {
  const top = mountAt(parent, dentry);
  if (top !== null) disconnect(top);
  connect(mount, parent, dentry, namespace);
  if (top !== null) connect(top, mount, mount.root, namespace);
}

/** move_mount(2) with MOVE_MOUNT_SET_GROUP: `to` joins the peers, or the master, of `from`. */
export function setPeerGroup(from: Location, to: Location): number {
  const source = from.mount;
  const target = to.mount;
  if (from.dentry !== source.root || to.dentry !== target.root || target.namespace === null) return -EINVAL;
  if (source.superblock !== target.superblock || target.peers !== null || target.master !== null)
    return -EINVAL;
  if ((source.peers === null && source.master === null) || !target.root.isWithin(source.root)) return -EINVAL;
  source.master?.joinSlave(target);
  source.peers?.join(target);
  return 0;
}

/** mount(2) with MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE, and MS_REC. */
export function setPropagation(place: Location, flags: number): number {
  if (place.dentry !== place.mount.root) return -EINVAL;
  const type = flags & ~MS_REC;
  const targets = (flags & MS_REC) !== 0 ? treeOf(place.mount) : [place.mount];
  for (const mount of targets) {
    if (type === MS_SHARED) makeShared(mount);
    else if (type === MS_SLAVE) makeSlave(mount);
    else if (type === MS_PRIVATE || type === MS_UNBINDABLE) makePrivate(mount, type === MS_UNBINDABLE);
    else return -EINVAL;
  }
  return 0;
}

export function makeShared(mount: Mount): void {
  mount.unbindable = false;
  if (mount.peers === null) new PeerGroup(mount.superblock.vfs.allocateGroupId()).join(mount);
}

function makeSlave(mount: Mount): void {
  const group = mount.peers;
  mount.unbindable = false;
  if (group === null) return;
  // A shared slave keeps listening to its master when its own group has nobody else.
  const alone = group.members.length === 1;
  group.leave(mount);
  if (alone) return;
  mount.master?.leaveSlave(mount);
  group.joinSlave(mount);
}

function makePrivate(mount: Mount, unbindable: boolean): void {
  mount.peers?.leave(mount);
  mount.master?.leaveSlave(mount);
  mount.unbindable = unbindable;
}

/** MS_REMOUNT: flags of the mount (`bind`) or of the filesystem (`superFlags`) with new options. */
export function remount(
  place: Location,
  flags: number,
  data: string,
  bind: boolean,
  superFlags = flags,
): number {
  const mount = place.mount;
  if (place.dentry !== mount.root) return -EINVAL;
  if (bind) {
    if (becomesReadOnly(mount.flags, flags) && mount.writers > 0) return -EBUSY;
  } else {
    const result = reconfigure(mount.superblock, superFlags, data);
    if (result !== 0) return result;
  }
  mount.flags = flags;
  return 0;
}

/** The filesystem itself: read-only or not, and its own options. */
export function reconfigure(superblock: Superblock, flags: number, data: string): number {
  if (becomesReadOnly(superblock.flags, flags) && superblock.writers > 0) return -EBUSY;
  const result = superblock.filesystem.remount(superblock, flags, data);
  if (result === 0) superblock.flags = (superblock.flags & ~MS_RDONLY) | (flags & MS_RDONLY);
  return result;
}

export function becomesReadOnly(before: number, after: number): boolean {
  return (before & MS_RDONLY) === 0 && (after & MS_RDONLY) !== 0;
}

/** pivot_root(2): `newRoot` becomes the root of the namespace, the old root hangs at `putOld`. */
export function pivotRoot(root: Location, newRoot: Location, putOld: Location): number {
  const top = newRoot.mount;
  const old = root.mount;
  if (top === old || putOld.mount === old) return -EBUSY;
  if (newRoot.dentry !== top.root || root.dentry !== old.root) return -EINVAL;
  if (top.parent === null || top.namespace === null || top.namespace !== old.namespace) return -EINVAL;
  if (top.parent.peers !== null || putOld.mount.peers !== null || old.parent?.peers != null) return -EINVAL;
  if (!isBelow(putOld, newRoot)) return -EINVAL;
  const namespace = top.namespace;
  const above = old.parent;
  const at = old.mountpoint;
  disconnect(top);
  if (above !== null && at !== null) {
    disconnect(old);
    connect(top, above, at, namespace);
  } else {
    for (const each of treeOf(top)) each.namespace = namespace;
    namespace.count += treeOf(top).length;
    namespace.root = top;
    for (const each of treeOf(old)) each.namespace = null;
    namespace.count -= treeOf(old).length;
  }
  connect(old, putOld.mount, putOld.dentry, namespace);
  return 0;
}

function isBelow(place: Location, top: Location): boolean {
  let mount: Mount = place.mount;
  let dentry = place.dentry;
  while (mount !== top.mount) {
    if (mount.parent === null) return false;
    dentry = mount.mountpoint!;
    mount = mount.parent;
  }
  return dentry.isWithin(top.dentry);
}

/** A private copy of a namespace (CLONE_NEWNS, unshare). `translate` afterwards finds where a place of the old one is now. */
export function copyNamespace(namespace: MountNamespace, translate: Map<Mount, Mount>): MountNamespace {
  const top = cloneAll(namespace.root, translate);
  const copy = new MountNamespace(namespace.vfs, top);
  copy.count = 0;
  for (const each of treeOf(top)) {
    each.namespace = copy;
    copy.count++;
  }
  return copy;
}

function cloneAll(mount: Mount, translate: Map<Mount, Mount>): Mount {
  const originals = treeOf(mount);
  for (const each of originals) {
    const copy = cloneMount(each, each.root);
    copy.unbindable = each.unbindable;
    translate.set(each, copy);
    if (each !== mount) connect(copy, translate.get(each.parent!)!, each.mountpoint!, null);
  }
  return translate.get(mount)!;
}

function remove(list: Mount[], mount: Mount): void {
  const at = list.indexOf(mount);
  if (at >= 0) list.splice(at, 1);
}

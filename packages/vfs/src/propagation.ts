// Peer groups of shared mounts and the slaves that listen to them: mount_namespaces(7), "shared subtrees".
import type { Dentry } from './dentry.js';
import type { Mount } from './mount.js';
import { connect, copyTree, makeShared, treeOf } from './ops/mounts.js';

export class PeerGroup {
  readonly id: number;
  readonly members: Mount[];
  /** Mounts whose `master` this is. */
  readonly slaves: Mount[];

  constructor(id: number) {
    this.id = id;
    this.members = [];
    this.slaves = [];
  }

  join(mount: Mount): void {
    mount.peers = this;
    this.members.push(mount);
  }

  /** When the last member leaves, slaves become private (their master is gone). */
  leave(mount: Mount): void {
    remove(this.members, mount);
    mount.peers = null;
    if (this.members.length > 0) return;
    for (const slave of this.slaves) slave.master = null;
    this.slaves.length = 0;
  }

  joinSlave(mount: Mount): void {
    mount.master = this;
    this.slaves.push(mount);
  }

  leaveSlave(mount: Mount): void {
    remove(this.slaves, mount);
    mount.master = null;
  }
}

function remove(list: Mount[], mount: Mount): void {
  const at = list.indexOf(mount);
  if (at >= 0) list.splice(at, 1);
}

/** Mounts that hear of a mount or umount on `parent`: its peers, slaves, their peers and slaves. Not `parent` itself. */
export function propagationTargets(parent: Mount): Mount[] {
  const found: Mount[] = [];
  if (parent.peers !== null) collect(parent.peers, parent, found);
  return found;
}

/** Slaves may be shared and have slaves of their own, as deep as programs like. */
function collect(first: PeerGroup, except: Mount, into: Mount[]): void {
  const found = new Set<Mount>();
  const groups = new Set([first]);
  for (const group of groups) {
    for (const peer of group.members) if (peer !== except) found.add(peer);
    for (const slave of group.slaves) {
      found.add(slave);
      if (slave.peers !== null) groups.add(slave.peers);
    }
  }
  for (const mount of found) into.push(mount);
}

interface Spread {
  readonly mount: Mount;
  readonly group: PeerGroup;
  readonly except: Mount;
}

/**
 * `mount` was attached at `dentry` of `parent`: shows copies on everything that listens. What is being attached may itself have joined
 * the group (a bind mount of a shared tree into itself): new mounts are no targets, or there would be no end.
 */
export function propagateMount(mount: Mount, parent: Mount, dentry: Dentry): void {
  const group = parent.peers;
  if (group === null) return;
  const fresh = new Set<Mount>();
  markNew(mount, fresh);
  const pending: Spread[] = [{ mount, group, except: parent }];
  for (let i = 0; i < pending.length; i++) spread(pending[i]!, dentry, fresh, pending);
}

function markNew(mount: Mount, fresh: Set<Mount>): void {
  for (const each of treeOf(mount)) {
    makeShared(each);
    fresh.add(each);
  }
}

function spread(
  { mount, group, except }: Spread,
  dentry: Dentry,
  fresh: Set<Mount>,
  pending: Spread[],
): void {
  for (const peer of [...group.members]) {
    if (peer === except || fresh.has(peer)) continue;
    const copy = showCopy(mount, peer, dentry, false);
    if (copy !== null) for (const each of treeOf(copy)) fresh.add(each);
  }
  for (const slave of [...group.slaves]) {
    if (fresh.has(slave)) continue;
    const copy = showCopy(mount, slave, dentry, true);
    if (copy === null) continue;
    for (const each of treeOf(copy)) fresh.add(each);
    if (slave.peers === null) continue;
    markNew(copy, fresh);
    pending.push({ mount: copy, group: slave.peers, except: slave });
  }
}

function showCopy(mount: Mount, target: Mount, dentry: Dentry, asSlave: boolean): Mount | null {
  if (!dentry.isWithin(target.root)) return null;
  const copy = copyTree(mount, mount.root, true);
  if (typeof copy === 'number') return null;
  if (asSlave) for (const each of treeOf(copy)) enslave(each);
  connect(copy, target, dentry, target.namespace);
  return copy;
}

/** A copy of a shared mount listens to the group instead of being part of it. */
function enslave(mount: Mount): void {
  const group = mount.peers;
  if (group === null) return;
  group.leave(mount);
  mount.master?.leaveSlave(mount);
  group.joinSlave(mount);
}

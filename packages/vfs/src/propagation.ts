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

function collect(group: PeerGroup, except: Mount, found: Mount[]): void {
  for (const peer of group.members) if (peer !== except && !found.includes(peer)) found.push(peer);
  for (const slave of group.slaves) {
    if (found.includes(slave)) continue;
    found.push(slave);
    if (slave.peers !== null) collect(slave.peers, slave, found);
  }
}

/** Copies of a mount and where each will hang: all are made before any is attached, because a moved tree may be among the targets. */
class Propagation {
  readonly copies: Mount[];
  readonly targets: Mount[];
  private readonly dentry: Dentry;
  /** Groups of slaves that have theirs: their members are slaves of one master and peers of each other. */
  private readonly done: Set<PeerGroup>;

  constructor(dentry: Dentry) {
    this.copies = [];
    this.targets = [];
    this.dentry = dentry;
    this.done = new Set();
  }

  /** Copies of `source` for everybody in `group` but `except`, and for those who listen to it. */
  spread(source: Mount, group: PeerGroup, except: Mount): void {
    for (const peer of [...group.members]) if (peer !== except) this.copyFor(source, peer, false);
    for (const slave of [...group.slaves]) {
      const { peers } = slave;
      if (peers !== null && this.done.has(peers)) continue;
      const copy = this.copyFor(source, slave, true);
      if (copy === null || peers === null) continue;
      for (const each of treeOf(copy)) makeShared(each);
      this.done.add(peers);
      this.spread(copy, peers, slave);
    }
  }

  private copyFor(source: Mount, target: Mount, asSlave: boolean): Mount | null {
    if (!this.dentry.isWithin(target.root)) return null;
    const copy = copyTree(source, source.root, true);
    if (typeof copy === 'number') return null;
    if (asSlave) for (const each of treeOf(copy)) enslave(each);
    this.copies.push(copy);
    this.targets.push(target);
    return copy;
  }

  attach(): void {
    this.copies.forEach((copy, i) => {
      const target = this.targets[i]!;
      connect(copy, target, this.dentry, target.namespace);
    });
  }
}

/** `mount` was attached at `dentry` of `parent`: shows copies on everything that listens. */
export function propagateMount(mount: Mount, parent: Mount, dentry: Dentry): void {
  const group = parent.peers;
  if (group === null) return;
  for (const each of treeOf(mount)) makeShared(each);
  const propagation = new Propagation(dentry);
  propagation.spread(mount, group, parent);
  propagation.attach();
}

/** A copy of a shared mount listens to the group instead of being part of it. */
function enslave(mount: Mount): void {
  const group = mount.peers;
  if (group === null) return;
  group.leave(mount);
  mount.master?.leaveSlave(mount);
  group.joinSlave(mount);
}

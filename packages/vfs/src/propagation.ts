// Peer groups of shared mounts and the slaves that listen to them: mount_namespaces(7), "shared subtrees".
import { FAN_MNT_ATTACH } from '@sandbox-kernel/abi';
import type { Dentry } from './dentry.js';
import type { Mount } from './mount.js';
import type { MountNamespace } from './mount-namespace.js';
import { notifyMount } from './notify/notify.js';
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

/** How each copy gets to its place. */
type Attach = (mount: Mount, parent: Mount, dentry: Dentry, namespace: MountNamespace | null) => void;

interface Spread {
  readonly source: Mount;
  readonly group: PeerGroup;
  readonly except: Mount;
}

/** Copies of a mount and where each will hang: all are made before any is attached, because a moved tree may be among the targets. */
class Propagation {
  readonly #copies: Mount[] = [];
  readonly #targets: Mount[] = [];
  readonly #dentry: Dentry;
  /** What is being attached may itself have joined a group (a shared tree bound into itself): new mounts are no targets, or there would be no end. */
  readonly #fresh = new Set<Mount>();
  /** Groups of slaves that have theirs: their members are slaves of one master and peers of each other. */
  readonly #done = new Set<PeerGroup>();
  readonly #pending: Spread[] = [];

  constructor(dentry: Dentry) {
    this.#dentry = dentry;
  }

  /** Copies of `source` for everybody in `group` but `except`, and for those who listen to it, as deep as programs like. */
  run(source: Mount, group: PeerGroup, except: Mount, moved: boolean, attach: Attach): void {
    for (const each of treeOf(source)) {
      makeShared(each);
      if (!moved) this.#fresh.add(each);
    }
    this.#pending.push({ source, group, except });
    for (let i = 0; i < this.#pending.length; i++) this.#spread(this.#pending[i]!);
    this.#copies.forEach((copy, i) => {
      const target = this.#targets[i]!;
      attach(copy, target, this.#dentry, target.namespace);
      if (target.namespace !== null)
        for (const each of treeOf(copy)) notifyMount(target.namespace, each, FAN_MNT_ATTACH);
    });
  }

  #spread({ source, group, except }: Spread): void {
    for (const peer of [...group.members]) if (peer !== except) this.#copyFor(source, peer, false);
    for (const slave of [...group.slaves]) {
      const { peers } = slave;
      if (peers !== null && this.#done.has(peers)) continue;
      const copy = this.#copyFor(source, slave, true);
      if (copy === null || peers === null) continue;
      for (const each of treeOf(copy)) makeShared(each);
      this.#done.add(peers);
      this.#pending.push({ source: copy, group: peers, except: slave });
    }
  }

  #copyFor(source: Mount, target: Mount, asSlave: boolean): Mount | null {
    if (this.#fresh.has(target) || !this.#dentry.isWithin(target.root)) return null;
    const copy = copyTree(source, source.root, true);
    if (typeof copy === 'number') return null;
    for (const each of treeOf(copy)) {
      if (asSlave) enslave(each);
      this.#fresh.add(each);
    }
    this.#copies.push(copy);
    this.#targets.push(target);
    return copy;
  }
}

/** `mount` was attached at `dentry` of `parent`: shows copies on everything that listens. */
export function propagateMount(
  mount: Mount,
  parent: Mount,
  dentry: Dentry,
  moved: boolean,
  attach: Attach = connect,
): void {
  if (parent.peers !== null) new Propagation(dentry).run(mount, parent.peers, parent, moved, attach);
}

/** A copy of a shared mount listens to the group instead of being part of it. */
function enslave(mount: Mount): void {
  const group = mount.peers;
  if (group === null) return;
  group.leave(mount);
  mount.master?.leaveSlave(mount);
  group.joinSlave(mount);
}

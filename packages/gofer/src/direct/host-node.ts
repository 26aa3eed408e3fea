// What the direct filesystem remembers of one host file: where it hangs (for calls relative to its directory), its identity, and host
// descriptors, opened when needed. Files share one descriptor per access mode among all who have them open: reads and writes carry
// their offset. Descriptors nobody pins are closed, oldest first, when there are too many.
import type { Inode, MappedRange } from '@sandbox-kernel/vfs';
import type { DirectTree } from './direct-tree.js';

export const NO_FD = -1;

export class HostNode {
  readonly tree: DirectTree;
  readonly inode: Inode;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** On the host. */
  readonly number: number;
  /** Null for the top, and when the last known name is gone. Retained. */
  parent: Inode | null;
  name: string;
  /** O_PATH, of a directory. */
  pathFd: number;
  /** For reading; for reading and writing. */
  readFd: number;
  writeFd: number;
  /** Open files and mappings: the descriptors must stay. */
  pins: number;
  /** Processes that stand in the directory or have it open; `held`: its descriptor is pinned for them. */
  stays: number;
  held: boolean;
  /** A descriptor went to a mapping: the platform may hold a copy under its number. */
  donated: boolean;
  /** Attributes changed through us since they were read. */
  stale: boolean;
  /** Text of a link, when it can be trusted; null: not read yet. */
  target: string | null;
  /** Names of extended attributes, when they can be trusted; null: not read yet. */
  xattrNames: readonly string[] | null;
  readonly mappings: MappedRange[];
  /** Neighbours in the list of nodes that hold descriptors; null when it holds none. */
  previous: HostNode | null;
  next: HostNode | null;
  /** In the list of those that may lose their descriptors. */
  listed: boolean;

  constructor(tree: DirectTree, inode: Inode, major: number, minor: number, number: number) {
    this.tree = tree;
    this.inode = inode;
    this.deviceMajor = major;
    this.deviceMinor = minor;
    this.number = number;
    this.parent = null;
    this.name = '';
    this.pathFd = NO_FD;
    this.readFd = NO_FD;
    this.writeFd = NO_FD;
    this.pins = 0;
    this.stays = 0;
    this.held = false;
    this.donated = false;
    this.stale = false;
    this.target = null;
    this.xattrNames = null;
    this.mappings = [];
    this.previous = null;
    this.next = null;
    this.listed = false;
  }
}

export function hostNode(inode: Inode): HostNode {
  return inode.data as HostNode;
}

/** Remembers a name that leads to the inode. */
export function setPlace(inode: Inode, parent: Inode | null, name: string): void {
  const node = hostNode(inode);
  const old = node.parent;
  parent?.retain();
  node.parent = parent;
  node.name = name;
  old?.release();
}

/** As `setPlace` for an inode that had a name: others may have turned a tree over, and places remembered of before must not make a ring. */
export function movePlace(inode: Inode, parent: Inode, name: string): void {
  setPlace(inode, inode.isDirectory && isWithin(parent, inode) ? null : parent, name);
}

function isWithin(inode: Inode, directory: Inode): boolean {
  let at: Inode | null = inode;
  while (at !== null && at !== directory) at = hostNode(at).parent;
  return at !== null;
}

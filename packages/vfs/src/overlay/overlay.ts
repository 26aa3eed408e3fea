// The overlay filesystem: one writable layer over any number of read-only ones (Linux's overlayfs documentation). `overlayChanges`
// lists what the upper layer holds against the lower ones.
import { EROFS, MS_RDONLY, S_IFDIR } from '@sandbox-kernel/abi';
import type { Inode } from '../inode.js';
import { releaseSuperblock } from '../mount.js';
import type { StatfsData } from '../stat.js';
import { type Filesystem, Superblock } from '../superblock.js';
import type { Vfs } from '../vfs.js';
import { OverlayLayers, overlayNode, showInode, unnameNode } from './overlay-node.js';
import { OVERLAY_OPS } from './overlay-ops.js';

const OVERLAYFS_MAGIC = 0x794c7630;

class Overlay implements Filesystem {
  readonly type: string;

  constructor() {
    this.type = 'overlay';
  }

  statfs(superblock: Superblock, out: StatfsData): number {
    const layers = superblock.data as OverlayLayers;
    const real = (layers.upper ?? layers.lowers[0]!).superblock;
    const result = real.filesystem.statfs(real, out);
    out.type = OVERLAYFS_MAGIC;
    return result;
  }

  sync(superblock: Superblock): number {
    const upper = (superblock.data as OverlayLayers).upper?.superblock;
    return upper === undefined ? 0 : upper.filesystem.sync(upper);
  }

  /** What has a copy above stays known as long as that has a name: its number and lower contents must not be forgotten. */
  evict(inode: Inode): void {
    const node = overlayNode(inode);
    const layers = inode.superblock.data as OverlayLayers;
    if (node.upper !== null && node.upper.links > 0 && inode.links > 0 && inode.superblock.root !== null)
      return;
    if (node.upper !== null && layers.shown.get(node.upper) === inode) layers.shown.delete(node.upper);
    const first = node.lowers[0];
    if (first !== undefined && layers.shown.get(first) === inode) layers.shown.delete(first);
    forget(inode);
  }

  unmount(superblock: Superblock): void {
    const layers = superblock.data as OverlayLayers;
    const { root } = superblock;
    superblock.root = null;
    // Nobody uses these: they were only kept to be known again.
    const kept = [...new Set(layers.shown.values())].filter((inode) => inode.refs === 0);
    layers.shown.clear();
    layers.listed = null;
    for (const inode of kept) forget(inode);
    root?.release();
    const tops = layers.upper === null ? layers.lowers : [layers.upper, ...layers.lowers];
    layers.end();
    for (const top of tops) {
      if (layers.owned) top.superblock.filesystem.unmount(top.superblock);
      else letGo(top);
    }
  }

  options(superblock: Superblock): string {
    const layers = superblock.data as OverlayLayers;
    if (layers.options !== '') return layers.options;
    const lower = layers.lowers.map((each) => each.superblock.source).join(':');
    return layers.upper === null
      ? `lowerdir=${lower}`
      : `lowerdir=${lower},upperdir=${layers.upper.superblock.source}`;
  }

  /** Linux ignores options here: nothing can be changed. */
  remount(superblock: Superblock, flags: number): number {
    const { upper } = superblock.data as OverlayLayers;
    return upper === null && (flags & MS_RDONLY) === 0 ? -EROFS : 0;
  }
}

/** A layer that is mounted elsewhere stays as long as the overlay, whatever becomes of that mount. */
function hold(top: Inode): void {
  top.retain();
  top.superblock.mounts++;
}

function letGo(top: Inode): void {
  top.release();
  releaseSuperblock(top.superblock);
}

/** Gives back what an inode that nobody uses holds of the layers. */
function forget(inode: Inode): void {
  const node = overlayNode(inode);
  unnameNode(inode);
  node.upper?.release();
  for (const lower of node.lowers) lower.release();
}

export interface OverlayOptions {
  /** Null: a read-only merge of the lower layers. */
  readonly upper: Superblock | null;
  /** Topmost first. At least one. */
  readonly lowers: readonly Superblock[];
  /** Lower layers may hold .wh. files of OCI images. */
  readonly ociWhiteouts?: boolean;
  readonly source?: string;
}

export function createOverlay(vfs: Vfs, options: OverlayOptions): Superblock {
  const upper = options.upper?.root ?? null;
  const lowers = options.lowers.map((each) => each.root!);
  if (upper !== null) adoptAttributes(upper, lowers[0]!);
  const layers = new OverlayLayers(upper, lowers, options.ociWhiteouts === true, true);
  return assemble(vfs, layers, options.source ?? 'overlay');
}

/** An overlay of directories that are mounted elsewhere (mount(2) by a program). Retains them. */
export function createOverlayOn(
  vfs: Vfs,
  upper: Inode | null,
  lowers: readonly Inode[],
  source: string,
): Superblock {
  if (upper !== null) hold(upper);
  for (const lower of lowers) hold(lower);
  return assemble(vfs, new OverlayLayers(upper, lowers, false, false), source);
}

function assemble(vfs: Vfs, layers: OverlayLayers, source: string): Superblock {
  const superblock = new Superblock(vfs, new Overlay(), source);
  superblock.data = layers;
  if (layers.upper === null) superblock.flags |= 1;
  superblock.acls = (layers.upper ?? layers.lowers[0]!).superblock.acls;
  const root = showInode(superblock, OVERLAY_OPS, layers.upper, layers.lowers);
  root.ops.refresh(root);
  superblock.setRoot(root);
  return superblock;
}

/** The top directory looks as it does below. */
function adoptAttributes(upper: Inode, lower: Inode): void {
  upper.mode = S_IFDIR | (lower.mode & 0o7777);
  upper.uid = lower.uid;
  upper.gid = lower.gid;
  upper.atime = lower.atime;
  upper.atimeNanos = lower.atimeNanos;
  upper.mtime = lower.mtime;
  upper.mtimeNanos = lower.mtimeNanos;
}

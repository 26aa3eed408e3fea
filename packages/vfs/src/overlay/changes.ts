// What a run changed: the contents of an overlay's upper layer compared with what lies below.
import { O_RDONLY } from '@sandbox-kernel/abi';
import type { Inode } from '../inode.js';
import { openInternal } from '../ops/open.js';
import type { Superblock } from '../superblock.js';
import { NameSink } from './overlay-directory.js';
import { findLowers, isOpaque, isWhiteoutNode, type OverlayLayers, overlayNode } from './overlay-node.js';

export type ChangeKind = 'added' | 'modified' | 'deleted';

export interface OverlayChange {
  /** From the top of the overlay, one character per byte. */
  readonly path: string;
  readonly kind: ChangeKind;
  /** In the upper layer; null for 'deleted'. */
  readonly upper: Inode | null;
  /** What lay there before; null for 'added'. */
  readonly lower: Inode | null;
  /** A directory whose former contents are all gone. */
  readonly opaque: boolean;
}

/** All changes, parents before children, names of one directory in order of creation. */
export function overlayChanges(superblock: Superblock): OverlayChange[] {
  const layers = superblock.data as OverlayLayers;
  const changes: OverlayChange[] = [];
  if (layers.upper === null) return changes;
  const root = superblock.root!;
  listDirectory(layers, layers.upper, overlayNode(root).lowers, '', changes);
  return changes;
}

function listDirectory(
  layers: OverlayLayers,
  upper: Inode,
  lowers: readonly Inode[],
  path: string,
  changes: OverlayChange[],
): void {
  for (const name of namesOf(upper)) {
    const inode = upper.ops.lookup(upper, name);
    if (typeof inode === 'number') continue;
    const below = findLowers(layers, lowers, name);
    const found = typeof below === 'number' ? [] : below;
    const entry = `${path}/${name}`;
    if (isWhiteoutNode(inode)) {
      if (found.length > 0) changes.push(change(entry, 'deleted', null, found[0]!, false));
      continue;
    }
    listEntry(layers, inode, found, entry, changes);
  }
}

function listEntry(
  layers: OverlayLayers,
  inode: Inode,
  found: readonly Inode[],
  path: string,
  changes: OverlayChange[],
): void {
  const lower = found[0] ?? null;
  if (!inode.isDirectory) {
    changes.push(change(path, lower === null ? 'added' : 'modified', inode, lower, false));
    return;
  }
  const shown = layers.shown.get(inode);
  const own = shown === undefined ? [] : overlayNode(shown).lowers;
  const moved = own.length > 0 && own[0] !== lower;
  const opaque = isOpaque(layers, inode) || moved;
  if (lower === null || !sameAttributes(inode, lower) || opaque) {
    changes.push(change(path, lower === null ? 'added' : 'modified', inode, lower, opaque && lower !== null));
  }
  listDirectory(layers, inode, opaque ? (moved ? own : []) : found, path, changes);
}

function change(
  path: string,
  kind: ChangeKind,
  upper: Inode | null,
  lower: Inode | null,
  opaque: boolean,
): OverlayChange {
  return { path, kind, upper, lower, opaque };
}

function sameAttributes(one: Inode, other: Inode): boolean {
  return one.mode === other.mode && one.uid === other.uid && one.gid === other.gid;
}

function namesOf(directory: Inode): string[] {
  const sink = new NameSink();
  const file = openInternal(directory, O_RDONLY);
  if (typeof file === 'number') return sink.names;
  file.ops.readdir(file, sink);
  file.release();
  return sink.names;
}

// Takes changes of an overlay back: upper names go, what lies below shows again. Programs that have a discarded file open keep it, as
// after unlink(2). Mount points stay.
import { AttributeChange, CHANGE_GID, CHANGE_MODE, CHANGE_MTIME, CHANGE_UID } from '../attribute-change.js';
import type { Dentry } from '../dentry.js';
import type { Inode } from '../inode.js';
import type { Superblock } from '../superblock.js';
import { xattrNames } from './changes.js';
import { findLowers } from './lower-lookup.js';
import { forgetOrigin, noteOrigin } from './origins.js';
import { entryNames } from './overlay-directory.js';
import {
  isOpaque,
  layersOf,
  mirror,
  type OverlayLayers,
  overlayNode,
  TRUSTED_PREFIX,
  unnameNode,
} from './overlay-node.js';

/** Discards what covers `path` (one character per byte, from the top; '' for everything). Names that stayed, because something is mounted there. */
export function discardChanges(superblock: Superblock, path: string): number {
  (superblock.data as OverlayLayers).listed = null;
  const parts = path.split('/').filter((part) => part !== '');
  const last = parts.pop();
  if (last === undefined) return discardBelow(superblock.root!, superblock.top);
  let directory = superblock.root!;
  let dentry: Dentry | null = superblock.top;
  for (const part of parts) {
    const next = directory.ops.lookup(directory, part);
    if (typeof next === 'number' || !next.isDirectory) return 0;
    directory = next;
    dentry = dentry?.children?.get(part) ?? null;
  }
  return discardName(directory, last, dentry?.children?.get(last) ?? null);
}

/** The change at `path` was carried out below as well: from now on it is compared with what lies there. */
export function rebaseChange(superblock: Superblock, path: string): void {
  (superblock.data as OverlayLayers).listed = null;
  const parts = path.split('/').filter((part) => part !== '');
  const last = parts.pop();
  if (last === undefined) return;
  let directory = superblock.root!;
  let dentry: Dentry | null = superblock.top;
  for (const part of parts) {
    const next = directory.ops.lookup(directory, part);
    if (typeof next === 'number' || !next.isDirectory) return;
    directory = next;
    dentry = dentry?.children?.get(part) ?? null;
  }
  forgetOrigin(directory, last);
  const below = findLowers(layersOf(directory), overlayNode(directory).lowers, last);
  if (typeof below === 'number' || below.length === 0) return;
  noteOrigin(directory, last, below[0]!);
  const inode = directory.ops.lookup(directory, last);
  if (typeof inode !== 'number' && inode.isDirectory && below[0]!.isDirectory)
    mergeWith(inode, below, dentry?.children?.get(last) ?? null);
}

/** A directory that was new or moved now lies on its like. */
function mergeWith(inode: Inode, below: readonly Inode[], dentry: Dentry | null): void {
  const node = overlayNode(inode);
  if (node.upper === null || (node.lowers[0] === below[0] && node.lowers.length === below.length)) return;
  if (dentry !== null && carriesMounts(dentry)) return;
  for (const lower of below) lower.retain();
  for (const lower of node.lowers) lower.release();
  node.lowers = below;
  layersOf(inode).listed = null;
  node.upper.ops.removeXattr(node.upper, `${TRUSTED_PREFIX}opaque`);
  if (dentry !== null) inode.superblock.vfs.dentries.dropChildren(dentry);
  mirror(inode);
}

interface Place {
  readonly directory: Inode;
  readonly dentry: Dentry | null;
}

/** All names of a directory and of those below that are merged with lower ones, and their own attributes. */
function discardBelow(top: Inode, topDentry: Dentry | null): number {
  const places: Place[] = [{ directory: top, dentry: topDentry }];
  let kept = 0;
  for (let i = 0; i < places.length; i++) {
    const { directory, dentry } = places[i]!;
    const { upper } = overlayNode(directory);
    if (upper === null) continue;
    for (const name of entryNames(upper)) {
      const child = dentry?.children?.get(name) ?? null;
      const merged = mergedDirectory(directory, name);
      if (merged !== null) places.push({ directory: merged, dentry: child });
      else kept += discardEntry(directory, name, child);
    }
    restoreAttributes(directory, upper);
  }
  return kept;
}

function discardName(directory: Inode, name: string, dentry: Dentry | null): number {
  const merged = mergedDirectory(directory, name);
  return merged === null ? discardEntry(directory, name, dentry) : discardBelow(merged, dentry);
}

/** The overlay's directory of that name, when it stays because it lies on one below; else null. */
function mergedDirectory(directory: Inode, name: string): Inode | null {
  const layers = layersOf(directory);
  const upper = overlayNode(directory).upper?.ops.lookup(overlayNode(directory).upper!, name);
  if (upper === undefined || typeof upper === 'number' || !upper.isDirectory) return null;
  const shown = layers.shown.get(upper);
  return shown !== undefined && isMerged(layers, directory, name, shown, upper) ? shown : null;
}

function discardEntry(directory: Inode, name: string, dentry: Dentry | null): number {
  const parent = overlayNode(directory).upper;
  if (parent === null) return 0;
  const upper = parent.ops.lookup(parent, name);
  if (typeof upper === 'number') return 0;
  if (dentry !== null && carriesMounts(dentry)) return 1;
  if (dentry !== null) directory.superblock.vfs.dentries.drop(dentry);
  removeUpper(layersOf(directory), parent, name, upper);
  forgetOrigin(directory, name);
  mirror(directory);
  return 0;
}

/** The directory shows what lies below at its own place, with additions: it stays. */
function isMerged(
  layers: OverlayLayers,
  directory: Inode,
  name: string,
  shown: Inode,
  upper: Inode,
): boolean {
  if (isOpaque(layers, upper)) return false;
  const below = findLowers(layers, overlayNode(directory).lowers, name);
  return typeof below !== 'number' && below.length > 0 && overlayNode(shown).lowers[0] === below[0];
}

function carriesMounts(dentry: Dentry): boolean {
  const below = [dentry];
  for (let i = 0; i < below.length; i++) {
    const { mounts, children } = below[i]!;
    if (mounts !== null && mounts.length > 0) return true;
    if (children !== null) for (const child of children.values()) below.push(child);
  }
  return false;
}

/** An entry of the upper layer and all below it, deepest first; a list, because programs nest as deep as they like. */
function removeUpper(layers: OverlayLayers, parent: Inode, name: string, upper: Inode): void {
  const entries = [{ parent, name, inode: upper }];
  for (let i = 0; i < entries.length; i++) {
    const { inode } = entries[i]!;
    if (!inode.isDirectory) continue;
    for (const inner of entryNames(inode)) {
      const found = inode.ops.lookup(inode, inner);
      if (typeof found !== 'number') entries.push({ parent: inode, name: inner, inode: found });
    }
  }
  for (let i = entries.length - 1; i >= 0; i--) {
    const entry = entries[i]!;
    removeEntry(layers, entry.parent, entry.name, entry.inode);
  }
}

function removeEntry(layers: OverlayLayers, parent: Inode, name: string, upper: Inode): void {
  upper.retain();
  if (upper.isDirectory) parent.ops.rmdir(parent, name, upper);
  else parent.ops.unlink(parent, name, upper);
  if (upper.links === 0 || upper.isDirectory) forgetShown(layers, upper);
  upper.release();
}

/** The overlay's inode lives on for those who have it open, and is found by nobody else. */
function forgetShown(layers: OverlayLayers, upper: Inode): void {
  const shown = layers.shown.get(upper);
  if (shown === undefined) return;
  const first = overlayNode(shown).lowers[0];
  layers.shown.delete(upper);
  if (first !== undefined && layers.shown.get(first) === shown) layers.shown.delete(first);
  unnameNode(shown);
  shown.links = 0;
  shown.retain();
  shown.release();
}

function restoreAttributes(directory: Inode, upper: Inode): void {
  const lower = overlayNode(directory).lowers[0];
  if (lower === undefined) return;
  for (const name of xattrNames(upper)) upper.ops.removeXattr(upper, name);
  for (const name of xattrNames(lower)) {
    const value = lower.ops.getXattr(lower, name);
    if (typeof value !== 'number') upper.ops.setXattr(upper, name, value, 0);
  }
  upper.ops.removeXattr(upper, `${TRUSTED_PREFIX}opaque`);
  const change = new AttributeChange();
  change.what = CHANGE_MODE | CHANGE_UID | CHANGE_GID | CHANGE_MTIME;
  change.mode = lower.mode;
  change.uid = lower.uid;
  change.gid = lower.gid;
  change.mtime = lower.mtime;
  change.mtimeNanos = lower.mtimeNanos;
  upper.ops.change(upper, change);
  mirror(directory);
}

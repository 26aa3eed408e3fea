// What a run changed: what an overlay shows now compared with what its lower layers show. Directories that only carry changes below
// them are not listed; a directory that moved, or took the place of another, is compared name by name with what was there.
import type { Inode } from '../inode.js';
import type { Superblock } from '../superblock.js';
import { findLowers } from './lower-lookup.js';
import { LowerIdentity, originOf } from './origins.js';
import { entryNames } from './overlay-directory.js';
import { isOpaque, isWhiteoutNode, type OverlayLayers, overlayNode, realOf } from './overlay-node.js';

export type ChangeKind = 'added' | 'modified' | 'deleted';

const HIDDEN = 'trusted.overlay.';
const NO_LOWERS: readonly Inode[] = [];

export interface OverlayChange {
  /** From the top of the overlay, one character per byte. */
  readonly path: string;
  readonly kind: ChangeKind;
  /** What has data and attributes now; null for 'deleted'. Retained. */
  readonly current: Inode | null;
  /** What lies below; null for 'added'. Retained. */
  readonly lower: Inode | null;
  /** A directory that is not the one it was: former contents that are not listed as kept are gone. */
  readonly opaque: boolean;
  /** The lower file when it was first covered, as far as that was noted (a directory may have been as a whole); null for 'added'. */
  readonly origin: LowerIdentity | null;
  /** Seconds, with fraction, when the name was removed or something else took its place. */
  readonly coveredAt: number;
}

export interface ChangeOptions {
  /** List what a removed directory held, not only the directory. */
  readonly expand?: boolean;
}

/** All changes, parents before children, names of one directory in byte order. The caller ends with `releaseChanges`. */
export function overlayChanges(superblock: Superblock, options: ChangeOptions = {}): OverlayChange[] {
  const layers = superblock.data as OverlayLayers;
  const lister = new ChangeLister(layers, options.expand === true);
  if (layers.upper !== null) lister.run(superblock.root!, layers.lowers);
  return lister.changes;
}

export function releaseChanges(changes: readonly OverlayChange[]): void {
  for (const { current, lower } of changes) {
    current?.release();
    lower?.release();
  }
}

/** A directory to compare yet. */
interface Pending {
  readonly view: Inode;
  readonly lowers: readonly Inode[];
  readonly path: string;
}

/** Parents before children: a slash sorts before every byte of a name. */
function byPath(one: OverlayChange, other: OverlayChange): number {
  const left = one.path.replaceAll('/', '\0');
  const right = other.path.replaceAll('/', '\0');
  return left < right ? -1 : left > right ? 1 : 0;
}

class ChangeLister {
  readonly changes: OverlayChange[];
  /** Programs make directories as deep as they like: a list, no recursion. Directories in it are retained. */
  private readonly pending: Pending[];
  private readonly layers: OverlayLayers;
  private readonly expand: boolean;

  constructor(layers: OverlayLayers, expand: boolean) {
    this.changes = [];
    this.pending = [];
    this.layers = layers;
    this.expand = expand;
  }

  run(root: Inode, lowers: readonly Inode[]): void {
    root.retain();
    this.pending.push({ view: root, lowers, path: '' });
    for (let i = 0; i < this.pending.length; i++) {
      const { view, lowers: below, path } = this.pending[i]!;
      this.directory(view, below, path);
    }
    for (const { view } of this.pending) view.release();
    this.changes.sort(byPath);
  }

  /** `view` is the overlay's directory, `lowers` what lies below its path. */
  private directory(view: Inode, lowers: readonly Inode[], path: string): void {
    const { upper, lowers: own } = overlayNode(view);
    const merged = upper !== null && own[0] === lowers[0] && !isOpaque(this.layers, upper);
    if (merged) {
      for (const name of entryNames(upper)) this.name(view, upper, lowers, name, `${path}/${name}`);
      return;
    }
    const shown = new Set(entryNames(view));
    for (const name of [...new Set([...shown, ...this.namesBelow(lowers)])].sort()) {
      if (shown.has(name)) this.entry(view, lowers, name, `${path}/${name}`);
      else this.deleted(view, lowers, name, `${path}/${name}`, 0);
    }
  }

  /** A name of the upper layer in a directory that is merged with the one below. */
  private name(view: Inode, upper: Inode, lowers: readonly Inode[], name: string, path: string): void {
    const inode = upper.ops.lookup(upper, name);
    if (typeof inode === 'number') return;
    if (isWhiteoutNode(inode)) this.deleted(view, lowers, name, path, inode.ctime + inode.ctimeNanos / 1e9);
    else this.entry(view, lowers, name, path);
  }

  private entry(view: Inode, lowers: readonly Inode[], name: string, path: string): void {
    const inode = view.ops.lookup(view, name);
    if (typeof inode === 'number') return;
    inode.retain();
    const below = this.below(lowers, name);
    const lower = below[0] ?? null;
    const origin = originOf(view, name);
    if (inode.isDirectory) this.directoryEntry(inode, below, lower, path, origin);
    else if (!isUntouched(inode, lower)) this.push(path, realOf(inode), lower, false, origin);
    inode.release();
  }

  private directoryEntry(
    inode: Inode,
    below: readonly Inode[],
    lower: Inode | null,
    path: string,
    origin: LowerIdentity | null,
  ): void {
    const node = overlayNode(inode);
    const same = lower?.isDirectory === true && node.lowers[0] === lower;
    if (same && node.upper === null) return;
    const replaced = lower?.isDirectory === true && !same;
    if (lower === null || replaced || !sameAttributes(realOf(inode), lower))
      this.push(path, realOf(inode), lower, replaced, origin);
    inode.retain();
    this.pending.push({ view: inode, lowers: lower?.isDirectory === true ? below : NO_LOWERS, path });
  }

  private deleted(view: Inode, lowers: readonly Inode[], name: string, path: string, when: number): void {
    const below = this.below(lowers, name);
    if (below.length > 0) this.removed(below, path, when, originOf(view, name));
  }

  private removed(
    first: readonly Inode[],
    top: string,
    coveredAt: number,
    origin: LowerIdentity | null,
  ): void {
    const layers = [first];
    const paths = [top];
    for (let i = 0; i < layers.length; i++) {
      const below = layers[i]!;
      const path = paths[i]!;
      const lower = below[0]!;
      lower.retain();
      const noted = (i === 0 ? origin : null) ?? new LowerIdentity(lower);
      this.changes.push({
        path,
        kind: 'deleted',
        current: null,
        lower,
        opaque: false,
        origin: noted,
        coveredAt,
      });
      if (!this.expand || !lower.isDirectory) continue;
      for (const name of this.namesBelow(below)) {
        const inner = this.below(below, name);
        if (inner.length === 0) continue;
        layers.push(inner);
        paths.push(`${path}/${name}`);
      }
    }
  }

  private push(
    path: string,
    current: Inode,
    lower: Inode | null,
    opaque: boolean,
    origin: LowerIdentity | null,
  ): void {
    current.retain();
    lower?.retain();
    const kind = lower === null ? 'added' : 'modified';
    const noted = lower === null ? null : (origin ?? new LowerIdentity(lower));
    const coveredAt = current.btime + current.btimeNanos / 1e9;
    this.changes.push({ path, kind, current, lower, opaque, origin: noted, coveredAt });
  }

  private below(lowers: readonly Inode[], name: string): readonly Inode[] {
    const found = findLowers(this.layers, lowers, name);
    return typeof found === 'number' ? NO_LOWERS : found;
  }

  private namesBelow(lowers: readonly Inode[]): string[] {
    const names = new Set<string>();
    for (const lower of lowers) for (const name of entryNames(lower)) names.add(name);
    return [...names].sort();
  }
}

/** Copied up (opened for writing, say) but as it was, or not even that. */
function isUntouched(inode: Inode, lower: Inode | null): boolean {
  const { upper, lowers, copied } = overlayNode(inode);
  if (lower === null || lowers[0] !== lower) return false;
  return upper === null || upper.version === copied;
}

/** Type, permissions, owner and extended attributes. */
export function sameAttributes(one: Inode, other: Inode): boolean {
  if (one.mode !== other.mode || one.uid !== other.uid || one.gid !== other.gid) return false;
  return sameXattrs(one, other);
}

export function sameXattrs(one: Inode, other: Inode): boolean {
  const names = xattrNames(one);
  if (names.join('\0') !== xattrNames(other).join('\0')) return false;
  return names.every((name) => sameBytes(one.ops.getXattr(one, name), other.ops.getXattr(other, name)));
}

/** Names of the attributes that programs see, sorted. */
export function xattrNames(inode: Inode): string[] {
  const names = inode.ops.listXattr(inode);
  return typeof names === 'number' ? [] : names.filter((name) => !name.startsWith(HIDDEN)).sort();
}

function sameBytes(one: Uint8Array | number, other: Uint8Array | number): boolean {
  if (typeof one === 'number' || typeof other === 'number') return typeof one === typeof other;
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

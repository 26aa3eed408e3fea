// What an overlay inode is made of: an inode of the upper layer, or of lower ones, or (directories) several. Names of the whiteout
// conventions: the kernel's (character device 0/0, xattr opaque) and OCI's (.wh.NAME, .wh..wh..opq).
import { S_IFCHR, S_IFMT } from '@sandbox-kernel/abi';
import { Inode } from '../inode.js';
import type { InodeOps } from '../inode-ops.js';
import { INODE_LINKABLE } from '../permission.js';
import type { Superblock } from '../superblock.js';
import type { LowerIdentity } from './origins.js';

export const OPAQUE_XATTR = 'trusted.overlay.opaque';
export const USER_OPAQUE_XATTR = 'user.overlay.opaque';
export const REDIRECT_XATTR = 'trusted.overlay.redirect';
const USER_REDIRECT_XATTR = 'user.overlay.redirect';
export const OCI_PREFIX = '.wh.';
export const OCI_OPAQUE = '.wh..wh..opq';
/** Inode numbers of the upper layer start here, those of the n-th lower one at n times `LAYER`. */
const UPPER_NUMBERS = 2 ** 48;
const LAYER = 2 ** 44;

/** `Superblock.data` of an overlay. */
export class OverlayLayers {
  /** Top directories of the layers: whole filesystems, or directories of mounted ones. */
  readonly upper: Inode | null;
  readonly lowers: readonly Inode[];
  readonly ociWhiteouts: boolean;
  /** The layers are this overlay's alone and end with it. */
  readonly owned: boolean;
  /** Overlay inode by the inode that it shows (upper, or first lower). */
  readonly shown: Map<Inode, Inode>;
  /** Which lower layer a directory is of; not kept where there is only one. */
  readonly depths: WeakMap<Inode, number>;
  /** Redirects that the lookup under way has followed. */
  redirects: number;
  /** The names of the directory that was listed last, while they hold: big ones are read again and again. Null: none. */
  listed: { readonly directory: Inode; readonly version: number; readonly names: unknown } | null;

  constructor(upper: Inode | null, lowers: readonly Inode[], ociWhiteouts: boolean, owned: boolean) {
    this.upper = upper;
    this.lowers = lowers;
    this.ociWhiteouts = ociWhiteouts;
    this.owned = owned;
    this.shown = new Map();
    this.depths = new WeakMap();
    lowers.forEach((top, depth) => {
      this.depths.set(top, depth);
    });
    this.redirects = 0;
    this.listed = null;
  }
}

/** `Inode.data` of an overlay. */
export class OverlayNode {
  upper: Inode | null;
  lowers: readonly Inode[];
  /** A name that leads here, for copy-up; null when there is none. The parent is retained. */
  parent: Inode | null;
  name: string;
  /** Of a directory: what its names covered when the upper layer first took them; null while there are none. */
  origins: Map<string, LowerIdentity> | null;
  /** `version` of the upper inode right after copy-up; -1 when it is no copy. */
  copied: number;
  /** Names that were added (link) or removed (unlink) while the data is still below. */
  linkChange: number;

  constructor(upper: Inode | null, lowers: readonly Inode[]) {
    this.upper = upper;
    this.lowers = lowers;
    this.parent = null;
    this.name = '';
    this.origins = null;
    this.copied = -1;
    this.linkChange = 0;
  }
}

export function overlayNode(inode: Inode): OverlayNode {
  return inode.data as OverlayNode;
}

export function layersOf(inode: Inode): OverlayLayers {
  return inode.superblock.data as OverlayLayers;
}

/** The inode that has the data and attributes. */
export function realOf(inode: Inode): Inode {
  const node = overlayNode(inode);
  return node.upper ?? node.lowers[0]!;
}

/** The overlay inode for what was found; the same object as long as it is known. Retains what it shows. */
export function showInode(
  superblock: Superblock,
  ops: InodeOps,
  upper: Inode | null,
  lowers: readonly Inode[],
): Inode {
  const layers = superblock.data as OverlayLayers;
  const key = upper ?? lowers[0]!;
  const known = layers.shown.get(key);
  if (known !== undefined) return known;
  const inode = new Inode(superblock, ops, numberOf(layers, upper, lowers), key.mode);
  inode.data = new OverlayNode(upper, lowers);
  upper?.retain();
  for (const lower of lowers) lower.retain();
  layers.shown.set(key, inode);
  mirror(inode);
  return inode;
}

function numberOf(layers: OverlayLayers, upper: Inode | null, lowers: readonly Inode[]): number {
  return upper !== null ? upperNumber(upper) : lowerNumber(layers, lowers[0]!);
}

export function upperNumber(upper: Inode): number {
  return UPPER_NUMBERS + upper.number;
}

export function lowerNumber(layers: OverlayLayers, lower: Inode): number {
  const index = layers.lowers.findIndex((top) => top.superblock === lower.superblock);
  return lower.number + index * LAYER;
}

/** Copies the attributes of what it shows. */
export function mirror(inode: Inode): void {
  const real = realOf(inode);
  inode.mode = real.mode;
  inode.uid = real.uid;
  inode.gid = real.gid;
  inode.rdev = real.rdev;
  inode.size = real.size;
  inode.blocks = real.blocks;
  inode.atime = real.atime;
  inode.atimeNanos = real.atimeNanos;
  inode.mtime = real.mtime;
  inode.mtimeNanos = real.mtimeNanos;
  inode.ctime = real.ctime;
  inode.ctimeNanos = real.ctimeNanos;
  inode.btime = real.btime;
  inode.btimeNanos = real.btimeNanos;
  inode.attributes = real.attributes | (inode.attributes & INODE_LINKABLE);
  inode.links = linksOf(inode, real);
}

function linksOf(inode: Inode, real: Inode): number {
  const node = overlayNode(inode);
  const first = node.lowers[0];
  if (inode.isDirectory) {
    if (real.links === 0) return 0;
    return node.lowers.length === 0 || (node.upper === null && node.lowers.length === 1) ? real.links : 1;
  }
  // Names below still count after a copy-up.
  return (first === undefined ? real.links : first.links) + (first === undefined ? 0 : node.linkChange);
}

/** Remembers a name, when it has none yet. */
export function nameNode(inode: Inode, parent: Inode, name: string): void {
  const node = overlayNode(inode);
  if (node.parent !== null) return;
  node.parent = parent;
  node.name = name;
  parent.retain();
}

export function unnameNode(inode: Inode): void {
  const node = overlayNode(inode);
  const parent = node.parent;
  node.parent = null;
  parent?.release();
}

export function isWhiteoutNode(inode: Inode): boolean {
  return (inode.mode & S_IFMT) === S_IFCHR && inode.rdev === 0;
}

export function isOpaque(layers: OverlayLayers, directory: Inode): boolean {
  if (isYes(directory.ops.getXattr(directory, OPAQUE_XATTR))) return true;
  if (isYes(directory.ops.getXattr(directory, USER_OPAQUE_XATTR))) return true;
  return layers.ociWhiteouts && typeof directory.ops.lookup(directory, OCI_OPAQUE) !== 'number';
}

/** Where the contents below of a directory that was renamed are: a name beside it, or a path from the top of the layers. Null: no redirect. */
export function redirectOf(directory: Inode): string | null {
  let value = directory.ops.getXattr(directory, REDIRECT_XATTR);
  if (typeof value === 'number') value = directory.ops.getXattr(directory, USER_REDIRECT_XATTR);
  if (typeof value === 'number') return null;
  let text = '';
  for (const byte of value) text += String.fromCharCode(byte);
  return text;
}

function isYes(value: Uint8Array | number): boolean {
  return typeof value !== 'number' && value.length === 1 && value[0] === 0x79;
}

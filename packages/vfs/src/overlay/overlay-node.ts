// What an overlay inode is made of: an inode of the upper layer, or of lower ones, or (directories) several. Names of the whiteout
// conventions: the kernel's (character device 0/0, xattr opaque) and OCI's (.wh.NAME, .wh..wh..opq).
import { S_IFCHR, S_IFMT } from '@sandbox-kernel/abi';
import type { FileDescription } from '../file-description.js';
import { Inode } from '../inode.js';
import type { InodeOps } from '../inode-ops.js';
import { INODE_LINKABLE } from '../permission.js';
import type { Superblock } from '../superblock.js';
import type { LowerIdentity } from './origins.js';
import { REDIRECT_ON } from './overlay-options.js';

/** Names of an overlay's own attributes, and with userxattr. A layer that has such names itself has them one level further in. */
export const TRUSTED_PREFIX = 'trusted.overlay.';
export const USER_PREFIX = 'user.overlay.';
const NESTED = 'overlay.';
/** What becomes of files with several names below when one is written to: they stay one for as long as the overlay is mounted; the index
 * keeps them; or the name that was written to becomes a file of its own. */
export const LINKS_HELD = 0;
export const LINKS_INDEXED = 1;
export const LINKS_BREAK = 2;
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
  /** LINKS_*. */
  links: number;
  /** REDIRECT_*. */
  redirect: number;
  /** TRUSTED_PREFIX or USER_PREFIX. */
  prefix: string;
  /** For /proc/mounts; empty: made of the layers' sources. */
  options: string;
  /** Overlays on one another; the sandbox's own root counts as none. */
  depth: number;
  /** Copies say where they came from. */
  marks: boolean;
  /** Nobody changes the layers while this is not mounted: a new directory needs not be looked for below. */
  sealed: boolean;
  /** Of a program's overlay; held. */
  workdir: Inode | null;
  index: Inode | null;
  /** Nobody else had them when this was mounted. */
  private claimed: readonly Inode[];
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
    this.links = LINKS_HELD;
    this.redirect = REDIRECT_ON;
    this.prefix = TRUSTED_PREFIX;
    this.options = '';
    this.depth = 0;
    this.marks = false;
    this.sealed = false;
    this.workdir = null;
    this.index = null;
    this.claimed = [];
    this.shown = new Map();
    this.depths = new WeakMap();
    lowers.forEach((top, depth) => {
      this.depths.set(top, depth);
    });
    this.redirects = 0;
    this.listed = null;
  }

  /** Upper and work directory are in use, unless they were already. */
  claim(): void {
    const { upper, workdir } = this;
    if (upper === null || workdir === null) return;
    const { overlaid } = upper.superblock.vfs;
    this.claimed = [upper, workdir].filter((inode) => !overlaid.has(inode));
    for (const inode of this.claimed) overlaid.add(inode);
  }

  /** Gives back what is held beside the layers. */
  end(): void {
    for (const inode of this.claimed) inode.superblock.vfs.overlaid.delete(inode);
    this.claimed = [];
    this.index?.release();
    this.workdir?.release();
    this.index = null;
    this.workdir = null;
  }

  /** The layer's name of an attribute that a program asks for by `name`. */
  innerName(name: string): string {
    return name.startsWith(this.prefix) ? this.prefix + NESTED + name.slice(this.prefix.length) : name;
  }

  /** The other way round; null for the overlay's own. */
  outerName(name: string): string | null {
    if (!name.startsWith(this.prefix)) return name;
    const own = this.prefix + NESTED;
    return name.startsWith(own) ? this.prefix + name.slice(own.length) : null;
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
  /** Open files that read from below; some may be closed by now. Null while there are none. */
  readers: FileDescription[] | null;
  /** Names that were added (link) or removed (unlink) while the data is still below; when `indexed`, more names than links of the copy. */
  linkChange: number;
  /** The index has a link to the copy. */
  indexed: boolean;

  constructor(upper: Inode | null, lowers: readonly Inode[]) {
    this.upper = upper;
    this.lowers = lowers;
    this.parent = null;
    this.name = '';
    this.origins = null;
    this.copied = -1;
    this.readers = null;
    this.linkChange = 0;
    this.indexed = false;
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
  const alone = layers.links === LINKS_BREAK && upper === null && key.links > 1 && !key.isDirectory;
  const known = alone ? undefined : layers.shown.get(key);
  if (known !== undefined) return known;
  const inode = new Inode(superblock, ops, numberOf(layers, upper, lowers), key.mode);
  inode.data = new OverlayNode(upper, lowers);
  upper?.retain();
  for (const lower of lowers) lower.retain();
  if (!alone) layers.shown.set(key, inode);
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
  if (node.indexed) return real.links + node.linkChange;
  if (first === undefined || layersOf(inode).links === LINKS_BREAK) return real.links;
  // Names below still count after a copy-up.
  return first.links + node.linkChange;
}

/** Notes who reads from below: after a copy-up they are to read from the copy. Those that are closed go when the list has doubled. */
export function noteReader(inode: Inode, file: FileDescription): void {
  const node = overlayNode(inode);
  if (node.readers === null) node.readers = [];
  if (node.readers.length >= 8 && node.readers.length >= 2 * inode.readers)
    node.readers = node.readers.filter((each) => each.refs > 0);
  node.readers.push(file);
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
  if (isYes(directory.ops.getXattr(directory, `${layers.prefix}opaque`))) return true;
  if (layers.owned && isYes(directory.ops.getXattr(directory, `${USER_PREFIX}opaque`))) return true;
  return layers.ociWhiteouts && typeof directory.ops.lookup(directory, OCI_OPAQUE) !== 'number';
}

/** Where the contents below of a directory that was renamed are: a name beside it, or a path from the top of the layers. Null: no redirect. */
export function redirectOf(layers: OverlayLayers, directory: Inode): string | null {
  let value = directory.ops.getXattr(directory, `${layers.prefix}redirect`);
  if (typeof value === 'number' && layers.owned)
    value = directory.ops.getXattr(directory, `${USER_PREFIX}redirect`);
  if (typeof value === 'number') return null;
  let text = '';
  for (const byte of value) text += String.fromCharCode(byte);
  return text;
}

function isYes(value: Uint8Array | number): boolean {
  return typeof value !== 'number' && value.length === 1 && value[0] === 0x79;
}

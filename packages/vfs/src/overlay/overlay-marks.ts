// What an overlay that a program mounts leaves in its upper and work directories (Linux's overlayfs documentation, "Index", "Origin"): where
// copies came from, which directories hold such copies, and with index=on a directory of links to the copies of files that have several
// names below, so that these stay one file over later mounts. Our own root keeps the same in memory (LINKS_HELD).
import { EINVAL, ENOENT, ESTALE, S_IFDIR, S_IFREG } from '@sandbox-kernel/abi';
import type { Inode } from '../inode.js';
import { encodeHandle, HANDLE_SIZE, HANDLE_TYPE } from '../ops/handles.js';
import { entryNames } from './overlay-directory.js';
import {
  isWhiteoutNode,
  LINKS_INDEXED,
  layersOf,
  mirror,
  type OverlayLayers,
  overlayNode,
} from './overlay-node.js';
import type { OverlayOptions } from './overlay-options.js';

const YES = Uint8Array.of(0x79);
/** struct ovl_fb: version, magic, length, flags, type, uuid; then the handle. */
const FB_SIZE = 21;
const FB_MAGIC = 0xfb;
const FB_UUID = 5;

/** A handle with the filesystem that it is of. */
function identify(inode: Inode): Uint8Array {
  const bytes = new Uint8Array(FB_SIZE + HANDLE_SIZE);
  const view = new DataView(bytes.buffer);
  bytes[1] = FB_MAGIC;
  bytes[2] = bytes.length;
  bytes[4] = HANDLE_TYPE;
  view.setUint32(FB_UUID, inode.superblock.device, true);
  encodeHandle(inode, null, view, FB_SIZE, true);
  return bytes;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

function setMark(layers: OverlayLayers, inode: Inode, name: string, value: Uint8Array): number {
  return inode.ops.setXattr(inode, layers.prefix + name, value, 0);
}

// ── when it is mounted ──

/** Makes what the overlay keeps beside its upper layer. -EINVAL after a volatile mount, -ESTALE when it was made for other layers. */
export function prepareLayers(layers: OverlayLayers, workdir: Inode, options: OverlayOptions): number {
  const scratch = makeScratch(workdir, options.is('fsync', 'volatile'));
  if (scratch !== 0) return scratch;
  const upper = layers.upper!;
  layers.marks = true;
  layers.workdir = workdir;
  workdir.retain();
  layers.claim();
  if (options.uuid() === 'on') markUuid(layers, upper);
  if (layers.links !== LINKS_INDEXED) return 0;
  const known = verify(layers, upper, 'origin', layers.lowers[0]!);
  if (known !== 0) return known;
  const index = directoryIn(workdir, 'index');
  if (typeof index === 'number') return index;
  layers.index = index;
  index.retain();
  return verify(layers, index, 'upper', upper);
}

/** `work` in the work directory, empty. */
function makeScratch(workdir: Inode, isVolatile: boolean): number {
  const old = workdir.ops.lookup(workdir, 'work');
  if (typeof old !== 'number') {
    const incompatible = old.isDirectory ? old.ops.lookup(old, 'incompat') : -ENOENT;
    if (typeof incompatible !== 'number' && entryNames(incompatible).length > 0) return -EINVAL;
    removeTree(workdir, 'work', old);
  }
  const work = workdir.ops.create(workdir, 'work', S_IFDIR, 0, 0, 0);
  if (typeof work === 'number') return work;
  if (!isVolatile) return 0;
  const incompat = directoryIn(work, 'incompat');
  if (typeof incompat === 'number') return incompat;
  const mark = directoryIn(incompat, 'volatile');
  if (typeof mark === 'number') return mark;
  const dirty = mark.ops.create(mark, 'dirty', S_IFREG, 0, 0, 0);
  return typeof dirty === 'number' ? dirty : 0;
}

function directoryIn(parent: Inode, name: string): Inode | number {
  const found = parent.ops.lookup(parent, name);
  return found === -ENOENT ? parent.ops.create(parent, name, S_IFDIR, 0, 0, 0) : found;
}

/** What lies in a scratch directory: nothing, or what a mount that did not end left two levels deep. */
function removeTree(parent: Inode, name: string, inode: Inode): void {
  inode.retain();
  if (inode.isDirectory) {
    for (const inner of entryNames(inode)) {
      const child = inode.ops.lookup(inode, inner);
      if (typeof child !== 'number' && !child.isDirectory) removeTree(inode, inner, child);
      else if (typeof child !== 'number') inode.ops.rmdir(inode, inner, child);
    }
    parent.ops.rmdir(parent, name, inode);
  } else parent.ops.unlink(parent, name, inode);
  inode.release();
}

function markUuid(layers: OverlayLayers, upper: Inode): void {
  if (typeof upper.ops.getXattr(upper, `${layers.prefix}uuid`) !== 'number') return;
  const uuid = new Uint8Array(16);
  upper.superblock.vfs.random.fill(uuid, 0, uuid.length);
  setMark(layers, upper, 'uuid', uuid);
}

/** `holder` says that it belongs to `to`: it is told so the first time. */
function verify(layers: OverlayLayers, holder: Inode, name: string, to: Inode): number {
  const value = holder.ops.getXattr(holder, layers.prefix + name);
  const wanted = identify(to);
  if (typeof value === 'number') return setMark(layers, holder, name, wanted);
  return equal(value, wanted) ? 0 : -ESTALE;
}

// ── copies ──

/** `created`, of the upper layer, has just been made as the copy of `lower`. */
export function markCopy(layers: OverlayLayers, created: Inode, lower: Inode): void {
  if (layers.marks) setMark(layers, created, 'origin', identify(lower));
}

/** A directory of the upper layer that holds copies. */
export function markImpure(layers: OverlayLayers, directory: Inode): void {
  const name = `${layers.prefix}impure`;
  if (layers.marks && typeof directory.ops.getXattr(directory, name) === 'number')
    setMark(layers, directory, 'impure', YES);
}

// ── the index ──

/** Is a file with several names below, which the index keeps together? */
export function needsIndex(layers: OverlayLayers, lower: Inode | undefined): boolean {
  return layers.index !== null && lower !== undefined && !lower.isDirectory && lower.links > 1;
}

/** Puts the copy of a file with several names into the index. */
export function addToIndex(inode: Inode, lower: Inode, created: Inode): number {
  const layers = layersOf(inode);
  const index = layers.index;
  if (index === null || !needsIndex(layers, lower)) return 0;
  const linked = index.ops.link(index, hex(identify(lower)), created);
  if (linked !== 0) return linked;
  const links = inode.links;
  overlayNode(inode).indexed = true;
  setIndexedLinks(inode, links);
  return 0;
}

/** The copy that some name of `lower` already has, or null. */
export function indexedCopy(layers: OverlayLayers, lower: Inode): Inode | null {
  const { index } = layers;
  if (index === null || !needsIndex(layers, lower)) return null;
  const found = index.ops.lookup(index, hex(identify(lower)));
  return typeof found === 'number' || isWhiteoutNode(found) ? null : found;
}

/** An overlay inode for a copy was made: does the index know it? Then its count of names is kept there. */
export function adoptIndexed(inode: Inode): void {
  const layers = layersOf(inode);
  const node = overlayNode(inode);
  const { index } = layers;
  const { upper } = node;
  if (index === null || upper === null || upper.isDirectory || node.indexed) return;
  const origin = upper.ops.getXattr(upper, `${layers.prefix}origin`);
  if (typeof origin === 'number' || index.ops.lookup(index, hex(origin)) !== upper) return;
  node.indexed = true;
  node.linkChange = storedChange(layers, upper);
  mirror(inode);
}

/** "U+1": names shown, against links of the upper file (of which the index has one). */
function storedChange(layers: OverlayLayers, upper: Inode): number {
  const value = upper.ops.getXattr(upper, `${layers.prefix}nlink`);
  if (typeof value === 'number') return 0;
  const match = /^U([+-]\d{1,9})$/.exec(String.fromCharCode(...value.subarray(0, 16)));
  return match === null ? 0 : Number(match[1]);
}

/** The file has `links` names now. Without any the index lets it go. */
export function setIndexedLinks(inode: Inode, links: number): void {
  const layers = layersOf(inode);
  const node = overlayNode(inode);
  const upper = node.upper!;
  if (links <= 0) dropFromIndex(layers, upper);
  node.linkChange = links - upper.links;
  const text = `U${node.linkChange < 0 ? '-' : '+'}${Math.abs(node.linkChange)}`;
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  setMark(layers, upper, 'nlink', bytes);
  mirror(inode);
}

function dropFromIndex(layers: OverlayLayers, upper: Inode): void {
  const { index } = layers;
  const origin = upper.ops.getXattr(upper, `${layers.prefix}origin`);
  if (index === null || typeof origin === 'number') return;
  const name = hex(origin);
  if (index.ops.lookup(index, name) === upper) index.ops.unlink(index, name, upper);
}

// Copy-up: brings a file of a lower layer to the upper one before its first change, with attributes, xattrs and holes. Directories
// come without contents. Parents come first; their times stay.
import { EIO, EROFS, O_RDONLY, O_WRONLY, S_IFLNK, S_IFMT, S_IFREG } from '@sandbox-kernel/abi';
import {
  AttributeChange,
  CHANGE_ATIME,
  CHANGE_CTIME,
  CHANGE_GID,
  CHANGE_MODE,
  CHANGE_MTIME,
  CHANGE_UID,
} from '../attribute-change.js';
import type { FileDescription } from '../file-description.js';
import type { Inode } from '../inode.js';
import { openInternal } from '../ops/open.js';
import { ByteSegments } from '../segments.js';
import type { TmpfsFile } from '../tmpfs/tmpfs-file.js';
import { tmpfsFileOf } from '../tmpfs/tmpfs-ops.js';
import { noteOrigin } from './origins.js';
import { addToIndex, markCopy, markImpure } from './overlay-marks.js';
import {
  LINKS_BREAK,
  layersOf,
  mirror,
  type OverlayLayers,
  type OverlayNode,
  overlayNode,
  upperNumber,
} from './overlay-node.js';

/** Bytes copied per step. */
const STEP = 1 << 20;

/** Makes sure `inode` has an upper. `withData` false: the caller truncates it to nothing anyway. 0 or -errno. */
export function ensureUpper(inode: Inode, withData = true): number {
  const node = overlayNode(inode);
  if (node.upper !== null) return 0;
  const layers = layersOf(inode);
  if (layers.upper === null) return -EROFS;
  const created = createUpper(inode);
  if (typeof created === 'number') return created;
  created.retain();
  const lower = node.lowers[0]!;
  const type = lower.mode & S_IFMT;
  let result = type === S_IFREG && withData ? copyData(lower, created) : 0;
  if (result === 0) result = copyXattrs(layers, lower, created);
  if (!breaksLinks(layers, lower)) markCopy(layers, created, lower);
  if (result === 0) result = copyAttributes(lower, created);
  if (result === 0) {
    node.upper = created;
    result = addToIndex(inode, lower, created);
  }
  if (result !== 0) {
    node.upper = null;
    removeFailed(inode, created);
    return result;
  }
  node.copied = created.version;
  switchReaders(node, created);
  // The other names below keep the number.
  if (breaksLinks(layers, lower)) inode.number = upperNumber(created);
  layers.shown.set(created, inode);
  mirror(inode);
  return 0;
}

/** Files that were opened before go on with the copy (as on Linux; mappings stay with what is below). */
function switchReaders(node: OverlayNode, created: Inode): void {
  const { readers } = node;
  node.readers = null;
  if (readers === null) return;
  for (const file of readers) if (file.refs > 0) switchReader(file, created);
}

function switchReader(file: FileDescription, created: Inode): void {
  const { ops, data, state } = file;
  file.state = 0;
  const opened = created.ops.open(created, file);
  const { ops: newOps, data: newData, state: newState } = file;
  file.ops = ops;
  file.data = data;
  file.state = state;
  // Better old contents than none.
  if (opened < 0) return;
  ops.release(file);
  file.ops = newOps;
  file.data = newData;
  file.state = newState;
}

function createUpper(inode: Inode): Inode | number {
  const node = overlayNode(inode);
  const lower = node.lowers[0]!;
  const parent = node.parent;
  if (parent === null) return createNameless(inode, lower);
  const ready = ensureUpper(parent);
  if (ready !== 0) return ready;
  const directory = overlayNode(parent).upper!;
  const before = saveTimes(directory);
  noteOrigin(parent, node.name, lower);
  const type = lower.mode & S_IFMT;
  const created =
    type === S_IFLNK
      ? createLink(directory, node.name, lower)
      : directory.ops.create(directory, node.name, lower.mode, lower.uid, lower.gid, lower.rdev);
  const layers = layersOf(inode);
  if (typeof created !== 'number' && !breaksLinks(layers, lower)) markImpure(layers, directory);
  directory.ops.change(directory, before);
  return created;
}

/** The other names of `lower` stay what they are. */
function breaksLinks(layers: OverlayLayers, lower: Inode): boolean {
  return layers.links === LINKS_BREAK && lower.links > 1 && !lower.isDirectory;
}

function createLink(directory: Inode, name: string, lower: Inode): Inode | number {
  // A link's text does not depend on who asks, but for magic ones, which no layer has.
  const target = lower.ops.readlink(lower, null as never);
  if (typeof target === 'number') return target;
  return directory.ops.symlink(directory, name, target, lower.uid, lower.gid);
}

/** Deleted but open: the copy has no name either. */
function createNameless(inode: Inode, lower: Inode): Inode | number {
  const top = layersOf(inode).upper!;
  if ((lower.mode & S_IFMT) !== S_IFREG) return -EIO;
  return top.ops.createUnnamed(top, lower.mode, lower.uid, lower.gid);
}

function removeFailed(inode: Inode, created: Inode): void {
  const node = overlayNode(inode);
  const parent = node.parent;
  if (parent !== null) {
    const directory = overlayNode(parent).upper!;
    if (created.isDirectory) directory.ops.rmdir(directory, node.name, created);
    else directory.ops.unlink(directory, node.name, created);
  }
  created.release();
}

function saveTimes(inode: Inode): AttributeChange {
  const change = new AttributeChange();
  change.what = CHANGE_ATIME | CHANGE_MTIME | CHANGE_CTIME;
  change.atime = inode.atime;
  change.atimeNanos = inode.atimeNanos;
  change.mtime = inode.mtime;
  change.mtimeNanos = inode.mtimeNanos;
  change.ctime = inode.ctime;
  change.ctimeNanos = inode.ctimeNanos;
  return change;
}

function copyAttributes(lower: Inode, created: Inode): number {
  const change = saveTimes(lower);
  change.what |= CHANGE_MODE | CHANGE_UID | CHANGE_GID;
  change.mode = lower.mode;
  change.uid = lower.uid;
  change.gid = lower.gid;
  return created.ops.change(created, change);
}

function copyXattrs(layers: OverlayLayers, lower: Inode, created: Inode): number {
  const names = lower.ops.listXattr(lower);
  if (typeof names === 'number') return 0;
  for (const name of names) {
    if (layers.outerName(name) === null) continue;
    const value = lower.ops.getXattr(lower, name);
    if (typeof value === 'number') continue;
    // What the upper layer can't hold (ACLs) is left behind, as overlayfs does for unsupported attributes.
    created.ops.setXattr(created, name, value, 0);
  }
  return 0;
}

function copyData(lower: Inode, created: Inode): number {
  lower.ops.refresh(lower);
  if (lower.size === 0) return 0;
  const source = openInternal(lower, O_RDONLY);
  if (typeof source === 'number') return source;
  const file = tmpfsFileOf(created);
  const result = typeof file === 'number' ? copyThroughBuffer(source, created) : copyInPlace(source, file);
  source.release();
  return result;
}

/** Reads straight into the pages of the new file. */
function copyInPlace(source: FileDescription, file: TmpfsFile): number {
  const size = source.ops.size(source);
  const io = new ByteSegments();
  let at = 0;
  while (at < size) {
    const data = source.ops.seekExtent(source, at, true);
    if (data < 0) break;
    const hole = Math.max(source.ops.seekExtent(source, data, false), data + 1);
    const length = Math.min(STEP, hole - data, size - data);
    const exposed = file.expose(data, length, io.reset());
    if (exposed < 0) return exposed;
    const read = source.ops.read(source, io, data, 0);
    if (read < 0) return read;
    if (read === 0) break;
    at = data + read;
  }
  file.inodeObject.size = size;
  return 0;
}

function copyThroughBuffer(source: FileDescription, created: Inode): number {
  const target = openInternal(created, O_WRONLY);
  if (typeof target === 'number') return target;
  const buffer = new Uint8Array(STEP);
  const io = new ByteSegments();
  let at = 0;
  let result = 0;
  for (;;) {
    const read = source.ops.read(source, io.reset().add(buffer, 0, STEP), at, 0);
    if (read <= 0) {
      result = read;
      break;
    }
    const written = target.ops.write(target, io.reset().add(buffer, 0, read), at, 0);
    if (written <= 0) {
      result = written === 0 ? -EIO : written;
      break;
    }
    at += written;
  }
  target.release();
  return result;
}

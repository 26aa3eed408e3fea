// Open directories of an overlay: the names of all layers, each once, without whiteouts. The list is taken when reading starts and
// kept by the open file, so that cookies stay right; seeking to 0 takes a new one.
import { ENOTEMPTY, O_RDONLY } from '@sandbox-kernel/abi';
import { DirectoryOps, emitDots } from '../directory-ops.js';
import type { DirectorySink } from '../directory-sink.js';
import type { FileDescription } from '../file-description.js';
import type { Inode } from '../inode.js';
import { openInternal } from '../ops/open.js';
import {
  isWhiteoutNode,
  layersOf,
  lowerNumber,
  OCI_PREFIX,
  type OverlayLayers,
  overlayNode,
  upperNumber,
} from './overlay-node.js';

const DT_CHR = 2;

/** Collects names of one layer after another; the first layer that has a name wins. */
class MergeSink implements DirectorySink {
  readonly names: string[];
  readonly numbers: number[];
  readonly types: number[];
  private readonly seen: Set<string>;
  private readonly layers: OverlayLayers;
  /** The directory being read. */
  directory: Inode;
  upper: boolean;

  constructor(layers: OverlayLayers, directory: Inode) {
    this.names = [];
    this.numbers = [];
    this.types = [];
    this.seen = new Set();
    this.layers = layers;
    this.directory = directory;
    this.upper = false;
  }

  add(name: string, number: number, type: number): boolean {
    if (name === '.' || name === '..') return true;
    if (this.layers.ociWhiteouts && name.startsWith(OCI_PREFIX)) {
      this.seen.add(name.slice(OCI_PREFIX.length));
      return true;
    }
    if (this.seen.has(name)) return true;
    this.seen.add(name);
    if (type === DT_CHR && this.isWhiteout(name)) return true;
    this.names.push(name);
    this.types.push(type);
    this.numbers.push(this.upper ? this.numberAbove(name, number) : number + this.offset());
    return true;
  }

  private isWhiteout(name: string): boolean {
    const inode = this.directory.ops.lookup(this.directory, name);
    return typeof inode !== 'number' && isWhiteoutNode(inode);
  }

  private numberAbove(name: string, number: number): number {
    const inode = this.directory.ops.lookup(this.directory, name);
    if (typeof inode === 'number') return number;
    return this.layers.shown.get(inode)?.number ?? upperNumber(inode);
  }

  private offset(): number {
    return lowerNumber(this.layers, this.directory) - this.directory.number;
  }
}

function readLayer(directory: Inode, sink: MergeSink): number {
  const file = openInternal(directory, O_RDONLY);
  if (typeof file === 'number') return file;
  sink.directory = directory;
  let result = 0;
  for (let before = -1; result === 0 && file.position !== before; ) {
    before = file.position;
    result = file.ops.readdir(file, sink);
  }
  file.release();
  return result;
}

function mergedList(inode: Inode): MergeSink | number {
  const node = overlayNode(inode);
  const sink = new MergeSink(layersOf(inode), inode);
  if (node.upper !== null) {
    sink.upper = true;
    const read = readLayer(node.upper, sink);
    if (read !== 0) return read;
    sink.upper = false;
  }
  for (const lower of node.lowers) {
    const read = readLayer(lower, sink);
    if (read !== 0) return read;
  }
  return sink;
}

/** The list as it was made last time, where only the upper layer can have changed since, and has not. */
function knownList(inode: Inode): MergeSink | number {
  const layers = layersOf(inode);
  const { upper, lowers } = overlayNode(inode);
  const version = upper === null ? -1 : upper.version;
  const { listed } = layers;
  if (listed !== null && listed.directory === inode && listed.version === version)
    return listed.names as MergeSink;
  const names = mergedList(inode);
  const holds = layers.owned && lowers.every((lower) => !lower.superblock.revalidates);
  if (typeof names !== 'number' && holds) layers.listed = { directory: inode, version, names };
  return names;
}

class OverlayDirectoryOps extends DirectoryOps {
  override readdir(file: FileDescription, sink: DirectorySink): number {
    if (file.position === 0 || file.data === null) {
      const list = knownList(file.inode!);
      if (typeof list === 'number') return list;
      file.data = list;
    }
    if (!emitDots(file, sink)) return 0;
    const list = file.data as MergeSink;
    for (let at = file.position - 2; at < list.names.length; at++) {
      if (!sink.add(list.names[at]!, list.numbers[at]!, list.types[at]!, at + 3)) break;
      file.position = at + 3;
    }
    return 0;
  }
}

const OVERLAY_DIRECTORY_OPS = new OverlayDirectoryOps();

export function openOverlayDirectory(_inode: Inode, file: FileDescription): number {
  file.ops = OVERLAY_DIRECTORY_OPS;
  file.data = null;
  return 0;
}

/** 0, -ENOTEMPTY or another error. */
export function isMergedEmpty(inode: Inode): number {
  const list = mergedList(inode);
  if (typeof list === 'number') return list;
  return list.names.length === 0 ? 0 : -ENOTEMPTY;
}

/** Removes what only hides lower names, before the directory itself goes. Pre: merged empty. */
export function clearWhiteouts(upper: Inode): void {
  for (const name of entryNames(upper)) {
    const inode = upper.ops.lookup(upper, name);
    if (typeof inode === 'number' || !isWhiteoutNode(inode)) continue;
    inode.retain();
    upper.ops.unlink(upper, name, inode);
    inode.release();
  }
}

/** Names in a directory in byte order; none when it can't be read. */
export function entryNames(directory: Inode): string[] {
  const sink = new NameSink();
  const file = openInternal(directory, O_RDONLY);
  if (typeof file === 'number') return sink.names;
  for (let before = -1; file.position !== before; ) {
    before = file.position;
    if (file.ops.readdir(file, sink) !== 0) break;
  }
  file.release();
  return sink.names.sort();
}

/** Just the names, without `.` and `..`. */
export class NameSink implements DirectorySink {
  readonly names: string[];

  constructor() {
    this.names = [];
  }

  add(name: string): boolean {
    if (name !== '.' && name !== '..') this.names.push(name);
    return true;
  }
}

// Open pseudo files and directories. Text is computed when reading starts and again when it starts over, as seq_file does.
import { EINVAL, S_IFMT } from '@sandbox-kernel/abi';
import type { IoSegments } from '@sandbox-kernel/contracts';
import { DirectoryOps, emitDots } from '../directory-ops.js';
import type { DirectorySink } from '../directory-sink.js';
import type { FileDescription } from '../file-description.js';
import { FileOps } from '../file-ops.js';
import { gather, scatter } from '../segments.js';
import type { PseudoDirectory, PseudoFile } from './pseudo-node.js';

/** Longest write(2) that a knob sees. */
const WRITE_LIMIT = 65536;

class OpenText {
  readonly node: PseudoFile;
  content: Uint8Array | null;

  constructor(node: PseudoFile) {
    this.node = node;
    this.content = null;
  }
}

class PseudoTextOps extends FileOps {
  override takesNoWait(): boolean {
    return false;
  }

  override read(file: FileDescription, io: IoSegments, offset: number): number {
    const open = file.data as OpenText;
    if (open.content === null || offset === 0) {
      const text = open.node.text();
      if (typeof text === 'number') return text;
      open.content = latin1Bytes(text);
    }
    const length = Math.min(io.total, open.content.length - offset);
    return length <= 0 ? 0 : scatter(io, 0, open.content, offset, length);
  }

  override write(file: FileDescription, io: IoSegments, offset: number): number {
    const bytes = new Uint8Array(Math.min(io.total, WRITE_LIMIT));
    gather(io, 0, bytes, 0, bytes.length);
    let text = '';
    for (const byte of bytes) text += String.fromCharCode(byte);
    return (file.data as OpenText).node.write(text, file, offset);
  }

  /** Files of proc have neither an end to seek from nor anything to write out. */
  override size(file: FileDescription): number {
    return isOfProc(file) ? -EINVAL : 0;
  }

  override sync(file: FileDescription): number {
    return isOfProc(file) ? -EINVAL : 0;
  }
}

function isOfProc(file: FileDescription): boolean {
  return file.inode?.superblock.filesystem.type === 'proc';
}

const PSEUDO_TEXT_OPS = new PseudoTextOps();

export function openPseudoFile(node: PseudoFile, file: FileDescription): number {
  const allowed = node.mayOpen(file);
  if (allowed !== 0) return allowed;
  file.ops = PSEUDO_TEXT_OPS;
  file.data = new OpenText(node);
  return 0;
}

export function latin1Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

class OpenDirectory {
  readonly node: PseudoDirectory;
  names: string[];

  constructor(node: PseudoDirectory) {
    this.node = node;
    this.names = [];
  }
}

class PseudoDirectoryOps extends DirectoryOps {
  override readdir(file: FileDescription, sink: DirectorySink): number {
    const open = file.data as OpenDirectory;
    if (file.position === 0) open.names = open.node.entries();
    if (!emitDots(file, sink)) return 0;
    const superblock = file.inode!.superblock;
    for (let at = file.position - 2; at < open.names.length; at++) {
      const name = open.names[at]!;
      const node = open.node.entry(name);
      if (node !== null) {
        if (node.number === 0) node.number = superblock.allocateInodeNumber();
        if (!sink.add(name, node.number, (node.mode & S_IFMT) >>> 12, at + 3)) break;
      }
      file.position = at + 3;
    }
    return 0;
  }
}

const PSEUDO_DIRECTORY_OPS = new PseudoDirectoryOps();

export function openPseudoDirectory(node: PseudoDirectory, file: FileDescription): number {
  const allowed = node.mayOpen();
  if (allowed !== 0) return allowed;
  file.ops = PSEUDO_DIRECTORY_OPS;
  file.data = new OpenDirectory(node);
  return 0;
}

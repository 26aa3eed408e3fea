// sendfile(2), copy_file_range(2), splice(2), tee(2), vmsplice(2): data between open files inside the kernel. Offsets of -1 mean the file's own
// position. Nothing waits: bytes done, 0 at end of file, or -EAGAIN when nothing moved.
import {
  EAGAIN,
  EBADF,
  EINVAL,
  EISDIR,
  EOVERFLOW,
  EPIPE,
  ESPIPE,
  EXDEV,
  O_APPEND,
  S_IFDIR,
  S_IFMT,
  S_IFREG,
} from '@sandbox-kernel/abi';
import { type CallerCredentials, type IoSegments, PAGE_SIZE } from '@sandbox-kernel/contracts';
import { FMODE_SEEK } from '../constants.js';
import type { FileDescription } from '../file-description.js';
import type { Pipe } from '../pipe/pipe.js';
import { pipeOf } from '../pipe/pipe-ops.js';
import { ByteSegments } from '../segments.js';
import { TRANSFER_STEP } from '../vfs.js';
import { readFile, readFileAt, writeFile, writeFileAt } from './read-write.js';

// What an offset can't reach (loff_t). Programs ask for nearly all of it at once: cat(1) and cp(1) of coreutils do.
const OFFSET_END = 2 ** 63;

/** The most that one call moves. */
const MAX_TRANSFER = 0x7ffff000;

/** sendfile(2), and the way all others go that have no shorter one. */
export function copyBetween(
  from: FileDescription,
  fromOffset: number,
  to: FileDescription,
  toOffset: number,
  length: number,
  sizeLimit: number,
  writer: CallerCredentials = to.credentials!,
): number {
  const total = Math.min(length, MAX_TRANSFER);
  const buffer = bufferOf(from) ?? bufferOf(to) ?? new Uint8Array(Math.min(total, TRANSFER_STEP));
  const io = new ByteSegments();
  let done = 0;
  while (done < total) {
    const size = Math.min(buffer.length, total - done);
    io.reset().add(buffer, 0, size);
    const start = fromOffset < 0 ? from.position : fromOffset + done;
    const read = fromOffset < 0 ? readFile(from, io, 0) : readFileAt(from, io, start, 0);
    if (read <= 0) return done > 0 ? done : read;
    io.reset().add(buffer, 0, read);
    const pipe = pipeOf(to);
    const written =
      pipe !== null
        ? pipe.fill(io, (from.mode & FMODE_SEEK) !== 0 ? start % PAGE_SIZE : 0)
        : toOffset < 0
          ? writeFile(to, io, 0, sizeLimit, writer)
          : writeFileAt(to, io, toOffset + done, 0, sizeLimit, writer);
    if (written < read) giveBack(from, fromOffset, start + Math.max(written, 0));
    if (written <= 0) return done > 0 ? done : written;
    done += written;
    if (written < size) break;
  }
  return done;
}

function bufferOf(file: FileDescription): Uint8Array | null {
  return file.inode?.superblock.vfs.transferBuffer ?? null;
}

/** What could not be written was not read. Streams can't take it back: callers see to it that a pipe has room for what they give. */
function giveBack(from: FileDescription, offset: number, position: number): void {
  if (offset < 0 && (from.mode & FMODE_SEEK) !== 0) from.position = position;
}

export function sendFile(
  to: FileDescription,
  from: FileDescription,
  offset: number,
  length: number,
  sizeLimit: number,
  writer: CallerCredentials = to.credentials!,
): number {
  if (!from.readable || !to.writable) return -EBADF;
  if (length < 0 || (to.flags & O_APPEND) !== 0) return -EINVAL;
  const seekable = (from.mode & FMODE_SEEK) !== 0;
  if (offset >= 0 && !seekable) return -ESPIPE;
  if (!seekable) return -EINVAL;
  const pipe = pipeOf(to);
  if (pipe === null) return copyBetween(from, offset, to, -1, length, sizeLimit, writer);
  if (pipe.readers === 0) return -EPIPE;
  return pipe.full
    ? -EAGAIN
    : copyBetween(from, offset, to, -1, Math.min(length, pipe.room), sizeLimit, writer);
}

export function copyFileRange(
  from: FileDescription,
  fromOffset: number,
  to: FileDescription,
  toOffset: number,
  length: number,
  sizeLimit: number,
  writer: CallerCredentials = to.credentials!,
): number {
  if (!from.readable || !to.writable || (to.flags & O_APPEND) !== 0) return -EBADF;
  const source = from.inode;
  const target = to.inode;
  if (source === null || target === null) return -EINVAL;
  if ((source.mode & S_IFMT) === S_IFDIR || (target.mode & S_IFMT) === S_IFDIR) return -EISDIR;
  if ((source.mode & S_IFMT) !== S_IFREG || (target.mode & S_IFMT) !== S_IFREG) return -EINVAL;
  const start = fromOffset < 0 ? from.position : fromOffset;
  const at = toOffset < 0 ? to.position : toOffset;
  if (start + length >= OFFSET_END || at + length >= OFFSET_END) return -EOVERFLOW;
  const size = Math.max(Math.min(length, from.ops.size(from) - start), 0);
  if (source === target && start < at + size && at < start + size) return -EINVAL;
  if (source.superblock.filesystem.type !== target.superblock.filesystem.type) return -EXDEV;
  return size === 0 ? 0 : copyBetween(from, fromOffset, to, toOffset, size, sizeLimit, writer);
}

/** One end must be a pipe. */
export function spliceFiles(
  from: FileDescription,
  fromOffset: number,
  to: FileDescription,
  toOffset: number,
  length: number,
  sizeLimit: number,
  writer: CallerCredentials = to.credentials!,
): number {
  if (!from.readable || !to.writable) return -EBADF;
  const source = pipeOf(from);
  const target = pipeOf(to);
  if (source === null && target === null) return -EINVAL;
  if ((source !== null && fromOffset >= 0) || (target !== null && toOffset >= 0)) return -ESPIPE;
  if (source !== null && target !== null) {
    if (source === target) return -EINVAL;
    return movePipe(from, to, length);
  }
  if (target !== null) {
    if (fromOffset >= 0 && (from.mode & FMODE_SEEK) === 0) return -EINVAL;
    if (target.readers === 0) return -EPIPE;
    if (target.full) return -EAGAIN;
    return copyBetween(from, fromOffset, to, -1, Math.min(length, target.room), sizeLimit, writer);
  }
  if ((to.flags & O_APPEND) !== 0) return -EINVAL;
  if (toOffset >= 0 && (to.mode & FMODE_SEEK) === 0) return -EINVAL;
  return emptyPipe(source as Pipe, to, toOffset, length, sizeLimit, writer);
}

/** A pipe's content to where it is written from its own pages: what is not taken stays. */
function emptyPipe(
  source: Pipe,
  to: FileDescription,
  toOffset: number,
  length: number,
  sizeLimit: number,
  writer: CallerCredentials = to.credentials!,
): number {
  if (source.empty) return source.writers === 0 ? 0 : -EAGAIN;
  const io = new ByteSegments();
  source.peek(io, length);
  const written =
    toOffset < 0
      ? writeFile(to, io, 0, sizeLimit, writer)
      : writeFileAt(to, io, toOffset, 0, sizeLimit, writer);
  if (written > 0) source.consume(written);
  return written;
}

function movePipe(from: FileDescription, to: FileDescription, length: number): number {
  const source = pipeOf(from)!;
  const target = pipeOf(to)!;
  if (target.readers === 0) return -EPIPE;
  const moved = source.moveTo(target, length);
  if (moved > 0 || length === 0) return moved;
  return source.empty && source.writers === 0 ? 0 : -EAGAIN;
}

export function teePipes(from: FileDescription, to: FileDescription, length: number): number {
  const source = pipeOf(from);
  const target = pipeOf(to);
  if (!from.readable || !to.writable) return -EBADF;
  if (source === null || target === null || source === target) return -EINVAL;
  const copied = source.tee(target, length);
  if (copied !== 0 || length === 0) return copied;
  return source.empty && source.writers === 0 ? 0 : -EAGAIN;
}

/** vmsplice(2), which copies pages here and gives none away. `lead`: where in its page the memory begins. */
export function vmsplice(file: FileDescription, io: IoSegments, lead: number): number {
  const pipe = pipeOf(file);
  if (pipe === null) return -EBADF;
  return file.writable ? pipe.fill(io, lead) : pipe.drain(io);
}

// sendfile(2), copy_file_range(2), splice(2), tee(2), vmsplice(2): data between open files inside the kernel. Offsets of -1 mean the file's own
// position. Nothing waits: bytes done, 0 at end of file, or -EAGAIN when nothing moved.
import {
  EAGAIN,
  EBADF,
  EFBIG,
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
  S_IFSOCK,
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
/** Where sums of offset and count begin anew. */
const COUNT_END = 2 ** 64;

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

/** As an offset: one was given, and it is negative. Where that is looked at differs from call to call. */
export const NEGATIVE_OFFSET = -2;

/** What sendfile(2) looks at before it knows where to. `offset`: -1 for the file's own position. */
export function checkSendSource(from: FileDescription, offset: number, length: number): number {
  if (!from.readable) return -EBADF;
  const seekable = (from.mode & FMODE_SEEK) !== 0;
  if (offset !== -1 && !seekable) return -ESPIPE;
  const start = offset === -1 ? from.position : offset;
  return start < 0 || length < 0 || start + length >= OFFSET_END ? -EINVAL : 0;
}

/** 1:3, which has nothing to give. */
const NULL_DEVICE = 0x103;

/** Can its content be had otherwise than by reading? Directories, and most of what has no name, can't be asked. */
function canBeSpliced(from: FileDescription): boolean {
  const { inode } = from;
  if (inode === null || inode.isDirectory || inode.rdev === NULL_DEVICE) return false;
  return inode.superblock !== inode.superblock.vfs.anonymous;
}

export function sendFile(
  to: FileDescription,
  from: FileDescription,
  offset: number,
  length: number,
  sizeLimit: number,
  writer: CallerCredentials = to.credentials!,
): number {
  const source = checkSendSource(from, offset, length);
  if (source !== 0) return source;
  if (!to.writable) return -EBADF;
  const pipe = pipeOf(to);
  const seekable = (from.mode & FMODE_SEEK) !== 0;
  if (pipe === null && (to.flags & O_APPEND) !== 0) return -EINVAL;
  if (pipe === null && !seekable && !from.ops.ignoresSeek(from)) return -EINVAL;
  if (length === 0) return 0;
  const streams = pipe !== null && ((from.inode?.mode ?? 0) & S_IFMT) === S_IFSOCK;
  if ((!seekable && !streams) || !canBeSpliced(from)) return -EINVAL;
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
  const source = from.inode;
  const target = to.inode;
  if (source === null || target === null) return -EINVAL;
  if ((source.mode & S_IFMT) === S_IFDIR || (target.mode & S_IFMT) === S_IFDIR) return -EISDIR;
  if ((source.mode & S_IFMT) !== S_IFREG || (target.mode & S_IFMT) !== S_IFREG) return -EINVAL;
  if (!from.readable || !to.writable || (to.flags & O_APPEND) !== 0) return -EBADF;
  if (source.superblock !== target.superblock) return -EXDEV;
  if (fromOffset === NEGATIVE_OFFSET || toOffset === NEGATIVE_OFFSET)
    return length > 0 ? -EOVERFLOW : -EINVAL;
  const start = fromOffset < 0 ? from.position : fromOffset;
  const at = toOffset < 0 ? to.position : toOffset;
  if (start + length > COUNT_END || at + length > COUNT_END) return -EOVERFLOW;
  if (at >= target.superblock.maxFileSize) return -EFBIG;
  const size = Math.max(Math.min(length, from.ops.size(from) - start), 0);
  if (source === target && start < at + size && at < start + size) return -EINVAL;
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
  if ((source !== null && fromOffset !== -1) || (target !== null && toOffset !== -1)) return -ESPIPE;
  if (source !== null && target !== null) {
    if (source === target) return -EINVAL;
    return movePipe(from, to, length);
  }
  if (target !== null) {
    if (fromOffset !== -1 && (from.mode & FMODE_SEEK) === 0) return -EINVAL;
    if (target.readers === 0) return -EPIPE;
    if (target.full) return -EAGAIN;
    const start = fromOffset === -1 ? from.position : fromOffset;
    if (start < 0 || start + length >= OFFSET_END || !canBeSpliced(from)) return -EINVAL;
    return copyBetween(from, fromOffset, to, -1, Math.min(length, target.room), sizeLimit, writer);
  }
  if ((to.flags & O_APPEND) !== 0) return -EINVAL;
  if (toOffset !== -1 && (to.mode & FMODE_SEEK) === 0) return -EINVAL;
  const start = toOffset === -1 ? to.position : toOffset;
  if (start < 0 || start + length >= OFFSET_END) return -EINVAL;
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

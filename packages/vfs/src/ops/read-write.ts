// read(2), write(2), pread(2), preadv2(2), lseek(2), getdents64(2), fsync(2) on an open file. Nothing waits: -EAGAIN comes back and the caller
// decides by O_NONBLOCK.
import {
  EBADF,
  EFBIG,
  EINVAL,
  ENOENT,
  ENOTDIR,
  ENXIO,
  EOVERFLOW,
  ESPIPE,
  O_APPEND,
  RWF_APPEND,
  RWF_NOAPPEND,
  S_IFDIR,
  S_IFMT,
  SEEK_CUR,
  SEEK_DATA,
  SEEK_END,
  SEEK_HOLE,
  SEEK_SET,
} from '@sandbox-kernel/abi';
import type { CallerCredentials, IoSegments } from '@sandbox-kernel/contracts';
import { FMODE_SEEK, MAX_FILE_SIZE } from '../constants.js';
import type { DirectorySink } from '../directory-sink.js';
import type { FileDescription } from '../file-description.js';
import { IN_ACCESS, IN_MODIFY, isWatched, notifyFile } from '../notify/notify.js';
import { dropPrivileges, isPrivileged } from '../privileges.js';

/** From the current position, which moves. */
export function readFile(file: FileDescription, io: IoSegments, flags: number): number {
  if (!file.readable) return -EBADF;
  if ((file.mode & FMODE_SEEK) === 0) return file.ops.read(file, io, -1, flags);
  const done = file.ops.read(file, io, file.position, flags);
  if (done > 0) {
    file.position += done;
    if (isWatched(file)) notifyFile(file, IN_ACCESS);
  }
  return done;
}

/** From `offset`; the position stays. */
export function readFileAt(file: FileDescription, io: IoSegments, offset: number, flags: number): number {
  if (offset < 0) return -EINVAL;
  if ((file.mode & FMODE_SEEK) === 0) return -ESPIPE;
  if (!file.readable) return -EBADF;
  const done = file.ops.read(file, io, offset, flags);
  if (done > 0 && isWatched(file)) notifyFile(file, IN_ACCESS);
  return done;
}

/**
 * At the current position or, with O_APPEND, at the end. `sizeLimit`: RLIMIT_FSIZE of the caller, Infinity for none; at it -EFBIG (the
 * caller sends SIGXFSZ). -EPIPE: the caller sends SIGPIPE. `writer`: whose right it is to keep set-id bits; not who opened the file, as
 * descriptors travel.
 */
export function writeFile(
  file: FileDescription,
  io: IoSegments,
  flags: number,
  sizeLimit: number,
  writer: CallerCredentials = file.credentials!,
): number {
  if (!file.writable) return -EBADF;
  if ((file.mode & FMODE_SEEK) === 0) return file.ops.write(file, io, -1, flags);
  const offset = appends(file, flags) ? file.ops.size(file) : file.position;
  const done = writeChecked(file, io, offset, flags, sizeLimit, writer);
  if (done > 0) file.position = offset + done;
  return done;
}

/** At `offset`; with O_APPEND at the end nevertheless, as Linux does. */
export function writeFileAt(
  file: FileDescription,
  io: IoSegments,
  offset: number,
  flags: number,
  sizeLimit: number,
  writer: CallerCredentials = file.credentials!,
): number {
  if (offset < 0) return -EINVAL;
  if ((file.mode & FMODE_SEEK) === 0) return -ESPIPE;
  if (!file.writable) return -EBADF;
  const at = appends(file, flags) ? file.ops.size(file) : offset;
  return writeChecked(file, io, at, flags, sizeLimit, writer);
}

function appends(file: FileDescription, flags: number): boolean {
  if ((flags & RWF_APPEND) !== 0) return true;
  return (file.flags & O_APPEND) !== 0 && (flags & RWF_NOAPPEND) === 0;
}

function writeChecked(
  file: FileDescription,
  io: IoSegments,
  offset: number,
  flags: number,
  sizeLimit: number,
  writer: CallerCredentials,
): number {
  if (io.total === 0) return file.ops.write(file, io, offset, flags);
  const inode = file.inode!;
  const limit = Math.min(sizeLimit, inode.superblock.maxFileSize);
  if (offset >= limit) return -EFBIG;
  if (offset + io.total > limit) shorten(io, limit - offset);
  if (isPrivileged(inode)) dropPrivileges(inode, writer);
  const done = file.ops.write(file, io, offset, flags);
  if (done <= 0) return done;
  if (isWatched(file)) notifyFile(file, IN_MODIFY);
  return done;
}

/** Cuts a buffer to `length` bytes. */
export function shorten(io: IoSegments, length: number): void {
  let left = length;
  for (let i = 0; i < io.count; i++) {
    if (io.lengths[i]! >= left) {
      io.lengths[i] = left;
      io.count = i + 1;
      break;
    }
    left -= io.lengths[i]!;
  }
  io.total = length;
}

/** lseek(2): the new position, or -errno. */
export function seekFile(file: FileDescription, offset: number, whence: number): number {
  if (whence < 0 || whence > SEEK_HOLE) return -EINVAL;
  if (file.ops.ignoresSeek(file)) return 0;
  if ((file.mode & FMODE_SEEK) === 0) return -ESPIPE;
  const target = seekTarget(file, offset, whence);
  if (target < 0) return target;
  if (target > MAX_FILE_SIZE) return -EOVERFLOW;
  file.position = target;
  return target;
}

function seekTarget(file: FileDescription, offset: number, whence: number): number {
  if (whence === SEEK_SET) return offset < 0 ? -EINVAL : offset;
  if (whence === SEEK_CUR) return file.position + offset < 0 ? -EINVAL : file.position + offset;
  const size = file.ops.size(file);
  if (size < 0) return size;
  if (whence === SEEK_END) return size + offset < 0 ? -EINVAL : size + offset;
  if ((file.inode!.mode & S_IFMT) === S_IFDIR) return -EINVAL;
  if (offset < 0 || offset >= size) return -ENXIO;
  return file.ops.seekExtent(file, offset, whence === SEEK_DATA);
}

/** Entries from the current position on. 0 or -errno; the sink knows what it took. */
export function readDirectory(file: FileDescription, sink: DirectorySink): number {
  const inode = file.inode;
  if (inode === null || (inode.mode & S_IFMT) !== S_IFDIR) return -ENOTDIR;
  if (!file.readable) return -EBADF;
  if (inode.links === 0) return -ENOENT;
  const result = file.ops.readdir(file, sink);
  if (isWatched(file)) notifyFile(file, IN_ACCESS);
  return result;
}

/** fsync(2), fdatasync(2). */
export function syncFile(file: FileDescription, dataOnly: boolean): number {
  return file.ops.sync(file, dataOnly);
}

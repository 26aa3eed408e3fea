// Operations of one kind of open file: contracts' role with a default for each method, for subclasses in vfs (files, pipes,
// anonymous inodes) and kernel (ttys, sockets, pidfds). Tables carry no state: that stands in the description and its `data`.
import {
  EBADF,
  EINVAL,
  ENODEV,
  ENOTDIR,
  ENOTTY,
  EOPNOTSUPP,
  POLLIN,
  POLLOUT,
  POLLRDNORM,
  POLLWRNORM,
} from '@sandbox-kernel/abi';
import type { Caller, FileDescriptionOps, IoSegments, Mappable } from '@sandbox-kernel/contracts';
import type { DirectorySink } from './directory-sink.js';
import type { FileDescription } from './file-description.js';
import type { WaitNode } from './wait-queue.js';

/** What poll says of files that never block. */
export const ALWAYS_READY = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;

export class FileOps implements FileDescriptionOps<FileDescription> {
  read(_file: FileDescription, _io: IoSegments, _offset: number, _flags: number): number {
    return -EINVAL;
  }

  write(_file: FileDescription, _io: IoSegments, _offset: number, _flags: number): number {
    return -EINVAL;
  }

  poll(_file: FileDescription): number {
    return ALWAYS_READY;
  }

  /** True for files that poll means something for: epoll refuses others with EPERM. */
  pollable(_file: FileDescription): boolean {
    return true;
  }

  /** True for files whose readiness O_ASYNC turns into signals (pipes, sockets, terminals). */
  signalsReadiness(_file: FileDescription): boolean {
    return false;
  }

  addWaiter(_file: FileDescription, _entry: WaitNode): void {}

  /** O_ASYNC was set: `entry` hears of what signals. */
  addAsync(file: FileDescription, entry: WaitNode): void {
    this.addWaiter(file, entry);
  }

  removeWaiter(_file: FileDescription, entry: WaitNode): void {
    entry.leave();
  }

  ioctl(_file: FileDescription, _caller: Caller, _request: number, _argument: number): number {
    return -ENOTTY;
  }

  mappable(_file: FileDescription): Mappable | null {
    return null;
  }

  release(_file: FileDescription): void {}

  /** What /proc/PID/fd shows of a file without a path. */
  label(_file: FileDescription): string {
    return 'anon_inode:[unknown]';
  }

  /** Lines of /proc/PID/fdinfo beyond position and flags, each with its end. */
  fdinfo(_file: FileDescription): string {
    return '';
  }

  /** Each close(2) of a descriptor, not only the last. */
  flush(_file: FileDescription): void {}

  /** Emits entries from `file.position` on and moves it; 0 or -errno. */
  readdir(_file: FileDescription, _sink: DirectorySink): number {
    return -ENOTDIR;
  }

  /** Size for SEEK_END and SEEK_HOLE; -errno when the file has none. */
  size(file: FileDescription): number {
    return file.inode === null ? -EINVAL : file.inode.size;
  }

  /** True for files whose position stays 0 whatever lseek(2) asks (null devices, eventfd, epoll and their like). */
  ignoresSeek(_file: FileDescription): boolean {
    return false;
  }

  /** First offset ≥ `offset` with data (`data` true) or a hole; -ENXIO past the end. Default: all data. */
  seekExtent(file: FileDescription, offset: number, data: boolean): number {
    return data ? offset : this.size(file);
  }

  sync(_file: FileDescription, _dataOnly: boolean): number {
    return -EINVAL;
  }

  allocate(_file: FileDescription, _mode: number, _offset: number, _length: number): number {
    return this.size(_file) < 0 ? -ENODEV : -EOPNOTSUPP;
  }

  /** False: RWF_NOWAIT is refused (EOPNOTSUPP), as the file may wait for what it does not know. */
  takesNoWait(_file: FileDescription): boolean {
    return true;
  }

  /** True for files that may be opened with O_DIRECT. No alignment is asked for: there is nothing below that would need it. */
  takesDirect(_file: FileDescription): boolean {
    return false;
  }

  /** A change of O_APPEND, O_NONBLOCK, O_DIRECT, O_ASYNC by F_SETFL is about to happen. */
  flagsChanging(_file: FileDescription, _flags: number): number {
    return 0;
  }
}

export class PathOnlyOps extends FileOps {
  override read(): number {
    return -EBADF;
  }

  override write(): number {
    return -EBADF;
  }

  override size(): number {
    return -EBADF;
  }
}

/** Of descriptions opened with O_PATH. */
export const PATH_ONLY_OPS: FileOps = new PathOnlyOps();

// The descriptors of a process (Linux: struct files_struct): dup(2), close(2), close_range(2), fcntl(2) F_DUPFD. A dense array,
// one CLOEXEC flag each, and a hint for the lowest free number. Shared by CLONE_FILES, counted in `shares`.
import { EBADF, EINVAL, EMFILE } from '@sandbox-kernel/abi';
import type { FileDescription } from './file-description.js';
import { releasePosixLocks } from './locks/record-locks.js';
import { forgetDirectoryWatches } from './notify/dnotify.js';

/** Room for numbers that a limit of RLIM_INFINITY would allow. */
const HARD_LIMIT = 1 << 20;

export class FdTable {
  private slots: (FileDescription | null)[];
  private cloexec: boolean[];
  /** No number below it is free. */
  private lowest: number;
  private shares: number;
  /** Some record lock was taken through this table: closing must look for locks. */
  hasLocks: boolean;
  /** F_NOTIFY was used through this table. */
  hasDirectoryWatches: boolean;

  constructor() {
    this.slots = [];
    this.cloexec = [];
    this.lowest = 0;
    this.shares = 1;
    this.hasLocks = false;
    this.hasDirectoryWatches = false;
  }

  /** One past the highest number that was ever used. */
  get size(): number {
    return this.slots.length;
  }

  get shareCount(): number {
    return this.shares;
  }

  /** Descriptors in use. */
  get used(): number {
    let count = 0;
    for (const slot of this.slots) if (slot !== null) count++;
    return count;
  }

  /** Null: EBADF. Includes descriptions opened with O_PATH. No reference is taken: use it before anything can close it. */
  get(fd: number): FileDescription | null {
    return fd >= 0 && fd < this.slots.length ? this.slots[fd]! : null;
  }

  /** As `get`, but null for O_PATH descriptors: for calls that do something with the file itself. */
  getOpen(fd: number): FileDescription | null {
    const file = fd >= 0 && fd < this.slots.length ? this.slots[fd]! : null;
    return file === null || file.pathOnly ? null : file;
  }

  /** Takes over the caller's reference. Lowest free number ≥ `minimum`, or -EMFILE (the reference stays the caller's). */
  install(file: FileDescription, limit: number, cloexec: boolean, minimum = 0): number {
    const fd = this.findFree(minimum);
    if (fd >= limit || fd >= HARD_LIMIT) return -EMFILE;
    this.put(fd, file, cloexec);
    return fd;
  }

  /** Takes over the caller's reference; closes what was there. */
  installAt(fd: number, file: FileDescription, cloexec: boolean): number {
    const old = this.get(fd);
    this.put(fd, file, cloexec);
    if (old !== null) this.dropped(old);
    return fd;
  }

  close(fd: number): number {
    const file = this.get(fd);
    if (file === null) return -EBADF;
    this.clear(fd);
    this.dropped(file);
    return 0;
  }

  /** dup(2), F_DUPFD, F_DUPFD_CLOEXEC: -EINVAL when `minimum` is not below the limit. */
  dup(fd: number, minimum: number, limit: number, cloexec: boolean): number {
    const file = this.get(fd);
    if (file === null) return -EBADF;
    if (minimum < 0 || (minimum > 0 && minimum >= limit)) return -EINVAL;
    const free = this.findFree(minimum);
    if (free >= limit || free >= HARD_LIMIT) return -EMFILE;
    this.put(free, file.retain(), cloexec);
    return free;
  }

  dup2(fd: number, target: number, limit: number): number {
    const file = this.get(fd);
    if (fd === target) return file === null ? -EBADF : fd;
    return this.duplicateAt(file, target, limit, false);
  }

  dup3(fd: number, target: number, limit: number, cloexec: boolean): number {
    if (fd === target) return -EINVAL;
    return this.duplicateAt(this.get(fd), target, limit, cloexec);
  }

  /** -EBADF, or whether FD_CLOEXEC is set (0, 1). */
  closesOnExec(fd: number): number {
    if (this.get(fd) === null) return -EBADF;
    return this.cloexec[fd]! ? 1 : 0;
  }

  setCloseOnExec(fd: number, on: boolean): number {
    if (this.get(fd) === null) return -EBADF;
    this.cloexec[fd] = on;
    return 0;
  }

  /** close_range(2) once it has its own table. `onlyMark`: CLOSE_RANGE_CLOEXEC. Pre: first ≤ last. */
  closeRange(first: number, last: number, onlyMark: boolean): number {
    const end = Math.min(last, this.slots.length - 1);
    for (let fd = first; fd <= end; fd++) {
      if (this.slots[fd] === null) continue;
      if (onlyMark) this.cloexec[fd] = true;
      else this.close(fd);
    }
    return 0;
  }

  /** execve(2). */
  closeMarked(): void {
    for (let fd = 0; fd < this.slots.length; fd++)
      if (this.cloexec[fd]! && this.slots[fd] !== null) this.close(fd);
  }

  /** A table with the same open files (fork, unshare(CLONE_FILES)). Numbers from `limit` on are left out. */
  copy(limit = Number.POSITIVE_INFINITY): FdTable {
    const table = new FdTable();
    const count = Math.min(this.slots.length, limit);
    for (let fd = 0; fd < count; fd++) {
      const file = this.slots[fd]!;
      table.slots.push(file === null ? null : file.retain());
      table.cloexec.push(this.cloexec[fd]!);
    }
    table.lowest = Math.min(this.lowest, count);
    return table;
  }

  /** One more process uses it (CLONE_FILES). */
  share(): FdTable {
    this.shares++;
    return this;
  }

  /** One process less; the last one closes everything. */
  release(): void {
    if (--this.shares > 0) return;
    for (let fd = 0; fd < this.slots.length; fd++) if (this.slots[fd] !== null) this.close(fd);
    this.slots = [];
    this.cloexec = [];
    this.lowest = 0;
  }

  /** The next number ≥ `fd` in use, or -1: to list /proc/PID/fd. */
  next(fd: number): number {
    for (let at = Math.max(fd, 0); at < this.slots.length; at++) if (this.slots[at] !== null) return at;
    return -1;
  }

  private duplicateAt(file: FileDescription | null, target: number, limit: number, cloexec: boolean): number {
    if (target < 0 || target >= limit || target >= HARD_LIMIT || file === null) return -EBADF;
    return this.installAt(target, file.retain(), cloexec);
  }

  private findFree(minimum: number): number {
    let fd = Math.max(minimum, this.lowest);
    while (fd < this.slots.length && this.slots[fd] !== null) fd++;
    return fd;
  }

  private put(fd: number, file: FileDescription, cloexec: boolean): void {
    while (this.slots.length <= fd) {
      this.slots.push(null);
      this.cloexec.push(false);
    }
    this.slots[fd] = file;
    this.cloexec[fd] = cloexec;
    if (fd === this.lowest) this.lowest = fd + 1;
  }

  private clear(fd: number): void {
    this.slots[fd] = null;
    this.cloexec[fd] = false;
    if (fd < this.lowest) this.lowest = fd;
  }

  private dropped(file: FileDescription): void {
    if (this.hasLocks && file.inode !== null) releasePosixLocks(file.inode, this);
    if (this.hasDirectoryWatches) forgetDirectoryWatches(file, this);
    if (file.refs > 1) file.ops.flush(file);
    file.release();
  }
}

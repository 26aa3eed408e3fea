// Calls on an open descriptor that move no data: lseek(2), ftruncate(2), fcntl(2), flock(2), poll(2), …. All return >= 0 or -errno.
import {
  SYS_close,
  SYS_dup,
  SYS_eventfd2,
  SYS_fallocate,
  SYS_fcntl,
  SYS_fdatasync,
  SYS_flock,
  SYS_fsync,
  SYS_ftruncate,
  SYS_ioctl,
  SYS_lseek,
  SYS_memfd_create,
  SYS_pipe2,
  SYS_poll,
  SYS_sync_file_range,
  SYS_syncfs,
} from '@sandbox-kernel/abi';
import { DATA, type Door, PATH_A } from './door.js';

const F_GETFD = 1;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const F_DUPFD_CLOEXEC = 1030;
const F_ADD_SEALS = 1033;

/** Requests that HostDescriptors.ioctl knows, with the size and direction of their argument. */
export const FIONREAD = 0x541b;
export const TIOCOUTQ = 0x5411;
export const TIOCGWINSZ = 0x5413;
export const TIOCSWINSZ = 0x5414;
export const TCGETS = 0x5401;
export const TCSETS = 0x5402;
export const TCSETSW = 0x5403;
export const TCSETSF = 0x5404;

export class HostDescriptors {
  readonly #door: Door;

  constructor(door: Door) {
    this.#door = door;
  }

  close(fd: number): number {
    return this.#door.call(SYS_close, 0, fd, 0, 0, 0, 0, 0);
  }

  /** dup(2) with close-on-exec. */
  dup(fd: number): number {
    return this.#door.call(SYS_fcntl, 0, fd, F_DUPFD_CLOEXEC, 0, 0, 0, 0);
  }

  /** dup(2) without close-on-exec. */
  dupInherited(fd: number): number {
    return this.#door.call(SYS_dup, 0, fd, 0, 0, 0, 0, 0);
  }

  /** New position, exact below 2^53. SEEK_DATA and SEEK_HOLE included. */
  lseek(fd: number, offset: number, whence: number): number {
    return this.#door.call(SYS_lseek, 0, fd, offset, whence, 0, 0, 0);
  }

  truncate(fd: number, size: number): number {
    return this.#door.call(SYS_ftruncate, 0, fd, size, 0, 0, 0, 0);
  }

  allocate(fd: number, mode: number, offset: number, length: number): number {
    return this.#door.call(SYS_fallocate, 0, fd, mode, offset, length, 0, 0);
  }

  sync(fd: number): number {
    return this.#door.call(SYS_fsync, 0, fd, 0, 0, 0, 0, 0);
  }

  syncData(fd: number): number {
    return this.#door.call(SYS_fdatasync, 0, fd, 0, 0, 0, 0, 0);
  }

  syncRange(fd: number, offset: number, length: number, flags: number): number {
    return this.#door.call(SYS_sync_file_range, 0, fd, offset, length, flags, 0, 0);
  }

  syncFilesystem(fd: number): number {
    return this.#door.call(SYS_syncfs, 0, fd, 0, 0, 0, 0, 0);
  }

  /** LOCK_* operation; add LOCK_NB, or it blocks the sentry. */
  flock(fd: number, operation: number): number {
    return this.#door.call(SYS_flock, 0, fd, operation, 0, 0, 0, 0);
  }

  getStatusFlags(fd: number): number {
    return this.#door.call(SYS_fcntl, 0, fd, F_GETFL, 0, 0, 0, 0);
  }

  setStatusFlags(fd: number, flags: number): number {
    return this.#door.call(SYS_fcntl, 0, fd, F_SETFL, flags, 0, 0, 0);
  }

  getDescriptorFlags(fd: number): number {
    return this.#door.call(SYS_fcntl, 0, fd, F_GETFD, 0, 0, 0, 0);
  }

  setDescriptorFlags(fd: number, flags: number): number {
    return this.#door.call(SYS_fcntl, 0, fd, F_SETFD, flags, 0, 0, 0);
  }

  addSeals(fd: number, seals: number): number {
    return this.#door.call(SYS_fcntl, 0, fd, F_ADD_SEALS, seals, 0, 0, 0);
  }

  /** Ready events of one descriptor now (poll with no wait), or -errno. */
  poll(fd: number, events: number): number {
    const { view } = this.#door;
    view.setInt32(DATA, fd, true);
    view.setInt16(DATA + 4, events, true);
    view.setInt16(DATA + 6, 0, true);
    const result = this.#door.call(SYS_poll, 1, DATA, 1, 0, 0, 0, 0);
    return result <= 0 ? result : view.getUint16(DATA + 6, true);
  }

  /** An ioctl whose argument is an int that the host writes (FIONREAD, TIOCOUTQ): the int, or -errno. */
  ioctlInt(fd: number, request: number): number {
    const result = this.#door.call(SYS_ioctl, 4, fd, request, DATA, 0, 0, 0);
    return result < 0 ? result : this.#door.view.getInt32(DATA, true);
  }

  /** An ioctl whose argument is a structure of `size` bytes, copied in and out of `argument`. */
  ioctlStruct(fd: number, request: number, argument: Uint8Array, size: number): number {
    this.#door.bytes.set(argument.subarray(0, size), DATA);
    const result = this.#door.call(SYS_ioctl, 4, fd, request, DATA, 0, 0, 0);
    if (result >= 0) argument.set(this.#door.bytes.subarray(DATA, DATA + size));
    return result;
  }

  /** An ioctl whose argument is a number. */
  ioctlValue(fd: number, request: number, value: number): number {
    return this.#door.call(SYS_ioctl, 0, fd, request, value, 0, 0, 0);
  }

  /** Read end and write end in `out`. 0 or -errno. */
  pipe(flags: number, out: Int32Array): number {
    const result = this.#door.call(SYS_pipe2, 1, DATA, flags, 0, 0, 0, 0);
    if (result < 0) return result;
    out[0] = this.#door.view.getInt32(DATA, true);
    out[1] = this.#door.view.getInt32(DATA + 4, true);
    return 0;
  }

  eventfd(value: number, flags: number): number {
    return this.#door.call(SYS_eventfd2, 0, value, flags, 0, 0, 0, 0);
  }

  /** memfd_create(2) with MFD_* flags. */
  memfd(name: string, flags: number): number {
    this.#door.putString(PATH_A, name.slice(0, 200), 256);
    return this.#door.call(SYS_memfd_create, 1, PATH_A, flags, 0, 0, 0, 0);
  }
}

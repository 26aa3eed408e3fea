// The *at family: calls that take a directory descriptor and a path (openat2(2), statx(2), mkdirat(2), …). Paths are strings of one
// byte per character (latin1), so that any file name passes unchanged. All return >= 0 or -errno; ENAMETOOLONG comes from here
// when a path does not fit PATH_MAX.
import {
  AT_FDCWD,
  ENAMETOOLONG,
  ENOSYS,
  EPERM,
  EXDEV,
  SYS_faccessat,
  SYS_faccessat2,
  SYS_fchmodat,
  SYS_fchownat,
  SYS_linkat,
  SYS_mkdirat,
  SYS_mknodat,
  SYS_openat,
  SYS_openat2,
  SYS_readlinkat,
  SYS_renameat2,
  SYS_symlinkat,
  SYS_unlinkat,
  SYS_utimensat,
} from '@sandbox-kernel/abi';
import { DATA, type Door, PATH_A, PATH_B } from './door.js';

/** openat2(2): how a path may be resolved. */
export const RESOLVE_NO_XDEV = 0x01;
export const RESOLVE_NO_MAGICLINKS = 0x02;
export const RESOLVE_NO_SYMLINKS = 0x04;
export const RESOLVE_BENEATH = 0x08;
export const RESOLVE_IN_ROOT = 0x10;

const PATH_MAX = 4096;
const OPEN_HOW_SIZE = 24;
const O_NOFOLLOW = 0o400000;
const RESTRICTIONS = RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | RESOLVE_IN_ROOT;

/** tv_nsec of utimensat(2): the time of the call, or no change. */
export const UTIME_NOW = 0x3fffffff;
export const UTIME_OMIT = 0x3ffffffe;

export class HostPaths {
  readonly #door: Door;
  #openat2Missing: boolean;

  constructor(door: Door) {
    this.#door = door;
    this.#openat2Missing = false;
  }

  /** True once the host has shown that it has no openat2(2) (old kernel, or a filter that hides it). */
  get openat2Missing(): boolean {
    return this.#openat2Missing;
  }

  /**
   * Opens with RESOLVE_* restrictions. Where openat2 is missing, a path of a single component (no `/`, not `..`) is opened by
   * openat with O_NOFOLLOW, which can't leave the directory; any other restricted path gives -EXDEV, and the caller walks.
   */
  open(directory: number, path: string, flags: number, mode: number, resolve: number): number {
    if (!this.#door.putString(PATH_A, path, PATH_MAX)) return -ENAMETOOLONG;
    if (!this.#openat2Missing) {
      const result = this.#openat2(directory, flags, mode, resolve);
      if (result !== -ENOSYS && (result !== -EPERM || !this.#filtered(result))) return result;
      this.#openat2Missing = true;
    }
    const restricted = (resolve & RESTRICTIONS) !== 0;
    if (restricted && !isComponent(path)) return -EXDEV;
    const extra = restricted ? O_NOFOLLOW : 0;
    return this.#door.call(SYS_openat, 2, directory, PATH_A, flags | extra, mode, 0, 0);
  }

  /** Target in `linkTarget` on success. Length or -errno. An empty path reads the link that the descriptor names. */
  readlink(directory: number, path: string): number {
    if (!this.#door.putString(PATH_A, path, PATH_MAX)) return -ENAMETOOLONG;
    return this.#door.call(SYS_readlinkat, 6, directory, PATH_A, DATA, PATH_MAX, 0, 0);
  }

  /** What `readlink` has just read. */
  linkTarget(length: number): string {
    return this.#door.getString(DATA, length);
  }

  mkdir(directory: number, path: string, mode: number): number {
    if (!this.#door.putString(PATH_A, path, PATH_MAX)) return -ENAMETOOLONG;
    return this.#door.call(SYS_mkdirat, 2, directory, PATH_A, mode, 0, 0, 0);
  }

  /** `device` as dev_t (makedev). */
  mknod(directory: number, path: string, mode: number, device: number): number {
    if (!this.#door.putString(PATH_A, path, PATH_MAX)) return -ENAMETOOLONG;
    return this.#door.call(SYS_mknodat, 2, directory, PATH_A, mode, device, 0, 0);
  }

  unlink(directory: number, path: string, flags: number): number {
    if (!this.#door.putString(PATH_A, path, PATH_MAX)) return -ENAMETOOLONG;
    return this.#door.call(SYS_unlinkat, 2, directory, PATH_A, flags, 0, 0, 0);
  }

  rename(from: number, oldPath: string, to: number, newPath: string, flags: number): number {
    if (!this.#putTwo(oldPath, newPath)) return -ENAMETOOLONG;
    return this.#door.call(SYS_renameat2, 10, from, PATH_A, to, PATH_B, flags, 0);
  }

  link(from: number, oldPath: string, to: number, newPath: string, flags: number): number {
    if (!this.#putTwo(oldPath, newPath)) return -ENAMETOOLONG;
    return this.#door.call(SYS_linkat, 10, from, PATH_A, to, PATH_B, flags, 0);
  }

  symlink(target: string, directory: number, path: string): number {
    if (!this.#putTwo(target, path)) return -ENAMETOOLONG;
    return this.#door.call(SYS_symlinkat, 5, PATH_A, directory, PATH_B, 0, 0, 0);
  }

  /** Follows a symbolic link at the end: the host has no other way. */
  chmod(directory: number, path: string, mode: number): number {
    if (!this.#door.putString(PATH_A, path, PATH_MAX)) return -ENAMETOOLONG;
    return this.#door.call(SYS_fchmodat, 2, directory, PATH_A, mode, 0, 0, 0);
  }

  /** -1 for an id leaves it. */
  chown(directory: number, path: string, uid: number, gid: number, flags: number): number {
    if (!this.#door.putString(PATH_A, path, PATH_MAX)) return -ENAMETOOLONG;
    return this.#door.call(SYS_fchownat, 2, directory, PATH_A, uid, gid, flags, 0);
  }

  /** Times as seconds and nanoseconds (or UTIME_*). Path null: the descriptor itself. */
  utimens(directory: number, path: string | null, times: HostTimes, flags: number): number {
    if (path !== null && !this.#door.putString(PATH_A, path, PATH_MAX)) return -ENAMETOOLONG;
    this.#putTime(DATA, times.accessSeconds, times.accessNanos);
    this.#putTime(DATA + 16, times.modifySeconds, times.modifyNanos);
    const pointers = path === null ? 4 : 6;
    return this.#door.call(SYS_utimensat, pointers, directory, path === null ? 0 : PATH_A, DATA, flags, 0, 0);
  }

  /** access(2) with the effective ids when flags say AT_EACCESS. Hosts before 5.8 ignore flags. */
  access(directory: number, path: string, mode: number, flags: number): number {
    if (!this.#door.putString(PATH_A, path, PATH_MAX)) return -ENAMETOOLONG;
    if (flags !== 0) {
      const result = this.#door.call(SYS_faccessat2, 2, directory, PATH_A, mode, flags, 0, 0);
      if (result !== -ENOSYS) return result;
    }
    return this.#door.call(SYS_faccessat, 2, directory, PATH_A, mode, 0, 0, 0);
  }

  #openat2(directory: number, flags: number, mode: number, resolve: number): number {
    const { view } = this.#door;
    view.setUint32(DATA, flags >>> 0, true);
    view.setUint32(DATA + 4, 0, true);
    view.setUint32(DATA + 8, mode, true);
    view.setUint32(DATA + 12, 0, true);
    view.setUint32(DATA + 16, resolve, true);
    view.setUint32(DATA + 20, 0, true);
    return this.#door.call(SYS_openat2, 6, directory, PATH_A, DATA, OPEN_HOW_SIZE, 0, 0);
  }

  /** A filter may answer EPERM for calls it does not know: then it does so for the root directory as well. */
  #filtered(result: number): boolean {
    const O_PATH = 0o10000000;
    this.#door.putString(PATH_B, '/', 2);
    const { view } = this.#door;
    view.setUint32(DATA, O_PATH, true);
    view.setUint32(DATA + 8, 0, true);
    view.setUint32(DATA + 16, 0, true);
    const fd = this.#door.call(SYS_openat2, 6, AT_FDCWD, PATH_B, DATA, OPEN_HOW_SIZE, 0, 0);
    if (fd >= 0) this.#door.call(3, 0, fd, 0, 0, 0, 0, 0);
    return fd === result;
  }

  #putTwo(a: string, b: string): boolean {
    return this.#door.putString(PATH_A, a, PATH_MAX) && this.#door.putString(PATH_B, b, PATH_MAX);
  }

  #putTime(at: number, seconds: number, nanos: number): void {
    const { view } = this.#door;
    view.setUint32(at, seconds >>> 0, true);
    view.setInt32(at + 4, Math.floor(seconds / 2 ** 32), true);
    view.setUint32(at + 8, nanos, true);
    view.setUint32(at + 12, 0, true);
  }
}

export interface HostTimes {
  accessSeconds: number;
  accessNanos: number;
  modifySeconds: number;
  modifyNanos: number;
}

function isComponent(path: string): boolean {
  return path !== '' && path !== '..' && !path.includes('/');
}

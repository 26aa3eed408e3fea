// Extended attributes (xattr(7)) of a descriptor, or of a path without following a link at its end. Values go through the data area.
import {
  E2BIG,
  ENAMETOOLONG,
  SYS_fgetxattr,
  SYS_flistxattr,
  SYS_fremovexattr,
  SYS_fsetxattr,
  SYS_lgetxattr,
  SYS_llistxattr,
  SYS_lremovexattr,
  SYS_lsetxattr,
} from '@sandbox-kernel/abi';
import { DATA, type Door, PATH_A, PATH_B } from './door.js';

const NAME_LIMIT = 256;
const VALUE_LIMIT = 65536;
const PATH_MAX = 4096;

/** A descriptor, or a path. O_PATH descriptors have no attributes: name them as `/proc/self/fd/N`. */
export type XattrTarget = number | string;

export class HostXattrs {
  readonly #door: Door;

  constructor(door: Door) {
    this.#door = door;
  }

  /** Bytes of the value, copied to `into`; with an empty `into` the size that is needed. -errno: ENODATA, ERANGE, …. */
  get(target: XattrTarget, name: string, into: Uint8Array): number {
    const where = this.#put(target, name);
    if (where < 0) return where;
    const number = typeof target === 'number' ? SYS_fgetxattr : SYS_lgetxattr;
    const size = Math.min(into.length, VALUE_LIMIT);
    const result = this.#door.call(number, this.#pointers(target, 6), where, PATH_B, DATA, size, 0, 0);
    if (result > 0 && size > 0) into.set(this.#door.bytes.subarray(DATA, DATA + result));
    return result;
  }

  set(target: XattrTarget, name: string, value: Uint8Array, flags: number): number {
    if (value.length > VALUE_LIMIT) return -E2BIG;
    const where = this.#put(target, name);
    if (where < 0) return where;
    this.#door.bytes.set(value, DATA);
    const number = typeof target === 'number' ? SYS_fsetxattr : SYS_lsetxattr;
    return this.#door.call(number, this.#pointers(target, 6), where, PATH_B, DATA, value.length, flags, 0);
  }

  remove(target: XattrTarget, name: string): number {
    const where = this.#put(target, name);
    if (where < 0) return where;
    const number = typeof target === 'number' ? SYS_fremovexattr : SYS_lremovexattr;
    return this.#door.call(number, this.#pointers(target, 2), where, PATH_B, 0, 0, 0, 0);
  }

  /** NUL-terminated names one after another, copied to `into`; with an empty `into` the size that is needed. */
  list(target: XattrTarget, into: Uint8Array): number {
    const where = this.#put(target, '');
    if (where < 0) return where;
    const number = typeof target === 'number' ? SYS_flistxattr : SYS_llistxattr;
    const size = Math.min(into.length, VALUE_LIMIT);
    const result = this.#door.call(number, this.#pointers(target, 2), where, DATA, size, 0, 0, 0);
    if (result > 0 && size > 0) into.set(this.#door.bytes.subarray(DATA, DATA + result));
    return result;
  }

  #put(target: XattrTarget, name: string): number {
    if (!this.#door.putString(PATH_B, name, NAME_LIMIT)) return -ENAMETOOLONG;
    if (typeof target === 'number') return target;
    return this.#door.putString(PATH_A, target, PATH_MAX) ? PATH_A : -ENAMETOOLONG;
  }

  #pointers(target: XattrTarget, rest: number): number {
    return typeof target === 'number' ? rest : rest | 1;
  }
}

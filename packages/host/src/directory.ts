// getdents64(2): a page full of entries at a time, read one by one without allocating anything but names.
import { SYS_getdents64 } from '@sandbox-kernel/abi';
import { DATA, type Door } from './door.js';

/** Bytes asked for at once. */
const BATCH = 65536;
const NAME = 19;
const TWO_32 = 2 ** 32;

/** The entries of one batch; overwritten by the next call of any host function that uses the data area. */
export class HostDirectory {
  readonly #door: Door;
  #at: number;
  #end: number;
  ino: number;
  /** Position after this entry, for lseek: (lo, hi), since filesystems use all 64 bits as a cookie. */
  cookieLow: number;
  cookieHigh: number;
  /** DT_*. */
  type: number;
  name: string;

  constructor(door: Door) {
    this.#door = door;
    this.#at = 0;
    this.#end = 0;
    this.ino = 0;
    this.cookieLow = 0;
    this.cookieHigh = 0;
    this.type = 0;
    this.name = '';
  }

  /** Reads the next batch of `fd`. Bytes, 0 at the end, or -errno. */
  fill(fd: number): number {
    const result = this.#door.call(SYS_getdents64, 2, fd, DATA, BATCH, 0, 0, 0);
    this.#at = DATA;
    this.#end = DATA + Math.max(0, result);
    return result;
  }

  /** Moves to the next entry of the batch; false when there is none left. */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    const { view, bytes } = this.#door;
    const at = this.#at;
    const length = view.getUint16(at + 16, true);
    this.ino = view.getUint32(at + 4, true) * TWO_32 + view.getUint32(at, true);
    this.cookieLow = view.getUint32(at + 8, true);
    this.cookieHigh = view.getUint32(at + 12, true);
    this.type = view.getUint8(at + 18);
    let end = at + NAME;
    while (bytes[end] !== 0) end++;
    this.name = this.#door.getString(at + NAME, end - at - NAME);
    this.#at = at + length;
    return true;
  }
}

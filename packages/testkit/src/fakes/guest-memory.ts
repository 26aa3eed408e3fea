// A program's memory as one array at one base address, with rights per page: enough to test system calls without mm.
import { EFAULT, ENAMETOOLONG } from '@sandbox-kernel/abi';
import { ACCESS_WRITE, type GuestMemory, type IoSegments, PAGE_SIZE } from '@sandbox-kernel/contracts';

const TWO_32 = 2 ** 32;

/** Rights of a page, as bits. */
export const PAGE_READABLE = 1;
export const PAGE_WRITABLE = 2;

export class ArrayGuestMemory implements GuestMemory {
  readonly base: number;
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #rights: Uint8Array;

  /** All pages start readable and writable. */
  constructor(bytes = 16 * PAGE_SIZE, base = 0x10000) {
    if (bytes % PAGE_SIZE !== 0 || base % PAGE_SIZE !== 0) throw new RangeError('whole pages only');
    this.base = base;
    this.bytes = new Uint8Array(bytes);
    this.#view = new DataView(this.bytes.buffer);
    this.#rights = new Uint8Array(bytes / PAGE_SIZE).fill(PAGE_READABLE | PAGE_WRITABLE);
  }

  /** Changes the rights of the pages that [addr, addr + length) touches: PAGE_* bits, 0 for none. */
  protect(addr: number, length: number, rights: number): void {
    const first = Math.floor((addr - this.base) / PAGE_SIZE);
    this.#rights.fill(rights, first, Math.ceil((addr - this.base + length) / PAGE_SIZE));
  }

  /** Writes bytes where a test wants them, whatever the rights. Returns the address. */
  poke(addr: number, bytes: Uint8Array | readonly number[]): number {
    this.bytes.set(bytes, addr - this.base);
    return addr;
  }

  /** Writes a NUL-terminated string, one byte per character. Returns the address. */
  pokeString(addr: number, text: string): number {
    for (let i = 0; i < text.length; i++) this.bytes[addr - this.base + i] = text.charCodeAt(i);
    this.bytes[addr - this.base + text.length] = 0;
    return addr;
  }

  copyIn(addr: number, into: Uint8Array, at: number, length: number): number {
    const good = this.#reach(addr, length, PAGE_READABLE);
    into.set(this.bytes.subarray(addr - this.base, addr - this.base + good), at);
    return good;
  }

  copyOut(addr: number, from: Uint8Array, at: number, length: number): number {
    const good = this.#reach(addr, length, PAGE_WRITABLE);
    if (good > 0) this.bytes.set(from.subarray(at, at + good), addr - this.base);
    return good;
  }

  zeroOut(addr: number, length: number): number {
    const good = this.#reach(addr, length, PAGE_WRITABLE);
    if (good > 0) this.bytes.fill(0, addr - this.base, addr - this.base + good);
    return good;
  }

  readU8(addr: number): number {
    return this.#has(addr, 1, PAGE_READABLE) ? this.#view.getUint8(addr - this.base) : -EFAULT;
  }

  readU16(addr: number): number {
    return this.#has(addr, 2, PAGE_READABLE) ? this.#view.getUint16(addr - this.base, true) : -EFAULT;
  }

  readU32(addr: number): number {
    return this.#has(addr, 4, PAGE_READABLE) ? this.#view.getUint32(addr - this.base, true) : -EFAULT;
  }

  readU64(addr: number): number {
    if (!this.#has(addr, 8, PAGE_READABLE)) return -EFAULT;
    const at = addr - this.base;
    return this.#view.getUint32(at + 4, true) * TWO_32 + this.#view.getUint32(at, true);
  }

  writeU8(addr: number, value: number): number {
    if (!this.#has(addr, 1, PAGE_WRITABLE)) return -EFAULT;
    this.#view.setUint8(addr - this.base, value);
    return 0;
  }

  writeU16(addr: number, value: number): number {
    if (!this.#has(addr, 2, PAGE_WRITABLE)) return -EFAULT;
    this.#view.setUint16(addr - this.base, value, true);
    return 0;
  }

  writeU32(addr: number, value: number): number {
    if (!this.#has(addr, 4, PAGE_WRITABLE)) return -EFAULT;
    this.#view.setUint32(addr - this.base, value, true);
    return 0;
  }

  writeU64(addr: number, value: number): number {
    if (!this.#has(addr, 8, PAGE_WRITABLE)) return -EFAULT;
    const at = addr - this.base;
    this.#view.setUint32(at, value >>> 0, true);
    this.#view.setUint32(at + 4, Math.floor(value / TWO_32) >>> 0, true);
    return 0;
  }

  readString(addr: number, limit: number): string | number {
    const good = this.#reach(addr, limit + 1, PAGE_READABLE);
    const from = addr - this.base;
    let text = '';
    for (let i = 0; i < good; i++) {
      const byte = this.bytes[from + i] ?? 0;
      if (byte === 0) return text;
      text += String.fromCharCode(byte);
    }
    return good === limit + 1 ? -ENAMETOOLONG : -EFAULT;
  }

  addSegments(addr: number, length: number, access: number, io: IoSegments): number {
    if (length === 0) return 0;
    const good = this.#reach(addr, length, access === ACCESS_WRITE ? PAGE_WRITABLE : PAGE_READABLE);
    if (good === 0) return -EFAULT;
    io.arrays[io.count] = this.bytes;
    io.starts[io.count] = addr - this.base;
    io.lengths[io.count] = good;
    io.fileOffsets[io.count] = -1;
    io.count++;
    io.total += good;
    return good;
  }

  #has(addr: number, length: number, rights: number): boolean {
    return this.#reach(addr, length, rights) === length;
  }

  /** Bytes from `addr` on that have `rights`, at most `length`. */
  #reach(addr: number, length: number, rights: number): number {
    const start = addr - this.base;
    if (start < 0 || start >= this.bytes.length) return 0;
    let at = start;
    const end = Math.min(start + length, this.bytes.length);
    while (at < end && ((this.#rights[Math.floor(at / PAGE_SIZE)] ?? 0) & rights) !== 0) {
      at = Math.floor(at / PAGE_SIZE) * PAGE_SIZE + PAGE_SIZE;
    }
    return Math.min(at, end) - start;
  }
}

// Data to and from descriptors: plain reads and writes through the data area, and vectored ones straight between a descriptor and
// the memory file. Segments of other memory are bounced through the data area. All return bytes or -errno.
import { SYS_copy_file_range, SYS_pread64, SYS_pwrite64, SYS_read, SYS_write } from '@sandbox-kernel/abi';
import { DATA, DATA_SIZE, type Door, MAX_SEGMENTS, PAGE_BUFFER, SEGMENTS } from './door.js';
import type { MemoryFile } from './memory-file.js';

/** A scattered buffer: contracts' IoSegments. */
export interface Segments {
  readonly count: number;
  readonly total: number;
  readonly arrays: readonly Uint8Array[];
  readonly starts: readonly number[];
  readonly lengths: readonly number[];
  /** Offset in the memory file, or -1. */
  readonly fileOffsets: readonly number[];
}

/** Words of one entry of the segment table. */
const ENTRY = 3;

export class HostTransfer {
  readonly #door: Door;
  readonly #memory: MemoryFile | null;
  readonly #table: Float64Array;
  /** Entries of the table in use, and bytes of the data area that they take. */
  #count: number;
  #bounced: number;

  /** @param memory the memory file that segments' file offsets mean */
  constructor(door: Door, memory: MemoryFile | null) {
    this.#door = door;
    this.#memory = memory;
    this.#table = new Float64Array(door.native.page, SEGMENTS, MAX_SEGMENTS * ENTRY);
    this.#count = 0;
    this.#bounced = 0;
  }

  /** read(2), or pread(2) when `offset` is not -1. At most DATA_SIZE bytes a call. */
  read(fd: number, into: Uint8Array, at: number, length: number, offset: number): number {
    const size = Math.min(length, DATA_SIZE);
    const result =
      offset === -1
        ? this.#door.call(SYS_read, 2, fd, DATA, size, 0, 0, 0)
        : this.#door.call(SYS_pread64, 2, fd, DATA, size, offset, 0, 0);
    if (result > 0) into.set(this.#door.bytes.subarray(DATA, DATA + result), at);
    return result;
  }

  write(fd: number, from: Uint8Array, at: number, length: number, offset: number): number {
    const size = Math.min(length, DATA_SIZE);
    this.#door.bytes.set(from.subarray(at, at + size), DATA);
    return offset === -1
      ? this.#door.call(SYS_write, 2, fd, DATA, size, 0, 0, 0)
      : this.#door.call(SYS_pwrite64, 2, fd, DATA, size, offset, 0, 0);
  }

  /** preadv2(2) into `io`; offset -1: the descriptor's position. `flags`: RWF_*. */
  readSegments(fd: number, io: Segments, offset: number, flags: number): number {
    this.#fill(io);
    this.#arguments(fd, offset, flags);
    const result = this.#door.native.readSegments();
    if (result > 0 && this.#bounced > 0) this.#scatter(io, result);
    return result;
  }

  /** pwritev2(2) from `io`. */
  writeSegments(fd: number, io: Segments, offset: number, flags: number): number {
    this.#fill(io);
    if (this.#bounced > 0) this.#gather(io);
    this.#arguments(fd, offset, flags);
    return this.#door.native.writeSegments();
  }

  /** copy_file_range(2) at the given offsets (neither -1). */
  copyRange(from: number, fromOffset: number, to: number, toOffset: number, length: number): number {
    this.#putOffset(DATA, fromOffset);
    this.#putOffset(DATA + 8, toOffset);
    return this.#door.call(SYS_copy_file_range, 10, from, DATA, to, DATA + 8, length, 0);
  }

  #putOffset(at: number, value: number): void {
    this.#door.view.setUint32(at, value >>> 0, true);
    this.#door.view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
  }

  #arguments(fd: number, offset: number, flags: number): void {
    const args = this.#door.args;
    args[0] = fd;
    args[1] = this.#count;
    args[2] = offset;
    args[3] = flags;
  }

  /**
   * Fills the segment table. Other memory gets a place in the data area; what does not fit ends the transfer early, which is a
   * short count.
   */
  #fill(io: Segments): void {
    const memory = this.#memory?.buffer ?? 0;
    let bounced = 0;
    let count = 0;
    while (count < io.count && count < MAX_SEGMENTS) {
      const offset = io.fileOffsets[count] ?? -1;
      const length = io.lengths[count] ?? 0;
      const inFile = offset >= 0 && this.#memory !== null;
      const fits = inFile ? length : Math.min(length, DATA_SIZE - bounced);
      const at = count * ENTRY;
      this.#table[at] = inFile ? memory : PAGE_BUFFER;
      this.#table[at + 1] = inFile ? offset : DATA + bounced;
      this.#table[at + 2] = fits;
      if (!inFile) bounced += fits;
      count++;
      if (fits < length) break;
    }
    this.#count = count;
    this.#bounced = bounced;
  }

  #scatter(io: Segments, result: number): void {
    let rest = result;
    for (let i = 0; rest > 0 && i < io.count; i++) {
      const length = Math.min(rest, this.#table[i * ENTRY + 2] ?? 0);
      if (this.#table[i * ENTRY] === PAGE_BUFFER) {
        const from = this.#table[i * ENTRY + 1] ?? 0;
        io.arrays[i]?.set(this.#door.bytes.subarray(from, from + length), io.starts[i] ?? 0);
      }
      rest -= length;
    }
  }

  #gather(io: Segments): void {
    for (let i = 0; i < this.#count; i++) {
      if (this.#table[i * ENTRY] !== PAGE_BUFFER) continue;
      const start = io.starts[i] ?? 0;
      const length = this.#table[i * ENTRY + 2] ?? 0;
      const source = io.arrays[i];
      if (source !== undefined) {
        this.#door.bytes.set(source.subarray(start, start + length), this.#table[i * ENTRY + 1] ?? 0);
      }
    }
  }
}

// A reusable list of memory segments: what readv(2), writev(2) and every plain read and write hand to a file. Import rules as
// import_iovec and import_ubuf in Linux.
import { EFAULT, EINVAL } from '@sandbox-kernel/abi';
import type { GuestMemory, IoSegments } from '@sandbox-kernel/contracts';

/** Most bytes one read or write moves (MAX_RW_COUNT: INT_MAX rounded down to a page). */
export const MAX_RW_COUNT = 0x7ffff000;
/** Most entries of an iovec array (IOV_MAX, UIO_MAXIOV). */
export const IOV_MAX = 1024;
/** sizeof(struct iovec) */
const IOVEC_SIZE = 16;

export class IoBuffers implements IoSegments {
  count: number;
  total: number;
  readonly arrays: Uint8Array[];
  readonly starts: number[];
  readonly lengths: number[];
  readonly fileOffsets: number[];
  /** Buffers that stand in for guest memory and are copied there by `commit`. */
  readonly #pending: PendingCopy[];
  /** Content of the iovec array being imported. */
  readonly #vector: Uint8Array;

  constructor() {
    this.count = 0;
    this.total = 0;
    this.arrays = [];
    this.starts = [];
    this.lengths = [];
    this.fileOffsets = [];
    this.#pending = [];
    this.#vector = new Uint8Array(IOV_MAX * IOVEC_SIZE);
  }

  /** Empties it for the next operation. */
  clear(): void {
    this.count = 0;
    this.total = 0;
    if (this.#pending.length > 0) this.#pending.length = 0;
  }

  /** Adds bytes that are not guest memory. */
  addBytes(array: Uint8Array, start: number, length: number): void {
    const k = this.count++;
    this.arrays[k] = array;
    this.starts[k] = start;
    this.lengths[k] = length;
    this.fileOffsets[k] = -1;
    this.total += length;
  }

  /** `bytes` is about to be added as the next segment, and belongs at `addr`. */
  remember(memory: GuestMemory, addr: number, bytes: Uint8Array): void {
    this.#pending.push({ memory, addr, bytes, at: this.total });
  }

  /**
   * After a file wrote `bytes` into segments made with ACCESS_WRITE: finishes pages that could not be reached directly
   * (shared mappings of host files). Usually nothing to do. 0 or -EFAULT.
   */
  commit(bytes: number): number {
    for (const copy of this.#pending) {
      const n = Math.min(copy.bytes.length, bytes - copy.at);
      if (n > 0 && copy.memory.copyOut(copy.addr, copy.bytes, 0, n) < n) return -EFAULT;
    }
    return 0;
  }

  /** Drops `bytes` from the front (a partial write goes on later). */
  advance(bytes: number): void {
    let left = Math.min(bytes, this.total);
    let k = 0;
    while (k < this.count && left >= this.lengths[k]!) left -= this.lengths[k++]!;
    const rest = this.count - k;
    for (let i = 0; i < rest; i++) {
      this.arrays[i] = this.arrays[i + k]!;
      this.starts[i] = this.starts[i + k]!;
      this.lengths[i] = this.lengths[i + k]!;
      this.fileOffsets[i] = this.fileOffsets[i + k]!;
    }
    if (rest > 0 && left > 0) {
      this.starts[0] = this.starts[0]! + left;
      this.lengths[0] = this.lengths[0]! - left;
      if (this.fileOffsets[0]! >= 0) this.fileOffsets[0] = this.fileOffsets[0]! + left;
    }
    this.count = rest;
    this.total -= Math.min(bytes, this.total);
  }

  /** See `importIovec`. */
  importVector(memory: GuestMemory, addr: number, count: number, access: number): number {
    this.clear();
    if (!(count >= 0 && count <= IOV_MAX)) return -EINVAL;
    const vector = this.#vector;
    if (memory.copyIn(addr, vector, 0, count * IOVEC_SIZE) < count * IOVEC_SIZE) return -EFAULT;
    // Lengths are all checked before any byte moves.
    for (let k = 0; k < count; k++) {
      if (vector[k * IOVEC_SIZE + 15]! & 0x80) return -EINVAL;
    }
    for (let k = 0; k < count && this.total < MAX_RW_COUNT; k++) {
      const length = Math.min(load64(vector, k * IOVEC_SIZE + 8), MAX_RW_COUNT - this.total);
      if (length === 0) continue;
      const added = memory.addSegments(load64(vector, k * IOVEC_SIZE), length, access, this);
      if (added < 0 && this.total === 0) return added;
      if (added < length) break;
    }
    return this.total;
  }
}

interface PendingCopy {
  readonly memory: GuestMemory;
  readonly addr: number;
  readonly bytes: Uint8Array;
  /** Position of the buffer in the whole operation. */
  readonly at: number;
}

function load64(bytes: Uint8Array, at: number): number {
  return load32(bytes, at + 4) * 2 ** 32 + load32(bytes, at);
}

function load32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

/**
 * Replaces the content of `io` by [addr, addr + length) of the guest, at most MAX_RW_COUNT bytes. Bytes; -EFAULT when there are some but none
 * can be reached; -EINVAL when `length` is negative or ≥ 2^63.
 */
export function importBuffer(
  memory: GuestMemory,
  addr: number,
  length: number,
  access: number,
  io: IoBuffers,
): number {
  io.clear();
  if (!(length >= 0 && length < 2 ** 63)) return -EINVAL;
  return memory.addSegments(addr, Math.min(length, MAX_RW_COUNT), access, io);
}

/**
 * Replaces the content of `io` by the memory that `count` struct iovec at `addr` describe. Bytes, at most MAX_RW_COUNT, short at the first
 * bad page; -EINVAL: count outside 0..1024, or a negative length; -EFAULT: the array or the first byte can't be reached.
 */
export function importIovec(
  memory: GuestMemory,
  addr: number,
  count: number,
  access: number,
  io: IoBuffers,
): number {
  // As Linux, which counts vectors in an unsigned int.
  return io.importVector(memory, addr, count % 2 ** 32, access);
}

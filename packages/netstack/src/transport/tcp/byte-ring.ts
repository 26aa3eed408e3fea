// The byte stream buffers of a connection. A ring's storage is a power of two, taken from a pool when the first byte
// arrives, doubled when it must hold more and given back when it is empty: an idle connection holds no storage.
// Positions are relative to the first byte that has not been released.

import type { PacketBuffer } from '../../storage/packet-buffer.js';
import { COPY_LOOP_LIMIT, copyBytes } from '../bytes.js';

const SMALLEST_CLASS = 10;
const LARGEST_CLASS = 26;

/** A ring's storage, with the last view that was made of it: an exchange that drains the ring asks for the same range each time. */
export class RingBlock {
  readonly bytes: Uint8Array;
  private window: Uint8Array;
  private windowStart: number;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.window = this.bytes;
    this.windowStart = 0;
  }

  /** The bytes [start, end) as a view. */
  range(start: number, end: number): Uint8Array {
    if (this.windowStart === start && this.window.length === end - start) return this.window;
    this.window = this.bytes.subarray(start, end);
    this.windowStart = start;
    return this.window;
  }
}

/** Free storage by size class; keeps at most `retainBytes`, the rest is left to the garbage collector. */
export class RingPool {
  private readonly classes: RingBlock[][];
  private readonly retainBytes: number;
  private retained: number;
  /** How often storage had to be made: steady traffic leaves it unchanged. */
  allocations: number;

  constructor(retainBytes = 32 << 20) {
    this.classes = [];
    for (let i = 0; i <= LARGEST_CLASS; i++) this.classes.push([]);
    this.retainBytes = retainBytes;
    this.retained = 0;
    this.allocations = 0;
  }

  /** Storage of the smallest power of two that holds `bytes`; its content is arbitrary. */
  acquire(bytes: number): RingBlock {
    const sizeClass = classOf(bytes);
    const free = this.classes[sizeClass]!.pop();
    if (free !== undefined) {
      this.retained -= free.bytes.length;
      return free;
    }
    this.allocations++;
    return new RingBlock(2 ** sizeClass);
  }

  release(block: RingBlock): void {
    const size = block.bytes.length;
    if (this.retained + size > this.retainBytes) return;
    this.retained += size;
    this.classes[31 - Math.clz32(size)]!.push(block);
  }
}

function classOf(bytes: number): number {
  return Math.max(SMALLEST_CLASS, 32 - Math.clz32(bytes - 1));
}

const EMPTY = new Uint8Array(0);

export class ByteRing {
  private readonly pool: RingPool;
  private block: RingBlock | null;
  private storage: Uint8Array;
  private start: number;
  /** Bytes from the first unreleased one to the last in sequence. */
  length: number;
  /** One past the highest position ever stored beyond `length`: out-of-order data lives there. */
  private extent: number;

  constructor(pool: RingPool) {
    this.pool = pool;
    this.block = null;
    this.storage = EMPTY;
    this.start = 0;
    this.length = 0;
    this.extent = 0;
  }

  get capacity(): number {
    return this.storage.length;
  }

  /** Copies bytes to the end of the stream. */
  append(from: Uint8Array, offset: number, count: number): void {
    this.store(this.length, from, offset, count);
    this.length += count;
  }

  /** Copies bytes to `position`, which may lie beyond the end of the stream; `length` is not changed. */
  store(position: number, from: Uint8Array, offset: number, count: number): void {
    if (count === 0) return;
    const end = position + count;
    if (end > this.storage.length) this.grow(end);
    if (end > this.extent) this.extent = end;
    const at = (this.start + position) & (this.storage.length - 1);
    const first = Math.min(count, this.storage.length - at);
    copyBytes(this.storage, at, from, offset, first);
    if (first < count) copyBytes(this.storage, 0, from, offset + first, count - first);
  }

  /** As `store`, from a packet's bytes: allocates nothing in steady state. */
  storePacket(position: number, packet: PacketBuffer, from: number, count: number): void {
    if (count === 0) return;
    const end = position + count;
    if (end > this.storage.length) this.grow(end);
    if (end > this.extent) this.extent = end;
    const at = (this.start + position) & (this.storage.length - 1);
    const first = Math.min(count, this.storage.length - at);
    packet.copyRange(from, this.storage, at, first);
    if (first < count) packet.copyRange(from + first, this.storage, 0, count - first);
  }

  appendPacket(packet: PacketBuffer, from: number, count: number): void {
    this.storePacket(this.length, packet, from, count);
    this.length += count;
  }

  /** Declares `count` further bytes, stored before, to be in sequence. */
  extend(count: number): void {
    this.length += count;
    if (this.extent < this.length) this.extent = this.length;
  }

  /** Copies `count` bytes at `position` out; they must lie within `length`. */
  copy(position: number, to: Uint8Array, offset: number, count: number): void {
    if (count === 0) return;
    const at = (this.start + position) & (this.storage.length - 1);
    const first = Math.min(count, this.storage.length - at);
    this.copyPiece(at, to, offset, first);
    if (first < count) this.copyPiece(0, to, offset + first, count - first);
  }

  private copyPiece(at: number, to: Uint8Array, offset: number, count: number): void {
    if (count <= COPY_LOOP_LIMIT || this.block === null) copyBytes(to, offset, this.storage, at, count);
    else to.set(this.block.range(at, at + count), offset);
  }

  byteAt(position: number): number {
    return this.storage[(this.start + position) & (this.storage.length - 1)]!;
  }

  /** Drops `count` bytes from the front; storage goes back to the pool once nothing is left. */
  release(count: number): void {
    this.length -= count;
    this.extent = Math.max(this.extent - count, this.length);
    if (this.extent === 0) this.clear();
    else this.start = (this.start + count) & (this.storage.length - 1);
  }

  clear(): void {
    if (this.block !== null) this.pool.release(this.block);
    this.block = null;
    this.storage = EMPTY;
    this.start = 0;
    this.length = 0;
    this.extent = 0;
  }

  /** Where the byte at `position` is inside `view()`. */
  viewOffset(position: number): number {
    return (this.start + position) & (this.storage.length - 1);
  }

  /** How many bytes from `position` on lie in one piece. */
  viewLength(position: number): number {
    if (position >= this.length) return 0;
    return Math.min(this.length - position, this.storage.length - this.viewOffset(position));
  }

  /** The storage itself: valid until the next call that stores, extends or releases. */
  view(): Uint8Array {
    return this.storage;
  }

  /** Makes room for `bytes` contiguous-or-wrapped bytes and returns how many can be written in one piece at the end. */
  room(bytes: number): number {
    const end = this.length + bytes;
    if (end > this.storage.length) this.grow(end);
    return Math.min(bytes, this.storage.length - this.viewOffset(this.length));
  }

  private grow(bytes: number): void {
    const block = this.pool.acquire(bytes);
    const bigger = block.bytes;
    const old = this.storage;
    if (this.block !== null) {
      const first = old.length - this.start;
      copyBytes(bigger, 0, old, this.start, first);
      copyBytes(bigger, first, old, 0, this.start);
      this.pool.release(this.block);
    }
    this.block = block;
    this.storage = bigger;
    this.start = 0;
  }
}

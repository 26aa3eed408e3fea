// Memory for a vfs on its own: contracts' PageStore over growable buffers, without a memory file. Chunks grow in place, so that arrays
// handed out stay valid.
import { ENOMEM } from '@sandbox-kernel/abi';
import { CHUNK_SIZE, PAGE_SIZE, type PageStore } from '@sandbox-kernel/contracts';

const GROWTH = 1 << 20;

interface Resizable {
  resize(bytes: number): void;
}

export class HeapPages implements PageStore {
  private readonly chunks: Uint8Array[];
  private readonly owners: Map<number, number>;
  private readonly free: number[];
  readonly limit: number;
  private next: number;

  /** @param limit bytes that may be in use at once */
  constructor(limit = Number.POSITIVE_INFINITY) {
    this.chunks = [];
    this.owners = new Map();
    this.free = [];
    this.limit = limit;
    this.next = 0;
  }

  allocate(bytes: number): number {
    if (this.owners.size * PAGE_SIZE + bytes > this.limit) return -ENOMEM;
    if (bytes === PAGE_SIZE && this.free.length > 0) return this.reuse(this.free.pop()!);
    const room = CHUNK_SIZE - (this.next % CHUNK_SIZE);
    const offset = bytes > room ? this.next + room : this.next;
    this.extend(offset + bytes);
    this.next = offset + bytes;
    for (let at = offset; at < this.next; at += PAGE_SIZE) this.owners.set(at, 1);
    return offset;
  }

  retain(offset: number, bytes: number): void {
    for (let at = offset; at < offset + bytes; at += PAGE_SIZE) this.owners.set(at, this.owners.get(at)! + 1);
  }

  release(offset: number, bytes: number): void {
    for (let at = offset; at < offset + bytes; at += PAGE_SIZE) {
      const left = this.owners.get(at)! - 1;
      if (left > 0) this.owners.set(at, left);
      else {
        this.owners.delete(at);
        this.free.push(at);
      }
    }
  }

  chunk(offset: number): Uint8Array {
    return this.chunks[Math.floor(offset / CHUNK_SIZE)]!;
  }

  private reuse(offset: number): number {
    const start = offset % CHUNK_SIZE;
    this.chunk(offset).fill(0, start, start + PAGE_SIZE);
    this.owners.set(offset, 1);
    return offset;
  }

  /** Makes bytes below `end` usable. */
  private extend(end: number): void {
    const index = Math.floor((end - 1) / CHUNK_SIZE);
    while (this.chunks.length <= index) this.chunks.push(growable());
    const chunk = this.chunks[index]!;
    const needed = end - index * CHUNK_SIZE;
    if (needed <= chunk.length) return;
    const size = Math.min(Math.max(Math.ceil(needed / GROWTH) * GROWTH, chunk.length * 2), CHUNK_SIZE);
    (chunk.buffer as unknown as Resizable).resize(size);
  }
}

/** An array over a resizable buffer: its length follows. */
function growable(): Uint8Array {
  const Buffer = ArrayBuffer as unknown as new (
    bytes: number,
    options: { maxByteLength: number },
  ) => ArrayBuffer;
  return new Uint8Array(new Buffer(GROWTH, { maxByteLength: CHUNK_SIZE }));
}

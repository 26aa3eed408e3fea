// A queue of bytes: a ring that doubles up to its limit.

export class ByteQueue {
  private ring: Uint8Array;
  private head: number;
  private count: number;
  readonly limit: number;

  /** `limit`: most bytes it holds; a power of two. */
  constructor(limit: number) {
    this.ring = new Uint8Array(Math.min(limit, 256));
    this.head = 0;
    this.count = 0;
    this.limit = limit;
  }

  get size(): number {
    return this.count;
  }

  get room(): number {
    return this.limit - this.count;
  }

  /** False when full. */
  push(byte: number): boolean {
    if (this.count === this.limit) return false;
    if (this.count === this.ring.length) this.grow();
    this.ring[(this.head + this.count) & (this.ring.length - 1)] = byte;
    this.count++;
    return true;
  }

  /** -1 when empty. */
  shift(): number {
    if (this.count === 0) return -1;
    const byte = this.ring[this.head]!;
    this.head = (this.head + 1) & (this.ring.length - 1);
    this.count--;
    return byte;
  }

  clear(): void {
    this.head = 0;
    this.count = 0;
  }

  private grow(): void {
    const larger = new Uint8Array(this.ring.length * 2);
    for (let i = 0; i < this.count; i++) larger[i] = this.ring[(this.head + i) & (this.ring.length - 1)]!;
    this.ring = larger;
    this.head = 0;
  }
}

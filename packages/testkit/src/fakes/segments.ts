// A scattered buffer over plain arrays.
import type { IoSegments } from '@sandbox-kernel/contracts';

export class ArraySegments implements IoSegments {
  count: number;
  total: number;
  readonly arrays: Uint8Array[];
  readonly starts: number[];
  readonly lengths: number[];
  readonly fileOffsets: number[];

  constructor() {
    this.count = 0;
    this.total = 0;
    this.arrays = [];
    this.starts = [];
    this.lengths = [];
    this.fileOffsets = [];
  }

  /** Appends `array[start .. start + length)`. `fileOffset` -1: not memory file. */
  add(array: Uint8Array, start: number, length: number, fileOffset = -1): this {
    this.arrays[this.count] = array;
    this.starts[this.count] = start;
    this.lengths[this.count] = length;
    this.fileOffsets[this.count] = fileOffset;
    this.count++;
    this.total += length;
    return this;
  }

  /** Empties it for the next operation. */
  reset(): void {
    this.count = 0;
    this.total = 0;
  }

  /** All bytes in order, copied. */
  toBytes(): Uint8Array {
    const out = new Uint8Array(this.total);
    let at = 0;
    for (let i = 0; i < this.count; i++) {
      const start = this.starts[i] ?? 0;
      const length = this.lengths[i] ?? 0;
      out.set((this.arrays[i] ?? out).subarray(start, start + length), at);
      at += length;
    }
    return out;
  }
}

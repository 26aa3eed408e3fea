// Pieces of guest memory that the sentry looked up last: address ranges that lie contiguously in one chunk of the memory file. A small
// direct-mapped cache by 16 MiB of address, so that stack, heap and data of a program each keep theirs.

const SLOTS = 8;
const STRIDE = 2 ** 24;

export class Windows {
  readonly starts: Float64Array;
  readonly ends: Float64Array;
  /** Index in the chunk of address 0 of the window's arithmetic: index = addr + base. */
  readonly bases: Float64Array;
  readonly writable: Uint8Array;
  readonly chunks: Uint8Array[];
  #filled: boolean;

  constructor() {
    this.starts = new Float64Array(SLOTS);
    this.ends = new Float64Array(SLOTS);
    this.bases = new Float64Array(SLOTS);
    this.writable = new Uint8Array(SLOTS);
    this.chunks = new Array<Uint8Array>(SLOTS).fill(new Uint8Array(0));
    this.#filled = false;
  }

  /** Slot where `addr` would be. */
  slot(addr: number): number {
    return (addr / STRIDE) & (SLOTS - 1);
  }

  set(slot: number, start: number, end: number, base: number, chunk: Uint8Array, writable: boolean): void {
    this.starts[slot] = start;
    this.ends[slot] = end;
    this.bases[slot] = base;
    this.chunks[slot] = chunk;
    this.writable[slot] = writable ? 1 : 0;
    this.#filled = true;
  }

  clear(): void {
    if (!this.#filled) return;
    this.ends.fill(0);
    this.#filled = false;
  }
}

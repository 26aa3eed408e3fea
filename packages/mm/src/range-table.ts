// Address ranges in typed-array columns, sorted, never overlapping. Used for areas (VMAs) and for the pages behind them.
// Lookup is a binary search (about 45 ns over 1,000 ranges) behind a guess that the last answer holds again.

const INITIAL = 64;

export class RangeTable {
  count: number;
  start: Float64Array;
  end: Float64Array;
  /** Area: offset in its file. Pages: offset in the memory file or host file. */
  offset: Float64Array;
  flags: Int32Array;
  /** Pages: MEMORY_FILE or a host descriptor. */
  fd: Int32Array;
  #last: number;

  constructor() {
    this.count = 0;
    this.start = new Float64Array(INITIAL);
    this.end = new Float64Array(INITIAL);
    this.offset = new Float64Array(INITIAL);
    this.flags = new Int32Array(INITIAL);
    this.fd = new Int32Array(INITIAL);
    this.#last = 0;
  }

  /** Index of the first range that ends above `addr`; `count` when none does. */
  find(addr: number): number {
    const last = this.#last;
    const end = this.end;
    if (last < this.count && this.start[last]! <= addr && addr < end[last]!) return last;
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (end[middle]! > addr) high = middle;
      else low = middle + 1;
    }
    this.#last = low;
    return low;
  }

  /** Index of the range that contains `addr`, or -1. */
  at(addr: number): number {
    const i = this.find(addr);
    return i < this.count && this.start[i]! <= addr ? i : -1;
  }

  insert(i: number, start: number, end: number, offset: number, flags: number, fd: number): void {
    if (this.count === this.start.length) this.#grow();
    if (i < this.count) this.#shift(i, i + 1);
    this.start[i] = start;
    this.end[i] = end;
    this.offset[i] = offset;
    this.flags[i] = flags;
    this.fd[i] = fd;
    this.count++;
  }

  remove(i: number, n: number): void {
    if (i + n < this.count) this.#shift(i + n, i);
    this.count -= n;
  }

  clear(): void {
    this.count = 0;
  }

  /** Cuts range `i` in two at `addr`. Pre: strictly inside. */
  split(i: number, addr: number): void {
    const offset = this.offset[i]! + (addr - this.start[i]!);
    this.insert(i + 1, addr, this.end[i]!, offset, this.flags[i]!, this.fd[i]!);
    this.end[i] = addr;
  }

  /** Makes sure that no range crosses `addr`; the index of the first range at or above it. */
  cut(addr: number): number {
    const i = this.find(addr);
    if (i >= this.count || this.start[i]! >= addr) return i;
    this.split(i, addr);
    return i + 1;
  }

  copyFrom(other: RangeTable): void {
    while (this.start.length < other.count) this.#grow();
    const n = other.count;
    this.start.set(other.start.subarray(0, n));
    this.end.set(other.end.subarray(0, n));
    this.offset.set(other.offset.subarray(0, n));
    this.flags.set(other.flags.subarray(0, n));
    this.fd.set(other.fd.subarray(0, n));
    this.count = n;
  }

  #shift(from: number, to: number): void {
    this.start.copyWithin(to, from, this.count);
    this.end.copyWithin(to, from, this.count);
    this.offset.copyWithin(to, from, this.count);
    this.flags.copyWithin(to, from, this.count);
    this.fd.copyWithin(to, from, this.count);
  }

  #grow(): void {
    const size = this.start.length * 2;
    this.start = enlarge(this.start, new Float64Array(size));
    this.end = enlarge(this.end, new Float64Array(size));
    this.offset = enlarge(this.offset, new Float64Array(size));
    this.flags = enlarge(this.flags, new Int32Array(size));
    this.fd = enlarge(this.fd, new Int32Array(size));
  }
}

function enlarge<T extends Float64Array | Int32Array>(old: T, fresh: T): T {
  fresh.set(old);
  return fresh;
}

// A set of signals 1 … 64 as two 32-bit words, in the layout of the kernel's sigset_t (signal n is bit n - 1).

export class SignalSet {
  lo: number;
  hi: number;

  constructor(lo = 0, hi = 0) {
    this.lo = lo | 0;
    this.hi = hi | 0;
  }

  has(signal: number): boolean {
    const bit = signal - 1;
    return ((bit < 32 ? this.lo >>> bit : this.hi >>> (bit - 32)) & 1) === 1;
  }

  add(signal: number): void {
    const bit = signal - 1;
    if (bit < 32) this.lo |= 1 << bit;
    else this.hi |= 1 << (bit - 32);
  }

  remove(signal: number): void {
    const bit = signal - 1;
    if (bit < 32) this.lo &= ~(1 << bit);
    else this.hi &= ~(1 << (bit - 32));
  }

  set(lo: number, hi: number): void {
    this.lo = lo | 0;
    this.hi = hi | 0;
  }

  copy(other: SignalSet): void {
    this.lo = other.lo;
    this.hi = other.hi;
  }

  clear(): void {
    this.lo = 0;
    this.hi = 0;
  }

  isEmpty(): boolean {
    return (this.lo | this.hi) === 0;
  }
}

/** Lowest signal in the pair of words, or 0. */
export function firstSignal(lo: number, hi: number): number {
  if (lo !== 0) return 32 - Math.clz32(lo & -lo);
  if (hi !== 0) return 64 - Math.clz32(hi & -hi);
  return 0;
}

/** Bit of a signal below 33 in the low word. */
export function lowBit(signal: number): number {
  return 1 << (signal - 1);
}

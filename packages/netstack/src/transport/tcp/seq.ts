// Sequence number arithmetic: RFC 9293 section 3.4. Numbers are signed 32-bit integers and compare modulo 2^32,
// so two numbers may be compared only when they are less than 2^31 apart.

export function seqAdd(seq: number, bytes: number): number {
  return (seq + bytes) | 0;
}

/** Signed distance from `from` to `to`. */
export function seqDiff(to: number, from: number): number {
  return (to - from) | 0;
}

export function seqBefore(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

export function seqAfter(a: number, b: number): boolean {
  return ((b - a) | 0) < 0;
}

export function seqMax(a: number, b: number): number {
  return ((a - b) | 0) < 0 ? b : a;
}

export function seqMin(a: number, b: number): number {
  return ((a - b) | 0) < 0 ? a : b;
}

/** True if low <= seq <= high. */
export function seqBetween(seq: number, low: number, high: number): boolean {
  return (high - low) >>> 0 >= (seq - low) >>> 0;
}

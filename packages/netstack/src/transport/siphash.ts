// SipHash-2-4 (Aumasson and Bernstein, 2012) over 32-bit words, in halves so that no BigInt is needed.
// It keys initial sequence numbers (RFC 6528), SYN cookies, Fast Open cookies, port choice (RFC 6056) and flow tables.

export class SipHash {
  private readonly key: Int32Array;
  private readonly state: Int32Array;
  private words: number;
  private pending: number;

  /** `key` is 16 random bytes. */
  constructor(key: Uint8Array) {
    this.key = new Int32Array(4);
    for (let i = 0; i < 4; i++) {
      const at = i * 4;
      this.key[i] = key[at]! | (key[at + 1]! << 8) | (key[at + 2]! << 16) | (key[at + 3]! << 24);
    }
    this.state = new Int32Array(8);
    this.words = 0;
    this.pending = 0;
  }

  begin(): void {
    const k = this.key;
    const s = this.state;
    s[0] = k[0]! ^ 0x70736575;
    s[1] = k[1]! ^ 0x736f6d65;
    s[2] = k[2]! ^ 0x6e646f6d;
    s[3] = k[3]! ^ 0x646f7261;
    s[4] = k[0]! ^ 0x6e657261;
    s[5] = k[1]! ^ 0x6c796765;
    s[6] = k[2]! ^ 0x79746573;
    s[7] = k[3]! ^ 0x74656462;
    this.words = 0;
    this.pending = 0;
  }

  /** Feeds four bytes, given as a little-endian word. */
  word(value: number): void {
    if ((this.words++ & 1) === 0) this.pending = value | 0;
    else this.compress(this.pending, value | 0);
  }

  /** The low half of the digest; `high()` then gives the other. */
  end(): number {
    const tail = (this.words * 4) << 24;
    if ((this.words & 1) === 1) this.compress(this.pending, tail);
    else this.compress(0, tail);
    const s = this.state;
    s[4] = s[4]! ^ 0xff;
    for (let i = 0; i < 4; i++) round(s);
    return s[0]! ^ s[2]! ^ s[4]! ^ s[6]!;
  }

  high(): number {
    const s = this.state;
    return s[1]! ^ s[3]! ^ s[5]! ^ s[7]!;
  }

  private compress(low: number, high: number): void {
    const s = this.state;
    s[6] = s[6]! ^ low;
    s[7] = s[7]! ^ high;
    round(s);
    round(s);
    s[0] = s[0]! ^ low;
    s[1] = s[1]! ^ high;
  }
}

function add(s: Int32Array, to: number, from: number): void {
  const low = (s[to]! >>> 0) + (s[from]! >>> 0);
  s[to + 1] = s[to + 1]! + s[from + 1]! + (low > 0xffffffff ? 1 : 0);
  s[to] = low;
}

/** Rotates the 64-bit lane left by `bits` < 32, then mixes it with another lane. */
function rotateXor(s: Int32Array, lane: number, bits: number, other: number): void {
  const low = s[lane]!;
  const high = s[lane + 1]!;
  s[lane] = ((low << bits) | (high >>> (32 - bits))) ^ s[other]!;
  s[lane + 1] = ((high << bits) | (low >>> (32 - bits))) ^ s[other + 1]!;
}

function swapHalves(s: Int32Array, lane: number): void {
  const low = s[lane]!;
  s[lane] = s[lane + 1]!;
  s[lane + 1] = low;
}

function round(s: Int32Array): void {
  add(s, 0, 2);
  rotateXor(s, 2, 13, 0);
  swapHalves(s, 0);
  add(s, 4, 6);
  rotateXor(s, 6, 16, 4);
  add(s, 0, 6);
  rotateXor(s, 6, 21, 0);
  add(s, 4, 2);
  rotateXor(s, 2, 17, 4);
  swapHalves(s, 4);
}

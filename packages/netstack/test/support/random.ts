// A seeded random source for tests (xorshift32 with a Weyl sequence).
import type { RandomSource } from '../../src/roles.js';

export class SeededRandom implements RandomSource {
  private state: number;
  private weyl: number;

  constructor(seed = 1) {
    this.state = (seed * 2654435761) >>> 0 || 1;
    this.weyl = 0;
  }

  next32(): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    this.weyl = (this.weyl + 0x9e3779b9) >>> 0;
    return (this.state + this.weyl) >>> 0;
  }
}

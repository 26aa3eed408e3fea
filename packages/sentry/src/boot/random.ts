// Randomness for programs and for the layout of their memory.
import { randomFillSync } from 'node:crypto';
import type { RandomSource } from '@sandbox-kernel/contracts';

const POOL_BYTES = 4096;

export class HostRandom implements RandomSource {
  readonly #pool = new Uint8Array(POOL_BYTES);
  #left = 0;

  fill(into: Uint8Array, at: number, length: number): void {
    if (length > POOL_BYTES / 4) {
      randomFillSync(into, at, length);
      return;
    }
    if (length > this.#left) {
      randomFillSync(this.#pool);
      this.#left = POOL_BYTES;
    }
    const start = this.#left - length;
    for (let i = 0; i < length; i++) {
      into[at + i] = this.#pool[start + i] as number;
      this.#pool[start + i] = 0;
    }
    this.#left = start;
  }
}

// Randomness for programs and for the layout of their memory: the host's, or, where the sandbox has a seed, a stream for each task that
// follows from the seed alone, so that tasks that run side by side don't take each other's numbers.
import { type Cipher, createCipheriv, createHash, randomFillSync } from 'node:crypto';
import type { RandomSource } from '@sandbox-kernel/contracts';

const POOL_BYTES = 4096;
/** Streams of tasks that are gone are forgotten once there are so many. */
const MAX_STREAMS = 1024;

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

/** AES-128 in counter mode under a key made of the seed and the task's number. */
export class SeededRandom implements RandomSource {
  readonly #seed: number;
  readonly #streams = new Map<number, Cipher>();
  /** The task that the kernel works for, 0 for none. Two of the same number never live at once. */
  currentTask: () => number = () => 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  fill(into: Uint8Array, at: number, length: number): void {
    into.set(this.#stream(this.currentTask()).update(new Uint8Array(length)), at);
  }

  #stream(task: number): Cipher {
    const known = this.#streams.get(task);
    if (known !== undefined) return known;
    const key = createHash('sha256').update(`sandbox-kernel ${this.#seed} ${task}`).digest();
    const stream = createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16));
    if (this.#streams.size >= MAX_STREAMS) {
      const [oldest] = this.#streams.keys();
      if (oldest !== undefined) this.#streams.delete(oldest);
    }
    this.#streams.set(task, stream);
    return stream;
  }
}

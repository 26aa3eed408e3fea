// Randomness where the sandbox has a seed: a stream for each task that follows from the seed alone, so that tasks that run side by side don't take
// each other's numbers. Node's cryptography is loaded with the first: most sandboxes have no seed.
import type { Cipher } from 'node:crypto';
import { createRequire } from 'node:module';
import type { RandomSource } from '@sandbox-kernel/contracts';

/** Streams of tasks that are gone are forgotten once there are so many. */
const MAX_STREAMS = 1024;

type Cryptography = Pick<typeof import('node:crypto'), 'createCipheriv' | 'createHash'>;

/** AES-128 in counter mode under a key made of the seed and the task's number. */
export class SeededRandom implements RandomSource {
  readonly #crypto: Cryptography;
  readonly #seed: number;
  readonly #streams = new Map<number, Cipher>();
  /** The task that the kernel works for, 0 for none. Two of the same number never live at once. */
  currentTask: () => number = () => 0;

  constructor(seed: number) {
    this.#crypto = createRequire(import.meta.url)('node:crypto') as Cryptography;
    this.#seed = seed;
  }

  fill(into: Uint8Array, at: number, length: number): void {
    into.set(this.#stream(this.currentTask()).update(new Uint8Array(length)), at);
  }

  #stream(task: number): Cipher {
    const known = this.#streams.get(task);
    if (known !== undefined) return known;
    const key = this.#crypto.createHash('sha256').update(`sandbox-kernel ${this.#seed} ${task}`).digest();
    const stream = this.#crypto.createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16));
    if (this.#streams.size >= MAX_STREAMS) {
      const [oldest] = this.#streams.keys();
      if (oldest !== undefined) this.#streams.delete(oldest);
    }
    this.#streams.set(task, stream);
    return stream;
  }
}

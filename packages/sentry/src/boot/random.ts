// Randomness for programs and for the layout of their memory: the host's, getrandom(2). Node's own would load its cryptography, 4 ms at each start.
import { SYS_getrandom } from '@sandbox-kernel/abi';
import type { RandomSource } from '@sandbox-kernel/contracts';
import { type Door, PATH_AREA, PATH_B } from '@sandbox-kernel/host';

const POOL_BYTES = 4096;

export class HostRandom implements RandomSource {
  readonly #door: Door;
  readonly #pool = new Uint8Array(POOL_BYTES);
  #left = 0;

  constructor(door: Door) {
    this.#door = door;
  }

  fill(into: Uint8Array, at: number, length: number): void {
    if (length > POOL_BYTES / 4) {
      this.#draw(into, at, length);
      return;
    }
    if (length > this.#left) {
      this.#draw(this.#pool, 0, POOL_BYTES);
      this.#left = POOL_BYTES;
    }
    const start = this.#left - length;
    for (let i = 0; i < length; i++) {
      into[at + i] = this.#pool[start + i] as number;
      this.#pool[start + i] = 0;
    }
    this.#left = start;
  }

  /** By way of the second area for paths: a packet or a structure may wait in the one for data while somebody draws. */
  #draw(into: Uint8Array, at: number, length: number): void {
    const { bytes } = this.#door;
    for (let done = 0; done < length; ) {
      const wanted = Math.min(length - done, PATH_AREA);
      const count = this.#door.call(SYS_getrandom, 1, PATH_B, wanted, 0, 0, 0, 0);
      if (count < 0) throw new Error(`getrandom: ${count}`);
      into.set(bytes.subarray(PATH_B, PATH_B + count), at + done);
      bytes.fill(0, PATH_B, PATH_B + count);
      done += count;
    }
  }
}

// A memory file on plain ArrayBuffers, for browsers and tests. Chunks are made when first needed; the runtime gives them
// lazily zeroed memory, so that size costs address space only. Punching fills with zeros: memory stays with the runtime.

import { ENOMEM } from '@sandbox-kernel/abi';
import { CHUNK_SIZE } from '@sandbox-kernel/contracts';
import { InvariantError } from './invariant-error.js';
import type { MemoryBacking } from './memory-backing.js';

export class ArrayBacking implements MemoryBacking {
  readonly #capacity: number;
  readonly #chunks: Uint8Array[];

  /** @param capacity most bytes the file can have; a page multiple */
  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#chunks = [];
  }

  chunk(index: number): Uint8Array {
    const chunk = this.#chunks[index];
    if (chunk === undefined) throw new InvariantError(`memory file has no chunk ${index}`);
    return chunk;
  }

  grow(bytes: number): number {
    if (bytes > this.#capacity) return -ENOMEM;
    while (this.#size() < bytes) {
      this.#chunks.push(new Uint8Array(Math.min(CHUNK_SIZE, this.#capacity - this.#size())));
    }
    return this.#size();
  }

  punch(offset: number, length: number): number {
    const at = offset % CHUNK_SIZE;
    this.chunk((offset - at) / CHUNK_SIZE).fill(0, at, at + length);
    return 0;
  }

  resident(): number {
    return -1;
  }

  #size(): number {
    return Math.min(this.#chunks.length * CHUNK_SIZE, this.#capacity);
  }
}

// The memory file of the host as mm wants it.

import { ENOMEM } from '@sandbox-kernel/abi';
import type { MemoryFile as HostMemoryFile } from '@sandbox-kernel/host';
import type { MemoryBacking } from '@sandbox-kernel/mm';

export class HostBacking implements MemoryBacking {
  readonly #file: HostMemoryFile;

  constructor(file: HostMemoryFile) {
    this.#file = file;
  }

  chunk(index: number): Uint8Array {
    const chunk = this.#file.chunk(index);
    if (chunk === null) throw new Error(`memory file: chunk ${index} can not be mapped`);
    return chunk;
  }

  grow(bytes: number): number {
    const chunks = Math.ceil(bytes / 2 ** 30);
    if (this.#file.chunk(chunks - 1) === null) return -ENOMEM;
    const result = this.#file.grow(bytes);
    return result < 0 ? result : this.#file.size;
  }

  punch(offset: number, length: number): number {
    return this.#file.punch(offset, length);
  }

  /** SEEK_DATA knows every page that was ever touched. When the host refuses, all count as there. */
  present(offset: number, length: number, into: Uint8Array, at: number): void {
    if (this.#file.presentPages(offset, length, into, at) < 0) into.fill(1, at, at + length / 4096);
  }

  prepare(offset: number, length: number): boolean {
    return this.#file.prepare(offset, length) > 0;
  }

  resident(): number {
    const pages = this.#file.residentPages(0, this.#file.size);
    return pages < 0 ? -1 : pages * 4096;
  }
}

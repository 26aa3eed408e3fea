// A memory file in plain arrays, with an owner count per page, so that a test can tell leaked from freed memory. Chunks are as
// large as their use: indexes equal `offset % CHUNK_SIZE` all the same.
import { ENOMEM } from '@sandbox-kernel/abi';
import { CHUNK_SIZE, PAGE_SIZE, type PageStore } from '@sandbox-kernel/contracts';

export class ArrayPageStore implements PageStore {
  readonly #bytes: Uint8Array;
  readonly #owners: Uint16Array;

  /** @param bytes capacity, at most one chunk */
  constructor(bytes = 4 * 2 ** 20) {
    if (bytes > CHUNK_SIZE || bytes % PAGE_SIZE !== 0)
      throw new RangeError('capacity: pages, at most one chunk');
    this.#bytes = new Uint8Array(bytes);
    this.#owners = new Uint16Array(bytes / PAGE_SIZE);
  }

  /** Pages that have an owner. */
  get pagesInUse(): number {
    return this.#owners.reduce((sum, owners) => sum + (owners > 0 ? 1 : 0), 0);
  }

  /** Owners of the page at `offset`. */
  owners(offset: number): number {
    return this.#owners[offset / PAGE_SIZE] ?? 0;
  }

  allocate(bytes: number): number {
    const pages = this.#pages(0, bytes);
    let run = 0;
    for (let i = 0; i < this.#owners.length; i++) {
      run = this.#owners[i] === 0 ? run + 1 : 0;
      if (run < pages) continue;
      const first = i - pages + 1;
      this.#owners.fill(1, first, i + 1);
      this.#bytes.fill(0, first * PAGE_SIZE, (i + 1) * PAGE_SIZE);
      return first * PAGE_SIZE;
    }
    return -ENOMEM;
  }

  retain(offset: number, bytes: number): void {
    this.#each(offset, bytes, 1);
  }

  release(offset: number, bytes: number): void {
    this.#each(offset, bytes, -1);
  }

  chunk(offset: number): Uint8Array {
    if (offset < 0 || offset >= this.#bytes.length)
      throw new RangeError(`offset ${offset} is outside the store`);
    return this.#bytes;
  }

  #pages(offset: number, bytes: number): number {
    if (bytes <= 0 || bytes % PAGE_SIZE !== 0 || offset % PAGE_SIZE !== 0)
      throw new RangeError('whole pages only');
    return bytes / PAGE_SIZE;
  }

  #each(offset: number, bytes: number, change: number): void {
    const first = offset / PAGE_SIZE;
    const end = first + this.#pages(offset, bytes);
    for (let i = first; i < end; i++) {
      const owners = this.#owners[i] ?? 0;
      if (owners === 0) throw new Error(`page at ${i * PAGE_SIZE} has no owner`);
      this.#owners[i] = owners + change;
    }
  }
}

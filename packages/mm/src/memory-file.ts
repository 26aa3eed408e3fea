// The memory file: an allocator of pages over one growing backing, with a reference count per page. Freed pages go back to the host
// at once, but for a small stock of dirty ones: measured on a memfd, filling 64 KiB with zeros costs 19 µs, punching it and touching it again
// 21 + 36 µs, so that what is soon used again is better filled, and what is not is better punched.

import { ENOMEM } from '@sandbox-kernel/abi';
import { CHUNK_SIZE, PAGE_SIZE, type PageStore } from '@sandbox-kernel/contracts';
import { FreeExtents, grown } from './free-extents.js';
import { InvariantError } from './invariant-error.js';
import type { MemoryBacking } from './memory-backing.js';

/** Who holds a page, for reports. */
export const OWNER_OTHER = 0;
export const OWNER_PRIVATE = 1;
export const OWNER_SHARED = 2;

const TOTAL = 2 ** 44;
const DIRTY_LIMIT = 2 ** 21;
/** From this size on memory is aligned to it, so that the host can use a huge page. */
const HUGE_PAGE = 2 ** 21;

export interface MemoryFileOptions {
  /** Most bytes in use at a time (the sandbox's memory limit); default: no limit. */
  readonly limit?: number;
  /** Memory of the machine: no program is promised more at a time (vm.overcommit_memory 0); default 16 TiB. */
  readonly total?: number;
  /** Freed bytes that may wait to be given back to the host, or be used again after filling with zeros; default 2 MiB. */
  readonly dirtyLimit?: number;
}

/** Pages in use that follow each other and are alike. */
export interface PageHolding {
  readonly offset: number;
  readonly length: number;
  readonly references: number;
  readonly owner: number;
}

export class MemoryFile implements PageStore {
  /** The limit in bytes; may be changed at any time. */
  limit: number;
  readonly total: number;
  /** Freed bytes that may stay with the host's file; 0 gives all back at once. */
  dirtyLimit: number;
  /** Bytes in use, and the most there have been. */
  used: number;
  peak: number;
  /** Bytes that address spaces have dropped, but not released yet. */
  graveBytes: number;
  /** The limit refused something. The kernel clears it before each call, and looks when a call ends with ENOMEM. */
  exhausted: boolean;
  /** What was allocated last held memory of the host before. */
  reused: boolean;
  /** Bytes of the file, in use or not. */
  size: number;
  readonly #backing: MemoryBacking;
  readonly #free: FreeExtents;
  /** By page: owners, and what kind the first was. */
  #references: Int32Array;
  #owners: Uint8Array;
  readonly #chunks: Uint8Array[];
  /** Number of the last shared memory made on this file. */
  #inode: number;
  readonly #answer: Uint8Array;

  constructor(backing: MemoryBacking, options: MemoryFileOptions = {}) {
    this.limit = options.limit ?? Number.POSITIVE_INFINITY;
    this.total = options.total ?? TOTAL;
    this.dirtyLimit = options.dirtyLimit ?? DIRTY_LIMIT;
    this.used = 0;
    this.peak = 0;
    this.graveBytes = 0;
    this.exhausted = false;
    this.reused = false;
    this.size = 0;
    this.#backing = backing;
    this.#free = new FreeExtents();
    this.#references = new Int32Array(0);
    this.#owners = new Uint8Array(0);
    this.#chunks = [];
    this.#inode = 0;
    this.#answer = new Uint8Array(1);
  }

  /** A fresh inode number for shared memory. */
  nextInode(): number {
    return ++this.#inode;
  }

  /** As PageStore; `owner` is OWNER_*. At most CHUNK_SIZE at a time. */
  allocate(bytes: number, owner: number = OWNER_OTHER): number {
    const offset = this.#take(bytes, owner);
    if (offset >= 0) return offset;
    const dirty = this.#takeDirty(bytes, owner);
    if (dirty >= 0) {
      const at = dirty % CHUNK_SIZE;
      this.chunk(dirty).fill(0, at, at + bytes);
      return dirty;
    }
    return this.#takeFresh(bytes, owner);
  }

  /** As `allocate`, for a caller who writes every byte: the content is arbitrary. */
  allocateToFill(bytes: number, owner: number = OWNER_OTHER): number {
    const offset = this.#take(bytes, owner);
    if (offset >= 0) return offset;
    const dirty = this.#takeDirty(bytes, owner);
    return dirty >= 0 ? dirty : this.#takeFresh(bytes, owner);
  }

  retain(offset: number, bytes: number): void {
    const end = (offset + bytes) / PAGE_SIZE;
    const references = this.#references;
    for (let page = offset / PAGE_SIZE; page < end; page++) {
      const count = references[page]!;
      if (!(count > 0)) throw new InvariantError(`memory file: page ${page} retained while free`);
      references[page] = count + 1;
    }
  }

  release(offset: number, bytes: number): void {
    const end = (offset + bytes) / PAGE_SIZE;
    const references = this.#references;
    let run = 0;
    for (let page = offset / PAGE_SIZE; page < end; page++) {
      const count = references[page]!;
      if (!(count > 0)) throw new InvariantError(`memory file: page ${page} released while free`);
      references[page] = count - 1;
      if (count === 1) run++;
      else if (run > 0) {
        this.#giveBack(page - run, run);
        run = 0;
      }
    }
    if (run > 0) this.#giveBack(end - run, run);
  }

  chunk(offset: number): Uint8Array {
    return this.#chunks[Math.floor(offset / CHUNK_SIZE)]!;
  }

  /** Owners of the page at `offset`. */
  references(offset: number): number {
    return this.#references[Math.floor(offset / PAGE_SIZE)]!;
  }

  /** Length of the run of pages from `offset` on, at most `bytes`, that have one owner (`sole`) or several. */
  runLength(offset: number, bytes: number, sole: boolean): number {
    const first = offset / PAGE_SIZE;
    const end = first + bytes / PAGE_SIZE;
    let page = first;
    while (page < end && (this.#references[page]! === 1) === sole) page++;
    return (page - first) * PAGE_SIZE;
  }

  /** Gives all freed memory back to the host now. Bytes given. */
  purge(): number {
    let bytes = 0;
    for (let first = this.#free.firstDirty(); first >= 0; first = this.#free.firstDirty()) {
      const length = this.#free.length(first) * PAGE_SIZE;
      // Refused by the host: it stays dirty, which is safe.
      if (this.#backing.punch(first * PAGE_SIZE, length) < 0) return bytes;
      this.#free.clean(first);
      bytes += length;
    }
    return bytes;
  }

  /** Makes pages in use read as zeros, giving their memory back to the host. Pre: no other owner cares for the content. */
  punch(offset: number, bytes: number): void {
    if (this.#backing.punch(offset, bytes) >= 0) return;
    const at = offset % CHUNK_SIZE;
    this.chunk(offset).fill(0, at, at + bytes);
  }

  /** Writes 1 for each page of the range that has memory of the host, 0 for the others (mincore(2)). */
  present(offset: number, bytes: number, into: Uint8Array, at: number): void {
    if (this.#backing.present === undefined) into.fill(1, at, at + bytes / PAGE_SIZE);
    else this.#backing.present(offset, bytes, into, at);
  }

  /** Bytes that nobody owns, but the host still holds; `purge` gives them back. Counts what waits in address spaces too. */
  get spareBytes(): number {
    return this.#free.dirtyPages * PAGE_SIZE + this.graveBytes;
  }

  /** A range is about to be written to from start to end; see `MemoryBacking.prepare`. */
  prepare(offset: number, bytes: number): boolean {
    return this.#backing.prepare?.(offset, bytes) ?? false;
  }

  /** Does the page at `offset` have memory of the host? */
  isPresent(offset: number): boolean {
    this.present(offset, PAGE_SIZE, this.#answer, 0);
    return this.#answer[0] !== 0;
  }

  /** Was the page never written to, as far as anyone can see: it has no memory of the host, or holds zeros. */
  isUntouched(offset: number): boolean {
    if (!this.isPresent(offset)) return true;
    const chunk = this.chunk(offset);
    const at = offset % CHUNK_SIZE;
    const words = new Float64Array(chunk.buffer, chunk.byteOffset + at, PAGE_SIZE / 8);
    return words.every((word) => Object.is(word, 0));
  }

  /** Bytes of memory that the host holds, or what is in use where that can't be known. Walks the file. */
  resident(): number {
    const bytes = this.#backing.resident();
    return bytes < 0 ? this.used : bytes;
  }

  /** Every page in use, as ranges. For leak checks. */
  holdings(): PageHolding[] {
    const found: PageHolding[] = [];
    const pages = this.size / PAGE_SIZE;
    for (let page = 0; page < pages; ) {
      const references = this.#references[page]!;
      const owner = this.#owners[page]!;
      let end = page + 1;
      while (end < pages && this.#references[end] === references && this.#owners[end] === owner) end++;
      if (references > 0) {
        found.push({ offset: page * PAGE_SIZE, length: (end - page) * PAGE_SIZE, references, owner });
      }
      page = end;
    }
    return found;
  }

  #giveBack(page: number, pages: number): void {
    const bytes = pages * PAGE_SIZE;
    this.used -= bytes;
    if (bytes > this.dirtyLimit && this.#backing.punch(page * PAGE_SIZE, bytes) >= 0) {
      this.#free.insert(page, pages, false);
      return;
    }
    this.#free.insert(page, pages, true);
    if (this.#free.dirtyPages * PAGE_SIZE > this.dirtyLimit) this.purge();
  }

  #take(bytes: number, owner: number): number {
    if (bytes > CHUNK_SIZE || !this.#mayUse(bytes)) return -ENOMEM;
    // Dirty pages first: they are the host's already.
    if (this.#free.dirtyPages * PAGE_SIZE >= bytes) return -1;
    return this.#claim(this.#takeClean(bytes), bytes, owner);
  }

  #takeClean(bytes: number): number {
    this.reused = false;
    if (bytes >= HUGE_PAGE && bytes < CHUNK_SIZE) {
      const page = this.#free.takeAligned(bytes / PAGE_SIZE, HUGE_PAGE / PAGE_SIZE);
      if (page >= 0) return page;
    }
    return this.#free.take(bytes / PAGE_SIZE, false);
  }

  #takeDirty(bytes: number, owner: number): number {
    if (bytes > CHUNK_SIZE || !this.#mayUse(bytes)) return -ENOMEM;
    const offset = this.#claim(this.#free.take(bytes / PAGE_SIZE, true), bytes, owner);
    this.reused = offset >= 0;
    return offset;
  }

  #takeFresh(bytes: number, owner: number): number {
    if (bytes > CHUNK_SIZE || !this.#mayUse(bytes)) return -ENOMEM;
    for (;;) {
      const page = this.#takeClean(bytes);
      if (page >= 0) return this.#claim(page, bytes, owner);
      if (!this.#grow(bytes)) break;
    }
    // Free pages may be there, split by dirty ones.
    if (this.purge() === 0) return -ENOMEM;
    const page = this.#takeClean(bytes);
    return page < 0 ? -ENOMEM : this.#claim(page, bytes, owner);
  }

  #claim(page: number, bytes: number, owner: number): number {
    if (page < 0) return -1;
    const end = page + bytes / PAGE_SIZE;
    this.#references.fill(1, page, end);
    this.#owners.fill(owner, page, end);
    this.used += bytes;
    if (this.used > this.peak) this.peak = this.used;
    return page * PAGE_SIZE;
  }

  /** Blocks count whole, although programs may never touch them: at the limit, `reclaim` takes the holes back. */
  #mayUse(bytes: number): boolean {
    if (this.used + bytes <= this.limit) return true;
    this.exhausted = true;
    return false;
  }

  #grow(bytes: number): boolean {
    const old = this.size;
    const size = this.#backing.grow(old + bytes);
    if (size <= old) return false;
    const pages = size / PAGE_SIZE;
    this.#references = grown(this.#references, pages);
    const owners = new Uint8Array(this.#references.length);
    owners.set(this.#owners);
    this.#owners = owners;
    this.#free.reserve(pages);
    for (let at = old; at < size; ) {
      const index = Math.floor(at / CHUNK_SIZE);
      const end = Math.min((index + 1) * CHUNK_SIZE, size);
      this.#chunks[index] = this.#backing.chunk(index);
      this.#free.insert(at / PAGE_SIZE, (end - at) / PAGE_SIZE, false);
      at = end;
    }
    this.size = size;
    return true;
  }
}

// Memory that programs share: shared anonymous mappings (mmap(2)) and SysV segments (shmat(2)). Lives as long as it is mapped or held.
// Pages come in blocks, as they are first asked for.
import { EINVAL, EIO, ENOMEM } from '@sandbox-kernel/abi';
import {
  type Backing,
  CHUNK_SIZE,
  type Mappable,
  type MappingOwner,
  MEMORY_FILE,
  PAGE_SIZE,
} from '@sandbox-kernel/contracts';
import { pageDown, pageUp } from './addresses.js';
import { type MemoryFile, OWNER_SHARED } from './memory-file.js';
import { RangeTable } from './range-table.js';

const BLOCK = 2 ** 21;

export class SharedMemory implements Mappable {
  readonly anonymous: boolean;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** A SysV segment gets its identifier, once it has one. */
  inode: number;
  /** Bytes, a page multiple. */
  readonly size: number;
  /** Bytes in use. */
  used: number;
  /** Areas that map it (shm_nattch), and whoever else holds it. */
  mappings: number;
  holders: number;
  readonly #file: MemoryFile;
  readonly #name: string;
  /** By offset: where pages are in the memory file. */
  readonly #pages: RangeTable;
  /** Pages that a userfaultfd filled, with zeros perhaps. */
  #provided: Set<number> | null;

  /** @param anonymous made by MAP_SHARED | MAP_ANONYMOUS: nobody else can ever map it */
  constructor(file: MemoryFile, size: number, name: string, inode: number, anonymous: boolean) {
    this.anonymous = anonymous;
    this.deviceMajor = 0;
    this.deviceMinor = 1;
    this.inode = inode;
    this.size = pageUp(size);
    this.used = 0;
    this.mappings = 0;
    this.holders = 0;
    this.#file = file;
    this.#name = name;
    this.#pages = new RangeTable();
    this.#provided = null;
  }

  /** Keeps the memory although nothing maps it (a SysV segment). Paired with `drop`. */
  hold(): void {
    this.holders++;
  }

  drop(): void {
    this.holders--;
    this.#releaseIfUnused();
  }

  /** Holes are filled in either case: reading them through a mapping would fill them at the host anyway. */
  translate(offset: number, length: number, _write: boolean, out: Backing): number {
    if (offset >= this.size || offset < 0) return -EIO;
    let i = this.#pages.at(offset);
    if (i < 0) {
      if (!this.#fill(offset, length)) return -ENOMEM;
      i = this.#pages.at(offset);
    }
    out.fd = MEMORY_FILE;
    out.offset = this.#pages.offset[i]! + (offset - this.#pages.start[i]!);
    out.length = this.#pages.end[i]! - offset;
    return 0;
  }

  covers(offset: number): boolean {
    return offset < this.size;
  }

  /** Is there a page with content at `offset`? Blocks come whole, so that a page that nobody wrote to does not count. */
  hasPage(offset: number): boolean {
    const i = this.#pages.at(offset);
    if (i < 0) return false;
    if (this.#provided?.has(offset) === true) return true;
    return !this.#file.isUntouched(this.#pages.offset[i]! + (offset - this.#pages.start[i]!));
  }

  /** The page at `offset` is there from now on, whatever it holds. */
  providePage(offset: number): void {
    this.#provided ??= new Set();
    this.#provided.add(offset);
  }

  /** Calls `visit` with each run of the memory file that is its own. */
  eachRun(visit: (offset: number, bytes: number) => void): void {
    const pages = this.#pages;
    for (let i = 0; i < pages.count; i++) visit(pages.offset[i]!, pages.end[i]! - pages.start[i]!);
  }

  readAt(offset: number, into: Uint8Array, at: number, length: number): number {
    const n = Math.min(length, this.size - offset);
    for (let done = 0; done < n; ) {
      const where = offset + done;
      const i = this.#pages.find(where);
      const here = i < this.#pages.count && this.#pages.start[i]! <= where;
      const end = here ? this.#pages.end[i]! : i < this.#pages.count ? this.#pages.start[i]! : this.size;
      const step = Math.min(n - done, end - where);
      if (here) {
        const index = this.#index(i, where);
        into.set(this.#file.chunk(this.#pages.offset[i]!).subarray(index, index + step), at + done);
      } else into.fill(0, at + done, at + done + step);
      done += step;
    }
    return Math.max(n, 0);
  }

  writeAt(offset: number, from: Uint8Array, at: number, length: number): number {
    if (offset < 0) return -EINVAL;
    const n = Math.min(length, this.size - offset);
    for (let done = 0; done < n; ) {
      const where = offset + done;
      if (this.#pages.at(where) < 0 && !this.#fill(pageDown(where), PAGE_SIZE))
        return done > 0 ? done : -ENOMEM;
      const i = this.#pages.at(where);
      const step = Math.min(n - done, this.#pages.end[i]! - where);
      const chunk = this.#file.chunk(this.#pages.offset[i]!);
      chunk.set(from.subarray(at + done, at + done + step), this.#index(i, where));
      done += step;
    }
    return Math.max(n, 0);
  }

  addMapping(
    _owner: MappingOwner,
    _offset: number,
    _length: number,
    _shared: boolean,
    _writable: boolean,
  ): void {
    this.mappings++;
  }

  removeMapping(
    _owner: MappingOwner,
    _offset: number,
    _length: number,
    _shared: boolean,
    _writable: boolean,
  ): void {
    this.mappings--;
    this.#releaseIfUnused();
  }

  sync(_offset: number, _length: number): number {
    return 0;
  }

  mapName(): string {
    return this.#name;
  }

  /** MADV_REMOVE: makes a range zeros and gives its memory back. The places stay, so that nobody's mapping has to change. */
  punch(offset: number, length: number): number {
    const end = offset + length;
    if (this.#provided !== null) for (let at = offset; at < end; at += PAGE_SIZE) this.#provided.delete(at);
    for (let i = this.#pages.find(offset); i < this.#pages.count && this.#pages.start[i]! < end; i++) {
      const from = Math.max(offset, this.#pages.start[i]!);
      const to = Math.min(end, this.#pages.end[i]!);
      this.#file.punch(this.#pages.offset[i]! + (from - this.#pages.start[i]!), to - from);
    }
    return 0;
  }

  #index(i: number, offset: number): number {
    return (this.#pages.offset[i]! % CHUNK_SIZE) + (offset - this.#pages.start[i]!);
  }

  /** Gives pages to the hole around `offset`: up to a block, but never less than its page. */
  #fill(offset: number, length: number): boolean {
    const i = this.#pages.find(offset);
    const block = offset - (offset % BLOCK);
    const limit = i < this.#pages.count ? Math.min(this.size, this.#pages.start[i]!) : this.size;
    const end = Math.min(limit, Math.max(block + BLOCK, Math.min(offset + length, block + CHUNK_SIZE)));
    const start = Math.max(block, i > 0 ? this.#pages.end[i - 1]! : 0);
    return this.#allocate(i, start, end) || this.#allocate(i, offset, offset + PAGE_SIZE);
  }

  #allocate(i: number, start: number, end: number): boolean {
    const bytes = Math.min(end - start, CHUNK_SIZE);
    const at = this.#file.allocate(bytes, OWNER_SHARED);
    if (at < 0) return false;
    this.#pages.insert(i, start, start + bytes, at, 0, MEMORY_FILE);
    this.used += bytes;
    return true;
  }

  #releaseIfUnused(): void {
    if (this.mappings > 0 || this.holders > 0) return;
    for (let i = 0; i < this.#pages.count; i++) {
      this.#file.release(this.#pages.offset[i]!, this.#pages.end[i]! - this.#pages.start[i]!);
    }
    this.#pages.clear();
    this.used = 0;
  }
}

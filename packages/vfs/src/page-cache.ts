// A page cache in the memory file, for mmap(2) of files that have no pages of their own: those of a filesystem written in JavaScript. It holds pages
// while the file is mapped and no longer, so that nothing is left to drop when memory is short. Stores of programs are written back on
// msync(2), fsync(2), close and before a read(2) of the same file; a write(2) shows in the mappings when the filesystem says so.
import { EIO, ENOMEM } from '@sandbox-kernel/abi';
import {
  type Backing,
  CHUNK_SIZE,
  type Mappable,
  type MappingOwner,
  MEMORY_FILE,
  PAGE_SIZE,
  type PageStore,
} from '@sandbox-kernel/contracts';
import type { Inode } from './inode.js';
import { addRange, invalidateRanges, type MappedRange, removeRange } from './mappings.js';
import { copyBytes } from './segments.js';
import { PageMap } from './tmpfs/page-map.js';

/** Where the content is. Both are synchronous; bytes done, or -errno. */
export interface PageSource {
  readPage(offset: number, into: Uint8Array, at: number, length: number): number;
  writePage(offset: number, from: Uint8Array, at: number, length: number): number;
}

export class PageCache implements Mappable {
  readonly anonymous: boolean;
  readonly file: Inode;
  /** For /proc/PID/maps. */
  name: string;
  private readonly source: PageSource;
  private readonly pages: PageStore;
  private readonly map: PageMap;
  private readonly mappings: MappedRange[];
  /** Pages that programs may have stored to. */
  private readonly writable: Set<number>;

  constructor(inode: Inode, source: PageSource) {
    this.anonymous = false;
    this.file = inode;
    this.name = '';
    this.source = source;
    this.pages = inode.superblock.vfs.pages;
    this.map = new PageMap();
    this.mappings = [];
    this.writable = new Set();
  }

  get deviceMajor(): number {
    return 0;
  }

  get deviceMinor(): number {
    return this.file.superblock.device & 0xff;
  }

  get inode(): number {
    return this.file.number;
  }

  translate(offset: number, _length: number, write: boolean, out: Backing): number {
    if (offset < 0 || offset >= this.file.size) return -EIO;
    const page = Math.floor(offset / PAGE_SIZE);
    const base = this.obtain(page);
    if (base < 0) return base;
    if (write) this.writable.add(page);
    out.fd = MEMORY_FILE;
    out.offset = base;
    out.length = PAGE_SIZE;
    return 0;
  }

  readAt(offset: number, into: Uint8Array, at: number, length: number): number {
    return this.access(offset, length, (base, done, size) => {
      copyBytes(this.pages.chunk(base), base % CHUNK_SIZE, into, at + done, size);
    });
  }

  writeAt(offset: number, from: Uint8Array, at: number, length: number): number {
    return this.access(offset, length, (base, done, size) => {
      copyBytes(from, at + done, this.pages.chunk(base), base % CHUNK_SIZE, size);
      this.writable.add(Math.floor((offset + done) / PAGE_SIZE));
    });
  }

  addMapping(owner: MappingOwner, offset: number, length: number, shared: boolean, writable: boolean): void {
    this.file.retain();
    addRange(this.mappings, owner, offset, length, shared, writable);
  }

  removeMapping(
    owner: MappingOwner,
    offset: number,
    length: number,
    shared: boolean,
    writable: boolean,
  ): void {
    if (!removeRange(this.mappings, owner, offset, length, shared, writable)) return;
    if (this.mappings.length === 0) this.drop();
    this.file.release();
  }

  /** Writes back what programs may have stored in the range. 0 or the first -errno. */
  sync(offset: number, length: number): number {
    let error = 0;
    for (const page of this.writable) {
      const start = page * PAGE_SIZE;
      if (start + PAGE_SIZE <= offset || start >= offset + length) continue;
      const base = this.map.get(page);
      const size = Math.min(PAGE_SIZE, this.file.size - start);
      if (base < 0 || size <= 0) continue;
      const done = this.source.writePage(start, this.pages.chunk(base), base % CHUNK_SIZE, size);
      if (done < 0 && error === 0) error = done;
    }
    return error;
  }

  /**
   * For the filesystem: write(2) has changed the range, so that what is mapped is read again. It has called `sync` before the write: stores that
   * were not written back are lost.
   */
  changed(offset: number, length: number): void {
    const end = Math.ceil((offset + length) / PAGE_SIZE);
    let page = this.map.nextPresent(Math.floor(offset / PAGE_SIZE), end);
    for (; page < end; page = this.map.nextPresent(page + 1, end)) this.load(page, this.map.get(page));
  }

  /** For the filesystem: the file became shorter. What lies beyond its end is gone; an access to it raises SIGBUS. */
  truncated(): void {
    const first = Math.ceil(this.file.size / PAGE_SIZE);
    invalidateRanges(this.mappings, this, first * PAGE_SIZE, Number.MAX_SAFE_INTEGER - first * PAGE_SIZE);
    this.free(first);
    const inside = this.file.size % PAGE_SIZE;
    const base = inside === 0 ? -1 : this.map.get(first - 1);
    if (base < 0) return;
    const at = base % CHUNK_SIZE;
    this.pages.chunk(base).fill(0, at + inside, at + PAGE_SIZE);
  }

  mapName(): string {
    return this.name;
  }

  /** The last mapping is gone. Errors have nobody to be told to any more. */
  private drop(): void {
    this.sync(0, Number.POSITIVE_INFINITY);
    this.free(0);
  }

  private free(first: number): void {
    this.map.release(this.pages, first, Number.MAX_SAFE_INTEGER);
    for (const page of this.writable) if (page >= first) this.writable.delete(page);
  }

  private obtain(page: number): number {
    const present = this.map.get(page);
    if (present >= 0) return present;
    const base = this.pages.allocate(PAGE_SIZE);
    if (base < 0) return -ENOMEM;
    const result = this.load(page, base);
    if (result < 0) {
      this.pages.release(base, PAGE_SIZE);
      return result;
    }
    this.map.set(page, base);
    return base;
  }

  /** Fills a page from the source; zeros behind the file's end. 0 or -errno. */
  private load(page: number, base: number): number {
    const chunk = this.pages.chunk(base);
    const at = base % CHUNK_SIZE;
    const size = Math.max(Math.min(PAGE_SIZE, this.file.size - page * PAGE_SIZE), 0);
    let done = 0;
    while (done < size) {
      const n = this.source.readPage(page * PAGE_SIZE + done, chunk, at + done, size - done);
      if (n < 0) return n;
      if (n === 0) break;
      done += n;
    }
    chunk.fill(0, at + done, at + PAGE_SIZE);
    return 0;
  }

  /** Calls `move` with each piece within a page: place in the memory file, bytes before it, its size. Bytes, or -errno. */
  private access(
    offset: number,
    length: number,
    move: (base: number, done: number, size: number) => void,
  ): number {
    const end = Math.ceil(this.file.size / PAGE_SIZE) * PAGE_SIZE;
    const total = Math.max(Math.min(length, end - offset), 0);
    for (let done = 0; done < total; ) {
      const inside = (offset + done) % PAGE_SIZE;
      const size = Math.min(PAGE_SIZE - inside, total - done);
      const base = this.obtain(Math.floor((offset + done) / PAGE_SIZE));
      if (base < 0) return done > 0 ? done : base;
      move(base + inside, done, size);
      done += size;
    }
    return total;
  }
}

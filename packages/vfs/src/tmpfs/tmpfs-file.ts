// The data of one regular tmpfs file: pages of the memory file, sparse, mappable. Also behind memfd_create(2) (seals).
import {
  EBUSY,
  EFBIG,
  EINVAL,
  EIO,
  ENOMEM,
  ENOSPC,
  ENXIO,
  EPERM,
  F_SEAL_EXEC,
  F_SEAL_FUTURE_WRITE,
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
} from '@sandbox-kernel/abi';
import {
  type Backing,
  CHUNK_SIZE,
  type IoSegments,
  type Mappable,
  type MappingOwner,
  MEMORY_FILE,
  PAGE_SIZE,
  type PageStore,
} from '@sandbox-kernel/contracts';
import type { Inode } from '../inode.js';
import type { MappedRange } from '../mappings.js';
import { addRange, invalidateRanges, removeRange } from '../mappings.js';
import { type ByteSegments, copyBytes, gather, scatter, scatterZeros } from '../segments.js';
import { PageMap } from './page-map.js';
import type { TmpfsUsage } from './tmpfs-usage.js';

/** Pages taken at once for a large write: consecutive in the memory file, so that copies and mappings are long. */
const RUN = 64;
const ALL_SEALS =
  F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE | F_SEAL_EXEC;

export class TmpfsFile implements Mappable {
  readonly anonymous: boolean;
  readonly inodeObject: Inode;
  readonly map: PageMap;
  readonly mappings: MappedRange[];
  seals: number;
  /** Where it was mapped from, for /proc/PID/maps. */
  name: string;
  /** Pages that a userfaultfd has filled: there, whatever they hold. */
  private provided: Set<number> | null;
  private readonly pages: PageStore;
  private readonly usage: TmpfsUsage;

  constructor(inode: Inode, usage: TmpfsUsage) {
    this.anonymous = false;
    this.inodeObject = inode;
    this.map = new PageMap();
    this.mappings = [];
    this.seals = F_SEAL_SEAL;
    this.name = '';
    this.provided = null;
    this.pages = inode.superblock.vfs.pages;
    this.usage = usage;
  }

  get deviceMajor(): number {
    return 0;
  }

  get deviceMinor(): number {
    return this.inodeObject.superblock.device & 0xff;
  }

  get inode(): number {
    return this.inodeObject.number;
  }

  read(io: IoSegments, offset: number): number {
    const length = Math.min(io.total, this.inodeObject.size - offset);
    let done = 0;
    while (done < length) {
      const at = offset + done;
      const page = Math.floor(at / PAGE_SIZE);
      const inside = at - page * PAGE_SIZE;
      const base = this.map.get(page);
      const run = this.runLength(page, base, length - done + inside) * PAGE_SIZE - inside;
      const size = Math.min(run, length - done);
      if (base < 0) scatterZeros(io, done, size);
      else scatter(io, done, this.pages.chunk(base), (base % CHUNK_SIZE) + inside, size);
      done += size;
    }
    return done;
  }

  /** Bytes written (short when space runs out), or -errno. Grows the size; times are the caller's. */
  write(io: IoSegments, offset: number): number {
    const length = io.total;
    if (length === 0) return 0;
    if ((this.seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) !== 0) return -EPERM;
    if ((this.seals & F_SEAL_GROW) !== 0 && offset + length > this.inodeObject.size) return -EPERM;
    if (offset + length > this.inodeObject.superblock.maxFileSize) return -EFBIG;
    let done = 0;
    while (done < length) {
      const at = offset + done;
      const page = Math.floor(at / PAGE_SIZE);
      const inside = at - page * PAGE_SIZE;
      const base = this.obtain(page, Math.ceil((length - done + inside) / PAGE_SIZE));
      if (base < 0) {
        if (done === 0) return base;
        break;
      }
      const run = this.runLength(page, base, length - done + inside) * PAGE_SIZE - inside;
      const size = Math.min(run, length - done);
      gather(io, done, this.pages.chunk(base), (base % CHUNK_SIZE) + inside, size);
      done += size;
    }
    if (offset + done > this.inodeObject.size) this.inodeObject.size = offset + done;
    return done;
  }

  /** Sets the size; pages beyond go, the tail of the last one is cleared. */
  truncate(size: number): number {
    const old = this.inodeObject.size;
    if (size > this.inodeObject.superblock.maxFileSize) return -EFBIG;
    if (size < old && (this.seals & F_SEAL_SHRINK) !== 0) return -EPERM;
    if (size > old && (this.seals & F_SEAL_GROW) !== 0) return -EPERM;
    this.inodeObject.size = size;
    if (size >= old) return 0;
    const keep = Math.ceil(size / PAGE_SIZE);
    const end = Math.ceil(old / PAGE_SIZE);
    invalidateRanges(this.mappings, this, keep * PAGE_SIZE, (end - keep) * PAGE_SIZE);
    this.free(keep, Number.MAX_SAFE_INTEGER);
    this.clearPart(size, keep * PAGE_SIZE);
    return 0;
  }

  /** FALLOC_FL_PUNCH_HOLE: whole pages go, parts are cleared. */
  punch(offset: number, length: number): number {
    if ((this.seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) !== 0) return -EPERM;
    const end = offset + length;
    const first = Math.ceil(offset / PAGE_SIZE);
    const last = Math.floor(end / PAGE_SIZE);
    if (first > last) {
      this.clearPart(offset, end);
      return 0;
    }
    this.clearPart(offset, first * PAGE_SIZE);
    this.clearPart(last * PAGE_SIZE, end);
    if (last > first) {
      invalidateRanges(this.mappings, this, first * PAGE_SIZE, (last - first) * PAGE_SIZE);
      this.free(first, last);
    }
    return 0;
  }

  /** fallocate(2) mode 0: takes all pages of the range. All or nothing. */
  reserve(offset: number, length: number): number {
    const end = Math.ceil((offset + length) / PAGE_SIZE);
    const first = Math.floor(offset / PAGE_SIZE);
    if (end - first > this.usage.maxPages) return -ENOSPC;
    // What can't fit is refused before any of it is taken.
    if ((end - first - this.map.count) * PAGE_SIZE > (this.pages.limit ?? Number.POSITIVE_INFINITY))
      return -ENOMEM;
    /** Ranges of holes that were taken, as pairs. */
    const taken: number[] = [];
    for (let page = this.map.nextHole(first, end); page < end; page = this.map.nextHole(page, end)) {
      const start = page;
      const stop = this.map.nextPresent(start, end);
      taken.push(start, stop);
      while (page < stop) {
        const base = this.obtain(page, stop - page);
        if (base < 0) {
          for (let i = 0; i < taken.length; i += 2) this.free(taken[i]!, taken[i + 1]!);
          return base;
        }
        page = this.map.nextHole(page, stop);
      }
    }
    return 0;
  }

  /** Takes the pages of [offset, offset+length) and adds them to `io`, to be filled in place. Grows the size. Bytes, or -errno. */
  expose(offset: number, length: number, io: ByteSegments): number {
    let done = 0;
    while (done < length) {
      const page = Math.floor((offset + done) / PAGE_SIZE);
      const inside = offset + done - page * PAGE_SIZE;
      const base = this.obtain(page, Math.ceil((length - done + inside) / PAGE_SIZE));
      if (base < 0) return base;
      const run = this.runLength(page, base, length - done + inside) * PAGE_SIZE - inside;
      const size = Math.min(run, length - done);
      io.add(this.pages.chunk(base), (base % CHUNK_SIZE) + inside, size, base + inside);
      done += size;
    }
    this.inodeObject.size = Math.max(this.inodeObject.size, offset + done);
    return done;
  }

  /** SEEK_DATA, SEEK_HOLE. Pre: offset < size. */
  seekExtent(offset: number, data: boolean): number {
    const size = this.inodeObject.size;
    const end = Math.ceil(size / PAGE_SIZE);
    const from = Math.floor(offset / PAGE_SIZE);
    const page = data ? this.map.nextPresent(from, end) : this.map.nextHole(from, end);
    if (data && page >= end) return -ENXIO;
    return Math.min(Math.max(page * PAGE_SIZE, offset), size);
  }

  /** The inode is gone. */
  destroy(): void {
    this.free(0, Number.MAX_SAFE_INTEGER);
  }

  /** fcntl(2) F_ADD_SEALS. */
  addSeals(seals: number): number {
    if ((seals & ~ALL_SEALS) !== 0) return -EINVAL;
    if ((this.seals & F_SEAL_SEAL) !== 0) return -EPERM;
    const denies = (seals & F_SEAL_WRITE) !== 0 && (this.seals & F_SEAL_WRITE) === 0;
    if (denies && this.mappings.some((range) => range.shared && range.writable)) return -EBUSY;
    this.seals |= seals;
    // What can be executed is not to be written to any more either.
    if ((seals & F_SEAL_EXEC) !== 0 && (this.inodeObject.mode & 0o111) !== 0)
      this.seals |= F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
    return 0;
  }

  translate(offset: number, length: number, _write: boolean, out: Backing): number {
    if (offset >= this.inodeObject.size) return -EIO;
    const page = Math.floor(offset / PAGE_SIZE);
    const end = Math.ceil(this.inodeObject.size / PAGE_SIZE);
    const wanted = Math.min(Math.ceil(length / PAGE_SIZE), end - page);
    const base = this.obtain(page, wanted);
    if (base < 0) return base;
    out.fd = MEMORY_FILE;
    out.offset = base;
    out.length = this.runLength(page, base, wanted * PAGE_SIZE) * PAGE_SIZE;
    return 0;
  }

  // ── for userfaultfd(2), see mm's fault monitor ──

  covers(offset: number): boolean {
    return offset < this.inodeObject.size;
  }

  /** Is there a page with content at `offset`? Mapping takes pages ahead of need, so that one that holds zeros does not count. */
  hasPage(offset: number): boolean {
    const page = Math.floor(offset / PAGE_SIZE);
    const base = this.map.get(page);
    if (base < 0) return false;
    if (this.provided?.has(page) === true) return true;
    const chunk = this.pages.chunk(base);
    const words = new Float64Array(chunk.buffer, chunk.byteOffset + (base % CHUNK_SIZE), PAGE_SIZE / 8);
    return !words.every((word) => Object.is(word, 0));
  }

  /** The page at `offset` is there from now on, whatever it holds. */
  providePage(offset: number): void {
    this.provided ??= new Set();
    this.provided.add(Math.floor(offset / PAGE_SIZE));
  }

  readAt(offset: number, into: Uint8Array, at: number, length: number): number {
    const end = Math.ceil(this.inodeObject.size / PAGE_SIZE) * PAGE_SIZE;
    const total = Math.max(Math.min(length, end - offset), 0);
    for (let done = 0; done < total; ) {
      const position = offset + done;
      const page = Math.floor(position / PAGE_SIZE);
      const inside = position - page * PAGE_SIZE;
      const size = Math.min(PAGE_SIZE - inside, total - done);
      const base = this.map.get(page);
      if (base < 0) into.fill(0, at + done, at + done + size);
      else copyBytes(this.pages.chunk(base), (base % CHUNK_SIZE) + inside, into, at + done, size);
      done += size;
    }
    return total;
  }

  writeAt(offset: number, from: Uint8Array, at: number, length: number): number {
    const end = Math.ceil(this.inodeObject.size / PAGE_SIZE) * PAGE_SIZE;
    const total = Math.max(Math.min(length, end - offset), 0);
    for (let done = 0; done < total; ) {
      const position = offset + done;
      const page = Math.floor(position / PAGE_SIZE);
      const inside = position - page * PAGE_SIZE;
      const size = Math.min(PAGE_SIZE - inside, total - done);
      const base = this.obtain(page, 1);
      if (base < 0) return done > 0 ? done : base;
      copyBytes(from, at + done, this.pages.chunk(base), (base % CHUNK_SIZE) + inside, size);
      done += size;
    }
    return total;
  }

  addMapping(owner: MappingOwner, offset: number, length: number, shared: boolean, writable: boolean): void {
    this.inodeObject.retain();
    // Stores through the mapping are not seen, and mprotect(2) may allow them later.
    if (shared) this.inodeObject.version++;
    if (shared && writable) this.inodeObject.superblock.writers++;
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
    if (shared && writable) this.inodeObject.superblock.writers--;
    this.inodeObject.release();
  }

  sync(): number {
    return 0;
  }

  mapName(): string {
    return this.name;
  }

  /** The page, taken when it is a hole, along with up to `wanted` holes after it. Offset in the memory file, or -errno. */
  private obtain(page: number, wanted: number): number {
    const present = this.map.get(page);
    if (present >= 0) return present;
    const holes = this.map.nextPresent(page, page + Math.min(wanted, RUN)) - page;
    const granted = this.usage.takePages(holes);
    if (granted === 0) return -ENOSPC;
    let count = granted;
    let base = this.pages.allocate(count * PAGE_SIZE);
    if (base < 0 && count > 1) {
      count = 1;
      base = this.pages.allocate(PAGE_SIZE);
    }
    if (base < 0) count = 0;
    this.usage.givePages(granted - count);
    for (let i = 0; i < count; i++) this.map.set(page + i, base + i * PAGE_SIZE);
    this.inodeObject.blocks = this.map.count * 8;
    return base < 0 ? -ENOMEM : base;
  }

  /** Pages from `page` on that lie side by side in the memory file (or are holes), enough to cover `bytes`. At least 1. */
  private runLength(page: number, base: number, bytes: number): number {
    const most = Math.ceil(bytes / PAGE_SIZE);
    let count = 1;
    if (base < 0) return Math.max(this.map.nextPresent(page + 1, page + most) - page, 1);
    const room = Math.floor((CHUNK_SIZE - (base % CHUNK_SIZE)) / PAGE_SIZE);
    while (count < most && count < room && this.map.get(page + count) === base + count * PAGE_SIZE) count++;
    return count;
  }

  private clearPart(from: number, to: number): void {
    if (to <= from) return;
    for (let at = from; at < to; ) {
      const page = Math.floor(at / PAGE_SIZE);
      const stop = Math.min((page + 1) * PAGE_SIZE, to);
      const base = this.map.get(page);
      if (base >= 0) {
        const start = (base % CHUNK_SIZE) + (at - page * PAGE_SIZE);
        this.pages.chunk(base).fill(0, start, start + (stop - at));
      }
      at = stop;
    }
  }

  private free(first: number, end: number): void {
    this.usage.givePages(this.map.release(this.pages, first, end));
    this.inodeObject.blocks = this.map.count * 8;
    this.forgetProvided(first, end);
  }

  private forgetProvided(first: number, end: number): void {
    if (this.provided === null) return;
    for (const page of this.provided) if (page >= first && page < end) this.provided.delete(page);
  }
}

// The buffer behind pipe(7) and fifo(7): a ring of slots, each with one page of the memory file. Slots and merging follow Linux, so
// that capacity, PIPE_BUF atomicity and readiness come out the same: small writes fill the last page, a packet has its own.
import {
  EAGAIN,
  EBUSY,
  EFAULT,
  EINVAL,
  ENOMEM,
  EPERM,
  EPIPE,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  POLLRDNORM,
  POLLWRNORM,
} from '@sandbox-kernel/abi';
import type { IoSegments } from '@sandbox-kernel/contracts';
import { CHUNK_SIZE, PAGE_SIZE, type PageStore } from '@sandbox-kernel/contracts';
import { type ByteSegments, gather, scatter } from '../segments.js';
import { PipeWaiters } from './pipe-waiters.js';

/** Pages of a fresh pipe. */
export const DEFAULT_SLOTS = 16;
const NO_PAGE = -1;
const MERGE = 1;
const PACKET = 2;

export class Pipe {
  readonly pages: PageStore;
  readonly waiters: PipeWaiters;
  readers: number;
  writers: number;
  /** Opens so far: how a FIFO's open knows that a peer came (and maybe went). */
  readerOpens: number;
  writerOpens: number;
  /** Open descriptions of either kind. */
  users: number;
  private slots: number;
  private head: number;
  private used: number;
  private page: number[];
  private start: number[];
  private length: number[];
  private flags: number[];
  /** One page kept for the next write. */
  private spare: number;

  constructor(pages: PageStore) {
    this.pages = pages;
    this.waiters = new PipeWaiters();
    this.readers = 0;
    this.writers = 0;
    this.readerOpens = 0;
    this.writerOpens = 0;
    this.users = 0;
    this.slots = DEFAULT_SLOTS;
    this.head = 0;
    this.used = 0;
    this.page = new Array<number>(DEFAULT_SLOTS).fill(NO_PAGE);
    this.start = new Array<number>(DEFAULT_SLOTS).fill(0);
    this.length = new Array<number>(DEFAULT_SLOTS).fill(0);
    this.flags = new Array<number>(DEFAULT_SLOTS).fill(0);
    this.spare = NO_PAGE;
  }

  get empty(): boolean {
    return this.used === 0;
  }

  get full(): boolean {
    return this.used === this.slots;
  }

  /** F_GETPIPE_SZ. */
  get capacity(): number {
    return this.slots * PAGE_SIZE;
  }

  /** Bytes that certainly fit: whole pages, as the last one may belong to somebody else too. */
  get room(): number {
    return (this.slots - this.used) * PAGE_SIZE;
  }

  /** FIONREAD. */
  get available(): number {
    let bytes = 0;
    for (let i = 0; i < this.used; i++) bytes += this.length[(this.head + i) & (this.slots - 1)]!;
    return bytes;
  }

  /** Bytes; 0 at end of file; -EAGAIN while empty with a writer left. A packet ends the read, its rest is lost. */
  read(io: IoSegments): number {
    if (io.total === 0) return 0;
    let done = 0;
    let wasFull = false;
    while (this.used > 0 && done < io.total) {
      const slot = this.head;
      const size = Math.min(this.length[slot]!, io.total - done);
      const page = this.page[slot]!;
      scatter(io, done, this.pages.chunk(page), (page % CHUNK_SIZE) + this.start[slot]!, size);
      done += size;
      const packet = (this.flags[slot]! & PACKET) !== 0;
      if (packet || size === this.length[slot]!) {
        wasFull ||= this.full;
        this.drop();
      } else this.advance(slot, size);
      if (packet) break;
    }
    this.waiters.read(wasFull);
    if (done > 0) return done;
    return this.writers === 0 ? 0 : -EAGAIN;
  }

  /** vmsplice(2) out of a pipe: as `read`, but packets have no ends, and what it wakes hears no key. */
  drain(io: IoSegments): number {
    let done = 0;
    for (let i = 0; i < this.used && done < io.total; i++) {
      const slot = (this.head + i) & (this.slots - 1);
      const size = Math.min(this.length[slot]!, io.total - done);
      const page = this.page[slot]!;
      scatter(io, done, this.pages.chunk(page), (page % CHUNK_SIZE) + this.start[slot]!, size);
      done += size;
    }
    if (done === 0) return this.writers === 0 || io.total === 0 ? 0 : -EAGAIN;
    this.consume(done);
    return done;
  }

  /** A read into memory that isn't there: finds out only when there is something to copy. */
  readNowhere(): number {
    this.waiters.read(false);
    if (!this.empty) return -EFAULT;
    return this.writers === 0 ? 0 : -EAGAIN;
  }

  /** Bytes taken from `io`, `skip` bytes from its start; less when full; -EAGAIN when nothing fits; -EPIPE without readers. */
  write(io: IoSegments, skip: number, packets: boolean): number {
    const total = io.total - skip;
    if (total <= 0) return 0;
    if (this.readers === 0) return -EPIPE;
    let done = packets ? 0 : this.merge(io, skip, total % PAGE_SIZE);
    while (done < total && this.used < this.slots) {
      const page = this.takePage();
      if (page < 0) {
        if (done > 0) break;
        this.waiters.written();
        return -ENOMEM;
      }
      const size = Math.min(PAGE_SIZE, total - done);
      gather(io, skip + done, this.pages.chunk(page), page % CHUNK_SIZE, size);
      this.push(page, 0, size, packets ? PACKET : MERGE);
      done += size;
    }
    this.waiters.written();
    return done === 0 ? -EAGAIN : done;
  }

  /** A write from memory that isn't there: finds out only when there is room. */
  writeNowhere(bytes: number, packets: boolean): number {
    if (this.readers === 0) return -EPIPE;
    this.waiters.written();
    return this.full && (packets || !this.merges(bytes % PAGE_SIZE)) ? -EAGAIN : -EFAULT;
  }

  /**
   * splice(2) and vmsplice(2) into a pipe: pages that nobody appends to, the first of which ends where a page of the source does that began
   * `lead` bytes before. Bytes taken; -EAGAIN; -EPIPE.
   */
  fill(io: IoSegments, lead: number): number {
    if (io.total === 0) return 0;
    if (this.readers === 0) return -EPIPE;
    let done = 0;
    while (done < io.total && !this.full) {
      const page = this.takePage();
      if (page < 0) break;
      const size = Math.min(PAGE_SIZE - ((lead + done) % PAGE_SIZE), io.total - done);
      gather(io, done, this.pages.chunk(page), page % CHUNK_SIZE, size);
      this.push(page, 0, size, 0);
      done += size;
    }
    if (done > 0) this.waiters.splicedIn();
    else if (!this.full) return -ENOMEM;
    return done === 0 ? -EAGAIN : done;
  }

  /** Reads without consuming: tee(2). Copies up to `limit` bytes of this pipe to another. Bytes, or -EAGAIN. */
  tee(into: Pipe, limit: number): number {
    if (into.readers === 0) return -EPIPE;
    let done = 0;
    for (let i = 0; i < this.used && !into.full && done < limit; i++) {
      const slot = (this.head + i) & (this.slots - 1);
      const size = Math.min(this.length[slot]!, limit - done);
      const page = this.page[slot]!;
      this.pages.retain(page, PAGE_SIZE);
      into.push(page, this.start[slot]!, size, this.flags[slot]! & ~MERGE);
      // The page has two owners now: nobody may append to it.
      this.flags[slot] = this.flags[slot]! & ~MERGE;
      done += size;
    }
    if (done > 0) into.waiters.splicedIn();
    return done;
  }

  /** splice(2) between pipes: moves up to `limit` bytes. Bytes moved. */
  moveTo(into: Pipe, limit: number): number {
    let done = 0;
    let emptied = false;
    while (this.used > 0 && !into.full && done < limit) {
      const slot = this.head;
      const size = Math.min(this.length[slot]!, limit - done);
      const page = this.page[slot]!;
      this.pages.retain(page, PAGE_SIZE);
      into.push(page, this.start[slot]!, size, this.flags[slot]! & ~MERGE);
      if (size === this.length[slot]!) {
        this.drop();
        emptied = true;
      } else this.advance(slot, size);
      done += size;
    }
    if (done > 0) into.waiters.splicedIn();
    if (emptied) this.waiters.splicedOut();
    return done;
  }

  /** The first `limit` bytes as segments, where they lie. They stay in the pipe until `consume`. */
  peek(io: ByteSegments, limit: number): void {
    for (let i = 0; i < this.used && io.total < limit; i++) {
      const slot = (this.head + i) & (this.slots - 1);
      const page = this.page[slot]!;
      const size = Math.min(this.length[slot]!, limit - io.total);
      io.add(this.pages.chunk(page), (page % CHUNK_SIZE) + this.start[slot]!, size);
    }
  }

  /** Pre: as many bytes are there. */
  consume(bytes: number): void {
    let emptied = false;
    for (let left = bytes; left > 0; ) {
      const slot = this.head;
      const size = Math.min(this.length[slot]!, left);
      if (size === this.length[slot]!) {
        this.drop();
        emptied = true;
      } else this.advance(slot, size);
      left -= size;
    }
    if (emptied) this.waiters.splicedOut();
  }

  pollRead(openState: number): number {
    let events = this.used > 0 ? POLLIN | POLLRDNORM : 0;
    if (this.writers === 0 && this.writerOpens !== openState) events |= POLLHUP;
    return events;
  }

  pollWrite(): number {
    const events = this.used < this.slots ? POLLOUT | POLLWRNORM : 0;
    return this.readers === 0 ? events | POLLERR : events;
  }

  /** F_SETPIPE_SZ. The new capacity, or -errno. `maximum`: what this caller may ask for. */
  resize(bytes: number, maximum: number): number {
    if (bytes < 0 || bytes > 2 ** 31) return -EINVAL;
    let slots = 1;
    while (slots * PAGE_SIZE < bytes) slots *= 2;
    const size = slots * PAGE_SIZE;
    if (slots > this.slots && size > maximum) return -EPERM;
    if (slots < this.used) return -EBUSY;
    this.relocate(slots);
    this.waiters.resized();
    return size;
  }

  addReader(): void {
    this.readerOpens++;
    if (this.readers++ === 0) this.waiters.partnerCame();
  }

  addWriter(): void {
    this.writerOpens++;
    if (this.writers++ === 0) this.waiters.partnerCame();
  }

  /** One open description is gone. True when it was the last: the pipe has given its memory back. */
  leave(reader: boolean, writer: boolean): boolean {
    if (reader) this.readers--;
    if (writer) this.writers--;
    this.users--;
    if (this.users === 0) {
      this.clear();
      return true;
    }
    if (this.readers === 0 || this.writers === 0) this.waiters.partnerLeft();
    return false;
  }

  /** Does the last page take as many bytes more? */
  private merges(bytes: number): boolean {
    if (bytes === 0 || this.used === 0) return false;
    const last = (this.head + this.used - 1) & (this.slots - 1);
    return (this.flags[last]! & MERGE) !== 0 && this.start[last]! + this.length[last]! + bytes <= PAGE_SIZE;
  }

  private merge(io: IoSegments, skip: number, bytes: number): number {
    if (!this.merges(bytes)) return 0;
    const last = (this.head + this.used - 1) & (this.slots - 1);
    const end = this.start[last]! + this.length[last]!;
    const page = this.page[last]!;
    gather(io, skip, this.pages.chunk(page), (page % CHUNK_SIZE) + end, bytes);
    this.length[last] = this.length[last]! + bytes;
    return bytes;
  }

  private advance(slot: number, bytes: number): void {
    this.start[slot] = this.start[slot]! + bytes;
    this.length[slot] = this.length[slot]! - bytes;
  }

  private push(page: number, start: number, length: number, flags: number): void {
    const slot = (this.head + this.used++) & (this.slots - 1);
    this.page[slot] = page;
    this.start[slot] = start;
    this.length[slot] = length;
    this.flags[slot] = flags;
  }

  private drop(): void {
    const slot = this.head;
    const page = this.page[slot]!;
    this.page[slot] = NO_PAGE;
    this.head = (slot + 1) & (this.slots - 1);
    this.used--;
    // Only a page that was never shared may serve again.
    if (this.spare === NO_PAGE && (this.flags[slot]! & MERGE) !== 0) this.spare = page;
    else this.pages.release(page, PAGE_SIZE);
  }

  private takePage(): number {
    const spare = this.spare;
    if (spare === NO_PAGE) return this.pages.allocate(PAGE_SIZE);
    this.spare = NO_PAGE;
    return spare;
  }

  private relocate(slots: number): void {
    const page = new Array<number>(slots).fill(NO_PAGE);
    const start = new Array<number>(slots).fill(0);
    const length = new Array<number>(slots).fill(0);
    const flags = new Array<number>(slots).fill(0);
    for (let i = 0; i < this.used; i++) {
      const from = (this.head + i) & (this.slots - 1);
      page[i] = this.page[from]!;
      start[i] = this.start[from]!;
      length[i] = this.length[from]!;
      flags[i] = this.flags[from]!;
    }
    this.page = page;
    this.start = start;
    this.length = length;
    this.flags = flags;
    this.slots = slots;
    this.head = 0;
  }

  private clear(): void {
    while (this.used > 0) this.drop();
    if (this.spare !== NO_PAGE) this.pages.release(this.spare, PAGE_SIZE);
    this.spare = NO_PAGE;
  }
}

// The names of one directory held in memory, with cookies that stay right while entries come and go: a list in cookie order beside
// the map by name. Removed entries leave a gap that is closed now and then; reading goes on by binary search.
import { S_IFMT } from '@sandbox-kernel/abi';
import type { DirectorySink } from './directory-sink.js';
import type { Inode } from './inode.js';

export interface Entry {
  readonly name: string;
  /** Null: removed, waiting for the list to be packed. */
  inode: Inode | null;
  readonly cookie: number;
}

/** Cookies below are `.` and `..`. */
const FIRST_COOKIE = 2;

export class EntryList {
  private readonly byName: Map<string, Entry>;
  private list: Entry[];
  private nextCookie: number;
  private removed: number;

  constructor() {
    this.byName = new Map();
    this.list = [];
    this.nextCookie = FIRST_COOKIE;
    this.removed = 0;
  }

  get size(): number {
    return this.byName.size;
  }

  get(name: string): Inode | null {
    const entry = this.byName.get(name);
    return entry === undefined ? null : entry.inode;
  }

  /** Adds the name or puts another inode behind it. */
  set(name: string, inode: Inode): void {
    const old = this.byName.get(name);
    if (old !== undefined) {
      old.inode = inode;
      return;
    }
    const entry = { name, inode, cookie: this.nextCookie++ };
    this.byName.set(name, entry);
    this.list.push(entry);
  }

  delete(name: string): void {
    const entry = this.byName.get(name);
    if (entry === undefined) return;
    this.byName.delete(name);
    entry.inode = null;
    this.removed++;
    if (this.removed > 16 && this.removed > this.byName.size) this.pack();
  }

  /** Gives entries from `cookie` on to the sink until it has no room. The position to go on from. O(1) per entry. */
  emit(cookie: number, sink: DirectorySink): number {
    let position = cookie;
    for (let at = this.indexOf(cookie); at < this.list.length; at++) {
      const entry = this.list[at]!;
      const inode = entry.inode;
      if (inode === null) continue;
      if (!sink.add(entry.name, inode.number, (inode.mode & S_IFMT) >>> 12, entry.cookie + 1))
        return position;
      position = entry.cookie + 1;
    }
    return position;
  }

  names(): string[] {
    return [...this.byName.keys()];
  }

  private indexOf(cookie: number): number {
    let low = 0;
    let high = this.list.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.list[middle]!.cookie < cookie) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private pack(): void {
    this.list = this.list.filter((entry) => entry.inode !== null);
    this.removed = 0;
  }
}

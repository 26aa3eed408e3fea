// Free pages of the memory file as extents with boundary tags, in lists by size class: taking and giving back are constant time.
// Clean extents read as zeros; dirty ones still hold memory of the host and old content. The two never merge, nor do extents of two chunks.
import { CHUNK_SIZE, PAGE_SIZE } from '@sandbox-kernel/contracts';

const CHUNK_PAGES = CHUNK_SIZE / PAGE_SIZE;
const CLASSES = 20;
/** Entries of the list of the wanted size's own class that are looked at before a larger class is taken. */
const LOOK = 16;

const sizeClass = (pages: number): number => 31 - Math.clz32(pages);

export class FreeExtents {
  /** Pages in dirty extents. */
  dirtyPages: number;
  /** First and last page of an extent: its length, negative when dirty. 0: not free, or inside. */
  #tag: Int32Array;
  /** By first page: neighbours in its list, page + 1; 0 ends it. */
  #next: Int32Array;
  #previous: Int32Array;
  readonly #heads: Int32Array;

  constructor() {
    this.dirtyPages = 0;
    this.#tag = new Int32Array(0);
    this.#next = new Int32Array(0);
    this.#previous = new Int32Array(0);
    this.#heads = new Int32Array(2 * CLASSES);
  }

  /** Makes room for pages [0, pages). */
  reserve(pages: number): void {
    this.#tag = grown(this.#tag, pages);
    this.#next = grown(this.#next, pages);
    this.#previous = grown(this.#previous, pages);
  }

  /** Adds [page, page + pages), merging it with its neighbours. Pre: in one chunk, not free. */
  insert(page: number, pages: number, dirty: boolean): void {
    let first = page;
    let length = pages;
    if (first % CHUNK_PAGES !== 0) {
      const before = this.#tag[first - 1]!;
      if (before !== 0 && before < 0 === dirty) {
        first -= Math.abs(before);
        length += Math.abs(before);
        this.#unlink(first);
      }
    }
    const end = first + length;
    if (end % CHUNK_PAGES !== 0 && end < this.#tag.length) {
      const after = this.#tag[end]!;
      if (after !== 0 && after < 0 === dirty) {
        this.#unlink(end);
        length += Math.abs(after);
      }
    }
    this.#link(first, length, dirty);
  }

  /** Takes `pages` consecutive pages; the first, or -1. */
  take(pages: number, dirty: boolean): number {
    const first = this.#search(pages, dirty);
    if (first < 0) return -1;
    const length = Math.abs(this.#tag[first]!);
    this.#unlink(first);
    if (length > pages) this.#link(first + pages, length - pages, dirty);
    return first;
  }

  /** As `take` of clean pages, the first a multiple of `alignment` (a divisor of a chunk's pages). */
  takeAligned(pages: number, alignment: number): number {
    const first = this.#search(pages + alignment - 1, false);
    if (first < 0) return -1;
    const at = Math.ceil(first / alignment) * alignment;
    const end = first + this.length(first);
    this.#unlink(first);
    if (at > first) this.#link(first, at - first, false);
    if (end > at + pages) this.#link(at + pages, end - at - pages, false);
    return at;
  }

  /** Some dirty extent's first page, or -1 when there is none. */
  firstDirty(): number {
    for (let c = CLASSES; c < 2 * CLASSES; c++) {
      const head = this.#heads[c]!;
      if (head !== 0) return head - 1;
    }
    return -1;
  }

  /** Turns the dirty extent at `first` into a clean one; the caller has punched it. */
  clean(first: number): void {
    const length = this.length(first);
    this.#unlink(first);
    this.insert(first, length, false);
  }

  /** Pages of the extent that starts at `first`. */
  length(first: number): number {
    return Math.abs(this.#tag[first]!);
  }

  #search(pages: number, dirty: boolean): number {
    const base = dirty ? CLASSES : 0;
    let at = this.#heads[base + sizeClass(pages)]!;
    for (let n = 0; at !== 0 && n < LOOK; n++) {
      if (Math.abs(this.#tag[at - 1]!) >= pages) return at - 1;
      at = this.#next[at - 1]!;
    }
    for (let c = sizeClass(pages) + 1; c < CLASSES; c++) {
      const head = this.#heads[base + c]!;
      if (head !== 0) return head - 1;
    }
    // The rest of the own class, rather than growing the file.
    while (at !== 0) {
      if (Math.abs(this.#tag[at - 1]!) >= pages) return at - 1;
      at = this.#next[at - 1]!;
    }
    return -1;
  }

  #link(first: number, length: number, dirty: boolean): void {
    const tag = dirty ? -length : length;
    this.#tag[first] = tag;
    this.#tag[first + length - 1] = tag;
    const list = sizeClass(length) + (dirty ? CLASSES : 0);
    const head = this.#heads[list]!;
    this.#next[first] = head;
    this.#previous[first] = 0;
    if (head !== 0) this.#previous[head - 1] = first + 1;
    this.#heads[list] = first + 1;
    if (dirty) this.dirtyPages += length;
  }

  #unlink(first: number): void {
    const tag = this.#tag[first]!;
    const length = Math.abs(tag);
    const next = this.#next[first]!;
    const previous = this.#previous[first]!;
    if (next !== 0) this.#previous[next - 1] = previous;
    if (previous !== 0) this.#next[previous - 1] = next;
    else this.#heads[sizeClass(length) + (tag < 0 ? CLASSES : 0)] = next;
    this.#tag[first] = 0;
    this.#tag[first + length - 1] = 0;
    if (tag < 0) this.dirtyPages -= length;
  }
}

export function grown(array: Int32Array, length: number): Int32Array {
  if (length <= array.length) return array;
  const copy = new Int32Array(Math.max(length, array.length * 2));
  copy.set(array);
  return copy;
}

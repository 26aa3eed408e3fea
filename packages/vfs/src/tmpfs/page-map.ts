// Which page of the memory file holds each page of a file: leaves of up to 512 pages, so that sparse files of any size cost what
// they use and small ones a few words. A hole is -1.

import { CHUNK_SIZE, PAGE_SIZE, type PageStore } from '@sandbox-kernel/contracts';

const LEAF = 512;
const HOLE = -1;

export class PageMap {
  private readonly leaves: Map<number, Float64Array>;
  /** Pages present. */
  count: number;
  /** Of `release`: pages that lie side by side and have yet to be given back. */
  private runStart: number;
  private runPages: number;

  constructor() {
    this.leaves = new Map();
    this.count = 0;
    this.runStart = 0;
    this.runPages = 0;
  }

  /** Offset in the memory file, or -1. */
  get(page: number): number {
    const leaf = this.leaves.get(Math.floor(page / LEAF));
    if (leaf === undefined) return HOLE;
    const at = page % LEAF;
    return at < leaf.length ? leaf[at]! : HOLE;
  }

  /** Pre: the page is a hole. */
  set(page: number, offset: number): void {
    const index = Math.floor(page / LEAF);
    const at = page % LEAF;
    const leaf = this.leaves.get(index);
    if (leaf !== undefined && at < leaf.length) leaf[at] = offset;
    else this.grow(index, leaf, at)[at] = offset;
    this.count++;
  }

  /**
   * Makes holes of [first, end) and gives the pages to `store`, those that lie side by side at once: giving back is a call to the host.
   * How many went. Costs what the range holds, not what it spans.
   */
  release(store: PageStore, first: number, end: number): number {
    const before = this.count;
    this.runStart = 0;
    this.runPages = 0;
    const low = Math.floor(first / LEAF);
    const high = Math.ceil(end / LEAF);
    if (high - low <= this.leaves.size) {
      for (let index = low; index < high; index++) {
        const leaf = this.leaves.get(index);
        if (leaf !== undefined) this.releaseLeaf(store, index, leaf, first, end);
      }
    } else {
      for (const [index, leaf] of this.leaves) {
        if (index >= low && index < high) this.releaseLeaf(store, index, leaf, first, end);
      }
    }
    if (this.runPages > 0) store.release(this.runStart, this.runPages * PAGE_SIZE);
    return before - this.count;
  }

  private releaseLeaf(store: PageStore, index: number, leaf: Float64Array, first: number, end: number): void {
    const base = index * LEAF;
    const stop = Math.min(leaf.length, end - base);
    for (let at = Math.max(first - base, 0); at < stop; at++) {
      const offset = leaf[at]!;
      if (offset === HOLE) continue;
      leaf[at] = HOLE;
      this.count--;
      if (offset !== this.runStart + this.runPages * PAGE_SIZE || offset % CHUNK_SIZE === 0) {
        if (this.runPages > 0) store.release(this.runStart, this.runPages * PAGE_SIZE);
        this.runStart = offset;
        this.runPages = 0;
      }
      this.runPages++;
    }
    if (first <= base && end >= base + LEAF) this.leaves.delete(index);
  }

  /** First page in [from, end) that is present, or `end`. */
  nextPresent(from: number, end: number): number {
    let page = from;
    while (page < end) {
      const leaf = this.leaves.get(Math.floor(page / LEAF));
      const stop = Math.min(end, (Math.floor(page / LEAF) + 1) * LEAF);
      if (leaf === undefined) {
        page = this.leaves.size === 0 ? end : this.nextLeaf(page, end);
        continue;
      }
      for (; page < stop; page++) {
        const at = page % LEAF;
        if (at >= leaf.length) break;
        if (leaf[at] !== HOLE) return page;
      }
      page = stop;
    }
    return end;
  }

  /** First page in [from, end) that is a hole, or `end`. */
  nextHole(from: number, end: number): number {
    let page = from;
    while (page < end && this.get(page) !== HOLE) page++;
    return page;
  }

  /** Offset of each page present. */
  *offsets(): Generator<number> {
    for (const leaf of this.leaves.values()) for (const offset of leaf) if (offset !== HOLE) yield offset;
  }

  /** First page of the first leaf after the one of `page`: holes of terabytes are skipped by leaves that exist. */
  private nextLeaf(page: number, end: number): number {
    const current = Math.floor(page / LEAF);
    const last = Math.ceil(end / LEAF);
    if (last - current <= this.leaves.size) {
      for (let index = current + 1; index < last; index++) if (this.leaves.has(index)) return index * LEAF;
      return end;
    }
    let best = Number.POSITIVE_INFINITY;
    for (const index of this.leaves.keys()) if (index > current && index < best) best = index;
    return Math.min(end, best * LEAF);
  }

  private grow(index: number, old: Float64Array | undefined, at: number): Float64Array {
    let size = old === undefined ? 4 : old.length;
    while (size <= at) size *= 2;
    const leaf = new Float64Array(Math.min(size, LEAF)).fill(HOLE);
    if (old !== undefined) leaf.set(old);
    this.leaves.set(index, leaf);
    return leaf;
  }
}

// Limits of one tmpfs instance: tmpfs(5) size, nr_blocks, nr_inodes. Pages and inodes are counted when taken.

export class TmpfsUsage {
  maxPages: number;
  maxInodes: number;
  /** What it gets when nothing is asked for: not worth telling. */
  readonly defaultPages: number;
  readonly defaultInodes: number;
  pages: number;
  inodes: number;
  /** Other options, as /proc/mounts shows them. */
  shown: string;

  /** No limits but the `defaultPages`, `defaultInodes` that a share of memory makes. */
  constructor(defaultPages: number, defaultInodes: number) {
    this.maxPages = defaultPages;
    this.maxInodes = defaultInodes;
    this.defaultPages = defaultPages;
    this.defaultInodes = defaultInodes;
    this.pages = 0;
    this.inodes = 0;
    this.shown = '';
  }

  /** How many of `wanted` pages may be taken; they count as taken. */
  takePages(wanted: number): number {
    const got = Math.max(Math.min(wanted, this.maxPages - this.pages), 0);
    this.pages += got;
    return got;
  }

  givePages(count: number): void {
    this.pages -= count;
  }

  takeInode(): boolean {
    if (this.inodes >= this.maxInodes) return false;
    this.inodes++;
    return true;
  }
}

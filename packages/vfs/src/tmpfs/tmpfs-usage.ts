// Limits of one tmpfs instance: tmpfs(5) size, nr_blocks, nr_inodes. Pages and inodes are counted when taken.

export class TmpfsUsage {
  maxPages: number;
  maxInodes: number;
  pages: number;
  inodes: number;

  constructor(maxPages: number, maxInodes: number) {
    this.maxPages = maxPages;
    this.maxInodes = maxInodes;
    this.pages = 0;
    this.inodes = 0;
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

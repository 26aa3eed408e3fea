// The filesystem role with nothing special: for small filesystems whose inodes need no care and no memory of their own.
import type { Inode } from './inode.js';
import type { StatfsData } from './stat.js';
import type { Filesystem, Superblock } from './superblock.js';

export class PlainFilesystem implements Filesystem {
  readonly type: string;
  private readonly magic: number;

  constructor(type: string, magic: number) {
    this.type = type;
    this.magic = magic;
  }

  statfs(_superblock: Superblock, out: StatfsData): number {
    out.type = this.magic;
    return 0;
  }

  sync(_superblock: Superblock): number {
    return 0;
  }

  evict(_inode: Inode): void {}

  unmount(superblock: Superblock): void {
    superblock.root = null;
  }

  options(_superblock: Superblock): string {
    return '';
  }

  remount(_superblock: Superblock, _flags: number, _data: string): number {
    return 0;
  }
}

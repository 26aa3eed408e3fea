// Stats as node:fs gives them, as far as programs read them.
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK } from '@sandbox-kernel/abi';
import type { StatData } from '../stat.js';

export class Stats {
  readonly dev: number;
  readonly ino: number;
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly rdev: number;
  readonly size: number;
  readonly blksize: number;
  readonly blocks: number;
  readonly atimeMs: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly birthtimeMs: number;

  constructor(data: StatData) {
    this.dev = data.device;
    this.ino = data.inode;
    this.mode = data.mode;
    this.nlink = data.links;
    this.uid = data.uid;
    this.gid = data.gid;
    this.rdev = data.rdev;
    this.size = data.size;
    this.blksize = data.blockSize;
    this.blocks = data.blocks;
    this.atimeMs = data.atime * 1000 + data.atimeNanos / 1e6;
    this.mtimeMs = data.mtime * 1000 + data.mtimeNanos / 1e6;
    this.ctimeMs = data.ctime * 1000 + data.ctimeNanos / 1e6;
    this.birthtimeMs = data.btime * 1000 + data.btimeNanos / 1e6;
  }

  get atime(): Date {
    return new Date(this.atimeMs);
  }

  get mtime(): Date {
    return new Date(this.mtimeMs);
  }

  get ctime(): Date {
    return new Date(this.ctimeMs);
  }

  get birthtime(): Date {
    return new Date(this.birthtimeMs);
  }

  isFile(): boolean {
    return (this.mode & S_IFMT) === S_IFREG;
  }

  isDirectory(): boolean {
    return (this.mode & S_IFMT) === S_IFDIR;
  }

  isSymbolicLink(): boolean {
    return (this.mode & S_IFMT) === S_IFLNK;
  }

  isFIFO(): boolean {
    return (this.mode & S_IFMT) === S_IFIFO;
  }

  isSocket(): boolean {
    return (this.mode & S_IFMT) === S_IFSOCK;
  }

  isCharacterDevice(): boolean {
    return (this.mode & S_IFMT) === S_IFCHR;
  }

  isBlockDevice(): boolean {
    return (this.mode & S_IFMT) === S_IFBLK;
  }
}

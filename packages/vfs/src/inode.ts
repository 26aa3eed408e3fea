// A file itself, without name (Linux: struct inode). One class for every filesystem keeps property access monomorphic;
// what a filesystem must remember stands in `data`, what it does in `ops`.
import { S_IFDIR, S_IFLNK, S_IFMT } from '@sandbox-kernel/abi';
import type { PosixAcl } from './acl/posix-acl.js';
import type { InodeOps } from './inode-ops.js';
import type { InodeLocks } from './locks/inode-locks.js';
import type { WatchList } from './notify/watch-list.js';
import type { Pipe } from './pipe/pipe.js';
import type { Superblock } from './superblock.js';

export class Inode {
  readonly superblock: Superblock;
  readonly ops: InodeOps;
  /** Changes once at most: a copy that an overlay makes of one name among several is another file. */
  number: number;
  /** Type and permission bits. */
  mode: number;
  uid: number;
  gid: number;
  links: number;
  rdev: number;
  size: number;
  /** 512-byte units in use. */
  blocks: number;
  atime: number;
  atimeNanos: number;
  mtime: number;
  mtimeNanos: number;
  ctime: number;
  ctimeNanos: number;
  btime: number;
  btimeNanos: number;
  /** Dentries, mappings and others that keep it in memory. At 0 the filesystem's `evict` runs. */
  refs: number;
  /** Regular files: open for reading only. */
  readers: number;
  /** Open for writing: > 0; refused to writers because a program runs from it: < 0 (ETXTBSY). */
  writers: number;
  /** FS_IMMUTABLE_FL, FS_APPEND_FL (chattr). */
  attributes: number;
  /** Access control lists: null for none, undefined until somebody asks (acl/inode-acl.ts). */
  acl: PosixAcl | null | undefined;
  defaultAcl: PosixAcl | null | undefined;
  /** A link that leads to an object and not to a name (/proc/PID/fd/N): `InodeOps.jump` is asked. */
  magic: boolean;
  /** Counts changes of contents and attributes: timestamps may be too coarse to tell. */
  version: number;
  /** flock, POSIX and OFD locks, leases; null while there are none. */
  locks: InodeLocks | null;
  /** inotify and fanotify watches; null while there are none. */
  watches: WatchList | null;
  /** Of a FIFO that is open. */
  pipe: Pipe | null;
  /** Of a bound Unix socket: the kernel's object. */
  socket: unknown;
  /** The filesystem's own. */
  data: unknown;

  constructor(superblock: Superblock, ops: InodeOps, number: number, mode: number) {
    this.superblock = superblock;
    this.ops = ops;
    this.number = number;
    this.mode = mode;
    this.uid = 0;
    this.gid = 0;
    this.links = 1;
    this.rdev = 0;
    this.size = 0;
    this.blocks = 0;
    this.atime = 0;
    this.atimeNanos = 0;
    this.mtime = 0;
    this.mtimeNanos = 0;
    this.ctime = 0;
    this.ctimeNanos = 0;
    this.btime = 0;
    this.btimeNanos = 0;
    this.refs = 0;
    this.readers = 0;
    this.writers = 0;
    this.attributes = 0;
    this.acl = undefined;
    this.defaultAcl = undefined;
    this.magic = false;
    this.version = 0;
    this.locks = null;
    this.watches = null;
    this.pipe = null;
    this.socket = null;
    this.data = null;
  }

  get type(): number {
    return this.mode & S_IFMT;
  }

  get isDirectory(): boolean {
    return (this.mode & S_IFMT) === S_IFDIR;
  }

  get isSymlink(): boolean {
    return (this.mode & S_IFMT) === S_IFLNK;
  }

  retain(): void {
    this.refs++;
  }

  release(): void {
    if (--this.refs > 0) return;
    this.superblock.handles?.delete(this.number);
    if (this.locks !== null) this.superblock.vfs.locks.inodes.delete(this);
    this.superblock.filesystem.evict(this);
  }
}

// One instance of a filesystem, whatever number of mounts show it (Linux: struct super_block). Filesystems make one with
// `new Superblock(vfs, …)`, fill `root`, and keep their own state in `data`.
import type { Dentry } from './dentry.js';
import type { Inode } from './inode.js';
import type { HandedOut } from './ops/handles.js';
import type { StatfsData } from './stat.js';
import type { Vfs } from './vfs.js';

/** What a filesystem does as a whole. */
export interface Filesystem {
  /** As in /proc/mounts: "tmpfs". */
  readonly type: string;
  /** Fills `out` for statfs(2). Fields not set stay 0; `out.type` is the magic number. */
  statfs(superblock: Superblock, out: StatfsData): number;
  /** Writes everything to where it lasts. */
  sync(superblock: Superblock): number;
  /** The last name, mapping and open file of `inode` are gone: free what it holds. */
  evict(inode: Inode): void;
  /** The last mount is gone. */
  unmount(superblock: Superblock): void;
  /** Options for /proc/mounts, without a leading comma: "size=64k,mode=700". */
  options(superblock: Superblock): string;
  /** mount(2) with MS_REMOUNT and new data. 0 or -errno. */
  remount(superblock: Superblock, flags: number, data: string): number;
}

export class Superblock {
  readonly vfs: Vfs;
  readonly filesystem: Filesystem;
  /** st_dev: major 0, minor from the vfs. */
  readonly device: number;
  /** The top directory. Set by the filesystem right after construction. */
  root: Inode | null;
  /** The dentry of `root` that all mounts share. */
  top: Dentry | null;
  /** MS_RDONLY and others that hold for the whole filesystem. */
  flags: number;
  /** Cached names may have changed behind our back: `InodeOps.revalidate` is asked on every walk. */
  revalidates: boolean;
  /** Looking a name up (and `revalidate`) brings the inode's attributes up to date: stat(2) need not ask a second time. */
  refreshedByLookup: boolean;
  /** False: names that don't exist are not remembered (contents come and go by themselves, as in proc). */
  cachesNegative: boolean;
  /** Nobody can make names here: trying says ENOENT, before any question of permission (proc). */
  namesFixed: boolean;
  /** Its files have no names (pipes, sockets, eventfds): /proc/PID/fd shows what the open file says of itself. */
  nameless: boolean;
  /** Holds access control lists that are to be enforced. */
  acls: boolean;
  maxFileSize: number;
  /** For /proc/mounts. */
  source: string;
  /** Mounts that show it. */
  mounts: number;
  /** Files open for writing through any mount, and shared mappings that may be written. */
  writers: number;
  /** Inodes whose handles were given out, by number; null while there are none. */
  handles: Map<number, HandedOut> | null;
  /** The filesystem's own. */
  data: unknown;
  private nextInode: number;

  constructor(vfs: Vfs, filesystem: Filesystem, source: string) {
    this.vfs = vfs;
    this.filesystem = filesystem;
    this.device = vfs.allocateDevice();
    this.root = null;
    this.top = null;
    this.flags = 0;
    this.revalidates = false;
    this.refreshedByLookup = false;
    this.cachesNegative = true;
    this.namesFixed = false;
    this.nameless = false;
    this.acls = false;
    this.maxFileSize = 2 ** 53 - 4096;
    this.source = source;
    this.mounts = 0;
    this.writers = 0;
    this.handles = null;
    this.data = null;
    this.nextInode = 1;
  }

  /** The top directory, held until the last mount is gone. */
  setRoot(root: Inode): void {
    root.retain();
    this.root = root;
  }

  /** A number no inode of this filesystem had before. */
  allocateInodeNumber(): number {
    return this.nextInode++;
  }
}

// The object graph of everything that concerns files: what all mounts and processes of one kernel share. Time, randomness and
// memory come in as arguments; identifiers live here and not in modules.
import type { Clock, PageStore, RandomSource } from '@sandbox-kernel/contracts';
import {
  ANON_INODE_FS_MAGIC,
  createAnonymousMount,
  createNamelessFilesystem,
  PIDFS_MAGIC,
  PIPEFS_MAGIC,
  SOCKFS_MAGIC,
} from './anon/anonymous.js';
import { AttributeChange } from './attribute-change.js';
import { DentryCache } from './dentry-cache.js';
import { DeviceRegistry } from './device-registry.js';
import type { FileCaller } from './fs-context.js';
import type { Inode } from './inode.js';
import { LockManager } from './locks/lock-manager.js';
import type { Mount } from './mount.js';
import { NotifyHub } from './notify/hub.js';
import { PathWalker } from './path-walk.js';
import type { Superblock } from './superblock.js';
import { createTmpfs } from './tmpfs/tmpfs.js';

export interface VfsOptions {
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Memory for file data and pipes. */
  readonly pages: PageStore;
  /** Dentries remembered without a user; default 65,536. */
  readonly dentryLimit?: number;
  /** Pipe pages an unprivileged user's F_SETPIPE_SZ may ask for, in bytes; default 1 MiB. */
  readonly pipeMaxSize?: number;
}

/** What mount(2) and fsopen(2) can mount, by name. */
/** Options of one filesystem to be, as they come. */
export interface MountOptions {
  /** Why the last option was refused; empty: its number says it all. */
  message: string;
  /** `value` null: no value. 0 or -errno. */
  set(caller: FileCaller, key: string, value: string | null): number;
  create(vfs: Vfs, source: string, flags: number, caller: FileCaller): Superblock | number;
}

export interface FilesystemType {
  readonly name: string;
  /** Needs a source device or directory (not "nodev" in /proc/filesystems). */
  readonly needsDevice: boolean;
  /** Is there an option of this name? None without. */
  knows?(key: string): boolean;
  /** Is this option ("key=value" or "key") well formed? */
  checks?(option: string): boolean;
  /** Where options name files or depend on one another: a new set of them, instead of `knows` and `checks`. */
  begin?(): MountOptions;
  /** A new instance, or -errno. `data`: mount options as text, whose paths are `caller`'s. */
  mount(vfs: Vfs, source: string, flags: number, data: string, caller: FileCaller): Superblock | number;
}

/** Who else holds host descriptors that filesystems gave out for mapping (contracts' Platform). */
export interface DonatedFiles {
  /** `fd` is about to be closed. */
  releaseFile(fd: number): void;
}

/** Bytes that a transfer moves per step. */
export const TRANSFER_STEP = 65536;

export class Vfs {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly pages: PageStore;
  readonly dentries: DentryCache;
  readonly devices: DeviceRegistry;
  readonly locks: LockManager;
  readonly notify: NotifyHub;
  readonly filesystemTypes: Map<string, FilesystemType>;
  readonly pipeMaxSize: number;
  /** Homes of files without a path: eventfds, epolls and most others; pipes; sockets; pidfds. */
  readonly anonymous: Superblock;
  readonly pipes: Superblock;
  readonly sockets: Superblock;
  readonly pids: Superblock;
  /** What files without a path are seen through when they are opened again. */
  readonly anonymousMount: Mount;
  /** Home of memfds and other memory that is a file: the kernel's own tmpfs. */
  readonly memory: Superblock;
  /** Scratch of the operations; valid within one of them. */
  readonly walker: PathWalker;
  readonly change: AttributeChange;
  /** Upper and work directories of overlays. */
  readonly overlaid: Set<Inode>;
  /** Descriptions that are open now (/proc/sys/fs/file-nr, statistics). */
  openFiles: number;
  /** Set by the sentry once its platform runs. */
  donatedFiles: DonatedFiles | null;
  private nextDevice: number;
  private nextMount: number;
  /** For one transfer between two files at a time (ops/splice.ts): nothing in it outlives the call. */
  readonly transferBuffer: Uint8Array;
  private nextGroup: number;
  private nextNamespace: number;

  constructor(options: VfsOptions) {
    this.clock = options.clock;
    this.random = options.random;
    this.pages = options.pages;
    this.dentries = new DentryCache(options.dentryLimit ?? 65536);
    this.devices = new DeviceRegistry();
    this.locks = new LockManager();
    this.notify = new NotifyHub();
    this.filesystemTypes = new Map();
    this.pipeMaxSize = options.pipeMaxSize ?? 1 << 20;
    this.walker = new PathWalker(this);
    this.change = new AttributeChange();
    this.overlaid = new Set();
    this.openFiles = 0;
    this.transferBuffer = new Uint8Array(TRANSFER_STEP);
    this.donatedFiles = null;
    this.nextDevice = 1;
    this.nextMount = 1;
    this.nextGroup = 1;
    this.nextNamespace = 1;
    this.anonymous = createNamelessFilesystem(this, 'anon_inodefs', ANON_INODE_FS_MAGIC);
    this.pipes = createNamelessFilesystem(this, 'pipefs', PIPEFS_MAGIC);
    this.sockets = createNamelessFilesystem(this, 'sockfs', SOCKFS_MAGIC);
    this.pids = createNamelessFilesystem(this, 'pidfs', PIDFS_MAGIC);
    this.anonymousMount = createAnonymousMount(this.anonymous, this.nextMount++);
    this.memory = createTmpfs(this, { mode: 0o777, size: 0, inodes: 0 });
  }

  /** st_dev of a new filesystem: major 0, as Linux gives to those without a block device. */
  allocateDevice(): number {
    const minor = this.nextDevice++;
    return (minor & 0xff) | ((minor & 0xfff00) << 12);
  }

  allocateMountId(): number {
    return this.nextMount++;
  }

  allocateGroupId(): number {
    return this.nextGroup++;
  }

  allocateNamespaceId(): number {
    return this.nextNamespace++;
  }

  registerFilesystem(type: FilesystemType): void {
    this.filesystemTypes.set(type.name, type);
  }

  /** Wall time: seconds now. `nowNanos()` right after gives the rest. */
  nowSeconds(): number {
    const clock = this.clock;
    return clock.realtimeSeconds + Math.floor((clock.monotonic() + clock.realtimeNanos) / 1e9);
  }

  nowNanos(): number {
    return (this.clock.monotonic() + this.clock.realtimeNanos) % 1e9;
  }

  /** The last mount of it is gone. */
  shutdown(superblock: Superblock): void {
    const { top } = superblock;
    superblock.top = null;
    if (top !== null) {
      this.dentries.dropChildren(top);
      top.release();
    }
    superblock.filesystem.unmount(superblock);
  }
}

// One host tree: its options, its inodes by identity, and how their descriptors are opened: always relative to a directory
// descriptor, one component at a time, never through a symbolic link (openat2(2) RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS).
import {
  AT_FDCWD,
  AT_NO_AUTOMOUNT,
  AT_SYMLINK_NOFOLLOW,
  EISDIR,
  ELOOP,
  EMFILE,
  ENFILE,
  ENOENT,
  ENOTDIR,
  ESTALE,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOCTTY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  RESOLVE_BENEATH,
  RESOLVE_NO_SYMLINKS,
} from '@sandbox-kernel/abi';
import { type Host, HostStat } from '@sandbox-kernel/host';
import { Inode, type InodeOps, makeDevice, type Superblock } from '@sandbox-kernel/vfs';
import { DescriptorList } from './descriptor-list.js';
import { HostNode, hostNode, movePlace, NO_FD, setPlace } from './host-node.js';
import type { HostWatches } from './host-watches.js';

const RESOLVE = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
const DEVICE_STEP = 2 ** 44;
/** Nodes that may hold descriptors nobody pins. */
const DEFAULT_DESCRIPTORS = 512;
/** Directories whose descriptors are kept for those who stand in them or have them open. */
const MOST_HELD = 128;
/** Nodes that keep descriptors when they ran out: those of the walk under way. */
const KEPT = 8;

export interface DirectOptions {
  readonly host: Host;
  /** O_PATH | O_DIRECTORY descriptor of the top; owned by the filesystem from now on. */
  readonly rootFd: number;
  /** 'exclusive': nobody else changes the tree; what was read stays true. 'shared': asked again at each use. */
  readonly cache: 'exclusive' | 'shared';
  readonly readOnly: boolean;
  /** For /proc/mounts. */
  readonly source?: string;
  readonly maxDescriptors?: number;
  /** Host descriptors from this number on stay for other uses than files: programs get ENFILE. Default: no bound. */
  readonly descriptorCeiling?: number;
  /** Hears of others' changes to shared trees; without, the guest is not told of them. */
  readonly watches?: HostWatches;
}

export class DirectTree {
  readonly host: Host;
  readonly superblock: Superblock;
  readonly shared: boolean;
  readonly descriptors: DescriptorList;
  readonly stat: HostStat;
  readonly watches: HostWatches | null;
  /** Filled and read within one operation. */
  readonly xattrBuffer: Uint8Array;
  /** By device, then by inode number. */
  private readonly known: Map<number, Map<number, Inode>>;
  private readonly deviceOrder: number[];
  private readonly ceiling: number;
  private held: number;

  constructor(superblock: Superblock, options: DirectOptions) {
    this.host = options.host;
    this.superblock = superblock;
    this.shared = options.cache === 'shared';
    const limit = options.maxDescriptors ?? DEFAULT_DESCRIPTORS;
    this.descriptors = new DescriptorList(options.host.descriptors, limit);
    this.stat = new HostStat();
    this.watches = this.shared ? (options.watches ?? null) : null;
    this.xattrBuffer = new Uint8Array(65536);
    this.known = new Map();
    this.deviceOrder = [];
    this.ceiling = options.descriptorCeiling ?? Number.POSITIVE_INFINITY;
    this.held = 0;
  }

  /** `name` in `directory` on the host, now: fills `stat`. */
  statName(directory: Inode, name: string): number {
    const fd = this.pathFd(directory);
    if (fd < 0) return fd;
    return this.host.stats.stat(fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, this.stat);
  }

  /** The inode for what `stat` says, made when it is new. */
  inodeFor(ops: InodeOps, parent: Inode | null, name: string): Inode {
    const stat = this.stat;
    const device = makeDevice(stat.deviceMajor, stat.deviceMinor);
    let inodes = this.known.get(device);
    if (inodes === undefined) {
      inodes = new Map();
      this.known.set(device, inodes);
      this.deviceOrder.push(device);
    }
    const old = inodes.get(stat.ino);
    if (old !== undefined && (old.mode & 0o170000) === (stat.mode & 0o170000)) {
      if (parent !== null) this.seenAt(old, parent, name);
      this.fill(old);
      return old;
    }
    const number = stat.ino + this.deviceOrder.indexOf(device) * DEVICE_STEP;
    const inode = new Inode(this.superblock, ops, number, stat.mode);
    inode.data = new HostNode(this, inode, stat.deviceMajor, stat.deviceMinor, stat.ino);
    setPlace(inode, parent, name);
    inodes.set(stat.ino, inode);
    this.fill(inode);
    return inode;
  }

  /** The host has just shown the inode at this name: the last one known may be gone, or lead to another file. */
  seenAt(inode: Inode, parent: Inode, name: string): void {
    const node = hostNode(inode);
    if (inode === this.superblock.root || (node.parent === parent && node.name === name)) return;
    movePlace(inode, parent, name);
  }

  isSame(inode: Inode): boolean {
    const node = hostNode(inode);
    const stat = this.stat;
    return (
      stat.ino === node.number &&
      stat.deviceMajor === node.deviceMajor &&
      stat.deviceMinor === node.deviceMinor &&
      (stat.mode & 0o170000) === (inode.mode & 0o170000)
    );
  }

  /** Copies `stat` to the inode's fields. */
  fill(inode: Inode): void {
    const stat = this.stat;
    inode.mode = stat.mode;
    inode.links = stat.nlink;
    inode.uid = stat.uid;
    inode.gid = stat.gid;
    inode.rdev = makeDevice(stat.rdevMajor, stat.rdevMinor);
    inode.size = stat.size;
    inode.blocks = stat.blocks;
    if (inode.ctime !== stat.changeSeconds || inode.ctimeNanos !== stat.changeNanos) forgetLists(inode);
    inode.atime = stat.accessSeconds;
    inode.atimeNanos = stat.accessNanos;
    inode.mtime = stat.modifySeconds;
    inode.mtimeNanos = stat.modifyNanos;
    inode.ctime = stat.changeSeconds;
    inode.ctimeNanos = stat.changeNanos;
    inode.btime = stat.birthSeconds;
    inode.btimeNanos = stat.birthNanos;
    hostNode(inode).stale = false;
  }

  /** Asks the host again where the mode of caching or our own changes demand it. 0 or -errno. */
  refresh(inode: Inode): number {
    const node = hostNode(inode);
    if (!this.shared && !node.stale) return 0;
    const result = this.statInode(inode);
    if (result === 0) this.fill(inode);
    else if (result === -ENOENT || result === -ESTALE) {
      inode.links = 0;
      return 0;
    }
    return result;
  }

  private statInode(inode: Inode): number {
    const node = hostNode(inode);
    const fd = node.writeFd !== NO_FD ? node.writeFd : node.readFd !== NO_FD ? node.readFd : node.pathFd;
    if (fd !== NO_FD) return this.host.stats.fstat(fd, this.stat);
    if (node.parent === null) return -ENOENT;
    const result = this.statName(node.parent, node.name);
    return result === 0 && !this.isSame(inode) ? -ESTALE : result;
  }

  /** O_PATH descriptor of a directory, or -errno. */
  pathFd(directory: Inode): number {
    const node = hostNode(directory);
    if (node.pathFd === NO_FD) {
      const opened = this.openAbove(directory);
      if (opened < 0) return opened;
    }
    this.descriptors.touch(node);
    return node.pathFd;
  }

  /**
   * Somebody stands in the directory, or has it open. Others may rename it: what is opened before that leads to it still. Programs that
   * stand in too many at once must not use up the descriptors: the name has to do for the rest.
   */
  hold(directory: Inode): void {
    const node = hostNode(directory);
    node.stays++;
    if (!this.shared || node.held || this.held >= MOST_HELD || this.pathFd(directory) < 0) return;
    node.held = true;
    this.held++;
    this.descriptors.pin(node);
  }

  letGo(directory: Inode): void {
    const node = hostNode(directory);
    if (--node.stays > 0 || !node.held) return;
    node.held = false;
    this.held--;
    this.descriptors.unpin(node);
  }

  /** Opens a directory and what is closed above it, from the top. Programs make directories as deep as they like: no recursion. */
  private openAbove(directory: Inode): number {
    const closed = [directory];
    let above = hostNode(directory).parent;
    for (; above !== null && hostNode(above).pathFd === NO_FD; above = hostNode(above).parent)
      closed.push(above);
    for (let i = closed.length - 1; i >= 0; i--) {
      const fd = this.openBeneath(closed[i]!, O_PATH | O_DIRECTORY);
      if (fd < 0) return fd;
      const node = hostNode(closed[i]!);
      node.pathFd = fd;
      this.descriptors.touch(node);
    }
    return 0;
  }

  /** Descriptor for reading the data (or, for `write`, also writing), shared by all users of the file. */
  dataFd(inode: Inode, write: boolean): number {
    const node = hostNode(inode);
    // What was opened for writing can be read, also when no name leads to the file any more.
    const known = write || node.readFd === NO_FD ? node.writeFd : node.readFd;
    if (known !== NO_FD) {
      this.descriptors.touch(node);
      return known;
    }
    const fd = this.openBeneath(inode, (write ? O_RDWR : O_RDONLY) | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return fd;
    if (write) node.writeFd = fd;
    else node.readFd = fd;
    this.descriptors.touch(node);
    return fd;
  }

  /** A descriptor open for reading and writing, which the inode keeps. */
  holdDataFd(inode: Inode, fd: number): void {
    const node = hostNode(inode);
    if (node.writeFd === NO_FD) node.writeFd = fd;
    else this.host.descriptors.close(fd);
    this.descriptors.touch(node);
  }

  /** Opens the inode by the name known for it, and makes sure that it is the one. */
  openBeneath(inode: Inode, flags: number): number {
    const node = hostNode(inode);
    if (node.parent === null) return this.openTop(node, flags);
    const directory = this.pathFd(node.parent);
    if (directory < 0) return directory;
    const fd = this.openHere(directory, node.name, flags);
    if (fd < 0) return this.whyClosed(inode, fd);
    const result = this.host.stats.fstat(fd, this.stat);
    if (result === 0 && this.isSame(inode)) return fd;
    this.host.descriptors.close(fd);
    return result === 0 ? -ESTALE : result;
  }

  /** The host's refusal to open the inode is an answer about it only when the name still leads to it: -ESTALE otherwise. */
  private whyClosed(inode: Inode, error: number): number {
    if (error === -ENFILE) return error;
    // Nothing of the kind that was seen there answers so.
    if (error === -ENOENT || error === -ENOTDIR || error === -EISDIR || error === -ELOOP) return -ESTALE;
    const node = hostNode(inode);
    return this.statName(node.parent!, node.name) === 0 && this.isSame(inode) ? error : -ESTALE;
  }

  /** The top itself: a directory has a name for itself, a single file (a bind mount of one) is opened again by descriptor. */
  private openTop(node: HostNode, flags: number): number {
    if (node.pathFd === NO_FD) return -ESTALE;
    if (node.inode.isDirectory) return this.openHere(node.pathFd, '.', flags);
    return this.host.paths.open(AT_FDCWD, `/proc/self/fd/${node.pathFd}`, flags | O_CLOEXEC, 0, 0);
  }

  /** openat2(2) of one component; makes room and tries again when descriptors ran out. -ENFILE when there is no room. */
  openHere(directory: number, name: string, flags: number, mode = 0): number {
    const fd = this.tryOpen(directory, name, flags, mode);
    if (fd !== -ENFILE) return fd;
    return this.descriptors.trim(KEPT) ? this.tryOpen(directory, name, flags, mode) : fd;
  }

  /** The host numbers descriptors from below: a high one says how many there are. */
  private tryOpen(directory: number, name: string, flags: number, mode: number): number {
    const all = flags | O_NOFOLLOW | O_CLOEXEC;
    const fd = this.host.paths.open(directory, name, all, mode, RESOLVE);
    if (fd === -EMFILE) return -ENFILE;
    if (fd < this.ceiling) return fd;
    this.host.descriptors.close(fd);
    return -ENFILE;
  }

  /** The vfs has no use for the inode any more. */
  forget(inode: Inode): void {
    const node = hostNode(inode);
    this.descriptors.drop(node);
    const inodes = this.known.get(makeDevice(node.deviceMajor, node.deviceMinor));
    if (inodes?.get(node.number) === inode) inodes.delete(node.number);
    setPlace(inode, null, '');
  }
}

/** Attributes beside those of stat(2) may have changed along with ctime. */
function forgetLists(inode: Inode): void {
  inode.acl = undefined;
  inode.defaultAcl = undefined;
  hostNode(inode).xattrNames = null;
}

// Files without a path: the filesystem role behind pipes, eventfd, epoll, timerfd, signalfd, sockets and others, and the constructor
// that they share. anon_inodes share one inode as on Linux: its mode is 0600 and no operation changes it.
import { MS_NOEXEC, MS_NOSUID, O_ACCMODE, O_RDONLY, O_RDWR, O_WRONLY, S_IFDIR } from '@sandbox-kernel/abi';
import { FMODE_READ, FMODE_WRITE } from '../constants.js';
import { Dentry } from '../dentry.js';
import { FileDescription } from '../file-description.js';
import type { FileOps } from '../file-ops.js';
import type { FileCaller } from '../fs-context.js';
import { Inode } from '../inode.js';
import { InodeOps } from '../inode-ops.js';
import { Mount } from '../mount.js';
import type { StatfsData } from '../stat.js';
import type { Filesystem, Superblock } from '../superblock.js';
import { stampNew } from '../times.js';

const ANON_INODE_FS_MAGIC = 0x09041934;

export class AnonymousFilesystem implements Filesystem {
  readonly type: string;

  constructor() {
    this.type = 'anon_inodefs';
  }

  statfs(_superblock: Superblock, out: StatfsData): number {
    out.type = ANON_INODE_FS_MAGIC;
    return 0;
  }

  sync(): number {
    return 0;
  }

  evict(): void {}

  unmount(): void {}

  options(): string {
    return '';
  }

  remount(): number {
    return 0;
  }
}

const ANONYMOUS_INODE_OPS = new InodeOps();

/** The mount through which such files are opened again; attached nowhere. */
export function createAnonymousMount(superblock: Superblock, id: number): Mount {
  const root = new Inode(superblock, ANONYMOUS_INODE_OPS, superblock.allocateInodeNumber(), S_IFDIR | 0o555);
  superblock.root = root;
  const mount = new Mount(
    id,
    superblock,
    new Dentry(superblock, null, '/', root),
    MS_NOSUID | MS_NOEXEC,
    'none',
  );
  mount.refs = 1;
  return mount;
}

/** An open file over `data` with an inode of its own. `inodeOps`: what opening it again by /proc/PID/fd does (default: refused). */
export function createAnonymousFile(
  caller: FileCaller,
  ops: FileOps,
  flags: number,
  data: unknown,
  inodeMode = 0o600,
  inodeOps: InodeOps = ANONYMOUS_INODE_OPS,
): FileDescription {
  const superblock = caller.fs.vfs.anonymous;
  const inode = new Inode(superblock, inodeOps, superblock.allocateInodeNumber(), inodeMode);
  inode.uid = caller.credentials.fsuid;
  inode.gid = caller.credentials.fsgid;
  stampNew(inode);
  inode.retain();
  const access = flags & O_ACCMODE;
  const mode =
    (access !== O_WRONLY ? FMODE_READ : 0) | (access === O_RDWR || access === O_WRONLY ? FMODE_WRITE : 0);
  const file = new FileDescription(ops, flags, access === O_RDONLY ? FMODE_READ : mode);
  file.attach(inode);
  file.credentials = caller.credentials;
  file.data = data;
  return file;
}

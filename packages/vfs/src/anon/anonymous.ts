// Files without a path: the filesystems behind pipes, sockets, eventfd, epoll, timerfd, signalfd and others, and the constructor that
// they share. What Linux gives the one inode of all anon_inodes holds here too: its mode is 0600, nothing changes it, nothing opens it again.
import {
  ENXIO,
  EOPNOTSUPP,
  MS_NOEXEC,
  MS_NOSUID,
  O_ACCMODE,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  S_IFDIR,
  S_IFMT,
  S_IFSOCK,
} from '@sandbox-kernel/abi';
import { type AttributeChange, applyChange } from '../attribute-change.js';
import { FMODE_READ, FMODE_WRITE } from '../constants.js';
import { Dentry } from '../dentry.js';
import { FileDescription } from '../file-description.js';
import type { FileOps } from '../file-ops.js';
import type { FileCaller } from '../fs-context.js';
import { Inode } from '../inode.js';
import { InodeOps } from '../inode-ops.js';
import { Mount } from '../mount.js';
import type { StatfsData } from '../stat.js';
import { type Filesystem, Superblock } from '../superblock.js';
import { stampNew } from '../times.js';
import type { Vfs } from '../vfs.js';

export const ANON_INODE_FS_MAGIC = 0x09041934;
export const PIPEFS_MAGIC = 0x50495045;
export const SOCKFS_MAGIC = 0x534f434b;
export const PIDFS_MAGIC = 0x50494446;

class NamelessFilesystem implements Filesystem {
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

class AnonymousInodeOps extends InodeOps {
  override open(): number {
    return -ENXIO;
  }

  override change(): number {
    return -EOPNOTSUPP;
  }
}

export const ANONYMOUS_INODE_OPS: InodeOps = new AnonymousInodeOps();

class NamelessInodeOps extends InodeOps {
  override change(inode: Inode, change: AttributeChange): number {
    applyChange(inode, change);
    return 0;
  }
}

/** Of pipes and sockets: owner, mode and times can be changed, by whoever holds a descriptor. */
export const NAMELESS_INODE_OPS: InodeOps = new NamelessInodeOps();

/** A filesystem whose files have no names: mounted nowhere, seen through open files alone. */
export function createNamelessFilesystem(vfs: Vfs, type: string, magic: number): Superblock {
  const superblock = new Superblock(vfs, new NamelessFilesystem(type, magic), type);
  superblock.nameless = true;
  return superblock;
}

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

/**
 * An open file over `data` with an inode of its own. `inodeOps`: what opening it again by /proc/PID/fd does (default: refused); the inode is
 * its maker's then, and root's otherwise, as the one inode that Linux has for all of these.
 */
export function createAnonymousFile(
  caller: FileCaller,
  ops: FileOps,
  flags: number,
  data: unknown,
  inodeMode = 0o600,
  inodeOps: InodeOps | null = null,
): FileDescription {
  const type = inodeMode & S_IFMT;
  const { vfs } = caller.fs;
  const superblock = type === S_IFSOCK ? vfs.sockets : vfs.anonymous;
  const own = inodeOps ?? (type === S_IFSOCK ? NAMELESS_INODE_OPS : ANONYMOUS_INODE_OPS);
  const inode = new Inode(superblock, own, superblock.allocateInodeNumber(), inodeMode);
  if (own !== ANONYMOUS_INODE_OPS || inodeOps !== null) {
    inode.uid = caller.credentials.fsuid;
    inode.gid = caller.credentials.fsgid;
  }
  stampNew(inode);
  return openNameless(caller, ops, flags, data, inode);
}

/** An open file over an inode that has no name. */
export function openNameless(
  caller: FileCaller,
  ops: FileOps,
  flags: number,
  data: unknown,
  inode: Inode,
): FileDescription {
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

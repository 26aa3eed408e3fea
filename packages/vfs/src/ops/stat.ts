// stat(2), statx(2), statfs(2), readlink(2), access(2).
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  EACCES,
  EINVAL,
  ENOENT,
  EROFS,
  MS_NOEXEC,
  S_IFDIR,
  S_IFMT,
  S_IFREG,
} from '@sandbox-kernel/abi';
import type { CallerCredentials } from '@sandbox-kernel/contracts';
import { MAY_EXEC, MAY_WRITE, WALK_EMPTY, WALK_FOLLOW } from '../constants.js';
import type { FileDescription } from '../file-description.js';
import type { FileCaller } from '../fs-context.js';
import type { Inode } from '../inode.js';
import type { Mount } from '../mount.js';
import { INODE_APPEND, INODE_IMMUTABLE, permission, writableMount } from '../permission.js';
import type { StatData, StatfsData } from '../stat.js';

const STATX_ATTR_IMMUTABLE = 0x10;
const STATX_ATTR_APPEND = 0x20;
const STATX_ATTR_MOUNT_ROOT = 0x2000;
const STATX_BASIC_AND_BTIME = 0xfff;
const STATX_MNT_ID = 0x1000;

/** As Linux's with fine-grained times (FS_MGTIME). */
const PRECISE: readonly string[] = ['tmpfs', 'devtmpfs', 'overlay', 'hostfs'];

/** AT_* flags to WALK_* for calls that follow links unless told otherwise. */
export function walkFlags(flags: number): number {
  const follow = (flags & AT_SYMLINK_NOFOLLOW) === 0 ? WALK_FOLLOW : 0;
  return (flags & AT_EMPTY_PATH) !== 0 ? follow | WALK_EMPTY : follow;
}

/** `flags`: AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH. Fills `out`. */
export function statPath(
  caller: FileCaller,
  dirfd: number,
  path: string,
  flags: number,
  out: StatData,
): number {
  if (path.length === 0 && (flags & AT_EMPTY_PATH) !== 0 && dirfd >= 0) {
    const file = caller.files.get(dirfd);
    if (file !== null) return statFile(file, out);
  }
  const walker = caller.fs.vfs.walker;
  const found = walker.lookup(caller, dirfd, path, walkFlags(flags));
  if (found !== 0) return found;
  const dentry = walker.dentry;
  const inode = dentry.inode!;
  const fresh = walker.looked === dentry && inode.superblock.refreshedByLookup;
  const result = fresh ? showInode(inode, walker.mount, out) : statInode(inode, walker.mount, out);
  if (dentry === walker.mount.root) out.attributes |= STATX_ATTR_MOUNT_ROOT;
  return result;
}

export function statFile(file: FileDescription, out: StatData): number {
  if (file.inode === null) return -EINVAL;
  const result = statInode(file.inode, file.mount, out);
  if (file.mount !== null && file.dentry === file.mount.root) out.attributes |= STATX_ATTR_MOUNT_ROOT;
  return result;
}

export function statInode(inode: Inode, mount: Mount | null, out: StatData): number {
  const refreshed = inode.ops.refresh(inode);
  return refreshed !== 0 ? refreshed : showInode(inode, mount, out);
}

/** Pre: the inode's fields are up to date. */
function showInode(inode: Inode, mount: Mount | null, out: StatData): number {
  out.device = inode.superblock.device;
  out.inode = inode.number;
  out.mode = inode.mode;
  out.links = inode.links;
  out.uid = inode.uid;
  out.gid = inode.gid;
  out.rdev = inode.rdev;
  out.size = inode.size;
  out.blockSize = 4096;
  out.blocks = inode.blocks;
  out.atime = inode.atime;
  out.atimeNanos = inode.atimeNanos;
  out.mtime = inode.mtime;
  out.mtimeNanos = inode.mtimeNanos;
  out.ctime = inode.ctime;
  out.ctimeNanos = inode.ctimeNanos;
  out.btime = inode.btime;
  out.btimeNanos = inode.btimeNanos;
  out.mountId = mount === null ? 0 : mount.id;
  out.preciseTimes = PRECISE.includes(inode.superblock.filesystem.type);
  out.mask = mount === null ? STATX_BASIC_AND_BTIME : STATX_BASIC_AND_BTIME | STATX_MNT_ID;
  out.attributes = 0;
  if ((inode.attributes & INODE_IMMUTABLE) !== 0) out.attributes |= STATX_ATTR_IMMUTABLE;
  if ((inode.attributes & INODE_APPEND) !== 0) out.attributes |= STATX_ATTR_APPEND;
  out.attributesMask = STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND | STATX_ATTR_MOUNT_ROOT;
  return 0;
}

export function statfsPath(caller: FileCaller, path: string, out: StatfsData): number {
  const walker = caller.fs.vfs.walker;
  const found = walker.lookup(caller, AT_FDCWD, path, WALK_FOLLOW);
  if (found !== 0) return found;
  return statfsInode(walker.dentry.inode!, walker.mount, out);
}

export function statfsFile(file: FileDescription, out: StatfsData): number {
  return file.inode === null ? -EINVAL : statfsInode(file.inode, file.mount, out);
}

const ST_VALID = 0x20;

function statfsInode(inode: Inode, mount: Mount | null, out: StatfsData): number {
  const superblock = inode.superblock;
  out.type = 0;
  out.blockSize = 4096;
  out.blocks = 0;
  out.blocksFree = 0;
  out.blocksAvailable = 0;
  out.files = 0;
  out.filesFree = 0;
  out.fsid0 = superblock.device;
  out.fsid1 = 0;
  out.nameLength = 255;
  out.fragmentSize = 4096;
  // ST_RDONLY, ST_NOSUID, ST_NODEV, ST_NOEXEC have the values of MS_*; ST_NOATIME, ST_NODIRATIME, ST_RELATIME too, shifted.
  const flags = mount === null ? 0 : mount.flags | (superblock.flags & 1);
  out.flags = ST_VALID | (flags & 15) | (flags & 0xc00) | ((flags & (1 << 21)) !== 0 ? 0x1000 : 0);
  if ((flags & 256) !== 0) out.flags |= 0x2000;
  return superblock.filesystem.statfs(superblock, out);
}

/** The text of a link, or -errno (-EINVAL for what is no link). An empty path means the descriptor itself. */
export function readLink(caller: FileCaller, dirfd: number, path: string): string | number {
  const walker = caller.fs.vfs.walker;
  const found = walker.lookup(caller, dirfd, path, WALK_EMPTY);
  if (found !== 0) return found;
  const inode = walker.dentry.inode!;
  if (!inode.isSymlink) return path.length === 0 ? -ENOENT : -EINVAL;
  return inode.ops.readlink(inode, caller);
}

/** `mode`: R_OK, W_OK, X_OK or F_OK. `credentials`: with real ids for access(2), the caller's own for AT_EACCESS. */
export function checkAccess(
  caller: FileCaller,
  credentials: CallerCredentials,
  dirfd: number,
  path: string,
  mode: number,
  flags: number,
): number {
  const walker = caller.fs.vfs.walker;
  // The same caller to links such as /proc/self, with other rights.
  const who: FileCaller =
    credentials === caller.credentials
      ? caller
      : Object.create(caller, { credentials: { value: credentials } });
  const found = walker.lookup(who, dirfd, path, walkFlags(flags));
  if (found !== 0) return found;
  const inode = walker.dentry.inode!;
  const type = inode.mode & S_IFMT;
  if ((mode & MAY_EXEC) !== 0 && type === S_IFREG && (walker.mount.flags & MS_NOEXEC) !== 0) return -EACCES;
  const writes = (mode & MAY_WRITE) !== 0;
  if (writes && (inode.superblock.flags & 1) !== 0 && (type === S_IFREG || type === S_IFDIR)) return -EROFS;
  const allowed = mode === 0 ? 0 : permission(inode, credentials, mode);
  if (allowed !== 0) return allowed;
  return writes && (type === S_IFREG || type === S_IFDIR) ? writableMount(walker.mount) : 0;
}

// stat(2), statx(2), statfs(2), access(2), readlink(2).
import {
  AT_EACCESS,
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_NO_AUTOMOUNT,
  AT_STATX_SYNC_TYPE,
  AT_SYMLINK_NOFOLLOW,
  EBADF,
  EFAULT,
  EINVAL,
  STAT_SIZE,
  STAT_ST_ATIME,
  STAT_ST_BLKSIZE,
  STAT_ST_BLOCKS,
  STAT_ST_CTIME,
  STAT_ST_DEV,
  STAT_ST_GID,
  STAT_ST_INO,
  STAT_ST_MODE,
  STAT_ST_MTIME,
  STAT_ST_NLINK,
  STAT_ST_RDEV,
  STAT_ST_SIZE,
  STAT_ST_UID,
  STATFS_F_BAVAIL,
  STATFS_F_BFREE,
  STATFS_F_BLOCKS,
  STATFS_F_BSIZE,
  STATFS_F_FFREE,
  STATFS_F_FILES,
  STATFS_F_FLAGS,
  STATFS_F_FRSIZE,
  STATFS_F_FSID_VAL,
  STATFS_F_NAMELEN,
  STATFS_F_TYPE,
  STATFS_SIZE,
  STATX_BTIME,
  STATX_CTIME,
  STATX_MNT_ID,
  STATX_MNT_ID_UNIQUE,
  STATX_MTIME,
  STATX_STRUCT_SIZE,
  STATX_STX_ATIME_TV_SEC,
  STATX_STX_ATTRIBUTES,
  STATX_STX_ATTRIBUTES_MASK,
  STATX_STX_BLKSIZE,
  STATX_STX_BLOCKS,
  STATX_STX_BTIME_TV_SEC,
  STATX_STX_CTIME_TV_SEC,
  STATX_STX_DEV_MAJOR,
  STATX_STX_GID,
  STATX_STX_INO,
  STATX_STX_MASK,
  STATX_STX_MNT_ID,
  STATX_STX_MODE,
  STATX_STX_MTIME_TV_SEC,
  STATX_STX_NLINK,
  STATX_STX_RDEV_MAJOR,
  STATX_STX_SIZE,
  STATX_STX_UID,
  SYS_access,
  SYS_faccessat,
  SYS_faccessat2,
  SYS_fstat,
  SYS_fstatfs,
  SYS_lstat,
  SYS_newfstatat,
  SYS_readlink,
  SYS_readlinkat,
  SYS_stat,
  SYS_statfs,
  SYS_statx,
  set64,
} from '@sandbox-kernel/abi';
import { type Credentials, NO_CAPABILITIES, type SyscallArgs, type Task } from '@sandbox-kernel/kernel';
import {
  checkAccess,
  FIRST_UNIQUE_ID,
  majorOf,
  minorOf,
  readLink,
  type StatData,
  statFile,
  statfsFile,
  statfsPath,
  statPath,
} from '@sandbox-kernel/vfs';
import { pathArgument } from './arguments.js';
import type { SyscallRow } from './row.js';
import { type Workspace, workspaceOf } from './workspace.js';

const ACCESS_BITS = 7;
const STATX_RESERVED = 0x80000000;

function stat(task: Task, args: SyscallArgs): number {
  return statAt(task, args, AT_FDCWD, 0, 0);
}

function lstat(task: Task, args: SyscallArgs): number {
  return statAt(task, args, AT_FDCWD, 0, AT_SYMLINK_NOFOLLOW);
}

function newfstatat(task: Task, args: SyscallArgs): number {
  const flags = args.int(3);
  const known = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE;
  if ((flags & ~known) !== 0) return -EINVAL;
  return statAt(task, args, args.int(0), 1, flags & ~AT_STATX_SYNC_TYPE);
}

function statAt(task: Task, args: SyscallArgs, dirfd: number, pathIndex: number, flags: number): number {
  const nullPath = (flags & AT_EMPTY_PATH) !== 0 && args.addr(pathIndex) === 0;
  const path = nullPath ? '' : pathArgument(task, args, pathIndex);
  if (typeof path === 'number') return path;
  const space = workspaceOf(task);
  const result = statPath(task, dirfd, path, flags, space.stat);
  return result < 0 ? result : putStat(task, space, args.addr(pathIndex + 1));
}

function fstat(task: Task, args: SyscallArgs): number {
  const file = task.files.get(args.int(0));
  if (file === null) return -EBADF;
  const space = workspaceOf(task);
  const result = statFile(file, space.stat);
  return result < 0 ? result : putStat(task, space, args.addr(1));
}

function putStat(task: Task, space: Workspace, addr: number): number {
  const { bytes, view, stat: data } = space;
  bytes.fill(0, 0, STAT_SIZE);
  set64(view, STAT_ST_DEV, data.device);
  set64(view, STAT_ST_INO, data.inode);
  set64(view, STAT_ST_NLINK, data.links);
  view.setUint32(STAT_ST_MODE, data.mode, true);
  view.setUint32(STAT_ST_UID, data.uid, true);
  view.setUint32(STAT_ST_GID, data.gid, true);
  set64(view, STAT_ST_RDEV, data.rdev);
  set64(view, STAT_ST_SIZE, data.size);
  set64(view, STAT_ST_BLKSIZE, data.blockSize);
  set64(view, STAT_ST_BLOCKS, data.blocks);
  putTime(view, STAT_ST_ATIME, data.atime, data.atimeNanos);
  putTime(view, STAT_ST_MTIME, data.mtime, data.mtimeNanos);
  putTime(view, STAT_ST_CTIME, data.ctime, data.ctimeNanos);
  return task.memory.copyOut(addr, bytes, 0, STAT_SIZE) < STAT_SIZE ? -EFAULT : 0;
}

function putTime(view: DataView, at: number, seconds: number, nanos: number): void {
  set64(view, at, seconds);
  set64(view, at + 8, nanos);
}

function statx(task: Task, args: SyscallArgs): number {
  const flags = args.int(2);
  const mask = args.uint(3);
  const known = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE;
  if (mask >= STATX_RESERVED || (flags & AT_STATX_SYNC_TYPE) === AT_STATX_SYNC_TYPE) return -EINVAL;
  if ((flags & ~known) !== 0) return -EINVAL;
  const nullPath = args.addr(1) === 0 && (flags & AT_EMPTY_PATH) !== 0;
  const path = nullPath ? '' : pathArgument(task, args, 1);
  if (typeof path === 'number') return path;
  const space = workspaceOf(task);
  const result = statPath(task, args.int(0), path, flags & ~AT_STATX_SYNC_TYPE, space.stat);
  if (result < 0) return result;
  putStatx(space, mask);
  return task.memory.copyOut(args.addr(4), space.bytes, 0, STATX_STRUCT_SIZE) < STATX_STRUCT_SIZE
    ? -EFAULT
    : 0;
}

function putStatx(space: Workspace, wanted: number): void {
  const { bytes, view, stat: data } = space;
  const unique = (wanted & STATX_MNT_ID_UNIQUE) !== 0 && (data.mask & STATX_MNT_ID) !== 0;
  bytes.fill(0, 0, STATX_STRUCT_SIZE);
  let mask = unique ? (data.mask & ~STATX_MNT_ID) | STATX_MNT_ID_UNIQUE : data.mask;
  // Times are looked up exactly only when somebody asks; so is that of birth.
  if ((wanted & STATX_BTIME) === 0) mask &= ~STATX_BTIME;
  if ((wanted & (STATX_CTIME | STATX_MTIME)) === 0 && data.preciseTimes) mask &= ~(STATX_CTIME | STATX_MTIME);
  view.setUint32(STATX_STX_MASK, mask, true);
  view.setUint32(STATX_STX_BLKSIZE, data.blockSize, true);
  set64(view, STATX_STX_ATTRIBUTES, data.attributes);
  view.setUint32(STATX_STX_NLINK, data.links, true);
  view.setUint32(STATX_STX_UID, data.uid, true);
  view.setUint32(STATX_STX_GID, data.gid, true);
  view.setUint16(STATX_STX_MODE, data.mode, true);
  set64(view, STATX_STX_INO, data.inode);
  set64(view, STATX_STX_SIZE, data.size);
  set64(view, STATX_STX_BLOCKS, data.blocks);
  set64(view, STATX_STX_ATTRIBUTES_MASK, data.attributesMask);
  putStatxTimes(view, data);
  putDevice(view, STATX_STX_RDEV_MAJOR, data.rdev);
  putDevice(view, STATX_STX_DEV_MAJOR, data.device);
  set64(view, STATX_STX_MNT_ID, unique ? FIRST_UNIQUE_ID + data.mountId : data.mountId);
}

function putStatxTimes(view: DataView, data: StatData): void {
  putStatxTime(view, STATX_STX_ATIME_TV_SEC, data.atime, data.atimeNanos);
  putStatxTime(view, STATX_STX_BTIME_TV_SEC, data.btime, data.btimeNanos);
  putStatxTime(view, STATX_STX_CTIME_TV_SEC, data.ctime, data.ctimeNanos);
  putStatxTime(view, STATX_STX_MTIME_TV_SEC, data.mtime, data.mtimeNanos);
}

function putStatxTime(view: DataView, at: number, seconds: number, nanos: number): void {
  set64(view, at, seconds);
  view.setUint32(at + 8, nanos, true);
}

/** Major and minor, 4 bytes each. */
function putDevice(view: DataView, at: number, device: number): void {
  view.setUint32(at, majorOf(device), true);
  view.setUint32(at + 4, minorOf(device), true);
}

function statfs(task: Task, args: SyscallArgs): number {
  const path = pathArgument(task, args, 0);
  if (typeof path === 'number') return path;
  const space = workspaceOf(task);
  const result = statfsPath(task, path, space.statfs);
  return result < 0 ? result : putStatfs(task, space, args.addr(1));
}

function fstatfs(task: Task, args: SyscallArgs): number {
  const file = task.files.get(args.int(0));
  if (file === null) return -EBADF;
  const space = workspaceOf(task);
  const result = statfsFile(file, space.statfs);
  return result < 0 ? result : putStatfs(task, space, args.addr(1));
}

function putStatfs(task: Task, space: Workspace, addr: number): number {
  const { bytes, view, statfs: data } = space;
  bytes.fill(0, 0, STATFS_SIZE);
  set64(view, STATFS_F_TYPE, data.type);
  set64(view, STATFS_F_BSIZE, data.blockSize);
  set64(view, STATFS_F_BLOCKS, data.blocks);
  set64(view, STATFS_F_BFREE, data.blocksFree);
  set64(view, STATFS_F_BAVAIL, data.blocksAvailable);
  set64(view, STATFS_F_FILES, data.files);
  set64(view, STATFS_F_FFREE, data.filesFree);
  view.setUint32(STATFS_F_FSID_VAL, data.fsid0, true);
  view.setUint32(STATFS_F_FSID_VAL + 4, data.fsid1, true);
  set64(view, STATFS_F_NAMELEN, data.nameLength);
  set64(view, STATFS_F_FRSIZE, data.fragmentSize);
  set64(view, STATFS_F_FLAGS, data.flags);
  return task.memory.copyOut(addr, bytes, 0, STATFS_SIZE) < STATFS_SIZE ? -EFAULT : 0;
}

function access(task: Task, args: SyscallArgs): number {
  return accessAt(task, args, AT_FDCWD, 0, 0);
}

function faccessat(task: Task, args: SyscallArgs): number {
  return accessAt(task, args, args.int(0), 1, 0);
}

function faccessat2(task: Task, args: SyscallArgs): number {
  return accessAt(task, args, args.int(0), 1, args.int(3));
}

function accessAt(task: Task, args: SyscallArgs, dirfd: number, pathIndex: number, flags: number): number {
  const mode = args.int(pathIndex + 1);
  if ((mode & ~ACCESS_BITS) !== 0) return -EINVAL;
  if ((flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return -EINVAL;
  const path = pathArgument(task, args, pathIndex);
  if (typeof path === 'number') return path;
  const { credentials } = task;
  const who = (flags & AT_EACCESS) !== 0 || isReal(credentials) ? credentials : realCredentials(credentials);
  return checkAccess(task, who, dirfd, path, mode, flags);
}

/** Would access(2) ask with the same rights as open(2)? */
function isReal({ uid, gid, fsuid, fsgid, effective, permitted }: Credentials): boolean {
  return uid === fsuid && gid === fsgid && effective === (uid === 0 ? permitted : NO_CAPABILITIES);
}

/** access(2) asks for the real user: capabilities count only when that is root. */
function realCredentials(credentials: Credentials): Credentials {
  const real = credentials.edit();
  real.fsuid = credentials.uid;
  real.fsgid = credentials.gid;
  real.effective = credentials.uid === 0 ? credentials.permitted : NO_CAPABILITIES;
  return real;
}

function readlink(task: Task, args: SyscallArgs): number {
  return readlinkAt(task, args, AT_FDCWD, 0);
}

function readlinkat(task: Task, args: SyscallArgs): number {
  return readlinkAt(task, args, args.int(0), 1);
}

function readlinkAt(task: Task, args: SyscallArgs, dirfd: number, pathIndex: number): number {
  const size = args.int(pathIndex + 2);
  if (size <= 0) return -EINVAL;
  const path = pathArgument(task, args, pathIndex);
  if (typeof path === 'number') return path;
  const target = readLink(task, dirfd, path);
  if (typeof target === 'number') return target;
  const { bytes } = workspaceOf(task);
  const length = Math.min(size, target.length);
  for (let i = 0; i < length; i++) bytes[i] = target.charCodeAt(i);
  return task.memory.copyOut(args.addr(pathIndex + 1), bytes, 0, length) < length ? -EFAULT : length;
}

export const STAT_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_stat, name: 'stat', handler: stat, coverage: 'full', format: 'sp' },
  { nr: SYS_fstat, name: 'fstat', handler: fstat, coverage: 'full', format: 'fp' },
  { nr: SYS_lstat, name: 'lstat', handler: lstat, coverage: 'full', format: 'sp' },
  { nr: SYS_newfstatat, name: 'newfstatat', handler: newfstatat, coverage: 'full', format: 'fspx' },
  { nr: SYS_statx, name: 'statx', handler: statx, coverage: 'full', format: 'fsxxp' },
  { nr: SYS_statfs, name: 'statfs', handler: statfs, coverage: 'full', format: 'sp' },
  { nr: SYS_fstatfs, name: 'fstatfs', handler: fstatfs, coverage: 'full', format: 'fp' },
  { nr: SYS_access, name: 'access', handler: access, coverage: 'full', format: 'sx' },
  { nr: SYS_faccessat, name: 'faccessat', handler: faccessat, coverage: 'full', format: 'fsx' },
  { nr: SYS_faccessat2, name: 'faccessat2', handler: faccessat2, coverage: 'full', format: 'fsxx' },
  { nr: SYS_readlink, name: 'readlink', handler: readlink, coverage: 'full', format: 'spz' },
  { nr: SYS_readlinkat, name: 'readlinkat', handler: readlinkat, coverage: 'full', format: 'fspz' },
];

// Rarely used calls about filesystems and caches as a whole: ustat(2), sysfs(2), quotactl(2), vhangup(2), cachestat(2). There are no
// block devices and no quotas, so quotactl says what Linux says on a filesystem without them.
import {
  AT_FDCWD,
  CAP_SYS_TTY_CONFIG,
  EBADF,
  EFAULT,
  EINVAL,
  ENODEV,
  ENOSYS,
  ENOTBLK,
  EPERM,
  getU64,
  S_IFBLK,
  S_IFMT,
  S_IFREG,
  SYS_cachestat,
  SYS_quotactl,
  SYS_quotactl_fd,
  SYS_sysfs,
  SYS_ustat,
  SYS_vhangup,
  set64,
} from '@sandbox-kernel/abi';
import { PAGE_SIZE } from '@sandbox-kernel/contracts';
import type { SyscallArgs, Task } from '@sandbox-kernel/kernel';
import {
  type FileDescription,
  isOwner,
  MAY_WRITE,
  permission,
  StatfsData,
  WALK_FOLLOW,
} from '@sandbox-kernel/vfs';
import { pathArgument } from './arguments.js';
import type { SyscallRow } from './row.js';
import { workspaceOf } from './workspace.js';

/** sizeof(struct ustat). */
const USTAT_SIZE = 32;
const CACHESTAT_SIZE = 40;
const QUOTA_TYPES = 3;
/** Q_SYNC, without the type. */
const Q_SYNC = 0x800001;

function ustat(task: Task, args: SyscallArgs): number {
  const device = args.uint(0);
  const mounts = task.fs.root.mount.namespace?.list() ?? [];
  const superblock = mounts.find((mount) => mount.superblock.device === device)?.superblock;
  if (superblock === undefined) return -EINVAL;
  const data = new StatfsData();
  superblock.filesystem.statfs(superblock, data);
  const { bytes, view } = workspaceOf(task);
  bytes.fill(0, 0, USTAT_SIZE);
  view.setUint32(0, Math.min(data.blocksFree, 0x7fffffff), true);
  set64(view, 8, data.filesFree);
  return task.memory.copyOut(args.addr(1), bytes, 0, USTAT_SIZE) < USTAT_SIZE ? -EFAULT : 0;
}

/** Names of filesystem types and their indexes. */
function sysfs(task: Task, args: SyscallArgs): number {
  const names = [...task.fs.vfs.filesystemTypes.keys()];
  switch (args.int(0)) {
    case 1: {
      const name = pathArgument(task, args, 1);
      if (typeof name === 'number') return name;
      const index = names.indexOf(name);
      return index < 0 ? -EINVAL : index;
    }
    case 2: {
      const name = names[args.uint(1)];
      if (name === undefined) return -EINVAL;
      const { bytes } = workspaceOf(task);
      for (let i = 0; i < name.length; i++) bytes[i] = name.charCodeAt(i);
      bytes[name.length] = 0;
      const size = name.length + 1;
      return task.memory.copyOut(args.addr(2), bytes, 0, size) < size ? -EFAULT : 0;
    }
    case 3:
      return names.length;
    default:
      return -EINVAL;
  }
}

function quotactl(task: Task, args: SyscallArgs): number {
  if ((args.uint(0) & 0xff) >= QUOTA_TYPES) return -EINVAL;
  if (args.addr(1) === 0) return args.uint(0) >>> 8 === Q_SYNC ? 0 : -ENODEV;
  const path = pathArgument(task, args, 1);
  if (typeof path === 'number') return path;
  const { walker } = task.fs.vfs;
  const found = walker.lookup(task, AT_FDCWD, path, WALK_FOLLOW);
  if (found !== 0) return found;
  return (walker.dentry.inode!.mode & S_IFMT) === S_IFBLK ? -ENODEV : -ENOTBLK;
}

function quotactlFd(task: Task, args: SyscallArgs): number {
  if (task.files.get(args.int(0)) === null) return -EBADF;
  return (args.uint(1) & 0xff) >= QUOTA_TYPES ? -EINVAL : -ENOSYS;
}

/** A terminal of the sandbox has nobody else to hang up on. */
function vhangup(task: Task): number {
  return task.credentials.hasCapability(CAP_SYS_TTY_CONFIG) ? 0 : -EPERM;
}

function cachestat(task: Task, args: SyscallArgs): number {
  const file = task.files.getOpen(args.int(0));
  if (file === null) return -EBADF;
  const { bytes, view } = workspaceOf(task);
  if (task.memory.copyIn(args.addr(1), bytes, 0, 16) < 16) return -EFAULT;
  if (!mayAsk(task, file)) return -EPERM;
  if (args.uint(3) !== 0) return -EINVAL;
  const start = getU64(view, 0);
  const length = getU64(view, 8);
  const pages = cachedPages(file, start, length === 0 ? Infinity : start + length);
  bytes.fill(0, 0, CACHESTAT_SIZE);
  set64(view, 0, pages);
  return task.memory.copyOut(args.addr(2), bytes, 0, CACHESTAT_SIZE) < CACHESTAT_SIZE ? -EFAULT : 0;
}

/** As Linux: who may write, because others could learn what the owner reads. */
function mayAsk(task: Task, file: FileDescription): boolean {
  if (file.writable || file.inode === null) return true;
  return isOwner(file.inode, task.credentials) || permission(file.inode, task.credentials, MAY_WRITE) === 0;
}

/** Pages that hold data: all of the sandbox's own files are in memory, and host files count as cached by the host. */
function cachedPages(file: FileDescription, start: number, end: number): number {
  if (file.inode === null || (file.inode.mode & S_IFMT) !== S_IFREG) return 0;
  const stop = Math.min(end, file.ops.size(file));
  let pages = 0;
  let at = start - (start % PAGE_SIZE);
  while (at < stop) {
    const data = file.ops.seekExtent(file, at, true);
    if (data < 0 || data >= stop) break;
    const hole = Math.min(file.ops.seekExtent(file, data, false), stop);
    if (hole <= data) break;
    pages += Math.ceil(hole / PAGE_SIZE) - Math.floor(data / PAGE_SIZE);
    at = hole;
  }
  return pages;
}

export const FILESYSTEM_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_ustat, name: 'ustat', handler: ustat, coverage: 'full', format: 'xp' },
  { nr: SYS_sysfs, name: 'sysfs', handler: sysfs, coverage: 'full', format: 'dxp' },
  {
    nr: SYS_quotactl,
    name: 'quotactl',
    handler: quotactl,
    coverage: 'full',
    note: 'no filesystem has quotas',
    format: 'xsdp',
  },
  {
    nr: SYS_quotactl_fd,
    name: 'quotactl_fd',
    handler: quotactlFd,
    coverage: 'full',
    note: 'no filesystem has quotas',
    format: 'fxdp',
  },
  { nr: SYS_vhangup, name: 'vhangup', handler: vhangup, coverage: 'full', format: '' },
  { nr: SYS_cachestat, name: 'cachestat', handler: cachestat, coverage: 'full', format: 'fppx' },
];

// mount(2), umount2(2), pivot_root(2).
import {
  AT_FDCWD,
  CAP_SYS_ADMIN,
  EBUSY,
  EFAULT,
  EINVAL,
  ENODEV,
  ENOTDIR,
  EPERM,
  MNT_DETACH,
  MNT_EXPIRE,
  MNT_FORCE,
  MS_BIND,
  MS_DIRSYNC,
  MS_LAZYTIME,
  MS_MANDLOCK,
  MS_MOVE,
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_NOUSER,
  MS_PRIVATE,
  MS_RDONLY,
  MS_REC,
  MS_RELATIME,
  MS_REMOUNT,
  MS_SHARED,
  MS_SLAVE,
  MS_STRICTATIME,
  MS_SYNCHRONOUS,
  MS_UNBINDABLE,
  SYS_mount,
  SYS_pivot_root,
  SYS_umount2,
  UMOUNT_NOFOLLOW,
} from '@sandbox-kernel/abi';
import { type SyscallArgs, TASK_ZOMBIE, type Task } from '@sandbox-kernel/kernel';
import {
  attachMount,
  bindMount,
  COMMON_OPTIONS,
  type FsContext,
  Location,
  moveMount,
  newMount,
  pivotRoot,
  remount,
  setPropagation,
  unmount,
  WALK_DIRECTORY,
  WALK_FOLLOW,
} from '@sandbox-kernel/vfs';
import { pathArgument } from './arguments.js';
import type { SyscallRow } from './row.js';

const PROPAGATION = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;
const PER_MOUNT =
  MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_STRICTATIME | MS_NOSYMFOLLOW;
/** Of the filesystem, whatever mount shows it. */
const SUPER_FLAGS = MS_RDONLY | MS_SYNCHRONOUS | MS_MANDLOCK | MS_DIRSYNC | MS_LAZYTIME;
/** Old programs pass this in the high half. */
const MAGIC = 0xc0ed0000;
const MAGIC_MASK = 0xffff0000;
const DATA_MAX = 4095;

function mount(task: Task, args: SyscallArgs): number {
  const path = pathArgument(task, args, 1);
  if (typeof path === 'number') return path;
  const data = args.addr(4) === 0 ? '' : task.memory.readString(args.addr(4), DATA_MAX);
  if (typeof data === 'number') return -EFAULT;
  if (!task.credentials.hasCapability(CAP_SYS_ADMIN)) return -EPERM;
  const raw = args.uint(3);
  const flags = (raw & MAGIC_MASK) >>> 0 === MAGIC ? raw & ~MAGIC_MASK : raw;
  const place = placeOf(task, path);
  if (typeof place === 'number') return place;
  if ((flags & MS_NOUSER) !== 0) return -EINVAL;
  if ((flags & MS_REMOUNT) !== 0) {
    const { superFlags, own } = takeCommon(flags, data);
    return remount(place, mountFlags(flags), own, (flags & MS_BIND) !== 0, superFlags);
  }
  if ((flags & MS_BIND) !== 0) return fromPath(task, args, place, flags, true);
  if ((flags & PROPAGATION) !== 0) return setPropagation(place, flags & (PROPAGATION | MS_REC));
  if ((flags & MS_MOVE) !== 0) return fromPath(task, args, place, flags, false);
  return mountNew(task, args, place, flags, data);
}

/** relatime is what Linux does when nothing else is asked for. */
function mountFlags(flags: number): number {
  const kept = flags & PER_MOUNT;
  if ((kept & MS_STRICTATIME) !== 0) return kept & ~MS_NOATIME;
  return (kept & MS_NOATIME) === 0 ? kept | MS_RELATIME : kept;
}

function placeOf(task: Task, path: string, flags = WALK_FOLLOW): Location | number {
  const { walker } = task.fs.vfs;
  const found = walker.lookup(task, AT_FDCWD, path, flags);
  return found !== 0 ? found : new Location(walker.mount, walker.dentry);
}

function fromPath(task: Task, args: SyscallArgs, place: Location, flags: number, bind: boolean): number {
  const path = pathArgument(task, args, 0);
  if (typeof path === 'number') return path;
  const source = placeOf(task, path);
  if (typeof source === 'number') return source;
  return bind ? bindMount(source, place, (flags & MS_REC) !== 0) : moveMount(source, place);
}

/** What every filesystem takes may stand among its own options. */
function takeCommon(flags: number, data: string): { readonly superFlags: number; readonly own: string } {
  const parts = data.split(',');
  let superFlags = flags;
  for (const part of parts) {
    const common = COMMON_OPTIONS[part];
    if (common !== undefined) superFlags = (superFlags | common[0]) & ~common[1];
  }
  return { superFlags, own: parts.filter((part) => COMMON_OPTIONS[part] === undefined).join(',') };
}

function mountNew(task: Task, args: SyscallArgs, place: Location, flags: number, data: string): number {
  if (args.addr(2) === 0) return -EINVAL;
  const type = task.memory.readString(args.addr(2), DATA_MAX);
  if (typeof type === 'number') return -EFAULT;
  const source = args.addr(0) === 0 ? 'none' : pathArgument(task, args, 0);
  if (typeof source === 'number') return source;
  const filesystem = task.fs.vfs.filesystemTypes.get(type);
  if (filesystem === undefined) return -ENODEV;
  if (place.dentry === place.mount.root && place.mount.superblock.source === source && source !== 'none') {
    if (place.mount.superblock.filesystem.type === type && filesystem.needsDevice) return -EBUSY;
  }
  const { superFlags, own } = takeCommon(flags, data);
  const superblock = filesystem.mount(task.fs.vfs, source, superFlags, own, task);
  if (typeof superblock === 'number') return superblock;
  superblock.flags |= superFlags & SUPER_FLAGS;
  return attachMount(newMount(superblock, mountFlags(flags)), place);
}

function umount2(task: Task, args: SyscallArgs): number {
  const flags = args.int(1);
  if ((flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW)) !== 0) return -EINVAL;
  const path = pathArgument(task, args, 0);
  if (typeof path === 'number') return path;
  const place = placeOf(task, path, (flags & UMOUNT_NOFOLLOW) !== 0 ? 0 : WALK_FOLLOW);
  if (typeof place === 'number') return place;
  if (!task.credentials.hasCapability(CAP_SYS_ADMIN)) return -EPERM;
  return unmount(place, flags & ~UMOUNT_NOFOLLOW, task.fs.root);
}

function pivot(task: Task, args: SyscallArgs): number {
  if (!task.credentials.hasCapability(CAP_SYS_ADMIN)) return -EPERM;
  const newPath = pathArgument(task, args, 0);
  if (typeof newPath === 'number') return newPath;
  const oldPath = pathArgument(task, args, 1);
  if (typeof oldPath === 'number') return oldPath;
  const newRoot = placeOf(task, newPath, WALK_FOLLOW | WALK_DIRECTORY);
  if (typeof newRoot === 'number') return newRoot;
  const putOld = placeOf(task, oldPath, WALK_FOLLOW | WALK_DIRECTORY);
  if (typeof putOld === 'number') return putOld;
  if (!newRoot.dentry.inode!.isDirectory) return -ENOTDIR;
  const before = new Location(task.fs.root.mount, task.fs.root.dentry);
  const result = pivotRoot(before, newRoot, putOld);
  if (result !== 0) return result;
  for (const each of task.kernel.processes.tasks.values()) {
    if (each.state < TASK_ZOMBIE) moveAlong(each.fs, before, newRoot);
  }
  return 0;
}

/** Whoever stood at the old root stands at the new one. */
function moveAlong(fs: FsContext, before: Location, after: Location): void {
  const { root, cwd } = fs;
  if (cwd.mount === before.mount && cwd.dentry === before.dentry) fs.setCwd(after);
  if (root.mount === before.mount && root.dentry === before.dentry) fs.setRoot(after);
}

export const MOUNT_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_mount, name: 'mount', handler: mount, coverage: 'full', format: 'sssxp' },
  { nr: SYS_umount2, name: 'umount2', handler: umount2, coverage: 'full', format: 'sx' },
  { nr: SYS_pivot_root, name: 'pivot_root', handler: pivot, coverage: 'full', format: 'ss' },
];

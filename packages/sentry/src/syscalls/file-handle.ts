// name_to_handle_at(2), open_by_handle_at(2).
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_HANDLE_CONNECTABLE,
  AT_HANDLE_FID,
  AT_HANDLE_MNT_ID_UNIQUE,
  AT_SYMLINK_FOLLOW,
  CAP_DAC_READ_SEARCH,
  EBADF,
  EFAULT,
  EINVAL,
  ELOOP,
  EOVERFLOW,
  EPERM,
  ESTALE,
  O_CREAT,
  O_NOFOLLOW,
  O_PATH,
  SYS_name_to_handle_at,
  SYS_open_by_handle_at,
} from '@sandbox-kernel/abi';
import type { SyscallArgs, Task } from '@sandbox-kernel/kernel';
import {
  type Dentry,
  decodeHandle,
  encodeHandle,
  HANDLE_SIZE,
  HANDLE_TYPE,
  Location,
  openDentry,
  pathDescription,
  WALK_EMPTY,
  WALK_FOLLOW,
} from '@sandbox-kernel/vfs';
import { pathArgument } from './arguments.js';
import { install } from './open.js';
import type { SyscallRow } from './row.js';
import { workspaceOf } from './workspace.js';

const MAX_HANDLE_SZ = 128;
const HEADER = 8;
const FLAGS =
  AT_SYMLINK_FOLLOW | AT_EMPTY_PATH | AT_HANDLE_FID | AT_HANDLE_MNT_ID_UNIQUE | AT_HANDLE_CONNECTABLE;

function nameToHandle(task: Task, args: SyscallArgs): number {
  const flags = args.int(4);
  if ((flags & ~FLAGS) !== 0) return -EINVAL;
  const path = pathArgument(task, args, 1);
  if (typeof path === 'number') return path;
  const { walker } = task.fs.vfs;
  const follow = (flags & AT_SYMLINK_FOLLOW) !== 0 ? WALK_FOLLOW : 0;
  const empty = (flags & AT_EMPTY_PATH) !== 0 ? WALK_EMPTY : 0;
  const found = walker.lookup(task, args.int(0), path, follow | empty);
  if (found !== 0) return found;
  const room = task.memory.readU32(args.addr(2));
  if (room < 0) return room;
  if (room > MAX_HANDLE_SZ) return -EINVAL;
  const { bytes, view } = workspaceOf(task);
  const { dentry, mount } = walker;
  const encoded = encodeHandle(dentry.inode!, dentry, view, HEADER, (flags & AT_HANDLE_FID) !== 0);
  if (encoded !== 0) return encoded;
  view.setUint32(0, HANDLE_SIZE, true);
  view.setInt32(4, HANDLE_TYPE, true);
  const unique = (flags & AT_HANDLE_MNT_ID_UNIQUE) !== 0;
  const told = unique
    ? task.memory.writeU64(args.addr(3), mount.uniqueId)
    : task.memory.writeU32(args.addr(3), mount.id);
  if (told < 0) return told;
  const fits = room >= HANDLE_SIZE;
  const size = fits ? HEADER + HANDLE_SIZE : HEADER;
  if (task.memory.copyOut(args.addr(2), bytes, 0, size) < size) return -EFAULT;
  return fits ? 0 : -EOVERFLOW;
}

/** Where the filesystem is meant that a descriptor (or AT_FDCWD) stands in. */
function placeOf(task: Task, fd: number): Location | number {
  if (fd === AT_FDCWD) return task.fs.cwd;
  const file = task.files.get(fd);
  if (file === null || file.mount === null || file.dentry === null) return -EBADF;
  return new Location(file.mount, file.dentry);
}

function openByHandle(task: Task, args: SyscallArgs): number {
  if (!task.credentials.hasCapability(CAP_DAC_READ_SEARCH)) return -EPERM;
  const place = placeOf(task, args.int(0));
  if (typeof place === 'number') return place;
  const dentry = readHandle(task, args.addr(1), place);
  if (typeof dentry === 'number') return dentry;
  const flags = args.int(2) & ~O_CREAT;
  if ((flags & O_PATH) !== 0) {
    return install(task, pathDescription(task, place.mount, dentry, flags & O_NOFOLLOW), flags);
  }
  if (dentry.inode!.isSymlink) return -ELOOP;
  const file = openDentry(task, place.mount, dentry, flags, false);
  return typeof file === 'number' ? file : install(task, file, flags);
}

function readHandle(task: Task, addr: number, place: Location): Dentry | number {
  const size = task.memory.readU32(addr);
  if (size < 0) return size;
  if (size === 0 || size > MAX_HANDLE_SZ) return -EINVAL;
  const { bytes, view } = workspaceOf(task);
  if (task.memory.copyIn(addr, bytes, 0, HEADER + size) < HEADER + size) return -EFAULT;
  if (size !== HANDLE_SIZE || view.getInt32(4, true) !== HANDLE_TYPE) return -ESTALE;
  return decodeHandle(place.dentry.inode!, view, HEADER);
}

export const FILE_HANDLE_SYSCALLS: readonly SyscallRow[] = [
  {
    nr: SYS_name_to_handle_at,
    name: 'name_to_handle_at',
    handler: nameToHandle,
    coverage: 'full',
    format: 'fsppx',
  },
  {
    nr: SYS_open_by_handle_at,
    name: 'open_by_handle_at',
    handler: openByHandle,
    coverage: 'full',
    note: 'the handle of a host file goes stale when the file leaves the cache',
    format: 'fpx',
  },
];

// getdents64(2), getcwd(2), chdir(2), chroot(2).
import {
  AT_FDCWD,
  CAP_SYS_CHROOT,
  EBADF,
  EFAULT,
  EINVAL,
  ENOENT,
  ENOTDIR,
  EPERM,
  ERANGE,
  SYS_chdir,
  SYS_chroot,
  SYS_fchdir,
  SYS_getcwd,
  SYS_getdents,
  SYS_getdents64,
  set64,
  writeDirent,
} from '@sandbox-kernel/abi';
import type { SyscallArgs, Task } from '@sandbox-kernel/kernel';
import {
  currentDirectory,
  type DirectorySink,
  Location,
  MAY_EXEC,
  permission,
  readDirectory,
  WALK_DIRECTORY,
  WALK_FOLLOW,
} from '@sandbox-kernel/vfs';
import { pathArgument } from './arguments.js';
import { mayReadFrom } from './permission-wait.js';
import type { SyscallRow } from './row.js';
import { WORKSPACE_BYTES, type Workspace, workspaceOf } from './workspace.js';

/** Packs entries in one of Linux's two layouts. */
class DirentPacker implements DirectorySink {
  used = 0;
  full = false;

  constructor(
    readonly space: Workspace,
    readonly end: number,
    readonly old: boolean,
  ) {}

  add(name: string, inode: number, type: number, cookie: number): boolean {
    const { view } = this.space;
    const size = this.old
      ? writeOldDirent(view, this.used, this.end, inode, cookie, type, name)
      : writeDirent(view, this.used, this.end, inode, cookie, type, name);
    this.used += size;
    if (size === 0) this.full = true;
    return size > 0;
  }
}

const OLD_NAME = 18;

/** struct linux_dirent: d_ino, d_off, d_reclen, name, and the type in the last byte. */
function writeOldDirent(
  view: DataView,
  at: number,
  end: number,
  inode: number,
  cookie: number,
  type: number,
  name: string,
): number {
  const size = (OLD_NAME + name.length + 2 + 7) & ~7;
  if (size > end - at) return 0;
  set64(view, at, inode);
  set64(view, at + 8, cookie);
  view.setUint16(at + 16, size, true);
  for (let i = 0; i < name.length; i++) view.setUint8(at + OLD_NAME + i, name.charCodeAt(i));
  for (let i = OLD_NAME + name.length; i < size - 1; i++) view.setUint8(at + i, 0);
  view.setUint8(at + size - 1, type);
  return size;
}

function getdents(task: Task, args: SyscallArgs): number {
  return readEntries(task, args, true);
}

function getdents64(task: Task, args: SyscallArgs): number {
  return readEntries(task, args, false);
}

function readEntries(task: Task, args: SyscallArgs, old: boolean): number {
  const file = task.files.getOpen(args.int(0));
  if (file === null) return -EBADF;
  const allowed = mayReadFrom(task, file);
  if (allowed !== 0) return allowed;
  const space = workspaceOf(task);
  const packer = new DirentPacker(space, Math.min(args.uint(2), WORKSPACE_BYTES), old);
  const before = file.position;
  const result = readDirectory(file, packer);
  if (result < 0) return result;
  if (packer.used === 0) return packer.full ? -EINVAL : 0;
  if (task.memory.copyOut(args.addr(1), space.bytes, 0, packer.used) === packer.used) return packer.used;
  file.position = before;
  return -EFAULT;
}

function getcwd(task: Task, args: SyscallArgs): number {
  const path = currentDirectory(task.fs.root, task.fs.cwd);
  if (path === null) return -ENOENT;
  const size = path.length + 1;
  if (args.addr(1) < size) return -ERANGE;
  const { bytes } = workspaceOf(task);
  for (let i = 0; i < path.length; i++) bytes[i] = path.charCodeAt(i);
  bytes[path.length] = 0;
  return task.memory.copyOut(args.addr(0), bytes, 0, size) < size ? -EFAULT : size;
}

function chdir(task: Task, args: SyscallArgs): number {
  const place = directoryAt(task, args);
  if (typeof place === 'number') return place;
  task.fs.setCwd(place);
  return 0;
}

function chroot(task: Task, args: SyscallArgs): number {
  const place = directoryAt(task, args);
  if (typeof place === 'number') return place;
  if (!task.credentials.hasCapability(CAP_SYS_CHROOT)) return -EPERM;
  task.fs.setRoot(place);
  return 0;
}

/** The directory that argument 0 names, searchable by the caller. */
function directoryAt(task: Task, args: SyscallArgs): Location | number {
  const path = pathArgument(task, args, 0);
  if (typeof path === 'number') return path;
  const { walker } = task.fs.vfs;
  const found = walker.lookup(task, AT_FDCWD, path, WALK_FOLLOW | WALK_DIRECTORY);
  if (found !== 0) return found;
  const inode = walker.dentry.inode;
  const allowed = inode === null ? -ENOENT : permission(inode, task.credentials, MAY_EXEC);
  return allowed !== 0 ? allowed : new Location(walker.mount, walker.dentry);
}

function fchdir(task: Task, args: SyscallArgs): number {
  const file = task.files.get(args.int(0));
  if (file === null) return -EBADF;
  if (file.mount === null || file.dentry === null || file.inode === null || !file.inode.isDirectory)
    return -ENOTDIR;
  const allowed = permission(file.inode, task.credentials, MAY_EXEC);
  if (allowed !== 0) return allowed;
  task.fs.setCwd(new Location(file.mount, file.dentry));
  return 0;
}

export const DIRECTORY_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_getdents, name: 'getdents', handler: getdents, coverage: 'full', format: 'fpz' },
  { nr: SYS_getdents64, name: 'getdents64', handler: getdents64, coverage: 'full', format: 'fpz' },
  { nr: SYS_getcwd, name: 'getcwd', handler: getcwd, coverage: 'full', format: 'pz' },
  { nr: SYS_chdir, name: 'chdir', handler: chdir, coverage: 'full', format: 's' },
  { nr: SYS_fchdir, name: 'fchdir', handler: fchdir, coverage: 'full', format: 'f' },
  { nr: SYS_chroot, name: 'chroot', handler: chroot, coverage: 'full', format: 's' },
];

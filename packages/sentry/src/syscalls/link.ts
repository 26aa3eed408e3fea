// link(2), unlink(2), symlink(2), rename(2), mkdir(2), rmdir(2), mknod(2).
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_SYMLINK_FOLLOW,
  EINVAL,
  SYS_link,
  SYS_linkat,
  SYS_mkdir,
  SYS_mkdirat,
  SYS_mknod,
  SYS_mknodat,
  SYS_rename,
  SYS_renameat,
  SYS_renameat2,
  SYS_rmdir,
  SYS_symlink,
  SYS_symlinkat,
  SYS_unlink,
  SYS_unlinkat,
} from '@sandbox-kernel/abi';
import type { SyscallArgs, Task } from '@sandbox-kernel/kernel';
import {
  linkFile,
  makeDirectory,
  makeNode,
  makeSymlink,
  removeDirectory,
  renameFile,
  unlinkFile,
} from '@sandbox-kernel/vfs';
import { pathArgument } from './arguments.js';
import type { SyscallRow } from './row.js';

function linkAt(
  task: Task,
  args: SyscallArgs,
  from: number,
  i: number,
  to: number,
  j: number,
  flags: number,
): number {
  const oldPath = pathArgument(task, args, i);
  if (typeof oldPath === 'number') return oldPath;
  const newPath = pathArgument(task, args, j);
  if (typeof newPath === 'number') return newPath;
  return linkFile(task, from, oldPath, to, newPath, flags);
}

function link(task: Task, args: SyscallArgs): number {
  return linkAt(task, args, AT_FDCWD, 0, AT_FDCWD, 1, 0);
}

function linkat(task: Task, args: SyscallArgs): number {
  const flags = args.int(4);
  if ((flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) !== 0) return -EINVAL;
  return linkAt(task, args, args.int(0), 1, args.int(2), 3, flags);
}

function unlinkAt(task: Task, args: SyscallArgs, dirfd: number, i: number, directory: boolean): number {
  const path = pathArgument(task, args, i);
  if (typeof path === 'number') return path;
  return directory ? removeDirectory(task, dirfd, path) : unlinkFile(task, dirfd, path);
}

function unlink(task: Task, args: SyscallArgs): number {
  return unlinkAt(task, args, AT_FDCWD, 0, false);
}

function rmdir(task: Task, args: SyscallArgs): number {
  return unlinkAt(task, args, AT_FDCWD, 0, true);
}

function unlinkat(task: Task, args: SyscallArgs): number {
  const flags = args.int(2);
  if ((flags & ~AT_REMOVEDIR) !== 0) return -EINVAL;
  return unlinkAt(task, args, args.int(0), 1, flags !== 0);
}

function symlinkAt(task: Task, args: SyscallArgs, dirfd: number, i: number): number {
  const target = pathArgument(task, args, 0);
  if (typeof target === 'number') return target;
  const path = pathArgument(task, args, i);
  return typeof path === 'number' ? path : makeSymlink(task, target, dirfd, path);
}

function symlink(task: Task, args: SyscallArgs): number {
  return symlinkAt(task, args, AT_FDCWD, 1);
}

function symlinkat(task: Task, args: SyscallArgs): number {
  return symlinkAt(task, args, args.int(1), 2);
}

function renameAt(
  task: Task,
  args: SyscallArgs,
  from: number,
  i: number,
  to: number,
  j: number,
  flags: number,
): number {
  const oldPath = pathArgument(task, args, i);
  if (typeof oldPath === 'number') return oldPath;
  const newPath = pathArgument(task, args, j);
  if (typeof newPath === 'number') return newPath;
  return renameFile(task, from, oldPath, to, newPath, flags);
}

function rename(task: Task, args: SyscallArgs): number {
  return renameAt(task, args, AT_FDCWD, 0, AT_FDCWD, 1, 0);
}

function renameat(task: Task, args: SyscallArgs): number {
  return renameAt(task, args, args.int(0), 1, args.int(2), 3, 0);
}

function renameat2(task: Task, args: SyscallArgs): number {
  return renameAt(task, args, args.int(0), 1, args.int(2), 3, args.uint(4));
}

function mkdirAt(task: Task, args: SyscallArgs, dirfd: number, i: number): number {
  const path = pathArgument(task, args, i);
  return typeof path === 'number' ? path : makeDirectory(task, dirfd, path, args.uint(i + 1));
}

function mkdir(task: Task, args: SyscallArgs): number {
  return mkdirAt(task, args, AT_FDCWD, 0);
}

function mkdirat(task: Task, args: SyscallArgs): number {
  return mkdirAt(task, args, args.int(0), 1);
}

function mknodAt(task: Task, args: SyscallArgs, dirfd: number, i: number): number {
  const path = pathArgument(task, args, i);
  return typeof path === 'number'
    ? path
    : makeNode(task, dirfd, path, args.uint(i + 1) & 0xffff, args.uint(i + 2));
}

function mknod(task: Task, args: SyscallArgs): number {
  return mknodAt(task, args, AT_FDCWD, 0);
}

function mknodat(task: Task, args: SyscallArgs): number {
  return mknodAt(task, args, args.int(0), 1);
}

export const LINK_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_link, name: 'link', handler: link, coverage: 'full', format: 'ss' },
  { nr: SYS_linkat, name: 'linkat', handler: linkat, coverage: 'full', format: 'fsfsx' },
  { nr: SYS_unlink, name: 'unlink', handler: unlink, coverage: 'full', format: 's' },
  { nr: SYS_unlinkat, name: 'unlinkat', handler: unlinkat, coverage: 'full', format: 'fsx' },
  { nr: SYS_rmdir, name: 'rmdir', handler: rmdir, coverage: 'full', format: 's' },
  { nr: SYS_symlink, name: 'symlink', handler: symlink, coverage: 'full', format: 'ss' },
  { nr: SYS_symlinkat, name: 'symlinkat', handler: symlinkat, coverage: 'full', format: 'sfs' },
  { nr: SYS_rename, name: 'rename', handler: rename, coverage: 'full', format: 'ss' },
  { nr: SYS_renameat, name: 'renameat', handler: renameat, coverage: 'full', format: 'fsfs' },
  { nr: SYS_renameat2, name: 'renameat2', handler: renameat2, coverage: 'full', format: 'fsfsx' },
  { nr: SYS_mkdir, name: 'mkdir', handler: mkdir, coverage: 'full', format: 'so' },
  { nr: SYS_mkdirat, name: 'mkdirat', handler: mkdirat, coverage: 'full', format: 'fso' },
  { nr: SYS_mknod, name: 'mknod', handler: mknod, coverage: 'full', format: 'sox' },
  { nr: SYS_mknodat, name: 'mknodat', handler: mknodat, coverage: 'full', format: 'fsox' },
];

// getxattr(2), setxattr(2), listxattr(2), removexattr(2) in their forms by path, by link, by descriptor and (xattrat) relative to one.
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  E2BIG,
  EBADF,
  EFAULT,
  EINVAL,
  ENAMETOOLONG,
  ERANGE,
  getU64,
  SYS_fgetxattr,
  SYS_flistxattr,
  SYS_fremovexattr,
  SYS_fsetxattr,
  SYS_getxattr,
  SYS_getxattrat,
  SYS_lgetxattr,
  SYS_listxattr,
  SYS_listxattrat,
  SYS_llistxattr,
  SYS_lremovexattr,
  SYS_lsetxattr,
  SYS_removexattr,
  SYS_removexattrat,
  SYS_setxattr,
  SYS_setxattrat,
  XATTR_CREATE,
  XATTR_NAME_MAX,
  XATTR_REPLACE,
  XATTR_SIZE_MAX,
} from '@sandbox-kernel/abi';
import type { SyscallArgs, Task } from '@sandbox-kernel/kernel';
import {
  getFileXattr,
  getXattr,
  latin1Bytes,
  listFileXattrs,
  listXattrs,
  removeFileXattr,
  removeXattr,
  setFileXattr,
  setXattr,
} from '@sandbox-kernel/vfs';
import { pathArgument } from './arguments.js';
import type { SyscallRow } from './row.js';
import { workspaceOf } from './workspace.js';

/** sizeof(struct xattr_args). */
const XATTR_ARGS_SIZE = 16;
const PAGE_BYTES = 4096;
const SET_FLAGS = XATTR_CREATE | XATTR_REPLACE;

function nameArgument(task: Task, args: SyscallArgs, at = 1): string | number {
  const name = task.memory.readString(args.addr(at), XATTR_NAME_MAX);
  if (typeof name === 'number') return name === -ENAMETOOLONG ? -ERANGE : name;
  return name.length === 0 ? -ERANGE : name;
}

/** Size asked for (0) or bytes copied. */
function putValue(task: Task, addr: number, size: number, value: Uint8Array): number {
  if (size === 0) return value.length;
  if (value.length > size) return -ERANGE;
  return task.memory.copyOut(addr, value, 0, value.length) < value.length ? -EFAULT : value.length;
}

function getByPath(task: Task, args: SyscallArgs, flags: number): number {
  const name = nameArgument(task, args);
  if (typeof name === 'number') return name;
  const path = pathArgument(task, args, 0);
  if (typeof path === 'number') return path;
  const value = getXattr(task, AT_FDCWD, path, name, flags);
  return typeof value === 'number' ? value : putValue(task, args.addr(2), args.size(3), value);
}

function getxattr(task: Task, args: SyscallArgs): number {
  return getByPath(task, args, 0);
}

function lgetxattr(task: Task, args: SyscallArgs): number {
  return getByPath(task, args, AT_SYMLINK_NOFOLLOW);
}

function fgetxattr(task: Task, args: SyscallArgs): number {
  const name = nameArgument(task, args);
  if (typeof name === 'number') return name;
  const file = task.files.getOpen(args.int(0));
  if (file === null) return -EBADF;
  const value = getFileXattr(task, file, name);
  return typeof value === 'number' ? value : putValue(task, args.addr(2), args.size(3), value);
}

function valueArgument(task: Task, args: SyscallArgs): Uint8Array | number {
  const size = args.size(3);
  if (size < 0 || size > XATTR_SIZE_MAX) return -E2BIG;
  const value = new Uint8Array(size);
  return task.memory.copyIn(args.addr(2), value, 0, size) < size ? -EFAULT : value;
}

function setByPath(task: Task, args: SyscallArgs, flags: number): number {
  if ((args.int(4) & ~SET_FLAGS) !== 0) return -EINVAL;
  const name = nameArgument(task, args);
  if (typeof name === 'number') return name;
  const value = valueArgument(task, args);
  if (typeof value === 'number') return value;
  const path = pathArgument(task, args, 0);
  return typeof path === 'number' ? path : setXattr(task, AT_FDCWD, path, name, value, args.int(4), flags);
}

function setxattr(task: Task, args: SyscallArgs): number {
  return setByPath(task, args, 0);
}

function lsetxattr(task: Task, args: SyscallArgs): number {
  return setByPath(task, args, AT_SYMLINK_NOFOLLOW);
}

function fsetxattr(task: Task, args: SyscallArgs): number {
  if ((args.int(4) & ~SET_FLAGS) !== 0) return -EINVAL;
  const name = nameArgument(task, args);
  if (typeof name === 'number') return name;
  const value = valueArgument(task, args);
  if (typeof value === 'number') return value;
  const file = task.files.getOpen(args.int(0));
  return file === null ? -EBADF : setFileXattr(task, file, name, value, args.int(4));
}

function listByPath(task: Task, args: SyscallArgs, flags: number): number {
  const path = pathArgument(task, args, 0);
  if (typeof path === 'number') return path;
  const names = listXattrs(task, AT_FDCWD, path, flags);
  return typeof names === 'number' ? names : putValue(task, args.addr(1), args.size(2), latin1Bytes(names));
}

function listxattr(task: Task, args: SyscallArgs): number {
  return listByPath(task, args, 0);
}

function llistxattr(task: Task, args: SyscallArgs): number {
  return listByPath(task, args, AT_SYMLINK_NOFOLLOW);
}

function flistxattr(task: Task, args: SyscallArgs): number {
  const file = task.files.getOpen(args.int(0));
  if (file === null) return -EBADF;
  const names = listFileXattrs(task, file);
  return typeof names === 'number' ? names : putValue(task, args.addr(1), args.size(2), latin1Bytes(names));
}

function removeByPath(task: Task, args: SyscallArgs, flags: number): number {
  const name = nameArgument(task, args);
  if (typeof name === 'number') return name;
  const path = pathArgument(task, args, 0);
  return typeof path === 'number' ? path : removeXattr(task, AT_FDCWD, path, name, flags);
}

function removexattr(task: Task, args: SyscallArgs): number {
  return removeByPath(task, args, 0);
}

function lremovexattr(task: Task, args: SyscallArgs): number {
  return removeByPath(task, args, AT_SYMLINK_NOFOLLOW);
}

function fremovexattr(task: Task, args: SyscallArgs): number {
  const name = nameArgument(task, args);
  if (typeof name === 'number') return name;
  const file = task.files.getOpen(args.int(0));
  return file === null ? -EBADF : removeFileXattr(task, file, name);
}

/** Flags of the xattrat calls; -EINVAL for unknown ones. */
function atFlags(args: SyscallArgs): number {
  const flags = args.int(2);
  return (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0 ? -EINVAL : flags;
}

/** struct xattr_args: where the value is, its size, XATTR_*. */
class ValueArguments {
  address = 0;
  size = 0;
  flags = 0;
}

function readArguments(task: Task, args: SyscallArgs, out: ValueArguments): number {
  const size = args.size(5);
  if (size > PAGE_BYTES) return -E2BIG;
  if (size < XATTR_ARGS_SIZE) return -EINVAL;
  const { bytes, view } = workspaceOf(task);
  if (task.memory.copyIn(args.addr(4), bytes, 0, size) < size) return -EFAULT;
  for (let i = XATTR_ARGS_SIZE; i < size; i++) if (bytes[i] !== 0) return -E2BIG;
  out.address = getU64(view, 0);
  out.size = view.getUint32(8, true);
  out.flags = view.getUint32(12, true);
  return 0;
}

function setxattrat(task: Task, args: SyscallArgs): number {
  const flags = atFlags(args);
  if (flags < 0) return flags;
  const given = new ValueArguments();
  const read = readArguments(task, args, given);
  if (read !== 0) return read;
  const name = nameArgument(task, args, 3);
  if (typeof name === 'number') return name;
  if ((given.flags & ~(XATTR_CREATE | XATTR_REPLACE)) !== 0) return -EINVAL;
  if (given.size > XATTR_SIZE_MAX) return -E2BIG;
  const value = new Uint8Array(given.size);
  if (task.memory.copyIn(given.address, value, 0, given.size) < given.size) return -EFAULT;
  const path = pathArgument(task, args, 1);
  return typeof path === 'number' ? path : setXattr(task, args.int(0), path, name, value, given.flags, flags);
}

function getxattrat(task: Task, args: SyscallArgs): number {
  const flags = atFlags(args);
  if (flags < 0) return flags;
  const given = new ValueArguments();
  const read = readArguments(task, args, given);
  if (read !== 0) return read;
  if (given.flags !== 0) return -EINVAL;
  const name = nameArgument(task, args, 3);
  if (typeof name === 'number') return name;
  const path = pathArgument(task, args, 1);
  if (typeof path === 'number') return path;
  const value = getXattr(task, args.int(0), path, name, flags);
  return typeof value === 'number' ? value : putValue(task, given.address, given.size, value);
}

function listxattrat(task: Task, args: SyscallArgs): number {
  const flags = atFlags(args);
  if (flags < 0) return flags;
  const path = pathArgument(task, args, 1);
  if (typeof path === 'number') return path;
  const names = listXattrs(task, args.int(0), path, flags);
  return typeof names === 'number' ? names : putValue(task, args.addr(3), args.size(4), latin1Bytes(names));
}

function removexattrat(task: Task, args: SyscallArgs): number {
  const flags = atFlags(args);
  if (flags < 0) return flags;
  const name = nameArgument(task, args, 3);
  if (typeof name === 'number') return name;
  const path = pathArgument(task, args, 1);
  return typeof path === 'number' ? path : removeXattr(task, args.int(0), path, name, flags);
}

export const XATTR_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_getxattr, name: 'getxattr', handler: getxattr, coverage: 'full', format: 'sspz' },
  { nr: SYS_lgetxattr, name: 'lgetxattr', handler: lgetxattr, coverage: 'full', format: 'sspz' },
  { nr: SYS_fgetxattr, name: 'fgetxattr', handler: fgetxattr, coverage: 'full', format: 'fspz' },
  { nr: SYS_setxattr, name: 'setxattr', handler: setxattr, coverage: 'full', format: 'sspzx' },
  { nr: SYS_lsetxattr, name: 'lsetxattr', handler: lsetxattr, coverage: 'full', format: 'sspzx' },
  { nr: SYS_fsetxattr, name: 'fsetxattr', handler: fsetxattr, coverage: 'full', format: 'fspzx' },
  { nr: SYS_listxattr, name: 'listxattr', handler: listxattr, coverage: 'full', format: 'spz' },
  { nr: SYS_llistxattr, name: 'llistxattr', handler: llistxattr, coverage: 'full', format: 'spz' },
  { nr: SYS_flistxattr, name: 'flistxattr', handler: flistxattr, coverage: 'full', format: 'fpz' },
  { nr: SYS_removexattr, name: 'removexattr', handler: removexattr, coverage: 'full', format: 'ss' },
  { nr: SYS_lremovexattr, name: 'lremovexattr', handler: lremovexattr, coverage: 'full', format: 'ss' },
  { nr: SYS_fremovexattr, name: 'fremovexattr', handler: fremovexattr, coverage: 'full', format: 'fs' },
  { nr: SYS_setxattrat, name: 'setxattrat', handler: setxattrat, coverage: 'full', format: 'fsxspz' },
  { nr: SYS_getxattrat, name: 'getxattrat', handler: getxattrat, coverage: 'full', format: 'fsxspz' },
  { nr: SYS_listxattrat, name: 'listxattrat', handler: listxattrat, coverage: 'full', format: 'fsxpz' },
  { nr: SYS_removexattrat, name: 'removexattrat', handler: removexattrat, coverage: 'full', format: 'fsxs' },
];

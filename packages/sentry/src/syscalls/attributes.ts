// chmod(2), chown(2), utimensat(2) and its elders, truncate(2), fallocate(2), umask(2).
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  EAGAIN,
  EBADF,
  EFAULT,
  EFBIG,
  EINVAL,
  SIGXFSZ,
  SYS_chmod,
  SYS_chown,
  SYS_fallocate,
  SYS_fchmod,
  SYS_fchmodat,
  SYS_fchmodat2,
  SYS_fchown,
  SYS_fchownat,
  SYS_ftruncate,
  SYS_futimesat,
  SYS_lchown,
  SYS_truncate,
  SYS_umask,
  SYS_utime,
  SYS_utimensat,
  SYS_utimes,
} from '@sandbox-kernel/abi';
import { kernelSignal, type SyscallArgs, sendToTask, type Task } from '@sandbox-kernel/kernel';
import {
  allocateFile,
  changeMode,
  changeModeOf,
  changeOwner,
  changeOwnerOf,
  setTimes,
  setTimesOf,
  TIME_NOW,
  TIME_OMIT,
  truncateFile,
  truncatePath,
} from '@sandbox-kernel/vfs';
import { fileSizeLimit, pathArgument } from './arguments.js';
import { waitForLease } from './open.js';
import type { SyscallRow } from './row.js';
import { workspaceOf } from './workspace.js';

const NANOS_PER_SECOND = 1e9;
const MICROS_PER_SECOND = 1e6;
const TWO_32 = 2 ** 32;
/** chown(2)'s "leave as it is". */
const UNCHANGED = 0xffffffff;

function chmod(task: Task, args: SyscallArgs): number {
  return chmodAt(task, args, AT_FDCWD, 0, 0);
}

function fchmodat(task: Task, args: SyscallArgs): number {
  return chmodAt(task, args, args.int(0), 1, 0);
}

function fchmodat2(task: Task, args: SyscallArgs): number {
  const flags = args.int(3);
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return -EINVAL;
  return chmodAt(task, args, args.int(0), 1, flags);
}

function chmodAt(task: Task, args: SyscallArgs, dirfd: number, i: number, flags: number): number {
  const path = pathArgument(task, args, i);
  return typeof path === 'number' ? path : changeMode(task, dirfd, path, args.uint(i + 1) & 0o7777, flags);
}

function fchmod(task: Task, args: SyscallArgs): number {
  const file = task.files.getOpen(args.int(0));
  return file === null ? -EBADF : changeModeOf(task, file, args.uint(1) & 0o7777);
}

function ownerArgument(args: SyscallArgs, i: number): number {
  const id = args.uint(i);
  return id === UNCHANGED ? -1 : id;
}

function chown(task: Task, args: SyscallArgs): number {
  return chownAt(task, args, AT_FDCWD, 0, 0);
}

function lchown(task: Task, args: SyscallArgs): number {
  return chownAt(task, args, AT_FDCWD, 0, AT_SYMLINK_NOFOLLOW);
}

function fchownat(task: Task, args: SyscallArgs): number {
  const flags = args.int(4);
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return -EINVAL;
  return chownAt(task, args, args.int(0), 1, flags);
}

function chownAt(task: Task, args: SyscallArgs, dirfd: number, i: number, flags: number): number {
  const path = pathArgument(task, args, i);
  if (typeof path === 'number') return path;
  return changeOwner(task, dirfd, path, ownerArgument(args, i + 1), ownerArgument(args, i + 2), flags);
}

function fchown(task: Task, args: SyscallArgs): number {
  const file = task.files.getOpen(args.int(0));
  return file === null ? -EBADF : changeOwnerOf(task, file, ownerArgument(args, 1), ownerArgument(args, 2));
}

/** Access and modification time: seconds, nanoseconds (or TIME_NOW, TIME_OMIT) each. */
type Times = readonly [number, number, number, number];
const BOTH_NOW: Times = [0, TIME_NOW, 0, TIME_NOW];

function utimensat(task: Task, args: SyscallArgs): number {
  const times = readTimes(task, args.addr(2), 1, NANOS_PER_SECOND);
  if (typeof times === 'number') return times;
  if (times[1] === TIME_OMIT && times[3] === TIME_OMIT) return 0;
  const flags = args.int(3);
  if (args.addr(1) === 0 && args.int(0) !== AT_FDCWD) {
    if (flags !== 0) return -EINVAL;
    const file = task.files.getOpen(args.int(0));
    return file === null ? -EBADF : setTimesOf(task, file, ...times);
  }
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return -EINVAL;
  return timesAt(task, args, args.int(0), 1, times, flags);
}

function utimes(task: Task, args: SyscallArgs): number {
  const times = readTimes(task, args.addr(1), 1000, MICROS_PER_SECOND);
  return typeof times === 'number' ? times : timesAt(task, args, AT_FDCWD, 0, times, 0);
}

function futimesat(task: Task, args: SyscallArgs): number {
  const times = readTimes(task, args.addr(2), 1000, MICROS_PER_SECOND);
  if (typeof times === 'number') return times;
  if (args.addr(1) !== 0) return timesAt(task, args, args.int(0), 1, times, 0);
  const file = task.files.getOpen(args.int(0));
  return file === null ? -EBADF : setTimesOf(task, file, ...times);
}

function utime(task: Task, args: SyscallArgs): number {
  const addr = args.addr(1);
  if (addr === 0) return timesAt(task, args, AT_FDCWD, 0, BOTH_NOW, 0);
  const { bytes, view } = workspaceOf(task);
  if (task.memory.copyIn(addr, bytes, 0, 16) < 16) return -EFAULT;
  return timesAt(task, args, AT_FDCWD, 0, [signed64(view, 0), 0, signed64(view, 8), 0], 0);
}

function timesAt(
  task: Task,
  args: SyscallArgs,
  dirfd: number,
  i: number,
  times: Times,
  flags: number,
): number {
  const path = pathArgument(task, args, i);
  return typeof path === 'number' ? path : setTimes(task, dirfd, path, ...times, flags);
}

/** Two timespecs or timevals; a null pointer means now. `scale`: nanoseconds per fraction; `limit`: fractions per second. */
function readTimes(task: Task, addr: number, scale: number, limit: number): Times | number {
  if (addr === 0) return BOTH_NOW;
  const { bytes, view } = workspaceOf(task);
  if (task.memory.copyIn(addr, bytes, 0, 32) < 32) return -EFAULT;
  const access = fraction(signed64(view, 8), scale, limit);
  const modify = fraction(signed64(view, 24), scale, limit);
  if (access < 0 || modify < 0) return -EINVAL;
  return [signed64(view, 0), access, signed64(view, 16), modify];
}

function fraction(value: number, scale: number, limit: number): number {
  if (scale === 1 && (value === TIME_NOW || value === TIME_OMIT)) return value;
  return value < 0 || value >= limit ? -1 : value * scale;
}

function signed64(view: DataView, at: number): number {
  return view.getInt32(at + 4, true) * TWO_32 + view.getUint32(at, true);
}

function truncate(task: Task, args: SyscallArgs): number {
  const size = args.long(1);
  if (size < 0) return -EINVAL;
  const path = pathArgument(task, args, 0);
  if (typeof path === 'number') return path;
  if (size > fileSizeLimit(task)) return tooBig(task);
  const result = truncatePath(task, path, size);
  return result === -EAGAIN ? waitForLease(task, result) : result;
}

function ftruncate(task: Task, args: SyscallArgs): number {
  const size = args.long(1);
  if (size < 0) return -EINVAL;
  const file = task.files.getOpen(args.int(0));
  if (file === null) return -EBADF;
  if (size > fileSizeLimit(task) && size > file.ops.size(file)) return tooBig(task);
  return truncateFile(task, file, size);
}

/** Beyond RLIMIT_FSIZE: the signal comes with the error. */
function tooBig(task: Task): number {
  sendToTask(task, kernelSignal(SIGXFSZ));
  return -EFBIG;
}

function fallocate(task: Task, args: SyscallArgs): number {
  const file = task.files.getOpen(args.int(0));
  if (file === null) return -EBADF;
  const offset = args.long(2);
  const length = args.long(3);
  const end = offset + length;
  const grows = args.int(1) === 0 && offset >= 0 && length > 0 && file.writable && end > file.ops.size(file);
  if (grows && end > fileSizeLimit(task)) return tooBig(task);
  return allocateFile(task, file, args.int(1), offset, length);
}

function umask(task: Task, args: SyscallArgs): number {
  const old = task.fs.umask;
  task.fs.umask = args.uint(0) & 0o777;
  return old;
}

export const ATTRIBUTE_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_chmod, name: 'chmod', handler: chmod, coverage: 'full', format: 'so' },
  { nr: SYS_fchmod, name: 'fchmod', handler: fchmod, coverage: 'full', format: 'fo' },
  { nr: SYS_fchmodat, name: 'fchmodat', handler: fchmodat, coverage: 'full', format: 'fso' },
  { nr: SYS_fchmodat2, name: 'fchmodat2', handler: fchmodat2, coverage: 'full', format: 'fsox' },
  { nr: SYS_chown, name: 'chown', handler: chown, coverage: 'full', format: 'sdd' },
  { nr: SYS_lchown, name: 'lchown', handler: lchown, coverage: 'full', format: 'sdd' },
  { nr: SYS_fchown, name: 'fchown', handler: fchown, coverage: 'full', format: 'fdd' },
  { nr: SYS_fchownat, name: 'fchownat', handler: fchownat, coverage: 'full', format: 'fsddx' },
  { nr: SYS_utimensat, name: 'utimensat', handler: utimensat, coverage: 'full', format: 'fspx' },
  { nr: SYS_utimes, name: 'utimes', handler: utimes, coverage: 'full', format: 'sp' },
  { nr: SYS_futimesat, name: 'futimesat', handler: futimesat, coverage: 'full', format: 'fsp' },
  { nr: SYS_utime, name: 'utime', handler: utime, coverage: 'full', format: 'sp' },
  { nr: SYS_truncate, name: 'truncate', handler: truncate, coverage: 'full', format: 'sd' },
  { nr: SYS_ftruncate, name: 'ftruncate', handler: ftruncate, coverage: 'full', format: 'fd' },
  { nr: SYS_fallocate, name: 'fallocate', handler: fallocate, coverage: 'full', format: 'fxdd' },
  { nr: SYS_umask, name: 'umask', handler: umask, coverage: 'full', format: 'o' },
];

// open(2), openat2(2), creat(2), close(2), close_range(2), dup(2).
import {
  AT_FDCWD,
  CLOSE_RANGE_CLOEXEC,
  CLOSE_RANGE_UNSHARE,
  E2BIG,
  EAGAIN,
  EFAULT,
  EINVAL,
  ERESTARTSYS,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_DSYNC,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_SYNC,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
  RESOLVE_BENEATH,
  RESOLVE_CACHED,
  RESOLVE_IN_ROOT,
  SYS_close,
  SYS_close_range,
  SYS_creat,
  SYS_dup,
  SYS_dup2,
  SYS_dup3,
  SYS_open,
  SYS_openat,
  SYS_openat2,
} from '@sandbox-kernel/abi';
import { BLOCKED, type SyscallArgs, type Task } from '@sandbox-kernel/kernel';
import {
  type FileDescription,
  fifoMustWait,
  leaseDeadline,
  locksOf,
  openFile,
  pipeOf,
} from '@sandbox-kernel/vfs';
import { descriptorLimit, pathArgument } from './arguments.js';
import { waitForPermission } from './permission-wait.js';
import type { SyscallRow } from './row.js';
import { workspaceOf } from './workspace.js';

/** Flags that open(2) knows; it ignores others, openat2(2) refuses them. */
const KNOWN_FLAGS = 0x7fffc3;
/** The O_TMPFILE bit without O_DIRECTORY. */
const TMPFILE_BIT = O_TMPFILE & ~O_DIRECTORY;
const MODE_BITS = 0o7777;
const RESOLVE_FLAGS = 0x3f;
/** Two ideas of what the top is. */
const ROOTS = RESOLVE_BENEATH | RESOLVE_IN_ROOT;
/** What goes with O_PATH. */
const PATH_FLAGS = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
/** The bit of O_SYNC that O_DSYNC does not have. */
const SYNC_BIT = O_SYNC & ~O_DSYNC;
/** sizeof(struct open_how), first version. */
const OPEN_HOW_SIZE = 24;
const PAGE_BYTES = 4096;

function open(task: Task, args: SyscallArgs): number {
  return openAt(task, args, AT_FDCWD, 0, args.int(1), args.uint(2));
}

function creat(task: Task, args: SyscallArgs): number {
  return openAt(task, args, AT_FDCWD, 0, O_CREAT | O_WRONLY | O_TRUNC, args.uint(1));
}

function openat(task: Task, args: SyscallArgs): number {
  return openAt(task, args, args.int(0), 1, args.int(2), args.uint(3));
}

function openAt(
  task: Task,
  args: SyscallArgs,
  dirfd: number,
  pathIndex: number,
  flags: number,
  mode: number,
): number {
  if (task.call.phase !== 0) return waitForPeer(task, flags);
  const path = pathArgument(task, args, pathIndex);
  if (typeof path === 'number') return path;
  return finishOpen(
    task,
    openFile(task, dirfd, path, withSync(flags & KNOWN_FLAGS), mode & MODE_BITS),
    flags,
  );
}

/** struct open_how: flags, mode, resolve; larger ones must be zero beyond what is known. */
function openat2(task: Task, args: SyscallArgs): number {
  const { bytes, view } = workspaceOf(task);
  const size = args.size(3);
  if (size < OPEN_HOW_SIZE) return -EINVAL;
  if (size > PAGE_BYTES) return -E2BIG;
  if (task.memory.copyIn(args.addr(2), bytes, 0, size) < size) return -EFAULT;
  for (let i = OPEN_HOW_SIZE; i < size; i++) if (bytes[i] !== 0) return -E2BIG;
  const flags = view.getUint32(0, true);
  const mode = view.getUint32(8, true);
  const resolve = view.getUint32(16, true);
  if (view.getUint32(4, true) !== 0 || (flags & ~KNOWN_FLAGS) !== 0) return -EINVAL;
  if (view.getUint32(12, true) !== 0 || (mode & ~MODE_BITS) !== 0) return -EINVAL;
  if (view.getUint32(20, true) !== 0 || (resolve & ~RESOLVE_FLAGS) !== 0) return -EINVAL;
  if ((resolve & ROOTS) === ROOTS) return -EINVAL;
  if ((flags & (O_CREAT | TMPFILE_BIT)) === 0 && mode !== 0) return -EINVAL;
  if ((flags & O_PATH) !== 0 && (flags & ~PATH_FLAGS) !== 0) return -EINVAL;
  // What has to ask the filesystem can't be done from memory alone.
  if ((resolve & RESOLVE_CACHED) !== 0 && (flags & (O_CREAT | O_TRUNC | TMPFILE_BIT)) !== 0) return -EAGAIN;
  if (task.call.phase !== 0) return waitForPeer(task, flags);
  const path = pathArgument(task, args, 1);
  if (typeof path === 'number') return path;
  return finishOpen(task, openFile(task, args.int(0), path, withSync(flags), mode, resolve), flags);
}

/** O_SYNC alone means O_DSYNC too, as old programs have it. */
function withSync(flags: number): number {
  return (flags & SYNC_BIT) !== 0 ? flags | O_DSYNC : flags;
}

function finishOpen(task: Task, file: FileDescription | number, flags: number): number {
  if (typeof file === 'number') {
    if (file !== -EAGAIN) return file;
    const { notify } = task.fs.vfs;
    if (notify.waiting !== null) return waitForPermission(task);
    if ((flags & O_NONBLOCK) !== 0) return file;
    return waitForLease(task, file);
  }
  if (!fifoMustWait(file)) return install(task, file, flags);
  task.call.phase = 1;
  task.call.object = file;
  return waitForPeer(task, flags);
}

/** After -EAGAIN of an open or truncation: waits when a lease was the reason, for the call to run again. */
export function waitForLease(task: Task, error: number): number {
  const { locks } = task.fs.vfs;
  const inode = locks.breaking;
  locks.breaking = null;
  if (inode === null) return error;
  task.watch(locksOf(inode).queue, 1, false);
  task.wakeAt(leaseDeadline(inode));
  return task.block(-ERESTARTSYS);
}

/** A FIFO without its other side: the file is open, but the call waits. */
function waitForPeer(task: Task, flags: number): number {
  const file = task.call.object as FileDescription;
  if (!fifoMustWait(file)) return install(task, file, flags);
  const result = task.blockOn(pipeOf(file)!.waiters.openers, 1, -ERESTARTSYS);
  if (result !== BLOCKED) file.release();
  return result;
}

/** Gives the file a number; closes it when there is none left. */
export function install(task: Task, file: FileDescription, flags: number): number {
  const fd = task.files.install(file, descriptorLimit(task), (flags & O_CLOEXEC) !== 0);
  if (fd < 0) file.release();
  return fd;
}

function close(task: Task, args: SyscallArgs): number {
  return task.files.close(args.int(0));
}

function closeRange(task: Task, args: SyscallArgs): number {
  const first = args.uint(0);
  const last = args.uint(1);
  const flags = args.uint(2);
  if ((flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) !== 0 || first > last) return -EINVAL;
  if ((flags & CLOSE_RANGE_UNSHARE) !== 0 && task.files.shareCount > 1) {
    const own = task.files.copy();
    task.files.release();
    task.files = own;
  }
  return task.files.closeRange(first, last, (flags & CLOSE_RANGE_CLOEXEC) !== 0);
}

function dup(task: Task, args: SyscallArgs): number {
  return task.files.dup(args.int(0), 0, descriptorLimit(task), false);
}

function dup2(task: Task, args: SyscallArgs): number {
  return task.files.dup2(args.int(0), args.int(1), descriptorLimit(task));
}

function dup3(task: Task, args: SyscallArgs): number {
  const flags = args.int(2);
  if ((flags & ~O_CLOEXEC) !== 0) return -EINVAL;
  return task.files.dup3(args.int(0), args.int(1), descriptorLimit(task), flags !== 0);
}

export const OPEN_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_open, name: 'open', handler: open, coverage: 'full', format: 'sxo' },
  { nr: SYS_creat, name: 'creat', handler: creat, coverage: 'full', format: 'so' },
  { nr: SYS_openat, name: 'openat', handler: openat, coverage: 'full', format: 'fsxo' },
  { nr: SYS_openat2, name: 'openat2', handler: openat2, coverage: 'full', format: 'fspz' },
  { nr: SYS_close, name: 'close', handler: close, coverage: 'full', format: 'f' },
  { nr: SYS_close_range, name: 'close_range', handler: closeRange, coverage: 'full', format: 'uux' },
  { nr: SYS_dup, name: 'dup', handler: dup, coverage: 'full', format: 'f' },
  { nr: SYS_dup2, name: 'dup2', handler: dup2, coverage: 'full', format: 'ff' },
  { nr: SYS_dup3, name: 'dup3', handler: dup3, coverage: 'full', format: 'ffx' },
];

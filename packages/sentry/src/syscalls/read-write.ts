// read(2), write(2), their positioned and vectored forms, and lseek(2). A write to a pipe or socket that takes a part only goes on
// until all is written or a signal comes; the count so far stands in `task.call.progress`.
import {
  EAGAIN,
  EBADF,
  EFAULT,
  EFBIG,
  EINVAL,
  EOPNOTSUPP,
  EPIPE,
  ERESTARTSYS,
  ESPIPE,
  O_DIRECT,
  O_NONBLOCK,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  POLLRDHUP,
  RWF_APPEND,
  RWF_DSYNC,
  RWF_HIPRI,
  RWF_NOAPPEND,
  RWF_NOSIGNAL,
  RWF_NOWAIT,
  RWF_SYNC,
  SIGPIPE,
  SIGXFSZ,
  SYS_lseek,
  SYS_pread64,
  SYS_preadv,
  SYS_preadv2,
  SYS_pwrite64,
  SYS_pwritev,
  SYS_pwritev2,
  SYS_read,
  SYS_readv,
  SYS_write,
  SYS_writev,
  TASK_SIZE,
} from '@sandbox-kernel/abi';
import { ACCESS_READ, ACCESS_WRITE, PAGE_SIZE } from '@sandbox-kernel/contracts';
import { kernelSignal, type SyscallArgs, sendToTask, socketOf, type Task } from '@sandbox-kernel/kernel';
import { type IoBuffers, importBuffer, importIovec, MAX_RW_COUNT } from '@sandbox-kernel/mm';
import {
  type FileDescription,
  FMODE_SEEK,
  pipeOf,
  readFile,
  readFileAt,
  seekFile,
  shorten,
  syncFile,
  writeFile,
  writeFileAt,
} from '@sandbox-kernel/vfs';
import { fileSizeLimit } from './arguments.js';
import { readPermission } from './permission-wait.js';
import type { SyscallRow } from './row.js';
import { workspaceOf } from './workspace.js';

/** Offset that stands for "the current position". */
const CURRENT = -1;
export const KNOWN_RWF =
  RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND | RWF_NOAPPEND | RWF_NOSIGNAL;

/** Where offsets end. */
const OFFSET_LIMIT = 2 ** 63;

function read(task: Task, args: SyscallArgs): number {
  const file = task.files.getOpen(args.int(0));
  if (file === null || !file.readable) return -EBADF;
  const io = workspaceOf(task).io;
  const imported = importBuffer(task.memory, args.addr(1), args.size(2), ACCESS_WRITE, io);
  if (imported < 0) return imported === -EFAULT ? readNowhere(task, file, args) : imported;
  if (imported < args.size(2) && !keepWholePages(file, io, args.size(2)))
    return readNowhere(task, file, args);
  return readInto(task, file, io, CURRENT, 0);
}

function write(task: Task, args: SyscallArgs): number {
  const file = task.files.getOpen(args.int(0));
  if (file === null || !file.writable) return -EBADF;
  const io = workspaceOf(task).io;
  const imported = importBuffer(task.memory, args.addr(1), args.size(2), ACCESS_READ, io);
  if (imported < 0) return imported === -EFAULT ? writeNowhere(task, file, args) : imported;
  if (imported < args.size(2) && !keepWholePages(file, io, args.size(2)))
    return writeNowhere(task, file, args);
  return writeFrom(task, file, io, CURRENT, 0);
}

/** A buffer that can't be reached is found out when there is something to copy: before that, a file that isn't ready waits. */
function readNowhere(task: Task, file: FileDescription, args: SyscallArgs): number {
  if (args.addr(1) + args.size(2) > TASK_SIZE) return -EFAULT;
  const pipe = pipeOf(file);
  const done = pipe === null ? notReady(file, POLLIN) : pipe.readNowhere();
  return done === -EAGAIN && mayWait(file, 0) ? task.blockOn(file, POLLIN | POLLRDHUP, -ERESTARTSYS) : done;
}

function writeNowhere(task: Task, file: FileDescription, args: SyscallArgs): number {
  if (args.addr(1) + args.size(2) > TASK_SIZE) return -EFAULT;
  const pipe = pipeOf(file);
  const done =
    pipe === null ? notReady(file, POLLOUT) : pipe.writeNowhere(args.size(2), (file.flags & O_DIRECT) !== 0);
  if (done === -EAGAIN && mayWait(file, 0)) return task.blockOn(file, POLLOUT, -ERESTARTSYS);
  return failed(task, done, Infinity);
}

function notReady(file: FileDescription, events: number): number {
  return (file.ops.poll(file) & (events | POLLHUP | POLLERR)) === 0 ? -EAGAIN : -EFAULT;
}

/**
 * A pipe moves page by page, and not a byte of a page of which a part can't be reached. False when nothing is left to move.
 */
function keepWholePages(file: FileDescription, io: IoBuffers, wanted: number): boolean {
  if (pipeOf(file) === null || io.total >= Math.min(wanted, MAX_RW_COUNT)) return true;
  shorten(io, io.total - (io.total % PAGE_SIZE));
  return io.total > 0;
}

function pread64(task: Task, args: SyscallArgs): number {
  const offset = args.long(3);
  if (offset < 0) return -EINVAL;
  const file = task.files.getOpen(args.int(0));
  if (file === null) return -EBADF;
  const io = workspaceOf(task).io;
  const imported = importBuffer(task.memory, args.addr(1), args.size(2), ACCESS_WRITE, io);
  if (imported < 0) return imported;
  const beyond = offset + io.total >= OFFSET_LIMIT && file.readable && (file.mode & FMODE_SEEK) !== 0;
  return beyond ? -EINVAL : readInto(task, file, io, offset, 0);
}

function pwrite64(task: Task, args: SyscallArgs): number {
  const offset = args.long(3);
  if (offset < 0) return -EINVAL;
  const file = task.files.getOpen(args.int(0));
  if (file === null) return -EBADF;
  const io = workspaceOf(task).io;
  const imported = importBuffer(task.memory, args.addr(1), args.size(2), ACCESS_READ, io);
  if (imported < 0) return imported;
  const beyond = offset + io.total >= OFFSET_LIMIT && file.writable && (file.mode & FMODE_SEEK) !== 0;
  return beyond ? -EINVAL : writeFrom(task, file, io, offset, 0);
}

function readv(task: Task, args: SyscallArgs): number {
  return readVector(task, args, CURRENT, 0);
}

function writev(task: Task, args: SyscallArgs): number {
  return writeVector(task, args, CURRENT, 0);
}

function preadv(task: Task, args: SyscallArgs): number {
  const offset = args.long(3);
  return offset < 0 ? -EINVAL : readVector(task, args, offset, 0);
}

function pwritev(task: Task, args: SyscallArgs): number {
  const offset = args.long(3);
  return offset < 0 ? -EINVAL : writeVector(task, args, offset, 0);
}

function preadv2(task: Task, args: SyscallArgs): number {
  const offset = args.long(3);
  const flags = args.int(5);
  if (offset < CURRENT) return -EINVAL;
  return readVector(task, args, offset, flags);
}

function pwritev2(task: Task, args: SyscallArgs): number {
  const offset = args.long(3);
  const flags = args.int(5);
  if (offset < CURRENT) return -EINVAL;
  return writeVector(task, args, offset, flags);
}

function readVector(task: Task, args: SyscallArgs, offset: number, flags: number): number {
  const file = task.files.getOpen(args.int(0));
  if (file === null) return -EBADF;
  if (offset !== CURRENT && (file.mode & FMODE_SEEK) === 0) return -ESPIPE;
  if (!file.readable) return -EBADF;
  const io = workspaceOf(task).io;
  const imported = importIovec(task.memory, args.addr(1), args.size(2), ACCESS_WRITE, io);
  if (imported < 0) return imported;
  if (offset + io.total >= OFFSET_LIMIT) return -EINVAL;
  const isDirectory = file.inode?.isDirectory === true;
  if (isDirectory && (flags & ~RWF_HIPRI) !== 0) return -EOPNOTSUPP;
  if ((flags & ~KNOWN_RWF) !== 0 || refusesNoWait(file, flags)) return -EOPNOTSUPP;
  return readInto(task, file, io, offset, flags);
}

function writeVector(task: Task, args: SyscallArgs, offset: number, flags: number): number {
  const file = task.files.getOpen(args.int(0));
  if (file === null) return -EBADF;
  if (offset !== CURRENT && (file.mode & FMODE_SEEK) === 0) return -ESPIPE;
  if (!file.writable) return -EBADF;
  const io = workspaceOf(task).io;
  const imported = importIovec(task.memory, args.addr(1), args.size(2), ACCESS_READ, io);
  if (imported < 0) return imported;
  if (offset + io.total >= OFFSET_LIMIT) return -EINVAL;
  // Unlike write(2), which sends an empty message.
  if (io.total === 0 && socketOf(file) !== null) return 0;
  if ((flags & ~KNOWN_RWF) !== 0 || refusesNoWait(file, flags)) return -EOPNOTSUPP;
  if ((flags & RWF_APPEND) !== 0 && (flags & RWF_NOAPPEND) !== 0) return -EINVAL;
  return writeFrom(task, file, io, offset, flags);
}

function refusesNoWait(file: FileDescription, flags: number): boolean {
  return (flags & RWF_NOWAIT) !== 0 && !file.ops.takesNoWait(file);
}

/** One read into segments that are there; waits when the file would block and may. */
export function readInto(
  task: Task,
  file: FileDescription,
  io: IoBuffers,
  offset: number,
  flags: number,
): number {
  if (task.fs.vfs.notify.permissionGroups.length > 0) {
    const allowed = readPermission(task, file);
    if (allowed !== 0) return allowed;
  }
  const done = offset === CURRENT ? readFile(file, io, flags) : readFileAt(file, io, offset, flags);
  if (done === -EAGAIN && mayWait(file, flags)) return task.blockOn(file, POLLIN | POLLRDHUP, -ERESTARTSYS);
  if (done <= 0) return done;
  const committed = io.commit(done);
  return committed < 0 ? committed : done;
}

/** One write from segments that are there, to its end; see the file's head. */
export function writeFrom(
  task: Task,
  file: FileDescription,
  io: IoBuffers,
  offset: number,
  flags: number,
): number {
  const call = task.call;
  if (call.progress > 0) io.advance(call.progress);
  const limit = fileSizeLimit(task);
  for (;;) {
    const done =
      offset === CURRENT
        ? writeFile(file, io, flags, limit, task.credentials)
        : writeFileAt(file, io, offset, flags, limit, task.credentials);
    if (done >= 0) {
      call.progress += done;
      if (done >= io.total || done === 0 || offset !== CURRENT || !mayWait(file, flags))
        return written(file, call.progress, flags);
      io.advance(done);
      continue;
    }
    if (done === -EAGAIN && mayWait(file, flags)) {
      return task.blockOn(file, POLLOUT, call.progress > 0 ? call.progress : -ERESTARTSYS);
    }
    if (call.progress > 0) return call.progress;
    return (flags & RWF_NOSIGNAL) !== 0 && done === -EPIPE ? done : failed(task, done, limit);
  }
}

function mayWait(file: FileDescription, flags: number): boolean {
  return (file.flags & O_NONBLOCK) === 0 && (flags & RWF_NOWAIT) === 0;
}

function written(file: FileDescription, count: number, flags: number): number {
  if (count > 0 && (flags & (RWF_DSYNC | RWF_SYNC)) !== 0 && (file.mode & FMODE_SEEK) !== 0) {
    const synced = syncFile(file, (flags & RWF_SYNC) === 0);
    if (synced < 0) return synced;
  }
  return count;
}

/** Errors that come with a signal. */
export function failed(task: Task, error: number, sizeLimit: number): number {
  if (error === -EPIPE) sendToTask(task, kernelSignal(SIGPIPE));
  else if (error === -EFBIG && Number.isFinite(sizeLimit)) sendToTask(task, kernelSignal(SIGXFSZ));
  return error;
}

function lseek(task: Task, args: SyscallArgs): number {
  const file = task.files.getOpen(args.int(0));
  return file === null ? -EBADF : seekFile(file, args.long(1), args.uint(2));
}

export const READ_WRITE_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_read, name: 'read', handler: read, coverage: 'full', format: 'fpz' },
  { nr: SYS_write, name: 'write', handler: write, coverage: 'full', format: 'fpz' },
  { nr: SYS_pread64, name: 'pread64', handler: pread64, coverage: 'full', format: 'fpzd' },
  { nr: SYS_pwrite64, name: 'pwrite64', handler: pwrite64, coverage: 'full', format: 'fpzd' },
  { nr: SYS_readv, name: 'readv', handler: readv, coverage: 'full', format: 'fpd' },
  { nr: SYS_writev, name: 'writev', handler: writev, coverage: 'full', format: 'fpd' },
  { nr: SYS_preadv, name: 'preadv', handler: preadv, coverage: 'full', format: 'fpdd' },
  { nr: SYS_pwritev, name: 'pwritev', handler: pwritev, coverage: 'full', format: 'fpdd' },
  { nr: SYS_preadv2, name: 'preadv2', handler: preadv2, coverage: 'full', format: 'fpdddx' },
  { nr: SYS_pwritev2, name: 'pwritev2', handler: pwritev2, coverage: 'full', format: 'fpdddx' },
  { nr: SYS_lseek, name: 'lseek', handler: lseek, coverage: 'full', format: 'fdd' },
];

// sendfile(2), splice(2), tee(2), vmsplice(2), copy_file_range(2).
import {
  EAGAIN,
  EBADF,
  EFAULT,
  EINVAL,
  EPIPE,
  ERESTARTSYS,
  ESPIPE,
  IPPROTO_TCP,
  O_NONBLOCK,
  POLLIN,
  POLLOUT,
  POLLRDHUP,
  SIGPIPE,
  SYS_copy_file_range,
  SYS_sendfile,
  SYS_splice,
  SYS_tee,
  SYS_vmsplice,
} from '@sandbox-kernel/abi';
import { ACCESS_READ, ACCESS_WRITE, PAGE_SIZE } from '@sandbox-kernel/contracts';
import {
  BLOCKED,
  kernelSignal,
  type SyscallArgs,
  sendToTask,
  socketOf,
  type Task,
} from '@sandbox-kernel/kernel';
import { importIovec } from '@sandbox-kernel/mm';
import {
  checkSendSource,
  copyFileRange,
  type FileDescription,
  NEGATIVE_OFFSET,
  pipeOf,
  sendFile,
  spliceFiles,
  vmsplice as splicePages,
  teePipes,
} from '@sandbox-kernel/vfs';
import { fileSizeLimit } from './arguments.js';
import { mayReadFrom } from './permission-wait.js';
import type { SyscallRow } from './row.js';
import { put64 } from './user-time.js';
import { workspaceOf } from './workspace.js';

const SPLICE_F_NONBLOCK = 2;
const SPLICE_KNOWN = 0xf;
const NO_OFFSET = -1;
const TWO_32 = 2 ** 32;

/** A loff_t in memory: -1 for a null pointer, NEGATIVE_OFFSET for a negative one; -EFAULT comes as -2^53 less the errno. */
const FAILED = -(2 ** 53);

function readOffset(task: Task, addr: number): number {
  if (addr === 0) return NO_OFFSET;
  const { bytes, view } = workspaceOf(task);
  if (task.memory.copyIn(addr, bytes, 0, 8) < 8) return FAILED - EFAULT;
  const offset = view.getInt32(4, true) * TWO_32 + view.getUint32(0, true);
  return offset < 0 ? NEGATIVE_OFFSET : offset;
}

function writeOffset(task: Task, addr: number, offset: number): number {
  if (addr === 0) return 0;
  const { bytes, view } = workspaceOf(task);
  put64(view, 0, offset);
  return task.memory.copyOut(addr, bytes, 0, 8) < 8 ? -EFAULT : 0;
}

/** Waits on the side that is not ready, if that may be, or tells the error; what was done before either counts more. */
function settle(
  task: Task,
  result: number,
  from: FileDescription,
  to: FileDescription,
  waitFrom: boolean,
  waitTo: boolean,
): number {
  const { progress } = task.call;
  if (result === -EPIPE) sendToTask(task, kernelSignal(SIGPIPE));
  const otherwise = progress > 0 ? progress : result;
  if (result !== -EAGAIN) return otherwise;
  const code = progress > 0 ? progress : -ERESTARTSYS;
  if (isFull(from, to)) return waitTo ? task.blockOn(to, POLLOUT, code) : otherwise;
  return waitFrom ? task.blockOn(from, POLLIN | POLLRDHUP, code) : otherwise;
}

/** Pre: nothing could be moved. Is it the target's fault? */
function isFull(from: FileDescription, to: FileDescription): boolean {
  const target = pipeOf(to);
  if (target !== null) return target.full;
  const source = pipeOf(from);
  return source === null || !source.empty;
}

function blocks(file: FileDescription): boolean {
  return (file.flags & O_NONBLOCK) === 0;
}

/** Goes on, as writes do, until all is sent where the target is a stream that may be waited for: `progress` counts. */
function sendfile(task: Task, args: SyscallArgs): number {
  const offset = readOffset(task, args.addr(2));
  if (offset <= FAILED) return offset - FAILED;
  const from = task.files.getOpen(args.int(1));
  if (from === null) return -EBADF;
  const source = checkSendSource(from, offset, args.size(3));
  if (source !== 0) return source;
  const to = task.files.getOpen(args.int(0));
  if (to === null) return -EBADF;
  const allowed = mayReadFrom(task, from);
  if (allowed !== 0) return allowed;
  const result = sendAll(task, from, to, offset, args.size(3));
  const done = task.call.progress;
  if (result === BLOCKED || done === 0) return result;
  if (offset < 0) return done;
  const told = writeOffset(task, args.addr(2), offset + done);
  return told < 0 ? told : done;
}

function sendAll(
  task: Task,
  from: FileDescription,
  to: FileDescription,
  offset: number,
  size: number,
): number {
  const { call } = task;
  const limit = fileSizeLimit(task);
  for (;;) {
    const at = offset < 0 ? offset : offset + call.progress;
    const done = sendFile(to, from, at, size - call.progress, limit, task.credentials);
    if (done <= 0) return settle(task, done, from, to, blocks(from), blocks(to));
    call.progress += done;
    if (call.progress >= size || pipeOf(to) !== null || !blocks(to)) return call.progress;
  }
}

function splice(task: Task, args: SyscallArgs): number {
  const flags = args.uint(5);
  if ((flags & ~SPLICE_KNOWN) !== 0) return -EINVAL;
  if (args.size(4) === 0) return 0;
  const from = task.files.getOpen(args.int(0));
  const to = task.files.getOpen(args.int(2));
  if (from === null || to === null) return -EBADF;
  if (args.addr(1) !== 0 && pipeOf(from) !== null) return -ESPIPE;
  if (args.addr(3) !== 0 && pipeOf(to) !== null) return -ESPIPE;
  const toOffset = readOffset(task, args.addr(3));
  if (toOffset <= FAILED) return toOffset - FAILED;
  const fromOffset = readOffset(task, args.addr(1));
  if (fromOffset <= FAILED) return fromOffset - FAILED;
  const allowed = mayReadFrom(task, from);
  if (allowed !== 0) return allowed;
  const result = spliceAll(task, from, fromOffset, to, toOffset, args.size(4), flags);
  const done = task.call.progress;
  if (result === BLOCKED || done === 0) return result;
  if (fromOffset >= 0 && writeOffset(task, args.addr(1), fromOffset + done) < 0) return -EFAULT;
  return toOffset >= 0 && writeOffset(task, args.addr(3), toOffset + done) < 0 ? -EFAULT : done;
}

/** Out of a pipe until it is empty; into one once. */
function spliceAll(
  task: Task,
  from: FileDescription,
  fromOffset: number,
  to: FileDescription,
  toOffset: number,
  size: number,
  flags: number,
): number {
  const { call } = task;
  const source = pipeOf(from);
  const target = pipeOf(to);
  const mayWait = (flags & SPLICE_F_NONBLOCK) === 0;
  const both = source === null || target === null || (blocks(from) && blocks(to));
  const waitFrom = both && blocks(from) && (mayWait || waitsRegardless(from));
  const waitTo = both && blocks(to) && (mayWait || target === null);
  const limit = fileSizeLimit(task);
  for (;;) {
    const at = toOffset < 0 ? toOffset : toOffset + call.progress;
    const done = spliceFiles(from, fromOffset, to, at, size - call.progress, limit, task.credentials);
    if (done <= 0) return settle(task, done, from, to, waitFrom, waitTo);
    call.progress += done;
    if (call.progress >= size || target !== null || source?.empty !== false) return call.progress;
  }
}

/** SPLICE_F_NONBLOCK is about pipes. Of what else has a flag of its own, AF_UNIX heeds this one, and TCP does not. */
function waitsRegardless(file: FileDescription): boolean {
  return socketOf(file)?.protocol === IPPROTO_TCP;
}

function tee(task: Task, args: SyscallArgs): number {
  const flags = args.uint(3);
  if ((flags & ~SPLICE_KNOWN) !== 0) return -EINVAL;
  if (args.size(2) === 0) return 0;
  const from = task.files.getOpen(args.int(0));
  const to = task.files.getOpen(args.int(1));
  if (from === null || to === null) return -EBADF;
  const done = teePipes(from, to, args.size(2));
  const wait = (flags & SPLICE_F_NONBLOCK) === 0 && blocks(from) && blocks(to);
  return settle(task, done, from, to, wait, wait);
}

function vmsplice(task: Task, args: SyscallArgs): number {
  const flags = args.uint(3);
  if ((flags & ~SPLICE_KNOWN) !== 0) return -EINVAL;
  const file = task.files.getOpen(args.int(0));
  if (file === null || (!file.writable && !file.readable)) return -EBADF;
  const { io } = workspaceOf(task);
  const access = file.writable ? ACCESS_READ : ACCESS_WRITE;
  const imported = importIovec(task.memory, args.addr(1), args.size(2), access, io);
  if (imported < 0) return imported;
  if (io.total === 0) return 0;
  if (pipeOf(file) === null) return -EBADF;
  const first = task.memory.readU64(args.addr(1));
  const done = splicePages(file, io, Math.max(first, 0) % PAGE_SIZE);
  if (done > 0 && !file.writable) {
    const committed = io.commit(done);
    if (committed < 0) return committed;
  }
  const wait = (flags & SPLICE_F_NONBLOCK) === 0 && blocks(file);
  return settle(task, done, file, file, wait, wait);
}

function copyRange(task: Task, args: SyscallArgs): number {
  const from = task.files.getOpen(args.int(0));
  const to = task.files.getOpen(args.int(2));
  if (from === null || to === null) return -EBADF;
  const fromOffset = readOffset(task, args.addr(1));
  if (fromOffset <= FAILED) return fromOffset - FAILED;
  const toOffset = readOffset(task, args.addr(3));
  if (toOffset <= FAILED) return toOffset - FAILED;
  if (args.uint(5) !== 0) return -EINVAL;
  const allowed = mayReadFrom(task, from);
  if (allowed !== 0) return allowed;
  const done = copyFileRange(
    from,
    fromOffset,
    to,
    toOffset,
    // A count, not a difference.
    args.size(4) < 0 ? args.size(4) + 2 ** 64 : args.size(4),
    fileSizeLimit(task),
    task.credentials,
  );
  if (done <= 0) return done;
  if (fromOffset >= 0 && writeOffset(task, args.addr(1), fromOffset + done) < 0) return -EFAULT;
  return toOffset >= 0 && writeOffset(task, args.addr(3), toOffset + done) < 0 ? -EFAULT : done;
}

export const SPLICE_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_sendfile, name: 'sendfile', handler: sendfile, coverage: 'full', format: 'ffpz' },
  { nr: SYS_splice, name: 'splice', handler: splice, coverage: 'full', format: 'fpfpzx' },
  { nr: SYS_tee, name: 'tee', handler: tee, coverage: 'full', format: 'ffzx' },
  {
    nr: SYS_vmsplice,
    name: 'vmsplice',
    handler: vmsplice,
    coverage: 'full',
    note: 'pages are copied',
    format: 'fpzx',
  },
  {
    nr: SYS_copy_file_range,
    name: 'copy_file_range',
    handler: copyRange,
    coverage: 'full',
    format: 'fpfpzx',
  },
];

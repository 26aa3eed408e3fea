// io_setup(2), io_submit(2), io_getevents(2), io_pgetevents(2), io_cancel(2), io_destroy(2): kernel AIO. Files of the sandbox answer at
// once, so a request is finished when io_submit returns, as buffered I/O is on Linux; only IOCB_CMD_POLL stays in flight. A pipe or
// socket without data makes io_submit wait, as there.
import {
  EAGAIN,
  EBADF,
  EFAULT,
  EINPROGRESS,
  EINTR,
  EINVAL,
  EOPNOTSUPP,
  ERESTARTNOHAND,
  getI64,
  getU64,
  IOCB_AIO_BUF,
  IOCB_AIO_DATA,
  IOCB_AIO_FILDES,
  IOCB_AIO_FLAGS,
  IOCB_AIO_KEY,
  IOCB_AIO_LIO_OPCODE,
  IOCB_AIO_NBYTES,
  IOCB_AIO_OFFSET,
  IOCB_AIO_RESERVED2,
  IOCB_AIO_RESFD,
  IOCB_AIO_RW_FLAGS,
  IOCB_CMD_FDSYNC,
  IOCB_CMD_FSYNC,
  IOCB_CMD_POLL,
  IOCB_CMD_PREAD,
  IOCB_CMD_PREADV,
  IOCB_CMD_PWRITE,
  IOCB_CMD_PWRITEV,
  IOCB_FLAG_RESFD,
  IOCB_SIZE,
  O_NONBLOCK,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  RWF_NOWAIT,
  SYS_io_cancel,
  SYS_io_destroy,
  SYS_io_getevents,
  SYS_io_pgetevents,
  SYS_io_setup,
  SYS_io_submit,
} from '@sandbox-kernel/abi';
import { ACCESS_READ, ACCESS_WRITE } from '@sandbox-kernel/contracts';
import {
  AioContext,
  AioPoll,
  AioRequest,
  BLOCKED,
  dropTemporaryMask,
  isEventFd,
  type SyscallArgs,
  type Task,
} from '@sandbox-kernel/kernel';
import { importBuffer, importIovec } from '@sandbox-kernel/mm';
import {
  type FileDescription,
  FMODE_SEEK,
  readFile,
  readFileAt,
  syncFile,
  writeFile,
  writeFileAt,
} from '@sandbox-kernel/vfs';
import { fileSizeLimit } from './arguments.js';
import { memoryOf } from './memory.js';
import { applyMask, expired, startDeadline } from './poll.js';
import { failed, KNOWN_RWF } from './read-write.js';
import type { SyscallRow } from './row.js';
import { readTimespec, UserTime } from './user-time.js';
import { workspaceOf } from './workspace.js';

/** fs.aio-max-nr. */
export const AIO_MAX_NR = 65536;
/** Beyond this io_setup(2) says EINVAL: the ring's size would overflow. */
const MOST_EVENTS = 0x10000000 / 32;
const POINTER_SIZE = 8;
/** A marker of `submitOne`: nothing to tell, the request stays in flight or is told already. */
const ACCEPTED = 0;

function ioSetup(task: Task, args: SyscallArgs): number {
  const low = task.memory.readU32(args.addr(1));
  const high = task.memory.readU32(args.addr(1) + 4);
  if (low < 0 || high < 0) return -EFAULT;
  const wanted = args.uint(0);
  if (low !== 0 || high !== 0 || wanted === 0 || wanted > MOST_EVENTS) return -EINVAL;
  if (wanted + aioRequests(task) > AIO_MAX_NR) return -EAGAIN;
  const contexts = task.image.aioContexts;
  const context = AioContext.create(memoryOf(task), wanted, task.kernel.options.processors, contexts.size);
  if (typeof context === 'number') return context;
  contexts.set(context.id, context);
  const written = task.memory.writeU64(args.addr(1), context.id);
  if (written < 0) destroyContext(task, context);
  return written;
}

/** fs.aio-nr: what all contexts of the sandbox were asked for. */
export function aioRequests(task: Pick<Task, 'kernel'>): number {
  let total = 0;
  const seen = new Set<unknown>();
  for (const each of task.kernel.processes.tasks.values()) {
    if (seen.has(each.image)) continue;
    seen.add(each.image);
    for (const context of each.image.aioContexts.values()) total += context.wanted;
  }
  return total;
}

function destroyContext(task: Task, context: AioContext): void {
  task.image.aioContexts.delete(context.id);
  context.destroy(true);
}

function contextArgument(task: Task, args: SyscallArgs): AioContext | null {
  return task.image.aioContexts.get(args.addr(0)) ?? null;
}

function ioDestroy(task: Task, args: SyscallArgs): number {
  const context = contextArgument(task, args);
  if (context === null) return -EINVAL;
  destroyContext(task, context);
  return 0;
}

/** Requests done so far stand in `call.value`: a request that waits makes the whole call run again. */
function ioSubmit(task: Task, args: SyscallArgs): number {
  const asked = args.long(1);
  if (asked < 0) return -EINVAL;
  const context = contextArgument(task, args);
  if (context === null) return -EINVAL;
  const count = Math.min(asked, context.size);
  const { call } = task;
  while (call.value < count) {
    const pointer = args.addr(2) + call.value * POINTER_SIZE;
    const low = task.memory.readU32(pointer);
    const high = task.memory.readU32(pointer + 4);
    const result = low < 0 || high < 0 ? -EFAULT : submitOne(task, context, high * 2 ** 32 + low);
    if (result === BLOCKED) return BLOCKED;
    if (result !== ACCEPTED) return call.value > 0 ? call.value : result;
    call.value++;
    call.progress = 0;
  }
  return call.value;
}

/** The fields of one struct iocb that its operation uses. */
class Iocb {
  opcode = 0;
  rwFlags = 0;
  buffer = 0;
  length = 0;
  offset = 0;
}

function submitOne(task: Task, context: AioContext, address: number): number {
  const { bytes, view } = workspaceOf(task);
  if (task.memory.copyIn(address, bytes, 0, IOCB_SIZE) < IOCB_SIZE) return -EFAULT;
  if (getU64(view, IOCB_AIO_RESERVED2) !== 0 || view.getInt32(IOCB_AIO_NBYTES + 4, true) < 0) return -EINVAL;
  if (context.free <= 0) return -EAGAIN;
  const file = task.files.getOpen(view.getUint32(IOCB_AIO_FILDES, true) | 0);
  if (file === null) return -EBADF;
  const told = (view.getUint32(IOCB_AIO_FLAGS, true) & IOCB_FLAG_RESFD) !== 0;
  const eventFile = told ? task.files.getOpen(view.getUint32(IOCB_AIO_RESFD, true) | 0) : null;
  if (told && eventFile === null) return -EBADF;
  if (eventFile !== null && !isEventFd(eventFile)) return -EINVAL;
  const request = new AioRequest(
    address,
    view.getUint32(IOCB_AIO_DATA, true),
    view.getUint32(IOCB_AIO_DATA + 4, true),
    eventFile,
  );
  const iocb = decode(view);
  if (task.memory.writeU32(address + IOCB_AIO_KEY, 0) < 0) return -EFAULT;
  eventFile?.retain();
  const result = perform(task, context, request, file, iocb);
  if (result !== ACCEPTED) eventFile?.release();
  return result;
}

function decode(view: DataView): Iocb {
  const iocb = new Iocb();
  iocb.opcode = view.getUint16(IOCB_AIO_LIO_OPCODE, true);
  iocb.rwFlags = view.getInt32(IOCB_AIO_RW_FLAGS, true);
  iocb.buffer = getU64(view, IOCB_AIO_BUF);
  iocb.length = getU64(view, IOCB_AIO_NBYTES);
  iocb.offset = getI64(view, IOCB_AIO_OFFSET);
  return iocb;
}

function perform(
  task: Task,
  context: AioContext,
  request: AioRequest,
  file: FileDescription,
  iocb: Iocb,
): number {
  switch (iocb.opcode) {
    case IOCB_CMD_PREAD:
    case IOCB_CMD_PREADV:
      return transfer(task, context, request, file, iocb, true);
    case IOCB_CMD_PWRITE:
    case IOCB_CMD_PWRITEV:
      return transfer(task, context, request, file, iocb, false);
    case IOCB_CMD_FSYNC:
    case IOCB_CMD_FDSYNC:
      return sync(context, request, file, iocb);
    case IOCB_CMD_POLL:
      return poll(context, request, file, iocb);
    default:
      return -EINVAL;
  }
}

function sync(context: AioContext, request: AioRequest, file: FileDescription, iocb: Iocb): number {
  if (iocb.buffer !== 0 || iocb.offset !== 0 || iocb.length !== 0 || iocb.rwFlags !== 0) return -EINVAL;
  const result = syncFile(file, iocb.opcode === IOCB_CMD_FDSYNC);
  if (result === -EINVAL) return result;
  context.complete(request, result);
  return ACCEPTED;
}

function poll(context: AioContext, request: AioRequest, file: FileDescription, iocb: Iocb): number {
  if (iocb.buffer > 0xffff || iocb.offset !== 0 || iocb.length !== 0 || iocb.rwFlags !== 0) return -EINVAL;
  new AioPoll(context, request, file, iocb.buffer | POLLERR | POLLHUP).start();
  return ACCEPTED;
}

function transfer(
  task: Task,
  context: AioContext,
  request: AioRequest,
  file: FileDescription,
  iocb: Iocb,
  reading: boolean,
): number {
  if ((iocb.rwFlags & ~KNOWN_RWF) !== 0) return -EOPNOTSUPP;
  if (reading ? !file.readable : !file.writable) return -EBADF;
  const { io } = workspaceOf(task);
  const access = reading ? ACCESS_WRITE : ACCESS_READ;
  const vector = iocb.opcode === IOCB_CMD_PREADV || iocb.opcode === IOCB_CMD_PWRITEV;
  const imported = vector
    ? importIovec(task.memory, iocb.buffer, iocb.length, access, io)
    : importBuffer(task.memory, iocb.buffer, iocb.length, access, io);
  if (imported < 0 && (vector || imported !== -EFAULT)) return imported;
  if (iocb.offset < 0) return -EINVAL;
  const result = imported < 0 ? imported : move(task, file, iocb, reading);
  if (result === BLOCKED) return BLOCKED;
  if (result < 0 && !reading) failed(task, result, fileSizeLimit(task));
  context.complete(request, result);
  return ACCEPTED;
}

/** Bytes moved, an error, or BLOCKED. */
function move(task: Task, file: FileDescription, iocb: Iocb, reading: boolean): number {
  const { io } = workspaceOf(task);
  const { call } = task;
  if (call.progress > 0) io.advance(call.progress);
  const seekable = (file.mode & FMODE_SEEK) !== 0;
  const flags = iocb.rwFlags;
  const limit = fileSizeLimit(task);
  let done: number;
  if (reading) done = seekable ? readFileAt(file, io, iocb.offset, flags) : readFile(file, io, flags);
  else
    done = seekable
      ? writeFileAt(file, io, iocb.offset, flags, limit, task.credentials)
      : writeFile(file, io, flags, limit, task.credentials);
  if (done > 0 && reading && io.commit(done) < 0) return -EFAULT;
  const mayWait = (file.flags & O_NONBLOCK) === 0 && (flags & RWF_NOWAIT) === 0;
  if (done > 0 && !reading && !seekable && mayWait && done < io.total) {
    call.progress += done;
    return move(task, file, iocb, reading);
  }
  if (done !== -EAGAIN || !mayWait)
    return done < 0 && call.progress > 0 ? call.progress : call.progress + done;
  return task.blockOn(file, reading ? POLLIN : POLLOUT, call.progress > 0 ? call.progress : -EINTR);
}

function ioGetevents(task: Task, args: SyscallArgs): number {
  const prepared = prepareTimeout(task, args.addr(4));
  return prepared !== 0 ? prepared : collect(task, args, -EINTR);
}

function ioPgetevents(task: Task, args: SyscallArgs): number {
  const set = args.addr(5);
  const address = set === 0 ? 0 : task.memory.readU64(set);
  const size = set === 0 ? 0 : task.memory.readU64(set + 8);
  if (address < 0 || size < 0) return -EFAULT;
  const prepared = prepareTimeout(task, args.addr(4));
  if (prepared !== 0) return prepared;
  const masked = applyMask(task, address, size);
  if (masked !== 0) return masked;
  const result = collect(task, args, -ERESTARTNOHAND);
  if (result !== BLOCKED && result !== -ERESTARTNOHAND) dropTemporaryMask(task);
  return result;
}

function prepareTimeout(task: Task, addr: number): number {
  if (task.call.phase !== 0) return 0;
  const time = new UserTime();
  const read = addr === 0 ? 0 : readTimespec(task, addr, time);
  if (read === -EFAULT) return read;
  startDeadline(task, addr === 0 ? Number.POSITIVE_INFINITY : Math.max(time.total, 0));
  return 0;
}

/** Events copied so far stand in `call.progress`. */
function collect(task: Task, args: SyscallArgs, interrupted: number): number {
  const context = contextArgument(task, args);
  const least = args.long(1);
  const most = args.long(2);
  const { call } = task;
  if (context === null) return call.progress > 0 ? call.progress : -EINVAL;
  if (least < 0 || most < 0 || least > most) return -EINVAL;
  const reaped = context.reap(args.addr(3) + call.progress * 32, most - call.progress);
  if (reaped < 0) return call.progress > 0 ? call.progress : reaped;
  call.progress += reaped;
  if (call.progress >= least || expired(task)) return call.progress;
  task.watch(context.queue, 1, false);
  task.wakeAt(call.deadline);
  return task.block(call.progress > 0 ? call.progress : interrupted);
}

/** Only requests that wait can be cancelled: the event of a cancelled one goes to the ring. */
function ioCancel(task: Task, args: SyscallArgs): number {
  const key = task.memory.readU32(args.addr(1) + IOCB_AIO_KEY);
  if (key < 0) return -EFAULT;
  const context = contextArgument(task, args);
  if (key !== 0 || context === null) return -EINVAL;
  const poll = context.polls.find((each) => each.request.address === args.addr(1));
  if (poll === undefined) return -EINVAL;
  poll.finish(0);
  return -EINPROGRESS;
}

export const AIO_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_io_setup, name: 'io_setup', handler: ioSetup, coverage: 'full', format: 'up' },
  { nr: SYS_io_destroy, name: 'io_destroy', handler: ioDestroy, coverage: 'full', format: 'p' },
  { nr: SYS_io_submit, name: 'io_submit', handler: ioSubmit, coverage: 'full', format: 'pdp' },
  { nr: SYS_io_getevents, name: 'io_getevents', handler: ioGetevents, coverage: 'full', format: 'pddpp' },
  { nr: SYS_io_pgetevents, name: 'io_pgetevents', handler: ioPgetevents, coverage: 'full', format: 'pddppp' },
  { nr: SYS_io_cancel, name: 'io_cancel', handler: ioCancel, coverage: 'full', format: 'ppp' },
];

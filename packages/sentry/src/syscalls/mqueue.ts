// mq_open(2), mq_unlink(2), mq_timedsend(2), mq_timedreceive(2), mq_notify(2), mq_getsetattr(2): mq_overview(7).
import {
  AT_FDCWD,
  EACCES,
  EAGAIN,
  EBADF,
  EBUSY,
  EEXIST,
  EFAULT,
  EINVAL,
  EMSGSIZE,
  ENAMETOOLONG,
  ENOENT,
  ERESTARTSYS,
  ETIMEDOUT,
  getI64,
  MQ_ATTR_MQ_CURMSGS,
  MQ_ATTR_MQ_FLAGS,
  MQ_ATTR_MQ_MAXMSG,
  MQ_ATTR_MQ_MSGSIZE,
  MQ_ATTR_SIZE,
  MQ_PRIO_MAX,
  NSIG,
  O_ACCMODE,
  O_CLOEXEC,
  O_CREAT,
  O_EXCL,
  O_NONBLOCK,
  O_RDWR,
  O_WRONLY,
  POLLOUT,
  S_IFREG,
  SIGEV_NONE,
  SIGEV_SIGNAL,
  SYS_mq_getsetattr,
  SYS_mq_notify,
  SYS_mq_open,
  SYS_mq_timedreceive,
  SYS_mq_timedsend,
  SYS_mq_unlink,
  set64,
} from '@sandbox-kernel/abi';
import {
  messageQueueOf,
  Notification,
  type PosixMessageQueues,
  QueuedMessage,
  type SyscallArgs,
  type Task,
} from '@sandbox-kernel/kernel';
import {
  createEntry,
  type Dentry,
  type FileCaller,
  FsContext,
  Location,
  openDentry,
  unlinkFile,
  type WaitQueue,
} from '@sandbox-kernel/vfs';
import { pathArgument } from './arguments.js';
import { install } from './open.js';
import { expired } from './poll.js';
import type { SyscallRow } from './row.js';
import { readTimespec, UserTime } from './user-time.js';
import { workspaceOf } from './workspace.js';

const NAME_MAX = 255;
const SIGEVENT_SIZE = 64;

/** A kernel that has message queues: what the sentry boots. */
interface QueueOwner {
  readonly mqueues: PosixMessageQueues;
}

function queuesOf(task: Task): PosixMessageQueues {
  return (task.kernel as unknown as QueueOwner).mqueues;
}

/** Names are one component, without the slash that the library takes off. */
function nameArgument(task: Task, args: SyscallArgs): string | number {
  const name = pathArgument(task, args, 0);
  if (typeof name === 'number') return name;
  if (name === '') return -ENOENT;
  if (name === '.' || name === '..' || name.includes('/')) return -EACCES;
  return name.length > NAME_MAX ? -ENAMETOOLONG : name;
}

function mqOpen(task: Task, args: SyscallArgs): number {
  const flags = args.int(1);
  const queues = queuesOf(task);
  const attributes = readAttributes(task, queues, args.addr(3));
  if (attributes !== 0) return attributes;
  const name = nameArgument(task, args);
  if (typeof name === 'number') return name;
  const dentry = task.fs.vfs.dentries.lookup(queues.mount.root, name);
  if (typeof dentry === 'number') return dentry;
  const created = dentry.inode === null;
  const ready = created ? makeQueue(task, queues, dentry, args) : mayReopen(flags);
  if (ready !== 0) return ready;
  const file = openDentry(task, queues.mount, dentry, flags & (O_ACCMODE | O_NONBLOCK), created);
  return typeof file === 'number' ? file : install(task, file, O_CLOEXEC);
}

function readAttributes(task: Task, queues: PosixMessageQueues, addr: number): number {
  const { request } = queues;
  request.given = addr !== 0;
  if (addr === 0) return 0;
  const { bytes, view } = workspaceOf(task);
  if (task.memory.copyIn(addr, bytes, 0, MQ_ATTR_SIZE) < MQ_ATTR_SIZE) return -EFAULT;
  request.maxMessages = getI64(view, MQ_ATTR_MQ_MAXMSG);
  request.messageSize = getI64(view, MQ_ATTR_MQ_MSGSIZE);
  return 0;
}

function makeQueue(task: Task, queues: PosixMessageQueues, dentry: Dentry, args: SyscallArgs): number {
  if ((args.int(1) & O_CREAT) === 0) return -ENOENT;
  const mode = S_IFREG | (args.uint(2) & 0o7777);
  return createEntry(task, queues.mount.root, dentry, mode, 0);
}

function mayReopen(flags: number): number {
  if ((flags & (O_CREAT | O_EXCL)) === (O_CREAT | O_EXCL)) return -EEXIST;
  return (flags & O_ACCMODE) === (O_RDWR | O_WRONLY) ? -EINVAL : 0;
}

function mqUnlink(task: Task, args: SyscallArgs): number {
  const name = nameArgument(task, args);
  if (typeof name === 'number') return name;
  const { mount } = queuesOf(task);
  const top = new Location(mount, mount.root);
  const fs = new FsContext(task.fs.vfs, top, top, 0);
  const caller: FileCaller = { fs, files: task.files, credentials: task.credentials };
  const result = unlinkFile(caller, AT_FDCWD, name);
  fs.release();
  return result;
}

/** The absolute timeout of CLOCK_REALTIME as the call's deadline, at its first run. */
function startTimeout(task: Task, addr: number): number {
  const { call } = task;
  if (addr === 0 || call.phase !== 0) return 0;
  const time = new UserTime();
  const read = readTimespec(task, addr, time);
  if (read !== 0) return read;
  const { clock } = task.kernel;
  const sinceBoot = (time.seconds - clock.realtimeSeconds) * 1e9 + time.nanos - clock.realtimeNanos;
  call.phase = 1;
  call.deadline = sinceBoot;
  return 0;
}

function waitFor(task: Task, queue: WaitQueue, events: number): number {
  if (expired(task)) return -ETIMEDOUT;
  task.watch(queue, events, false);
  task.wakeAt(task.call.deadline);
  return task.block(-ERESTARTSYS);
}

function timedSend(task: Task, args: SyscallArgs): number {
  const timeout = startTimeout(task, args.addr(4));
  if (timeout !== 0) return timeout;
  const priority = args.uint(3);
  if (priority >= MQ_PRIO_MAX) return -EINVAL;
  const file = task.files.getOpen(args.int(0));
  const queue = file === null ? null : messageQueueOf(file);
  if (file === null || queue === null || !file.writable) return -EBADF;
  const length = args.size(2);
  if (length < 0 || length > queue.messageSize) return -EMSGSIZE;
  const bytes = new Uint8Array(length);
  if (task.memory.copyIn(args.addr(1), bytes, 0, length) < length) return -EFAULT;
  if (queue.full) return (file.flags & O_NONBLOCK) !== 0 ? -EAGAIN : waitFor(task, queue.queue, POLLOUT);
  queue.put(new QueuedMessage(bytes, priority), task);
  return 0;
}

function timedReceive(task: Task, args: SyscallArgs): number {
  const timeout = startTimeout(task, args.addr(4));
  if (timeout !== 0) return timeout;
  const file = task.files.getOpen(args.int(0));
  const queue = file === null ? null : messageQueueOf(file);
  if (file === null || queue === null || !file.readable) return -EBADF;
  const room = args.size(2);
  if (room >= 0 && room < queue.messageSize) return -EMSGSIZE;
  const message = queue.take();
  if (message === undefined) {
    return (file.flags & O_NONBLOCK) !== 0 ? -EAGAIN : waitFor(task, queue.receivers, 1);
  }
  const { length } = message.bytes;
  if (args.addr(3) !== 0 && task.memory.writeU32(args.addr(3), message.priority) < 0) return -EFAULT;
  return task.memory.copyOut(args.addr(1), message.bytes, 0, length) < length ? -EFAULT : length;
}

function mqNotify(task: Task, args: SyscallArgs): number {
  const addr = args.addr(1);
  const { bytes, view } = workspaceOf(task);
  if (addr !== 0) {
    if (task.memory.copyIn(addr, bytes, 0, SIGEVENT_SIZE) < SIGEVENT_SIZE) return -EFAULT;
    const kind = view.getInt32(12, true);
    // SIGEV_THREAD takes a netlink socket of the library's helper thread, which can't have made one.
    if (kind !== SIGEV_NONE && kind !== SIGEV_SIGNAL) return -EINVAL;
    const signal = view.getInt32(8, true);
    if (kind === SIGEV_SIGNAL && (signal < 0 || signal > NSIG)) return -EINVAL;
  }
  const file = task.files.getOpen(args.int(0));
  const queue = file === null ? null : messageQueueOf(file);
  if (queue === null) return -EBADF;
  if (addr === 0) queue.forget(task.group);
  else if (queue.notification !== null) return -EBUSY;
  else {
    queue.notification = new Notification(
      task.group,
      view.getInt32(12, true),
      view.getInt32(8, true),
      view.getInt32(0, true),
      view.getInt32(4, true),
    );
  }
  return 0;
}

function getSetAttributes(task: Task, args: SyscallArgs): number {
  const { bytes, view } = workspaceOf(task);
  const changes = args.addr(1) !== 0;
  if (changes && task.memory.copyIn(args.addr(1), bytes, 0, MQ_ATTR_SIZE) < MQ_ATTR_SIZE) return -EFAULT;
  const flags = changes ? getI64(view, MQ_ATTR_MQ_FLAGS) : 0;
  if (flags !== 0 && flags !== O_NONBLOCK) return -EINVAL;
  const file = task.files.getOpen(args.int(0));
  const queue = file === null ? null : messageQueueOf(file);
  if (file === null || queue === null) return -EBADF;
  const before = file.flags & O_NONBLOCK;
  if (changes) file.flags = (file.flags & ~O_NONBLOCK) | flags;
  if (args.addr(2) === 0) return 0;
  bytes.fill(0, 0, MQ_ATTR_SIZE);
  set64(view, MQ_ATTR_MQ_FLAGS, before);
  set64(view, MQ_ATTR_MQ_MAXMSG, queue.maxMessages);
  set64(view, MQ_ATTR_MQ_MSGSIZE, queue.messageSize);
  set64(view, MQ_ATTR_MQ_CURMSGS, queue.length);
  return task.memory.copyOut(args.addr(2), bytes, 0, MQ_ATTR_SIZE) < MQ_ATTR_SIZE ? -EFAULT : 0;
}

export const MQUEUE_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_mq_open, name: 'mq_open', handler: mqOpen, coverage: 'full', format: 'sxop' },
  { nr: SYS_mq_unlink, name: 'mq_unlink', handler: mqUnlink, coverage: 'full', format: 's' },
  { nr: SYS_mq_timedsend, name: 'mq_timedsend', handler: timedSend, coverage: 'full', format: 'fpzup' },
  {
    nr: SYS_mq_timedreceive,
    name: 'mq_timedreceive',
    handler: timedReceive,
    coverage: 'full',
    format: 'fpzpp',
  },
  {
    nr: SYS_mq_notify,
    name: 'mq_notify',
    handler: mqNotify,
    coverage: 'partial',
    note: 'no SIGEV_THREAD',
    format: 'fp',
  },
  {
    nr: SYS_mq_getsetattr,
    name: 'mq_getsetattr',
    handler: getSetAttributes,
    coverage: 'full',
    format: 'fpp',
  },
];

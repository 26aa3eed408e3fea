// sendto(2), sendmsg(2), sendmmsg(2), recvfrom(2), recvmsg(2), recvmmsg(2): buffers, addresses and control messages (cmsg(3)).
import {
  AF_UNIX,
  CAP_NET_ADMIN,
  CAP_SETGID,
  CAP_SETUID,
  CAP_SYS_ADMIN,
  EAGAIN,
  EBADF,
  EFAULT,
  EINVAL,
  EMSGSIZE,
  ENOBUFS,
  EPERM,
  EPIPE,
  ESRCH,
  ETOOMANYREFS,
  IPPROTO_TCP,
  MSG_CMSG_CLOEXEC,
  MSG_CTRUNC,
  MSG_DONTWAIT,
  MSG_ERRQUEUE,
  MSG_NOSIGNAL,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  MSG_WAITALL,
  MSG_WAITFORONE,
  MSGHDR_SIZE,
  POLLIN,
  POLLOUT,
  RLIMIT_NOFILE,
  SCM_CREDENTIALS,
  SCM_RIGHTS,
  SIGPIPE,
  SO_MARK,
  SO_RCVLOWAT,
  SO_TIMESTAMPING,
  SOCK_STREAM,
  SOL_SOCKET,
  SYS_recvfrom,
  SYS_recvmmsg,
  SYS_recvmsg,
  SYS_sendmmsg,
  SYS_sendmsg,
  SYS_sendto,
} from '@sandbox-kernel/abi';
import { ACCESS_READ, ACCESS_WRITE } from '@sandbox-kernel/contracts';
import {
  BLOCKED,
  PeerCredentials,
  type Socket,
  SocketMessage,
  type SyscallArgs,
  sendToTask,
  type Task,
  userSignal,
} from '@sandbox-kernel/kernel';
import { IoBuffers, importBuffer, importIovec } from '@sandbox-kernel/mm';
import { ByteSegments, type FileDescription } from '@sandbox-kernel/vfs';
import type { SyscallRow } from './row.js';
import { readAddress, socketArgument, waitForSocket, writeAddress } from './socket.js';
import { readTimespec, UserTime } from './user-time.js';
import { workspaceOf } from './workspace.js';

const SCM_MAX_FD = 253;
const CONTROL_MOST = 65536;
const CMSG_HEADER = 16;
const MMSGHDR_SIZE = 64;
const UIO_MAXIOV = 1024;

/** struct msghdr, decoded. */
interface Header {
  readonly name: number;
  readonly nameLength: number;
  readonly iov: number;
  readonly iovLength: number;
  readonly control: number;
  readonly controlLength: number;
}

function readHeader(task: Task, addr: number): Header | number {
  const bytes = task.kernel.scratch(MSGHDR_SIZE);
  if (task.memory.copyIn(addr, bytes, 0, MSGHDR_SIZE) !== MSGHDR_SIZE) return -EFAULT;
  const view = new DataView(bytes.buffer, bytes.byteOffset, MSGHDR_SIZE);
  const word = (at: number): number => view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
  const nameLength = view.getInt32(8, true);
  if (nameLength < 0) return -EINVAL;
  if (word(24) > UIO_MAXIOV) return -EMSGSIZE;
  return {
    name: word(0),
    nameLength,
    iov: word(16),
    iovLength: word(24),
    control: word(32),
    controlLength: word(40),
  };
}

// ── sending ──

function sendto(task: Task, args: SyscallArgs): number {
  const socket = socketArgument(task, args.int(0));
  if (typeof socket === 'number') return socket;
  const message = new SocketMessage();
  const io = workspaceOf(task).io;
  const size = importBuffer(task.memory, args.addr(1), args.size(2), ACCESS_READ, io);
  if (size < 0) return size;
  const to = args.addr(4);
  if (to !== 0) {
    const address = readAddress(task, to, args.int(5));
    if (typeof address === 'number') return address;
    message.address = address;
  }
  message.io = io;
  message.flags = args.int(3);
  return finishSend(task, socket, message, message.flags);
}

function sendmsg(task: Task, args: SyscallArgs): number {
  const socket = socketArgument(task, args.int(0));
  if (typeof socket === 'number') return socket;
  return sendOne(task, socket, args.addr(1), args.int(2));
}

function sendOne(task: Task, socket: Socket, headerAddr: number, flags: number): number {
  const header = readHeader(task, headerAddr);
  if (typeof header === 'number') return header;
  const message = new SocketMessage();
  const io = workspaceOf(task).io;
  const size = importIovec(task.memory, header.iov, header.iovLength, ACCESS_READ, io);
  if (size < 0) return size;
  if (header.name !== 0 && header.nameLength > 0) {
    const address = readAddress(task, header.name, Math.min(header.nameLength, 128));
    if (typeof address === 'number') return address;
    message.address = address;
  }
  message.io = io;
  message.flags = flags;
  // A stream's control message goes with its first bytes, which may have been sent before it had to wait.
  if (task.call.progress === 0 && header.controlLength > 0) {
    const control = readControl(task, socket, header, message);
    if (control < 0) {
      dropFiles(message.files);
      return control;
    }
  }
  return finishSend(task, socket, message, flags);
}

function finishSend(task: Task, socket: Socket, message: SocketMessage, flags: number): number {
  const call = task.call;
  message.done = call.progress;
  const result = socket.send(task, message);
  dropFiles(message.files);
  if (result > 0) call.progress += result;
  const total = message.io?.total ?? 0;
  if (result >= 0 && (call.progress >= total || socket.type !== SOCK_STREAM)) return call.progress;
  if (result >= 0 || result === -EAGAIN) {
    const partial = call.progress > 0 ? call.progress : -EAGAIN;
    return waitForSocket(task, socket, POLLOUT, socket.sendTimeout, (flags & MSG_DONTWAIT) !== 0, partial);
  }
  if (call.progress > 0) return call.progress;
  if (result === -EPIPE && (flags & MSG_NOSIGNAL) === 0 && socket.type === SOCK_STREAM) {
    sendToTask(task, userSignal(SIGPIPE, task.group.pid, task.credentials.uid));
  }
  return result;
}

function dropFiles(files: FileDescription[]): void {
  while (files.length > 0) (files.pop() as FileDescription).release();
}

/** Control messages into `message`. 0 or -errno; files taken so far stay in the message. */
function readControl(task: Task, socket: Socket, header: Header, message: SocketMessage): number {
  if (header.controlLength > CONTROL_MOST) return -ENOBUFS;
  const bytes = new Uint8Array(header.controlLength);
  if (task.memory.copyIn(header.control, bytes, 0, bytes.length) !== bytes.length) return -EFAULT;
  const view = new DataView(bytes.buffer);
  let at = 0;
  while (at + CMSG_HEADER <= bytes.length) {
    const length = view.getUint32(at, true);
    if (length < CMSG_HEADER || view.getUint32(at + 4, true) !== 0 || at + length > bytes.length)
      return -EINVAL;
    const failed = readControlMessage(task, socket, view, at, length, message);
    if (failed < 0) return failed;
    at += length + ((8 - (length % 8)) % 8);
  }
  return 0;
}

function readControlMessage(
  task: Task,
  socket: Socket,
  view: DataView,
  at: number,
  length: number,
  message: SocketMessage,
): number {
  const level = view.getInt32(at + 8, true);
  const type = view.getInt32(at + 12, true);
  if (level !== SOL_SOCKET) {
    const start = at + CMSG_HEADER;
    message.addControl(level, type, new Uint8Array(view.buffer.slice(start, at + length)));
    return 0;
  }
  if (socket.domain !== AF_UNIX) return readSocketControl(task, type, length - CMSG_HEADER);
  if (type === SCM_RIGHTS)
    return takeRights(task, view, at + CMSG_HEADER, (length - CMSG_HEADER) >> 2, message);
  if (type !== SCM_CREDENTIALS) return -EINVAL;
  if (length !== CMSG_HEADER + 12) return -EINVAL;
  const pid = view.getInt32(at + 16, true);
  const uid = view.getUint32(at + 20, true);
  const gid = view.getUint32(at + 24, true);
  const own = task.credentials;
  if (pid !== task.group.pid && !own.hasCapability(CAP_SYS_ADMIN)) return -EPERM;
  if (uid !== own.uid && uid !== own.euid && uid !== own.suid && !own.hasCapability(CAP_SETUID))
    return -EPERM;
  if (gid !== own.gid && gid !== own.egid && gid !== own.sgid && !own.hasCapability(CAP_SETGID))
    return -EPERM;
  if (pid !== task.group.pid && task.kernel.findTask(pid) === null) return -ESRCH;
  message.credentials = new PeerCredentials(pid, uid, gid);
  return 0;
}

/** What SOL_SOCKET knows for other families: marks and timestamps are taken note of by nobody yet, but checked. */
function readSocketControl(task: Task, type: number, size: number): number {
  if (type === SCM_RIGHTS || type === SCM_CREDENTIALS) return 0;
  if (type === SO_MARK) {
    if (!task.credentials.hasCapability(CAP_NET_ADMIN)) return -EPERM;
    return size === 4 ? 0 : -EINVAL;
  }
  if (type === SO_TIMESTAMPING) return size === 4 ? 0 : -EINVAL;
  return -EINVAL;
}

function takeRights(task: Task, view: DataView, at: number, count: number, message: SocketMessage): number {
  if (count + message.files.length > SCM_MAX_FD) return -EINVAL;
  if (task.kernel.inFlight.size > task.group.limits.soft[RLIMIT_NOFILE]!) return -ETOOMANYREFS;
  for (let i = 0; i < count; i++) {
    const file = task.files.get(view.getInt32(at + i * 4, true));
    if (file === null) return -EBADF;
    message.files.push(file.retain());
  }
  return 0;
}

function sendmmsg(task: Task, args: SyscallArgs): number {
  const socket = socketArgument(task, args.int(0));
  if (typeof socket === 'number') return socket;
  const count = Math.min(args.uint(2), UIO_MAXIOV);
  const vector = args.addr(1);
  // `value2` counts messages that are done, `progress` the bytes of the one under way.
  while (task.call.value2 < count) {
    const entry = vector + task.call.value2 * MMSGHDR_SIZE;
    const result = sendOne(task, socket, entry, args.int(3));
    if (result === BLOCKED) return BLOCKED;
    if (result < 0) return task.call.value2 > 0 ? task.call.value2 : result;
    if (task.memory.writeU32(entry + MSGHDR_SIZE, result) < 0)
      return task.call.value2 > 0 ? task.call.value2 : -EFAULT;
    task.call.value2++;
    task.call.progress = 0;
    task.call.phase = 0;
  }
  return task.call.value2;
}

// ── receiving ──

function recvfrom(task: Task, args: SyscallArgs): number {
  const socket = socketArgument(task, args.int(0));
  if (typeof socket === 'number') return socket;
  const message = new SocketMessage();
  message.flags = args.int(3);
  if (discards(socket, message.flags)) {
    const nowhere = new ByteSegments();
    nowhere.total = args.size(2);
    message.io = nowhere;
  } else {
    const { io } = workspaceOf(task);
    const size = importBuffer(task.memory, args.addr(1), args.size(2), ACCESS_WRITE, io);
    if (size < 0) return size;
    message.io = io;
  }
  const result = receive(task, socket, message);
  if (result < 0) return result;
  dropFiles(message.files);
  if (message.io instanceof IoBuffers && message.io.commit(Math.max(message.done, result)) < 0)
    return -EFAULT;
  const addr = args.addr(4);
  if (addr === 0) return result;
  const written =
    message.address === null
      ? task.memory.writeU32(args.addr(5), 0)
      : writeAddress(task, message.address, addr, args.addr(5));
  return written < 0 ? written : result;
}

/** tcp(7): MSG_TRUNC throws the bytes away, and the buffer may be nothing. */
function discards(socket: Socket, flags: number): boolean {
  return (flags & MSG_TRUNC) !== 0 && socket.protocol === IPPROTO_TCP && socket.type === SOCK_STREAM;
}

/** How much a stream's receive waits for: MSG_WAITALL all, else SO_RCVLOWAT. */
function receiveTarget(socket: Socket, message: SocketMessage): number {
  if (socket.type !== SOCK_STREAM || (message.flags & (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE)) !== 0) return 0;
  const total = message.io?.total ?? 0;
  return (message.flags & MSG_WAITALL) !== 0 ? total : Math.min(socket.kept.get(SO_RCVLOWAT) ?? 1, total);
}

/** One receive with waiting and MSG_WAITALL. */
function receive(task: Task, socket: Socket, message: SocketMessage): number {
  const call = task.call;
  const target = receiveTarget(socket, message);
  message.done = call.progress;
  const result = socket.receive(task, message);
  const nonblocking = (message.flags & (MSG_DONTWAIT | MSG_ERRQUEUE)) !== 0;
  if (result === -EAGAIN) {
    const partial = call.progress > 0 ? call.progress : -EAGAIN;
    return waitForSocket(task, socket, POLLIN, socket.receiveTimeout, nonblocking, partial);
  }
  if (target <= 1) return result;
  if (result <= 0) return call.progress > 0 ? call.progress : result;
  call.progress += result;
  const more = call.progress < target && message.files.length === 0 && !nonblocking;
  return more
    ? waitForSocket(task, socket, POLLIN, socket.receiveTimeout, false, call.progress)
    : call.progress;
}

function recvmsg(task: Task, args: SyscallArgs): number {
  const socket = socketArgument(task, args.int(0));
  if (typeof socket === 'number') return socket;
  return receiveOne(task, socket, args.addr(1), args.int(2));
}

function receiveOne(task: Task, socket: Socket, headerAddr: number, flags: number): number {
  const header = readHeader(task, headerAddr);
  if (typeof header === 'number') return header;
  const { io } = workspaceOf(task);
  const size = importIovec(task.memory, header.iov, header.iovLength, ACCESS_WRITE, io);
  if (size < 0) return size;
  const message = new SocketMessage();
  message.io = io;
  message.flags = flags;
  const result = receive(task, socket, message);
  if (result < 0) return result;
  if (io.commit(Math.max(message.done, result)) < 0) return -EFAULT;
  return writeBack(task, socket, headerAddr, header, message, flags) ? result : -EFAULT;
}

function writeBack(
  task: Task,
  socket: Socket,
  headerAddr: number,
  header: Header,
  message: SocketMessage,
  flags: number,
): boolean {
  const memory = task.memory;
  const used = writeControl(task, socket, header, message, flags);
  dropFiles(message.files);
  if (header.name !== 0) {
    const address = message.address ?? new Uint8Array(0);
    const count = Math.min(address.length, header.nameLength);
    if (memory.copyOut(header.name, address, 0, count) !== count) return false;
    if (memory.writeU32(headerAddr + 8, address.length) < 0) return false;
  }
  const cloexec = flags & MSG_CMSG_CLOEXEC;
  return (
    memory.writeU32(headerAddr + 48, (message.outFlags | cloexec) >>> 0) >= 0 &&
    memory.writeU64(headerAddr + 40, used) >= 0
  );
}

/** Bytes of control messages written. Descriptors that don't fit are dropped and MSG_CTRUNC says so. */
function writeControl(
  task: Task,
  socket: Socket,
  header: Header,
  message: SocketMessage,
  flags: number,
): number {
  let used = 0;
  const credentials = message.credentials;
  if (socket.passesCredentials && credentials !== null) {
    const body = new Uint8Array(Int32Array.of(credentials.pid, credentials.uid, credentials.gid).buffer);
    used += putControl(task, header, used, SOL_SOCKET, SCM_CREDENTIALS, body, message);
  }
  if (message.control !== null) {
    for (const { level, type, data } of message.control)
      used += putControl(task, header, used, level, type, data, message);
  }
  if (message.files.length === 0) return used;
  const room = Math.floor((header.controlLength - used - CMSG_HEADER) / 4);
  const fds: number[] = [];
  const limit = task.group.limits.soft[RLIMIT_NOFILE]!;
  while (fds.length < room && message.files.length > 0) {
    const fd = task.files.install(message.files[0]!, limit, (flags & MSG_CMSG_CLOEXEC) !== 0);
    if (fd < 0) break;
    message.files.shift();
    fds.push(fd);
  }
  if (message.files.length > 0) message.outFlags |= MSG_CTRUNC;
  if (fds.length === 0) return used;
  const body = new Uint8Array(Int32Array.from(fds).buffer);
  return used + putControl(task, header, used, SOL_SOCKET, SCM_RIGHTS, body, message);
}

function putControl(
  task: Task,
  header: Header,
  at: number,
  level: number,
  type: number,
  body: Uint8Array,
  message: SocketMessage,
): number {
  const room = header.controlLength - at;
  if (header.control === 0 || room < CMSG_HEADER) {
    message.outFlags |= MSG_CTRUNC;
    return 0;
  }
  const length = Math.min(CMSG_HEADER + body.length, room);
  if (length < CMSG_HEADER + body.length) message.outFlags |= MSG_CTRUNC;
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length, true);
  view.setInt32(8, level, true);
  view.setInt32(12, type, true);
  bytes.set(body.subarray(0, length - CMSG_HEADER), CMSG_HEADER);
  task.memory.copyOut(header.control + at, bytes, 0, length);
  return Math.min(length + ((8 - (length % 8)) % 8), room);
}

function recvmmsg(task: Task, args: SyscallArgs): number {
  const socket = socketArgument(task, args.int(0));
  if (typeof socket === 'number') return socket;
  const count = Math.min(args.uint(2), UIO_MAXIOV);
  const call = task.call;
  const timeAddr = args.addr(4);
  const time = new UserTime();
  if (timeAddr !== 0) {
    const failed = readTimespec(task, timeAddr, time);
    if (failed < 0) return failed;
    if (call.value === 0) call.value = task.kernel.clock.monotonic() + time.total;
  }
  let flags = args.int(3) & ~MSG_WAITFORONE;
  while (call.value2 < count) {
    if (call.value2 > 0 && (args.int(3) & MSG_WAITFORONE) !== 0) flags |= MSG_DONTWAIT;
    const entry = args.addr(1) + call.value2 * MMSGHDR_SIZE;
    const result = receiveOne(task, socket, entry, flags);
    if (result === BLOCKED) return BLOCKED;
    if (result < 0) return call.value2 > 0 ? call.value2 : result;
    if (task.memory.writeU32(entry + MSGHDR_SIZE, result) < 0) return call.value2 > 0 ? call.value2 : -EFAULT;
    call.value2++;
    call.progress = 0;
    if (timeAddr !== 0 && task.kernel.clock.monotonic() >= call.value) break;
  }
  return call.value2;
}

export const SOCKET_MESSAGE_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_sendto, name: 'sendto', handler: sendto, coverage: 'full', format: 'fpzxpd' },
  { nr: SYS_sendmsg, name: 'sendmsg', handler: sendmsg, coverage: 'full', format: 'fpx' },
  { nr: SYS_sendmmsg, name: 'sendmmsg', handler: sendmmsg, coverage: 'full', format: 'fpux' },
  { nr: SYS_recvfrom, name: 'recvfrom', handler: recvfrom, coverage: 'full', format: 'fpzxpp' },
  { nr: SYS_recvmsg, name: 'recvmsg', handler: recvmsg, coverage: 'full', format: 'fpx' },
  { nr: SYS_recvmmsg, name: 'recvmmsg', handler: recvmmsg, coverage: 'full', format: 'fpuxp' },
];

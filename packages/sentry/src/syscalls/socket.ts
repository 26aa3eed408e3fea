// socket(2), socketpair(2), bind(2), listen(2), accept(2), connect(2), getsockname(2), getpeername(2), shutdown(2), getsockopt(2),
// setsockopt(2): any family; what a family does stands behind kernel's Socket.
import {
  EAFNOSUPPORT,
  EAGAIN,
  EALREADY,
  EBADF,
  EFAULT,
  EINPROGRESS,
  EINTR,
  EINVAL,
  ENOTSOCK,
  ERESTARTSYS,
  O_NONBLOCK,
  PF_MAX,
  POLLIN,
  POLLOUT,
  RLIMIT_NOFILE,
  SHUT_RDWR,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SYS_accept,
  SYS_accept4,
  SYS_bind,
  SYS_connect,
  SYS_getpeername,
  SYS_getsockname,
  SYS_getsockopt,
  SYS_listen,
  SYS_setsockopt,
  SYS_shutdown,
  SYS_socket,
  SYS_socketpair,
} from '@sandbox-kernel/abi';
import { openSocket, type Socket, type SyscallArgs, socketOf, type Task } from '@sandbox-kernel/kernel';
import type { FileDescription } from '@sandbox-kernel/vfs';
import type { SyscallRow } from './row.js';
import { getSocketOption, setSocketOption } from './socket-options.js';

const SOCKADDR_STORAGE = 128;
const TYPE_MASK = 0xf;
const MOST_TYPE = 11;

/** The socket behind a descriptor, or -EBADF, -ENOTSOCK. */
export function socketArgument(task: Task, fd: number): Socket | number {
  const file = task.files.getOpen(fd);
  if (file === null) return -EBADF;
  return socketOf(file) ?? -ENOTSOCK;
}

/** Waits for `events` of a socket within a timeout (SO_RCVTIMEO, SO_SNDTIMEO); `result` when it may not wait or the time is over. */
export function waitForSocket(
  task: Task,
  socket: Socket,
  events: number,
  timeout: number,
  nonblocking: boolean,
  result: number,
): number {
  const file = socket.file;
  if (file === null || nonblocking || (file.flags & O_NONBLOCK) !== 0) return result;
  if (timeout === Infinity) return task.blockOn(file, events, result > 0 ? result : -ERESTARTSYS);
  const now = task.kernel.clock.monotonic();
  if (task.call.phase === 0) {
    task.call.phase = 1;
    task.call.deadline = now + timeout;
  }
  if (now >= task.call.deadline) return result;
  task.wakeAt(task.call.deadline);
  return task.blockOn(file, events, result > 0 ? result : -EINTR);
}

/** sockaddr bytes from the program, or -errno. */
export function readAddress(task: Task, addr: number, length: number): Uint8Array | number {
  if (length < 0 || length > SOCKADDR_STORAGE) return -EINVAL;
  const bytes = new Uint8Array(length);
  return task.memory.copyIn(addr, bytes, 0, length) === length ? bytes : -EFAULT;
}

/** Writes sockaddr bytes, cut to what fits, and their full length. 0 or -errno. */
export function writeAddress(task: Task, bytes: Uint8Array, addr: number, lengthAddr: number): number {
  const room = task.memory.readU32(lengthAddr);
  if (room < 0) return -EFAULT;
  if ((room | 0) < 0) return -EINVAL;
  const count = Math.min(room, bytes.length);
  if (task.memory.copyOut(addr, bytes, 0, count) !== count) return -EFAULT;
  return task.memory.writeU32(lengthAddr, bytes.length) < 0 ? -EFAULT : 0;
}

function install(task: Task, socket: Socket, type: number): number {
  const file = openSocket(task, socket, (type & SOCK_NONBLOCK) !== 0 ? O_NONBLOCK : 0);
  return installFile(task, file, (type & SOCK_CLOEXEC) !== 0);
}

function installFile(task: Task, file: FileDescription, cloexec: boolean): number {
  const fd = task.files.install(file, task.group.limits.soft[RLIMIT_NOFILE]!, cloexec);
  if (fd < 0) file.release();
  return fd;
}

function checkType(domain: number, type: number): number {
  if ((type & ~(TYPE_MASK | SOCK_CLOEXEC | SOCK_NONBLOCK)) !== 0) return -EINVAL;
  if (domain < 0 || domain >= PF_MAX) return -EAFNOSUPPORT;
  return (type & TYPE_MASK) >= MOST_TYPE ? -EINVAL : 0;
}

function socket(task: Task, args: SyscallArgs): number {
  const domain = args.int(0);
  const type = args.int(1);
  const invalid = checkType(domain, type);
  if (invalid !== 0) return invalid;
  const family = task.kernel.socketFamilies.get(domain);
  if (family === undefined) return -EAFNOSUPPORT;
  const made = family.create(task, type & TYPE_MASK, args.int(2));
  return typeof made === 'number' ? made : install(task, made, type);
}

function socketpair(task: Task, args: SyscallArgs): number {
  const domain = args.int(0);
  const type = args.int(1);
  const invalid = checkType(domain, type);
  if (invalid !== 0) return invalid;
  const family = task.kernel.socketFamilies.get(domain);
  if (family === undefined) return -EAFNOSUPPORT;
  const pair = family.createPair(task, type & TYPE_MASK, args.int(2));
  if (typeof pair === 'number') return pair;
  const first = install(task, pair[0], type);
  if (first < 0) {
    pair[1].close();
    return first;
  }
  const second = install(task, pair[1], type);
  if (second < 0) {
    task.files.close(first);
    return second;
  }
  const addr = args.addr(3);
  if (task.memory.writeU32(addr, first) >= 0 && task.memory.writeU32(addr + 4, second) >= 0) return 0;
  task.files.close(first);
  task.files.close(second);
  return -EFAULT;
}

function bind(task: Task, args: SyscallArgs): number {
  const target = socketArgument(task, args.int(0));
  if (typeof target === 'number') return target;
  const address = readAddress(task, args.addr(1), args.int(2));
  return typeof address === 'number' ? address : target.bind(task, address);
}

function listen(task: Task, args: SyscallArgs): number {
  const target = socketArgument(task, args.int(0));
  return typeof target === 'number' ? target : target.listen(task, args.int(1));
}

function accept(task: Task, args: SyscallArgs): number {
  return acceptWith(task, args, 0);
}

function accept4(task: Task, args: SyscallArgs): number {
  const flags = args.int(3);
  return (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) !== 0 ? -EINVAL : acceptWith(task, args, flags);
}

function acceptWith(task: Task, args: SyscallArgs, flags: number): number {
  const target = socketArgument(task, args.int(0));
  if (typeof target === 'number') return target;
  const made = target.accept(task);
  if (made === -EAGAIN) return waitForSocket(task, target, POLLIN, target.receiveTimeout, false, -EAGAIN);
  if (typeof made === 'number') return made;
  const addr = args.addr(1);
  const peer = addr === 0 ? 0 : made.peerName();
  const fd = install(task, made, flags);
  if (fd < 0 || typeof peer === 'number') return fd;
  const written = writeAddress(task, peer, addr, args.addr(2));
  if (written === 0) return fd;
  task.files.close(fd);
  return written;
}

function connect(task: Task, args: SyscallArgs): number {
  const target = socketArgument(task, args.int(0));
  if (typeof target === 'number') return target;
  const address = readAddress(task, args.addr(1), args.int(2));
  if (typeof address === 'number') return address;
  const result = task.call.value === 1 ? target.finishConnect() : target.connect(task, address);
  const underway = result === -EINPROGRESS || (result === -EALREADY && !isNonblocking(target));
  if (underway) task.call.value = 1;
  if (!underway && result !== -EAGAIN) return result;
  return waitForSocket(task, target, POLLOUT, target.sendTimeout, false, underway ? -EINPROGRESS : result);
}

function isNonblocking(target: Socket): boolean {
  return target.file !== null && (target.file.flags & O_NONBLOCK) !== 0;
}

function getsockname(task: Task, args: SyscallArgs): number {
  const target = socketArgument(task, args.int(0));
  if (typeof target === 'number') return target;
  const name = target.name();
  return typeof name === 'number' ? name : writeAddress(task, name, args.addr(1), args.addr(2));
}

function getpeername(task: Task, args: SyscallArgs): number {
  const target = socketArgument(task, args.int(0));
  if (typeof target === 'number') return target;
  const name = target.peerName();
  return typeof name === 'number' ? name : writeAddress(task, name, args.addr(1), args.addr(2));
}

function shutdown(task: Task, args: SyscallArgs): number {
  const target = socketArgument(task, args.int(0));
  if (typeof target === 'number') return target;
  const how = args.int(1);
  return how < 0 || how > SHUT_RDWR ? -EINVAL : target.shutdown(how);
}

function getsockopt(task: Task, args: SyscallArgs): number {
  const target = socketArgument(task, args.int(0));
  if (typeof target === 'number') return target;
  return getSocketOption(task, target, args.int(1), args.int(2), args.addr(3), args.addr(4));
}

function setsockopt(task: Task, args: SyscallArgs): number {
  const target = socketArgument(task, args.int(0));
  if (typeof target === 'number') return target;
  return setSocketOption(task, target, args.int(1), args.int(2), args.addr(3), args.int(4));
}

export const SOCKET_SYSCALLS: readonly SyscallRow[] = [
  {
    nr: SYS_socket,
    name: 'socket',
    handler: socket,
    coverage: 'partial',
    format: 'ddd',
    note: 'AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET',
  },
  { nr: SYS_socketpair, name: 'socketpair', handler: socketpair, coverage: 'full', format: 'dddp' },
  { nr: SYS_bind, name: 'bind', handler: bind, coverage: 'full', format: 'fpd' },
  { nr: SYS_listen, name: 'listen', handler: listen, coverage: 'full', format: 'fd' },
  { nr: SYS_accept, name: 'accept', handler: accept, coverage: 'full', format: 'fpp' },
  { nr: SYS_accept4, name: 'accept4', handler: accept4, coverage: 'full', format: 'fppx' },
  { nr: SYS_connect, name: 'connect', handler: connect, coverage: 'full', format: 'fpd' },
  { nr: SYS_getsockname, name: 'getsockname', handler: getsockname, coverage: 'full', format: 'fpp' },
  { nr: SYS_getpeername, name: 'getpeername', handler: getpeername, coverage: 'full', format: 'fpp' },
  { nr: SYS_shutdown, name: 'shutdown', handler: shutdown, coverage: 'full', format: 'fd' },
  {
    nr: SYS_getsockopt,
    name: 'getsockopt',
    handler: getsockopt,
    coverage: 'partial',
    format: 'fddpp',
    note: 'SOL_SOCKET, IP, IPV6, TCP, UDP, RAW, ICMPV6, PACKET, NETLINK',
  },
  {
    nr: SYS_setsockopt,
    name: 'setsockopt',
    handler: setsockopt,
    coverage: 'partial',
    format: 'fddpd',
    note: 'SOL_SOCKET, IP, IPV6, TCP, UDP, RAW, ICMPV6, PACKET, NETLINK',
  },
];

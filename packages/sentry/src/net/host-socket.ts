// One socket of mode `host`: calls go to the host's socket as they are, readiness comes from the watcher, waiting is the kernel's.
import {
  AF_INET,
  AF_INET6,
  AF_NETLINK,
  CAP_NET_BIND_SERVICE,
  EACCES,
  EINVAL,
  EMSGSIZE,
  ENFILE,
  ENOPROTOOPT,
  ENOTTY,
  EOPNOTSUPP,
  EPERM,
  FIONREAD,
  IPPROTO_TCP,
  IPPROTO_UDP,
  MSG_CONFIRM,
  MSG_DONTROUTE,
  MSG_EOR,
  MSG_ERRQUEUE,
  MSG_MORE,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  NLMSG_MIN_TYPE,
  POLLIN,
  POLLOUT,
  POLLPRI,
  POLLRDHUP,
  SIOCATMARK,
  SIOCGIFADDR,
  SIOCGIFBRDADDR,
  SIOCGIFCONF,
  SIOCGIFDSTADDR,
  SIOCGIFFLAGS,
  SIOCGIFHWADDR,
  SIOCGIFINDEX,
  SIOCGIFMTU,
  SIOCGIFNAME,
  SIOCGIFNETMASK,
  SIOCGIFTXQLEN,
  SO_RCVBUF,
  SO_SNDBUF,
  SOCK_STREAM,
  SOL_SOCKET,
} from '@sandbox-kernel/abi';
import type { Caller } from '@sandbox-kernel/contracts';
import { DATA, DATA_SIZE } from '@sandbox-kernel/host';
import { Socket, type SocketMessage, type Task } from '@sandbox-kernel/kernel';
import { gather, scatter } from '@sandbox-kernel/vfs';
import { mayGetOption, mayPassControl, mayPassSocketOption, maySetOption } from './host-socket-options.js';
import type { HostSockets } from './host-sockets.js';

const SEND_FLAGS = MSG_OOB | MSG_DONTROUTE | MSG_EOR | MSG_CONFIRM | MSG_MORE;
const RECEIVE_FLAGS = MSG_OOB | MSG_PEEK | MSG_TRUNC | MSG_ERRQUEUE;
const OUT_FLAGS = MSG_OOB | MSG_TRUNC | MSG_EOR | MSG_ERRQUEUE | 8;
const EVENTS = POLLIN | POLLOUT | POLLPRI | POLLRDHUP;
const RDNORM = 0x40;
const WRNORM = 0x100;
const CMSG_HEADER = 16;
const UNPRIVILEGED_PORT = 1024;
const SIOCOUTQ = 0x5411;
const IFREQ = 40;
const IFREQ_IOCTLS = [
  SIOCGIFNAME,
  SIOCGIFINDEX,
  SIOCGIFFLAGS,
  SIOCGIFADDR,
  SIOCGIFNETMASK,
  SIOCGIFBRDADDR,
  SIOCGIFDSTADDR,
  SIOCGIFMTU,
  SIOCGIFHWADDR,
  SIOCGIFTXQLEN,
];
/** Requests of rtnetlink that change nothing have numbers of this remainder by four; sock_diag's only question. */
const GET = 2;
const SOCK_DIAG_BY_FAMILY = 20;

export class HostSocket extends Socket {
  readonly kernel: HostSockets['kernel'];
  readonly #host: HostSockets;
  readonly #fd: number;

  constructor(host: HostSockets, fd: number, family: number, type: number, protocol: number) {
    super(family, type, protocol === 0 ? protocolOf(family, type) : protocol);
    this.kernel = host.kernel;
    this.#host = host;
    this.#fd = fd;
  }

  /** For the watcher. */
  hostReady(events: number): void {
    this.wake(events | ((events & POLLIN) !== 0 ? RDNORM : 0) | ((events & POLLOUT) !== 0 ? WRNORM : 0));
  }

  override events(): number {
    const events = this.#host.guest.poll(this.#fd, EVENTS);
    return events | ((events & POLLIN) !== 0 ? RDNORM : 0) | ((events & POLLOUT) !== 0 ? WRNORM : 0);
  }

  override takeError(): number {
    const error = this.#host.calls.takeError(this.#fd);
    return Math.max(error, 0);
  }

  override bind(task: Task, address: Uint8Array): number {
    if (this.domain !== AF_NETLINK && address.length >= 4) {
      const port = ((address[2] as number) << 8) | (address[3] as number);
      const low = port > 0 && port < UNPRIVILEGED_PORT;
      if (low && !task.credentials.hasCapability(CAP_NET_BIND_SERVICE)) return -EACCES;
    }
    return this.#host.calls.bind(this.#fd, address);
  }

  override listen(_task: Task, backlog: number): number {
    return this.#host.calls.listen(this.#fd, backlog);
  }

  override accept(): Socket | number {
    if (this.#host.isFull) return -ENFILE;
    const fd = this.#host.calls.accept(this.#fd);
    return fd < 0 ? fd : this.#host.adopt(fd, this.domain, this.type, this.protocol);
  }

  override connect(_task: Task, address: Uint8Array): number {
    if (this.domain === AF_NETLINK && !isKernel(address)) return -EPERM;
    return this.#host.calls.connect(this.#fd, address.subarray(0, 28));
  }

  override name(): Uint8Array | number {
    const { calls } = this.#host;
    const result = calls.localAddress(this.#fd);
    return result < 0 ? result : calls.peer.slice(0, calls.peerLength);
  }

  override peerName(): Uint8Array | number {
    const { calls } = this.#host;
    const result = calls.peerAddress(this.#fd);
    return result < 0 ? result : calls.peer.slice(0, calls.peerLength);
  }

  override shutdown(how: number): number {
    return this.#host.calls.shutdown(this.#fd, how);
  }

  override close(): void {
    this.#host.net.close(this.#fd);
    this.wake(-1);
  }

  // ── messages ──

  override send(_task: Task, message: SocketMessage): number {
    const { guest } = this.#host;
    const { io } = message;
    const left = (io?.total ?? 0) - message.done;
    if (this.domain === AF_NETLINK && message.address !== null && !isKernel(message.address)) return -EPERM;
    if (left > DATA_SIZE && this.type !== SOCK_STREAM) return -EMSGSIZE;
    const size = Math.min(left, DATA_SIZE);
    if (io !== null) gather(io, message.done, guest.bytes, DATA, size);
    if (this.domain === AF_NETLINK && !onlyAsks(guest.bytes, DATA, size, this.protocol)) return -EPERM;
    const control = message.control === null ? null : encodeControl(message.control);
    if (typeof control === 'number') return control;
    const sent = guest.send(this.#fd, size, message.flags & SEND_FLAGS, message.address, control);
    if (sent > 0) message.done += sent;
    return sent;
  }

  override receive(_task: Task, message: SocketMessage): number {
    const { guest } = this.#host;
    const { io, flags } = message;
    const room = Math.min((io?.total ?? 0) - message.done, DATA_SIZE);
    const stream = this.type === SOCK_STREAM;
    // Asking for the real length of every datagram costs nothing, and tells what did not fit.
    const asked = (flags & RECEIVE_FLAGS) | (stream ? 0 : MSG_TRUNC);
    const full = guest.receive(this.#fd, room, asked);
    if (full < 0) return full;
    const count = Math.min(full, room);
    const discarded = stream && (flags & MSG_TRUNC) !== 0;
    if (io !== null && !discarded) scatter(io, message.done, guest.bytes, DATA, count);
    message.done += count;
    message.fullLength = full;
    message.outFlags |= guest.outFlags & OUT_FLAGS;
    if (guest.addressLength > 0) message.address = guest.address.slice(0, guest.addressLength);
    this.#takeControl(message);
    return (flags & MSG_TRUNC) !== 0 ? full : count;
  }

  #takeControl(message: SocketMessage): void {
    const { control, controlLength } = this.#host.guest;
    const view = new DataView(control.buffer, control.byteOffset, controlLength);
    for (let at = 0; at + CMSG_HEADER <= controlLength; ) {
      const length = view.getUint32(at, true);
      if (length < CMSG_HEADER || at + length > controlLength) return;
      const level = view.getInt32(at + 8, true);
      const type = view.getInt32(at + 12, true);
      if (mayPassControl(level))
        message.addControl(level, type, control.slice(at + CMSG_HEADER, at + length));
      at += (length + 7) & ~7;
    }
  }

  // ── options and ioctls ──

  override get bufferSizes(): readonly [number, number] {
    return [this.#number(SO_SNDBUF), this.#number(SO_RCVBUF)];
  }

  #number(option: number): number {
    const value = this.#host.guest.getOption(this.#fd, SOL_SOCKET, option, 4);
    return typeof value === 'number' ? 0 : new DataView(value.buffer).getInt32(0, true);
  }

  override getOption(_task: Task, level: number, option: number, room: number): Uint8Array | number {
    if (level === SOL_SOCKET) return -ENOPROTOOPT;
    if (!mayGetOption(level, option)) return -ENOPROTOOPT;
    return this.#host.guest.getOption(this.#fd, level, option, room);
  }

  override setOption(_task: Task, level: number, option: number, value: Uint8Array): number {
    const passes = level === SOL_SOCKET ? mayPassSocketOption(option, value) : maySetOption(level, option);
    return passes ? this.#host.guest.setOption(this.#fd, level, option, value) : -ENOPROTOOPT;
  }

  override ioctl(caller: Caller, request: number, argument: number): number {
    const { guest } = this.#host;
    if (request === FIONREAD || request === SIOCOUTQ || request === SIOCATMARK) {
      const value = new Uint8Array(4);
      const result = guest.ioctl(this.#fd, request, value);
      return result < 0
        ? result
        : caller.memory.writeU32(argument, new DataView(value.buffer).getUint32(0, true));
    }
    if (request === SIOCGIFCONF) return this.#interfaces(caller, argument);
    if (!IFREQ_IOCTLS.includes(request) || this.domain === AF_NETLINK) return -ENOTTY;
    const structure = new Uint8Array(IFREQ);
    if (caller.memory.copyIn(argument, structure, 0, IFREQ) !== IFREQ) return -14;
    const result = guest.ioctl(this.#fd, request, structure);
    if (result < 0) return result;
    return caller.memory.copyOut(argument, structure, 0, IFREQ) === IFREQ ? result : -14;
  }

  /** struct ifconf: a length and where to write. */
  #interfaces(caller: Caller, argument: number): number {
    const head = new Uint8Array(16);
    if (caller.memory.copyIn(argument, head, 0, 16) !== 16) return -14;
    const view = new DataView(head.buffer);
    const to = view.getUint32(8, true) + view.getUint32(12, true) * 2 ** 32;
    const room = view.getInt32(0, true);
    if (room < 0) return -EINVAL;
    const found = this.#host.guest.interfaces(this.#fd, SIOCGIFCONF, to === 0 ? 4096 : room);
    if (typeof found === 'number') return found;
    if (to !== 0 && caller.memory.copyOut(to, found, 0, found.length) !== found.length) return -14;
    return caller.memory.writeU32(argument, found.length);
  }
}

function protocolOf(family: number, type: number): number {
  if (family !== AF_INET && family !== AF_INET6) return 0;
  return type === SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
}

/** A netlink address that means the kernel alone, or none: other programs of the host are not spoken to. */
function isKernel(address: Uint8Array): boolean {
  return address.subarray(4, 12).every((byte) => byte === 0);
}

/** True when every message of a netlink datagram is a question. */
function onlyAsks(bytes: Uint8Array, from: number, size: number, protocol: number): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset + from, size);
  for (let at = 0; at + 16 <= size; ) {
    const length = view.getUint32(at, true);
    const type = view.getUint16(at + 4, true);
    if (length < 16 || at + length > size) return true;
    const asks = protocol === 0 ? (type & 3) === GET : type === SOCK_DIAG_BY_FAMILY;
    if (type >= NLMSG_MIN_TYPE && !asks) return false;
    at += (length + 3) & ~3;
  }
  return true;
}

/** Control messages as bytes; -EINVAL where one may not pass. */
function encodeControl(messages: NonNullable<SocketMessage['control']>): Uint8Array | number {
  const total = messages.reduce((sum, { data }) => sum + ((CMSG_HEADER + data.length + 7) & ~7), 0);
  if (total > 4096) return -EINVAL;
  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const { level, type, data } of messages) {
    if (!mayPassControl(level)) return -EOPNOTSUPP;
    view.setUint32(at, CMSG_HEADER + data.length, true);
    view.setInt32(at + 8, level, true);
    view.setInt32(at + 12, type, true);
    bytes.set(data, at + CMSG_HEADER);
    at += (CMSG_HEADER + data.length + 7) & ~7;
  }
  return bytes;
}

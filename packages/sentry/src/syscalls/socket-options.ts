// getsockopt(2), setsockopt(2) at SOL_SOCKET (socket(7)): buffers, timeouts, errors, and flags that are kept. Other levels go to the family.
import {
  AF_INET,
  AF_INET6,
  AF_PACKET,
  AF_UNIX,
  CAP_NET_ADMIN,
  CAP_NET_RAW,
  EACCES,
  EDOM,
  EFAULT,
  EINVAL,
  ENOPROTOOPT,
  ENOTCONN,
  EOPNOTSUPP,
  EPERM,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPPROTO_UDP,
  PACKET_FANOUT_DATA,
  PACKET_HDRLEN,
  POLLOUT,
  POLLWRNORM,
  SO_ATTACH_BPF,
  SO_ATTACH_FILTER,
  SO_ATTACH_REUSEPORT_CBPF,
  SO_ATTACH_REUSEPORT_EBPF,
  SO_BINDTODEVICE,
  SO_BROADCAST,
  SO_BUF_LOCK,
  SO_BUSY_POLL,
  SO_COOKIE,
  SO_DEBUG,
  SO_DETACH_FILTER,
  SO_DETACH_REUSEPORT_BPF,
  SO_DOMAIN,
  SO_DONTROUTE,
  SO_ERROR,
  SO_GET_FILTER,
  SO_INCOMING_CPU,
  SO_INCOMING_NAPI_ID,
  SO_KEEPALIVE,
  SO_LINGER,
  SO_LOCK_FILTER,
  SO_MAX_PACING_RATE,
  SO_MEMINFO,
  SO_NO_CHECK,
  SO_NOFCS,
  SO_OOBINLINE,
  SO_PASSCRED,
  SO_PASSPIDFD,
  SO_PASSSEC,
  SO_PEEK_OFF,
  SO_PEERCRED,
  SO_PEERGROUPS,
  SO_PEERNAME,
  SO_PEERPIDFD,
  SO_PREFER_BUSY_POLL,
  SO_PRIORITY,
  SO_PROTOCOL,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_RCVLOWAT,
  SO_RCVTIMEO,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SO_RXQ_OVFL,
  SO_SELECT_ERR_QUEUE,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SO_SNDLOWAT,
  SO_SNDTIMEO,
  SO_TIMESTAMP,
  SO_TIMESTAMPING,
  SO_TIMESTAMPNS,
  SO_TYPE,
  SO_WIFI_STATUS,
  SO_ZEROCOPY,
  SOL_PACKET,
  SOL_SOCKET,
} from '@sandbox-kernel/abi';
import type { Socket, Task } from '@sandbox-kernel/kernel';
import {
  attachFanoutProgram,
  attachFilter,
  attachProgram,
  attachReuseProgram,
  detachFilter,
  getFilter,
  lockFilter,
} from './socket-filter.js';
import { getPeerGroups, getPeerPidfd, peerCredentials } from './socket-peer.js';
import { getRareOption, mayPass, setRareOption } from './socket-rare-options.js';
import { put64 } from './user-time.js';

const LEAST_SEND = 4608;
const LEAST_RECEIVE = 2304;
const MOST_VALUE = 4096;
/** Options of netfilter (ip_tables.h): whole tables travel by them, and what is asked for lies in the buffer for the answer. */
const FIRST_TABLE_OPTION = 64;
const LAST_TABLE_OPTION = 69;
const MOST_TABLE = 16 << 20;
const TABLE_QUESTION = 96;
/** Names of 64-bit time's options: the same layouts on x86-64. */
const SO_TIMESTAMP_NEW = 63;
const SO_TIMESTAMPNS_NEW = 64;
const SO_TIMESTAMPING_NEW = 65;
const SO_RCVTIMEO_NEW = 66;
const SO_SNDTIMEO_NEW = 67;
/** What SO_LINGER tells of a negative time: Linux's longest, in its ticks of 4 ms, cut to 32 bits. */
const LINGER_FOREVER = -1_752_346_657;
const TIMESTAMPING_KNOWN = 0x3ffff;
/** Flags: 0 or 1 whatever was passed. */
const FLAGS = [
  SO_REUSEADDR,
  SO_REUSEPORT,
  SO_KEEPALIVE,
  SO_BROADCAST,
  SO_OOBINLINE,
  SO_PASSCRED,
  SO_PASSPIDFD,
  SO_PASSSEC,
  SO_DONTROUTE,
  SO_NO_CHECK,
  SO_TIMESTAMP,
  SO_TIMESTAMPNS,
  SO_TIMESTAMP_NEW,
  SO_TIMESTAMPNS_NEW,
  SO_RXQ_OVFL,
  SO_SELECT_ERR_QUEUE,
  SO_NOFCS,
  SO_PREFER_BUSY_POLL,
  SO_WIFI_STATUS,
];
/** Integers that are kept as they were set. */
const NUMBERS = [
  SO_PRIORITY,
  SO_RCVLOWAT,
  SO_INCOMING_CPU,
  SO_BUSY_POLL,
  SO_TIMESTAMPING,
  SO_TIMESTAMPING_NEW,
  SO_ZEROCOPY,
  SO_BUF_LOCK,
];

export function setSocketOption(
  task: Task,
  socket: Socket,
  level: number,
  option: number,
  addr: number,
  length: number,
): number {
  if (length < 0) return -EINVAL;
  if (socket.domain === AF_UNIX && level !== SOL_SOCKET) return -EOPNOTSUPP;
  const most = isTableOption(level, option) ? MOST_TABLE : MOST_VALUE;
  const bytes = new Uint8Array(Math.min(length, most));
  if (task.memory.copyIn(addr, bytes, 0, bytes.length) !== bytes.length) return -EFAULT;
  if (level === SOL_PACKET && option === PACKET_FANOUT_DATA && socket.domain === AF_PACKET)
    return attachFanoutProgram(task, socket, bytes);
  if (level !== SOL_SOCKET || option === SO_BINDTODEVICE) return socket.setOption(task, level, option, bytes);
  if (bytes.length < 4) return -EINVAL;
  const value = new DataView(bytes.buffer).getInt32(0, true);
  switch (option) {
    case SO_SNDBUF:
    case SO_SNDBUFFORCE:
    case SO_RCVBUF:
    case SO_RCVBUFFORCE:
      return setBuffer(task, socket, option, value);
    case SO_RCVTIMEO:
    case SO_SNDTIMEO:
    case SO_RCVTIMEO_NEW:
    case SO_SNDTIMEO_NEW:
      return setWaitLimit(socket, option, bytes);
    case SO_LINGER:
      return setLinger(task, socket, bytes, value);
    case SO_DEBUG:
      if (value !== 0 && !task.credentials.hasCapability(CAP_NET_ADMIN)) return -EACCES;
      socket.kept.set(SO_DEBUG, value === 0 ? 0 : 1);
      return 0;
    case SO_PEEK_OFF:
      return setPeekOffset(socket, value);
    case SO_ATTACH_FILTER:
      return attachFilter(task, socket, bytes);
    case SO_ATTACH_BPF:
    case SO_ATTACH_REUSEPORT_EBPF:
      return attachProgram(task, socket, value, length);
    case SO_ATTACH_REUSEPORT_CBPF:
      return attachReuseProgram(task, socket, bytes);
    case SO_DETACH_REUSEPORT_BPF:
      return socket.useReuseProgram(null);
    case SO_DETACH_FILTER:
      return detachFilter(socket);
    case SO_LOCK_FILTER:
      return lockFilter(socket, value !== 0);
    case SO_TYPE:
    case SO_PROTOCOL:
    case SO_DOMAIN:
    case SO_ERROR:
    case SO_SNDLOWAT:
      return -ENOPROTOOPT;
    default:
      return setRareOption(task, socket, option, value, bytes) ?? keep(task, socket, option, value, bytes);
  }
}

function keep(task: Task, socket: Socket, option: number, value: number, bytes: Uint8Array): number {
  const flag = FLAGS.includes(option);
  if (!flag && !NUMBERS.includes(option)) return setPacing(task, socket, option, bytes);
  const refused = mayKeep(task, socket, option, value);
  if (refused !== 0) return refused;
  const kept = option === SO_RCVLOWAT && value <= 0 ? (value < 0 ? 2 ** 31 - 1 : 1) : value;
  socket.kept.set(option, flag ? (value === 0 ? 0 : 1) : kept);
  exclude(socket, option, value);
  return socketLevel(task, socket, option, bytes);
}

/** Micro- and nanosecond timestamps replace each other. */
function exclude(socket: Socket, option: number, value: number): void {
  const stamps = [SO_TIMESTAMP, SO_TIMESTAMPNS, SO_TIMESTAMP_NEW, SO_TIMESTAMPNS_NEW];
  if (value === 0 || !stamps.includes(option)) return;
  for (const other of stamps) if (other !== option) socket.kept.delete(other);
}

function mayKeep(task: Task, socket: Socket, option: number, value: number): number {
  const { credentials } = task;
  const inet = socket.domain === AF_INET || socket.domain === AF_INET6;
  switch (option) {
    case SO_REUSEPORT:
      return value !== 0 && !inet ? -EOPNOTSUPP : 0;
    case SO_PRIORITY:
      if (value >= 0 && value <= 6) return 0;
      return credentials.hasCapability(CAP_NET_RAW) || credentials.hasCapability(CAP_NET_ADMIN) ? 0 : -EPERM;
    case SO_BUSY_POLL:
      if (value > 0 && !credentials.hasCapability(CAP_NET_ADMIN)) return -EPERM;
      return value < 0 ? -EINVAL : 0;
    case SO_PREFER_BUSY_POLL:
      return value !== 0 && !credentials.hasCapability(CAP_NET_ADMIN) ? -EPERM : 0;
    case SO_TIMESTAMPING:
    case SO_TIMESTAMPING_NEW:
      return (value & ~TIMESTAMPING_KNOWN) !== 0 ? -EINVAL : 0;
    case SO_ZEROCOPY:
      if (!inet || (socket.protocol !== IPPROTO_TCP && socket.protocol !== IPPROTO_UDP)) return -EOPNOTSUPP;
      return value < 0 || value > 1 ? -EINVAL : 0;
    case SO_BUF_LOCK:
      return (value & ~3) !== 0 ? -EINVAL : 0;
    default:
      return mayPass(socket, option);
  }
}

/** A rate in bytes per second, 32 or 64 bits; then what only the family may know. */
function setPacing(task: Task, socket: Socket, option: number, bytes: Uint8Array): number {
  if (option !== SO_MAX_PACING_RATE) return socket.setOption(task, SOL_SOCKET, option, bytes);
  const value = new DataView(bytes.buffer).getUint32(0, true);
  socket.kept.set(
    option,
    bytes.length >= 8 ? value + new DataView(bytes.buffer).getUint32(4, true) * 2 ** 32 : value,
  );
  return socketLevel(task, socket, option, bytes);
}

function setLinger(task: Task, socket: Socket, bytes: Uint8Array, value: number): number {
  if (bytes.length < 8) return -EINVAL;
  const before = socket.kept.get(SO_LINGER) ?? 0;
  const seconds = new DataView(bytes.buffer).getUint32(4, true);
  // Switched off the time stays what it was.
  socket.kept.set(SO_LINGER, value === 0 ? before - (before % 2) : seconds * 2 + 1);
  return socketLevel(task, socket, SO_LINGER, bytes);
}

function setPeekOffset(socket: Socket, value: number): number {
  const able = socket.domain === AF_UNIX || socket.protocol === IPPROTO_UDP;
  if (!able) return -EOPNOTSUPP;
  socket.peekOffset = Math.max(value, -1);
  return 0;
}

/** The family hears of options that are kept too; it need not know them. */
function socketLevel(task: Task, socket: Socket, option: number, bytes: Uint8Array): number {
  const result = socket.setOption(task, SOL_SOCKET, option, bytes);
  return result === -ENOPROTOOPT || result === -EOPNOTSUPP ? 0 : result;
}

/** Linux doubles what is asked for, for its bookkeeping, and tells the doubled value. */
function setBuffer(task: Task, socket: Socket, option: number, value: number): number {
  const forced = option === SO_SNDBUFFORCE || option === SO_RCVBUFFORCE;
  if (forced && !task.credentials.hasCapability(CAP_NET_ADMIN)) return -EPERM;
  const sending = option === SO_SNDBUF || option === SO_SNDBUFFORCE;
  const most = socket.bufferLimits[sending ? 0 : 1];
  const wanted = forced ? Math.max(value, 0) : Math.min(value >>> 0, most);
  if (sending) {
    socket.sendBuffer = Math.max(wanted * 2, LEAST_SEND);
    socket.sendBufferSet = true;
    // Senders look again, whether there is more room or less.
    if ((socket.events() & POLLOUT) !== 0) socket.wake(POLLOUT | POLLWRNORM);
  } else {
    socket.receiveBuffer = Math.max(wanted * 2, LEAST_RECEIVE);
    socket.receiveBufferSet = true;
  }
  return socketLevel(task, socket, option, intBytes(value));
}

function setWaitLimit(socket: Socket, option: number, bytes: Uint8Array): number {
  if (bytes.length < 16) return -EINVAL;
  const view = new DataView(bytes.buffer);
  const seconds = view.getInt32(4, true) * 2 ** 32 + view.getUint32(0, true);
  const micros = view.getInt32(12, true) * 2 ** 32 + view.getUint32(8, true);
  if (micros < 0 || micros >= 1e6) return -EDOM;
  const nanos = seconds < 0 ? 0 : seconds * 1e9 + micros * 1000;
  const timeout = nanos === 0 && seconds >= 0 ? Infinity : nanos;
  if (option === SO_RCVTIMEO || option === SO_RCVTIMEO_NEW) socket.receiveTimeout = timeout;
  else socket.sendTimeout = timeout;
  return 0;
}

export function getSocketOption(
  task: Task,
  socket: Socket,
  level: number,
  option: number,
  addr: number,
  lengthAddr: number,
): number {
  const room = task.memory.readU32(lengthAddr);
  if (room < 0) return -EFAULT;
  if ((room | 0) < 0) return -EINVAL;
  if (level === SOL_SOCKET && option === SO_GET_FILTER)
    return getFilter(task, socket, addr, lengthAddr, room);
  if (level === SOL_SOCKET && option === SO_PEERGROUPS)
    return getPeerGroups(task, socket, addr, lengthAddr, room);
  if (level === SOL_SOCKET && option === SO_PEERPIDFD)
    return getPeerPidfd(task, socket, addr, lengthAddr, room);
  const value = anyOption(task, socket, level, option, addr, room);
  if (typeof value === 'number') return value;
  const count = Math.min(room, value.length);
  if (task.memory.copyOut(addr, value, 0, count) !== count) return -EFAULT;
  return task.memory.writeU32(lengthAddr, count) < 0 ? -EFAULT : 0;
}

function anyOption(
  task: Task,
  socket: Socket,
  level: number,
  option: number,
  addr: number,
  room: number,
): Uint8Array | number {
  if (level === SOL_SOCKET) return socketOption(task, socket, option, room);
  if (isTableOption(level, option) || (level === SOL_PACKET && option === PACKET_HDRLEN)) {
    const question = new Uint8Array(Math.min(room, TABLE_QUESTION));
    if (task.memory.copyIn(addr, question, 0, question.length) !== question.length) return -EFAULT;
    const answer = socket.askOption(task, level, option, question, room);
    if (answer !== -ENOPROTOOPT) return answer;
  }
  return socket.getOption(task, level, option, room);
}

function isTableOption(level: number, option: number): boolean {
  return (
    (level === IPPROTO_IP || level === IPPROTO_IPV6) &&
    option >= FIRST_TABLE_OPTION &&
    option <= LAST_TABLE_OPTION
  );
}

function socketOption(task: Task, socket: Socket, option: number, room: number): Uint8Array | number {
  switch (option) {
    case SO_TYPE:
      return intBytes(socket.type);
    case SO_DOMAIN:
      return intBytes(socket.domain);
    case SO_PROTOCOL:
      return intBytes(socket.protocol);
    case SO_ERROR:
      return intBytes(socket.takeError());
    case SO_SNDBUF:
      return intBytes(socket.bufferSizes[0]);
    case SO_RCVBUF:
      return intBytes(socket.bufferSizes[1]);
    case SO_RCVTIMEO:
    case SO_RCVTIMEO_NEW:
      return timeval(socket.receiveTimeout);
    case SO_SNDTIMEO:
    case SO_SNDTIMEO_NEW:
      return timeval(socket.sendTimeout);
    case SO_SNDLOWAT:
      return intBytes(1);
    case SO_LOCK_FILTER:
      return intBytes(socket.filterLocked ? 1 : 0);
    case SO_LINGER: {
      const kept = socket.kept.get(SO_LINGER) ?? 0;
      const seconds = Math.floor(kept / 2);
      return intBytes(kept % 2, seconds < 2 ** 31 ? seconds : LINGER_FOREVER);
    }
    default:
      return rareOption(task, socket, option, room);
  }
}

function rareOption(task: Task, socket: Socket, option: number, room: number): Uint8Array | number {
  switch (option) {
    case SO_RCVLOWAT:
      return intBytes(socket.kept.get(option) ?? 1);
    case SO_PEEK_OFF:
      return socket.domain === AF_UNIX || socket.protocol === IPPROTO_UDP
        ? intBytes(socket.peekOffset)
        : -EOPNOTSUPP;
    case SO_INCOMING_CPU:
      return intBytes(socket.kept.get(option) ?? -1);
    case SO_INCOMING_NAPI_ID:
      return intBytes(0);
    case SO_COOKIE:
      return room < 8 ? -EINVAL : cookie(socket);
    case SO_MEMINFO:
      return intBytes(0, socket.bufferSizes[1], 0, socket.bufferSizes[0], 0, 0, 0, 0, 0);
    case SO_PEERNAME:
      return peerName(socket, room);
    case SO_PEERCRED:
      return peerCredentials(socket);
    case SO_MAX_PACING_RATE:
      return pacing(socket, room);
    case SO_TIMESTAMPING:
    case SO_TIMESTAMPING_NEW:
      return intBytes(socket.kept.get(option) ?? 0, 0);
    default:
      return keptOption(task, socket, option, room);
  }
}

function keptOption(task: Task, socket: Socket, option: number, room: number): Uint8Array | number {
  const refused = mayPass(socket, option);
  if (refused !== 0) return refused;
  const rare = getRareOption(socket, option, room);
  if (rare !== null) return rare;
  if (FLAGS.includes(option) || NUMBERS.includes(option)) return intBytes(socket.kept.get(option) ?? 0);
  return socket.getOption(task, SOL_SOCKET, option, room);
}

function peerName(socket: Socket, room: number): Uint8Array | number {
  const name = socket.peerName();
  if (typeof name === 'number') return -ENOTCONN;
  return name.length < room ? -EINVAL : name;
}

/** A number that no other socket of the sandbox has: its inode's. */
function cookie(socket: Socket): Uint8Array {
  const bytes = new Uint8Array(8);
  put64(new DataView(bytes.buffer), 0, socket.file?.inode?.number ?? 0);
  return bytes;
}

function pacing(socket: Socket, room: number): Uint8Array {
  const bytes = new Uint8Array(room >= 8 ? 8 : 4).fill(0xff);
  const kept = socket.kept.get(SO_MAX_PACING_RATE);
  if (kept !== undefined && room >= 8) put64(new DataView(bytes.buffer), 0, kept);
  else if (kept !== undefined) new DataView(bytes.buffer).setUint32(0, Math.min(kept, 2 ** 32 - 1), true);
  return bytes;
}

function intBytes(...values: number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(values).buffer);
}

function timeval(nanos: number): Uint8Array {
  const bytes = new Uint8Array(16);
  if (nanos === Infinity) return bytes;
  const view = new DataView(bytes.buffer);
  const seconds = Math.floor(nanos / 1e9);
  put64(view, 0, seconds);
  put64(view, 8, Math.floor((nanos - seconds * 1e9) / 1000));
  return bytes;
}

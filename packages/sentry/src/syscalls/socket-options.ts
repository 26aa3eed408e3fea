// getsockopt(2), setsockopt(2) at SOL_SOCKET (socket(7)): buffers, timeouts, errors, and flags that are kept. Other levels go to the family.
import {
  CAP_NET_ADMIN,
  EDOM,
  EFAULT,
  EINVAL,
  ENOPROTOOPT,
  EPERM,
  SO_BROADCAST,
  SO_DEBUG,
  SO_DOMAIN,
  SO_DONTROUTE,
  SO_ERROR,
  SO_KEEPALIVE,
  SO_LINGER,
  SO_NO_CHECK,
  SO_OOBINLINE,
  SO_PASSCRED,
  SO_PASSPIDFD,
  SO_PASSSEC,
  SO_PRIORITY,
  SO_PROTOCOL,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_RCVLOWAT,
  SO_RCVTIMEO,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SO_SNDLOWAT,
  SO_SNDTIMEO,
  SO_TIMESTAMP,
  SO_TIMESTAMPNS,
  SO_TYPE,
  SOL_SOCKET,
} from '@sandbox-kernel/abi';
import { MOST_BUFFER, type Socket, type Task } from '@sandbox-kernel/kernel';
import { put64 } from './user-time.js';

const LEAST_SEND = 4608;
const LEAST_RECEIVE = 2304;
const MOST_VALUE = 4096;
/** Integers that are kept as they were set. */
const KEPT = [
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
  SO_PRIORITY,
  SO_RCVLOWAT,
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
  const bytes = new Uint8Array(Math.min(length, MOST_VALUE));
  if (task.memory.copyIn(addr, bytes, 0, bytes.length) !== bytes.length) return -EFAULT;
  if (level !== SOL_SOCKET) return socket.setOption(task, level, option, bytes);
  if (bytes.length < 4) return -EINVAL;
  const view = new DataView(bytes.buffer);
  const value = view.getInt32(0, true);
  switch (option) {
    case SO_SNDBUF:
    case SO_SNDBUFFORCE:
    case SO_RCVBUF:
    case SO_RCVBUFFORCE:
      return setBuffer(task, socket, option, value);
    case SO_RCVTIMEO:
    case SO_SNDTIMEO:
      return setWaitLimit(socket, option, bytes);
    case SO_LINGER:
      if (bytes.length < 8) return -EINVAL;
      socket.kept.set(SO_LINGER, value === 0 ? 0 : (view.getInt32(4, true) << 1) | 1);
      return socketLevel(task, socket, option, bytes);
    case SO_DEBUG:
      return value !== 0 && !task.credentials.hasCapability(CAP_NET_ADMIN) ? -13 : 0;
    default:
      if (!KEPT.includes(option)) return socket.setOption(task, level, option, bytes);
      socket.kept.set(option, isFlag(option) ? (value === 0 ? 0 : 1) : value);
      return socketLevel(task, socket, option, bytes);
  }
}

/** The family hears of options that are kept too; it need not know them. */
function socketLevel(task: Task, socket: Socket, option: number, bytes: Uint8Array): number {
  const result = socket.setOption(task, SOL_SOCKET, option, bytes);
  return result === -ENOPROTOOPT ? 0 : result;
}

function isFlag(option: number): boolean {
  return option !== SO_PRIORITY && option !== SO_RCVLOWAT;
}

/** Linux doubles what is asked for, for its bookkeeping, and tells the doubled value. */
function setBuffer(task: Task, socket: Socket, option: number, value: number): number {
  const forced = option === SO_SNDBUFFORCE || option === SO_RCVBUFFORCE;
  if (forced && !task.credentials.hasCapability(CAP_NET_ADMIN)) return -EPERM;
  const wanted = forced ? Math.max(value, 0) : Math.min(value >>> 0, MOST_BUFFER);
  if (option === SO_SNDBUF || option === SO_SNDBUFFORCE) socket.sendBuffer = Math.max(wanted * 2, LEAST_SEND);
  else socket.receiveBuffer = Math.max(wanted * 2, LEAST_RECEIVE);
  return 0;
}

function setWaitLimit(socket: Socket, option: number, bytes: Uint8Array): number {
  if (bytes.length < 16) return -EINVAL;
  const view = new DataView(bytes.buffer);
  const seconds = view.getInt32(4, true) * 2 ** 32 + view.getUint32(0, true);
  const micros = view.getInt32(12, true) * 2 ** 32 + view.getUint32(8, true);
  if (micros < 0 || micros >= 1e6) return -EDOM;
  const nanos = seconds < 0 ? 0 : seconds * 1e9 + micros * 1000;
  const timeout = nanos === 0 && seconds >= 0 ? Infinity : nanos;
  if (option === SO_RCVTIMEO) socket.receiveTimeout = timeout;
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
  const value =
    level === SOL_SOCKET
      ? socketOption(task, socket, option, room)
      : socket.getOption(task, level, option, room);
  if (typeof value === 'number') return value;
  const count = Math.min(room, value.length);
  if (task.memory.copyOut(addr, value, 0, count) !== count) return -EFAULT;
  return task.memory.writeU32(lengthAddr, count) < 0 ? -EFAULT : 0;
}

function socketOption(task: Task, socket: Socket, option: number, room: number): Uint8Array | number {
  switch (option) {
    case SO_TYPE:
      return int(socket.type);
    case SO_DOMAIN:
      return int(socket.domain);
    case SO_PROTOCOL:
      return int(socket.protocol);
    case SO_ERROR: {
      const own = socket.getOption(task, SOL_SOCKET, option, room);
      return typeof own === 'number' ? int(socket.takeError()) : own;
    }
    case SO_SNDBUF:
      return int(socket.sendBuffer);
    case SO_RCVBUF:
      return int(socket.receiveBuffer);
    case SO_RCVTIMEO:
      return timeval(socket.receiveTimeout);
    case SO_SNDTIMEO:
      return timeval(socket.sendTimeout);
    case SO_SNDLOWAT:
      return int(1);
    case SO_RCVLOWAT:
      return int(socket.kept.get(option) ?? 1);
    case SO_DEBUG:
      return int(0);
    case SO_LINGER: {
      const kept = socket.kept.get(SO_LINGER) ?? 0;
      return new Uint8Array(Int32Array.of(kept & 1, kept >> 1).buffer);
    }
    default:
      return KEPT.includes(option)
        ? int(socket.kept.get(option) ?? 0)
        : socket.getOption(task, SOL_SOCKET, option, room);
  }
}

function int(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
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

// Options of SOL_SOCKET that few programs know (socket(7), asm-generic/socket.h): what Linux answers for them where they change nothing here.
// There are no packet schedulers, no busy polling and no hardware to which they could matter.
import {
  AF_INET,
  AF_INET6,
  AF_NETLINK,
  AF_UNIX,
  CAP_NET_ADMIN,
  CAP_NET_RAW,
  CLOCK_MONOTONIC,
  CLOCK_REALTIME,
  CLOCK_TAI,
  EINVAL,
  EOPNOTSUPP,
  EPERM,
  IPPROTO_TCP,
  SO_ACCEPTCONN,
  SO_BINDTOIFINDEX,
  SO_BPF_EXTENSIONS,
  SO_BSDCOMPAT,
  SO_BUSY_POLL_BUDGET,
  SO_CNX_ADVICE,
  SO_DEBUG,
  SO_MARK,
  SO_NETNS_COOKIE,
  SO_PASSCRED,
  SO_PASSPIDFD,
  SO_PASSRIGHTS,
  SO_PASSSEC,
  SO_RESERVE_MEM,
  SO_TXREHASH,
  SO_TXTIME,
} from '@sandbox-kernel/abi';
import type { Socket, Task } from '@sandbox-kernel/kernel';

/** SKF_AD_MAX: what filters may ask beside the packet. */
const FILTER_EXTENSIONS = 64;
const TXTIME_FLAGS = 3;
/** There is one network namespace. */
const NAMESPACE_COOKIE = 1;

function isInet(socket: Socket): boolean {
  return socket.domain === AF_INET || socket.domain === AF_INET6;
}

/** -EOPNOTSUPP: sockets of this family pass nothing of the kind. */
export function mayPass(socket: Socket, option: number): number {
  switch (option) {
    case SO_PASSCRED:
    case SO_PASSSEC:
      return socket.domain === AF_UNIX || socket.domain === AF_NETLINK ? 0 : -EOPNOTSUPP;
    case SO_PASSPIDFD:
      return socket.domain === AF_UNIX ? 0 : -EOPNOTSUPP;
    default:
      return 0;
  }
}

/** The result, or null for other options. Pre: at least four bytes. */
export function setRareOption(
  task: Task,
  socket: Socket,
  option: number,
  value: number,
  bytes: Uint8Array,
): number | null {
  switch (option) {
    case SO_BSDCOMPAT:
    case SO_CNX_ADVICE:
      return 0;
    case SO_BUSY_POLL_BUDGET:
      return setBudget(task, socket, value);
    case SO_RESERVE_MEM:
      return value < 0 ? -EINVAL : -EOPNOTSUPP;
    case SO_TXREHASH:
      return setRehash(socket, value);
    case SO_TXTIME:
      return setSendTime(task, socket, bytes);
    case SO_PASSRIGHTS:
      return socket.domain === AF_UNIX ? null : -EOPNOTSUPP;
    case SO_MARK:
      return isInet(socket) ? null : setMark(task, socket, value);
    case SO_BINDTOIFINDEX:
      if (isInet(socket)) return null;
      return value < 0 ? -EINVAL : keep(socket, option, value);
    default:
      return null;
  }
}

function keep(socket: Socket, option: number, value: number): number {
  socket.kept.set(option, value);
  return 0;
}

function setBudget(task: Task, socket: Socket, value: number): number {
  const before = socket.kept.get(SO_BUSY_POLL_BUDGET) ?? 0;
  if (value > before && !task.credentials.hasCapability(CAP_NET_ADMIN)) return -EPERM;
  return value < 0 || value > 0xffff ? -EINVAL : keep(socket, SO_BUSY_POLL_BUDGET, value);
}

function setMark(task: Task, socket: Socket, value: number): number {
  const { credentials } = task;
  const allowed = credentials.hasCapability(CAP_NET_ADMIN) || credentials.hasCapability(CAP_NET_RAW);
  return allowed ? keep(socket, SO_MARK, value) : -EPERM;
}

function rehashes(socket: Socket): boolean {
  return isInet(socket) && socket.protocol === IPPROTO_TCP;
}

/** -1 is the default, which is on. */
function setRehash(socket: Socket, value: number): number {
  if (!rehashes(socket)) return -EOPNOTSUPP;
  return value < -1 || value > 1 ? -EINVAL : keep(socket, SO_TXREHASH, value === 0 ? 0 : 1);
}

/** struct sock_txtime: a clock and flags. */
function setSendTime(task: Task, socket: Socket, bytes: Uint8Array): number {
  if (bytes.length !== 8) return -EINVAL;
  const view = new DataView(bytes.buffer);
  const clock = view.getInt32(0, true);
  const flags = view.getUint32(4, true);
  if ((flags & ~TXTIME_FLAGS) !== 0) return -EINVAL;
  if (clock !== CLOCK_MONOTONIC && !task.credentials.hasCapability(CAP_NET_ADMIN)) return -EPERM;
  if (![CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_TAI].includes(clock)) return -EINVAL;
  return keep(socket, SO_TXTIME, clock * 4 + flags);
}

/** The answer, or null for other options. */
export function getRareOption(socket: Socket, option: number, room: number): Uint8Array | number | null {
  const kept = socket.kept.get(option) ?? 0;
  switch (option) {
    case SO_DEBUG:
      return words(kept);
    case SO_BSDCOMPAT:
    case SO_RESERVE_MEM:
      return words(0);
    case SO_BPF_EXTENSIONS:
      return words(FILTER_EXTENSIONS);
    case SO_TXREHASH:
      return rehashes(socket) ? words(socket.kept.get(option) ?? 1) : -EOPNOTSUPP;
    case SO_TXTIME:
      return words(kept >> 2, kept & TXTIME_FLAGS);
    case SO_NETNS_COOKIE:
      return room === 8 ? words(NAMESPACE_COOKIE, 0) : -EINVAL;
    default:
      return socket.domain === AF_UNIX ? null : unlessUnix(socket, option, kept);
  }
}

function unlessUnix(socket: Socket, option: number, kept: number): Uint8Array | number | null {
  switch (option) {
    case SO_PASSRIGHTS:
      return -EOPNOTSUPP;
    case SO_ACCEPTCONN:
      return isInet(socket) && socket.protocol === IPPROTO_TCP ? null : words(0);
    case SO_MARK:
    case SO_BINDTOIFINDEX:
      return isInet(socket) ? null : words(kept);
    default:
      return null;
  }
}

function words(...values: number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(values).buffer);
}

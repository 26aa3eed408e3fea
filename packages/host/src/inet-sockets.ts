// Internet sockets of the host, for what a sandbox's link leads to: tcp(7), udp(7), icmp(7)'s datagram sockets, and TAP devices
// (Linux's Documentation/networking/tuntap). Nothing blocks: a descriptor is non-blocking from the start, and readiness comes from
// the watcher. Received bytes stay in the page's data area (DATA) for the caller to take from there: no copy here.
import {
  EINVAL,
  SYS_accept4,
  SYS_bind,
  SYS_close,
  SYS_connect,
  SYS_fcntl,
  SYS_getpeername,
  SYS_getsockname,
  SYS_getsockopt,
  SYS_ioctl,
  SYS_listen,
  SYS_openat,
  SYS_read,
  SYS_recvfrom,
  SYS_sendto,
  SYS_setsockopt,
  SYS_shutdown,
  SYS_socket,
  SYS_write,
} from '@sandbox-kernel/abi';
import { DATA, DATA_SIZE, type Door, PATH_A } from './door.js';

const SOCK_NONBLOCK = 0x800;
const SOCK_CLOEXEC = 0x80000;
const MSG_NOSIGNAL = 0x4000;
const MSG_DONTWAIT = 0x40;
const SOL_SOCKET = 1;
const SO_ERROR = 4;
const SO_LINGER = 13;
const AT_FDCWD = -100;
const O_RDWR = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const TUNSETIFF = 0x400454ca;
const TUNSETOFFLOAD = 0x400454d0;
const TUNSETVNETHDRSZ = 0x400454d8;
const TUNGETIFF = 0x800454d2;
const IFREQ_FLAGS = 16;
const IFREQ_SIZE = 40;
/** Where a socket address is written to or read from: after the path areas' first half. */
const ADDRESS = PATH_A + 4096;
/** sizeof(struct sockaddr_in6), the longest that these families have. */
export const MAX_INET_ADDRESS = 28;

export class HostInetSockets {
  readonly #door: Door;
  /** The page, whose bytes DATA… hold what `receive` and `receiveFrom` brought until the next call of any kind. */
  readonly bytes: Uint8Array;
  /** The address that `accept`, `receiveFrom`, `localAddress` or `peerAddress` brought, and how many bytes of it count. */
  readonly peer: Uint8Array;
  peerLength: number;

  constructor(door: Door) {
    this.#door = door;
    this.bytes = door.bytes;
    this.peer = door.bytes.subarray(ADDRESS, ADDRESS + MAX_INET_ADDRESS);
    this.peerLength = 0;
  }

  /** A non-blocking, close-on-exec socket, or -errno (EACCES: an ICMP socket outside of net.ipv4.ping_group_range). */
  open(family: number, type: number, protocol: number): number {
    return this.#door.call(SYS_socket, 0, family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol, 0, 0, 0);
  }

  /** -EINPROGRESS for a stream: it becomes writable when it is decided, and `takeError` tells how. */
  connect(fd: number, address: Uint8Array): number {
    return this.#withAddress(SYS_connect, fd, address);
  }

  bind(fd: number, address: Uint8Array): number {
    return this.#withAddress(SYS_bind, fd, address);
  }

  listen(fd: number, backlog: number): number {
    return this.#door.call(SYS_listen, 0, fd, backlog, 0, 0, 0, 0);
  }

  /** A descriptor, non-blocking; who it is lies in `peer`. */
  accept(fd: number): number {
    this.#door.view.setUint32(DATA, MAX_INET_ADDRESS, true);
    const flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    const result = this.#door.call(SYS_accept4, 6, fd, ADDRESS, DATA, flags, 0, 0);
    if (result >= 0) this.#takeLength();
    return result;
  }

  /** Bytes that now lie at `bytes[DATA …]`; 0 at the end of a stream; -errno. */
  receive(fd: number, limit: number): number {
    const size = Math.min(limit, DATA_SIZE);
    return this.#door.call(SYS_recvfrom, 2, fd, DATA, size, MSG_DONTWAIT, 0, 0);
  }

  /** One datagram, its sender in `peer`. */
  receiveFrom(fd: number, limit: number): number {
    const size = Math.min(limit, DATA_SIZE - 16);
    const lengthAt = DATA + DATA_SIZE - 16;
    this.#door.view.setUint32(lengthAt, MAX_INET_ADDRESS, true);
    const result = this.#door.call(SYS_recvfrom, 50, fd, DATA, size, MSG_DONTWAIT, ADDRESS, lengthAt);
    if (result >= 0) this.peerLength = Math.min(this.#door.view.getUint32(lengthAt, true), MAX_INET_ADDRESS);
    return result;
  }

  /** Bytes sent, or -errno. Never raises SIGPIPE. */
  send(fd: number, from: Uint8Array, at: number, length: number): number {
    const size = this.#put(from, at, length);
    return this.#door.call(SYS_sendto, 2, fd, DATA, size, MSG_NOSIGNAL | MSG_DONTWAIT, 0, 0);
  }

  sendTo(fd: number, from: Uint8Array, at: number, length: number, address: Uint8Array): number {
    if (address.length > MAX_INET_ADDRESS) return -EINVAL;
    const size = this.#put(from, at, length);
    this.#door.bytes.set(address, ADDRESS);
    const flags = MSG_NOSIGNAL | MSG_DONTWAIT;
    return this.#door.call(SYS_sendto, 18, fd, DATA, size, flags, ADDRESS, address.length);
  }

  shutdown(fd: number, how: number): number {
    return this.#door.call(SYS_shutdown, 0, fd, how, 0, 0, 0, 0);
  }

  close(fd: number): number {
    return this.#door.call(SYS_close, 0, fd, 0, 0, 0, 0, 0);
  }

  /** Closes a stream so that its peer sees a reset. */
  reset(fd: number): number {
    this.#door.view.setInt32(DATA, 1, true);
    this.#door.view.setInt32(DATA + 4, 0, true);
    this.#door.call(SYS_setsockopt, 8, fd, SOL_SOCKET, SO_LINGER, DATA, 8, 0);
    return this.close(fd);
  }

  /** SO_ERROR: 0 or a positive errno; negative when it can't be asked. */
  takeError(fd: number): number {
    this.#door.view.setUint32(DATA, 4, true);
    const result = this.#door.call(SYS_getsockopt, 24, fd, SOL_SOCKET, SO_ERROR, DATA + 8, DATA, 0);
    return result < 0 ? result : this.#door.view.getInt32(DATA + 8, true);
  }

  setOption(fd: number, level: number, option: number, value: number): number {
    this.#door.view.setInt32(DATA, value, true);
    return this.#door.call(SYS_setsockopt, 8, fd, level, option, DATA, 4, 0);
  }

  /** Its own address into `peer`. */
  localAddress(fd: number): number {
    return this.#name(SYS_getsockname, fd);
  }

  /** The other end's address into `peer`; -ENOTCONN while a connection is still being made. */
  peerAddress(fd: number): number {
    return this.#name(SYS_getpeername, fd);
  }

  // ── TAP devices ──

  /** /dev/net/tun joined to the device `name`, frames without packet information. -EPERM: not privileged. */
  openTap(name: string, flags: number): number {
    if (!this.#door.putString(PATH_A, '/dev/net/tun', 64)) return -EINVAL;
    const open = O_RDWR | SOCK_NONBLOCK | SOCK_CLOEXEC;
    const fd = this.#door.call(SYS_openat, 2, AT_FDCWD, PATH_A, open, 0, 0, 0);
    if (fd < 0) return fd;
    this.#door.bytes.fill(0, DATA, DATA + IFREQ_SIZE);
    if (!this.#door.putString(DATA, name, IFREQ_FLAGS)) return this.#give(fd, -EINVAL);
    this.#door.view.setInt16(DATA + IFREQ_FLAGS, flags, true);
    const result = this.#door.call(SYS_ioctl, 4, fd, TUNSETIFF, DATA, 0, 0, 0);
    return result < 0 ? this.#give(fd, result) : fd;
  }

  /** TUNSETOFFLOAD: what trains the device may hand over (TUN_F_*). */
  setTapOffload(fd: number, features: number): number {
    return this.#door.call(SYS_ioctl, 0, fd, TUNSETOFFLOAD, features, 0, 0, 0);
  }

  /** IFF_* flags of a descriptor that is a TAP device; -errno when it is none. */
  tapFlags(fd: number): number {
    const result = this.#door.call(SYS_ioctl, 4, fd, TUNGETIFF, DATA, 0, 0, 0);
    return result < 0 ? result : this.#door.view.getUint16(DATA + IFREQ_FLAGS, true);
  }

  /** For a descriptor that somebody else opened. */
  setNonBlocking(fd: number): number {
    const flags = this.#door.call(SYS_fcntl, 0, fd, F_GETFL, 0, 0, 0, 0);
    return flags < 0 ? flags : this.#door.call(SYS_fcntl, 0, fd, F_SETFL, flags | SOCK_NONBLOCK, 0, 0, 0);
  }

  setTapHeaderSize(fd: number, size: number): number {
    this.#door.view.setInt32(DATA, size, true);
    return this.#door.call(SYS_ioctl, 4, fd, TUNSETVNETHDRSZ, DATA, 0, 0, 0);
  }

  /** One frame, at `bytes[DATA …]`. */
  readFrame(fd: number): number {
    return this.#door.call(SYS_read, 2, fd, DATA, DATA_SIZE, 0, 0, 0);
  }

  writeFrame(fd: number, from: Uint8Array, at: number, length: number): number {
    const size = this.#put(from, at, length);
    return this.#door.call(SYS_write, 2, fd, DATA, size, 0, 0, 0);
  }

  #give(fd: number, error: number): number {
    this.close(fd);
    return error;
  }

  #put(from: Uint8Array, at: number, length: number): number {
    const size = Math.min(length, DATA_SIZE);
    this.#door.bytes.set(from.subarray(at, at + size), DATA);
    return size;
  }

  #name(number: number, fd: number): number {
    this.#door.view.setUint32(DATA, MAX_INET_ADDRESS, true);
    const result = this.#door.call(number, 6, fd, ADDRESS, DATA, 0, 0, 0);
    if (result >= 0) this.#takeLength();
    return result;
  }

  #takeLength(): void {
    this.peerLength = Math.min(this.#door.view.getUint32(DATA, true), MAX_INET_ADDRESS);
  }

  #withAddress(number: number, fd: number, address: Uint8Array): number {
    if (address.length > MAX_INET_ADDRESS) return -EINVAL;
    this.#door.bytes.set(address, ADDRESS);
    return this.#door.call(number, 2, fd, ADDRESS, address.length, 0, 0, 0);
  }
}

// Unix sockets between the processes of a sandbox, and descriptors sent over them: unix(7), cmsg(3).
import {
  EINVAL,
  SYS_accept4,
  SYS_bind,
  SYS_connect,
  SYS_getsockname,
  SYS_getsockopt,
  SYS_listen,
  SYS_setsockopt,
  SYS_shutdown,
  SYS_socket,
  SYS_socketpair,
} from '@sandbox-kernel/abi';
import { DATA, DATA_SIZE, type Door, PAGE_BUFFER, PATH_A, SEGMENTS } from './door.js';

const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_NOSIGNAL = 0x4000;
const MSG_DONTWAIT = 0x40;
const MSG_CMSG_CLOEXEC = 0x40000000;
const MSG_CTRUNC = 8;
const CMSG_HEADER = 16;
/** SCM_MAX_FD. */
export const MAX_DESCRIPTORS = 253;
/** The control area: after the path areas, before the segments. */
const CONTROL = PATH_A;
const CONTROL_SIZE = CMSG_HEADER + 4 * 256;
const ADDRESS = PATH_A + 4096;
const ADDRESS_SIZE = 128;

export class HostSockets {
  readonly #door: Door;
  readonly #segment: Float64Array;
  /** Descriptors that came with the last `receive`, close-on-exec. They belong to the caller. */
  readonly received: number[];
  /** The last `receive` had more descriptors than fit, or than this process may hold: they are lost. */
  truncated: boolean;

  constructor(door: Door) {
    this.#door = door;
    this.#segment = new Float64Array(door.native.page, SEGMENTS, 3);
    this.received = [];
    this.truncated = false;
  }

  /** Both ends in `out`. 0 or -errno. */
  pair(domain: number, type: number, protocol: number, out: Int32Array): number {
    const result = this.#door.call(SYS_socketpair, 8, domain, type, protocol, DATA, 0, 0);
    if (result < 0) return result;
    out[0] = this.#door.view.getInt32(DATA, true);
    out[1] = this.#door.view.getInt32(DATA + 4, true);
    return 0;
  }

  socket(domain: number, type: number, protocol: number): number {
    return this.#door.call(SYS_socket, 0, domain, type, protocol, 0, 0, 0);
  }

  bind(fd: number, address: Uint8Array): number {
    return this.#withAddress(SYS_bind, fd, address);
  }

  connect(fd: number, address: Uint8Array): number {
    return this.#withAddress(SYS_connect, fd, address);
  }

  listen(fd: number, backlog: number): number {
    return this.#door.call(SYS_listen, 0, fd, backlog, 0, 0, 0, 0);
  }

  accept(fd: number, flags: number): number {
    return this.#door.call(SYS_accept4, 0, fd, 0, 0, flags, 0, 0);
  }

  shutdown(fd: number, how: number): number {
    return this.#door.call(SYS_shutdown, 0, fd, how, 0, 0, 0, 0);
  }

  /** Bytes of the local address, copied to `into`. */
  localAddress(fd: number, into: Uint8Array): number {
    this.#door.view.setUint32(DATA, ADDRESS_SIZE, true);
    const result = this.#door.call(SYS_getsockname, 6, fd, ADDRESS, DATA, 0, 0, 0);
    if (result < 0) return result;
    const length = Math.min(this.#door.view.getUint32(DATA, true), ADDRESS_SIZE, into.length);
    into.set(this.#door.bytes.subarray(ADDRESS, ADDRESS + length));
    return length;
  }

  /** An option that is an int: its value in `results[0]` of the door's data; -errno on failure. */
  getOption(fd: number, level: number, option: number): number {
    this.#door.view.setUint32(DATA, 4, true);
    const result = this.#door.call(SYS_getsockopt, 24, fd, level, option, DATA + 8, DATA, 0);
    return result < 0 ? result : this.#door.view.getInt32(DATA + 8, true);
  }

  setOption(fd: number, level: number, option: number, value: number): number {
    this.#door.view.setInt32(DATA, value, true);
    return this.#door.call(SYS_setsockopt, 8, fd, level, option, DATA, 4, 0);
  }

  /** Sends bytes with descriptors, never blocking or signalling. Bytes sent or -errno. */
  send(fd: number, from: Uint8Array, at: number, length: number, fds: readonly number[]): number {
    if (fds.length > MAX_DESCRIPTORS || length > DATA_SIZE) return -EINVAL;
    this.#door.bytes.set(from.subarray(at, at + length), DATA);
    const control = this.#putControl(fds);
    this.#arguments(fd, length, MSG_NOSIGNAL | MSG_DONTWAIT, control);
    return this.#door.native.sendSegments();
  }

  /** Receives bytes and descriptors, never blocking. Bytes (0: the other side is gone), or -errno. */
  receive(fd: number, into: Uint8Array, at: number, length: number): number {
    const size = Math.min(length, DATA_SIZE);
    this.received.length = 0;
    this.#arguments(fd, size, MSG_DONTWAIT | MSG_CMSG_CLOEXEC, CONTROL_SIZE);
    const result = this.#door.native.receiveSegments();
    if (result < 0) return result;
    this.#takeControl(this.#door.results[1] ?? 0);
    this.truncated = ((this.#door.results[2] ?? 0) & MSG_CTRUNC) !== 0;
    into.set(this.#door.bytes.subarray(DATA, DATA + result), at);
    return result;
  }

  #withAddress(number: number, fd: number, address: Uint8Array): number {
    if (address.length > ADDRESS_SIZE) return -EINVAL;
    this.#door.bytes.set(address, ADDRESS);
    return this.#door.call(number, 2, fd, ADDRESS, address.length, 0, 0, 0);
  }

  #arguments(fd: number, length: number, flags: number, control: number): void {
    this.#segment[0] = PAGE_BUFFER;
    this.#segment[1] = DATA;
    this.#segment[2] = length;
    const args = this.#door.args;
    args[0] = fd;
    args[1] = 1;
    args[2] = flags;
    args[3] = 0;
    args[4] = 0;
    args[5] = CONTROL;
    args[6] = control;
  }

  #putControl(fds: readonly number[]): number {
    if (fds.length === 0) return 0;
    const { view } = this.#door;
    const length = CMSG_HEADER + 4 * fds.length;
    view.setUint32(CONTROL, length, true);
    view.setUint32(CONTROL + 4, 0, true);
    view.setInt32(CONTROL + 8, SOL_SOCKET, true);
    view.setInt32(CONTROL + 12, SCM_RIGHTS, true);
    for (let i = 0; i < fds.length; i++) view.setInt32(CONTROL + CMSG_HEADER + 4 * i, fds[i] ?? -1, true);
    return Math.ceil(length / 8) * 8;
  }

  #takeControl(total: number): void {
    const { view } = this.#door;
    let at = CONTROL;
    const end = CONTROL + total;
    while (at + CMSG_HEADER <= end) {
      const length = view.getUint32(at, true);
      if (length < CMSG_HEADER) return;
      const rights =
        view.getInt32(at + 8, true) === SOL_SOCKET && view.getInt32(at + 12, true) === SCM_RIGHTS;
      for (let i = CMSG_HEADER; rights && i + 4 <= length; i += 4)
        this.received.push(view.getInt32(at + i, true));
      at += Math.ceil(length / 8) * 8;
    }
  }
}

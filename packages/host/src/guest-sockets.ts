// Sockets of the host that stand behind a guest's sockets one to one: messages with flags, addresses and control data, options and ioctls
// as bytes. Nothing blocks. What may pass is the caller's to decide: here nothing is judged. Bytes travel in the page's data area (DATA).
import { EINVAL, SYS_getsockopt, SYS_ioctl, SYS_poll, SYS_setsockopt } from '@sandbox-kernel/abi';
import { DATA, DATA_SIZE, type Door, PAGE_BUFFER, PATH_A, PATH_B, SEGMENTS } from './door.js';

const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;
const ADDRESS = PATH_A + 4096;
const ADDRESS_ROOM = 128;
const CONTROL = PATH_B;
const CONTROL_ROOM = 8192;
const MOST_OPTION = 4096;
const POLLFD_SIZE = 8;

export class HostGuestSockets {
  readonly #door: Door;
  readonly #segment: Float64Array;
  /** The page: a message's bytes lie at DATA. */
  readonly bytes: Uint8Array;
  /** Of the last `receive`. */
  readonly address: Uint8Array;
  addressLength: number;
  readonly control: Uint8Array;
  controlLength: number;
  outFlags: number;

  constructor(door: Door) {
    this.#door = door;
    this.#segment = new Float64Array(door.native.page, SEGMENTS, 3);
    this.bytes = door.bytes;
    this.address = door.bytes.subarray(ADDRESS, ADDRESS + ADDRESS_ROOM);
    this.addressLength = 0;
    this.control = door.bytes.subarray(CONTROL, CONTROL + CONTROL_ROOM);
    this.controlLength = 0;
    this.outFlags = 0;
  }

  /** Sends the `length` bytes at DATA. Bytes sent, or -errno. */
  send(
    fd: number,
    length: number,
    flags: number,
    address: Uint8Array | null,
    control: Uint8Array | null,
  ): number {
    const named = address?.length ?? 0;
    const size = control?.length ?? 0;
    if (named > ADDRESS_ROOM || size > CONTROL_ROOM || length > DATA_SIZE) return -EINVAL;
    if (address !== null) this.address.set(address);
    if (control !== null) this.control.set(control);
    this.#arguments(fd, length, flags | MSG_DONTWAIT | MSG_NOSIGNAL, named, size);
    return this.#door.native.sendSegments();
  }

  /** Receives up to `length` bytes to DATA. Bytes, or the datagram's size with MSG_TRUNC; -errno. */
  receive(fd: number, length: number, flags: number): number {
    const size = Math.min(length, DATA_SIZE);
    this.#arguments(fd, size, flags | MSG_DONTWAIT | MSG_CMSG_CLOEXEC, ADDRESS_ROOM, CONTROL_ROOM);
    const result = this.#door.native.receiveSegments();
    if (result < 0) return result;
    const { results } = this.#door;
    this.addressLength = Math.min(results[0] as number, ADDRESS_ROOM);
    this.controlLength = Math.min(results[1] as number, CONTROL_ROOM);
    this.outFlags = results[2] as number;
    return result;
  }

  /** The option's bytes, or -errno. */
  getOption(fd: number, level: number, option: number, room: number): Uint8Array | number {
    const size = Math.min(room, MOST_OPTION);
    this.#door.view.setUint32(DATA, size, true);
    this.bytes.fill(0, DATA + 8, DATA + 8 + size);
    const result = this.#door.call(SYS_getsockopt, 24, fd, level, option, DATA + 8, DATA, 0);
    if (result < 0) return result;
    return this.bytes.slice(DATA + 8, DATA + 8 + Math.min(this.#door.view.getUint32(DATA, true), size));
  }

  setOption(fd: number, level: number, option: number, value: Uint8Array): number {
    if (value.length > MOST_OPTION) return -EINVAL;
    this.bytes.set(value, DATA);
    return this.#door.call(SYS_setsockopt, 8, fd, level, option, DATA, value.length, 0);
  }

  /** An ioctl over a structure without pointers, which is changed in place. */
  ioctl(fd: number, request: number, structure: Uint8Array): number {
    this.bytes.set(structure, DATA);
    const result = this.#door.call(SYS_ioctl, 4, fd, request, DATA, 0, 0, 0);
    structure.set(this.bytes.subarray(DATA, DATA + structure.length));
    return result;
  }

  /** SIOCGIFCONF: what lies in a buffer of `room` bytes, or -errno. */
  interfaces(fd: number, request: number, room: number): Uint8Array | number {
    const size = Math.min(room, MOST_OPTION);
    this.#door.view.setInt32(DATA, size, true);
    this.#door.putPointer(DATA + 8, DATA + 16);
    const result = this.#door.call(SYS_ioctl, 4, fd, request, DATA, 0, 0, 0);
    if (result < 0) return result;
    return this.bytes.slice(DATA + 16, DATA + 16 + Math.min(this.#door.view.getInt32(DATA, true), size));
  }

  /** POLL* that hold now, of `wanted` and the ones that always count. */
  poll(fd: number, wanted: number): number {
    const { view } = this.#door;
    view.setInt32(DATA, fd, true);
    view.setInt16(DATA + 4, wanted, true);
    view.setInt16(DATA + 6, 0, true);
    const result = this.#door.call(SYS_poll, 1, DATA, 1, 0, 0, 0, 0);
    return result <= 0 ? 0 : view.getUint16(DATA + POLLFD_SIZE - 2, true);
  }

  #arguments(fd: number, length: number, flags: number, named: number, control: number): void {
    this.#segment[0] = PAGE_BUFFER;
    this.#segment[1] = DATA;
    this.#segment[2] = length;
    const { args } = this.#door;
    args[0] = fd;
    args[1] = 1;
    args[2] = flags;
    args[3] = ADDRESS;
    args[4] = named;
    args[5] = CONTROL;
    args[6] = control;
  }
}

// The few host calls that an ordinary Node program (the host API, the command) makes: with arguments and exceptions, since nothing
// here is hot.
import { EAGAIN, ENAMETOOLONG, errnoName, SO_RCVTIMEO, SOL_SOCKET } from '@sandbox-kernel/abi';
import { HostDescriptors } from './descriptors.js';
import { openDoor } from './door.js';
import { HostGuestSockets } from './guest-sockets.js';
import { HostSockets } from './sockets.js';

const AF_UNIX = 1;
const UNIX_PATH = 107;
const SOCK_STREAM_CLOEXEC = 0o2000001;
const O_CLOEXEC = 0o2000000;

/** A host call failed. */
export class HostCallError extends Error {
  readonly code: string;
  readonly errno: number;
  readonly call: string;

  constructor(call: string, errno: number) {
    super(`${call}: ${errnoName(errno)}`);
    this.name = 'HostCallError';
    this.code = errnoName(errno);
    this.errno = errno;
    this.call = call;
  }
}

/** Both ends of a stream socket pair, close-on-exec, blocking. */
export function makeSocketPair(): [number, number] {
  const ends = new Int32Array(2);
  const error = new HostSockets(openDoor()).pair(AF_UNIX, SOCK_STREAM_CLOEXEC, 0, ends);
  if (error < 0) throw new HostCallError('socketpair', -error);
  return [ends[0] ?? -1, ends[1] ?? -1];
}

/** A stream connected to the unix socket at `path`, close-on-exec, blocking; reads wait no longer than `patience` seconds. */
export function connectUnix(path: string, patience: number): number {
  const door = openDoor();
  const sockets = new HostSockets(door);
  const name = new TextEncoder().encode(path);
  if (name.length > UNIX_PATH) throw new HostCallError('connect', ENAMETOOLONG);
  const fd = sockets.socket(AF_UNIX, SOCK_STREAM_CLOEXEC, 0);
  if (fd < 0) throw new HostCallError('socket', -fd);
  const limit = new Uint8Array(16);
  new DataView(limit.buffer).setUint32(0, patience, true);
  new HostGuestSockets(door).setOption(fd, SOL_SOCKET, SO_RCVTIMEO, limit);
  const address = new Uint8Array(2 + name.length + 1);
  address[0] = AF_UNIX;
  address.set(name, 2);
  const error = sockets.connect(fd, address);
  if (error >= 0) return fd;
  new HostDescriptors(door).close(fd);
  throw new HostCallError('connect', -error);
}

/** Read end and write end of a pipe, close-on-exec, blocking. */
export function makePipe(): [number, number] {
  const ends = new Int32Array(2);
  const error = new HostDescriptors(openDoor()).pipe(O_CLOEXEC, ends);
  if (error < 0) throw new HostCallError('pipe2', -error);
  return [ends[0] ?? -1, ends[1] ?? -1];
}

/** Sends bytes and descriptors over a unix socket without blocking. Bytes sent; 0: try again later. */
export function sendDescriptors(fd: number, bytes: Uint8Array, fds: readonly number[]): number {
  const result = new HostSockets(openDoor()).send(fd, bytes, 0, bytes.length, fds);
  if (result === -EAGAIN) return 0;
  if (result < 0) throw new HostCallError('sendmsg', -result);
  return result;
}

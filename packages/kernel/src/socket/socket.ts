// The socket layer (socket(2)): what every family has in common. A family subclasses Socket; descriptors hold it as `file.data`, and
// SocketOps lets read(2), write(2), poll(2) and ioctl(2) reach it. Nothing blocks: -EAGAIN means wait for poll events.
import {
  type BpfProgram,
  EDESTADDRREQ,
  EINPROGRESS,
  EINVAL,
  ENODEV,
  ENOENT,
  EOPNOTSUPP,
  MSG_DONTWAIT,
  O_NONBLOCK,
  O_RDWR,
  POLLOUT,
  SO_PASSCRED,
  SO_PASSPIDFD,
  SO_REUSEPORT,
} from '@sandbox-kernel/abi';
import type { Caller, IoSegments, Mappable } from '@sandbox-kernel/contracts';
import {
  createAnonymousFile,
  type FileDescription,
  FileOps,
  type WaitNode,
  WaitQueue,
} from '@sandbox-kernel/vfs';
import type { Task } from '../task.js';
import type { ThreadGroup } from '../thread-group.js';

/** net.core.wmem_default and rmem_default, and their upper limits. */
export const DEFAULT_BUFFER = 212992;
export const MOST_BUFFER = 212992;
const DEFAULT_LIMITS: readonly [number, number] = [MOST_BUFFER, MOST_BUFFER];
const S_IFSOCK = 0o140000;

/** Who sent: SCM_CREDENTIALS, SO_PEERCRED. */
export class PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;

  constructor(pid: number, uid: number, gid: number) {
    this.pid = pid;
    this.uid = uid;
    this.gid = gid;
  }
}

/** Who connected, listens or made the pair, as it was then (SO_PEERCRED and its like). */
export class SocketPeer extends PeerCredentials {
  readonly groups: readonly number[];
  readonly process: ThreadGroup;

  constructor(task: Task) {
    super(task.group.pid, task.credentials.euid, task.credentials.egid);
    this.groups = task.credentials.groups;
    this.process = task.group;
  }
}

/** One control message (cmsg(3)) without its header. */
export interface ControlMessage {
  readonly level: number;
  readonly type: number;
  readonly data: Uint8Array;
}

/** One sendmsg or recvmsg. Owned by the caller; receiving fills the second half. */
export class SocketMessage {
  io: IoSegments | null;
  flags: number;
  /** sockaddr bytes: destination when sending (null: none), source when receiving. */
  address: Uint8Array | null;
  /** SCM_RIGHTS: one reference each. */
  files: FileDescription[];
  credentials: PeerCredentials | null;
  /** Control messages that belong to the family (IP_PKTINFO and its like); null when there are none. */
  control: ControlMessage[] | null;
  /** Offset in `io` where the next bytes go or come from. */
  done: number;
  /** MSG_TRUNC, MSG_EOR … of what was received, and the datagram's real length. */
  outFlags: number;
  fullLength: number;

  constructor() {
    this.io = null;
    this.flags = 0;
    this.address = null;
    this.files = [];
    this.credentials = null;
    this.control = null;
    this.done = 0;
    this.outFlags = 0;
    this.fullLength = 0;
  }

  /** Attaches what recvmsg(2) shall tell beside the bytes. */
  addControl(level: number, type: number, data: Uint8Array): void {
    if (this.control === null) this.control = [{ level, type, data }];
    else this.control.push({ level, type, data });
  }
}

export abstract class Socket {
  readonly domain: number;
  readonly type: number;
  readonly protocol: number;
  /** Everybody who waits for readiness. */
  readonly queue: WaitQueue;
  /** Null where nobody is known: other families than unix sockets never know. */
  peerCredentials: SocketPeer | null;
  /** The open file around it; null for a connection that nobody has accepted yet. */
  file: FileDescription | null;
  sendBuffer: number;
  receiveBuffer: number;
  /** A program has chosen the size: no autotuning. */
  sendBufferSet: boolean;
  receiveBufferSet: boolean;
  /** SO_PEEK_OFF; -1: off. */
  peekOffset: number;
  /** SO_RCVTIMEO, SO_SNDTIMEO, ns; Infinity: none. */
  receiveTimeout: number;
  sendTimeout: number;
  /** Flags of SOL_SOCKET that are only kept (SO_REUSEADDR, SO_KEEPALIVE …), by option number. */
  readonly kept: Map<number, number>;
  /** SO_ERROR: reported once. */
  error: number;
  shutRead: boolean;
  /** SO_ATTACH_FILTER, and SO_LOCK_FILTER. */
  filter: BpfProgram | null;
  filterLocked: boolean;
  shutWrite: boolean;

  constructor(domain: number, type: number, protocol: number) {
    this.domain = domain;
    this.type = type;
    this.protocol = protocol;
    this.queue = new WaitQueue();
    this.peerCredentials = null;
    this.file = null;
    this.sendBuffer = DEFAULT_BUFFER;
    this.receiveBuffer = DEFAULT_BUFFER;
    this.sendBufferSet = false;
    this.receiveBufferSet = false;
    this.peekOffset = -1;
    this.receiveTimeout = Infinity;
    this.sendTimeout = Infinity;
    this.kept = new Map();
    this.error = 0;
    this.shutRead = false;
    this.filter = null;
    this.filterLocked = false;
    this.shutWrite = false;
  }

  get passesCredentials(): boolean {
    return (this.kept.get(SO_PASSCRED) ?? 0) !== 0 || (this.kept.get(SO_PASSPIDFD) ?? 0) !== 0;
  }

  /** Takes the pending error: 0 or a positive errno. */
  takeError(): number {
    const error = this.error;
    this.error = 0;
    return error;
  }

  bind(_task: Task, _address: Uint8Array): number {
    return -EOPNOTSUPP;
  }

  listen(_task: Task, _backlog: number): number {
    return -EOPNOTSUPP;
  }

  /** A connected socket, or -errno; -EAGAIN: none waits. */
  accept(_task: Task): Socket | number {
    return -EOPNOTSUPP;
  }

  /** 0, -errno, -EINPROGRESS (wait for POLLOUT, then SO_ERROR), -EAGAIN (a full backlog: wait for POLLOUT and try again). */
  connect(_task: Task, _address: Uint8Array): number {
    return -EOPNOTSUPP;
  }

  /** A connection under way: -EINPROGRESS still, 0 when it stands, or why it does not. */
  finishConnect(): number {
    return (this.events() & POLLOUT) !== 0 ? -this.takeError() : -EINPROGRESS;
  }

  /** What SO_SNDBUF and SO_RCVBUF tell. */
  get bufferSizes(): readonly [number, number] {
    return [this.sendBuffer, this.receiveBuffer];
  }

  /** The most that SO_SNDBUF and SO_RCVBUF may ask for, before Linux doubles it. */
  get bufferLimits(): readonly [number, number] {
    return DEFAULT_LIMITS;
  }

  /** sockaddr bytes of this end, or -errno. */
  name(): Uint8Array | number {
    return -EOPNOTSUPP;
  }

  peerName(): Uint8Array | number {
    return -EOPNOTSUPP;
  }

  /** Bytes sent (message.done moves along), or -errno. -EPIPE: the wrapper signals. Takes over `message.files` on success. */
  abstract send(task: Task, message: SocketMessage): number;

  /** Bytes received, 0 at the end, or -errno. */
  abstract receive(task: Task, message: SocketMessage): number;

  /** From now on only packets that the program keeps are received; null: all. -EOPNOTSUPP where nothing can be filtered. */
  useFilter(_program: BpfProgram | null): number {
    return -EOPNOTSUPP;
  }

  /** The program that chooses among the sockets that share a port (SO_REUSEPORT); null: none any more. */
  useReuseProgram(program: BpfProgram | null): number {
    return program === null && (this.kept.get(SO_REUSEPORT) ?? 0) !== 0 ? -ENOENT : -EINVAL;
  }

  /** The program by which sockets share their traffic (PACKET_FANOUT_DATA). */
  useFanoutProgram(_program: BpfProgram): number {
    return -EINVAL;
  }

  shutdown(_how: number): number {
    return -EOPNOTSUPP;
  }

  /** mmap(2): 0 when `mapping` may be mapped so, or -errno. */
  mapError(_length: number, _offset: number): number {
    return -ENODEV;
  }

  /** What mmap(2) shows: a ring of packets. */
  get mapping(): Mappable | null {
    return null;
  }

  /** The option's bytes, or -ENOPROTOOPT and others. `level` other than SOL_SOCKET, or one that sockoptions.ts does not know. */
  getOption(_task: Task, _level: number, _option: number, _length: number): Uint8Array | number {
    return -92;
  }

  /**
   * getsockopt(2) of options whose buffer holds a question (netfilter's tables): `question` is its beginning, `room` its size. The
   * answer's bytes, a number to return, or -errno; -ENOPROTOOPT: an option like others, for `getOption`.
   */
  askOption(
    _task: Task,
    _level: number,
    _option: number,
    _question: Uint8Array,
    _room: number,
  ): Uint8Array | number {
    return -92;
  }

  setOption(_task: Task, _level: number, _option: number, _value: Uint8Array): number {
    return -92;
  }

  ioctl(_task: Caller, _request: number, _argument: number): number {
    return -25;
  }

  abstract events(): number;

  /** The last descriptor is gone. */
  abstract close(): void;

  wake(events: number): void {
    if (!this.queue.empty) this.queue.wake(events);
  }
}

class SocketOps extends FileOps {
  override signalsReadiness(): boolean {
    return true;
  }

  override read(file: FileDescription, io: IoSegments): number {
    // As System V: not even what is at the head of the queue is looked at.
    if (io.total === 0) return 0;
    const socket = file.data as Socket;
    const message = new SocketMessage();
    message.io = io;
    message.flags = MSG_DONTWAIT;
    const task = currentOf(socket);
    const result = socket.receive(task, message);
    for (const passed of message.files) passed.release();
    return result;
  }

  override write(file: FileDescription, io: IoSegments): number {
    const socket = file.data as Socket;
    const message = new SocketMessage();
    message.io = io;
    message.flags = MSG_DONTWAIT;
    const result = socket.send(currentOf(socket), message);
    return result === -EDESTADDRREQ && socket.type !== 2 ? -EINVAL : result;
  }

  override poll(file: FileDescription): number {
    return (file.data as Socket).events();
  }

  override mappable(file: FileDescription): Mappable | null {
    return (file.data as Socket).mapping;
  }

  override addWaiter(file: FileDescription, entry: WaitNode): void {
    (file.data as Socket).queue.add(entry);
  }

  override ioctl(file: FileDescription, caller: Caller, request: number, argument: number): number {
    return (file.data as Socket).ioctl(caller, request, argument);
  }

  override size(): number {
    return -29;
  }

  override label(file: FileDescription): string {
    return `socket:[${file.inode?.number ?? 0}]`;
  }

  override release(file: FileDescription): void {
    const socket = file.data as Socket;
    socket.file = null;
    socket.close();
  }
}

/** Whoever the kernel works for: read(2) and write(2) have no caller argument. */
function currentOf(socket: Socket): Task {
  const kernel = (socket as unknown as { readonly kernel: { readonly current: Task } }).kernel;
  return kernel.current;
}

export const SOCKET_OPS: FileOps = new SocketOps();

/** An open file around a socket. `flags`: O_NONBLOCK or 0. */
export function openSocket(task: Task, socket: Socket, flags: number): FileDescription {
  const file = createAnonymousFile(task, SOCKET_OPS, O_RDWR | (flags & O_NONBLOCK), socket, S_IFSOCK | 0o777);
  socket.file = file;
  return file;
}

/** The socket of an open file, or null. */
export function socketOf(file: FileDescription): Socket | null {
  return file.ops === SOCKET_OPS ? (file.data as Socket) : null;
}

/** ioctl(2) requests of netdevice(7), which every socket takes. */
export interface InterfaceRequests {
  /** 0, or -errno; -ENOTTY for other requests. */
  ioctl(caller: Caller, request: number, argument: number): number;
}

/** Makes sockets of one address family. */
export interface SocketFamily {
  /** The socket, or -errno (-EPROTONOSUPPORT, -ESOCKTNOSUPPORT, -EPERM). */
  create(task: Task, type: number, protocol: number): Socket | number;
  /** Two connected ones, or -EOPNOTSUPP. */
  createPair(task: Task, type: number, protocol: number): readonly [Socket, Socket] | number;
}

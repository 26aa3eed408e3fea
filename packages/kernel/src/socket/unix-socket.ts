// AF_UNIX sockets (unix(7)): stream, datagram, sequential packets. What is sent stands in the receiver's queue as parcels, charged to the
// sender's buffer until it is read; descriptors and credentials travel with them.
import {
  AF_UNIX,
  type BpfProgram,
  EAGAIN,
  ECONNREFUSED,
  ECONNRESET,
  EDESTADDRREQ,
  EINVAL,
  EISCONN,
  EMSGSIZE,
  ENOPROTOOPT,
  ENOTCONN,
  EOPNOTSUPP,
  EPERM,
  EPIPE,
  FIONREAD,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  O_NONBLOCK,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  POLLRDHUP,
  POLLRDNORM,
  POLLWRNORM,
  runSocketFilter,
  SO_ACCEPTCONN,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
} from '@sandbox-kernel/abi';
import type { Caller } from '@sandbox-kernel/contracts';
import { type FileDescription, gather, type Inode, scatter } from '@sandbox-kernel/vfs';
import type { Kernel } from '../kernel.js';
import { Task } from '../task.js';
import { PeerCredentials, Socket, type SocketFamily, type SocketMessage, SocketPeer } from './socket.js';
import { mostInParcel, packetCharge, streamCharge } from './unix-charge.js';
import { collectUnixGarbage, noteInFlight, noteLanded } from './unix-garbage.js';
import {
  bindUnixName,
  encodeUnixAddress,
  findUnixSocket,
  parseUnixAddress,
  type UnixAddress,
} from './unix-names.js';

const TIOCOUTQ = 0x5411;
/** net.unix.max_dgram_qlen: for those that send to a socket which is not connected back to them. */
const MOST_DATAGRAMS = 512;
const DEFAULT_BACKLOG_LIMIT = 4096;

/** Bytes on their way, with what came along. */
export class Parcel {
  readonly bytes: Uint8Array;
  /** Bytes already read (streams). */
  at: number;
  files: FileDescription[];
  readonly credentials: PeerCredentials | null;
  readonly from: UnixSocket;
  /** What it counts for in the sender's buffer. */
  readonly charge: number;
  /** The sender's address when it was sent. */
  readonly address: UnixAddress | null;

  constructor(
    bytes: Uint8Array,
    files: FileDescription[],
    credentials: PeerCredentials | null,
    from: UnixSocket,
    charge: number,
  ) {
    this.bytes = bytes;
    this.at = 0;
    this.files = files;
    this.credentials = credentials;
    this.from = from;
    this.charge = charge;
    this.address = from.address;
  }
}

export class UnixSocket extends Socket {
  readonly kernel: Kernel;
  address: UnixAddress | null;
  inode: Inode | null;
  peer: UnixSocket | null;
  /** Was connected once: reading after the peer is gone gives an end, not ENOTCONN. */
  connected: boolean;
  listening: boolean;
  backlog: number;
  readonly pendingConnections: UnixSocket[];
  readonly incoming: Parcel[];
  /** Sockets that found no room here: to send another datagram, or to wait for a connection to be accepted. */
  private refused: UnixSocket[];
  /** What was sent and nobody has read, with all that it takes in memory (SIOCOUTQ). */
  outstanding: number;
  closed: boolean;

  constructor(kernel: Kernel, type: number) {
    super(AF_UNIX, type, 0);
    this.kernel = kernel;
    this.address = null;
    this.inode = null;
    this.peer = null;
    this.connected = false;
    this.listening = false;
    this.backlog = 0;
    this.pendingConnections = [];
    this.incoming = [];
    this.refused = [];
    this.outstanding = 0;
    this.closed = false;
    kernel.unixSockets.add(this);
  }

  private get isDatagram(): boolean {
    return this.type === SOCK_DGRAM;
  }

  // ── names and connections ──

  override bind(task: Task, address: Uint8Array): number {
    const parsed = parseUnixAddress(address);
    if (typeof parsed === 'number') return parsed;
    if (this.address !== null) return parsed.kind === 'unnamed' ? 0 : -EINVAL;
    return bindUnixName(task, this, parsed);
  }

  override listen(task: Task, backlog: number): number {
    if (this.isDatagram) return -EOPNOTSUPP;
    if (this.address === null || (this.connected && !this.listening)) return -EINVAL;
    this.listening = true;
    this.backlog = Math.min(
      backlog < 0 || backlog > DEFAULT_BACKLOG_LIMIT ? DEFAULT_BACKLOG_LIMIT : backlog,
      DEFAULT_BACKLOG_LIMIT,
    );
    this.peerCredentials = new SocketPeer(task);
    this.tellRefused();
    return 0;
  }

  override accept(): Socket | number {
    if (this.isDatagram) return -EOPNOTSUPP;
    if (!this.listening) return -EINVAL;
    const next = this.pendingConnections.shift();
    if (next === undefined) return this.shutRead && this.waits() ? -EINVAL : -EAGAIN;
    // Those whose connect found the backlog full try again.
    this.tellRefused();
    return next;
  }

  override connect(task: Task, address: Uint8Array): number {
    if (this.isDatagram && address.length >= 2 && address[0] === 0 && address[1] === 0) {
      this.peer = null;
      this.connected = false;
      return 0;
    }
    const parsed = parseUnixAddress(address);
    if (typeof parsed === 'number' || parsed.kind === 'unnamed') return -EINVAL;
    if (!this.isDatagram && this.listening) return -EINVAL;
    if (!this.isDatagram && this.connected) return -EISCONN;
    const target = findUnixSocket(task, this, parsed);
    if (typeof target === 'number') return target;
    return this.isDatagram ? this.connectDatagram(target) : this.connectStream(task, target);
  }

  private connectDatagram(target: UnixSocket): number {
    if (target.peer !== null && target.peer !== this) return -EPERM;
    this.peer = target;
    this.connected = true;
    return 0;
  }

  private connectStream(task: Task, listener: UnixSocket): number {
    if (!listener.listening || listener.shutRead || listener.closed) return -ECONNREFUSED;
    if (listener.pendingConnections.length > listener.backlog) {
      if (this.waits()) listener.refused.push(this);
      return -EAGAIN;
    }
    const server = new UnixSocket(this.kernel, this.type);
    server.address = listener.address;
    server.peerCredentials = new SocketPeer(task);
    for (const [option, value] of listener.kept) server.kept.set(option, value);
    this.peerCredentials = listener.peerCredentials;
    join(this, server);
    listener.pendingConnections.push(server);
    listener.wake(POLLIN | POLLRDNORM);
    return 0;
  }

  override name(): Uint8Array {
    return encodeUnixAddress(this.address);
  }

  override peerName(): Uint8Array | number {
    return this.peer === null ? -ENOTCONN : encodeUnixAddress(this.peer.address);
  }

  // ── sending ──

  override send(task: Task, message: SocketMessage): number {
    if ((message.flags & MSG_OOB) !== 0) return -EOPNOTSUPP;
    return this.type === SOCK_STREAM ? this.sendStream(task, message) : this.sendPacket(task, message);
  }

  private sendStream(task: Task, message: SocketMessage): number {
    if (message.address !== null) return this.connected ? -EISCONN : -EOPNOTSUPP;
    const peer = this.peer;
    if (!this.connected) return -ENOTCONN;
    const ended = this.endedForSending();
    if (ended !== 0) return ended;
    if (peer === null || peer.shutRead || peer.closed) return -EPIPE;
    const total = message.io?.total ?? 0;
    let sent = 0;
    while (message.done < total) {
      // The last one may exceed the limit, as in Linux.
      if (this.outstanding >= this.sendBuffer) break;
      const size = Math.min(total - message.done, mostInParcel(this.sendBuffer));
      this.deliver(task, peer, message, size, streamCharge(size));
      message.done += size;
      sent += size;
    }
    if (sent === 0 && total > 0) return -EAGAIN;
    return sent;
  }

  /** Streams take a filter and don't ask it. */
  override useFilter(program: BpfProgram | null): number {
    this.filter = program;
    return 0;
  }

  /** Less than a quarter of the buffer is in use (Linux counts one byte for the socket itself). */
  private isWritable(): boolean {
    return (this.outstanding + 1) * 4 <= this.sendBuffer;
  }

  private endedForSending(): number {
    return this.shutWrite ? -EPIPE : -this.takeError();
  }

  private deliver(task: Task, to: UnixSocket, message: SocketMessage, size: number, charge: number): void {
    let bytes = new Uint8Array(size);
    if (message.io !== null) gather(message.io, message.done, bytes, 0, size);
    if (to.filter !== null && this.type !== SOCK_STREAM) {
      const keep = runSocketFilter(to.filter, bytes);
      if (keep === 0) return;
      bytes = bytes.subarray(0, keep);
    }
    const files = message.files;
    message.files = [];
    noteInFlight(this.kernel, files);
    to.incoming.push(new Parcel(bytes, files, message.credentials ?? credentialsOf(task), this, charge));
    this.outstanding += charge;
    to.wake(POLLIN | POLLRDNORM);
  }

  private sendPacket(task: Task, message: SocketMessage): number {
    if (this.type === SOCK_SEQPACKET) {
      const error = this.takeError();
      if (error !== 0) return -error;
      if (!this.connected) return -ENOTCONN;
    }
    const size = message.io?.total ?? 0;
    if (size > this.sendBuffer - 32) return -EMSGSIZE;
    const ended = this.endedForSending();
    if (ended !== 0) return ended;
    if (this.outstanding >= this.sendBuffer) return -EAGAIN;
    const sent = this.sendPacketTo(task, this.packetTarget(task, message), message, size);
    // What was taken of the buffer is given back: those that wait for room look again.
    if (sent < 0 && this.isWritable()) this.wake(POLLOUT | POLLWRNORM);
    return sent;
  }

  private sendPacketTo(
    task: Task,
    target: UnixSocket | number,
    message: SocketMessage,
    size: number,
  ): number {
    if (typeof target === 'number') return target;
    if (target.closed) return this.type === SOCK_SEQPACKET ? -EPIPE : this.disconnect();
    if (target.shutRead) return -EPIPE;
    if (!this.hasRoomAt(target)) return -EAGAIN;
    this.deliver(task, target, message, size, packetCharge(size));
    message.done += size;
    return size;
  }

  /** The peer of a datagram socket is gone: what it sent is lost with it. */
  private disconnect(): number {
    this.peer = null;
    this.connected = false;
    this.dropIncoming();
    return -ECONNREFUSED;
  }

  private packetTarget(task: Task, message: SocketMessage): UnixSocket | number {
    if (this.type === SOCK_SEQPACKET) return this.peer ?? -EPIPE;
    if (message.address === null) return this.peer ?? -ENOTCONN;
    const parsed = parseUnixAddress(message.address);
    if (typeof parsed === 'number' || parsed.kind === 'unnamed')
      return typeof parsed === 'number' ? parsed : -EDESTADDRREQ;
    const target = findUnixSocket(task, this, parsed);
    if (typeof target === 'number') return target;
    return target.peer !== null && target.peer !== this ? -EPERM : target;
  }

  // ── receiving ──

  override receive(_task: Task, message: SocketMessage): number {
    if ((message.flags & MSG_OOB) !== 0) return -EOPNOTSUPP;
    if (this.type !== SOCK_DGRAM && !this.connected) return this.type === SOCK_STREAM ? -EINVAL : -ENOTCONN;
    // An error comes before packets, but after the bytes of a stream.
    if (this.type !== SOCK_STREAM && this.error !== 0) return -this.takeError();
    if (this.incoming.length === 0) return this.emptyResult();
    return this.type === SOCK_STREAM ? this.receiveStream(message) : this.receivePacket(message);
  }

  private emptyResult(): number {
    const error = this.takeError();
    if (error !== 0) return -error;
    // Of datagrams only a call that would wait hears that there won't be any.
    const waits = !this.isDatagram || this.waits();
    if (
      (this.shutRead && waits) ||
      (!this.isDatagram && (this.peer === null || this.peer.shutWrite || this.peer.closed))
    )
      return 0;
    return -EAGAIN;
  }

  /** A call would wait: only then it hears that what it waits for can't come. */
  private waits(): boolean {
    return ((this.file?.flags ?? 0) & O_NONBLOCK) === 0;
  }

  private receiveStream(message: SocketMessage): number {
    const peek = (message.flags & MSG_PEEK) !== 0;
    const total = message.io?.total ?? 0;
    const start = message.done;
    let index = 0;
    while (message.done < total || index === 0) {
      const parcel = this.incoming[peek ? index : 0];
      if (parcel === undefined || (index > 0 && !this.continues(message, parcel))) break;
      index++;
      const count = Math.min(parcel.bytes.length - parcel.at, total - message.done);
      if (message.io !== null) scatter(message.io, message.done, parcel.bytes, parcel.at, count);
      message.done += count;
      message.credentials ??= parcel.credentials;
      const carried = parcel.files.length > 0;
      this.takeFiles(parcel, message, peek);
      if (!peek) this.consume(parcel, count);
      if (carried || total === 0) break;
    }
    return message.done - start;
  }

  /** Bytes of another sender are for a read of their own. (Those with descriptors end a read, but don't begin one.) */
  private continues(message: SocketMessage, parcel: Parcel): boolean {
    if (!this.passesCredentials || message.credentials === null || parcel.credentials === null) return true;
    const one = message.credentials;
    const other = parcel.credentials;
    return one.pid === other.pid && one.uid === other.uid && one.gid === other.gid;
  }

  private consume(parcel: Parcel, count: number): void {
    parcel.at += count;
    if (parcel.at < parcel.bytes.length) return;
    this.incoming.shift();
    parcel.from.read(parcel.charge);
  }

  private receivePacket(message: SocketMessage): number {
    const parcel = this.incoming[0]!;
    const total = message.io?.total ?? 0;
    const count = Math.min(parcel.bytes.length, total);
    if (message.io !== null) scatter(message.io, 0, parcel.bytes, 0, count);
    message.done = count;
    message.fullLength = parcel.bytes.length;
    if (parcel.bytes.length > total) message.outFlags |= MSG_TRUNC;
    message.address = parcel.address === null ? null : encodeUnixAddress(parcel.address);
    message.credentials = parcel.credentials;
    const peek = (message.flags & MSG_PEEK) !== 0;
    this.takeFiles(parcel, message, peek);
    if (!peek) {
      this.incoming.shift();
      parcel.from.read(parcel.charge);
      this.tellRefused();
    }
    return (message.flags & MSG_TRUNC) !== 0 ? parcel.bytes.length : count;
  }

  private takeFiles(parcel: Parcel, message: SocketMessage, peek: boolean): void {
    if (parcel.files.length === 0) return;
    if (peek) {
      for (const file of parcel.files) message.files.push(file.retain());
      return;
    }
    noteLanded(this.kernel, parcel.files);
    message.files.push(...parcel.files);
    parcel.files = [];
  }

  /** Something that this socket sent was read or thrown away: there is room again. */
  private read(charge: number): void {
    this.outstanding -= charge;
    if (!this.closed && this.isWritable()) this.wake(POLLOUT | POLLWRNORM);
  }

  /** There is room, or never will be: those that found none look again. */
  private tellRefused(): void {
    if (this.refused.length === 0) return;
    const refused = this.refused;
    this.refused = [];
    for (const sender of refused) if (!sender.closed) sender.wake(POLLOUT | POLLWRNORM);
  }

  // ── ends ──

  override shutdown(how: number): number {
    if (how !== 1) this.shutRead = true;
    if (how !== 0) this.shutWrite = true;
    this.wake(-1);
    this.tellRefused();
    const peer = this.peer;
    if (peer !== null && !this.isDatagram) {
      if (how !== 1) peer.shutWrite = true;
      if (how !== 0) peer.shutRead = true;
      peer.wake(-1);
    }
    return 0;
  }

  override close(): void {
    if (this.closed) return;
    this.closed = true;
    this.kernel.unixSockets.delete(this);
    this.forgetName();
    const unread = this.incoming.some((parcel) => parcel.at < parcel.bytes.length);
    this.dropIncoming();
    for (const pending of this.pendingConnections.splice(0)) {
      // A connection that nobody accepted is reset, not closed.
      if (pending.peer !== null) pending.peer.error = ECONNRESET;
      pending.close();
    }
    const peer = this.peer;
    this.peer = null;
    // The other side keeps its pointer here: the name of a peer that has gone is still told.
    if (peer !== null && !this.isDatagram && peer.peer === this) {
      peer.shutWrite = true;
      if (unread) peer.error = ECONNRESET;
      peer.wake(-1);
    }
    this.wake(-1);
    collectUnixGarbage(this.kernel);
  }

  private forgetName(): void {
    const address = this.address;
    const names = this.kernel.unixNames.abstract;
    if (address !== null && address.kind === 'abstract' && names.get(address.name) === this)
      names.delete(address.name);
    if (this.inode !== null && this.inode.socket === this) this.inode.socket = null;
    this.inode = null;
  }

  /** Throws away what nobody will read, descriptors included. */
  dropIncoming(): void {
    for (const parcel of this.incoming.splice(0)) {
      parcel.from.read(parcel.charge);
      noteLanded(this.kernel, parcel.files);
      for (const file of parcel.files) file.release();
      parcel.files = [];
    }
    this.tellRefused();
  }

  override events(): number {
    let events = 0;
    const gone = !this.isDatagram && this.connected && (this.peer === null || this.peer.closed);
    const noMore = this.shutRead || gone || (this.peer !== null && !this.isDatagram && this.peer.shutWrite);
    const waiting = this.listening ? this.pendingConnections.length > 0 : this.incoming.length > 0;
    if (waiting || noMore) events |= POLLIN | POLLRDNORM;
    if (noMore) events |= POLLRDHUP;
    if (gone || (this.shutRead && this.shutWrite)) events |= POLLHUP;
    if (!this.isDatagram && !this.connected && !this.listening) events |= POLLHUP;
    if (this.error !== 0) events |= POLLERR;
    if (this.listening) return events;
    if (this.isWritable() && (this.peer === null || this.hasRoomAt(this.peer)))
      events |= POLLOUT | POLLWRNORM;
    return events;
  }

  /** How many may wait counts only where others than the receiver's own peer send. Who is refused hears when it is worth looking again. */
  private hasRoomAt(target: UnixSocket): boolean {
    if (target === this || target.peer === this || target.incoming.length <= MOST_DATAGRAMS) return true;
    if (!target.refused.includes(this)) target.refused.push(this);
    return false;
  }

  override getOption(_task: Task, level: number, option: number): Uint8Array | number {
    if (level !== SOL_SOCKET) return -EOPNOTSUPP;
    return option === SO_ACCEPTCONN ? words(this.listening ? 1 : 0) : -ENOPROTOOPT;
  }

  override ioctl(caller: Caller, request: number, argument: number): number {
    if (!(caller instanceof Task)) return -25;
    if (request === TIOCOUTQ) return caller.memory.writeU32(argument, this.outstanding);
    if (request !== FIONREAD) return this.kernel.interfaceRequests?.ioctl(caller, request, argument) ?? -25;
    if (this.listening) return -EINVAL;
    let bytes = 0;
    if (this.isDatagram) bytes = this.incoming[0]?.bytes.length ?? 0;
    else for (const parcel of this.incoming) bytes += parcel.bytes.length - parcel.at;
    return caller.memory.writeU32(argument, bytes);
  }
}

function words(...values: number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(values).buffer);
}

export function credentialsOf(task: Task): PeerCredentials {
  return new PeerCredentials(task.group.pid, task.credentials.euid, task.credentials.egid);
}

function join(one: UnixSocket, other: UnixSocket): void {
  one.peer = other;
  other.peer = one;
  one.connected = true;
  other.connected = true;
}

export class UnixFamily implements SocketFamily {
  create(task: Task, type: number, protocol: number): Socket | number {
    if (protocol !== 0 && protocol !== AF_UNIX) return -93;
    // A raw Unix socket has always been a datagram one.
    const kind = type === 3 ? SOCK_DGRAM : type;
    if (kind !== SOCK_STREAM && kind !== SOCK_DGRAM && kind !== SOCK_SEQPACKET) return -94;
    return new UnixSocket(task.kernel, kind);
  }

  createPair(task: Task, type: number, protocol: number): readonly [Socket, Socket] | number {
    const one = this.create(task, type, protocol);
    if (typeof one === 'number') return one;
    const first = one as UnixSocket;
    const second = new UnixSocket(task.kernel, first.type);
    join(first, second);
    first.peerCredentials = new SocketPeer(task);
    second.peerCredentials = first.peerCredentials;
    return [first, second];
  }
}

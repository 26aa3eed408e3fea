// Stream sockets (tcp(7)) over netstack's endpoints. Bytes are copied once: from the program's memory into the ring that segments are made
// from, and from the receiver's ring into the reader's memory.
import {
  AF_UNSPEC,
  type BpfProgram,
  EAGAIN,
  EALREADY,
  ECONNABORTED,
  ECONNRESET,
  EINPROGRESS,
  EINVAL,
  EISCONN,
  ENOTCONN,
  EPIPE,
  FIONREAD,
  IPPROTO_TCP,
  MSG_ERRQUEUE,
  MSG_MORE,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  POLLRDNORM,
  POLLWRNORM,
  SIOCATMARK,
  SO_ACCEPTCONN,
  SO_KEEPALIVE,
  SO_LINGER,
  SO_OOBINLINE,
  SO_RCVLOWAT,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_STREAM,
  SOL_SOCKET,
} from '@sandbox-kernel/abi';
import type { Caller, IoSegments } from '@sandbox-kernel/contracts';
import {
  type LingeringSocket,
  lingerInCall,
  type Socket,
  type SocketMessage,
  signalUrgent,
  type Task,
} from '@sandbox-kernel/kernel';
import {
  type Address,
  type ExtensionHeaders,
  READ_DISCARD,
  READ_PEEK,
  READ_URGENT,
  READY_PRIORITY,
  SHUTDOWN_RECEIVE,
  SHUTDOWN_SEND,
  TCP_CLOSE,
  TCP_LISTEN,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
  TcpEndpoint,
  WRITE_MORE,
  WRITE_URGENT,
} from '@sandbox-kernel/netstack';
import { gather, scatter } from '@sandbox-kernel/vfs';
import { headersToSend } from './extension-options.js';
import { InetSocket } from './inet-socket.js';
import type { Internet } from './internet.js';
import { intBytes } from './option-bytes.js';
import { pollEvents } from './readiness.js';
import { encodeName, familyOf, parseBindName, parseConnectName } from './sockaddr.js';
import { SocketFilter } from './socket-filter.js';
import { getTcpOption, setTcpOption, TcpKept } from './tcp-options.js';

const SIOCOUTQ = 0x5411;
const SIOCOUTQNSD = 0x894b;
const OPENING = (1 << TCP_SYN_SENT) | (1 << TCP_SYN_RECV);
/** Progress of connect(2), as Linux's socket state. */
const UNCONNECTED = 0;
const CONNECTING = 1;
const CONNECTED = 2;

export class TcpSocket extends InetSocket implements LingeringSocket {
  readonly endpoint: TcpEndpoint;
  readonly keptTcp: TcpKept;
  private progress: number;
  /** Of which urgent byte the owner was told. */
  private toldUrgent: number | null;

  constructor(internet: Internet, isV6: boolean, uid: number, endpoint: TcpEndpoint | null = null) {
    super(internet, isV6, SOCK_STREAM, IPPROTO_TCP, uid);
    this.endpoint = endpoint ?? new TcpEndpoint(internet.tcp, isV6);
    this.keptTcp = new TcpKept();
    this.progress = endpoint === null ? UNCONNECTED : CONNECTED;
    this.toldUrgent = null;
    this.sendBuffer = internet.tcp.config.sendMemory[1];
    this.receiveBuffer = internet.tcp.config.receiveMemory[1];
    this.endpoint.setOwner(this, 0);
    if (endpoint === null && this.ip.v6Only) this.applyOptions();
  }

  override endpointReady(token: number, ready: number): void {
    if ((ready & READY_PRIORITY) !== 0) this.tellUrgent();
    super.endpointReady(token, ready);
  }

  /** Once for each urgent byte. */
  private tellUrgent(): void {
    const { tcb } = this.endpoint;
    if (tcb === null || tcb.urgentSeq === this.toldUrgent) return;
    this.toldUrgent = tcb.urgentSeq;
    if (this.file !== null) signalUrgent(this.kernel, this.file);
  }

  // ── names ──

  get localAddress(): Address {
    return this.endpoint.localAddress;
  }

  get localPort(): number {
    return this.endpoint.localPort;
  }

  get remoteAddress(): Address | null {
    return this.endpoint.remoteAddress;
  }

  get remotePort(): number {
    return this.endpoint.remotePort;
  }

  get receiveQueue(): number {
    return this.endpoint.state === TCP_LISTEN ? this.endpoint.backlogLength : this.endpoint.readable;
  }

  get sendQueue(): number {
    return this.endpoint.state === TCP_LISTEN ? this.keptTcp.backlog : this.endpoint.unacknowledged;
  }

  get state(): number {
    return this.endpoint.state;
  }

  override bind(task: Task, bytes: Uint8Array): number {
    const name = parseBindName(bytes, this.isV6);
    if (typeof name === 'number') return name;
    const refused = this.checkBind(task, name);
    if (refused !== 0) return refused;
    return this.endpoint.bind(name.address.isUnspecified ? null : name.address, name.port);
  }

  override name(): Uint8Array {
    return encodeName(this.localAddress, this.localPort, this.isV6, this.boundInterface);
  }

  override peerName(): Uint8Array | number {
    const remote = this.endpoint.remoteAddress;
    const { state } = this.endpoint;
    if (remote === null || state === TCP_CLOSE || state === TCP_SYN_SENT) return -ENOTCONN;
    return encodeName(remote, this.endpoint.remotePort, this.isV6, this.boundInterface);
  }

  // ── connections ──

  override listen(_task: Task, backlog: number): number {
    if (this.progress !== UNCONNECTED) return -EINVAL;
    const limit = Math.min(backlog >>> 0, this.internet.settings.somaxconn);
    this.internet.touch();
    const result = this.endpoint.listen(limit);
    if (result === 0) this.keptTcp.backlog = limit;
    return result;
  }

  override accept(): Socket | number {
    if (this.endpoint.state !== TCP_LISTEN) return -EINVAL;
    this.internet.touch();
    const made = this.endpoint.accept();
    if (made === null) return -EAGAIN;
    const socket = new TcpSocket(this.internet, this.isV6, this.uid, made);
    socket.ip.inherit(this.ip);
    socket.keptTcp.inherit(this.keptTcp);
    for (const [option, value] of this.kept) socket.kept.set(option, value);
    socket.boundInterface = this.boundInterface;
    socket.mark = this.mark;
    socket.filter = this.filter;
    socket.filterLocked = this.filterLocked;
    socket.receiveTimeout = this.receiveTimeout;
    socket.sendTimeout = this.sendTimeout;
    return socket;
  }

  override connect(_task: Task, bytes: Uint8Array): number {
    if (familyOf(bytes) === AF_UNSPEC) return this.disconnect();
    if (bytes.length < 2) return -EINVAL;
    this.internet.touch();
    if (this.progress === CONNECTED) return -EISCONN;
    if (this.progress === CONNECTING) {
      const result = this.finishConnect();
      return result === -EINPROGRESS ? -EALREADY : result;
    }
    if (this.endpoint.state === TCP_LISTEN) return -EISCONN;
    const name = parseConnectName(bytes, this.isV6);
    if (typeof name === 'number') return name;
    if (name.scope !== 0 && name.address.needsScope) this.boundInterface = name.scope;
    if (this.isV6 && name.address.isV4 && this.ip.v6Only) return -101;
    this.applyOptions();
    const result = this.endpoint.connect(name.address, name.port);
    if (result === -EINPROGRESS) this.progress = CONNECTING;
    else if (result === 0) this.progress = CONNECTED;
    return result;
  }

  override finishConnect(): number {
    if (this.progress !== CONNECTING) return this.progress === CONNECTED ? 0 : -ECONNABORTED;
    const { state } = this.endpoint;
    if ((OPENING & (1 << state)) !== 0) return -EINPROGRESS;
    if (state !== TCP_CLOSE) {
      this.progress = CONNECTED;
      return 0;
    }
    const error = this.takeError();
    this.progress = UNCONNECTED;
    this.endpoint.disconnect();
    return error === 0 ? -ECONNABORTED : -error;
  }

  private disconnect(): number {
    this.internet.touch();
    if (this.endpoint.state === TCP_LISTEN) this.endpoint.shutdown(SHUTDOWN_RECEIVE);
    else if (this.endpoint.tcb !== null) this.error = ECONNRESET;
    this.endpoint.disconnect();
    this.progress = UNCONNECTED;
    this.wake(-1);
    return 0;
  }

  override takeError(): number {
    const error = this.endpoint.takeError();
    return error !== 0 ? error : super.takeError();
  }

  // ── sending ──

  override send(_task: Task, message: SocketMessage): number {
    const { endpoint } = this;
    const { state } = endpoint;
    this.internet.touch();
    if ((OPENING & (1 << state)) !== 0) return this.sendWhileOpening();
    if (state === TCP_CLOSE || state === TCP_LISTEN) return this.pendingOr(-EPIPE);
    const io = message.io;
    if (io === null || io.total === message.done) return 0;
    const first = message.done === 0;
    const sent = this.sendBytes(message, io);
    if (first && sent > 0) this.noteZeroCopy(message.flags);
    return sent;
  }

  private sendBytes(message: SocketMessage, io: IoSegments): number {
    const urgent = (message.flags & MSG_OOB) !== 0;
    const more = (message.flags & MSG_MORE) !== 0;
    if (urgent || more)
      return this.sendFlagged(message, io, (urgent ? WRITE_URGENT : 0) | (more ? WRITE_MORE : 0));
    return this.sendPlain(message, io);
  }

  private sendWhileOpening(): number {
    return this.pendingOr(-EAGAIN);
  }

  private pendingOr(otherwise: number): number {
    const error = this.endpoint.takeError();
    return error !== 0 ? -error : otherwise;
  }

  /** Straight into the ring. */
  private sendPlain(message: SocketMessage, io: IoSegments): number {
    const { endpoint } = this;
    const start = message.done;
    const error = endpoint.takeError();
    if (error !== 0) return -error;
    while (message.done < io.total) {
      const room = endpoint.reserve(io.total - message.done);
      if (room <= 0) {
        if (message.done > start) break;
        return room === -ENOTCONN ? -EPIPE : room;
      }
      gather(io, message.done, endpoint.writeView(), endpoint.writeViewOffset, room);
      message.done += room;
      endpoint.commit(room);
    }
    return message.done - start;
  }

  private sendFlagged(message: SocketMessage, io: IoSegments, flags: number): number {
    const size = io.total - message.done;
    const bytes = new Uint8Array(Math.min(size, 1 << 20));
    gather(io, message.done, bytes, 0, bytes.length);
    const count = this.endpoint.write(bytes, 0, bytes.length, flags);
    if (count > 0) message.done += count;
    return count === -ENOTCONN ? -EPIPE : count;
  }

  // ── receiving ──

  override receive(_task: Task, message: SocketMessage): number {
    const { endpoint } = this;
    if ((message.flags & MSG_ERRQUEUE) !== 0) return this.receiveNotice(message);
    if (endpoint.state === TCP_LISTEN) return -ENOTCONN;
    this.internet.touch();
    const io = message.io;
    const peek = (message.flags & MSG_PEEK) !== 0 ? READ_PEEK : 0;
    if ((message.flags & MSG_OOB) !== 0) return this.receiveUrgent(message, peek);
    if (io === null || io.total === message.done) return this.receiveNothing();
    if ((message.flags & MSG_TRUNC) !== 0) return this.discard(message, io, peek);
    const start = message.done;
    for (let i = 0, base = 0; i < io.count; i++) {
      const size = io.lengths[i] as number;
      const inside = Math.max(start - base, 0);
      base += size;
      if (inside >= size) continue;
      const got = this.readPart(io, i, inside, size - inside, peek);
      if (got < 0) return message.done > start ? message.done - start : got;
      message.done += got;
      // A peek shows the same bytes again: one segment only.
      if (got < size - inside || peek !== 0) break;
    }
    return message.done - start;
  }

  private receiveNotice(message: SocketMessage): number {
    if (this.zeroCopy?.pending !== true) return -EAGAIN;
    this.zeroCopy.take(message, this.isV6);
    return 0;
  }

  private readPart(io: IoSegments, i: number, inside: number, size: number, flags: number): number {
    const { endpoint } = this;
    const count = endpoint.read(io.arrays[i] as Uint8Array, (io.starts[i] as number) + inside, size, flags);
    return count === -ENOTCONN ? this.unconnectedRead() : count;
  }

  private unconnectedRead(): number {
    const error = this.takeError();
    if (error !== 0) return -error;
    return this.shutRead ? 0 : -ENOTCONN;
  }

  /** A read of no bytes waits for some as others do, and takes none. */
  private receiveNothing(): number {
    const count = this.endpoint.read(EMPTY, 0, 0);
    return count === -ENOTCONN ? this.unconnectedRead() : count;
  }

  private discard(message: SocketMessage, io: IoSegments, peek: number): number {
    const count = this.endpoint.read(EMPTY, 0, io.total - message.done, READ_DISCARD | peek);
    if (count > 0) message.done += count;
    return count === -ENOTCONN ? this.unconnectedRead() : count;
  }

  private receiveUrgent(message: SocketMessage, peek: number): number {
    const byte = new Uint8Array(1);
    const count = this.endpoint.read(byte, 0, Math.min(message.io?.total ?? 0, 1), READ_URGENT | peek);
    if (count < 0) return count === -EINVAL && this.endpoint.tcb === null ? -ENOTCONN : count;
    message.outFlags |= MSG_OOB;
    if (count > 0) scatter(message.io as IoSegments, 0, byte, 0, 1);
    return count;
  }

  // ── ends ──

  override shutdown(how: number): number {
    this.internet.touch();
    if (this.progress === CONNECTING) this.finishConnect();
    const halves = (how !== 1 ? SHUTDOWN_RECEIVE : 0) | (how !== 0 ? SHUTDOWN_SEND : 0);
    if (this.endpoint.state === TCP_LISTEN && how === 1) return 0;
    if (this.endpoint.state === TCP_SYN_SENT) {
      this.endpoint.disconnect();
      this.progress = UNCONNECTED;
      this.wake(-1);
      return 0;
    }
    if (how !== 1) this.shutRead = this.endpoint.state !== TCP_LISTEN;
    const result = this.endpoint.shutdown(halves);
    this.wake(-1);
    return result;
  }

  override close(): void {
    super.close();
    if (this.endpoint.settings.linger > 0 && lingerInCall(this.kernel, this)) return;
    this.startLinger();
    this.stopLinger();
  }

  startLinger(): boolean {
    this.internet.touch();
    const waits = this.endpoint.close() === -EAGAIN;
    this.wake(-1);
    return waits;
  }

  get lingering(): boolean {
    return this.endpoint.lingering;
  }

  stopLinger(): void {
    this.endpoint.stopLingering();
  }

  override events(): number {
    const { endpoint } = this;
    if (endpoint.tcb === null && endpoint.state !== TCP_LISTEN) {
      const more = (this.shutRead ? POLLIN | POLLRDNORM : 0) | (this.error !== 0 ? POLLERR : 0);
      return POLLHUP | POLLOUT | POLLWRNORM | more;
    }
    const events = pollEvents(endpoint.ready) | (this.zeroCopy?.pending === true ? POLLERR : 0);
    // A connection that failed may be written to: the write tells why.
    return (events & POLLERR) !== 0 && endpoint.state === TCP_CLOSE ? events | POLLOUT | POLLWRNORM : events;
  }

  // ── options ──

  override useReuseProgram(program: BpfProgram | null): number {
    if (program === null) return this.endpoint.chooseFreely();
    return this.endpoint.chooseBy(new SocketFilter(this.internet, program));
  }

  override useFilter(program: BpfProgram | null): number {
    this.filter = program;
    this.applyOptions();
    return 0;
  }

  /** The same object as long as they are the same, which connections go by. */
  private get extensions(): ExtensionHeaders | null {
    const now = headersToSend(this.ip.headers6, null);
    const before = this.endpoint.settings.extensions;
    if (now === null || before === null || now.first !== before.first) return now;
    const same =
      now.bytes.length === before.bytes.length && now.bytes.every((byte, i) => byte === before.bytes[i]);
    return same ? before : now;
  }

  override applyOptions(): void {
    const settings = this.endpoint.settings.clone();
    const flag = (option: number): boolean => (this.kept.get(option) ?? 0) !== 0;
    settings.reuseAddress = flag(SO_REUSEADDR);
    settings.reusePort = flag(SO_REUSEPORT);
    settings.uid = this.uid;
    settings.keepAlive = flag(SO_KEEPALIVE);
    settings.oobInline = flag(SO_OOBINLINE);
    settings.receiveLowWater = Math.max(this.kept.get(SO_RCVLOWAT) ?? 1, 1);
    const linger = this.kept.get(SO_LINGER) ?? 0;
    settings.linger = (linger & 1) === 0 ? -1 : Math.floor(linger / 2) * 1_000_000;
    settings.v6Only = this.ip.v6Only;
    settings.typeOfService =
      this.isV6 && this.endpoint.remoteAddress?.isV4 !== true ? this.ip.trafficClass : this.ip.tos;
    settings.hopLimit = Math.max(this.isV6 && this.ip.ttl < 0 ? this.ip.unicastHops : this.ip.ttl, 0);
    settings.mark = this.mark;
    settings.device = this.boundInterface;
    settings.freeBind = this.ip.freeBind || this.internet.settings.nonlocalBind;
    settings.transparent = this.ip.transparent;
    settings.ipOptions = this.ip.options;
    settings.extensions = this.extensions;
    settings.filter = this.filter === null ? null : new SocketFilter(this.internet, this.filter);
    settings.ignorePathMtu = this.ip.mtuDiscover === 0;
    if (this.sendBufferSet) settings.sendBuffer = this.sendBuffer;
    if (this.receiveBufferSet) settings.receiveBuffer = this.receiveBuffer;
    this.keptTcp.applyTo(settings);
    if (settings.congestion === '') settings.congestion = this.internet.settings.congestion;
    this.internet.touch();
    this.endpoint.configure(settings);
  }

  override getOption(task: Task, level: number, option: number, room: number): Uint8Array | number {
    if (level === SOL_SOCKET && option === SO_ACCEPTCONN)
      return intBytes(this.endpoint.state === TCP_LISTEN ? 1 : 0);
    return super.getOption(task, level, option, room);
  }

  override get bufferSizes(): readonly [number, number] {
    const tcb = this.endpoint.tcb;
    return tcb === null ? [this.sendBuffer, this.receiveBuffer] : [tcb.sendBuffer, tcb.receiveBuffer];
  }

  override getTransportOption(_task: Task, level: number, option: number, room: number): Uint8Array | number {
    return level === IPPROTO_TCP ? getTcpOption(this, option, room) : -92;
  }

  override setTransportOption(task: Task, level: number, option: number, value: Uint8Array): number {
    return level === IPPROTO_TCP ? setTcpOption(this, task, option, value) : -92;
  }

  override ioctl(caller: Caller, request: number, argument: number): number {
    const { endpoint } = this;
    const listening = endpoint.state === TCP_LISTEN;
    switch (request) {
      case FIONREAD:
        return listening ? -EINVAL : caller.memory.writeU32(argument, endpoint.readable);
      case SIOCOUTQ:
        return listening ? -EINVAL : caller.memory.writeU32(argument, endpoint.unacknowledged);
      case SIOCOUTQNSD:
        return listening ? -EINVAL : caller.memory.writeU32(argument, endpoint.unsent);
      case SIOCATMARK:
        return caller.memory.writeU32(argument, endpoint.atMark ? 1 : 0);
      default:
        return super.ioctl(caller, request, argument);
    }
  }
}

const EMPTY = new Uint8Array(0);

// Datagram sockets (udp(7)) over netstack's endpoints.
import {
  AF_UNSPEC,
  type BpfProgram,
  EAGAIN,
  EDESTADDRREQ,
  EINVAL,
  EMSGSIZE,
  ENETUNREACH,
  ENOPROTOOPT,
  ENOTCONN,
  EOPNOTSUPP,
  FIONREAD,
  IPPROTO_UDP,
  MSG_ERRQUEUE,
  MSG_MORE,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  POLLERR,
  SO_BROADCAST,
  SO_NO_CHECK,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_DGRAM,
  TCP_CLOSE,
  TCP_ESTABLISHED,
  UDP_CORK,
  UDP_ENCAP,
  UDP_GRO,
  UDP_NO_CHECK6_RX,
  UDP_NO_CHECK6_TX,
  UDP_SEGMENT,
} from '@sandbox-kernel/abi';
import type { Caller, IoSegments } from '@sandbox-kernel/contracts';
import type { SocketMessage, Task } from '@sandbox-kernel/kernel';
import {
  type Address,
  UDP_PEEK,
  UDP_SHUTDOWN_RECEIVE,
  UDP_SHUTDOWN_SEND,
  UdpEndpoint,
  UdpMessage,
} from '@sandbox-kernel/netstack';
import { gather, scatter } from '@sandbox-kernel/vfs';
import {
  addOverflow,
  type Departure,
  departureOf,
  describeArrival,
  describeError,
} from './datagram-control.js';
import { headersToSend } from './extension-options.js';
import { InetSocket } from './inet-socket.js';
import type { Internet } from './internet.js';
import { intBytes, wholeInt } from './option-bytes.js';
import { pollEvents } from './readiness.js';
import {
  encodeName,
  familyOf,
  type InetName,
  parseBindName,
  parseConnectName,
  parseSendName,
} from './sockaddr.js';
import { SocketFilter } from './socket-filter.js';

const SIOCOUTQ = 0x5411;
const MOST_PAYLOAD = 65507;

export class UdpSocket extends InetSocket {
  readonly endpoint: UdpEndpoint;
  private readonly arrival: UdpMessage;
  private cork: boolean;
  private segmentSize: number;
  private trains: boolean;

  constructor(internet: Internet, isV6: boolean, uid: number, protocol: number) {
    super(internet, isV6, SOCK_DGRAM, protocol, uid);
    this.endpoint = new UdpEndpoint(internet.udp, isV6);
    this.arrival = new UdpMessage();
    this.cork = false;
    this.segmentSize = 0;
    this.trains = false;
    this.endpoint.setOwner(this, 0);
    this.applyOptions();
  }

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

  override get memberships(): UdpEndpoint['memberships'] {
    return this.endpoint.memberships;
  }

  get receiveQueue(): number {
    return Math.max(this.endpoint.nextLength, 0);
  }

  get sendQueue(): number {
    return 0;
  }

  get state(): number {
    return this.endpoint.remoteAddress === null ? TCP_CLOSE : TCP_ESTABLISHED;
  }

  // ── names ──

  override bind(task: Task, bytes: Uint8Array): number {
    const name = parseBindName(bytes, this.isV6);
    if (typeof name === 'number') return name;
    const refused = this.checkBind(task, name);
    if (refused !== 0) return refused;
    return this.endpoint.bind(name.address.isUnspecified ? null : name.address, name.port);
  }

  override connect(_task: Task, bytes: Uint8Array): number {
    if (bytes.length < 2) return -EINVAL;
    this.internet.touch();
    if (familyOf(bytes) === AF_UNSPEC) {
      this.endpoint.disconnect();
      return 0;
    }
    const name = parseConnectName(bytes, this.isV6);
    if (typeof name === 'number') return name;
    if (this.isV6 && name.address.isV4 && this.ip.v6Only) return -ENETUNREACH;
    if (name.scope !== 0 && name.address.needsScope) {
      this.boundInterface = name.scope;
      this.applyOptions();
    }
    return this.endpoint.connect(this.reachable(name), name.port);
  }

  /** The unspecified address stands for this host. */
  private reachable(name: InetName): Address {
    const { address } = name;
    if (!address.isUnspecified) return address;
    const { addresses } = this.internet.stack.host;
    return address.isV4 ? addresses.words(0, 0, 0xffff, 0x7f000001) : addresses.words(0, 0, 0, 1);
  }

  override name(): Uint8Array {
    return encodeName(this.localAddress, this.localPort, this.isV6, this.boundInterface);
  }

  override peerName(): Uint8Array | number {
    const remote = this.endpoint.remoteAddress;
    return remote === null
      ? -ENOTCONN
      : encodeName(remote, this.endpoint.remotePort, this.isV6, this.boundInterface);
  }

  override takeError(): number {
    return this.endpoint.takeError();
  }

  // ── sending ──

  override send(task: Task, message: SocketMessage): number {
    if ((message.flags & MSG_OOB) !== 0) return -EOPNOTSUPP;
    const io = message.io;
    const size = io?.total ?? 0;
    if (size > 0xffff) return -EMSGSIZE;
    const name = message.address === null ? null : parseSendName(message.address, this.isV6);
    if (typeof name === 'number') return name;
    if (name !== null && name.port === 0) return -EINVAL;
    if (name === null && this.endpoint.remoteAddress === null) return -EDESTADDRREQ;
    if (name !== null && this.isV6 && name.address.isV4 && this.ip.v6Only) return -ENETUNREACH;
    const departure = departureOf(this, task, message);
    if (typeof departure === 'number') return departure;
    this.internet.touch();
    if (size > MOST_PAYLOAD) return -EMSGSIZE;
    const result = this.transmit(message, io, size, name, departure);
    if (result >= 0) message.done = size;
    if (result >= 0 && size > 0) this.noteZeroCopy(message.flags);
    return result < 0 ? result : size;
  }

  private transmit(
    message: SocketMessage,
    io: IoSegments | null,
    size: number,
    name: InetName | null,
    departure: Departure | null,
  ): number {
    let bytes: Uint8Array = EMPTY;
    let at = 0;
    if (io !== null && io.count === 1) {
      bytes = io.arrays[0] as Uint8Array;
      at = io.starts[0] as number;
    } else if (io !== null && size > 0) {
      bytes = new Uint8Array(size);
      gather(io, 0, bytes, 0, size);
    }
    const remote = name === null ? null : this.reachable(name);
    const port = name?.port ?? 0;
    const more = (message.flags & MSG_MORE) !== 0;
    if (departure !== null) return this.transmitSpecial(departure, bytes, at, size, remote, port);
    return this.endpoint.send(bytes, at, size, remote, port, more);
  }

  /** One datagram with options of its own: the settings are changed for its length. */
  private transmitSpecial(
    departure: Departure,
    bytes: Uint8Array,
    at: number,
    size: number,
    remote: Address | null,
    port: number,
  ): number {
    const { endpoint } = this;
    const before = endpoint.settings;
    const settings = before.clone();
    if (departure.hopLimit > 0) {
      settings.hopLimit = departure.hopLimit;
      settings.multicastHopLimit = departure.hopLimit;
    }
    if (departure.typeOfService >= 0) settings.typeOfService = departure.typeOfService;
    if (departure.headers !== null) settings.extensions = headersToSend(this.ip.headers6, departure.headers);
    if (departure.options !== null) settings.ipOptions = departure.options;
    if (departure.segmentSize >= 0) settings.segmentSize = departure.segmentSize;
    endpoint.configure(settings);
    const to = remote ?? endpoint.remoteAddress;
    const toPort = remote === null ? endpoint.remotePort : port;
    const directed = departure.source !== null || departure.interfaceIndex !== 0;
    let result = -EDESTADDRREQ;
    if (!directed) result = endpoint.send(bytes, at, size, remote, port, false);
    else if (to !== null) {
      if (endpoint.localPort === 0) endpoint.bind(null, 0);
      const source = departure.source ?? this.sourceOn(departure.interfaceIndex, to);
      result =
        source === null
          ? -ENETUNREACH
          : endpoint.sendFrom(source, departure.interfaceIndex, to, toPort, bytes, at, size);
    }
    endpoint.configure(before);
    return result;
  }

  private sourceOn(interfaceIndex: number, to: Address): Address | null {
    const bound = this.endpoint.boundAddress;
    if (bound !== null) return bound;
    return this.internet.stack.network.interfaceByIndex(interfaceIndex)?.primaryAddress(to.isV4) ?? null;
  }

  // ── receiving ──

  override receive(_task: Task, message: SocketMessage): number {
    if ((message.flags & MSG_ERRQUEUE) !== 0) return this.receiveError(message);
    const { endpoint, arrival } = this;
    const io = message.io;
    const total = io?.total ?? 0;
    const peek = (message.flags & MSG_PEEK) !== 0;
    const skip = peek && this.peekOffset > 0 ? this.peekOffset : 0;
    const simple = io !== null && io.count === 1 && skip === 0;
    const length = simple ? total : Math.max(endpoint.nextLength, 0);
    const bytes = simple ? (io.arrays[0] as Uint8Array) : new Uint8Array(length);
    const waiting = endpoint.nextLength >= 0;
    const count = endpoint.receive(
      bytes,
      simple ? (io.starts[0] as number) : 0,
      length,
      peek ? UDP_PEEK : 0,
      arrival,
    );
    if (count < 0) return count;
    if (!waiting) return 0;
    const copied = simple ? count : this.spread(io, bytes, skip, count);
    message.done = copied;
    message.fullLength = arrival.length;
    if (peek && this.peekOffset >= 0) this.peekOffset += copied;
    else if (!peek && this.peekOffset > 0) this.peekOffset = Math.max(this.peekOffset - arrival.length, 0);
    if (copied < arrival.length - skip) message.outFlags |= MSG_TRUNC;
    if (arrival.source !== null) {
      message.address = encodeName(arrival.source, arrival.sourcePort, this.isV6, arrival.interfaceIndex);
    }
    describeArrival(this, message, arrival);
    addOverflow(this, message, endpoint.dropped);
    return (message.flags & MSG_TRUNC) !== 0 ? arrival.length - skip : copied;
  }

  private spread(io: IoSegments | null, bytes: Uint8Array, skip: number, count: number): number {
    if (io === null || count <= skip) return 0;
    const size = Math.min(count - skip, io.total);
    scatter(io, 0, bytes, skip, size);
    return size;
  }

  private receiveNotice(message: SocketMessage): number {
    if (this.zeroCopy?.pending !== true) return -EAGAIN;
    this.zeroCopy.take(message, this.isV6);
    return 0;
  }

  private receiveError(message: SocketMessage): number {
    const error = this.endpoint.takeQueuedError();
    if (error === null) return this.receiveNotice(message);
    const total = message.io?.total ?? 0;
    const count = Math.min(error.payload.length, total);
    if (message.io !== null) scatter(message.io, 0, error.payload, 0, count);
    if (count < error.payload.length) message.outFlags |= MSG_TRUNC;
    message.outFlags |= MSG_ERRQUEUE;
    message.done = count;
    message.address = encodeName(error.destination, error.destinationPort, this.isV6);
    describeError(message, error, this.isV6);
    return count;
  }

  // ── ends ──

  override shutdown(how: number): number {
    const halves = (how !== 1 ? UDP_SHUTDOWN_RECEIVE : 0) | (how !== 0 ? UDP_SHUTDOWN_SEND : 0);
    const result = this.endpoint.shutdown(halves);
    this.wake(-1);
    return result;
  }

  override close(): void {
    super.close();
    this.internet.touch();
    this.endpoint.close();
    this.wake(-1);
  }

  override events(): number {
    return pollEvents(this.endpoint.ready) | (this.zeroCopy?.pending === true ? POLLERR : 0);
  }

  override useReuseProgram(program: BpfProgram | null): number {
    if (program === null) return this.endpoint.chooseFreely();
    return this.endpoint.chooseBy(new SocketFilter(this.internet, program));
  }

  override useFilter(program: BpfProgram | null): number {
    this.filter = program;
    this.endpoint.filter = program === null ? null : new SocketFilter(this.internet, program);
    return 0;
  }

  // ── options ──

  override applyOptions(): void {
    const { ip } = this;
    const flag = (option: number): boolean => (this.kept.get(option) ?? 0) !== 0;
    const settings = this.endpoint.settings.clone();
    settings.ipOptions = ip.options;
    settings.extensions = headersToSend(ip.headers6, null);
    settings.reuseAddress = flag(SO_REUSEADDR);
    settings.reusePort = flag(SO_REUSEPORT);
    settings.uid = this.uid;
    settings.broadcast = flag(SO_BROADCAST);
    settings.noChecksum = flag(SO_NO_CHECK);
    settings.v6Only = ip.v6Only;
    settings.receiveBuffer = this.receiveBuffer;
    settings.sendBuffer = this.sendBuffer;
    const v4Peer = this.endpoint.remoteAddress?.isV4 === true;
    settings.typeOfService = this.isV6 && !v4Peer ? ip.trafficClass : ip.tos;
    settings.hopLimit = Math.max(this.isV6 && !v4Peer ? ip.unicastHops : ip.ttl, 0);
    settings.multicastHopLimit = this.isV6 ? (ip.multicastHops < 0 ? 1 : ip.multicastHops) : ip.multicastTtl;
    settings.multicastInterface = this.isV6 ? ip.multicastInterface6 : ip.multicastInterface;
    settings.multicastLoop = this.isV6 ? ip.multicastLoop6 : ip.multicastLoop;
    settings.multicastAll = this.isV6 ? ip.multicastAll6 : ip.multicastAll;
    settings.mark = this.mark;
    settings.device = this.boundInterface;
    settings.freeBind = ip.freeBind || this.internet.settings.nonlocalBind;
    settings.transparent = ip.transparent;
    settings.receiveErrors = ip.receiveErrors || ip.receiveErrors6;
    settings.dontFragment = ip.mtuDiscover >= 2 || ip.dontFragment;
    settings.segmentSize = this.segmentSize;
    settings.receiveTrains = this.trains;
    settings.cork = this.cork;
    this.endpoint.configure(settings);
  }

  override getTransportOption(_task: Task, level: number, option: number): Uint8Array | number {
    if (level !== IPPROTO_UDP) return -ENOPROTOOPT;
    switch (option) {
      case UDP_CORK:
        return intBytes(this.cork ? 1 : 0);
      case UDP_SEGMENT:
        return intBytes(this.segmentSize);
      case UDP_GRO:
        return intBytes(this.trains ? 1 : 0);
      case UDP_ENCAP:
      case UDP_NO_CHECK6_TX:
      case UDP_NO_CHECK6_RX:
        return intBytes(0);
      default:
        return -ENOPROTOOPT;
    }
  }

  override setTransportOption(_task: Task, level: number, option: number, bytes: Uint8Array): number {
    if (level !== IPPROTO_UDP) return -ENOPROTOOPT;
    if (bytes.length < 4) return -EINVAL;
    const value = wholeInt(bytes);
    this.internet.touch();
    switch (option) {
      case UDP_CORK:
        this.cork = value !== 0;
        break;
      case UDP_SEGMENT:
        if (value < 0 || value > 0xffff) return -EINVAL;
        this.segmentSize = value;
        break;
      case UDP_GRO:
        this.trains = value !== 0;
        break;
      case UDP_NO_CHECK6_TX:
      case UDP_NO_CHECK6_RX:
        return 0;
      default:
        return -ENOPROTOOPT;
    }
    this.applyOptions();
    return 0;
  }

  override ioctl(caller: Caller, request: number, argument: number): number {
    if (request === FIONREAD) return caller.memory.writeU32(argument, this.receiveQueue);
    if (request === SIOCOUTQ) return caller.memory.writeU32(argument, 0);
    return super.ioctl(caller, request, argument);
  }
}

const EMPTY = new Uint8Array(0);

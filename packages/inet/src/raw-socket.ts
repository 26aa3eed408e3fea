// Raw sockets (raw(7)) and ping sockets (icmp(7), SOCK_DGRAM): copies of what comes in for a protocol, and packets of one's own making.
import {
  AF_UNSPEC,
  type BpfProgram,
  EACCES,
  EADDRNOTAVAIL,
  EAGAIN,
  EDESTADDRREQ,
  EINVAL,
  EMSGSIZE,
  ENOPROTOOPT,
  ENOTCONN,
  EOPNOTSUPP,
  FIONREAD,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  MSG_ERRQUEUE,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  POLLERR,
  POLLIN,
  POLLOUT,
  POLLRDNORM,
  POLLWRNORM,
  SO_BROADCAST,
  SOCK_DGRAM,
  SOCK_RAW,
  TCP_CLOSE,
  TCP_ESTABLISHED,
} from '@sandbox-kernel/abi';
import type { Caller } from '@sandbox-kernel/contracts';
import type { SocketMessage, Task } from '@sandbox-kernel/kernel';
import {
  type Address,
  ANY_V4,
  ANY_V6,
  listExtensions,
  type PacketBuffer,
  type RawEndpoint,
} from '@sandbox-kernel/netstack';
import { gather, scatter } from '@sandbox-kernel/vfs';
import { departureOf, describeArrival } from './datagram-control.js';
import { headersToSend } from './extension-options.js';
import { InetSocket } from './inet-socket.js';
import type { Internet } from './internet.js';
import { viewOf } from './option-bytes.js';
import { encodeName, familyOf, parseBindName, parseConnectName, parseSendName } from './sockaddr.js';
import { SocketFilter } from './socket-filter.js';

const SIOCOUTQ = 0x5411;
/** icmp(7), RFC 3542: the option level and number of the filter by ICMP type. */
const ICMP_FILTER = 1;
const ECHO = 8;
const ECHO_REPLY = 0;
const ECHO6 = 128;
const ECHO6_REPLY = 129;
const IPV4_HEADER = 20;
const IPV6_HEADER = 40;

/** An echo identifier as a "port": every ping socket has its own. */
export class PingIdentifiers {
  readonly #used = new Map<number, PingSocket>();
  #next = 1;

  take(wanted: number, socket: PingSocket): number {
    if (wanted !== 0) {
      if (this.#used.has(wanted)) return 0;
      this.#used.set(wanted, socket);
      return wanted;
    }
    for (let i = 0; i < 65535; i++) {
      const candidate = this.#next;
      this.#next = candidate === 65535 ? 1 : candidate + 1;
      if (this.#used.has(candidate)) continue;
      this.#used.set(candidate, socket);
      return candidate;
    }
    return 0;
  }

  release(identifier: number): void {
    this.#used.delete(identifier);
  }
}

export class RawSocket extends InetSocket {
  protected readonly endpoint: RawEndpoint;
  protected remote: Address | null;
  protected bound: Address;
  /** What MSG_PEEK left in front of the queue. */
  private peeked: PacketBuffer | null;

  constructor(internet: Internet, isV6: boolean, uid: number, protocol: number, type = SOCK_RAW) {
    super(internet, isV6, type, protocol, uid);
    this.endpoint = internet.stack.rawEndpoint({
      v4: !isV6,
      protocol,
      owner: this,
      receiveLimit: this.receiveBuffer,
    });
    this.ip.headerIncluded = this.endpoint.headerIncluded;
    this.remote = null;
    this.bound = isV6 ? ANY_V6 : ANY_V4;
    this.peeked = null;
  }

  get localAddress(): Address {
    return this.bound;
  }

  get localPort(): number {
    return this.protocol;
  }

  get remoteAddress(): Address | null {
    return this.remote;
  }

  get remotePort(): number {
    return 0;
  }

  get receiveQueue(): number {
    return this.front()?.length ?? 0;
  }

  get sendQueue(): number {
    return 0;
  }

  get state(): number {
    return this.remote === null ? TCP_CLOSE : TCP_ESTABLISHED;
  }

  override bind(task: Task, bytes: Uint8Array): number {
    const name = parseBindName(bytes, this.isV6);
    if (typeof name === 'number') return name;
    const refused = this.checkBind(task, name);
    if (refused !== 0) return refused;
    const result = this.endpoint.bind(name.address);
    if (result === 0) this.bound = name.address;
    return result;
  }

  override mayBindPort(): boolean {
    return true;
  }

  override connect(_task: Task, bytes: Uint8Array): number {
    if (bytes.length < 2) return -EINVAL;
    if (familyOf(bytes) === AF_UNSPEC) {
      this.remote = null;
      return 0;
    }
    const name = parseConnectName(bytes, this.isV6);
    if (typeof name === 'number') return name;
    const { network } = this.internet.stack;
    const route = network.borrowRoute(name.address);
    route.broadcastAllowed = (this.kept.get(SO_BROADCAST) ?? 0) !== 0;
    const resolved = network.resolve(route);
    const source = route.chosenSource;
    network.returnRoute(route);
    if (resolved < 0) return resolved;
    this.connected(name.address, source, name.port);
    return 0;
  }

  protected connected(remote: Address, source: Address | null, _port: number): void {
    this.remote = remote;
    this.endpoint.connect(remote);
    if (this.bound.isUnspecified && source !== null) this.bound = source;
  }

  override name(): Uint8Array {
    return encodeName(this.bound, this.nameNumber, this.isV6, this.boundInterface);
  }

  /** What stands in a name's port. */
  protected get nameNumber(): number {
    return this.protocol;
  }

  override peerName(): Uint8Array | number {
    return this.remote === null ? -ENOTCONN : encodeName(this.remote, 0, this.isV6, this.boundInterface);
  }

  // ── sending ──

  override send(task: Task, message: SocketMessage): number {
    if ((message.flags & MSG_OOB) !== 0) return -EOPNOTSUPP;
    const size = message.io?.total ?? 0;
    if (size > 0xffff) return -EMSGSIZE;
    const name = message.address === null ? null : parseSendName(message.address, this.isV6);
    if (typeof name === 'number') return name;
    const to = name?.address ?? this.remote;
    if (to === null) return this.isV6 ? -EDESTADDRREQ : -EDESTADDRREQ;
    const departure = departureOf(this, task, message);
    if (typeof departure === 'number') return departure;
    this.internet.touch();
    const packet = this.internet.stack.pool.allocate(size);
    const at = packet.append(size);
    if (message.io !== null) gather(message.io, 0, packet.bytes, at, size);
    const refused = this.prepare(packet);
    if (refused !== 0) {
      packet.release();
      return refused;
    }
    const own = this.isV6 ? this.ip.unicastHops : this.ip.ttl;
    const multicast = this.isV6 ? this.ip.multicastHops : this.ip.multicastTtl;
    const hops = to.isMulticast ? Math.max(multicast, 1) : Math.max(own, 0);
    this.endpoint.ttl = departure !== null && departure.hopLimit > 0 ? departure.hopLimit : hops;
    const tos = this.isV6 ? this.ip.trafficClass : this.ip.tos;
    this.endpoint.tos = departure !== null && departure.typeOfService >= 0 ? departure.typeOfService : tos;
    this.endpoint.extensions = headersToSend(this.ip.headers6, departure?.headers ?? null);
    this.endpoint.options = departure?.options ?? this.ip.options;
    this.endpoint.headerIncluded = this.ip.headerIncluded;
    this.endpoint.boundInterface = this.boundInterface;
    if (this.isBroadcast(to)) {
      packet.release();
      return -EACCES;
    }
    const result = this.endpoint.send(packet, to.isUnspecified ? this.loopback() : to);
    if (result < 0) return result;
    message.done = size;
    return size;
  }

  private isBroadcast(to: Address): boolean {
    return (this.kept.get(SO_BROADCAST) ?? 0) === 0 && this.internet.stack.host.isBroadcastAddress(to);
  }

  private loopback(): Address {
    const { addresses } = this.internet.stack.host;
    return this.isV6 ? addresses.words(0, 0, 0, 1) : addresses.words(0, 0, 0xffff, 0x7f000001);
  }

  /** A chance to complete or refuse the bytes: 0 or -errno. */
  protected prepare(packet: PacketBuffer): number {
    return this.ip.headerIncluded && packet.length < IPV4_HEADER ? -EINVAL : 0;
  }

  // ── receiving ──

  /** Whether a packet that the endpoint got is for this socket. */
  protected wants(_packet: PacketBuffer): boolean {
    return true;
  }

  /** The next packet that is wanted; it stays in front. */
  protected front(): PacketBuffer | null {
    while (this.peeked === null) {
      const packet = this.endpoint.receive();
      if (packet === null) return null;
      if (this.wants(packet)) this.peeked = packet;
      else packet.release();
    }
    return this.peeked;
  }

  override receive(_task: Task, message: SocketMessage): number {
    if ((message.flags & MSG_OOB) !== 0) return -EOPNOTSUPP;
    if ((message.flags & MSG_ERRQUEUE) !== 0) return -EAGAIN;
    const packet = this.front();
    if (packet === null) return this.error !== 0 ? -this.takeError() : this.shutRead ? 0 : -EAGAIN;
    const start = this.payloadStart(packet);
    const full = packet.end - start;
    const count = Math.min(full, message.io?.total ?? 0);
    if (message.io !== null) scatter(message.io, 0, packet.bytes, start, count);
    if (count < full) message.outFlags |= MSG_TRUNC;
    message.done = count;
    message.fullLength = full;
    if (packet.source !== null) {
      message.address = encodeName(packet.source, 0, this.isV6, packet.interfaceIndex);
    }
    describeArrival(this, message, {
      source: packet.source,
      destination: packet.destination,
      destinationPort: 0,
      interfaceIndex: packet.interfaceIndex,
      hopLimit: packet.ttl,
      options: optionsIn(packet),
      extensions: extensionsIn(packet),
      typeOfService: packet.tos,
      timestamp: packet.timestamp,
      segmentSize: 0,
    });
    if ((message.flags & MSG_PEEK) === 0) {
      packet.release();
      this.peeked = null;
    }
    return (message.flags & MSG_TRUNC) !== 0 ? full : count;
  }

  protected payloadStart(packet: PacketBuffer): number {
    return packet.start;
  }

  override shutdown(how: number): number {
    if (this.remote === null) return -ENOTCONN;
    if (how !== 1) this.shutRead = true;
    if (how !== 0) this.shutWrite = true;
    this.wake(-1);
    return 0;
  }

  override close(): void {
    super.close();
    this.peeked?.release();
    this.peeked = null;
    this.endpoint.close();
    this.wake(-1);
  }

  override events(): number {
    let events = POLLOUT | POLLWRNORM;
    if (this.front() !== null || this.shutRead) events |= POLLIN | POLLRDNORM;
    if (this.error !== 0) events |= POLLERR;
    return events;
  }

  override useFilter(program: BpfProgram | null): number {
    this.filter = program;
    this.endpoint.filter = program === null ? null : new SocketFilter(this.internet, program);
    return 0;
  }

  // ── options ──

  override applyOptions(): void {
    this.endpoint.boundInterface = this.boundInterface;
    this.endpoint.headerIncluded = this.ip.headerIncluded;
  }

  override getTransportOption(_task: Task, level: number, option: number): Uint8Array | number {
    if (option !== ICMP_FILTER || this.type !== SOCK_RAW) return level === 255 ? -ENOPROTOOPT : -ENOPROTOOPT;
    if (!this.isV6 && level === 255 && this.protocol === IPPROTO_ICMP) {
      const bytes = new Uint8Array(4);
      viewOf(bytes).setUint32(0, this.endpoint.icmpFilter >>> 0, true);
      return bytes;
    }
    if (this.isV6 && level === IPPROTO_ICMPV6 && this.protocol === IPPROTO_ICMPV6) {
      return new Uint8Array(this.endpoint.icmp6Filter.slice().buffer);
    }
    return -ENOPROTOOPT;
  }

  override setTransportOption(_task: Task, level: number, option: number, bytes: Uint8Array): number {
    if (option !== ICMP_FILTER || this.type !== SOCK_RAW) return -ENOPROTOOPT;
    if (!this.isV6 && level === 255 && this.protocol === IPPROTO_ICMP) {
      if (bytes.length >= 4) this.endpoint.icmpFilter = viewOf(bytes).getInt32(0, true);
      return 0;
    }
    if (!this.isV6 || level !== IPPROTO_ICMPV6 || this.protocol !== IPPROTO_ICMPV6) return -ENOPROTOOPT;
    for (let i = 0; i < 8 && i * 4 + 4 <= bytes.length; i++) {
      this.endpoint.icmp6Filter[i] = viewOf(bytes).getUint32(i * 4, true);
    }
    return 0;
  }

  override ioctl(caller: Caller, request: number, argument: number): number {
    if (request === FIONREAD) return caller.memory.writeU32(argument, this.receiveQueue);
    if (request === SIOCOUTQ) return caller.memory.writeU32(argument, 0);
    return super.ioctl(caller, request, argument);
  }
}

/** Echo requests with an identifier of the socket's own, and the replies to them. */
export class PingSocket extends RawSocket {
  private identifier: number;

  constructor(internet: Internet, isV6: boolean, uid: number) {
    super(internet, isV6, uid, isV6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, SOCK_DGRAM);
    this.identifier = 0;
  }

  override get localPort(): number {
    return this.identifier;
  }

  override bind(task: Task, bytes: Uint8Array): number {
    if (this.identifier !== 0) return -EINVAL;
    const result = super.bind(task, bytes);
    const wanted = bytes.length >= 4 ? viewOf(bytes).getUint16(2) : 0;
    if (result === 0 && !this.identify(wanted)) return -98;
    return result;
  }

  private identify(wanted = 0): boolean {
    if (this.identifier === 0) this.identifier = this.internet.pings.take(wanted, this);
    return this.identifier !== 0;
  }

  protected override connected(remote: Address, source: Address | null, port: number): void {
    super.connected(remote, source, port);
    this.identify();
  }

  protected override get nameNumber(): number {
    return this.identifier;
  }

  protected override prepare(packet: PacketBuffer): number {
    if (packet.length < 8) return -EINVAL;
    const { view, start } = packet;
    if (view.getUint8(start) !== (this.isV6 ? ECHO6 : ECHO) || view.getUint8(start + 1) !== 0) return -EINVAL;
    if (!this.identify()) return -EADDRNOTAVAIL;
    view.setUint16(start + 4, this.identifier);
    view.setUint16(start + 2, 0);
    if (!this.isV6) view.setUint16(start + 2, internetChecksum(packet));
    return 0;
  }

  protected override wants(packet: PacketBuffer): boolean {
    const at = this.payloadStart(packet);
    if (this.identifier === 0 || packet.end - at < 8) return false;
    const type = packet.view.getUint8(at);
    return (
      type === (this.isV6 ? ECHO6_REPLY : ECHO_REPLY) && packet.view.getUint16(at + 4) === this.identifier
    );
  }

  /** Ping sockets don't show the IP header. */
  protected override payloadStart(packet: PacketBuffer): number {
    if (this.isV6) return packet.start;
    return Math.min(packet.start + (packet.view.getUint8(packet.start) & 15) * 4, packet.end);
  }

  override endpointReady(token: number, ready: number): void {
    if (this.front() !== null) super.endpointReady(token, ready);
  }

  override close(): void {
    super.close();
    if (this.identifier !== 0) this.internet.pings.release(this.identifier);
  }
}

/** IPv4 options of a packet that was received. */
function optionsIn(packet: PacketBuffer): Uint8Array | null {
  const start = packet.networkOffset + IPV4_HEADER;
  const v4 = packet.networkOffset >= 0 && packet.destination?.isV4 === true;
  return v4 && packet.transportOffset > start ? packet.bytes.slice(start, packet.transportOffset) : null;
}

function extensionsIn(packet: PacketBuffer): readonly (readonly [number, Uint8Array])[] | null {
  const at = packet.networkOffset;
  if (at < 0 || packet.destination?.isV4 !== false || packet.transportOffset <= at + IPV6_HEADER) return null;
  return listExtensions(packet.bytes, packet.view.getUint8(at + 6), at + IPV6_HEADER, packet.transportOffset);
}

/** RFC 1071 over a packet's bytes. */
function internetChecksum(packet: PacketBuffer): number {
  let sum = 0;
  for (let at = packet.start; at < packet.end; at += 2) {
    sum += at + 1 < packet.end ? packet.view.getUint16(at) : packet.view.getUint8(at) << 8;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

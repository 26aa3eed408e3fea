// A UDP socket: udp(7). Calls never block; they return a count or a negative errno. Received datagrams stay in the packets
// they came in, bounded in bytes as SO_RCVBUF says; a reader may copy out or take a packet as it is.

import { type Address, ANY_V4, ANY_V6 } from '../../address.js';
import {
  EACCES,
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  EAGAIN,
  EDESTADDRREQ,
  EINVAL,
  EMSGSIZE,
  ENOENT,
  ENOTCONN,
  EPIPE,
} from '../../errno.js';
import {
  type IcmpError,
  type PacketChooser,
  type PacketFilter,
  READY_ERROR,
  READY_HANGUP,
  READY_PRIORITY,
  READY_READ,
  READY_READ_HANGUP,
  READY_WRITE,
  type ReadinessOwner,
  Route,
} from '../../roles.js';
import type { PacketBuffer } from '../../storage/packet-buffer.js';
import { IPV4_HEADER } from '../../wire/ipv4.js';
import { IPV6_HEADER } from '../../wire/ipv6.js';
import { listExtensions } from '../../wire/ipv6-extension.js';
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from '../../wire/protocols.js';
import { UDP_HEADER_LENGTH } from '../../wire/udp.js';
import { copyBytes } from '../bytes.js';
import { FlowTuple } from '../flow.js';
import { BindRequest, type PortBinding } from '../ports.js';
import { type GroupMember, ReuseGroup } from '../reuse-group.js';
import { GroupMemberships } from './memberships.js';
import { UdpError, type UdpMessage } from './message.js';
import { sendDatagram } from './send.js';
import type { UdpSettings } from './settings.js';
import type { Udp } from './udp.js';

export const UDP_PEEK = 1;
export const UDP_SHUTDOWN_RECEIVE = 1;
export const UDP_SHUTDOWN_SEND = 2;
const MAX_ERRORS = 64;
/** What a queued datagram costs besides its bytes, as Linux's truesize does: many empty ones must not be free. */
const PACKET_OVERHEAD = 256;
const MAX_PAYLOAD = 65507;

export class UdpEndpoint implements GroupMember {
  readonly udp: Udp;
  readonly isV6: boolean;
  settings: UdpSettings;
  readonly memberships: GroupMemberships;
  binding: PortBinding | null;
  /** Who shares the port with it by SO_REUSEPORT; kept by the table. */
  group: ReuseGroup | null;
  private flow: FlowTuple | null;
  private connectedRoute: Route | null;
  private scratchRoute: Route | null;
  private first: PacketBuffer | null;
  private last: PacketBuffer | null;
  private queuedBytes: number;
  /** Datagrams waiting. */
  queued: number;
  /** Datagrams that found no room (SO_RXQ_OVFL). */
  dropped: number;
  filter: PacketFilter | null;
  private readonly errors: UdpError[];
  private error: number;
  private halves: number;
  private owner: ReadinessOwner | null;
  private token: number;
  pendingEvents: number;
  private corked: Uint8Array | null;

  constructor(udp: Udp, isV6 = false, settings?: UdpSettings) {
    this.udp = udp;
    this.isV6 = isV6;
    this.settings = settings ?? udp.defaultSettings;
    this.memberships = new GroupMemberships(udp.host);
    this.binding = null;
    this.group = null;
    this.flow = null;
    this.connectedRoute = null;
    this.scratchRoute = null;
    this.first = null;
    this.last = null;
    this.queuedBytes = 0;
    this.queued = 0;
    this.dropped = 0;
    this.filter = null;
    this.errors = [];
    this.error = 0;
    this.halves = 0;
    this.owner = null;
    this.token = 0;
    this.pendingEvents = 0;
    this.corked = null;
  }

  setOwner(owner: ReadinessOwner | null, token: number): void {
    this.owner = owner;
    this.token = token;
  }

  notify(events: number): void {
    this.owner?.endpointReady(this.token, events);
  }

  get boundAddress(): Address | null {
    return this.binding === null ? null : this.binding.address;
  }

  get localPort(): number {
    return this.binding?.port ?? this.flow?.localPort ?? 0;
  }

  get localAddress(): Address {
    return this.flow?.local ?? this.boundAddress ?? (this.isV6 ? ANY_V6 : ANY_V4);
  }

  get remoteAddress(): Address | null {
    return this.flow === null ? null : this.flow.remote;
  }

  get remotePort(): number {
    return this.flow === null ? 0 : this.flow.remotePort;
  }

  /** Port 0 picks one. Groups and broadcast addresses may be bound: then only datagrams to them arrive. */
  bind(address: Address | null, port: number): number {
    if (this.binding !== null) return -EINVAL;
    if (address !== null && !address.isV4 && !this.isV6) return -EAFNOSUPPORT;
    const wildcard = address === null || address.isUnspecified;
    if (!wildcard && !this.mayBind(address)) return -EADDRNOTAVAIL;
    const binding = this.udp.ports.bind(port, this.request(wildcard ? null : address));
    if (typeof binding === 'number') return binding;
    this.binding = binding;
    this.udp.table.add(this, binding.port);
    return 0;
  }

  /** The program that chooses among the sockets of the port: 0, -EINVAL where there is no group, nor may be one. */
  chooseBy(chooser: PacketChooser): number {
    if (this.binding === null && this.settings.reusePort) this.group ??= new ReuseGroup();
    if (this.group === null) return -EINVAL;
    this.group.chooser = chooser;
    return 0;
  }

  /** No program any more: 0, -ENOENT (there was none), -EINVAL (no SO_REUSEPORT). */
  chooseFreely(): number {
    if (this.group === null) return this.settings.reusePort ? -ENOENT : -EINVAL;
    if (this.group.chooser === null) return -ENOENT;
    this.group.chooser = null;
    return 0;
  }

  private mayBind(address: Address): boolean {
    if (this.settings.freeBind || this.settings.transparent || address.isMulticast) return true;
    const host = this.udp.host;
    return host.isBroadcastAddress(address) || host.isLocalAddress(address, this.settings.device);
  }

  private request(address: Address | null): BindRequest {
    const request = new BindRequest();
    request.address = address;
    request.isV6 = this.isV6 && (address === null || !address.isV4);
    request.v6Only = this.settings.v6Only;
    request.device = this.settings.device;
    request.uid = this.settings.uid;
    request.reuseAddress = this.settings.reuseAddress;
    request.reusePort = this.settings.reusePort;
    request.ownGroup = this.group !== null;
    return request;
  }

  /** Fixes the peer: only its datagrams arrive, and errors about it are reported. */
  connect(remote: Address, port: number): number {
    if (!remote.isV4 && !this.isV6) return -EAFNOSUPPORT;
    if (this.binding === null) {
      const bound = this.bind(null, 0);
      if (bound < 0) return bound;
    }
    const route = this.routeTo(remote, null);
    const resolved = this.udp.host.resolve(route);
    if (resolved < 0) return resolved;
    this.disconnect();
    route.source = route.chosenSource;
    const flow = new FlowTuple(route.chosenSource!, this.binding!.port, remote, port, 0);
    flow.owner = this;
    if (!this.udp.isFree(flow.local, flow.localPort, remote, port)) return -EADDRNOTAVAIL;
    this.flow = flow;
    this.connectedRoute = route;
    this.udp.flows.insert(flow);
    return 0;
  }

  /** For a forwarder: both ends given, the local one perhaps not an address of ours. */
  adopt(local: Address, localPort: number, remote: Address, remotePort: number): number {
    if (!this.udp.isFree(local, localPort, remote, remotePort)) return -EADDRNOTAVAIL;
    const route = this.routeTo(remote, local);
    route.anySource = true;
    const resolved = this.udp.host.resolve(route);
    if (resolved < 0) return resolved;
    this.flow = new FlowTuple(local, localPort, remote, remotePort, 0);
    this.flow.owner = this;
    this.connectedRoute = route;
    this.udp.flows.insert(this.flow);
    return 0;
  }

  /** connect(2) with AF_UNSPEC. */
  disconnect(): void {
    if (this.flow !== null) this.udp.flows.remove(this.flow);
    this.flow = null;
    this.connectedRoute = null;
  }

  routeGone(): void {
    this.connectedRoute?.invalidate();
  }

  private routeTo(remote: Address, source: Address | null): Route {
    const settings = this.settings;
    const route = new Route(remote);
    route.source = source ?? this.boundAddress;
    if (route.source?.isMulticast) route.source = null;
    const device = remote.isMulticast && settings.multicastInterface !== 0 ? settings.multicastInterface : 0;
    route.boundInterface = settings.device !== 0 ? settings.device : device;
    route.mark = settings.mark;
    route.tos = settings.typeOfService;
    route.anySource = settings.transparent || settings.freeBind;
    route.broadcastAllowed = settings.broadcast;
    return route;
  }

  /**
   * Sends one datagram, or with settings.segmentSize a train. Returns `length`; -EDESTADDRREQ, -EMSGSIZE, -EACCES, -EPIPE, an
   * error reported earlier, or what the network layer says. `more` holds the bytes back (UDP_CORK, MSG_MORE).
   */
  send(
    from: Uint8Array,
    offset: number,
    length: number,
    remote: Address | null = null,
    port = 0,
    more = false,
  ): number {
    if ((this.halves & UDP_SHUTDOWN_SEND) !== 0) return -EPIPE;
    if (this.error !== 0) return -this.takeError();
    if (remote === null && this.flow === null) return -EDESTADDRREQ;
    if (remote !== null && port === 0) return -EINVAL;
    if (more || this.settings.cork || this.corked !== null) {
      return this.sendCorked(from, offset, length, remote, port, more || this.settings.cork);
    }
    return this.sendNow(from, offset, length, remote, port);
  }

  private sendNow(
    from: Uint8Array,
    offset: number,
    length: number,
    remote: Address | null,
    port: number,
  ): number {
    if (length > MAX_PAYLOAD) return -EMSGSIZE;
    if (this.binding === null && this.flow === null) {
      const bound = this.bind(null, 0);
      if (bound < 0) return bound;
    }
    const route = remote === null ? this.connectedRoute! : this.unconnectedRoute(remote);
    const resolved = this.udp.host.resolve(route);
    if (resolved < 0) return resolved;
    if (route.isBroadcast && !this.settings.broadcast) return -EACCES;
    const toPort = remote === null ? this.flow!.remotePort : port;
    return sendDatagram(this, route, toPort, from, offset, length);
  }

  /**
   * Sends from a chosen address by a chosen interface (IP_PKTINFO on sendmsg). The address need not be ours if the socket is
   * transparent: a DHCP client sends from 0.0.0.0.
   */
  sendFrom(
    source: Address,
    interfaceIndex: number,
    remote: Address,
    port: number,
    from: Uint8Array,
    offset: number,
    length: number,
  ): number {
    if (length > MAX_PAYLOAD) return -EMSGSIZE;
    const route = this.routeTo(remote, source);
    route.boundInterface = interfaceIndex;
    const resolved = this.udp.host.resolve(route);
    if (resolved < 0) return resolved;
    return sendDatagram(this, route, port, from, offset, length);
  }

  /** One route is kept for unconnected sends: a server answers one peer after the other, a client the same. */
  private unconnectedRoute(remote: Address): Route {
    const kept = this.scratchRoute;
    if (kept?.destination.equals(remote) === true) return kept;
    const route = this.routeTo(remote, null);
    this.scratchRoute = route;
    return route;
  }

  private sendCorked(
    from: Uint8Array,
    offset: number,
    length: number,
    remote: Address | null,
    port: number,
    hold: boolean,
  ): number {
    const before = this.corked ?? new Uint8Array(0);
    if (before.length + length > MAX_PAYLOAD) return -EMSGSIZE;
    const joined = new Uint8Array(before.length + length);
    joined.set(before);
    copyBytes(joined, before.length, from, offset, length);
    this.corked = hold ? joined : null;
    if (hold) return length;
    const result = this.sendNow(joined, 0, joined.length, remote, port);
    return result < 0 ? result : length;
  }

  /** Takes options; `settings` is a modified clone. */
  configure(settings: UdpSettings): void {
    const uncorked = this.settings.cork && !settings.cork && this.corked !== null;
    this.settings = settings;
    if (this.binding !== null) this.binding.allowSharing(settings.reuseAddress, settings.reusePort);
    this.scratchRoute = null;
    this.connectedRoute?.invalidate();
    if (!uncorked || this.flow === null) return;
    const bytes = this.corked!;
    this.corked = null;
    this.sendNow(bytes, 0, bytes.length, null, 0);
  }

  /** Called by the protocol: `packet` spans the payload, its cookies are the ports. Takes the packet. */
  enqueue(packet: PacketBuffer): void {
    if (this.filter !== null && !this.passes(packet, this.filter)) {
      this.udp.countersFor(packet.destination).inErrors++;
      packet.release();
    } else this.queue(packet);
  }

  /** A filter sees the header too, which it can't take away. Trains pass or are dropped as one. */
  private passes(packet: PacketBuffer, filter: PacketFilter): boolean {
    const start = packet.start - UDP_HEADER_LENGTH;
    const type = packet.destination?.isV4 === false ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4;
    const keep = filter.acceptPacket(packet, start, packet.interfaceIndex, type, false) - UDP_HEADER_LENGTH;
    if (packet.gsoSize === 0 && keep < packet.length) packet.trim(Math.max(keep, 0));
    return keep > -UDP_HEADER_LENGTH;
  }

  private queue(packet: PacketBuffer): void {
    if (packet.gsoSize > 0 && !this.settings.receiveTrains && packet.length > packet.gsoSize) {
      this.enqueueParts(packet);
      return;
    }
    const cost = packet.length + PACKET_OVERHEAD;
    if (this.queued > 0 && this.queuedBytes + cost > this.settings.receiveBuffer) {
      this.dropped++;
      this.udp.countersFor(packet.destination).receiveBufferErrors++;
      packet.release();
      return;
    }
    packet.next = null;
    if (this.last === null) this.first = packet;
    else this.last.next = packet;
    this.last = packet;
    this.queuedBytes += cost;
    this.queued++;
    this.udp.countersFor(packet.destination).inDatagrams++;
    this.udp.wake(this, READY_READ);
  }

  /** A train for a socket that wants single datagrams: handles over the same bytes. */
  private enqueueParts(packet: PacketBuffer): void {
    const size = packet.gsoSize;
    for (let at = packet.start; at < packet.end; at += size) {
      const part = packet.clone();
      part.start = at;
      part.end = Math.min(at + size, packet.end);
      part.gsoSize = 0;
      this.queue(part);
    }
    packet.release();
  }

  /**
   * Copies the oldest datagram, up to `length` bytes of it; the rest is lost. Returns the bytes copied, and the whole length in
   * `message`. -EAGAIN, or an error once; 0 after shutdown(SHUT_RD) as for an empty datagram.
   */
  receive(
    into: Uint8Array,
    offset: number,
    length: number,
    flags = 0,
    message: UdpMessage | null = null,
  ): number {
    if (this.error !== 0) return -this.takeError();
    const packet = this.first;
    if (packet === null) return (this.halves & UDP_SHUTDOWN_RECEIVE) !== 0 ? 0 : -EAGAIN;
    const count = Math.min(length, packet.length);
    packet.copyRange(packet.start, into, offset, count);
    if (message !== null) describe(packet, message);
    if ((flags & UDP_PEEK) === 0) this.takePacket()!.release();
    return count;
  }

  /** Zero copy: the oldest datagram as it came, start..end being its payload; the caller must release it. */
  takePacket(): PacketBuffer | null {
    const packet = this.first;
    if (packet === null) return null;
    this.first = packet.next;
    if (this.first === null) this.last = null;
    packet.next = null;
    this.queued--;
    this.queuedBytes -= packet.length + PACKET_OVERHEAD;
    return packet;
  }

  /** Length of the oldest datagram (FIONREAD), -1 if there is none. */
  get nextLength(): number {
    return this.first === null ? -1 : this.first.length;
  }

  /** The oldest entry of the error queue (MSG_ERRQUEUE), or null. */
  takeQueuedError(): UdpError | null {
    return this.errors.shift() ?? null;
  }

  /** Called by the protocol with an ICMP error about a datagram of this socket. */
  noteError(packet: PacketBuffer, error: IcmpError, remotePort: number): void {
    if (this.settings.receiveErrors && this.errors.length < MAX_ERRORS) {
      const payload = packet.bytes.slice(packet.start + UDP_HEADER_LENGTH, packet.end);
      this.errors.push(
        new UdpError(
          error.errno,
          error.origin,
          error.type,
          error.code,
          error.mtu,
          error.offender,
          packet.destination!,
          remotePort,
          payload,
        ),
      );
      this.udp.wake(this, READY_ERROR | READY_PRIORITY);
    }
    const reports = this.settings.receiveErrors || (this.flow !== null && error.fatal);
    if (!reports) return;
    this.error = error.errno;
    this.udp.wake(this, READY_ERROR);
  }

  takeError(): number {
    const error = this.error;
    this.error = 0;
    return error;
  }

  /** -ENOTCONN without a peer, but the halves are shut all the same, as on Linux. */
  shutdown(halves: number): number {
    this.halves |= halves;
    this.udp.wake(this, READY_READ | READY_READ_HANGUP);
    return this.flow === null ? -ENOTCONN : 0;
  }

  close(): void {
    this.owner = null;
    this.disconnect();
    this.memberships.leaveAll();
    for (let packet = this.takePacket(); packet !== null; packet = this.takePacket()) packet.release();
    if (this.binding === null) return;
    this.udp.table.remove(this, this.binding.port);
    this.udp.ports.release(this.binding);
    this.binding = null;
  }

  /** READY_* bits. */
  get ready(): number {
    let bits = READY_WRITE;
    if (this.first !== null) bits |= READY_READ;
    if (this.error !== 0 || this.errors.length > 0) bits |= READY_ERROR;
    if ((this.halves & UDP_SHUTDOWN_RECEIVE) !== 0) bits |= READY_READ | READY_READ_HANGUP;
    if (this.halves === (UDP_SHUTDOWN_RECEIVE | UDP_SHUTDOWN_SEND)) bits |= READY_HANGUP;
    return bits;
  }

  /** How well an unconnected socket fits a datagram; 0: not at all. */
  score(packet: PacketBuffer, _remotePort: number): number {
    if (this.flow !== null || this.binding === null) return 0;
    const address = this.binding.address;
    let score = 1;
    if (address !== null) {
      if (!address.equals(packet.destination!)) return 0;
      score += 4;
    } else if (packet.destination!.isV4) {
      if (this.isV6 && this.settings.v6Only) return 0;
      if (!this.isV6) score += 2;
    } else if (!this.isV6) return 0;
    if (this.settings.device !== 0) {
      if (this.settings.device !== packet.interfaceIndex) return 0;
      score += 8;
    }
    return score;
  }

  /** True if a copy of a multicast or broadcast datagram goes here. */
  wantsGroup(packet: PacketBuffer, remotePort: number): boolean {
    const destination = packet.destination!;
    if (this.flow !== null) {
      if (!this.flow.remote.equals(packet.source!) || this.flow.remotePort !== remotePort) return false;
    }
    const address = this.boundAddress;
    if (address !== null && !address.equals(destination)) return false;
    if (address === null && destination.isV4 && this.isV6 && this.settings.v6Only) return false;
    if (!destination.isV4 && !this.isV6) return false;
    if (this.settings.device !== 0 && this.settings.device !== packet.interfaceIndex) return false;
    if (!destination.isMulticast) return true;
    return this.memberships.admits(packet, this.settings.multicastAll);
  }
}

function describe(packet: PacketBuffer, message: UdpMessage): void {
  message.source = packet.source;
  message.sourcePort = packet.cookie;
  message.destination = packet.destination;
  message.destinationPort = packet.cookie2;
  message.interfaceIndex = packet.interfaceIndex;
  message.hopLimit = packet.ttl;
  message.options = optionsOf(packet);
  message.extensions = extensionsOf(packet);
  message.typeOfService = packet.tos;
  message.timestamp = packet.timestamp;
  message.segmentSize = packet.gsoSize;
  message.length = packet.length;
}

function optionsOf(packet: PacketBuffer): Uint8Array | null {
  const start = packet.networkOffset + IPV4_HEADER;
  const v4 = packet.networkOffset >= 0 && packet.destination?.isV4 === true;
  return v4 && packet.transportOffset > start ? packet.bytes.slice(start, packet.transportOffset) : null;
}

function extensionsOf(packet: PacketBuffer): readonly (readonly [number, Uint8Array])[] | null {
  const at = packet.networkOffset;
  if (at < 0 || packet.destination?.isV4 !== false || packet.transportOffset <= at + IPV6_HEADER) return null;
  return listExtensions(packet.bytes, packet.view.getUint8(at + 6), at + IPV6_HEADER, packet.transportOffset);
}

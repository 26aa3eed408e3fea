// The network layer: interfaces, addresses, routes, filters, and what transports may ask of it (TransportHost). The ways of
// packets are in ipv4-input, ipv6-input, forward and output; this file is what they share.

import { type Address, AddressCache, ANY_V4 } from '../address.js';
import { EHOSTUNREACH, EINVAL, ENODEV } from '../errno.js';
import type { LinkDevice } from '../link/device.js';
import {
  type DeferredOwner,
  type IcmpError,
  type RandomSource,
  Route,
  type TransportHost,
  type TransportProtocol,
} from '../roles.js';
import { KEEP_BOXED } from '../storage/boxed.js';
import { PACKET_LOOPBACK, type PacketBuffer, type PacketPool } from '../storage/packet-buffer.js';
import { PacketQueue } from '../storage/packet-queue.js';
import type { TimerWheel } from '../storage/timer-wheel.js';
import {
  ICMP4_TIME_EXCEEDED,
  ICMP4_UNREACHABLE,
  ICMP6_TIME_EXCEEDED,
  ICMP6_UNREACHABLE,
} from '../wire/icmp.js';
import { AddressBook } from './address-book.js';
import { NetworkCounters } from './counters.js';
import { HookTable } from './hooks.js';
import { IcmpSender } from './icmp-sender.js';
import { type InterfaceOptions, NetInterface } from './interface.js';
import type { InterfaceAddress } from './interface-address.js';
import { receiveIpv4 } from './ipv4-input.js';
import { receiveIpv6 } from './ipv6-input.js';
import { MulticastForwarder } from './multicast-forward.js';
import { type NeighbourEntry, type NeighbourTable, NUD_FAILED } from './neighbour.js';
import { sendByRoute } from './output.js';
import { PacketEndpoints } from './packet-endpoint.js';
import { PathMtuCache, type PathMtuEntry } from './path-mtu.js';
import type { IcmpLimits } from './rate-limit.js';
import { RawEndpoints } from './raw-endpoint.js';
import { Reassembler, type ReassemblyOptions, type ReassemblyOwner } from './reassembly.js';
import { RedirectCache } from './redirect.js';
import { resolveRoute } from './resolve.js';
import { type RouteEntry, type RouteQuery, RoutingTables } from './routing.js';

/** How long a next hop that did not answer is left alone (Linux's gc_stale_time). */
const DEAD_HOP_TIME = 60_000_000;

export interface NetworkOptions {
  readonly reassembly?: ReassemblyOptions;
  readonly icmpLimits?: IcmpLimits;
  /** Default true. */
  readonly answerEcho?: boolean;
}

/** Told of what happens to interfaces and addresses. */
export interface NetworkObserver {
  /** An address may be used now. */
  addressReady?(interfaceIndex: number, address: Address): void;
  /** Duplicate address detection found another user. */
  addressFailed?(interfaceIndex: number, address: Address): void;
  linkChanged?(interfaceIndex: number): void;
}

/** Who knows flows that were translated: conntrack. */
export interface TranslationLookup {
  originalDestination(packet: PacketBuffer): Address | null;
  originalDestinationPort(packet: PacketBuffer): number;
}

export class NetworkLayer implements TransportHost, ReassemblyOwner {
  readonly pool: PacketPool;
  readonly timers: TimerWheel;
  readonly random: RandomSource;
  readonly addresses: AddressCache;
  /** Of IPv4 and ICMP; `counters6` of IPv6 and ICMPv6. */
  readonly counters: NetworkCounters;
  readonly counters6: NetworkCounters;
  readonly routing: RoutingTables;
  readonly pathMtu: PathMtuCache;
  readonly reassembly: Reassembler;
  readonly hooks: HookTable;
  readonly icmp: IcmpSender;
  readonly rawEndpoints: RawEndpoints;
  readonly packetEndpoints: PacketEndpoints;
  readonly transports: (TransportProtocol | null)[];
  readonly book: AddressBook;
  /** Microseconds from this stack's clock to wall time; -1: not known. */
  wallOffset = -1;
  readonly redirects: RedirectCache;
  readonly multicast: MulticastForwarder;
  readonly loopback: NetInterface;
  /** The one ICMP error object; see IcmpError. */
  readonly icmpError: IcmpError;
  answerEcho: boolean;
  observer: NetworkObserver | null;
  translations: TranslationLookup | null;
  /** True when a device or the backlog has something for the next poll. */
  hasWork: boolean;
  /** When a device wants to be polled at the latest. */
  deviceDeadline: number;
  readonly deferred: DeferredOwner[];
  private readonly backlog: PacketQueue;
  private readonly interfaces: (NetInterface | null)[];
  private readonly identifications: Uint16Array;
  private readonly identificationKey: number;
  private readonly query: RouteQuery;
  private readonly spareRoutes: Route[];
  private time: number;
  private changes: number;

  constructor(
    pool: PacketPool,
    timers: TimerWheel,
    random: RandomSource,
    loopback: LinkDevice,
    now: number,
    options: NetworkOptions,
  ) {
    this.pool = pool;
    this.timers = timers;
    this.random = random;
    this.addresses = new AddressCache();
    this.counters = new NetworkCounters();
    this.counters6 = new NetworkCounters();
    this.routing = new RoutingTables();
    this.routing.isUsable = (path) => this.isUsablePath(path);
    this.pathMtu = new PathMtuCache();
    this.reassembly = new Reassembler(timers, this, options.reassembly ?? {});
    this.hooks = new HookTable();
    this.icmp = new IcmpSender(this, options.icmpLimits ?? {});
    this.rawEndpoints = new RawEndpoints();
    this.packetEndpoints = new PacketEndpoints();
    this.transports = new Array<TransportProtocol | null>(256).fill(null);
    this.icmpError = {
      errno: 0,
      fatal: false,
      type: 0,
      code: 0,
      mtu: 0,
      offender: ANY_V4,
      origin: 0,
      interfaceIndex: 0,
    };
    this.answerEcho = options.answerEcho ?? true;
    this.observer = null;
    this.translations = null;
    this.hasWork = false;
    this.deviceDeadline = Number.POSITIVE_INFINITY;
    this.deferred = [];
    this.backlog = new PacketQueue(4096, 8 << 20);
    this.interfaces = [null];
    this.identifications = new Uint16Array(2048);
    this.identificationKey = random.next32() | 0;
    for (let i = 0; i < 2048; i++) this.identifications[i] = random.next32() & 0xffff;
    this.spareRoutes = [];
    this.query = {
      destination: ANY_V4,
      source: null,
      inInterface: 0,
      outInterface: 0,
      mark: 0,
      tos: 0,
      uid: 0,
      onLinkOnly: false,
    };
    this.time = KEEP_BOXED;
    this.time = now;
    this.changes = 1;
    this.redirects = new RedirectCache();
    this.multicast = new MulticastForwarder(this);
    this.book = new AddressBook(this);
    this.loopback = this.addInterface(loopback, { name: 'lo' });
    this.book.startLoopback(this.loopback);
  }

  // --- time and work ---

  now(): number {
    return this.time;
  }

  /** Never goes back. */
  setTime(now: number): void {
    if (now > this.time) this.time = now;
  }

  noteWork(): void {
    this.hasWork = true;
  }

  defer(owner: DeferredOwner): void {
    this.hasWork = true;
    if (owner.deferredQueued) return;
    owner.deferredQueued = true;
    this.deferred.push(owner);
  }

  /** A packet of our own that we shall hear too. Takes ownership. */
  queueBacklog(packet: PacketBuffer): void {
    this.hasWork = true;
    if (!this.backlog.push(packet)) packet.release();
  }

  /** One round: backlog, devices, deferred owners. Leaves in `deviceDeadline` when a device wants to be polled next. */
  pollOnce(): void {
    let next = Number.POSITIVE_INFINITY;
    this.hasWork = false;
    for (let left = this.backlog.packets; left > 0; left--)
      this.receiveOwn(this.backlog.shift() as PacketBuffer);
    for (let i = 1; i < this.interfaces.length; i++) {
      const iface = this.interfaces[i] as NetInterface | null;
      if (iface !== null) next = Math.min(next, iface.device.poll(this.time));
    }
    const count = this.deferred.length;
    for (let i = 0; i < count; i++) {
      const owner = this.deferred[i] as DeferredOwner;
      owner.deferredQueued = false;
      owner.runDeferred(this.time);
    }
    if (count > 0) this.forgetDeferred(count);
    this.deviceDeadline = next;
  }

  private forgetDeferred(count: number): void {
    const { deferred } = this;
    const left = deferred.length - count;
    for (let i = 0; i < left; i++) deferred[i] = deferred[i + count] as DeferredOwner;
    deferred.length = left;
  }

  private receiveOwn(packet: PacketBuffer): void {
    const iface = this.interfaces[packet.interfaceIndex] ?? null;
    packet.flags |= PACKET_LOOPBACK;
    if (iface === null) packet.release();
    else if (packet.view.getUint8(packet.start) >>> 4 === 4) receiveIpv4(this, iface, packet);
    else receiveIpv6(this, iface, packet);
  }

  // --- interfaces ---

  /** Attaches a device; the interface is down. */
  addInterface(device: LinkDevice, options: InterfaceOptions): NetInterface {
    let index = this.interfaces.indexOf(null, 1);
    if (index < 0) index = this.interfaces.length;
    const iface = new NetInterface(this, index, device, options);
    this.interfaces[index] = iface;
    device.attach(iface);
    this.changed();
    return iface;
  }

  removeInterface(iface: NetInterface): number {
    if (this.interfaces[iface.index] !== iface || iface === this.loopback) return -EINVAL;
    iface.advertiser.stop();
    this.book.takeDown(iface);
    for (const held of [...iface.addresses]) this.book.remove(iface, held.address);
    this.routing.removeInterface(iface.index);
    iface.neighbours.flush(true);
    this.redirects.forget(null, iface.index);
    iface.device.attach(null);
    this.interfaces[iface.index] = null;
    this.changed();
    return 0;
  }

  interfaceByIndex(index: number): NetInterface | null {
    return this.interfaces[index] ?? null;
  }

  interfaceList(): NetInterface[] {
    return this.interfaces.filter((iface): iface is NetInterface => iface !== null);
  }

  /** The first that is up and not loopback; else loopback. */
  firstInterface(): NetInterface | null {
    for (const iface of this.interfaces) if (iface?.isUp && !iface.isLoopback) return iface;
    return this.loopback;
  }

  interfaceChanged(iface: NetInterface): void {
    this.changed();
    this.observer?.linkChanged?.(iface.index);
  }

  /** Routes that were resolved hold no longer. */
  changed(): void {
    this.changes++;
  }

  get generation(): number {
    return this.changes + this.routing.generation + this.pathMtu.generation + this.redirects.generation;
  }

  // --- addresses ---

  /** Milliseconds since midnight; marked non-standard (RFC 791, RFC 792) where the stack knows no wall clock. */
  stampTime(): number {
    const known = this.wallOffset >= 0;
    const time = Math.floor((this.now() + (known ? this.wallOffset : 0)) / 1000) % 86_400_000;
    return known ? time : (0x80000000 + time) >>> 0;
  }

  isLocalAddress(address: Address, interfaceIndex: number): boolean {
    return this.book.isLocal(address, interfaceIndex);
  }

  isBroadcastAddress(address: Address): boolean {
    if (!address.isV4) return false;
    if (address.w3 === -1) return true;
    for (let i = 1; i < this.interfaces.length; i++) {
      if (this.interfaces[i]?.isBroadcast(address) === true) return true;
    }
    return false;
  }

  interfaceOfBroadcast(address: Address, bound: number): NetInterface | null {
    if (bound !== 0) return this.interfaceByIndex(bound);
    if (address.w3 === -1) return null;
    for (const iface of this.interfaces) if (iface?.isBroadcast(address) === true) return iface;
    return null;
  }

  isTentative(address: Address, iface: NetInterface): boolean {
    const held = iface.findAddress(address);
    return held !== null && !held.isUsable;
  }

  interfaceForSource(source: Address): number {
    for (const iface of this.interfaces) if (iface?.findAddress(source) != null) return iface.index;
    return 0;
  }

  addAddressWith(
    iface: NetInterface,
    address: Address,
    prefixLength: number,
    auto: boolean,
  ): InterfaceAddress {
    return this.book.add(iface, address, prefixLength, auto);
  }

  addressReady(iface: NetInterface, held: InterfaceAddress): void {
    this.changed();
    this.book.becameReady(iface, held);
    this.observer?.addressReady?.(iface.index, held.address);
  }

  addressFailed(iface: NetInterface, held: InterfaceAddress): void {
    this.changed();
    this.observer?.addressFailed?.(iface.index, held.address);
  }

  lifetimesChanged(_iface: NetInterface): void {
    this.book.scheduleExpiry();
  }

  addRoute(route: RouteEntry): number {
    const result = this.routing.add(route);
    this.book.scheduleExpiry();
    return result;
  }

  // --- routes ---

  /** Of a route with several next hops: the interface is up and the next hop not known to be dead. */
  private isUsablePath(path: RouteEntry): boolean {
    const iface = this.interfaceByIndex(path.interfaceIndex);
    if (iface === null || !iface.isUp) return false;
    const hop = path.gateway === null ? null : iface.neighbours.lookup(path.gateway);
    return hop === null || hop.state !== NUD_FAILED || this.time - hop.failedAt > DEAD_HOP_TIME;
  }

  lookupRoute(route: Route, source: Address | null): RouteEntry | null {
    const query = this.query;
    query.destination = route.destination;
    query.source = source;
    query.inInterface = 0;
    query.outInterface = route.boundInterface;
    query.mark = route.mark;
    query.tos = route.tos;
    query.uid = route.uid;
    query.onLinkOnly = route.onLinkOnly;
    return this.routing.lookup(query);
  }

  private lookupFor(packet: PacketBuffer, inInterface: number): RouteEntry | null {
    const query = this.query;
    query.destination = packet.destination as Address;
    query.source = packet.source;
    query.inInterface = inInterface;
    query.outInterface = 0;
    query.mark = packet.mark;
    query.tos = packet.tos;
    query.uid = 0;
    query.onLinkOnly = false;
    return this.routing.lookup(query);
  }

  routeForForwarding(packet: PacketBuffer, inInterface: number): RouteEntry | null {
    return this.lookupFor(packet, inInterface);
  }

  /** Whether a route of kind "local" (AnyIP, tproxy) makes the packet ours. */
  isLocalByRoute(packet: PacketBuffer, inInterface: number): boolean {
    return this.lookupFor(packet, inInterface)?.kind === 'local';
  }

  /** A Route for one send of the stack's own; to be given back by `returnRoute`. Sends nest, so there may be several. */
  borrowRoute(destination: Address): Route {
    const route = this.spareRoutes.pop();
    if (route === undefined) return new Route(destination);
    route.reset(destination);
    return route;
  }

  returnRoute(route: Route): void {
    this.spareRoutes.push(route);
  }

  countersFor(v4: boolean): NetworkCounters {
    return v4 ? this.counters : this.counters6;
  }

  resolve(route: Route): number {
    if (route.generation === this.generation) {
      const learnt = route.pathMtuEntry as PathMtuEntry | null;
      if (learnt === null || learnt.expires > this.time) return 0;
    }
    return resolveRoute(this, route);
  }

  send(packet: PacketBuffer, route: Route): number {
    const error = this.resolve(route);
    if (error < 0) {
      this.countersFor(route.destination.isV4).outNoRoutes++;
      packet.release();
      return error;
    }
    return sendByRoute(this, packet, route);
  }

  sendResolved(packet: PacketBuffer, route: Route): number {
    return sendByRoute(this, packet, route);
  }

  confirmReachable(route: Route): void {
    const entry = route.neighbour as NeighbourEntry | null;
    if (entry !== null) (entry.table as NeighbourTable).confirm(entry);
  }

  probedMtu(route: Route, mtu: number, works: boolean): void {
    if (works) this.pathMtu.raise(route.destination, mtu, this.time);
    else this.pathMtu.lower(route.destination, mtu - 1, route.mtu, this.time);
  }

  /** IPv4 identification, `count` at once (RFC 6864: unique per pair while fragments may live). */
  nextIdentification(destination: Address, count: number): number {
    const slot = Math.imul(destination.hash ^ this.identificationKey, 0x9e3779b1) >>> 21;
    const id = this.identifications[slot] as number;
    this.identifications[slot] = (id + count) & 0xffff;
    return id;
  }

  nextFragmentId(_destination: Address): number {
    return this.random.next32();
  }

  // --- ICMP ---

  refuse(packet: PacketBuffer, reason: number): void {
    this.icmp.refuse(packet, reason);
    packet.release();
  }

  /** `start` of the quoted transport header; the packet's addresses are set to the quoted ones for the call. */
  reportIcmpError(
    packet: PacketBuffer,
    error: IcmpError,
    source: Address,
    destination: Address,
    protocol: number,
    quoted: number,
  ): void {
    if (!this.isLocalAddress(source, 0)) return;
    if (error.mtu > 0) this.learnMtu(source, destination, error.mtu);
    packet.start = quoted;
    packet.source = source;
    packet.destination = destination;
    packet.protocol = protocol;
    this.transports[protocol]?.icmpError(packet, error);
  }

  private learnMtu(source: Address, destination: Address, mtu: number): void {
    const route = this.borrowRoute(destination);
    route.source = source;
    const unaffected = this.resolve(route) < 0 || route.isLocal;
    const lowered = !unaffected && this.pathMtu.lower(destination, mtu, route.mtu, this.time);
    this.returnRoute(route);
    if (!lowered) return;
    for (const transport of this.transports) transport?.pmtuChanged(destination, mtu);
  }

  reassemblyTimedOut(first: PacketBuffer): void {
    if ((first.destination as Address).isV4) this.icmp.sendError4(first, ICMP4_TIME_EXCEEDED, 1, 0);
    else this.icmp.sendError6(first, ICMP6_TIME_EXCEEDED, 1, 0);
  }

  /** Address resolution gave up on a packet. Its transport, if it is ours, and its sender, if not, are told. Takes ownership. */
  neighbourUnreachable(packet: PacketBuffer): void {
    const source = packet.source;
    const destination = packet.destination;
    if (source === null || destination === null || packet.transportOffset < 0) {
      packet.release();
      return;
    }
    if (!this.isLocalAddress(source, 0)) {
      if (destination.isV4) this.icmp.sendError4(packet, ICMP4_UNREACHABLE, 1, 0);
      else this.icmp.sendError6(packet, ICMP6_UNREACHABLE, 3, 0);
    } else if (packet.end - packet.transportOffset >= 8) this.reportUnreachable(packet, source, destination);
    packet.release();
  }

  private reportUnreachable(packet: PacketBuffer, source: Address, destination: Address): void {
    const error = this.icmpError;
    error.errno = EHOSTUNREACH;
    error.fatal = false;
    error.type = destination.isV4 ? ICMP4_UNREACHABLE : ICMP6_UNREACHABLE;
    error.code = destination.isV4 ? 1 : 3;
    error.mtu = 0;
    error.offender = source;
    error.origin = 1;
    error.interfaceIndex = packet.interfaceIndex;
    this.reportIcmpError(packet, error, source, destination, packet.protocol, packet.transportOffset);
  }

  // --- groups ---

  joinGroup(group: Address, interfaceIndex: number): number {
    return this.interfaceForGroup(group, interfaceIndex)?.groups.join(group) ?? -ENODEV;
  }

  leaveGroup(group: Address, interfaceIndex: number): number {
    return this.interfaceForGroup(group, interfaceIndex)?.groups.leave(group) ?? -ENODEV;
  }

  setGroupFilter(
    group: Address,
    interfaceIndex: number,
    exclude: boolean,
    sources: readonly Address[],
  ): number {
    return (
      this.interfaceForGroup(group, interfaceIndex)?.groups.setFilter(group, exclude, sources) ?? -ENODEV
    );
  }

  private interfaceForGroup(group: Address, index: number): NetInterface | null {
    if (index !== 0) return this.interfaceByIndex(index);
    const route = this.borrowRoute(group);
    const entry = this.lookupRoute(route, null);
    this.returnRoute(route);
    return (entry === null ? null : this.interfaceByIndex(entry.interfaceIndex)) ?? this.firstInterface();
  }

  // --- translation ---

  originalDestination(packet: PacketBuffer): Address | null {
    return this.translations?.originalDestination(packet) ?? null;
  }

  originalDestinationPort(packet: PacketBuffer): number {
    return this.translations?.originalDestinationPort(packet) ?? 0;
  }

  register(transport: TransportProtocol): void {
    this.transports[transport.protocol] = transport;
  }
}

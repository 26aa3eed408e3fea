// The roles between the layers: what a transport protocol gets from the network layer and what it may ask of it.
// Everything runs in one thread inside Stack.input/poll or a call of the user; nothing here blocks or returns a promise.
// Results are 0 or negative error numbers. Packets have one owner: who is handed one must pass it on or release it.
import type { Address, AddressCache } from './address.js';
import type { PacketBuffer, PacketPool } from './storage/packet-buffer.js';
import type { TimerWheel } from './storage/timer-wheel.js';

/** Uniform random numbers. Cryptographic in production, seeded in tests. */
export interface RandomSource {
  /** An integer in 0..2^32-1. */
  next32(): number;
}

/** Where the network layer will look first and last: selects a route and remembers it. Made once per endpoint. */
export class Route {
  // What is asked. After changing any of these call invalidate().
  destination: Address;
  /** null: let RFC 6724 choose. */
  source: Address | null;
  /** Bound interface (SO_BINDTODEVICE, scope id), 0 for any. */
  boundInterface: number;
  mark: number;
  tos: number;
  uid: number;
  /** IP_TRANSPARENT / IP_FREEBIND: the source need not be one of our addresses. */
  anySource: boolean;
  /** SO_DONTROUTE: only directly connected destinations. */
  onLinkOnly: boolean;
  /** SO_BROADCAST: without it a broadcast destination is EACCES. */
  broadcastAllowed: boolean;

  // What was found by TransportHost.resolve.
  /** Whether the answer still holds is known to the network layer by this number; -1 is never valid. */
  generation: number;
  /** The source address to write; equals `source` when that was given. */
  chosenSource: Address | null;
  nextHop: Address | null;
  interfaceIndex: number;
  /** Largest IP packet now believed to reach the destination (device MTU, route metric, path MTU cache). */
  mtu: number;
  /** True when packets never leave this stack. */
  isLocal: boolean;
  isBroadcast: boolean;
  isMulticast: boolean;
  /** The device completes CHECKSUM_PARTIAL itself (or loopback needs none). Partial is always allowed; this is a hint. */
  checksumOffload: boolean;
  /**
   * Largest payload + headers of a GSO packet, at most 65,535. Always usable: what the device can't split is split in
   * software on the way out.
   */
  gsoMaxSize: number;
  /** Hop limit of the route or the default of the family. */
  hopLimit: number;
  /** Route metrics from the routing table, 0 when not set. */
  advertisedMss: number;
  initialWindow: number;
  initialRtt: number;
  /** For the network layer: its cached next-hop and interface objects. */
  neighbour: object | null;
  device: object | null;
  pathMtuEntry: object | null;

  constructor(destination: Address) {
    this.destination = destination;
    this.source = null;
    this.boundInterface = 0;
    this.mark = 0;
    this.tos = 0;
    this.uid = 0;
    this.anySource = false;
    this.onLinkOnly = false;
    this.broadcastAllowed = false;
    this.generation = -1;
    this.chosenSource = null;
    this.nextHop = null;
    this.interfaceIndex = 0;
    this.mtu = 0;
    this.isLocal = false;
    this.isBroadcast = false;
    this.isMulticast = false;
    this.checksumOffload = false;
    this.gsoMaxSize = 0;
    this.hopLimit = 64;
    this.advertisedMss = 0;
    this.initialWindow = 0;
    this.initialRtt = 0;
    this.neighbour = null;
    this.device = null;
    this.pathMtuEntry = null;
  }

  /** As new, for another destination: for owners that send to many with one object. */
  reset(destination: Address): void {
    this.destination = destination;
    this.source = null;
    this.boundInterface = 0;
    this.mark = 0;
    this.tos = 0;
    this.uid = 0;
    this.anySource = false;
    this.onLinkOnly = false;
    this.broadcastAllowed = false;
    this.generation = -1;
  }

  /** Forgets the answer; the next send or resolve looks again. */
  invalidate(): void {
    this.generation = -1;
  }
}

/** An ICMP or ICMPv6 error, or a local one, about a packet that this stack sent. One object is reused: copy what you keep. */
export interface IcmpError {
  /** Positive errno a socket reports: ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EMSGSIZE, EPROTO, … */
  errno: number;
  /** True when RFC 1122 (4.2.3.9) / RFC 5461 calls it hard: port or protocol unreachable, administratively prohibited. */
  fatal: boolean;
  type: number;
  code: number;
  /** Of EMSGSIZE: the next-hop MTU, already put in the path MTU cache. 0 otherwise. */
  mtu: number;
  /** Who sent the error (ee_offender). */
  offender: Address;
  /** SO_EE_ORIGIN_*: 1 local, 2 ICMP, 3 ICMPv6. */
  origin: number;
  interfaceIndex: number;
}

/**
 * What the network layer demands of a transport protocol (TCP, UDP). Registered once per IP protocol number and serving
 * both families.
 */
export interface TransportProtocol {
  /** IP protocol number. */
  readonly protocol: number;

  /**
   * A packet for this stack. `start` is at the transport header, `end` at the end of the IP payload; `source`,
   * `destination`, `ttl`, `tos`, `interfaceIndex`, `flags`, `checksum`, `gsoSize`, `networkOffset` are set, and the
   * addresses have been checked (no martians; `source` is never multicast or broadcast).
   * With CHECKSUM_NONE the transport verifies the checksum itself; PARTIAL and VERIFIED need no check. With gsoSize > 0 the
   * packet is a train of segments of gsoSize payload bytes behind one header.
   * Takes ownership of `packet`. To refuse it with an ICMP "port unreachable" call host.refuse(packet, …) with it.
   */
  deliver(packet: PacketBuffer): void;

  /**
   * An error about a packet this stack sent. `packet.start` is at the quoted transport header (at least 8 bytes follow,
   * nothing else is promised), `packet.source`/`destination` are those of the quoted packet: `source` is ours. The transport
   * must check that it fits one of its flows (RFC 5927). The caller keeps `packet`.
   */
  icmpError(packet: PacketBuffer, error: IcmpError): void;

  /** Path MTU towards `destination` was learnt or has aged. Routes have been invalidated. */
  pmtuChanged(destination: Address, mtu: number): void;

  /** A route, address or interface went: endpoints may want to look again. Called rarely. */
  routesChanged(): void;
}

/** Reasons for refuse(). */
export const REFUSE_PORT = 0;
export const REFUSE_PROTOCOL = 1;
export const REFUSE_ADMIN = 2;
export const REFUSE_HOST = 3;

/** What a transport may use. The stack supplies it. */
export interface TransportHost {
  readonly pool: PacketPool;
  readonly timers: TimerWheel;
  readonly random: RandomSource;
  readonly addresses: AddressCache;

  /** Microseconds of the clock given to the last Stack.poll/input/setTime; never goes back. */
  now(): number;

  /**
   * Fills the "found" part of `route`. Returns 0, or -ENETUNREACH, -EHOSTUNREACH, -EADDRNOTAVAIL (source is not ours), -EACCES
   * (broadcast not allowed, or a prohibit route), -EINVAL, -ENODEV, -ENETDOWN. Cheap when the route is still valid.
   */
  resolve(route: Route): number;

  /**
   * Sends a packet whose `start` is at the transport header, with at least HEADROOM in front (more is made if not).
   * Read from the packet: protocol, ttl (0: route.hopLimit), tos, flowLabel, mark, priority, flags (PACKET_DONT_FRAGMENT), checksum (+ offset),
   * gsoSize/gsoType, and `source` when not null (else route.chosenSource). Resolves `route` again if need be.
   * Takes ownership always. Returns 0, or an error of resolve, -EMSGSIZE (does not fit and DONT_FRAGMENT), -ENOBUFS (queue
   * full), -EPERM (a filter dropped it).
   */
  send(packet: PacketBuffer, route: Route): number;

  /** Answers `packet` (as given to deliver) with an ICMP error REFUSE_*, rate limited, and releases it. */
  refuse(packet: PacketBuffer, reason: number): void;

  /** True when `address` is one of ours (on interface `interfaceIndex`, 0 for any); multicast and broadcast are not. */
  isLocalAddress(address: Address, interfaceIndex: number): boolean;

  /** True for 255.255.255.255 and for subnet broadcasts of any interface. */
  isBroadcastAddress(address: Address): boolean;

  /** The neighbour answered: TCP tells of forward progress (RFC 4861, 7.3.1), which keeps the entry REACHABLE. */
  confirmReachable(route: Route): void;

  /**
   * The transport found by probing (RFC 4821) that packets of `mtu` bytes get through (`works`) or seem to be lost.
   * Changes the path MTU cache, and so `route.mtu`.
   */
  probedMtu(route: Route, mtu: number, works: boolean): void;

  /** Joins a group for the benefit of an endpoint; joins are counted. 0, -EINVAL, -ENODEV, -ENOBUFS. */
  joinGroup(group: Address, interfaceIndex: number): number;
  leaveGroup(group: Address, interfaceIndex: number): number;
  /**
   * Source filter (RFC 3376, RFC 3810) that the sockets on this interface want in sum: `exclude` with sources, or include.
   */
  setGroupFilter(
    group: Address,
    interfaceIndex: number,
    exclude: boolean,
    sources: readonly Address[],
  ): number;

  /**
   * For the interface on which the address lives, or the bound one: index of the interface multicast leaves by (0 if none).
   */
  interfaceForSource(source: Address): number;

  /**
   * The destination before DNAT/REDIRECT of the flow of `packet` (SO_ORIGINAL_DST); null when it was not translated.
   * `originalPort` follows with originalDestinationPort.
   */
  originalDestination(packet: PacketBuffer): Address | null;
  originalDestinationPort(packet: PacketBuffer): number;

  /**
   * Asks that `owner` be run when the current input or poll has handled what came in, before output is flushed: lets a
   * transport send one ACK for a batch. An owner is queued once.
   */
  defer(owner: DeferredOwner): void;
}

/** See TransportHost.defer. `queued` belongs to the host. */
export interface DeferredOwner {
  deferredQueued: boolean;
  runDeferred(now: number): void;
}

/** Readiness of an endpoint, as bits. */
export const READY_READ = 1 << 0;
export const READY_WRITE = 1 << 1;
export const READY_ERROR = 1 << 2;
/** Both directions are done. */
export const READY_HANGUP = 1 << 3;
/** The peer has finished sending. */
export const READY_READ_HANGUP = 1 << 4;
/** Urgent data, or something on an error queue. */
export const READY_PRIORITY = 1 << 5;

/** Chooses packets, as a socket filter program does. */
export interface PacketFilter {
  /** Bytes of [start..packet.end) to keep; 0 to drop. */
  acceptPacket(
    packet: PacketBuffer,
    start: number,
    interfaceIndex: number,
    etherType: number,
    outgoing: boolean,
  ): number;
}

/** Chooses among the sockets of a port (SO_ATTACH_REUSEPORT_CBPF). */
export interface PacketChooser {
  /** Index in the group, from [start..packet.end), the payload; out of it: nobody in particular. */
  choosePacket(packet: PacketBuffer, start: number, interfaceIndex: number, etherType: number): number;
}

/**
 * Who listens to an endpoint. One object serves many endpoints: `token` is what it gave when it registered. Called
 * from inside the stack: it may call back into the endpoint (read, write, close) but not into Stack.poll or input.
 */
export interface ReadinessOwner {
  endpointReady(token: number, events: number): void;
}

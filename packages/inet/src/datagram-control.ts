// Ancillary data of datagrams (ip(7), ipv6(7), udp(7), socket(7)): what a receiver asked to be told, what a sender may say, and the error
// queue's entries (struct sock_extended_err).
import {
  AF_INET,
  AF_INET6,
  CAP_NET_RAW,
  EINVAL,
  IP_CHECKSUM,
  IP_ORIGDSTADDR,
  IP_PKTINFO,
  IP_RECVERR,
  IP_RECVOPTS,
  IP_RECVORIGDSTADDR,
  IP_RECVTOS,
  IP_RECVTTL,
  IP_RETOPTS,
  IP_TOS,
  IP_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_UDP,
  IPV6_2292HOPLIMIT,
  IPV6_2292PKTINFO,
  IPV6_DSTOPTS,
  IPV6_HOPLIMIT,
  IPV6_HOPOPTS,
  IPV6_ORIGDSTADDR,
  IPV6_PKTINFO,
  IPV6_RECVDSTOPTS,
  IPV6_RECVERR,
  IPV6_RECVHOPLIMIT,
  IPV6_RECVHOPOPTS,
  IPV6_RECVORIGDSTADDR,
  IPV6_RECVPKTINFO,
  IPV6_RECVRTHDR,
  IPV6_RECVTCLASS,
  IPV6_RTHDR,
  IPV6_TCLASS,
  SO_RXQ_OVFL,
  SO_TIMESTAMP,
  SO_TIMESTAMPING,
  SO_TIMESTAMPNS,
  SOL_SOCKET,
  UDP_GRO,
  UDP_SEGMENT,
} from '@sandbox-kernel/abi';
import type { Clock } from '@sandbox-kernel/contracts';
import type { SocketMessage, Task } from '@sandbox-kernel/kernel';
import { Address, echoOptions, type UdpError } from '@sandbox-kernel/netstack';
import {
  headerOnce,
  isExtensionOption,
  PROTOCOL_DESTINATION,
  PROTOCOL_HOP_BY_HOP,
  PROTOCOL_ROUTING,
} from './extension-options.js';
import type { InetSocket } from './inet-socket.js';
import { parseIpOptions } from './ip-option-bytes.js';
import { intBytes, viewOf } from './option-bytes.js';
import { encodeName } from './sockaddr.js';

/** y2038-safe names of the same options; what they carry is the same on 64-bit. */
const SO_TIMESTAMP_NEW = 63;
const SO_TIMESTAMPNS_NEW = 64;
const SO_TIMESTAMPING_NEW = 65;
const RX_SOFTWARE = 8;
const SOFTWARE = 16;

/** Which option asks for an extension header, and the type it is told as. */
const EXTENSIONS: ReadonlyMap<number, readonly [number, number]> = new Map([
  [PROTOCOL_HOP_BY_HOP, [IPV6_RECVHOPOPTS, IPV6_HOPOPTS]],
  [PROTOCOL_DESTINATION, [IPV6_RECVDSTOPTS, IPV6_DSTOPTS]],
  [PROTOCOL_ROUTING, [IPV6_RECVRTHDR, IPV6_RTHDR]],
]);

/** Of a datagram that was received. */
export interface Arrival {
  readonly source: Address | null;
  readonly destination: Address | null;
  readonly destinationPort: number;
  readonly interfaceIndex: number;
  readonly hopLimit: number;
  /** IPv4 options of its header. */
  readonly options: Uint8Array | null;
  /** IPv6 extension headers with their protocols. */
  readonly extensions: readonly (readonly [number, Uint8Array])[] | null;
  readonly typeOfService: number;
  /** Microseconds of the stack's clock. */
  readonly timestamp: number;
  readonly segmentSize: number;
}

/** Adds what the socket's options ask for. */
export function describeArrival(socket: InetSocket, message: SocketMessage, from: Arrival): void {
  if (socket.kept.size > 0) addTimestamps(socket, message, from.timestamp);
  const { destination } = from;
  if (destination === null) return;
  if (destination.isV4 && socket.ip.receive4.size > 0) describeV4(socket, message, from, destination);
  if (socket.isV6 && socket.ip.receive6.size > 0) describeV6(socket, message, from, destination);
  if (from.segmentSize > 0) message.addControl(IPPROTO_UDP, UDP_GRO, intBytes(from.segmentSize));
}

function describeV4(socket: InetSocket, message: SocketMessage, from: Arrival, destination: Address): void {
  const wanted = socket.ip.receive4;
  if (wanted.has(IP_PKTINFO))
    message.addControl(IPPROTO_IP, IP_PKTINFO, packetInfo4(socket, from, destination));
  if (wanted.has(IP_RECVTTL)) message.addControl(IPPROTO_IP, IP_TTL, intBytes(from.hopLimit));
  if (wanted.has(IP_RECVTOS)) message.addControl(IPPROTO_IP, IP_TOS, Uint8Array.of(from.typeOfService));
  if (from.options !== null) describeOptions(message, wanted, from.options);
  if (wanted.has(IP_RECVORIGDSTADDR)) {
    message.addControl(IPPROTO_IP, IP_ORIGDSTADDR, encodeName(destination, from.destinationPort, false));
  }
  if (wanted.has(IP_CHECKSUM)) message.addControl(IPPROTO_IP, IP_CHECKSUM, intBytes(0));
}

/** As they came, and as an answer would carry them. */
function describeOptions(message: SocketMessage, wanted: ReadonlySet<number>, options: Uint8Array): void {
  if (wanted.has(IP_RECVOPTS)) message.addControl(IPPROTO_IP, IP_RECVOPTS, options);
  if (!wanted.has(IP_RETOPTS)) return;
  const echoed = echoOptions(viewOf(options), 0, options.length);
  if (echoed !== null) message.addControl(IPPROTO_IP, IP_RETOPTS, echoed);
}

/** struct in_pktinfo: ipi_spec_dst is the address an answer would come from. */
function packetInfo4(socket: InetSocket, from: Arrival, destination: Address): Uint8Array {
  const bytes = new Uint8Array(12);
  const view = viewOf(bytes);
  const { network } = socket.internet.stack;
  const local = destination.isMulticast || network.isBroadcastAddress(destination);
  const specific = local ? network.interfaceByIndex(from.interfaceIndex)?.primaryAddress(true) : destination;
  view.setInt32(0, from.interfaceIndex, true);
  view.setInt32(4, specific?.w3 ?? 0);
  view.setInt32(8, destination.w3);
  return bytes;
}

function describeV6(socket: InetSocket, message: SocketMessage, from: Arrival, destination: Address): void {
  const wanted = socket.ip.receive6;
  const info = (type: number): void => {
    const bytes = new Uint8Array(20);
    destination.write16(viewOf(bytes), 0);
    viewOf(bytes).setInt32(16, from.interfaceIndex, true);
    message.addControl(IPPROTO_IPV6, type, bytes);
  };
  if (wanted.has(IPV6_RECVPKTINFO)) info(IPV6_PKTINFO);
  if (wanted.has(IPV6_2292PKTINFO)) info(IPV6_2292PKTINFO);
  if (destination.isV4) return;
  if (wanted.has(IPV6_RECVHOPLIMIT)) message.addControl(IPPROTO_IPV6, IPV6_HOPLIMIT, intBytes(from.hopLimit));
  if (wanted.has(IPV6_2292HOPLIMIT))
    message.addControl(IPPROTO_IPV6, IPV6_2292HOPLIMIT, intBytes(from.hopLimit));
  if (wanted.has(IPV6_RECVTCLASS))
    message.addControl(IPPROTO_IPV6, IPV6_TCLASS, intBytes(from.typeOfService));
  if (from.extensions !== null) describeExtensions(message, wanted, from.extensions);
  if (wanted.has(IPV6_RECVORIGDSTADDR)) {
    message.addControl(IPPROTO_IPV6, IPV6_ORIGDSTADDR, encodeName(destination, from.destinationPort, true));
  }
}

function describeExtensions(
  message: SocketMessage,
  wanted: ReadonlySet<number>,
  extensions: readonly (readonly [number, Uint8Array])[],
): void {
  for (const [protocol, bytes] of extensions) {
    const [asked, type] = EXTENSIONS.get(protocol) ?? [0, 0];
    if (wanted.has(asked)) message.addControl(IPPROTO_IPV6, type, bytes);
  }
}

/** SO_TIMESTAMP, SO_TIMESTAMPNS, SO_TIMESTAMPING: the stack's time as wall time. */
export function addTimestamps(socket: InetSocket, message: SocketMessage, micros: number): void {
  const { kept } = socket;
  for (const option of [SO_TIMESTAMP, SO_TIMESTAMP_NEW, SO_TIMESTAMPNS, SO_TIMESTAMPNS_NEW]) {
    if ((kept.get(option) ?? 0) === 0) continue;
    const bytes = wallTime(socket, micros);
    const small = option === SO_TIMESTAMP || option === SO_TIMESTAMP_NEW;
    if (small) viewOf(bytes).setUint32(8, Math.floor(viewOf(bytes).getUint32(8, true) / 1000), true);
    message.addControl(SOL_SOCKET, option, bytes);
  }
  for (const option of [SO_TIMESTAMPING, SO_TIMESTAMPING_NEW]) {
    const flags = kept.get(option) ?? 0;
    if ((flags & RX_SOFTWARE) === 0 || (flags & SOFTWARE) === 0) continue;
    const bytes = new Uint8Array(48);
    bytes.set(wallTime(socket, micros));
    message.addControl(SOL_SOCKET, option, bytes);
  }
}

/** A time of the stack, µs, as wall time. */
export function wallClock(clock: Clock, micros: number): { seconds: number; nanos: number } {
  const nanos = clock.realtimeNanos + (micros % 1e6) * 1000;
  return {
    seconds: clock.realtimeSeconds + Math.floor(micros / 1e6) + Math.floor(nanos / 1e9),
    nanos: ((nanos % 1e9) + 1e9) % 1e9,
  };
}

/** struct timespec. */
function wallTime(socket: InetSocket, micros: number): Uint8Array {
  const { seconds, nanos } = wallClock(socket.kernel.clock, micros);
  const bytes = new Uint8Array(16);
  const view = viewOf(bytes);
  view.setUint32(0, seconds >>> 0, true);
  view.setUint32(4, Math.floor(seconds / 2 ** 32), true);
  view.setUint32(8, nanos, true);
  return bytes;
}

/** Datagrams that found no room since the socket was opened. */
export function addOverflow(socket: InetSocket, message: SocketMessage, dropped: number): void {
  if (dropped > 0 && (socket.kept.get(SO_RXQ_OVFL) ?? 0) !== 0) {
    message.addControl(SOL_SOCKET, SO_RXQ_OVFL, intBytes(dropped));
  }
}

/** What a sender says of one datagram; null fields: as the socket has it. */
export class Departure {
  source: Address | null;
  interfaceIndex: number;
  hopLimit: number;
  typeOfService: number;
  segmentSize: number;
  /** IP_RETOPTS, padded. */
  options: Uint8Array | null;
  /** IPV6_HOPOPTS and its like, by option. */
  headers: Map<number, Uint8Array> | null;

  constructor() {
    this.source = null;
    this.interfaceIndex = 0;
    this.hopLimit = -1;
    this.typeOfService = -1;
    this.segmentSize = -1;
    this.options = null;
    this.headers = null;
  }
}

/** Decodes a message's control; null when it has none, -EINVAL when it makes no sense. */
export function departureOf(
  socket: InetSocket,
  task: Task,
  message: SocketMessage,
): Departure | number | null {
  if (message.control === null || message.control.length === 0) return null;
  const departure = new Departure();
  for (const { level, type, data } of message.control) {
    let result = 0;
    if (level === IPPROTO_IP && !socket.isV6) result = say4(departure, task, type, data);
    else if (level === IPPROTO_IPV6 && socket.isV6) result = say6(departure, task, type, data);
    else if (level === IPPROTO_UDP && type === UDP_SEGMENT) {
      if (data.length !== 2) return -EINVAL;
      departure.segmentSize = viewOf(data).getUint16(0, true);
    }
    if (result < 0) return result;
  }
  return departure;
}

function say4(departure: Departure, task: Task, type: number, data: Uint8Array): number {
  const view = viewOf(data);
  switch (type) {
    case IP_PKTINFO:
      if (data.length !== 12) return -EINVAL;
      departure.interfaceIndex = view.getInt32(0, true);
      departure.source = view.getInt32(4) === 0 ? null : Address.v4(view.getInt32(4));
      return 0;
    case IP_TTL:
      if (data.length !== 4) return -EINVAL;
      departure.hopLimit = view.getInt32(0, true);
      return departure.hopLimit < 1 || departure.hopLimit > 255 ? -EINVAL : 0;
    case IP_TOS:
      if (data.length !== 4 && data.length !== 1) return -EINVAL;
      departure.typeOfService = data.length === 4 ? view.getInt32(0, true) : view.getUint8(0);
      return departure.typeOfService < 0 || departure.typeOfService > 255 ? -EINVAL : 0;
    case IP_RETOPTS: {
      const parsed = parseIpOptions(data, task.credentials.hasCapability(CAP_NET_RAW));
      if (typeof parsed === 'number') return parsed;
      departure.options = parsed;
      return 0;
    }
    default:
      return -EINVAL;
  }
}

function sayHeader(departure: Departure, task: Task, type: number, data: Uint8Array): number {
  const header = headerOnce(task, type, data);
  if (typeof header === 'number') return header;
  departure.headers ??= new Map();
  departure.headers.set(type, header);
  return 0;
}

function say6(departure: Departure, task: Task, type: number, data: Uint8Array): number {
  const view = viewOf(data);
  if (isExtensionOption(type)) return sayHeader(departure, task, type, data);
  switch (type) {
    case IPV6_PKTINFO:
    case IPV6_2292PKTINFO: {
      if (data.length < 20) return -EINVAL;
      departure.interfaceIndex = view.getInt32(16, true);
      const source = Address.fromBytes(data.subarray(0, 16));
      departure.source = source === null || source.isUnspecified ? null : source;
      return 0;
    }
    case IPV6_HOPLIMIT:
    case IPV6_2292HOPLIMIT:
      if (data.length !== 4) return -EINVAL;
      departure.hopLimit = view.getInt32(0, true);
      return departure.hopLimit < -1 || departure.hopLimit > 255 ? -EINVAL : 0;
    case IPV6_TCLASS:
      if (data.length !== 4) return -EINVAL;
      departure.typeOfService = view.getInt32(0, true);
      return departure.typeOfService < -1 || departure.typeOfService > 255 ? -EINVAL : 0;
    default:
      return -EINVAL;
  }
}

/** struct sock_extended_err with the offender's address, as IP_RECVERR or IPV6_RECVERR. */
export function describeError(message: SocketMessage, error: UdpError, isV6: boolean): void {
  const v6 = isV6 && !error.destination.isV4;
  const bytes = new Uint8Array(16 + (v6 ? 28 : 16));
  const view = viewOf(bytes);
  view.setUint32(0, error.errno, true);
  bytes[4] = error.origin;
  bytes[5] = error.type;
  bytes[6] = error.code;
  view.setUint32(8, error.info, true);
  if (error.offender !== null) {
    const offender = encodeName(error.offender, 0, v6);
    bytes.set(offender, 16);
  } else view.setUint16(16, v6 ? AF_INET6 : AF_INET, true);
  message.addControl(v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVERR : IP_RECVERR, bytes);
}

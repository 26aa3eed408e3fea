// IPv4 in (RFC 791, RFC 1122 3.2.1, RFC 1812): checks, filters, the choice between delivery and forwarding, reassembly.
import type { Address } from '../address.js';
import {
  CHECKSUM_PARTIAL,
  PACKET_BROADCAST,
  PACKET_INTERCEPTED,
  PACKET_LOOPBACK,
  PACKET_MULTICAST,
  PACKET_ROUTER_ALERT,
  type PacketBuffer,
} from '../storage/packet-buffer.js';
import { ICMP4_PARAMETER_PROBLEM, ICMP4_TIME_EXCEEDED } from '../wire/icmp.js';
import {
  checkIpv4,
  finishIpv4,
  IPV4_HEADER,
  IPV4_MF,
  IPV4_OFFSET_MASK,
  ipv4TotalLength,
} from '../wire/ipv4.js';
import {
  findOption,
  IPOPT_LOOSE_SOURCE_ROUTE,
  IPOPT_ROUTER_ALERT,
  IPOPT_STRICT_SOURCE_ROUTE,
  stampOptions,
} from '../wire/ipv4-options.js';
import { deliverLocally } from './deliver.js';
import { forwardPacket } from './forward.js';
import { HOOK_INPUT, HOOK_PREROUTING } from './hooks.js';
import type { NetInterface } from './interface.js';
import type { NetworkLayer } from './network.js';

/** Takes ownership. `start` is at the IP header. */
export function receiveIpv4(net: NetworkLayer, iface: NetInterface, packet: PacketBuffer): void {
  const counters = net.counters;
  counters.inReceives++;
  const at = packet.start;
  const header = checkIpv4(packet.view, at, packet.end);
  if (header === 0) {
    counters.inHeaderErrors++;
    packet.release();
    return;
  }
  packet.trim(ipv4TotalLength(packet.view, at));
  readHeader(net, packet, header);
  if (isMartian(net, iface, packet)) {
    counters.inAddressErrors++;
    packet.release();
    return;
  }
  if (header > IPV4_HEADER && !acceptOptions(net, packet, header)) return;
  let whole: PacketBuffer | null = packet;
  if (net.hooks.needsWhole && isFragment(packet)) whole = reassemble(net, packet);
  if (whole !== null) route(net, iface, whole);
}

function readHeader(net: NetworkLayer, packet: PacketBuffer, header: number): void {
  const view = packet.view;
  const at = packet.start;
  const transport = at + header;
  // Offsets told by an offloading device must agree with what the header says.
  if (packet.checksum === CHECKSUM_PARTIAL && packet.transportOffset !== transport) dropOffload(packet);
  packet.networkOffset = at;
  packet.transportOffset = transport;
  packet.tos = view.getUint8(at + 1);
  packet.ttl = view.getUint8(at + 8);
  packet.protocol = view.getUint8(at + 9);
  packet.source = net.addresses.readV4(view, at + 12);
  packet.destination = net.addresses.readV4(view, at + 16);
}

/** Disbelieves a device's claims: the checksum is then verified in software. */
export function dropOffload(packet: PacketBuffer): void {
  packet.checksum = 0;
  packet.gsoSize = 0;
  packet.gsoType = 0;
}

/** Addresses that may not be on a wire (RFC 1122 3.2.1.3, RFC 1812 5.3.7). */
function isMartian(net: NetworkLayer, iface: NetInterface, packet: PacketBuffer): boolean {
  const source = packet.source as Address;
  const destination = packet.destination as Address;
  if (source.isMulticast || source.w3 >>> 28 === 15 || iface.isBroadcast(source)) return true;
  if (iface.isLoopback) return false;
  if (source.isLoopback || destination.isLoopback) return true;
  if (source.w3 >>> 24 === 0 && !(source.w3 === 0 && mayLackSource(destination))) return true;
  if (destination.w3 >>> 24 === 0) return true;
  // A copy of our own multicast comes back by the backlog; from a wire our own address is a forgery.
  return (packet.flags & PACKET_LOOPBACK) === 0 && !iface.acceptAny && net.isLocalAddress(source, 0);
}

/** A host that has no address yet may speak to everyone (DHCP, IGMP). */
function mayLackSource(destination: Address): boolean {
  return destination.isLimitedBroadcast || destination.isMulticast;
}

/** False when the packet was dropped. Source routes are refused (RFC 7126 4.3), as Linux does by default. */
function acceptOptions(net: NetworkLayer, packet: PacketBuffer, header: number): boolean {
  const from = packet.start + IPV4_HEADER;
  const to = packet.start + header;
  const alert = findOption(packet.view, from, to, IPOPT_ROUTER_ALERT);
  if (alert === -2) {
    net.counters.inHeaderErrors++;
    net.icmp.sendError4(packet, ICMP4_PARAMETER_PROBLEM, 0, IPV4_HEADER << 24);
    packet.release();
    return false;
  }
  if (alert >= 0) packet.flags |= PACKET_ROUTER_ALERT;
  const loose = findOption(packet.view, from, to, IPOPT_LOOSE_SOURCE_ROUTE);
  if (loose < 0 && findOption(packet.view, from, to, IPOPT_STRICT_SOURCE_ROUTE) < 0) {
    enterOurselves(net, packet, from, to);
    return true;
  }
  net.counters.inDiscards++;
  packet.release();
  return false;
}

/** Record route and timestamps of what is for us. */
function enterOurselves(net: NetworkLayer, packet: PacketBuffer, from: number, to: number): void {
  const destination = packet.destination as Address;
  if (!net.isLocalAddress(destination, 0)) return;
  const shift = from - packet.start;
  packet.unshare();
  const at = packet.start + shift;
  if (stampOptions(packet.view, at, at + to - from, destination.w3, net.stampTime()))
    finishIpv4(packet.view, packet.start);
}

function isFragment(packet: PacketBuffer): boolean {
  return (packet.view.getUint16(packet.networkOffset + 6) & (IPV4_MF | IPV4_OFFSET_MASK)) !== 0;
}

function reassemble(net: NetworkLayer, packet: PacketBuffer): PacketBuffer | null {
  const view = packet.view;
  const at = packet.networkOffset;
  const word = view.getUint16(at + 6);
  const offset = (word & IPV4_OFFSET_MASK) * 8;
  dropOffload(packet);
  return net.reassembly.add(
    packet,
    packet.transportOffset,
    offset,
    (word & IPV4_MF) !== 0,
    view.getUint16(at + 4),
    packet.protocol,
    net.now(),
  );
}

function route(net: NetworkLayer, iface: NetInterface, packet: PacketBuffer): void {
  if (!net.hooks.isEmpty(HOOK_PREROUTING)) {
    if (!net.hooks.run(HOOK_PREROUTING, packet, iface.index, 0, net.now())) return;
  }
  const destination = packet.destination as Address;
  if ((packet.flags & PACKET_INTERCEPTED) !== 0 || net.isLocalAddress(destination, 0)) {
    deliver(net, iface, packet);
  } else if (destination.isMulticast) {
    packet.flags |= PACKET_MULTICAST;
    if (net.multicast.isActive) net.multicast.forward(iface, packet);
    if (iface.isLoopback || iface.groups.accepts(destination, packet.source as Address))
      deliver(net, iface, packet);
    else packet.release();
  } else if (iface.isBroadcast(destination)) {
    packet.flags |= PACKET_BROADCAST;
    deliver(net, iface, packet);
  } else if (net.isLocalByRoute(packet, iface.index)) {
    deliver(net, iface, packet);
  } else if (iface.acceptAny) {
    packet.flags |= PACKET_INTERCEPTED;
    deliver(net, iface, packet);
  } else forwardPacket(net, iface, packet);
}

function deliver(net: NetworkLayer, iface: NetInterface, packet: PacketBuffer): void {
  let whole: PacketBuffer | null = packet;
  if (isFragment(packet)) whole = reassemble(net, packet);
  if (whole === null) return;
  if (!net.hooks.isEmpty(HOOK_INPUT)) {
    if (!net.hooks.run(HOOK_INPUT, whole, iface.index, 0, net.now())) return;
  }
  deliverLocally(net, iface, whole);
}

/** ICMP time exceeded of a packet whose hops ran out. The caller keeps the packet. */
export function hopsExceeded4(net: NetworkLayer, packet: PacketBuffer): void {
  net.icmp.sendError4(packet, ICMP4_TIME_EXCEEDED, 0, 0);
}

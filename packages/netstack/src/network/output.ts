// Out: IP headers, filters, the size check with fragmentation, copies for our own multicast listeners, the next hop.
import type { Address } from '../address.js';
import { EINVAL, EMSGSIZE, ENETUNREACH, EPERM } from '../errno.js';
import { completeChecksum, gsoHeaderLength } from '../link/offload.js';
import type { Route } from '../roles.js';
import {
  CHECKSUM_PARTIAL,
  MAX_PACKET,
  PACKET_BROADCAST,
  PACKET_DONT_FRAGMENT,
  PACKET_FORWARDED,
  PACKET_LOOPBACK,
  PACKET_MULTICAST,
  PACKET_NO_LOOP,
  type PacketBuffer,
} from '../storage/packet-buffer.js';
import { ICMP4_UNREACHABLE, ICMP6_TOO_BIG, UNREACH4_FRAGMENTATION } from '../wire/icmp.js';
import { finishIpv4, IPV4_DF, IPV4_HEADER, writeIpv4 } from '../wire/ipv4.js';
import { stampOptions } from '../wire/ipv4-options.js';
import { IPV6_HEADER, writeIpv6 } from '../wire/ipv6.js';
import type { ExtensionHeaders } from '../wire/ipv6-extension.js';
import { PROTO_ICMP, PROTO_ICMPV6 } from '../wire/protocols.js';
import { countIcmpOut } from './counters.js';
import { fragmentIpv4, fragmentIpv6 } from './fragment.js';
import { HOOK_OUTPUT, HOOK_POSTROUTING } from './hooks.js';
import type { NetInterface } from './interface.js';
import type { NeighbourEntry } from './neighbour.js';
import type { NetworkLayer } from './network.js';

/** Puts an IP header before a transport packet and sends it by a resolved route. Takes ownership. */
export function sendByRoute(net: NetworkLayer, packet: PacketBuffer, route: Route): number {
  const destination = route.destination;
  const source = packet.source ?? (route.chosenSource as Address);
  const header = destination.isV4
    ? IPV4_HEADER + (packet.options?.length ?? 0)
    : IPV6_HEADER + (packet.extensions?.bytes.length ?? 0);
  if (packet.length + header > MAX_PACKET) {
    packet.release();
    return -EMSGSIZE;
  }
  packet.unshare();
  packet.transportOffset = packet.start;
  packet.source = source;
  packet.destination = destination;
  if (packet.ttl === 0) packet.ttl = route.isMulticast ? 1 : route.hopLimit;
  if (packet.mark === 0) packet.mark = route.mark;
  if (packet.protocol === PROTO_ICMP || packet.protocol === PROTO_ICMPV6)
    countIcmpOut(net.countersFor(destination.isV4), packet, packet.start);
  if (destination.isV4) header4(net, packet, source, destination);
  else header6(packet, source, destination);
  return sendWithHeader(net, packet, route);
}

function header4(net: NetworkLayer, packet: PacketBuffer, source: Address, destination: Address): void {
  const { options } = packet;
  if (options !== null) addOptions(net, packet, source, options);
  packet.prepend(IPV4_HEADER);
  const at = packet.start;
  packet.networkOffset = at;
  const fixed = (packet.flags & PACKET_DONT_FRAGMENT) !== 0;
  const segments = packet.gsoSize > 0 ? Math.ceil(packet.length / packet.gsoSize) : 1;
  const id = fixed && segments === 1 ? 0 : net.nextIdentification(destination, segments);
  writeIpv4(
    packet.view,
    at,
    packet.tos,
    packet.end - at,
    id,
    fixed ? IPV4_DF : 0,
    packet.ttl,
    packet.protocol,
    source.w3,
    destination.w3,
  );
  if (options === null) return;
  packet.view.setUint8(at, 0x45 + options.length / 4);
  finishIpv4(packet.view, at);
}

/** Options between the header and what it carries; this host enters itself first. */
function addOptions(net: NetworkLayer, packet: PacketBuffer, source: Address, options: Uint8Array): void {
  const start = packet.prepend(options.length);
  packet.bytes.set(options, start);
  stampOptions(packet.view, start, start + options.length, source.w3, net.stampTime());
  packet.options = null;
}

function addExtensions(packet: PacketBuffer, extensions: ExtensionHeaders): void {
  const start = packet.prepend(extensions.bytes.length);
  packet.bytes.set(extensions.bytes, start);
  packet.view.setUint8(start + extensions.lastAt, packet.protocol);
  packet.extensions = null;
}

function header6(packet: PacketBuffer, source: Address, destination: Address): void {
  const { extensions } = packet;
  if (extensions !== null) addExtensions(packet, extensions);
  packet.prepend(IPV6_HEADER);
  const at = packet.start;
  packet.networkOffset = at;
  const length = packet.end - at - IPV6_HEADER;
  writeIpv6(
    packet.view,
    at,
    packet.tos,
    packet.flowLabel,
    length,
    extensions === null ? packet.protocol : extensions.first,
    packet.ttl,
    source,
    destination,
  );
}

/** Sends a packet that has its IP header (start and networkOffset there) by a resolved route. Takes ownership. */
export function sendWithHeader(net: NetworkLayer, packet: PacketBuffer, route: Route): number {
  net.countersFor((packet.destination as Address).isV4).outRequests++;
  const out = route.device as NetInterface;
  if (!net.hooks.isEmpty(HOOK_OUTPUT)) {
    const { destination, mark } = packet;
    if (!net.hooks.run(HOOK_OUTPUT, packet, 0, out.index, net.now())) return -EPERM;
    if (packet.mark !== mark || !(packet.destination as Address).equals(destination as Address)) {
      return sendRerouted(net, packet, route);
    }
  }
  return emitByRoute(net, packet, route);
}

/** A filter changed the destination or the mark: the route is looked up again. */
function sendRerouted(net: NetworkLayer, packet: PacketBuffer, old: Route): number {
  const route = net.borrowRoute(packet.destination as Address);
  route.source = packet.source;
  route.anySource = true;
  route.broadcastAllowed = true;
  route.mark = packet.mark;
  route.boundInterface = old.boundInterface;
  const error = net.resolve(route);
  if (error < 0) packet.release();
  const result = error < 0 ? error : emitByRoute(net, packet, route);
  net.returnRoute(route);
  return result;
}

function emitByRoute(net: NetworkLayer, packet: PacketBuffer, route: Route): number {
  const neighbour = route.neighbour as NeighbourEntry | null;
  return emit(net, packet, route.device as NetInterface, route.nextHop as Address, neighbour, route.mtu);
}

/** The last steps, shared with forwarding. `start` is at the network header. Takes ownership. */
export function emit(
  net: NetworkLayer,
  packet: PacketBuffer,
  out: NetInterface,
  nextHop: Address,
  neighbour: NeighbourEntry | null,
  mtu: number,
): number {
  if (!net.hooks.isEmpty(HOOK_POSTROUTING)) {
    if (!net.hooks.run(HOOK_POSTROUTING, packet, 0, out.index, net.now())) return -EPERM;
  }
  const destination = packet.destination as Address;
  if (!out.isLoopback && (destination.isMulticast || (destination.isV4 && out.isBroadcast(destination)))) {
    loopCopy(net, packet, out, destination);
    if (packet.ttl === 0) {
      packet.release();
      return 0;
    }
  }
  if (wireSize(packet) <= mtu) return out.transmitIp(packet, nextHop, neighbour);
  return tooBig(net, packet, out, nextHop, neighbour, mtu);
}

/** Size of the packet, or of the largest segment of a train. */
function wireSize(packet: PacketBuffer): number {
  if (packet.gsoSize === 0) return packet.length;
  return Math.min(
    packet.length,
    packet.transportOffset - packet.start + gsoHeaderLength(packet) + packet.gsoSize,
  );
}

function tooBig(
  net: NetworkLayer,
  packet: PacketBuffer,
  out: NetInterface,
  nextHop: Address,
  neighbour: NeighbourEntry | null,
  mtu: number,
): number {
  const v4 = packet.view.getUint8(packet.start) >>> 4 === 4;
  const forwarded = (packet.flags & PACKET_FORWARDED) !== 0;
  const fixed = v4 ? (packet.view.getUint16(packet.start + 6) & IPV4_DF) !== 0 : forwarded;
  const dontFragment = fixed || (packet.flags & PACKET_DONT_FRAGMENT) !== 0 || packet.gsoSize > 0;
  if (dontFragment) {
    if (forwarded) refuseSize(net, packet, mtu, v4);
    net.countersFor(v4).fragmentsFailed++;
    packet.release();
    return -EMSGSIZE;
  }
  if (packet.checksum === CHECKSUM_PARTIAL) completeChecksum(packet);
  return v4
    ? fragmentIpv4(net, packet, out, nextHop, neighbour, mtu)
    : fragmentIpv6(net, packet, out, nextHop, neighbour, mtu);
}

function refuseSize(net: NetworkLayer, packet: PacketBuffer, mtu: number, v4: boolean): void {
  if (v4) net.icmp.sendError4(packet, ICMP4_UNREACHABLE, UNREACH4_FRAGMENTATION, mtu);
  else net.icmp.sendError6(packet, ICMP6_TOO_BIG, 0, mtu);
}

/** Our own listeners hear what we send to a group, or to everyone. */
function loopCopy(net: NetworkLayer, packet: PacketBuffer, out: NetInterface, destination: Address): void {
  if ((packet.flags & (PACKET_NO_LOOP | PACKET_FORWARDED)) !== 0) return;
  const multicast = destination.isMulticast;
  if (multicast && !out.groups.has(destination)) return;
  const copy = packet.copy();
  copy.flags = PACKET_LOOPBACK | (multicast ? PACKET_MULTICAST : PACKET_BROADCAST);
  copy.interfaceIndex = out.index;
  net.queueBacklog(copy);
}

/** Sends a packet with a header that a raw endpoint wrote. `start` is at that header. Takes ownership. */
export function sendIncluded(net: NetworkLayer, packet: PacketBuffer, route: Route): number {
  const error = net.resolve(route);
  if (error < 0 || packet.length < IPV4_HEADER) {
    packet.release();
    return error < 0 ? error : -EINVAL;
  }
  if (route.device === null) {
    packet.release();
    return -ENETUNREACH;
  }
  return sendWithHeader(net, packet, route);
}

// IPv6 in (RFC 8200): checks, extension headers, filters, the choice between delivery and forwarding, reassembly.
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
import { ICMP6_PARAMETER_PROBLEM, ICMP6_TIME_EXCEEDED } from '../wire/icmp.js';
import { checkIpv6, IPV6_HEADER } from '../wire/ipv6.js';
import { extensionLength, OPTION_PAD1, OPTION_PADN, OPTION_ROUTER_ALERT } from '../wire/ipv6-extension.js';
import {
  PROTO_AH,
  PROTO_DSTOPTS,
  PROTO_FRAGMENT,
  PROTO_HOPOPTS,
  PROTO_IPV6_ROUTE,
  PROTO_NONE,
} from '../wire/protocols.js';
import { deliverLocally } from './deliver.js';
import { forwardPacket } from './forward.js';
import { HOOK_INPUT, HOOK_PREROUTING } from './hooks.js';
import type { NetInterface } from './interface.js';
import { dropOffload } from './ipv4-input.js';
import type { NetworkLayer } from './network.js';

/** More extension headers than this are an attack (RFC 8504 5.3 allows a limit). */
const MOST_PADDING = 5;
const MAX_EXTENSIONS = 8;

/** Takes ownership. `start` is at the IP header. */
export function receiveIpv6(net: NetworkLayer, iface: NetInterface, packet: PacketBuffer): void {
  net.counters6.inReceives++;
  const view = packet.view;
  const at = packet.start;
  if (!checkIpv6(view, at, packet.end)) {
    net.counters6.inHeaderErrors++;
    packet.release();
    return;
  }
  packet.trim(IPV6_HEADER + view.getUint16(at + 4));
  packet.networkOffset = at;
  const first = view.getUint32(at);
  packet.tos = (first >>> 20) & 0xff;
  packet.flowLabel = first & 0xfffff;
  packet.protocol = view.getUint8(at + 6);
  packet.ttl = view.getUint8(at + 7);
  packet.source = net.addresses.readV6(view, at + 8);
  packet.destination = net.addresses.readV6(view, at + 24);
  if (isMartian(net, iface, packet)) {
    net.counters6.inAddressErrors++;
    packet.release();
    return;
  }
  const told = packet.checksum === CHECKSUM_PARTIAL ? packet.transportOffset : -1;
  packet.transportOffset = at + IPV6_HEADER;
  const plain = packet.protocol !== PROTO_HOPOPTS || hopByHop(net, packet);
  if (!plain) return;
  // A checksum to be completed elsewhere than here means extension headers, or a device that lies.
  const agreed = told < 0 || told === packet.transportOffset;
  if (agreed && !net.hooks.needsWhole && net.hooks.isEmpty(HOOK_PREROUTING)) route(net, iface, packet, told);
  else {
    // Filters look at ports, so the headers before them are walked first.
    const whole = walkExtensions(net, packet, told);
    if (whole !== null) route(net, iface, whole, whole === packet ? told : -1);
  }
}

function isMartian(net: NetworkLayer, iface: NetInterface, packet: PacketBuffer): boolean {
  const source = packet.source as Address;
  const destination = packet.destination as Address;
  // A v4-mapped address never belongs on a wire (RFC 4942 2.2), and would be taken for IPv4 inside.
  if (source.isV4 || destination.isV4 || source.isMulticast || destination.isUnspecified) return true;
  if (iface.isLoopback) return false;
  if (source.isLoopback || destination.isLoopback) return true;
  if (destination.isMulticast && ((destination.w0 >>> 16) & 15) <= 1) return true;
  if ((packet.flags & PACKET_LOOPBACK) !== 0 || iface.acceptAny || source.isUnspecified) return false;
  return net.isLocalAddress(source, source.isLinkLocal ? iface.index : 0);
}

/** The hop-by-hop header, which must come first. False when the packet was dropped. */
function hopByHop(net: NetworkLayer, packet: PacketBuffer): boolean {
  const at = packet.transportOffset;
  const length = extensionLength(packet.view, PROTO_HOPOPTS, at, packet.end);
  if (length === 0 || !acceptOptions(net, packet, at + 2, at + length)) {
    if (length === 0) drop(net, packet);
    return false;
  }
  packet.protocol = packet.view.getUint8(at);
  packet.transportOffset = at + length;
  return true;
}

function drop(net: NetworkLayer, packet: PacketBuffer): void {
  net.counters6.inHeaderErrors++;
  packet.release();
}

/** Unknown options are treated as their highest bits demand (RFC 8200 4.2). False when the packet was dropped. */
function acceptOptions(net: NetworkLayer, packet: PacketBuffer, start: number, end: number): boolean {
  const view = packet.view;
  let at = start;
  while (at < end) {
    const type = view.getUint8(at);
    if (type === OPTION_PAD1) {
      at++;
      continue;
    }
    if (at + 2 > end || at + 2 + view.getUint8(at + 1) > end) {
      drop(net, packet);
      return false;
    }
    if (type === OPTION_PADN && view.getUint8(at + 1) > MOST_PADDING) {
      // Padding that aligns needs no more; a covert channel would (RFC 4942 2.1.9.5).
      drop(net, packet);
      return false;
    }
    if (type === OPTION_ROUTER_ALERT) packet.flags |= PACKET_ROUTER_ALERT;
    else if (type > 1 && type >>> 6 !== 0) {
      refuseOption(net, packet, type >>> 6, at - packet.networkOffset);
      return false;
    }
    at += 2 + view.getUint8(at + 1);
  }
  return true;
}

function refuseOption(net: NetworkLayer, packet: PacketBuffer, action: number, pointer: number): void {
  const multicast = (packet.destination as Address).isMulticast;
  if (action === 2 || (action === 3 && !multicast))
    net.icmp.sendError6(packet, ICMP6_PARAMETER_PROBLEM, 2, pointer);
  drop(net, packet);
}

/**
 * Walks to the upper-layer header, putting fragments together. Returns the packet to go on with (with protocol and
 * transportOffset set), or null when it was dropped or waits for more fragments.
 */
function walkExtensions(net: NetworkLayer, packet: PacketBuffer, told: number): PacketBuffer | null {
  for (let count = 0; count <= MAX_EXTENSIONS; count++) {
    const at = packet.transportOffset;
    const protocol = packet.protocol;
    if (protocol === PROTO_FRAGMENT) {
      const whole = fragment(net, packet);
      return whole === null ? null : walkExtensions(net, whole, -1);
    }
    const isOptions = protocol === PROTO_DSTOPTS;
    if (!isOptions && protocol !== PROTO_IPV6_ROUTE && protocol !== PROTO_AH && protocol !== PROTO_HOPOPTS) {
      if (told >= 0 && told !== at) dropOffload(packet);
      return packet;
    }
    const length = extensionLength(packet.view, protocol, at, packet.end);
    if (length === 0) break;
    if (protocol === PROTO_HOPOPTS) {
      // Only right behind the IPv6 header (RFC 8200 4.1).
      net.icmp.sendError6(packet, ICMP6_PARAMETER_PROBLEM, 1, 0);
      break;
    }
    if (isOptions && !acceptOptions(net, packet, at + 2, at + length)) return null;
    if (protocol === PROTO_IPV6_ROUTE && !acceptRouting(net, packet)) break;
    packet.protocol = packet.view.getUint8(at);
    packet.transportOffset = at + length;
  }
  drop(net, packet);
  return null;
}

/** A routing header with no segments left is skipped; others are refused, type 0 above all (RFC 5095). */
function acceptRouting(net: NetworkLayer, packet: PacketBuffer): boolean {
  const at = packet.transportOffset;
  if (packet.view.getUint8(at + 3) === 0) return true;
  net.icmp.sendError6(packet, ICMP6_PARAMETER_PROBLEM, 0, at + 2 - packet.networkOffset);
  return false;
}

function fragment(net: NetworkLayer, packet: PacketBuffer): PacketBuffer | null {
  const view = packet.view;
  const at = packet.transportOffset;
  if (packet.end - at < 8) {
    drop(net, packet);
    return null;
  }
  const word = view.getUint16(at + 2);
  const offset = word & 0xfff8;
  const more = (word & 1) !== 0;
  const length = packet.end - at - 8;
  if (more && (length & 7) !== 0) {
    net.icmp.sendError6(packet, ICMP6_PARAMETER_PROBLEM, 0, 4);
    drop(net, packet);
    return null;
  }
  const protocol = view.getUint8(at);
  if (offset === 0 && !more) {
    // An atomic fragment (RFC 6946) is whole by itself.
    packet.protocol = protocol;
    packet.transportOffset = at + 8;
    return packet;
  }
  dropOffload(packet);
  const identification = view.getUint32(at + 4);
  return net.reassembly.add(packet, at + 8, offset, more, identification, protocol, net.now());
}

function route(net: NetworkLayer, iface: NetInterface, packet: PacketBuffer, told: number): void {
  if (!net.hooks.isEmpty(HOOK_PREROUTING)) {
    if (!net.hooks.run(HOOK_PREROUTING, packet, iface.index, 0, net.now())) return;
  }
  const destination = packet.destination as Address;
  const scope = destination.isLinkLocal ? iface.index : 0;
  if (
    (packet.flags & PACKET_INTERCEPTED) !== 0 ||
    net.isLocalAddress(destination, iface.isLoopback ? 0 : scope)
  ) {
    deliver(net, iface, packet, told);
  } else if (destination.isMulticast) {
    packet.flags |= PACKET_MULTICAST;
    if (net.multicast.isActive) net.multicast.forward(iface, packet);
    if (iface.isLoopback || iface.groups.accepts(destination, packet.source as Address)) {
      deliver(net, iface, packet, told);
    } else packet.release();
  } else if (net.isTentative(destination, iface)) {
    // Duplicate address detection must see who else uses the address.
    deliver(net, iface, packet, told);
  } else if (net.isLocalByRoute(packet, iface.index)) {
    deliver(net, iface, packet, told);
  } else if (iface.acceptAny) {
    packet.flags |= PACKET_INTERCEPTED;
    deliver(net, iface, packet, told);
  } else if ((packet.flags & PACKET_BROADCAST) !== 0) packet.release();
  else forwardPacket(net, iface, packet);
}

function deliver(net: NetworkLayer, iface: NetInterface, packet: PacketBuffer, told: number): void {
  const whole = walkExtensions(net, packet, told);
  if (whole === null) return;
  if (!net.hooks.isEmpty(HOOK_INPUT)) {
    if (!net.hooks.run(HOOK_INPUT, whole, iface.index, 0, net.now())) return;
  }
  if (whole.protocol === PROTO_NONE) whole.release();
  else deliverLocally(net, iface, whole);
}

/** ICMPv6 time exceeded of a packet whose hops ran out. The caller keeps the packet. */
export function hopsExceeded6(net: NetworkLayer, packet: PacketBuffer): void {
  net.icmp.sendError6(packet, ICMP6_TIME_EXCEEDED, 0, 0);
}

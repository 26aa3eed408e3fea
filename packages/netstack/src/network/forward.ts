// Forwarding (RFC 1812 section 5, RFC 8200): hop limit, route, filters, redirects, MTU.
import type { Address } from '../address.js';
import {
  PACKET_BROADCAST,
  PACKET_FORWARDED,
  PACKET_MULTICAST,
  type PacketBuffer,
} from '../storage/packet-buffer.js';
import { update16 } from '../wire/checksum.js';
import {
  ICMP4_UNREACHABLE,
  ICMP6_UNREACHABLE,
  UNREACH4_ADMIN,
  UNREACH4_HOST,
  UNREACH4_NET,
  UNREACH6_ADDRESS,
  UNREACH6_ADMIN,
  UNREACH6_NO_ROUTE,
} from '../wire/icmp.js';
import { HOOK_FORWARD } from './hooks.js';
import type { NetInterface } from './interface.js';
import { hopsExceeded4 } from './ipv4-input.js';
import { hopsExceeded6 } from './ipv6-input.js';
import type { NetworkLayer } from './network.js';
import { emit } from './output.js';
import { sendRedirect } from './redirect.js';
import type { RouteEntry } from './routing.js';

/** Takes ownership. `start` is at the network header. */
export function forwardPacket(net: NetworkLayer, iface: NetInterface, packet: PacketBuffer): void {
  const destination = packet.destination as Address;
  const source = packet.source as Address;
  const linkGroup = (packet.flags & (PACKET_BROADCAST | PACKET_MULTICAST)) !== 0;
  if (
    !iface.forwarding ||
    linkGroup ||
    source.isUnspecified ||
    destination.isLinkLocal ||
    source.isLinkLocal
  ) {
    net.countersFor(destination.isV4).inAddressErrors++;
    packet.release();
    return;
  }
  if (packet.ttl <= 1) {
    if (destination.isV4) hopsExceeded4(net, packet);
    else hopsExceeded6(net, packet);
    net.countersFor(destination.isV4).inHeaderErrors++;
    packet.release();
    return;
  }
  const route = net.routeForForwarding(packet, iface.index);
  const out = route === null ? null : net.interfaceByIndex(route.interfaceIndex);
  if (route === null || route.kind !== 'unicast' || out === null || !out.isUp) refuse(net, packet, route);
  else forwardTo(net, iface, out, packet, route);
}

function forwardTo(
  net: NetworkLayer,
  iface: NetInterface,
  out: NetInterface,
  packet: PacketBuffer,
  route: RouteEntry,
): void {
  packet.unshare();
  decrementHops(packet);
  packet.flags |= PACKET_FORWARDED;
  if (!net.hooks.isEmpty(HOOK_FORWARD)) {
    if (!net.hooks.run(HOOK_FORWARD, packet, iface.index, out.index, net.now())) return;
  }
  const destination = packet.destination as Address;
  net.countersFor(destination.isV4).forwarded++;
  const limit = route.mtu > 0 ? Math.min(route.mtu, out.mtu) : out.mtu;
  const hop = route.gateway ?? destination;
  if (out === iface) sendRedirect(net, iface, packet, hop);
  emit(net, packet, out, hop, null, limit);
}

/** Writes the packet's hop limit less one. `networkOffset` is at the header, which must be writable. */
export function decrementHops(packet: PacketBuffer): void {
  const view = packet.view;
  const at = packet.networkOffset;
  packet.ttl--;
  if (view.getUint8(at) >>> 4 === 6) {
    view.setUint8(at + 7, packet.ttl);
    return;
  }
  const before = view.getUint16(at + 8);
  view.setUint8(at + 8, packet.ttl);
  view.setUint16(at + 10, update16(view.getUint16(at + 10), before, view.getUint16(at + 8)));
}

function refuse(net: NetworkLayer, packet: PacketBuffer, route: RouteEntry | null): void {
  const v4 = (packet.destination as Address).isV4;
  net.countersFor(v4).inNoRoutes++;
  if (route?.kind !== 'blackhole') {
    const prohibited = route?.kind === 'prohibit';
    const host = route?.kind === 'unreachable';
    if (v4) {
      const code = prohibited ? UNREACH4_ADMIN : host ? UNREACH4_HOST : UNREACH4_NET;
      net.icmp.sendError4(packet, ICMP4_UNREACHABLE, code, 0);
    } else {
      const code = prohibited ? UNREACH6_ADMIN : host ? UNREACH6_ADDRESS : UNREACH6_NO_ROUTE;
      net.icmp.sendError6(packet, ICMP6_UNREACHABLE, code, 0);
    }
  }
  packet.release();
}

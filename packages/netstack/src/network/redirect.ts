// Redirects (RFC 792, RFC 1122 3.2.2.2, RFC 1812 5.2.7.2, RFC 4861 8): a router tells a host on its link of a better first hop;
// a host believes only the router that it uses now, and only about hops on the same link.
import type { Address } from '../address.js';
import { AddressMap } from '../storage/address-map.js';
import type { PacketBuffer } from '../storage/packet-buffer.js';
import { ICMP_HEADER, ICMP4_REDIRECT, ICMP6_REDIRECT, writeIcmp } from '../wire/icmp.js';
import { IPV4_HEADER } from '../wire/ipv4.js';
import { IPV6_HEADER } from '../wire/ipv6.js';
import { emitLinkAddress, findLinkAddress, NDP_REDIRECTED, NDP_TARGET_LINK } from '../wire/ndp.js';
import type { NetInterface } from './interface.js';
import { hasBrokenOptions, sendNdp } from './ndp.js';
import type { NetworkLayer } from './network.js';

/** Redirect host: networks can't be told apart without their masks (RFC 1812 5.2.7.2). */
const REDIRECT_HOST = 1;
const REDIRECT6_HEAD = 40;
const QUOTE6 = 1280 - IPV6_HEADER - REDIRECT6_HEAD - 16;
const MAX_REDIRECTS = 1024;

/** A first hop learnt for one destination, good while the route still leads to the router that told of it. */
interface LearntHop {
  readonly destination: Address;
  readonly told: Address;
  readonly hop: Address;
  readonly interfaceIndex: number;
}

export class RedirectCache {
  private hops: AddressMap<LearntHop>;
  /** Rises with every change. */
  generation: number;

  constructor() {
    this.hops = new AddressMap();
    this.generation = 1;
  }

  /** The hop to use instead of `hop` towards `destination`. */
  find(destination: Address, hop: Address, interfaceIndex: number): Address {
    if (this.hops.size === 0) return hop;
    const learnt = this.hops.get(destination);
    if (learnt === null || learnt.interfaceIndex !== interfaceIndex) return hop;
    return learnt.told.equals(hop) ? learnt.hop : hop;
  }

  learn(destination: Address, told: Address, hop: Address, interfaceIndex: number): void {
    // A flood costs what was learnt, not memory.
    if (this.hops.size >= MAX_REDIRECTS && !this.hops.has(destination)) this.hops = new AddressMap();
    this.hops.set(destination, { destination, told, hop, interfaceIndex });
    this.generation++;
  }

  /** The hop is dead, or the interface is gone: back to the router. */
  forget(hop: Address | null, interfaceIndex: number): void {
    if (this.hops.size === 0) return;
    for (const learnt of this.hops.list()) {
      if (learnt.interfaceIndex !== interfaceIndex || (hop !== null && !learnt.hop.equals(hop))) continue;
      this.hops.delete(learnt.destination);
      this.generation++;
    }
  }
}

/** Keeps the packet. `start` is at the ICMP header, whose checksum was right. */
export function receiveRedirect4(net: NetworkLayer, packet: PacketBuffer): void {
  const iface = net.interfaceByIndex(packet.interfaceIndex);
  const quoted = packet.start + ICMP_HEADER;
  const { view } = packet;
  if (iface === null || !iface.acceptRedirects || packet.end - quoted < IPV4_HEADER + 8) return;
  if (view.getUint8(packet.start + 1) > 3 || view.getUint8(quoted) >>> 4 !== 4) return;
  const source = net.addresses.readV4(view, quoted + 12);
  if (!net.isLocalAddress(source, 0)) return;
  const hop = net.addresses.readV4(view, packet.start + 4);
  const destination = net.addresses.readV4(view, quoted + 16);
  learn(net, iface, destination, packet.source as Address, hop);
}

/** Keeps the packet. `start` is at the ICMPv6 header, whose checksum was right. */
export function receiveRedirect6(net: NetworkLayer, iface: NetInterface, packet: PacketBuffer): void {
  const { view, start } = packet;
  const source = packet.source as Address;
  if (!iface.acceptRedirects || packet.ttl !== 255 || !source.isLinkLocal) return;
  if (packet.length < REDIRECT6_HEAD || view.getUint8(start + 1) !== 0) return;
  if (hasBrokenOptions(packet, REDIRECT6_HEAD)) return;
  const hop = net.addresses.readV6(view, start + 8);
  const destination = net.addresses.readV6(view, start + 24);
  if (destination.isMulticast || !(hop.isLinkLocal || hop.equals(destination))) return;
  if (!learn(net, iface, destination, source, hop)) return;
  const mac = findLinkAddress(view, start + REDIRECT6_HEAD, packet.end, NDP_TARGET_LINK);
  if (mac >= 0) iface.neighbours.heard(hop, mac);
}

/** True when `told` is the first hop now, and `hop` can be one. */
function learn(
  net: NetworkLayer,
  iface: NetInterface,
  destination: Address,
  told: Address,
  hop: Address,
): boolean {
  if (hop.isMulticast || hop.isUnspecified || net.isLocalAddress(hop, 0)) return false;
  if (hop.isV4 && !isOnLink(iface, hop)) return false;
  const route = net.borrowRoute(destination);
  const found = net.resolve(route);
  const first = found === 0 && route.interfaceIndex === iface.index ? route.nextHop : null;
  const entry = found === 0 ? net.lookupRoute(route, null) : null;
  net.returnRoute(route);
  if (first === null || !first.equals(told) || entry === null) return false;
  net.redirects.learn(destination, entry.gateway ?? destination, hop, iface.index);
  return true;
}

export function isOnLink(iface: NetInterface, address: Address): boolean {
  for (let i = 0; i < iface.addresses.length; i++) {
    const held = iface.addresses[i];
    if (held !== undefined && held.address.isV4 === address.isV4 && held.covers(address)) return true;
  }
  return false;
}

/** The packet goes out by the interface it came in by: its sender, if it is on that link, can do without us. Keeps the packet. */
export function sendRedirect(
  net: NetworkLayer,
  iface: NetInterface,
  packet: PacketBuffer,
  hop: Address,
): void {
  const source = packet.source as Address;
  if (!iface.sendRedirects || source.isMulticast || hop.equals(source) || !isOnLink(iface, source)) return;
  if (source.isV4) {
    if (isOnLink(iface, hop)) net.icmp.sendError4(packet, ICMP4_REDIRECT, REDIRECT_HOST, hop.w3);
    return;
  }
  const destination = packet.destination as Address;
  if (hop.isLinkLocal || hop.equals(destination)) redirect6(net, iface, packet, hop);
}

function redirect6(net: NetworkLayer, iface: NetInterface, packet: PacketBuffer, hop: Address): void {
  const own = iface.linkLocalAddress();
  const source = packet.source as Address;
  if (own === null || !net.icmp.mayRedirect(source)) return;
  const mac = iface.neighbours.lookup(hop)?.mac ?? -1;
  const target = mac >= 0 ? 8 : 0;
  const quoted = Math.min(packet.length, QUOTE6) & ~7;
  const length = REDIRECT6_HEAD + target + 8 + quoted;
  const message = net.pool.allocate(length);
  const at = message.append(length);
  const { view } = message;
  writeIcmp(view, at, ICMP6_REDIRECT, 0, 0);
  hop.write16(view, at + 8);
  (packet.destination as Address).write16(view, at + 24);
  if (target > 0) emitLinkAddress(view, at + REDIRECT6_HEAD, NDP_TARGET_LINK, mac);
  const option = at + REDIRECT6_HEAD + target;
  view.setUint32(option, (NDP_REDIRECTED << 24) | ((1 + quoted / 8) << 16));
  view.setUint32(option + 4, 0);
  packet.copyRange(packet.start, message.bytes, option + 8, quoted);
  sendNdp(iface, message, own, source);
}

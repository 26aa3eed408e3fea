// From what an endpoint asks for to an interface, a next hop, a source and an MTU: the order is local, broadcast, multicast,
// routing tables (ip-route(8)); the source by RFC 6724.
import { type Address, ANY_V4, LOOPBACK_V4, LOOPBACK_V6 } from '../address.js';
import {
  EACCES,
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  EHOSTUNREACH,
  EINVAL,
  ENETDOWN,
  ENETUNREACH,
  ENODEV,
} from '../errno.js';
import { FEATURE_CHECKSUM } from '../link/device.js';
import type { Route } from '../roles.js';
import { MAX_PACKET } from '../storage/packet-buffer.js';
import type { NetInterface } from './interface.js';
import type { InterfaceAddress } from './interface-address.js';
import type { NetworkLayer } from './network.js';
import type { RouteEntry } from './routing.js';
import { betterSource } from './source-selection.js';

/** Fills the "found" fields of `route`; 0 or a negative errno. */
export function resolveRoute(net: NetworkLayer, route: Route): number {
  clearFound(route);
  if (route.destination.isUnspecified) route.destination = route.destination.isV4 ? LOOPBACK_V4 : LOOPBACK_V6;
  const destination = route.destination;
  const source = route.source !== null && !route.source.isUnspecified ? route.source : null;
  if (source !== null) {
    if (source.isV4 !== destination.isV4) return -EAFNOSUPPORT;
    if (!route.anySource && !net.isLocalAddress(source, 0)) return -EADDRNOTAVAIL;
  }
  if (route.boundInterface !== 0 && net.interfaceByIndex(route.boundInterface) === null) return -ENODEV;
  if (net.isLocalAddress(destination, 0) && scopeAllows(net, route, destination))
    return toLocal(net, route, source);
  if (destination.isMulticast) return toGroup(net, route, source);
  if (destination.isV4 && net.isBroadcastAddress(destination)) return toBroadcast(net, route, source);
  return toUnicast(net, route, source);
}

function clearFound(route: Route): void {
  route.isLocal = false;
  route.isBroadcast = false;
  route.isMulticast = false;
  route.neighbour = null;
  route.pathMtuEntry = null;
  route.hopLimit = 64;
  route.advertisedMss = 0;
  route.initialWindow = 0;
}

/** A link-local address of ours counts only on the interface that is meant. */
function scopeAllows(net: NetworkLayer, route: Route, destination: Address): boolean {
  if (!destination.needsScope || route.boundInterface === 0) return true;
  return net.isLocalAddress(destination, route.boundInterface);
}

function toLocal(net: NetworkLayer, route: Route, source: Address | null): number {
  const destination = route.destination;
  route.isLocal = true;
  const own = destination.isV4 && destination.isLoopback ? LOOPBACK_V4 : net.book.ownAddress(destination);
  return found(net, route, net.loopback, destination, source ?? own, 0);
}

/** The interface for groups and broadcasts when none is bound: the source's, the route's, or the first that is up. */
function interfaceFor(net: NetworkLayer, route: Route, source: Address | null): NetInterface | null {
  if (route.boundInterface !== 0) return net.interfaceByIndex(route.boundInterface);
  const owner = source === null ? 0 : net.interfaceForSource(source);
  if (owner !== 0) return net.interfaceByIndex(owner);
  const entry = net.lookupRoute(route, source);
  const routed = entry === null ? null : net.interfaceByIndex(entry.interfaceIndex);
  return routed ?? net.firstInterface();
}

function toGroup(net: NetworkLayer, route: Route, source: Address | null): number {
  const destination = route.destination;
  const iface = interfaceFor(net, route, source);
  if (iface === null) return -ENETUNREACH;
  if (!iface.isUp) return -ENETDOWN;
  route.isMulticast = true;
  const chosen = source ?? chooseSource(net, destination, iface, null);
  if (chosen === null && !destination.isV4) return -EADDRNOTAVAIL;
  return found(net, route, iface, destination, chosen ?? ANY_V4, 0);
}

function toBroadcast(net: NetworkLayer, route: Route, source: Address | null): number {
  if (!route.broadcastAllowed) return -EACCES;
  const destination = route.destination;
  const iface =
    net.interfaceOfBroadcast(destination, route.boundInterface) ?? interfaceFor(net, route, source);
  if (iface === null) return -ENETUNREACH;
  if (!iface.isUp) return -ENETDOWN;
  route.isBroadcast = true;
  const chosen = source ?? chooseSource(net, destination, iface, null) ?? ANY_V4;
  return found(net, route, iface, destination, chosen, 0);
}

function toUnicast(net: NetworkLayer, route: Route, source: Address | null): number {
  const destination = route.destination;
  if (destination.needsScope) return toScoped(net, route, source);
  const entry = net.lookupRoute(route, source);
  if (entry === null) return withoutRoute(net, route, source);
  if (entry.kind !== 'unicast') return refusal(net, route, entry, source);
  const iface = net.interfaceByIndex(entry.interfaceIndex);
  if (iface === null || !iface.isUp) return iface === null ? -ENETUNREACH : -ENETDOWN;
  const chosen = source ?? entry.preferredSource ?? chooseSource(net, destination, iface, entry.gateway);
  if (chosen === null && !destination.isV4) return -EADDRNOTAVAIL;
  route.hopLimit = entry.hopLimit > 0 ? entry.hopLimit : 64;
  route.advertisedMss = entry.advertisedMss;
  route.initialWindow = entry.initialWindow;
  const hop = net.redirects.find(destination, entry.gateway ?? destination, iface.index);
  return found(net, route, iface, hop, chosen ?? ANY_V4, entry.mtu);
}

function refusal(net: NetworkLayer, route: Route, entry: RouteEntry, source: Address | null): number {
  if (entry.kind === 'local') {
    route.isLocal = true;
    return found(net, route, net.loopback, route.destination, source ?? route.destination, 0);
  }
  if (entry.kind === 'prohibit') return -EACCES;
  return entry.kind === 'unreachable' ? -EHOSTUNREACH : -EINVAL;
}

/** A link-local destination: the bound interface, or the one the source lives on. */
function toScoped(net: NetworkLayer, route: Route, source: Address | null): number {
  let index = route.boundInterface;
  if (index === 0 && source !== null) index = net.interfaceForSource(source);
  const iface = index === 0 ? null : net.interfaceByIndex(index);
  if (iface === null) return -EINVAL;
  if (!iface.isUp) return -ENETDOWN;
  const chosen = source ?? iface.linkLocalAddress() ?? iface.primaryAddress(false);
  return chosen === null ? -EADDRNOTAVAIL : found(net, route, iface, route.destination, chosen, 0);
}

/** Bound to an interface, everything is taken to be on its link (as Linux does with SO_BINDTODEVICE for IPv4). */
function withoutRoute(net: NetworkLayer, route: Route, source: Address | null): number {
  const iface = route.boundInterface === 0 ? null : net.interfaceByIndex(route.boundInterface);
  if (iface === null || !route.destination.isV4) return -ENETUNREACH;
  if (!iface.isUp) return -ENETDOWN;
  const chosen = source ?? chooseSource(net, route.destination, iface, null) ?? ANY_V4;
  return found(net, route, iface, route.destination, chosen, 0);
}

function found(
  net: NetworkLayer,
  route: Route,
  iface: NetInterface,
  nextHop: Address,
  source: Address,
  routeMtu: number,
): number {
  route.device = iface;
  route.interfaceIndex = iface.index;
  route.nextHop = nextHop;
  route.chosenSource = source;
  if (iface.hopLimit > 0 && !nextHop.isV4 && route.hopLimit === 64) route.hopLimit = iface.hopLimit;
  const unicast = !route.isMulticast && !route.isBroadcast;
  if (iface.isEthernet && unicast) route.neighbour = iface.neighbours.obtain(nextHop);
  // A device may take more (lo takes 65,536) than IPv4's length field can say.
  const largest = route.destination.isV4 ? Math.min(iface.mtu, MAX_PACKET) : iface.mtu;
  const linkMtu = routeMtu > 0 ? Math.min(routeMtu, largest) : largest;
  const learnt = route.isLocal ? null : net.pathMtu.find(route.destination, net.now());
  route.pathMtuEntry = learnt;
  route.mtu = learnt === null ? linkMtu : Math.min(learnt.mtu, linkMtu);
  route.checksumOffload = (iface.device.features & FEATURE_CHECKSUM) !== 0;
  route.gsoMaxSize = MAX_PACKET;
  route.generation = net.generation;
  return 0;
}

/** RFC 6724 section 5 over the addresses of all interfaces (IPv4: of the outgoing one, if it has any). */
export function chooseSource(
  net: NetworkLayer,
  destination: Address,
  out: NetInterface,
  gateway: Address | null,
): Address | null {
  if (destination.isV4) return chooseSource4(net, destination, out, gateway);
  let best: InterfaceAddress | null = null;
  for (const iface of net.interfaceList()) {
    // A link-local source or destination ties the choice to the interface.
    if (iface !== out && destination.needsScope) continue;
    for (const held of iface.addresses) {
      if (held.address.isV4 || !held.isUsable || held.address.isLoopback) continue;
      if (iface !== out && held.address.isLinkLocal) continue;
      if (best === null || betterSource(held, best, destination, out.index)) best = held;
    }
  }
  return best?.address ?? null;
}

function chooseSource4(
  net: NetworkLayer,
  destination: Address,
  out: NetInterface,
  gateway: Address | null,
): Address | null {
  const hop = gateway ?? destination;
  for (const held of out.addresses)
    if (held.address.isV4 && held.isUsable && held.covers(hop)) return held.address;
  const own = out.primaryAddress(true);
  if (own !== null) return own;
  for (const iface of net.interfaceList()) {
    if (iface.isLoopback) continue;
    const other = iface.primaryAddress(true);
    if (other !== null) return other;
  }
  return null;
}

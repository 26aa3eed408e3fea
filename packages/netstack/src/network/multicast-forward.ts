// Forwarding of multicast by a table that someone else fills (RFC 1812 5.2.1.3, RFC 4605): per source and group the interface that
// packets must come in by, and those they go out by. Which routes there are is for a routing protocol, or a proxy, to decide; it
// is asked when a packet meets none.
import type { Address } from '../address.js';
import { EEXIST, ENOBUFS, ENOENT } from '../errno.js';
import { AddressMap } from '../storage/address-map.js';
import { PACKET_FORWARDED, PACKET_LOOPBACK, type PacketBuffer } from '../storage/packet-buffer.js';
import { decrementHops } from './forward.js';
import { HOOK_FORWARD } from './hooks.js';
import type { NetInterface } from './interface.js';
import type { NetworkLayer } from './network.js';
import { emit } from './output.js';

const MAX_ROUTES = 4096;

export interface MulticastOutput {
  readonly interfaceIndex: number;
  /** Packets need more hops than this to leave; default 1. */
  readonly threshold?: number;
}

export interface MulticastRoute {
  /** null: any. A route for one source goes before it. */
  readonly source: Address | null;
  readonly group: Address;
  readonly inInterface: number;
  readonly outputs: readonly MulticastOutput[];
}

/** A route with what went by it. */
export class MulticastEntry {
  readonly route: MulticastRoute;
  packets: number;
  bytes: number;
  /** Packets that came in by another interface, and went nowhere. */
  wrongInterface: number;

  constructor(route: MulticastRoute) {
    this.route = route;
    this.packets = 0;
    this.bytes = 0;
    this.wrongInterface = 0;
  }
}

/** Asked for a route when there is none; it may add one at once. */
export type MulticastMiss = (source: Address, group: Address, inInterface: number) => void;

export class MulticastForwarder {
  private readonly net: NetworkLayer;
  private readonly groups: AddressMap<MulticastEntry[]>;
  private count: number;
  onMiss: MulticastMiss | null;

  constructor(net: NetworkLayer) {
    this.net = net;
    this.groups = new AddressMap();
    this.count = 0;
    this.onMiss = null;
  }

  get isActive(): boolean {
    return this.count > 0 || this.onMiss !== null;
  }

  /** 0, -EEXIST for the same source and group, -ENOBUFS. */
  add(route: MulticastRoute): number {
    const held = this.groups.get(route.group) ?? [];
    if (held.some((entry) => sameSource(entry.route.source, route.source))) return -EEXIST;
    if (this.count >= MAX_ROUTES) return -ENOBUFS;
    const entry = new MulticastEntry(route);
    this.groups.set(route.group, route.source === null ? [...held, entry] : [entry, ...held]);
    this.count++;
    return 0;
  }

  /** 0 or -ENOENT. */
  remove(source: Address | null, group: Address): number {
    const held = this.groups.get(group) ?? [];
    const kept = held.filter((entry) => !sameSource(entry.route.source, source));
    if (kept.length === held.length) return -ENOENT;
    if (kept.length === 0) this.groups.delete(group);
    else this.groups.set(group, kept);
    this.count--;
    return 0;
  }

  list(): MulticastEntry[] {
    return this.groups.list().flat();
  }

  /** Sends copies on. Keeps the packet, whose `start` is at the network header. */
  forward(iface: NetInterface, packet: PacketBuffer): void {
    const group = packet.destination as Address;
    const source = packet.source as Address;
    if (!iface.forwarding || (packet.flags & PACKET_LOOPBACK) !== 0 || source.isUnspecified) return;
    if (packet.ttl <= 1 || source.isLinkLocal || !leavesLink(group)) return;
    let entry = this.find(source, group);
    if (entry === null && this.onMiss !== null) {
      this.onMiss(source, group, iface.index);
      entry = this.find(source, group);
    }
    if (entry === null) return;
    if (entry.route.inInterface !== iface.index) {
      entry.wrongInterface++;
      return;
    }
    entry.packets++;
    entry.bytes += packet.length;
    for (const output of entry.route.outputs) this.sendCopy(iface, packet, output);
  }

  private find(source: Address, group: Address): MulticastEntry | null {
    const held = this.groups.get(group);
    if (held === null) return null;
    for (let i = 0; i < held.length; i++) {
      const entry = held[i] as MulticastEntry;
      if (entry.route.source === null || entry.route.source.equals(source)) return entry;
    }
    return null;
  }

  private sendCopy(iface: NetInterface, packet: PacketBuffer, output: MulticastOutput): void {
    const { net } = this;
    const out = net.interfaceByIndex(output.interfaceIndex);
    if (out === null || out === iface || !out.isUp || packet.ttl <= (output.threshold ?? 1)) return;
    const copy = packet.copy();
    decrementHops(copy);
    copy.flags |= PACKET_FORWARDED;
    if (!net.hooks.isEmpty(HOOK_FORWARD)) {
      if (!net.hooks.run(HOOK_FORWARD, copy, iface.index, out.index, net.now())) return;
    }
    net.countersFor((copy.destination as Address).isV4).forwarded++;
    emit(net, copy, out, copy.destination as Address, null, out.mtu);
  }
}

function sameSource(a: Address | null, b: Address | null): boolean {
  return a === null || b === null ? a === b : a.equals(b);
}

/** Groups of link scope and below stay where they are: 224.0.0.0/24, and IPv6 scopes up to 2 (RFC 4291 2.7). */
function leavesLink(group: Address): boolean {
  if (group.isV4) return group.w3 >>> 8 !== 0xe00000;
  return ((group.w0 >>> 16) & 15) > 2;
}

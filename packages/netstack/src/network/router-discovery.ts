// The host side of router discovery (RFC 4861 6.3) and stateless autoconfiguration (RFC 4862 5.5): routers, prefixes, addresses,
// parameters, DNS servers (RFC 8106). What routers can make us hold is bounded.
import { Address, ALL_ROUTERS_V6, ANY_V6 } from '../address.js';
import type { PacketBuffer } from '../storage/packet-buffer.js';
import { Timer, type TimerOwner } from '../storage/timer-wheel.js';
import { ICMP6_ROUTER_SOLICIT, writeIcmp } from '../wire/icmp.js';
import { IPV6_MIN_MTU } from '../wire/ipv6.js';
import {
  emitLinkAddress,
  NDP_SOURCE_LINK,
  type NdpOptions,
  type PrefixInformation,
  parseNdpOptions,
  parseRouterAdvertisement,
  type RouterAdvertisement,
} from '../wire/ndp.js';
import type { NetInterface } from './interface.js';
import { sendNdp } from './ndp.js';
import { type NeighbourEntry, NUD_FAILED } from './neighbour.js';
import { makeRoute } from './routing.js';

const MAX_ROUTERS = 16;
const MAX_PREFIXES = 16;
const MAX_AUTOCONFIGURED = 16;
const MAX_DNS = 8;
const SECOND = 1_000_000;
const TWO_HOURS = 7200 * SECOND;

export class RouterDiscovery implements TimerOwner {
  private readonly iface: NetInterface;
  accept: boolean;
  private readonly timer: Timer;
  private solicitationsLeft: number;
  /** From RDNSS options; the newest first. */
  dnsServers: Address[];
  /** The M and O flags of the last advertisement: DHCPv6 has addresses, other things. */
  managed: boolean;
  other: boolean;

  constructor(iface: NetInterface, accept: boolean) {
    this.iface = iface;
    this.accept = accept;
    this.timer = new Timer(this, 0);
    this.solicitationsLeft = 0;
    this.dnsServers = [];
    this.managed = false;
    this.other = false;
  }

  /** Solicits routers: three times, four seconds apart, until one answers. */
  start(): void {
    if (!this.accept || this.iface.forwarding) return;
    this.solicitationsLeft = 3;
    const delay = this.iface.net.random.next32() % SECOND;
    this.iface.net.timers.arm(this.timer, this.iface.net.now() + delay);
  }

  stop(): void {
    this.iface.net.timers.cancel(this.timer);
  }

  timerExpired(_timer: Timer, now: number): void {
    if (this.solicitationsLeft === 0) return;
    this.solicitationsLeft--;
    this.solicit();
    if (this.solicitationsLeft > 0) this.iface.net.timers.arm(this.timer, now + 4 * SECOND);
  }

  private solicit(): void {
    const source = this.iface.linkLocalAddress() ?? ANY_V6;
    const length = source.isUnspecified ? 8 : 16;
    const packet = this.iface.net.pool.allocate(length);
    packet.append(length);
    writeIcmp(packet.view, packet.start, ICMP6_ROUTER_SOLICIT, 0, 0);
    if (length === 16) {
      emitLinkAddress(packet.view, packet.start + 8, NDP_SOURCE_LINK, this.iface.device.address);
    }
    sendNdp(this.iface, packet, source, ALL_ROUTERS_V6);
  }

  /** Keeps the packet. `start` is at the ICMPv6 header. */
  receiveAdvertisement(packet: PacketBuffer): void {
    const source = packet.source as Address;
    if (!this.accept || this.iface.forwarding) return;
    if (packet.ttl !== 255 || !source.isLinkLocal || packet.view.getUint8(packet.start + 1) !== 0) return;
    const ra = parseRouterAdvertisement(packet.view, packet.start, packet.end);
    const options = ra === null ? null : parseNdpOptions(packet.view, packet.start + 16, packet.end);
    if (ra === null || options === null) return;
    this.iface.net.timers.cancel(this.timer);
    this.managed = ra.managed;
    this.other = ra.other;
    this.parameters(ra, options);
    this.router(source, ra);
    if (options.sourceLink >= 0) {
      const entry = this.iface.neighbours.heard(source, options.sourceLink);
      if (entry !== null) entry.isRouter = true;
    }
    for (const prefix of options.prefixes) this.prefix(prefix);
    this.dns(options);
  }

  /** A router that can't be reached loses its routes to the others (RFC 4861 7.3.3). */
  neighbourChanged(entry: NeighbourEntry): void {
    if (!entry.isRouter || entry.state !== NUD_FAILED) return;
    this.iface.net.changed();
  }

  private parameters(ra: RouterAdvertisement, options: NdpOptions): void {
    const { iface } = this;
    if (ra.hopLimit !== 0) iface.hopLimit = ra.hopLimit;
    if (ra.reachableTime !== 0) iface.neighbours.setReachableTime(ra.reachableTime * 1000);
    if (ra.retransTimer !== 0) iface.neighbours.retransTimer = Math.max(ra.retransTimer, 100) * 1000;
    if (options.mtu >= IPV6_MIN_MTU && options.mtu <= iface.device.mtu && options.mtu !== iface.mtu) {
      iface.mtu = options.mtu;
      iface.net.changed();
    }
  }

  private router(source: Address, ra: RouterAdvertisement): void {
    const { routing } = this.iface.net;
    const mine = routing.list().filter((r) => r.origin === 'ra' && r.gateway !== null);
    if (ra.lifetime === 0) {
      routing.remove((r) => r.origin === 'ra' && r.gateway?.equals(source) === true);
      return;
    }
    if (mine.length >= MAX_ROUTERS && !mine.some((r) => r.gateway?.equals(source) === true)) return;
    routing.remove((r) => r.origin === 'ra' && r.gateway?.equals(source) === true);
    const route = makeRoute(ANY_V6, 0, {
      gateway: source,
      interfaceIndex: this.iface.index,
      metric: 1024 - ra.preference,
      expires: this.iface.net.now() + ra.lifetime * SECOND,
      origin: 'ra',
      hopLimit: ra.hopLimit,
    });
    this.iface.net.addRoute(route);
  }

  private prefix(info: PrefixInformation): void {
    const bad = info.prefix.isLinkLocal || info.prefix.isMulticast || info.prefixLength > 128;
    if (bad || info.preferredLifetime > info.validLifetime || info.prefix.isV4) return;
    if (info.onLink) this.onLink(info);
    if (info.autonomous && info.prefixLength === 64) this.autoconfigure(info);
  }

  private onLink(info: PrefixInformation): void {
    const { net, index } = this.iface;
    const count = net.routing.list().filter((r) => r.origin === 'ra' && r.gateway === null).length;
    const expires = lifetimeEnd(net.now(), info.validLifetime);
    const route = makeRoute(info.prefix, info.prefixLength, {
      interfaceIndex: index,
      metric: 256,
      expires,
      origin: 'ra',
    });
    const removed = net.routing.remove(
      (r) =>
        r.origin === 'ra' && r.prefixLength === info.prefixLength && r.destination.equals(route.destination),
    );
    if (info.validLifetime > 0 && (removed === 0 || count < MAX_PREFIXES)) net.addRoute(route);
  }

  private autoconfigure(info: PrefixInformation): void {
    const { iface } = this;
    const { net } = iface;
    const now = net.now();
    const address = interfaceIdentifier(info.prefix, iface.device.address);
    const held = iface.findAddress(address);
    if (held !== null) {
      if (!held.autoconfigured) return;
      const valid = lifetimeEnd(now, info.validLifetime);
      // RFC 4862 5.5.3 e: an unauthenticated router may not shorten a lifetime below two hours.
      if (valid > held.validUntil || valid > now + TWO_HOURS) held.validUntil = valid;
      else if (held.validUntil > now + TWO_HOURS) held.validUntil = now + TWO_HOURS;
      held.preferredUntil = lifetimeEnd(now, info.preferredLifetime);
      net.lifetimesChanged(iface);
      return;
    }
    const count = iface.addresses.filter((each) => each.autoconfigured).length;
    if (info.validLifetime === 0 || count >= MAX_AUTOCONFIGURED) return;
    const fresh = net.addAddressWith(iface, address, 64, true);
    fresh.validUntil = lifetimeEnd(now, info.validLifetime);
    fresh.preferredUntil = lifetimeEnd(now, info.preferredLifetime);
    net.lifetimesChanged(iface);
  }

  private dns(options: NdpOptions): void {
    if (options.dnsServers.length === 0) return;
    const others = this.dnsServers.filter((held) => !options.dnsServers.some((told) => told.equals(held)));
    const told = options.dnsLifetime === 0 ? [] : options.dnsServers;
    this.dnsServers = [...told, ...others].slice(0, MAX_DNS);
  }
}

function lifetimeEnd(now: number, seconds: number): number {
  return seconds === 0xffffffff ? Number.POSITIVE_INFINITY : now + seconds * SECOND;
}

/** Prefix and modified EUI-64 (RFC 4291 appendix A). */
export function interfaceIdentifier(prefix: Address, mac: number): Address {
  const high = Math.floor(mac / 0x1000000);
  const low = mac % 0x1000000;
  const w2 = ((high ^ 0x020000) << 8) | 0xff;
  const w3 = 0xfe000000 | low;
  return new Address(prefix.w0, prefix.w1, w2, w3);
}

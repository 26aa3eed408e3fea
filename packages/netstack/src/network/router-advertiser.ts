// The router side of router discovery (RFC 4861 6.2): advertisements from time to time, in answer to solicitations, and a last
// one that says goodbye. What is advertised is the caller's to say; nothing is taken from the interface's addresses by itself.
import { type Address, ALL_NODES_V6, ALL_ROUTERS_V6 } from '../address.js';
import type { PacketBuffer } from '../storage/packet-buffer.js';
import { Timer, type TimerOwner } from '../storage/timer-wheel.js';
import { ICMP6_ROUTER_ADVERT, writeIcmp } from '../wire/icmp.js';
import { emitNdpOptions, emitRouterAdvertisement, findLinkAddress, NDP_SOURCE_LINK } from '../wire/ndp.js';
import type { NetInterface } from './interface.js';
import { hasBrokenOptions, sendNdp } from './ndp.js';

const SECOND = 1_000_000;
const INITIAL_ADVERTISEMENTS = 3;
const INITIAL_INTERVAL = 16 * SECOND;
const FINAL_ADVERTISEMENTS = 3;
const MIN_DELAY = 3 * SECOND;
const MAX_ANSWER_DELAY = 500_000;
const MAX_PREFIXES = 16;
const MAX_SERVERS = 8;

/** A prefix to advertise; lifetimes in seconds. */
export interface AdvertisedPrefix {
  readonly prefix: Address;
  readonly prefixLength: number;
  /** Default true. */
  readonly onLink?: boolean;
  /** Hosts make addresses of it. Default true. */
  readonly autonomous?: boolean;
  /** Default 30 days. */
  readonly validLifetime?: number;
  /** Default 7 days. */
  readonly preferredLifetime?: number;
}

/** As in radvd.conf(5). */
export interface AdvertiserOptions {
  readonly prefixes?: readonly AdvertisedPrefix[];
  /** Seconds for which hosts take this router as a default one; 0: not at all. Default 1800. */
  readonly lifetime?: number;
  /** Seconds between advertisements at most; default 600. At least a third of it passes. */
  readonly maxInterval?: number;
  readonly managed?: boolean;
  readonly other?: boolean;
  /** RFC 4191: -1 low, 0 medium, 1 high. */
  readonly preference?: number;
  readonly mtu?: number;
  /** Default 64. */
  readonly hopLimit?: number;
  /** Milliseconds. */
  readonly reachableTime?: number;
  readonly retransTimer?: number;
  /** RFC 8106. */
  readonly dnsServers?: readonly Address[];
  /** Seconds; default three times maxInterval. */
  readonly dnsLifetime?: number;
}

export class RouterAdvertiser implements TimerOwner {
  private readonly iface: NetInterface;
  private options: AdvertiserOptions | null;
  private readonly timer: Timer;
  private sent: number;
  private lastSent: number;

  constructor(iface: NetInterface) {
    this.iface = iface;
    this.options = null;
    this.timer = new Timer(this, 0);
    this.sent = 0;
    this.lastSent = Number.NEGATIVE_INFINITY;
  }

  /** Starts, or goes on with other options. */
  start(options: AdvertiserOptions): void {
    if (this.options === null) this.iface.groups.join(ALL_ROUTERS_V6);
    this.options = options;
    this.sent = 0;
    this.schedule(this.random(MAX_ANSWER_DELAY));
  }

  /** Says that this router is none any more (RFC 4861 6.2.5), and is silent. */
  stop(): void {
    const { options } = this;
    if (options === null) return;
    for (let i = 0; i < FINAL_ADVERTISEMENTS; i++) this.send({ ...options, lifetime: 0 });
    this.options = null;
    this.iface.net.timers.cancel(this.timer);
    this.iface.groups.leave(ALL_ROUTERS_V6);
  }

  timerExpired(): void {
    const { options } = this;
    if (options === null) return;
    this.send(options);
    this.sent++;
    const most = (options.maxInterval ?? 600) * SECOND;
    let delay = most / 3 + this.random((most * 2) / 3);
    if (this.sent < INITIAL_ADVERTISEMENTS) delay = Math.min(delay, INITIAL_INTERVAL);
    this.schedule(delay);
  }

  /** Keeps the packet. `start` is at the ICMPv6 header. */
  receiveSolicitation(packet: PacketBuffer): void {
    if (this.options === null || packet.ttl !== 255 || packet.length < 8) return;
    const { view, start } = packet;
    const source = packet.source as Address;
    if (view.getUint8(start + 1) !== 0 || hasBrokenOptions(packet, 8)) return;
    const mac = findLinkAddress(view, start + 8, packet.end, NDP_SOURCE_LINK);
    if (source.isUnspecified && mac >= 0) return;
    if (mac >= 0) this.iface.neighbours.heard(source, mac);
    const now = this.iface.net.now();
    const soonest = Math.max(0, this.lastSent + MIN_DELAY - now) + this.random(MAX_ANSWER_DELAY);
    if (!this.timer.armed || this.timer.deadline > now + soonest) this.schedule(soonest);
  }

  private schedule(delay: number): void {
    this.iface.net.timers.arm(this.timer, this.iface.net.now() + Math.ceil(delay));
  }

  private random(below: number): number {
    return Math.floor((this.iface.net.random.next32() / 0x100000000) * below);
  }

  private send(options: AdvertiserOptions): void {
    const { iface } = this;
    const source = iface.linkLocalAddress();
    // Before the link-local address is known to be ours alone there is nobody to speak as.
    if (source === null || !iface.isUp) return;
    this.lastSent = iface.net.now();
    const prefixes = (options.prefixes ?? []).slice(0, MAX_PREFIXES).map(withDefaults);
    const dnsServers = (options.dnsServers ?? []).slice(0, MAX_SERVERS);
    const packet = iface.net.pool.allocate(32 + prefixes.length * 32 + 8 + dnsServers.length * 16);
    const { view, start } = packet;
    writeIcmp(view, start, ICMP6_ROUTER_ADVERT, 0, 0);
    const head = {
      hopLimit: options.hopLimit ?? 64,
      managed: options.managed ?? false,
      other: options.other ?? false,
      lifetime: Math.min(options.lifetime ?? 1800, 0xffff),
      preference: options.preference ?? 0,
      reachableTime: options.reachableTime ?? 0,
      retransTimer: options.retransTimer ?? 0,
    };
    emitRouterAdvertisement(head, view, start);
    const body = {
      sourceLink: iface.isEthernet ? iface.device.address : -1,
      targetLink: -1,
      mtu: options.mtu ?? -1,
      prefixes,
      dnsServers,
      dnsLifetime: options.dnsLifetime ?? 3 * (options.maxInterval ?? 600),
    };
    packet.append(16 + emitNdpOptions(body, view, start + 16));
    sendNdp(iface, packet, source, ALL_NODES_V6);
  }
}

function withDefaults(prefix: AdvertisedPrefix) {
  return {
    prefix: prefix.prefix.prefix(prefix.prefixLength),
    prefixLength: prefix.prefixLength,
    onLink: prefix.onLink ?? true,
    autonomous: prefix.autonomous ?? true,
    validLifetime: prefix.validLifetime ?? 30 * 86_400,
    preferredLifetime: prefix.preferredLifetime ?? 7 * 86_400,
  };
}

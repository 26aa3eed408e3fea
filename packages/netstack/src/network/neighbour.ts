// Neighbour entries and their state machine (RFC 4861 7.3; for ARP the same machine, as Linux does). REACHABLE decays by
// looking at the clock when the entry is used, so a busy entry costs no timer. Tables and the queue of each entry are bounded.
import type { Address } from '../address.js';
import { ENOBUFS } from '../errno.js';
import { AddressMap } from '../storage/address-map.js';
import type { PacketBuffer } from '../storage/packet-buffer.js';
import { PacketQueue } from '../storage/packet-queue.js';
import { Timer, type TimerOwner } from '../storage/timer-wheel.js';

export const NUD_INCOMPLETE = 1;
export const NUD_REACHABLE = 2;
export const NUD_STALE = 3;
export const NUD_DELAY = 4;
export const NUD_PROBE = 5;
export const NUD_FAILED = 6;
export const NUD_PERMANENT = 7;

export interface NeighbourOptions {
  /** Default 1024. */
  readonly maxEntries?: number;
  /** Packets waiting for one address; default 64. */
  readonly maxQueued?: number;
  /** Microseconds. RFC 4861 section 10: 1 s between solicitations, 30 s reachable, 5 s delay; three of each solicitation. */
  retransTimer?: number;
  baseReachableTime?: number;
  readonly delayFirstProbe?: number;
  readonly maxMulticastSolicit?: number;
  readonly maxUnicastSolicit?: number;
}

/** What a table needs of its interface. */
export interface NeighbourLink {
  now(): number;
  random32(): number;
  armTimer(timer: Timer, deadline: number): void;
  cancelTimer(timer: Timer): void;
  /** Sends an ARP request or a neighbour solicitation; unicast when `mac` is not negative. */
  solicit(target: Address, mac: number, packet: PacketBuffer | null): void;
  /** Puts the link header before a packet that waited, and sends it. */
  transmitTo(packet: PacketBuffer, mac: number): void;
  /** Address resolution failed: the packet gets an ICMP host unreachable. Takes ownership. */
  unreachable(packet: PacketBuffer): void;
  /** A default router stopped answering, or answers again. */
  reachabilityChanged(entry: NeighbourEntry): void;
  /** An entry went: whoever remembers entries must look again. */
  entryRemoved(): void;
}

export class NeighbourEntry implements TimerOwner {
  readonly table: NeighbourTable;
  readonly address: Address;
  readonly timer: Timer;
  readonly queue: PacketQueue;
  /** -1 while not known. */
  mac: number;
  state: number;
  probes: number;
  /** Time of the last confirmation. */
  confirmed: number;
  used: number;
  isRouter: boolean;
  /** When it last failed to answer; -Infinity while it has not. */
  failedAt: number;

  constructor(table: NeighbourTable, address: Address, maxQueued: number) {
    this.table = table;
    this.address = address;
    this.timer = new Timer(this, 0);
    this.queue = new PacketQueue(maxQueued, 1 << 20);
    this.mac = -1;
    this.state = NUD_INCOMPLETE;
    this.probes = 0;
    this.confirmed = 0;
    this.used = 0;
    this.isRouter = false;
    this.failedAt = Number.NEGATIVE_INFINITY;
  }

  timerExpired(_timer: Timer, now: number): void {
    this.table.expired(this, now);
  }
}

export class NeighbourTable {
  private entries: AddressMap<NeighbourEntry>;
  private readonly link: NeighbourLink;
  private readonly maxEntries: number;
  private readonly maxQueued: number;
  private readonly delayFirstProbe: number;
  private readonly maxMulticast: number;
  private readonly maxUnicast: number;
  retransTimer: number;
  private baseReachable: number;
  private reachableTime: number;

  constructor(link: NeighbourLink, options: NeighbourOptions) {
    this.entries = new AddressMap();
    this.link = link;
    this.maxEntries = options.maxEntries ?? 1024;
    this.maxQueued = options.maxQueued ?? 64;
    this.delayFirstProbe = options.delayFirstProbe ?? 5_000_000;
    this.maxMulticast = options.maxMulticastSolicit ?? 3;
    this.maxUnicast = options.maxUnicastSolicit ?? 3;
    this.retransTimer = options.retransTimer ?? 1_000_000;
    this.baseReachable = options.baseReachableTime ?? 30_000_000;
    this.reachableTime = this.baseReachable;
  }

  list(): NeighbourEntry[] {
    return this.entries.list();
  }

  lookup(address: Address): NeighbourEntry | null {
    return this.entries.get(address);
  }

  /** The entry for `address`, made if there is none; null when the table is full of busy entries. */
  obtain(address: Address): NeighbourEntry | null {
    const held = this.entries.get(address);
    if (held !== null) return held;
    if (this.entries.size >= this.maxEntries && !this.evict()) return null;
    const entry = new NeighbourEntry(this, address, this.maxQueued);
    entry.state = NUD_FAILED;
    this.entries.set(address, entry);
    return entry;
  }

  /** Sends `packet` (start at the network header) to the neighbour, or queues it. Takes ownership. */
  send(entry: NeighbourEntry, packet: PacketBuffer): number {
    const now = this.link.now();
    entry.used = now;
    if (entry.state === NUD_INCOMPLETE || entry.state === NUD_FAILED) return this.enqueue(entry, packet, now);
    if (entry.state === NUD_REACHABLE && now - entry.confirmed > this.reachableTime) entry.state = NUD_STALE;
    if (entry.state === NUD_STALE) {
      entry.state = NUD_DELAY;
      this.link.armTimer(entry.timer, now + this.delayFirstProbe);
    }
    this.link.transmitTo(packet, entry.mac);
    return 0;
  }

  /** Upper layers saw progress (RFC 4861 7.3.1). */
  confirm(entry: NeighbourEntry): void {
    if (entry.mac < 0 || entry.state === NUD_PERMANENT) return;
    if (entry.state === NUD_DELAY || entry.state === NUD_PROBE) this.link.cancelTimer(entry.timer);
    if (entry.state !== NUD_FAILED && entry.state !== NUD_INCOMPLETE) this.setReachable(entry);
  }

  /** A solicitation or an ARP request told its sender's address: the entry becomes STALE if that is news. */
  heard(address: Address, mac: number): NeighbourEntry | null {
    const entry = this.obtain(address);
    if (entry === null || entry.state === NUD_PERMANENT) return entry;
    if (entry.mac === mac && entry.state !== NUD_FAILED && entry.state !== NUD_INCOMPLETE) return entry;
    this.learn(entry, mac, NUD_STALE);
    return entry;
  }

  /** An advertisement or ARP reply (RFC 4861 7.2.5). */
  advertised(address: Address, mac: number, solicited: boolean, override: boolean, router: boolean): void {
    const entry = this.entries.get(address);
    if (entry === null || entry.state === NUD_PERMANENT) return;
    const wasRouter = entry.isRouter;
    if (entry.state === NUD_INCOMPLETE || entry.state === NUD_FAILED) {
      if (mac < 0) return;
      entry.isRouter = router;
      this.learn(entry, mac, solicited ? NUD_REACHABLE : NUD_STALE);
      return;
    }
    const differs = mac >= 0 && mac !== entry.mac;
    if (!override && differs) {
      if (entry.state === NUD_REACHABLE) entry.state = NUD_STALE;
      return;
    }
    entry.isRouter = router;
    if (differs) this.learn(entry, mac, solicited ? NUD_REACHABLE : NUD_STALE);
    else if (solicited) this.confirm(entry);
    if (wasRouter && !router) this.link.reachabilityChanged(entry);
  }

  /** An entry set by hand. False when the table is full. */
  setPermanent(address: Address, mac: number): boolean {
    const entry = this.obtain(address);
    if (entry === null) return false;
    this.learn(entry, mac, NUD_PERMANENT);
    return true;
  }

  remove(address: Address): boolean {
    const entry = this.entries.get(address);
    if (entry === null) return false;
    this.discard(entry);
    return true;
  }

  /** Removes all but permanent entries. */
  flush(all = false): void {
    for (const entry of this.entries.list()) if (all || entry.state !== NUD_PERMANENT) this.discard(entry);
  }

  /** From a router advertisement; microseconds. */
  setReachableTime(base: number): void {
    this.baseReachable = base;
  }

  /** For NeighbourEntry's timer. */
  expired(entry: NeighbourEntry, now: number): void {
    if (entry.state === NUD_DELAY) {
      entry.state = NUD_PROBE;
      entry.probes = 0;
    }
    const limit = entry.state === NUD_PROBE ? this.maxUnicast : this.maxMulticast;
    if (entry.probes >= limit) {
      this.fail(entry);
      return;
    }
    this.solicit(entry, now);
  }

  private solicit(entry: NeighbourEntry, now: number): void {
    entry.probes++;
    this.link.armTimer(entry.timer, now + this.retransTimer);
    this.link.solicit(entry.address, entry.state === NUD_PROBE ? entry.mac : -1, entry.queue.head);
  }

  private enqueue(entry: NeighbourEntry, packet: PacketBuffer, now: number): number {
    if (!entry.queue.push(packet)) {
      // RFC 4861 7.2.2: the newest is worth more than the oldest.
      entry.queue.shift()?.release();
      if (!entry.queue.push(packet)) {
        packet.release();
        return -ENOBUFS;
      }
    }
    if (entry.state === NUD_FAILED) {
      entry.state = NUD_INCOMPLETE;
      entry.probes = 0;
      this.solicit(entry, now);
    }
    return 0;
  }

  private learn(entry: NeighbourEntry, mac: number, state: number): void {
    this.link.cancelTimer(entry.timer);
    entry.mac = mac;
    if (state === NUD_REACHABLE) this.setReachable(entry);
    else entry.state = state;
    if (entry.isRouter) this.link.reachabilityChanged(entry);
    for (let left = entry.queue.packets; left > 0; left--) {
      const packet = entry.queue.shift();
      if (packet !== null) this.send(entry, packet);
    }
  }

  private setReachable(entry: NeighbourEntry): void {
    entry.state = NUD_REACHABLE;
    entry.confirmed = this.link.now();
    // RFC 4861 6.3.2: between half and one and a half of the base.
    this.reachableTime = this.baseReachable * (0.5 + this.link.random32() / 0x100000000);
  }

  private fail(entry: NeighbourEntry): void {
    entry.state = NUD_FAILED;
    entry.failedAt = this.link.now();
    entry.mac = -1;
    this.link.reachabilityChanged(entry);
    for (let packet = entry.queue.shift(); packet !== null; packet = entry.queue.shift()) {
      this.link.unreachable(packet);
    }
  }

  private discard(entry: NeighbourEntry): void {
    this.link.cancelTimer(entry.timer);
    entry.queue.clear();
    entry.mac = -1;
    entry.state = NUD_FAILED;
    this.entries.delete(entry.address);
    this.link.entryRemoved();
  }

  /** Makes room: the least recently used entry that is not permanent and not being probed, else an incomplete one. */
  private evict(): boolean {
    let victim: NeighbourEntry | null = null;
    for (const entry of this.entries.list()) {
      if (entry.state === NUD_PERMANENT) continue;
      if (victim === null || rank(entry) < rank(victim)) victim = entry;
    }
    if (victim === null) return false;
    this.discard(victim);
    return true;
  }
}

/** Failed first, then incomplete, then by last use. */
function rank(entry: NeighbourEntry): number {
  if (entry.state === NUD_FAILED) return -2;
  return entry.state === NUD_INCOMPLETE ? -1 : entry.used;
}

// Putting fragments together (RFC 791, RFC 815, RFC 8200 4.5). Overlaps end the whole datagram (RFC 5722, and for IPv4 as
// Linux does); exact duplicates are ignored. Bytes, fragments per datagram and datagrams are bounded; the oldest makes room.
import type { Address } from '../address.js';
import type { PacketBuffer } from '../storage/packet-buffer.js';
import { MAX_PACKET, PACKET_REASSEMBLED } from '../storage/packet-buffer.js';
import { Timer, type TimerOwner, type TimerWheel } from '../storage/timer-wheel.js';
import { finishIpv4 } from '../wire/ipv4.js';
import type { NetworkCounters } from './counters.js';

export interface ReassemblyOptions {
  /** Default 4 MiB. */
  readonly maxBytes?: number;
  /** Default 1024. */
  readonly maxDatagrams?: number;
  /** Default 64; more fragments than a 64 KiB datagram needs at an MTU of 1280 are suspect. */
  readonly maxFragments?: number;
  /** Microseconds; default 30 s as Linux. RFC 8200 says 60. */
  readonly timeout?: number;
}

/** Told when time ran out for a datagram whose first fragment is here (ICMP time exceeded, code 1). Keeps the packet. */
export interface ReassemblyOwner {
  reassemblyTimedOut(first: PacketBuffer): void;
  countersFor(v4: boolean): NetworkCounters;
}

class Datagram implements TimerOwner {
  readonly reassembler: Reassembler;
  readonly source: Address;
  readonly destination: Address;
  readonly identification: number;
  readonly protocol: number;
  readonly key: number;
  readonly timer: Timer;
  /** Fragments by offset, linked through `next`; cookie is the offset, cookie2 the payload's length. */
  head: PacketBuffer | null;
  fragments: number;
  received: number;
  /** Payload length, -1 before the last fragment came. */
  total: number;
  held: number;

  constructor(
    owner: Reassembler,
    source: Address,
    destination: Address,
    id: number,
    protocol: number,
    key: number,
  ) {
    this.reassembler = owner;
    this.source = source;
    this.destination = destination;
    this.identification = id;
    this.protocol = protocol;
    this.key = key;
    this.timer = new Timer(this, 0);
    this.head = null;
    this.fragments = 0;
    this.received = 0;
    this.total = -1;
    this.held = 0;
  }

  timerExpired(): void {
    this.reassembler.timedOut(this);
  }
}

export class Reassembler {
  private readonly datagrams: Map<number, Datagram[]>;
  /** In order of arrival, for making room. */
  private readonly order: Set<Datagram>;
  private readonly timers: TimerWheel;
  private readonly owner: ReassemblyOwner;
  private readonly maxBytes: number;
  private readonly maxDatagrams: number;
  private readonly maxFragments: number;
  private readonly timeout: number;
  bytes: number;

  constructor(timers: TimerWheel, owner: ReassemblyOwner, options: ReassemblyOptions) {
    this.datagrams = new Map();
    this.order = new Set();
    this.timers = timers;
    this.owner = owner;
    this.maxBytes = options.maxBytes ?? 4 << 20;
    this.maxDatagrams = options.maxDatagrams ?? 1024;
    this.maxFragments = options.maxFragments ?? 64;
    this.timeout = options.timeout ?? 30_000_000;
    this.bytes = 0;
  }

  get pending(): number {
    return this.order.size;
  }

  /**
   * Takes a fragment whose payload is bytes[payload..end) at `offset` in the datagram; `protocol` is that of the reassembled
   * payload. Takes ownership. Returns the whole datagram (start at its network header), or null when more is needed or it failed.
   */
  add(
    packet: PacketBuffer,
    payload: number,
    offset: number,
    more: boolean,
    identification: number,
    protocol: number,
    now: number,
  ): PacketBuffer | null {
    const counters = this.owner.countersFor((packet.source as Address).isV4);
    counters.reassembliesRequired++;
    const length = packet.end - payload;
    const bad =
      offset + length + (payload - packet.networkOffset) > MAX_PACKET || (more && (length & 7) !== 0);
    if (bad || length === 0) {
      counters.reassembliesFailed++;
      packet.release();
      return null;
    }
    packet.transportOffset = payload;
    packet.cookie = offset;
    packet.cookie2 = length;
    const datagram = this.findOrMake(packet, identification, protocol, now);
    const end = offset + length;
    if (!more) {
      const known = datagram.total >= 0 && datagram.total !== end;
      if (known || lastEnd(datagram) > end) return this.refuse(datagram, packet);
      datagram.total = end;
    }
    if (!this.insert(datagram, packet)) return null;
    return datagram.received === datagram.total ? this.join(datagram) : null;
  }

  /** Forgets everything, as when the stack is closed. */
  clear(): void {
    for (const datagram of [...this.order]) this.drop(datagram);
  }

  /** For Datagram's timer. */
  timedOut(datagram: Datagram): void {
    const counters = this.owner.countersFor(datagram.source.isV4);
    counters.reassemblyTimeouts++;
    counters.reassembliesFailed++;
    const first = datagram.head;
    if (first !== null && first.cookie === 0) this.owner.reassemblyTimedOut(first);
    this.drop(datagram);
  }

  private findOrMake(packet: PacketBuffer, id: number, protocol: number, now: number): Datagram {
    const source = packet.source as Address;
    const destination = packet.destination as Address;
    const key = (Math.imul(source.hash, 31) ^ destination.hash ^ Math.imul(id, 0x9e3779b1) ^ protocol) | 0;
    const list = this.datagrams.get(key) ?? [];
    for (const held of list) {
      if (held.identification !== id || held.protocol !== protocol) continue;
      if (held.source.equals(source) && held.destination.equals(destination)) return held;
    }
    if (this.order.size >= this.maxDatagrams) this.makeRoom();
    const fresh = new Datagram(this, source, destination, id, protocol, key);
    const after = this.datagrams.get(key) ?? [];
    after.push(fresh);
    this.datagrams.set(key, after);
    this.order.add(fresh);
    this.timers.arm(fresh.timer, now + this.timeout);
    return fresh;
  }

  private makeRoom(): void {
    for (const oldest of this.order) {
      this.owner.countersFor(oldest.source.isV4).reassembliesFailed++;
      this.drop(oldest);
      return;
    }
  }

  /** False when the fragment, or the datagram with it, was dropped. */
  private insert(datagram: Datagram, packet: PacketBuffer): boolean {
    let previous: PacketBuffer | null = null;
    let following = datagram.head;
    while (following !== null && following.cookie < packet.cookie) {
      previous = following;
      following = following.next;
    }
    const end = packet.cookie + packet.cookie2;
    if (following !== null && following.cookie === packet.cookie && following.cookie2 === packet.cookie2) {
      packet.release();
      return false;
    }
    const overlaps =
      (previous !== null && previous.cookie + previous.cookie2 > packet.cookie) ||
      (following !== null && following.cookie < end) ||
      (datagram.total >= 0 && end > datagram.total);
    if (overlaps || datagram.fragments >= this.maxFragments) {
      this.refuse(datagram, packet);
      return false;
    }
    packet.next = following;
    if (previous === null) datagram.head = packet;
    else previous.next = packet;
    datagram.fragments++;
    datagram.received += packet.cookie2;
    datagram.held += packet.bytes.length;
    this.bytes += packet.bytes.length;
    while (this.bytes > this.maxBytes && this.order.size > 1) this.makeRoom();
    return this.order.has(datagram);
  }

  private refuse(datagram: Datagram, packet: PacketBuffer): null {
    this.owner.countersFor(datagram.source.isV4).reassembliesFailed++;
    packet.release();
    this.drop(datagram);
    return null;
  }

  private drop(datagram: Datagram): void {
    this.timers.cancel(datagram.timer);
    this.order.delete(datagram);
    this.bytes -= datagram.held;
    const list = this.datagrams.get(datagram.key) ?? [];
    const kept = list.filter((held) => held !== datagram);
    if (kept.length === 0) this.datagrams.delete(datagram.key);
    else this.datagrams.set(datagram.key, kept);
    let packet = datagram.head;
    datagram.head = null;
    while (packet !== null) {
      const next: PacketBuffer | null = packet.next;
      packet.release();
      packet = next;
    }
  }

  private join(datagram: Datagram): PacketBuffer | null {
    const first = datagram.head as PacketBuffer;
    const v6 = first.view.getUint8(first.networkOffset) >>> 4 === 6;
    // In IPv6 the fragment header goes; what comes before it is kept.
    const header = first.transportOffset - first.networkOffset - (v6 ? 8 : 0);
    const whole = first.pool.allocate(header + datagram.total);
    const base = whole.start;
    whole.bytes.set(first.bytes.subarray(first.networkOffset, first.networkOffset + header), base);
    for (let part: PacketBuffer | null = first; part !== null; part = part.next) {
      const from = part.transportOffset;
      whole.bytes.set(part.bytes.subarray(from, from + part.cookie2), base + header + part.cookie);
    }
    whole.copyMetadata(first);
    whole.end = base + header + datagram.total;
    whole.networkOffset = base;
    whole.transportOffset = base + header;
    whole.linkOffset = -1;
    whole.checksum = 0;
    whole.flags |= PACKET_REASSEMBLED;
    whole.protocol = datagram.protocol;
    whole.cookie = 0;
    whole.cookie2 = 0;
    whole.tos = joinedTos(datagram, first.tos);
    this.fixHeader(whole, v6, header, datagram.protocol);
    this.owner.countersFor(!v6).reassembliesOk++;
    this.drop(datagram);
    return whole;
  }

  private fixHeader(whole: PacketBuffer, v6: boolean, header: number, protocol: number): void {
    const view = whole.view;
    const at = whole.networkOffset;
    if (v6) {
      view.setUint16(at + 4, whole.end - at - 40);
      setLastNextHeader(view, at, header, protocol);
      return;
    }
    view.setUint16(at + 2, whole.end - at);
    view.setUint16(at + 6, 0);
    view.setUint8(at + 1, whole.tos);
    finishIpv4(view, at);
  }
}

/** Where the fragment furthest back ends. */
function lastEnd(datagram: Datagram): number {
  let end = 0;
  for (let part = datagram.head; part !== null; part = part.next) end = part.cookie + part.cookie2;
  return end;
}

/** RFC 3168 5.3: congestion experienced in any fragment is kept. */
function joinedTos(datagram: Datagram, tos: number): number {
  for (let part = datagram.head; part !== null; part = part.next) if ((part.tos & 3) === 3) return tos | 3;
  return tos;
}

/** The header before the removed fragment header must now name what followed it. */
function setLastNextHeader(view: DataView, at: number, headerLength: number, protocol: number): void {
  let field = at + 6;
  let next = at + 40;
  while (next < at + headerLength) {
    field = next;
    next += (view.getUint8(next + 1) + 1) * 8;
  }
  view.setUint8(field, protocol);
}

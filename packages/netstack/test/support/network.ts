// A network for transport tests: hosts joined by one path with a virtual clock, so that a test decides what happens to
// each packet (loss, delay, reordering, duplication, corruption) and hours pass in milliseconds. Seeded, no real time.

import { Address, AddressCache } from '../../src/address.js';
import type {
  DeferredOwner,
  RandomSource,
  Route,
  TransportHost,
  TransportProtocol,
} from '../../src/roles.js';
import {
  CHECKSUM_NONE,
  CHECKSUM_PARTIAL,
  type PacketBuffer,
  PacketPool,
} from '../../src/storage/packet-buffer.js';
import { TimerWheel } from '../../src/storage/timer-wheel.js';

/** xorshift32: small, seeded, good enough to shake a protocol. */
export class SeededRandom implements RandomSource {
  private state: number;

  constructor(seed: number) {
    this.state = (seed * 2654435761) | 0 || 1;
  }

  next32(): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return this.state >>> 0;
  }

  chance(probability: number): boolean {
    return this.next32() < probability * 0x100000000;
  }
}

export interface PathFaults {
  loss?: number;
  duplicate?: number;
  reorder?: number;
  corrupt?: number;
  /** One-way, microseconds. */
  delay?: number;
  jitter?: number;
  /** Bytes per second; 0: unlimited. */
  rate?: number;
  /** Packets that may queue at the rate limit. */
  queue?: number;
  mtu?: number;
  /** Largest packet that gets through without an error being told: a black hole. */
  blackHole?: number;
  gso?: number;
}

interface InTransit {
  due: number;
  order: number;
  packet: PacketBuffer;
  to: TestHost;
}

export class TestNetwork {
  time: number;
  readonly random: SeededRandom;
  readonly faults: PathFaults;
  readonly hosts: TestHost[] = [];
  private transit: InTransit[] = [];
  private order = 0;
  private lineFree = 0;
  delivered = 0;
  lost = 0;
  /** Sees every packet that is sent, after its checksum is complete; true keeps it off the path. */
  onSend: ((packet: PacketBuffer, from: TestHost) => boolean) | null = null;

  constructor(seed = 1, faults: PathFaults = {}) {
    this.time = 1_000_000;
    this.random = new SeededRandom(seed);
    this.faults = faults;
  }

  host(address: string): TestHost {
    const host = new TestHost(this, Address.of(address));
    this.hosts.push(host);
    return host;
  }

  transmit(packet: PacketBuffer, from: TestHost): number {
    const f = this.faults;
    if (this.onSend?.(packet, from)) {
      packet.release();
      return 0;
    }
    const to = this.hosts.find((h) => h.address.equals(packet.destination!));
    if (to === undefined || (f.blackHole !== undefined && packet.length + 20 > f.blackHole))
      return this.lose(packet);
    if (to !== from && f.loss !== undefined && this.random.chance(f.loss)) return this.lose(packet);
    if (to !== from && f.corrupt !== undefined && this.random.chance(f.corrupt)) {
      const at = packet.start + (this.random.next32() % packet.length);
      packet.bytes[at] = packet.bytes[at]! ^ (1 << (this.random.next32() & 7));
    }
    if (to !== from && f.duplicate !== undefined && this.random.chance(f.duplicate)) {
      this.queue(packet.copy(), to, this.dueTime(packet));
    }
    this.queue(packet, to, this.dueTime(packet));
    return 0;
  }

  private lose(packet: PacketBuffer): number {
    this.lost++;
    packet.release();
    return 0;
  }

  private dueTime(packet: PacketBuffer): number {
    const f = this.faults;
    let due = this.time;
    if (f.rate !== undefined && f.rate > 0) {
      this.lineFree = Math.max(this.lineFree, due) + ((packet.length + 20) * 1e6) / f.rate;
      due = this.lineFree;
    }
    due += f.delay ?? 0;
    if (f.jitter !== undefined && f.jitter > 0) due += this.random.next32() % f.jitter;
    if (f.reorder !== undefined && this.random.chance(f.reorder)) due += (f.delay ?? 1000) + 500;
    return due;
  }

  private queue(packet: PacketBuffer, to: TestHost, due: number): void {
    const limit = this.faults.queue ?? 0;
    if (limit > 0 && this.transit.length >= limit) {
      this.lose(packet);
      return;
    }
    const item = { due, order: this.order++, packet, to };
    let at = this.transit.length;
    while (at > 0 && this.transit[at - 1]!.due > due) at--;
    this.transit.splice(at, 0, item);
  }

  get idle(): boolean {
    return this.transit.length === 0;
  }

  /** Handles everything due now; true if there was something. */
  settle(): boolean {
    let worked = false;
    for (;;) {
      const next = this.transit[0];
      if (next === undefined || next.due > this.time) break;
      this.transit.shift();
      worked = true;
      this.delivered++;
      next.to.receive(next.packet);
    }
    for (const host of this.hosts) worked = host.runDeferred() || worked;
    return worked;
  }

  nextEvent(): number {
    let next = this.transit[0]?.due ?? Number.POSITIVE_INFINITY;
    for (const host of this.hosts) next = Math.min(next, host.timers.nextDeadline());
    return next;
  }

  /** One event: moves the clock to it. False if nothing will ever happen. */
  step(): boolean {
    while (this.settle()) {}
    const next = this.nextEvent();
    if (next === Number.POSITIVE_INFINITY) return false;
    this.time = Math.max(this.time, next);
    this.settle();
    for (const host of this.hosts) host.timers.advance(this.time);
    return true;
  }

  /** Runs until `done`, or until `microseconds` have passed. True if done. */
  run(microseconds: number, done: () => boolean = () => false): boolean {
    const end = this.time + microseconds;
    for (;;) {
      while (this.settle()) if (done()) return true;
      if (done()) return true;
      if (this.nextEvent() > end) {
        this.time = end;
        return done();
      }
      this.step();
    }
  }
}

export class TestHost implements TransportHost {
  readonly network: TestNetwork;
  readonly address: Address;
  readonly pool: PacketPool;
  readonly timers: TimerWheel;
  readonly random: RandomSource;
  readonly addresses: AddressCache;
  readonly protocols = new Map<number, TransportProtocol>();
  readonly refused: number[] = [];
  readonly joined: string[] = [];
  private readonly deferred: DeferredOwner[] = [];
  /** All destinations reach this host: as with an intercepting interface. */
  extra: Address[] = [];
  /** What resolve() answers. */
  routeError = 0;
  confirmations = 0;

  constructor(network: TestNetwork, address: Address) {
    this.network = network;
    this.address = address;
    this.pool = new PacketPool();
    this.timers = new TimerWheel(network.time);
    this.random = network.random;
    this.addresses = new AddressCache();
  }

  attach(protocol: TransportProtocol): void {
    this.protocols.set(protocol.protocol, protocol);
  }

  now(): number {
    return this.network.time;
  }

  resolve(route: Route): number {
    if (this.routeError !== 0) return this.routeError;
    const faults = this.network.faults;
    route.generation = 1;
    route.chosenSource = route.source ?? this.address;
    route.mtu = faults.mtu ?? 1500;
    route.gsoMaxSize = faults.gso ?? 0;
    route.isLocal = route.destination.equals(this.address);
    route.isMulticast = route.destination.isMulticast;
    route.isBroadcast = route.destination.isLimitedBroadcast;
    route.interfaceIndex = 1;
    return 0;
  }

  send(packet: PacketBuffer, route: Route): number {
    packet.source ??= route.chosenSource;
    packet.destination = route.destination;
    if (packet.checksum === CHECKSUM_PARTIAL) this.finishChecksum(packet);
    packet.checksum = CHECKSUM_NONE;
    return this.network.transmit(packet, this);
  }

  private finishChecksum(packet: PacketBuffer): void {
    let sum = 0;
    for (let i = packet.start; i < packet.end; i += 2) {
      sum += (packet.bytes[i]! << 8) | (i + 1 < packet.end ? packet.bytes[i + 1]! : 0);
    }
    while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
    packet.view.setUint16(packet.start + packet.checksumOffset, ~sum & 0xffff);
  }

  receive(packet: PacketBuffer): void {
    packet.interfaceIndex = 1;
    const protocol = this.protocols.get(packet.protocol);
    if (protocol === undefined) packet.release();
    else protocol.deliver(packet);
  }

  runDeferred(): boolean {
    const owner = this.deferred.shift();
    if (owner === undefined) return false;
    owner.deferredQueued = false;
    owner.runDeferred(this.network.time);
    return true;
  }

  refuse(packet: PacketBuffer, reason: number): void {
    this.refused.push(reason);
    packet.release();
  }

  isLocalAddress(address: Address): boolean {
    return address.equals(this.address) || address.isLoopback || this.extra.some((a) => a.equals(address));
  }

  isBroadcastAddress(address: Address): boolean {
    return address.isLimitedBroadcast;
  }

  confirmReachable(): void {
    this.confirmations++;
  }

  probedMtu(): void {}

  joinGroup(group: Address): number {
    this.joined.push(group.toString());
    return 0;
  }

  leaveGroup(group: Address): number {
    const at = this.joined.indexOf(group.toString());
    if (at >= 0) this.joined.splice(at, 1);
    return 0;
  }

  setGroupFilter(): number {
    return 0;
  }

  interfaceForSource(): number {
    return 1;
  }

  originalDestination(): Address | null {
    return null;
  }

  originalDestinationPort(): number {
    return 0;
  }

  defer(owner: DeferredOwner): void {
    if (owner.deferredQueued) return;
    owner.deferredQueued = true;
    this.deferred.push(owner);
  }
}

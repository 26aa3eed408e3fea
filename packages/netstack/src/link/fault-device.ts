// A decorator that makes a link bad on purpose, as `tc netem` does: loss, corruption, duplication, delay with jitter,
// reordering and a rate limit with a bounded queue. Everything follows from the random source, so that a seed repeats a run.
// Faults apply to what is transmitted; decorate both ends for both directions.
import { ENOBUFS } from '../errno.js';
import type { RandomSource } from '../roles.js';
import { CHECKSUM_NONE, CHECKSUM_PARTIAL, type PacketBuffer } from '../storage/packet-buffer.js';
import { LinkDecorator } from './decorator.js';
import type { LinkDevice } from './device.js';
import { completeChecksum } from './offload.js';

export interface FaultOptions {
  readonly random: RandomSource;
  /** Probabilities, 0–1. */
  readonly loss?: number;
  readonly duplicate?: number;
  readonly corrupt?: number;
  /** Share of packets that skip the delay, and so overtake. */
  readonly reorder?: number;
  /** Microseconds. */
  readonly delay?: number;
  /** Uniformly added, 0..jitter microseconds. */
  readonly jitter?: number;
  /** Bits per second; 0 for no limit. */
  readonly rate?: number;
  /** Packets held by delay and rate; default 1000. */
  readonly limit?: number;
  /** Bursts of loss (Gilbert): chance that a lost packet is followed by another loss. */
  readonly lossBurst?: number;
  /** Hides the inner device's offloads, so that each fault hits a wire-sized packet. Default true. */
  readonly noOffload?: boolean;
}

class Held {
  readonly packet: PacketBuffer;
  readonly due: number;
  readonly order: number;

  constructor(packet: PacketBuffer, due: number, order: number) {
    this.packet = packet;
    this.due = due;
    this.order = order;
  }
}

export class FaultDevice extends LinkDecorator {
  /** May be replaced while running. */
  faults: FaultOptions;
  /** A binary heap by (due, order). */
  private readonly held: Held[];
  private order: number;
  private rateFree: number;
  private losing: boolean;
  lost: number;
  duplicated: number;
  corrupted: number;
  reordered: number;
  overflowed: number;

  constructor(inner: LinkDevice, faults: FaultOptions) {
    super(inner);
    this.faults = faults;
    this.held = [];
    this.order = 0;
    this.rateFree = 0;
    this.losing = false;
    this.lost = 0;
    this.duplicated = 0;
    this.corrupted = 0;
    this.reordered = 0;
    this.overflowed = 0;
  }

  override get features(): number {
    return this.faults.noOffload === false ? this.inner.features : 0;
  }

  override transmit(packet: PacketBuffer, now: number): number {
    if (this.chooseLoss()) {
      this.lost++;
      packet.release();
      return 0;
    }
    if (this.chance(this.faults.duplicate)) {
      this.duplicated++;
      this.hold(packet.copy(), now);
    }
    if (this.chance(this.faults.corrupt)) this.corrupt(packet);
    return this.hold(packet, now);
  }

  override poll(now: number): number {
    while (this.held.length > 0 && (this.held[0] as Held).due <= now) {
      this.inner.transmit(this.popHeld().packet, now);
    }
    const next = this.inner.poll(now);
    return this.held.length > 0 ? Math.min(next, (this.held[0] as Held).due) : next;
  }

  private chance(probability: number | undefined): boolean {
    if (probability === undefined || probability <= 0) return false;
    return this.faults.random.next32() < probability * 0x100000000;
  }

  private chooseLoss(): boolean {
    this.losing = this.losing
      ? this.chance(this.faults.lossBurst ?? this.faults.loss)
      : this.chance(this.faults.loss);
    return this.losing;
  }

  private corrupt(packet: PacketBuffer): void {
    if (packet.length === 0) return;
    packet.unshare();
    // A damaged packet must not be vouched for: the checksum is made real first.
    if (packet.checksum === CHECKSUM_PARTIAL) completeChecksum(packet);
    packet.checksum = CHECKSUM_NONE;
    const at = packet.start + (this.faults.random.next32() % packet.length);
    packet.bytes[at] = (packet.bytes[at] as number) ^ (1 << (this.faults.random.next32() & 7));
    this.corrupted++;
  }

  private hold(packet: PacketBuffer, now: number): number {
    const due = this.dueTime(packet, now);
    if (due <= now) return this.inner.transmit(packet, now);
    if (this.held.length >= (this.faults.limit ?? 1000)) {
      this.overflowed++;
      packet.release();
      return -ENOBUFS;
    }
    this.pushHeld(new Held(packet, due, this.order++));
    this.sink?.linkWork(this);
    return 0;
  }

  private dueTime(packet: PacketBuffer, now: number): number {
    let due = now;
    const rate = this.faults.rate ?? 0;
    if (rate > 0) {
      this.rateFree = Math.max(this.rateFree, now) + (packet.length * 8_000_000) / rate;
      due = Math.ceil(this.rateFree);
    }
    if (this.chance(this.faults.reorder)) {
      this.reordered++;
      return due;
    }
    const jitter = this.faults.jitter ?? 0;
    const extra = jitter > 0 ? this.faults.random.next32() % (jitter + 1) : 0;
    return due + (this.faults.delay ?? 0) + extra;
  }

  private pushHeld(item: Held): void {
    const heap = this.held;
    let at = heap.length;
    heap.push(item);
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up] as Held;
      if (!before(item, parent)) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = item;
  }

  private popHeld(): Held {
    const heap = this.held;
    const top = heap[0] as Held;
    const item = heap.pop() as Held;
    if (heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Held, heap[child] as Held)) child++;
      if (!before(heap[child] as Held, item)) break;
      heap[at] = heap[child] as Held;
      at = child;
    }
    heap[at] = item;
    return top;
  }
}

function before(a: Held, b: Held): boolean {
  return a.due < b.due || (a.due === b.due && a.order < b.order);
}

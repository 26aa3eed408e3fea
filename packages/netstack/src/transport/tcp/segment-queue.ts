// What has been sent and not yet acknowledged, one record per transmission, in sequence order: RFC 6675's scoreboard
// with the per-segment times that RFC 8985 (RACK) and delivery rate samples need. A record of a GSO transmission
// covers many segments and is split when only a part is SACKed, lost or retransmitted.
// Records are eight doubles in one flat array: nothing is allocated per segment.

export const SEGMENT_STRIDE = 8;
const SEQ = 0;
const END = 1;
const FLAGS = 2;
const SENT_AT = 3;
const DELIVERED = 4;
const DELIVERED_AT = 5;
const FIRST_SENT_AT = 6;
const IN_FLIGHT = 7;

export const SEGMENT_SACKED = 1;
/** Deemed lost and not SACKed. */
export const SEGMENT_LOST = 2;
/** A retransmission of it is in the network. */
export const SEGMENT_RETRANSMITTED = 4;
/** Was ever retransmitted: Karn's rule, F-RTO. */
export const SEGMENT_EVER_RETRANSMITTED = 8;
export const SEGMENT_FIN = 16;
export const SEGMENT_SYN = 32;
/** Sent while the application had nothing more to send: its rate sample is a lower bound. */
export const SEGMENT_APP_LIMITED = 64;
/** A path MTU probe: RFC 4821. */
export const SEGMENT_MTU_PROBE = 128;

const INITIAL_RECORDS = 8;
const POOLED_RECORDS = 64;

/** Arrays that closed or drained connections left behind. Only small ones are kept. */
export class SegmentQueuePool {
  private readonly free: SegmentQueue[];
  private readonly limit: number;
  allocations: number;

  constructor(limit = 1024) {
    this.free = [];
    this.limit = limit;
    this.allocations = 0;
  }

  acquire(): SegmentQueue {
    const queue = this.free.pop();
    if (queue !== undefined) return queue;
    this.allocations++;
    return new SegmentQueue(this);
  }

  release(queue: SegmentQueue): void {
    queue.clear();
    if (this.free.length < this.limit && queue.capacity <= POOLED_RECORDS) this.free.push(queue);
  }
}

/** What a connection has delivered so far, and when; read here, field by field, because numbers passed along make garbage. */
export interface DeliveryProgress {
  readonly delivered: number;
  readonly deliveredAt: number;
  readonly firstSentAt: number;
}

export class SegmentQueue {
  private readonly pool: SegmentQueuePool;
  private records: Float64Array;
  /** Index of the first record; indexes are valid until the next push, split or shift. */
  head: number;
  /** One past the last record. */
  tail: number;

  constructor(pool: SegmentQueuePool) {
    this.pool = pool;
    this.records = new Float64Array(INITIAL_RECORDS * SEGMENT_STRIDE);
    this.head = 0;
    this.tail = 0;
  }

  get capacity(): number {
    return this.records.length / SEGMENT_STRIDE;
  }

  get empty(): boolean {
    return this.head === this.tail;
  }

  clear(): void {
    this.head = 0;
    this.tail = 0;
  }

  seq(index: number): number {
    return this.records[index * SEGMENT_STRIDE + SEQ]! | 0;
  }

  end(index: number): number {
    return this.records[index * SEGMENT_STRIDE + END]! | 0;
  }

  bytes(index: number): number {
    const at = index * SEGMENT_STRIDE;
    return (this.records[at + END]! - this.records[at + SEQ]!) | 0;
  }

  flags(index: number): number {
    return this.records[index * SEGMENT_STRIDE + FLAGS]! | 0;
  }

  setFlags(index: number, flags: number): void {
    this.records[index * SEGMENT_STRIDE + FLAGS] = flags;
  }

  sentAt(index: number): number {
    return this.records[index * SEGMENT_STRIDE + SENT_AT]!;
  }

  delivered(index: number): number {
    return this.records[index * SEGMENT_STRIDE + DELIVERED]!;
  }

  deliveredAt(index: number): number {
    return this.records[index * SEGMENT_STRIDE + DELIVERED_AT]!;
  }

  firstSentAt(index: number): number {
    return this.records[index * SEGMENT_STRIDE + FIRST_SENT_AT]!;
  }

  /** Bytes in flight just after this segment was sent. */
  inFlight(index: number): number {
    return this.records[index * SEGMENT_STRIDE + IN_FLIGHT]! | 0;
  }

  /** Appends a record and returns its index; the caller stamps it. */
  push(seq: number, end: number, flags: number): number {
    if (this.tail === this.capacity) this.makeRoom();
    const index = this.tail++;
    const at = index * SEGMENT_STRIDE;
    this.records[at + SEQ] = seq;
    this.records[at + END] = end;
    this.records[at + FLAGS] = flags;
    return index;
  }

  /** Records when a segment left and what the connection had delivered by then (delivery rate estimation). */
  stamp(index: number, sentAt: number, from: DeliveryProgress, inFlight: number): void {
    const at = index * SEGMENT_STRIDE;
    this.records[at + SENT_AT] = sentAt;
    this.records[at + DELIVERED] = from.delivered;
    this.records[at + DELIVERED_AT] = from.deliveredAt;
    this.records[at + FIRST_SENT_AT] = from.firstSentAt;
    this.records[at + IN_FLIGHT] = inFlight;
  }

  shift(): void {
    this.head++;
    if (this.head === this.tail) this.clear();
  }

  /** Cuts bytes before `seq` off the first record. */
  trimHead(seq: number): void {
    this.records[this.head * SEGMENT_STRIDE + SEQ] = seq;
  }

  /** Index of the record that contains `seq`, or of the first one after it; `tail` if there is none. */
  find(seq: number): number {
    let low = this.head;
    let high = this.tail;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (((this.end(middle) - seq) | 0) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Splits the record at `index` before `seq`; returns the index of its first half (the second follows it). */
  split(index: number, seq: number): number {
    const distance = index - this.head;
    if (this.tail === this.capacity) this.makeRoom();
    const at = this.head + distance;
    const from = at * SEGMENT_STRIDE;
    this.records.copyWithin(from + SEGMENT_STRIDE, from, this.tail * SEGMENT_STRIDE);
    this.tail++;
    this.records[from + END] = seq;
    this.records[from + SEGMENT_STRIDE + SEQ] = seq;
    const flags = this.flags(at);
    this.setFlags(at, flags & ~SEGMENT_FIN);
    this.setFlags(at + 1, flags & ~SEGMENT_SYN);
    return at;
  }

  private makeRoom(): void {
    const used = this.records.subarray(this.head * SEGMENT_STRIDE, this.tail * SEGMENT_STRIDE);
    if (this.head >= this.capacity / 2) {
      this.records.copyWithin(0, this.head * SEGMENT_STRIDE, this.tail * SEGMENT_STRIDE);
    } else {
      const bigger = new Float64Array(this.records.length * 2);
      bigger.set(used);
      this.records = bigger;
      this.pool.allocations++;
    }
    this.tail -= this.head;
    this.head = 0;
  }
}

// Which bytes beyond the next expected one have arrived: a sorted list of disjoint ranges, and the order in which
// RFC 2018 section 4 wants them reported (the newest first). The bytes themselves lie in the receive ring already.

import { TCP_MAX_SACK_BLOCKS, type TcpSegment } from '../../wire/tcp.js';
import { seqAfter, seqBefore, seqMax, seqMin } from './seq.js';

/** A peer that sends every other byte must not make us keep an unbounded list; beyond this, segments are dropped. */
const MAX_RANGES = 512;

export class Reassembly {
  private starts: Int32Array;
  private ends: Int32Array;
  count: number;
  private readonly recentStart: Int32Array;
  private readonly recentEnd: Int32Array;
  private recentCount: number;

  constructor() {
    this.starts = new Int32Array(8);
    this.ends = new Int32Array(8);
    this.count = 0;
    this.recentStart = new Int32Array(TCP_MAX_SACK_BLOCKS);
    this.recentEnd = new Int32Array(TCP_MAX_SACK_BLOCKS);
    this.recentCount = 0;
  }

  start(index: number): number {
    return this.starts[index]!;
  }

  end(index: number): number {
    return this.ends[index]!;
  }

  /** True if all of [start, end) has been recorded. */
  contains(start: number, end: number): boolean {
    const i = this.firstEndingAfter(start);
    return i < this.count && !seqAfter(this.starts[i]!, start) && !seqBefore(this.ends[i]!, end);
  }

  /** True if a byte of [start, end) has been recorded. */
  overlaps(start: number, end: number): boolean {
    const i = this.firstEndingAfter(start);
    return i < this.count && seqBefore(this.starts[i]!, end);
  }

  /** Records [start, end), joining it with its neighbours; false if the list is full. */
  add(start: number, end: number): boolean {
    let first = this.firstEndingAfter(start);
    if (first > 0 && this.ends[first - 1] === start) first--;
    let from = start;
    let to = end;
    let next = first;
    while (next < this.count && !seqAfter(this.starts[next]!, to)) {
      from = seqMin(from, this.starts[next]!);
      to = seqMax(to, this.ends[next]!);
      next++;
    }
    if (next === first && !this.insertAt(first)) return false;
    if (next > first + 1) this.removeRange(first + 1, next);
    this.starts[first] = from;
    this.ends[first] = to;
    this.remember(from, to);
    return true;
  }

  /** Everything before `next` is in sequence now. Returns the new next expected number: past a range it touches. */
  advance(next: number): number {
    let reached = next;
    let done = 0;
    while (done < this.count && !seqAfter(this.starts[done]!, reached)) {
      reached = seqMax(reached, this.ends[done]!);
      done++;
    }
    if (done > 0) this.removeRange(0, done);
    this.forgetBefore(reached);
    return reached;
  }

  clear(): void {
    this.count = 0;
    this.recentCount = 0;
  }

  /** Adds up to `max` SACK blocks to a segment that may hold a D-SACK block already. */
  fillSack(segment: TcpSegment, max: number): void {
    for (let i = 0; i < this.recentCount && segment.sackCount < max; i++) {
      segment.sackStart[segment.sackCount] = this.recentStart[i]!;
      segment.sackEnd[segment.sackCount] = this.recentEnd[i]!;
      segment.sackCount++;
    }
  }

  private firstEndingAfter(seq: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (seqAfter(this.ends[middle]!, seq)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  private insertAt(index: number): boolean {
    if (this.count === MAX_RANGES) return false;
    if (this.count === this.starts.length) this.grow();
    this.starts.copyWithin(index + 1, index, this.count);
    this.ends.copyWithin(index + 1, index, this.count);
    this.count++;
    return true;
  }

  private removeRange(from: number, to: number): void {
    this.starts.copyWithin(from, to, this.count);
    this.ends.copyWithin(from, to, this.count);
    this.count -= to - from;
  }

  private grow(): void {
    const starts = new Int32Array(this.starts.length * 2);
    const ends = new Int32Array(this.ends.length * 2);
    starts.set(this.starts);
    ends.set(this.ends);
    this.starts = starts;
    this.ends = ends;
  }

  // The joined range goes to the front; ranges that it swallowed go.
  private remember(start: number, end: number): void {
    let kept = 0;
    const oldStart = this.recentStart;
    const oldEnd = this.recentEnd;
    for (let i = 0; i < this.recentCount; i++) {
      if (!seqBefore(oldStart[i]!, start) && !seqAfter(oldEnd[i]!, end)) continue;
      oldStart[kept] = oldStart[i]!;
      oldEnd[kept++] = oldEnd[i]!;
    }
    kept = Math.min(kept, TCP_MAX_SACK_BLOCKS - 1);
    oldStart.copyWithin(1, 0, kept);
    oldEnd.copyWithin(1, 0, kept);
    oldStart[0] = start;
    oldEnd[0] = end;
    this.recentCount = kept + 1;
  }

  private forgetBefore(seq: number): void {
    let kept = 0;
    for (let i = 0; i < this.recentCount; i++) {
      if (!seqAfter(this.recentEnd[i]!, seq)) continue;
      this.recentStart[kept] = this.recentStart[i]!;
      this.recentEnd[kept++] = this.recentEnd[i]!;
    }
    this.recentCount = kept;
  }
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SipHash } from '../../../../src/transport/siphash.js';
import { ByteRing, RingPool } from '../../../../src/transport/tcp/byte-ring.js';
import { cookieSackOk, cookieWindowScale, encodeCookieTimestamp } from '../../../../src/transport/tcp/isn.js';
import { Reassembly } from '../../../../src/transport/tcp/reassembly.js';
import { RttEstimator } from '../../../../src/transport/tcp/rtt.js';
import { SegmentQueuePool } from '../../../../src/transport/tcp/segment-queue.js';
import { seqBefore, seqBetween, seqMax, seqMin } from '../../../../src/transport/tcp/seq.js';
import { TcpSegment } from '../../../../src/wire/tcp.js';

const i32 = fc.integer({ min: -0x80000000, max: 0x7fffffff });

describe('a byte ring', () => {
  it('behaves like an array that is appended to and shifted from', () => {
    const step = fc.oneof(
      fc.record({ append: fc.uint8Array({ maxLength: 3000 }) }),
      fc.record({ release: fc.nat(4000) }),
      fc.record({ ahead: fc.uint8Array({ minLength: 1, maxLength: 500 }), gap: fc.nat(2000) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const ring = new ByteRing(new RingPool());
        let model: number[] = [];
        for (const s of steps) {
          if ('append' in s) {
            ring.append(s.append, 0, s.append.length);
            model.push(...s.append);
          } else if ('release' in s) {
            const n = Math.min(s.release, model.length);
            ring.release(n);
            model = model.slice(n);
          } else ring.store(ring.length + s.gap, s.ahead, 0, s.ahead.length);
          const out = new Uint8Array(ring.length);
          ring.copy(0, out, 0, ring.length);
          expect([...out]).toEqual(model);
        }
      }),
    );
  });

  it('holds no storage when nothing is in it', () => {
    const ring = new ByteRing(new RingPool());
    ring.append(new Uint8Array(5000), 0, 5000);
    ring.release(5000);
    expect(ring.capacity).toBe(0);
  });
});

describe('reassembly', () => {
  it('knows exactly the bytes that arrived, across the wrap of sequence numbers', () => {
    const ranges = fc.array(fc.tuple(fc.nat(300), fc.integer({ min: 1, max: 60 })), { maxLength: 40 });
    fc.assert(
      fc.property(i32, ranges, (base, list) => {
        const reassembly = new Reassembly();
        const model = new Set<number>();
        for (const [start, length] of list) {
          reassembly.add((base + start) | 0, (base + start + length) | 0);
          for (let i = start; i < start + length; i++) model.add(i);
        }
        const known = new Set<number>();
        for (let i = 0; i < reassembly.count; i++) {
          if (i > 0) expect(seqBefore(reassembly.end(i - 1), reassembly.start(i))).toBe(true);
          for (let at = reassembly.start(i); at !== reassembly.end(i); at = (at + 1) | 0)
            known.add((at - base) | 0);
        }
        expect(known).toEqual(model);
        const s = new TcpSegment();
        reassembly.fillSack(s, 3);
        for (let i = 0; i < s.sackCount; i++)
          expect(reassembly.contains(s.sackStart[i]!, s.sackEnd[i]!)).toBe(true);
      }),
    );
  });

  it('reports the newest range first', () => {
    const reassembly = new Reassembly();
    reassembly.add(100, 200);
    reassembly.add(500, 600);
    reassembly.add(300, 400);
    const s = new TcpSegment();
    reassembly.fillSack(s, 4);
    expect([...s.sackStart.subarray(0, 3)]).toEqual([300, 500, 100]);
    expect(reassembly.advance(100)).toBe(200);
    expect(reassembly.count).toBe(2);
  });
});

describe('a segment queue', () => {
  it('covers the flight without gaps however records are split and shifted', () => {
    const step = fc.oneof(fc.constant('push'), fc.constant('shift'), fc.nat(10_000));
    fc.assert(
      fc.property(i32, fc.array(step, { maxLength: 80 }), (base, steps) => {
        const queue = new SegmentQueuePool().acquire();
        let first = base;
        let end = base;
        for (const s of steps) {
          if (s === 'push') {
            const next = (end + 100) | 0;
            queue.push(end, next, 0);
            end = next;
          } else if (s === 'shift') {
            if (queue.empty) continue;
            first = queue.end(queue.head);
            queue.shift();
          } else if (!queue.empty) {
            const seq = (first + (s % Math.max(1, (end - first) | 0))) | 0;
            const at = queue.find(seq);
            if (seq !== queue.seq(at)) queue.split(at, seq);
          }
          let cursor = first;
          for (let i = queue.head; i < queue.tail; i++) {
            expect(queue.seq(i)).toBe(cursor);
            cursor = queue.end(i);
          }
          expect(cursor).toBe(end);
        }
      }),
    );
  });
});

describe('sequence numbers', () => {
  it('compare modulo 2^32 within half of the space', () => {
    fc.assert(
      fc.property(i32, fc.integer({ min: 1, max: 0x7fffffff }), (a, distance) => {
        const b = (a + distance) | 0;
        expect([seqBefore(a, b), seqBefore(b, a), seqMax(a, b), seqMin(a, b)]).toEqual([true, false, b, a]);
        expect(seqBetween(b, a, b) && seqBetween(a, a, b)).toBe(true);
      }),
    );
  });
});

describe('SipHash-2-4', () => {
  it('gives the digests of its authors’ test vectors', () => {
    const hash = new SipHash(Uint8Array.from({ length: 16 }, (_, i) => i));
    const digest = (words: readonly number[]): [number, number] => {
      hash.begin();
      for (const word of words) hash.word(word);
      return [hash.end() >>> 0, hash.high() >>> 0];
    };
    expect(digest([])).toEqual([0xdd0e0e31, 0x726fdb47]);
    expect(digest([0x03020100])).toEqual([0x277187b7, 0xcf2794e0]);
    expect(digest([0x03020100, 0x07060504])).toEqual([0x9a932462, 0x93f5f579]);
  });
});

describe('round trip estimation', () => {
  it('stays within what was measured, and the timeout within its limits', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 10_000_000 }), { minLength: 1, maxLength: 50 }),
        (samples) => {
          const rtt = new RttEstimator(1_000_000);
          samples.forEach((s, i) => {
            rtt.sample(s, i * 1000, 200_000, 120_000_000);
          });
          const measured = samples.map((s) => Math.max(1, s));
          expect(rtt.smoothed).toBeGreaterThanOrEqual(Math.min(...measured) - 8);
          expect(rtt.smoothed).toBeLessThanOrEqual(Math.max(...measured) + 8);
          expect(rtt.minimum).toBe(Math.min(...measured));
          expect(rtt.timeout).toBeGreaterThanOrEqual(200_000);
          expect(rtt.timeout).toBeLessThanOrEqual(120_000_000);
        },
      ),
    );
  });
});

describe('the timestamp of a SYN cookie', () => {
  it('carries the options and never runs ahead of the clock', () => {
    fc.assert(
      fc.property(
        i32,
        fc.integer({ min: -1, max: 14 }),
        fc.boolean(),
        fc.boolean(),
        (clock, scale, sack, ecn) => {
          const encoded = encodeCookieTimestamp(clock, scale, sack, ecn);
          expect((encoded - clock) | 0).toBeLessThanOrEqual(0);
          expect([cookieWindowScale(encoded), cookieSackOk(encoded)]).toEqual([scale, sack]);
        },
      ),
    );
  });
});

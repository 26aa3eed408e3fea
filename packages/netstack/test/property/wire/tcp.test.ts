import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emitTcp, parseTcp, TCP_SYN, TcpSegment, tcpHeaderLength } from '../../../src/wire/tcp.js';
import { emitUdp, parseUdp, UdpHeader } from '../../../src/wire/udp.js';

const i32 = fc.integer({ min: -0x80000000, max: 0x7fffffff });
const u16 = fc.integer({ min: 0, max: 0xffff });

const plain = fc.record({
  sourcePort: u16,
  destinationPort: u16,
  seq: i32,
  ack: i32,
  flags: fc.integer({ min: 0, max: 255 }).map((f) => f & ~TCP_SYN),
  window: u16,
  urgent: u16,
  hasTimestamps: fc.boolean(),
  timestamp: i32,
  timestampEcho: i32,
  sack: fc.array(fc.tuple(i32, i32), { maxLength: 3 }),
});

const opening = fc.record({
  sourcePort: u16,
  destinationPort: u16,
  seq: i32,
  ack: i32,
  flags: fc.integer({ min: 0, max: 255 }).map((f) => f | TCP_SYN),
  window: u16,
  urgent: u16,
  mss: fc.integer({ min: 0, max: 0xffff }),
  windowScale: fc.integer({ min: -1, max: 14 }),
  sackPermitted: fc.boolean(),
  hasTimestamps: fc.boolean(),
  timestamp: i32,
  timestampEcho: i32,
  cookieLength: fc.constantFrom(-1, 0, 4, 8, 12),
});

function fill(values: Record<string, unknown>): TcpSegment {
  const s = new TcpSegment();
  const { sack, ...rest } = values;
  Object.assign(s, rest);
  if (!s.hasTimestamps) {
    s.timestamp = 0;
    s.timestampEcho = 0;
  }
  for (const [start, end] of (sack as [number, number][] | undefined) ?? []) {
    s.sackStart[s.sackCount] = start;
    s.sackEnd[s.sackCount++] = end;
  }
  for (let i = 0; i < s.cookieLength; i++) s.cookie[i] = i + 1;
  return s;
}

function roundTrip(s: TcpSegment): void {
  const bytes = new Uint8Array(128);
  const length = emitTcp(s, bytes, 3);
  expect(length).toBe(tcpHeaderLength(s));
  const back = new TcpSegment();
  expect(parseTcp(back, bytes, 3, length + 5)).toBe(true);
  expect(back.payloadLength).toBe(5);
  back.payloadLength = 0;
  back.payloadOffset = 0;
  expect(back).toEqual(s);
}

describe('TCP segments', () => {
  it('come back as they were emitted', () => {
    fc.assert(fc.property(plain, (values) => roundTrip(fill(values))));
    fc.assert(fc.property(opening, (values) => roundTrip(fill(values))));
  });

  it('never throw while arbitrary bytes are parsed', () => {
    const s = new TcpSegment();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), fc.integer({ min: 0, max: 20 }), (bytes, offset) => {
        const length = Math.max(0, bytes.length - offset);
        const ok = parseTcp(s, bytes, offset, length);
        if (ok) expect(s.payloadOffset + s.payloadLength).toBe(offset + length);
        expect(s.sackCount).toBeLessThanOrEqual(4);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('UDP headers', () => {
  it('come back as they were emitted', () => {
    fc.assert(
      fc.property(u16, u16, fc.integer({ min: 0, max: 1000 }), (source, destination, payload) => {
        const bytes = new Uint8Array(1100);
        emitUdp(bytes, 2, source, destination, payload);
        const header = new UdpHeader();
        expect(parseUdp(header, bytes, 2, payload + 8)).toBe(true);
        expect([header.sourcePort, header.destinationPort, header.payloadLength]).toEqual([
          source,
          destination,
          payload,
        ]);
      }),
    );
  });

  it('never claim more than there is', () => {
    const header = new UdpHeader();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        if (parseUdp(header, bytes, 0, bytes.length)) {
          expect(header.payloadOffset + header.payloadLength).toBeLessThanOrEqual(bytes.length);
        }
      }),
    );
  });
});

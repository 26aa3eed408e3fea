import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Address } from '../../../src/address.js';
import { parseDhcp } from '../../../src/dhcp/message.js';
import { type DnsData, type DnsMessage, EMPTY_MESSAGE, emitDns, parseDns } from '../../../src/dns/message.js';

const label = fc.stringMatching(/^[a-z0-9-]{1,20}$/);
const name = fc.array(label, { maxLength: 5 }).map((labels) => labels.join('.'));
const u16 = fc.integer({ min: 0, max: 0xffff });
const u31 = fc.integer({ min: 0, max: 0x7fffffff });

const typed: fc.Arbitrary<[number, DnsData]> = fc.oneof(
  fc.integer().map((w): [number, DnsData] => [1, { kind: 'address', address: Address.v4(w) }]),
  fc
    .tuple(fc.integer(), fc.integer({ min: 1, max: 99 }))
    .map(([a, b]): [number, DnsData] => [28, { kind: 'address', address: new Address(0x20010db8, a, b, 7) }]),
  name.map((n): [number, DnsData] => [5, { kind: 'name', name: n }]),
  fc.tuple(u16, name).map(([preference, n]): [number, DnsData] => [15, { kind: 'mx', preference, name: n }]),
  fc
    .tuple(u16, u16, u16, name)
    .map(([priority, weight, port, n]): [number, DnsData] => [
      33,
      { kind: 'srv', priority, weight, port, name: n },
    ]),
  fc.array(label, { maxLength: 3 }).map((texts): [number, DnsData] => [16, { kind: 'text', texts }]),
  fc.uint8Array({ maxLength: 30 }).map((bytes): [number, DnsData] => [999, { kind: 'raw', bytes }]),
);

const record = fc
  .tuple(name, typed, u31)
  .map(([n, [type, data], ttl]) => ({ name: n, type, class: 1, ttl, data }));
const records = fc.array(record, { maxLength: 6 });

describe('DNS messages', () => {
  it('come back as they were emitted, names compressed', () => {
    fc.assert(
      fc.property(u16, name, records, records, (id, question, answers, authorities) => {
        const message: DnsMessage = {
          ...EMPTY_MESSAGE,
          id,
          response: true,
          questions: [{ name: question, type: 1, class: 1 }],
          answers,
          authorities,
        };
        expect(JSON.stringify(parseDns(emitDns(message)))).toBe(JSON.stringify(message));
      }),
    );
  });

  it('never throw nor hang on arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void parseDns(bytes)),
      { numRuns: 3000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 230, maxLength: 400 }), (bytes) => void parseDhcp(bytes)),
    );
  });

  it('never throw when real ones are mutated', () => {
    fc.assert(
      fc.property(records, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 5 }), (answers, edits) => {
        const bytes = emitDns({ ...EMPTY_MESSAGE, answers });
        for (const [at, value] of edits) bytes[at % bytes.length] = value;
        parseDns(bytes);
      }),
      { numRuns: 1000 },
    );
  });
});

import { Address } from '@sandbox-kernel/netstack';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hostsOf, nameServersOf, parseNameServer } from '../../src/dns/host-files.js';
import { filterBinding } from '../../src/dns/service-binding.js';
import { readSocketAddress, writeSocketAddress } from '../../src/socket-address.js';

type Parameter = readonly [number, readonly number[]];

function binding(target: readonly string[], parameters: readonly Parameter[]): Uint8Array {
  const name = target.flatMap((label) => [label.length, ...Buffer.from(label)]);
  const values = parameters.flatMap(([key, value]) => [
    0,
    key,
    value.length >>> 8,
    value.length & 255,
    ...value,
  ]);
  return Uint8Array.from([0, 1, ...name, 0, ...values]);
}

const byte = fc.nat(255);
const hints = fc.array(fc.tuple(byte, byte, byte, byte), { maxLength: 6 });

describe('SVCB and HTTPS records', () => {
  it('keep exactly the hints that are wanted, and everything else but ech', () => {
    fc.assert(
      fc.property(hints, fc.array(byte, { maxLength: 20 }), fc.nat(255), (addresses, alpn, limit) => {
        const data = binding(
          ['svc', 'example'],
          [
            [1, alpn],
            [4, addresses.flat()],
            [5, [1, 2, 3]],
          ],
        );
        const keep = (address: Address) => address.w3 >>> 24 <= limit;
        const kept = addresses.filter(([first]) => first <= limit);
        const expected = binding(
          ['svc', 'example'],
          [[1, alpn], ...(kept.length > 0 ? [[4, kept.flat()] as const] : [])],
        );
        expect(filterBinding(data, keep)).toEqual({ target: 'svc.example', bytes: expected });
      }),
    );
  });

  it('are left out when they must be understood with what was taken', () => {
    expect(
      filterBinding(
        binding(
          [],
          [
            [0, [0, 5]],
            [5, [1]],
          ],
        ),
        () => true,
      ),
    ).toBeNull();
    expect(
      filterBinding(
        binding(
          [],
          [
            [0, [0, 1]],
            [1, [2, 104, 50]],
          ],
        ),
        () => true,
      ),
    ).not.toBeNull();
  });

  it('of arbitrary bytes never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        filterBinding(bytes, () => true);
      }),
    );
  });
});

describe("the host's files", () => {
  it('never throw, whatever is in them', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        hostsOf(text);
        nameServersOf(text);
        parseNameServer(text);
      }),
    );
  });

  it('give names and servers', () => {
    const hosts = hostsOf(
      '# local\n127.0.0.1 localhost me\n::1 localhost # six\nnonsense x\n10.0.0.1\tDB.internal.\n',
    );
    expect([...hosts].map(([name, list]) => `${name} ${list.join(' ')}`)).toEqual([
      'localhost 127.0.0.1 ::1',
      'me 127.0.0.1',
      'db.internal 10.0.0.1',
    ]);
    const servers = nameServersOf('search x\nnameserver 1.1.1.1\n nameserver fe80::1%eth0\nnameserver ::1\n');
    expect(servers.map(({ address }) => `${address}`)).toEqual(['1.1.1.1', '::1']);
    expect(parseNameServer('[::1]:5353')?.port).toBe(5353);
    expect(parseNameServer('1.1.1.1:0')).toBeNull();
  });
});

describe('socket addresses', () => {
  it('survive a round trip', () => {
    const words = fc.tuple(fc.integer(), fc.integer(), fc.integer(), fc.integer());
    fc.assert(
      fc.property(fc.boolean(), words, fc.nat(65535), (v4, [a, b, c, d], port) => {
        const address = v4 ? Address.v4(d) : new Address(a, b, c, d);
        const bytes = writeSocketAddress(address, port);
        const back = readSocketAddress(bytes, bytes.length);
        expect(back?.address.equals(address)).toBe(true);
        expect(back?.port).toBe(port);
        expect(readSocketAddress(bytes, 1)).toBeNull();
      }),
    );
  });
});

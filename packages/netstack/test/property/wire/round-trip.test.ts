// For every wire format below transport: what was emitted parses to the same value, and arbitrary bytes never throw.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Address } from '../../../src/address.js';
import { emitArp, parseArp } from '../../../src/wire/arp.js';
import { emitEthernet, formatMac, parseEthernet, parseMac } from '../../../src/wire/ethernet.js';
import { emitIcmp4, emitIcmp6, parseIcmp4, parseIcmp6 } from '../../../src/wire/icmp.js';
import { emitIgmp, parseIgmp } from '../../../src/wire/igmp.js';
import { emitIpv4Header, parseIpv4Header } from '../../../src/wire/ipv4.js';
import { emitIpv4Options, findOption, parseIpv4Options } from '../../../src/wire/ipv4-options.js';
import { emitIpv6, parseIpv6 } from '../../../src/wire/ipv6.js';
import {
  emitFragment,
  emitOptionsHeader,
  extensionLength,
  parseFragment,
  parseOptionsHeader,
} from '../../../src/wire/ipv6-extension.js';
import { emitMldQuery, parseMldQuery } from '../../../src/wire/mld.js';
import {
  emitNdpOptions,
  emitRouterAdvertisement,
  parseNdpOptions,
  parseRouterAdvertisement,
} from '../../../src/wire/ndp.js';
import { emitInterface, emitPacket, emitSectionHeader, parsePcapng } from '../../../src/wire/pcapng.js';
import { emitVirtioNet, parseVirtioNet } from '../../../src/wire/virtio-net.js';
import { emitVlan, parseVlan } from '../../../src/wire/vlan.js';

const u8 = fc.integer({ min: 0, max: 255 });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const mac = fc.integer({ min: 0, max: 0xffffffffffff });
const bytes = (max: number) => fc.uint8Array({ maxLength: max });
const v6 = fc
  .tuple(u32, u32, u32, u32)
  .map(([a, b, c, d]) => new Address(a, b, c, d))
  .filter((address) => !address.isV4);
const v4 = u32.map((value) => Address.v4(value));
const view = (size = 4096) => new DataView(new ArrayBuffer(size));

describe('addresses', () => {
  it('read what they print', () => {
    fc.assert(
      fc.property(fc.oneof(v4, v6), (address) => {
        expect(Address.parse(String(address))?.equals(address)).toBe(true);
      }),
    );
  });

  it('never throw on arbitrary text', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f:.]{0,45}$/)),
        (text) => Address.parse(text) !== undefined,
      ),
    );
  });

  it.each([
    ['::', '::'],
    ['::1', '::1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['1:0:0:2:3:0:0:4', '1::2:3:0:0:4'],
    ['2001:DB8::', '2001:db8::'],
    ['1:2:3:4:5:6:1.2.3.4', '1:2:3:4:5:6:102:304'],
    ['::ffff:1.2.3.4', '1.2.3.4'],
    ['1:2:3:4:5:6:7:0', '1:2:3:4:5:6:7:0'],
  ])('%s is written %s', (text, canonical) => {
    expect(String(Address.of(text))).toBe(canonical);
  });

  it.each([
    '',
    '1.2.3',
    '1.2.3.256',
    '01.2.3.4',
    '1:2',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7:8:9',
    'g::',
    '1:::',
    ':1',
    '1:',
  ])('%j is none', (text) => {
    expect(Address.parse(text)).toBeNull();
  });
});

describe('link layer formats round-trip', () => {
  it('Ethernet and its addresses', () => {
    fc.assert(
      fc.property(mac, mac, u16, (destination, source, etherType) => {
        const v = view();
        const header = { destination, source, etherType };
        emitEthernet(header, v, 3);
        expect(parseEthernet(v, 3, 17)).toEqual(header);
        expect(parseMac(formatMac(source))).toBe(source);
      }),
    );
  });

  it('VLAN tags', () => {
    const tag = fc.record({
      priority: fc.integer({ min: 0, max: 7 }),
      dropEligible: fc.boolean(),
      id: fc.integer({ min: 0, max: 4095 }),
      etherType: u16,
    });
    fc.assert(
      fc.property(tag, (value) => {
        const v = view();
        expect(parseVlan(v, 0, emitVlan(value, v, 0))).toEqual(value);
      }),
    );
  });

  it('ARP', () => {
    const packet = fc.record({
      operation: u16,
      senderMac: mac,
      senderIp: u32,
      targetMac: mac,
      targetIp: u32,
    });
    fc.assert(
      fc.property(packet, (value) => {
        const v = view();
        expect(parseArp(v, 5, 5 + emitArp(value, v, 5))).toEqual(value);
      }),
    );
  });

  it('virtio-net headers', () => {
    const header = fc.record({
      flags: u8,
      gsoType: u8,
      headerLength: u16,
      gsoSize: u16,
      checksumStart: u16,
      checksumOffset: u16,
    });
    fc.assert(
      fc.property(header, (value) => {
        const v = view();
        expect(parseVirtioNet(v, 1, 1 + emitVirtioNet(value, v, 1))).toEqual(value);
      }),
    );
  });

  it('pcapng', () => {
    const packet = fc.record({
      interfaceId: fc.constant(0),
      timestamp: fc.maxSafeNat(),
      originalLength: u16,
      bytes: bytes(100),
    });
    fc.assert(
      fc.property(fc.array(packet, { maxLength: 5 }), u16, (packets, snapLength) => {
        const blocks = [emitSectionHeader(), emitInterface({ linkType: 1, snapLength })];
        for (const [i, each] of packets.entries()) blocks.push(emitPacket(each, i % 3));
        const file = new Uint8Array(blocks.reduce((n, block) => n + block.length, 0));
        let at = 0;
        for (const block of blocks) {
          file.set(block, at);
          at += block.length;
        }
        expect(parsePcapng(file)).toEqual({ interfaces: [{ linkType: 1, snapLength }], packets });
      }),
    );
  });
});

describe('network layer formats round-trip', () => {
  const header4 = fc
    .record({
      tos: u8,
      payload: fc.integer({ min: 0, max: 500 }),
      identification: u16,
      dontFragment: fc.boolean(),
      moreFragments: fc.boolean(),
      fragmentOffset: fc.integer({ min: 0, max: 8191 }).map((n) => n * 8),
      ttl: u8,
      protocol: u8,
      source: u32,
      destination: u32,
      optionWords: fc.integer({ min: 0, max: 10 }),
    })
    .map(({ payload, optionWords, ...rest }) => ({
      ...rest,
      totalLength: 20 + optionWords * 4 + payload,
      options: new Uint8Array(optionWords * 4).fill(1),
    }));

  it('IPv4', () => {
    fc.assert(
      fc.property(header4, (value) => {
        const v = view();
        emitIpv4Header(value, v, 7);
        expect(parseIpv4Header(v, 7, 7 + value.totalLength)).toEqual(value);
      }),
    );
  });

  it('IPv4 refuses a header with any single byte changed', () => {
    fc.assert(
      fc.property(header4, fc.nat(19), fc.integer({ min: 1, max: 255 }), (value, at, change) => {
        const v = view();
        emitIpv4Header(value, v, 0);
        v.setUint8(at, v.getUint8(at) ^ change);
        expect(parseIpv4Header(v, 0, value.totalLength)).toBeNull();
      }),
    );
  });

  it('IPv4 options', () => {
    const option = fc.record({ type: fc.integer({ min: 2, max: 255 }), data: bytes(8) });
    fc.assert(
      fc.property(fc.array(option, { maxLength: 3 }), (options) => {
        const emitted = emitIpv4Options(options) as Uint8Array;
        const v = new DataView(emitted.buffer);
        expect(parseIpv4Options(v, 0, emitted.length)).toEqual(options);
      }),
    );
  });

  it('IPv6', () => {
    const header = fc.record({
      trafficClass: u8,
      flowLabel: fc.integer({ min: 0, max: 0xfffff }),
      payloadLength: fc.integer({ min: 0, max: 500 }),
      nextHeader: u8,
      hopLimit: u8,
      source: v6,
      destination: v6,
    });
    fc.assert(
      fc.property(header, (value) => {
        const v = view();
        emitIpv6(value, v, 2);
        expect(parseIpv6(v, 2, 42 + value.payloadLength)).toEqual(value);
      }),
    );
  });

  it('IPv6 extension headers', () => {
    const option = fc.record({ type: fc.integer({ min: 2, max: 255 }), data: bytes(20) });
    const header = fc.record({ nextHeader: u8, options: fc.array(option, { maxLength: 4 }) });
    fc.assert(
      fc.property(header, (value) => {
        const v = view();
        const length = emitOptionsHeader(value, v, 4);
        expect(length % 8).toBe(0);
        expect(parseOptionsHeader(v, 4, 4 + length)).toEqual(value);
        expect(extensionLength(v, 60, 4, 4 + length)).toBe(length);
      }),
    );
    const fragment = fc.record({
      nextHeader: u8,
      offset: fc.nat(8191).map((n) => n * 8),
      more: fc.boolean(),
      identification: u32,
    });
    fc.assert(
      fc.property(fragment, (value) => {
        const v = view();
        expect(parseFragment(v, 0, emitFragment(value, v, 0))).toEqual(value);
      }),
    );
  });

  it('ICMP and ICMPv6', () => {
    const message = fc.record({ type: u8, code: u8, rest: u32, body: bytes(200) });
    fc.assert(
      fc.property(message, v6, v6, (value, source, destination) => {
        const v = view();
        expect(parseIcmp4(v, 3, 3 + emitIcmp4(value, v, 3))).toEqual(value);
        const end = 3 + emitIcmp6(value, v, 3, source, destination);
        expect(parseIcmp6(v, 3, end, source, destination)).toEqual(value);
      }),
    );
  });

  it('IGMP and MLD', () => {
    const igmp = fc
      .record({
        maxResponse: u8,
        group: u32,
        sources: fc.array(u32, { maxLength: 5 }),
        version3: fc.boolean(),
      })
      .map((m) => ({ type: 0x11, ...m, sources: m.version3 ? m.sources : [] }));
    fc.assert(
      fc.property(igmp, (value) => {
        const v = view();
        expect(parseIgmp(v, 0, emitIgmp(value, v, 0))).toEqual(value);
      }),
    );
    const mld = fc
      .record({
        maxResponse: fc.nat(0x7fff),
        group: v6,
        sources: fc.array(v6, { maxLength: 4 }),
        version2: fc.boolean(),
      })
      .map((m) => ({ ...m, sources: m.version2 ? m.sources : [] }));
    fc.assert(
      fc.property(mld, (value) => {
        const v = view();
        expect(parseMldQuery(v, 0, emitMldQuery(value, v, 0))).toEqual(value);
      }),
    );
  });

  it('neighbour discovery', () => {
    const prefix = fc.record({
      prefixLength: u8,
      onLink: fc.boolean(),
      autonomous: fc.boolean(),
      validLifetime: u32,
      preferredLifetime: u32,
      prefix: v6,
    });
    const options = fc.record({
      sourceLink: fc.oneof(fc.constant(-1), mac),
      targetLink: fc.oneof(fc.constant(-1), mac),
      mtu: fc.oneof(fc.constant(-1), u32),
      prefixes: fc.array(prefix, { maxLength: 3 }),
      dnsServers: fc.array(v6, { minLength: 1, maxLength: 3 }),
      dnsLifetime: u32,
    });
    fc.assert(
      fc.property(options, (value) => {
        const v = view();
        expect(parseNdpOptions(v, 8, 8 + emitNdpOptions(value, v, 8))).toEqual(value);
      }),
    );
    const advert = fc.record({
      hopLimit: u8,
      managed: fc.boolean(),
      other: fc.boolean(),
      lifetime: u16,
      preference: fc.constantFrom(-1, 0, 1),
      reachableTime: u32,
      retransTimer: u32,
    });
    fc.assert(
      fc.property(advert, (value) => {
        const v = view();
        expect(parseRouterAdvertisement(v, 0, emitRouterAdvertisement(value, v, 0))).toEqual(value);
      }),
    );
  });
});

describe('arbitrary bytes never throw', () => {
  const source = Address.of('fe80::1');
  const parsers: Record<string, (v: DataView, end: number) => unknown> = {
    ethernet: (v, end) => parseEthernet(v, 0, end),
    vlan: (v, end) => parseVlan(v, 0, end),
    arp: (v, end) => parseArp(v, 0, end),
    ipv4: (v, end) => parseIpv4Header(v, 0, end),
    'ipv4 options': (v, end) => parseIpv4Options(v, 0, end),
    'ipv4 option search': (v, end) => findOption(v, 0, end, 148),
    ipv6: (v, end) => parseIpv6(v, 0, end),
    'options header': (v, end) => parseOptionsHeader(v, 0, end),
    'fragment header': (v, end) => parseFragment(v, 0, end),
    icmp: (v, end) => parseIcmp4(v, 0, end),
    icmpv6: (v, end) => parseIcmp6(v, 0, end, source, source),
    igmp: (v, end) => parseIgmp(v, 0, end),
    mld: (v, end) => parseMldQuery(v, 0, end),
    'ndp options': (v, end) => parseNdpOptions(v, 0, end),
    'router advertisement': (v, end) => parseRouterAdvertisement(v, 0, end),
    'virtio-net': (v, end) => parseVirtioNet(v, 0, end),
    pcapng: (v) => parsePcapng(new Uint8Array(v.buffer)),
  };

  it.each(Object.keys(parsers))('%s', (name) => {
    const parse = parsers[name] as (v: DataView, end: number) => unknown;
    fc.assert(
      fc.property(bytes(300), (input) => {
        const copy = Uint8Array.from(input);
        expect(() => parse(new DataView(copy.buffer), copy.length)).not.toThrow();
        expect(copy).toEqual(Uint8Array.from(input));
      }),
      { numRuns: 300 },
    );
  });
});

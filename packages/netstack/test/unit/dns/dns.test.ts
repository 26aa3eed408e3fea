import { describe, expect, it } from 'vitest';
import { Address } from '../../../src/address.js';
import {
  DNS_A,
  DNS_AAAA,
  DNS_CNAME,
  DNS_NOERROR,
  DNS_NXDOMAIN,
  DNS_SERVFAIL,
  type DnsRecord,
  EMPTY_MESSAGE,
  emitDns,
  parseDns,
} from '../../../src/dns/message.js';
import { reverseName } from '../../../src/dns/name.js';
import { type DnsResult, Resolver } from '../../../src/dns/resolver.js';
import { DnsServer, DnsTable } from '../../../src/dns/server.js';
import { UdpEndpoint } from '../../../src/transport/udp/endpoint.js';
import { UdpMessage } from '../../../src/transport/udp/message.js';
import { Udp } from '../../../src/transport/udp/udp.js';
import { makePair } from '../../support/tcp-pair.js';

const a = (name: string, address: string, ttl = 60): DnsRecord => ({
  name,
  type: address.includes(':') ? DNS_AAAA : DNS_A,
  class: 1,
  ttl,
  data: { kind: 'address', address: Address.of(address) },
});
const cname = (name: string, target: string): DnsRecord => ({
  name,
  type: DNS_CNAME,
  class: 1,
  ttl: 60,
  data: { kind: 'name', name: target },
});

function world(records: readonly DnsRecord[], faults = {}) {
  const pair = makePair({ delay: 1000, ...faults });
  const [clientUdp, serverUdp] = [new Udp(pair.clientHost), new Udp(pair.serverHost)];
  pair.clientHost.attach(clientUdp);
  pair.serverHost.attach(serverUdp);
  const server = new DnsServer(serverUdp, pair.server, new DnsTable(records));
  expect(server.listen(null)).toBe(0);
  const resolver = new Resolver(clientUdp, pair.client, { servers: [pair.serverHost.address] });
  const ask = (name: string, type = DNS_A): DnsResult | null => {
    let result: DnsResult | null = null;
    resolver.query(name, type, (r) => {
      result = r;
    });
    pair.network.run(60_000_000, () => result !== null);
    return result;
  };
  return { ...pair, resolver, server, clientUdp, serverUdp, ask };
}

describe('resolver and server', () => {
  it('find an address, case does not matter', () => {
    const { ask } = world([a('example.org', '192.0.2.7')]);
    expect(ask('Example.ORG.')).toMatchObject({
      code: DNS_NOERROR,
      error: 0,
      records: [{ name: 'example.org' }],
    });
  });

  it('tell a missing name from a missing type', () => {
    const { ask } = world([a('example.org', '192.0.2.7')]);
    expect(ask('nothing.org')).toMatchObject({ code: DNS_NXDOMAIN, records: [] });
    expect(ask('example.org', DNS_AAAA)).toMatchObject({ code: DNS_NOERROR, records: [] });
  });

  it('follow aliases', () => {
    const { ask } = world([cname('www.example.org', 'host.example.org'), a('host.example.org', '192.0.2.7')]);
    expect(ask('www.example.org')?.records.map((r) => r.type)).toEqual([DNS_CNAME, DNS_A]);
  });

  it('end when aliases go round in circles', () => {
    const { ask } = world([cname('x.org', 'y.org'), cname('y.org', 'x.org')]);
    expect(ask('x.org')).not.toBeNull();
  });

  it('turn to TCP for an answer that a datagram can’t hold', () => {
    const many = Array.from({ length: 200 }, (_, i) => a('big.org', `10.1.${i >> 8}.${i & 255}`));
    const { ask, server, client } = world(many);
    expect(ask('big.org')?.records.length).toBe(200);
    expect(client.counters.activeOpens).toBe(1);
    server.close();
  });

  it('answer from the cache until the TTL is over', () => {
    const { ask, network, clientUdp } = world([a('example.org', '192.0.2.7', 10)]);
    ask('example.org');
    const sent = clientUdp.counters.outDatagrams;
    ask('example.org');
    expect(clientUdp.counters.outDatagrams).toBe(sent);
    network.run(11_000_000);
    ask('example.org');
    expect(clientUdp.counters.outDatagrams).toBeGreaterThan(sent);
  });

  it('try again when datagrams are lost, and give up in the end', () => {
    expect(world([a('example.org', '192.0.2.7')], { loss: 0.3 }).ask('example.org')?.code).toBe(DNS_NOERROR);
    expect(world([], { loss: 1 }).ask('example.org')).toMatchObject({ code: DNS_SERVFAIL, error: 110 });
  });

  it('look both families up and use the search list', () => {
    const { clientUdp, client, network, serverHost } = world([
      a('db.corp.example', '192.0.2.7'),
      a('db.corp.example', '2001:db8::7'),
    ]);
    const resolver = new Resolver(clientUdp, client, {
      servers: [serverHost.address],
      search: ['corp.example'],
    });
    let found: readonly Address[] = [];
    resolver.lookup('db', (addresses) => {
      found = addresses;
    });
    network.run(10_000_000, () => found.length > 0);
    expect(found.map(String)).toEqual(['2001:db8::7', '192.0.2.7']);
  });

  it('ignore an answer to another question', () => {
    const { clientUdp, serverUdp, network, serverHost } = world([]);
    const fake = new UdpEndpoint(serverUdp);
    fake.bind(null, 5353);
    fake.setOwner(
      {
        endpointReady: () => {
          const bytes = new Uint8Array(512);
          const message = { source: null };
          const n = fake.receive(bytes, 0, 512, 0, Object.assign(message as never));
          if (n < 0) return;
          const query = parseDns(bytes.slice(0, n))!;
          const reply = emitDns({
            ...query,
            response: true,
            id: query.id ^ 1,
            answers: [a('evil.org', '6.6.6.6')],
          });
          fake.send(reply, 0, reply.length, Address.of('10.0.0.1'), 1);
        },
      },
      0,
    );
    const resolver = new Resolver(clientUdp, null, {
      servers: [serverHost.address],
      port: 5353,
      timeout: 100,
    });
    let result: DnsResult | null = null;
    resolver.query('example.org', DNS_A, (r) => {
      result = r;
    });
    network.run(10_000_000, () => result !== null);
    expect(result).toMatchObject({ code: DNS_SERVFAIL });
  });
});

describe('EDNS(0) (RFC 6891)', () => {
  const many = Array.from({ length: 40 }, (_, i) => a('many.org', `192.0.2.${i}`));

  it('brings answers of up to 1,232 bytes in one datagram', () => {
    const { ask, client } = world(many);
    expect(ask('many.org')?.records).toHaveLength(40);
    expect(client.counters.activeOpens).toBe(0);
  });

  /** A server by hand: answers each datagram by what `reply` makes of its query. */
  const byHand = (reply: (query: ReturnType<typeof parseDns> & {}) => Uint8Array | null) => {
    const pair = makePair({ delay: 1000 });
    const [clientUdp, serverUdp] = [new Udp(pair.clientHost), new Udp(pair.serverHost)];
    pair.clientHost.attach(clientUdp);
    pair.serverHost.attach(serverUdp);
    const server = new UdpEndpoint(serverUdp);
    server.bind(null, 53);
    const queries: (ReturnType<typeof parseDns> & {})[] = [];
    const message = new UdpMessage();
    const endpointReady = (): void => {
      const bytes = new Uint8Array(2000);
      const count = server.receive(bytes, 0, 2000, 0, message);
      const query = count < 0 ? null : parseDns(bytes.subarray(0, count));
      if (query === null) return;
      queries.push(query);
      const out = reply(query);
      if (out !== null) server.send(out, 0, out.length, message.source as Address, message.sourcePort);
    };
    server.setOwner({ endpointReady }, 0);
    const resolver = new Resolver(clientUdp, pair.client, { servers: [pair.serverHost.address] });
    const ask = (name: string, type = DNS_A): DnsResult | null => {
      let result: DnsResult | null = null;
      resolver.query(name, type, (r) => {
        result = r;
      });
      pair.network.run(60_000_000, () => result !== null);
      return result;
    };
    return { ask, queries, network: pair.network };
  };

  it.each([1, 4])('is left out when a server answers code %i to it', (code) => {
    const { ask, queries } = byHand((query) => {
      const answer = { ...EMPTY_MESSAGE, id: query.id, response: true, questions: query.questions };
      // Who does not understand the message can't repeat its question.
      const questions = code === 1 ? [] : query.questions;
      if (query.additionals.length > 0) return emitDns({ ...answer, questions, code });
      return emitDns({ ...answer, answers: [a('old.org', '192.0.2.9')] });
    });
    expect(ask('old.org')).toMatchObject({ code: DNS_NOERROR, records: [{ name: 'old.org' }] });
    expect(queries.map((query) => query.additionals.length)).toEqual([1, 0]);
    expect(queries[0]?.additionals[0]).toMatchObject({ type: 41, class: 1232 });
  });

  it('is answered with 512 bytes at most to who does not speak it', () => {
    const { serverUdp, clientUdp, serverHost, network } = world(many);
    void serverUdp;
    const endpoint = new UdpEndpoint(clientUdp);
    endpoint.connect(serverHost.address, 53);
    const question = { name: 'many.org', type: DNS_A, class: 1 };
    const query = emitDns({ ...EMPTY_MESSAGE, id: 7, questions: [question] });
    endpoint.send(query, 0, query.length);
    network.run(1_000_000);
    const bytes = new Uint8Array(2000);
    const count = endpoint.receive(bytes, 0, 2000);
    expect(count).toBeLessThanOrEqual(512);
    expect(parseDns(bytes.subarray(0, count))).toMatchObject({ truncated: true, additionals: [] });
  });

  describe('and the negative cache (RFC 2308)', () => {
    const soa = (ttl: number, minimum: number): DnsRecord => ({
      name: 'org',
      type: 6,
      class: 1,
      ttl,
      data: {
        kind: 'soa',
        primary: 'ns.org',
        mailbox: 'root.org',
        serial: 1,
        refresh: 1,
        retry: 1,
        expire: 1,
        minimum,
      },
    });
    const negative = (code: number, authorities: readonly DnsRecord[]) =>
      byHand((query) =>
        emitDns({
          ...EMPTY_MESSAGE,
          id: query.id,
          response: true,
          code,
          questions: query.questions,
          authorities,
        }),
      );

    it.each([
      [3, 60, 20, 20],
      [3, 10, 300, 10],
      [0, 60, 20, 20],
      [3, 100_000, 100_000, 900],
    ])('believes code %i with a SOA of %i and %i seconds for %i', (code, ttl, minimum, seconds) => {
      const { ask, queries, network } = negative(code, [soa(ttl, minimum)]);
      expect(ask('no.org')).toMatchObject({ code, records: [] });
      network.run((seconds - 1) * 1_000_000);
      expect(ask('no.org')).toMatchObject({ code, records: [] });
      expect(queries).toHaveLength(1);
      network.run(2_000_000);
      ask('no.org');
      expect(queries).toHaveLength(2);
    });

    it('knows one type of a name only', () => {
      const { ask, queries } = negative(0, [soa(60, 60)]);
      ask('no.org', DNS_A);
      ask('no.org', DNS_AAAA);
      expect(queries).toHaveLength(2);
    });

    it('keeps nothing without a SOA, and no failures', () => {
      for (const [code, authorities] of [
        [3, []],
        [2, [soa(60, 60)]],
      ] as const) {
        const { ask, queries } = negative(code, authorities);
        ask('no.org');
        const { length } = queries;
        ask('no.org');
        expect(queries.length).toBe(length * 2);
      }
    });
  });
});

describe('malformed messages', () => {
  const header = (...rest: number[]): Uint8Array =>
    Uint8Array.of(0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...rest);

  it('with compression pointers in a circle or forward are refused', () => {
    expect(parseDns(header(0xc0, 12, 0, 1, 0, 1))).toBeNull();
    expect(parseDns(header(0xc0, 14, 0xc0, 12, 0, 1, 0, 1))).toBeNull();
    expect(parseDns(header(1, 0x61, 0xc0, 12, 0, 1, 0, 1))).toBeNull();
    expect(parseDns(header(0xc0, 40, 0, 1, 0, 1))).toBeNull();
  });

  it('with labels or counts beyond their end are refused', () => {
    expect(parseDns(header(63, 0x61))).toBeNull();
    expect(parseDns(header(0x80, 1, 0, 0, 1, 0, 1))).toBeNull();
    expect(parseDns(Uint8Array.of(0, 1, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0))).toBeNull();
  });

  it('with names over 255 bytes are refused', () => {
    const label = [63, ...new Array<number>(63).fill(0x61)];
    expect(parseDns(header(...label, ...label, ...label, ...label, 0, 0, 1, 0, 1))).toBeNull();
  });

  it('get FORMERR from a server', () => {
    const { clientUdp, network, serverHost } = world([]);
    const endpoint = new UdpEndpoint(clientUdp);
    const bad = header(0xc0, 12, 0, 1, 0, 1);
    endpoint.send(bad, 0, bad.length, serverHost.address, 53);
    network.run(10_000);
    const into = new Uint8Array(512);
    const n = endpoint.receive(into, 0, 512);
    expect(parseDns(into.slice(0, n))).toMatchObject({ id: 1, code: 1, response: true });
  });

  it('leave escapes in names alone', () => {
    const message = { ...EMPTY_MESSAGE, questions: [{ name: 'a\\.b.c', type: 1, class: 1 }] };
    expect(parseDns(emitDns(message))?.questions[0]?.name).toBe('a\\.b.c');
  });
});

describe('reverse names', () => {
  it('are those of RFC 1035 and RFC 3596', () => {
    expect(reverseName(Address.of('192.0.2.1').toBytes())).toBe('1.2.0.192.in-addr.arpa');
    expect(reverseName(Address.of('::1').toBytes())).toMatch(/^1\.0\.0\.0.*\.ip6\.arpa$/);
  });
});

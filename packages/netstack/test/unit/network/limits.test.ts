// Errors that are rate limited, path MTUs that are learnt and forgotten, raw and packet endpoints, interfaces that take everything.
import { describe, expect, it } from 'vitest';
import { Address } from '../../../src/address.js';
import { createVethPair } from '../../../src/link/veth.js';
import { Route } from '../../../src/roles.js';
import { writeIpv4 } from '../../../src/wire/ipv4.js';
import { ETHERTYPE_ALL, ETHERTYPE_IPV4 } from '../../../src/wire/protocols.js';
import { Pinger } from '../../support/ping.js';
import { UdpProbe } from '../../support/udp-probe.js';
import { configure, pair, World } from '../../support/world.js';

const SECOND = 1_000_000;
const of = Address.of;

describe('ICMP errors', () => {
  it.each([
    ['10.0.0.2', 9],
    ['fd00::2', 9],
  ])('to one sender are limited to a burst of six and then one a second (%s)', (to, port) => {
    const { world, a, b } = pair();
    const probe = new UdpProbe(a);
    new UdpProbe(b).closed = true;
    for (let i = 0; i < 50; i++) probe.send(of(to), port);
    world.run(1000);
    expect(probe.errors).toHaveLength(6);
    world.run(3 * SECOND);
    for (let i = 0; i < 50; i++) probe.send(of(to), port);
    world.run(1000);
    expect(probe.errors).toHaveLength(9);
    expect(b.network.countersFor(of(to).isV4).icmpRateLimited).toBe(91);
  });

  it('are never sent about broadcasts, multicasts or other errors', () => {
    const { world, a, b } = pair();
    const probe = new UdpProbe(a);
    new UdpProbe(b).closed = true;
    b.network.joinGroup(of('239.1.1.1'), 2);
    b.network.joinGroup(of('ff05::1'), 2);
    for (const to of ['10.0.0.255', '255.255.255.255', '239.1.1.1', 'ff05::1']) probe.send(of(to), 9);
    world.run(1000);
    expect(probe.errors).toEqual([]);
    expect(b.network.counters.icmpOut).toBe(0);
  });

  it('tell of a protocol that nobody speaks', () => {
    const { world, a } = pair();
    for (const [v4, to, type, code] of [
      [true, '10.0.0.2', 3, 2],
      [false, 'fd00::2', 4, 1],
    ] as const) {
      const raw = a.rawEndpoint({ v4, protocol: 200 });
      const ping = new Pinger(a, v4);
      const packet = a.pool.allocate(20);
      packet.append(20);
      raw.send(packet, of(to));
      world.run(1000);
      expect(ping.received()).toMatchObject([{ type, code }]);
      ping.raw.close();
      raw.close();
    }
  });
});

describe('reassembly', () => {
  it('gives up after its time and tells the sender if it has the first fragment', () => {
    const { world, a, b } = pair({ features: 0 });
    new UdpProbe(b);
    const raw = a.rawEndpoint({ v4: true, protocol: 255 });
    const ping = new Pinger(a, true);
    const packet = a.pool.allocate(60);
    const at = packet.append(60);
    packet.bytes.fill(0, at, packet.end);
    writeIpv4(packet.view, at, 0, 60, 77, 0x2000, 64, 17, of('10.0.0.1').w3, of('10.0.0.2').w3);
    expect(raw.send(packet, of('10.0.0.2'))).toBe(0);
    world.run(29 * SECOND);
    expect(b.network.reassembly.pending).toBe(1);
    expect(ping.received()).toEqual([]);
    world.run(2 * SECOND);
    expect(b.network.reassembly.pending).toBe(0);
    expect(ping.received()).toMatchObject([{ type: 11, code: 1 }]);
    expect([a.pool.packetsInUse, b.pool.packetsInUse]).toEqual([0, 0]);
  });
});

describe('the path MTU', () => {
  const path = () => {
    const world = new World();
    const [a1, r1] = createVethPair();
    const [r2, b1] = createVethPair({ addresses: [0x020000000003, 0x020000000004], mtu: 1300 });
    const [a, r, b] = [world.stack(), world.stack(), world.stack()];
    configure(a, a1, ['10.1.0.1/24']);
    configure(r, r1, ['10.1.0.254/24'], { forwarding: true });
    configure(r, r2, ['10.2.0.254/24'], { forwarding: true });
    configure(b, b1, ['10.2.0.1/24']);
    a.addRoute(of('0.0.0.0'), 0, { gateway: of('10.1.0.254') });
    b.addRoute(of('0.0.0.0'), 0, { gateway: of('10.2.0.254') });
    return { world, a, b };
  };

  it('is learnt from a router, given to the transport, and forgotten after ten minutes', () => {
    const { world, a, b } = path();
    const probe = new UdpProbe(a);
    const peer = new UdpProbe(b);
    const sendFixed = () => {
      const packet = a.pool.allocate(1400);
      packet.append(1400);
      packet.bytes.fill(0, packet.start, packet.end);
      packet.protocol = 17;
      packet.flags |= 1;
      return a.host.send(packet, new Route(of('10.2.0.1')));
    };
    expect(sendFixed()).toBe(0);
    world.run(1000);
    expect(probe.errors).toMatchObject([{ errno: 90, mtu: 1300, offender: '10.1.0.254' }]);
    const route = new Route(of('10.2.0.1'));
    expect(a.host.resolve(route)).toBe(0);
    expect(route.mtu).toBe(1300);
    expect(sendFixed()).toBe(-90);
    // Without DONT_FRAGMENT it goes in pieces.
    expect(probe.send(of('10.2.0.1'), 9, 1392)).toBe(0);
    world.run(1000);
    expect(peer.got).toMatchObject([{ payload: 1392, good: true }]);
    expect(a.network.counters.fragmentsCreated).toBe(2);
    world.run(601 * SECOND);
    expect(a.host.resolve(route)).toBe(0);
    expect(route.mtu).toBe(1500);
  });

  it('is not lowered below the floor by a forger', () => {
    const { a } = path();
    const route = new Route(of('10.2.0.1'));
    a.host.resolve(route);
    a.network.pathMtu.lower(of('10.2.0.1'), 68, route.mtu, 0);
    a.host.resolve(route);
    expect(route.mtu).toBe(552);
  });
});

describe('raw and packet endpoints', () => {
  it('a filter keeps ICMP types out, a bound or connected one sees only its own', () => {
    const { world, a, b } = pair();
    const all = new Pinger(b, true);
    const none = new Pinger(b, true);
    none.raw.icmpFilter = 1 << 8;
    const other = new Pinger(b, true);
    expect(other.raw.connect(of('10.0.0.9'))).toBe(0);
    expect(other.raw.bind(of('10.9.9.9'))).toBe(-99);
    expect(other.raw.bind(of('fd00::2'))).toBe(-97);
    new Pinger(a, true).send(of('10.0.0.2'));
    world.run(1000);
    expect(all.received()).toHaveLength(1);
    expect(none.received()).toEqual([]);
    expect(other.received()).toEqual([]);
  });

  it('queues are bounded in bytes', () => {
    const { world, a, b } = pair();
    const raw = b.rawEndpoint({ v4: true, protocol: 1, receiveLimit: 10_000 });
    const ping = new Pinger(a, true);
    for (let i = 0; i < 50; i++) ping.send(of('10.0.0.2'), 1000);
    world.run(1000);
    expect(raw.dropped).toBeGreaterThan(30);
    raw.close();
    ping.raw.close();
    expect(b.pool.packetsInUse).toBe(0);
  });

  it('a packet endpoint sees frames both ways, and one with a protocol only what comes in', () => {
    const { world, a } = pair();
    const all = a.packetEndpoint({ etherType: ETHERTYPE_ALL, interfaceIndex: 2 });
    const cooked = a.packetEndpoint({ etherType: ETHERTYPE_IPV4, cooked: true });
    new Pinger(a, true).send(of('10.0.0.2'));
    world.run(1000);
    expect(all.packets).toBeGreaterThanOrEqual(4);
    const packet = cooked.receive();
    expect(packet?.view.getUint8(packet.start)).toBe(0x45);
    packet?.release();
    expect(cooked.receive()).toBeNull();
  });
});

describe('an interface that takes everything', () => {
  it.each([
    ['198.51.100.7', '203.0.113.50'],
    ['2001:db8::7', '2001:db8:9::9'],
  ])('answers in the name of whoever was asked (%s)', (to) => {
    const world = new World();
    const [left, right] = createVethPair({ medium: 2 });
    const guest = world.stack();
    const proxy = world.stack();
    const out = configure(guest, left, ['10.0.0.2/24', 'fd00::2/64']);
    configure(proxy, right, ['10.0.0.1/24', 'fd00::1/64'], { acceptAny: true });
    guest.addRoute(of('0.0.0.0'), 0, { interfaceIndex: out.index });
    guest.addRoute(of('::'), 0, { interfaceIndex: out.index });
    const client = new UdpProbe(guest);
    const forwarder = new UdpProbe(proxy);
    client.send(of(to), 53);
    world.run(1000);
    expect(forwarder.got).toMatchObject([{ to: `${to}:53`, good: true }]);
    const route = new Route(out.primaryAddress(!to.includes(':')) as Address);
    route.source = of(to);
    expect(proxy.host.resolve(route)).toBe(-99);
    route.anySource = true;
    expect(proxy.host.resolve(route)).toBe(0);
    expect(String(route.chosenSource)).toBe(to);
  });
});

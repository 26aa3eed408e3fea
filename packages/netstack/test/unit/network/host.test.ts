// What a host does besides passing packets: finding neighbours, addresses and routers, joining groups, choosing routes and sources.
import { describe, expect, it } from 'vitest';
import { Address, ALL_NODES_V6 } from '../../../src/address.js';
import { CaptureDevice } from '../../../src/link/capture-device.js';
import { createVethPair } from '../../../src/link/veth.js';
import type { NetInterface } from '../../../src/network/interface.js';
import { sendNdp } from '../../../src/network/ndp.js';
import { NUD_REACHABLE, NUD_STALE } from '../../../src/network/neighbour.js';
import { sortDestinations } from '../../../src/network/source-selection.js';
import { Route } from '../../../src/roles.js';
import type { Stack } from '../../../src/stack.js';
import { ICMP6_ROUTER_ADVERT, writeIcmp } from '../../../src/wire/icmp.js';
import { emitNdpOptions, emitRouterAdvertisement } from '../../../src/wire/ndp.js';
import { parsePcapng } from '../../../src/wire/pcapng.js';
import { Pinger } from '../../support/ping.js';
import { UdpProbe } from '../../support/udp-probe.js';
import { configure, pair, World } from '../../support/world.js';

const SECOND = 1_000_000;
const of = Address.of;

describe('neighbours', () => {
  it('are asked for three times, then the sender is told that the host is unreachable', () => {
    const { world, a, b } = pair();
    const probe = new UdpProbe(a);
    const requests = b.packetEndpoint({ etherType: 0x0806 });
    expect(probe.send(of('10.0.0.77'), 9)).toBe(0);
    expect(probe.send(of('fd00::77'), 9)).toBe(0);
    world.run(2_900_000);
    expect(probe.errors).toEqual([]);
    world.run(SECOND);
    expect(probe.errors.map((e) => [e.errno, e.from])).toEqual([
      [113, '10.0.0.77'],
      [113, 'fd00::77'],
    ]);
    expect(requests.packets).toBe(3);
  });

  it('become stale, are probed when used, and stay reachable while they answer', () => {
    const { world, a, ifaceA } = pair();
    const ping = new Pinger(a, true);
    ping.send(of('10.0.0.2'));
    world.run(1000);
    const entry = ifaceA.neighbours.lookup(of('10.0.0.2'));
    expect(entry?.state).toBe(NUD_REACHABLE);
    world.run(60 * SECOND);
    ping.send(of('10.0.0.2'));
    world.run(1000);
    expect(entry?.state).not.toBe(NUD_REACHABLE);
    world.run(6 * SECOND);
    expect(entry?.state).toBe(NUD_REACHABLE);
  });

  it('that move are found again', () => {
    const { world, a, b, ifaceA, ifaceB } = pair();
    const ping = new Pinger(a, true);
    ping.send(of('10.0.0.2'));
    world.run(1000);
    ifaceA.neighbours.heard(of('10.0.0.2'), 0x020000000099);
    expect(ifaceA.neighbours.lookup(of('10.0.0.2'))?.state).toBe(NUD_STALE);
    ping.received();
    for (let i = 0; i < 12; i++) {
      ping.send(of('10.0.0.2'));
      world.run(SECOND);
    }
    expect(ping.received().filter((m) => m.type === 0).length).toBeGreaterThan(0);
    void b;
    void ifaceB;
  });
});

describe('IPv6 addresses', () => {
  it('may be used after duplicate address detection only', () => {
    const world = new World();
    const [left, right] = createVethPair();
    const a = world.stack();
    const b = world.stack();
    configure(b, right, []);
    const iface = configure(a, left, ['fd00::1/64'], { dadTransmits: 1 });
    const route = new Route(of('fd00::2'));
    expect(a.network.isLocalAddress(of('fd00::1'), 0)).toBe(false);
    expect(a.network.resolve(route)).toBe(-99);
    world.run(3 * SECOND);
    expect(a.network.isLocalAddress(of('fd00::1'), 0)).toBe(true);
    expect(a.network.resolve(route)).toBe(0);
    expect(String(iface.linkLocalAddress())).toBe('fe80::ff:fe00:1');
  });

  it('that two hosts claim at once are refused to both', () => {
    const failed: string[] = [];
    const world = new World();
    const ends = createVethPair({ addresses: [0x020000000001, 0x020000000002] });
    for (const end of ends) {
      const observer = { addressFailed: (_i: number, address: Address) => failed.push(String(address)) };
      configure(world.stack({ observer }), end, ['fd00::1/64'], { dadTransmits: 1 });
    }
    world.run(5 * SECOND);
    expect(failed).toContain('fd00::1');
  });

  const advertise = (router: Stack, iface: NetInterface, valid: number, lifetime = 1800) => {
    const packet = router.pool.allocate(200);
    const { view, start } = packet;
    writeIcmp(view, start, ICMP6_ROUTER_ADVERT, 0, 0);
    const head = {
      hopLimit: 33,
      managed: false,
      other: true,
      lifetime,
      preference: 0,
      reachableTime: 0,
      retransTimer: 0,
    };
    emitRouterAdvertisement(head, view, start);
    const prefix = {
      prefixLength: 64,
      onLink: true,
      autonomous: true,
      validLifetime: valid,
      preferredLifetime: valid / 2,
      prefix: of('2001:db8:1::'),
    };
    const options = {
      sourceLink: iface.device.address,
      targetLink: -1,
      mtu: 1400,
      prefixes: [prefix],
      dnsServers: [of('2001:db8::53')],
      dnsLifetime: 60,
    };
    packet.append(16 + emitNdpOptions(options, view, start + 16));
    sendNdp(iface, packet, iface.linkLocalAddress() as Address, ALL_NODES_V6);
  };

  it('are made from a router’s prefix, with its parameters, and end with their lifetimes', () => {
    const world = new World();
    const [left, right] = createVethPair();
    const host = world.stack();
    const router = world.stack();
    const out = configure(router, right, [], { forwarding: true });
    const iface = configure(host, left, []);
    world.run(2 * SECOND);
    advertise(router, out, 10_000);
    world.run(SECOND);
    expect(iface.addresses.map(String).length).toBe(2);
    expect(host.network.isLocalAddress(of('2001:db8:1:0:0:ff:fe00:1'), 0)).toBe(true);
    expect(iface.mtu).toBe(1400);
    expect(iface.routers.dnsServers.map(String)).toEqual(['2001:db8::53']);
    const route = new Route(of('2001:db8:9::1'));
    expect(host.network.resolve(route)).toBe(0);
    expect(String(route.nextHop)).toBe('fe80::ff:fe00:2');
    expect(route.hopLimit).toBe(33);
    world.run(1800 * SECOND);
    expect(host.network.resolve(route)).toBe(-101);
    world.run(4000 * SECOND);
    expect(iface.addresses.at(-1)?.isDeprecated).toBe(true);
    world.run(5000 * SECOND);
    expect(host.network.isLocalAddress(of('2001:db8:1:0:0:ff:fe00:1'), 0)).toBe(false);
  });

  it('a forged advertisement can’t cut a lifetime below two hours', () => {
    const world = new World();
    const [left, right] = createVethPair();
    const host = world.stack();
    const router = world.stack();
    const out = configure(router, right, [], { forwarding: true });
    const iface = configure(host, left, []);
    world.run(2 * SECOND);
    advertise(router, out, 100_000);
    world.run(SECOND);
    advertise(router, out, 2);
    world.run(SECOND);
    const left2 = ((iface.addresses.at(-1)?.validUntil ?? 0) - world.now) / SECOND;
    expect(left2).toBeGreaterThan(7100);
    expect(left2).toBeLessThan(7300);
  });
});

describe('groups', () => {
  it.each([
    ['239.1.2.3', 2],
    ['ff05::123', 2],
  ])('a member of %s hears it, the others do not', (group, index) => {
    const { world, a, b } = pair();
    const sender = new UdpProbe(a);
    const member = new UdpProbe(b);
    expect(sender.send(of(group), 9)).toBe(0);
    world.run(1000);
    expect(member.got).toEqual([]);
    expect(b.network.joinGroup(of(group), index)).toBe(0);
    expect(sender.send(of(group), 9)).toBe(0);
    world.run(1000);
    expect(member.got).toHaveLength(1);
    expect(b.network.setGroupFilter(of(group), index, true, [of('10.0.0.1'), of('fd00::1')])).toBe(0);
    sender.send(of(group), 9);
    world.run(1000);
    expect(member.got).toHaveLength(1);
    expect(b.network.leaveGroup(of(group), index)).toBe(0);
    expect(b.network.leaveGroup(of(group), index)).toBe(-99);
  });

  it('joining and leaving is told to routers with the router alert set', () => {
    const blocks: Uint8Array[] = [];
    const sink = { captured: (block: Uint8Array) => void blocks.push(block) };
    const { world, a } = pair({
      wrap: (device, _w, end) => (end === 0 ? new CaptureDevice(device, { sink }) : device),
    });
    a.network.joinGroup(of('239.1.2.3'), 2);
    world.run(5 * SECOND);
    a.network.leaveGroup(of('239.1.2.3'), 2);
    world.run(SECOND);
    const file = new Uint8Array(Buffer.concat(blocks));
    const igmp = parsePcapng(file)?.packets.filter((p) => p.bytes[12] === 8 && p.bytes[23] === 2) ?? [];
    // Two reports, for one may be lost, and one leave; to 224.0.0.22.
    expect(igmp.map((p) => [p.bytes[33], p.bytes[14], p.bytes[46], p.bytes[22]])).toEqual([
      [22, 0x46, 4, 1],
      [22, 0x46, 4, 1],
      [22, 0x46, 3, 1],
    ]);
  });

  it('a sender that listens hears itself', () => {
    const { world, a } = pair();
    const probe = new UdpProbe(a);
    a.network.joinGroup(of('239.9.9.9'), 2);
    probe.send(of('239.9.9.9'), 9);
    world.run(1000);
    expect(probe.got).toMatchObject([{ from: '10.0.0.1:5000' }]);
  });
});

describe('broadcasts', () => {
  it.each(['255.255.255.255', '10.0.0.255'])('%s reaches everyone on the link and needs permission', (to) => {
    const { world, a, b } = pair();
    const probe = new UdpProbe(b);
    const route = new Route(of(to));
    expect(a.network.resolve(route)).toBe(-13);
    new UdpProbe(a).send(of(to), 9);
    world.run(1000);
    expect(probe.got).toMatchObject([{ to: `${to}:9` }]);
  });
});

describe('routes', () => {
  const setup = () => {
    const world = new World();
    const stack = world.stack();
    const one = configure(stack, createVethPair()[0], ['10.1.0.1/24', '2001:db8:1::1/64']);
    const two = configure(stack, createVethPair()[0], ['10.2.0.1/24', '2001:db8:2::1/64']);
    // The ends have no peer, and so no carrier, but routes don't mind.
    const ask = (to: string, change: (route: Route) => void = () => undefined) => {
      const route = new Route(of(to));
      change(route);
      const result = stack.network.resolve(route);
      return result < 0 ? String(result) : `${route.interfaceIndex} ${route.nextHop} ${route.chosenSource}`;
    };
    return { stack, one, two, ask };
  };

  it('the longest prefix wins, then the lowest metric', () => {
    const { stack, ask } = setup();
    expect(ask('9.9.9.9')).toBe('-101');
    stack.addRoute(of('0.0.0.0'), 0, { gateway: of('10.1.0.254'), metric: 100 });
    stack.addRoute(of('0.0.0.0'), 0, { gateway: of('10.2.0.254'), metric: 50 });
    stack.addRoute(of('9.9.0.0'), 16, { gateway: of('10.1.0.253') });
    expect(ask('9.9.9.9')).toBe('2 10.1.0.253 10.1.0.1');
    expect(ask('8.8.8.8')).toBe('3 10.2.0.254 10.2.0.1');
    expect(ask('10.1.0.9')).toBe('2 10.1.0.9 10.1.0.1');
    expect(ask('8.8.8.8', (route) => (route.boundInterface = 2))).toBe('2 10.1.0.254 10.1.0.1');
    expect(stack.addRoute(of('9.9.0.0'), 16, { gateway: of('10.1.0.253') })).toBe(-17);
  });

  it('kinds refuse with their own errors', () => {
    const { stack, ask } = setup();
    stack.addRoute(of('1.0.0.0'), 8, { kind: 'blackhole' });
    stack.addRoute(of('2.0.0.0'), 8, { kind: 'unreachable' });
    stack.addRoute(of('3.0.0.0'), 8, { kind: 'prohibit' });
    stack.addRoute(of('4.0.0.0'), 8, { kind: 'local' });
    expect(['1.1.1.1', '2.1.1.1', '3.1.1.1'].map((to) => ask(to))).toEqual(['-22', '-113', '-13']);
    expect(ask('4.1.1.1')).toBe('1 4.1.1.1 4.1.1.1');
    expect(ask('10.1.0.9', (route) => (route.source = of('10.9.9.9')))).toBe('-99');
    expect(
      ask('10.1.0.9', (route) => {
        route.source = of('10.9.9.9');
        route.anySource = true;
      }),
    ).toBe('2 10.1.0.9 10.9.9.9');
  });

  it('policy rules choose tables by source, mark and user', () => {
    const { stack, ask } = setup();
    stack.addRoute(of('0.0.0.0'), 0, { gateway: of('10.1.0.254') });
    stack.addRoute(of('0.0.0.0'), 0, { gateway: of('10.2.0.254') }, 100);
    const { routing } = stack.network;
    routing.addRule({ priority: 10, table: 100, mark: 7 });
    routing.addRule({ priority: 11, table: 100, from: of('10.2.0.1'), fromLength: 32 });
    routing.addRule({ priority: 12, table: 0, action: 'prohibit', uidFrom: 1000, uidTo: 1999 });
    expect(ask('8.8.8.8')).toBe('2 10.1.0.254 10.1.0.1');
    expect(ask('8.8.8.8', (route) => (route.mark = 7))).toBe('3 10.2.0.254 10.2.0.1');
    expect(ask('8.8.8.8', (route) => (route.source = of('10.2.0.1')))).toBe('3 10.2.0.254 10.2.0.1');
    expect(ask('8.8.8.8', (route) => (route.uid = 1500))).toBe('-13');
    expect(routing.removeRule((rule) => rule.priority === 12)).toBe(0);
    expect(ask('8.8.8.8', (route) => (route.uid = 1500))).toBe('2 10.1.0.254 10.1.0.1');
  });

  it('a resolved route is looked up again when something changed', () => {
    const { stack } = setup();
    const route = new Route(of('8.8.8.8'));
    stack.addRoute(of('0.0.0.0'), 0, { gateway: of('10.1.0.254') });
    expect(stack.network.resolve(route)).toBe(0);
    stack.removeRoute((entry) => entry.prefixLength === 0);
    expect(stack.network.resolve(route)).toBe(-101);
  });

  it('IPv6 sources are chosen by RFC 6724', () => {
    const { stack, one, ask } = setup();
    stack.addAddress(one, of('fd00::1'), 64);
    stack.addAddress(one, of('2001:db8:1::2'), 64);
    stack.addRoute(of('::'), 0, { gateway: of('2001:db8:1::fe') });
    expect(ask('2001:db8:2::9')).toBe('3 2001:db8:2::9 2001:db8:2::1');
    expect(ask('fd00:1::9')).toBe('2 2001:db8:1::fe fd00::1');
    expect(ask('2001:db8:1::2')).toBe('1 2001:db8:1::2 2001:db8:1::2');
    const held = one.findAddress(of('2001:db8:1::1'));
    if (held !== null) held.state = 2;
    stack.network.changed();
    expect(ask('2600::1')).toBe('2 2001:db8:1::fe 2001:db8:1::2');
    expect(ask('fe80::9')).toBe('-22');
    expect(ask('fe80::9', (route) => (route.boundInterface = 2))).toBe('2 fe80::9 fe80::ff:fe00:1');
  });

  it('destinations are sorted by RFC 6724', () => {
    const sorted = sortDestinations([
      { destination: of('198.51.100.1'), source: of('198.51.100.2') },
      { destination: of('2001:db8::1'), source: null },
      { destination: of('fd00::1'), source: of('2001:db8::9') },
      { destination: of('2001:db8::2'), source: of('2001:db8::9') },
    ]);
    expect(sorted.map(String)).toEqual(['2001:db8::2', '198.51.100.1', 'fd00::1', '2001:db8::1']);
  });
});

describe('steady state', () => {
  it.each([
    ['10.0.0.2', 1400],
    ['fd00::2', 1400],
    ['10.0.0.2', 20_000],
  ])('no block and no handle is made for datagrams to %s of %i bytes', (to, size) => {
    const { world, a, b } = pair();
    const probe = new UdpProbe(a);
    const echo = new UdpProbe(b);
    echo.echo = size;
    const round = () => {
      for (let i = 0; i < 20; i++) probe.send(of(to), 9, size);
      world.run(1000);
    };
    for (let i = 0; i < 5; i++) round();
    const made = [a.pool.blocksMade, a.pool.handlesMade, b.pool.blocksMade, b.pool.handlesMade];
    for (let i = 0; i < 20; i++) round();
    expect([a.pool.blocksMade, a.pool.handlesMade, b.pool.blocksMade, b.pool.handlesMade]).toEqual(made);
    expect(probe.got.every((datagram) => datagram.good && datagram.payload === size)).toBe(true);
  });

  it('an idle stack asks for no poll but that of lifetimes it holds', () => {
    const { world } = pair();
    world.run(3600 * SECOND);
    expect(world.settle()).toBe(Number.POSITIVE_INFINITY);
  });
});

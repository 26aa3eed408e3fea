// What a router does besides passing packets: redirects, router advertisements, several next hops, multicast by table.
import { describe, expect, it } from 'vitest';
import { Address } from '../../../src/address.js';
import { BridgeDevice } from '../../../src/link/bridge.js';
import { CaptureDevice } from '../../../src/link/capture-device.js';
import { createVethPair, type VethDevice } from '../../../src/link/veth.js';
import { Route } from '../../../src/roles.js';
import type { Stack } from '../../../src/stack.js';
import { ICMP4_REDIRECT, writeIcmp } from '../../../src/wire/icmp.js';
import { parsePcapng } from '../../../src/wire/pcapng.js';
import { UdpProbe } from '../../support/udp-probe.js';
import { configure, pair, World } from '../../support/world.js';

const SECOND = 1_000_000;
const of = Address.of;

/** A switch in a stack of its own; `port()` gives the far end of a cable to it. */
function makeSwitch(world: World): () => VethDevice {
  const bridge = new BridgeDevice({ address: 0x0200000000fe });
  world.stack().addInterface(bridge, { linkLocal: false });
  let mac = 0x020000000100;
  return () => {
    const [near, far] = createVethPair({ addresses: [mac++, mac++] });
    bridge.addPort(near);
    return far;
  };
}

/** A host and two routers on one link; the second leads to 10.9.0.0/24 and fd09::/64, the host knows the first only. */
function triangle(options: { accept?: boolean; send?: boolean } = {}) {
  const world = new World();
  const port = makeSwitch(world);
  const host = world.stack();
  const iface = configure(host, port(), ['10.0.0.1/24', 'fd00::1/64'], {
    ...(options.accept === undefined ? {} : { acceptRedirects: options.accept }),
  });
  const first = world.stack();
  const firstIface = configure(first, port(), ['10.0.0.2/24', 'fd00::2/64'], {
    forwarding: true,
    sendRedirects: options.send ?? true,
  });
  const second = world.stack();
  const secondIface = configure(second, port(), ['10.0.0.3/24', 'fd00::3/64'], { forwarding: true });
  const [wire, end] = createVethPair();
  configure(second, wire, ['10.9.0.1/24', 'fd09::1/64'], { forwarding: true });
  const target = world.stack();
  configure(target, end, ['10.9.0.2/24', 'fd09::2/64']);
  world.run(3 * SECOND);
  const linkLocal = (each: typeof iface) => each.linkLocalAddress() as Address;
  host.addRoute(of('0.0.0.0'), 0, { gateway: of('10.0.0.2') });
  host.addRoute(of('::'), 0, { gateway: linkLocal(firstIface), interfaceIndex: iface.index });
  first.addRoute(of('10.9.0.0'), 24, { gateway: of('10.0.0.3') });
  first.addRoute(of('fd09::'), 64, { gateway: linkLocal(secondIface), interfaceIndex: firstIface.index });
  target.addRoute(of('0.0.0.0'), 0, { gateway: of('10.9.0.1') });
  target.addRoute(of('::'), 0, { gateway: of('fd09::1') });
  const hop = (to: string) => {
    const route = new Route(of(to));
    return host.network.resolve(route) === 0 ? String(route.nextHop) : 'none';
  };
  return { world, host, first, second, target, iface, secondIface, hop, linkLocal };
}

describe('redirects', () => {
  it.each(['10.9.0.2', 'fd09::2'])('lead to %s by the better router from the second packet on', (to) => {
    const { world, host, first, target, secondIface, hop, linkLocal } = triangle();
    const probe = new UdpProbe(host);
    const heard = new UdpProbe(target);
    expect(probe.send(of(to), 9)).toBe(0);
    world.run(SECOND);
    expect(hop(to)).toBe(to.includes(':') ? String(linkLocal(secondIface)) : '10.0.0.3');
    expect(hop('10.9.0.77')).toBe('10.0.0.2');
    const { forwarded } = first.network.counters;
    probe.send(of(to), 9);
    world.run(SECOND);
    expect(heard.got).toHaveLength(2);
    expect(first.network.counters.forwarded).toBe(forwarded);
  });

  it('are neither obeyed nor sent where they are switched off', () => {
    for (const options of [{ accept: false }, { send: false }]) {
      const { world, host, hop, first } = triangle(options);
      const probe = new UdpProbe(host);
      for (let i = 0; i < 3; i++) probe.send(of('10.9.0.2'), 9);
      world.run(SECOND);
      expect(hop('10.9.0.2')).toBe('10.0.0.2');
      expect(first.network.counters.forwarded).toBe(3);
    }
  });

  it('are forgotten when the hop dies', () => {
    const { world, host, second, secondIface, hop } = triangle();
    const probe = new UdpProbe(host);
    probe.send(of('10.9.0.2'), 9);
    world.run(SECOND);
    expect(hop('10.9.0.2')).toBe('10.0.0.3');
    second.setUp(secondIface, false);
    world.run(60 * SECOND);
    probe.send(of('10.9.0.2'), 9);
    world.run(10 * SECOND);
    expect(hop('10.9.0.2')).toBe('10.0.0.2');
  });

  /** A redirect of the second router, who is not the first hop, about a packet of the host. */
  const forge = (stack: Stack, from: string, gateway: string, quotedSource = '10.0.0.1') => {
    const packet = stack.pool.allocate(36);
    packet.append(36);
    const { view, start } = packet;
    writeIcmp(view, start, ICMP4_REDIRECT, 1, of(gateway).w3);
    packet.bytes.fill(0, start + 8, start + 36);
    view.setUint8(start + 8, 0x45);
    of(quotedSource).write(view, start + 20);
    of('10.9.0.2').write(view, start + 24);
    let sum = 0;
    for (let at = start; at < start + 36; at += 2) sum += view.getUint16(at);
    sum = (sum & 0xffff) + (sum >>> 16);
    view.setUint16(start + 2, ~((sum & 0xffff) + (sum >>> 16)) & 0xffff);
    packet.protocol = 1;
    stack.network.icmp.send(packet, of(from), of('10.0.0.1'));
  };

  it.each([
    ['from a router that is not the first hop', '10.0.0.3', '10.0.0.3', '10.0.0.1'],
    ['to a hop that is not on the link', '10.0.0.2', '10.9.0.9', '10.0.0.1'],
    ['to ourselves', '10.0.0.2', '10.0.0.1', '10.0.0.1'],
    ['about a packet of somebody else', '10.0.0.2', '10.0.0.3', '10.0.0.9'],
  ])('%s are ignored', (_what, from, gateway, quoted) => {
    const { world, first, second, hop } = triangle({ send: false });
    forge(from === '10.0.0.2' ? first : second, from, gateway, quoted);
    world.run(SECOND);
    expect(hop('10.9.0.2')).toBe('10.0.0.2');
    // The same message, when all is right, is obeyed: the forger can do it.
    forge(first, '10.0.0.2', '10.0.0.3');
    world.run(SECOND);
    expect(hop('10.9.0.2')).toBe('10.0.0.3');
  });
});

describe('router advertisements', () => {
  const advertise = {
    prefixes: [{ prefix: of('2001:db8:7::'), prefixLength: 64 }],
    lifetime: 900,
    maxInterval: 60,
    mtu: 1400,
    dnsServers: [of('2001:db8:7::53')],
  };
  const setup = () => {
    const blocks: Uint8Array[] = [];
    const sink = { captured: (block: Uint8Array) => void blocks.push(block) };
    const world = new World();
    const [left, right] = createVethPair();
    const router = world.stack();
    const out = configure(router, new CaptureDevice(left, { sink }), ['2001:db8:7::1/64'], {
      forwarding: true,
      advertise,
    });
    /** Times, in seconds, and router lifetimes of the advertisements so far. */
    const sent = () =>
      (parsePcapng(new Uint8Array(Buffer.concat(blocks)))?.packets ?? [])
        .filter((p) => p.bytes[12] === 0x86 && p.bytes[20] === 58 && p.bytes[54] === 134)
        .map((p) => ((p.bytes[60] as number) << 8) | (p.bytes[61] as number));
    return { world, router, out, right, sent };
  };

  it('give a host its address, router, MTU and DNS server, and go on coming', () => {
    const { world, right, sent, out } = setup();
    const host = world.stack();
    const iface = configure(host, right, []);
    world.run(10 * SECOND);
    expect(host.network.isLocalAddress(of('2001:db8:7:0:0:ff:fe00:2'), 0)).toBe(true);
    expect([iface.mtu, iface.routers.dnsServers.map(String)]).toEqual([1400, ['2001:db8:7::53']]);
    const route = new Route(of('2600::1'));
    expect(host.network.resolve(route)).toBe(0);
    expect(String(route.nextHop)).toBe(String(out.linkLocalAddress()));
    world.run(3600 * SECOND);
    expect(host.network.resolve(route)).toBe(0);
    // Between a third of the interval and the whole: 60 to 180 in an hour, and the first few.
    expect(sent().length).toBeGreaterThanOrEqual(60);
    expect(sent().length).toBeLessThanOrEqual(190);
  });

  it('say goodbye when they stop, and hosts drop the router', () => {
    const { world, right, sent, out } = setup();
    const host = world.stack();
    configure(host, right, []);
    world.run(10 * SECOND);
    out.advertiser.stop();
    world.run(SECOND);
    expect(sent().slice(-3)).toEqual([0, 0, 0]);
    expect(host.network.resolve(new Route(of('2600::1')))).toBe(-101);
    const count = sent().length;
    world.run(3600 * SECOND);
    expect(sent()).toHaveLength(count);
  });

  it('answer a solicitation within half a second, and not a flood of them', () => {
    const { world, right, sent } = setup();
    world.run(100 * SECOND);
    const before = sent().length;
    const host = world.stack();
    const iface = configure(host, right, []);
    for (let i = 0; i < 20; i++) {
      iface.routers.start();
      world.run(SECOND);
    }
    // At most one in three seconds (RFC 4861 6.2.6), and those of the interval.
    expect(sent().length - before).toBeGreaterThanOrEqual(1);
    expect(sent().length - before).toBeLessThanOrEqual(9);
  });
});

describe('several next hops', () => {
  const setup = (weights: readonly number[]) => {
    const world = new World();
    const stack = world.stack();
    configure(stack, createVethPair()[0], ['10.1.0.1/24']);
    const two = configure(stack, createVethPair()[0], ['10.2.0.1/24']);
    const nextHops = weights.map((weight, i) => ({ gateway: of(`10.${i + 1}.0.254`), weight }));
    expect(stack.addRoute(of('0.0.0.0'), 0, { nextHops })).toBe(0);
    const ask = (to: string, bound = 0) => {
      const route = new Route(of(to));
      route.boundInterface = bound;
      return stack.network.resolve(route) === 0 ? String(route.nextHop) : 'none';
    };
    const share = () => {
      let first = 0;
      for (let i = 0; i < 1000; i++) if (ask(`99.${i >> 8}.${i & 255}.7`) === '10.1.0.254') first++;
      return first / 1000;
    };
    return { world, stack, two, ask, share };
  };

  it('take flows in proportion to their weights, each flow always the same', () => {
    expect(setup([1, 1]).share()).toBeCloseTo(0.5, 1);
    const { share, ask } = setup([3, 1]);
    expect(share()).toBeCloseTo(0.75, 1);
    for (let i = 0; i < 20; i++) expect(ask('99.1.2.3')).toBe(ask('99.1.2.3'));
  });

  it('are those of the bound interface if one is bound', () => {
    const { ask } = setup([100, 1]);
    for (let i = 0; i < 20; i++) expect(ask(`99.9.9.${i}`, 3)).toBe('10.2.0.254');
  });

  it('are used no more while they do not answer, or their interface is down', () => {
    const { world, stack, two, share } = setup([1, 1]);
    const probe = new UdpProbe(stack);
    // Nobody is at the far ends: the hop that is tried first fails, then the other takes all.
    for (let i = 0; i < 50; i++) probe.send(of(`99.0.0.${i}`), 9);
    world.run(4 * SECOND);
    expect(share()).toBeCloseTo(0.5, 1);
    world.run(70 * SECOND);
    stack.setUp(two, false);
    expect(share()).toBe(1);
    expect(stack.removeInterface(two)).toBe(0);
    expect(share()).toBe(1);
  });

  it('lose a dead neighbour to the living one', () => {
    const { world, a, b } = pair();
    const dead = configure(a, createVethPair()[0], ['10.2.0.1/24']);
    a.addRoute(of('0.0.0.0'), 0, {
      nextHops: [{ gateway: of('10.0.0.2') }, { gateway: of('10.2.0.254'), interfaceIndex: dead.index }],
    });
    const probe = new UdpProbe(a);
    const reach = () => {
      const { inReceives } = b.network.counters;
      for (let i = 0; i < 40; i++) probe.send(of(`99.0.0.${i}`), 9);
      world.run(5 * SECOND);
      return b.network.counters.inReceives - inReceives;
    };
    expect(reach()).toBeLessThan(35);
    expect(reach()).toBeGreaterThanOrEqual(40);
  });
});

describe('multicast routes', () => {
  const setup = () => {
    const world = new World();
    const router = world.stack();
    const hosts = [1, 2, 3].map((i) => {
      const [near, far] = createVethPair();
      configure(router, near, [`10.${i}.0.1/24`, `fd0${i}::1/64`], { forwarding: true });
      const stack = world.stack();
      configure(stack, far, [`10.${i}.0.2/24`, `fd0${i}::2/64`]);
      for (const group of ['239.1.1.1', 'ff05::77', '224.0.0.99', 'ff02::77'])
        stack.network.joinGroup(of(group), 2);
      return { stack, probe: new UdpProbe(stack) };
    });
    world.run(3 * SECOND);
    const heard = () => hosts.map(({ probe }) => probe.got.splice(0).length);
    const send = (group: string, ttl = 8) => {
      const sender = hosts[0] as (typeof hosts)[0];
      const route = new Route(of(group));
      sender.stack.network.resolve(route);
      const packet = sender.stack.pool.allocate(20);
      packet.append(20);
      packet.bytes.fill(0, packet.start, packet.end);
      packet.protocol = 17;
      packet.ttl = ttl;
      // A flag keeps the sender's own copy from its own listener.
      packet.flags = 1 << 11;
      sender.stack.host.send(packet, route);
      world.run(SECOND);
    };
    return { router, heard, send };
  };
  const outputs = [{ interfaceIndex: 3 }, { interfaceIndex: 4, threshold: 5 }];

  it.each(['239.1.1.1', 'ff05::77'])('carry %s to their outputs, by hop limit', (text) => {
    const { router, heard, send } = setup();
    const group = of(text);
    send(text);
    expect(heard()).toEqual([0, 0, 0]);
    expect(router.network.multicast.add({ source: null, group, inInterface: 2, outputs })).toBe(0);
    expect(router.network.multicast.add({ source: null, group, inInterface: 2, outputs })).toBe(-17);
    send(text);
    expect(heard()).toEqual([0, 1, 1]);
    send(text, 5);
    expect(heard()).toEqual([0, 1, 0]);
    send(text, 1);
    expect(heard()).toEqual([0, 0, 0]);
    expect(router.network.multicast.list().map((entry) => entry.packets)).toEqual([2]);
    expect(router.network.multicast.remove(null, group)).toBe(0);
    send(text);
    expect(heard()).toEqual([0, 0, 0]);
  });

  it('of one source go first, and packets from the wrong side go nowhere', () => {
    const { router, heard, send } = setup();
    const group = of('239.1.1.1');
    router.network.multicast.add({ source: null, group, inInterface: 2, outputs });
    router.network.multicast.add({ source: of('10.1.0.2'), group, inInterface: 3, outputs });
    send('239.1.1.1');
    expect(heard()).toEqual([0, 0, 0]);
    expect(router.network.multicast.list().map((entry) => entry.wrongInterface)).toEqual([1, 0]);
  });

  it('do not carry groups of the link', () => {
    const { router, heard, send } = setup();
    for (const text of ['224.0.0.99', 'ff02::77']) {
      router.network.multicast.add({ source: null, group: of(text), inInterface: 2, outputs });
      send(text);
    }
    expect(heard()).toEqual([0, 0, 0]);
  });

  it('are asked for when there is none', () => {
    const { router, heard, send } = setup();
    const asked: string[] = [];
    router.network.multicast.onMiss = (source, group, inInterface) => {
      asked.push(`${source} ${group} ${inInterface}`);
      router.network.multicast.add({ source, group, inInterface, outputs });
    };
    send('239.1.1.1');
    send('239.1.1.1');
    expect(asked).toEqual(['10.1.0.2 239.1.1.1 2']);
    expect(heard()).toEqual([0, 2, 2]);
  });
});

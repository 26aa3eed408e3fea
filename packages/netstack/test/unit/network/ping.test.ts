import { describe, expect, it } from 'vitest';
import { Address } from '../../../src/address.js';
import { createVethPair } from '../../../src/link/veth.js';
import { Pinger } from '../../support/ping.js';
import { configure, pair, World } from '../../support/world.js';

describe('echo between two stacks on a wire', () => {
  it.each([
    ['10.0.0.2', true, 0],
    ['fd00::2', false, 129],
  ])('%s answers', (to, v4, reply) => {
    const { world, a } = pair();
    const ping = new Pinger(a, v4);
    expect(ping.send(Address.of(to))).toBe(0);
    world.run(1000);
    expect(ping.received().filter((m) => m.type === reply)).toMatchObject([{ length: 64, from: to }]);
  });

  it.each([
    ['10.0.0.2', true, 0],
    ['fd00::2', false, 129],
  ])('%s answers a ping of 60,000 bytes, in fragments both ways', (to, v4, reply) => {
    const { world, a, b } = pair();
    const ping = new Pinger(a, v4);
    expect(ping.send(Address.of(to), 60000)).toBe(0);
    world.run(1000);
    expect(ping.received().filter((m) => m.type === reply)).toMatchObject([{ length: 60008 }]);
    expect(a.network.countersFor(v4).fragmentsCreated).toBeGreaterThan(40);
    expect(b.network.countersFor(v4).reassembliesOk).toBe(1);
    expect(a.network.countersFor(!v4).fragmentsCreated).toBe(0);
  });

  it.each(['127.0.0.1', '127.1.2.3', '10.0.0.1'])('a stack hears itself at %s', (to) => {
    const { world, a } = pair();
    const ping = new Pinger(a, true);
    expect(ping.send(Address.of(to))).toBe(0);
    world.run(1000);
    expect(ping.received().map((m) => m.type)).toEqual([8, 0]);
  });

  it('no packet is lost track of', () => {
    const { world, a, b } = pair();
    const four = new Pinger(a, true);
    const six = new Pinger(a, false);
    for (let i = 0; i < 50; i++) {
      four.send(Address.of('10.0.0.2'), i * 100);
      six.send(Address.of('fd00::2'), i * 100);
      world.run(1000);
    }
    expect(four.received().filter((m) => m.type === 0)).toHaveLength(50);
    expect(six.received().filter((m) => m.type === 129)).toHaveLength(50);
    expect([a.pool.packetsInUse, b.pool.packetsInUse]).toEqual([0, 0]);
    expect([a.pool.bytesInUse, b.pool.bytesInUse]).toEqual([0, 0]);
  });
});

describe('a router between two networks', () => {
  const routed = () => {
    const world = new World();
    const [a1, r1] = createVethPair();
    const [r2, b1] = createVethPair({ addresses: [0x020000000003, 0x020000000004], mtu: 1400 });
    const a = world.stack();
    const r = world.stack();
    const b = world.stack();
    configure(a, a1, ['10.1.0.1/24', 'fd01::1/64']);
    configure(r, r1, ['10.1.0.254/24', 'fd01::fe/64'], { forwarding: true });
    configure(r, r2, ['10.2.0.254/24', 'fd02::fe/64'], { forwarding: true });
    configure(b, b1, ['10.2.0.1/24', 'fd02::1/64']);
    a.addRoute(Address.of('0.0.0.0'), 0, { gateway: Address.of('10.1.0.254') });
    a.addRoute(Address.of('::'), 0, { gateway: Address.of('fd01::fe') });
    b.addRoute(Address.of('0.0.0.0'), 0, { gateway: Address.of('10.2.0.254') });
    b.addRoute(Address.of('::'), 0, { gateway: Address.of('fd02::fe') });
    world.settle();
    return { world, a, r, b };
  };

  it.each([
    ['10.2.0.1', true, 0],
    ['fd02::1', false, 129],
  ])('forwards to %s and back, one hop less', (to, v4, reply) => {
    const { world, a } = routed();
    const ping = new Pinger(a, v4);
    ping.send(Address.of(to));
    world.run(1000);
    expect(ping.received()).toMatchObject([{ type: reply, ttl: 63, from: to }]);
  });

  it.each([
    ['10.2.0.1', true, 11, '10.1.0.254'],
    ['fd02::1', false, 3, 'fd01::fe'],
  ])('tells the sender when the hops to %s run out', (to, v4, type, from) => {
    const { world, a } = routed();
    const ping = new Pinger(a, v4);
    ping.raw.ttl = 1;
    ping.send(Address.of(to));
    world.run(1000);
    expect(ping.received()).toMatchObject([{ type, code: 0, from }]);
  });

  it('tells the sender of an IPv6 packet that is too big, who then sends smaller ones', () => {
    const { world, a } = routed();
    const ping = new Pinger(a, false);
    ping.send(Address.of('fd02::1'), 1452);
    world.run(1000);
    expect(ping.received()).toMatchObject([{ type: 2, rest: 1400 }]);
    ping.send(Address.of('fd02::1'), 1452);
    world.run(1000);
    expect(ping.received()).toMatchObject([{ type: 129, length: 1460 }]);
  });

  it('tells of an unreachable network and host', () => {
    const { world, a } = routed();
    const ping = new Pinger(a, true);
    ping.send(Address.of('10.9.0.1'));
    ping.send(Address.of('10.2.0.77'));
    world.run(10_000_000);
    const codes = ping.received().filter((m) => m.type === 3);
    expect(codes.map((m) => m.code)).toEqual([0, 1]);
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import { Address } from '../../../src/address.js';
import { Conntrack, CT_ESTABLISHED, CT_RELATED } from '../../../src/filter/conntrack.js';
import { Nat } from '../../../src/filter/nat.js';
import { Chain, Rule } from '../../../src/filter/rules.js';
import { createVethPair } from '../../../src/link/veth.js';
import { HOOK_FORWARD, HOOK_INPUT, HOOK_OUTPUT, HOOK_PREROUTING } from '../../../src/network/hooks.js';
import type { NetInterface } from '../../../src/network/interface.js';
import type { Stack } from '../../../src/stack.js';
import { Pinger } from '../../support/ping.js';
import { UdpProbe } from '../../support/udp-probe.js';
import { configure, World } from '../../support/world.js';

describe('a router that translates', () => {
  let world: World;
  let inside: Stack;
  let router: Stack;
  let outside: Stack;
  let out: NetInterface;
  let lan: NetInterface;
  let tracker: Conntrack;
  let nat: Nat;
  let client: UdpProbe;
  let server: UdpProbe;

  beforeEach(() => {
    world = new World(3);
    const [a1, r1] = createVethPair({ features: 0 });
    const [r2, b1] = createVethPair({ addresses: [0x020000000003, 0x020000000004] });
    inside = world.stack();
    router = world.stack();
    outside = world.stack();
    configure(inside, a1, ['192.168.0.2/24', 'fd01::2/64']);
    lan = configure(router, r1, ['192.168.0.1/24', 'fd01::1/64'], { forwarding: true });
    out = configure(router, r2, ['203.0.113.1/24', 'fd02::1/64'], { forwarding: true });
    configure(outside, b1, ['203.0.113.9/24', 'fd02::9/64']);
    inside.addRoute(Address.of('0.0.0.0'), 0, { gateway: Address.of('192.168.0.1') });
    inside.addRoute(Address.of('::'), 0, { gateway: Address.of('fd01::1') });
    tracker = new Conntrack(router.network);
    nat = new Nat(router.network, tracker);
    client = new UdpProbe(inside);
    server = new UdpProbe(outside);
    world.settle();
  });

  const masquerade = () =>
    nat.postrouting.append(Rule.when({ outInterface: out.index }, { kind: 'masquerade' }));

  it.each([
    ['203.0.113.9', '203.0.113.1'],
    ['fd02::9', 'fd02::1'],
  ])('masquerades a flow to %s and brings the answer back', (to, seen) => {
    masquerade();
    server.echo = 20;
    client.send(Address.of(to), 53);
    world.run(1000);
    expect(server.got).toMatchObject([{ from: `${seen}:5000`, good: true }]);
    expect(client.got).toMatchObject([{ from: `${to}:53`, payload: 20, good: true }]);
    expect(tracker.count).toBe(1);
  });

  it('gives a second flow with the same port another one', () => {
    masquerade();
    client.send(Address.of('203.0.113.9'), 53);
    const second = configure(inside, createVethPair()[0], []);
    inside.removeInterface(second);
    inside.addAddress(inside.network.interfaceByIndex(2) as NetInterface, Address.of('192.168.0.3'), 24);
    client.send(Address.of('203.0.113.9'), 53, 10, 5000, Address.of('192.168.0.3'));
    world.run(1000);
    const ports = server.got.map((d) => d.from);
    expect(new Set(ports).size).toBe(2);
    expect(ports.every((p) => p.startsWith('203.0.113.1:'))).toBe(true);
  });

  it('translates pings, and errors about translated packets', () => {
    masquerade();
    server.closed = true;
    const ping = new Pinger(inside, true);
    ping.send(Address.of('203.0.113.9'));
    client.send(Address.of('203.0.113.9'), 99);
    world.run(1000);
    expect(
      ping
        .received()
        .map((m) => m.type)
        .sort(),
    ).toEqual([0, 3]);
    expect(client.errors).toMatchObject([{ errno: 111, port: 99, from: '203.0.113.9' }]);
  });

  it('sends what comes for one port to a server inside, whose answers come from the router', () => {
    nat.prerouting.append(
      Rule.when(
        { protocol: 17, destinationPort: { from: 80, to: 80 } },
        {
          kind: 'dnat',
          range: { address: Address.of('192.168.0.2'), ports: { from: 8080, to: 8080 } },
        },
      ),
    );
    client.echo = 30;
    server.send(Address.of('203.0.113.1'), 80);
    world.run(1000);
    expect(client.got).toMatchObject([{ from: '203.0.113.9:5000', to: '192.168.0.2:8080', good: true }]);
    expect(server.got).toMatchObject([{ from: '203.0.113.1:80', payload: 30, good: true }]);
  });

  it('redirects to itself and tells the original destination', () => {
    const local = new UdpProbe(router);
    local.echo = 5;
    nat.prerouting.append(
      Rule.when(
        { inInterface: lan.index, protocol: 17 },
        { kind: 'redirect', ports: { from: 1053, to: 1053 } },
      ),
    );
    client.send(Address.of('203.0.113.9'), 53);
    world.run(1000);
    expect(local.got).toMatchObject([{ to: '192.168.0.1:1053', original: '203.0.113.9:53', good: true }]);
    expect(client.got).toMatchObject([{ from: '203.0.113.9:53', good: true }]);
  });

  it('translates its own packets to itself over loopback', () => {
    const local = new UdpProbe(router);
    nat.output.append(
      Rule.when(
        { destination: { address: Address.of('198.51.100.1'), length: 32 } },
        { kind: 'dnat', range: { address: Address.of('127.0.0.1'), ports: { from: 9, to: 9 } } },
      ),
    );
    router.addRoute(Address.of('198.51.100.0'), 24, { interfaceIndex: router.network.loopback.index });
    local.echo = 1;
    local.echoPort = 9;
    local.send(Address.of('198.51.100.1'), 7, 10, 6000, Address.of('127.0.0.1'));
    world.run(1000);
    expect(local.got).toMatchObject([
      { to: '127.0.0.1:9', good: true },
      { from: '198.51.100.1:7', to: '127.0.0.1:6000', good: true },
    ]);
  });

  it('translates fragments whole', () => {
    masquerade();
    client.send(Address.of('203.0.113.9'), 53, 5000);
    world.run(1000);
    expect(server.got).toMatchObject([{ from: '203.0.113.1:5000', payload: 5000, good: true }]);
  });

  it('forgets flows after their time and bounds their number', () => {
    masquerade();
    for (let i = 0; i < 30; i++) client.send(Address.of('203.0.113.9'), 1000 + i);
    world.run(1000);
    expect(tracker.count).toBe(30);
    world.run(31_000_000);
    expect(tracker.count).toBe(0);
    expect(router.pool.packetsInUse).toBe(0);
  });

  it('drops to make room only flows that were never answered', () => {
    const small = new World(5);
    const [l, r] = createVethPair();
    const a = small.stack();
    const b = small.stack();
    configure(a, l, ['10.0.0.1/24']);
    configure(b, r, ['10.0.0.2/24']);
    const tight = new Conntrack(a.network, { maxFlows: 10 });
    const probe = new UdpProbe(a);
    const echo = new UdpProbe(b);
    echo.echo = 1;
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 9; i++) probe.send(Address.of('10.0.0.2'), i + 1);
      small.run(1000);
    }
    echo.echo = -1;
    for (let i = 0; i < 50; i++) probe.send(Address.of('10.0.0.2'), 1000 + i);
    small.run(1000);
    expect(tight.count).toBe(10);
    expect(tight.list().filter((flow) => flow.original.destinationPort < 100)).toHaveLength(9);
  });

  it('lets answers and errors pass a stateful filter, and nothing else', () => {
    const chain = new Chain({ network: inside.network, name: 'INPUT', policy: 'drop' });
    const mine = new Conntrack(inside.network);
    chain.append(Rule.when({ flowState: CT_ESTABLISHED | CT_RELATED }, { kind: 'accept' }, mine));
    inside.network.hooks.add(HOOK_INPUT, chain);
    outside.addRoute(Address.of('192.168.0.0'), 24, { gateway: Address.of('203.0.113.1') });
    server.echo = 3;
    client.send(Address.of('203.0.113.9'), 53);
    server.send(Address.of('192.168.0.2'), 22);
    world.run(1000);
    expect(client.got).toMatchObject([{ from: '203.0.113.9:53' }]);
    server.closed = true;
    client.send(Address.of('203.0.113.9'), 54);
    world.run(1000);
    expect(client.errors).toMatchObject([{ port: 54 }]);
  });

  it('rejects with an ICMP error, counts, marks, limits and jumps', () => {
    const forward = new Chain({ network: router.network, name: 'FORWARD' });
    const web = new Chain({ network: router.network, name: 'web' });
    const jump = Rule.when({ protocol: 17 }, { kind: 'jump', chain: web });
    forward.append(Rule.when({}, { kind: 'mark', value: 7 }));
    forward.append(jump);
    web.append(Rule.when({ destinationPort: { from: 53, to: 53 } }, { kind: 'return' }));
    web.append(Rule.when({ mark: 7 }, { kind: 'reject', reason: 2 }));
    router.network.hooks.add(HOOK_FORWARD, forward);
    client.send(Address.of('203.0.113.9'), 53);
    client.send(Address.of('203.0.113.9'), 54);
    world.run(1000);
    expect(server.got).toHaveLength(1);
    expect(client.errors).toMatchObject([{ port: 54, errno: 113, offender: '192.168.0.1' }]);
    expect(jump.packets).toBe(2);
    forward.rules = [
      Rule.when({ limit: { perSecond: 1, burst: 3 } }, { kind: 'accept' }),
      Rule.when({}, { kind: 'drop' }),
    ];
    for (let i = 0; i < 10; i++) client.send(Address.of('203.0.113.9'), 53);
    world.run(1000);
    expect(server.got).toHaveLength(4);
  });

  it('intercepts flows to others with tproxy and answers in their name', () => {
    const proxy = new UdpProbe(router);
    const chain = new Chain({ network: router.network, name: 'PREROUTING', priority: -150 });
    chain.append(Rule.when({ protocol: 17, inInterface: lan.index }, { kind: 'tproxy' }));
    router.network.hooks.add(HOOK_PREROUTING, chain);
    client.send(Address.of('203.0.113.9'), 53);
    world.run(1000);
    expect(proxy.got).toMatchObject([{ to: '203.0.113.9:53' }]);
    expect(server.got).toEqual([]);
  });

  it('tells the sender that a filter dropped its packet', () => {
    const chain = new Chain({ network: inside.network, name: 'OUTPUT', policy: 'drop' });
    inside.network.hooks.add(HOOK_OUTPUT, chain);
    expect(client.send(Address.of('203.0.113.9'), 53)).toBe(-1);
  });
});

import { describe, expect, it } from 'vitest';
import { Address } from '../../../src/address.js';
import { clampMss } from '../../../src/filter/mss-clamp.js';
import { Chain, Rule } from '../../../src/filter/rules.js';
import { createVethPair } from '../../../src/link/veth.js';
import { HOOK_FORWARD } from '../../../src/network/hooks.js';
import { PacketPool } from '../../../src/storage/packet-buffer.js';
import { TcpEndpoint } from '../../../src/transport/tcp/endpoint.js';
import { Tcp } from '../../../src/transport/tcp/tcp.js';
import { verifyTransport } from '../../../src/wire/checksum.js';
import { configure, World } from '../../support/world.js';

const A = Address.of('192.0.2.1');
const B = Address.of('192.0.2.2');

/** A SYN with these option bytes and a right checksum. */
function syn(options: number[], flags = 2) {
  const packet = new PacketPool().copyOf(new Uint8Array(20 + options.length));
  const { bytes, view, start } = packet;
  packet.protocol = 6;
  packet.transportOffset = start;
  bytes[start + 12] = ((20 + options.length) / 4) << 4;
  bytes[start + 13] = flags;
  bytes.set(options, start + 20);
  for (let sum = 0; sum <= 0xffff; sum++) {
    view.setUint16(start + 16, sum);
    if (verifyTransport(view, start, packet.end, A, B, 6)) break;
  }
  return packet;
}

describe('clamping the MSS', () => {
  it.each([
    ['first', [2, 4, 5, 180]],
    ['behind a window scale', [1, 3, 3, 7, 2, 4, 5, 180]],
    ['across words of the checksum', [1, 2, 4, 5, 180, 1, 1, 0]],
  ])('lowers the option %s and keeps the checksum right', (_name, options) => {
    const packet = syn(options);
    expect(clampMss(packet, 1000)).toBe(true);
    const at = packet.start + 20 + options.indexOf(2, options[0] === 1 && options[1] === 3 ? 4 : 0) + 2;
    expect(packet.view.getUint16(at)).toBe(1000);
    expect(verifyTransport(packet.view, packet.start, packet.end, A, B, 6)).toBe(true);
  });

  it.each([
    ['a smaller one', [2, 4, 1, 0], 2],
    ['a segment without SYN', [2, 4, 5, 180], 16],
    ['a SYN without the option', [1, 1, 1, 1], 2],
    ['an option list that ends before', [0, 2, 4, 5], 2],
    ['a broken option', [3, 0, 2, 4], 2],
    ['an option that reaches beyond the header', [1, 1, 2, 4], 2],
  ])('leaves %s alone', (_name, options, flags) => {
    const packet = syn(options, flags);
    const before = packet.toBytes();
    expect(clampMss(packet, 1000)).toBe(false);
    expect(packet.toBytes()).toEqual(before);
  });

  it.each([
    ['to a number', 900, 900],
    ['to the narrower of the two links', undefined, 1260],
  ])('is a rule of a router: %s', (_name, mss, expected) => {
    const world = new World(5);
    const [a1, r1] = createVethPair({ features: 0 });
    const [r2, b1] = createVethPair({ mtu: 1300, addresses: [0x020000000003, 0x020000000004] });
    const [inside, router, outside] = [world.stack(), world.stack(), world.stack()];
    configure(inside, a1, ['192.168.0.2/24']);
    configure(router, r1, ['192.168.0.1/24'], { forwarding: true });
    configure(router, r2, ['203.0.113.1/24'], { forwarding: true });
    configure(outside, b1, ['203.0.113.9/24']);
    inside.addRoute(Address.of('0.0.0.0'), 0, { gateway: Address.of('192.168.0.1') });
    outside.addRoute(Address.of('0.0.0.0'), 0, { gateway: Address.of('203.0.113.1') });
    const chain = new Chain({ network: router.network, name: 'FORWARD' });
    const action =
      mss === undefined ? ({ kind: 'clamp-mss' } as const) : ({ kind: 'clamp-mss', mss } as const);
    chain.append(Rule.when({ protocol: 6 }, action));
    router.network.hooks.add(HOOK_FORWARD, chain);
    const [client, server] = [new Tcp(inside.host), new Tcp(outside.host)];
    inside.register(client);
    outside.register(server);
    const listener = new TcpEndpoint(server);
    listener.bind(null, 80);
    listener.listen(4);
    new TcpEndpoint(client).connect(Address.of('203.0.113.9'), 80);
    world.run(100_000);
    expect(listener.accept()?.tcb?.peerMss).toBe(expected);
  });
});

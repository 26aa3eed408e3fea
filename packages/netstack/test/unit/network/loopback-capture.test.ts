import { expect, it } from 'vitest';
import { Address } from '../../../src/address.js';
import { LoopbackCapture } from '../../../src/network/loopback-capture.js';
import { Stack } from '../../../src/stack.js';
import { UdpEndpoint } from '../../../src/transport/udp/endpoint.js';
import { Udp } from '../../../src/transport/udp/udp.js';
import { emitInterface, emitSectionHeader, parsePcapng } from '../../../src/wire/pcapng.js';

it('writes what passes lo once, as a further interface of the file', () => {
  const stack = new Stack({ random: { next32: () => 7 }, now: 5 });
  const udp = new Udp(stack.host);
  stack.register(udp);
  const blocks = [emitSectionHeader(), emitInterface({ linkType: 1, snapLength: 100 }, 'eth0')];
  new LoopbackCapture(stack, { captured: (block) => blocks.push(block.slice()) }, 1);
  const [one, two] = [new UdpEndpoint(udp), new UdpEndpoint(udp)];
  const here = Address.of('127.0.0.1');
  expect(two.bind(here, 99)).toBe(0);
  expect(one.send(Uint8Array.of(1, 2, 3), 0, 3, here, 99)).toBe(3);
  stack.poll(6);
  expect(two.queued).toBe(1);
  const capture = parsePcapng(Uint8Array.from(blocks.flatMap((block) => [...block])));
  expect(capture?.interfaces.map(({ linkType }) => linkType)).toEqual([1, 101]);
  expect(capture?.packets.map(({ interfaceId, bytes }) => [interfaceId, bytes.length])).toEqual([[1, 31]]);
});

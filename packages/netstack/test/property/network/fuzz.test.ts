// Hostile input: arbitrary and mutated frames never throw, never leave packets behind, and never grow memory without bound.
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { Address } from '../../../src/address.js';
import { Conntrack } from '../../../src/filter/conntrack.js';
import { Nat } from '../../../src/filter/nat.js';
import { Rule } from '../../../src/filter/rules.js';
import { ExternalDevice, type FrameOutput } from '../../../src/link/external-device.js';
import { VirtioNetDevice } from '../../../src/link/virtio-net-device.js';
import { Stack } from '../../../src/stack.js';
import type { PacketBuffer } from '../../../src/storage/packet-buffer.js';
import { finishIpv4 } from '../../../src/wire/ipv4.js';
import { Pinger } from '../../support/ping.js';
import { SeededRandom } from '../../support/random.js';
import { UdpProbe } from '../../support/udp-probe.js';
import { configure, pair } from '../../support/world.js';

class Recorder implements FrameOutput {
  readonly frames: Uint8Array[] = [];

  frameOut(packet: PacketBuffer): number {
    if (this.frames.length < 1000) this.frames.push(packet.toBytes());
    packet.release();
    return 0;
  }
}

function victim(withNat: boolean, virtio = false) {
  const output = new Recorder();
  const stack = new Stack({ random: new SeededRandom(9) });
  const device = virtio ? new VirtioNetDevice({ output }) : new ExternalDevice({ output });
  const iface = configure(stack, device, ['10.0.0.1/24', 'fd00::1/64'], { forwarding: true });
  stack.addRoute(Address.of('0.0.0.0'), 0, { gateway: Address.of('10.0.0.254') });
  stack.addRoute(Address.of('::'), 0, { gateway: Address.of('fd00::fe') });
  new UdpProbe(stack);
  if (withNat) {
    const nat = new Nat(stack.network, new Conntrack(stack.network, { maxFlows: 64 }));
    nat.postrouting.append(Rule.when({ outInterface: iface.index }, { kind: 'masquerade' }));
  }
  return { stack, device, output };
}

/** Lets all short timers run out. */
function drain(stack: Stack): void {
  for (let steps = 0; steps < 10_000; steps++) {
    const now = stack.network.now();
    const next = stack.poll(now);
    if (next > now + 600_000_000) return;
    stack.setTime(next);
  }
}

/** Real frames to mutate: what two stacks say to each other. */
function corpus(): Uint8Array[] {
  const frames: Uint8Array[] = [];
  const { world, a, b } = pair({ features: 0 });
  const tap = b.packetEndpoint({ etherType: 3 });
  const probe = new UdpProbe(a);
  new UdpProbe(b).closed = true;
  const four = new Pinger(a, true);
  const six = new Pinger(a, false);
  for (const size of [0, 56, 3000]) {
    four.send(Address.of('10.0.0.2'), size);
    six.send(Address.of('fd00::2'), size);
    probe.send(Address.of('10.0.0.2'), 9, size);
    probe.send(Address.of('fd00::2'), 9, size);
    a.network.joinGroup(Address.of('239.1.2.3'), 2);
    a.network.joinGroup(Address.of('ff05::99'), 2);
    world.run(5_000_000);
  }
  for (let p = tap.receive(); p !== null; p = tap.receive()) {
    frames.push(p.toBytes());
    p.release();
  }
  return frames;
}

describe('input from a hostile wire', () => {
  let frames: Uint8Array[];

  beforeAll(() => {
    frames = corpus();
    expect(frames.length).toBeGreaterThan(30);
  });

  const feed = (target: ReturnType<typeof victim>, frame: Uint8Array) => {
    target.device.receive(target.stack.pool.copyOf(frame));
    target.stack.poll(target.stack.network.now() + 1000);
  };

  it.each([
    ['plain', false, false],
    ['NAT', true, false],
    ['virtio', true, true],
  ])('arbitrary bytes (%s)', (_name, nat, virtio) => {
    const target = victim(nat, virtio);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (frame) => {
        feed(target, frame);
      }),
      { numRuns: 500 },
    );
    drain(target.stack);
    expect(target.stack.pool.packetsInUse).toBe(0);
  });

  it.each([
    ['plain', false, false],
    ['NAT', true, false],
    ['virtio', true, true],
  ])('mutated frames (%s)', (_name, nat, virtio) => {
    const target = victim(nat, virtio);
    const change = fc.tuple(fc.nat(), fc.nat(255));
    const cut = fc.oneof(fc.constant(0), fc.nat(60));
    const mutation = fc.record({
      pick: fc.nat(),
      changes: fc.array(change, { maxLength: 4 }),
      cut,
      mend: fc.boolean(),
      offload: fc.uint8Array({ minLength: 10, maxLength: 10 }),
    });
    fc.assert(
      fc.property(mutation, ({ pick, changes, cut: less, mend, offload }) => {
        const frame = (frames[pick % frames.length] as Uint8Array).slice();
        for (const [at, value] of changes) frame[14 + (at % Math.max(frame.length - 14, 1))] = value;
        // For the destination to be this stack, and for changes behind the IPv4 checksum to be reached.
        frame.set([2, 0, 0, 0, 0, 1], 0);
        const view = new DataView(frame.buffer);
        if (mend && view.getUint16(12) === 0x0800 && frame.length >= 74) finishIpv4(view, 14);
        const short = frame.subarray(0, Math.max(0, frame.length - less));
        const whole = virtio ? Uint8Array.from([...offload, ...short]) : short;
        feed(target, whole);
      }),
      { numRuns: 3000 },
    );
    drain(target.stack);
    expect(target.stack.pool.packetsInUse).toBe(0);
  });
});

describe('floods are bounded', () => {
  const fragmentFrame = (id: number, offset: number, size: number, more: boolean, source = 0x0a000002) => {
    const frame = new Uint8Array(34 + size);
    const view = new DataView(frame.buffer);
    frame.set([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 8, 0]);
    view.setUint16(14, 0x4500);
    view.setUint16(16, 20 + size);
    view.setUint16(18, id);
    view.setUint16(20, (more ? 0x2000 : 0) | (offset / 8));
    view.setUint16(22, 0x4011);
    view.setUint32(26, source);
    view.setUint32(30, 0x0a000001);
    finishIpv4(view, 14);
    return frame;
  };

  it('a million fragments of different datagrams', () => {
    const { stack, device } = victim(false);
    for (let i = 0; i < 20_000; i++) {
      device.receive(stack.pool.copyOf(fragmentFrame(i & 0xffff, 8, 1400, true, 0x0a000002 + (i >>> 16))));
    }
    expect(stack.network.reassembly.pending).toBeLessThanOrEqual(1024);
    expect(stack.pool.bytesInUse).toBeLessThan(8 << 20);
    drain(stack);
    expect(stack.pool.packetsInUse).toBe(0);
  });

  it('neighbour solicitations and ARP for more hosts than the table holds', () => {
    const { stack, device, output } = victim(false);
    const probe = new UdpProbe(stack);
    for (let i = 0; i < 5000; i++) probe.send(Address.v4(0x0a000002 + (i % 250)), 9, 1000);
    for (let i = 0; i < 5000; i++) probe.send(new Address(0xfd000000, 0, 0, 16 + i), 9, 1000);
    const iface = stack.network.interfaceByIndex(2);
    expect(iface?.neighbours.list().length).toBeLessThanOrEqual(1024);
    expect(stack.pool.bytesInUse).toBeLessThan(80 << 20);
    drain(stack);
    expect(stack.pool.packetsInUse).toBe(0);
    expect(output.frames.length).toBeGreaterThan(0);
    void device;
  });

  it('overlapping fragments are never put together', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(20), fc.integer({ min: 1, max: 10 })), { minLength: 2, maxLength: 10 }),
        (pieces) => {
          const { stack, device } = victim(false);
          for (const [offset, units] of pieces) {
            device.receive(stack.pool.copyOf(fragmentFrame(7, offset * 8, units * 8, true)));
          }
          device.receive(stack.pool.copyOf(fragmentFrame(7, 240, 8, false)));
          drain(stack);
          expect(stack.pool.packetsInUse).toBe(0);
        },
      ),
      { numRuns: 200 },
    );
  });
});

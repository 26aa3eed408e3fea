import { describe, expect, it } from 'vitest';
import { Address } from '../../../src/address.js';
import { BridgeDevice } from '../../../src/link/bridge.js';
import type { LinkDevice, LinkSink } from '../../../src/link/device.js';
import { FaultDevice, type FaultOptions } from '../../../src/link/fault-device.js';
import { completeChecksum, segmentOf } from '../../../src/link/offload.js';
import { createVethPair } from '../../../src/link/veth.js';
import { VirtioNetDevice } from '../../../src/link/virtio-net-device.js';
import { VlanTrunk } from '../../../src/link/vlan.js';
import { Route } from '../../../src/roles.js';
import {
  CHECKSUM_PARTIAL,
  GSO_TCP,
  type PacketBuffer,
  PacketPool,
} from '../../../src/storage/packet-buffer.js';
import { checksum, fold, pseudoHeaderSum, verifyTransport } from '../../../src/wire/checksum.js';
import { writeEthernet } from '../../../src/wire/ethernet.js';
import { writeIpv4 } from '../../../src/wire/ipv4.js';
import { emitVirtioNet, parseVirtioNet } from '../../../src/wire/virtio-net.js';
import { Pinger } from '../../support/ping.js';
import { SeededRandom } from '../../support/random.js';
import { configure, pair, World } from '../../support/world.js';

class Sink implements LinkSink {
  readonly got: Uint8Array[] = [];
  linkInput(packet: PacketBuffer): void {
    this.got.push(packet.toBytes());
    packet.release();
  }
  linkChanged(): void {}
  linkWork(): void {}
}

describe('a bridge', () => {
  const lan = (count: number) => {
    const world = new World();
    const bridge = new BridgeDevice();
    const hosts = Array.from({ length: count }, (_, i) => {
      const [port, end] = createVethPair({ addresses: [0x020000001000 + i, 0x020000002000 + i] });
      bridge.addPort(port);
      const stack = world.stack();
      configure(stack, end, [`10.0.0.${i + 1}/24`]);
      return { stack, port, end };
    });
    const home = world.stack();
    configure(home, bridge, ['10.0.0.100/24']);
    world.settle();
    return { world, bridge, hosts, home };
  };

  it('joins hosts and its own stack, and learns where they are', () => {
    const { world, bridge, hosts, home } = lan(3);
    const ping = new Pinger(hosts[0]?.stack as never, true);
    ping.send(Address.of('10.0.0.3'));
    ping.send(Address.of('10.0.0.100'));
    world.run(1000);
    expect(
      ping
        .received()
        .map((m) => m.from)
        .sort(),
    ).toEqual(['10.0.0.100', '10.0.0.3']);
    expect(bridge.portOf(0x020000002002)).toBe(hosts[2]?.port);
    const back = new Pinger(home, true);
    back.send(Address.of('10.0.0.2'));
    world.run(1000);
    expect(back.received()).toHaveLength(1);
  });

  it('does not show the others what is for one', () => {
    const { world, hosts } = lan(3);
    const ping = new Pinger(hosts[0]?.stack as never, true);
    ping.send(Address.of('10.0.0.3'));
    world.run(1000);
    const tap = hosts[1]?.stack.packetEndpoint({ etherType: 0x0800 });
    for (let i = 0; i < 5; i++) ping.send(Address.of('10.0.0.3'));
    world.run(1000);
    expect(tap?.packets).toBe(0);
  });

  it('holds no more addresses than it may, however many it is told', () => {
    const bridge = new BridgeDevice({ maxAddresses: 16 });
    const pool = new PacketPool();
    const [port, end] = createVethPair();
    bridge.addPort(port);
    bridge.attach(new Sink());
    end.attach(new Sink());
    for (let i = 0; i < 1000; i++) {
      const frame = pool.allocate(60);
      frame.append(60);
      writeEthernet(frame.view, frame.start, 0xffffffffffff, 0x020000000000 + i, 0x0800);
      end.transmit(frame, 0);
      bridge.poll(0);
    }
    expect(bridge.addressCount).toBe(16);
    expect(pool.packetsInUse).toBe(0);
  });
});

describe('VLANs', () => {
  it('keeps networks on one wire apart', () => {
    const world = new World();
    const [left, right] = createVethPair();
    const ends = [left, right].map((device) => new VlanTrunk(device));
    const stacks = ends.map((trunk, i) => {
      const stack = world.stack();
      configure(stack, trunk.untagged, [`10.0.0.${i + 1}/24`]);
      for (const id of [10, 20]) configure(stack, trunk.vlan(id) as LinkDevice, [`10.0.${id}.${i + 1}/24`]);
      return stack;
    });
    world.settle();
    const ping = new Pinger(stacks[0] as never, true);
    for (const to of ['10.0.0.2', '10.0.10.2', '10.0.20.2']) ping.send(Address.of(to), 1400);
    world.run(1000);
    expect(ping.received()).toHaveLength(3);
    const second = stacks[1]?.network.interfaceByIndex(3);
    expect(second?.counters.rxPackets).toBeGreaterThan(0);
    expect(ends[0]?.vlan(10)).toBe(-17);
    expect(ends[0]?.vlan(4095)).toBe(-22);
  });
});

describe('fault injection', () => {
  const trial = (faults: Omit<FaultOptions, 'random'>, count = 500) => {
    const { world, a, b } = pair({
      wrap: (device, w, end) =>
        end === 0 ? new FaultDevice(device, { random: w.random, ...faults }) : device,
    });
    const ping = new Pinger(a, true);
    const iface = a.network.interfaceByIndex(2);
    iface?.neighbours.setPermanent(Address.of('10.0.0.2'), 0x020000000002);
    b.network.interfaceByIndex(2)?.neighbours.setPermanent(Address.of('10.0.0.1'), 0x020000000001);
    for (let i = 0; i < count; i++) {
      ping.send(Address.of('10.0.0.2'), 56, i);
      world.run(1000);
    }
    world.run(10_000_000);
    const got = ping.received().filter((m) => m.type === 0);
    expect([a.pool.packetsInUse, b.pool.packetsInUse]).toEqual([0, 0]);
    return { got, device: iface?.device as FaultDevice };
  };

  it('loses about the share it is told to', () => {
    const { got, device } = trial({ loss: 0.2 });
    expect(got.length).toBeGreaterThan(350);
    expect(got.length).toBeLessThan(450);
    expect(device.lost).toBeGreaterThanOrEqual(500 - got.length);
  });

  it('duplicates, and what is corrupt is thrown away by its receiver', () => {
    expect(trial({ duplicate: 0.1 }).got.length).toBeGreaterThan(520);
    const { got, device } = trial({ corrupt: 0.3 });
    expect(device.corrupted).toBeGreaterThan(100);
    expect(got.length).toBeGreaterThan(500 - device.corrupted - 1);
    expect(got.length).toBeLessThan(500);
  });

  it('delays and reorders', () => {
    const { got } = trial({ delay: 5000, reorder: 0.2 }, 200);
    const order = got.map((m) => m.rest);
    expect(order).toHaveLength(200);
    expect(order).not.toEqual([...order].sort((x, y) => x - y));
  });

  it('holds to its rate and drops what its queue does not take', () => {
    const { got, device } = trial({ rate: 400_000, limit: 10 }, 300);
    expect(device.overflowed).toBeGreaterThan(50);
    expect(got.length + device.overflowed).toBeLessThanOrEqual(310);
  });

  it('does the same again with the same seed', () => {
    const once = trial({ loss: 0.1, jitter: 3000, delay: 1000 }, 100).got;
    expect(trial({ loss: 0.1, jitter: 3000, delay: 1000 }, 100).got).toEqual(once);
  });
});

describe('software offload', () => {
  it('splits a train into segments whose headers and checksums are right', () => {
    const pool = new PacketPool();
    const source = Address.of('10.0.0.1');
    const destination = Address.of('10.0.0.2');
    const train = pool.allocate(40 + 10_000);
    const at = train.append(40 + 10_000);
    const { view } = train;
    writeIpv4(view, at, 0, 10_040, 500, 0x4000, 64, 6, source.w3, destination.w3);
    view.setUint32(at + 24, 0xfffffff0);
    view.setUint8(at + 32, 0x50);
    view.setUint8(at + 33, 0x99);
    for (let i = 0; i < 10_000; i++) view.setUint8(at + 40 + i, i & 255);
    train.networkOffset = at;
    train.transportOffset = at + 20;
    train.protocol = 6;
    train.checksum = CHECKSUM_PARTIAL;
    train.checksumOffset = 16;
    train.gsoSize = 1448;
    train.gsoType = GSO_TCP;
    view.setUint16(at + 36, fold(pseudoHeaderSum(source, destination, 6, 10_020)));
    const segments = Array.from({ length: 7 }, (_, i) => segmentOf(train, 20, i, 7));
    segments.forEach((segment, i) => {
      const { view: v, start, end } = segment;
      completeChecksum(segment);
      expect(v.getUint32(start + 24)).toBe((0xfffffff0 + i * 1448) % 2 ** 32);
      expect(v.getUint16(start + 2)).toBe(end - start);
      expect(v.getUint16(start + 4)).toBe(500 + i);
      expect(checksum(v, start, start + 20)).toBe(0);
      expect(verifyTransport(v, start + 20, end, source, destination, 6)).toBe(true);
      // CWR on the first only, FIN and PSH on the last only.
      expect(v.getUint8(start + 33)).toBe(0x10 | (i === 0 ? 0x80 : 0) | (i === 6 ? 0x09 : 0));
      expect(v.getUint8(start + 40)).toBe((i * 1448) & 255);
    });
    expect(segments.reduce((n, s) => n + s.length - 40, 0)).toBe(10_000);
    for (const packet of [train, ...segments]) packet.release();
    expect(pool.packetsInUse).toBe(0);
  });
});

describe('virtio-net framing', () => {
  const frames: Uint8Array[] = [];
  const output = {
    frameOut(packet: PacketBuffer): number {
      frames.push(packet.toBytes());
      packet.release();
      return 0;
    },
  };

  it('hands a partial checksum to the other end as such', () => {
    const world = new World();
    const stack = world.stack();
    const device = new VirtioNetDevice({ output });
    const iface = configure(stack, device, ['10.0.0.1/24'], { linkLocal: false });
    iface.neighbours.setPermanent(Address.of('10.0.0.2'), 0x020000000002);
    const packet = stack.pool.allocate(20);
    const at = packet.append(20);
    packet.bytes.fill(0, at, at + 20);
    packet.view.setUint16(at + 4, 20);
    packet.protocol = 17;
    packet.checksum = CHECKSUM_PARTIAL;
    packet.checksumOffset = 6;
    frames.length = 0;
    expect(stack.host.send(packet, new Route(Address.of('10.0.0.2')))).toBe(0);
    const frame = frames[0] as Uint8Array;
    const header = parseVirtioNet(new DataView(frame.buffer), 0, 10);
    expect(header).toMatchObject({ flags: 1, gsoType: 0, checksumStart: 34, checksumOffset: 6 });
    expect(frame.length).toBe(10 + 14 + 20 + 20);
  });

  it('a train cut into absurdly many segments is dropped, not forwarded one by one', () => {
    const world = new World();
    const stack = world.stack();
    const device = new VirtioNetDevice({ output });
    const [port, end] = createVethPair({ features: 0, addresses: [0x020000000011, 0x020000000012] });
    configure(stack, device, ['10.0.0.1/24'], { forwarding: true });
    const out = configure(stack, port, ['10.1.0.1/24'], { forwarding: true });
    const sink = new Sink();
    end.attach(sink);
    out.neighbours.setPermanent(Address.of('10.1.0.2'), 0x020000000012);
    const frame = stack.pool.allocate(60_064);
    const at = frame.append(60_064);
    const { view } = frame;
    frame.bytes.fill(0, at, frame.end);
    emitVirtioNet(
      { flags: 1, gsoType: 1, headerLength: 54, gsoSize: 1, checksumStart: 34, checksumOffset: 16 },
      view,
      at,
    );
    writeEthernet(view, at + 10, 0x020000000001, 0x020000000009, 0x0800);
    const source = Address.of('10.0.0.9');
    writeIpv4(view, at + 24, 0, 60_040, 1, 0x4000, 64, 6, source.w3, Address.of('10.1.0.2').w3);
    view.setUint8(at + 24 + 32, 0x50);
    device.receive(frame);
    world.settle();
    end.poll(0);
    expect(sink.got.filter((bytes) => bytes[12] === 8 && bytes[13] === 0 && bytes[23] === 6)).toEqual([]);
    expect(stack.pool.packetsInUse).toBe(0);
  });
});

it('a seeded source repeats itself', () => {
  const draw = (seed: number) => {
    const random = new SeededRandom(seed);
    return Array.from({ length: 10 }, () => random.next32());
  };
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PacketBuffer } from '../../../src/storage/packet-buffer.js';
import { CHECKSUM_VERIFIED } from '../../../src/storage/packet-buffer.js';
import { UdpEndpoint } from '../../../src/transport/udp/endpoint.js';
import { Udp } from '../../../src/transport/udp/udp.js';
import { SeededRandom, TestNetwork } from '../../support/network.js';
import { established, PEER, Script } from '../../support/packet-script.js';
import { connectPair, makePair, transfer } from '../../support/tcp-pair.js';

const FLAGS = ['S', 'F', 'R', 'P', '.', 'U', 'E', 'W'];

const packet = fc.record(
  {
    flags: fc.subarray(FLAGS).map((f) => f.join('')),
    seq: fc.oneof(fc.integer({ min: -5, max: 5000 }), fc.integer()),
    ack: fc.oneof(fc.integer({ min: -5, max: 15_000 }), fc.integer()),
    length: fc.integer({ min: 0, max: 1400 }),
    window: fc.integer({ min: 0, max: 65535 }),
    sack: fc.array(fc.tuple(fc.integer({ min: 0, max: 15_000 }), fc.integer({ min: 0, max: 15_000 })), {
      maxLength: 3,
    }),
    urgent: fc.integer({ min: 0, max: 65535 }),
    ecn: fc.integer({ min: 0, max: 3 }),
  },
  { requiredKeys: ['flags'] },
);

function checkInvariants(script: Script): void {
  const tcb = script.endpoint.tcb;
  if (tcb === null || tcb.state === 7) return;
  const flight = (tcb.sndNxt - tcb.sndUna) | 0;
  expect(flight).toBeGreaterThanOrEqual(0);
  expect(tcb.sackedBytes).toBeGreaterThanOrEqual(0);
  expect(tcb.lostBytes).toBeGreaterThanOrEqual(0);
  expect(tcb.retransmittedBytes).toBeGreaterThanOrEqual(0);
  expect(tcb.sackedBytes + tcb.lostBytes).toBeLessThanOrEqual(flight);
  expect(tcb.cwnd).toBeGreaterThan(0);
  expect(tcb.receiveRing.length).toBeLessThanOrEqual(tcb.receiveBuffer);
}

describe('hostile segments', () => {
  it('never throw nor break a connection’s accounting', () => {
    fc.assert(
      fc.property(fc.array(packet, { minLength: 1, maxLength: 40 }), fc.boolean(), (packets, sackOk) => {
        const script = established({ sackOk });
        script.endpoint.write(new Uint8Array(14_000), 0, 14_000);
        for (const p of packets) {
          script.after(5).inject(p);
          checkInvariants(script);
          script.sent.length = 0;
        }
        script.endpoint.read(new Uint8Array(70_000), 0, 70_000);
        script.after(3000);
        checkInvariants(script);
      }),
      { numRuns: 400 },
    );
  });

  it('never throw at a listener', () => {
    fc.assert(
      fc.property(fc.array(packet, { minLength: 1, maxLength: 30 }), (packets) => {
        const script = new Script().listen();
        for (const p of packets) script.inject(p);
        script.after(500_000);
        expect(script.host.pool.packetsInUse).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it('of arbitrary bytes are dropped or answered, and leak nothing', () => {
    const script = new Script().listen();
    const udp = new Udp(script.host);
    script.host.attach(udp);
    new UdpEndpoint(udp).bind(null, 53);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(6, 17), (bytes, protocol) => {
        const p: PacketBuffer = script.host.pool.copyOf(bytes);
        p.source = PEER;
        p.destination = script.host.address;
        p.protocol = protocol;
        p.checksum = CHECKSUM_VERIFIED;
        script.host.receive(p);
      }),
      { numRuns: 3000 },
    );
    expect(script.host.pool.packetsInUse).toBeLessThan(1024);
  });

  it('made by mutating real ones don’t stop or falsify a transfer when checksums catch them', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const pair = connectPair(makePair({ delay: 5000 }, seed));
      const random = new SeededRandom(seed);
      pair.network.onSend = (p) => {
        if (!random.chance(0.1)) return false;
        const copy = p.copy();
        for (let i = 0; i < 3; i++) {
          const at = copy.start + (random.next32() % copy.length);
          copy.bytes[at] = random.next32();
        }
        const target = pair.network.hosts.find((h) => h.address.equals(copy.destination!));
        target?.receive(copy);
        return false;
      };
      expect(transfer(pair, 100_000)).toMatchObject({ complete: true, received: 100_000, wrong: 0 });
    }
  });
});

describe('a virtual network', () => {
  it('repeats a run exactly from its seed', () => {
    const run = (): number => {
      const pair = connectPair(makePair({ delay: 9000, loss: 0.05, jitter: 3000 }, 42));
      return transfer(pair, 300_000).time;
    };
    expect(run()).toBe(run());
    expect(new TestNetwork(1).idle).toBe(true);
  });
});

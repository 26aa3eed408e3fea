// Rings of packets: whatever a program asks for, and whatever it writes into the shared memory, is refused or served within the ring.
import { PacketPool, Stack, TimerWheel } from '@sandbox-kernel/netstack';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlockRing } from '../../src/packet-blocks.js';
import { FrameRing, parseRingRequest, RING_SCRATCH } from '../../src/packet-ring.js';
import { TransmitRing } from '../../src/packet-transmit.js';
import type { RingPart } from '../../src/ring-part.js';

/** Memory of a ring that says what is written to it, and whose words are what a hostile program left there. */
class Memory {
  readonly size: number;
  readonly words: () => number;
  beyond = 0;

  constructor(size: number, words: () => number) {
    this.size = size;
    this.words = words;
  }

  word(): number {
    return this.words();
  }

  setWord(offset: number): number {
    return this.writeAt(offset, new Uint8Array(4), 0, 4);
  }

  writeAt(offset: number, from: Uint8Array, at: number, length: number): number {
    if (offset < 0 || offset + length > this.size || at + length > from.length) this.beyond++;
    return length;
  }

  drop(): void {}
}

/** Slots that all want to be sent, of lengths that make sense or don't, in noise. */
class SlotMemory {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  beyond = 0;

  constructor(noise: Uint8Array, version: number, lengths: readonly number[]) {
    this.bytes = noise.slice();
    this.view = new DataView(this.bytes.buffer);
    lengths.forEach((length, i) => {
      const at = i * 2048;
      this.view.setUint32(at + (version === 2 ? 20 : 0), 1, true);
      this.view.setUint32(at + [8, 4, 16][version]!, length, true);
      if (version === 2) this.view.setUint32(at, 0, true);
    });
  }

  word(offset: number): number {
    return this.view.getUint32(offset, true);
  }

  setWord(offset: number, value: number): number {
    this.view.setUint32(offset, value, true);
    return 4;
  }

  readAt(offset: number, into: Uint8Array, at: number, length: number): number {
    if (offset < 0 || offset + length > this.bytes.length || at + length > into.length) this.beyond++;
    into.set(this.bytes.subarray(offset, offset + length), at);
    return length;
  }
}

const wild = fc.constantFrom(0, 1, 16, 68, 80, 4096, 65536, 2 ** 20, 2 ** 31, 2 ** 32 - 1);
const multiple = (of: number, most: number) =>
  fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1, max: most }).map((n) => n * of) }, wild);
/** struct tpacket_req3, mostly sound. */
const requests = fc.tuple(
  multiple(4096, 20),
  multiple(1, 5),
  multiple(16, 400),
  wild,
  wild,
  multiple(1, 5000),
  wild,
);

describe('rings', () => {
  it('never throw, and never write beyond their memory', () => {
    const pool = new PacketPool();
    let rings = 0;
    fc.assert(
      fc.property(
        requests,
        fc.constantFrom(0, 1, 2),
        fc.oneof(fc.constant(0), fc.nat(300), fc.nat(70_000)),
        fc.array(fc.tuple(fc.nat(65_000), fc.constantFrom(0, 14)), { maxLength: 12 }),
        fc.boolean(),
        fc.constantFrom(0, 10, 12),
        (words, version, reserve, packets, isFree, vnet) => {
          const [blockSize = 0, blocks = 0, frameSize = 0] = words;
          const perBlock = frameSize === 0 ? 0 : Math.floor(blockSize / frameSize);
          const asked = [blockSize, blocks, frameSize, perBlock * blocks, ...words.slice(4)];
          const bytes = new Uint8Array(Uint32Array.from(asked).buffer);
          const request = parseRingRequest(bytes, version, reserve, vnet, false);
          if (request === null || typeof request === 'number') return;
          rings++;
          const memory = new Memory(request.blockSize * request.blocks, () => (isFree ? 0 : 1));
          const scratch = new Uint8Array(RING_SCRATCH);
          const timers = new TimerWheel();
          const owner = { blockReady() {}, now: () => 0 };
          const shared = memory as unknown as RingPart;
          const ring =
            version === 2
              ? new BlockRing(shared, request, owner, timers, scratch)
              : new FrameRing(shared, request, scratch);
          for (const [length, linkHeader] of packets) {
            const packet = pool.copyOf(new Uint8Array(length));
            ring.deposit({
              packet,
              linkHeader,
              status: 0,
              seconds: 1,
              nanos: 2,
              name: new Uint8Array(20),
              vnet: new Uint8Array(vnet),
            });
            packet.release();
          }
          timers.advance(10_000_000);
          expect(memory.beyond).toBe(0);
          if (!isFree) expect(ring.drops).toBe(packets.length);
        },
      ),
      { numRuns: 3000 },
    );
    expect(rings).toBeGreaterThan(100);
  });

  it('send what lies within them only, whatever their slots say', () => {
    let sent = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(0, 1, 2),
        fc.constantFrom(0, 10, 12),
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        fc.uint8Array({ minLength: 8192, maxLength: 8192 }),
        fc.array(fc.constantFrom(0, 20, 60, 1500, 1530, 2000, 70_000, 2 ** 32 - 1), {
          minLength: 4,
          maxLength: 4,
        }),
        (version, vnet, raw, lossy, offsets, noise, lengths) => {
          const words = [4096, 2, 2048, 4, 0, 0, 0];
          const request = parseRingRequest(
            new Uint8Array(Uint32Array.from(words).buffer),
            version,
            0,
            vnet,
            false,
          );
          if (request === null || typeof request === 'number') throw new Error('a sound request');
          const memory = new SlotMemory(noise, version, lengths);
          const stack = new Stack({ random: { next32: () => 1 }, now: 0 });
          const ring = new TransmitRing(memory as unknown as RingPart, request);
          const iface = stack.network.interfaceByIndex(1);
          if (iface === null) throw new Error('no lo');
          const to = { iface, etherType: 0x800, mac: 0, raw, vnetHeader: vnet, endpoint: null };
          for (let i = 0; i < 4; i++) sent += ring.send(stack, to, lossy, offsets) > 0 ? 1 : 0;
          stack.poll(1);
          expect(memory.beyond).toBe(0);
        },
      ),
      { numRuns: 500 },
    );
    expect(sent).toBeGreaterThan(50);
  });
});

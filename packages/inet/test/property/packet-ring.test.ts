// Rings of packets: whatever a program asks for, and whatever it writes into the shared memory, is refused or served within the ring.
import type { RingMemory } from '@sandbox-kernel/kernel';
import { PacketPool, TimerWheel } from '@sandbox-kernel/netstack';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlockRing } from '../../src/packet-blocks.js';
import { FrameRing, parseRingRequest, RING_SCRATCH } from '../../src/packet-ring.js';

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
        (words, version, reserve, packets, isFree) => {
          const [blockSize = 0, blocks = 0, frameSize = 0] = words;
          const perBlock = frameSize === 0 ? 0 : Math.floor(blockSize / frameSize);
          const asked = [blockSize, blocks, frameSize, perBlock * blocks, ...words.slice(4)];
          const bytes = new Uint8Array(Uint32Array.from(asked).buffer);
          const request = parseRingRequest(bytes, version, reserve, false);
          if (request === null || typeof request === 'number') return;
          rings++;
          const memory = new Memory(request.blockSize * request.blocks, () => (isFree ? 0 : 1));
          const scratch = new Uint8Array(RING_SCRATCH);
          const timers = new TimerWheel();
          const owner = { blockReady() {}, now: () => 0 };
          const shared = memory as unknown as RingMemory;
          const ring =
            version === 2
              ? new BlockRing(shared, request, owner, timers, scratch)
              : new FrameRing(shared, request, scratch);
          for (const [length, linkHeader] of packets) {
            const packet = pool.copyOf(new Uint8Array(length));
            ring.deposit({ packet, linkHeader, status: 0, seconds: 1, nanos: 2, name: new Uint8Array(20) });
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
});

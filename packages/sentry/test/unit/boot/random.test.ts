import { openDoor } from '@sandbox-kernel/host';
import { describe, expect, it } from 'vitest';
import { HostRandom } from '../../../src/boot/random.js';
import { SeededRandom } from '../../../src/boot/seeded-random.js';

function draw(random: HostRandom | SeededRandom, ...lengths: number[]): string {
  return lengths
    .map((length) => {
      const bytes = new Uint8Array(length + 4);
      random.fill(bytes, 2, length);
      expect([bytes[0], bytes[1], bytes[length + 2], bytes[length + 3]]).toEqual([0, 0, 0, 0]);
      return Buffer.from(bytes.subarray(2, length + 2)).toString('hex');
    })
    .join('');
}

describe('seeded randomness', () => {
  it('follows from the seed, however it is drawn', () => {
    const whole = draw(new SeededRandom(7), 5000);
    expect(draw(new SeededRandom(7), 1, 16, 33, 4950)).toBe(whole);
    expect(draw(new SeededRandom(8), 5000)).not.toBe(whole);
  });

  it('gives each task a stream that others do not disturb', () => {
    const lone = new SeededRandom(7);
    lone.currentTask = () => 3;
    const expected = draw(lone, 64);
    const shared = new SeededRandom(7);
    let task = 3;
    shared.currentTask = () => task;
    const first = draw(shared, 32);
    task = 4;
    const other = draw(shared, 64);
    task = 3;
    expect(first + draw(shared, 32)).toBe(expected);
    expect(other).not.toBe(expected);
  });

  it('keeps its streams in bounds', () => {
    const random = new SeededRandom(7);
    for (let task = 0; task < 5000; task++) {
      random.currentTask = () => task;
      draw(random, 1);
    }
  });
});

describe("the host's randomness", () => {
  it('fills exactly what was asked for, however much, and never the same twice', () => {
    const random = new HostRandom(openDoor());
    for (const length of [1, 16, 1024, 1025, 8193, 100_000]) {
      const first = draw(random, length);
      expect(first.length).toBe(2 * length);
      if (length >= 16) expect(draw(random, length)).not.toBe(first);
      if (length >= 1024) expect(new Set(first.match(/../g)).size).toBeGreaterThan(200);
    }
  });

  it('leaves nothing of it in the page', () => {
    const door = openDoor();
    const drawn = draw(new HostRandom(door), 5000);
    expect(Buffer.from(door.bytes).toString('hex')).not.toContain(drawn.slice(0, 64));
  });
});

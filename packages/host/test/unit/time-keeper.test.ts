import { EBUSY, EINVAL } from '@sandbox-kernel/abi';
import { createMemoryFile, MemoryFile, openDoor, startTimeKeeper, TimeKeeper } from '@sandbox-kernel/host';
import { expect, it } from 'vitest';

// struct vdso_parameters
const SEQUENCE = 0;
const CPU_SOURCE = 4;
const LIMIT = 8;
const MULT = 24;
const BASE = 32;
const OFFSETS = 48;
const COARSE = 144;
const PROCESSORS = 148;

const door = openDoor();
const started = startTimeKeeper(door);
if (!(started instanceof TimeKeeper)) throw new Error(`keeper: ${started}`);
const keeper = started;
const memory = createMemoryFile(door);
if (!(memory instanceof MemoryFile)) throw new Error(`memory file: ${memory}`);
memory.grow(65536);
const chunk = memory.chunk(0) as Uint8Array;
const page = new DataView(chunk.buffer, 4096, 4096);

const pause = (ms: number): unknown => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

it('is one for an environment', () => {
  expect(startTimeKeeper(door)).toBe(-EBUSY);
});

it('never goes backwards, over many corrections', () => {
  const end = keeper.monotonic() + 150e6;
  let smaller = 0;
  for (let last = 0, now = 0; last < end; last = now) {
    now = keeper.monotonic();
    if (now < last) smaller++;
  }
  expect(smaller).toBe(0);
});

it('says what the host says', () => {
  for (let i = 0; i < 50; i++) {
    const before = Number(process.hrtime.bigint());
    const now = keeper.monotonic();
    const after = Number(process.hrtime.bigint());
    expect(now).toBeGreaterThan(before - 50_000);
    expect(now).toBeLessThan(after + 50_000);
    pause(i % 10);
  }
});

it('knows the time of day', () => {
  const before = Date.now();
  const monotonic = keeper.monotonic();
  const now = keeper.realtimeSeconds * 1000 + (keeper.realtimeNanos + monotonic) / 1e6;
  expect(now).toBeGreaterThan(before - 2);
  expect(now).toBeLessThan(Date.now() + 2);
  expect(keeper.realtimeNanos).toBeGreaterThanOrEqual(0);
  expect(keeper.realtimeNanos).toBeLessThan(1e9);
});

it('refuses pages that are not there', () => {
  expect(keeper.publish(memory, 100, 1)).toBe(-EINVAL);
  expect(keeper.publish(memory, 2 ** 40, 1)).toBe(-EINVAL);
  expect(keeper.publish(memory, -4096, 1)).toBe(-EINVAL);
  expect(keeper.publish(memory, 4096, 0)).toBe(-EINVAL);
  expect(page.getUint32(SEQUENCE, true)).toBe(0);
});

it('keeps the page when it is read, and only then', () => {
  expect(keeper.publish(memory, 4096, 3)).toBe(0);
  const first = page.getUint32(SEQUENCE, true);
  expect(first).toBeGreaterThan(0);
  expect(first % 2).toBe(0);
  expect(page.getUint32(PROCESSORS, true)).toBe(3);
  expect(page.getUint32(COARSE, true)).toBe(4_000_000);
  const offset = BigInt(keeper.realtimeSeconds) * 1_000_000_000n + BigInt(keeper.realtimeNanos);
  const offsets = Array.from({ length: 12 }, (_, i) => page.getBigInt64(OFFSETS + i * 8, true));
  expect(offsets).toEqual([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1].map((wall) => (wall === 1 ? offset : 0n)));
  expect(page.getBigUint64(LIMIT, true) > 0n).toBe(keeper.fast);
  if (!keeper.fast) return;
  expect(page.getBigUint64(MULT, true) > 0n).toBe(true);
  pause(300);
  expect(page.getUint32(SEQUENCE, true)).toBe(first);
  const now = keeper.monotonic();
  expect(page.getUint32(SEQUENCE, true)).toBe(first + 2);
  expect(Number(page.getBigUint64(BASE, true))).toBeLessThanOrEqual(now);
});

it('sends readers to the kernel for the processor', () => {
  keeper.hideProcessor();
  expect(page.getUint32(CPU_SOURCE, true)).toBe(0);
  expect(page.getUint32(SEQUENCE, true) % 2).toBe(0);
});

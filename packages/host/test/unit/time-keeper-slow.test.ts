import { createMemoryFile, MemoryFile, openDoor, startTimeKeeper, TimeKeeper } from '@sandbox-kernel/host';
import { expect, it } from 'vitest';

it('reads the host where there is no TSC to rely on, and tells the vDSO to do so', () => {
  const door = openDoor();
  expect(door.native.clockHideProcessor()).toBeLessThan(0);
  expect(door.native.clockRead()).toBeGreaterThan(0);
  const keeper = startTimeKeeper(door, false);
  const memory = createMemoryFile(door);
  if (!(keeper instanceof TimeKeeper) || !(memory instanceof MemoryFile)) throw new Error('not started');
  expect(keeper.fast).toBe(false);
  const before = Number(process.hrtime.bigint());
  const now = keeper.monotonic();
  expect(now).toBeGreaterThanOrEqual(before);
  expect(now).toBeLessThanOrEqual(Number(process.hrtime.bigint()));
  memory.grow(4096);
  const page = new DataView((memory.chunk(0) as Uint8Array).buffer, 0, 4096);
  expect(keeper.publish(memory, 0, 1)).toBe(0);
  expect(page.getBigUint64(8, true)).toBe(0n);
  expect(page.getUint32(148, true)).toBe(1);
});

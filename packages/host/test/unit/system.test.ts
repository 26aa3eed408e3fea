import { availableParallelism } from 'node:os';
import { EINVAL } from '@sandbox-kernel/abi';
import { openHost } from '@sandbox-kernel/host';
import { expect, it } from 'vitest';

const host = openHost();

it('reads clocks', () => {
  const before = Number(process.hrtime.bigint());
  const now = host.system.clock(1);
  expect(now).toBeGreaterThanOrEqual(before);
  expect(now).toBeLessThanOrEqual(Number(process.hrtime.bigint()));
  const parts = new Float64Array(2);
  expect(host.system.clockParts(0, parts)).toBe(0);
  expect(Math.abs((parts[0] ?? 0) - Date.now() / 1000)).toBeLessThan(5);
  expect(host.system.clock(99)).toBe(-EINVAL);
});

it('fills any length with random bytes', () => {
  const bytes = new Uint8Array(1_000_000);
  expect(host.system.random(bytes, 10, bytes.length - 20)).toBe(0);
  expect(bytes.subarray(0, 10).every((byte) => byte === 0)).toBe(true);
  expect(bytes.subarray(-10).every((byte) => byte === 0)).toBe(true);
  const seen = new Set(bytes.subarray(10, -10));
  expect(seen.size).toBe(256);
});

it('chooses processors', () => {
  const all = host.system.affinity(0);
  expect(all.length).toBe(availableParallelism());
  const [first = 0] = all;
  expect(host.system.setAffinity(0, [first])).toBe(0);
  expect(host.system.affinity(0)).toEqual([first]);
  expect(host.system.currentCpu()).toBe(first);
  expect(host.system.setAffinity(0, all)).toBe(0);
  expect(host.system.setAffinity(0, [])).toBe(-EINVAL);
});

it('reads and sets limits', () => {
  const RLIMIT_CORE = 4;
  expect(host.system.limit(RLIMIT_CORE)).toBe(0);
  const { hard } = host.system;
  expect(host.system.setLimit(RLIMIT_CORE, 0, hard)).toBe(0);
  host.system.limit(RLIMIT_CORE);
  expect([host.system.soft, host.system.hard]).toEqual([0, hard]);
  expect(host.system.limit(99)).toBe(-EINVAL);
});

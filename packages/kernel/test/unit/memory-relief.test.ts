import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE } from '@sandbox-kernel/abi';
import { expect, test } from 'vitest';
import { Machine } from '../support/machine.js';

const MIB = 2 ** 20;

/** Memory that a program had and gave back, kept for its next use. */
function withSpare(): Machine {
  const machine = new Machine();
  const { memory } = machine.init;
  const at = memory.mmap(0, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, null, 0);
  memory.zeroOut(at, MIB);
  memory.munmap(at, MIB);
  expect(machine.kernel.memoryFile.spareBytes).toBe(MIB);
  return machine;
}

test('when the host is short of memory, everything that nobody owns goes back to it at once', () => {
  const { kernel } = withSpare();
  expect(kernel.memoryRelief.relieve()).toBe(MIB);
  expect(kernel.memoryFile.spareBytes).toBe(0);
});

/** So that the host's wishes are asked for only then. */
const TOLD = { what: 'memory', pid: 0, status: 0 };

test('what was freed goes back within 100 ms, without another call of the program', () => {
  const { kernel, clock, happenings } = withSpare();
  kernel.memoryRelief.look();
  expect(happenings).not.toContainEqual(TOLD);
  const due = kernel.nextDeadline();
  expect(due - clock.monotonic()).toBeLessThanOrEqual(1e8);
  clock.advance(due - clock.monotonic());
  kernel.expireTimers(clock.monotonic());
  expect(kernel.memoryFile.spareBytes).toBe(0);
  kernel.memoryRelief.timerExpired();
  expect(happenings.filter(({ what }) => what === 'memory')).toEqual([TOLD]);
});

test('nothing to give back arms no timer', () => {
  const { kernel } = new Machine();
  kernel.memoryFile.purge();
  kernel.memoryRelief.look();
  expect(kernel.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
});

import { EINVAL } from '@sandbox-kernel/abi';
import { CHUNK_BYTES, createMemoryFile, MemoryFile, openDoor } from '@sandbox-kernel/host';
import { afterEach, beforeEach, expect, it } from 'vitest';

let memory: MemoryFile;
beforeEach(() => {
  const made = createMemoryFile(openDoor());
  if (!(made instanceof MemoryFile)) throw new Error(`memory file: ${made}`);
  memory = made;
});
afterEach(() => memory.close());

it('grows in steps and never shrinks', () => {
  expect(memory.grow(1)).toBe(0);
  const { size } = memory;
  expect(size).toBeGreaterThanOrEqual(4096);
  expect(memory.grow(size)).toBe(0);
  expect(memory.size).toBe(size);
  expect(memory.grow(size + 1)).toBe(0);
  expect(memory.size).toBeGreaterThan(size);
});

it('shows each chunk as one array, always the same', () => {
  memory.grow(CHUNK_BYTES + 4096);
  const second = memory.chunk(1);
  expect(second?.length).toBe(CHUNK_BYTES);
  // Compared here: a matcher that explains a difference would read a gigabyte.
  expect(memory.chunk(1) === second).toBe(true);
  expect(memory.chunk(0) === second).toBe(false);
});

it('gives punched memory back, and it reads as zeros', () => {
  memory.grow(1 << 20);
  const chunk = memory.chunk(0) ?? new Uint8Array(0);
  chunk.fill(7, 0, 65536);
  expect(memory.residentPages(0, 1 << 20)).toBe(16);
  expect(memory.punch(4096, 8192)).toBe(0);
  expect(memory.residentPages(0, 1 << 20)).toBe(14);
  expect([chunk[4095], chunk[4096], chunk[12287], chunk[12288]]).toEqual([7, 0, 0, 7]);
  expect(memory.punch(0, 0)).toBe(-EINVAL);
});

it('has a read-only twin', () => {
  expect(memory.readOnlyFd).not.toBe(memory.fd);
});

import * as abi from '@sandbox-kernel/abi';
import { FAULT_UNKNOWN, FAULT_WRITE } from '@sandbox-kernel/contracts';
import { MemoryManager } from '@sandbox-kernel/mm';
import { expect, test } from 'vitest';
import { MIB, PAGE, world } from '../support/world.js';

const RW = abi.PROT_READ | abi.PROT_WRITE;
const ANON = abi.MAP_PRIVATE | abi.MAP_ANONYMOUS;

test('what is written to anonymous memory can be read back, and all of it is given back', () => {
  const { mm, file, space } = world();
  const at = mm.mmap(0, 3 * PAGE, RW, ANON, null, 0);
  expect(at).toBeGreaterThan(0);
  expect(space.pages.size).toBe(3);
  const bytes = new Uint8Array(9000).map((_, k) => k * 7);
  expect(mm.copyOut(at + 5, bytes, 0, 9000)).toBe(9000);
  const back = new Uint8Array(9000);
  expect(mm.copyIn(at + 5, back, 0, 9000)).toBe(9000);
  expect(back).toEqual(bytes);
  expect(mm.munmap(at, 3 * PAGE)).toBe(0);
  expect(file.used).toBe(0);
  mm.destroy();
});

test('after fork each side sees its own writes only', () => {
  const { mm, file, spaces } = world();
  const at = mm.mmap(0, 64 * PAGE, RW, ANON, null, 0);
  mm.writeU32(at, 1);
  const child = mm.fork(spaces);
  if (!(child instanceof MemoryManager)) throw new Error('fork failed');
  expect(file.used).toBe(64 * PAGE);
  child.writeU32(at, 2);
  expect(mm.readU32(at)).toBe(1);
  expect(child.readU32(at)).toBe(2);
  expect(mm.fault(at, FAULT_UNKNOWN, mm.generation)).toBe(0);
  expect(mm.mremap(at, 64 * PAGE, 128 * PAGE, abi.MREMAP_MAYMOVE, 0)).toBeGreaterThan(0);
  child.destroy();
  mm.destroy();
  expect(file.used).toBe(0);
});

test('a large mapping costs nothing until it is touched', () => {
  const { mm, file } = world();
  const at = mm.mmap(0, 100_000 * MIB, RW, ANON | abi.MAP_NORESERVE, null, 0);
  expect(file.used).toBe(0);
  expect(mm.fault(at + 5 * MIB + 17, FAULT_WRITE, mm.generation)).toBe(0);
  expect(file.used).toBe(2 * MIB);
  mm.destroy();
});

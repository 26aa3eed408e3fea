import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE } from '@sandbox-kernel/abi';
import { MemoryFile, reclaim } from '@sandbox-kernel/mm';
import { describe, expect, test } from 'vitest';
import { SparseBacking } from '../support/sparse-backing.js';
import { MIB, PAGE, world } from '../support/world.js';

const RW = PROT_READ | PROT_WRITE;

describe('reclaim', () => {
  test('takes back pages that nobody touched, and keeps the others where they are', () => {
    const w = world({ file: new MemoryFile(new SparseBacking(64 * MIB)) });
    const { mm, file } = w;
    const at = mm.mmap(0, MIB, RW, MAP_PRIVATE | MAP_ANONYMOUS, null, 0);
    mm.writeU32(at + 5 * PAGE, 55);
    mm.writeU32(at + 200 * PAGE + 12, 77);
    expect(file.used).toBe(MIB);
    expect(reclaim(mm)).toBe(MIB - 2 * PAGE);
    expect(file.used).toBe(2 * PAGE);
    expect([mm.readU32(at + 5 * PAGE), mm.readU32(at + 200 * PAGE + 12), mm.readU32(at)]).toEqual([
      55, 77, 0,
    ]);
  });

  test('a page that is touched again after it was taken back reads as zeros and is mapped again', () => {
    const w = world({ file: new MemoryFile(new SparseBacking(64 * MIB)) });
    const at = w.mm.mmap(0, 4 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, null, 0);
    expect(reclaim(w.mm)).toBe(4 * PAGE);
    expect(w.space.pages.size).toBe(0);
    w.mm.writeU32(at, 9);
    expect(w.mm.readU32(at)).toBe(9);
    expect(w.space.pages.size).toBeGreaterThan(0);
  });

  test('leaves pages alone that a fork shares', () => {
    const w = world({ file: new MemoryFile(new SparseBacking(64 * MIB)) });
    w.mm.mmap(0, 4 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, null, 0);
    w.mm.fork(w.spaces);
    expect(reclaim(w.mm)).toBe(0);
  });
});

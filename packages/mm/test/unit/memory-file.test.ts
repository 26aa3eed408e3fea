import { ENOMEM } from '@sandbox-kernel/abi';
import { ArrayBacking, MemoryFile, OWNER_PRIVATE, OWNER_SHARED } from '@sandbox-kernel/mm';
import { describe, expect, test } from 'vitest';
import { MIB, PAGE } from '../support/world.js';

/** A backing that says which ranges were given back. */
class Recording extends ArrayBacking {
  readonly punched: string[] = [];
  held = -1;

  override punch(offset: number, length: number): number {
    this.punched.push(`${offset / PAGE}+${length / PAGE}`);
    return super.punch(offset, length);
  }

  override resident(): number {
    return this.held;
  }
}

describe('MemoryFile', () => {
  test('refuses what is over the limit, and allows it again after memory was given back', () => {
    const file = new MemoryFile(new ArrayBacking(16 * MIB), { limit: 4 * PAGE });
    const offset = file.allocate(3 * PAGE);
    expect(file.allocate(2 * PAGE)).toBe(-ENOMEM);
    file.release(offset, 3 * PAGE);
    expect(file.allocate(4 * PAGE)).toBeGreaterThanOrEqual(0);
    expect(file.peak).toBe(4 * PAGE);
  });

  test('tells what the host holds where that can be known, and what is in use otherwise', () => {
    const backing = new Recording(16 * MIB);
    const file = new MemoryFile(backing);
    file.allocate(4 * PAGE);
    expect(file.resident()).toBe(4 * PAGE);
    backing.held = PAGE;
    expect(file.resident()).toBe(PAGE);
  });

  test('refuses what the backing has no room for', () => {
    const file = new MemoryFile(new ArrayBacking(8 * PAGE));
    expect(file.allocate(9 * PAGE)).toBe(-ENOMEM);
    expect(file.allocate(8 * PAGE)).toBe(0);
    expect(file.allocate(PAGE)).toBe(-ENOMEM);
  });

  test('punches a large free range at once, and small ones in batches', () => {
    const backing = new Recording(16 * MIB);
    const file = new MemoryFile(backing, { dirtyLimit: 4 * PAGE });
    const offset = file.allocate(20 * PAGE);
    file.release(offset + 10 * PAGE, 10 * PAGE);
    expect(backing.punched).toEqual(['10+10']);
    file.release(offset, PAGE);
    file.release(offset + 2 * PAGE, PAGE);
    file.release(offset + PAGE, PAGE);
    expect(backing.punched).toEqual(['10+10']);
    file.release(offset + 3 * PAGE, 2 * PAGE);
    expect(backing.punched).toEqual(['10+10', '0+5']);
  });

  test('uses a dirty page again before a fresh one, filled with zeros', () => {
    const backing = new Recording(16 * MIB);
    const file = new MemoryFile(backing);
    const offset = file.allocate(PAGE);
    file.chunk(offset).fill(7, offset, offset + PAGE);
    file.release(offset, PAGE);
    expect(file.allocate(PAGE)).toBe(offset);
    expect(
      file
        .chunk(offset)
        .subarray(offset, offset + PAGE)
        .some((byte) => byte !== 0),
    ).toBe(false);
    expect(backing.punched).toEqual([]);
  });

  test('keeps a range dirty when the host refuses to take it back', () => {
    const backing = new Recording(16 * MIB);
    backing.punch = () => -5;
    const file = new MemoryFile(backing, { dirtyLimit: 0 });
    const offset = file.allocate(2 * PAGE);
    file.chunk(offset).fill(7, offset, offset + 2 * PAGE);
    file.release(offset, 2 * PAGE);
    const again = file.allocate(2 * PAGE);
    expect(
      file
        .chunk(again)
        .subarray(again, again + 2 * PAGE)
        .some((byte) => byte !== 0),
    ).toBe(false);
  });

  test('a release too many is a broken invariant', () => {
    const file = new MemoryFile(new ArrayBacking(MIB));
    const offset = file.allocate(PAGE);
    file.release(offset, PAGE);
    expect(() => file.release(offset, PAGE)).toThrow(/released while free/);
    expect(() => file.retain(offset, PAGE)).toThrow(/retained while free/);
  });

  test('reports who holds what', () => {
    const file = new MemoryFile(new ArrayBacking(MIB));
    const a = file.allocate(2 * PAGE, OWNER_PRIVATE);
    const b = file.allocate(PAGE, OWNER_SHARED);
    file.retain(a, PAGE);
    expect(file.holdings()).toEqual([
      { offset: a, length: PAGE, references: 2, owner: OWNER_PRIVATE },
      { offset: a + PAGE, length: PAGE, references: 1, owner: OWNER_PRIVATE },
      { offset: b, length: PAGE, references: 1, owner: OWNER_SHARED },
    ]);
  });

  test('no allocation crosses the border of two chunks', () => {
    const file = new MemoryFile(new ArrayBacking(2 ** 31));
    expect(file.allocate(2 ** 30 - PAGE)).toBe(0);
    expect(file.allocate(2 * PAGE)).toBe(2 ** 30);
    expect(file.allocate(PAGE)).toBe(2 ** 30 - PAGE);
  });
});

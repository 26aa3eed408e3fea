import {
  MADV_HUGEPAGE,
  MADV_NOHUGEPAGE,
  MADV_POPULATE_WRITE,
  MAP_ANONYMOUS,
  MAP_POPULATE,
  MAP_PRIVATE,
  PROT_READ,
  PROT_WRITE,
} from '@sandbox-kernel/abi';
import { FAULT_USER, FAULT_WRITE } from '@sandbox-kernel/contracts';
import { MemoryFile } from '@sandbox-kernel/mm';
import { describe, expect, test } from 'vitest';
import { SparseBacking } from '../support/sparse-backing.js';
import { MIB, PAGE, type World, world } from '../support/world.js';

const RW = PROT_READ | PROT_WRITE;
const BLOCK = 2 * MIB;

/** Says which ranges it was asked to have ready. */
class Preparing extends SparseBacking {
  readonly prepared: string[] = [];

  huge = true;

  prepare(offset: number, length: number): boolean {
    this.prepared.push(`${offset / PAGE}+${length / PAGE}`);
    return this.huge;
  }
}

interface Large extends World {
  readonly backing: Preparing;
  /** An area of 16 MiB whose first whole block starts here. */
  readonly start: number;
}

function large(flags = 0): Large {
  const backing = new Preparing(64 * MIB);
  const w = world({ file: new MemoryFile(backing) });
  // Something small before it, so that alignment is no accident.
  w.mm.mmap(0, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, null, 0);
  const at = w.mm.mmap(0, 16 * MIB, RW, MAP_PRIVATE | MAP_ANONYMOUS | flags, null, 0);
  return { ...w, backing, start: Math.ceil(at / BLOCK) * BLOCK };
}

/** The program writes to a page. */
function touch({ mm, space, file }: World, addr: number): void {
  const page = addr - (addr % PAGE);
  if (!space.pages.has(page)) {
    expect(mm.fault(addr, FAULT_USER | FAULT_WRITE, mm.generation)).toBe(0);
  }
  const { offset } = space.pages.get(page)!;
  file.chunk(offset)[offset % 2 ** 30] = 1;
}

describe('large blocks', () => {
  test('lie in the memory file as they lie in the address space, so that a huge page fits', () => {
    const w = large();
    touch(w, w.start + 7 * PAGE);
    expect(w.space.pages.get(w.start)!.offset % BLOCK).toBe(0);
  });

  test('are made ready for a program that writes from start to end, and mapped whole', () => {
    const w = large();
    for (let at = w.start; at < w.start + BLOCK; at += PAGE) touch(w, at);
    expect(w.backing.prepared).toEqual([]);
    touch(w, w.start + BLOCK);
    const { offset } = w.space.pages.get(w.start + BLOCK)!;
    expect(w.backing.prepared).toEqual([`${offset / PAGE}+512`]);
    expect(w.space.ready).toEqual([`${(w.start + BLOCK).toString(16)}+${BLOCK}`]);
  });

  test('are mapped fault by fault where the host has no huge page', () => {
    const w = large();
    w.backing.huge = false;
    for (let at = w.start; at <= w.start + BLOCK; at += PAGE) touch(w, at);
    expect(w.backing.prepared.length).toBe(1);
    expect(w.space.ready).toEqual([]);
  });

  test('are left alone where a program touches here and there', () => {
    const w = large();
    for (let at = w.start; at < w.start + 3 * BLOCK; at += MIB) touch(w, at);
    expect(w.backing.prepared).toEqual([]);
  });

  test('are made ready at once on MADV_HUGEPAGE, and never on MADV_NOHUGEPAGE', () => {
    const w = large();
    w.mm.madvise(w.start, 3 * BLOCK, MADV_HUGEPAGE);
    touch(w, w.start + BLOCK + 5 * PAGE);
    expect(w.backing.prepared.length).toBe(1);
    w.mm.madvise(w.start, 3 * BLOCK, MADV_NOHUGEPAGE);
    for (let at = w.start; at < w.start + BLOCK; at += PAGE) touch(w, at);
    touch(w, w.start + 2 * BLOCK);
    expect(w.backing.prepared.length).toBe(1);
  });
});

describe('memory that is asked for', () => {
  test('is ready after MAP_POPULATE', () => {
    const w = large(MAP_POPULATE);
    const pages = w.backing.prepared.reduce((sum, range) => sum + Number(range.split('+')[1]), 0);
    expect(pages * PAGE).toBe(16 * MIB);
  });

  test('is ready after MADV_POPULATE_WRITE, no more and no less', () => {
    const w = large();
    w.mm.madvise(w.start + PAGE, 3 * PAGE, MADV_POPULATE_WRITE);
    expect(w.backing.prepared.map((range) => range.split('+')[1])).toEqual(['3']);
    expect(w.space.ready).toEqual([`${(w.start + PAGE).toString(16)}+${3 * PAGE}`]);
  });

  test('is ready when the memory file has just had it', () => {
    const w = large();
    const flags = MAP_PRIVATE | MAP_ANONYMOUS;
    const first = w.mm.mmap(0, 16 * PAGE, RW, flags, null, 0);
    w.mm.zeroOut(first, 16 * PAGE);
    w.mm.munmap(first, 16 * PAGE);
    w.mm.settle();
    expect(w.space.ready).toEqual([]);
    const again = w.mm.mmap(0, 16 * PAGE, RW, flags, null, 0);
    expect(w.space.ready).toEqual([`${again.toString(16)}+${16 * PAGE}`]);
  });
});

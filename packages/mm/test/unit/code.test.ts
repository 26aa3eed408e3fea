import * as abi from '@sandbox-kernel/abi';
import type { CodePatches, MemoryManager } from '@sandbox-kernel/mm';
import { beforeEach, describe, expect, test } from 'vitest';
import { HostBackedFile } from '../support/fake-files.js';
import { PAGE, type World, world } from '../support/world.js';

const RX = abi.PROT_READ | abi.PROT_EXEC;
const FIXED = abi.MAP_PRIVATE | abi.MAP_FIXED;
const TEXT = 0x40_0000;
const CODE = Uint8Array.of(1, 2, 3);

let bench: World;
let mm: MemoryManager;
let file: HostBackedFile;

function map(prot: number, flags = FIXED, at = TEXT, pages = 2): void {
  const opened = { readable: true, writable: true, appendOnly: false, noexec: false, mappable: file };
  expect(mm.mmap(at, pages * PAGE, prot, flags, opened, 0)).toBe(at);
}

beforeEach(() => {
  bench = world();
  mm = bench.mm;
  file = new HostBackedFile(2 * PAGE);
});

describe('replaceCode', () => {
  test('exchanges one page for a copy, each time', () => {
    map(RX);
    file.bytes.fill(7);
    expect(mm.replaceCode(TEXT + 10, CODE)).toBe(0);
    const first = bench.space.pages.get(TEXT)!;
    expect(mm.replaceCode(TEXT + 20, CODE)).toBe(0);
    const second = bench.space.pages.get(TEXT)!;
    expect([first.fd, second.fd, second.prot]).toEqual([-1, -1, RX]);
    expect(second.offset).not.toBe(first.offset);
    expect(bench.space.pages.get(TEXT + PAGE)!.fd).not.toBe(-1);
    const seen = new Uint8Array(24);
    mm.readForced(TEXT, seen, 0, 24);
    expect([...seen.subarray(9, 14), ...seen.subarray(19, 24)]).toEqual([7, 1, 2, 3, 7, 7, 1, 2, 3, 7]);
    expect(file.bytes[10]).toBe(7);
    mm.destroy();
    expect(bench.file.holdings()).toEqual([]);
  });

  test('leaves what is shared, special or nowhere alone', () => {
    map(RX, abi.MAP_SHARED | abi.MAP_FIXED);
    expect(mm.replaceCode(TEXT, CODE)).toBe(-abi.EACCES);
    expect(mm.replaceCode(TEXT - PAGE, CODE)).toBe(-abi.EACCES);
    const offset = bench.file.allocate(PAGE);
    mm.mapSpecial(TEXT + 8 * PAGE, PAGE, RX, offset, '[x]');
    expect(mm.replaceCode(TEXT + 8 * PAGE, CODE)).toBe(-abi.EACCES);
  });

  test('over the memory limit is -ENOMEM and changes nothing', () => {
    bench = world({ memory: 0 });
    mm = bench.mm;
    map(RX);
    const before = bench.space.pages.get(TEXT);
    expect(mm.replaceCode(TEXT, CODE)).toBe(-abi.ENOMEM);
    expect(bench.space.pages.get(TEXT)).toEqual(before);
  });
});

describe('isFileCode', () => {
  test('wants one private mapping of a file that can be executed and not written', () => {
    map(RX);
    expect(mm.isFileCode(TEXT, TEXT + 2 * PAGE)).toBe(true);
    expect(mm.isFileCode(TEXT, TEXT + 2 * PAGE + 1)).toBe(false);
    mm.mprotect(TEXT, PAGE, abi.PROT_READ);
    expect(mm.isFileCode(TEXT, TEXT + 8)).toBe(false);
    mm.mprotect(TEXT, PAGE, RX | abi.PROT_WRITE);
    expect(mm.isFileCode(TEXT, TEXT + 8)).toBe(false);
  });
});

describe('freePageBelow', () => {
  test('is next to the mapping, below its neighbours, and within reach', () => {
    map(RX);
    expect(mm.freePageBelow(TEXT + 10, 2 ** 31)).toBe(TEXT - PAGE);
    map(RX, FIXED, TEXT - 2 * PAGE);
    expect(mm.freePageBelow(TEXT + 10, 2 ** 31)).toBe(TEXT - 3 * PAGE);
    expect(mm.freePageBelow(TEXT + 10, 2 * PAGE)).toBe(-abi.ENOMEM);
    expect(mm.freePageBelow(TEXT + 100 * PAGE, 2 ** 31)).toBe(-abi.ENOMEM);
  });

  test('is not below the lowest address', () => {
    map(RX, FIXED, 0x10000);
    expect(mm.freePageBelow(0x10000, 2 ** 31)).toBe(-abi.ENOMEM);
  });
});

describe('CodePatches', () => {
  const told: string[] = [];
  const patches: CodePatches = {
    leave: (_, start, end, gone) => void told.push(`${(start - TEXT) / PAGE}-${(end - TEXT) / PAGE} ${gone}`),
    fork: () => patches,
  };

  beforeEach(() => {
    map(RX);
    mm.patches = patches;
    told.length = 0;
  });

  test('are told before code can be written, goes or moves, and of nothing else', () => {
    mm.mprotect(TEXT, PAGE, RX | abi.PROT_WRITE);
    mm.mprotect(TEXT, PAGE, RX);
    mm.mprotect(TEXT + PAGE, PAGE, abi.PROT_NONE);
    mm.munmap(TEXT + PAGE, PAGE);
    mm.mremap(TEXT, PAGE, PAGE, abi.MREMAP_MAYMOVE | abi.MREMAP_FIXED, TEXT + 16 * PAGE);
    mm.mmap(TEXT + 16 * PAGE, PAGE, RX, FIXED | abi.MAP_ANONYMOUS, null, 0);
    expect(told).toEqual(['0-1 false', '1-2 false', '1-2 true', '0-1 false', '0-1 true', '16-17 true']);
  });

  test('are in the child of a fork', () => {
    const child = mm.fork(bench.spaces) as MemoryManager;
    expect(child.patches).toBe(patches);
  });
});

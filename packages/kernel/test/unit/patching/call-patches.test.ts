// Patches in an address space of mm's own test bench: what the program would see, and when they are taken back.
import * as abi from '@sandbox-kernel/abi';
import { CallPatches } from '@sandbox-kernel/kernel';
import type { MemoryManager } from '@sandbox-kernel/mm';
import { beforeEach, describe, expect, it } from 'vitest';
import { HostBackedFile } from '../../../../mm/test/support/fake-files.js';
import { PAGE, type World, world } from '../../../../mm/test/support/world.js';

const TEXT = 0x40_0000;
const RX = abi.PROT_READ | abi.PROT_EXEC;
const PRIVATE = abi.MAP_PRIVATE | abi.MAP_FIXED;
const SITE = [0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xc3];
const JUMP = 0xe9;
const ENTRY = 0x7fff_c000_0400;

let bench: World;
let mm: MemoryManager;
let file: HostBackedFile;
let patches: CallPatches;

beforeEach(() => {
  bench = world();
  mm = bench.mm;
  file = new HostBackedFile(4 * PAGE);
  for (const at of [0x100, PAGE + 0x200, 2 * PAGE - 3, 3 * PAGE]) file.bytes.set(SITE, at);
  map();
  patches = new CallPatches(ENTRY);
  mm.patches = patches;
});

function map(prot = RX, flags = PRIVATE, at = TEXT): void {
  const opened = { readable: true, writable: true, appendOnly: false, noexec: false, mappable: file };
  expect(mm.mmap(at, 4 * PAGE, prot, flags, opened, 0)).toBe(at);
}

function bytes(at: number, length = 8, from: MemoryManager = mm): number[] {
  const into = new Uint8Array(length);
  expect(from.readForced(at, into, 0, length)).toBe(length);
  return [...into];
}

const add = (at: number, number = 39): boolean => patches.add(mm, TEXT + at + 7, number);

/** Where the jump at `at` leads. */
function target(at: number): number {
  const view = new DataView(Uint8Array.from(bytes(TEXT + at)).buffer);
  expect(view.getUint8(0)).toBe(JUMP);
  return TEXT + at + 5 + view.getInt32(1, true);
}

describe('a patch', () => {
  it('is a jump to a trampoline near by, in front of the untouched call', () => {
    expect(add(0x100)).toBe(true);
    expect(bytes(TEXT + 0x105, 3)).toEqual(SITE.slice(5));
    const trampoline = target(0x100);
    expect(Math.abs(trampoline - TEXT)).toBeLessThan(2 ** 31);
    expect(patches.siteAt(trampoline + 9)).toMatchObject({
      start: TEXT + 0x100,
      next: TEXT + 0x107,
      number: 39,
    });
    expect(patches.siteAt(TEXT + 0x100)).toBeNull();
    const page = bench.space.pages.get(trampoline - (trampoline % PAGE));
    expect(page).toMatchObject({ prot: RX, maxProt: RX });
  });

  it('is in a copy of the page alone: the file and its neighbours stay', () => {
    const before = bench.space.pages.get(TEXT + PAGE);
    add(0x100);
    expect([...file.bytes.subarray(0x100, 0x108)]).toEqual(SITE);
    expect(bench.space.pages.get(TEXT + PAGE)).toEqual(before);
    expect(bench.space.pages.get(TEXT)?.prot).toBe(RX);
  });

  it('takes a new page each time, and never writes one that somebody executes', () => {
    file.bytes.set(SITE, 0x300);
    add(0x100);
    const first = bench.space.pages.get(TEXT)!.offset;
    add(0x300);
    expect(bench.space.pages.get(TEXT)!.offset).not.toBe(first);
    expect(target(0x300)).toBe(target(0x100) + 32);
  });

  it('is refused across pages, for other numbers, and where there is no site', () => {
    expect(add(2 * PAGE - 3)).toBe(false);
    expect(add(0x100, 40)).toBe(false);
    expect(add(0x110)).toBe(false);
    expect(add(-0x100)).toBe(false);
    expect(patches.size).toBe(0);
  });

  it('is made at the first bytes of a mapping', () => {
    mm.munmap(TEXT, 3 * PAGE);
    expect(add(3 * PAGE)).toBe(true);
  });

  it.each([
    ['shared', RX, abi.MAP_SHARED | abi.MAP_FIXED],
    ['writable', RX | abi.PROT_WRITE, PRIVATE],
    ['not executable', abi.PROT_READ, PRIVATE],
  ])('is refused where the code is %s', (_, prot, flags) => {
    map(prot, flags);
    expect(add(0x100)).toBe(false);
    expect(bytes(TEXT + 0x100)).toEqual(SITE);
  });

  it('is refused in anonymous memory', () => {
    mm.mmap(TEXT, PAGE, RX | abi.PROT_WRITE, PRIVATE | abi.MAP_ANONYMOUS, null, 0);
    mm.copyOut(TEXT + 0x100, Uint8Array.from(SITE), 0, 8);
    mm.mprotect(TEXT, PAGE, RX);
    expect(add(0x100)).toBe(false);
  });
});

describe('what was patched is put back', () => {
  it('when it becomes writable', () => {
    add(0x100);
    add(PAGE + 0x200);
    expect(mm.mprotect(TEXT, PAGE, abi.PROT_READ | abi.PROT_WRITE)).toBe(0);
    expect(bytes(TEXT + 0x100)).toEqual(SITE);
    expect(target(PAGE + 0x200)).toBeGreaterThan(0);
    expect(patches.size).toBe(1);
  });

  it('when it moves', () => {
    add(0x100);
    const to = 0x5000_0000;
    const flags = abi.MREMAP_MAYMOVE | abi.MREMAP_FIXED;
    expect(mm.mremap(TEXT, 4 * PAGE, 4 * PAGE, flags, to)).toBe(to);
    expect(bytes(to + 0x100)).toEqual(SITE);
  });

  it('when its trampoline goes, but who is there can still be told where he was', () => {
    add(0x100);
    const trampoline = target(0x100);
    mm.mprotect(TEXT, PAGE, abi.PROT_READ | abi.PROT_WRITE);
    expect(patches.siteAt(trampoline)).not.toBeNull();
    mm.mprotect(TEXT, PAGE, RX);
    add(0x100);
    const page = target(0x100) - (target(0x100) % PAGE);
    expect(mm.munmap(page, PAGE)).toBe(0);
    expect(bytes(TEXT + 0x100)).toEqual(SITE);
    expect(patches.siteAt(trampoline)).toBeNull();
    expect(add(0x100)).toBe(true);
  });

  it('not when something else is there by now, nor when it goes itself', () => {
    add(0x100);
    mm.writeForced(TEXT + 0x100, Uint8Array.of(0xcc), 0, 1);
    mm.mprotect(TEXT, PAGE, abi.PROT_READ | abi.PROT_WRITE);
    expect(bytes(TEXT + 0x100, 1)).toEqual([0xcc]);
    add(PAGE + 0x200);
    map();
    expect(bytes(TEXT + PAGE + 0x200)).toEqual(SITE);
    expect(patches.size).toBe(0);
  });
});

describe('a child', () => {
  it('has the patches of its parent, and takes back its own alone', () => {
    add(0x100);
    const trampoline = target(0x100);
    const child = mm.fork(bench.spaces) as MemoryManager;
    const own = child.patches as CallPatches;
    expect(own.siteAt(trampoline)).not.toBeNull();
    child.mprotect(TEXT, PAGE, abi.PROT_READ | abi.PROT_WRITE);
    expect(bytes(TEXT + 0x100, 8, child)).toEqual(SITE);
    expect(target(0x100)).toBe(trampoline);
    own.add(child, TEXT + PAGE + 0x207, 39);
    expect(bytes(TEXT + PAGE + 0x200)).toEqual(SITE);
    child.destroy();
    expect(target(0x100)).toBe(trampoline);
  });

  it('leaves no page behind', () => {
    add(0x100);
    const child = mm.fork(bench.spaces) as MemoryManager;
    add(PAGE + 0x200);
    child.destroy();
    mm.destroy();
    expect(bench.file.holdings()).toEqual([]);
  });
});

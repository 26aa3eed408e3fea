import * as abi from '@sandbox-kernel/abi';
import { IoBuffers, type MemoryManager, type MemoryUsage, SharedMemory } from '@sandbox-kernel/mm';
import { describe, expect, test } from 'vitest';
import { HostBackedFile, MemoryBackedFile } from '../support/fake-files.js';
import { ADDRESS_LIMIT, MIB, PAGE, world } from '../support/world.js';

const RW = abi.PROT_READ | abi.PROT_WRITE;
const ANON = abi.MAP_PRIVATE | abi.MAP_ANONYMOUS;
const FIXED = ANON | abi.MAP_FIXED;
const B = 0x2000_0000;
const opened = { readable: true, writable: true, appendOnly: false, noexec: false };

function usageOf(mm: MemoryManager): MemoryUsage {
  const out = {} as MemoryUsage;
  mm.usage(out);
  return out;
}

describe('limits', () => {
  test('RLIMIT_AS stops mmap, mremap and brk', () => {
    const { mm } = world({ limits: { addressSpace: 8 * PAGE } });
    const at = mm.mmap(0, 6 * PAGE, RW, ANON, null, 0);
    expect(mm.mmap(0, 3 * PAGE, RW, ANON, null, 0)).toBe(-abi.ENOMEM);
    expect(mm.mremap(at, 6 * PAGE, 9 * PAGE, abi.MREMAP_MAYMOVE, 0)).toBe(-abi.ENOMEM);
    mm.setBrkStart(B);
    expect(mm.brk(B + 3 * PAGE)).toBe(B);
    expect(mm.brk(B + 2 * PAGE)).toBe(B + 2 * PAGE);
  });

  test('what MAP_FIXED replaces does not count twice', () => {
    const { mm } = world({ limits: { addressSpace: 4 * PAGE } });
    mm.mmap(B, 4 * PAGE, RW, FIXED, null, 0);
    expect(mm.mmap(B, 4 * PAGE, RW, FIXED, null, 0)).toBe(B);
    expect(usageOf(mm).total).toBe(4 * PAGE);
  });

  test('RLIMIT_DATA stops private writable memory only', () => {
    const { mm } = world({ limits: { data: 2 * PAGE } });
    expect(mm.mmap(0, 3 * PAGE, RW, ANON, null, 0)).toBe(-abi.ENOMEM);
    const at = mm.mmap(0, 3 * PAGE, abi.PROT_READ, ANON, null, 0);
    expect(at).toBeGreaterThan(0);
    expect(mm.mprotect(at, 3 * PAGE, RW)).toBe(-abi.ENOMEM);
    expect(mm.mmap(0, 3 * PAGE, RW, abi.MAP_SHARED | abi.MAP_ANONYMOUS, null, 0)).toBeGreaterThan(0);
  });

  test('RLIMIT_MEMLOCK: nothing, some, and what is locked already counts once', () => {
    const none = world({ limits: { lockedMemory: 0 } }).mm;
    none.mmap(B, PAGE, RW, FIXED, null, 0);
    expect(none.mlock(B, PAGE, 0)).toBe(-abi.EPERM);
    expect(none.mmap(0, PAGE, RW, ANON | abi.MAP_LOCKED, null, 0)).toBe(-abi.EPERM);
    const { mm } = world({ limits: { lockedMemory: 2 * PAGE } });
    mm.mmap(B, 4 * PAGE, RW, FIXED, null, 0);
    expect(mm.mlock(B, 2 * PAGE, 0)).toBe(0);
    expect(mm.mlock(B, 2 * PAGE, 0)).toBe(0);
    expect(mm.mlock(B + 2 * PAGE, PAGE, 0)).toBe(-abi.ENOMEM);
    expect(mm.mmap(0, PAGE, RW, ANON | abi.MAP_LOCKED, null, 0)).toBe(-abi.EAGAIN);
    expect(mm.mlockall(abi.MCL_CURRENT)).toBe(-abi.ENOMEM);
    expect(usageOf(mm).locked).toBe(2 * PAGE);
    expect(mm.munlockall()).toBe(0);
    expect(usageOf(mm).locked).toBe(0);
  });

  test('mlockall for the future locks what comes', () => {
    const { mm } = world();
    expect(mm.mlockall(abi.MCL_FUTURE)).toBe(0);
    mm.mmap(B, 3 * PAGE, RW, FIXED, null, 0);
    expect(usageOf(mm).locked).toBe(3 * PAGE);
  });

  test('overcommit: the heuristic refuses what can never be had, mode 2 every byte too many, NORESERVE counts not', () => {
    const { mm } = world({ memory: 4 * MIB });
    expect(mm.mmap(0, 5 * MIB, RW, ANON, null, 0)).toBe(-abi.ENOMEM);
    expect(mm.mmap(0, 5 * MIB, RW, ANON | abi.MAP_NORESERVE, null, 0)).toBeGreaterThan(0);
    expect(mm.mmap(0, 3 * MIB, RW, ANON, null, 0)).toBeGreaterThan(0);
    expect(mm.mmap(0, 3 * MIB, RW, ANON, null, 0)).toBeGreaterThan(0);
    const strict = world({ memory: 4 * MIB, tuning: { overcommit: abi.OVERCOMMIT_NEVER } }).mm;
    expect(strict.mmap(0, 3 * MIB, RW, ANON, null, 0)).toBeGreaterThan(0);
    expect(strict.mmap(0, 3 * MIB, RW, ANON | abi.MAP_NORESERVE, null, 0)).toBe(-abi.ENOMEM);
  });

  test('the number of areas is limited', () => {
    const { mm } = world({ tuning: { maxAreas: 3 } });
    mm.mmap(B, 5 * PAGE, RW, FIXED, null, 0);
    expect(mm.mprotect(B + PAGE, PAGE, abi.PROT_READ)).toBe(0);
    expect(mm.mmap(0, PAGE, abi.PROT_READ, ANON, null, 0)).toBe(-abi.ENOMEM);
    expect(mm.munmap(B + 3 * PAGE, PAGE)).toBe(-abi.ENOMEM);
    expect(mm.munmap(B + 2 * PAGE, PAGE)).toBe(0);
  });
});

describe('placement', () => {
  test('goes down from the top, into the highest hole that is large enough', () => {
    const { mm } = world();
    const a = mm.mmap(0, 4 * PAGE, RW, ANON, null, 0);
    expect(a).toBe(mm.layout.mmapBase - 4 * PAGE);
    const b = mm.mmap(0, 4 * PAGE, RW, ANON, null, 0);
    expect(b).toBe(a - 4 * PAGE);
    mm.munmap(a + PAGE, 2 * PAGE);
    expect(mm.mmap(0, 3 * PAGE, RW, ANON, null, 0)).toBe(b - 3 * PAGE);
    expect(mm.mmap(0, 2 * PAGE, RW, ANON, null, 0)).toBe(a + PAGE);
  });

  test('takes the hint when it is free, aligned up, and elsewhere when it is not', () => {
    const { mm } = world();
    expect(mm.mmap(B + 1, PAGE, RW, ANON, null, 0)).toBe(B + PAGE);
    expect(mm.mmap(B + PAGE, PAGE, RW, ANON, null, 0)).toBe(mm.layout.mmapBase - PAGE);
    expect(mm.mmap(1, PAGE, RW, ANON, null, 0)).toBe(0x10000);
  });

  test('MAP_32BIT stays in the second gigabyte', () => {
    const { mm } = world();
    const at = mm.mmap(0, PAGE, RW, ANON | abi.MAP_32BIT, null, 0);
    expect(at).toBe(0x40000000);
    expect(mm.mmap(0, 2 ** 30, RW, ANON | abi.MAP_32BIT, null, 0)).toBe(-abi.ENOMEM);
  });

  test('goes below the base only when nothing is left above the bottom', () => {
    const { mm } = world();
    const at = mm.mmap(0, mm.layout.mmapBase - 0x10000, abi.PROT_NONE, ANON | abi.MAP_NORESERVE, null, 0);
    expect(at).toBe(0x10000);
    const next = mm.mmap(0, PAGE, RW, ANON, null, 0);
    expect(next).toBe(mm.layout.mmapBase);
    expect(next).toBeLessThan(ADDRESS_LIMIT);
  });

  test('is different under randomisation, and the same without', () => {
    const bases = [0, 0].map((personality) => world({ personality }).mm.layout.mmapBase);
    expect(bases[0]).toBe(bases[1]);
    expect(world().mm.layout.mmapBase).not.toBe(bases[0]);
    const { layout } = world().mm;
    expect(layout.stackTop).toBe(ADDRESS_LIMIT);
    expect(layout.brkOffset).toBe(0);
  });
});

describe('brk', () => {
  test('grows, shrinks, stays where it may not go', () => {
    const { mm } = world();
    mm.setBrkStart(B);
    expect(mm.brk(0)).toBe(B);
    expect(mm.brk(B + 100)).toBe(B + 100);
    expect(mm.writeU8(B + PAGE - 1, 1)).toBe(0);
    expect(mm.writeU8(B + PAGE, 1)).toBe(-abi.EFAULT);
    expect(mm.brk(B + 3 * PAGE)).toBe(B + 3 * PAGE);
    mm.mmap(B + 8 * PAGE, PAGE, RW, FIXED, null, 0);
    expect(mm.brk(B + 8 * PAGE)).toBe(B + 3 * PAGE);
    expect(mm.brk(B + 7 * PAGE)).toBe(B + 7 * PAGE);
    expect(mm.brk(B + PAGE)).toBe(B + PAGE);
    expect(mm.readU8(B + PAGE)).toBe(-abi.EFAULT);
    expect(mm.brk(B - 1)).toBe(B + PAGE);
  });
});

describe('mremap', () => {
  test('moves pages with their content, and needs no fault afterwards', () => {
    const { mm, space, file } = world();
    mm.mmap(B, 2 * PAGE, RW, FIXED, null, 0);
    mm.mmap(B + 2 * PAGE, PAGE, abi.PROT_READ, FIXED, null, 0);
    mm.writeU32(B + PAGE, 77);
    const to = mm.mremap(B, 2 * PAGE, 4 * PAGE, abi.MREMAP_MAYMOVE, 0);
    expect(to).not.toBe(B);
    expect(mm.readU32(to + PAGE)).toBe(77);
    expect(space.pages.has(to)).toBe(true);
    expect(space.pages.has(to + PAGE)).toBe(true);
    expect(space.pages.has(B)).toBe(false);
    expect(file.used).toBe(5 * PAGE);
  });

  test('grows in place where there is room', () => {
    const { mm } = world();
    mm.mmap(B, 2 * PAGE, RW, FIXED, null, 0);
    expect(mm.mremap(B, 2 * PAGE, 4 * PAGE, 0, 0)).toBe(B);
    expect(mm.areaCount).toBe(1);
  });
});

describe('what /proc shows', () => {
  test('names heap, stack, files, shared memory and named memory', () => {
    const { mm, file } = world();
    const mappable = new MemoryBackedFile(file, 2);
    mm.setBrkStart(0x1000_0000);
    mm.brk(0x1000_0000 + PAGE);
    mm.mmap(B, PAGE, abi.PROT_READ, abi.MAP_PRIVATE | abi.MAP_FIXED, { ...opened, mappable }, PAGE);
    mm.mmap(B + PAGE, PAGE, RW, abi.MAP_SHARED | abi.MAP_ANONYMOUS | abi.MAP_FIXED, null, 0);
    mm.mmap(B + 4 * PAGE, 2 * PAGE, RW, FIXED, null, 0);
    expect(mm.setAnonymousName(B + 4 * PAGE, PAGE, 'pool')).toBe(0);
    mm.mmap(B + 9 * PAGE, PAGE, RW, FIXED | abi.MAP_GROWSDOWN, null, 0);
    mm.startStack = B + 9 * PAGE + 16;
    const info = { name: '', start: 0, offset: 0 } as never as import('@sandbox-kernel/mm').AreaInfo;
    const names: string[] = [];
    for (let i = 0; i < mm.areaCount; i++) {
      mm.area(i, info);
      names.push(info.name);
    }
    expect(names).toEqual(['[heap]', '/fake', '/dev/zero (deleted)', '[anon:pool]', '', '[stack]']);
    mm.area(1, info);
    expect([info.offset, info.inode, info.prot, info.shared]).toEqual([PAGE, 42, abi.PROT_READ, false]);
    expect(mm.setAnonymousName(B, PAGE, 'x')).toBe(-abi.EBADF);
    expect(mm.setAnonymousName(B + 4 * PAGE, 2 * PAGE, null)).toBe(0);
    expect(mm.areaCount).toBe(5);
  });

  test('shares of pages that fork left in common', () => {
    const { mm, spaces } = world();
    mm.mmap(B, 4 * PAGE, RW, FIXED, null, 0);
    const child = mm.fork(spaces) as MemoryManager;
    const usage = {} as import('@sandbox-kernel/mm').AreaUsage;
    child.areaUsage(0, usage);
    expect([usage.rss, usage.pss, usage.sharedDirty, usage.privateDirty]).toEqual([
      4 * PAGE,
      2 * PAGE,
      4 * PAGE,
      0,
    ]);
    child.destroy();
    mm.areaUsage(0, usage);
    expect([usage.pss, usage.privateDirty]).toEqual([4 * PAGE, 4 * PAGE]);
  });

  test('sizes follow every change', () => {
    const { mm } = world();
    mm.mmap(B, 4 * PAGE, RW, FIXED, null, 0);
    mm.mprotect(B, PAGE, abi.PROT_READ | abi.PROT_EXEC);
    mm.mmap(B + 8 * PAGE, 2 * PAGE, RW, FIXED | abi.MAP_GROWSDOWN, null, 0);
    const usage = usageOf(mm);
    expect([usage.total, usage.data, usage.exec, usage.stack]).toEqual([6, 3, 1, 2].map((n) => n * PAGE));
    expect(usage.rssAnonymous).toBe(6 * PAGE);
    mm.munmap(B, 16 * PAGE);
    expect(usageOf(mm).total).toBe(0);
    expect(usageOf(mm).totalPeak).toBe(6 * PAGE);
    expect(usageOf(mm).rssPeak).toBe(6 * PAGE);
  });
});

describe('futex keys', () => {
  const key = { object: null as object | null, offset: 0 };

  test('private memory is known by its space', () => {
    const { mm, spaces } = world();
    mm.mmap(B, PAGE, RW, FIXED, null, 0);
    expect(mm.futexKey(B + 4, false, key)).toBe(0);
    expect(key.object).toBe(mm);
    expect(key.offset).toBe(B + 4);
    const child = mm.fork(spaces) as MemoryManager;
    expect(child.futexKey(B + 4, false, key)).toBe(0);
    expect(key.object).toBe(child);
    expect(mm.futexKey(B + 2, true, key)).toBe(-abi.EINVAL);
    expect(mm.futexKey(B + PAGE, true, key)).toBe(-abi.EFAULT);
    expect(mm.futexKey(B + PAGE, false, key)).toBe(0);
  });

  test('a shared operation on private memory never meets a private one', () => {
    const { mm } = world();
    mm.mmap(B, PAGE, RW, FIXED, null, 0);
    expect(mm.futexKey(B + 4, true, key)).toBe(0);
    const shared = key.object;
    expect(mm.futexKey(B + 4, true, key)).toBe(0);
    expect(key.object).toBe(shared);
    expect(mm.futexKey(B + 4, false, key)).toBe(0);
    expect(key.object).not.toBe(shared);
  });

  test('shared memory is known by its file, at any address and in any space', () => {
    const { mm, spaces } = world();
    const at = mm.mmap(0, 2 * PAGE, RW, abi.MAP_SHARED | abi.MAP_ANONYMOUS, null, 0);
    const child = mm.fork(spaces) as MemoryManager;
    mm.futexKey(at + PAGE, true, key);
    const object = key.object;
    expect(object).toBeInstanceOf(SharedMemory);
    expect(key.offset).toBe(PAGE);
    child.futexKey(at + PAGE, true, key);
    expect(key.object).toBe(object);
  });

  test('compareExchange stores only what was expected', () => {
    const { mm } = world();
    mm.mmap(B, PAGE, RW, FIXED, null, 0);
    mm.writeU32(B + 8, 0xffff0001);
    expect(mm.compareExchange(B + 8, 5, 6)).toBe(0xffff0001);
    expect(mm.compareExchange(B + 8, 0xffff0001, 6)).toBe(0xffff0001);
    expect(mm.readU32(B + 8)).toBe(6);
    expect(mm.compareExchange(B + PAGE, 0, 1)).toBe(-abi.EFAULT);
  });
});

describe('access by another’s right', () => {
  test('reads and writes what the program itself may not, without touching the file', () => {
    const { mm } = world();
    const mappable = new HostBackedFile(2 * PAGE);
    mappable.bytes.fill(5);
    mm.mmap(B, PAGE, abi.PROT_READ, abi.MAP_PRIVATE | abi.MAP_FIXED, { ...opened, mappable }, 0);
    mm.mmap(B + PAGE, PAGE, abi.PROT_NONE, FIXED, null, 0);
    const bytes = new Uint8Array([1, 2, 3, 4]);
    expect(mm.writeForced(B + PAGE - 2, bytes, 0, 4)).toBe(4);
    const back = new Uint8Array(4);
    expect(mm.readForced(B + PAGE - 2, back, 0, 4)).toBe(4);
    expect(back).toEqual(bytes);
    expect(mappable.bytes[PAGE - 1]).toBe(5);
    expect(mm.readForced(B + 2 * PAGE - 2, back, 0, 4)).toBe(2);
  });

  test('never writes to a shared file that was opened for reading', () => {
    const { mm } = world();
    const mappable = new HostBackedFile(PAGE);
    const file = { ...opened, writable: false, mappable };
    mm.mmap(B, PAGE, abi.PROT_READ, abi.MAP_SHARED | abi.MAP_FIXED, file, 0);
    expect(mm.writeForced(B, new Uint8Array(4), 0, 4)).toBe(0);
  });
});

describe('special pages', () => {
  test('are there from the start, can not be written, and hold a reference', () => {
    const { mm, file, space } = world();
    const offset = file.allocate(2 * PAGE);
    expect(mm.mapSpecial(B, 2 * PAGE, abi.PROT_READ | abi.PROT_EXEC, offset, '[vdso]')).toBe(0);
    expect(space.pages.get(B)!.maxProt & abi.PROT_WRITE).toBe(0);
    expect(mm.mprotect(B, PAGE, RW)).toBe(-abi.EACCES);
    expect(mm.writeU8(B, 1)).toBe(-abi.EFAULT);
    expect(file.references(offset)).toBe(2);
    mm.destroy();
    expect(file.references(offset)).toBe(1);
  });
});

describe('mincore', () => {
  test('says which pages are there', () => {
    const { mm } = world({ tuning: { eagerBytes: 0, faultBlock: PAGE } });
    mm.mmap(B, 4 * PAGE, RW, FIXED, null, 0);
    mm.writeU8(B + PAGE, 1);
    mm.writeU8(B + 3 * PAGE, 1);
    expect(mm.mincore(B, 3 * PAGE + 1, B + 3 * PAGE + 100)).toBe(0);
    expect([0, 1, 2, 3].map((k) => mm.readU8(B + 3 * PAGE + 100 + k))).toEqual([0, 1, 0, 1]);
  });
});

describe('shared memory', () => {
  test('lives while it is mapped or held, and is seen by all who map it', () => {
    const { mm, file } = world();
    const segment = new SharedMemory(file, 3 * PAGE, '/SYSV00000001', 9, false);
    segment.hold();
    const mapped = { ...opened, mappable: segment };
    mm.mmap(B, 3 * PAGE, RW, abi.MAP_SHARED | abi.MAP_FIXED, mapped, 0);
    mm.mmap(B + 8 * PAGE, 3 * PAGE, RW, abi.MAP_SHARED | abi.MAP_FIXED, mapped, 0);
    mm.writeU32(B + PAGE, 99);
    expect(mm.readU32(B + 9 * PAGE)).toBe(99);
    expect(segment.mappings).toBe(2);
    mm.munmap(B, 16 * PAGE);
    const bytes = new Uint8Array(4);
    expect(segment.readAt(PAGE, bytes, 0, 4)).toBe(4);
    expect(bytes[0]).toBe(99);
    segment.drop();
    expect(file.used).toBe(0);
  });

  test('MADV_REMOVE empties it for everybody', () => {
    const { mm } = world();
    const at = mm.mmap(0, 2 * PAGE, RW, abi.MAP_SHARED | abi.MAP_ANONYMOUS, null, 0);
    mm.writeU32(at, 5);
    mm.writeU32(at + PAGE, 6);
    expect(mm.madvise(at, PAGE, abi.MADV_REMOVE)).toBe(0);
    expect([mm.readU32(at), mm.readU32(at + PAGE)]).toEqual([0, 6]);
  });
});

describe('IoBuffers', () => {
  test('a shared mapping of a host file is written through a buffer', () => {
    const { mm } = world();
    const mappable = new HostBackedFile(2 * PAGE);
    mm.mmap(B, 2 * PAGE, RW, abi.MAP_SHARED | abi.MAP_FIXED, { ...opened, mappable }, 0);
    const io = new IoBuffers();
    expect(mm.addSegments(B + PAGE - 3, 6, 2, io)).toBe(6);
    for (let k = 0; k < io.count; k++) io.arrays[k]!.fill(8, io.starts[k]!, io.starts[k]! + io.lengths[k]!);
    expect(io.commit(5)).toBe(0);
    expect([...mappable.bytes.subarray(PAGE - 3, PAGE + 3)]).toEqual([8, 8, 8, 8, 8, 0]);
  });

  test('advance drops bytes from the front', () => {
    const io = new IoBuffers();
    io.addBytes(new Uint8Array(10), 0, 4);
    io.addBytes(new Uint8Array(10), 2, 6);
    io.advance(5);
    expect([io.count, io.total, io.starts[0], io.lengths[0]]).toEqual([1, 5, 3, 5]);
    io.advance(100);
    expect([io.count, io.total]).toEqual([0, 0]);
  });
});

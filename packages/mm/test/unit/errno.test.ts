// Error numbers of every memory call, in a table. The expected values were taken from a program that makes the same calls on Linux 6.18.
import * as abi from '@sandbox-kernel/abi';
import type { MappedFile, MemoryManager } from '@sandbox-kernel/mm';
import { describe, expect, test } from 'vitest';
import { MemoryBackedFile } from '../support/fake-files.js';
import { ADDRESS_LIMIT, PAGE as P, world } from '../support/world.js';

const RW = 3;
const ANON = abi.MAP_PRIVATE | abi.MAP_ANONYMOUS;
/** -1 as an unsigned long arrives. */
const MINUS_ONE = 2 ** 64;
const B = 0x2000_0000;

interface Scene {
  readonly mm: MemoryManager;
  readonly rw: MappedFile;
  readonly ro: MappedFile;
  readonly wo: MappedFile;
  readonly pipe: MappedFile;
  /** Shared anonymous page, and a page of a file mapped shared from a read-only descriptor. */
  readonly sa: number;
  readonly s: number;
}

/** Four pages at B, read-write; nothing after them. */
function scene(): Scene {
  const { mm, file } = world();
  const mappable = new MemoryBackedFile(file, 8);
  const opened = { mappable, readable: true, writable: true, appendOnly: false, noexec: false };
  const rw: MappedFile = opened;
  const ro: MappedFile = { ...opened, writable: false };
  mm.mmap(B, 4 * P, RW, ANON | abi.MAP_FIXED, null, 0);
  const sa = mm.mmap(0, P, RW, abi.MAP_SHARED | abi.MAP_ANONYMOUS, null, 0);
  const s = mm.mmap(0, P, 1, abi.MAP_SHARED, ro, 0);
  const wo = { ...opened, readable: false };
  return { mm, rw, ro, wo, pipe: { ...opened, mappable: null }, sa, s };
}

type Call = (scene: Scene) => number;
const OK = 'ok';

const table: Record<string, readonly (readonly [string, Call, number | typeof OK])[]> = {
  mmap: [
    ['length 0', ({ mm }) => mm.mmap(0, 0, RW, ANON, null, 0), abi.EINVAL],
    ['offset not aligned', ({ mm, rw }) => mm.mmap(0, P, RW, 2, rw, 5), abi.EINVAL],
    ['no type', ({ mm }) => mm.mmap(0, P, RW, abi.MAP_ANONYMOUS, null, 0), abi.EINVAL],
    ['validate without a file', ({ mm }) => mm.mmap(0, P, RW, 0x23, null, 0), abi.EINVAL],
    ['validate with MAP_SYNC', ({ mm, rw }) => mm.mmap(0, P, RW, 3 | abi.MAP_SYNC, rw, 0), abi.EOPNOTSUPP],
    ['shared with MAP_SYNC', ({ mm, rw }) => mm.mmap(0, P, RW, 1 | abi.MAP_SYNC, rw, 0), abi.EOPNOTSUPP],
    [
      'validate with a bit of the huge page size',
      ({ mm, rw }) => mm.mmap(0, P, RW, 3 | 0x8000000, rw, 0),
      OK,
    ],
    ['unknown type', ({ mm, rw }) => mm.mmap(0, P, RW, 4, rw, 0), abi.EINVAL],
    ['no file', ({ mm }) => mm.mmap(0, P, RW, 2, null, 0), abi.EBADF],
    ['fixed, not aligned', ({ mm }) => mm.mmap(B + 1, P, RW, ANON | 0x10, null, 0), abi.EINVAL],
    ['fixed, over the end', ({ mm }) => mm.mmap(ADDRESS_LIMIT, 2 * P, RW, ANON | 0x10, null, 0), abi.ENOMEM],
    ['fixed at 0', ({ mm }) => mm.mmap(0, P, RW, ANON | 0x10, null, 0), abi.EPERM],
    ['length over the address space', ({ mm }) => mm.mmap(0, 2 ** 55, RW, ANON, null, 0), abi.ENOMEM],
    ['length -1', ({ mm }) => mm.mmap(0, MINUS_ONE, RW, ANON, null, 0), abi.ENOMEM],
    ['shared writable of a read-only file', ({ mm, ro }) => mm.mmap(0, P, RW, 1, ro, 0), abi.EACCES],
    ['shared readable of a read-only file', ({ mm, ro }) => mm.mmap(0, P, 1, 1, ro, 0), OK],
    ['private of a write-only file', ({ mm, wo }) => mm.mmap(0, P, 1, 2, wo, 0), abi.EACCES],
    ['a pipe', ({ mm, pipe }) => mm.mmap(0, P, 1, 2, pipe, 0), abi.ENODEV],
    ['file that grows down', ({ mm, rw }) => mm.mmap(0, P, 1, 0x102, rw, 0), abi.EINVAL],
    ['shared that grows down', ({ mm }) => mm.mmap(0, P, 1, 0x121, null, 0), abi.EINVAL],
    ['huge pages', ({ mm }) => mm.mmap(0, P, RW, ANON | abi.MAP_HUGETLB, null, 0), abi.ENOMEM],
    ['huge pages of a file', ({ mm, rw }) => mm.mmap(0, P, RW, 2 | abi.MAP_HUGETLB, rw, 0), abi.EINVAL],
    ['offset at the end of offsets', ({ mm, rw }) => mm.mmap(0, P, RW, 2, rw, 2 ** 63 - 4096), abi.EOVERFLOW],
    ['negative offset', ({ mm, rw }) => mm.mmap(0, P, RW, 2, rw, 2 ** 64 - 4096), abi.EOVERFLOW],
    ['noreplace over something', ({ mm }) => mm.mmap(B, P, RW, 0x100022, null, 0), abi.EEXIST],
    ['noreplace, not aligned', ({ mm }) => mm.mmap(B + 3, P, RW, 0x100022, null, 0), abi.EINVAL],
    [
      'append-only file, shared',
      ({ mm, rw }) => mm.mmap(0, P, 1, 1, { ...rw, appendOnly: true }, 0),
      abi.EACCES,
    ],
    [
      'writable of a sealed file',
      ({ mm, rw }) => mm.mmap(0, P, RW, 1, { ...rw, sealed: true }, 0),
      abi.EPERM,
    ],
    [
      'writable later of a sealed file',
      ({ mm, rw }) => mm.mprotect(mm.mmap(0, P, 1, 1, { ...rw, sealed: true }, 0), P, RW),
      abi.EACCES,
    ],
    ['private of a sealed file', ({ mm, rw }) => mm.mmap(0, P, RW, 2, { ...rw, sealed: true }, 0), OK],
    ['executable from noexec', ({ mm, rw }) => mm.mmap(0, P, 5, 2, { ...rw, noexec: true }, 0), abi.EPERM],
  ],
  munmap: [
    ['not aligned', ({ mm }) => mm.munmap(B + 1, P), abi.EINVAL],
    ['length 0', ({ mm }) => mm.munmap(B, 0), abi.EINVAL],
    ['over the end', ({ mm }) => mm.munmap(ADDRESS_LIMIT, 2 * P), abi.EINVAL],
    ['nothing there', ({ mm }) => mm.munmap(B + 32 * P, P), OK],
    ['length -1', ({ mm }) => mm.munmap(B, MINUS_ONE), abi.EINVAL],
    ['kernel half', ({ mm }) => mm.munmap(2 ** 64 - 2 ** 20, P), abi.EINVAL],
  ],
  mprotect: [
    ['not aligned', ({ mm }) => mm.mprotect(B + 1, P, RW), abi.EINVAL],
    ['a hole', ({ mm }) => mm.mprotect(B + 2 * P, 4 * P, 1), abi.ENOMEM],
    ['unknown bits', ({ mm }) => mm.mprotect(B, P, 0x100), abi.EINVAL],
    ['both directions', ({ mm }) => mm.mprotect(B, P, 0x03000001), abi.EINVAL],
    ['grows down, but is no stack', ({ mm }) => mm.mprotect(B, P, 0x01000001), abi.EINVAL],
    ['grows up', ({ mm }) => mm.mprotect(B, P, 0x02000001), abi.EINVAL],
    ['length 0 with unknown bits', ({ mm }) => mm.mprotect(B, 0, 0x100), OK],
    ['length -1', ({ mm }) => mm.mprotect(B, MINUS_ONE, 1), abi.ENOMEM],
    ['nothing there', ({ mm }) => mm.mprotect(B + 32 * P, P, 1), abi.ENOMEM],
    ['write for a shared read-only file', ({ mm, s }) => mm.mprotect(s, P, RW), abi.EACCES],
  ],
  mremap: [
    ['unknown flag', ({ mm }) => mm.mremap(B, P, P, 8, 0), abi.EINVAL],
    ['fixed without maymove', ({ mm }) => mm.mremap(B, P, P, 2, B + 8 * P), abi.EINVAL],
    ['not aligned', ({ mm }) => mm.mremap(B + 1, P, P, 1, 0), abi.EINVAL],
    ['new length 0', ({ mm }) => mm.mremap(B, P, 0, 1, 0), abi.EINVAL],
    ['nothing there', ({ mm }) => mm.mremap(B + 32 * P, P, P, 1, 0), abi.EFAULT],
    ['old length 0 of private memory', ({ mm }) => mm.mremap(B, 0, P, 1, 0), abi.EINVAL],
    ['in place without room', ({ mm }) => mm.mremap(B, P, 3 * P, 0, 0), abi.ENOMEM],
    ['old length over the area', ({ mm }) => mm.mremap(B, 6 * P, 8 * P, 1, 0), abi.EFAULT],
    ['overlap', ({ mm }) => mm.mremap(B, 2 * P, 2 * P, 3, B + P), abi.EINVAL],
    ['fixed, not aligned', ({ mm }) => mm.mremap(B, P, P, 3, B + 8 * P + 1), abi.EINVAL],
    ['dontunmap with another size', ({ mm }) => mm.mremap(B, P, 2 * P, 5, 0), abi.EINVAL],
    ['dontunmap without maymove', ({ mm }) => mm.mremap(B, P, P, 4, 0), abi.EINVAL],
    ['shrink over a hole', ({ mm }) => mm.mremap(B, 8 * P, P, 0, 0), OK],
    ['old length 0 of shared memory', ({ mm, sa }) => mm.mremap(sa, 0, P, 1, 0), OK],
    ['old length 0 without maymove', ({ mm, sa }) => mm.mremap(sa, 0, P, 0, 0), abi.ENOMEM],
    ['new length over the address space', ({ mm }) => mm.mremap(B, P, 2 ** 59, 1, 0), abi.EINVAL],
    ['new length -1', ({ mm }) => mm.mremap(B, P, MINUS_ONE, 1, 0), abi.EINVAL],
  ],
  madvise: [
    ['unknown advice', ({ mm }) => mm.madvise(B, P, 99), abi.EINVAL],
    ['not aligned', ({ mm }) => mm.madvise(B + 1, P, 4), abi.EINVAL],
    ['a hole', ({ mm }) => mm.madvise(B + 2 * P, 4 * P, 4), abi.ENOMEM],
    ['length -1', ({ mm }) => mm.madvise(B, MINUS_ONE, 4), abi.EINVAL],
    ['length 0 of nothing', ({ mm }) => mm.madvise(B + 32 * P, 0, 4), OK],
    ['unknown advice, length 0', ({ mm }) => mm.madvise(B, 0, 99), abi.EINVAL],
    ['free of shared memory', ({ mm, sa }) => mm.madvise(sa, P, abi.MADV_FREE), abi.EINVAL],
    ['remove of private memory', ({ mm }) => mm.madvise(B, P, abi.MADV_REMOVE), abi.EINVAL],
    ['remove of shared memory', ({ mm, sa }) => mm.madvise(sa, P, abi.MADV_REMOVE), OK],
    ['remove of a read-only file', ({ mm, s }) => mm.madvise(s, P, abi.MADV_REMOVE), abi.EACCES],
    ['wipe shared memory', ({ mm, sa }) => mm.madvise(sa, P, abi.MADV_WIPEONFORK), abi.EINVAL],
    ['wipe private memory', ({ mm }) => mm.madvise(B, P, abi.MADV_WIPEONFORK), OK],
    ['keep a file', ({ mm, s }) => mm.madvise(s, P, abi.MADV_KEEPONFORK), OK],
    ['willneed of memory', ({ mm }) => mm.madvise(B, P, abi.MADV_WILLNEED), OK],
    ['poison', ({ mm }) => mm.madvise(B, P, abi.MADV_HWPOISON), abi.EINVAL],
    ['collapse less than a block', ({ mm }) => mm.madvise(B, P, abi.MADV_COLLAPSE), OK],
    ['collapse inside of a block', ({ mm }) => mm.madvise(B + P, P, abi.MADV_COLLAPSE), abi.EINVAL],
    ['collapse a file', ({ mm, s }) => mm.madvise(s, P, abi.MADV_COLLAPSE), abi.EINVAL],
    ['populate without access', ({ mm }) => mm.mprotect(B, P, 0) || mm.madvise(B, P, 22), abi.EINVAL],
    ['populate for writing, read-only', ({ mm }) => mm.mprotect(B, P, 1) || mm.madvise(B, P, 23), abi.EINVAL],
    ['populate a hole', ({ mm }) => mm.madvise(B + 2 * P, 4 * P, 22), abi.ENOMEM],
    [
      'populate over the end of a file',
      ({ mm, rw }) => mm.madvise(mm.mmap(0, 16 * P, 1, 2, rw, 0), 16 * P, 22),
      abi.EFAULT,
    ],
    ['dontneed of locked memory', ({ mm }) => mm.mlock(B, P, 0) || mm.madvise(B, P, 4), abi.EINVAL],
    ['dontneed_locked', ({ mm }) => mm.mlock(B, P, 0) || mm.madvise(B, P, 24), OK],
    ['cold of locked memory', ({ mm }) => mm.mlock(B, P, 0) || mm.madvise(B, P, 20), abi.EINVAL],
  ],
  msync: [
    ['unknown flag', ({ mm }) => mm.msync(B, P, 8), abi.EINVAL],
    ['not aligned', ({ mm }) => mm.msync(B + 1, P, 4), abi.EINVAL],
    ['both ways', ({ mm }) => mm.msync(B, P, 5), abi.EINVAL],
    ['a hole', ({ mm }) => mm.msync(B + 2 * P, 4 * P, 4), abi.ENOMEM],
    ['no flags', ({ mm }) => mm.msync(B, P, 0), OK],
    ['length -1', ({ mm }) => mm.msync(B, MINUS_ONE, 4), OK],
    ['invalidate locked memory', ({ mm }) => mm.mlock(B, P, 0) || mm.msync(B, P, 6), abi.EBUSY],
  ],
  mlock: [
    ['a hole', ({ mm }) => mm.mlock(B + 2 * P, 4 * P, 0), abi.ENOMEM],
    ['length -1', ({ mm }) => mm.mlock(B, MINUS_ONE, 0), OK],
    ['length 0', ({ mm }) => mm.mlock(B, 0, 0), OK],
    ['unknown flag', ({ mm }) => mm.mlock(B, P, 4), abi.EINVAL],
    ['no access', ({ mm }) => mm.mprotect(B, P, 0) || mm.mlock(B, P, 0), abi.ENOMEM],
    [
      'over the end of a file',
      ({ mm, rw }) => mm.mlock(mm.mmap(0, 16 * P, 1, 2, rw, 0), 16 * P, 0),
      abi.ENOMEM,
    ],
    ['unlock a hole', ({ mm }) => mm.munlock(B + 2 * P, 4 * P), abi.ENOMEM],
    ['all: no flags', ({ mm }) => mm.mlockall(0), abi.EINVAL],
    ['all: onfault alone', ({ mm }) => mm.mlockall(4), abi.EINVAL],
    ['all: unknown flag', ({ mm }) => mm.mlockall(8), abi.EINVAL],
  ],
  mincore: [
    ['not aligned', ({ mm }) => mm.mincore(B + 1, P, B), abi.EINVAL],
    ['a hole', ({ mm }) => mm.mincore(B + 2 * P, 4 * P, B), abi.ENOMEM],
    ['no vector', ({ mm }) => mm.mincore(B, P, 8), abi.EFAULT],
    ['kernel half', ({ mm }) => mm.mincore(2 ** 64 - 2 ** 47, P, B), abi.ENOMEM],
    ['length 0 of nothing', ({ mm }) => mm.mincore(B + 32 * P, 0, B), OK],
    ['length -1', ({ mm }) => mm.mincore(B, MINUS_ONE, B), abi.ENOMEM],
  ],
  remap_file_pages: [
    ['a protection', ({ mm, sa }) => mm.remapFilePages(sa, P, 1, 0), abi.EINVAL],
    ['private memory', ({ mm }) => mm.remapFilePages(B, P, 0, 0), abi.EINVAL],
    ['shared memory', ({ mm, sa }) => mm.remapFilePages(sa, P, 0, 0), OK],
    ['size 0', ({ mm, sa }) => mm.remapFilePages(sa, 0, 0, 0), abi.EINVAL],
  ],
  mseal: [
    ['flags', ({ mm }) => mm.mseal(B, P, 1), abi.EINVAL],
    ['not aligned', ({ mm }) => mm.mseal(B + 1, P, 0), abi.EINVAL],
    ['a hole', ({ mm }) => mm.mseal(B + 2 * P, 4 * P, 0), abi.ENOMEM],
    ['then munmap', ({ mm }) => mm.mseal(B, P, 0) || mm.munmap(B, P), abi.EPERM],
    ['then mprotect', ({ mm }) => mm.mseal(B, P, 0) || mm.mprotect(B, P, 1), abi.EPERM],
    [
      'then mmap over it',
      ({ mm }) => mm.mseal(B, P, 0) || mm.mmap(B, P, RW, ANON | 0x10, null, 0),
      abi.EPERM,
    ],
    ['then mremap', ({ mm }) => mm.mseal(B, P, 0) || mm.mremap(B, P, 2 * P, 1, 0), abi.EPERM],
    ['then mremap to the same size', ({ mm }) => mm.mseal(B, P, 0) || mm.mremap(B, P, P, 1, 0), abi.EPERM],
    ['then dontneed while writable', ({ mm }) => mm.mseal(B, P, 0) || mm.madvise(B, P, 4), OK],
    [
      'then dontneed while read-only',
      ({ mm }) => mm.mprotect(B, P, 1) || mm.mseal(B, P, 0) || mm.madvise(B, P, 4),
      abi.EPERM,
    ],
  ],
};

for (const [name, rows] of Object.entries(table)) {
  describe(name, () => {
    test.each(rows)('%s', (_title, call, expected) => {
      const result = call(scene());
      if (expected === OK) expect(result).toBeGreaterThanOrEqual(0);
      else expect(result).toBe(-expected);
    });
  });
}

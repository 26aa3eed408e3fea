import {
  AT_FDCWD,
  EFBIG,
  ENOSPC,
  EPERM,
  F_SEAL_GROW,
  F_SEAL_WRITE,
  O_CREAT,
  O_RDONLY,
  O_RDWR,
} from '@sandbox-kernel/abi';
import {
  allocateFile,
  ByteSegments,
  createMemfd,
  createTmpfs,
  FileDescription,
  makeDirectory,
  openFile,
  readDirectory,
  readFileAt,
  StatData,
  StatfsData,
  type Superblock,
  seekFile,
  statFile,
  TMPFS_TYPE,
  tmpfsFileOf,
  truncateFile,
  writeFileAt,
} from '@sandbox-kernel/vfs';
import { describe, expect, it } from 'vitest';
import { createWorld, mustOpen } from '../support/world.js';

function write(file: FileDescription, size: number, offset: number, limit = Infinity): number {
  return writeFileAt(file, new ByteSegments().add(new Uint8Array(size).fill(1), 0, size), offset, 0, limit);
}

describe('limits', () => {
  it('of size and inodes give ENOSPC, and room comes back', () => {
    const { caller } = createWorld((vfs) => createTmpfs(vfs, { size: 8192, inodes: 3, mode: 0o755 }));
    const file = mustOpen(caller, '/a', O_CREAT | O_RDWR);
    expect(write(file, 10_000, 0)).toBe(8192);
    expect(write(file, 1, 8192)).toBe(-ENOSPC);
    expect(truncateFile(caller, file, 100)).toBe(0);
    expect(write(file, 4096, 4096)).toBe(4096);
    mustOpen(caller, '/b', O_CREAT | O_RDWR);
    expect(openFile(caller, AT_FDCWD, '/c', O_CREAT | O_RDWR, 0)).toBe(-ENOSPC);
  });

  it('are half of memory and one inode for two pages unless the mount says otherwise', () => {
    const { caller, pages } = createWorld();
    pages.limit = 64 * 4096;
    const mounted = (data: string): Superblock =>
      TMPFS_TYPE.mount(caller.fs.vfs, 'none', 0, data, caller) as Superblock;
    const out = new StatfsData();
    const shown = (data: string): unknown => {
      const superblock = mounted(data);
      superblock.filesystem.statfs(superblock, out);
      return [out.blocks, out.files, superblock.filesystem.options?.(superblock)];
    };
    expect(shown('')).toEqual([32, 32, '']);
    expect(shown('size=75%,nr_inodes=7')).toEqual([48, 7, 'size=192k,nr_inodes=7']);
    expect(shown('size=0')).toEqual([2 ** 26, 32, 'size=0k']);
  });

  it('of space refuse a reservation as a whole', () => {
    const { caller, pages } = createWorld((vfs) => createTmpfs(vfs, { size: 40 * 4096, mode: 0o755 }));
    const file = mustOpen(caller, '/a', O_CREAT | O_RDWR);
    expect(write(file, 1, 5 * 4096)).toBe(1);
    expect(allocateFile(caller, file, 0, 0, 41 * 4096)).toBe(-ENOSPC);
    const other = mustOpen(caller, '/b', O_CREAT | O_RDWR);
    expect(write(other, 2 * 4096, 0)).toBe(2 * 4096);
    expect(allocateFile(caller, file, 0, 0, 40 * 4096)).toBe(-ENOSPC);
    expect(pages.used).toBe(3);
    expect(allocateFile(caller, file, 0, 0, 38 * 4096)).toBe(0);
    expect(pages.used).toBe(40);
    pages.limit = 42 * 4096;
    expect(truncateFile(caller, file, 0)).toBe(0);
    expect(pages.used).toBe(2);
  });

  it('a sparse file of thousands of pages goes at once', () => {
    const { caller, pages } = createWorld();
    const file = mustOpen(caller, '/a', O_CREAT | O_RDWR);
    for (let i = 0; i < 20_000; i++) write(file, 1, i * 2 ** 31);
    expect(pages.used).toBe(20_000);
    expect(truncateFile(caller, file, 2 ** 31)).toBe(0);
    expect(pages.used).toBe(1);
    expect(truncateFile(caller, file, 0)).toBe(0);
    expect(pages.used).toBe(0);
  });

  it('of file size cut a write and then refuse it', () => {
    const { caller } = createWorld();
    const file = mustOpen(caller, '/a', O_CREAT | O_RDWR);
    expect(write(file, 100, 0, 60)).toBe(60);
    expect(write(file, 100, 60, 60)).toBe(-EFBIG);
  });

  it('do not stand in the way of sparse files over 4 GiB', () => {
    const { caller, pages } = createWorld();
    const file = mustOpen(caller, '/a', O_CREAT | O_RDWR);
    const far = 2 ** 40 + 5;
    expect(write(file, 10, far)).toBe(10);
    expect(pages.used).toBe(1);
    expect(seekFile(file, 0, 3)).toBe(2 ** 40);
    const into = new Uint8Array(10);
    expect(readFileAt(file, new ByteSegments().add(into, 0, 10), far, 0)).toBe(10);
    expect(into[0]).toBe(1);
    const stat = new StatData();
    statFile(file, stat);
    expect(stat.blocks).toBe(8);
    expect(truncateFile(caller, file, 0)).toBe(0);
    expect(pages.used).toBe(0);
  });

  it('punching holes gives pages back and keeps the rest', () => {
    const { caller, pages } = createWorld();
    const file = mustOpen(caller, '/a', O_CREAT | O_RDWR);
    write(file, 5 * 4096, 0);
    expect(allocateFile(caller, file, 3, 100, 3 * 4096)).toBe(0);
    expect(pages.used).toBe(3);
    const into = new Uint8Array(5 * 4096);
    readFileAt(file, new ByteSegments().add(into, 0, into.length), 0, 0);
    expect([into[99], into[100], into[3 * 4096 + 99], into[3 * 4096 + 100]]).toEqual([1, 0, 0, 1]);
    expect(allocateFile(caller, file, 0, 0, 5 * 4096)).toBe(0);
    expect(pages.used).toBe(5);
  });

  it('a sealed memfd neither grows nor takes writes', () => {
    const { caller } = createWorld();
    const file = createMemfd(caller, 'x', 2);
    if (!(file instanceof FileDescription)) throw new Error('memfd');
    expect(write(file, 10, 0)).toBe(10);
    const data = tmpfsFileOf(file.inode!);
    if (typeof data === 'number') throw new Error('no data');
    expect(data.addSeals(F_SEAL_GROW)).toBe(0);
    expect(write(file, 10, 5)).toBe(-EPERM);
    expect(write(file, 5, 5)).toBe(5);
    expect(truncateFile(caller, file, 100)).toBe(-EPERM);
    expect(data.addSeals(F_SEAL_WRITE)).toBe(0);
    expect(write(file, 1, 0)).toBe(-EPERM);
  });

  it('a directory of 100,000 entries is read completely, each entry once', () => {
    const { caller } = createWorld();
    const count = 100_000;
    for (let i = 0; i < count; i++) makeDirectory(caller, AT_FDCWD, `/d${i}`, 0o755);
    const directory = mustOpen(caller, '/', O_RDONLY);
    const seen = new Set<string>();
    let room = 0;
    const sink = {
      add(name: string): boolean {
        if (room === 0) return false;
        room--;
        expect(seen.has(name)).toBe(false);
        seen.add(name);
        return true;
      },
    };
    for (let before = -1; before !== seen.size; ) {
      before = seen.size;
      room = 1000;
      readDirectory(directory, sink);
    }
    expect(seen.size).toBe(count + 2);
  });
});

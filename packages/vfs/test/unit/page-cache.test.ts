import { EIO } from '@sandbox-kernel/abi';
import { CHUNK_SIZE, type MappingOwner, MEMORY_FILE } from '@sandbox-kernel/contracts';
import { Inode, InodeOps, PageCache, PlainFilesystem, Superblock } from '@sandbox-kernel/vfs';
import { beforeEach, describe, expect, it } from 'vitest';
import { bytes, createWorld, text } from '../support/world.js';

const PAGE = 4096;
const BOTH_PAGES = { shared: true, writable: true };

let content: Uint8Array;
let failing: number;
let inode: Inode;
let cache: PageCache;
let pages: ReturnType<typeof createWorld>['pages'];
let gone: string[];
const backing = { fd: 0, offset: 0, length: 0 };
const owner: MappingOwner = {
  invalidate: (_mappable, offset, length) => gone.push(`${offset}+${length}`),
};

beforeEach(() => {
  const world = createWorld();
  ({ pages } = world);
  content = new Uint8Array(PAGE + 10).fill(0x61);
  failing = 0;
  gone = [];
  const superblock = new Superblock(world.vfs, new PlainFilesystem('test', 1), 'test');
  inode = new Inode(superblock, new InodeOps(), 7, 0o100644);
  inode.size = content.length;
  cache = new PageCache(inode, {
    readPage: (offset, into, at, length) => {
      if (failing < 0) return failing;
      // Half of what was asked for at a time.
      const part = content.subarray(offset, offset + Math.ceil(length / 2));
      into.set(part, at);
      return part.length;
    },
    writePage: (offset, from, at, length) => {
      if (failing < 0) return failing;
      content.set(from.subarray(at, at + length), offset);
      return length;
    },
  });
  cache.addMapping(owner, 0, 2 * PAGE, BOTH_PAGES.shared, BOTH_PAGES.writable);
});

function unmap(): void {
  cache.removeMapping(owner, 0, 2 * PAGE, BOTH_PAGES.shared, BOTH_PAGES.writable);
}

/** The page that is mapped for file offset `offset`. */
function mapped(offset: number, write: boolean): Uint8Array {
  expect(cache.translate(offset, PAGE, write, backing)).toBe(0);
  expect(backing.fd).toBe(MEMORY_FILE);
  return pages
    .chunk(backing.offset)
    .subarray(backing.offset % CHUNK_SIZE, (backing.offset % CHUNK_SIZE) + PAGE);
}

describe('a page cache', () => {
  it('shows what the file holds, and zeros behind its end', () => {
    const last = mapped(PAGE, false);
    expect(text(last.subarray(0, 10))).toBe('aaaaaaaaaa');
    expect(last.subarray(10).every((byte) => byte === 0)).toBe(true);
    expect(cache.translate(2 * PAGE, PAGE, false, backing)).toBe(-EIO);
  });

  it('writes back what was mapped for writing, up to the end of the file', () => {
    mapped(0, false).set(bytes('lost'));
    mapped(PAGE, true).fill(0x62);
    expect(cache.sync(0, 2 * PAGE)).toBe(0);
    expect(text(content.subarray(0, 4))).toBe('aaaa');
    expect(text(content.subarray(PAGE))).toBe('bbbbbbbbbb');
    expect(content.length).toBe(PAGE + 10);
  });

  it('reads again what the filesystem says has changed', () => {
    const first = mapped(0, false);
    content.set(bytes('news'));
    cache.changed(0, 4);
    expect(text(first.subarray(0, 5))).toBe('newsa');
  });

  it('tells its mappings that a file became shorter, and clears the tail of its last page', () => {
    const first = mapped(0, true);
    first.set(bytes('bb'));
    mapped(PAGE, true);
    inode.size = 5;
    cache.truncated();
    expect(gone).toEqual([`${PAGE}+${PAGE}`]);
    expect(text(first.subarray(0, 6))).toBe('bbaaa\0');
    expect(pages.used).toBe(1);
  });

  it('writes back and holds nothing when the last mapping is gone', () => {
    mapped(0, true).set(bytes('kept'));
    unmap();
    expect(text(content.subarray(0, 5))).toBe('kepta');
    expect(pages.used).toBe(0);
  });

  it("serves the kernel's own access, across pages", () => {
    expect(cache.writeAt(PAGE - 2, bytes('wxyz'), 0, 4)).toBe(4);
    const into = new Uint8Array(6);
    expect(cache.readAt(PAGE - 3, into, 0, 6)).toBe(6);
    expect(text(into)).toBe('awxyza');
    expect(cache.sync(0, 2 * PAGE)).toBe(0);
    expect(text(content.subarray(PAGE - 3, PAGE + 3))).toBe('awxyza');
  });

  it('passes errors on and keeps no page of a failed read', () => {
    failing = -EIO;
    expect(cache.translate(0, PAGE, false, backing)).toBe(-EIO);
    expect(pages.used).toBe(0);
    failing = 0;
    mapped(0, true);
    failing = -EIO;
    expect(cache.sync(0, PAGE)).toBe(-EIO);
  });
});

import {
  AT_FDCWD,
  EINVAL,
  ENOENT,
  ENOTEMPTY,
  EROFS,
  O_CREAT,
  O_RDONLY,
  O_WRONLY,
  S_IFCHR,
} from '@sandbox-kernel/abi';
import {
  attachMount,
  ByteSegments,
  changeMode,
  createOverlay,
  createTmpfs,
  getXattr,
  Location,
  linkFile,
  makeDirectory,
  newMount,
  OVERLAY_TYPE,
  openFile,
  overlayChanges,
  readDirectory,
  readFile,
  removeDirectory,
  renameFile,
  StatData,
  type Superblock,
  setXattr,
  statPath,
  unlinkFile,
  unmount,
  type Vfs,
  writeFile,
} from '@sandbox-kernel/vfs';
import { describe, expect, it } from 'vitest';
import { bytes, createWorld, mustOpen, text, type World } from '../support/world.js';

function fill(superblock: Superblock, build: (world: World) => void): Superblock {
  build(createWorld(() => superblock));
  return superblock;
}

function put(world: World, path: string, content: string): void {
  const file = mustOpen(world.caller, path, O_CREAT | O_WRONLY);
  writeFile(file, new ByteSegments().add(bytes(content), 0, content.length), 0, Infinity);
  file.release();
}

function get(world: World, path: string): string | number {
  const file = openFile(world.caller, AT_FDCWD, path, O_RDONLY, 0);
  if (typeof file === 'number') return file;
  const into = new Uint8Array(100);
  const length = readFile(file, new ByteSegments().add(into, 0, 100), 0);
  file.release();
  return text(into, length);
}

function names(world: World, path: string): string[] {
  const found: string[] = [];
  const directory = mustOpen(world.caller, path, O_RDONLY);
  readDirectory(directory, { add: (name) => found.push(name) > 0 });
  directory.release();
  return found.filter((name) => !name.startsWith('.') || name.length > 2).sort();
}

function layered(build: (world: World) => void, ociWhiteouts = false, top?: (world: World) => void): World {
  return createWorld((vfs: Vfs) => {
    const lowers = [fill(createTmpfs(vfs, { mode: 0o755 }), build)];
    if (top !== undefined) lowers.unshift(fill(createTmpfs(vfs, { mode: 0o755 }), top));
    return createOverlay(vfs, { upper: createTmpfs(vfs), lowers, ociWhiteouts });
  });
}

function changes(world: World): string[] {
  return overlayChanges(world.namespace.root.superblock).map((change) => `${change.kind} ${change.path}`);
}

describe('overlay', () => {
  it('copies up with attributes and xattrs before the first change', () => {
    const world = layered((lower) => {
      makeDirectory(lower.caller, AT_FDCWD, '/d', 0o750);
      put(lower, '/d/f', 'old');
      changeMode(lower.caller, AT_FDCWD, '/d/f', 0o640, 0);
      setXattr(lower.caller, AT_FDCWD, '/d/f', 'user.x', bytes('v'), 0, 0);
    });
    const before = new StatData();
    statPath(world.caller, AT_FDCWD, '/d/f', 0, before);
    put(world, '/d/f', 'NEW');
    const after = new StatData();
    statPath(world.caller, AT_FDCWD, '/d/f', 0, after);
    expect(get(world, '/d/f')).toBe('NEW');
    expect(after.mode & 0o777).toBe(0o640);
    expect(after.inode).toBe(before.inode);
    expect(getXattr(world.caller, AT_FDCWD, '/d/f', 'user.x', 0)).toEqual(bytes('v'));
    statPath(world.caller, AT_FDCWD, '/d', 0, after);
    expect(after.mode & 0o777).toBe(0o750);
    expect(changes(world)).toEqual(['modified /d/f']);
  });

  it('lets files that were open before read from the copy', () => {
    const world = layered((lower) => put(lower, '/f', 'old'));
    const files = Array.from({ length: 20 }, () => mustOpen(world.caller, '/f', O_RDONLY));
    files.slice(0, 15).forEach((file) => {
      file.release();
    });
    put(world, '/f', 'newer');
    const into = new Uint8Array(10);
    for (const file of files.slice(15)) {
      const length = readFile(file, new ByteSegments().add(into, 0, 10), 0);
      expect(text(into, length)).toBe('newer');
      file.release();
    }
  });

  it('hides removed names and what lay below a directory made again', () => {
    const world = layered((lower) => {
      makeDirectory(lower.caller, AT_FDCWD, '/d', 0o755);
      put(lower, '/d/f', 'x');
      put(lower, '/g', 'y');
    });
    expect(removeDirectory(world.caller, AT_FDCWD, '/d')).toBe(-ENOTEMPTY);
    expect(unlinkFile(world.caller, AT_FDCWD, '/d/f')).toBe(0);
    expect(removeDirectory(world.caller, AT_FDCWD, '/d')).toBe(0);
    expect(names(world, '/')).toEqual(['g']);
    expect(makeDirectory(world.caller, AT_FDCWD, '/d', 0o755)).toBe(0);
    expect(names(world, '/d')).toEqual([]);
    expect(get(world, '/d/f')).toBe(-ENOENT);
    expect(changes(world)).toEqual(['modified /d', 'deleted /d/f']);
  });

  it('keeps the contents of a renamed directory', () => {
    const world = layered((lower) => {
      makeDirectory(lower.caller, AT_FDCWD, '/d', 0o755);
      put(lower, '/d/f', 'x');
    });
    expect(renameFile(world.caller, AT_FDCWD, '/d', AT_FDCWD, '/e', 0)).toBe(0);
    expect(get(world, '/e/f')).toBe('x');
    expect(get(world, '/d/f')).toBe(-ENOENT);
    put(world, '/e/f', 'z');
    expect(get(world, '/e/f')).toBe('z');
    makeDirectory(world.caller, AT_FDCWD, '/d', 0o755);
    expect(names(world, '/d')).toEqual([]);
    expect(changes(world).sort()).toEqual(['added /e', 'added /e/f', 'deleted /d/f', 'modified /d']);
  });

  it('keeps hard links of the lower layer together', () => {
    const world = layered((lower) => {
      put(lower, '/a', 'old');
      linkFile(lower.caller, AT_FDCWD, '/a', AT_FDCWD, '/b', 0);
    });
    put(world, '/a', 'new');
    expect(get(world, '/b')).toBe('new');
    const stat = new StatData();
    statPath(world.caller, AT_FDCWD, '/b', 0, stat);
    expect(stat.links).toBe(2);
    expect(unlinkFile(world.caller, AT_FDCWD, '/a')).toBe(0);
    expect(get(world, '/b')).toBe('new');
  });

  it('merges several lower layers with whiteouts of both kinds', () => {
    const world = layered(
      (lower) => {
        for (const name of ['a', 'b', 'c']) put(lower, `/${name}`, name);
        makeDirectory(lower.caller, AT_FDCWD, '/d', 0o755);
        put(lower, '/d/old', 'x');
      },
      true,
      (top) => {
        const root = top.namespace.root.root.inode!;
        root.ops.create(root, 'a', S_IFCHR, 0, 0, 0);
        put(top, '/.wh.b', '');
        makeDirectory(top.caller, AT_FDCWD, '/d', 0o755);
        put(top, '/d/.wh..wh..opq', '');
        put(top, '/d/new', 'y');
      },
    );
    expect(names(world, '/')).toEqual(['c', 'd']);
    expect(get(world, '/a')).toBe(-ENOENT);
    expect(get(world, '/b')).toBe(-ENOENT);
    expect(names(world, '/d')).toEqual(['new']);
    expect(get(world, '/d/old')).toBe(-ENOENT);
  });

  it('without an upper layer is read-only', () => {
    const world = createWorld((vfs) =>
      createOverlay(vfs, { upper: null, lowers: [fill(createTmpfs(vfs), (lower) => put(lower, '/a', 'x'))] }),
    );
    expect(get(world, '/a')).toBe('x');
    expect(openFile(world.caller, AT_FDCWD, '/a', O_WRONLY, 0)).toBe(-EROFS);
    expect(unlinkFile(world.caller, AT_FDCWD, '/a')).toBe(-EROFS);
  });

  it('gives its memory back when files go', () => {
    const world = layered((lower) => put(lower, '/a', 'x'));
    const before = world.pages.used;
    put(world, '/a', 'yy');
    put(world, '/new', 'z');
    expect(world.pages.used).toBe(before + 2);
    unlinkFile(world.caller, AT_FDCWD, '/a');
    unlinkFile(world.caller, AT_FDCWD, '/new');
    expect(world.pages.used).toBe(before);
  });
});

describe('overlay mounted by a program', () => {
  it('takes directories of other mounts as layers', () => {
    const world = createWorld();
    const { caller, vfs } = world;
    for (const path of ['/low', '/low2', '/up', '/work', '/merged'])
      makeDirectory(caller, AT_FDCWD, path, 0o755);
    put(world, '/low/a', 'a');
    put(world, '/low2/a', 'hidden');
    put(world, '/low2/b', 'b');
    const options = 'lowerdir=/low:/low2,upperdir=/up,workdir=/work';
    expect(OVERLAY_TYPE.mount(vfs, 'overlay', 0, 'lowerdir=', caller)).toBe(-EINVAL);
    expect(OVERLAY_TYPE.mount(vfs, 'overlay', 0, 'lowerdir=/none', caller)).toBe(-ENOENT);
    const superblock = OVERLAY_TYPE.mount(vfs, 'overlay', 0, options, caller);
    if (typeof superblock === 'number') throw new Error('mount');
    vfs.walker.lookup(caller, AT_FDCWD, '/merged', 1);
    attachMount(newMount(superblock, 0), new Location(vfs.walker.mount, vfs.walker.dentry));
    expect(names(world, '/merged')).toEqual(['a', 'b']);
    expect(get(world, '/merged/a')).toBe('a');
    put(world, '/merged/b', 'new');
    unlinkFile(caller, AT_FDCWD, '/merged/a');
    expect(get(world, '/low2/b')).toBe('b');
    expect(get(world, '/up/b')).toBe('new');
    expect(names(world, '/up')).toEqual(['a', 'b']);
    vfs.walker.lookup(caller, AT_FDCWD, '/merged', 1);
    expect(unmount(new Location(vfs.walker.mount, vfs.walker.dentry), 0, null)).toBe(0);
    expect(get(world, '/up/b')).toBe('new');
  });
});

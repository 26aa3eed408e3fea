import {
  AT_FDCWD,
  EACCES,
  EEXIST,
  EISDIR,
  ELOOP,
  ENAMETOOLONG,
  ENOENT,
  ENOTDIR,
  EXDEV,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
} from '@sandbox-kernel/abi';
import {
  attachMount,
  createTmpfs,
  currentDirectory,
  FileDescription,
  Location,
  makeDirectory,
  makeSymlink,
  newMount,
  openFile,
  placeName,
  WALK_FOLLOW,
} from '@sandbox-kernel/vfs';
import { describe, expect, it } from 'vitest';
import { createWorld, mustOpen, TestCredentials, type World } from '../support/world.js';

function sample(): World {
  const world = createWorld();
  const { caller } = world;
  makeDirectory(caller, AT_FDCWD, '/d', 0o755);
  makeDirectory(caller, AT_FDCWD, '/d/e', 0o755);
  mustOpen(caller, '/d/f', O_CREAT | O_WRONLY).release();
  makeSymlink(caller, 'd/e', AT_FDCWD, '/rel');
  makeSymlink(caller, '/d/f', AT_FDCWD, '/abs');
  makeSymlink(caller, '../../../d', AT_FDCWD, '/d/e/up');
  return world;
}

function open(world: World, path: string, flags: number, resolve = 0, dirfd = AT_FDCWD): number {
  const file = openFile(world.caller, dirfd, path, flags, 0o644, resolve);
  if (!(file instanceof FileDescription)) return file;
  file.release();
  return 0;
}

describe('path walk', () => {
  it('follows links, dots and slashes as path_resolution(7) says', () => {
    const world = sample();
    expect(open(world, '/rel/../f', O_RDONLY)).toBe(0);
    expect(open(world, '//d///.//f', O_RDONLY)).toBe(0);
    expect(open(world, '/../../d/f', O_RDONLY)).toBe(0);
    expect(open(world, '/d/e/up/f', O_RDONLY)).toBe(0);
    expect(open(world, '/d/f/', O_RDONLY)).toBe(-ENOTDIR);
    expect(open(world, '/d/f/..', O_RDONLY)).toBe(-ENOTDIR);
    expect(open(world, '', O_RDONLY)).toBe(-ENOENT);
    expect(open(world, `/${'n'.repeat(256)}`, O_RDONLY)).toBe(-ENAMETOOLONG);
    expect(open(world, '/'.repeat(4096), O_RDONLY)).toBe(-ENAMETOOLONG);
  });

  it('counts forty links, not more', () => {
    const world = sample();
    makeSymlink(world.caller, 'd', AT_FDCWD, '/l0');
    for (let i = 1; i <= 40; i++) makeSymlink(world.caller, `l${i - 1}`, AT_FDCWD, `/l${i}`);
    expect(open(world, '/l39/f', O_RDONLY)).toBe(0);
    expect(open(world, '/l40/f', O_RDONLY)).toBe(-ELOOP);
  });

  it('keeps O_NOFOLLOW, O_DIRECTORY, O_EXCL and O_PATH apart', () => {
    const world = sample();
    expect(open(world, '/abs', O_RDONLY | O_NOFOLLOW)).toBe(-ELOOP);
    expect(open(world, '/abs', O_PATH | O_NOFOLLOW)).toBe(0);
    expect(open(world, '/abs', O_PATH | O_NOFOLLOW | O_DIRECTORY)).toBe(-ENOTDIR);
    expect(open(world, '/d/f', O_RDONLY | O_DIRECTORY)).toBe(-ENOTDIR);
    expect(open(world, '/abs', O_CREAT | O_EXCL | O_WRONLY)).toBe(-EEXIST);
    expect(open(world, '/d', O_CREAT | O_RDONLY)).toBe(-EISDIR);
    expect(open(world, '/d', O_WRONLY)).toBe(-EISDIR);
    expect(open(world, '/new/', O_CREAT | O_WRONLY)).toBe(-EISDIR);
  });

  it('holds openat2 restrictions', () => {
    const world = sample();
    const directory = mustOpen(world.caller, '/d', O_PATH);
    const fd = world.caller.files.install(directory, 100, false);
    expect(open(world, 'f', O_RDONLY, RESOLVE_BENEATH, fd)).toBe(0);
    expect(open(world, '../d/f', O_RDONLY, RESOLVE_BENEATH, fd)).toBe(-EXDEV);
    expect(open(world, '/d/f', O_RDONLY, RESOLVE_BENEATH, fd)).toBe(-EXDEV);
    expect(open(world, 'e/up/f', O_RDONLY, RESOLVE_BENEATH, fd)).toBe(-EXDEV);
    expect(open(world, '/f', O_RDONLY, RESOLVE_IN_ROOT, fd)).toBe(0);
    expect(open(world, '../../f', O_RDONLY, RESOLVE_IN_ROOT, fd)).toBe(0);
    expect(open(world, '/rel', O_RDONLY, RESOLVE_NO_SYMLINKS)).toBe(-ELOOP);
  });

  it('crosses mounts both ways, and not with RESOLVE_NO_XDEV', () => {
    const world = sample();
    const { caller, vfs } = world;
    expect(vfs.walker.lookup(caller, AT_FDCWD, '/d/e', WALK_FOLLOW)).toBe(0);
    const place = new Location(vfs.walker.mount, vfs.walker.dentry);
    expect(attachMount(newMount(createTmpfs(vfs), 0), place)).toBe(0);
    const file = mustOpen(caller, '/rel/inside', O_CREAT | O_WRONLY);
    expect(placeName(file.mount, file.dentry!)).toBe('/d/e/inside');
    expect(open(world, '/d/e/../f', O_RDONLY)).toBe(0);
    expect(open(world, '/d/e/inside', O_RDONLY, RESOLVE_NO_XDEV)).toBe(-EXDEV);
  });

  it('needs search permission on every directory', () => {
    const world = sample();
    world.caller.credentials = new TestCredentials(0, 0);
    makeDirectory(world.caller, AT_FDCWD, '/closed', 0o700);
    mustOpen(world.caller, '/closed/f', O_CREAT | O_WRONLY).release();
    world.caller.credentials = new TestCredentials(1000, 1000);
    expect(open(world, '/closed/f', O_RDONLY)).toBe(-EACCES);
    expect(open(world, '/closed/f', O_PATH)).toBe(-EACCES);
    expect(open(world, '/d/new', O_CREAT | O_WRONLY)).toBe(-EACCES);
  });

  it('names the working directory, from inside a root too', () => {
    const { caller, vfs } = sample();
    vfs.walker.lookup(caller, AT_FDCWD, '/d/e', WALK_FOLLOW);
    caller.fs.setCwd(new Location(vfs.walker.mount, vfs.walker.dentry));
    expect(currentDirectory(caller.fs.root, caller.fs.cwd)).toBe('/d/e');
    vfs.walker.lookup(caller, AT_FDCWD, '/d', WALK_FOLLOW);
    caller.fs.setRoot(new Location(vfs.walker.mount, vfs.walker.dentry));
    expect(currentDirectory(caller.fs.root, caller.fs.cwd)).toBe('/e');
  });

  it('remembers no more names than it may', () => {
    const { caller, vfs } = createWorld();
    for (let i = 0; i < 70_000; i++) vfs.walker.lookup(caller, AT_FDCWD, `/missing${i}`, 0);
    expect(vfs.dentries.size).toBeLessThanOrEqual(65_536 + 16);
  });
});

import {
  AT_FDCWD,
  EBUSY,
  EINVAL,
  ENOSPC,
  EROFS,
  MNT_DETACH,
  MS_PRIVATE,
  MS_RDONLY,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
  O_CREAT,
  O_RDONLY,
  O_WRONLY,
} from '@sandbox-kernel/abi';
import {
  attachMount,
  bindMount,
  copyNamespace,
  createTmpfs,
  dropTree,
  FileDescription,
  Location,
  makeDirectory,
  moveMount,
  newMount,
  openFile,
  setPropagation,
  unmount,
  WALK_FOLLOW,
} from '@sandbox-kernel/vfs';
import { describe, expect, it } from 'vitest';
import { createWorld, mustOpen, type World } from '../support/world.js';

function at(world: World, path: string): Location {
  const { walker } = world.vfs;
  expect(walker.lookup(world.caller, AT_FDCWD, path, WALK_FOLLOW)).toBe(0);
  return new Location(walker.mount, walker.dentry);
}

function mountTmpfs(world: World, path: string, flags = 0): void {
  expect(attachMount(newMount(createTmpfs(world.vfs), flags), at(world, path))).toBe(0);
}

function exists(world: World, path: string): boolean {
  const file = openFile(world.caller, AT_FDCWD, path, O_RDONLY, 0);
  if (!(file instanceof FileDescription)) return false;
  file.release();
  return true;
}

function sample(): World {
  const world = createWorld();
  for (const path of ['/a', '/b', '/c', '/a/x']) makeDirectory(world.caller, AT_FDCWD, path, 0o755);
  return world;
}

describe('mounts', () => {
  it('hide what is below and give it back', () => {
    const world = sample();
    mountTmpfs(world, '/a');
    expect(exists(world, '/a/x')).toBe(false);
    const file = mustOpen(world.caller, '/a/f', O_CREAT | O_WRONLY);
    expect(unmount(at(world, '/a'), 0, world.caller.fs.root)).toBe(-EBUSY);
    file.release();
    expect(unmount(at(world, '/a'), 0, world.caller.fs.root)).toBe(0);
    expect(exists(world, '/a/x')).toBe(true);
    expect(unmount(at(world, '/a'), 0, world.caller.fs.root)).toBe(-EINVAL);
  });

  it('detach lazily and end with their last user', () => {
    const world = sample();
    mountTmpfs(world, '/a');
    const file = mustOpen(world.caller, '/a/f', O_CREAT | O_WRONLY);
    const superblock = file.inode!.superblock;
    expect(unmount(at(world, '/a'), MNT_DETACH, null)).toBe(0);
    expect(superblock.mounts).toBe(1);
    file.release();
    expect(superblock.mounts).toBe(0);
  });

  it('refuse writes when read-only', () => {
    const world = sample();
    mountTmpfs(world, '/a', MS_RDONLY);
    expect(makeDirectory(world.caller, AT_FDCWD, '/a/y', 0o755)).toBe(-EROFS);
    expect(openFile(world.caller, AT_FDCWD, '/a/f', O_CREAT | O_WRONLY, 0)).toBe(-EROFS);
  });

  it('bind, alone or with what is mounted below', () => {
    const world = sample();
    mountTmpfs(world, '/a/x');
    makeDirectory(world.caller, AT_FDCWD, '/a/x/deep', 0o755);
    expect(bindMount(at(world, '/a'), at(world, '/b'), false)).toBe(0);
    expect(exists(world, '/b/x/deep')).toBe(false);
    expect(bindMount(at(world, '/a'), at(world, '/c'), true)).toBe(0);
    expect(exists(world, '/c/x/deep')).toBe(true);
  });

  it('tell peers and slaves, and not the other way round', () => {
    const world = sample();
    mountTmpfs(world, '/a');
    makeDirectory(world.caller, AT_FDCWD, '/a/m', 0o755);
    expect(setPropagation(at(world, '/a'), MS_SHARED)).toBe(0);
    expect(bindMount(at(world, '/a'), at(world, '/b'), false)).toBe(0);
    expect(bindMount(at(world, '/a'), at(world, '/c'), false)).toBe(0);
    expect(setPropagation(at(world, '/c'), MS_SLAVE)).toBe(0);
    mountTmpfs(world, '/a/m');
    makeDirectory(world.caller, AT_FDCWD, '/a/m/seen', 0o755);
    expect(exists(world, '/b/m/seen')).toBe(true);
    expect(exists(world, '/c/m/seen')).toBe(true);
    expect(unmount(at(world, '/b/m'), 0, null)).toBe(0);
    expect(exists(world, '/a/m/seen')).toBe(false);
    expect(exists(world, '/c/m/seen')).toBe(false);
    mountTmpfs(world, '/c/m');
    makeDirectory(world.caller, AT_FDCWD, '/c/m/own', 0o755);
    expect(exists(world, '/a/m/own')).toBe(false);
  });

  it('move, and refuse to be bound when unbindable', () => {
    const world = sample();
    mountTmpfs(world, '/a');
    makeDirectory(world.caller, AT_FDCWD, '/a/in', 0o755);
    expect(moveMount(at(world, '/a'), at(world, '/b'))).toBe(0);
    expect(exists(world, '/b/in')).toBe(true);
    expect(exists(world, '/a/in')).toBe(false);
    expect(setPropagation(at(world, '/b'), MS_UNBINDABLE)).toBe(0);
    expect(bindMount(at(world, '/b'), at(world, '/c'), false)).toBe(-EINVAL);
    expect(setPropagation(at(world, '/b'), MS_PRIVATE)).toBe(0);
    expect(bindMount(at(world, '/b'), at(world, '/c'), false)).toBe(0);
  });
});

describe('many mounts', () => {
  it('of a shared tree into itself end at the limit, without a copy too many', () => {
    const world = createWorld();
    setPropagation(at(world, '/'), MS_SHARED);
    const counts = [];
    for (let i = 0; i < 6; i++) {
      makeDirectory(world.caller, AT_FDCWD, `/${i}`, 0o755);
      const result = bindMount(at(world, '/'), at(world, `/${i}`), true);
      counts.push(result === 0 ? world.namespace.count : result);
    }
    // Each of n mounts is copied once for the place itself and once for each of its n - 1 peers.
    expect(counts).toEqual([2, 6, 42, 1806, -ENOSPC, -ENOSPC]);
    expect(world.namespace.list().length).toBe(1806);
  });

  it('and directories nest as deep as programs like', () => {
    const world = createWorld();
    makeDirectory(world.caller, AT_FDCWD, '/top', 0o755);
    mountTmpfs(world, '/top');
    const top = at(world, '/top');
    world.caller.fs.setCwd(top);
    for (let i = 0; i < 20_000; i++) {
      makeDirectory(world.caller, AT_FDCWD, 'd', 0o755);
      if (i < 5000) mountTmpfs(world, 'd');
      world.caller.fs.setCwd(at(world, 'd'));
    }
    expect(world.namespace.count).toBe(5002);
    const copy = copyNamespace(world.namespace, new Map());
    expect(copy.count).toBe(5002);
    dropTree(copy.root);
    world.caller.fs.setCwd(at(world, '/'));
    expect(unmount(at(world, '/top'), MNT_DETACH, null)).toBe(0);
    expect(world.namespace.count).toBe(1);
  });
});

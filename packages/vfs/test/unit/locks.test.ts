import {
  EAGAIN,
  EDEADLK,
  F_RDLCK,
  F_UNLCK,
  F_WRLCK,
  LOCK_EX,
  LOCK_SH,
  LOCK_UN,
  O_CREAT,
  O_RDWR,
} from '@sandbox-kernel/abi';
import { findConflict, flock, setRecordLock } from '@sandbox-kernel/vfs';
import { describe, expect, it } from 'vitest';
import { createWorld, mustOpen } from '../support/world.js';

const ONE = { name: 'one' };
const TWO = { name: 'two' };

describe('record locks', () => {
  it('conflict by range and type', () => {
    const { caller } = createWorld();
    const inode = mustOpen(caller, '/f', O_CREAT | O_RDWR).inode!;
    const set = (owner: object, type: number, start: number, end: number, wait = false): number =>
      setRecordLock(inode, owner, false, type, start, end, 1, wait);
    expect(set(ONE, F_WRLCK, 0, 10)).toBe(0);
    expect(set(TWO, F_RDLCK, 5, 6)).toBe(-EAGAIN);
    expect(set(TWO, F_RDLCK, 10, Infinity)).toBe(0);
    expect(set(ONE, F_RDLCK, 0, Infinity)).toBe(0);
    expect(set(ONE, F_WRLCK, 0, Infinity)).toBe(-EAGAIN);
    expect(set(ONE, F_UNLCK, 3, 4)).toBe(0);
    expect(
      inode.locks!.records.filter((lock) => lock.owner === ONE).map((lock) => [lock.start, lock.end]),
    ).toEqual([
      [0, 3],
      [4, Infinity],
    ]);
    expect(findConflict(inode, TWO, F_WRLCK, 3, 4)).toBeNull();
    expect(findConflict(inode, TWO, F_WRLCK, 4, 5)!.owner).toBe(ONE);
  });

  it('merge with their neighbours', () => {
    const { caller } = createWorld();
    const inode = mustOpen(caller, '/f', O_CREAT | O_RDWR).inode!;
    for (const start of [0, 20, 10]) setRecordLock(inode, ONE, false, F_WRLCK, start, start + 10, 1, false);
    expect(inode.locks!.records.length).toBe(1);
    setRecordLock(inode, ONE, false, F_RDLCK, 5, 25, 1, false);
    expect(inode.locks!.records.map((lock) => [lock.type, lock.start, lock.end])).toEqual([
      [F_WRLCK, 0, 5],
      [F_RDLCK, 5, 25],
      [F_WRLCK, 25, 30],
    ]);
  });

  it('refuse to wait in a circle', () => {
    const { caller } = createWorld();
    const inode = mustOpen(caller, '/f', O_CREAT | O_RDWR).inode!;
    setRecordLock(inode, ONE, false, F_WRLCK, 0, 1, 1, false);
    setRecordLock(inode, TWO, false, F_WRLCK, 1, 2, 2, false);
    expect(setRecordLock(inode, ONE, false, F_WRLCK, 1, 2, 1, true)).toBe(-EAGAIN);
    expect(setRecordLock(inode, TWO, false, F_WRLCK, 0, 1, 2, true)).toBe(-EDEADLK);
  });

  it('go with any close of the file by their process, those of a description with its last', () => {
    const { caller } = createWorld();
    const first = mustOpen(caller, '/f', O_CREAT | O_RDWR);
    const second = mustOpen(caller, '/f', O_RDWR);
    const inode = first.inode!;
    caller.files.install(first, 10, false);
    caller.files.install(second, 10, false);
    caller.files.hasLocks = true;
    setRecordLock(inode, caller.files, false, F_WRLCK, 0, 1, 1, false);
    setRecordLock(inode, first, true, F_WRLCK, 5, 6, 1, false);
    caller.files.close(1);
    expect(inode.locks!.records.map((lock) => lock.ofd)).toEqual([true]);
    caller.files.close(0);
    expect(inode.locks!.records).toEqual([]);
  });
});

describe('flock', () => {
  it('belongs to the open file description', () => {
    const { caller } = createWorld();
    const first = mustOpen(caller, '/f', O_CREAT | O_RDWR);
    const second = mustOpen(caller, '/f', O_RDWR);
    expect(flock(first, LOCK_SH, 1)).toBe(0);
    expect(flock(second, LOCK_SH, 2)).toBe(0);
    expect(flock(first, LOCK_EX, 1)).toBe(-EAGAIN);
    expect(flock(second, LOCK_UN, 2)).toBe(0);
    expect(flock(first, LOCK_EX, 1)).toBe(0);
    first.release();
    expect(flock(second, LOCK_EX, 2)).toBe(0);
  });
});

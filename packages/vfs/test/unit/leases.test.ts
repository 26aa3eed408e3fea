import {
  AT_FDCWD,
  EAGAIN,
  F_RDLCK,
  F_UNLCK,
  F_WRLCK,
  O_CREAT,
  O_RDONLY,
  O_WRONLY,
} from '@sandbox-kernel/abi';
import { getLease, leaseDeadline, openFile, setLease } from '@sandbox-kernel/vfs';
import { describe, expect, it } from 'vitest';
import { createWorld, mustOpen } from '../support/world.js';

describe('leases', () => {
  it('are broken by opens, and end by themselves after the break time', () => {
    const { caller, clock } = createWorld();
    mustOpen(caller, '/f', O_CREAT | O_WRONLY).release();
    const holder = mustOpen(caller, '/f', O_RDONLY);
    expect(setLease(holder, 3, F_RDLCK)).toBe(0);
    expect(openFile(caller, AT_FDCWD, '/f', O_WRONLY, 0)).toBe(-EAGAIN);
    expect(caller.fs.vfs.locks.breaking).toBe(holder.inode);
    expect(getLease(holder)).toBe(F_UNLCK);
    expect(leaseDeadline(holder.inode!)).toBe(clock.now + 45e9);
    clock.now += 45e9;
    expect(typeof openFile(caller, AT_FDCWD, '/f', O_WRONLY, 0)).toBe('object');
    expect(setLease(holder, 3, F_UNLCK)).toBe(-EAGAIN);
  });

  it('become weaker when only a reader came', () => {
    const { caller, clock } = createWorld();
    mustOpen(caller, '/f', O_CREAT | O_WRONLY).release();
    const holder = mustOpen(caller, '/f', O_RDONLY);
    expect(setLease(holder, 3, F_WRLCK)).toBe(0);
    expect(openFile(caller, AT_FDCWD, '/f', O_RDONLY, 0)).toBe(-EAGAIN);
    expect(getLease(holder)).toBe(F_RDLCK);
    clock.now += 45e9;
    expect(typeof openFile(caller, AT_FDCWD, '/f', O_RDONLY, 0)).toBe('object');
    expect(getLease(holder)).toBe(F_RDLCK);
  });

  it('are refused to writers of files that others have open', () => {
    const { caller } = createWorld();
    const writer = mustOpen(caller, '/f', O_CREAT | O_WRONLY);
    const reader = mustOpen(caller, '/f', O_RDONLY);
    expect(setLease(reader, 3, F_RDLCK)).toBe(-EAGAIN);
    expect(setLease(writer, 4, F_WRLCK)).toBe(-EAGAIN);
    reader.release();
    expect(setLease(writer, 4, F_WRLCK)).toBe(0);
  });
});

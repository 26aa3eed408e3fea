import { EBADF, EINVAL, EMFILE, O_CREAT, O_RDWR } from '@sandbox-kernel/abi';
import { describe, expect, it } from 'vitest';
import { createWorld, mustOpen } from '../support/world.js';

const LIMIT = 16;

describe('descriptor table', () => {
  it('gives the lowest free number', () => {
    const { caller } = createWorld();
    const { files } = caller;
    for (let i = 0; i < 4; i++)
      expect(files.install(mustOpen(caller, '/a', O_CREAT | O_RDWR), LIMIT, false)).toBe(i);
    expect(files.close(1)).toBe(0);
    expect(files.close(1)).toBe(-EBADF);
    expect(files.dup(3, 0, LIMIT, false)).toBe(1);
    expect(files.dup(3, 10, LIMIT, true)).toBe(10);
    expect(files.closesOnExec(10)).toBe(1);
    expect(files.dup(3, LIMIT, LIMIT, false)).toBe(-EINVAL);
  });

  it('ends at its limit', () => {
    const { caller } = createWorld();
    const file = mustOpen(caller, '/a', O_CREAT | O_RDWR);
    expect(caller.files.install(file, 1, false)).toBe(0);
    expect(caller.files.dup(0, 0, 1, false)).toBe(-EMFILE);
    expect(caller.files.dup2(0, 5, 5)).toBe(-EBADF);
    expect(caller.files.dup2(0, 0, 5)).toBe(0);
    expect(caller.files.dup3(0, 0, 5, false)).toBe(-EINVAL);
  });

  it('counts references over dup, copy and close', () => {
    const { caller } = createWorld();
    const file = mustOpen(caller, '/a', O_CREAT | O_RDWR);
    caller.files.install(file, LIMIT, true);
    caller.files.dup(0, 0, LIMIT, false);
    const child = caller.files.copy();
    expect(file.refs).toBe(4);
    child.closeMarked();
    expect(file.refs).toBe(3);
    expect(child.get(0)).toBeNull();
    child.release();
    caller.files.closeRange(0, 100, false);
    expect(file.refs).toBe(0);
  });
});

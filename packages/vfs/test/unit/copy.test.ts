import { EOVERFLOW, O_CREAT, O_RDWR } from '@sandbox-kernel/abi';
import { ByteSegments, copyFileRange, writeFile } from '@sandbox-kernel/vfs';
import { describe, expect, it } from 'vitest';
import { bytes, createWorld, mustOpen } from '../support/world.js';

describe('copy_file_range', () => {
  it('copies what there is when asked for nearly all that an offset can hold, as cat and cp do', () => {
    const { caller } = createWorld();
    const from = mustOpen(caller, '/a', O_CREAT | O_RDWR);
    const to = mustOpen(caller, '/b', O_CREAT | O_RDWR);
    writeFile(from, new ByteSegments().add(bytes('hello'), 0, 5), 0, Number.POSITIVE_INFINITY);
    from.position = 0;
    expect(copyFileRange(from, -1, to, -1, 2 ** 63 - 131_072, Number.POSITIVE_INFINITY)).toBe(5);
    expect(copyFileRange(from, 131_072, to, -1, 2 ** 63 - 131_072, Number.POSITIVE_INFINITY)).toBe(0);
    expect(copyFileRange(from, 131_072, to, -1, 2 ** 64, Number.POSITIVE_INFINITY)).toBe(-EOVERFLOW);
  });
});

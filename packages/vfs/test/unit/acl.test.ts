import { AT_FDCWD, EACCES, EINVAL, EOPNOTSUPP, O_CREAT, O_RDWR } from '@sandbox-kernel/abi';
import {
  checkAcl,
  encodeAcl,
  getXattr,
  isValidAcl,
  makeDirectory,
  modeOfAcl,
  parseAcl,
  setXattr,
} from '@sandbox-kernel/vfs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createWorld, mustOpen } from '../support/world.js';

const USER_OBJ = 1;
const USER = 2;
const GROUP_OBJ = 4;
const MASK = 16;
const OTHER = 32;
const NOBODY = 0xffffffff;
const LIST = [
  { tag: USER_OBJ, permissions: 6, id: NOBODY },
  { tag: USER, permissions: 7, id: 1000 },
  { tag: GROUP_OBJ, permissions: 4, id: NOBODY },
  { tag: MASK, permissions: 5, id: NOBODY },
  { tag: OTHER, permissions: 0, id: NOBODY },
];

const caller = (fsuid: number, fsgid: number) => ({
  fsuid,
  fsgid,
  groups: [],
  hasCapability: () => false,
});

describe('access control lists', () => {
  it('never throws on arbitrary bytes, and writes what it read', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const acl = parseAcl(bytes);
        if (typeof acl === 'number' || acl === null) return;
        expect(parseAcl(encodeAcl(acl))).toEqual(acl);
      }),
    );
    expect(parseAcl(Uint8Array.of(1, 0, 0, 0))).toBe(-EOPNOTSUPP);
    expect(parseAcl(Uint8Array.of(2, 0, 0))).toBe(-EINVAL);
  });

  it('limits named users by the mask and shows it as the group of the mode', () => {
    expect(isValidAcl(LIST)).toBe(true);
    expect(modeOfAcl(LIST)).toBe(0o650);
    expect(checkAcl(LIST, 5, caller(1000, 1), 4)).toBe(0);
    expect(checkAcl(LIST, 5, caller(1000, 1), 2)).toBe(-EACCES);
    expect(checkAcl(LIST, 5, caller(7, 5), 4)).toBe(0);
    expect(checkAcl(LIST, 5, caller(7, 8), 4)).toBe(-EACCES);
  });

  it('wants an order, each class once, and a mask where somebody is named', () => {
    expect(isValidAcl(LIST.filter(({ tag }) => tag !== MASK))).toBe(false);
    expect(isValidAcl([...LIST].reverse())).toBe(false);
    expect(isValidAcl(LIST.slice(0, 4))).toBe(false);
  });

  it('gives new files what the default list of their directory says', () => {
    const { caller: root } = createWorld();
    makeDirectory(root, AT_FDCWD, '/d', 0o755);
    const set = setXattr(root, AT_FDCWD, '/d', 'system.posix_acl_default', encodeAcl(LIST), 0, 0);
    expect(set).toBe(0);
    const file = mustOpen(root, '/d/f', O_CREAT | O_RDWR);
    expect(file.inode!.mode & 0o777).toBe(0o640);
    const own = getXattr(root, AT_FDCWD, '/d/f', 'system.posix_acl_access', 0);
    expect(parseAcl(own as Uint8Array)).toContainEqual({ tag: USER, permissions: 7, id: 1000 });
    file.release();
  });
});

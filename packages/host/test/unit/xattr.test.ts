import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ENAMETOOLONG, ENODATA, ERANGE } from '@sandbox-kernel/abi';
import { expect, it } from 'vitest';
import { useTemp } from '../temp.js';

const temp = useTemp();
const ENOTSUP = 95;

it('sets, reads, lists and removes attributes of files and descriptors', () => {
  const { xattrs, paths, descriptors } = temp.host;
  const path = join(temp.path, 'f');
  writeFileSync(path, '');
  const fd = paths.open(temp.fd, 'f', 0, 0, 0);
  const value = Uint8Array.of(1, 0, 255);
  const result = xattrs.set(path, 'user.test', value, 0);
  if (result === -ENOTSUP) return;
  expect(result).toBe(0);
  const into = new Uint8Array(8);
  expect(xattrs.get(fd, 'user.test', new Uint8Array(0))).toBe(3);
  expect(xattrs.get(fd, 'user.test', into)).toBe(3);
  expect([...into.subarray(0, 3)]).toEqual([...value]);
  expect(xattrs.get(path, 'user.test', new Uint8Array(2))).toBe(-ERANGE);
  const names = new Uint8Array(256);
  const length = xattrs.list(path, names);
  expect(Buffer.from(names.subarray(0, length)).toString('latin1')).toContain('user.test\0');
  expect(xattrs.remove(fd, 'user.test')).toBe(0);
  expect(xattrs.get(path, 'user.test', into)).toBe(-ENODATA);
  expect(xattrs.get(path, `user.${'x'.repeat(300)}`, into)).toBe(-ENAMETOOLONG);
  descriptors.close(fd);
});

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EBADF, ENOTDIR } from '@sandbox-kernel/abi';
import { expect, it } from 'vitest';
import { useTemp } from '../temp.js';

const temp = useTemp();

function names(): string[] {
  const { directory } = temp.host;
  const found: string[] = [];
  while (directory.fill(temp.fd) > 0) while (directory.next()) found.push(directory.name);
  return found;
}

it('lists every entry once, also of a directory that takes several batches', () => {
  const expected = Array.from({ length: 3000 }, (_, i) => `file-with-a-longish-name-${i}`);
  for (const name of expected) writeFileSync(join(temp.path, name), '');
  expect(names().sort()).toEqual(['.', '..', ...expected].sort());
});

it('tells types and goes on after a cookie', () => {
  mkdirSync(join(temp.path, 'd'));
  symlinkSync('x', join(temp.path, 'l'));
  const { directory, descriptors } = temp.host;
  const types = new Map<string, number>();
  directory.fill(temp.fd);
  while (directory.next()) types.set(directory.name, directory.type);
  expect([types.get('d'), types.get('l')]).toEqual([4, 10]);
  expect(directory.fill(temp.fd)).toBe(0);
  expect(directory.next()).toBe(false);
  descriptors.lseek(temp.fd, 0, 0);
  expect(directory.fill(temp.fd)).toBeGreaterThan(0);
});

it('passes errors on', () => {
  expect(temp.host.directory.fill(9999)).toBe(-EBADF);
  expect(temp.host.directory.next()).toBe(false);
  const fd = temp.host.paths.open(-100, '/dev/null', 0, 0, 0);
  expect(temp.host.directory.fill(fd)).toBe(-ENOTDIR);
  temp.host.descriptors.close(fd);
});

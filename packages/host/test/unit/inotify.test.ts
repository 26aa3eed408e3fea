import { renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EAGAIN, ENOENT } from '@sandbox-kernel/abi';
import { expect, it } from 'vitest';
import { useTemp } from '../temp.js';

const temp = useTemp();
const IN_CREATE = 0x100;
const IN_DELETE = 0x200;
const IN_MOVED_FROM = 0x40;
const IN_MOVED_TO = 0x80;

it('tells what happened in a directory, in order', () => {
  const { inotify, descriptors } = temp.host;
  const fd = inotify.open();
  const watch = inotify.add(
    fd,
    `/proc/self/fd/${temp.fd}`,
    IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO,
  );
  expect(watch).toBeGreaterThan(0);
  expect(inotify.fill(fd)).toBe(-EAGAIN);
  writeFileSync(join(temp.path, 'a'), '');
  renameSync(join(temp.path, 'a'), join(temp.path, 'b'));
  unlinkSync(join(temp.path, 'b'));
  inotify.fill(fd);
  const seen: [number, string][] = [];
  const cookies: number[] = [];
  while (inotify.next()) {
    seen.push([inotify.mask, inotify.name]);
    cookies.push(inotify.cookie);
  }
  expect(seen).toEqual([
    [IN_CREATE, 'a'],
    [IN_MOVED_FROM, 'a'],
    [IN_MOVED_TO, 'b'],
    [IN_DELETE, 'b'],
  ]);
  expect(cookies[1]).toBe(cookies[2]);
  expect(inotify.remove(fd, watch)).toBe(0);
  expect(inotify.add(fd, join(temp.path, 'missing'), IN_CREATE)).toBe(-ENOENT);
  descriptors.close(fd);
});

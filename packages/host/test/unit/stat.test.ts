import { linkSync, statfsSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EBADF, ENOENT } from '@sandbox-kernel/abi';
import { HostStat, HostStatfs } from '@sandbox-kernel/host';
import { expect, it } from 'vitest';
import { useTemp } from '../temp.js';

const temp = useTemp();

it('agrees with the status that Node sees', () => {
  const path = join(temp.path, 'f');
  writeFileSync(path, 'twelve bytes');
  linkSync(path, join(temp.path, 'g'));
  const stat = new HostStat();
  expect(temp.host.stats.stat(temp.fd, 'f', 0, stat)).toBe(0);
  const expected = statSync(path);
  expect(stat).toMatchObject({
    mode: expected.mode,
    ino: expected.ino,
    nlink: 2,
    size: 12,
    uid: expected.uid,
    gid: expected.gid,
    blocks: expected.blocks,
  });
  expect(stat.modifySeconds).toBe(Math.floor(expected.mtimeMs / 1000));
});

it('holds sizes above 4 GiB', () => {
  const path = join(temp.path, 'f');
  writeFileSync(path, '');
  truncateSync(path, 2 ** 33 + 5);
  const stat = new HostStat();
  temp.host.stats.stat(temp.fd, 'f', 0, stat);
  expect(stat.size).toBe(2 ** 33 + 5);
});

it('gives device numbers of special files', () => {
  const stat = new HostStat();
  expect(temp.host.stats.stat(-100, '/dev/null', 0, stat)).toBe(0);
  expect([stat.rdevMajor, stat.rdevMinor]).toEqual([1, 3]);
});

it('passes errors on', () => {
  const stat = new HostStat();
  expect(temp.host.stats.stat(temp.fd, 'missing', 0, stat)).toBe(-ENOENT);
  expect(temp.host.stats.fstat(9999, stat)).toBe(-EBADF);
  expect(temp.host.stats.statfs(9999, new HostStatfs())).toBe(-EBADF);
});

it('describes the filesystem', () => {
  const info = new HostStatfs();
  expect(temp.host.stats.statfs(temp.fd, info)).toBe(0);
  const expected = statfsSync(temp.path);
  expect(info).toMatchObject({ type: expected.type, blockSize: expected.bsize, blocks: expected.blocks });
  expect(info.nameLength).toBe(255);
});

import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import {
  AT_REMOVEDIR,
  AT_SYMLINK_NOFOLLOW,
  EEXIST,
  EISDIR,
  ELOOP,
  ENAMETOOLONG,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  EXDEV,
  O_CREAT,
  O_DIRECTORY,
  O_RDWR,
  O_WRONLY,
} from '@sandbox-kernel/abi';
import {
  HostStat,
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_SYMLINKS,
  UTIME_OMIT,
} from '@sandbox-kernel/host';
import { describe, expect, it } from 'vitest';
import { useTemp } from '../temp.js';

const temp = useTemp();
const close = (fd: number): number => temp.host.descriptors.close(fd);

describe('open', () => {
  it('creates, opens and refuses as the host does', () => {
    const { paths } = temp.host;
    const fd = paths.open(temp.fd, 'a', O_CREAT | O_RDWR, 0o640, 0);
    expect(fd).toBeGreaterThan(2);
    expect(close(fd)).toBe(0);
    expect(statSync(join(temp.path, 'a')).mode & 0o777).toBe(0o640);
    expect(paths.open(temp.fd, 'missing', O_RDWR, 0, 0)).toBe(-ENOENT);
    expect(paths.open(temp.fd, 'a', O_DIRECTORY, 0, 0)).toBe(-ENOTDIR);
    expect(paths.open(temp.fd, '.', O_WRONLY, 0, 0)).toBe(-EISDIR);
    expect(paths.open(temp.fd, 'x'.repeat(4096), 0, 0, 0)).toBe(-ENAMETOOLONG);
  });

  it('never leaves the directory when it is the root', () => {
    mkdirSync(join(temp.path, 'sub'));
    symlinkSync('/etc', join(temp.path, 'absolute'));
    writeFileSync(join(temp.path, 'inside'), 'x');
    symlinkSync('/../../inside', join(temp.path, 'climb'));
    const { paths } = temp.host;
    expect(paths.open(temp.fd, 'absolute/passwd', 0, 0, RESOLVE_IN_ROOT)).toBe(-ENOENT);
    const fd = paths.open(temp.fd, 'climb', 0, 0, RESOLVE_IN_ROOT);
    expect(fd).toBeGreaterThan(2);
    close(fd);
    expect(paths.open(temp.fd, '../', 0, 0, RESOLVE_BENEATH)).toBe(-EXDEV);
    expect(paths.open(temp.fd, 'climb', 0, 0, RESOLVE_NO_SYMLINKS)).toBe(-ELOOP);
  });

  it('keeps bytes of a name that are no UTF-8', () => {
    const name = '\xff\xfe\x80 long enough to take the other way of copying';
    const fd = temp.host.paths.open(temp.fd, name, O_CREAT | O_RDWR, 0o600, 0);
    close(fd);
    const [found] = readdirSync(temp.path, { encoding: 'buffer' });
    expect(found?.toString('latin1')).toBe(name);
  });
});

describe('changing a directory', () => {
  it('makes and removes directories', () => {
    const { paths } = temp.host;
    expect(paths.mkdir(temp.fd, 'd', 0o700)).toBe(0);
    expect(paths.mkdir(temp.fd, 'd', 0o700)).toBe(-EEXIST);
    writeFileSync(join(temp.path, 'd/f'), '');
    expect(paths.unlink(temp.fd, 'd', AT_REMOVEDIR)).toBe(-ENOTEMPTY);
    expect(paths.unlink(temp.fd, 'd/f', 0)).toBe(0);
    expect(paths.unlink(temp.fd, 'd', AT_REMOVEDIR)).toBe(0);
    expect(existsSync(join(temp.path, 'd'))).toBe(false);
  });

  it('links, renames, and reads links back', () => {
    const { paths } = temp.host;
    writeFileSync(join(temp.path, 'f'), 'text');
    expect(paths.link(temp.fd, 'f', temp.fd, 'g', 0)).toBe(0);
    expect(paths.rename(temp.fd, 'g', temp.fd, 'h', 1)).toBe(0);
    expect(paths.rename(temp.fd, 'f', temp.fd, 'h', 1)).toBe(-EEXIST);
    expect(paths.symlink('somewhere else', temp.fd, 's')).toBe(0);
    const length = paths.readlink(temp.fd, 's');
    expect(paths.linkTarget(length)).toBe('somewhere else');
    expect(paths.readlink(temp.fd, 'gone')).toBe(-ENOENT);
    expect(readFileSync(join(temp.path, 'h'), 'utf8')).toBe('text');
    const S_IFIFO = 0o010000;
    expect(paths.mknod(temp.fd, 'fifo', S_IFIFO | 0o600, 0)).toBe(0);
    expect(lstatSync(join(temp.path, 'fifo')).isFIFO()).toBe(true);
  });

  it('changes mode, owner and times', () => {
    const { paths, stats } = temp.host;
    writeFileSync(join(temp.path, 'f'), '');
    expect(paths.chmod(temp.fd, 'f', 0o604)).toBe(0);
    expect(paths.chown(temp.fd, 'f', -1, -1, AT_SYMLINK_NOFOLLOW)).toBe(0);
    const times = {
      accessSeconds: 5_000_000_000,
      accessNanos: 7,
      modifySeconds: -1,
      modifyNanos: 999_999_999,
    };
    expect(paths.utimens(temp.fd, 'f', times, 0)).toBe(0);
    const stat = new HostStat();
    expect(stats.stat(temp.fd, 'f', 0, stat)).toBe(0);
    expect(stat.mode & 0o777).toBe(0o604);
    expect([stat.accessSeconds, stat.accessNanos]).toEqual([5_000_000_000, 7]);
    expect([stat.modifySeconds, stat.modifyNanos]).toEqual([-1, 999_999_999]);
    const fd = paths.open(temp.fd, 'f', O_RDWR, 0, 0);
    expect(paths.utimens(fd, null, { ...times, accessNanos: UTIME_OMIT, modifySeconds: 3 }, 0)).toBe(0);
    stats.fstat(fd, stat);
    close(fd);
    expect([stat.accessSeconds, stat.modifySeconds]).toEqual([5_000_000_000, 3]);
  });

  it('tells whether a file may be used', () => {
    writeFileSync(join(temp.path, 'f'), '');
    expect(temp.host.paths.access(temp.fd, 'f', 4, 0)).toBe(0);
    expect(temp.host.paths.access(temp.fd, 'f', 4, 0x200)).toBe(0);
    expect(temp.host.paths.access(temp.fd, 'nothing', 0, 0)).toBe(-ENOENT);
  });
});

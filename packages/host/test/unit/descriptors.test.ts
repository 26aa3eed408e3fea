import {
  EBADF,
  EINVAL,
  ENOTTY,
  ENXIO,
  O_CREAT,
  O_NONBLOCK,
  O_RDWR,
  POLLIN,
  POLLOUT,
} from '@sandbox-kernel/abi';
import { FIONREAD, HostStat, TIOCGWINSZ } from '@sandbox-kernel/host';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { useTemp } from '../temp.js';

const temp = useTemp();
let fd = -1;
beforeEach(() => {
  fd = temp.host.paths.open(temp.fd, 'f', O_CREAT | O_RDWR, 0o600, 0);
});
afterEach(() => {
  temp.host.descriptors.close(fd);
});

it('moves the position and finds data and holes', () => {
  const { descriptors, transfer } = temp.host;
  expect(descriptors.truncate(fd, 2 ** 33)).toBe(0);
  transfer.write(fd, new Uint8Array(10).fill(1), 0, 10, 2 ** 32);
  expect(descriptors.lseek(fd, 0, 3)).toBe(2 ** 32);
  expect(descriptors.lseek(fd, -5, 2)).toBe(2 ** 33 - 5);
  expect(descriptors.lseek(fd, 2 ** 33, 3)).toBe(-ENXIO);
  expect(descriptors.lseek(fd, -1, 0)).toBe(-EINVAL);
});

it('allocates and punches', () => {
  const { descriptors, stats } = temp.host;
  const stat = new HostStat();
  expect(descriptors.allocate(fd, 0, 0, 65536)).toBe(0);
  stats.fstat(fd, stat);
  expect(stat.size).toBe(65536);
  expect(descriptors.allocate(fd, 3, 0, 32768)).toBe(0);
  expect(descriptors.allocate(fd, 0, 0, 0)).toBe(-EINVAL);
  expect(descriptors.sync(fd)).toBe(0);
  expect(descriptors.syncData(fd)).toBe(0);
});

it('duplicates with close-on-exec and shares status flags', () => {
  const { descriptors } = temp.host;
  const copy = descriptors.dup(fd);
  expect(descriptors.getDescriptorFlags(copy)).toBe(1);
  expect(descriptors.setStatusFlags(copy, O_NONBLOCK)).toBe(0);
  expect(descriptors.getStatusFlags(fd) & O_NONBLOCK).toBe(O_NONBLOCK);
  descriptors.close(copy);
  expect(descriptors.getStatusFlags(copy)).toBe(-EBADF);
  expect(descriptors.close(9999)).toBe(-EBADF);
});

it('polls one end of a pipe and counts what is in it', () => {
  const { descriptors, transfer } = temp.host;
  const ends = new Int32Array(2);
  expect(descriptors.pipe(O_NONBLOCK, ends)).toBe(0);
  const [read = -1, write = -1] = ends;
  expect(descriptors.poll(read, POLLIN)).toBe(0);
  expect(descriptors.poll(write, POLLOUT)).toBe(POLLOUT);
  transfer.write(write, Uint8Array.of(1, 2, 3), 0, 3, -1);
  expect(descriptors.poll(read, POLLIN)).toBe(POLLIN);
  expect(descriptors.ioctlInt(read, FIONREAD)).toBe(3);
  expect(descriptors.ioctlStruct(read, TIOCGWINSZ, new Uint8Array(8), 8)).toBe(-ENOTTY);
  descriptors.close(read);
  descriptors.close(write);
});

it('locks a file against another open of it', () => {
  const { descriptors, paths } = temp.host;
  const other = paths.open(temp.fd, 'f', O_RDWR, 0, 0);
  const LOCK_EX_NB = 6;
  expect(descriptors.flock(fd, LOCK_EX_NB)).toBe(0);
  expect(descriptors.flock(other, LOCK_EX_NB)).toBe(-11);
  descriptors.close(other);
});

it('makes memory files that can be sealed', () => {
  const { descriptors } = temp.host;
  const memfd = descriptors.memfd('name', 3);
  expect(descriptors.truncate(memfd, 4096)).toBe(0);
  const F_SEAL_SHRINK = 2;
  expect(descriptors.addSeals(memfd, F_SEAL_SHRINK)).toBe(0);
  expect(descriptors.truncate(memfd, 0)).toBe(-1);
  descriptors.close(memfd);
});

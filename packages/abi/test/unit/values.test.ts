// Composed values: wait statuses, device numbers, directory entries, control message sizes.
import { expect, it } from 'vitest';
import {
  CONTINUED_STATUS,
  cmsgLength,
  cmsgSpace,
  DIRENT64_LAYOUT,
  DT_REG,
  deviceMajor,
  deviceMinor,
  direntSize,
  exitStatus,
  ioctlDirection,
  ioctlNumber,
  ioctlRequest,
  ioctlSize,
  ioctlType,
  makeDevice,
  SIGKILL,
  SIGSEGV,
  SIGSTOP,
  signalStatus,
  stopStatus,
  TIOCGPTN,
  writeDirent,
} from '../../src/index.js';

it('builds the status words of wait(2)', () => {
  expect([exitStatus(3), exitStatus(256 + 7)]).toEqual([0x300, 0x700]);
  expect([signalStatus(SIGKILL, false), signalStatus(SIGSEGV, true)]).toEqual([9, 0x8b]);
  expect([stopStatus(SIGSTOP, 0), stopStatus(5, 4), CONTINUED_STATUS]).toEqual([0x137f, 0x4057f, 0xffff]);
});

it('packs device numbers as glibc’s makedev does', () => {
  expect([makeDevice(1, 3), makeDevice(136, 0), makeDevice(8, 300)]).toEqual([0x103, 0x8800, 0x10082c]);
  for (const [major, minor] of [
    [0, 0],
    [4095, 1048575],
    [136, 70000],
  ] as const) {
    const device = makeDevice(major, minor);
    expect([deviceMajor(device), deviceMinor(device)]).toEqual([major, minor]);
  }
});

it('writes a directory entry with padding, or nothing when it does not fit', () => {
  const view = new DataView(new ArrayBuffer(64));
  new Uint8Array(view.buffer).fill(0xee);
  expect(writeDirent(view, 8, 64, 42, 2 ** 40, DT_REG, 'hello')).toBe(direntSize(5));
  const field = (name: 'd_ino' | 'd_off' | 'd_reclen' | 'd_type') => DIRENT64_LAYOUT.get(view, 8, name);
  expect([field('d_ino'), field('d_off'), field('d_reclen'), field('d_type')]).toEqual([
    42,
    2 ** 40,
    32,
    DT_REG,
  ]);
  expect([...new Uint8Array(view.buffer, 8 + 19, 6)]).toEqual([...'hello\0'].map((c) => c.charCodeAt(0)));
  expect(writeDirent(view, 40, 64, 1, 1, DT_REG, 'hello')).toBe(0);
  expect(view.getUint8(40)).toBe(0xee);
});

it('aligns control messages to eight bytes', () => {
  expect([cmsgLength(4), cmsgSpace(4), cmsgSpace(8), cmsgSpace(9)]).toEqual([20, 24, 24, 32]);
});

it('takes ioctl requests apart and puts them together', () => {
  const parts = [ioctlDirection(TIOCGPTN), ioctlType(TIOCGPTN), ioctlNumber(TIOCGPTN), ioctlSize(TIOCGPTN)];
  expect(parts).toEqual([2, 0x54, 0x30, 4]);
  expect(ioctlRequest(parts[0]!, parts[1]!, parts[2]!, parts[3]!)).toBe(TIOCGPTN);
});

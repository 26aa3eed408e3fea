// Device numbers and who answers for them (mknod(2), char and block devices). devfs registers the memory devices, the kernel
// terminals; a number nobody registered opens with ENXIO.
import { EACCES, ENXIO, MS_NODEV, S_IFCHR, S_IFMT } from '@sandbox-kernel/abi';
import type { FileDescription } from './file-description.js';
import type { Inode } from './inode.js';

export interface DeviceDriver {
  /** Sets `file.ops` and `file.data`. 0 or -errno. */
  open(file: FileDescription, major: number, minor: number): number;
}

export class DeviceRegistry {
  private readonly character: Map<number, DeviceDriver>;
  private readonly block: Map<number, DeviceDriver>;
  private readonly majors: Map<number, DeviceDriver>;

  constructor() {
    this.character = new Map();
    this.block = new Map();
    this.majors = new Map();
  }

  registerCharacter(major: number, minor: number, driver: DeviceDriver): void {
    this.character.set(makeDevice(major, minor), driver);
  }

  /** All minors of a character major that have no driver of their own (136: pty slaves). */
  registerMajor(major: number, driver: DeviceDriver): void {
    this.majors.set(major, driver);
  }

  registerBlock(major: number, minor: number, driver: DeviceDriver): void {
    this.block.set(makeDevice(major, minor), driver);
  }

  find(character: boolean, rdev: number): DeviceDriver | null {
    if (!character) return this.block.get(rdev) ?? null;
    return this.character.get(rdev) ?? this.majors.get(majorOf(rdev)) ?? null;
  }
}

/** As makedev(3), for major below 4096 and minor below 2^20. */
export function makeDevice(major: number, minor: number): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8)) + (minor & 0xfff00) * 4096;
}

export function majorOf(device: number): number {
  return (device >>> 8) & 0xfff;
}

export function minorOf(device: number): number {
  return (device & 0xff) | (Math.floor(device / 4096) & 0xfff00);
}

/** What opening a device node does. */
export function openDevice(inode: Inode, file: FileDescription): number {
  if (file.mount !== null && (file.mount.flags & MS_NODEV) !== 0) return -EACCES;
  const driver = inode.superblock.vfs.devices.find((inode.mode & S_IFMT) === S_IFCHR, inode.rdev);
  if (driver === null) return -ENXIO;
  return driver.open(file, majorOf(inode.rdev), minorOf(inode.rdev));
}

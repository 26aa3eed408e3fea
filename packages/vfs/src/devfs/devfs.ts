// The tree that programs expect under /dev, as a tmpfs filled at boot (Linux: devtmpfs). Terminals register their numbers with
// `vfs.devices`; `pts` and `shm` are directories to mount on.
import { S_IFCHR, S_IFDIR, S_IFMT } from '@sandbox-kernel/abi';
import { makeDevice } from '../device-registry.js';
import type { Inode } from '../inode.js';
import type { Superblock } from '../superblock.js';
import { createTmpfs } from '../tmpfs/tmpfs.js';
import type { FilesystemType, Vfs } from '../vfs.js';
import { registerMemoryDevices } from './memory-devices.js';

/** name, major, minor, permissions. */
const NODES: readonly (readonly [string, number, number, number])[] = [
  ['null', 1, 3, 0o666],
  ['zero', 1, 5, 0o666],
  ['full', 1, 7, 0o666],
  ['random', 1, 8, 0o666],
  ['urandom', 1, 9, 0o666],
  ['tty', 5, 0, 0o666],
  ['console', 5, 1, 0o600],
];

const LINKS: readonly (readonly [string, string])[] = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
  ['core', '/proc/kcore'],
  ['ptmx', 'pts/ptmx'],
];

const DIRECTORIES: readonly (readonly [string, number])[] = [
  ['pts', 0o755],
  ['shm', 0o1777],
  ['mqueue', 0o1777],
];

/** A fresh /dev. Registers the memory devices. */
export function createDevfs(vfs: Vfs): Superblock {
  registerMemoryDevices(vfs);
  const superblock = createTmpfs(vfs, { type: 'devtmpfs', source: 'devtmpfs', mode: 0o755 });
  const root = superblock.root!;
  for (const [name, major, minor, mode] of NODES) {
    root.ops.create(root, name, S_IFCHR | mode, 0, major === 5 ? 5 : 0, makeDevice(major, minor));
  }
  for (const [name, target] of LINKS) root.ops.symlink(root, name, target, 0, 0);
  for (const [name, mode] of DIRECTORIES) root.ops.create(root, name, S_IFDIR | mode, 0, 0, 0);
  return superblock;
}

/** Adds a node to a devfs after boot. 0 or -errno. */
export function addDeviceNode(
  directory: Inode,
  name: string,
  mode: number,
  major: number,
  minor: number,
): number {
  const type = (mode & S_IFMT) === 0 ? S_IFCHR : 0;
  const made = directory.ops.create(directory, name, type | mode, 0, 0, makeDevice(major, minor));
  return typeof made === 'number' ? made : 0;
}

export const DEVTMPFS_TYPE: FilesystemType = {
  name: 'devtmpfs',
  needsDevice: false,
  mount(vfs: Vfs): Superblock {
    return createDevfs(vfs);
  },
};

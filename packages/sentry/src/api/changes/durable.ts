// What was applied survives a crash of the host: data and attributes of new files are on the disk before a name leads to them, and the names
// before the report says so (fsync(2) of files and directories). Many files of one filesystem are cheaper with one syncfs(2).
import { EINVAL, ENOENT, O_DIRECTORY, O_NONBLOCK, O_RDONLY, S_IFDIR, S_IFMT } from '@sandbox-kernel/abi';
import { type HostTree, hostError, nameOf, parentOf } from './host-tree.js';

/** From this many files on, their filesystems are synced instead. */
const MANY = 64;

/** `files`: regular files and directories by their paths in `tree`; '' is the top. Throws what the disk could not take. */
export function makeDurable(tree: HostTree, files: readonly string[]): void {
  const found = files.filter((path) => path === '' || typeof tree.stat(path) !== 'number');
  if (found.length < MANY && found.every((path) => syncFile(tree, path))) return;
  const synced = new Set<string>();
  for (const path of found) syncFilesystem(tree, path, synced);
}

/** False when the file can't be opened to be synced: its owner may not read it. */
function syncFile(tree: HostTree, path: string): boolean {
  const fd = open(tree, path);
  if (fd < 0) return false;
  const result = tree.host.descriptors.sync(fd);
  tree.host.descriptors.close(fd);
  check(result, path);
  return true;
}

function open(tree: HostTree, path: string): number {
  const parent = path === '' ? tree.directory('') : tree.directory(parentOf(path));
  return parent < 0 ? parent : tree.openIn(parent, path === '' ? '.' : nameOf(path), O_RDONLY | O_NONBLOCK);
}

function syncFilesystem(tree: HostTree, path: string, synced: Set<string>): void {
  const at = tree.directory(isDirectory(tree, path) ? path : parentOf(path));
  const stat = at < 0 ? at : tree.statIn(at, '.');
  if (typeof stat === 'number') {
    check(stat, path);
    return;
  }
  const device = `${stat.deviceMajor}:${stat.deviceMinor}`;
  if (synced.has(device)) return;
  synced.add(device);
  const fd = tree.openIn(at, '.', O_RDONLY | O_DIRECTORY);
  const result = fd < 0 ? fd : tree.host.descriptors.syncFilesystem(fd);
  if (fd >= 0) tree.host.descriptors.close(fd);
  check(result, path);
}

function isDirectory(tree: HostTree, path: string): boolean {
  if (path === '') return true;
  const stat = tree.stat(path);
  return typeof stat !== 'number' && (stat.mode & S_IFMT) === S_IFDIR;
}

/** -EINVAL: a filesystem that has nothing to sync. -ENOENT: removed by others, who know what they do. */
function check(result: number, path: string): void {
  if (result < 0 && result !== -EINVAL && result !== -ENOENT)
    throw hostError('what was written did not reach the disk', result, path);
}

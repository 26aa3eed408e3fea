// mount -t overlay: lowerdir=A:B,upperdir=U,workdir=W. Files go to the upper directory at once, so the work directory is only checked.
import { AT_FDCWD, EINVAL, ENOTDIR } from '@sandbox-kernel/abi';
import { WALK_DIRECTORY, WALK_FOLLOW } from '../constants.js';
import type { FileCaller } from '../fs-context.js';
import type { Inode } from '../inode.js';
import type { Superblock } from '../superblock.js';
import type { FilesystemType, Vfs } from '../vfs.js';
import { createOverlayOn } from './overlay.js';

/** Options that change nothing here. */
const ACCEPTED = /^(index|redirect_dir|metacopy|xino|nfs_export|userxattr|volatile|uuid)(=.*)?$/;

class OverlayPaths {
  lower: string[] = [];
  upper = '';
  work = '';
}

function parse(data: string): OverlayPaths | number {
  const paths = new OverlayPaths();
  for (const part of data.split(',')) {
    const [key, value] = split(part);
    if (key === 'lowerdir') paths.lower = value.split(':').filter((path) => path !== '');
    else if (key === 'upperdir') paths.upper = value;
    else if (key === 'workdir') paths.work = value;
    else if (part !== '' && !ACCEPTED.test(part)) return -EINVAL;
  }
  if (paths.lower.length === 0 || (paths.upper !== '') !== (paths.work !== '')) return -EINVAL;
  return paths;
}

function split(part: string): [string, string] {
  const equals = part.indexOf('=');
  return equals < 0 ? [part, ''] : [part.slice(0, equals), part.slice(equals + 1)];
}

function directoryAt(caller: FileCaller, path: string): Inode | number {
  const { walker } = caller.fs.vfs;
  const found = walker.lookup(caller, AT_FDCWD, path, WALK_FOLLOW | WALK_DIRECTORY);
  return found !== 0 ? found : (walker.dentry.inode ?? -ENOTDIR);
}

export const OVERLAY_TYPE: FilesystemType = {
  name: 'overlay',
  needsDevice: false,
  knows: (key) => key === 'lowerdir' || key === 'upperdir' || key === 'workdir' || ACCEPTED.test(key),
  mount(vfs: Vfs, source: string, _flags: number, data: string, caller: FileCaller): Superblock | number {
    const paths = parse(data);
    if (typeof paths === 'number') return paths;
    const lowers: Inode[] = [];
    for (const path of paths.lower) {
      const lower = directoryAt(caller, path);
      if (typeof lower === 'number') return lower;
      lowers.push(lower);
    }
    const upper = paths.upper === '' ? null : directoryAt(caller, paths.upper);
    const work = paths.work === '' ? null : directoryAt(caller, paths.work);
    if (typeof upper === 'number') return upper;
    if (typeof work === 'number') return work;
    // Whiteouts can't be made on another overlay, and both must be on one filesystem, as on Linux.
    if (upper !== null && upper.superblock.filesystem.type === 'overlay') return -EINVAL;
    if (upper?.superblock !== work?.superblock) return -EINVAL;
    return createOverlayOn(vfs, upper, lowers, source);
  },
};

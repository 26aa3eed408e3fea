// File handles: name_to_handle_at(2), open_by_handle_at(2). A handle is the inode's number; the superblock remembers which inodes have
// been handed out for as long as they are in memory. Departure: the handle of a host file goes stale when the file leaves the cache.
import { EOPNOTSUPP, ESTALE } from '@sandbox-kernel/abi';
import { Dentry } from '../dentry.js';
import type { Inode } from '../inode.js';

/** Bytes of a handle: number in two words and a generation, which is always 0 as numbers are not used again. */
export const HANDLE_SIZE = 12;
/** FILEID_INO32_GEN's neighbour that tmpfs uses; others of this kernel as well. */
export const HANDLE_TYPE = 1;
/** Filesystems whose files come and go by themselves have no handles. */
const WITHOUT: readonly string[] = ['proc', 'sysfs', 'devpts', 'anon_inodefs', 'mqueue'];

/** An inode whose handle somebody has, and the name that it had then. The inode takes itself out when it leaves memory. */
export class HandedOut {
  readonly inode: Inode;
  readonly dentry: Dentry;

  constructor(inode: Inode, dentry: Dentry) {
    this.inode = inode;
    this.dentry = dentry;
  }
}

/** Writes HANDLE_SIZE bytes; -EOPNOTSUPP where there are no handles. `identify`: never to be opened, so any file has one. */
export function encodeHandle(
  inode: Inode,
  dentry: Dentry | null,
  view: DataView,
  at: number,
  identify: boolean,
): number {
  const { superblock } = inode;
  if (!identify && WITHOUT.includes(superblock.filesystem.type)) return -EOPNOTSUPP;
  if (!identify && dentry !== null) {
    if (superblock.handles === null) superblock.handles = new Map();
    superblock.handles.set(inode.number, new HandedOut(inode, dentry));
  }
  view.setUint32(at, inode.number >>> 0, true);
  view.setUint32(at + 4, Math.floor(inode.number / 2 ** 32), true);
  view.setUint32(at + 8, 0, true);
  return 0;
}

/** The name of the file with this handle, or -ESTALE. `any`: an inode of the filesystem. */
export function decodeHandle(any: Inode, view: DataView, at: number): Dentry | number {
  const { superblock } = any;
  const number = view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
  const known = superblock.handles?.get(number);
  if (known === undefined || view.getUint32(at + 8, true) !== 0) return -ESTALE;
  const { inode, dentry } = known;
  if (inode.links === 0 || inode.refs === 0) return -ESTALE;
  const named = dentry.inode === inode && (dentry.hashed || dentry.parent === null);
  return named ? dentry : new Dentry(superblock, null, '/', inode);
}

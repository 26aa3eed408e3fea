// link(2), linkat(2).
import {
  AT_EMPTY_PATH,
  AT_SYMLINK_FOLLOW,
  CAP_DAC_READ_SEARCH,
  EINVAL,
  EMLINK,
  ENOENT,
  EPERM,
  EXDEV,
} from '@sandbox-kernel/abi';
import { WALK_EMPTY, WALK_FOLLOW } from '../constants.js';
import type { FileCaller } from '../fs-context.js';
import type { Inode } from '../inode.js';
import { IN_CREATE, notifyEntry } from '../notify/notify.js';
import { INODE_APPEND, INODE_IMMUTABLE, INODE_LINKABLE } from '../permission.js';
import { mayCreateIn, walkToNew } from './create.js';

const MAX_LINKS = 0x7fffffff;

export function linkFile(
  caller: FileCaller,
  oldDirfd: number,
  oldPath: string,
  newDirfd: number,
  newPath: string,
  flags: number,
): number {
  if ((flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) !== 0) return -EINVAL;
  const walker = caller.fs.vfs.walker;
  let walk = (flags & AT_SYMLINK_FOLLOW) !== 0 ? WALK_FOLLOW : 0;
  if ((flags & AT_EMPTY_PATH) !== 0) walk |= WALK_EMPTY;
  if (oldPath.length === 0 && (walk & WALK_EMPTY) !== 0 && !mayLinkDescriptor(caller, oldDirfd))
    return -ENOENT;
  const found = walker.lookup(caller, oldDirfd, oldPath, walk);
  if (found !== 0) return found;
  const mount = walker.mount;
  const source = walker.dentry;
  source.retain();
  const result = linkTo(caller, source.inode!, mount, newDirfd, newPath);
  source.release();
  return result;
}

/** AT_EMPTY_PATH needs CAP_DAC_READ_SEARCH, or a descriptor that the same credentials opened (Linux 6.10). */
function mayLinkDescriptor(caller: FileCaller, dirfd: number): boolean {
  if (caller.credentials.hasCapability(CAP_DAC_READ_SEARCH)) return true;
  const file = caller.files.get(dirfd);
  return file !== null && file.credentials === caller.credentials;
}

function linkTo(caller: FileCaller, inode: Inode, mount: unknown, newDirfd: number, newPath: string): number {
  const vfs = caller.fs.vfs;
  const dentry = walkToNew(caller, newDirfd, newPath, false);
  if (typeof dentry === 'number') return dentry;
  if (vfs.walker.mount !== mount) return -EXDEV;
  const directory = vfs.walker.dentry.inode!;
  const allowed = mayCreateIn(directory, caller);
  if (allowed !== 0) return allowed;
  if ((inode.attributes & (INODE_APPEND | INODE_IMMUTABLE)) !== 0 || inode.isDirectory) return -EPERM;
  if (inode.links === 0 && (inode.attributes & INODE_LINKABLE) === 0) return -ENOENT;
  if (inode.links >= MAX_LINKS) return -EMLINK;
  const linked = directory.ops.link(directory, dentry.name, inode);
  if (linked !== 0) return linked;
  inode.attributes &= ~INODE_LINKABLE;
  vfs.dentries.instantiate(dentry, inode);
  notifyEntry(directory, inode, dentry.name, IN_CREATE, 0);
  return 0;
}

// flock(2): whole-file locks that belong to an open file description.
import { EAGAIN, EINVAL, LOCK_EX, LOCK_SH, LOCK_UN } from '@sandbox-kernel/abi';
import type { FileDescription } from '../file-description.js';
import type { Inode } from '../inode.js';
import { locksOf } from './inode-locks.js';

export interface FlockHolder {
  readonly file: FileDescription;
  exclusive: boolean;
  /** Who took it, for /proc/locks. */
  readonly pid: number;
}

/**
 * LOCK_SH, LOCK_EX or LOCK_UN (LOCK_NB is the caller's affair). 0, or -EAGAIN: wait on `locksOf(inode).queue` and try again.
 * As on Linux a conversion is not atomic: the old lock is given up before the new one is tried.
 */
export function flock(file: FileDescription, operation: number, pid: number): number {
  const inode = file.inode!;
  if (operation === LOCK_UN) {
    if (inode.locks !== null) releaseFlock(inode, file);
    return 0;
  }
  if (operation !== LOCK_SH && operation !== LOCK_EX) return -EINVAL;
  const locks = locksOf(inode);
  const exclusive = operation === LOCK_EX;
  const held = locks.flocks.find((holder) => holder.file === file);
  if (held !== undefined && held.exclusive === exclusive) return 0;
  if (held !== undefined) releaseFlock(inode, file);
  for (const other of locks.flocks) if (exclusive || other.exclusive) return -EAGAIN;
  locks.flocks.push({ file, exclusive, pid });
  return 0;
}

export function releaseFlock(inode: Inode, file: FileDescription): void {
  const locks = inode.locks!;
  const at = locks.flocks.findIndex((holder) => holder.file === file);
  if (at < 0) return;
  locks.flocks.splice(at, 1);
  locks.queue.wake(1);
}

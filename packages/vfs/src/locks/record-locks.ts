// Record locks: fcntl(2) F_SETLK, F_GETLK and the open-file-description forms. Owner: the descriptor table for POSIX locks, the
// description for OFD ones. Ranges are [start, end), end Infinity for "to the end of file however it grows".
import { EAGAIN, EDEADLK, F_UNLCK, F_WRLCK } from '@sandbox-kernel/abi';
import type { FileDescription } from '../file-description.js';
import type { Inode } from '../inode.js';
import { type InodeLocks, locksOf } from './inode-locks.js';
import type { LockOwner } from './lock-manager.js';

export interface RecordLock {
  readonly owner: LockOwner;
  /** True for F_OFD_*: no deadlock detection, and l_pid is -1. */
  readonly ofd: boolean;
  /** F_RDLCK or F_WRLCK. */
  type: number;
  start: number;
  end: number;
  readonly pid: number;
}

/** The first lock that stands in the way, or null. */
export function findConflict(
  inode: Inode,
  owner: LockOwner,
  type: number,
  start: number,
  end: number,
): RecordLock | null {
  if (inode.locks === null) return null;
  for (const lock of inode.locks.records) {
    if (lock.owner === owner || lock.end <= start || lock.start >= end) continue;
    if (type === F_WRLCK || lock.type === F_WRLCK) return lock;
  }
  return null;
}

/**
 * Sets or (F_UNLCK) clears a lock. 0; -EAGAIN: somebody else's is in the way, wait on `locksOf(inode).queue` and try again;
 * with `wait`, -EDEADLK when that would never end. A waiter that gives up calls `vfs.locks.done(owner)`.
 */
export function setRecordLock(
  inode: Inode,
  owner: LockOwner,
  ofd: boolean,
  type: number,
  start: number,
  end: number,
  pid: number,
  wait: boolean,
): number {
  const manager = inode.superblock.vfs.locks;
  if (type !== F_UNLCK) {
    const conflict = findConflict(inode, owner, type, start, end);
    if (conflict !== null) {
      if (!wait || ofd) return -EAGAIN;
      if (!conflict.ofd && manager.wouldDeadlock(owner, conflict.owner)) return -EDEADLK;
      manager.waiting(owner, conflict.owner);
      return -EAGAIN;
    }
  }
  if (wait) manager.done(owner);
  if (type === F_UNLCK && inode.locks === null) return 0;
  const locks = locksOf(inode);
  const loosened = carve(locks, owner, type, start, end);
  if (type !== F_UNLCK) insertMerged(locks, { owner, ofd, type, start, end, pid });
  if (loosened) locks.queue.wake(1);
  return 0;
}

/** Takes [start, end) out of the owner's locks. True when somebody else may profit. */
function carve(locks: InodeLocks, owner: LockOwner, type: number, start: number, end: number): boolean {
  const records = locks.records;
  let loosened = false;
  for (let i = records.length - 1; i >= 0; i--) {
    const lock = records[i]!;
    if (lock.owner !== owner || lock.end <= start || lock.start >= end) continue;
    loosened ||= type === F_UNLCK || (lock.type === F_WRLCK && type !== F_WRLCK);
    const { start: from, end: to } = lock;
    records.splice(i, 1);
    if (from < start) records.splice(i++, 0, { ...lock, start: from, end: start });
    if (to > end) records.splice(i, 0, { ...lock, start: end, end: to });
  }
  return loosened;
}

function insertMerged(locks: InodeLocks, lock: RecordLock): void {
  const records = locks.records;
  for (let i = records.length - 1; i >= 0; i--) {
    const other = records[i]!;
    if (other.owner !== lock.owner || other.type !== lock.type) continue;
    if (other.end < lock.start || other.start > lock.end) continue;
    lock.start = Math.min(lock.start, other.start);
    lock.end = Math.max(lock.end, other.end);
    records.splice(i, 1);
  }
  let at = 0;
  while (at < records.length && records[at]!.start < lock.start) at++;
  records.splice(at, 0, lock);
}

/** A process closed a descriptor of the file: all its POSIX locks on it go (fcntl(2)). */
export function releasePosixLocks(inode: Inode, owner: LockOwner): void {
  if (inode.locks !== null) removeOwned(inode.locks, owner);
}

export function releaseOfdLocks(inode: Inode, file: FileDescription): void {
  if (inode.locks !== null) removeOwned(inode.locks, file);
}

function removeOwned(locks: InodeLocks, owner: LockOwner): void {
  const before = locks.records.length;
  for (let i = before - 1; i >= 0; i--) if (locks.records[i]!.owner === owner) locks.records.splice(i, 1);
  if (locks.records.length !== before) locks.queue.wake(1);
}

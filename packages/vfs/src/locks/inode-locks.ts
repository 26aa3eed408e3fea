// Locks that stand on one inode: record locks (fcntl(2) POSIX and OFD), flock(2), leases.
import type { FileDescription } from '../file-description.js';
import type { Inode } from '../inode.js';
import { WaitQueue } from '../wait-queue.js';
import type { FlockHolder } from './flock.js';
import { releaseFlock } from './flock.js';
import type { Lease } from './lease.js';
import { releaseLease } from './lease.js';
import type { RecordLock } from './record-locks.js';
import { releaseOfdLocks } from './record-locks.js';

export class InodeLocks {
  /** Sorted by start; those of one owner never overlap. */
  readonly records: RecordLock[];
  readonly flocks: FlockHolder[];
  readonly leases: Lease[];
  /** Woken whenever a lock goes or shrinks: waiters try again. */
  readonly queue: WaitQueue;

  constructor() {
    this.records = [];
    this.flocks = [];
    this.leases = [];
    this.queue = new WaitQueue();
  }
}

export function locksOf(inode: Inode): InodeLocks {
  if (inode.locks === null) {
    inode.locks = new InodeLocks();
    inode.superblock.vfs.locks.inodes.add(inode);
  }
  return inode.locks;
}

/** The last reference to `file` is gone. */
export function releaseFileLocks(inode: Inode, file: FileDescription): void {
  releaseFlock(inode, file);
  releaseOfdLocks(inode, file);
  releaseLease(inode, file);
}

// Leases: fcntl(2) F_SETLEASE. A holder is told (F_SETSIG signal, by the kernel's hook) when somebody opens the file in a way that
// breaks the lease; the opener waits on the lock queue until the holder lets go or the break time is over.
import { EAGAIN, EINVAL, F_RDLCK, F_UNLCK, F_WRLCK } from '@sandbox-kernel/abi';
import type { FileDescription } from '../file-description.js';
import type { Inode } from '../inode.js';
import { locksOf } from './inode-locks.js';

export interface Lease {
  readonly file: FileDescription;
  /** F_RDLCK or F_WRLCK. */
  type: number;
  /** What the breaker wants it to become; -1: not being broken. */
  target: number;
}

export function getLease(file: FileDescription): number {
  const lease = file.inode?.locks?.leases.find((held) => held.file === file);
  if (lease === undefined) return F_UNLCK;
  return lease.target >= 0 ? lease.target : lease.type;
}

export function setLease(file: FileDescription, type: number): number {
  const inode = file.inode!;
  if (type === F_UNLCK) {
    if (inode.locks === null || !releaseLease(inode, file)) return -EAGAIN;
    return 0;
  }
  if (type !== F_RDLCK && type !== F_WRLCK) return -EINVAL;
  if (type === F_RDLCK && (inode.writers > 0 || file.writable)) return -EAGAIN;
  const locks = locksOf(inode);
  const held = locks.leases.find((lease) => lease.file === file);
  for (const lease of locks.leases) {
    if (lease !== held && (type === F_WRLCK || lease.type === F_WRLCK)) return -EAGAIN;
  }
  if (held === undefined) locks.leases.push({ file, type, target: -1 });
  else {
    held.type = type;
    held.target = -1;
  }
  locks.queue.wake(1);
  return 0;
}

export function releaseLease(inode: Inode, file: FileDescription): boolean {
  const locks = inode.locks!;
  const at = locks.leases.findIndex((lease) => lease.file === file);
  if (at < 0) return false;
  locks.leases.splice(at, 1);
  locks.queue.wake(1);
  return true;
}

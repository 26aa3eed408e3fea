// Leases: fcntl(2) F_SETLEASE. A holder is told (F_SETSIG signal, by the kernel's hook) when somebody opens or truncates the file in a
// way that breaks the lease; who breaks waits on the lock queue until the holder lets go or the break time is over.
import {
  EAGAIN,
  EINVAL,
  F_RDLCK,
  F_UNLCK,
  F_WRLCK,
  O_ACCMODE,
  O_RDONLY,
  POLL_MSG,
} from '@sandbox-kernel/abi';
import type { FileDescription } from '../file-description.js';
import type { Inode } from '../inode.js';
import { locksOf } from './inode-locks.js';

export class Lease {
  readonly file: FileDescription;
  /** Where it was asked for: si_fd of the signal. */
  readonly fd: number;
  /** F_RDLCK or F_WRLCK. */
  type: number;
  /** What the breakers want it to become; -1: not being broken. */
  target: number;
  /** When it becomes that by itself, ns monotonic. */
  deadline: number;

  constructor(file: FileDescription, fd: number, type: number) {
    this.file = file;
    this.fd = fd;
    this.type = type;
    this.target = -1;
    this.deadline = Infinity;
  }
}

export function getLease(file: FileDescription): number {
  const inode = file.inode;
  if (inode === null || inode.locks === null) return F_UNLCK;
  expireLeases(inode);
  const lease = inode.locks.leases.find((held) => held.file === file);
  if (lease === undefined) return F_UNLCK;
  return lease.target >= 0 ? lease.target : lease.type;
}

/** `fd`: the descriptor that the holder knows the file by. */
export function setLease(file: FileDescription, fd: number, type: number): number {
  const inode = file.inode!;
  if (type === F_UNLCK) {
    if (inode.locks === null || !releaseLease(inode, file)) return -EAGAIN;
    return 0;
  }
  if (type !== F_RDLCK && type !== F_WRLCK) return -EINVAL;
  if (openElsewhere(inode, file, type)) return -EAGAIN;
  const { leases, queue } = locksOf(inode);
  expireLeases(inode);
  for (const lease of leases) {
    if (lease.file !== file && (type === F_WRLCK || lease.target === F_UNLCK)) return -EAGAIN;
  }
  const held = leases.find((lease) => lease.file === file);
  if (held === undefined) leases.push(new Lease(file, fd, type));
  else {
    held.type = type;
    held.target = -1;
  }
  queue.wake(1);
  return 0;
}

/** Is it open in a way that the lease would have to be broken for? */
function openElsewhere(inode: Inode, file: FileDescription, type: number): boolean {
  if (type === F_RDLCK) return inode.writers > 0;
  const writers = inode.writers - (file.writable ? 1 : 0);
  const readers = inode.readers - (file.writable ? 0 : 1);
  return writers > 0 || readers > 0;
}

/** The file's lease ends, and with it what F_SETOWN and F_SETSIG were told. False when it had none. */
export function releaseLease(inode: Inode, file: FileDescription): boolean {
  const { leases, queue } = inode.locks!;
  const at = leases.findIndex((lease) => lease.file === file);
  if (at < 0) return false;
  leases.splice(at, 1);
  file.ownerKind = 0;
  file.ownerId = 0;
  file.ownerSignal = 0;
  queue.wake(1);
  return true;
}

/**
 * Somebody opens or truncates: tells the holders that are in the way. 0, or -EAGAIN: wait on `locksOf(inode).queue` until
 * `leaseDeadline(inode)` and try again. `flags`: O_* of the open.
 */
export function breakLeases(inode: Inode, flags: number): number {
  expireLeases(inode);
  const writes = (flags & O_ACCMODE) !== O_RDONLY;
  const { clock, locks, notify } = inode.superblock.vfs;
  let waits = false;
  // A holder's signal may end its process, and the lease with it.
  for (const lease of [...inode.locks!.leases]) {
    if (!writes && lease.type !== F_WRLCK) continue;
    waits = true;
    const wanted = writes ? F_UNLCK : F_RDLCK;
    if (lease.target === F_UNLCK || lease.target === wanted) continue;
    lease.target = wanted;
    lease.deadline = locks.leaseBreakNanos === 0 ? Infinity : clock.monotonic() + locks.leaseBreakNanos;
    notify.signals?.signal(lease.file, lease.fd, POLL_MSG);
  }
  return waits ? -EAGAIN : 0;
}

/** Until when a breaker waits at most, ns monotonic. */
export function leaseDeadline(inode: Inode): number {
  let first = Infinity;
  for (const lease of inode.locks?.leases ?? [])
    if (lease.target >= 0) first = Math.min(first, lease.deadline);
  return first;
}

function expireLeases(inode: Inode): void {
  const locks = inode.locks!;
  const now = inode.superblock.vfs.clock.monotonic();
  for (const lease of [...locks.leases]) {
    if (lease.target < 0 || lease.deadline > now) continue;
    if (lease.target === F_UNLCK) releaseLease(inode, lease.file);
    else {
      lease.type = lease.target;
      lease.target = -1;
      locks.queue.wake(1);
    }
  }
}

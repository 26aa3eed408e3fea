// fsync(2), sync(2), sync_file_range(2), posix_fadvise(2), readahead(2).
import {
  EBADF,
  EINVAL,
  ESPIPE,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  SYS_fadvise64,
  SYS_fdatasync,
  SYS_fsync,
  SYS_readahead,
  SYS_sync,
  SYS_sync_file_range,
  SYS_syncfs,
} from '@sandbox-kernel/abi';
import type { SyscallArgs, Task } from '@sandbox-kernel/kernel';
import { syncFile } from '@sandbox-kernel/vfs';
import type { SyscallRow } from './row.js';

const SYNC_FILE_RANGE_FLAGS = 7;
const POSIX_FADV_NOREUSE = 5;

function fsync(task: Task, args: SyscallArgs): number {
  const file = task.files.getOpen(args.int(0));
  return file === null ? -EBADF : syncFile(file, false);
}

function fdatasync(task: Task, args: SyscallArgs): number {
  const file = task.files.getOpen(args.int(0));
  return file === null ? -EBADF : syncFile(file, true);
}

function sync(task: Task): number {
  const mounts = task.fs.root.mount.namespace?.list() ?? [];
  for (const superblock of new Set(mounts.map((mount) => mount.superblock)))
    superblock.filesystem.sync(superblock);
  return 0;
}

function syncfs(task: Task, args: SyscallArgs): number {
  const file = task.files.getOpen(args.int(0));
  if (file === null) return -EBADF;
  const superblock = file.inode?.superblock;
  return superblock === undefined ? 0 : superblock.filesystem.sync(superblock);
}

function syncFileRange(task: Task, args: SyscallArgs): number {
  const offset = args.long(1);
  const length = args.long(2);
  const file = task.files.getOpen(args.int(0));
  if (file === null) return -EBADF;
  if ((args.uint(3) & ~SYNC_FILE_RANGE_FLAGS) !== 0 || offset < 0 || length < 0) return -EINVAL;
  // Only sums that fit into 63 bits.
  if (length >= 2 ** 53 && BigInt(offset) + (BigInt(args.hi(2)) << 32n) + BigInt(args.uint(2)) >= 2n ** 63n)
    return -EINVAL;
  const type = (file.inode?.mode ?? 0) & S_IFMT;
  if (type !== S_IFREG && type !== S_IFDIR && type !== S_IFLNK) return -ESPIPE;
  return syncFile(file, true);
}

function fadvise64(task: Task, args: SyscallArgs): number {
  const file = task.files.getOpen(args.int(0));
  if (file === null) return -EBADF;
  if (((file.inode?.mode ?? 0) & S_IFMT) === S_IFIFO) return -ESPIPE;
  const advice = args.int(3);
  return advice < 0 || advice > POSIX_FADV_NOREUSE || args.long(2) < 0 ? -EINVAL : 0;
}

function readahead(task: Task, args: SyscallArgs): number {
  const file = task.files.getOpen(args.int(0));
  if (file === null || !file.readable) return -EBADF;
  return ((file.inode?.mode ?? 0) & S_IFMT) === S_IFREG && args.long(2) >= 0 ? 0 : -EINVAL;
}

export const SYNC_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_fsync, name: 'fsync', handler: fsync, coverage: 'full', format: 'f' },
  { nr: SYS_fdatasync, name: 'fdatasync', handler: fdatasync, coverage: 'full', format: 'f' },
  { nr: SYS_sync, name: 'sync', handler: sync, coverage: 'full', format: '' },
  { nr: SYS_syncfs, name: 'syncfs', handler: syncfs, coverage: 'full', format: 'f' },
  {
    nr: SYS_sync_file_range,
    name: 'sync_file_range',
    handler: syncFileRange,
    coverage: 'full',
    format: 'fddx',
  },
  {
    nr: SYS_fadvise64,
    name: 'fadvise64',
    handler: fadvise64,
    coverage: 'full',
    note: 'advice has no effect',
    format: 'fddd',
  },
  {
    nr: SYS_readahead,
    name: 'readahead',
    handler: readahead,
    coverage: 'full',
    note: 'no effect',
    format: 'fdz',
  },
];

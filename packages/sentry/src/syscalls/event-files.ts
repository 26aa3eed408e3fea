// eventfd(2), memfd_create(2), inotify(7): files that are made without a path.
import {
  AT_FDCWD,
  EBADF,
  EFAULT,
  EFD_SEMAPHORE,
  EINVAL,
  ENAMETOOLONG,
  O_CLOEXEC,
  O_NONBLOCK,
  SYS_eventfd,
  SYS_eventfd2,
  SYS_inotify_add_watch,
  SYS_inotify_init,
  SYS_inotify_init1,
  SYS_inotify_rm_watch,
  SYS_memfd_create,
} from '@sandbox-kernel/abi';
import type { SyscallArgs, Task } from '@sandbox-kernel/kernel';
import {
  createEventFd,
  createInotify,
  createMemfd,
  inotifyOf,
  MAY_READ,
  permission,
  WALK_DIRECTORY,
  WALK_FOLLOW,
  watchFollows,
  watchNeedsDirectory,
} from '@sandbox-kernel/vfs';
import { pathArgument } from './arguments.js';
import { install } from './open.js';
import type { SyscallRow } from './row.js';

const MFD_CLOEXEC = 1;
const MFD_KNOWN = 0x1b;
/** NAME_MAX less "memfd:". */
const MFD_NAME_MAX = 249;

function eventfd(task: Task, args: SyscallArgs): number {
  return install(task, createEventFd(task, args.uint(0), 0), 0);
}

function eventfd2(task: Task, args: SyscallArgs): number {
  const flags = args.int(1);
  if ((flags & ~(EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK)) !== 0) return -EINVAL;
  return install(task, createEventFd(task, args.uint(0), flags & ~O_CLOEXEC), flags);
}

function memfdCreate(task: Task, args: SyscallArgs): number {
  const flags = args.uint(1);
  if ((flags & ~MFD_KNOWN) !== 0 || (flags & 0x18) === 0x18) return -EINVAL;
  const name = task.memory.readString(args.addr(0), MFD_NAME_MAX);
  if (typeof name === 'number') return name === -ENAMETOOLONG ? -EINVAL : -EFAULT;
  const file = createMemfd(task, name, flags);
  return typeof file === 'number' ? file : install(task, file, (flags & MFD_CLOEXEC) !== 0 ? O_CLOEXEC : 0);
}

function inotifyInit(task: Task): number {
  return install(task, createInotify(task, 0), 0);
}

function inotifyInit1(task: Task, args: SyscallArgs): number {
  const flags = args.int(0);
  if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) !== 0) return -EINVAL;
  return install(task, createInotify(task, flags & O_NONBLOCK), flags);
}

/** IN_ALL_EVENTS, what the kernel alone tells, and what a watch can be asked to be. */
const IN_KNOWN = 0xf700efff;

function inotifyAddWatch(task: Task, args: SyscallArgs): number {
  const mask = args.uint(2);
  if ((mask & ~IN_KNOWN) !== 0 || mask === 0) return -EINVAL;
  const file = task.files.getOpen(args.int(0));
  if (file === null) return -EBADF;
  const inotify = inotifyOf(file);
  if (inotify === null) return -EINVAL;
  const path = pathArgument(task, args, 1);
  if (typeof path === 'number') return path;
  const { walker } = task.fs.vfs;
  const flags = (watchFollows(mask) ? WALK_FOLLOW : 0) | (watchNeedsDirectory(mask) ? WALK_DIRECTORY : 0);
  const found = walker.lookup(task, AT_FDCWD, path, flags);
  if (found !== 0) return found;
  const inode = walker.dentry.inode!;
  const allowed = permission(inode, task.credentials, MAY_READ);
  return allowed !== 0 ? allowed : inotify.add(inode, mask);
}

function inotifyRmWatch(task: Task, args: SyscallArgs): number {
  const file = task.files.getOpen(args.int(0));
  if (file === null) return -EBADF;
  const inotify = inotifyOf(file);
  return inotify === null ? -EINVAL : inotify.remove(args.int(1));
}

export const EVENT_FILE_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_eventfd, name: 'eventfd', handler: eventfd, coverage: 'full', format: 'u' },
  { nr: SYS_eventfd2, name: 'eventfd2', handler: eventfd2, coverage: 'full', format: 'ux' },
  {
    nr: SYS_memfd_create,
    name: 'memfd_create',
    handler: memfdCreate,
    coverage: 'partial',
    note: 'no MFD_HUGETLB',
    format: 'sx',
  },
  { nr: SYS_inotify_init, name: 'inotify_init', handler: inotifyInit, coverage: 'full', format: '' },
  { nr: SYS_inotify_init1, name: 'inotify_init1', handler: inotifyInit1, coverage: 'full', format: 'x' },
  {
    nr: SYS_inotify_add_watch,
    name: 'inotify_add_watch',
    handler: inotifyAddWatch,
    coverage: 'full',
    note: "others' changes to shared mounts are told but for opens and reads",
    format: 'fsx',
  },
  {
    nr: SYS_inotify_rm_watch,
    name: 'inotify_rm_watch',
    handler: inotifyRmWatch,
    coverage: 'full',
    format: 'fd',
  },
];

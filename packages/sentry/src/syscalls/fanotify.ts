// fanotify_init(2), fanotify_mark(2): what fanotify(7) allows everybody, and for root of the sandbox descriptors and decisions about
// opens too. FAN_FS_ERROR can be asked for and never comes: no filesystem here has a medium that fails.
import {
  AT_FDCWD,
  CAP_SYS_ADMIN,
  EBADF,
  EINVAL,
  ENOTDIR,
  EPERM,
  FAN_ALL_CLASS_BITS,
  FAN_ATTRIB,
  FAN_CLASS_CONTENT,
  FAN_CLASS_NOTIF,
  FAN_CLASS_PRE_CONTENT,
  FAN_CLOEXEC,
  FAN_CREATE,
  FAN_DELETE,
  FAN_DELETE_SELF,
  FAN_EVENT_ON_CHILD,
  FAN_FS_ERROR,
  FAN_MARK_ADD,
  FAN_MARK_DONT_FOLLOW,
  FAN_MARK_EVICTABLE,
  FAN_MARK_FILESYSTEM,
  FAN_MARK_FLUSH,
  FAN_MARK_IGNORE,
  FAN_MARK_IGNORED_MASK,
  FAN_MARK_IGNORED_SURV_MODIFY,
  FAN_MARK_MOUNT,
  FAN_MARK_ONLYDIR,
  FAN_MARK_REMOVE,
  FAN_MOVE_SELF,
  FAN_MOVED_FROM,
  FAN_MOVED_TO,
  FAN_NONBLOCK,
  FAN_ONDIR,
  FAN_OPEN_EXEC,
  FAN_RENAME,
  FAN_REPORT_DIR_FID,
  FAN_REPORT_FID,
  FAN_REPORT_NAME,
  FAN_REPORT_PIDFD,
  FAN_REPORT_TARGET_FID,
  FAN_REPORT_TID,
  FAN_UNLIMITED_MARKS,
  FAN_UNLIMITED_QUEUE,
  O_ACCMODE,
  O_APPEND,
  O_CLOEXEC,
  O_LARGEFILE,
  O_NOATIME,
  O_NONBLOCK,
  O_SYNC,
  SYS_fanotify_init,
  SYS_fanotify_mark,
} from '@sandbox-kernel/abi';
import type { SyscallArgs, Task } from '@sandbox-kernel/kernel';
import {
  createFanotify,
  type FanotifyGroup,
  fanotifyOf,
  isInode,
  MAY_READ,
  type Marked,
  PERMISSION_EVENTS,
  permission,
  Superblock,
  WALK_FOLLOW,
} from '@sandbox-kernel/vfs';
import { pathArgument } from './arguments.js';
import { install } from './open.js';
import type { SyscallRow } from './row.js';

const FID_MODES = FAN_REPORT_FID | FAN_REPORT_DIR_FID | FAN_REPORT_NAME | FAN_REPORT_TARGET_FID;
const ADMIN =
  FAN_ALL_CLASS_BITS | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS | FAN_REPORT_TID | FAN_REPORT_PIDFD;
const KNOWN =
  FAN_CLOEXEC |
  FAN_NONBLOCK |
  FAN_ALL_CLASS_BITS |
  FAN_UNLIMITED_QUEUE |
  FAN_UNLIMITED_MARKS |
  FAN_REPORT_TID |
  FAN_REPORT_PIDFD |
  FID_MODES;
const EVENT_FLAGS = O_ACCMODE | O_APPEND | O_NONBLOCK | O_SYNC | O_CLOEXEC | O_LARGEFILE | O_NOATIME;
const COMMANDS = FAN_MARK_ADD | FAN_MARK_REMOVE | FAN_MARK_FLUSH;
const TYPES = FAN_MARK_MOUNT | FAN_MARK_FILESYSTEM;
const MARK_FLAGS =
  COMMANDS |
  TYPES |
  FAN_MARK_DONT_FOLLOW |
  FAN_MARK_ONLYDIR |
  FAN_MARK_IGNORED_MASK |
  FAN_MARK_IGNORED_SURV_MODIFY |
  FAN_MARK_EVICTABLE |
  FAN_MARK_IGNORE;
/** Events about inodes and names: only for groups that report ids, and not on mounts. */
const INODE_EVENTS =
  FAN_ATTRIB |
  FAN_CREATE |
  FAN_DELETE |
  FAN_DELETE_SELF |
  FAN_MOVE_SELF |
  FAN_MOVED_FROM |
  FAN_MOVED_TO |
  FAN_RENAME;
/** FAN_ACCESS, MODIFY, CLOSE_*, OPEN. */
const PATH_EVENTS = 0x3b;
const EVENTS =
  PATH_EVENTS |
  INODE_EVENTS |
  FAN_FS_ERROR |
  FAN_OPEN_EXEC |
  PERMISSION_EVENTS |
  FAN_EVENT_ON_CHILD |
  FAN_ONDIR;

function fanotifyInit(task: Task, args: SyscallArgs): number {
  const flags = args.uint(0);
  const eventFlags = args.uint(1);
  const modes = flags & FID_MODES;
  const unprivileged = !task.credentials.hasCapability(CAP_SYS_ADMIN);
  if (unprivileged && ((flags & ADMIN) !== 0 || modes === 0)) return -EPERM;
  if ((flags & ~KNOWN) !== 0 || (eventFlags & ~EVENT_FLAGS) !== 0) return -EINVAL;
  if ((eventFlags & O_ACCMODE) === O_ACCMODE) return -EINVAL;
  if ((flags & FAN_REPORT_PIDFD) !== 0 && (flags & FAN_REPORT_TID) !== 0) return -EINVAL;
  const kind = flags & FAN_ALL_CLASS_BITS;
  if (kind === (FAN_CLASS_CONTENT | FAN_CLASS_PRE_CONTENT)) return -EINVAL;
  if (modes !== 0 && kind !== FAN_CLASS_NOTIF) return -EINVAL;
  if ((modes & FAN_REPORT_NAME) !== 0 && (modes & FAN_REPORT_DIR_FID) === 0) return -EINVAL;
  const needed = FAN_REPORT_NAME | FAN_REPORT_FID;
  if ((modes & FAN_REPORT_TARGET_FID) !== 0 && (modes & needed) !== needed) return -EINVAL;
  const file = createFanotify(task, flags, eventFlags, unprivileged, kind !== FAN_CLASS_NOTIF);
  if (typeof file === 'number') return file;
  return install(task, file, (flags & FAN_CLOEXEC) !== 0 ? O_CLOEXEC : 0);
}

function fanotifyMark(task: Task, args: SyscallArgs): number {
  const flags = args.uint(1);
  const mask = args.uint(2);
  if (args.hi(2) !== 0 || (flags & ~MARK_FLAGS) !== 0 || (flags & TYPES) === TYPES) return -EINVAL;
  const command = flags & COMMANDS;
  if (command === FAN_MARK_FLUSH) {
    if ((flags & ~(TYPES | FAN_MARK_FLUSH)) !== 0) return -EINVAL;
  } else if ((command !== FAN_MARK_ADD && command !== FAN_MARK_REMOVE) || mask === 0) return -EINVAL;
  if ((mask & ~EVENTS) !== 0) return -EINVAL;
  const file = task.files.getOpen(args.int(0));
  if (file === null) return -EBADF;
  const group = fanotifyOf(file);
  if (group === null) return -EINVAL;
  const allowed = checkMask(group, flags, mask);
  if (allowed !== 0) return allowed;
  if (command === FAN_MARK_FLUSH) {
    group.flush((object) => kindOf(object) === (flags & TYPES));
    return 0;
  }
  return changeMark(task, args, group, flags, mask);
}

function checkMask(group: FanotifyGroup, flags: number, mask: number): number {
  if (group.unprivileged && (flags & TYPES) !== 0) return -EPERM;
  if ((mask & PERMISSION_EVENTS) !== 0 && (group.flags & FAN_ALL_CLASS_BITS) === 0) return -EINVAL;
  const onMount = (flags & FAN_MARK_MOUNT) !== 0;
  if ((mask & INODE_EVENTS) !== 0 && (!group.reportsIds || onMount)) return -EINVAL;
  const onFilesystem = (flags & FAN_MARK_FILESYSTEM) !== 0;
  if ((mask & FAN_FS_ERROR) !== 0 && (!group.reportsIds || !onFilesystem)) return -EINVAL;
  return (mask & FAN_RENAME) !== 0 && (group.flags & FAN_REPORT_NAME) === 0 ? -EINVAL : 0;
}

function kindOf(object: Marked): number {
  if (isInode(object)) return 0;
  return object instanceof Superblock ? FAN_MARK_FILESYSTEM : FAN_MARK_MOUNT;
}

function changeMark(
  task: Task,
  args: SyscallArgs,
  group: FanotifyGroup,
  flags: number,
  mask: number,
): number {
  const { walker } = task.fs.vfs;
  const found = walkTo(task, args, (flags & FAN_MARK_DONT_FOLLOW) === 0);
  if (found !== 0) return found;
  const { mount } = walker;
  const inode = walker.dentry.inode!;
  if ((flags & FAN_MARK_ONLYDIR) !== 0 && !inode.isDirectory) return -ENOTDIR;
  const allowed = permission(inode, task.credentials, MAY_READ);
  if (allowed !== 0) return allowed;
  let object: Marked = inode;
  if ((flags & FAN_MARK_MOUNT) !== 0) object = mount;
  else if ((flags & FAN_MARK_FILESYSTEM) !== 0) object = inode.superblock;
  const ignored = (flags & (FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORE)) !== 0;
  if ((flags & FAN_MARK_REMOVE) !== 0) return group.narrow(object, mask, ignored);
  return group.mark(object, mask, ignored, (flags & FAN_MARK_IGNORED_SURV_MODIFY) !== 0);
}

/** The path, or without one the descriptor (or working directory) itself. */
function walkTo(task: Task, args: SyscallArgs, follow: boolean): number {
  const { walker } = task.fs.vfs;
  const flags = follow ? WALK_FOLLOW : 0;
  if (args.addr(4) !== 0) {
    const path = pathArgument(task, args, 4);
    return typeof path === 'number' ? path : walker.lookup(task, args.int(3), path, flags);
  }
  if (args.int(3) === AT_FDCWD) return walker.lookup(task, AT_FDCWD, '.', flags);
  const file = task.files.get(args.int(3));
  if (file === null) return -EBADF;
  if (file.mount === null || file.dentry === null) return -EINVAL;
  walker.mount = file.mount;
  walker.dentry = file.dentry;
  return 0;
}

export const FANOTIFY_SYSCALLS: readonly SyscallRow[] = [
  {
    nr: SYS_fanotify_init,
    name: 'fanotify_init',
    handler: fanotifyInit,
    coverage: 'full',
    format: 'xx',
  },
  {
    nr: SYS_fanotify_mark,
    name: 'fanotify_mark',
    handler: fanotifyMark,
    coverage: 'partial',
    note: 'no pre-content events',
    format: 'fxxfs',
  },
];

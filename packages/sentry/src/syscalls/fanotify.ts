// fanotify_init(2), fanotify_mark(2): what fanotify(7) allows everybody, and for root of the sandbox descriptors and decisions about
// opens too. FAN_FS_ERROR can be asked for and never comes: no filesystem here has a medium that fails.
import {
  AT_FDCWD,
  CAP_AUDIT_WRITE,
  CAP_SYS_ADMIN,
  EBADF,
  EINVAL,
  EISDIR,
  ENOTDIR,
  EOPNOTSUPP,
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
  FAN_ENABLE_AUDIT,
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
  FAN_MARK_MNTNS,
  FAN_MARK_MOUNT,
  FAN_MARK_ONLYDIR,
  FAN_MARK_REMOVE,
  FAN_MNT_ATTACH,
  FAN_MNT_DETACH,
  FAN_MOVE_SELF,
  FAN_MOVED_FROM,
  FAN_MOVED_TO,
  FAN_NONBLOCK,
  FAN_ONDIR,
  FAN_OPEN_EXEC,
  FAN_PRE_ACCESS,
  FAN_RENAME,
  FAN_REPORT_DIR_FID,
  FAN_REPORT_FD_ERROR,
  FAN_REPORT_FID,
  FAN_REPORT_MNT,
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
  type Inode,
  isInode,
  MAY_READ,
  type Marked,
  MountNamespace,
  PERMISSION_EVENTS,
  permission,
  Superblock,
  WALK_FOLLOW,
} from '@sandbox-kernel/vfs';
import { isMountNamespace } from '../proc/namespaces.js';
import { pathArgument } from './arguments.js';
import { install } from './open.js';
import type { SyscallRow } from './row.js';

const FID_MODES = FAN_REPORT_FID | FAN_REPORT_DIR_FID | FAN_REPORT_NAME | FAN_REPORT_TARGET_FID;
const ADMIN =
  FAN_ALL_CLASS_BITS |
  FAN_UNLIMITED_QUEUE |
  FAN_UNLIMITED_MARKS |
  FAN_REPORT_TID |
  FAN_REPORT_PIDFD |
  FAN_REPORT_FD_ERROR;
const KNOWN = FAN_CLOEXEC | FAN_NONBLOCK | FAN_ENABLE_AUDIT | ADMIN | FID_MODES | FAN_REPORT_MNT;
const EVENT_FLAGS = O_ACCMODE | O_APPEND | O_NONBLOCK | O_SYNC | O_CLOEXEC | O_LARGEFILE | O_NOATIME;
const COMMANDS = FAN_MARK_ADD | FAN_MARK_REMOVE | FAN_MARK_FLUSH;
const TYPES = FAN_MARK_MOUNT | FAN_MARK_FILESYSTEM;
const IGNORES = FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORE;
const MARK_FLAGS =
  COMMANDS |
  TYPES |
  IGNORES |
  FAN_MARK_DONT_FOLLOW |
  FAN_MARK_ONLYDIR |
  FAN_MARK_IGNORED_SURV_MODIFY |
  FAN_MARK_EVICTABLE;
/** Events about inodes and names: only for groups that report ids, and not on mounts. */
const INODE_EVENTS =
  FAN_ATTRIB |
  FAN_CREATE |
  FAN_DELETE |
  FAN_DELETE_SELF |
  FAN_MOVE_SELF |
  FAN_MOVED_FROM |
  FAN_MOVED_TO |
  FAN_RENAME |
  FAN_FS_ERROR;
/** What makes no sense for a file that has no entries. */
const DIRECTORY_BITS =
  FAN_CREATE | FAN_DELETE | FAN_MOVED_FROM | FAN_MOVED_TO | FAN_RENAME | FAN_EVENT_ON_CHILD | FAN_ONDIR;
const DIRECTORY_FLAGS = FAN_EVENT_ON_CHILD | FAN_ONDIR;
const MOUNT_EVENTS = FAN_MNT_ATTACH | FAN_MNT_DETACH;
/** FAN_ACCESS, MODIFY, CLOSE_*, OPEN. */
const PATH_EVENTS = 0x3b;
const ASKING_EVENTS = PERMISSION_EVENTS | FAN_PRE_ACCESS;
const EVENTS = PATH_EVENTS | INODE_EVENTS | FAN_OPEN_EXEC | ASKING_EVENTS | MOUNT_EVENTS | DIRECTORY_FLAGS;
/** Filesystems whose files can't be found again by an id. */
const WITHOUT_HANDLES: readonly string[] = ['proc', 'sysfs', 'devpts', 'mqueue'];

function fanotifyInit(task: Task, args: SyscallArgs): number {
  const flags = args.uint(0);
  const eventFlags = args.uint(1);
  const ids = flags & FID_MODES;
  const unprivileged = !task.credentials.hasCapability(CAP_SYS_ADMIN);
  if (unprivileged && ((flags & ADMIN) !== 0 || (ids | (flags & FAN_REPORT_MNT)) === 0)) return -EPERM;
  if ((flags & ~KNOWN) !== 0) return -EINVAL;
  const checked = checkReports(flags);
  if (checked !== 0) return checked;
  if ((eventFlags & ~EVENT_FLAGS) !== 0 || (eventFlags & O_ACCMODE) === O_ACCMODE) return -EINVAL;
  const kind = flags & FAN_ALL_CLASS_BITS;
  if (kind === (FAN_CLASS_CONTENT | FAN_CLASS_PRE_CONTENT)) return -EINVAL;
  if ((flags & FAN_ENABLE_AUDIT) !== 0 && !task.credentials.hasCapability(CAP_AUDIT_WRITE)) return -EPERM;
  const file = createFanotify(task, flags, eventFlags, unprivileged, kind !== FAN_CLASS_NOTIF);
  if (typeof file === 'number') return file;
  return install(task, file, (flags & FAN_CLOEXEC) !== 0 ? O_CLOEXEC : 0);
}

/** What events may tell, and what goes with what. */
function checkReports(flags: number): number {
  const ids = flags & FID_MODES;
  const asks = (flags & FAN_ALL_CLASS_BITS) !== FAN_CLASS_NOTIF;
  if ((flags & FAN_REPORT_PIDFD) !== 0 && (flags & FAN_REPORT_TID) !== 0) return -EINVAL;
  if ((flags & FAN_REPORT_MNT) !== 0 && (asks || ids !== 0 || (flags & FAN_REPORT_FD_ERROR) !== 0))
    return -EINVAL;
  if (ids !== 0 && asks) return -EINVAL;
  if ((ids & FAN_REPORT_NAME) !== 0 && (ids & FAN_REPORT_DIR_FID) === 0) return -EINVAL;
  const needed = FAN_REPORT_NAME | FAN_REPORT_FID;
  return (ids & FAN_REPORT_TARGET_FID) !== 0 && (ids & needed) !== needed ? -EINVAL : 0;
}

function fanotifyMark(task: Task, args: SyscallArgs): number {
  const flags = args.uint(1);
  let mask = args.uint(2);
  if (args.hi(2) !== 0 || (flags & ~MARK_FLAGS) !== 0) return -EINVAL;
  const command = flags & COMMANDS;
  if (command === FAN_MARK_FLUSH) {
    if ((flags & ~(TYPES | FAN_MARK_FLUSH)) !== 0) return -EINVAL;
  } else if ((command !== FAN_MARK_ADD && command !== FAN_MARK_REMOVE) || mask === 0) return -EINVAL;
  if ((mask & ~EVENTS) !== 0 || (flags & IGNORES) === IGNORES) return -EINVAL;
  // In the old kind of ignored mask these have no meaning.
  if ((flags & FAN_MARK_IGNORED_MASK) !== 0) mask &= ~DIRECTORY_FLAGS;
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

/** What this group may ask for with this kind of mark. */
function checkMask(group: FanotifyGroup, flags: number, mask: number): number {
  const type = flags & TYPES;
  const ofMounts = (group.flags & FAN_REPORT_MNT) !== 0;
  if (ofMounts !== (type === FAN_MARK_MNTNS)) return -EINVAL;
  if ((mask & (ofMounts ? ~MOUNT_EVENTS : MOUNT_EVENTS)) !== 0) return -EINVAL;
  if (group.unprivileged && type !== 0) return -EPERM;
  const kind = group.flags & FAN_ALL_CLASS_BITS;
  if ((mask & ASKING_EVENTS) !== 0 && kind === FAN_CLASS_NOTIF) return -EINVAL;
  if ((mask & FAN_PRE_ACCESS) !== 0 && kind === FAN_CLASS_CONTENT) return -EINVAL;
  if ((mask & FAN_FS_ERROR) !== 0 && type !== FAN_MARK_FILESYSTEM) return -EINVAL;
  if ((flags & FAN_MARK_EVICTABLE) !== 0 && type !== 0) return -EINVAL;
  if ((mask & INODE_EVENTS) !== 0 && (!group.reportsIds || type === FAN_MARK_MOUNT)) return -EINVAL;
  if ((mask & FAN_RENAME) !== 0 && (group.flags & FAN_REPORT_NAME) === 0) return -EINVAL;
  return (mask & FAN_PRE_ACCESS) !== 0 && (mask & FAN_ONDIR) !== 0 ? -EINVAL : 0;
}

function kindOf(object: Marked): number {
  if (isInode(object)) return 0;
  if (object instanceof MountNamespace) return FAN_MARK_MNTNS;
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
  const adds = (flags & FAN_MARK_ADD) !== 0;
  const supported = adds ? checkFile(group, inode, flags, mask) : 0;
  if (supported !== 0) return supported;
  const type = flags & TYPES;
  const onOne = type === 0;
  const filesystem = inode.superblock.filesystem.type;
  if (group.reportsIds && !onOne && WITHOUT_HANDLES.includes(filesystem)) return -EOPNOTSUPP;
  let object: Marked = inode;
  if (type === FAN_MARK_MNTNS) {
    const namespace = task.fs.root.mount.namespace;
    if (!isMountNamespace(inode) || namespace === null) return -EINVAL;
    object = namespace;
  } else if (type === FAN_MARK_MOUNT) object = mount;
  else if (type === FAN_MARK_FILESYSTEM) object = inode.superblock;
  if (adds && (flags & IGNORES) !== 0 && (flags & FAN_MARK_IGNORED_SURV_MODIFY) === 0) {
    if ((flags & FAN_MARK_IGNORE) !== 0 && !onOne) return -EINVAL;
    if ((flags & FAN_MARK_IGNORE) !== 0 && inode.isDirectory) return -EISDIR;
    // Its first change would end the mark.
    if (onOne && inode.writers > 0) return 0;
  }
  if (!adds) return group.narrow(object, mask, (flags & IGNORES) !== 0);
  return group.mark(object, mask, flags);
}

/** May this file, or what it lies in, be asked about so? */
function checkFile(group: FanotifyGroup, inode: Inode, flags: number, mask: number): number {
  const { isDirectory } = inode;
  // No filesystem here waits for its content to be brought.
  if ((mask & FAN_PRE_ACCESS) !== 0) return -EOPNOTSUPP;
  if ((mask & PERMISSION_EVENTS) !== 0 && inode.superblock.filesystem.type === 'proc') return -EINVAL;
  const onOne = (flags & TYPES) === 0;
  if (!onOne && (flags & TYPES) !== FAN_MARK_MNTNS && isInternal(inode.superblock)) return -EINVAL;
  const isStrict =
    (group.flags & FAN_REPORT_TARGET_FID) !== 0 ||
    (mask & FAN_RENAME) !== 0 ||
    (flags & FAN_MARK_IGNORE) !== 0;
  return isStrict && onOne && !isDirectory && (mask & DIRECTORY_BITS) !== 0 ? -ENOTDIR : 0;
}

/** Filesystems that are mounted nowhere, but for that of namespaces. */
function isInternal({ nameless, filesystem }: Superblock): boolean {
  return nameless && filesystem.type !== 'nsfs';
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
    coverage: 'full',
    note: 'pre-content events are refused by every filesystem, as by tmpfs and overlayfs',
    format: 'fxxfs',
  },
];

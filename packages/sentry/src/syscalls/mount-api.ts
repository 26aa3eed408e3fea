// fsopen(2), fsconfig(2), fsmount(2), fspick(2), move_mount(2), open_tree(2), mount_setattr(2): mounting by descriptors. An
// id-mapped mount takes a user namespace, of which there is only the initial one.
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_NO_AUTOMOUNT,
  AT_RECURSIVE,
  AT_SYMLINK_NOFOLLOW,
  CAP_SYS_ADMIN,
  E2BIG,
  EBADF,
  EFAULT,
  EINVAL,
  ENAMETOOLONG,
  ENODEV,
  EOPNOTSUPP,
  EPERM,
  FSCONFIG_CMD_CREATE,
  FSCONFIG_CMD_CREATE_EXCL,
  FSCONFIG_CMD_RECONFIGURE,
  FSCONFIG_SET_BINARY,
  FSCONFIG_SET_FD,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_PATH,
  FSCONFIG_SET_PATH_EMPTY,
  FSCONFIG_SET_STRING,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  FSPICK_CLOEXEC,
  FSPICK_EMPTY_PATH,
  FSPICK_NO_AUTOMOUNT,
  FSPICK_SYMLINK_NOFOLLOW,
  getU64,
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_ATTR_CLR,
  MOUNT_ATTR_ATTR_SET,
  MOUNT_ATTR_IDMAP,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_PROPAGATION,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_SIZE,
  MOUNT_ATTR_USERNS_FD,
  MOVE_MOUNT_BENEATH,
  MOVE_MOUNT_F_AUTOMOUNTS,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_F_SYMLINKS,
  MOVE_MOUNT_SET_GROUP,
  MOVE_MOUNT_T_AUTOMOUNTS,
  MOVE_MOUNT_T_EMPTY_PATH,
  MOVE_MOUNT_T_SYMLINKS,
  MS_PRIVATE,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
  O_CLOEXEC,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  SYS_fsconfig,
  SYS_fsmount,
  SYS_fsopen,
  SYS_fspick,
  SYS_mount_setattr,
  SYS_move_mount,
  SYS_open_tree,
  SYS_open_tree_attr,
} from '@sandbox-kernel/abi';
import type { SyscallArgs, Task } from '@sandbox-kernel/kernel';
import {
  copyTree,
  createMountContext,
  describeDetached,
  type FileDescription,
  flagsOfAttributes,
  Location,
  type MountContext,
  mountContextOf,
  moveBeneath,
  moveMount,
  pathDescription,
  setMountAttributes,
  setPeerGroup,
  WALK_EMPTY,
  WALK_FOLLOW,
} from '@sandbox-kernel/vfs';
import { pathArgument } from './arguments.js';
import { install } from './open.js';
import type { SyscallRow } from './row.js';
import { workspaceOf } from './workspace.js';

const NAME_MAX_BYTES = 4095;
/** Longest key and value of fsconfig(2), with the NUL. */
const PARAMETER_MAX = 255;
const PAGE_BYTES = 4096;
const ATTRIBUTES =
  MOUNT_ATTR_RDONLY |
  MOUNT_ATTR_NOSUID |
  MOUNT_ATTR_NODEV |
  MOUNT_ATTR_NOEXEC |
  MOUNT_ATTR__ATIME |
  MOUNT_ATTR_NODIRATIME |
  MOUNT_ATTR_NOSYMFOLLOW;
const MOVE_FLAGS =
  MOVE_MOUNT_F_SYMLINKS |
  MOVE_MOUNT_F_AUTOMOUNTS |
  MOVE_MOUNT_F_EMPTY_PATH |
  MOVE_MOUNT_T_SYMLINKS |
  MOVE_MOUNT_T_AUTOMOUNTS |
  MOVE_MOUNT_T_EMPTY_PATH |
  MOVE_MOUNT_SET_GROUP |
  MOVE_MOUNT_BENEATH;
const TYPES: readonly number[] = [0, MS_SHARED, MS_PRIVATE, MS_SLAVE, MS_UNBINDABLE];
const AT_FLAGS = AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW;

function mayMount(task: Task): boolean {
  return task.credentials.hasCapability(CAP_SYS_ADMIN);
}

/** Where a path leads. `follow`: symbolic links at its end; `empty`: "" is the descriptor. */
function placeAt(
  task: Task,
  args: SyscallArgs,
  at: number,
  follow: boolean,
  empty: boolean,
): Location | number {
  const path = pathArgument(task, args, at + 1);
  if (typeof path === 'number') return path;
  const { walker } = task.fs.vfs;
  const flags = (follow ? WALK_FOLLOW : 0) | (empty ? WALK_EMPTY : 0);
  const found = walker.lookup(task, args.int(at), path, flags);
  return found !== 0 ? found : new Location(walker.mount, walker.dentry);
}

function closeOnExec(wanted: boolean): number {
  return wanted ? O_CLOEXEC : 0;
}

function fsopen(task: Task, args: SyscallArgs): number {
  if (!mayMount(task)) return -EPERM;
  const flags = args.uint(1);
  if ((flags & ~FSOPEN_CLOEXEC) !== 0) return -EINVAL;
  const name = task.memory.readString(args.addr(0), NAME_MAX_BYTES);
  if (typeof name === 'number') return name === -ENAMETOOLONG ? -EINVAL : name;
  const type = task.fs.vfs.filesystemTypes.get(name);
  if (type === undefined) return -ENODEV;
  return install(task, createMountContext(task, type, null), closeOnExec(flags !== 0));
}

function fspick(task: Task, args: SyscallArgs): number {
  if (!mayMount(task)) return -EPERM;
  const flags = args.uint(2);
  const known = FSPICK_CLOEXEC | FSPICK_SYMLINK_NOFOLLOW | FSPICK_NO_AUTOMOUNT | FSPICK_EMPTY_PATH;
  if ((flags & ~known) !== 0) return -EINVAL;
  const empty = (flags & FSPICK_EMPTY_PATH) !== 0;
  const place = placeAt(task, args, 0, (flags & FSPICK_SYMLINK_NOFOLLOW) === 0, empty);
  if (typeof place === 'number') return place;
  if (place.dentry !== place.mount.root) return -EINVAL;
  const type = task.fs.vfs.filesystemTypes.get(place.mount.superblock.filesystem.type);
  if (type === undefined) return -EOPNOTSUPP;
  return install(
    task,
    createMountContext(task, type, place.mount.superblock),
    closeOnExec((flags & FSPICK_CLOEXEC) !== 0),
  );
}

function fsconfig(task: Task, args: SyscallArgs): number {
  if (args.int(0) < 0) return -EINVAL;
  const command = args.uint(1);
  const shaped = checkShape(command, args.addr(2) !== 0, args.addr(3) !== 0, args.int(4));
  if (shaped !== 0) return shaped;
  const file = task.files.getOpen(args.int(0));
  if (file === null) return -EBADF;
  const context = mountContextOf(file);
  if (context === null) return -EINVAL;
  if (command === FSCONFIG_CMD_CREATE || command === FSCONFIG_CMD_CREATE_EXCL) {
    return mayMount(task) ? context.create(task) : -EPERM;
  }
  if (command === FSCONFIG_CMD_RECONFIGURE) return mayMount(task) ? context.reconfigure() : -EPERM;
  return setParameter(task, args, context, command);
}

/** Which arguments each command takes. */
function checkShape(command: number, key: boolean, value: boolean, aux: number): number {
  let right: boolean;
  switch (command) {
    case FSCONFIG_SET_FLAG:
      right = key && !value && aux === 0;
      break;
    case FSCONFIG_SET_STRING:
      right = key && value && aux === 0;
      break;
    case FSCONFIG_SET_BINARY:
      right = key && value && aux > 0 && aux <= 1 << 20;
      break;
    case FSCONFIG_SET_PATH:
    case FSCONFIG_SET_PATH_EMPTY:
      right = key && value && (aux === AT_FDCWD || aux >= 0);
      break;
    case FSCONFIG_SET_FD:
      right = key && !value && aux >= 0;
      break;
    case FSCONFIG_CMD_CREATE:
    case FSCONFIG_CMD_CREATE_EXCL:
    case FSCONFIG_CMD_RECONFIGURE:
      right = !key && !value && aux === 0;
      break;
    default:
      return -EOPNOTSUPP;
  }
  return right ? 0 : -EINVAL;
}

function setParameter(task: Task, args: SyscallArgs, context: MountContext, command: number): number {
  const key = task.memory.readString(args.addr(2), PARAMETER_MAX);
  if (typeof key === 'number') return key === -ENAMETOOLONG ? -EINVAL : key;
  if (command === FSCONFIG_SET_FLAG) return context.set(task, key, null);
  if (command === FSCONFIG_SET_BINARY) return -EINVAL;
  if (command === FSCONFIG_SET_FD) return task.files.getOpen(args.int(4)) === null ? -EBADF : -EINVAL;
  const limit = command === FSCONFIG_SET_STRING ? PARAMETER_MAX : PAGE_BYTES - 1;
  const value = task.memory.readString(args.addr(3), limit);
  if (typeof value !== 'number') return context.set(task, key, value);
  return value === -ENAMETOOLONG && command === FSCONFIG_SET_STRING ? -EINVAL : value;
}

function fsmount(task: Task, args: SyscallArgs): number {
  if (!mayMount(task)) return -EPERM;
  const flags = args.uint(1);
  const attributes = args.uint(2);
  if ((flags & ~FSMOUNT_CLOEXEC) !== 0 || (attributes & ~ATTRIBUTES) !== 0) return -EINVAL;
  const mountFlags = flagsOfAttributes(attributes);
  if (mountFlags < 0) return mountFlags;
  const file = task.files.getOpen(args.int(0));
  if (file === null) return -EBADF;
  const mount = mountContextOf(file)?.take(mountFlags) ?? -EINVAL;
  if (typeof mount === 'number') return mount;
  return install(task, describeDetached(task, mount), closeOnExec(flags !== 0));
}

function moveMountAt(task: Task, args: SyscallArgs): number {
  if (!mayMount(task)) return -EPERM;
  const flags = args.uint(4);
  if ((flags & ~MOVE_FLAGS) !== 0) return -EINVAL;
  const special = flags & (MOVE_MOUNT_BENEATH | MOVE_MOUNT_SET_GROUP);
  if (special === (MOVE_MOUNT_BENEATH | MOVE_MOUNT_SET_GROUP)) return -EINVAL;
  const from = placeAt(
    task,
    args,
    0,
    (flags & MOVE_MOUNT_F_SYMLINKS) !== 0,
    (flags & MOVE_MOUNT_F_EMPTY_PATH) !== 0,
  );
  if (typeof from === 'number') return from;
  const to = placeAt(
    task,
    args,
    2,
    (flags & MOVE_MOUNT_T_SYMLINKS) !== 0,
    (flags & MOVE_MOUNT_T_EMPTY_PATH) !== 0,
  );
  if (typeof to === 'number') return to;
  if (special === MOVE_MOUNT_BENEATH) return moveBeneath(from, to, task.fs.root);
  return special === MOVE_MOUNT_SET_GROUP ? setPeerGroup(from, to) : moveMount(from, to);
}

/** The descriptor's file, not yet installed, or -errno. */
function treeFile(task: Task, args: SyscallArgs): FileDescription | number {
  const flags = args.uint(2);
  if ((flags & ~(AT_FLAGS | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)) !== 0) return -EINVAL;
  if ((flags & (AT_RECURSIVE | OPEN_TREE_CLONE)) === AT_RECURSIVE) return -EINVAL;
  const clone = (flags & OPEN_TREE_CLONE) !== 0;
  if (clone && !mayMount(task)) return -EPERM;
  const follow = (flags & AT_SYMLINK_NOFOLLOW) === 0;
  const place = placeAt(task, args, 0, follow, (flags & AT_EMPTY_PATH) !== 0);
  if (typeof place === 'number') return place;
  if (!clone) return pathDescription(task, place.mount, place.dentry, 0);
  const copy = copyTree(place.mount, place.dentry, (flags & AT_RECURSIVE) !== 0);
  return typeof copy === 'number' ? copy : describeDetached(task, copy);
}

function openTree(task: Task, args: SyscallArgs): number {
  const file = treeFile(task, args);
  if (typeof file === 'number') return file;
  return install(task, file, closeOnExec((args.uint(2) & OPEN_TREE_CLOEXEC) !== 0));
}

/** What struct mount_attr asks for. */
class AttributeRequest {
  set = 0;
  clear = 0;
  propagation = 0;
  /** Nothing is asked: success without looking at the path. */
  empty = false;
}

function mountSetattr(task: Task, args: SyscallArgs): number {
  const flags = args.uint(2);
  if ((flags & ~AT_FLAGS) !== 0) return -EINVAL;
  const request = new AttributeRequest();
  const read = readRequest(task, args.addr(3), args.size(4), request);
  if (read !== 0 || request.empty) return read;
  const follow = (flags & AT_SYMLINK_NOFOLLOW) === 0;
  const place = placeAt(task, args, 0, follow, (flags & AT_EMPTY_PATH) !== 0);
  return typeof place === 'number'
    ? place
    : setMountAttributes(
        place,
        request.set,
        request.clear,
        request.propagation,
        (flags & AT_RECURSIVE) !== 0,
      );
}

/** open_tree_attr(2): both in one, on the tree that it opened. */
function openTreeAttr(task: Task, args: SyscallArgs): number {
  if (args.addr(3) === 0 && args.size(4) === 0) return openTree(task, args);
  const request = new AttributeRequest();
  const flags = args.uint(2);
  const file = treeFile(task, args);
  if (typeof file === 'number') return file;
  let result = readRequest(task, args.addr(3), args.size(4), request);
  if (result === 0 && !request.empty) {
    const place = new Location(file.mount!, file.dentry!);
    const recursive = (flags & AT_RECURSIVE) !== 0;
    result = setMountAttributes(place, request.set, request.clear, request.propagation, recursive);
  }
  if (result === 0) return install(task, file, closeOnExec((flags & OPEN_TREE_CLOEXEC) !== 0));
  file.release();
  return result;
}

function readRequest(task: Task, addr: number, size: number, out: AttributeRequest): number {
  if (size > PAGE_BYTES) return -E2BIG;
  if (size < MOUNT_ATTR_SIZE) return -EINVAL;
  if (!mayMount(task)) return -EPERM;
  const { bytes, view } = workspaceOf(task);
  if (task.memory.copyIn(addr, bytes, 0, size) < size) return -EFAULT;
  for (let i = MOUNT_ATTR_SIZE; i < size; i++) if (bytes[i] !== 0) return -E2BIG;
  out.set = getU64(view, MOUNT_ATTR_ATTR_SET);
  out.clear = getU64(view, MOUNT_ATTR_ATTR_CLR);
  out.propagation = getU64(view, MOUNT_ATTR_PROPAGATION);
  out.empty = out.set === 0 && out.clear === 0 && out.propagation === 0;
  const checked = checkRequest(out);
  return checked === 0 && (out.set & MOUNT_ATTR_IDMAP) !== 0 ? checkMapping(task, view) : checked;
}

function checkRequest({ set, clear, propagation }: AttributeRequest): number {
  if (!TYPES.includes(propagation)) return -EINVAL;
  if (set > 0xffffffff || clear > 0xffffffff) return -EINVAL;
  if ((set & ~(ATTRIBUTES | MOUNT_ATTR_IDMAP)) !== 0 || (clear & ~ATTRIBUTES) !== 0) return -EINVAL;
  const atime = clear & MOUNT_ATTR__ATIME;
  if (atime !== 0 && atime !== MOUNT_ATTR__ATIME) return -EINVAL;
  if (atime === 0 && (set & MOUNT_ATTR__ATIME) !== 0) return -EINVAL;
  return Math.min(flagsOfAttributes(set), 0);
}

/** No descriptor leads to a user namespace that could be mapped with. */
function checkMapping(task: Task, view: DataView): number {
  const fd = getU64(view, MOUNT_ATTR_USERNS_FD);
  if (fd > 0x7fffffff) return -EINVAL;
  return task.files.getOpen(fd) === null ? -EBADF : -EINVAL;
}

export const MOUNT_API_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_fsopen, name: 'fsopen', handler: fsopen, coverage: 'full', format: 'sx' },
  { nr: SYS_fsconfig, name: 'fsconfig', handler: fsconfig, coverage: 'full', format: 'fuspd' },
  { nr: SYS_fsmount, name: 'fsmount', handler: fsmount, coverage: 'full', format: 'fxx' },
  { nr: SYS_fspick, name: 'fspick', handler: fspick, coverage: 'full', format: 'fsx' },
  {
    nr: SYS_move_mount,
    name: 'move_mount',
    handler: moveMountAt,
    coverage: 'full',
    format: 'fsfsx',
  },
  { nr: SYS_open_tree, name: 'open_tree', handler: openTree, coverage: 'full', format: 'fsx' },
  {
    nr: SYS_open_tree_attr,
    name: 'open_tree_attr',
    handler: openTreeAttr,
    coverage: 'full',
    format: 'fsxpz',
  },
  {
    nr: SYS_mount_setattr,
    name: 'mount_setattr',
    handler: mountSetattr,
    coverage: 'full',
    note: 'id-mapped mounts need user namespaces',
    format: 'fsxpz',
  },
];

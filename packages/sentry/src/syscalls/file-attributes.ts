// file_getattr(2), file_setattr(2), ioctl_fs_getxattr: FS_XFLAG_* and FS_*_FL, of which immutable and append-only exist here.
import {
  AT_EMPTY_PATH,
  AT_SYMLINK_NOFOLLOW,
  CAP_LINUX_IMMUTABLE,
  E2BIG,
  EFAULT,
  EINVAL,
  EOPNOTSUPP,
  EPERM,
  EROFS,
  FS_APPEND_FL,
  FS_IMMUTABLE_FL,
  FS_XFLAG_APPEND,
  FS_XFLAG_IMMUTABLE,
  FSXATTR_SIZE,
  getU64,
  S_IFDIR,
  S_IFMT,
  S_IFREG,
  SYS_file_getattr,
  SYS_file_setattr,
} from '@sandbox-kernel/abi';
import type { SyscallArgs, Task } from '@sandbox-kernel/kernel';
import {
  CHANGE_ATTRIBUTES,
  CHANGE_CTIME,
  type FileDescription,
  type Inode,
  isOwner,
  Location,
  type Mount,
  WALK_EMPTY,
  WALK_FOLLOW,
  writableMount,
} from '@sandbox-kernel/vfs';
import { pathArgument } from './arguments.js';
import type { SyscallRow } from './row.js';
import { workspaceOf } from './workspace.js';

/** sizeof(struct file_attr), first version. */
const FILE_ATTR_SIZE = 24;
const PAGE_BYTES = 4096;
const ENFORCED = FS_IMMUTABLE_FL | FS_APPEND_FL;

/** What programs may see of an inode's attributes. */
export function attributeFlags(inode: Inode): number {
  return inode.attributes & ENFORCED;
}

function hasAttributes(inode: Inode): boolean {
  const type = inode.mode & S_IFMT;
  return type === S_IFREG || type === S_IFDIR;
}

function flagsToExtended(flags: number): number {
  const immutable = (flags & FS_IMMUTABLE_FL) !== 0 ? FS_XFLAG_IMMUTABLE : 0;
  return immutable | ((flags & FS_APPEND_FL) !== 0 ? FS_XFLAG_APPEND : 0);
}

/** FS_*_FL, or -EOPNOTSUPP for those that don't exist here. */
function extendedToFlags(extended: number): number {
  if ((extended & ~(FS_XFLAG_IMMUTABLE | FS_XFLAG_APPEND)) !== 0) return -EOPNOTSUPP;
  const immutable = (extended & FS_XFLAG_IMMUTABLE) !== 0 ? FS_IMMUTABLE_FL : 0;
  return immutable | ((extended & FS_XFLAG_APPEND) !== 0 ? FS_APPEND_FL : 0);
}

/** `flags`: FS_*_FL. */
export function setAttributeFlags(task: Task, mount: Mount, inode: Inode, flags: number): number {
  if (writableMount(mount) !== 0) return -EROFS;
  if (!isOwner(inode, task.credentials)) return -EPERM;
  const changed = (flags ^ inode.attributes) & ENFORCED;
  if (changed !== 0 && !task.credentials.hasCapability(CAP_LINUX_IMMUTABLE)) return -EPERM;
  if ((flags & ~ENFORCED) !== 0) return -EOPNOTSUPP;
  const { vfs } = task.fs;
  const { change } = vfs;
  change.what = CHANGE_ATTRIBUTES | CHANGE_CTIME;
  change.attributes = (inode.attributes & ~ENFORCED) | flags;
  change.ctime = vfs.nowSeconds();
  change.ctimeNanos = vfs.nowNanos();
  return inode.ops.change(inode, change);
}

/** FS_IOC_FSGETXATTR. */
export function getExtended(task: Task, file: FileDescription, addr: number): number {
  const { bytes, view } = workspaceOf(task);
  bytes.fill(0, 0, FSXATTR_SIZE);
  view.setUint32(0, flagsToExtended(file.inode!.attributes), true);
  return task.memory.copyOut(addr, bytes, 0, FSXATTR_SIZE) < FSXATTR_SIZE ? -EFAULT : 0;
}

/** FS_IOC_FSSETXATTR. */
export function setExtended(task: Task, file: FileDescription, addr: number): number {
  const { bytes, view } = workspaceOf(task);
  if (task.memory.copyIn(addr, bytes, 0, FSXATTR_SIZE) < FSXATTR_SIZE) return -EFAULT;
  const flags = extendedToFlags(view.getUint32(0, true));
  return flags < 0 ? flags : setAttributeFlags(task, file.mount!, file.inode!, flags);
}

function placeArgument(task: Task, args: SyscallArgs): Location | number {
  const flags = args.int(4);
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return -EINVAL;
  if (args.size(3) > PAGE_BYTES) return -E2BIG;
  if (args.size(3) < FILE_ATTR_SIZE) return -EINVAL;
  const path = pathArgument(task, args, 1);
  if (typeof path === 'number') return path;
  const { walker } = task.fs.vfs;
  const follow = (flags & AT_SYMLINK_NOFOLLOW) === 0 ? WALK_FOLLOW : 0;
  const empty = (flags & AT_EMPTY_PATH) !== 0 ? WALK_EMPTY : 0;
  const found = walker.lookup(task, args.int(0), path, follow | empty);
  return found !== 0 ? found : new Location(walker.mount, walker.dentry);
}

function fileGetattr(task: Task, args: SyscallArgs): number {
  const place = placeArgument(task, args);
  if (typeof place === 'number') return place;
  const inode = place.dentry.inode!;
  if (!hasAttributes(inode)) return -EOPNOTSUPP;
  const { bytes, view } = workspaceOf(task);
  const size = args.size(3);
  bytes.fill(0, 0, size);
  view.setUint32(0, flagsToExtended(inode.attributes), true);
  return task.memory.copyOut(args.addr(2), bytes, 0, size) < size ? -EFAULT : 0;
}

function fileSetattr(task: Task, args: SyscallArgs): number {
  const size = args.size(3);
  const place = placeArgument(task, args);
  if (typeof place === 'number') return place;
  const { bytes, view } = workspaceOf(task);
  if (task.memory.copyIn(args.addr(2), bytes, 0, size) < size) return -EFAULT;
  for (let i = FILE_ATTR_SIZE; i < size; i++) if (bytes[i] !== 0) return -E2BIG;
  const extended = getU64(view, 0);
  if (extended > 0xffffffff) return -EINVAL;
  const inode = place.dentry.inode!;
  if (!hasAttributes(inode)) return -EOPNOTSUPP;
  const flags = extendedToFlags(extended);
  return flags < 0 ? flags : setAttributeFlags(task, place.mount, inode, flags);
}

export const FILE_ATTRIBUTE_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_file_getattr, name: 'file_getattr', handler: fileGetattr, coverage: 'full', format: 'fspzx' },
  { nr: SYS_file_setattr, name: 'file_setattr', handler: fileSetattr, coverage: 'full', format: 'fspzx' },
];

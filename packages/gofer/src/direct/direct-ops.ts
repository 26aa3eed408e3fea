// What the direct filesystem does with inodes: one host call each, relative to the directory's descriptor. Symbolic links are resolved
// by the vfs, never by the host. Devices and sockets of the host are shown; opening one reaches the sandbox's own drivers or ENXIO.
import {
  AT_EMPTY_PATH,
  AT_REMOVEDIR,
  AT_SYMLINK_FOLLOW,
  AT_SYMLINK_NOFOLLOW,
  EINVAL,
  ENODATA,
  ENOENT,
  ENOSYS,
  EOPNOTSUPP,
  EPERM,
  ESTALE,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_RDONLY,
  O_RDWR,
  O_TMPFILE,
  RENAME_EXCHANGE,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
  SYS_fchmod,
  SYS_fchmodat2,
} from '@sandbox-kernel/abi';
import { PATH_A } from '@sandbox-kernel/host';
import {
  type AttributeChange,
  CHANGE_ATIME,
  CHANGE_GID,
  CHANGE_MODE,
  CHANGE_MTIME,
  CHANGE_SIZE,
  CHANGE_UID,
  type FileDescription,
  type Inode,
  InodeOps,
  isAclName,
  type RemoteWatch,
} from '@sandbox-kernel/vfs';
import { openDirectDirectory } from './direct-directory.js';
import { cutMappings, DirectMappable, openDirectFile } from './direct-file.js';
import { hostNode, movePlace, NO_FD, setPlace } from './host-node.js';

const UTIME_OMIT = 0x3ffffffe;
const XATTR_MAX = 65536;
const NO_NAMES: readonly string[] = [];

class DirectOps extends InodeOps {
  override enter(inode: Inode): void {
    if (inode.isDirectory) hostNode(inode).tree.hold(inode);
  }

  override leave(inode: Inode): void {
    if (inode.isDirectory) hostNode(inode).tree.letGo(inode);
  }

  override watchRemotely(inode: Inode): RemoteWatch | null {
    const { tree } = hostNode(inode);
    return tree.watches?.add(tree, inode) ?? null;
  }

  override lookup(directory: Inode, name: string): Inode | number {
    const { tree } = hostNode(directory);
    const found = tree.statName(directory, name);
    return found !== 0 ? found : tree.inodeFor(DIRECT_OPS, directory, name);
  }

  override revalidate(directory: Inode, name: string, inode: Inode | null): boolean {
    const { tree } = hostNode(directory);
    const found = tree.statName(directory, name);
    if (inode === null) return found === -ENOENT;
    if (found !== 0 || !tree.isSame(inode)) return false;
    tree.seenAt(inode, directory, name);
    tree.fill(inode);
    return true;
  }

  override create(
    directory: Inode,
    name: string,
    mode: number,
    uid: number,
    gid: number,
    _rdev: number,
  ): Inode | number {
    const { tree } = hostNode(directory);
    const fd = tree.pathFd(directory);
    if (fd < 0) return fd;
    if ((mode & S_IFMT) === S_IFREG) return createFile(directory, fd, name, mode & 0o7777, uid, gid);
    const made = makeEntry(directory, fd, name, mode);
    return made < 0 ? made : adopt(directory, fd, name, mode, uid, gid);
  }

  override symlink(directory: Inode, name: string, target: string, uid: number, gid: number): Inode | number {
    const { tree } = hostNode(directory);
    const fd = tree.pathFd(directory);
    if (fd < 0) return fd;
    const made = tree.host.paths.symlink(target, fd, name);
    return made < 0 ? made : adopt(directory, fd, name, -1, uid, gid);
  }

  /** O_TMPFILE: the host makes one, whose descriptor is all that leads to it. */
  override createUnnamed(directory: Inode, mode: number, uid: number, gid: number): Inode | number {
    const { tree } = hostNode(directory);
    const path = tree.pathFd(directory);
    if (path < 0) return path;
    const fd = tree.openHere(path, '.', O_TMPFILE | O_RDWR, mode & 0o7777);
    if (fd < 0) return fd;
    tree.host.paths.chown(fd, '', uid, gid, AT_EMPTY_PATH);
    tree.host.door.call(SYS_fchmod, 0, fd, mode & 0o7777, 0, 0, 0, 0);
    const found = tree.host.stats.fstat(fd, tree.stat);
    if (found !== 0) {
      tree.host.descriptors.close(fd);
      return found;
    }
    const inode = tree.inodeFor(DIRECT_OPS, null, '');
    hostNode(inode).writeFd = fd;
    return inode;
  }

  override link(directory: Inode, name: string, inode: Inode): number {
    const node = hostNode(inode);
    const { tree } = node;
    const fd = tree.pathFd(directory);
    if (fd < 0) return fd;
    if (node.parent === null) {
      const linked = linkNameless(inode, fd, name);
      if (linked === 0) setPlace(inode, directory, name);
      return touched(directory, inode, linked);
    }
    const from = tree.pathFd(node.parent);
    if (from < 0) return from;
    return touched(directory, inode, tree.host.paths.link(from, node.name, fd, name, 0));
  }

  override unlink(directory: Inode, name: string, inode: Inode): number {
    return removeName(directory, name, inode, 0);
  }

  override rmdir(directory: Inode, name: string, inode: Inode): number {
    return removeName(directory, name, inode, AT_REMOVEDIR);
  }

  override rename(
    from: Inode,
    oldName: string,
    inode: Inode,
    to: Inode,
    newName: string,
    replaced: Inode | null,
    flags: number,
  ): number {
    const { tree } = hostNode(from);
    const source = tree.pathFd(from);
    if (source < 0) return source;
    const target = tree.pathFd(to);
    if (target < 0) return target;
    const renamed = tree.host.paths.rename(source, oldName, target, newName, flags);
    if (renamed !== 0) return renamed;
    movePlace(inode, to, newName);
    hostNode(from).stale = true;
    if (replaced !== null) {
      if ((flags & RENAME_EXCHANGE) !== 0) movePlace(replaced, from, oldName);
      else forgetName(replaced, to, newName);
      hostNode(replaced).stale = true;
    }
    return touched(to, inode, 0);
  }

  override readlink(inode: Inode): string | number {
    const node = hostNode(inode);
    const { tree } = node;
    if (node.target !== null && !tree.shared) return node.target;
    if (node.parent === null) return -ENOENT;
    const fd = tree.pathFd(node.parent);
    if (fd < 0) return fd;
    const length = tree.host.paths.readlink(fd, node.name);
    // No link any more, or gone: the walk has to look again.
    if (length === -EINVAL || length === -ENOENT) return -ESTALE;
    if (length < 0) return length;
    node.target = tree.host.paths.linkTarget(length);
    return node.target;
  }

  override refresh(inode: Inode): number {
    return hostNode(inode).tree.refresh(inode);
  }

  override change(inode: Inode, change: AttributeChange): number {
    const node = hostNode(inode);
    let result = 0;
    if ((change.what & CHANGE_SIZE) !== 0) result = truncate(inode, change.size);
    if (result === 0 && (change.what & (CHANGE_UID | CHANGE_GID)) !== 0) result = changeOwner(inode, change);
    if (result === 0 && (change.what & CHANGE_MODE) !== 0) result = changeMode(inode, change.mode & 0o7777);
    if (result === 0 && (change.what & (CHANGE_ATIME | CHANGE_MTIME)) !== 0)
      result = changeTimes(inode, change);
    node.stale = true;
    node.tree.refresh(inode);
    return result;
  }

  override open(inode: Inode, file: FileDescription): number {
    const type = inode.mode & S_IFMT;
    if (type === S_IFREG) return openDirectFile(inode, file);
    return type === S_IFDIR ? openDirectDirectory(inode, file) : super.open(inode, file);
  }

  override mayHaveAcl(inode: Inode): boolean {
    const names = xattrNames(inode);
    return typeof names !== 'number' && names.some(isAclName);
  }

  override getXattr(inode: Inode, name: string): Uint8Array | number {
    // Most files have none, and programs as ls(1) ask for several of each.
    const names = xattrNames(inode);
    if (typeof names === 'number') return names;
    if (!names.includes(name)) return -ENODATA;
    const fd = attributeFd(inode);
    if (fd < 0) return -EOPNOTSUPP;
    const buffer = new Uint8Array(XATTR_MAX);
    const length = hostNode(inode).tree.host.xattrs.get(fd, name, buffer);
    return length < 0 ? length : buffer.slice(0, length);
  }

  override setXattr(inode: Inode, name: string, value: Uint8Array, flags: number): number {
    if (isForeign(name)) return -EOPNOTSUPP;
    const fd = attributeFd(inode);
    if (fd < 0) return -EOPNOTSUPP;
    hostNode(inode).xattrNames = null;
    return touched(null, inode, hostNode(inode).tree.host.xattrs.set(fd, name, value, flags));
  }

  override removeXattr(inode: Inode, name: string): number {
    if (isForeign(name)) return -EOPNOTSUPP;
    const fd = attributeFd(inode);
    if (fd < 0) return -EOPNOTSUPP;
    hostNode(inode).xattrNames = null;
    return touched(null, inode, hostNode(inode).tree.host.xattrs.remove(fd, name));
  }

  override listXattr(inode: Inode): readonly string[] | number {
    return xattrNames(inode);
  }
}

export const DIRECT_OPS: InodeOps = new DirectOps();

function makeEntry(directory: Inode, fd: number, name: string, mode: number): number {
  const { tree } = hostNode(directory);
  const bits = mode & 0o7777;
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return tree.host.paths.mkdir(fd, name, bits);
    case S_IFIFO:
    case S_IFSOCK:
      return tree.host.paths.mknod(fd, name, mode, 0);
    case S_IFCHR:
    case S_IFBLK:
      return -EPERM;
    default:
      return -EPERM;
  }
}

/** A new regular file: what its owner and mode are set on is what was made, whoever changes names meanwhile. */
function createFile(
  directory: Inode,
  path: number,
  name: string,
  bits: number,
  uid: number,
  gid: number,
): Inode | number {
  const { tree } = hostNode(directory);
  const { host, stat } = tree;
  const fd = tree.openHere(path, name, O_CREAT | O_EXCL | O_RDWR, bits);
  if (fd < 0) return fd;
  hostNode(directory).stale = true;
  let found = host.stats.fstat(fd, stat);
  if (found === 0 && (stat.uid !== uid || stat.gid !== gid || (stat.mode & 0o7777) !== bits)) {
    // Without privilege on the host the file stays the host user's.
    if (stat.uid !== uid || stat.gid !== gid) host.paths.chown(fd, '', uid, gid, AT_EMPTY_PATH);
    host.door.call(SYS_fchmod, 0, fd, bits, 0, 0, 0, 0);
    found = host.stats.fstat(fd, stat);
  }
  if (found !== 0) {
    host.descriptors.close(fd);
    return found;
  }
  const inode = tree.inodeFor(DIRECT_OPS, directory, name);
  tree.holdDataFd(inode, fd);
  return inode;
}

/** After a name was made: owner and mode as asked (the host's umask and identity may differ), and the inode. */
function adopt(
  directory: Inode,
  fd: number,
  name: string,
  mode: number,
  uid: number,
  gid: number,
): Inode | number {
  const { tree } = hostNode(directory);
  const found = tree.statName(directory, name);
  if (found !== 0) return found;
  hostNode(directory).stale = true;
  const { stat } = tree;
  if (stat.uid !== uid || stat.gid !== gid) {
    // Without privilege on the host the file stays the host user's.
    tree.host.paths.chown(fd, name, uid, gid, AT_SYMLINK_NOFOLLOW);
    tree.statName(directory, name);
  }
  const inode = tree.inodeFor(DIRECT_OPS, directory, name);
  if (mode >= 0 && (inode.mode & 0o7777) !== (mode & 0o7777)) {
    changeMode(inode, mode & 0o7777);
    tree.refresh(inode);
  }
  return inode;
}

function linkNameless(inode: Inode, fd: number, name: string): number {
  const { tree, writeFd, readFd } = hostNode(inode);
  const source = writeFd !== NO_FD ? writeFd : readFd;
  if (source === NO_FD) return -ENOENT;
  return tree.host.paths.link(-100, `/proc/self/fd/${source}`, fd, name, AT_SYMLINK_FOLLOW);
}

function removeName(directory: Inode, name: string, inode: Inode, flags: number): number {
  const { tree } = hostNode(directory);
  const fd = tree.pathFd(directory);
  if (fd < 0) return fd;
  const result = tree.host.paths.unlink(fd, name, flags);
  if (result !== 0) return result;
  forgetName(inode, directory, name);
  return touched(directory, inode, 0);
}

function forgetName(inode: Inode, directory: Inode, name: string): void {
  const node = hostNode(inode);
  if (inode.links > 0) inode.links = inode.isDirectory ? 0 : inode.links - 1;
  if (node.parent === directory && node.name === name) setPlace(inode, null, '');
}

/** Marks what the host has changed along. */
function touched(directory: Inode | null, inode: Inode, result: number): number {
  if (result !== 0) return result;
  hostNode(inode).stale = true;
  if (directory !== null) hostNode(directory).stale = true;
  return 0;
}

function truncate(inode: Inode, size: number): number {
  const { tree } = hostNode(inode);
  const fd = tree.dataFd(inode, true);
  if (fd < 0) return fd;
  const old = inode.size;
  const result = tree.host.descriptors.truncate(fd, size);
  if (result === 0 && size < old) cutMappings(inode, new DirectMappable(inode), size, old);
  return result;
}

function changeOwner(inode: Inode, change: AttributeChange): number {
  const node = hostNode(inode);
  const uid = (change.what & CHANGE_UID) !== 0 ? change.uid : -1;
  const gid = (change.what & CHANGE_GID) !== 0 ? change.gid : -1;
  if (node.parent === null) {
    const own = attributeFd(inode);
    return own < 0 ? -EPERM : node.tree.host.paths.chown(own, '', uid, gid, AT_EMPTY_PATH);
  }
  const fd = node.tree.pathFd(node.parent);
  return fd < 0 ? fd : node.tree.host.paths.chown(fd, node.name, uid, gid, AT_SYMLINK_NOFOLLOW);
}

/** Never through a symbolic link that somebody put in the file's place: by descriptor, or fchmodat2(2). */
function changeMode(inode: Inode, mode: number): number {
  const node = hostNode(inode);
  const { tree } = node;
  if (node.parent !== null) {
    const fd = tree.pathFd(node.parent);
    if (fd < 0) return fd;
    const { door } = tree.host;
    if (!door.putString(PATH_A, node.name, 4096)) return -ENOENT;
    const result = door.call(SYS_fchmodat2, 2, fd, PATH_A, mode, AT_SYMLINK_NOFOLLOW, 0, 0);
    if (result !== -ENOSYS && result !== -EPERM) return result;
  }
  const fd = attributeFd(inode);
  return fd < 0 ? fd : tree.host.door.call(SYS_fchmod, 0, fd, mode, 0, 0, 0, 0);
}

function changeTimes(inode: Inode, change: AttributeChange): number {
  const node = hostNode(inode);
  const times = {
    accessSeconds: change.atime,
    accessNanos: (change.what & CHANGE_ATIME) !== 0 ? change.atimeNanos : UTIME_OMIT,
    modifySeconds: change.mtime,
    modifyNanos: (change.what & CHANGE_MTIME) !== 0 ? change.mtimeNanos : UTIME_OMIT,
  };
  if (node.parent === null) {
    const fd = attributeFd(inode);
    return fd < 0 ? fd : node.tree.host.paths.utimens(fd, null, times, 0);
  }
  const fd = node.tree.pathFd(node.parent);
  return fd < 0 ? fd : node.tree.host.paths.utimens(fd, node.name, times, AT_SYMLINK_NOFOLLOW);
}

/** Attributes of the system with rules that only the host knows: the sentry's rights there are not the program's. */
function isForeign(name: string): boolean {
  return name.startsWith('system.') && !isAclName(name);
}

/** Names of the extended attributes; remembered where nobody else changes them. */
function xattrNames(inode: Inode): readonly string[] | number {
  const node = hostNode(inode);
  if (node.xattrNames !== null && !node.tree.shared) return node.xattrNames;
  const length = listXattrs(inode);
  if (length < 0 && length !== -EOPNOTSUPP) return length;
  let text = '';
  for (let i = 0; i < length; i++) text += String.fromCharCode(node.tree.xattrBuffer[i]!);
  node.xattrNames = length <= 0 ? NO_NAMES : text.slice(0, -1).split('\0');
  return node.xattrNames;
}

/** By the name in its directory, which opens nothing; by descriptor where the sentry has no /proc. */
function listXattrs(inode: Inode): number {
  const node = hostNode(inode);
  const { xattrs } = node.tree.host;
  if (node.parent !== null) {
    const directory = node.tree.pathFd(node.parent);
    const result =
      directory < 0
        ? directory
        : xattrs.list(`/proc/self/fd/${directory}/${node.name}`, node.tree.xattrBuffer);
    if (result !== -ENOENT) return result;
  }
  const fd = attributeFd(inode);
  return fd < 0 ? -EOPNOTSUPP : xattrs.list(fd, node.tree.xattrBuffer);
}

/** A descriptor that attributes can be read from and changed through: not O_PATH. */
function attributeFd(inode: Inode): number {
  const node = hostNode(inode);
  const type = inode.mode & S_IFMT;
  if (type === S_IFLNK || (type !== S_IFREG && type !== S_IFDIR)) return -EOPNOTSUPP;
  if (node.writeFd !== NO_FD) return node.writeFd;
  if (node.readFd !== NO_FD) return node.readFd;
  if (type === S_IFREG) return node.tree.dataFd(inode, false);
  const fd = node.tree.openBeneath(inode, O_RDONLY | O_DIRECTORY);
  if (fd >= 0) {
    node.readFd = fd;
    node.tree.descriptors.touch(node);
  }
  return fd;
}

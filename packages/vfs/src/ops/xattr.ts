// getxattr(2), setxattr(2), listxattr(2), removexattr(2): xattr(7)'s namespaces and who may use them.
import {
  CAP_FSETID,
  CAP_SETFCAP,
  CAP_SYS_ADMIN,
  E2BIG,
  EACCES,
  EINVAL,
  ENODATA,
  EOPNOTSUPP,
  EPERM,
  ERANGE,
  S_IFDIR,
  S_IFMT,
  S_IFREG,
  S_ISGID,
  S_ISVTX,
  VFS_CAP_REVISION_2,
  VFS_CAP_REVISION_3,
  XATTR_CAPS_SZ_2,
  XATTR_CAPS_SZ_3,
  XATTR_NAME_MAX,
  XATTR_SIZE_MAX,
} from '@sandbox-kernel/abi';
import { DEFAULT_ACL, isAclName, setAccessAcl, storeAcl } from '../acl/inode-acl.js';
import { isValidAcl, parseAcl } from '../acl/posix-acl.js';
import { MAY_READ, MAY_WRITE } from '../constants.js';
import type { FileDescription } from '../file-description.js';
import type { FileCaller } from '../fs-context.js';
import type { Inode } from '../inode.js';
import type { Mount } from '../mount.js';
import { IN_ATTRIB, notifyInode } from '../notify/notify.js';
import { INODE_APPEND, INODE_IMMUTABLE, inGroup, isOwner, permission, writableMount } from '../permission.js';
import { walkFlags } from './stat.js';

/** The value, or -errno. `flags`: AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH. */
export function getXattr(
  caller: FileCaller,
  dirfd: number,
  path: string,
  name: string,
  flags: number,
): Uint8Array | number {
  const walker = caller.fs.vfs.walker;
  const found = walker.lookup(caller, dirfd, path, walkFlags(flags));
  return found !== 0 ? found : getInodeXattr(caller, walker.dentry.inode!, name);
}

export function getFileXattr(caller: FileCaller, file: FileDescription, name: string): Uint8Array | number {
  return file.inode === null ? -EOPNOTSUPP : getInodeXattr(caller, file.inode, name);
}

function getInodeXattr(caller: FileCaller, inode: Inode, name: string): Uint8Array | number {
  const refused = checkNamespace(caller, inode, name, false);
  if (refused !== 0) return refused;
  if (inode.isSymlink && isAclName(name)) return -EOPNOTSUPP;
  return inode.ops.getXattr(inode, name);
}

export function setXattr(
  caller: FileCaller,
  dirfd: number,
  path: string,
  name: string,
  value: Uint8Array,
  xattrFlags: number,
  flags: number,
): number {
  if (value.length > XATTR_SIZE_MAX) return -E2BIG;
  const walker = caller.fs.vfs.walker;
  const found = walker.lookup(caller, dirfd, path, walkFlags(flags));
  if (found !== 0) return found;
  return setInodeXattr(caller, walker.mount, walker.dentry.inode!, name, value, xattrFlags);
}

export function setFileXattr(
  caller: FileCaller,
  file: FileDescription,
  name: string,
  value: Uint8Array,
  xattrFlags: number,
): number {
  if (value.length > XATTR_SIZE_MAX) return -E2BIG;
  if (file.inode === null) return -EOPNOTSUPP;
  return setInodeXattr(caller, file.mount, file.inode, name, value, xattrFlags);
}

function setInodeXattr(
  caller: FileCaller,
  mount: Mount | null,
  inode: Inode,
  name: string,
  value: Uint8Array,
  flags: number,
): number {
  const refused = mayChange(caller, mount, inode, name);
  if (refused !== 0) return refused;
  if (inode.superblock.acls && isAclName(name)) return setAcl(caller, inode, name, value);
  if (name === 'security.capability' && !isCapabilityValue(value)) return -EINVAL;
  const result = inode.ops.setXattr(inode, name, value, flags);
  if (result === 0) notifyInode(inode, IN_ATTRIB);
  return result;
}

/** struct vfs_cap_data of version 2 or struct vfs_ns_cap_data of version 3: what Linux takes (capabilities(7)). */
function isCapabilityValue(value: Uint8Array): boolean {
  const size = value[3] === VFS_CAP_REVISION_2 >>> 24 ? XATTR_CAPS_SZ_2 : XATTR_CAPS_SZ_3;
  return (
    value.length === size &&
    (value[3] === VFS_CAP_REVISION_2 >>> 24 || value[3] === VFS_CAP_REVISION_3 >>> 24)
  );
}

export function removeXattr(
  caller: FileCaller,
  dirfd: number,
  path: string,
  name: string,
  flags: number,
): number {
  const walker = caller.fs.vfs.walker;
  const found = walker.lookup(caller, dirfd, path, walkFlags(flags));
  if (found !== 0) return found;
  return removeInodeXattr(caller, walker.mount, walker.dentry.inode!, name);
}

export function removeFileXattr(caller: FileCaller, file: FileDescription, name: string): number {
  return file.inode === null ? -EOPNOTSUPP : removeInodeXattr(caller, file.mount, file.inode, name);
}

function removeInodeXattr(caller: FileCaller, mount: Mount | null, inode: Inode, name: string): number {
  const refused = mayChange(caller, mount, inode, name);
  if (refused !== 0) return refused;
  if (inode.superblock.acls && isAclName(name)) return setAcl(caller, inode, name, null);
  const result = inode.ops.removeXattr(inode, name);
  if (result === 0) notifyInode(inode, IN_ATTRIB);
  return result;
}

/** The names, each with its NUL, as one string; trusted ones only for those who may read them. */
export function listXattrs(caller: FileCaller, dirfd: number, path: string, flags: number): string | number {
  const walker = caller.fs.vfs.walker;
  const found = walker.lookup(caller, dirfd, path, walkFlags(flags));
  return found !== 0 ? found : listInodeXattrs(caller, walker.dentry.inode!);
}

export function listFileXattrs(caller: FileCaller, file: FileDescription): string | number {
  return file.inode === null ? -EOPNOTSUPP : listInodeXattrs(caller, file.inode);
}

function listInodeXattrs(caller: FileCaller, inode: Inode): string | number {
  const names = inode.ops.listXattr(inode);
  if (typeof names === 'number') return names;
  let text = '';
  for (const name of names) {
    if (name.startsWith('trusted.') && !caller.credentials.hasCapability(CAP_SYS_ADMIN)) continue;
    text += `${name}\0`;
  }
  return text;
}

/** Sets an access control list (null: removes it), and with an access list the mode. */
function setAcl(caller: FileCaller, inode: Inode, name: string, value: Uint8Array | null): number {
  const acl = value === null ? null : parseAcl(value);
  if (typeof acl === 'number') return acl;
  if (inode.isSymlink) return -EOPNOTSUPP;
  if (name === DEFAULT_ACL && !inode.isDirectory) return acl === null ? 0 : -EACCES;
  const { credentials } = caller;
  if (!isOwner(inode, credentials)) return -EPERM;
  if (acl !== null && !isValidAcl(acl)) return -EINVAL;
  let result: number;
  if (name === DEFAULT_ACL) result = storeAcl(inode, name, acl);
  else {
    const keepsSetGid = inGroup(credentials, inode.gid) || credentials.hasCapability(CAP_FSETID);
    const mode = keepsSetGid || acl === null ? inode.mode : inode.mode & ~S_ISGID;
    result = setAccessAcl(caller, inode, acl, mode);
  }
  if (result === 0) notifyInode(inode, IN_ATTRIB);
  return result;
}

function mayChange(caller: FileCaller, mount: Mount | null, inode: Inode, name: string): number {
  const readOnly = mount === null ? 0 : writableMount(mount);
  if (readOnly !== 0) return readOnly;
  if ((inode.attributes & (INODE_APPEND | INODE_IMMUTABLE)) !== 0) return -EPERM;
  return checkNamespace(caller, inode, name, true);
}

function checkNamespace(caller: FileCaller, inode: Inode, name: string, write: boolean): number {
  if (name.length === 0 || name.length > XATTR_NAME_MAX) return -ERANGE;
  const allowed = namespacePermission(caller, inode, name, write);
  if (allowed !== 0) return allowed;
  // A namespace is no name; who may not use it hears of that first.
  return name.endsWith('.') && name.indexOf('.') === name.length - 1 ? -EINVAL : 0;
}

function namespacePermission(caller: FileCaller, inode: Inode, name: string, write: boolean): number {
  if (name.startsWith('system.')) return 0;
  const credentials = caller.credentials;
  if (name.startsWith('security.')) {
    if (!write) return 0;
    const needed = name === 'security.capability' ? CAP_SETFCAP : CAP_SYS_ADMIN;
    return credentials.hasCapability(needed) ? 0 : -EPERM;
  }
  if (name.startsWith('trusted.')) {
    if (credentials.hasCapability(CAP_SYS_ADMIN)) return 0;
    return write ? -EPERM : -ENODATA;
  }
  if (!name.startsWith('user.')) return -EOPNOTSUPP;
  const type = inode.mode & S_IFMT;
  if (type !== S_IFREG && type !== S_IFDIR) return write ? -EPERM : -ENODATA;
  if (type === S_IFDIR && (inode.mode & S_ISVTX) !== 0 && write && !isOwner(inode, credentials))
    return -EPERM;
  return permission(inode, credentials, write ? MAY_WRITE : MAY_READ);
}

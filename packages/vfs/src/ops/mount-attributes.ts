// mount_setattr(2), open_tree(2), fsmount(2): attributes of many mounts at once, and descriptors that own a detached tree.
import {
  EBUSY,
  EINVAL,
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RELATIME,
  MOUNT_ATTR_STRICTATIME,
  MS_NOATIME,
  MS_NODIRATIME,
  MS_NOSYMFOLLOW,
  MS_REC,
  MS_RELATIME,
  MS_STRICTATIME,
} from '@sandbox-kernel/abi';
import type { FileDescription } from '../file-description.js';
import { PathOnlyOps } from '../file-ops.js';
import type { FileCaller } from '../fs-context.js';
import { destroyMount, type Location, type Mount } from '../mount.js';
import { becomesReadOnly, disconnect, setPropagation, treeOf } from './mounts.js';
import { pathDescription } from './open.js';

/** MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC have the same numbers as attributes. */
const SAME = 15;
const ATIME_FLAGS = MS_NOATIME | MS_RELATIME | MS_STRICTATIME;

/** MOUNT_ATTR_* to MS_*; -EINVAL for an access time mode that does not exist. */
export function flagsOfAttributes(attributes: number): number {
  let flags = attributes & SAME;
  if ((attributes & MOUNT_ATTR_NODIRATIME) !== 0) flags |= MS_NODIRATIME;
  if ((attributes & MOUNT_ATTR_NOSYMFOLLOW) !== 0) flags |= MS_NOSYMFOLLOW;
  switch (attributes & MOUNT_ATTR__ATIME) {
    case MOUNT_ATTR_RELATIME:
      return flags | MS_RELATIME;
    case MOUNT_ATTR_NOATIME:
      return flags | MS_NOATIME;
    case MOUNT_ATTR_STRICTATIME:
      return flags;
    default:
      return -EINVAL;
  }
}

/** What statmount(2) shows. */
export function attributesOfMount(mount: Mount): number {
  const { flags } = mount;
  let attributes = flags & SAME;
  if ((flags & MS_NODIRATIME) !== 0) attributes |= MOUNT_ATTR_NODIRATIME;
  if ((flags & MS_NOSYMFOLLOW) !== 0) attributes |= MOUNT_ATTR_NOSYMFOLLOW;
  if ((flags & MS_NOATIME) !== 0) return attributes | MOUNT_ATTR_NOATIME;
  return (flags & MS_RELATIME) !== 0 ? attributes : attributes | MOUNT_ATTR_STRICTATIME;
}

/** Attributes were checked. `propagation`: MS_SHARED and its like, or 0. */
export function setMountAttributes(
  place: Location,
  set: number,
  clear: number,
  propagation: number,
  recursive: boolean,
): number {
  if (place.dentry !== place.mount.root) return -EINVAL;
  const setFlags = flagsOfAttributes(set);
  const clearFlags = flagsOfAttributes(clear & ~MOUNT_ATTR__ATIME) & ~ATIME_FLAGS;
  const atime = (clear & MOUNT_ATTR__ATIME) !== 0;
  const mounts = recursive ? treeOf(place.mount) : [place.mount];
  // All or none.
  for (const mount of mounts) if (becomesReadOnly(mount.flags, setFlags) && mount.writers > 0) return -EBUSY;
  for (const mount of mounts) {
    const kept = mount.flags & ~clearFlags & (atime ? ~ATIME_FLAGS : -1);
    mount.flags = kept | (atime ? setFlags : setFlags & ~ATIME_FLAGS);
  }
  return propagation === 0 ? 0 : setPropagation(place, propagation | (recursive ? MS_REC : 0));
}

/** Descriptors whose end takes a tree along that was never attached. */
class DetachedTreeOps extends PathOnlyOps {
  override release(file: FileDescription): void {
    const mount = file.mount!;
    if (mount.namespace !== null || mount.parent !== null) return;
    const all = treeOf(mount);
    for (let i = all.length - 1; i > 0; i--) {
      const each = all[i]!;
      disconnect(each);
      if (each.refs === 0) destroyMount(each);
    }
  }
}

const DETACHED_TREE_OPS = new DetachedTreeOps();

/** A descriptor for a mount that is attached nowhere; closing it ends the mount unless it was moved somewhere. */
export function describeDetached(caller: FileCaller, mount: Mount): FileDescription {
  const file = pathDescription(caller, mount, mount.root, 0);
  file.ops = DETACHED_TREE_OPS;
  return file;
}

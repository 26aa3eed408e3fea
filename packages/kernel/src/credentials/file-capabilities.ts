// Capabilities of a program file: the extended attribute security.capability (capabilities(7), "File capabilities"), of versions 1 to 3.
// The value comes from whoever made the file system: what does not fit counts for nothing, as in Linux.
import {
  EINVAL,
  VFS_CAP_FLAGS_EFFECTIVE,
  VFS_CAP_REVISION_1,
  VFS_CAP_REVISION_2,
  VFS_CAP_REVISION_3,
  VFS_CAP_REVISION_MASK,
  XATTR_CAPS_SZ_1,
  XATTR_CAPS_SZ_2,
  XATTR_CAPS_SZ_3,
} from '@sandbox-kernel/abi';
import type { Inode } from '@sandbox-kernel/vfs';
import { ALL_CAPABILITIES, CapabilitySet } from './capability-set.js';
import type { FileCapabilities } from './exec-credentials.js';

const NAME = 'security.capability';
const ROOT_ID = 20;

const SIZES: Readonly<Record<number, number>> = {
  [VFS_CAP_REVISION_1]: XATTR_CAPS_SZ_1,
  [VFS_CAP_REVISION_2]: XATTR_CAPS_SZ_2,
  [VFS_CAP_REVISION_3]: XATTR_CAPS_SZ_3,
};

/** The sets of a program; null when it has none, or a damaged value. */
export function fileCapabilities(inode: Inode): FileCapabilities | null {
  const value = inode.ops.getXattr(inode, NAME);
  if (typeof value === 'number') return null;
  const parsed = parseFileCapabilities(value);
  return typeof parsed === 'number' ? null : parsed;
}

/** Null: they are those of a user namespace that isn't here. */
export function parseFileCapabilities(value: Uint8Array): FileCapabilities | null | number {
  if (value.length < 4) return -EINVAL;
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  const magic = view.getUint32(0, true);
  const revision = (magic & VFS_CAP_REVISION_MASK) >>> 0;
  if (SIZES[revision] !== value.length) return -EINVAL;
  if (revision === VFS_CAP_REVISION_3 && view.getUint32(ROOT_ID, true) !== 0) return null;
  const wide = revision !== VFS_CAP_REVISION_1;
  return {
    permitted: set(view, 4, wide),
    inheritable: set(view, 8, wide),
    effective: (magic & VFS_CAP_FLAGS_EFFECTIVE) !== 0,
  };
}

function set(view: DataView, at: number, wide: boolean): CapabilitySet {
  const hi = wide ? view.getUint32(at + 8, true) : 0;
  return new CapabilitySet(view.getUint32(at, true), hi).and(ALL_CAPABILITIES);
}

// What a filesystem does with one inode: the role that implementors fill by subclassing. Every method has a default, so that a
// small filesystem overrides three of them (lookup, readdir, open). All return 0, a value, or -errno; none blocks or throws.
// The vfs has checked names, permissions, mount flags and existence before; times of directories are the filesystem's.
import {
  EINVAL,
  ENODATA,
  ENOTDIR,
  ENXIO,
  EOPNOTSUPP,
  EPERM,
  EXDEV,
  O_ACCMODE,
  S_IFBLK,
  S_IFCHR,
  S_IFIFO,
  S_IFMT,
  S_IFSOCK,
} from '@sandbox-kernel/abi';
import type { AttributeChange } from './attribute-change.js';
import { openDevice } from './device-registry.js';
import type { FileDescription } from './file-description.js';
import type { FileCaller } from './fs-context.js';
import type { Inode } from './inode.js';
import type { Location } from './mount.js';
import type { RemoteWatch } from './notify/watch-list.js';
import { openFifo } from './pipe/fifo.js';

export class InodeOps {
  /** The inode of `name` in `directory`, or -ENOENT. The same file must give the same object while it is in memory. */
  lookup(_directory: Inode, _name: string): Inode | number {
    return -ENOTDIR;
  }

  /**
   * Asked before a cached name is used, on superblocks with `revalidates`. False: forget it and look again. `inode` null:
   * the name was known not to exist.
   */
  revalidate(_directory: Inode, _name: string, _inode: Inode | null): boolean {
    return true;
  }

  /** A new file of the type in `mode` (regular, directory, device, FIFO, socket). */
  create(
    _directory: Inode,
    _name: string,
    _mode: number,
    _uid: number,
    _gid: number,
    _rdev: number,
  ): Inode | number {
    return -EPERM;
  }

  symlink(_directory: Inode, _name: string, _target: string, _uid: number, _gid: number): Inode | number {
    return -EPERM;
  }

  /** A file without name (O_TMPFILE). `links` is 0 until `link` gives it one. */
  createUnnamed(_directory: Inode, _mode: number, _uid: number, _gid: number): Inode | number {
    return -EOPNOTSUPP;
  }

  link(_directory: Inode, _name: string, _inode: Inode): number {
    return -EPERM;
  }

  unlink(_directory: Inode, _name: string, _inode: Inode): number {
    return -EPERM;
  }

  /** -ENOTEMPTY when it has entries. */
  rmdir(_directory: Inode, _name: string, _inode: Inode): number {
    return -EPERM;
  }

  /** `replaced` is what stands at the new name (null: nothing). `flags`: RENAME_EXCHANGE, RENAME_WHITEOUT. */
  rename(
    _oldDirectory: Inode,
    _oldName: string,
    _inode: Inode,
    _newDirectory: Inode,
    _newName: string,
    _replaced: Inode | null,
    _flags: number,
  ): number {
    return -EXDEV;
  }

  /** Text of a symbolic link. `caller` matters to links as /proc/self. */
  readlink(_inode: Inode, _caller: FileCaller): string | number {
    return -EINVAL;
  }

  /** Where a magic link (`inode.magic`) leads: fills `out`. */
  jump(_inode: Inode, _caller: FileCaller, _out: Location): number {
    return -EINVAL;
  }

  /** Brings the inode's fields up to date before they are used for stat. */
  refresh(_inode: Inode): number {
    return 0;
  }

  /** Applies what `change` names; permission was checked. Must update the inode's fields. */
  change(_inode: Inode, _change: AttributeChange): number {
    return -EPERM;
  }

  /**
   * Makes `file` usable: sets `file.ops` (and `file.data`). O_TRUNC and permissions were dealt with. Default: devices, FIFOs;
   * for anything else -EINVAL.
   */
  open(inode: Inode, file: FileDescription): number {
    switch (inode.mode & S_IFMT) {
      case S_IFCHR:
      case S_IFBLK:
        return openDevice(inode, file);
      case S_IFIFO:
        return openFifo(inode, file, file.flags & O_ACCMODE);
      case S_IFSOCK:
        return -ENXIO;
      default:
        return -EINVAL;
    }
  }

  /**
   * A process stands in this directory (chdir, chroot) or has it open: it must be reachable for as long, whatever becomes of the names
   * that led to it. Paired with `leave`.
   */
  enter(_inode: Inode): void {}

  leave(_inode: Inode): void {}

  /** The first watch stands on the inode: a chance to hear of changes that others make. */
  watchRemotely(_inode: Inode): RemoteWatch | null {
    return null;
  }

  /** False: no access control list need be looked for. Asked only where `superblock.acls`. */
  mayHaveAcl(_inode: Inode): boolean {
    return true;
  }

  /** False: there is no `security.capability` to be dropped when the content changes. A host drops its files' own. */
  mayHaveCapabilities(_inode: Inode): boolean {
    return false;
  }

  /** The value, or -ENODATA. `name` is whole: "user.x". */
  getXattr(_inode: Inode, _name: string): Uint8Array | number {
    return -ENODATA;
  }

  /** `flags`: XATTR_CREATE, XATTR_REPLACE. */
  setXattr(_inode: Inode, _name: string, _value: Uint8Array, _flags: number): number {
    return -EOPNOTSUPP;
  }

  removeXattr(_inode: Inode, _name: string): number {
    return -EOPNOTSUPP;
  }

  listXattr(_inode: Inode): readonly string[] | number {
    return NO_NAMES;
  }
}

const NO_NAMES: readonly string[] = [];

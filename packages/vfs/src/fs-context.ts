// Where a process stands in the tree: root, working directory, umask (Linux: struct fs_struct), shared by CLONE_FS.
// `FileCaller` is what every operation wants to know of who calls.
import type { CallerCredentials } from '@sandbox-kernel/contracts';
import type { FdTable } from './fd-table.js';
import { Location } from './mount.js';
import type { Vfs } from './vfs.js';

export class FsContext {
  readonly vfs: Vfs;
  readonly root: Location;
  readonly cwd: Location;
  umask: number;
  private shares: number;

  /** Starts with one share. Both places are retained. */
  constructor(vfs: Vfs, root: Location, cwd: Location, umask: number) {
    this.vfs = vfs;
    this.root = new Location(root.mount, root.dentry);
    this.cwd = new Location(cwd.mount, cwd.dentry);
    enter(this.root);
    enter(this.cwd);
    this.umask = umask;
    this.shares = 1;
  }

  /** fork without CLONE_FS, unshare(CLONE_FS). */
  copy(): FsContext {
    return new FsContext(this.vfs, this.root, this.cwd, this.umask);
  }

  get shareCount(): number {
    return this.shares;
  }

  /** CLONE_FS. */
  share(): FsContext {
    this.shares++;
    return this;
  }

  release(): void {
    if (--this.shares > 0) return;
    leave(this.root);
    leave(this.cwd);
  }

  setRoot(place: Location): void {
    replace(this.root, place);
  }

  setCwd(place: Location): void {
    replace(this.cwd, place);
  }
}

function replace(held: Location, place: Location): void {
  const before = new Location(held.mount, held.dentry);
  enter(place);
  held.set(place.mount, place.dentry);
  leave(before);
}

function enter(place: Location): void {
  place.retain();
  const inode = place.dentry.inode!;
  inode.ops.enter(inode);
}

function leave(place: Location): void {
  const inode = place.dentry.inode!;
  inode.ops.leave(inode);
  place.release();
}

/** Who calls. Kernel's Task is one; so is the facade. */
export interface FileCaller {
  readonly fs: FsContext;
  readonly files: FdTable;
  readonly credentials: CallerCredentials;
}

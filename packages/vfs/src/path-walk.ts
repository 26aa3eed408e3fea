// Path resolution: path_resolution(7), symlink(7), openat2(2). Iterative; one walker per vfs, whose results are overwritten by the
// next walk. Paths hold one character per byte. Departure: no automounts.
import {
  AT_FDCWD,
  EACCES,
  EAGAIN,
  EBADF,
  ELOOP,
  ENAMETOOLONG,
  ENOENT,
  ENOTDIR,
  EXDEV,
  MS_NOSYMFOLLOW,
  PATH_MAX,
  RESOLVE_BENEATH,
  RESOLVE_CACHED,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
} from '@sandbox-kernel/abi';
import { MAX_SYMLINKS, MAY_EXEC, WALK_DIRECTORY, WALK_EMPTY, WALK_FOLLOW } from './constants.js';
import type { Dentry } from './dentry.js';
import type { FileCaller } from './fs-context.js';
import type { Inode } from './inode.js';
import { Location, type Mount } from './mount.js';
import { permission } from './permission.js';
import type { Vfs } from './vfs.js';

const SLASH = 47;
const DOT = 46;

/** What the last component of `parent()` was. */
export const LAST_NAME = 0;
export const LAST_DOT = 1;
export const LAST_DOTDOT = 2;
/** The path was only slashes. */
export const LAST_ROOT = 3;

export class PathWalker {
  private readonly vfs: Vfs;
  /** Result: where the walk ended; for `parent`, the directory that holds `name`. */
  mount: Mount;
  dentry: Dentry;
  /** Result of `parent`: last component, its kind (LAST_*), and whether slashes follow it. */
  name: string;
  kind: number;
  trailing: boolean;
  /** The last dentry that this walk looked up by name: its filesystem was asked just now. */
  looked: Dentry | null;
  private rootMount: Mount;
  private rootDentry: Dentry;
  private caller: FileCaller;
  private resolve: number;
  private links: number;
  /** Paths that go on when the target of a link has ended; the first `pending` entries count. */
  private pending: number;
  private readonly pendingPaths: string[];
  private readonly pendingOffsets: number[];
  private readonly place: Location;

  constructor(vfs: Vfs) {
    const nothing = null as unknown;
    this.vfs = vfs;
    this.mount = nothing as Mount;
    this.dentry = nothing as Dentry;
    this.name = '';
    this.kind = LAST_NAME;
    this.trailing = false;
    this.looked = null;
    this.rootMount = nothing as Mount;
    this.rootDentry = nothing as Dentry;
    this.caller = nothing as FileCaller;
    this.resolve = 0;
    this.links = 0;
    this.pending = 0;
    this.pendingPaths = [];
    this.pendingOffsets = [];
    this.place = new Location(nothing as Mount, nothing as Dentry);
  }

  /** Resolves to an existing file: `mount`, `dentry`. `flags`: WALK_*; `resolve`: RESOLVE_*. 0 or -errno. */
  lookup(caller: FileCaller, dirfd: number, path: string, flags: number, resolve = 0): number {
    const started = this.start(caller, dirfd, path, (flags & WALK_EMPTY) !== 0, resolve);
    if (started !== 0) return started;
    if (path.length === 0) return 0;
    return this.run(path, flags, false);
  }

  /** Resolves all but the last component: `mount`, `dentry` (a directory), `name`, `kind`, `trailing`. 0 or -errno. */
  parent(caller: FileCaller, dirfd: number, path: string, resolve = 0): number {
    const started = this.start(caller, dirfd, path, false, resolve);
    return started !== 0 ? started : this.run(path, WALK_FOLLOW, true);
  }

  /**
   * After `parent`, when the last component turned out to be a symbolic link to follow: goes on with its target and ends as
   * `parent` does. `link` is its dentry in the current directory.
   */
  followLast(link: Dentry): number {
    const target = this.enterLink(link, this.mount);
    if (typeof target === 'number') return target;
    if (target.length > 0) return this.run(target, WALK_FOLLOW, true);
    // A magic link: already there.
    this.kind = LAST_ROOT;
    return 0;
  }

  /** Makes `mount`/`dentry` the top of what is mounted there. */
  descend(): number {
    while (this.dentry.mounts !== null) {
      const on = mountAt(this.mount, this.dentry);
      if (on === null) return 0;
      if ((this.resolve & RESOLVE_NO_XDEV) !== 0) return -EXDEV;
      this.mount = on;
      this.dentry = on.root;
    }
    return 0;
  }

  /** Sets the start; also for callers that begin at a known place. */
  private start(
    caller: FileCaller,
    dirfd: number,
    path: string,
    mayBeEmpty: boolean,
    resolve: number,
  ): number {
    this.caller = caller;
    this.resolve = resolve;
    this.links = 0;
    this.pending = 0;
    this.looked = null;
    if (path.length >= PATH_MAX) return -ENAMETOOLONG;
    if (path.length === 0 && !mayBeEmpty) return -ENOENT;
    const root = caller.fs.root;
    this.rootMount = root.mount;
    this.rootDentry = root.dentry;
    const absolute = path.charCodeAt(0) === SLASH;
    if (absolute && (resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) === 0) {
      this.mount = root.mount;
      this.dentry = root.dentry;
      return 0;
    }
    if (absolute && (resolve & RESOLVE_BENEATH) !== 0) return -EXDEV;
    const set = this.startAt(caller, dirfd, path.length === 0);
    if (set !== 0 || (resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) === 0) return set;
    this.rootMount = this.mount;
    this.rootDentry = this.dentry;
    return 0;
  }

  private startAt(caller: FileCaller, dirfd: number, empty: boolean): number {
    if (dirfd === AT_FDCWD) {
      this.mount = caller.fs.cwd.mount;
      this.dentry = caller.fs.cwd.dentry;
      return 0;
    }
    const file = caller.files.get(dirfd);
    if (file === null) return -EBADF;
    if (file.mount === null || file.dentry === null) return empty ? -EBADF : -ENOTDIR;
    if (!empty && (file.inode!.mode & S_IFMT) !== S_IFDIR) return -ENOTDIR;
    this.mount = file.mount;
    this.dentry = file.dentry;
    return 0;
  }

  /** The walk itself. `stop`: end before the last component. */
  private run(first: string, flags: number, stop: boolean): number {
    let path = first;
    let at = 0;
    let directory = (flags & WALK_DIRECTORY) !== 0;
    let follow = (flags & WALK_FOLLOW) !== 0;
    for (;;) {
      while (path.charCodeAt(at) === SLASH) at++;
      if (at >= path.length) {
        if (this.pending === 0) return this.finish(directory, stop);
        this.pending--;
        path = this.pendingPaths[this.pending]!;
        at = this.pendingOffsets[this.pending]!;
        continue;
      }
      let end = path.indexOf('/', at);
      if (end < 0) end = path.length;
      let rest = end;
      while (path.charCodeAt(rest) === SLASH) rest++;
      const last = rest >= path.length && this.pending === 0;
      const allowed = this.maySearch();
      if (allowed !== 0) return allowed;
      if (last && rest > end) {
        directory = true;
        follow = true;
      }
      if (last && stop) return this.stopAt(path.slice(at, end), rest > end);
      const link = this.step(path, at, end);
      if (typeof link === 'number') {
        if (link !== 0) return link;
        at = rest;
        continue;
      }
      if (last && !follow) return this.endAtLink(link, directory);
      const target = this.enterLink(link, this.mount);
      if (typeof target === 'number') return target;
      if (!last) {
        this.pendingPaths[this.pending] = path;
        this.pendingOffsets[this.pending] = rest;
        this.pending++;
      }
      path = target;
      at = 0;
    }
  }

  private endAtLink(link: Dentry, directory: boolean): number {
    this.dentry = link;
    return directory ? -ENOTDIR : 0;
  }

  private finish(directory: boolean, stop: boolean): number {
    if (stop) {
      this.kind = LAST_ROOT;
      this.name = '';
      this.trailing = false;
    }
    return directory && (this.dentry.inode!.mode & S_IFMT) !== S_IFDIR ? -ENOTDIR : 0;
  }

  private stopAt(name: string, trailing: boolean): number {
    this.name = name;
    this.trailing = trailing;
    this.kind = name === '.' ? LAST_DOT : name === '..' ? LAST_DOTDOT : LAST_NAME;
    return 0;
  }

  private maySearch(): number {
    const inode = this.dentry.inode!;
    if ((inode.mode & S_IFMT) !== S_IFDIR) return -ENOTDIR;
    return permission(inode, this.caller.credentials, MAY_EXEC) === 0 ? 0 : -EACCES;
  }

  /** One component: 0 when the walker stands on it, its dentry when it is a symbolic link (the walker stays), or -errno. */
  private step(path: string, at: number, end: number): Dentry | number {
    if (path.charCodeAt(at) === DOT) {
      if (end - at === 1) return 0;
      if (end - at === 2 && path.charCodeAt(at + 1) === DOT) return this.stepUp();
    }
    const name = path.slice(at, end);
    if ((this.resolve & RESOLVE_CACHED) !== 0 && this.vfs.dentries.cached(this.dentry, name) === null)
      return -EAGAIN;
    const dentry = this.vfs.dentries.lookup(this.dentry, name);
    if (typeof dentry === 'number') return dentry;
    const inode = dentry.inode;
    if (inode === null) return -ENOENT;
    this.looked = dentry;
    if ((inode.mode & S_IFMT) === S_IFLNK) return dentry;
    this.dentry = dentry;
    return dentry.mounts === null ? 0 : this.descend();
  }

  private stepUp(): number {
    for (;;) {
      if (this.dentry === this.rootDentry && this.mount === this.rootMount) {
        return (this.resolve & RESOLVE_BENEATH) !== 0 ? -EXDEV : 0;
      }
      if (this.dentry !== this.mount.root) {
        this.dentry = this.dentry.parent ?? this.dentry;
        break;
      }
      const mount = this.mount.parent;
      if (mount === null) return 0;
      if ((this.resolve & RESOLVE_NO_XDEV) !== 0) return -EXDEV;
      this.dentry = this.mount.mountpoint!;
      this.mount = mount;
    }
    return this.descend();
  }

  /** The target text, with the walker at its start; '' when a magic link put the walker at its end; or -errno. */
  private enterLink(link: Dentry, mount: Mount): string | number {
    const inode = link.inode!;
    if (++this.links > MAX_SYMLINKS) return -ELOOP;
    if ((this.resolve & RESOLVE_NO_SYMLINKS) !== 0 || (mount.flags & MS_NOSYMFOLLOW) !== 0) return -ELOOP;
    // Processes are looked at afresh each time.
    if ((this.resolve & RESOLVE_CACHED) !== 0 && inode.superblock.namesFixed) return -EAGAIN;
    if (inode.magic) return this.enterMagic(inode);
    const target = inode.ops.readlink(inode, this.caller);
    if (typeof target === 'number') return target;
    if (target.length === 0) return -ENOENT;
    if (target.charCodeAt(0) !== SLASH) return target;
    if ((this.resolve & RESOLVE_BENEATH) !== 0) return -EXDEV;
    if ((this.resolve & RESOLVE_NO_XDEV) !== 0 && this.rootMount !== this.mount) return -EXDEV;
    this.mount = this.rootMount;
    this.dentry = this.rootDentry;
    return target;
  }

  private enterMagic(inode: Inode): string | number {
    if ((this.resolve & RESOLVE_NO_MAGICLINKS) !== 0) return -ELOOP;
    if ((this.resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) !== 0) return -EXDEV;
    const jumped = inode.ops.jump(inode, this.caller, this.place);
    if (jumped !== 0) return jumped;
    if ((this.resolve & RESOLVE_NO_XDEV) !== 0 && this.place.mount !== this.mount) return -EXDEV;
    this.mount = this.place.mount;
    this.dentry = this.place.dentry;
    return '';
  }
}

/** The mount that stands on `dentry` as seen through `parent`, or null. */
export function mountAt(parent: Mount, dentry: Dentry): Mount | null {
  const mounts = dentry.mounts;
  if (mounts === null) return null;
  for (let i = mounts.length - 1; i >= 0; i--) if (mounts[i]!.parent === parent) return mounts[i]!;
  return null;
}

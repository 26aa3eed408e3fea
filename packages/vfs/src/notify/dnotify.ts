// Directory notification: fcntl(2) F_NOTIFY. A watch belongs to an open directory and to the descriptor table that asked; any close of
// such a descriptor ends it.
import {
  DN_ACCESS,
  DN_ATTRIB,
  DN_CREATE,
  DN_DELETE,
  DN_MODIFY,
  DN_MULTISHOT,
  DN_RENAME,
  ENOTDIR,
  POLL_MSG,
} from '@sandbox-kernel/abi';
import type { FileDescription } from '../file-description.js';
import type { FileEvent } from './file-event.js';
import {
  IN_ACCESS,
  IN_ATTRIB,
  IN_CREATE,
  IN_DELETE,
  IN_ISDIR,
  IN_MODIFY,
  IN_MOVED_FROM,
  IN_MOVED_TO,
  RENAME,
} from './notify.js';
import { attachWatch, detachWatch, type Watch } from './watch-list.js';

const EVENTS: readonly (readonly [number, number])[] = [
  [DN_ACCESS, IN_ACCESS],
  [DN_MODIFY, IN_MODIFY],
  [DN_CREATE, IN_CREATE | IN_MOVED_TO],
  [DN_DELETE, IN_DELETE | IN_MOVED_FROM],
  [DN_RENAME, RENAME],
  [DN_ATTRIB, IN_ATTRIB],
];

/** One per open directory and descriptor table. */
export class DirectoryWatch implements Watch {
  readonly owner: object;
  mask: number;
  fd: number;
  private readonly file: FileDescription;

  constructor(file: FileDescription, owner: object, fd: number) {
    this.file = file;
    this.owner = owner;
    this.fd = fd;
    this.mask = 0;
  }

  /** `arg`: DN_*; adds to what is watched already. */
  widen(arg: number, fd: number): void {
    for (const [wanted, events] of EVENTS) if ((arg & wanted) !== 0) this.mask |= events;
    if ((arg & DN_MULTISHOT) !== 0) this.mask |= DN_MULTISHOT;
    this.fd = fd;
  }

  notify(event: FileEvent): void {
    if (event.self && (event.mask & IN_ISDIR) === 0) return;
    if ((event.mask & RENAME) !== 0 && event.newDirectory !== event.directory) return;
    this.file.inode!.superblock.vfs.notify.signals?.signal(this.file, this.fd, POLL_MSG);
    if ((this.mask & DN_MULTISHOT) === 0) this.drop();
  }

  isOf(file: FileDescription, owner: object | null): boolean {
    return this.file === file && (owner === null || this.owner === owner);
  }

  inodeGone(): void {
    this.drop();
  }

  drop(): void {
    detachWatch(this.file.inode!, this);
  }
}

function find(file: FileDescription, owner: object | null): DirectoryWatch | null {
  const list = file.inode?.watches;
  if (list == null) return null;
  for (const watch of list.watches) {
    if (watch instanceof DirectoryWatch && watch.isOf(file, owner)) return watch;
  }
  return null;
}

/** F_NOTIFY. 0 or -errno. */
export function watchDirectory(file: FileDescription, owner: object, fd: number, arg: number): number {
  if ((arg & ~DN_MULTISHOT) === 0) {
    forgetDirectoryWatches(file, owner);
    return 0;
  }
  if (file.inode === null || !file.inode.isDirectory) return -ENOTDIR;
  let watch = find(file, owner);
  if (watch === null) {
    watch = new DirectoryWatch(file, owner, fd);
    attachWatch(file.inode, watch);
  }
  watch.widen(arg, fd);
  return 0;
}

/** A descriptor of `file` was closed by the owner of a table (null: the last one of all). */
export function forgetDirectoryWatches(file: FileDescription, owner: object | null): void {
  for (let watch = find(file, owner); watch !== null; watch = find(file, owner)) watch.drop();
}

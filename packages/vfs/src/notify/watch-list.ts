// The watches that stand on one inode, mount or filesystem: inotify(7), fanotify(7), dnotify.
import type { Inode } from '../inode.js';
import type { FileEvent } from './file-event.js';

/** One watch. `notify` must not block or throw. */
export interface Watch {
  /** Events that it wants: IN_*, FAN_*. */
  readonly mask: number;
  notify(event: FileEvent): void;
  /** The inode is going away. */
  inodeGone(inode: Inode): void;
}

/** A watch of the filesystem's own on the same file: it hears what others change behind the vfs (host directories). */
export interface RemoteWatch {
  /** This was told just now, and may come back from the other side. */
  expect(mask: number, name: string): void;
  /** Nobody watches any more. */
  end(): void;
}

export class WatchList {
  readonly watches: Watch[];
  readonly remote: RemoteWatch | null;

  constructor(remote: RemoteWatch | null) {
    this.remote = remote;
    this.watches = [];
  }
}

/** Puts a watch on an inode. The watch holds the inode. */
export function attachWatch(inode: Inode, watch: Watch): void {
  if (inode.watches === null) inode.watches = new WatchList(inode.ops.watchRemotely(inode));
  inode.watches.watches.push(watch);
  inode.retain();
}

/** Takes it off again; false when it was not there. */
export function detachWatch(inode: Inode, watch: Watch): boolean {
  const list = inode.watches;
  const at = list === null ? -1 : list.watches.indexOf(watch);
  if (list === null || at < 0) return false;
  list.watches.splice(at, 1);
  if (list.watches.length === 0) {
    inode.watches = null;
    list.remote?.end();
  }
  inode.release();
  return true;
}

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

export class WatchList {
  readonly watches: Watch[];

  constructor() {
    this.watches = [];
  }
}

/** Puts a watch on an inode. The watch holds the inode. */
export function attachWatch(inode: Inode, watch: Watch): void {
  if (inode.watches === null) inode.watches = new WatchList();
  inode.watches.watches.push(watch);
  inode.retain();
}

/** Takes it off again; false when it was not there. */
export function detachWatch(inode: Inode, watch: Watch): boolean {
  const list = inode.watches;
  const at = list === null ? -1 : list.watches.indexOf(watch);
  if (list === null || at < 0) return false;
  list.watches.splice(at, 1);
  if (list.watches.length === 0) inode.watches = null;
  inode.release();
  return true;
}

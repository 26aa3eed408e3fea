// The watches that stand on one inode: inotify(7), fanotify(7), dnotify.
import type { Inode } from '../inode.js';

/** One watch. `notify` must not block or throw. */
export interface Watch {
  /** IN_* that it wants. */
  readonly mask: number;
  /** `name`: the entry in the watched directory, '' when the watched file itself is meant. */
  notify(inode: Inode, mask: number, cookie: number, name: string): void;
  /** The inode is going away. */
  inodeGone(inode: Inode): void;
}

export class WatchList {
  readonly watches: Watch[];

  constructor() {
    this.watches = [];
  }
}

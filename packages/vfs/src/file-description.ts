// An open file (Linux: struct file): what descriptors refer to. Shared by dup(2) and fork(2), counted in `refs`.
import type { CallerCredentials } from '@sandbox-kernel/contracts';
import { FMODE_PATH, FMODE_READ, FMODE_WRITE } from './constants.js';
import type { Dentry } from './dentry.js';
import type { FileOps } from './file-ops.js';
import type { Inode } from './inode.js';
import type { Mount } from './mount.js';
import { finishRelease } from './release.js';
import type { WaitNode } from './wait-queue.js';

export class FileDescription {
  ops: FileOps;
  /** O_* as F_GETFL gives them: access mode, O_APPEND, O_NONBLOCK, O_DIRECT, …; not O_CREAT and its like. */
  flags: number;
  /** FMODE_*. */
  mode: number;
  position: number;
  refs: number;
  /** Where it was opened; null for pipes, sockets and other nameless files made without a mount. */
  mount: Mount | null;
  dentry: Dentry | null;
  inode: Inode | null;
  /** Who opened it. */
  credentials: CallerCredentials | null;
  /** F_SETOWN: kind (F_OWNER_*) and number; 0 for none. Signal of F_SETSIG, 0 for SIGIO. */
  ownerKind: number;
  ownerId: number;
  ownerSignal: number;
  ownerUid: number;
  ownerEuid: number;
  /** The kernel's registration for O_ASYNC. */
  asyncEntry: WaitNode | null;
  /** Epoll instances that watch it: told when it goes away. */
  watchers: FileWatcher | null;
  /** F_SET_RW_HINT. */
  writeHint: number;
  /** A number of the operations table's own. */
  state: number;
  /** The object behind: a Pipe, an EventFd, a socket … */
  data: unknown;

  constructor(ops: FileOps, flags: number, mode: number) {
    this.ops = ops;
    this.flags = flags;
    this.mode = mode;
    this.position = 0;
    this.refs = 1;
    this.mount = null;
    this.dentry = null;
    this.inode = null;
    this.credentials = null;
    this.ownerKind = 0;
    this.ownerId = 0;
    this.ownerSignal = 0;
    this.ownerUid = 0;
    this.ownerEuid = 0;
    this.asyncEntry = null;
    this.watchers = null;
    this.writeHint = 0;
    this.state = 0;
    this.data = null;
  }

  get readable(): boolean {
    return (this.mode & FMODE_READ) !== 0;
  }

  get writable(): boolean {
    return (this.mode & FMODE_WRITE) !== 0;
  }

  /** Opened with O_PATH. */
  get pathOnly(): boolean {
    return (this.mode & FMODE_PATH) !== 0;
  }

  /** What it opens; until `detach`, it counts among the open files of the inode's vfs. */
  attach(inode: Inode | null): void {
    this.inode = inode;
    if (inode !== null) inode.superblock.vfs.openFiles++;
  }

  detach(): void {
    if (this.inode !== null) this.inode.superblock.vfs.openFiles--;
  }

  retain(): FileDescription {
    this.refs++;
    return this;
  }

  /** One reference less; the last one closes. */
  release(): void {
    if (--this.refs === 0) finishRelease(this);
  }
}

/** A list of those who must hear that a description is gone. */
export interface FileWatcher {
  nextWatcher: FileWatcher | null;
  fileReleased(file: FileDescription): void;
}

/** One more or one less who has the file open for writing. */
export function countWriter(file: FileDescription, change: number): void {
  const inode = file.inode!;
  inode.writers += change;
  inode.superblock.writers += change;
  if (file.mount !== null) file.mount.writers += change;
}

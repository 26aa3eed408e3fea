// What all watches of one vfs share: the event being told, watches on whole mounts and filesystems, and the kernel's hook for signals
// that files send (leases, dnotify).
import type { Dentry } from '../dentry.js';
import type { FileDescription } from '../file-description.js';
import type { FileCaller } from '../fs-context.js';
import type { Mount } from '../mount.js';
import type { WaitQueue } from '../wait-queue.js';
import type { FanotifyGroup, FanotifyMark } from './fanotify.js';
import type { PendingCall } from './fanotify-permission.js';
import { FileEvent } from './file-event.js';
import type { Watch } from './watch-list.js';

/** What notification needs of the kernel. */
export interface FileSignals {
  /** SIGIO, or the signal of F_SETSIG, to the owner of `file`. `fd`: for si_fd; `code`: POLL_IN, … */
  signal(file: FileDescription, fd: number, code: number): void;
  /** The process, or thread, that runs now; 0 for none. */
  currentId(thread: boolean): number;
  /** The process that runs now, held for a later `openProcess`; null for none. */
  currentProcess(): unknown;
  /** A pidfd in the table of who runs now; FAN_NOPIDFD when the process is gone, FAN_EPIDFD when there is no room. */
  openProcess(process: unknown): number;
  /** A descriptor in the table of who runs now, for an event about this file; or -errno. Tells no watch. */
  openForReader(mount: Mount, dentry: Dentry, flags: number): number;
}

export class NotifyHub {
  /** Set by the kernel. */
  signals: FileSignals | null;
  readonly event: FileEvent;
  /** Watches on mounts and filesystems: they look at every event. Usually none. */
  readonly wide: Watch[];
  /** Marks on mount namespaces. */
  readonly mountMarks: FanotifyMark[];
  /** Fanotify groups that may decide about opens and reads. */
  readonly permissionGroups: FanotifyGroup[];
  /** Fanotify groups by who made them: limited per user. */
  readonly groups: Map<number, number>;
  /** Calls that wait for such decisions. */
  readonly pending: WeakMap<FileCaller, PendingCall>;
  /** Set by a call that said -EAGAIN because of one: what to wait for. */
  waiting: WaitQueue | null;
  private cookie: number;

  constructor() {
    this.signals = null;
    this.event = new FileEvent();
    this.wide = [];
    this.mountMarks = [];
    this.permissionGroups = [];
    this.groups = new Map();
    this.pending = new WeakMap();
    this.waiting = null;
    this.cookie = 0;
  }

  nextCookie(): number {
    this.cookie = (this.cookie + 1) >>> 0;
    return this.cookie;
  }
}

// What all watches of one vfs share: the event being told, watches on whole mounts and filesystems, and the kernel's hook for signals
// that files send (leases, dnotify).
import type { FileDescription } from '../file-description.js';
import { FileEvent } from './file-event.js';
import type { Watch } from './watch-list.js';

export interface FileSignals {
  /** SIGIO, or the signal of F_SETSIG, to the owner of `file`. `fd`: for si_fd; `code`: POLL_IN, … */
  signal(file: FileDescription, fd: number, code: number): void;
}

export class NotifyHub {
  /** Set by the kernel. */
  signals: FileSignals | null;
  readonly event: FileEvent;
  /** Watches on mounts and filesystems: they look at every event. Usually none. */
  readonly wide: Watch[];
  private cookie: number;

  constructor() {
    this.signals = null;
    this.event = new FileEvent();
    this.wide = [];
    this.cookie = 0;
  }

  nextCookie(): number {
    this.cookie = (this.cookie + 1) >>> 0;
    return this.cookie;
  }
}

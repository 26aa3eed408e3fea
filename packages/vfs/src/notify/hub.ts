// What all watches of one vfs share: hooks of the kernel for signals that files send (leases, dnotify, O_ASYNC).
import type { FileDescription } from '../file-description.js';

export interface FileSignals {
  /** SIGIO, or the signal of F_SETSIG, to the owner of `file`. `code`: POLL_IN, …; `band`: poll events. */
  signal(file: FileDescription, code: number, band: number): void;
}

export class NotifyHub {
  /** Set by the kernel. */
  signals: FileSignals | null;
  /** Ties the two halves of a rename together. */
  private cookie: number;

  constructor() {
    this.signals = null;
    this.cookie = 0;
  }

  nextCookie(): number {
    this.cookie = (this.cookie + 1) >>> 0;
    return this.cookie;
  }
}

// Pending signals of a thread or of a process: at most one of each standard signal, real-time ones queued in order
// (signal(7), "Queueing and delivery semantics"). Counting against RLIMIT_SIGPENDING is the sender's part.
import { SIGRTMIN } from '@sandbox-kernel/abi';
import { SYNCHRONOUS_SIGNALS } from './default-action.js';
import type { SignalInfo } from './signal-info.js';
import { firstSignal, SignalSet } from './signal-set.js';

export class SignalQueue {
  /** Which signals are pending. A signal may be here without an entry: it came when nothing could be queued. */
  readonly set: SignalSet;
  private readonly entries: SignalInfo[];

  constructor() {
    this.set = new SignalSet();
    this.entries = [];
  }

  /** The entry at `index`, in the order of arrival. */
  at(index: number): SignalInfo | null {
    return this.entries[index] ?? null;
  }

  get length(): number {
    return this.entries.length;
  }

  /** True when a standard signal is pending already: another one of it is dropped. */
  collapses(signal: number): boolean {
    return signal < SIGRTMIN && this.set.has(signal);
  }

  push(info: SignalInfo): void {
    this.set.add(info.signal);
    this.entries.push(info);
  }

  /** One that was taken, but could not be delivered yet: before all others. */
  putBack(info: SignalInfo): void {
    this.set.add(info.signal);
    this.entries.unshift(info);
  }

  /** Pending, but without anything to tell about it. */
  pushBare(signal: number): void {
    this.set.add(signal);
  }

  /** Next signal outside the mask (lo, hi): synchronous ones first, then by number. 0 for none. */
  next(blockedLo: number, blockedHi: number): number {
    const lo = this.set.lo & ~blockedLo;
    const synchronous = lo & SYNCHRONOUS_SIGNALS;
    return synchronous !== 0 ? firstSignal(synchronous, 0) : firstSignal(lo, this.set.hi & ~blockedHi);
  }

  /** Takes the oldest entry of `signal`; null when it was pending without one. Pre: pending. */
  take(signal: number): SignalInfo | null {
    let found: SignalInfo | null = null;
    let more = false;
    for (let i = 0; i < this.entries.length; i++) {
      const entry = this.entries[i]!;
      if (entry.signal !== signal) continue;
      if (found !== null) {
        more = true;
        break;
      }
      found = entry;
      this.entries.splice(i--, 1);
    }
    if (!more) this.set.remove(signal);
    return found;
  }

  /** Drops the signals in the mask. */
  flush(lo: number, hi: number): void {
    if (((this.set.lo & lo) | (this.set.hi & hi)) === 0) return;
    this.set.lo &= ~lo;
    this.set.hi &= ~hi;
    let kept = 0;
    for (const entry of this.entries) {
      if (this.set.has(entry.signal)) this.entries[kept++] = entry;
      else entry.leave();
    }
    this.entries.length = kept;
  }
}

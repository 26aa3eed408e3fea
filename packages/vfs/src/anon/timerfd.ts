// timerfd_create(2) and signalfd(2) as open files. What expires and what is pending is the kernel's: it fills small roles.
import { EAGAIN, EINVAL, O_RDWR, POLLIN } from '@sandbox-kernel/abi';
import type { IoSegments } from '@sandbox-kernel/contracts';
import type { FileDescription } from '../file-description.js';
import { FileOps } from '../file-ops.js';
import type { FileCaller } from '../fs-context.js';
import { scatter } from '../segments.js';
import { type WaitNode, WaitQueue } from '../wait-queue.js';
import { createAnonymousFile } from './anonymous.js';

/** What the kernel knows about one timer. */
export interface TimerSource {
  /** Expirations since the last call, and forgets them. -ECANCELED: the clock was set (TFD_TIMER_CANCEL_ON_SET). */
  takeExpirations(): number;
  /** Expirations waiting. */
  pending(): number;
  /** Last close. */
  closed(): void;
}

/** `FileDescription.data` of a timerfd. The kernel wakes `queue` with POLLIN at each expiration. */
export class TimerFd {
  readonly source: TimerSource;
  readonly queue: WaitQueue;

  constructor(source: TimerSource) {
    this.source = source;
    this.queue = new WaitQueue();
  }
}

class TimerFdOps extends FileOps {
  override ignoresSeek(): boolean {
    return true;
  }

  override label(): string {
    return 'anon_inode:[timerfd]';
  }

  override read(file: FileDescription, io: IoSegments): number {
    if (io.total < 8) return -EINVAL;
    const count = (file.data as TimerFd).source.takeExpirations();
    if (count < 0) return count;
    if (count === 0) return -EAGAIN;
    const bytes = new Uint8Array(8);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, count >>> 0, true);
    view.setUint32(4, Math.floor(count / 2 ** 32), true);
    return scatter(io, 0, bytes, 0, 8);
  }

  override poll(file: FileDescription): number {
    return (file.data as TimerFd).source.pending() !== 0 ? POLLIN : 0;
  }

  override addWaiter(file: FileDescription, entry: WaitNode): void {
    (file.data as TimerFd).queue.add(entry);
  }

  override release(file: FileDescription): void {
    (file.data as TimerFd).source.closed();
  }
}

export const TIMERFD_OPS: FileOps = new TimerFdOps();

export function createTimerFd(caller: FileCaller, source: TimerSource, flags: number): FileDescription {
  return createAnonymousFile(caller, TIMERFD_OPS, O_RDWR | flags, new TimerFd(source));
}

export function timerOf(file: FileDescription): TimerFd | null {
  return file.ops === TIMERFD_OPS ? (file.data as TimerFd) : null;
}

/** sizeof(struct signalfd_siginfo). */
const SIGINFO_SIZE = 128;

/** What the kernel knows about pending signals. The reader is whoever reads, not who opened. */
export interface SignalSource {
  /** Takes one pending signal of the mask and writes its 128 bytes to `into`. False: none. */
  take(maskLow: number, maskHigh: number, into: Uint8Array): boolean;
  pending(maskLow: number, maskHigh: number): boolean;
  /** The queue that new signals of the caller wake. */
  readonly queue: WaitQueue;
}

export class SignalFd {
  readonly source: SignalSource;
  maskLow: number;
  maskHigh: number;

  constructor(source: SignalSource, maskLow: number, maskHigh: number) {
    this.source = source;
    this.maskLow = maskLow;
    this.maskHigh = maskHigh;
  }
}

class SignalFdOps extends FileOps {
  override fdinfo(file: FileDescription): string {
    const { maskHigh, maskLow } = file.data as SignalFd;
    const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, '0');
    return `sigmask:\t${hex(maskHigh)}${hex(maskLow)}\n`;
  }

  override ignoresSeek(): boolean {
    return true;
  }

  override label(): string {
    return 'anon_inode:[signalfd]';
  }

  override read(file: FileDescription, io: IoSegments): number {
    const signals = file.data as SignalFd;
    if (io.total < SIGINFO_SIZE) return -EINVAL;
    const bytes = new Uint8Array(SIGINFO_SIZE);
    let done = 0;
    while (done + SIGINFO_SIZE <= io.total && signals.source.take(signals.maskLow, signals.maskHigh, bytes)) {
      done += scatter(io, done, bytes, 0, SIGINFO_SIZE);
    }
    return done === 0 ? -EAGAIN : done;
  }

  override poll(file: FileDescription): number {
    const signals = file.data as SignalFd;
    return signals.source.pending(signals.maskLow, signals.maskHigh) ? POLLIN : 0;
  }

  override addWaiter(file: FileDescription, entry: WaitNode): void {
    (file.data as SignalFd).source.queue.add(entry);
  }
}

export const SIGNALFD_OPS: FileOps = new SignalFdOps();

export function createSignalFd(
  caller: FileCaller,
  source: SignalSource,
  maskLow: number,
  maskHigh: number,
  flags: number,
): FileDescription {
  const data = new SignalFd(source, maskLow, maskHigh);
  return createAnonymousFile(caller, SIGNALFD_OPS, O_RDWR | flags, data);
}

export function signalsOf(file: FileDescription): SignalFd | null {
  return file.ops === SIGNALFD_OPS ? (file.data as SignalFd) : null;
}

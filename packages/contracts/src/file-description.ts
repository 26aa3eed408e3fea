// An open file as every subsystem sees it: what read(2), write(2), poll(2) and ioctl(2) need. vfs has the class and the
// descriptor tables; files, pipes, sockets, ttys and anonymous inodes each bring an operations table.
import type { GuestMemory } from './guest-memory.js';
import type { IoSegments } from './io-segments.js';
import type { Mappable } from './mappable.js';
import type { WaitEntry } from './waiter.js';

/** Who calls: what an operation may need to know of the calling task. Implemented by kernel's Task. */
export interface Caller {
  readonly memory: GuestMemory;
  /** Effective or filesystem identity and capability checks. */
  readonly credentials: CallerCredentials;
}

export interface CallerCredentials {
  readonly fsuid: number;
  readonly fsgid: number;
  readonly groups: readonly number[];
  /** CAP_* effective in the sandbox's initial user namespace. */
  hasCapability(capability: number): boolean;
}

/**
 * Operations of one kind of file. `F` is the description class. All return ≥ 0 or -errno; -EAGAIN means "would block" and
 * the caller decides by O_NONBLOCK whether to wait on `events`. None blocks or throws.
 */
export interface FileDescriptionOps<F> {
  /** Bytes read into `io` from `offset`; offset -1: the file has no position. 0 at end of file. */
  read(file: F, io: IoSegments, offset: number, flags: number): number;
  write(file: F, io: IoSegments, offset: number, flags: number): number;
  /** Ready events now (POLLIN, …). */
  poll(file: F): number;
  /** Registers interest; paired with `removeWaiter`. */
  addWaiter(file: F, entry: WaitEntry): void;
  removeWaiter(file: F, entry: WaitEntry): void;
  ioctl(file: F, caller: Caller, request: number, argument: number): number;
  /** Null: not mappable (ENODEV). */
  mappable(file: F): Mappable | null;
  /** Last reference gone. */
  release(file: F): void;
}

// userfaultfd(2): the queue between programs that fault and the one that answers. A waiting fault is a task on the queue `faults`; tasks that
// caused an event wait on `events` until it was read. See ioctl_userfaultfd(2) for the commands (commands.ts).
import {
  EINVAL,
  UFFD_EVENT_FORK,
  UFFD_EVENT_PAGEFAULT,
  UFFD_EVENT_REMAP,
  UFFD_EVENT_REMOVE,
  UFFD_EVENT_UNMAP,
  UFFD_FEATURE_EVENT_FORK,
  UFFD_FEATURE_EXACT_ADDRESS,
  UFFD_FEATURE_SIGBUS,
  UFFD_FEATURE_THREAD_ID,
} from '@sandbox-kernel/abi';
import { type FaultMonitor, type MemoryManager, unmonitorRange } from '@sandbox-kernel/mm';
import { WaitQueue } from '@sandbox-kernel/vfs';
import type { Task } from '../task.js';

export const MESSAGE_SIZE = 32;
const PAGE_SIZE = 4096;

/** A task's fault that waits: `Task.userFault`. */
export class UserFault {
  readonly monitor: UserFaults;
  /** Page address, exact address, UFFD_PAGEFAULT_FLAG_*. */
  readonly page: number;
  readonly address: number;
  readonly flags: number;
  /** The monitor has been told. */
  told: boolean;

  constructor(monitor: UserFaults, page: number, address: number, flags: number) {
    this.monitor = monitor;
    this.page = page;
    this.address = address;
    this.flags = flags;
    this.told = false;
  }
}

interface MonitorEvent {
  readonly kind: number;
  readonly first: number;
  readonly second: number;
  readonly third: number;
  /** Of a fork: the child's side. */
  readonly child: UserFaults | null;
}

export class UserFaults implements FaultMonitor {
  private watched: MemoryManager | null;
  readonly userModeOnly: boolean;
  features: number;
  /** UFFDIO_API was called. */
  ready: boolean;
  closed: boolean;
  readonly faults: WaitQueue;
  readonly events: WaitQueue;
  /** Readers and pollers. */
  readonly readers: WaitQueue;
  private readonly pending: MonitorEvent[];

  constructor(memory: MemoryManager, userModeOnly: boolean) {
    this.watched = memory;
    this.userModeOnly = userModeOnly;
    this.features = 0;
    this.ready = false;
    this.closed = false;
    this.faults = new WaitQueue();
    this.events = new WaitQueue();
    this.readers = new WaitQueue();
    this.pending = [];
  }

  /** The space it watches; null once that is gone. */
  get memory(): MemoryManager | null {
    return this.watched === null || this.watched.ended ? null : this.watched;
  }

  get raisesSignal(): boolean {
    return (this.features & UFFD_FEATURE_SIGBUS) !== 0;
  }

  // ── FaultMonitor ──

  removed(start: number, end: number): void {
    this.push(UFFD_EVENT_REMOVE, start, end, 0, null);
  }

  unmapped(start: number, end: number): void {
    this.push(UFFD_EVENT_UNMAP, start, end, 0, null);
  }

  remapped(from: number, to: number, length: number): void {
    this.push(UFFD_EVENT_REMAP, from, to, length, null);
  }

  forked(child: MemoryManager): FaultMonitor | null {
    if ((this.features & UFFD_FEATURE_EVENT_FORK) === 0 || this.closed) return null;
    const last = this.pending[this.pending.length - 1];
    // One copy for all areas of one fork.
    if (last !== undefined && last.kind === UFFD_EVENT_FORK && last.child?.memory === child)
      return last.child;
    const copy = new UserFaults(child, this.userModeOnly);
    copy.features = this.features;
    copy.ready = true;
    this.push(UFFD_EVENT_FORK, 0, 0, 0, copy);
    return copy;
  }

  forget(start: number, end: number): void {
    this.wakeFaults(start, end);
  }

  // ── faults ──

  /** A task is about to wait on `faults`: readers can be told. */
  faulted(): void {
    this.readers.wake(1);
  }

  /** Faults in [start, end) are tried again. */
  wakeFaults(start: number, end: number): void {
    let node = this.faults.first;
    while (node !== null) {
      const next = node.next;
      const task = node.waiter as Task;
      const fault = task.userFault;
      if (fault !== null && fault.page >= start && fault.page < end) {
        node.leave();
        task.wakeAgain();
      }
      node = next;
    }
  }

  // ── messages ──

  get hasMessage(): boolean {
    return this.pending.length > 0 || this.untold() !== null;
  }

  private untold(): UserFault | null {
    for (let node = this.faults.first; node !== null; node = node.next) {
      const fault = (node.waiter as Task).userFault;
      if (fault !== null && !fault.told) return fault;
    }
    return null;
  }

  private taskOf(fault: UserFault): Task | null {
    for (let node = this.faults.first; node !== null; node = node.next) {
      if ((node.waiter as Task).userFault === fault) return node.waiter as Task;
    }
    return null;
  }

  /**
   * Writes the next message. Faults come before events, as in Linux. 1; 0: there is none; -errno. `openChild` makes a descriptor of a
   * child's side for its reader.
   */
  next(view: DataView, at: number, openChild: (child: UserFaults) => number): number {
    const fault = this.untold();
    if (fault !== null) {
      this.putFault(fault, view, at);
      return 1;
    }
    const event = this.pending[0];
    if (event === undefined) return 0;
    clearMessage(view, at);
    view.setUint8(at, event.kind);
    if (event.child !== null) {
      const fd = openChild(event.child);
      if (fd < 0) return fd;
      view.setUint32(at + 8, fd, true);
    } else {
      put(view, at + 8, event.first);
      put(view, at + 16, event.second);
      put(view, at + 24, event.third);
    }
    this.pending.shift();
    if (this.pending.length === 0) this.events.wake(1);
    return 1;
  }

  private putFault(fault: UserFault, view: DataView, at: number): void {
    clearMessage(view, at);
    const exact = (this.features & UFFD_FEATURE_EXACT_ADDRESS) !== 0;
    view.setUint8(at, UFFD_EVENT_PAGEFAULT);
    put(view, at + 8, fault.flags);
    put(view, at + 16, exact ? fault.address : fault.page);
    const task = this.taskOf(fault);
    if ((this.features & UFFD_FEATURE_THREAD_ID) !== 0 && task !== null)
      view.setUint32(at + 24, task.tid, true);
    fault.told = true;
  }

  /** Events that nobody has read yet. */
  get hasEvents(): boolean {
    return this.pending.length > 0 && !this.closed;
  }

  /** The last descriptor is gone: nothing is watched any more, and nobody waits. */
  close(): void {
    this.closed = true;
    for (const event of this.pending) event.child?.close();
    this.pending.length = 0;
    const memory = this.memory;
    if (memory !== null && this.watches(memory)) unmonitorRange(memory, 0, memory.layout.addressLimit, this);
    this.watched = null;
    this.wakeFaults(0, Number.POSITIVE_INFINITY);
    this.events.wake(1);
  }

  private watches(memory: MemoryManager): boolean {
    const { areas } = memory;
    for (let a = 0; a < areas.count; a++) if (areas.monitors[a] === this) return true;
    return false;
  }

  private push(kind: number, first: number, second: number, third: number, child: UserFaults | null): void {
    if (this.closed) return;
    this.pending.push({ kind, first, second, third, child });
    this.readers.wake(1);
  }
}

/** Checks a range as the commands want it. 0 or -EINVAL. */
export function checkRange(memory: MemoryManager, start: number, length: number): number {
  if (start % PAGE_SIZE !== 0 || length % PAGE_SIZE !== 0 || length === 0) return -EINVAL;
  const limit = memory.layout.addressLimit;
  return start > limit || length > limit - start ? -EINVAL : 0;
}

function clearMessage(view: DataView, at: number): void {
  for (let k = 0; k < MESSAGE_SIZE; k += 4) view.setUint32(at + k, 0, true);
}

function put(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
}

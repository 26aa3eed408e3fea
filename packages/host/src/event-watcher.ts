// Readiness of host descriptors: epoll(7) in a helper thread that rings the platform's bell. Interest is edge-triggered by the
// caller's choice of EPOLLET or EPOLLONESHOT: a level-triggered descriptor that nobody reads would ring after every drain.
import { SYS_epoll_ctl, SYS_epoll_wait } from '@sandbox-kernel/abi';
import { DATA, type Door } from './door.js';

const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;
const EPOLLIN = 1;
const EPOLLONESHOT = 0x40000000;
/** sizeof(struct epoll_event): packed on x86-64. */
const EVENT_SIZE = 12;
const MAX_EVENTS = 256;
const EVENT = DATA;

/** Where the watcher rings: a futex word of this process, or a process and a signal (contracts' HostBell). */
export interface Bell {
  readonly futexAddress: number;
  readonly pid: number;
  readonly signal: number;
}

/** Fills contracts' role HostEvents. */
export class EventWatcher {
  readonly #door: Door;
  readonly #inner: number;
  readonly #outer: number;
  /** Events of the last drain: what was ready, and the token given with `add`. */
  readonly events: Int32Array;
  readonly tokens: Int32Array;

  constructor(door: Door, inner: number, outer: number) {
    this.#door = door;
    this.#inner = inner;
    this.#outer = outer;
    this.events = new Int32Array(MAX_EVENTS);
    this.tokens = new Int32Array(MAX_EVENTS);
  }

  pending(): boolean {
    return this.#door.eventsPending();
  }

  setBell(bell: Bell): void {
    const args = this.#door.args;
    args[0] = bell.futexAddress;
    args[1] = bell.pid;
    args[2] = bell.signal;
    this.#door.native.watcherBell();
  }

  /** Sets the flag and rings, from this thread. */
  ring(): void {
    this.#door.native.watcherRing();
  }

  /** Rings (without the flag) at `at` ns on CLOCK_MONOTONIC; 0: never. One time only; replaces the last one. */
  armDeadline(at: number): void {
    this.#door.args[0] = at;
    this.#door.native.watcherDeadline();
  }

  /** 0 or -errno (EPERM: a regular file, which is always ready). */
  add(fd: number, events: number, token: number): number {
    return this.#control(this.#inner, EPOLL_CTL_ADD, fd, events, token);
  }

  modify(fd: number, events: number, token: number): number {
    return this.#control(this.#inner, EPOLL_CTL_MOD, fd, events, token);
  }

  remove(fd: number): number {
    return this.#control(this.#inner, EPOLL_CTL_DEL, fd, 0, 0);
  }

  /** Collects ready events into `events` and `tokens`, and lets the bell ring again. Count, or -errno. */
  drain(): number {
    const door = this.#door;
    door.clearPending();
    const count = door.call(SYS_epoll_wait, 2, this.#inner, EVENT, MAX_EVENTS, 0, 0, 0);
    for (let i = 0; i < count; i++) {
      this.events[i] = door.view.getInt32(EVENT + i * EVENT_SIZE, true);
      this.tokens[i] = door.view.getInt32(EVENT + i * EVENT_SIZE + 4, true);
    }
    this.#control(this.#outer, EPOLL_CTL_MOD, this.#inner, EPOLLIN | EPOLLONESHOT, 0);
    return count;
  }

  close(): void {
    this.#door.native.watcherClose();
  }

  #control(set: number, operation: number, fd: number, events: number, token: number): number {
    const { view } = this.#door;
    view.setInt32(EVENT, events, true);
    view.setInt32(EVENT + 4, token, true);
    view.setInt32(EVENT + 8, 0, true);
    return this.#door.call(SYS_epoll_ctl, 8, set, operation, fd, EVENT, 0, 0);
  }
}

/** Starts the watcher thread of this environment (one at a time), or -errno. */
export function startEventWatcher(door: Door): EventWatcher | number {
  const error = door.native.watcherOpen();
  if (error < 0) return error;
  return new EventWatcher(door, door.results[0] ?? -1, door.results[1] ?? -1);
}

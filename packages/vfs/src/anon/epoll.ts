// epoll(7): interest lists. Level and edge triggered, EPOLLONESHOT, EPOLLEXCLUSIVE, nesting with loops refused (ELOOP beyond five levels).
// An item stands in the queue of its file and, while something may be ready, in the ready list of its instance.
import {
  EBADF,
  EEXIST,
  EINVAL,
  ELOOP,
  ENOENT,
  EPERM,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLLERR,
  EPOLLET,
  EPOLLEXCLUSIVE,
  EPOLLHUP,
  EPOLLIN,
  EPOLLONESHOT,
  EPOLLOUT,
  EPOLLRDNORM,
  EPOLLWAKEUP,
  O_RDWR,
} from '@sandbox-kernel/abi';
import type { WaitEntry, Waiter } from '@sandbox-kernel/contracts';
import type { FileDescription, FileWatcher } from '../file-description.js';
import { FileOps } from '../file-ops.js';
import type { FileCaller } from '../fs-context.js';
import { WaitNode, WaitQueue } from '../wait-queue.js';
import { createAnonymousFile } from './anonymous.js';

/** Bits of `events` that say how, not what. */
const MODES = (EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE) >>> 0;
const EXCLUSIVE_ALLOWED =
  (EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE) >>> 0;
const MAX_NESTS = 4;

/** One registration: a file under a descriptor number. It is its own place in the file's wait queue. */
export class EpollItem extends WaitNode implements FileWatcher {
  readonly file: FileDescription;
  readonly fd: number;
  readonly owner: Epoll;
  /** As given, with EPOLLERR and EPOLLHUP. 0 in the low bits: disabled by EPOLLONESHOT. */
  interest: number;
  dataLow: number;
  dataHigh: number;
  /** In the ready list. */
  ready: boolean;
  readyNext: EpollItem | null;
  nextWatcher: FileWatcher | null;
  /** Neighbours among all items of the instance, in the order of registration. */
  before: EpollItem | null;
  after: EpollItem | null;

  constructor(owner: Epoll, file: FileDescription, fd: number) {
    super(owner, 0);
    this.owner = owner;
    this.file = file;
    this.fd = fd;
    this.interest = 0;
    this.dataLow = 0;
    this.dataHigh = 0;
    this.ready = false;
    this.readyNext = null;
    this.nextWatcher = null;
    this.before = null;
    this.after = null;
  }

  fileReleased(): void {
    this.owner.forget(this);
  }
}

/** Receives ready events: epoll_wait(2) writes them to the program. */
export interface EpollSink {
  /** False: could not be stored (EFAULT); the event stays. */
  add(events: number, dataLow: number, dataHigh: number): boolean;
}

export class Epoll implements Waiter {
  readonly queue: WaitQueue;
  private firstItem: EpollItem | null;
  private lastItem: EpollItem | null;
  /** The ready list. */
  private head: EpollItem | null;
  private tail: EpollItem | null;

  constructor() {
    this.queue = new WaitQueue();
    this.firstItem = null;
    this.lastItem = null;
    this.head = null;
    this.tail = null;
  }

  /** EPOLL_CTL_ADD. `events` unsigned. */
  add(file: FileDescription, fd: number, events: number, dataLow: number, dataHigh: number): number {
    if (this.find(file, fd) !== null) return -EEXIST;
    const item = new EpollItem(this, file, fd);
    item.exclusive = (events & EPOLLEXCLUSIVE) !== 0;
    this.setInterest(item, events, dataLow, dataHigh);
    this.link(item);
    item.nextWatcher = file.watchers;
    file.watchers = item;
    file.ops.addWaiter(file, item);
    this.check(item);
    return 0;
  }

  modify(file: FileDescription, fd: number, events: number, dataLow: number, dataHigh: number): number {
    const item = this.find(file, fd);
    if (item === null) return -ENOENT;
    if (item.exclusive) return -EINVAL;
    this.setInterest(item, events, dataLow, dataHigh);
    this.check(item);
    return 0;
  }

  remove(file: FileDescription, fd: number): number {
    const item = this.find(file, fd);
    if (item === null) return -ENOENT;
    unwatch(file, item);
    this.forget(item);
    return 0;
  }

  /** Something happened to a file. Level-triggered readiness is asked for again when events are collected. */
  wake(entry: WaitEntry, events: number): boolean {
    const item = entry as EpollItem;
    const wanted = item.interest & ~MODES;
    if (wanted === 0 || (events !== 0 && (wanted & events) === 0)) return false;
    this.markReady(item);
    const taken = !item.exclusive || this.takesAlone(item, events);
    this.queue.wake(EPOLLIN | EPOLLRDNORM);
    return taken;
  }

  /** An exclusive interest spares others only if somebody waits here, for just what happened. */
  private takesAlone(item: EpollItem, events: number): boolean {
    if (this.queue.empty) return false;
    const ways = events & (EPOLLIN | EPOLLOUT);
    return ways === 0 || (ways !== (EPOLLIN | EPOLLOUT) && (item.interest & ways) !== 0);
  }

  /** Gives up to `limit` events to the sink. How many. */
  collect(sink: EpollSink, limit: number): number {
    let count = 0;
    const last = this.tail;
    for (let item = this.head; item !== null && count < limit; ) {
      const next: EpollItem | null = item.readyNext;
      this.takeFirst();
      const events = this.eventsOf(item);
      if (events !== 0) {
        if (!sink.add(events, item.dataLow, item.dataHigh)) {
          this.markReady(item);
          break;
        }
        count++;
        if ((item.interest & EPOLLONESHOT) !== 0) item.interest = item.interest & MODES;
        else if ((item.interest & EPOLLET) === 0) this.markReady(item);
      }
      if (item === last) break;
      item = next;
    }
    return count;
  }

  /** Is there anything to collect? Drops items that are ready no more. */
  hasEvents(): boolean {
    while (this.head !== null) {
      if (this.eventsOf(this.head) !== 0) return true;
      this.takeFirst();
    }
    return false;
  }

  /** The file is gone, or the registration. */
  forget(item: EpollItem): void {
    item.leave();
    if (item.ready) this.dropReady(item);
    this.unlink(item);
  }

  /** Last close of the instance. */
  destroy(): void {
    for (let item = this.firstItem; item !== null; item = item.after) {
      item.leave();
      unwatch(item.file, item);
    }
    this.firstItem = null;
    this.lastItem = null;
    this.head = null;
    this.tail = null;
  }

  /** Instances nested below this one: how deep; -ELOOP when `target` is among them or it is too deep. */
  depth(target: Epoll, level: number): number {
    if (this === target || level > MAX_NESTS) return -ELOOP;
    let deepest = 0;
    for (let item = this.firstItem; item !== null; item = item.after) {
      const nested = epollOf(item.file);
      if (nested === null) continue;
      const below = nested.depth(target, level + 1);
      if (below < 0) return below;
      deepest = Math.max(deepest, below + 1);
    }
    return deepest;
  }

  /** For /proc/PID/fdinfo. */
  list(): EpollItem[] {
    const items: EpollItem[] = [];
    for (let item = this.firstItem; item !== null; item = item.after) items.push(item);
    return items;
  }

  /** Files have few watchers: mostly one. */
  private find(file: FileDescription, fd: number): EpollItem | null {
    for (let at = file.watchers; at !== null; at = at.nextWatcher) {
      const item = at as EpollItem;
      if (item.fd === fd && item.owner === this) return item;
    }
    return null;
  }

  private link(item: EpollItem): void {
    item.before = this.lastItem;
    if (this.lastItem === null) this.firstItem = item;
    else this.lastItem.after = item;
    this.lastItem = item;
  }

  private unlink(item: EpollItem): void {
    if (item.before === null && this.firstItem !== item) return;
    if (item.before === null) this.firstItem = item.after;
    else item.before.after = item.after;
    if (item.after === null) this.lastItem = item.before;
    else item.after.before = item.before;
    item.before = null;
    item.after = null;
  }

  private setInterest(item: EpollItem, events: number, dataLow: number, dataHigh: number): void {
    item.interest = (events | EPOLLERR | EPOLLHUP) >>> 0;
    item.events = item.interest & ~MODES;
    item.dataLow = dataLow;
    item.dataHigh = dataHigh;
  }

  private check(item: EpollItem): void {
    if (this.eventsOf(item) === 0) return;
    this.markReady(item);
    this.queue.wake(EPOLLIN | EPOLLRDNORM);
  }

  private eventsOf(item: EpollItem): number {
    const wanted = item.interest & ~MODES;
    return wanted === 0 ? 0 : item.file.ops.poll(item.file) & wanted;
  }

  private markReady(item: EpollItem): void {
    if (item.ready) return;
    item.ready = true;
    item.readyNext = null;
    if (this.tail === null) this.head = item;
    else this.tail.readyNext = item;
    this.tail = item;
  }

  private takeFirst(): void {
    const item = this.head!;
    this.head = item.readyNext;
    if (this.head === null) this.tail = null;
    item.ready = false;
    item.readyNext = null;
  }

  private dropReady(item: EpollItem): void {
    let before: EpollItem | null = null;
    for (let at = this.head; at !== null; before = at, at = at.readyNext) {
      if (at !== item) continue;
      if (before === null) this.head = at.readyNext;
      else before.readyNext = at.readyNext;
      if (this.tail === at) this.tail = before;
      break;
    }
    item.ready = false;
    item.readyNext = null;
  }
}

function unwatch(file: FileDescription, item: EpollItem): void {
  if (file.watchers === item) {
    file.watchers = item.nextWatcher;
    return;
  }
  for (let at = file.watchers; at !== null; at = at.nextWatcher) {
    if (at.nextWatcher === item) {
      at.nextWatcher = item.nextWatcher;
      return;
    }
  }
}

class EpollOps extends FileOps {
  override ignoresSeek(): boolean {
    return true;
  }

  override label(): string {
    return 'anon_inode:[eventpoll]';
  }

  override poll(file: FileDescription): number {
    return (file.data as Epoll).hasEvents() ? EPOLLIN | EPOLLRDNORM : 0;
  }

  override addWaiter(file: FileDescription, entry: WaitNode): void {
    (file.data as Epoll).queue.add(entry);
  }

  /** Has requests of its own since Linux 6.9 (EPIOCSPARAMS), for network cards that are polled; none of them here. */
  override ioctl(): number {
    return -EINVAL;
  }

  override release(file: FileDescription): void {
    (file.data as Epoll).destroy();
  }
}

const EPOLL_OPS: FileOps = new EpollOps();

export function createEpoll(caller: FileCaller): FileDescription {
  return createAnonymousFile(caller, EPOLL_OPS, O_RDWR, new Epoll());
}

/** The instance behind an open file, or null. */
export function epollOf(file: FileDescription): Epoll | null {
  return file.ops === EPOLL_OPS ? (file.data as Epoll) : null;
}

/** epoll_ctl(2), with both files known. `events` as unsigned. */
export function controlEpoll(
  instance: FileDescription,
  operation: number,
  file: FileDescription,
  fd: number,
  events: number,
  dataLow: number,
  dataHigh: number,
): number {
  if (file.pathOnly || instance.pathOnly) return -EBADF;
  if (!file.ops.pollable(file)) return -EPERM;
  const epoll = epollOf(instance);
  if (epoll === null || instance === file) return -EINVAL;
  if (operation === EPOLL_CTL_MOD && (events & EPOLLEXCLUSIVE) !== 0) return -EINVAL;
  if (operation === EPOLL_CTL_DEL) return epoll.remove(file, fd);
  if (operation === EPOLL_CTL_MOD) return epoll.modify(file, fd, events, dataLow, dataHigh);
  if (operation !== EPOLL_CTL_ADD) return -EINVAL;
  const nested = epollOf(file);
  if ((events & EPOLLEXCLUSIVE) !== 0 && (nested !== null || (events & ~EXCLUSIVE_ALLOWED) !== 0))
    return -EINVAL;
  if (nested !== null) {
    const depth = nested.depth(epoll, 0);
    if (depth < 0 || depth >= MAX_NESTS) return -ELOOP;
  }
  return epoll.add(file, fd, events, dataLow, dataHigh);
}

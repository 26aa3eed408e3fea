// inotify(7): watches on inodes, a queue of events that merges equal neighbours and overflows into one IN_Q_OVERFLOW.
import { EAGAIN, EEXIST, EINVAL, ENOSPC, O_RDONLY, POLLIN, POLLRDNORM } from '@sandbox-kernel/abi';
import type { Caller, IoSegments } from '@sandbox-kernel/contracts';
import { createAnonymousFile } from '../anon/anonymous.js';
import type { FileDescription } from '../file-description.js';
import { FileOps } from '../file-ops.js';
import type { FileCaller } from '../fs-context.js';
import type { Inode } from '../inode.js';
import { scatter } from '../segments.js';
import { type WaitNode, WaitQueue } from '../wait-queue.js';
import type { FileEvent } from './file-event.js';
import { IN_DELETE_SELF, IN_IGNORED, IN_Q_OVERFLOW, IN_UNMOUNT } from './notify.js';
import { attachWatch, detachWatch, type Watch } from './watch-list.js';

const IN_ONLYDIR = 0x01000000;
const IN_DONT_FOLLOW = 0x02000000;
const IN_EXCL_UNLINK = 0x04000000;
const IN_MASK_CREATE = 0x10000000;
const IN_MASK_ADD = 0x20000000;
const IN_ONESHOT = 0x80000000;
const IN_ALL_EVENTS = 0xfff;
const HEADER = 16;
const FIONREAD = 0x541b;
/** fs.inotify.max_queued_events and max_user_watches. */
const MAX_QUEUED = 16384;
const MAX_WATCHES = 1 << 16;

interface QueuedEvent {
  readonly descriptor: number;
  readonly mask: number;
  readonly cookie: number;
  readonly name: string;
}

class InotifyWatch implements Watch {
  readonly owner: Inotify;
  readonly inode: Inode;
  readonly descriptor: number;
  mask: number;

  constructor(owner: Inotify, inode: Inode, descriptor: number, mask: number) {
    this.owner = owner;
    this.inode = inode;
    this.descriptor = descriptor;
    this.mask = mask;
  }

  notify(event: FileEvent): void {
    const { mask, self } = event;
    if (!self && (this.mask & IN_EXCL_UNLINK) !== 0 && event.dentry?.hashed === false) return;
    this.owner.queueEvent(this.descriptor, mask, event.cookie, self ? '' : event.name);
    if ((this.mask & IN_ONESHOT) !== 0 || ((mask & IN_DELETE_SELF) !== 0 && self)) this.owner.drop(this);
  }

  inodeGone(): void {
    this.owner.queueEvent(this.descriptor, IN_UNMOUNT, 0, '');
    this.owner.drop(this);
  }
}

export class Inotify {
  readonly queue: WaitQueue;
  private readonly watches: Map<number, InotifyWatch>;
  private events: QueuedEvent[];
  private nextDescriptor: number;

  constructor() {
    this.queue = new WaitQueue();
    this.watches = new Map();
    this.events = [];
    this.nextDescriptor = 1;
  }

  /** inotify_add_watch(2) on what the path led to. Watch descriptor, or -errno. */
  add(inode: Inode, mask: number): number {
    if (mask === 0) return -EINVAL;
    if ((mask & IN_MASK_ADD) !== 0 && (mask & IN_MASK_CREATE) !== 0) return -EINVAL;
    const kept = (mask & (IN_ALL_EVENTS | IN_ONESHOT | IN_EXCL_UNLINK)) >>> 0;
    const old = this.find(inode);
    if (old !== null) {
      if ((mask & IN_MASK_CREATE) !== 0) return -EEXIST;
      old.mask = (mask & IN_MASK_ADD) !== 0 ? (old.mask | kept) >>> 0 : kept;
      return old.descriptor;
    }
    if (this.watches.size >= MAX_WATCHES) return -ENOSPC;
    const watch = new InotifyWatch(this, inode, this.nextDescriptor++, kept);
    this.watches.set(watch.descriptor, watch);
    attachWatch(inode, watch);
    return watch.descriptor;
  }

  remove(descriptor: number): number {
    const watch = this.watches.get(descriptor);
    if (watch === undefined) return -EINVAL;
    this.drop(watch);
    return 0;
  }

  drop(watch: InotifyWatch): void {
    if (!this.watches.delete(watch.descriptor)) return;
    this.queueEvent(watch.descriptor, IN_IGNORED, 0, '');
    detachWatch(watch.inode, watch);
  }

  queueEvent(descriptor: number, mask: number, cookie: number, name: string): void {
    const last = this.events[this.events.length - 1];
    if (last !== undefined && same(last, descriptor, mask, cookie, name)) return;
    if (this.events.length > MAX_QUEUED) return;
    const full = this.events.length === MAX_QUEUED;
    this.events.push(
      full
        ? { descriptor: -1, mask: IN_Q_OVERFLOW, cookie: 0, name: '' }
        : { descriptor, mask, cookie, name },
    );
    this.queue.wake(POLLIN | POLLRDNORM);
  }

  /** -EINVAL: not even the first event fits. */
  read(io: IoSegments): number {
    if (this.events.length === 0) return -EAGAIN;
    let done = 0;
    let taken = 0;
    while (taken < this.events.length) {
      const bytes = encode(this.events[taken]!);
      if (done + bytes.length > io.total) break;
      done += scatter(io, done, bytes, 0, bytes.length);
      taken++;
    }
    this.events.splice(0, taken);
    return done === 0 ? -EINVAL : done;
  }

  get readable(): boolean {
    return this.events.length > 0;
  }

  get bytesQueued(): number {
    let total = 0;
    for (const event of this.events) total += HEADER + nameSize(event.name);
    return total;
  }

  /** The watches for /proc/PID/fdinfo, the newest first. */
  describe(): string {
    let text = '';
    for (const { descriptor, inode, mask } of this.watches.values()) {
      const where = `ino:${inode.number.toString(16)} sdev:${inode.superblock.device.toString(16)}`;
      const line = `inotify wd:${descriptor.toString(16)} ${where} mask:${mask.toString(16)} ignored_mask:0\n`;
      text = line + text;
    }
    return text;
  }

  destroy(): void {
    for (const watch of this.watches.values()) detachWatch(watch.inode, watch);
    this.watches.clear();
    this.events = [];
  }

  private find(inode: Inode): InotifyWatch | null {
    if (inode.watches === null) return null;
    for (const watch of inode.watches.watches) {
      if (watch instanceof InotifyWatch && watch.owner === this) return watch;
    }
    return null;
  }
}

function same(event: QueuedEvent, descriptor: number, mask: number, cookie: number, name: string): boolean {
  return (
    event.descriptor === descriptor && event.mask === mask && event.cookie === cookie && event.name === name
  );
}

/** The name with its NUL, padded so that the next header is aligned. */
function nameSize(name: string): number {
  return name.length === 0 ? 0 : Math.ceil((name.length + 1) / HEADER) * HEADER;
}

function encode(event: QueuedEvent): Uint8Array {
  const length = nameSize(event.name);
  const bytes = new Uint8Array(HEADER + length);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, event.descriptor, true);
  view.setUint32(4, event.mask >>> 0, true);
  view.setUint32(8, event.cookie, true);
  view.setUint32(12, length, true);
  for (let i = 0; i < event.name.length; i++) bytes[HEADER + i] = event.name.charCodeAt(i);
  return bytes;
}

class InotifyOps extends FileOps {
  override fdinfo(file: FileDescription): string {
    return (file.data as Inotify).describe();
  }

  override signalsReadiness(): boolean {
    return true;
  }

  override ignoresSeek(): boolean {
    return true;
  }

  override label(): string {
    return 'anon_inode:inotify';
  }

  override read(file: FileDescription, io: IoSegments): number {
    return (file.data as Inotify).read(io);
  }

  override poll(file: FileDescription): number {
    return (file.data as Inotify).readable ? POLLIN | POLLRDNORM : 0;
  }

  override addWaiter(file: FileDescription, entry: WaitNode): void {
    (file.data as Inotify).queue.add(entry);
  }

  override ioctl(file: FileDescription, caller: Caller, request: number, argument: number): number {
    if (request !== FIONREAD) return super.ioctl(file, caller, request, argument);
    return caller.memory.writeU32(argument, (file.data as Inotify).bytesQueued);
  }

  override release(file: FileDescription): void {
    (file.data as Inotify).destroy();
  }
}

const INOTIFY_OPS: FileOps = new InotifyOps();

export function createInotify(caller: FileCaller, flags: number): FileDescription {
  return createAnonymousFile(caller, INOTIFY_OPS, O_RDONLY | flags, new Inotify());
}

export function inotifyOf(file: FileDescription): Inotify | null {
  return file.ops === INOTIFY_OPS ? (file.data as Inotify) : null;
}

/** How the path of inotify_add_watch(2) is to be walked: IN_ONLYDIR, IN_DONT_FOLLOW. */
export function watchFollows(mask: number): boolean {
  return (mask & IN_DONT_FOLLOW) === 0;
}

export function watchNeedsDirectory(mask: number): boolean {
  return (mask & IN_ONLYDIR) !== 0;
}

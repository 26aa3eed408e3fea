// fanotify(7): a group with marks on inodes, mounts and filesystems, and a queue of events that merge by what they concern. Events carry
// file ids (FAN_REPORT_FID and its like) or descriptors, which are opened when they are read. Permission events are in fanotify-permission.ts.
import {
  EAGAIN,
  EEXIST,
  EINVAL,
  ENOENT,
  ENOSPC,
  EPERM,
  FAN_EVENT_METADATA_LEN,
  FAN_EVENT_ON_CHILD,
  FAN_MARK_EVICTABLE,
  FAN_MARK_IGNORE,
  FAN_MARK_IGNORED_MASK,
  FAN_MARK_IGNORED_SURV_MODIFY,
  FAN_NOFD,
  FAN_NOPIDFD,
  FAN_ONDIR,
  FAN_Q_OVERFLOW,
  FAN_RENAME,
  FAN_REPORT_FD_ERROR,
  FAN_REPORT_PIDFD,
  FAN_REPORT_TID,
  FAN_UNLIMITED_MARKS,
  FAN_UNLIMITED_QUEUE,
  POLLIN,
  POLLRDNORM,
} from '@sandbox-kernel/abi';
import type { IoSegments } from '@sandbox-kernel/contracts';
import type { Dentry } from '../dentry.js';
import type { Inode } from '../inode.js';
import type { Mount } from '../mount.js';
import { releaseMount } from '../mount.js';
import type { MountNamespace } from '../mount-namespace.js';
import { scatter } from '../segments.js';
import type { Superblock } from '../superblock.js';
import type { Vfs } from '../vfs.js';
import { WaitQueue } from '../wait-queue.js';
import type { PermissionRequest } from './fanotify-permission.js';
import { encodeEvent, FID_MODES, type FileId, idsOfEvent, PIDFD_RECORD } from './fanotify-record.js';
import type { FileEvent } from './file-event.js';
import { IN_CREATE, IN_DELETE, IN_ISDIR, IN_MODIFY, IN_MOVED_FROM, IN_MOVED_TO } from './notify.js';
import { attachWatch, detachWatch, type Watch } from './watch-list.js';

/** fs.fanotify.max_queued_events and max_user_marks. */
const MAX_QUEUED = 16384;
const MAX_MARKS = 8192;
/** How far back an event looks for one to merge with. */
const MERGE_WINDOW = 128;
/** Events about a name in a directory. */
export const DIRENT_EVENTS = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | FAN_RENAME;

/** What a mark stands on. */
export type Marked = Inode | Mount | Superblock | MountNamespace;

export class FanotifyMark implements Watch {
  readonly group: FanotifyGroup;
  readonly object: Marked;
  mask: number;
  ignored: number;
  /** FAN_MARK_IGNORED_SURV_MODIFY. */
  survives: boolean;
  /** FAN_MARK_IGNORE: the ignored mask says itself whether it is of directories and of what is in them. */
  exact: boolean;
  /** FAN_MARK_EVICTABLE: may be forgotten with the inode. */
  evictable: boolean;

  constructor(group: FanotifyGroup, object: Marked) {
    this.group = group;
    this.object = object;
    this.mask = 0;
    this.ignored = 0;
    this.survives = false;
    this.exact = false;
    this.evictable = false;
  }

  notify(event: FileEvent): void {
    const { object, mask, group } = this;
    if (isInode(object)) {
      const entry = (event.mask & DIRENT_EVENTS) !== 0;
      if (!event.self && !entry && (mask & FAN_EVENT_ON_CHILD) === 0) return;
    } else if (event.mount !== object && event.target?.superblock !== object) return;
    if ((event.mask & IN_ISDIR) !== 0 && (mask & FAN_ONDIR) === 0) return;
    const seen = event.mask & mask & ~group.ignoredFor(event);
    if ((seen & ~IN_ISDIR) !== 0) group.queueEvent(event, seen);
  }

  /** A mount came, went or moved. */
  notifyMount(namespace: MountNamespace, mountId: number, event: number): void {
    const seen = event & this.mask & ~this.ignored;
    if (namespace === this.object && seen !== 0) this.group.queueMount(mountId, seen);
  }

  /** What it leaves out of an event about its object, or about an entry of it. */
  ignoredOf(isDirectory: boolean, ofEntry: boolean): number {
    if (!this.exact) return ofEntry ? 0 : this.ignored;
    if (isDirectory && (this.ignored & FAN_ONDIR) === 0) return 0;
    return ofEntry && (this.ignored & FAN_EVENT_ON_CHILD) === 0 ? 0 : this.ignored;
  }

  inodeGone(): void {
    this.group.unmark(this.object);
  }
}

export function isInode(object: Marked): object is Inode {
  return 'links' in object;
}

export function isNamespace(object: Marked): object is MountNamespace {
  return 'count' in object;
}

/** One event of the queue. */
export class QueuedNotice {
  mask: number;
  readonly pid: number;
  /** Who caused it, as the kernel's `openProcess` takes it; null where nobody asks for it. */
  readonly process: unknown;
  /** File ids in the order they are reported; empty in groups that report descriptors. */
  readonly ids: readonly FileId[];
  /** To open a descriptor for; held. */
  readonly mount: Mount | null;
  readonly dentry: Dentry | null;
  readonly request: PermissionRequest | null;
  /** Of an event about a mount; 0: none. */
  mountId: number;

  constructor(
    mask: number,
    pid: number,
    process: unknown,
    ids: readonly FileId[],
    mount: Mount | null,
    dentry: Dentry | null,
    request: PermissionRequest | null,
  ) {
    this.mask = mask;
    this.pid = pid;
    this.process = process;
    this.ids = ids;
    this.mount = mount;
    this.dentry = dentry;
    this.request = request;
    this.mountId = 0;
    if (mount === null || dentry === null) return;
    mount.refs++;
    dentry.retain();
  }

  release(): void {
    this.dentry?.release();
    if (this.mount !== null) releaseMount(this.mount);
  }

  mergesWith(other: QueuedNotice): boolean {
    if (this.mountId !== 0 || this.request !== null || other.request !== null || this.pid !== other.pid)
      return false;
    if (((this.mask ^ other.mask) & IN_ISDIR) !== 0 || ((this.mask ^ other.mask) & FAN_RENAME) !== 0)
      return false;
    if (this.mount !== other.mount || this.dentry !== other.dentry || this.ids.length !== other.ids.length)
      return false;
    return this.ids.every((id, i) => id.equals(other.ids[i]!));
  }
}

/** What a mark promises can't be taken back by marking again. */
function mayUpdate(mark: FanotifyMark, flags: number): boolean {
  if ((flags & FAN_MARK_EVICTABLE) !== 0 && !mark.evictable) return false;
  if ((flags & FAN_MARK_IGNORED_MASK) !== 0 && mark.exact) return false;
  const survives = (flags & FAN_MARK_IGNORED_SURV_MODIFY) !== 0;
  return (flags & FAN_MARK_IGNORE) === 0 || survives || !mark.survives;
}

export class FanotifyGroup {
  readonly vfs: Vfs;
  /** FAN_*: of fanotify_init(2). */
  readonly flags: number;
  /** O_*: of the descriptors of events. */
  readonly eventFlags: number;
  /** Made without CAP_SYS_ADMIN: pids of others are not told. */
  readonly unprivileged: boolean;
  readonly queue: WaitQueue;
  /** Requests whose event was read and that wait for an answer. */
  readonly asked: PermissionRequest[];
  private readonly marks: Map<Marked, FanotifyMark>;
  private readonly events: QueuedNotice[];

  constructor(vfs: Vfs, flags: number, eventFlags: number, unprivileged: boolean) {
    this.vfs = vfs;
    this.flags = flags;
    this.eventFlags = eventFlags;
    this.unprivileged = unprivileged;
    this.queue = new WaitQueue();
    this.asked = [];
    this.marks = new Map();
    this.events = [];
  }

  get reportsIds(): boolean {
    return (this.flags & FID_MODES) !== 0;
  }

  // ── marks ──

  /** FAN_MARK_ADD. `flags`: FAN_MARK_*; with IGNORED_MASK or IGNORE the mask is of events to leave out. */
  mark(object: Marked, mask: number, flags: number): number {
    let mark = this.marks.get(object);
    if (mark !== undefined && !mayUpdate(mark, flags)) return -EEXIST;
    if (mark === undefined) {
      if (this.marks.size >= MAX_MARKS && (this.flags & FAN_UNLIMITED_MARKS) === 0) return -ENOSPC;
      mark = new FanotifyMark(this, object);
      this.marks.set(object, mark);
      if (isInode(object)) attachWatch(object, mark);
      else if (isNamespace(object)) this.vfs.notify.mountMarks.push(mark);
      else this.vfs.notify.wide.push(mark);
    }
    if ((flags & FAN_MARK_EVICTABLE) !== 0) mark.evictable = true;
    else mark.evictable = false;
    if ((flags & (FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORE)) !== 0) {
      mark.ignored |= mask;
      mark.survives ||= (flags & FAN_MARK_IGNORED_SURV_MODIFY) !== 0;
      mark.exact ||= (flags & FAN_MARK_IGNORE) !== 0;
    } else mark.mask |= mask;
    return 0;
  }

  /** FAN_MARK_REMOVE: the mark goes with its last event. */
  narrow(object: Marked, mask: number, ignored: boolean): number {
    const mark = this.marks.get(object);
    if (mark === undefined) return -ENOENT;
    if (ignored) mark.ignored &= ~mask;
    else mark.mask &= ~mask;
    const left = (mark.mask | mark.ignored) & ~(FAN_ONDIR | FAN_EVENT_ON_CHILD);
    if (left === 0) this.unmark(object);
    return 0;
  }

  /** FAN_MARK_FLUSH: all marks that `matches` says. */
  flush(matches: (object: Marked) => boolean): void {
    for (const object of [...this.marks.keys()]) if (matches(object)) this.unmark(object);
  }

  unmark(object: Marked): void {
    const mark = this.marks.get(object);
    if (mark === undefined) return;
    this.marks.delete(object);
    if (isInode(object)) {
      detachWatch(object, mark);
      return;
    }
    const { wide, mountMarks } = this.vfs.notify;
    if (isNamespace(object)) mountMarks.splice(mountMarks.indexOf(mark), 1);
    else wide.splice(wide.indexOf(mark), 1);
  }

  /** Events that marks on the file, its mount or its filesystem leave out. */
  ignoredFor(event: FileEvent): number {
    const { target, mount } = event;
    if (target === null) return 0;
    const own = this.marks.get(target);
    if (own !== undefined && (event.mask & IN_MODIFY) !== 0 && !own.survives) own.ignored = 0;
    const isDirectory = (event.mask & IN_ISDIR) !== 0;
    let ignored = own?.ignoredOf(isDirectory, false) ?? 0;
    if (mount !== null) ignored |= this.marks.get(mount)?.ignoredOf(isDirectory, false) ?? 0;
    if (event.directory !== null)
      ignored |= this.marks.get(event.directory)?.ignoredOf(isDirectory, true) ?? 0;
    return ignored | (this.marks.get(target.superblock)?.ignoredOf(isDirectory, false) ?? 0);
  }

  /** The union of masks that apply to this file, less what is to be left out: for permission events. */
  maskFor(target: Inode, mount: Mount, directory: Inode | null): number {
    const own = this.marks.get(target)?.mask ?? 0;
    const above = directory === null ? 0 : (this.marks.get(directory)?.mask ?? 0);
    const onChild = (above & FAN_EVENT_ON_CHILD) !== 0 ? above : 0;
    const wide = this.marks.get(mount);
    const widest = this.marks.get(target.superblock);
    const { isDirectory } = target;
    let ignored = this.marks.get(target)?.ignoredOf(isDirectory, false) ?? 0;
    if (directory !== null) ignored |= this.marks.get(directory)?.ignoredOf(isDirectory, true) ?? 0;
    ignored |= wide?.ignoredOf(isDirectory, false) ?? 0;
    ignored |= widest?.ignoredOf(isDirectory, false) ?? 0;
    return (own | onChild | (wide?.mask ?? 0) | (widest?.mask ?? 0)) & ~(ignored & ~FAN_ONDIR);
  }

  // ── events ──

  queueEvent(event: FileEvent, seen: number): void {
    const { mount, dentry } = event;
    const directory = this.reportsIds ? event.mask & IN_ISDIR : 0;
    const ids = this.reportsIds ? idsOfEvent(event, this.flags) : [];
    // A group that reports descriptors can't tell of what has no path.
    if (!this.reportsIds && (mount === null || dentry === null)) return;
    const byPath = !this.reportsIds;
    this.add(
      new QueuedNotice(
        seen | directory,
        this.pid(),
        this.process(),
        ids,
        byPath ? mount : null,
        byPath ? dentry : null,
        null,
      ),
    );
  }

  queueMount(mountId: number, seen: number): void {
    const notice = new QueuedNotice(seen, this.pid(), this.process(), [], null, null, null);
    notice.mountId = mountId;
    this.add(notice);
  }

  add(notice: QueuedNotice): void {
    const { events } = this;
    for (let i = events.length - 1; i >= 0 && i >= events.length - MERGE_WINDOW; i--) {
      if (!events[i]!.mergesWith(notice)) continue;
      events[i]!.mask |= notice.mask;
      notice.release();
      return;
    }
    const room = (this.flags & FAN_UNLIMITED_QUEUE) !== 0 || notice.request !== null;
    if (!room && events.length >= MAX_QUEUED) {
      notice.release();
      if (events.length > MAX_QUEUED) return;
      events.push(new QueuedNotice(FAN_Q_OVERFLOW, 0, null, [], null, null, null));
    } else events.push(notice);
    this.queue.wake(POLLIN | POLLRDNORM);
  }

  pid(): number {
    const kernel = this.vfs.notify.signals;
    return kernel === null ? 0 : kernel.currentId((this.flags & FAN_REPORT_TID) !== 0);
  }

  /** For a pidfd of who runs now; null where events have none. */
  process(): unknown {
    if ((this.flags & FAN_REPORT_PIDFD) === 0) return null;
    return this.vfs.notify.signals?.currentProcess() ?? null;
  }

  get readable(): boolean {
    return this.events.length > 0;
  }

  get bytesQueued(): number {
    return this.events.length * FAN_EVENT_METADATA_LEN;
  }

  /** As many whole events as fit. -EINVAL: not even the first; -EAGAIN: none. */
  read(io: IoSegments): number {
    let done = 0;
    for (let notice = this.events[0]; notice !== undefined; notice = this.events[0]) {
      const bytes = encodeEvent(this, notice);
      if (done + bytes.length > io.total) return done > 0 ? done : -EINVAL;
      this.events.shift();
      const fd = this.open(notice);
      if (fd < 0 && fd !== FAN_NOFD && (this.flags & FAN_REPORT_FD_ERROR) === 0) {
        // The event is lost, and whoever waits for an answer gets one.
        notice.release();
        notice.request?.answer(EPERM);
        return done > 0 ? done : fd;
      }
      const view = new DataView(bytes.buffer);
      view.setInt32(16, fd, true);
      if ((this.flags & FAN_REPORT_PIDFD) !== 0)
        view.setInt32(bytes.length - PIDFD_RECORD + 4, this.openProcess(notice), true);
      done += scatter(io, done, bytes, 0, bytes.length);
      this.handOut(notice, fd);
    }
    return done > 0 ? done : -EAGAIN;
  }

  private open(notice: QueuedNotice): number {
    const { mount, dentry } = notice;
    if (mount === null || dentry === null) return FAN_NOFD;
    return this.vfs.notify.signals?.openForReader(mount, dentry, this.eventFlags) ?? FAN_NOFD;
  }

  private openProcess(notice: QueuedNotice): number {
    if (notice.process === null) return FAN_NOPIDFD;
    return this.vfs.notify.signals?.openProcess(notice.process) ?? FAN_NOPIDFD;
  }

  private handOut(notice: QueuedNotice, fd: number): void {
    notice.release();
    if (notice.request === null) return;
    if (fd < 0) {
      notice.request.answer(EPERM);
      return;
    }
    notice.request.fd = fd;
    this.asked.push(notice.request);
  }

  /** The answer to a permission event: 0, or the errno that refuses. */
  answer(fd: number, error: number): number {
    const at = this.asked.findIndex((request) => request.fd === fd);
    if (at < 0) return -ENOENT;
    this.asked.splice(at, 1)[0]!.answer(error);
    return 0;
  }

  /** The last descriptor is gone: whoever waits may go on. */
  destroy(): void {
    this.flush(() => true);
    for (const request of this.asked) request.answer(0);
    for (const notice of this.events) {
      notice.request?.answer(0);
      notice.release();
    }
    this.asked.length = 0;
    this.events.length = 0;
  }
}

// Permission events of fanotify(7): opens, reads and programs that start wait until every group that asked has answered. What was asked is
// kept by caller, because the call runs again from its start when an answer is there.
import { EAGAIN, FAN_ACCESS_PERM, FAN_ONDIR, FAN_OPEN_EXEC_PERM, FAN_OPEN_PERM } from '@sandbox-kernel/abi';
import { FMODE_INTERNAL } from '../constants.js';
import type { Dentry } from '../dentry.js';
import type { FileDescription } from '../file-description.js';
import type { FileCaller } from '../fs-context.js';
import type { Inode } from '../inode.js';
import type { Mount } from '../mount.js';
import { WaitQueue } from '../wait-queue.js';
import { type FanotifyGroup, QueuedNotice } from './fanotify.js';

export const PERMISSION_EVENTS = FAN_OPEN_PERM | FAN_ACCESS_PERM | FAN_OPEN_EXEC_PERM;

/** What one group is asked. */
export class PermissionRequest {
  /** Of the event, once it was read. */
  fd: number;
  private readonly asking: PendingCall;

  constructor(asking: PendingCall) {
    this.asking = asking;
    this.fd = -1;
  }

  /** 0 allows; an errno refuses. */
  answer(error: number): void {
    this.asking.answered(error);
  }
}

/** A call that waits for answers, and what it was allowed so far. */
export class PendingCall {
  readonly queue: WaitQueue;
  /** What is being asked about. */
  inode: Inode | null;
  event: number;
  /** Answers that are missing. */
  missing: number;
  /** The errno of the first who refused; 0. */
  denied: number;
  /** A file that this call made before it asked. */
  created: Inode | null;
  /** Pairs of what was allowed already, as calls that ask about several files go on. */
  private readonly inodes: Inode[];
  private readonly events: number[];

  constructor() {
    this.queue = new WaitQueue();
    this.inode = null;
    this.event = 0;
    this.missing = 0;
    this.denied = 0;
    this.created = null;
    this.inodes = [];
    this.events = [];
  }

  answered(error: number): void {
    this.missing--;
    if (this.denied === 0) this.denied = error;
    if (this.missing === 0) this.queue.wake(1);
  }

  ask(inode: Inode, event: number, groups: readonly FanotifyGroup[], mount: Mount, dentry: Dentry): void {
    this.inode = inode;
    this.event = event;
    this.missing = groups.length;
    for (const group of groups) {
      const request = new PermissionRequest(this);
      group.add(new QueuedNotice(event, group.pid(), group.process(), [], mount, dentry, request));
    }
  }

  wasAllowed(inode: Inode, event: number): boolean {
    return this.inodes.some((each, i) => each === inode && this.events[i] === event);
  }

  allow(): void {
    this.inodes.push(this.inode!);
    this.events.push(this.event);
    this.inode = null;
  }
}

/** open(2). `created`: the call has just made the file. 0: go on; -EPERM or what the group says; -EAGAIN: wait on `notify.waiting` and run the call again. */
export function askToOpen(caller: FileCaller, mount: Mount, dentry: Dentry, created: boolean): number {
  const asked = ask(caller, mount, dentry, FAN_OPEN_PERM);
  const { pending } = caller.fs.vfs.notify;
  if (asked !== -EAGAIN) pending.delete(caller);
  else if (created) pending.get(caller)!.created = dentry.inode;
  return asked;
}

/** execve(2), of the program and of what it needs to run: `forgetAsked` ends it. As `askToOpen`. */
export function askToExecute(caller: FileCaller, mount: Mount, dentry: Dentry): number {
  const asked = ask(caller, mount, dentry, FAN_OPEN_EXEC_PERM);
  return asked === 0 ? ask(caller, mount, dentry, FAN_OPEN_PERM) : asked;
}

/** read(2) and its like, getdents64(2). As `askToOpen`. */
export function askToRead(caller: FileCaller, file: FileDescription): number {
  const { mount, dentry } = file;
  if (mount === null || dentry === null || dentry.inode === null) return 0;
  if ((file.mode & FMODE_INTERNAL) !== 0) return 0;
  const asked = ask(caller, mount, dentry, FAN_ACCESS_PERM);
  if (asked !== -EAGAIN) forgetAsked(caller);
  return asked;
}

/** The call has ended. */
export function forgetAsked(caller: FileCaller): void {
  caller.fs.vfs.notify.pending.delete(caller);
}

/** True when this call made the file in an earlier run and waited for permission to open it. */
export function madeBefore(caller: FileCaller, inode: Inode): boolean {
  const { notify } = caller.fs.vfs;
  return notify.permissionGroups.length > 0 && notify.pending.get(caller)?.created === inode;
}

function ask(caller: FileCaller, mount: Mount, dentry: Dentry, event: number): number {
  const { notify } = caller.fs.vfs;
  const inode = dentry.inode!;
  let pending = notify.pending.get(caller);
  if (pending?.wasAllowed(inode, event) === true) return 0;
  if (pending === undefined || pending.inode !== inode || pending.event !== event) {
    const groups = groupsFor(notify.permissionGroups, mount, dentry, event);
    if (groups.length === 0) return 0;
    if (pending === undefined || pending.inode !== null) {
      pending = new PendingCall();
      notify.pending.set(caller, pending);
    }
    pending.ask(inode, event, groups, mount, dentry);
  }
  if (pending.missing > 0) {
    notify.waiting = pending.queue;
    return -EAGAIN;
  }
  if (pending.denied !== 0) return -pending.denied;
  pending.allow();
  return 0;
}

function groupsFor(
  groups: readonly FanotifyGroup[],
  mount: Mount,
  dentry: Dentry,
  event: number,
): FanotifyGroup[] {
  const inode = dentry.inode!;
  const directory = dentry.parent?.inode ?? null;
  const wanted = inode.isDirectory ? event | FAN_ONDIR : event;
  return groups.filter((group) => (group.maskFor(inode, mount, directory) & wanted) === wanted);
}

// Permission events of fanotify(7): an open waits until every group that asked for FAN_OPEN_PERM has answered. The request is kept by
// caller, because the call runs again from its start when the answer is there.
import { EAGAIN, EPERM, FAN_OPEN_PERM } from '@sandbox-kernel/abi';
import type { Dentry } from '../dentry.js';
import type { FileCaller } from '../fs-context.js';
import type { Inode } from '../inode.js';
import type { Mount } from '../mount.js';
import { WaitQueue } from '../wait-queue.js';
import { type FanotifyGroup, QueuedNotice } from './fanotify.js';

/** What one group is asked. */
export class PermissionRequest {
  /** Of the event, once it was read. */
  fd: number;
  private readonly open: PendingOpen;

  constructor(open: PendingOpen) {
    this.open = open;
    this.fd = -1;
  }

  answer(allowed: boolean): void {
    this.open.answered(allowed);
  }
}

/** An open that waits for answers. */
export class PendingOpen {
  readonly inode: Inode;
  readonly queue: WaitQueue;
  /** Answers that are missing. */
  missing: number;
  denied: boolean;

  constructor(inode: Inode, missing: number) {
    this.inode = inode;
    this.queue = new WaitQueue();
    this.missing = missing;
    this.denied = false;
  }

  answered(allowed: boolean): void {
    this.missing--;
    if (!allowed) this.denied = true;
    if (this.missing === 0) this.queue.wake(1);
  }
}

/** 0: go on; -EPERM; -EAGAIN: wait on `notify.waiting` and run the call again. */
export function askToOpen(caller: FileCaller, mount: Mount, dentry: Dentry): number {
  const { notify } = caller.fs.vfs;
  const inode = dentry.inode!;
  let pending = notify.opens.get(caller);
  if (pending === undefined || pending.inode !== inode) {
    const groups = groupsFor(notify.permissionGroups, mount, dentry);
    if (groups.length === 0) return 0;
    pending = new PendingOpen(inode, groups.length);
    notify.opens.set(caller, pending);
    for (const group of groups) {
      const request = new PermissionRequest(pending);
      group.add(new QueuedNotice(FAN_OPEN_PERM, group.pid(), [], mount, dentry, request));
    }
  }
  if (pending.missing > 0) {
    notify.waiting = pending.queue;
    return -EAGAIN;
  }
  notify.opens.delete(caller);
  return pending.denied ? -EPERM : 0;
}

function groupsFor(groups: readonly FanotifyGroup[], mount: Mount, dentry: Dentry): FanotifyGroup[] {
  const directory = dentry.parent?.inode ?? null;
  return groups.filter((group) => (group.maskFor(dentry.inode!, mount, directory) & FAN_OPEN_PERM) !== 0);
}

// Signals that open files send: fcntl(2) F_SETOWN, F_SETSIG, O_ASYNC, and what leases and directory watches tell. As send_sigio in
// Linux: the owner is a thread, a process or a process group, and the rights are those of whoever set it.
import {
  ENOENT,
  F_OWNER_PGRP,
  F_OWNER_PID,
  F_OWNER_TID,
  FAN_EPIDFD,
  FAN_NOPIDFD,
  O_CLOEXEC,
  POLL_ERR,
  POLL_HUP,
  POLL_IN,
  POLL_MSG,
  POLL_OUT,
  POLL_PRI,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLMSG,
  POLLOUT,
  POLLPRI,
  POLLRDBAND,
  POLLRDNORM,
  POLLWRBAND,
  POLLWRNORM,
  RLIMIT_NOFILE,
  SI_SIGIO,
  SIGBUS,
  SIGCHLD,
  SIGFPE,
  SIGILL,
  SIGIO,
  SIGSEGV,
  SIGSYS,
  SIGTRAP,
  SIGURG,
} from '@sandbox-kernel/abi';
import type { WaitEntry, Waiter } from '@sandbox-kernel/contracts';
import {
  type Dentry,
  type FileDescription,
  type FileSignals,
  type Mount,
  openWatched,
  WaitNode,
} from '@sandbox-kernel/vfs';
import type { Kernel } from '../kernel.js';
import { createPidfd } from '../pidfd.js';
import type { Task } from '../task.js';
import type { ThreadGroup } from '../thread-group.js';
import { sendToGroup, sendToTask } from './send.js';
import { kernelSignal, SignalInfo } from './signal-info.js';

/** si_band by si_code - 1. */
const BANDS: readonly number[] = [
  POLLIN | POLLRDNORM,
  POLLOUT | POLLWRNORM | POLLWRBAND,
  POLLIN | POLLRDNORM | POLLMSG,
  POLLERR,
  POLLPRI | POLLRDBAND,
  POLLHUP | POLLERR,
];
/** Signals whose si_code means something of their own. */
const OWN_CODES: readonly number[] = [SIGILL, SIGFPE, SIGSEGV, SIGBUS, SIGTRAP, SIGCHLD, SIGSYS, SIGIO];

export class KernelFileSignals implements FileSignals {
  private readonly kernel: Kernel;

  constructor(kernel: Kernel) {
    this.kernel = kernel;
  }

  signal(file: FileDescription, fd: number, code: number): void {
    const id = file.ownerId;
    if (id === 0) return;
    if (file.ownerKind === F_OWNER_PGRP) {
      for (const group of [...(this.kernel.processes.groups.get(id)?.members ?? [])])
        this.send(file, group.leader, fd, code, true);
      return;
    }
    const task = this.kernel.findTask(id);
    if (task !== null) this.send(file, task, fd, code, file.ownerKind === F_OWNER_PID);
  }

  currentId(thread: boolean): number {
    const task = this.kernel.current;
    if (task === null) return 0;
    return thread ? task.tid : task.group.pid;
  }

  currentProcess(): unknown {
    return this.kernel.current?.group ?? null;
  }

  openProcess(process: unknown): number {
    const group = process as ThreadGroup;
    const task = this.kernel.current;
    if (task === null || group.reaped) return FAN_NOPIDFD;
    const fd = createPidfd(task, group, null, 0);
    return fd < 0 ? FAN_EPIDFD : fd;
  }

  openForReader(mount: Mount, dentry: Dentry, flags: number): number {
    const task = this.kernel.current;
    if (task === null || dentry.inode === null) return -ENOENT;
    const file = openWatched(task, mount, dentry, flags);
    if (typeof file === 'number') return file;
    const limit = task.group.limits.soft[RLIMIT_NOFILE]!;
    const fd = task.files.install(file, limit, (flags & O_CLOEXEC) !== 0);
    if (fd < 0) file.release();
    return fd;
  }

  private send(file: FileDescription, task: Task, fd: number, code: number, toGroup: boolean): void {
    if (!mayTell(file, task)) return;
    const signal = file.ownerSignal;
    if (signal !== 0) {
      const own = signal !== SIGIO && OWN_CODES.includes(signal);
      const info = new SignalInfo(signal, own ? SI_SIGIO : code).poll(BANDS[code - 1] ?? 0, fd);
      const sent = toGroup ? sendToGroup(task.group, info) : sendToTask(task, info);
      if (sent === 0) return;
    }
    const plain = kernelSignal(SIGIO);
    if (toGroup) sendToGroup(task.group, plain);
    else sendToTask(task, plain);
  }
}

/** Urgent data has come to a socket: SIGURG to its owner (tcp(7)), and no other signal. */
export function signalUrgent(kernel: Kernel, file: FileDescription): void {
  const id = file.ownerId;
  if (id === 0) return;
  if (file.ownerKind === F_OWNER_PGRP) {
    for (const group of [...(kernel.processes.groups.get(id)?.members ?? [])])
      if (mayTell(file, group.leader)) sendToGroup(group, kernelSignal(SIGURG));
    return;
  }
  const task = kernel.findTask(id);
  if (task === null || !mayTell(file, task)) return;
  if (file.ownerKind === F_OWNER_PID) sendToGroup(task.group, kernelSignal(SIGURG));
  else sendToTask(task, kernelSignal(SIGURG));
}

function mayTell(file: FileDescription, task: Task): boolean {
  const { uid, suid } = task.credentials;
  const { ownerUid, ownerEuid } = file;
  return ownerEuid === 0 || ownerEuid === suid || ownerEuid === uid || ownerUid === suid || ownerUid === uid;
}

/** O_ASYNC on one open file: a wait entry that turns readiness into signals. */
class AsyncNotice implements Waiter {
  readonly node: WaitNode;
  private readonly signals: FileSignals;
  private readonly file: FileDescription;
  private readonly fd: number;

  constructor(signals: FileSignals, file: FileDescription, fd: number) {
    this.signals = signals;
    this.file = file;
    this.fd = fd;
    this.node = new WaitNode(this, POLLIN | POLLOUT | POLLPRI | POLLERR | POLLHUP);
  }

  wake(_entry: WaitEntry, events: number): boolean {
    this.signals.signal(this.file, this.fd, codeOf(events));
    return false;
  }
}

function codeOf(events: number): number {
  if ((events & POLLPRI) !== 0) return POLL_PRI;
  if ((events & POLLIN) !== 0) return POLL_IN;
  if ((events & POLLOUT) !== 0) return POLL_OUT;
  if ((events & POLLHUP) !== 0) return POLL_HUP;
  return (events & POLLERR) !== 0 ? POLL_ERR : POLL_MSG;
}

/** F_SETFL with or without O_ASYNC. Files that are always ready never signal, and don't keep the flag. */
export function setAsync(file: FileDescription, fd: number, on: boolean, flag: number): void {
  const signals = file.inode?.superblock.vfs.notify.signals;
  if (on && file.asyncEntry === null && signals != null && file.ops.signalsReadiness(file)) {
    const notice = new AsyncNotice(signals, file, fd);
    file.asyncEntry = notice.node;
    file.ops.addAsync(file, notice.node);
    file.flags |= flag;
  } else if (!on && file.asyncEntry !== null) {
    file.ops.removeWaiter(file, file.asyncEntry);
    file.asyncEntry = null;
    file.flags &= ~flag;
  }
}

/** F_SETOWN, or what a lease or watch does for a file without owner. `kind`: F_OWNER_*. */
export function setFileOwner(task: Task, file: FileDescription, kind: number, id: number): void {
  file.ownerKind = id === 0 ? F_OWNER_TID : kind;
  file.ownerId = id;
  file.ownerUid = task.credentials.uid;
  file.ownerEuid = task.credentials.euid;
}

/** Leases and directory watches signal who set them when nobody else is to hear. */
export function ownUnlessOwned(task: Task, file: FileDescription): void {
  if (file.ownerId === 0) setFileOwner(task, file, F_OWNER_PID, task.group.pid);
}

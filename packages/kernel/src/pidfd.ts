// pidfd_open(2), CLONE_PIDFD: a descriptor for a process (or a thread), readable once it has ended.
import {
  EFAULT,
  EINVAL,
  ENOTTY,
  EOPNOTSUPP,
  ESRCH,
  O_CLOEXEC,
  O_NONBLOCK,
  O_RDWR,
  PIDFD_GET_INFO,
  PIDFD_INFO_CGROUPID,
  PIDFD_INFO_CGROUPID_FIELD,
  PIDFD_INFO_CREDS,
  PIDFD_INFO_EXIT,
  PIDFD_INFO_EXIT_CODE,
  PIDFD_INFO_PID,
  PIDFD_INFO_PID_FIELD,
  PIDFD_INFO_SIZE_VER0,
  POLLHUP,
  POLLIN,
  POLLRDNORM,
  RLIMIT_NOFILE,
} from '@sandbox-kernel/abi';
import type { Caller } from '@sandbox-kernel/contracts';
import {
  type FileDescription,
  FileOps,
  FMODE_SEEK,
  Inode,
  InodeOps,
  openNameless,
  stampNew,
  type WaitNode,
} from '@sandbox-kernel/vfs';
import type { Task } from './task.js';
import { TASK_DEAD, TASK_ZOMBIE } from './task-state.js';
import type { ThreadGroup } from './thread-group.js';

/** What a pidfd names. */
export class PidfdTarget {
  readonly group: ThreadGroup;
  /** PIDFD_THREAD: this thread alone. */
  readonly thread: Task | null;

  constructor(group: ThreadGroup, thread: Task | null) {
    this.group = group;
    this.thread = thread;
  }

  get ended(): boolean {
    return this.thread === null ? this.group.exited : this.thread.state >= TASK_ZOMBIE;
  }
}

class PidfdOps extends FileOps {
  override label(): string {
    return 'anon_inode:[pidfd]';
  }

  /** -1 once the process is gone, as pidfd_getpid(3) reads it. */
  override fdinfo(file: FileDescription): string {
    const { group, thread } = file.data as PidfdTarget;
    const pid = group.reaped ? -1 : (thread?.tid ?? group.pid);
    return `Pid:\t${pid}\nNSpid:\t${pid}\n`;
  }

  override read(): number {
    return -EINVAL;
  }

  override write(): number {
    return -EINVAL;
  }

  override poll(file: FileDescription): number {
    const target = file.data as PidfdTarget;
    if (!target.ended) return 0;
    return target.group.reaped ? POLLIN | POLLRDNORM | POLLHUP : POLLIN | POLLRDNORM;
  }

  /** PIDFD_GET_INFO, in any size that a program knows of. */
  override ioctl(file: FileDescription, caller: Caller, request: number, argument: number): number {
    const size = (request >>> 16) & 0x3fff;
    if ((request & ~0x3fff0000) >>> 0 !== PIDFD_GET_INFO || size < PIDFD_INFO_SIZE_VER0) return -ENOTTY;
    return writeInfo(file.data as PidfdTarget, caller, argument, size);
  }

  override addWaiter(file: FileDescription, entry: WaitNode): void {
    (file.data as PidfdTarget).group.exitEvents.add(entry);
  }
}

function writeInfo(target: PidfdTarget, caller: Caller, at: number, size: number): number {
  const wanted = caller.memory.readU32(at);
  if (wanted < 0) return -EFAULT;
  const bytes = new Uint8Array(Math.max(size, PIDFD_INFO_SIZE_VER0));
  const view = new DataView(bytes.buffer);
  const { group } = target;
  const task = target.thread ?? group.leader;
  const gone = target.thread === null ? group.reaped : task.state === TASK_DEAD;
  let mask = 0;
  if (gone && (wanted & PIDFD_INFO_EXIT) === 0) return -ESRCH;
  if (gone) {
    mask = PIDFD_INFO_EXIT;
    view.setInt32(PIDFD_INFO_EXIT_CODE, target.thread === null ? group.exitStatus : task.exitStatus, true);
  } else {
    mask = PIDFD_INFO_PID | PIDFD_INFO_CREDS;
    const who = task.credentials;
    const ids = [who.uid, who.gid, who.euid, who.egid, who.suid, who.sgid, who.fsuid, who.fsgid];
    [task.tid, group.pid, group.parent?.pid ?? 0, ...ids].forEach((value, i) => {
      view.setUint32(PIDFD_INFO_PID_FIELD + i * 4, value, true);
    });
  }
  // Every program is in the one control group that there is.
  if ((wanted & PIDFD_INFO_CGROUPID) !== 0) {
    mask |= PIDFD_INFO_CGROUPID;
    view.setUint32(PIDFD_INFO_CGROUPID_FIELD, 1, true);
  }
  view.setUint32(0, mask, true);
  return caller.memory.copyOut(at, bytes, 0, size) === size ? 0 : -EFAULT;
}

const PIDFD_OPS: FileOps = new PidfdOps();

class PidfdInodeOps extends InodeOps {
  /** Again through /proc/PID/fd. */
  override open(inode: Inode, file: FileDescription): number {
    file.ops = PIDFD_OPS;
    file.data = inode.data;
    file.mode &= ~FMODE_SEEK;
    return 0;
  }

  override change(): number {
    return -EOPNOTSUPP;
  }
}

const PIDFD_INODE_OPS: InodeOps = new PidfdInodeOps();

/** A new descriptor in `task`'s table, or -errno. `flags`: O_NONBLOCK or 0. */
export function createPidfd(task: Task, group: ThreadGroup, thread: Task | null, flags: number): number {
  const { pids } = task.fs.vfs;
  const inode = new Inode(pids, PIDFD_INODE_OPS, pids.allocateInodeNumber(), 0o700);
  inode.data = new PidfdTarget(group, thread);
  stampNew(inode);
  const file = openNameless(task, PIDFD_OPS, O_RDWR | (flags & O_NONBLOCK), inode.data, inode);
  const fd = task.files.install(file, task.group.limits.soft[RLIMIT_NOFILE]!, true);
  if (fd < 0) file.release();
  return fd;
}

/** Null when the file is no pidfd. */
export function pidfdTarget(file: FileDescription): PidfdTarget | null {
  return file.ops === PIDFD_OPS ? (file.data as PidfdTarget) : null;
}

/** Flags of pidfd_open(2). */
export const PIDFD_NONBLOCK: number = O_NONBLOCK;
export const PIDFD_CLOEXEC: number = O_CLOEXEC;

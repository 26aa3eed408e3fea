// pidfd_open(2), CLONE_PIDFD: a descriptor for a process (or a thread), readable once it has ended.
import {
  EINVAL,
  EOPNOTSUPP,
  O_CLOEXEC,
  O_NONBLOCK,
  O_RDWR,
  POLLHUP,
  POLLIN,
  POLLRDNORM,
  RLIMIT_NOFILE,
} from '@sandbox-kernel/abi';
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
import { TASK_ZOMBIE } from './task-state.js';
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

  override addWaiter(file: FileDescription, entry: WaitNode): void {
    (file.data as PidfdTarget).group.exitEvents.add(entry);
  }
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

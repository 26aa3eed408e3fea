// The descriptor of a userfaultfd: read(2) gives messages, poll(2) says when there are some, ioctl(2) answers them.
import {
  EAGAIN,
  EINVAL,
  EPERM,
  O_NONBLOCK,
  O_RDONLY,
  POLLERR,
  POLLIN,
  RLIMIT_NOFILE,
} from '@sandbox-kernel/abi';
import type { Caller, IoSegments } from '@sandbox-kernel/contracts';
import {
  ANONYMOUS_INODE_OPS,
  createAnonymousFile,
  type FileDescription,
  FileOps,
  scatter,
  type WaitNode,
} from '@sandbox-kernel/vfs';
import type { Task } from '../task.js';
import { userfaultRequest } from './commands.js';
import { MESSAGE_SIZE, UserFaults } from './user-faults.js';

class UserfaultOps extends FileOps {
  override ignoresSeek(): boolean {
    return true;
  }

  override label(): string {
    return 'anon_inode:[userfaultfd]';
  }

  override read(file: FileDescription, io: IoSegments): number {
    const open = file.data as OpenUserfault;
    if (!open.faults.ready) return -EINVAL;
    if (io.total < MESSAGE_SIZE) return io.total === 0 ? 0 : -EINVAL;
    const bytes = new Uint8Array(MESSAGE_SIZE);
    const view = new DataView(bytes.buffer);
    let done = 0;
    while (done + MESSAGE_SIZE <= io.total) {
      const result = open.faults.next(view, 0, (child) => openChild(open, child, file));
      if (result < 0) return done > 0 ? done : result;
      if (result === 0) break;
      done += scatter(io, done, bytes, 0, MESSAGE_SIZE);
    }
    return done === 0 ? -EAGAIN : done;
  }

  override poll(file: FileDescription): number {
    const { faults } = file.data as OpenUserfault;
    // As in Linux: whoever may block in read has no use for poll.
    if (!faults.ready || (file.flags & O_NONBLOCK) === 0) return POLLERR;
    return faults.hasMessage ? POLLIN : 0;
  }

  override addWaiter(file: FileDescription, entry: WaitNode): void {
    (file.data as OpenUserfault).faults.readers.add(entry);
  }

  override ioctl(file: FileDescription, caller: Caller, request: number, argument: number): number {
    return userfaultRequest((file.data as OpenUserfault).faults, caller, request, argument);
  }

  override release(file: FileDescription): void {
    (file.data as OpenUserfault).faults.close();
  }
}

const USERFAULT_OPS: FileOps = new UserfaultOps();

/** The monitor, and whose table a child's descriptor goes to: its reader's. */
class OpenUserfault {
  readonly faults: UserFaults;
  readonly kernel: Task['kernel'];

  constructor(faults: UserFaults, kernel: Task['kernel']) {
    this.faults = faults;
    this.kernel = kernel;
  }
}

function openChild(open: OpenUserfault, child: UserFaults, file: FileDescription): number {
  const reader = open.kernel.current;
  return reader === null ? -EPERM : install(reader, child, file.flags & O_NONBLOCK, true);
}

function install(task: Task, faults: UserFaults, flags: number, closeOnExec: boolean): number {
  const file = createAnonymousFile(
    task,
    USERFAULT_OPS,
    O_RDONLY | (flags & O_NONBLOCK),
    new OpenUserfault(faults, task.kernel),
    0o600,
    ANONYMOUS_INODE_OPS,
  );
  const fd = task.files.install(file, task.group.limits.soft[RLIMIT_NOFILE]!, closeOnExec);
  if (fd < 0) file.release();
  return fd;
}

/** userfaultfd(2), once its flags are checked. A descriptor or -errno. */
export function createUserfault(
  task: Task,
  userModeOnly: boolean,
  flags: number,
  closeOnExec: boolean,
): number {
  return install(task, new UserFaults(task.memory, userModeOnly), flags, closeOnExec);
}

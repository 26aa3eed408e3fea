// The system call table: every family's rows, by number. Calls that stand nowhere get ENOSYS from the kernel and are counted.
import type { SyscallHandler } from '@sandbox-kernel/kernel';
import { AIO_SYSCALLS } from './aio.js';
import { ARCH_PRCTL_SYSCALLS } from './arch-prctl.js';
import { ATTRIBUTE_SYSCALLS } from './attributes.js';
import { CLONE_SYSCALLS } from './clone.js';
import { CREDENTIALS_SYSCALLS } from './credentials.js';
import { DIRECTORY_SYSCALLS } from './directory.js';
import { EPOLL_SYSCALLS } from './epoll.js';
import { EVENT_FILE_SYSCALLS } from './event-files.js';
import { EXEC_SYSCALLS } from './exec.js';
import { EXIT_SYSCALLS } from './exit.js';
import { FANOTIFY_SYSCALLS } from './fanotify.js';
import { FCNTL_SYSCALLS } from './fcntl.js';
import { FILE_ATTRIBUTE_SYSCALLS } from './file-attributes.js';
import { FILE_HANDLE_SYSCALLS } from './file-handle.js';
import { FILESYSTEM_SYSCALLS } from './filesystem.js';
import { FUTEX_SYSCALLS } from './futex.js';
import { FUTEX2_SYSCALLS } from './futex2.js';
import { IOCTL_SYSCALLS } from './ioctl.js';
import { KEYCTL_SYSCALLS } from './keyctl.js';
import { KILL_SYSCALLS } from './kill.js';
import { LINK_SYSCALLS } from './link.js';
import { MEMORY_SYSCALLS } from './memory.js';
import { MEMORY_ACCESS_SYSCALLS } from './memory-access.js';
import { MEMORY_ADVICE_SYSCALLS } from './memory-advice.js';
import { MEMORY_POLICY_SYSCALLS } from './memory-policy.js';
import { MOUNT_SYSCALLS } from './mount.js';
import { MOUNT_API_SYSCALLS } from './mount-api.js';
import { MOUNT_LIST_SYSCALLS } from './mount-list.js';
import { MQUEUE_SYSCALLS } from './mqueue.js';
import { MSG_SYSCALLS } from './msg.js';
import { OPEN_SYSCALLS } from './open.js';
import { PIDFD_SYSCALLS } from './pidfd.js';
import { PIPE_SYSCALLS } from './pipe.js';
import { POLL_SYSCALLS } from './poll.js';
import { PRCTL_SYSCALLS } from './prctl.js';
import { PRIORITY_SYSCALLS } from './priority.js';
import { PROCESS_SYSCALLS } from './process.js';
import { PTRACE_SYSCALLS } from './ptrace.js';
import { RANDOM_SYSCALLS } from './random.js';
import { READ_WRITE_SYSCALLS } from './read-write.js';
import { REBOOT_SYSCALLS } from './reboot.js';
import { RESOURCE_SYSCALLS } from './resource.js';
import type { SyscallRow } from './row.js';
import { RSEQ_SYSCALLS } from './rseq.js';
import { SCHEDULER_SYSCALLS } from './scheduler.js';
import { SCHEDULING_POLICY_SYSCALLS } from './scheduling-policy.js';
import { SECCOMP_SYSCALLS } from './seccomp.js';
import { SELECT_SYSCALLS } from './select.js';
import { SEM_SYSCALLS } from './sem.js';
import { SHM_SYSCALLS } from './shm.js';
import { SIGNAL_SYSCALLS } from './signal.js';
import { SIGNALFD_SYSCALLS } from './signalfd.js';
import { SOCKET_SYSCALLS } from './socket.js';
import { SOCKET_MESSAGE_SYSCALLS } from './socket-message.js';
import { SPLICE_SYSCALLS } from './splice.js';
import { STAT_SYSCALLS } from './stat.js';
import { SYNC_SYSCALLS } from './sync.js';
import { SYSTEM_SYSCALLS } from './system.js';
import { TIME_SYSCALLS } from './time.js';
import { TIME_ADJUST_SYSCALLS } from './time-adjust.js';
import { TIMER_SYSCALLS } from './timer.js';
import { TIMERFD_SYSCALLS } from './timerfd.js';
import { UNSHARE_SYSCALLS } from './unshare.js';
import { USERFAULTFD_SYSCALLS } from './userfaultfd.js';
import { WAIT_SYSCALLS } from './wait.js';
import { XATTR_SYSCALLS } from './xattr.js';

const FAMILIES: readonly (readonly SyscallRow[])[] = [
  AIO_SYSCALLS,
  ARCH_PRCTL_SYSCALLS,
  ATTRIBUTE_SYSCALLS,
  CLONE_SYSCALLS,
  CREDENTIALS_SYSCALLS,
  DIRECTORY_SYSCALLS,
  EPOLL_SYSCALLS,
  EVENT_FILE_SYSCALLS,
  EXEC_SYSCALLS,
  EXIT_SYSCALLS,
  FANOTIFY_SYSCALLS,
  FCNTL_SYSCALLS,
  FILE_ATTRIBUTE_SYSCALLS,
  FILE_HANDLE_SYSCALLS,
  FILESYSTEM_SYSCALLS,
  FUTEX_SYSCALLS,
  FUTEX2_SYSCALLS,
  IOCTL_SYSCALLS,
  KEYCTL_SYSCALLS,
  KILL_SYSCALLS,
  LINK_SYSCALLS,
  MEMORY_ACCESS_SYSCALLS,
  MEMORY_ADVICE_SYSCALLS,
  MEMORY_POLICY_SYSCALLS,
  MEMORY_SYSCALLS,
  MOUNT_API_SYSCALLS,
  MOUNT_LIST_SYSCALLS,
  MOUNT_SYSCALLS,
  MQUEUE_SYSCALLS,
  MSG_SYSCALLS,
  OPEN_SYSCALLS,
  PIDFD_SYSCALLS,
  PIPE_SYSCALLS,
  POLL_SYSCALLS,
  PRCTL_SYSCALLS,
  PRIORITY_SYSCALLS,
  PROCESS_SYSCALLS,
  PTRACE_SYSCALLS,
  RANDOM_SYSCALLS,
  READ_WRITE_SYSCALLS,
  REBOOT_SYSCALLS,
  RESOURCE_SYSCALLS,
  RSEQ_SYSCALLS,
  SCHEDULER_SYSCALLS,
  SCHEDULING_POLICY_SYSCALLS,
  SECCOMP_SYSCALLS,
  SELECT_SYSCALLS,
  SEM_SYSCALLS,
  SHM_SYSCALLS,
  SIGNAL_SYSCALLS,
  SIGNALFD_SYSCALLS,
  SOCKET_MESSAGE_SYSCALLS,
  SOCKET_SYSCALLS,
  SPLICE_SYSCALLS,
  STAT_SYSCALLS,
  SYNC_SYSCALLS,
  SYSTEM_SYSCALLS,
  TIME_ADJUST_SYSCALLS,
  TIME_SYSCALLS,
  TIMER_SYSCALLS,
  TIMERFD_SYSCALLS,
  UNSHARE_SYSCALLS,
  USERFAULTFD_SYSCALLS,
  WAIT_SYSCALLS,
  XATTR_SYSCALLS,
];

/** One past the highest number of the table; x32 numbers lie far above. */
const TABLE_SIZE = 512;

function assemble(): readonly (SyscallRow | undefined)[] {
  const rows: (SyscallRow | undefined)[] = new Array(TABLE_SIZE).fill(undefined);
  for (const family of FAMILIES) {
    for (const row of family) {
      if (rows[row.nr] !== undefined) throw new Error(`two handlers for ${row.name}`);
      rows[row.nr] = row;
    }
  }
  return rows;
}

/** By number; undefined where there is no handler. */
export const SYSCALL_ROWS: readonly (SyscallRow | undefined)[] = assemble();

/** Dense, for dispatch. */
export function syscallHandlers(): (SyscallHandler | null)[] {
  return SYSCALL_ROWS.map((row) => row?.handler ?? null);
}

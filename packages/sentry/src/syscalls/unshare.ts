// unshare(2), setns(2), kcmp(2): what threads share can be split; namespaces other than the initial ones don't exist, so that setns
// only ever enters where its caller is.
import {
  CAP_SYS_ADMIN,
  CAP_SYS_CHROOT,
  CLONE_FILES,
  CLONE_FS,
  CLONE_NEWNS,
  CLONE_NEWTIME,
  CLONE_NEWUSER,
  CLONE_SIGHAND,
  CLONE_SYSVSEM,
  CLONE_THREAD,
  CLONE_VM,
  EBADF,
  EINVAL,
  EPERM,
  ESRCH,
  EUSERS,
  SYS_kcmp,
  SYS_setns,
  SYS_unshare,
} from '@sandbox-kernel/abi';
import {
  leaveSemaphoreUndo,
  mayTrace,
  pidfdTarget,
  type SyscallArgs,
  type Task,
} from '@sandbox-kernel/kernel';
import { namespaceKind } from '../proc/namespaces.js';
import type { SyscallRow } from './row.js';

const NAMESPACES = 0x7e020080;
const KCMP_FILE = 0;
const KCMP_VM = 1;
const KCMP_FILES = 2;
const KCMP_FS = 3;
const KCMP_SIGHAND = 4;
const KCMP_IO = 5;
const KCMP_SYSVSEM = 6;

function unshare(task: Task, args: SyscallArgs): number {
  const flags = args.int(0);
  const known = NAMESPACES | CLONE_FILES | CLONE_FS | CLONE_SYSVSEM | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;
  if ((flags & ~known) !== 0 || args.hi(0) !== 0) return -EINVAL;
  if ((flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)) !== 0 && task.group.live > 1) return -EINVAL;
  if ((flags & CLONE_VM) !== 0 && task.image.users > 1) return -EINVAL;
  if ((flags & NAMESPACES) !== 0) return task.credentials.hasCapability(CAP_SYS_ADMIN) ? -EINVAL : -EPERM;
  if ((flags & CLONE_SYSVSEM) !== 0) leaveSemaphoreUndo(task);
  if ((flags & CLONE_FILES) !== 0 && task.files.shareCount > 1) {
    const own = task.files.copy();
    task.files.release();
    task.files = own;
  }
  if ((flags & CLONE_FS) !== 0 && task.fs.shareCount > 1) {
    const own = task.fs.copy();
    task.fs.release();
    task.fs = own;
  }
  return 0;
}

/** Each task is in the only namespace of each kind: there is nowhere to go, but the mount namespace's root. */
function setns(task: Task, args: SyscallArgs): number {
  const file = task.files.getOpen(args.int(0));
  if (file === null) return -EBADF;
  const wanted = args.int(1);
  const kind = namespaceKind(file);
  if (kind === 0) {
    const isProcess = pidfdTarget(file) !== null;
    return isProcess && wanted !== 0 && (wanted & ~NAMESPACES) === 0 ? enter(task, wanted) : -EINVAL;
  }
  return wanted === 0 || wanted === kind ? enter(task, kind) : -EINVAL;
}

function enter(task: Task, kinds: number): number {
  const { credentials } = task;
  if ((kinds & CLONE_NEWUSER) !== 0) return -EINVAL;
  if ((kinds & CLONE_NEWTIME) !== 0 && task.group.live > 1) return -EUSERS;
  if (!credentials.hasCapability(CAP_SYS_ADMIN)) return -EPERM;
  if ((kinds & CLONE_NEWNS) === 0) return 0;
  if (!credentials.hasCapability(CAP_SYS_CHROOT)) return -EPERM;
  if (task.fs.shareCount > 1) return -EINVAL;
  const place = task.fs.root.mount.namespace?.entrance();
  if (place === undefined) return -EINVAL;
  task.fs.setRoot(place);
  task.fs.setCwd(place);
  return 0;
}

/** 0 equal, 1 and 2 an order: by pid, which is as good as any. */
function kcmp(task: Task, args: SyscallArgs): number {
  const one = task.kernel.findTask(args.int(0));
  const other = task.kernel.findTask(args.int(1));
  if (one === null || other === null) return -ESRCH;
  if (!mayTrace(task, one) || !mayTrace(task, other)) return -EPERM;
  const order = one.tid < other.tid ? 1 : 2;
  switch (args.int(2)) {
    case KCMP_FILE:
      return compareFiles(one, other, args.uint(3), args.uint(4));
    case KCMP_VM:
      return one.image === other.image ? 0 : order;
    case KCMP_FILES:
      return one.files === other.files ? 0 : order;
    case KCMP_FS:
      return one.fs === other.fs ? 0 : order;
    case KCMP_SIGHAND:
      return one.group.handlers === other.group.handlers ? 0 : order;
    case KCMP_IO:
      return one.group === other.group ? 0 : order;
    case KCMP_SYSVSEM:
      return one.semaphoreUndo === other.semaphoreUndo ? 0 : order;
    default:
      return -EINVAL;
  }
}

function compareFiles(one: Task, other: Task, first: number, second: number): number {
  const left = one.files.get(first);
  const right = other.files.get(second);
  if (left === null || right === null) return -EBADF;
  if (left === right) return 0;
  return one.tid < other.tid || (one === other && first < second) ? 1 : 2;
}

const NO_NAMESPACES = 'no namespaces besides the initial ones';

export const UNSHARE_SYSCALLS: readonly SyscallRow[] = [
  {
    nr: SYS_unshare,
    name: 'unshare',
    handler: unshare,
    coverage: 'partial',
    format: 'x',
    note: NO_NAMESPACES,
  },
  { nr: SYS_setns, name: 'setns', handler: setns, coverage: 'partial', format: 'fx', note: NO_NAMESPACES },
  {
    nr: SYS_kcmp,
    name: 'kcmp',
    handler: kcmp,
    coverage: 'partial',
    format: 'dddxx',
    note: 'order by pid; no KCMP_EPOLL_TFD',
  },
];

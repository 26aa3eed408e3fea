// wait4(2), waitid(2).
import {
  __WALL,
  __WCLONE,
  __WNOTHREAD,
  EAGAIN,
  EBADF,
  EFAULT,
  EINVAL,
  ESRCH,
  O_NONBLOCK,
  P_ALL,
  P_PGID,
  P_PID,
  P_PIDFD,
  SIGCHLD,
  SYS_wait4,
  SYS_waitid,
  WCONTINUED,
  WEXITED,
  WNOHANG,
  WNOWAIT,
  WSTOPPED,
} from '@sandbox-kernel/abi';
import {
  BLOCKED,
  pidfdTarget,
  SIGINFO_BYTES,
  SignalInfo,
  type SyscallArgs,
  type Task,
  WaitResult,
  waitForChild,
} from '@sandbox-kernel/kernel';
import { writeUsage } from './resource.js';
import type { SyscallRow } from './row.js';

const KINDS = __WALL | __WCLONE | __WNOTHREAD;

function wait4(task: Task, args: SyscallArgs): number {
  const pid = args.int(0);
  const options = args.int(2);
  if ((options & ~(WNOHANG | WSTOPPED | WCONTINUED | KINDS)) !== 0) return -EINVAL;
  if (pid === -0x80000000) return -ESRCH;
  const which = pid > 0 ? P_PID : pid === -1 ? P_ALL : P_PGID;
  const id = pid > 0 ? pid : pid === 0 ? task.group.processGroup.pgid : -pid;
  const out = new WaitResult();
  const result = waitForChild(task, which, id, options | WEXITED, out);
  if (result <= 0) return result;
  const status = args.addr(1);
  if (status !== 0 && task.memory.writeU32(status, out.status) < 0) return -EFAULT;
  const usage = args.addr(3);
  if (usage !== 0 && out.usage !== null && writeUsage(task, usage, out.usage) < 0) return -EFAULT;
  return result;
}

/** Writes siginfo_t whatever comes of it: zeros with an error. */
function waitid(task: Task, args: SyscallArgs): number {
  const out = new WaitResult();
  const result = waitForId(task, args, out);
  if (result === BLOCKED) return result;
  const told = report(task, args, Math.max(result, 0), out);
  return told < 0 ? told : Math.min(result, 0);
}

function waitForId(task: Task, args: SyscallArgs, out: WaitResult): number {
  const options = args.int(3);
  if ((options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | KINDS)) !== 0) return -EINVAL;
  if ((options & (WEXITED | WSTOPPED | WCONTINUED)) === 0) return -EINVAL;
  let which = args.int(0);
  let id = args.int(1);
  let nonblocking = false;
  if (which === P_PID && id <= 0) return -EINVAL;
  if (which === P_PGID) {
    if (id < 0) return -EINVAL;
    if (id === 0) id = task.group.processGroup.pgid;
  } else if (which === P_PIDFD) {
    if (id < 0) return -EINVAL;
    const file = task.files.get(id);
    const target = file === null ? null : pidfdTarget(file);
    if (file === null || target === null) return -EBADF;
    nonblocking = (file.flags & O_NONBLOCK) !== 0;
    which = P_PID;
    id = target.group.pid;
  } else if (which !== P_ALL && which !== P_PID) return -EINVAL;
  const result = waitForChild(task, which, id, nonblocking ? options | WNOHANG : options, out);
  return result === 0 && nonblocking && (options & WNOHANG) === 0 ? -EAGAIN : result;
}

function report(task: Task, args: SyscallArgs, result: number, out: WaitResult): number {
  const usage = args.addr(4);
  if (result > 0 && usage !== 0 && out.usage !== null && writeUsage(task, usage, out.usage) < 0)
    return -EFAULT;
  const addr = args.addr(2);
  if (addr === 0) return 0;
  const info = new SignalInfo(result > 0 ? SIGCHLD : 0, result > 0 ? out.code : 0);
  if (result > 0) info.child(out.pid, out.uid, out.value, 0, 0);
  const bytes = task.kernel.scratch(SIGINFO_BYTES);
  info.encode(bytes, 0);
  // Linux writes the seven fields that waitid(2) names, up to si_status.
  return task.memory.copyOut(addr, bytes, 0, 28) === 28 ? 0 : -EFAULT;
}

export const WAIT_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_wait4, name: 'wait4', handler: wait4, coverage: 'full', format: 'dpxp' },
  { nr: SYS_waitid, name: 'waitid', handler: waitid, coverage: 'full', format: 'ddpxp' },
];

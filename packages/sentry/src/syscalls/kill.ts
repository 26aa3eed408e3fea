// kill(2), tkill(2), tgkill(2), rt_sigqueueinfo(2), rt_tgsigqueueinfo(2), pidfd_send_signal(2).
import {
  E2BIG,
  EBADF,
  EFAULT,
  EINVAL,
  EPERM,
  ESRCH,
  NSIG,
  PIDFD_SELF_THREAD,
  PIDFD_SELF_THREAD_GROUP,
  PIDFD_SIGNAL_PROCESS_GROUP,
  PIDFD_SIGNAL_THREAD,
  PIDFD_SIGNAL_THREAD_GROUP,
  SI_ASYNCNL,
  SI_DETHREAD,
  SI_KERNEL,
  SI_TKILL,
  SI_USER,
  SIGBUS,
  SIGCHLD,
  SIGFPE,
  SIGILL,
  SIGSEGV,
  SIGSYS,
  SIGTRAP,
  SYS_kill,
  SYS_pidfd_send_signal,
  SYS_rt_sigqueueinfo,
  SYS_rt_tgsigqueueinfo,
  SYS_tgkill,
  SYS_tkill,
} from '@sandbox-kernel/abi';
import {
  kill,
  PidfdTarget,
  pidfdTarget,
  SIGINFO_BYTES,
  SignalInfo,
  type SyscallArgs,
  signalGroup,
  signalThread,
  type Task,
  threadSignal,
  userSignal,
} from '@sandbox-kernel/kernel';
import { processDirectoryTarget } from '../proc/task-directory.js';
import type { SyscallRow } from './row.js';

/** Flags of pidfd_send_signal: one at most. */
const SCOPES: readonly number[] = [
  PIDFD_SIGNAL_THREAD,
  PIDFD_SIGNAL_THREAD_GROUP,
  PIDFD_SIGNAL_PROCESS_GROUP,
];

/** struct kernel_siginfo. */
const KNOWN_INFO_BYTES = 48;
/** Signals with codes of their own, and how many. */
const OWN_CODES: ReadonlyMap<number, number> = new Map([
  [SIGILL, 11],
  [SIGFPE, 15],
  [SIGSEGV, 10],
  [SIGBUS, 5],
  [SIGTRAP, 6],
  [SIGCHLD, 6],
  [SIGSYS, 2],
]);
const POLL_CODES = 6;

function validSignal(signal: number): boolean {
  return signal >= 0 && signal <= NSIG;
}

function killCall(task: Task, args: SyscallArgs): number {
  const pid = args.int(0);
  const signal = args.int(1);
  return pid === -0x80000000 ? -ESRCH : kill(task, pid, signal);
}

function tkill(task: Task, args: SyscallArgs): number {
  return toThread(task, -1, args.int(0), args.int(1));
}

function tgkill(task: Task, args: SyscallArgs): number {
  const tgid = args.int(0);
  return tgid <= 0 ? -EINVAL : toThread(task, tgid, args.int(1), args.int(2));
}

function toThread(task: Task, tgid: number, tid: number, signal: number): number {
  if (tid <= 0) return -EINVAL;
  return signalThread(task, tgid, tid, threadSignal(signal, task.group.pid, task.credentials.uid));
}

/** Does si_code say what the fields mean? What it doesn't know the kernel takes only if it fits into what it keeps. */
function isKnownLayout(signal: number, code: number): boolean {
  if (code === SI_KERNEL || code === SI_ASYNCNL) return true;
  if (code <= SI_USER) return code >= SI_DETHREAD;
  return code <= (OWN_CODES.get(signal) ?? POLL_CODES);
}

/** A siginfo of the program's own; only to itself may it claim to come from the kernel or from kill. */
function readInfo(task: Task, addr: number, signal: number, self: boolean): SignalInfo | number {
  const bytes = new Uint8Array(SIGINFO_BYTES);
  if (task.memory.copyIn(addr, bytes, 0, SIGINFO_BYTES) !== SIGINFO_BYTES) return -EFAULT;
  const info = new SignalInfo(signal, 0).decode(bytes, 0);
  info.words[0] = signal;
  if (!isKnownLayout(signal, info.code) && bytes.subarray(KNOWN_INFO_BYTES).some((byte) => byte !== 0))
    return -E2BIG;
  return (info.code >= 0 || info.code === SI_TKILL) && !self ? -EPERM : info;
}

function rtSigqueueinfo(task: Task, args: SyscallArgs): number {
  const pid = args.int(0);
  const info = readInfo(task, args.addr(2), args.int(1), pid === task.group.pid);
  if (typeof info === 'number') return info;
  const target = task.kernel.findTask(pid);
  return target === null ? -ESRCH : signalGroup(task, target.group, info);
}

function rtTgsigqueueinfo(task: Task, args: SyscallArgs): number {
  const tgid = args.int(0);
  const tid = args.int(1);
  const info = readInfo(task, args.addr(3), args.int(2), tid === task.tid);
  if (typeof info === 'number' && info !== -EPERM) return info;
  if (tgid <= 0 || tid <= 0) return -EINVAL;
  return typeof info === 'number' ? info : signalThread(task, tgid, tid, info);
}

/** What the descriptor names: a pidfd, a directory of /proc, or one of the numbers that stand for the caller. */
function targetOf(task: Task, fd: number): PidfdTarget | null {
  if (fd === PIDFD_SELF_THREAD) return new PidfdTarget(task.group, task);
  if (fd === PIDFD_SELF_THREAD_GROUP) return new PidfdTarget(task.group, null);
  const file = task.files.get(fd);
  return file === null ? null : (pidfdTarget(file) ?? processDirectoryTarget(file));
}

function pidfdSendSignal(task: Task, args: SyscallArgs): number {
  const flags = args.uint(3);
  if (flags !== 0 && !SCOPES.includes(flags)) return -EINVAL;
  const target = targetOf(task, args.int(0));
  if (target === null) return -EBADF;
  const signal = args.int(1);
  const infoAddr = args.addr(2);
  if (target.ended && target.group.reaped) return -ESRCH;
  if (infoAddr === 0 && !validSignal(signal)) return -EINVAL;
  const info =
    infoAddr === 0
      ? userSignal(signal, task.group.pid, task.credentials.uid)
      : readOwnInfo(task, infoAddr, signal, target.group === task.group);
  return typeof info === 'number' ? info : sendToScope(task, target, flags, info);
}

/** Unlike rt_sigqueueinfo(2), pidfd_send_signal(2) wants si_signo to be right. */
function readOwnInfo(task: Task, addr: number, signal: number, self: boolean): SignalInfo | number {
  const told = task.memory.readU32(addr);
  if (told < 0) return -EFAULT;
  const info = readInfo(task, addr, told | 0, self);
  if (info === -EFAULT || info === -E2BIG) return info;
  return (told | 0) === signal ? info : -EINVAL;
}

/** Without a flag, the kind of descriptor decides. */
function sendToScope(task: Task, target: PidfdTarget, flags: number, info: SignalInfo): number {
  if (flags === PIDFD_SIGNAL_PROCESS_GROUP) {
    const { pgid } = target.group.processGroup;
    return kill(task, -pgid, info.signal);
  }
  const thread = target.thread ?? (flags === PIDFD_SIGNAL_THREAD ? target.group.leader : null);
  if (thread === null || flags === PIDFD_SIGNAL_THREAD_GROUP) return signalGroup(task, target.group, info);
  return signalThread(task, -1, thread.tid, info);
}

export const KILL_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_kill, name: 'kill', handler: killCall, coverage: 'full', format: 'dd' },
  { nr: SYS_tkill, name: 'tkill', handler: tkill, coverage: 'full', format: 'dd' },
  { nr: SYS_tgkill, name: 'tgkill', handler: tgkill, coverage: 'full', format: 'ddd' },
  {
    nr: SYS_rt_sigqueueinfo,
    name: 'rt_sigqueueinfo',
    handler: rtSigqueueinfo,
    coverage: 'full',
    format: 'ddp',
  },
  {
    nr: SYS_rt_tgsigqueueinfo,
    name: 'rt_tgsigqueueinfo',
    handler: rtTgsigqueueinfo,
    coverage: 'full',
    format: 'dddp',
  },
  {
    nr: SYS_pidfd_send_signal,
    name: 'pidfd_send_signal',
    handler: pidfdSendSignal,
    coverage: 'full',
    format: 'fdpx',
  },
];

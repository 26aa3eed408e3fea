// rt_sigaction(2), rt_sigprocmask(2), sigaltstack(2), rt_sigreturn(2), rt_sigsuspend(2), rt_sigtimedwait(2), rt_sigpending(2), pause(2).
import {
  EFAULT,
  EINVAL,
  NSIG,
  SA_EXPOSE_TAGBITS,
  SA_NOCLDSTOP,
  SA_NOCLDWAIT,
  SA_NODEFER,
  SA_ONSTACK,
  SA_RESETHAND,
  SA_RESTART,
  SA_RESTORER,
  SA_SIGINFO,
  SIG_BLOCK,
  SIG_DFL,
  SIG_IGN,
  SIG_SETMASK,
  SIG_UNBLOCK,
  SIGKILL,
  SIGSTOP,
  SYS_pause,
  SYS_restart_syscall,
  SYS_rt_sigaction,
  SYS_rt_sigpending,
  SYS_rt_sigprocmask,
  SYS_rt_sigreturn,
  SYS_rt_sigsuspend,
  SYS_rt_sigtimedwait,
  SYS_sigaltstack,
} from '@sandbox-kernel/abi';
import { FRAME_RSP } from '@sandbox-kernel/contracts';
import {
  BLOCKED,
  defaultAction,
  getRegister,
  leastAlternateStack,
  pause,
  restartCall,
  SIGINFO_BYTES,
  type SyscallArgs,
  setBlocked,
  signalReturn,
  suspendWithMask,
  type Task,
  UNBLOCKABLE_SIGNALS,
  waitForSignal,
} from '@sandbox-kernel/kernel';
import type { SyscallRow } from './row.js';
import { put64, readTimespec, UserTime } from './user-time.js';

const SIGSET_BYTES = 8;
const SIGACTION_BYTES = 32;
const STACK_BYTES = 24;
const IGNORE_BY_DEFAULT = 2;
const KNOWN_FLAGS =
  SA_NOCLDSTOP |
  SA_NOCLDWAIT |
  SA_SIGINFO |
  SA_ONSTACK |
  SA_RESTART |
  SA_NODEFER |
  SA_RESETHAND |
  SA_RESTORER |
  SA_EXPOSE_TAGBITS;

/** A sigset_t as two words. */
export class UserMask {
  lo: number;
  hi: number;

  constructor() {
    this.lo = 0;
    this.hi = 0;
  }
}

/** 0 or -EFAULT. */
export function readMask(task: Task, addr: number, out: UserMask): number {
  const bytes = task.kernel.scratch(SIGSET_BYTES);
  if (task.memory.copyIn(addr, bytes, 0, SIGSET_BYTES) !== SIGSET_BYTES) return -EFAULT;
  const view = new DataView(bytes.buffer, bytes.byteOffset, SIGSET_BYTES);
  out.lo = view.getInt32(0, true);
  out.hi = view.getInt32(4, true);
  return 0;
}

function writeMask(task: Task, addr: number, lo: number, hi: number): number {
  return task.memory.writeU32(addr, lo >>> 0) < 0 || task.memory.writeU32(addr + 4, hi >>> 0) < 0
    ? -EFAULT
    : 0;
}

function rtSigaction(task: Task, args: SyscallArgs): number {
  if (args.size(3) !== SIGSET_BYTES) return -EINVAL;
  const signal = args.int(0);
  const newAddr = args.addr(1);
  const oldAddr = args.addr(2);
  const bytes = new Uint8Array(SIGACTION_BYTES);
  const view = new DataView(bytes.buffer);
  if (newAddr !== 0 && task.memory.copyIn(newAddr, bytes, 0, SIGACTION_BYTES) !== SIGACTION_BYTES)
    return -EFAULT;
  if (signal < 1 || signal > NSIG || (newAddr !== 0 && (signal === SIGKILL || signal === SIGSTOP)))
    return -EINVAL;
  const action = task.group.handlers.get(signal);
  const old = new Uint8Array(SIGACTION_BYTES);
  const oldView = new DataView(old.buffer);
  put64(oldView, 0, action.handler);
  oldView.setUint32(8, action.flags, true);
  put64(oldView, 16, action.restorer);
  oldView.setInt32(24, action.mask.lo, true);
  oldView.setInt32(28, action.mask.hi, true);
  if (newAddr !== 0) install(task, signal, view);
  if (oldAddr === 0) return 0;
  return task.memory.copyOut(oldAddr, old, 0, SIGACTION_BYTES) === SIGACTION_BYTES ? 0 : -EFAULT;
}

function install(task: Task, signal: number, view: DataView): void {
  const action = task.group.handlers.get(signal);
  action.handler = view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true);
  // Flags that this kernel does not know are cleared, so that a program can probe for them (SA_UNSUPPORTED).
  action.flags = (view.getUint32(8, true) & KNOWN_FLAGS) >>> 0;
  action.restorer = view.getUint32(20, true) * 2 ** 32 + view.getUint32(16, true);
  action.mask.set(view.getInt32(24, true) & ~UNBLOCKABLE_SIGNALS, view.getInt32(28, true));
  const ignored =
    action.handler === SIG_IGN || (action.handler === SIG_DFL && defaultAction(signal) === IGNORE_BY_DEFAULT);
  if (!ignored) return;
  const bit = signal - 1;
  task.group.flushSignals(bit < 32 ? 1 << bit : 0, bit < 32 ? 0 : 1 << (bit - 32));
}

const mask = (): UserMask => new UserMask();

function rtSigprocmask(task: Task, args: SyscallArgs): number {
  if (args.size(3) !== SIGSET_BYTES) return -EINVAL;
  const oldLo = task.blocked.lo;
  const oldHi = task.blocked.hi;
  const addr = args.addr(1);
  if (addr !== 0) {
    const wanted = mask();
    if (readMask(task, addr, wanted) < 0) return -EFAULT;
    switch (args.int(0)) {
      case SIG_BLOCK:
        setBlocked(task, oldLo | wanted.lo, oldHi | wanted.hi);
        break;
      case SIG_UNBLOCK:
        setBlocked(task, oldLo & ~wanted.lo, oldHi & ~wanted.hi);
        break;
      case SIG_SETMASK:
        setBlocked(task, wanted.lo, wanted.hi);
        break;
      default:
        return -EINVAL;
    }
  }
  const oldAddr = args.addr(2);
  return oldAddr === 0 ? 0 : writeMask(task, oldAddr, oldLo, oldHi);
}

function rtSigpending(task: Task, args: SyscallArgs): number {
  const size = args.size(1);
  if (size < 0 || size > SIGSET_BYTES) return -EINVAL;
  const lo = (task.pending.set.lo | task.group.pending.set.lo) & task.blocked.lo;
  const hi = (task.pending.set.hi | task.group.pending.set.hi) & task.blocked.hi;
  const bytes = new Uint8Array(SIGSET_BYTES);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, lo, true);
  view.setInt32(4, hi, true);
  return task.memory.copyOut(args.addr(0), bytes, 0, size) === size ? 0 : -EFAULT;
}

function rtSigsuspend(task: Task, args: SyscallArgs): number {
  if (args.size(1) !== SIGSET_BYTES) return -EINVAL;
  const wanted = mask();
  if (readMask(task, args.addr(0), wanted) < 0) return -EFAULT;
  return suspendWithMask(task, wanted.lo, wanted.hi);
}

function rtSigtimedwait(task: Task, args: SyscallArgs): number {
  if (args.size(3) !== SIGSET_BYTES) return -EINVAL;
  const wanted = mask();
  if (readMask(task, args.addr(0), wanted) < 0) return -EFAULT;
  if (task.call.phase === 0) {
    const time = new UserTime();
    const timeAddr = args.addr(2);
    if (timeAddr !== 0) {
      const failed = readTimespec(task, timeAddr, time);
      if (failed < 0) return failed;
      task.call.deadline = task.kernel.clock.monotonic() + time.total;
    }
    task.call.phase = 1;
  }
  const out = { result: BLOCKED };
  const info = waitForSignal(task, wanted.lo, wanted.hi, task.call.deadline, out);
  const addr = args.addr(1);
  if (info === null || addr === 0) return out.result;
  const bytes = task.kernel.scratch(SIGINFO_BYTES);
  info.encode(bytes, 0);
  return task.memory.copyOut(addr, bytes, 0, SIGINFO_BYTES) === SIGINFO_BYTES ? out.result : -EFAULT;
}

function sigaltstack(task: Task, args: SyscallArgs): number {
  const sp = getRegister(task.frame, FRAME_RSP);
  const stack = task.alternateStack;
  const bytes = new Uint8Array(STACK_BYTES);
  const view = new DataView(bytes.buffer);
  const newAddr = args.addr(0);
  const oldAddr = args.addr(1);
  const old = new Uint8Array(STACK_BYTES);
  const oldView = new DataView(old.buffer);
  put64(oldView, 0, stack.base);
  oldView.setUint32(8, stack.status(sp), true);
  put64(oldView, 16, stack.size);
  if (newAddr !== 0) {
    if (task.memory.copyIn(newAddr, bytes, 0, STACK_BYTES) !== STACK_BYTES) return -EFAULT;
    const base = view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true);
    const size = view.getUint32(20, true) * 2 ** 32 + view.getUint32(16, true);
    const result = stack.set(base, size, view.getUint32(8, true), sp, leastAlternateStack(task));
    if (result < 0) return result;
  }
  if (oldAddr === 0) return 0;
  return task.memory.copyOut(oldAddr, old, 0, STACK_BYTES) === STACK_BYTES ? 0 : -EFAULT;
}

export const SIGNAL_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_rt_sigaction, name: 'rt_sigaction', handler: rtSigaction, coverage: 'full', format: 'dppz' },
  {
    nr: SYS_rt_sigprocmask,
    name: 'rt_sigprocmask',
    handler: rtSigprocmask,
    coverage: 'full',
    format: 'dppz',
  },
  { nr: SYS_rt_sigreturn, name: 'rt_sigreturn', handler: signalReturn, coverage: 'full', format: '' },
  { nr: SYS_rt_sigpending, name: 'rt_sigpending', handler: rtSigpending, coverage: 'full', format: 'pz' },
  { nr: SYS_rt_sigsuspend, name: 'rt_sigsuspend', handler: rtSigsuspend, coverage: 'full', format: 'pz' },
  {
    nr: SYS_rt_sigtimedwait,
    name: 'rt_sigtimedwait',
    handler: rtSigtimedwait,
    coverage: 'full',
    format: 'pppz',
  },
  { nr: SYS_sigaltstack, name: 'sigaltstack', handler: sigaltstack, coverage: 'full', format: 'pp' },
  { nr: SYS_pause, name: 'pause', handler: pause, coverage: 'full', format: '' },
  { nr: SYS_restart_syscall, name: 'restart_syscall', handler: restartCall, coverage: 'full', format: '' },
];

// signalfd(2): pending signals of whoever reads. Which fields of a siginfo count follows from signal and si_code (sigaction(2)).
import {
  EBADF,
  EINVAL,
  O_CLOEXEC,
  O_NONBLOCK,
  POLLIN,
  SI_KERNEL,
  SI_SIGIO,
  SI_TIMER,
  SI_USER,
  SIGBUS,
  SIGCHLD,
  SIGFPE,
  SIGILL,
  SIGNALFD_SIGINFO_SSI_ADDR,
  SIGNALFD_SIGINFO_SSI_BAND,
  SIGNALFD_SIGINFO_SSI_CODE,
  SIGNALFD_SIGINFO_SSI_ERRNO,
  SIGNALFD_SIGINFO_SSI_FD,
  SIGNALFD_SIGINFO_SSI_INT,
  SIGNALFD_SIGINFO_SSI_OVERRUN,
  SIGNALFD_SIGINFO_SSI_PID,
  SIGNALFD_SIGINFO_SSI_PTR,
  SIGNALFD_SIGINFO_SSI_SIGNO,
  SIGNALFD_SIGINFO_SSI_STATUS,
  SIGNALFD_SIGINFO_SSI_STIME,
  SIGNALFD_SIGINFO_SSI_TID,
  SIGNALFD_SIGINFO_SSI_UID,
  SIGNALFD_SIGINFO_SSI_UTIME,
  SIGSEGV,
  SIGTRAP,
  SYS_signalfd,
  SYS_signalfd4,
} from '@sandbox-kernel/abi';
import {
  dequeueSignal,
  hasDeliverable,
  type Kernel,
  type SignalInfo,
  type SyscallArgs,
  type Task,
} from '@sandbox-kernel/kernel';
import { createSignalFd, type SignalSource, signalsOf, type WaitQueue } from '@sandbox-kernel/vfs';
import { install } from './open.js';
import type { SyscallRow } from './row.js';
import { readMask, UserMask } from './signal.js';

const SIGSET_SIZE = 8;
/** SIGKILL and SIGSTOP as a mask. */
const UNBLOCKABLE = (1 << 8) | (1 << 18);
const FAULTS: readonly number[] = [SIGILL, SIGFPE, SIGSEGV, SIGBUS, SIGTRAP];
/** Largest of POLL_IN and its like, which any signal may carry (F_SETSIG). */
const POLL_CODES = 6;

/** Signals of the calling task, wherever the descriptor came from; of its maker when nobody calls (readiness asked for by a waiter). */
class TaskSignals implements SignalSource {
  private readonly kernel: Kernel;
  private readonly maker: Task;

  constructor(maker: Task) {
    this.kernel = maker.kernel;
    this.maker = maker;
  }

  get queue(): WaitQueue {
    return this.reader.group.signalEvents;
  }

  take(maskLow: number, maskHigh: number, into: Uint8Array): boolean {
    const info = dequeueSignal(this.reader, ~maskLow, ~maskHigh);
    if (info === null) return false;
    encode(info, into);
    return true;
  }

  pending(maskLow: number, maskHigh: number): boolean {
    return hasDeliverable(this.reader, ~maskLow, ~maskHigh);
  }

  private get reader(): Task {
    return this.kernel.current ?? this.maker;
  }
}

/** siginfo_t to struct signalfd_siginfo. */
function encode(info: SignalInfo, into: Uint8Array): void {
  const view = new DataView(into.buffer, into.byteOffset, into.length);
  into.fill(0);
  view.setInt32(SIGNALFD_SIGINFO_SSI_SIGNO, info.signal, true);
  view.setInt32(SIGNALFD_SIGINFO_SSI_ERRNO, info.errno, true);
  view.setInt32(SIGNALFD_SIGINFO_SSI_CODE, info.code, true);
  const { code, signal, words } = info;
  const word = (at: number, from: number): void => view.setInt32(at, words[from]!, true);
  if (code > SI_USER && code < SI_KERNEL) encodeOwn(signal, code, word);
  else if (code === SI_TIMER) {
    word(SIGNALFD_SIGINFO_SSI_TID, 4);
    word(SIGNALFD_SIGINFO_SSI_OVERRUN, 5);
    encodeValue(word);
  } else if (code === SI_SIGIO) encodePoll(word);
  else {
    encodeSender(word);
    if (code < 0) encodeValue(word);
  }
}

type WordCopy = (at: number, from: number) => void;

/** Codes that mean something of their own for the signal. */
function encodeOwn(signal: number, code: number, word: WordCopy): void {
  if (FAULTS.includes(signal)) {
    word(SIGNALFD_SIGINFO_SSI_ADDR, 4);
    word(SIGNALFD_SIGINFO_SSI_ADDR + 4, 5);
  } else if (signal === SIGCHLD) {
    encodeSender(word);
    word(SIGNALFD_SIGINFO_SSI_STATUS, 6);
    for (const half of [0, 1]) {
      word(SIGNALFD_SIGINFO_SSI_UTIME + half * 4, 8 + half);
      word(SIGNALFD_SIGINFO_SSI_STIME + half * 4, 10 + half);
    }
  } else if (code <= POLL_CODES) encodePoll(word);
  else encodeSender(word);
}

function encodeSender(word: WordCopy): void {
  word(SIGNALFD_SIGINFO_SSI_PID, 4);
  word(SIGNALFD_SIGINFO_SSI_UID, 5);
}

function encodePoll(word: WordCopy): void {
  word(SIGNALFD_SIGINFO_SSI_BAND, 4);
  word(SIGNALFD_SIGINFO_SSI_FD, 6);
}

function encodeValue(word: WordCopy): void {
  word(SIGNALFD_SIGINFO_SSI_INT, 6);
  word(SIGNALFD_SIGINFO_SSI_PTR, 6);
  word(SIGNALFD_SIGINFO_SSI_PTR + 4, 7);
}

function signalfd(task: Task, args: SyscallArgs): number {
  return setSignals(task, args, 0);
}

function signalfd4(task: Task, args: SyscallArgs): number {
  const flags = args.int(3);
  if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) !== 0) return -EINVAL;
  return setSignals(task, args, flags);
}

function setSignals(task: Task, args: SyscallArgs, flags: number): number {
  if (args.size(2) !== SIGSET_SIZE) return -EINVAL;
  const mask = new UserMask();
  const read = readMask(task, args.addr(1), mask);
  if (read !== 0) return read;
  const low = mask.lo & ~UNBLOCKABLE;
  const fd = args.int(0);
  if (fd === -1) {
    const file = createSignalFd(task, new TaskSignals(task), low, mask.hi, flags & O_NONBLOCK);
    return install(task, file, flags);
  }
  const file = task.files.getOpen(fd);
  if (file === null) return -EBADF;
  const signals = signalsOf(file);
  if (signals === null) return -EINVAL;
  signals.maskLow = low;
  signals.maskHigh = mask.hi;
  signals.source.queue.wake(POLLIN);
  return fd;
}

export const SIGNALFD_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_signalfd, name: 'signalfd', handler: signalfd, coverage: 'full', format: 'dpz' },
  { nr: SYS_signalfd4, name: 'signalfd4', handler: signalfd4, coverage: 'full', format: 'dpzx' },
];

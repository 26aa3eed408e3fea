// siginfo_t (sigaction(2)) as 32 words in the program's own layout, so that what rt_sigqueueinfo(2) brings is delivered
// verbatim. Word numbers below are byte offsets of the x86-64 layout divided by four.
import { SI_KERNEL, SI_TKILL, SI_USER } from '@sandbox-kernel/abi';

export const SIGINFO_BYTES = 128;
const SIGNO = 0;
const ERRNO = 1;
const CODE = 2;
const PID = 4;
const UID = 5;
const STATUS = 6;
const UTIME = 8;
const STIME = 10;
const TWO_32 = 2 ** 32;

export class SignalInfo {
  readonly words: Int32Array;
  /** The POSIX timer (or null) whose overruns are counted when this is dequeued. */
  owner: SignalInfoOwner | null;
  /** Its timer has been set anew meanwhile: nobody is to see it. */
  stale: boolean;
  /** Whose RLIMIT_SIGPENDING it counts against while queued. */
  user: SignalAccount | null;

  constructor(signal: number, code: number) {
    this.words = new Int32Array(32);
    this.words[SIGNO] = signal;
    this.words[CODE] = code;
    this.owner = null;
    this.stale = false;
    this.user = null;
  }

  get signal(): number {
    return this.words[SIGNO]!;
  }
  get code(): number {
    return this.words[CODE]!;
  }
  get errno(): number {
    return this.words[ERRNO]!;
  }
  get pid(): number {
    return this.words[PID]!;
  }
  get uid(): number {
    return this.words[UID]! >>> 0;
  }
  get status(): number {
    return this.words[STATUS]!;
  }

  /** The 64-bit field at `word`. */
  setLong(word: number, value: number): void {
    this.words[word] = value % TWO_32;
    this.words[word + 1] = Math.floor(value / TWO_32);
  }

  sender(pid: number, uid: number): this {
    this.words[PID] = pid;
    this.words[UID] = uid;
    return this;
  }

  value(lo: number, hi: number): this {
    this.words[STATUS] = lo;
    this.words[STATUS + 1] = hi;
    return this;
  }

  address(addr: number): this {
    this.setLong(PID, addr);
    return this;
  }

  child(pid: number, uid: number, status: number, utime: number, stime: number): this {
    this.sender(pid, uid);
    this.words[STATUS] = status;
    this.setLong(UTIME, utime);
    this.setLong(STIME, stime);
    return this;
  }

  /** si_tid/si_timerid and si_overrun of SI_TIMER. */
  timer(id: number, overrun: number): this {
    this.words[PID] = id;
    this.words[UID] = overrun;
    return this;
  }

  poll(band: number, fd: number): this {
    this.setLong(PID, band);
    this.words[STATUS] = fd;
    return this;
  }

  /** si_call_addr, si_syscall and si_arch of SIGSYS. */
  systemCall(addr: number, nr: number, arch: number, errno = 0): this {
    this.words[ERRNO] = errno;
    this.setLong(PID, addr);
    this.words[STATUS] = nr;
    this.words[STATUS + 1] = arch;
    return this;
  }

  /** It leaves a queue: delivered, or dropped. */
  leave(): void {
    if (this.user !== null) this.user.pendingSignals--;
    this.user = null;
    if (this.owner !== null) this.owner.dequeued(this);
    this.owner = null;
  }

  encode(into: Uint8Array, at: number): void {
    into.set(new Uint8Array(this.words.buffer), at);
  }

  decode(from: Uint8Array, at: number): this {
    new Uint8Array(this.words.buffer).set(from.subarray(at, at + SIGINFO_BYTES));
    return this;
  }
}

/** Counts signals in queues (sigqueue(3), RLIMIT_SIGPENDING); one per real user. */
export interface SignalAccount {
  pendingSignals: number;
}

/** Told when its signal leaves the queue (POSIX timers rearm then). */
export interface SignalInfoOwner {
  dequeued(info: SignalInfo): void;
}

/** As kill(2) sends it. */
export function userSignal(signal: number, pid: number, uid: number): SignalInfo {
  return new SignalInfo(signal, SI_USER).sender(pid, uid);
}

/** As tkill(2) and tgkill(2) send it. */
export function threadSignal(signal: number, pid: number, uid: number): SignalInfo {
  return new SignalInfo(signal, SI_TKILL).sender(pid, uid);
}

/** Sent by the kernel itself (terminal, timers without si_code, forced). */
export function kernelSignal(signal: number): SignalInfo {
  return new SignalInfo(signal, SI_KERNEL);
}

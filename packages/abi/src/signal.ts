// Signal numbers, sigaction(2) flags, si_code values and the kernel's signal structures (signal(7), sigaction(2), sigaltstack(2)).
// The numbers that a kernel sees, which differ from the C library's in SIGRTMIN (32 here; glibc keeps two for itself).
import { i16, i32, i64, struct, u32, u64 } from './layout.js';

// Signal numbers
export const SIGHUP = 1;
export const SIGINT = 2;
export const SIGQUIT = 3;
export const SIGILL = 4;
export const SIGTRAP = 5;
export const SIGABRT = 6;
export const SIGIOT = 6;
export const SIGBUS = 7;
export const SIGFPE = 8;
export const SIGKILL = 9;
export const SIGUSR1 = 10;
export const SIGSEGV = 11;
export const SIGUSR2 = 12;
export const SIGPIPE = 13;
export const SIGALRM = 14;
export const SIGTERM = 15;
export const SIGSTKFLT = 16;
export const SIGCHLD = 17;
export const SIGCONT = 18;
export const SIGSTOP = 19;
export const SIGTSTP = 20;
export const SIGTTIN = 21;
export const SIGTTOU = 22;
export const SIGURG = 23;
export const SIGXCPU = 24;
export const SIGXFSZ = 25;
export const SIGVTALRM = 26;
export const SIGPROF = 27;
export const SIGWINCH = 28;
export const SIGIO = 29;
export const SIGPOLL = SIGIO;
export const SIGPWR = 30;
export const SIGSYS = 31;
export const SIGUNUSED = 31;
export const SIGRTMIN = 32;

// sigaction flags
export const SA_RESTORER = 0x04000000;
export const SA_NOCLDSTOP = 0x00000001;
export const SA_NOCLDWAIT = 0x00000002;
export const SA_SIGINFO = 0x00000004;
export const SA_UNSUPPORTED = 0x00000400;
export const SA_EXPOSE_TAGBITS = 0x00000800;
export const SA_ONSTACK = 0x08000000;
export const SA_RESTART = 0x10000000;
export const SA_NODEFER = 0x40000000;
export const SA_RESETHAND = 0x80000000;
export const SA_NOMASK = SA_NODEFER;
export const SA_ONESHOT = SA_RESETHAND;

// rt_sigprocmask: how
export const SIG_BLOCK = 0;
export const SIG_UNBLOCK = 1;
export const SIG_SETMASK = 2;

// sigaltstack
export const MINSIGSTKSZ = 2048;
export const SIGSTKSZ = 8192;
export const SS_ONSTACK = 1;
export const SS_DISABLE = 2;
export const SS_AUTODISARM = 0x80000000;
export const SS_FLAG_BITS = SS_AUTODISARM;

// si_code: who sent it
export const SI_USER = 0;
export const SI_KERNEL = 0x80;
export const SI_QUEUE = -1;
export const SI_TIMER = -2;
export const SI_MESGQ = -3;
export const SI_ASYNCIO = -4;
export const SI_SIGIO = -5;
export const SI_TKILL = -6;
export const SI_DETHREAD = -7;
export const SI_ASYNCNL = -60;

// si_code of SIGILL
export const ILL_ILLOPC = 1;
export const ILL_ILLOPN = 2;
export const ILL_ILLADR = 3;
export const ILL_ILLTRP = 4;
export const ILL_PRVOPC = 5;
export const ILL_PRVREG = 6;
export const ILL_COPROC = 7;
export const ILL_BADSTK = 8;
export const ILL_BADIADDR = 9;

// si_code of SIGFPE
export const FPE_INTDIV = 1;
export const FPE_INTOVF = 2;
export const FPE_FLTDIV = 3;
export const FPE_FLTOVF = 4;
export const FPE_FLTUND = 5;
export const FPE_FLTRES = 6;
export const FPE_FLTINV = 7;
export const FPE_FLTSUB = 8;
export const FPE_FLTUNK = 14;
export const FPE_CONDTRAP = 15;

// si_code of SIGSEGV
export const SEGV_MAPERR = 1;
export const SEGV_ACCERR = 2;
export const SEGV_BNDERR = 3;
export const SEGV_PKUERR = 4;
export const SEGV_ACCADI = 5;
export const SEGV_ADIDERR = 6;
export const SEGV_ADIPERR = 7;
export const SEGV_MTEAERR = 8;
export const SEGV_MTESERR = 9;

// si_code of SIGBUS
export const BUS_ADRALN = 1;
export const BUS_ADRERR = 2;
export const BUS_OBJERR = 3;
export const BUS_MCEERR_AR = 4;
export const BUS_MCEERR_AO = 5;

// si_code of SIGTRAP
export const TRAP_BRKPT = 1;
export const TRAP_TRACE = 2;
export const TRAP_BRANCH = 3;
export const TRAP_HWBKPT = 4;
export const TRAP_UNK = 5;
export const TRAP_PERF = 6;
export const TRAP_PERF_FLAG_ASYNC = 1 << 0;

// si_code of SIGCHLD
export const CLD_EXITED = 1;
export const CLD_KILLED = 2;
export const CLD_DUMPED = 3;
export const CLD_TRAPPED = 4;
export const CLD_STOPPED = 5;
export const CLD_CONTINUED = 6;

// si_code of SIGPOLL
export const POLL_IN = 1;
export const POLL_OUT = 2;
export const POLL_MSG = 3;
export const POLL_ERR = 4;
export const POLL_PRI = 5;
export const POLL_HUP = 6;

// si_code of SIGSYS
export const SYS_SECCOMP = 1;
export const SYS_USER_DISPATCH = 2;

// si_code of SIGEMT
export const EMT_TAGOVF = 1;

// sigevent: how to notify
export const SIGEV_SIGNAL = 0;
export const SIGEV_NONE = 1;
export const SIGEV_THREAD = 2;
export const SIGEV_THREAD_ID = 4;

// sa_handler values.
export const SIG_DFL = 0;
export const SIG_IGN = 1;

/** Highest signal number; signals are 1 … NSIG. */
export const NSIG = 64;
export const SIGRTMAX = 64;

const NAMES: readonly (string | null)[] = [
  null,
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGILL',
  'SIGTRAP',
  'SIGABRT',
  'SIGBUS',
  'SIGFPE',
  'SIGKILL',
  'SIGUSR1',
  'SIGSEGV',
  'SIGUSR2',
  'SIGPIPE',
  'SIGALRM',
  'SIGTERM',
  'SIGSTKFLT',
  'SIGCHLD',
  'SIGCONT',
  'SIGSTOP',
  'SIGTSTP',
  'SIGTTIN',
  'SIGTTOU',
  'SIGURG',
  'SIGXCPU',
  'SIGXFSZ',
  'SIGVTALRM',
  'SIGPROF',
  'SIGWINCH',
  'SIGIO',
  'SIGPWR',
  'SIGSYS',
];

/** Name of a signal (`SIGTERM`, `SIGRTMIN+3`), or `signal_N` for a number that is none. */
export function signalName(signal: number): string {
  if (signal >= SIGRTMIN && signal <= SIGRTMAX) {
    return signal === SIGRTMIN ? 'SIGRTMIN' : `SIGRTMIN+${signal - SIGRTMIN}`;
  }
  return NAMES[signal] ?? `signal_${signal}`;
}

// struct sigaction
export const SIGACTION_SIZE = 32;
export const SIGACTION_SA_HANDLER = 0;
export const SIGACTION_SA_FLAGS = 8;
export const SIGACTION_SA_RESTORER = 16;
export const SIGACTION_SA_MASK = 24;
export const SIGACTION_LAYOUT = /* @__PURE__ */ struct('struct sigaction', SIGACTION_SIZE, {
  sa_handler: u64(SIGACTION_SA_HANDLER),
  sa_flags: u64(SIGACTION_SA_FLAGS),
  sa_restorer: u64(SIGACTION_SA_RESTORER),
  sa_mask: u64(SIGACTION_SA_MASK),
});

// stack_t
export const STACK_SIZE = 24;
export const STACK_SS_SP = 0;
export const STACK_SS_FLAGS = 8;
export const STACK_SS_SIZE = 16;
export const STACK_LAYOUT = /* @__PURE__ */ struct('stack_t', STACK_SIZE, {
  ss_sp: u64(STACK_SS_SP),
  ss_flags: i32(STACK_SS_FLAGS),
  ss_size: u64(STACK_SS_SIZE),
});

// siginfo_t
export const SIGINFO_SIZE = 128;
export const SIGINFO_SI_SIGNO = 0;
export const SIGINFO_SI_ERRNO = 4;
export const SIGINFO_SI_CODE = 8;
export const SIGINFO_SI_PID = 16;
export const SIGINFO_SI_UID = 20;
export const SIGINFO_SI_STATUS = 24;
export const SIGINFO_SI_UTIME = 32;
export const SIGINFO_SI_STIME = 40;
export const SIGINFO_SI_VALUE = 24;
export const SIGINFO_SI_INT = 24;
export const SIGINFO_SI_PTR = 24;
export const SIGINFO_SI_TID = 16;
export const SIGINFO_SI_OVERRUN = 20;
export const SIGINFO_SI_SYS_PRIVATE = 32;
export const SIGINFO_SI_ADDR = 16;
export const SIGINFO_SI_ADDR_LSB = 24;
export const SIGINFO_SI_LOWER = 32;
export const SIGINFO_SI_UPPER = 40;
export const SIGINFO_SI_PKEY = 32;
export const SIGINFO_SI_PERF_DATA = 24;
export const SIGINFO_SI_PERF_TYPE = 32;
export const SIGINFO_SI_PERF_FLAGS = 36;
export const SIGINFO_SI_BAND = 16;
export const SIGINFO_SI_FD = 24;
export const SIGINFO_SI_CALL_ADDR = 16;
export const SIGINFO_SI_SYSCALL = 24;
export const SIGINFO_SI_ARCH = 28;
export const SIGINFO_LAYOUT = /* @__PURE__ */ struct('siginfo_t', SIGINFO_SIZE, {
  si_signo: i32(SIGINFO_SI_SIGNO),
  si_errno: i32(SIGINFO_SI_ERRNO),
  si_code: i32(SIGINFO_SI_CODE),
  si_pid: i32(SIGINFO_SI_PID),
  si_uid: u32(SIGINFO_SI_UID),
  si_status: i32(SIGINFO_SI_STATUS),
  si_utime: i64(SIGINFO_SI_UTIME),
  si_stime: i64(SIGINFO_SI_STIME),
  si_value: u64(SIGINFO_SI_VALUE),
  si_int: i32(SIGINFO_SI_INT),
  si_ptr: u64(SIGINFO_SI_PTR),
  si_tid: i32(SIGINFO_SI_TID),
  si_overrun: i32(SIGINFO_SI_OVERRUN),
  si_sys_private: i32(SIGINFO_SI_SYS_PRIVATE),
  si_addr: u64(SIGINFO_SI_ADDR),
  si_addr_lsb: i16(SIGINFO_SI_ADDR_LSB),
  si_lower: u64(SIGINFO_SI_LOWER),
  si_upper: u64(SIGINFO_SI_UPPER),
  si_pkey: u32(SIGINFO_SI_PKEY),
  si_perf_data: u64(SIGINFO_SI_PERF_DATA),
  si_perf_type: u32(SIGINFO_SI_PERF_TYPE),
  si_perf_flags: u32(SIGINFO_SI_PERF_FLAGS),
  si_band: i64(SIGINFO_SI_BAND),
  si_fd: i32(SIGINFO_SI_FD),
  si_call_addr: u64(SIGINFO_SI_CALL_ADDR),
  si_syscall: i32(SIGINFO_SI_SYSCALL),
  si_arch: u32(SIGINFO_SI_ARCH),
});

// struct sigevent
export const SIGEVENT_SIZE = 64;
export const SIGEVENT_SIGEV_VALUE = 0;
export const SIGEVENT_SIGEV_SIGNO = 8;
export const SIGEVENT_SIGEV_NOTIFY = 12;
export const SIGEVENT_SIGEV_NOTIFY_THREAD_ID = 16;
export const SIGEVENT_SIGEV_NOTIFY_FUNCTION = 16;
export const SIGEVENT_SIGEV_NOTIFY_ATTRIBUTES = 24;
export const SIGEVENT_LAYOUT = /* @__PURE__ */ struct('struct sigevent', SIGEVENT_SIZE, {
  sigev_value: u64(SIGEVENT_SIGEV_VALUE),
  sigev_signo: i32(SIGEVENT_SIGEV_SIGNO),
  sigev_notify: i32(SIGEVENT_SIGEV_NOTIFY),
  sigev_notify_thread_id: i32(SIGEVENT_SIGEV_NOTIFY_THREAD_ID),
  sigev_notify_function: u64(SIGEVENT_SIGEV_NOTIFY_FUNCTION),
  sigev_notify_attributes: u64(SIGEVENT_SIGEV_NOTIFY_ATTRIBUTES),
});

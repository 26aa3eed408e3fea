// prctl(2) and arch_prctl(2).
import { struct, u32, u64 } from './layout.js';

// prctl
export const PR_SET_PDEATHSIG = 1;
export const PR_GET_PDEATHSIG = 2;
export const PR_GET_DUMPABLE = 3;
export const PR_SET_DUMPABLE = 4;
export const PR_GET_UNALIGN = 5;
export const PR_SET_UNALIGN = 6;
export const PR_UNALIGN_NOPRINT = 1;
export const PR_UNALIGN_SIGBUS = 2;
export const PR_GET_KEEPCAPS = 7;
export const PR_SET_KEEPCAPS = 8;
export const PR_GET_FPEMU = 9;
export const PR_SET_FPEMU = 10;
export const PR_FPEMU_NOPRINT = 1;
export const PR_FPEMU_SIGFPE = 2;
export const PR_GET_FPEXC = 11;
export const PR_SET_FPEXC = 12;
export const PR_GET_TIMING = 13;
export const PR_SET_TIMING = 14;
export const PR_TIMING_STATISTICAL = 0;
export const PR_TIMING_TIMESTAMP = 1;
export const PR_SET_NAME = 15;
export const PR_GET_NAME = 16;
export const PR_GET_ENDIAN = 19;
export const PR_SET_ENDIAN = 20;
export const PR_ENDIAN_BIG = 0;
export const PR_ENDIAN_LITTLE = 1;
export const PR_ENDIAN_PPC_LITTLE = 2;
export const PR_GET_SECCOMP = 21;
export const PR_SET_SECCOMP = 22;
export const PR_CAPBSET_READ = 23;
export const PR_CAPBSET_DROP = 24;
export const PR_GET_TSC = 25;
export const PR_SET_TSC = 26;
export const PR_TSC_ENABLE = 1;
export const PR_TSC_SIGSEGV = 2;
export const PR_GET_SECUREBITS = 27;
export const PR_SET_SECUREBITS = 28;
export const PR_SET_TIMERSLACK = 29;
export const PR_GET_TIMERSLACK = 30;
export const PR_TASK_PERF_EVENTS_DISABLE = 31;
export const PR_TASK_PERF_EVENTS_ENABLE = 32;
export const PR_MCE_KILL = 33;
export const PR_MCE_KILL_CLEAR = 0;
export const PR_MCE_KILL_SET = 1;
export const PR_MCE_KILL_LATE = 0;
export const PR_MCE_KILL_EARLY = 1;
export const PR_MCE_KILL_DEFAULT = 2;
export const PR_MCE_KILL_GET = 34;
export const PR_SET_MM = 35;
export const PR_SET_MM_START_CODE = 1;
export const PR_SET_MM_END_CODE = 2;
export const PR_SET_MM_START_DATA = 3;
export const PR_SET_MM_END_DATA = 4;
export const PR_SET_MM_START_STACK = 5;
export const PR_SET_MM_START_BRK = 6;
export const PR_SET_MM_BRK = 7;
export const PR_SET_MM_ARG_START = 8;
export const PR_SET_MM_ARG_END = 9;
export const PR_SET_MM_ENV_START = 10;
export const PR_SET_MM_ENV_END = 11;
export const PR_SET_MM_AUXV = 12;
export const PR_SET_MM_EXE_FILE = 13;
export const PR_SET_MM_MAP = 14;
export const PR_SET_MM_MAP_SIZE = 15;
export const PR_SET_PTRACER = 0x59616d61;
export const PR_SET_CHILD_SUBREAPER = 36;
export const PR_GET_CHILD_SUBREAPER = 37;
export const PR_SET_NO_NEW_PRIVS = 38;
export const PR_GET_NO_NEW_PRIVS = 39;
export const PR_GET_TID_ADDRESS = 40;
export const PR_SET_THP_DISABLE = 41;
export const PR_GET_THP_DISABLE = 42;
export const PR_MPX_ENABLE_MANAGEMENT = 43;
export const PR_MPX_DISABLE_MANAGEMENT = 44;
export const PR_CAP_AMBIENT = 47;
export const PR_CAP_AMBIENT_IS_SET = 1;
export const PR_CAP_AMBIENT_RAISE = 2;
export const PR_CAP_AMBIENT_LOWER = 3;
export const PR_CAP_AMBIENT_CLEAR_ALL = 4;
export const PR_GET_SPECULATION_CTRL = 52;
export const PR_SET_SPECULATION_CTRL = 53;
export const PR_SPEC_STORE_BYPASS = 0;
export const PR_SPEC_INDIRECT_BRANCH = 1;
export const PR_SPEC_L1D_FLUSH = 2;
export const PR_SPEC_NOT_AFFECTED = 0;
export const PR_SPEC_PRCTL = 1 << 0;
export const PR_SPEC_ENABLE = 1 << 1;
export const PR_SPEC_DISABLE = 1 << 2;
export const PR_SPEC_FORCE_DISABLE = 1 << 3;
export const PR_SPEC_DISABLE_NOEXEC = 1 << 4;
export const PR_SET_IO_FLUSHER = 57;
export const PR_GET_IO_FLUSHER = 58;
export const PR_SET_SYSCALL_USER_DISPATCH = 59;
export const PR_SYS_DISPATCH_OFF = 0;
export const PR_SYS_DISPATCH_ON = 1;
export const PR_SCHED_CORE = 62;
export const PR_SCHED_CORE_GET = 0;
export const PR_SCHED_CORE_CREATE = 1;
export const PR_SCHED_CORE_SHARE_TO = 2;
export const PR_SCHED_CORE_SHARE_FROM = 3;
export const PR_SCHED_CORE_MAX = 4;
export const PR_SCHED_CORE_SCOPE_THREAD = 0;
export const PR_SCHED_CORE_SCOPE_THREAD_GROUP = 1;
export const PR_SCHED_CORE_SCOPE_PROCESS_GROUP = 2;
export const PR_SET_VMA = 0x53564d41;
export const PR_SET_VMA_ANON_NAME = 0;

// arch_prctl
export const ARCH_SET_GS = 0x1001;
export const ARCH_SET_FS = 0x1002;
export const ARCH_GET_FS = 0x1003;
export const ARCH_GET_GS = 0x1004;
export const ARCH_GET_CPUID = 0x1011;
export const ARCH_SET_CPUID = 0x1012;
export const ARCH_GET_XCOMP_SUPP = 0x1021;
export const ARCH_GET_XCOMP_PERM = 0x1022;
export const ARCH_REQ_XCOMP_PERM = 0x1023;
export const ARCH_GET_XCOMP_GUEST_PERM = 0x1024;
export const ARCH_REQ_XCOMP_GUEST_PERM = 0x1025;
export const ARCH_MAP_VDSO_X32 = 0x2001;
export const ARCH_MAP_VDSO_32 = 0x2002;
export const ARCH_MAP_VDSO_64 = 0x2003;

// Newer than the headers of Linux 6.1.
export const PR_SET_MDWE = 65;
export const PR_MDWE_REFUSE_EXEC_GAIN = 1;
export const PR_MDWE_NO_INHERIT = 2;
export const PR_GET_MDWE = 66;
export const PR_SET_MEMORY_MERGE = 67;
export const PR_GET_MEMORY_MERGE = 68;

// struct prctl_mm_map
export const PRCTL_MM_MAP_SIZE = 104;
export const PRCTL_MM_MAP_START_CODE = 0;
export const PRCTL_MM_MAP_END_CODE = 8;
export const PRCTL_MM_MAP_START_DATA = 16;
export const PRCTL_MM_MAP_END_DATA = 24;
export const PRCTL_MM_MAP_START_BRK = 32;
export const PRCTL_MM_MAP_BRK = 40;
export const PRCTL_MM_MAP_START_STACK = 48;
export const PRCTL_MM_MAP_ARG_START = 56;
export const PRCTL_MM_MAP_ARG_END = 64;
export const PRCTL_MM_MAP_ENV_START = 72;
export const PRCTL_MM_MAP_ENV_END = 80;
export const PRCTL_MM_MAP_AUXV = 88;
export const PRCTL_MM_MAP_AUXV_SIZE = 96;
export const PRCTL_MM_MAP_EXE_FD = 100;
export const PRCTL_MM_MAP_LAYOUT = /* @__PURE__ */ struct('struct prctl_mm_map', PRCTL_MM_MAP_SIZE, {
  start_code: u64(PRCTL_MM_MAP_START_CODE),
  end_code: u64(PRCTL_MM_MAP_END_CODE),
  start_data: u64(PRCTL_MM_MAP_START_DATA),
  end_data: u64(PRCTL_MM_MAP_END_DATA),
  start_brk: u64(PRCTL_MM_MAP_START_BRK),
  brk: u64(PRCTL_MM_MAP_BRK),
  start_stack: u64(PRCTL_MM_MAP_START_STACK),
  arg_start: u64(PRCTL_MM_MAP_ARG_START),
  arg_end: u64(PRCTL_MM_MAP_ARG_END),
  env_start: u64(PRCTL_MM_MAP_ENV_START),
  env_end: u64(PRCTL_MM_MAP_ENV_END),
  auxv: u64(PRCTL_MM_MAP_AUXV),
  auxv_size: u32(PRCTL_MM_MAP_AUXV_SIZE),
  exe_fd: u32(PRCTL_MM_MAP_EXE_FD),
});
export const PR_GET_AUXV = 0x41555856;
export const PR_SYS_DISPATCH_INCLUSIVE_ON = 2;

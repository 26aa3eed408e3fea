// getrlimit(2), prlimit(2), getrusage(2), getpriority(2), ioprio_set(2).
// RLIM_INFINITY is all ones in 64 bits; as a number that is 2^64 after rounding, which layout.ts's setU64 stores as all ones.
import { i64, struct, u64 } from './layout.js';

// rlimit(2) resources
export const RLIMIT_CPU = 0;
export const RLIMIT_FSIZE = 1;
export const RLIMIT_DATA = 2;
export const RLIMIT_STACK = 3;
export const RLIMIT_CORE = 4;
export const RLIMIT_RSS = 5;
export const RLIMIT_NPROC = 6;
export const RLIMIT_NOFILE = 7;
export const RLIMIT_MEMLOCK = 8;
export const RLIMIT_AS = 9;
export const RLIMIT_LOCKS = 10;
export const RLIMIT_SIGPENDING = 11;
export const RLIMIT_MSGQUEUE = 12;
export const RLIMIT_NICE = 13;
export const RLIMIT_RTPRIO = 14;
export const RLIMIT_RTTIME = 15;
export const RLIM_NLIMITS = 16;

// getrusage: who
export const RUSAGE_SELF = 0;
export const RUSAGE_CHILDREN = -1;
export const RUSAGE_BOTH = -2;
export const RUSAGE_THREAD = 1;

// getpriority: which
export const PRIO_MIN = -20;
export const PRIO_MAX = 20;
export const PRIO_PROCESS = 0;
export const PRIO_PGRP = 1;
export const PRIO_USER = 2;

// I/O priority
export const IOPRIO_CLASS_SHIFT = 13;
export const IOPRIO_CLASS_MASK = 0x07;
export const IOPRIO_PRIO_MASK = 0x1fff;
export const IOPRIO_CLASS_NONE = 0;
export const IOPRIO_CLASS_RT = 1;
export const IOPRIO_CLASS_BE = 2;
export const IOPRIO_CLASS_IDLE = 3;
export const IOPRIO_NR_LEVELS = 8;
export const IOPRIO_BE_NR = IOPRIO_NR_LEVELS;
export const IOPRIO_WHO_PROCESS = 1;
export const IOPRIO_WHO_PGRP = 2;
export const IOPRIO_WHO_USER = 3;
export const IOPRIO_NORM = 4;
export const IOPRIO_BE_NORM = IOPRIO_NORM;

export const RLIM_INFINITY = 2 ** 64;

// struct rusage
export const RUSAGE_SIZE = 144;
export const RUSAGE_RU_UTIME_TV_SEC = 0;
export const RUSAGE_RU_UTIME_TV_USEC = 8;
export const RUSAGE_RU_STIME_TV_SEC = 16;
export const RUSAGE_RU_STIME_TV_USEC = 24;
export const RUSAGE_RU_MAXRSS = 32;
export const RUSAGE_RU_IXRSS = 40;
export const RUSAGE_RU_IDRSS = 48;
export const RUSAGE_RU_ISRSS = 56;
export const RUSAGE_RU_MINFLT = 64;
export const RUSAGE_RU_MAJFLT = 72;
export const RUSAGE_RU_NSWAP = 80;
export const RUSAGE_RU_INBLOCK = 88;
export const RUSAGE_RU_OUBLOCK = 96;
export const RUSAGE_RU_MSGSND = 104;
export const RUSAGE_RU_MSGRCV = 112;
export const RUSAGE_RU_NSIGNALS = 120;
export const RUSAGE_RU_NVCSW = 128;
export const RUSAGE_RU_NIVCSW = 136;
export const RUSAGE_LAYOUT = /* @__PURE__ */ struct('struct rusage', RUSAGE_SIZE, {
  'ru_utime.tv_sec': i64(RUSAGE_RU_UTIME_TV_SEC),
  'ru_utime.tv_usec': i64(RUSAGE_RU_UTIME_TV_USEC),
  'ru_stime.tv_sec': i64(RUSAGE_RU_STIME_TV_SEC),
  'ru_stime.tv_usec': i64(RUSAGE_RU_STIME_TV_USEC),
  ru_maxrss: i64(RUSAGE_RU_MAXRSS),
  ru_ixrss: i64(RUSAGE_RU_IXRSS),
  ru_idrss: i64(RUSAGE_RU_IDRSS),
  ru_isrss: i64(RUSAGE_RU_ISRSS),
  ru_minflt: i64(RUSAGE_RU_MINFLT),
  ru_majflt: i64(RUSAGE_RU_MAJFLT),
  ru_nswap: i64(RUSAGE_RU_NSWAP),
  ru_inblock: i64(RUSAGE_RU_INBLOCK),
  ru_oublock: i64(RUSAGE_RU_OUBLOCK),
  ru_msgsnd: i64(RUSAGE_RU_MSGSND),
  ru_msgrcv: i64(RUSAGE_RU_MSGRCV),
  ru_nsignals: i64(RUSAGE_RU_NSIGNALS),
  ru_nvcsw: i64(RUSAGE_RU_NVCSW),
  ru_nivcsw: i64(RUSAGE_RU_NIVCSW),
});

// struct rlimit64
export const RLIMIT_SIZE = 16;
export const RLIMIT_RLIM_CUR = 0;
export const RLIMIT_RLIM_MAX = 8;
export const RLIMIT_LAYOUT = /* @__PURE__ */ struct('struct rlimit64', RLIMIT_SIZE, {
  rlim_cur: u64(RLIMIT_RLIM_CUR),
  rlim_max: u64(RLIMIT_RLIM_MAX),
});

// clone(2), clone3(2), unshare(2), sched_setscheduler(2), sched_setattr(2).
// Flags above 2^32 are plain numbers: test them on the high word (see layout.ts).
import { i32, struct, u32, u64 } from './layout.js';

// clone flags
export const CSIGNAL = 0x000000ff;
export const CLONE_VM = 0x00000100;
export const CLONE_FS = 0x00000200;
export const CLONE_FILES = 0x00000400;
export const CLONE_SIGHAND = 0x00000800;
export const CLONE_PIDFD = 0x00001000;
export const CLONE_PTRACE = 0x00002000;
export const CLONE_VFORK = 0x00004000;
export const CLONE_PARENT = 0x00008000;
export const CLONE_THREAD = 0x00010000;
export const CLONE_NEWNS = 0x00020000;
export const CLONE_SYSVSEM = 0x00040000;
export const CLONE_SETTLS = 0x00080000;
export const CLONE_PARENT_SETTID = 0x00100000;
export const CLONE_CHILD_CLEARTID = 0x00200000;
export const CLONE_DETACHED = 0x00400000;
export const CLONE_UNTRACED = 0x00800000;
export const CLONE_CHILD_SETTID = 0x01000000;
export const CLONE_NEWCGROUP = 0x02000000;
export const CLONE_NEWUTS = 0x04000000;
export const CLONE_NEWIPC = 0x08000000;
export const CLONE_NEWUSER = 0x10000000;
export const CLONE_NEWPID = 0x20000000;
export const CLONE_NEWNET = 0x40000000;
export const CLONE_IO = 0x80000000;
export const CLONE_CLEAR_SIGHAND = 0x100000000;
export const CLONE_INTO_CGROUP = 0x200000000;
export const CLONE_NEWTIME = 0x00000080;

// policies
export const SCHED_NORMAL = 0;
export const SCHED_FIFO = 1;
export const SCHED_RR = 2;
export const SCHED_BATCH = 3;
export const SCHED_IDLE = 5;
export const SCHED_DEADLINE = 6;
export const SCHED_RESET_ON_FORK = 0x40000000;

// sched_attr flags
export const SCHED_FLAG_RESET_ON_FORK = 0x01;
export const SCHED_FLAG_RECLAIM = 0x02;
export const SCHED_FLAG_DL_OVERRUN = 0x04;
export const SCHED_FLAG_KEEP_POLICY = 0x08;
export const SCHED_FLAG_KEEP_PARAMS = 0x10;
export const SCHED_FLAG_UTIL_CLAMP_MIN = 0x20;
export const SCHED_FLAG_UTIL_CLAMP_MAX = 0x40;
export const SCHED_FLAG_KEEP_ALL = SCHED_FLAG_KEEP_POLICY | SCHED_FLAG_KEEP_PARAMS;
export const SCHED_FLAG_UTIL_CLAMP = SCHED_FLAG_UTIL_CLAMP_MIN | SCHED_FLAG_UTIL_CLAMP_MAX;
export const SCHED_FLAG_ALL =
  SCHED_FLAG_RESET_ON_FORK |
  SCHED_FLAG_RECLAIM |
  SCHED_FLAG_DL_OVERRUN |
  SCHED_FLAG_KEEP_ALL |
  SCHED_FLAG_UTIL_CLAMP;

// Newer than the headers of Linux 6.1.
export const SCHED_EXT = 7;

// struct clone_args
export const CLONE_ARGS_SIZE = 88;
export const CLONE_ARGS_FLAGS = 0;
export const CLONE_ARGS_PIDFD = 8;
export const CLONE_ARGS_CHILD_TID = 16;
export const CLONE_ARGS_PARENT_TID = 24;
export const CLONE_ARGS_EXIT_SIGNAL = 32;
export const CLONE_ARGS_STACK = 40;
export const CLONE_ARGS_STACK_SIZE = 48;
export const CLONE_ARGS_TLS = 56;
export const CLONE_ARGS_SET_TID = 64;
export const CLONE_ARGS_SET_TID_SIZE = 72;
export const CLONE_ARGS_CGROUP = 80;
export const CLONE_ARGS_LAYOUT = /* @__PURE__ */ struct('struct clone_args', CLONE_ARGS_SIZE, {
  flags: u64(CLONE_ARGS_FLAGS),
  pidfd: u64(CLONE_ARGS_PIDFD),
  child_tid: u64(CLONE_ARGS_CHILD_TID),
  parent_tid: u64(CLONE_ARGS_PARENT_TID),
  exit_signal: u64(CLONE_ARGS_EXIT_SIGNAL),
  stack: u64(CLONE_ARGS_STACK),
  stack_size: u64(CLONE_ARGS_STACK_SIZE),
  tls: u64(CLONE_ARGS_TLS),
  set_tid: u64(CLONE_ARGS_SET_TID),
  set_tid_size: u64(CLONE_ARGS_SET_TID_SIZE),
  cgroup: u64(CLONE_ARGS_CGROUP),
});

// struct sched_attr
export const SCHED_ATTR_SIZE = 56;
export const SCHED_ATTR_SIZE_FIELD = 0;
export const SCHED_ATTR_SCHED_POLICY = 4;
export const SCHED_ATTR_SCHED_FLAGS = 8;
export const SCHED_ATTR_SCHED_NICE = 16;
export const SCHED_ATTR_SCHED_PRIORITY = 20;
export const SCHED_ATTR_SCHED_RUNTIME = 24;
export const SCHED_ATTR_SCHED_DEADLINE = 32;
export const SCHED_ATTR_SCHED_PERIOD = 40;
export const SCHED_ATTR_SCHED_UTIL_MIN = 48;
export const SCHED_ATTR_SCHED_UTIL_MAX = 52;
export const SCHED_ATTR_LAYOUT = /* @__PURE__ */ struct('struct sched_attr', SCHED_ATTR_SIZE, {
  size: u32(SCHED_ATTR_SIZE_FIELD),
  sched_policy: u32(SCHED_ATTR_SCHED_POLICY),
  sched_flags: u64(SCHED_ATTR_SCHED_FLAGS),
  sched_nice: i32(SCHED_ATTR_SCHED_NICE),
  sched_priority: u32(SCHED_ATTR_SCHED_PRIORITY),
  sched_runtime: u64(SCHED_ATTR_SCHED_RUNTIME),
  sched_deadline: u64(SCHED_ATTR_SCHED_DEADLINE),
  sched_period: u64(SCHED_ATTR_SCHED_PERIOD),
  sched_util_min: u32(SCHED_ATTR_SCHED_UTIL_MIN),
  sched_util_max: u32(SCHED_ATTR_SCHED_UTIL_MAX),
});

// struct sched_param
export const SCHED_PARAM_SIZE = 4;
export const SCHED_PARAM_SCHED_PRIORITY = 0;
export const SCHED_PARAM_LAYOUT = /* @__PURE__ */ struct('struct sched_param', SCHED_PARAM_SIZE, {
  sched_priority: i32(SCHED_PARAM_SCHED_PRIORITY),
});

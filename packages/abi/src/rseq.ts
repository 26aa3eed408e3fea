// rseq(2), membarrier(2), kcmp(2), getcpu(2).
import { struct, u32, u64 } from './layout.js';

// rseq
export const RSEQ_CPU_ID_UNINITIALIZED = -1;
export const RSEQ_CPU_ID_REGISTRATION_FAILED = -2;
export const RSEQ_FLAG_UNREGISTER = 1;
export const RSEQ_CS_FLAG_NO_RESTART_ON_PREEMPT_BIT = 0;
export const RSEQ_CS_FLAG_NO_RESTART_ON_SIGNAL_BIT = 1;
export const RSEQ_CS_FLAG_NO_RESTART_ON_MIGRATE_BIT = 2;
export const RSEQ_CS_FLAG_NO_RESTART_ON_PREEMPT = 1;
export const RSEQ_CS_FLAG_NO_RESTART_ON_SIGNAL = 2;
export const RSEQ_CS_FLAG_NO_RESTART_ON_MIGRATE = 4;

// membarrier
export const MEMBARRIER_CMD_QUERY = 0;
export const MEMBARRIER_CMD_GLOBAL = 1;
export const MEMBARRIER_CMD_GLOBAL_EXPEDITED = 2;
export const MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED = 4;
export const MEMBARRIER_CMD_PRIVATE_EXPEDITED = 8;
export const MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED = 16;
export const MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE = 32;
export const MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE = 64;
export const MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ = 128;
export const MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ = 256;
export const MEMBARRIER_CMD_SHARED = 1;
export const MEMBARRIER_CMD_FLAG_CPU = 1;

// kcmp
export const KCMP_FILE = 0;
export const KCMP_VM = 1;
export const KCMP_FILES = 2;
export const KCMP_FS = 3;
export const KCMP_SIGHAND = 4;
export const KCMP_IO = 5;
export const KCMP_SYSVSEM = 6;
export const KCMP_EPOLL_TFD = 7;
export const KCMP_TYPES = 8;

// Newer than the headers of Linux 6.1.
export const MEMBARRIER_CMD_GET_REGISTRATIONS = 1 << 9;

// struct rseq
export const RSEQ_SIZE = 32;
export const RSEQ_CPU_ID_START = 0;
export const RSEQ_CPU_ID = 4;
export const RSEQ_RSEQ_CS = 8;
export const RSEQ_FLAGS = 16;
export const RSEQ_LAYOUT = /* @__PURE__ */ struct('struct rseq', RSEQ_SIZE, {
  cpu_id_start: u32(RSEQ_CPU_ID_START),
  cpu_id: u32(RSEQ_CPU_ID),
  rseq_cs: u64(RSEQ_RSEQ_CS),
  flags: u32(RSEQ_FLAGS),
});

// struct rseq_cs
export const RSEQ_CS_SIZE = 32;
export const RSEQ_CS_VERSION = 0;
export const RSEQ_CS_FLAGS = 4;
export const RSEQ_CS_START_IP = 8;
export const RSEQ_CS_POST_COMMIT_OFFSET = 16;
export const RSEQ_CS_ABORT_IP = 24;
export const RSEQ_CS_LAYOUT = /* @__PURE__ */ struct('struct rseq_cs', RSEQ_CS_SIZE, {
  version: u32(RSEQ_CS_VERSION),
  flags: u32(RSEQ_CS_FLAGS),
  start_ip: u64(RSEQ_CS_START_IP),
  post_commit_offset: u64(RSEQ_CS_POST_COMMIT_OFFSET),
  abort_ip: u64(RSEQ_CS_ABORT_IP),
});

// seccomp(2): operations, flags, filter return values, notification.
import { array, i32, i64, struct, u16, u32, u64 } from './layout.js';

// modes, operations, flags
export const SECCOMP_MODE_DISABLED = 0;
export const SECCOMP_MODE_STRICT = 1;
export const SECCOMP_MODE_FILTER = 2;
export const SECCOMP_SET_MODE_STRICT = 0;
export const SECCOMP_SET_MODE_FILTER = 1;
export const SECCOMP_GET_ACTION_AVAIL = 2;
export const SECCOMP_GET_NOTIF_SIZES = 3;
export const SECCOMP_FILTER_FLAG_TSYNC = 1 << 0;
export const SECCOMP_FILTER_FLAG_LOG = 1 << 1;
export const SECCOMP_FILTER_FLAG_SPEC_ALLOW = 1 << 2;
export const SECCOMP_FILTER_FLAG_NEW_LISTENER = 1 << 3;
export const SECCOMP_FILTER_FLAG_TSYNC_ESRCH = 1 << 4;
export const SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV = 1 << 5;

// return values of a filter
export const SECCOMP_RET_KILL_PROCESS = 0x80000000;
export const SECCOMP_RET_KILL_THREAD = 0x00000000;
export const SECCOMP_RET_KILL = SECCOMP_RET_KILL_THREAD;
export const SECCOMP_RET_TRAP = 0x00030000;
export const SECCOMP_RET_ERRNO = 0x00050000;
export const SECCOMP_RET_USER_NOTIF = 0x7fc00000;
export const SECCOMP_RET_TRACE = 0x7ff00000;
export const SECCOMP_RET_LOG = 0x7ffc0000;
export const SECCOMP_RET_ALLOW = 0x7fff0000;
export const SECCOMP_RET_ACTION_FULL = 0xffff0000;
export const SECCOMP_RET_ACTION = 0x7fff0000;
export const SECCOMP_RET_DATA = 0x0000ffff;

// user notification
export const SECCOMP_USER_NOTIF_FLAG_CONTINUE = 1 << 0;
export const SECCOMP_ADDFD_FLAG_SETFD = 1 << 0;
export const SECCOMP_ADDFD_FLAG_SEND = 1 << 1;
export const SECCOMP_IOC_MAGIC = 33;

// architectures (seccomp_data.arch)
export const AUDIT_ARCH_I386 = 0x40000003;
export const AUDIT_ARCH_X86_64 = 0xc000003e;

// struct seccomp_data
export const SECCOMP_DATA_SIZE = 64;
export const SECCOMP_DATA_NR = 0;
export const SECCOMP_DATA_ARCH = 4;
export const SECCOMP_DATA_INSTRUCTION_POINTER = 8;
export const SECCOMP_DATA_ARGS = 16;
export const SECCOMP_DATA_LAYOUT = /* @__PURE__ */ struct('struct seccomp_data', SECCOMP_DATA_SIZE, {
  nr: i32(SECCOMP_DATA_NR),
  arch: u32(SECCOMP_DATA_ARCH),
  instruction_pointer: u64(SECCOMP_DATA_INSTRUCTION_POINTER),
  args: array('u64', SECCOMP_DATA_ARGS, 6),
});

// struct seccomp_notif
export const SECCOMP_NOTIF_SIZE = 80;
export const SECCOMP_NOTIF_ID = 0;
export const SECCOMP_NOTIF_PID = 8;
export const SECCOMP_NOTIF_FLAGS = 12;
export const SECCOMP_NOTIF_DATA_NR = 16;
export const SECCOMP_NOTIF_DATA_ARCH = 20;
export const SECCOMP_NOTIF_DATA_INSTRUCTION_POINTER = 24;
export const SECCOMP_NOTIF_DATA_ARGS = 32;
export const SECCOMP_NOTIF_LAYOUT = /* @__PURE__ */ struct('struct seccomp_notif', SECCOMP_NOTIF_SIZE, {
  id: u64(SECCOMP_NOTIF_ID),
  pid: u32(SECCOMP_NOTIF_PID),
  flags: u32(SECCOMP_NOTIF_FLAGS),
  'data.nr': i32(SECCOMP_NOTIF_DATA_NR),
  'data.arch': u32(SECCOMP_NOTIF_DATA_ARCH),
  'data.instruction_pointer': u64(SECCOMP_NOTIF_DATA_INSTRUCTION_POINTER),
  'data.args': array('u64', SECCOMP_NOTIF_DATA_ARGS, 6),
});

// struct seccomp_notif_resp
export const SECCOMP_NOTIF_RESP_SIZE = 24;
export const SECCOMP_NOTIF_RESP_ID = 0;
export const SECCOMP_NOTIF_RESP_VAL = 8;
export const SECCOMP_NOTIF_RESP_ERROR = 16;
export const SECCOMP_NOTIF_RESP_FLAGS = 20;
export const SECCOMP_NOTIF_RESP_LAYOUT = /* @__PURE__ */ struct(
  'struct seccomp_notif_resp',
  SECCOMP_NOTIF_RESP_SIZE,
  {
    id: u64(SECCOMP_NOTIF_RESP_ID),
    val: i64(SECCOMP_NOTIF_RESP_VAL),
    error: i32(SECCOMP_NOTIF_RESP_ERROR),
    flags: u32(SECCOMP_NOTIF_RESP_FLAGS),
  },
);

// struct seccomp_notif_sizes
export const SECCOMP_NOTIF_SIZES_SIZE = 6;
export const SECCOMP_NOTIF_SIZES_SECCOMP_NOTIF = 0;
export const SECCOMP_NOTIF_SIZES_SECCOMP_NOTIF_RESP = 2;
export const SECCOMP_NOTIF_SIZES_SECCOMP_DATA = 4;
export const SECCOMP_NOTIF_SIZES_LAYOUT = /* @__PURE__ */ struct(
  'struct seccomp_notif_sizes',
  SECCOMP_NOTIF_SIZES_SIZE,
  {
    seccomp_notif: u16(SECCOMP_NOTIF_SIZES_SECCOMP_NOTIF),
    seccomp_notif_resp: u16(SECCOMP_NOTIF_SIZES_SECCOMP_NOTIF_RESP),
    seccomp_data: u16(SECCOMP_NOTIF_SIZES_SECCOMP_DATA),
  },
);

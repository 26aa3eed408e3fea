// futex(2), futex_waitv(2), futex_wait(2), get_robust_list(2).
import { i64, struct, u32, u64 } from './layout.js';

// operations
export const FUTEX_WAIT = 0;
export const FUTEX_WAKE = 1;
export const FUTEX_FD = 2;
export const FUTEX_REQUEUE = 3;
export const FUTEX_CMP_REQUEUE = 4;
export const FUTEX_WAKE_OP = 5;
export const FUTEX_LOCK_PI = 6;
export const FUTEX_UNLOCK_PI = 7;
export const FUTEX_TRYLOCK_PI = 8;
export const FUTEX_WAIT_BITSET = 9;
export const FUTEX_WAKE_BITSET = 10;
export const FUTEX_WAIT_REQUEUE_PI = 11;
export const FUTEX_CMP_REQUEUE_PI = 12;
export const FUTEX_LOCK_PI2 = 13;
export const FUTEX_PRIVATE_FLAG = 128;
export const FUTEX_CLOCK_REALTIME = 256;
export const FUTEX_CMD_MASK = -385;
export const FUTEX_WAIT_PRIVATE = FUTEX_WAIT | FUTEX_PRIVATE_FLAG;
export const FUTEX_WAKE_PRIVATE = FUTEX_WAKE | FUTEX_PRIVATE_FLAG;
export const FUTEX_REQUEUE_PRIVATE = FUTEX_REQUEUE | FUTEX_PRIVATE_FLAG;
export const FUTEX_CMP_REQUEUE_PRIVATE = FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG;
export const FUTEX_WAKE_OP_PRIVATE = FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG;
export const FUTEX_LOCK_PI_PRIVATE = FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG;
export const FUTEX_LOCK_PI2_PRIVATE = FUTEX_LOCK_PI2 | FUTEX_PRIVATE_FLAG;
export const FUTEX_UNLOCK_PI_PRIVATE = FUTEX_UNLOCK_PI | FUTEX_PRIVATE_FLAG;
export const FUTEX_TRYLOCK_PI_PRIVATE = FUTEX_TRYLOCK_PI | FUTEX_PRIVATE_FLAG;
export const FUTEX_WAIT_BITSET_PRIVATE = FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG;
export const FUTEX_WAKE_BITSET_PRIVATE = FUTEX_WAKE_BITSET | FUTEX_PRIVATE_FLAG;
export const FUTEX_WAIT_REQUEUE_PI_PRIVATE = FUTEX_WAIT_REQUEUE_PI | FUTEX_PRIVATE_FLAG;
export const FUTEX_CMP_REQUEUE_PI_PRIVATE = FUTEX_CMP_REQUEUE_PI | FUTEX_PRIVATE_FLAG;
export const FUTEX_32 = 2;
export const FUTEX_WAITV_MAX = 128;

// futex_wake2 flags and word bits
export const FUTEX_WAITERS = 0x80000000;
export const FUTEX_OWNER_DIED = 0x40000000;
export const FUTEX_TID_MASK = 0x3fffffff;
export const FUTEX_BITSET_MATCH_ANY = 0xffffffff;
export const FUTEX_OP_SET = 0;
export const FUTEX_OP_ADD = 1;
export const FUTEX_OP_OR = 2;
export const FUTEX_OP_ANDN = 3;
export const FUTEX_OP_XOR = 4;
export const FUTEX_OP_OPARG_SHIFT = 8;
export const FUTEX_OP_CMP_EQ = 0;
export const FUTEX_OP_CMP_NE = 1;
export const FUTEX_OP_CMP_LT = 2;
export const FUTEX_OP_CMP_LE = 3;
export const FUTEX_OP_CMP_GT = 4;
export const FUTEX_OP_CMP_GE = 5;

// robust lists
export const ROBUST_LIST_LIMIT = 2048;

// Newer than the headers of Linux 6.1.
export const FUTEX2_SIZE_U8 = 0x00;
export const FUTEX2_SIZE_U16 = 0x01;
export const FUTEX2_SIZE_U32 = 0x02;
export const FUTEX2_SIZE_U64 = 0x03;
export const FUTEX2_NUMA = 0x04;
export const FUTEX2_PRIVATE = FUTEX_PRIVATE_FLAG;
export const FUTEX2_SIZE_MASK = 0x03;

// struct robust_list_head
export const ROBUST_LIST_HEAD_SIZE = 24;
export const ROBUST_LIST_HEAD_LIST_NEXT = 0;
export const ROBUST_LIST_HEAD_FUTEX_OFFSET = 8;
export const ROBUST_LIST_HEAD_LIST_OP_PENDING = 16;
export const ROBUST_LIST_HEAD_LAYOUT = /* @__PURE__ */ struct(
  'struct robust_list_head',
  ROBUST_LIST_HEAD_SIZE,
  {
    'list.next': u64(ROBUST_LIST_HEAD_LIST_NEXT),
    futex_offset: i64(ROBUST_LIST_HEAD_FUTEX_OFFSET),
    list_op_pending: u64(ROBUST_LIST_HEAD_LIST_OP_PENDING),
  },
);

// struct futex_waitv
export const FUTEX_WAITV_SIZE = 24;
export const FUTEX_WAITV_VAL = 0;
export const FUTEX_WAITV_UADDR = 8;
export const FUTEX_WAITV_FLAGS = 16;
export const FUTEX_WAITV_LAYOUT = /* @__PURE__ */ struct('struct futex_waitv', FUTEX_WAITV_SIZE, {
  val: u64(FUTEX_WAITV_VAL),
  uaddr: u64(FUTEX_WAITV_UADDR),
  flags: u32(FUTEX_WAITV_FLAGS),
});

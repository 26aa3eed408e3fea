// io_uring_setup(2), io_uring_enter(2), io_uring_register(2).
import { i32, struct, u8, u16, u32, u64 } from './layout.js';

export const IORING_FILE_INDEX_ALLOC = 0xffffffff;
export const IOSQE_FIXED_FILE_BIT = 0;
export const IOSQE_IO_DRAIN_BIT = 1;
export const IOSQE_IO_LINK_BIT = 2;
export const IOSQE_IO_HARDLINK_BIT = 3;
export const IOSQE_ASYNC_BIT = 4;
export const IOSQE_BUFFER_SELECT_BIT = 5;
export const IOSQE_CQE_SKIP_SUCCESS_BIT = 6;
export const IOSQE_FIXED_FILE = 1;
export const IOSQE_IO_DRAIN = 2;
export const IOSQE_IO_LINK = 4;
export const IOSQE_IO_HARDLINK = 8;
export const IOSQE_ASYNC = 16;
export const IOSQE_BUFFER_SELECT = 32;
export const IOSQE_CQE_SKIP_SUCCESS = 64;
export const IORING_SETUP_IOPOLL = 1 << 0;
export const IORING_SETUP_SQPOLL = 1 << 1;
export const IORING_SETUP_SQ_AFF = 1 << 2;
export const IORING_SETUP_CQSIZE = 1 << 3;
export const IORING_SETUP_CLAMP = 1 << 4;
export const IORING_SETUP_ATTACH_WQ = 1 << 5;
export const IORING_SETUP_R_DISABLED = 1 << 6;
export const IORING_SETUP_SUBMIT_ALL = 1 << 7;
export const IORING_SETUP_COOP_TASKRUN = 1 << 8;
export const IORING_SETUP_TASKRUN_FLAG = 1 << 9;
export const IORING_SETUP_SQE128 = 1 << 10;
export const IORING_SETUP_CQE32 = 1 << 11;
export const IORING_SETUP_SINGLE_ISSUER = 1 << 12;
export const IORING_SETUP_DEFER_TASKRUN = 1 << 13;
export const IORING_OP_NOP = 0;
export const IORING_OP_READV = 1;
export const IORING_OP_WRITEV = 2;
export const IORING_OP_FSYNC = 3;
export const IORING_OP_READ_FIXED = 4;
export const IORING_OP_WRITE_FIXED = 5;
export const IORING_OP_POLL_ADD = 6;
export const IORING_OP_POLL_REMOVE = 7;
export const IORING_OP_SYNC_FILE_RANGE = 8;
export const IORING_OP_SENDMSG = 9;
export const IORING_OP_RECVMSG = 10;
export const IORING_OP_TIMEOUT = 11;
export const IORING_OP_TIMEOUT_REMOVE = 12;
export const IORING_OP_ACCEPT = 13;
export const IORING_OP_ASYNC_CANCEL = 14;
export const IORING_OP_LINK_TIMEOUT = 15;
export const IORING_OP_CONNECT = 16;
export const IORING_OP_FALLOCATE = 17;
export const IORING_OP_OPENAT = 18;
export const IORING_OP_CLOSE = 19;
export const IORING_OP_FILES_UPDATE = 20;
export const IORING_OP_STATX = 21;
export const IORING_OP_READ = 22;
export const IORING_OP_WRITE = 23;
export const IORING_OP_FADVISE = 24;
export const IORING_OP_MADVISE = 25;
export const IORING_OP_SEND = 26;
export const IORING_OP_RECV = 27;
export const IORING_OP_OPENAT2 = 28;
export const IORING_OP_EPOLL_CTL = 29;
export const IORING_OP_SPLICE = 30;
export const IORING_OP_PROVIDE_BUFFERS = 31;
export const IORING_OP_REMOVE_BUFFERS = 32;
export const IORING_OP_TEE = 33;
export const IORING_OP_SHUTDOWN = 34;
export const IORING_OP_RENAMEAT = 35;
export const IORING_OP_UNLINKAT = 36;
export const IORING_OP_MKDIRAT = 37;
export const IORING_OP_SYMLINKAT = 38;
export const IORING_OP_LINKAT = 39;
export const IORING_OP_MSG_RING = 40;
export const IORING_OP_FSETXATTR = 41;
export const IORING_OP_SETXATTR = 42;
export const IORING_OP_FGETXATTR = 43;
export const IORING_OP_GETXATTR = 44;
export const IORING_OP_SOCKET = 45;
export const IORING_OP_URING_CMD = 46;
export const IORING_OP_SEND_ZC = 47;
export const IORING_OP_SENDMSG_ZC = 48;
export const IORING_OP_LAST = 49;
export const IORING_URING_CMD_FIXED = 1 << 0;
export const IORING_FSYNC_DATASYNC = 1 << 0;
export const IORING_TIMEOUT_ABS = 1 << 0;
export const IORING_TIMEOUT_UPDATE = 1 << 1;
export const IORING_TIMEOUT_BOOTTIME = 1 << 2;
export const IORING_TIMEOUT_REALTIME = 1 << 3;
export const IORING_LINK_TIMEOUT_UPDATE = 1 << 4;
export const IORING_TIMEOUT_ETIME_SUCCESS = 1 << 5;
export const IORING_TIMEOUT_CLOCK_MASK = IORING_TIMEOUT_BOOTTIME | IORING_TIMEOUT_REALTIME;
export const IORING_TIMEOUT_UPDATE_MASK = IORING_TIMEOUT_UPDATE | IORING_LINK_TIMEOUT_UPDATE;
export const IORING_POLL_ADD_MULTI = 1 << 0;
export const IORING_POLL_UPDATE_EVENTS = 1 << 1;
export const IORING_POLL_UPDATE_USER_DATA = 1 << 2;
export const IORING_POLL_ADD_LEVEL = 1 << 3;
export const IORING_ASYNC_CANCEL_ALL = 1 << 0;
export const IORING_ASYNC_CANCEL_FD = 1 << 1;
export const IORING_ASYNC_CANCEL_ANY = 1 << 2;
export const IORING_ASYNC_CANCEL_FD_FIXED = 1 << 3;
export const IORING_ASYNC_CANCEL_USERDATA = 1 << 4;
export const IORING_ASYNC_CANCEL_OP = 1 << 5;
export const IORING_RECVSEND_POLL_FIRST = 1 << 0;
export const IORING_RECV_MULTISHOT = 1 << 1;
export const IORING_RECVSEND_FIXED_BUF = 1 << 2;
export const IORING_SEND_ZC_REPORT_USAGE = 1 << 3;
export const IORING_NOTIF_USAGE_ZC_COPIED = 0x80000000;
export const IORING_ACCEPT_MULTISHOT = 1 << 0;
export const IORING_MSG_DATA = 0;
export const IORING_MSG_SEND_FD = 1;
export const IORING_MSG_RING_CQE_SKIP = 1 << 0;
export const IORING_CQE_F_BUFFER = 1 << 0;
export const IORING_CQE_F_MORE = 1 << 1;
export const IORING_CQE_F_SOCK_NONEMPTY = 1 << 2;
export const IORING_CQE_F_NOTIF = 1 << 3;
export const IORING_CQE_BUFFER_SHIFT = 16;
export const IORING_OFF_SQ_RING = 0;
export const IORING_OFF_CQ_RING = 0x8000000;
export const IORING_OFF_SQES = 0x10000000;
export const IORING_OFF_MMAP_MASK = 0xf8000000;
export const IORING_SQ_NEED_WAKEUP = 1 << 0;
export const IORING_SQ_CQ_OVERFLOW = 1 << 1;
export const IORING_SQ_TASKRUN = 1 << 2;
export const IORING_CQ_EVENTFD_DISABLED = 1 << 0;
export const IORING_ENTER_GETEVENTS = 1 << 0;
export const IORING_ENTER_SQ_WAKEUP = 1 << 1;
export const IORING_ENTER_SQ_WAIT = 1 << 2;
export const IORING_ENTER_EXT_ARG = 1 << 3;
export const IORING_ENTER_REGISTERED_RING = 1 << 4;
export const IORING_FEAT_SINGLE_MMAP = 1 << 0;
export const IORING_FEAT_NODROP = 1 << 1;
export const IORING_FEAT_SUBMIT_STABLE = 1 << 2;
export const IORING_FEAT_RW_CUR_POS = 1 << 3;
export const IORING_FEAT_CUR_PERSONALITY = 1 << 4;
export const IORING_FEAT_FAST_POLL = 1 << 5;
export const IORING_FEAT_POLL_32BITS = 1 << 6;
export const IORING_FEAT_SQPOLL_NONFIXED = 1 << 7;
export const IORING_FEAT_EXT_ARG = 1 << 8;
export const IORING_FEAT_NATIVE_WORKERS = 1 << 9;
export const IORING_FEAT_RSRC_TAGS = 1 << 10;
export const IORING_FEAT_CQE_SKIP = 1 << 11;
export const IORING_FEAT_LINKED_FILE = 1 << 12;
export const IORING_REGISTER_BUFFERS = 0;
export const IORING_UNREGISTER_BUFFERS = 1;
export const IORING_REGISTER_FILES = 2;
export const IORING_UNREGISTER_FILES = 3;
export const IORING_REGISTER_EVENTFD = 4;
export const IORING_UNREGISTER_EVENTFD = 5;
export const IORING_REGISTER_FILES_UPDATE = 6;
export const IORING_REGISTER_EVENTFD_ASYNC = 7;
export const IORING_REGISTER_PROBE = 8;
export const IORING_REGISTER_PERSONALITY = 9;
export const IORING_UNREGISTER_PERSONALITY = 10;
export const IORING_REGISTER_RESTRICTIONS = 11;
export const IORING_REGISTER_ENABLE_RINGS = 12;
export const IORING_REGISTER_FILES2 = 13;
export const IORING_REGISTER_FILES_UPDATE2 = 14;
export const IORING_REGISTER_BUFFERS2 = 15;
export const IORING_REGISTER_BUFFERS_UPDATE = 16;
export const IORING_REGISTER_IOWQ_AFF = 17;
export const IORING_UNREGISTER_IOWQ_AFF = 18;
export const IORING_REGISTER_IOWQ_MAX_WORKERS = 19;
export const IORING_REGISTER_RING_FDS = 20;
export const IORING_UNREGISTER_RING_FDS = 21;
export const IORING_REGISTER_PBUF_RING = 22;
export const IORING_UNREGISTER_PBUF_RING = 23;
export const IORING_REGISTER_SYNC_CANCEL = 24;
export const IORING_REGISTER_FILE_ALLOC_RANGE = 25;
export const IORING_REGISTER_LAST = 26;
export const IORING_RSRC_REGISTER_SPARSE = 1 << 0;
export const IORING_REGISTER_FILES_SKIP = -2;
export const IO_URING_OP_SUPPORTED = 1 << 0;
export const IORING_RESTRICTION_REGISTER_OP = 0;
export const IORING_RESTRICTION_SQE_OP = 1;
export const IORING_RESTRICTION_SQE_FLAGS_ALLOWED = 2;
export const IORING_RESTRICTION_SQE_FLAGS_REQUIRED = 3;
export const IORING_RESTRICTION_LAST = 4;

// struct io_uring_params
export const IO_URING_PARAMS_SIZE = 120;
export const IO_URING_PARAMS_SQ_ENTRIES = 0;
export const IO_URING_PARAMS_CQ_ENTRIES = 4;
export const IO_URING_PARAMS_FLAGS = 8;
export const IO_URING_PARAMS_SQ_THREAD_CPU = 12;
export const IO_URING_PARAMS_SQ_THREAD_IDLE = 16;
export const IO_URING_PARAMS_FEATURES = 20;
export const IO_URING_PARAMS_WQ_FD = 24;
export const IO_URING_PARAMS_SQ_OFF_HEAD = 40;
export const IO_URING_PARAMS_SQ_OFF_TAIL = 44;
export const IO_URING_PARAMS_SQ_OFF_RING_MASK = 48;
export const IO_URING_PARAMS_SQ_OFF_RING_ENTRIES = 52;
export const IO_URING_PARAMS_SQ_OFF_FLAGS = 56;
export const IO_URING_PARAMS_SQ_OFF_DROPPED = 60;
export const IO_URING_PARAMS_SQ_OFF_ARRAY = 64;
export const IO_URING_PARAMS_CQ_OFF_HEAD = 80;
export const IO_URING_PARAMS_CQ_OFF_TAIL = 84;
export const IO_URING_PARAMS_CQ_OFF_RING_MASK = 88;
export const IO_URING_PARAMS_CQ_OFF_RING_ENTRIES = 92;
export const IO_URING_PARAMS_CQ_OFF_OVERFLOW = 96;
export const IO_URING_PARAMS_CQ_OFF_CQES = 100;
export const IO_URING_PARAMS_CQ_OFF_FLAGS = 104;
export const IO_URING_PARAMS_LAYOUT = /* @__PURE__ */ struct('struct io_uring_params', IO_URING_PARAMS_SIZE, {
  sq_entries: u32(IO_URING_PARAMS_SQ_ENTRIES),
  cq_entries: u32(IO_URING_PARAMS_CQ_ENTRIES),
  flags: u32(IO_URING_PARAMS_FLAGS),
  sq_thread_cpu: u32(IO_URING_PARAMS_SQ_THREAD_CPU),
  sq_thread_idle: u32(IO_URING_PARAMS_SQ_THREAD_IDLE),
  features: u32(IO_URING_PARAMS_FEATURES),
  wq_fd: u32(IO_URING_PARAMS_WQ_FD),
  'sq_off.head': u32(IO_URING_PARAMS_SQ_OFF_HEAD),
  'sq_off.tail': u32(IO_URING_PARAMS_SQ_OFF_TAIL),
  'sq_off.ring_mask': u32(IO_URING_PARAMS_SQ_OFF_RING_MASK),
  'sq_off.ring_entries': u32(IO_URING_PARAMS_SQ_OFF_RING_ENTRIES),
  'sq_off.flags': u32(IO_URING_PARAMS_SQ_OFF_FLAGS),
  'sq_off.dropped': u32(IO_URING_PARAMS_SQ_OFF_DROPPED),
  'sq_off.array': u32(IO_URING_PARAMS_SQ_OFF_ARRAY),
  'cq_off.head': u32(IO_URING_PARAMS_CQ_OFF_HEAD),
  'cq_off.tail': u32(IO_URING_PARAMS_CQ_OFF_TAIL),
  'cq_off.ring_mask': u32(IO_URING_PARAMS_CQ_OFF_RING_MASK),
  'cq_off.ring_entries': u32(IO_URING_PARAMS_CQ_OFF_RING_ENTRIES),
  'cq_off.overflow': u32(IO_URING_PARAMS_CQ_OFF_OVERFLOW),
  'cq_off.cqes': u32(IO_URING_PARAMS_CQ_OFF_CQES),
  'cq_off.flags': u32(IO_URING_PARAMS_CQ_OFF_FLAGS),
});

// struct io_uring_cqe
export const IO_URING_CQE_SIZE = 16;
export const IO_URING_CQE_USER_DATA = 0;
export const IO_URING_CQE_RES = 8;
export const IO_URING_CQE_FLAGS = 12;
export const IO_URING_CQE_LAYOUT = /* @__PURE__ */ struct('struct io_uring_cqe', IO_URING_CQE_SIZE, {
  user_data: u64(IO_URING_CQE_USER_DATA),
  res: i32(IO_URING_CQE_RES),
  flags: u32(IO_URING_CQE_FLAGS),
});

// struct io_uring_sqe
export const IO_URING_SQE_SIZE = 64;
export const IO_URING_SQE_OPCODE = 0;
export const IO_URING_SQE_FLAGS = 1;
export const IO_URING_SQE_IOPRIO = 2;
export const IO_URING_SQE_FD = 4;
export const IO_URING_SQE_OFF = 8;
export const IO_URING_SQE_ADDR2 = 8;
export const IO_URING_SQE_CMD_OP = 8;
export const IO_URING_SQE_ADDR = 16;
export const IO_URING_SQE_SPLICE_OFF_IN = 16;
export const IO_URING_SQE_LEN = 24;
export const IO_URING_SQE_RW_FLAGS = 28;
export const IO_URING_SQE_FSYNC_FLAGS = 28;
export const IO_URING_SQE_POLL_EVENTS = 28;
export const IO_URING_SQE_POLL32_EVENTS = 28;
export const IO_URING_SQE_SYNC_RANGE_FLAGS = 28;
export const IO_URING_SQE_MSG_FLAGS = 28;
export const IO_URING_SQE_TIMEOUT_FLAGS = 28;
export const IO_URING_SQE_ACCEPT_FLAGS = 28;
export const IO_URING_SQE_CANCEL_FLAGS = 28;
export const IO_URING_SQE_OPEN_FLAGS = 28;
export const IO_URING_SQE_STATX_FLAGS = 28;
export const IO_URING_SQE_FADVISE_ADVICE = 28;
export const IO_URING_SQE_SPLICE_FLAGS = 28;
export const IO_URING_SQE_RENAME_FLAGS = 28;
export const IO_URING_SQE_UNLINK_FLAGS = 28;
export const IO_URING_SQE_HARDLINK_FLAGS = 28;
export const IO_URING_SQE_XATTR_FLAGS = 28;
export const IO_URING_SQE_MSG_RING_FLAGS = 28;
export const IO_URING_SQE_USER_DATA = 32;
export const IO_URING_SQE_BUF_INDEX = 40;
export const IO_URING_SQE_BUF_GROUP = 40;
export const IO_URING_SQE_PERSONALITY = 42;
export const IO_URING_SQE_SPLICE_FD_IN = 44;
export const IO_URING_SQE_FILE_INDEX = 44;
export const IO_URING_SQE_ADDR_LEN = 44;
export const IO_URING_SQE_ADDR3 = 48;
export const IO_URING_SQE_LAYOUT = /* @__PURE__ */ struct('struct io_uring_sqe', IO_URING_SQE_SIZE, {
  opcode: u8(IO_URING_SQE_OPCODE),
  flags: u8(IO_URING_SQE_FLAGS),
  ioprio: u16(IO_URING_SQE_IOPRIO),
  fd: i32(IO_URING_SQE_FD),
  off: u64(IO_URING_SQE_OFF),
  addr2: u64(IO_URING_SQE_ADDR2),
  cmd_op: u32(IO_URING_SQE_CMD_OP),
  addr: u64(IO_URING_SQE_ADDR),
  splice_off_in: u64(IO_URING_SQE_SPLICE_OFF_IN),
  len: u32(IO_URING_SQE_LEN),
  rw_flags: u32(IO_URING_SQE_RW_FLAGS),
  fsync_flags: u32(IO_URING_SQE_FSYNC_FLAGS),
  poll_events: u16(IO_URING_SQE_POLL_EVENTS),
  poll32_events: u32(IO_URING_SQE_POLL32_EVENTS),
  sync_range_flags: u32(IO_URING_SQE_SYNC_RANGE_FLAGS),
  msg_flags: u32(IO_URING_SQE_MSG_FLAGS),
  timeout_flags: u32(IO_URING_SQE_TIMEOUT_FLAGS),
  accept_flags: u32(IO_URING_SQE_ACCEPT_FLAGS),
  cancel_flags: u32(IO_URING_SQE_CANCEL_FLAGS),
  open_flags: u32(IO_URING_SQE_OPEN_FLAGS),
  statx_flags: u32(IO_URING_SQE_STATX_FLAGS),
  fadvise_advice: u32(IO_URING_SQE_FADVISE_ADVICE),
  splice_flags: u32(IO_URING_SQE_SPLICE_FLAGS),
  rename_flags: u32(IO_URING_SQE_RENAME_FLAGS),
  unlink_flags: u32(IO_URING_SQE_UNLINK_FLAGS),
  hardlink_flags: u32(IO_URING_SQE_HARDLINK_FLAGS),
  xattr_flags: u32(IO_URING_SQE_XATTR_FLAGS),
  msg_ring_flags: u32(IO_URING_SQE_MSG_RING_FLAGS),
  user_data: u64(IO_URING_SQE_USER_DATA),
  buf_index: u16(IO_URING_SQE_BUF_INDEX),
  buf_group: u16(IO_URING_SQE_BUF_GROUP),
  personality: u16(IO_URING_SQE_PERSONALITY),
  splice_fd_in: i32(IO_URING_SQE_SPLICE_FD_IN),
  file_index: u32(IO_URING_SQE_FILE_INDEX),
  addr_len: u16(IO_URING_SQE_ADDR_LEN),
  addr3: u64(IO_URING_SQE_ADDR3),
});

// System V and POSIX message queues, semaphores, shared memory (sysvipc(7), mq_overview(7)).
import { i16, i32, i64, struct, u16, u32, u64 } from './layout.js';

// get and ctl
export const IPC_PRIVATE = 0;
export const IPC_CREAT = 0o1000;
export const IPC_EXCL = 0o2000;
export const IPC_NOWAIT = 0o4000;
export const IPC_DIPC = 0o10000;
export const IPC_OWN = 0o20000;
export const IPC_RMID = 0;
export const IPC_SET = 1;
export const IPC_STAT = 2;
export const IPC_INFO = 3;
export const IPC_OLD = 0;
export const IPC_64 = 0x0100;

// messages
export const MSG_STAT = 11;
export const MSG_INFO = 12;
export const MSG_STAT_ANY = 13;
export const MSG_NOERROR = 0o10000;
export const MSG_EXCEPT = 0o20000;
export const MSG_COPY = 0o40000;
export const MSGMNI = 32000;
export const MSGMAX = 8192;
export const MSGMNB = 16384;

// semaphores
export const SEM_UNDO = 0x1000;
export const GETPID = 11;
export const GETVAL = 12;
export const GETALL = 13;
export const GETNCNT = 14;
export const GETZCNT = 15;
export const SETVAL = 16;
export const SETALL = 17;
export const SEM_STAT = 18;
export const SEM_INFO = 19;
export const SEM_STAT_ANY = 20;
export const SEMMNI = 32000;
export const SEMMSL = 32000;
export const SEMMNS = 0x3d090000;
export const SEMOPM = 500;
export const SEMVMX = 32767;
export const SEMAEM = SEMVMX;
export const SEMUME = SEMOPM;

// shared memory
export const SHMMIN = 1;
export const SHMMNI = 4096;
export const SHMSEG = SHMMNI;
export const SHM_R = 0o400;
export const SHM_W = 0o200;
export const SHM_HUGETLB = 0o4000;
export const SHM_NORESERVE = 0o10000;
export const SHM_HUGE_SHIFT = 26;
export const SHM_HUGE_MASK = 63;
export const SHM_HUGE_64KB = 0x40000000;
export const SHM_HUGE_512KB = 0x4c000000;
export const SHM_HUGE_1MB = 0x50000000;
export const SHM_HUGE_2MB = 0x54000000;
export const SHM_HUGE_8MB = 0x5c000000;
export const SHM_HUGE_16MB = 0x60000000;
export const SHM_HUGE_32MB = 0x64000000;
export const SHM_HUGE_256MB = 0x70000000;
export const SHM_HUGE_512MB = 0x74000000;
export const SHM_HUGE_1GB = 0x78000000;
export const SHM_HUGE_2GB = 0x7c000000;
export const SHM_HUGE_16GB = 0x88000000;
export const SHM_RDONLY = 0o10000;
export const SHM_RND = 0o20000;
export const SHM_REMAP = 0o40000;
export const SHM_EXEC = 0o100000;
export const SHM_LOCK = 11;
export const SHM_UNLOCK = 12;
export const SHM_STAT = 13;
export const SHM_INFO = 14;
export const SHM_STAT_ANY = 15;

// POSIX queues
export const MQ_PRIO_MAX = 32768;
export const MQ_BYTES_MAX = 819200;
export const NOTIFY_NONE = 0;
export const NOTIFY_WOKENUP = 1;
export const NOTIFY_REMOVED = 2;
export const NOTIFY_COOKIE_LEN = 32;

// struct ipc64_perm
export const IPC64_PERM_SIZE = 48;
export const IPC64_PERM_KEY = 0;
export const IPC64_PERM_UID = 4;
export const IPC64_PERM_GID = 8;
export const IPC64_PERM_CUID = 12;
export const IPC64_PERM_CGID = 16;
export const IPC64_PERM_MODE = 20;
export const IPC64_PERM_SEQ = 24;
export const IPC64_PERM_LAYOUT = /* @__PURE__ */ struct('struct ipc64_perm', IPC64_PERM_SIZE, {
  key: i32(IPC64_PERM_KEY),
  uid: u32(IPC64_PERM_UID),
  gid: u32(IPC64_PERM_GID),
  cuid: u32(IPC64_PERM_CUID),
  cgid: u32(IPC64_PERM_CGID),
  mode: u32(IPC64_PERM_MODE),
  seq: u16(IPC64_PERM_SEQ),
});

// struct msqid64_ds
export const MSQID64_DS_SIZE = 120;
export const MSQID64_DS_MSG_STIME = 48;
export const MSQID64_DS_MSG_RTIME = 56;
export const MSQID64_DS_MSG_CTIME = 64;
export const MSQID64_DS_MSG_CBYTES = 72;
export const MSQID64_DS_MSG_QNUM = 80;
export const MSQID64_DS_MSG_QBYTES = 88;
export const MSQID64_DS_MSG_LSPID = 96;
export const MSQID64_DS_MSG_LRPID = 100;
export const MSQID64_DS_LAYOUT = /* @__PURE__ */ struct('struct msqid64_ds', MSQID64_DS_SIZE, {
  msg_stime: i64(MSQID64_DS_MSG_STIME),
  msg_rtime: i64(MSQID64_DS_MSG_RTIME),
  msg_ctime: i64(MSQID64_DS_MSG_CTIME),
  msg_cbytes: u64(MSQID64_DS_MSG_CBYTES),
  msg_qnum: u64(MSQID64_DS_MSG_QNUM),
  msg_qbytes: u64(MSQID64_DS_MSG_QBYTES),
  msg_lspid: i32(MSQID64_DS_MSG_LSPID),
  msg_lrpid: i32(MSQID64_DS_MSG_LRPID),
});

// struct semid64_ds
export const SEMID64_DS_SIZE = 104;
export const SEMID64_DS_SEM_OTIME = 48;
export const SEMID64_DS_SEM_CTIME = 64;
export const SEMID64_DS_SEM_NSEMS = 80;
export const SEMID64_DS_LAYOUT = /* @__PURE__ */ struct('struct semid64_ds', SEMID64_DS_SIZE, {
  sem_otime: i64(SEMID64_DS_SEM_OTIME),
  sem_ctime: i64(SEMID64_DS_SEM_CTIME),
  sem_nsems: u64(SEMID64_DS_SEM_NSEMS),
});

// struct shmid64_ds
export const SHMID64_DS_SIZE = 112;
export const SHMID64_DS_SHM_SEGSZ = 48;
export const SHMID64_DS_SHM_ATIME = 56;
export const SHMID64_DS_SHM_DTIME = 64;
export const SHMID64_DS_SHM_CTIME = 72;
export const SHMID64_DS_SHM_CPID = 80;
export const SHMID64_DS_SHM_LPID = 84;
export const SHMID64_DS_SHM_NATTCH = 88;
export const SHMID64_DS_LAYOUT = /* @__PURE__ */ struct('struct shmid64_ds', SHMID64_DS_SIZE, {
  shm_segsz: u64(SHMID64_DS_SHM_SEGSZ),
  shm_atime: i64(SHMID64_DS_SHM_ATIME),
  shm_dtime: i64(SHMID64_DS_SHM_DTIME),
  shm_ctime: i64(SHMID64_DS_SHM_CTIME),
  shm_cpid: i32(SHMID64_DS_SHM_CPID),
  shm_lpid: i32(SHMID64_DS_SHM_LPID),
  shm_nattch: u64(SHMID64_DS_SHM_NATTCH),
});

// struct sembuf
export const SEMBUF_SIZE = 6;
export const SEMBUF_SEM_NUM = 0;
export const SEMBUF_SEM_OP = 2;
export const SEMBUF_SEM_FLG = 4;
export const SEMBUF_LAYOUT = /* @__PURE__ */ struct('struct sembuf', SEMBUF_SIZE, {
  sem_num: u16(SEMBUF_SEM_NUM),
  sem_op: i16(SEMBUF_SEM_OP),
  sem_flg: i16(SEMBUF_SEM_FLG),
});

// struct seminfo
export const SEMINFO_SIZE = 40;
export const SEMINFO_SEMMAP = 0;
export const SEMINFO_SEMMNI = 4;
export const SEMINFO_SEMMNS = 8;
export const SEMINFO_SEMMNU = 12;
export const SEMINFO_SEMMSL = 16;
export const SEMINFO_SEMOPM = 20;
export const SEMINFO_SEMUME = 24;
export const SEMINFO_SEMUSZ = 28;
export const SEMINFO_SEMVMX = 32;
export const SEMINFO_SEMAEM = 36;
export const SEMINFO_LAYOUT = /* @__PURE__ */ struct('struct seminfo', SEMINFO_SIZE, {
  semmap: i32(SEMINFO_SEMMAP),
  semmni: i32(SEMINFO_SEMMNI),
  semmns: i32(SEMINFO_SEMMNS),
  semmnu: i32(SEMINFO_SEMMNU),
  semmsl: i32(SEMINFO_SEMMSL),
  semopm: i32(SEMINFO_SEMOPM),
  semume: i32(SEMINFO_SEMUME),
  semusz: i32(SEMINFO_SEMUSZ),
  semvmx: i32(SEMINFO_SEMVMX),
  semaem: i32(SEMINFO_SEMAEM),
});

// struct msginfo
export const MSGINFO_SIZE = 32;
export const MSGINFO_MSGPOOL = 0;
export const MSGINFO_MSGMAP = 4;
export const MSGINFO_MSGMAX = 8;
export const MSGINFO_MSGMNB = 12;
export const MSGINFO_MSGMNI = 16;
export const MSGINFO_MSGSSZ = 20;
export const MSGINFO_MSGTQL = 24;
export const MSGINFO_MSGSEG = 28;
export const MSGINFO_LAYOUT = /* @__PURE__ */ struct('struct msginfo', MSGINFO_SIZE, {
  msgpool: i32(MSGINFO_MSGPOOL),
  msgmap: i32(MSGINFO_MSGMAP),
  msgmax: i32(MSGINFO_MSGMAX),
  msgmnb: i32(MSGINFO_MSGMNB),
  msgmni: i32(MSGINFO_MSGMNI),
  msgssz: i32(MSGINFO_MSGSSZ),
  msgtql: i32(MSGINFO_MSGTQL),
  msgseg: u16(MSGINFO_MSGSEG),
});

// struct shm_info
export const SHM_INFO_SIZE = 48;
export const SHM_INFO_USED_IDS = 0;
export const SHM_INFO_SHM_TOT = 8;
export const SHM_INFO_SHM_RSS = 16;
export const SHM_INFO_SHM_SWP = 24;
export const SHM_INFO_SWAP_ATTEMPTS = 32;
export const SHM_INFO_SWAP_SUCCESSES = 40;
export const SHM_INFO_LAYOUT = /* @__PURE__ */ struct('struct shm_info', SHM_INFO_SIZE, {
  used_ids: i32(SHM_INFO_USED_IDS),
  shm_tot: u64(SHM_INFO_SHM_TOT),
  shm_rss: u64(SHM_INFO_SHM_RSS),
  shm_swp: u64(SHM_INFO_SHM_SWP),
  swap_attempts: u64(SHM_INFO_SWAP_ATTEMPTS),
  swap_successes: u64(SHM_INFO_SWAP_SUCCESSES),
});

// struct shminfo
export const SHMINFO_SIZE = 20;
export const SHMINFO_SHMMAX = 0;
export const SHMINFO_SHMMIN = 4;
export const SHMINFO_SHMMNI = 8;
export const SHMINFO_SHMSEG = 12;
export const SHMINFO_SHMALL = 16;
export const SHMINFO_LAYOUT = /* @__PURE__ */ struct('struct shminfo', SHMINFO_SIZE, {
  shmmax: i32(SHMINFO_SHMMAX),
  shmmin: i32(SHMINFO_SHMMIN),
  shmmni: i32(SHMINFO_SHMMNI),
  shmseg: i32(SHMINFO_SHMSEG),
  shmall: i32(SHMINFO_SHMALL),
});

// struct mq_attr
export const MQ_ATTR_SIZE = 64;
export const MQ_ATTR_MQ_FLAGS = 0;
export const MQ_ATTR_MQ_MAXMSG = 8;
export const MQ_ATTR_MQ_MSGSIZE = 16;
export const MQ_ATTR_MQ_CURMSGS = 24;
export const MQ_ATTR_LAYOUT = /* @__PURE__ */ struct('struct mq_attr', MQ_ATTR_SIZE, {
  mq_flags: i64(MQ_ATTR_MQ_FLAGS),
  mq_maxmsg: i64(MQ_ATTR_MQ_MAXMSG),
  mq_msgsize: i64(MQ_ATTR_MQ_MSGSIZE),
  mq_curmsgs: i64(MQ_ATTR_MQ_CURMSGS),
});

// open(2) flags, fcntl(2) commands, the *at family's flags, flock(2), memfd seals, leases and hints.
// Kernel values: O_LARGEFILE is 0o100000 here, where a 64-bit C library says 0.
import { i16, i32, i64, struct } from './layout.js';

// open flags
export const O_ACCMODE = 0o3;
export const O_RDONLY = 0o0;
export const O_WRONLY = 0o1;
export const O_RDWR = 0o2;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_NOCTTY = 0o400;
export const O_TRUNC = 0o1000;
export const O_APPEND = 0o2000;
export const O_NONBLOCK = 0o4000;
export const O_DSYNC = 0o10000;
export const FASYNC = 0o20000;
export const O_DIRECT = 0o40000;
export const O_LARGEFILE = 0o100000;
export const O_DIRECTORY = 0o200000;
export const O_NOFOLLOW = 0o400000;
export const O_NOATIME = 0o1000000;
export const O_CLOEXEC = 0o2000000;
export const O_SYNC = 0x101000;
export const O_PATH = 0o10000000;
export const O_TMPFILE = 0x410000;
export const O_NDELAY = O_NONBLOCK;

// fcntl commands
export const F_DUPFD = 0;
export const F_GETFD = 1;
export const F_SETFD = 2;
export const F_GETFL = 3;
export const F_SETFL = 4;
export const F_GETLK = 5;
export const F_SETLK = 6;
export const F_SETLKW = 7;
export const F_SETOWN = 8;
export const F_GETOWN = 9;
export const F_SETSIG = 10;
export const F_GETSIG = 11;
export const F_SETOWN_EX = 15;
export const F_GETOWN_EX = 16;
export const F_GETOWNER_UIDS = 17;
export const F_OFD_GETLK = 36;
export const F_OFD_SETLK = 37;
export const F_OFD_SETLKW = 38;
export const F_SETLEASE = 0x400;
export const F_GETLEASE = 0x401;
export const F_CANCELLK = 0x405;
export const F_DUPFD_CLOEXEC = 0x406;
export const F_NOTIFY = 0x402;
export const F_SETPIPE_SZ = 0x407;
export const F_GETPIPE_SZ = 0x408;
export const F_ADD_SEALS = 0x409;
export const F_GET_SEALS = 0x40a;
export const F_GET_RW_HINT = 0x40b;
export const F_SET_RW_HINT = 0x40c;
export const F_GET_FILE_RW_HINT = 0x40d;
export const F_SET_FILE_RW_HINT = 0x40e;

// descriptor flags
export const FD_CLOEXEC = 1;

// F_SETOWN_EX: owner kinds
export const F_OWNER_TID = 0;
export const F_OWNER_PID = 1;
export const F_OWNER_PGRP = 2;

// record locks
export const F_RDLCK = 0;
export const F_WRLCK = 1;
export const F_UNLCK = 2;
export const F_EXLCK = 4;
export const F_SHLCK = 8;

// flock operations
export const LOCK_SH = 1;
export const LOCK_EX = 2;
export const LOCK_NB = 4;
export const LOCK_UN = 8;
export const LOCK_MAND = 32;
export const LOCK_READ = 64;
export const LOCK_WRITE = 128;
export const LOCK_RW = 192;

// memfd seals
export const F_SEAL_SEAL = 0x0001;
export const F_SEAL_SHRINK = 0x0002;
export const F_SEAL_GROW = 0x0004;
export const F_SEAL_WRITE = 0x0008;
export const F_SEAL_FUTURE_WRITE = 0x0010;

// write life time hints
export const RWH_WRITE_LIFE_NOT_SET = 0;
export const RWH_WRITE_LIFE_NONE = 1;
export const RWH_WRITE_LIFE_SHORT = 2;
export const RWH_WRITE_LIFE_MEDIUM = 3;
export const RWH_WRITE_LIFE_LONG = 4;
export const RWH_WRITE_LIFE_EXTREME = 5;
export const RWF_WRITE_LIFE_NOT_SET = RWH_WRITE_LIFE_NOT_SET;

// dnotify
export const DN_ACCESS = 0x00000001;
export const DN_MODIFY = 0x00000002;
export const DN_CREATE = 0x00000004;
export const DN_DELETE = 0x00000008;
export const DN_RENAME = 0x00000010;
export const DN_ATTRIB = 0x00000020;
export const DN_MULTISHOT = 0x80000000;

// *at flags
export const AT_FDCWD = -100;
export const AT_SYMLINK_NOFOLLOW = 0x100;
export const AT_EACCESS = 0x200;
export const AT_REMOVEDIR = 0x200;
export const AT_SYMLINK_FOLLOW = 0x400;
export const AT_NO_AUTOMOUNT = 0x800;
export const AT_EMPTY_PATH = 0x1000;
export const AT_STATX_SYNC_TYPE = 0x6000;
export const AT_STATX_SYNC_AS_STAT = 0x0000;
export const AT_STATX_FORCE_SYNC = 0x2000;
export const AT_STATX_DONT_SYNC = 0x4000;
export const AT_RECURSIVE = 0x8000;

// Newer than the headers of Linux 6.1.
export const F_SEAL_EXEC = 0x0020;
export const F_DUPFD_QUERY = 0x403;
export const F_CREATED_QUERY = 0x404;
export const AT_HANDLE_FID = 0x200;
export const AT_HANDLE_MNT_ID_UNIQUE = 0x001;
export const AT_HANDLE_CONNECTABLE = 0x002;
export const AT_EXECVE_CHECK = 0x10000;

// struct flock
export const FLOCK_SIZE = 32;
export const FLOCK_L_TYPE = 0;
export const FLOCK_L_WHENCE = 2;
export const FLOCK_L_START = 8;
export const FLOCK_L_LEN = 16;
export const FLOCK_L_PID = 24;
export const FLOCK_LAYOUT = /* @__PURE__ */ struct('struct flock', FLOCK_SIZE, {
  l_type: i16(FLOCK_L_TYPE),
  l_whence: i16(FLOCK_L_WHENCE),
  l_start: i64(FLOCK_L_START),
  l_len: i64(FLOCK_L_LEN),
  l_pid: i32(FLOCK_L_PID),
});

// struct f_owner_ex
export const F_OWNER_EX_SIZE = 8;
export const F_OWNER_EX_TYPE = 0;
export const F_OWNER_EX_PID = 4;
export const F_OWNER_EX_LAYOUT = /* @__PURE__ */ struct('struct f_owner_ex', F_OWNER_EX_SIZE, {
  type: i32(F_OWNER_EX_TYPE),
  pid: i32(F_OWNER_EX_PID),
});

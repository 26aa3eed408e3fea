// File types, mode bits and statx(2) masks (inode(7), stat(2), statx(2)).
import { i64, struct, u16, u32, u64 } from './layout.js';

export const S_IFMT = 0o170000;
export const S_IFSOCK = 0o140000;
export const S_IFLNK = 0o120000;
export const S_IFREG = 0o100000;
export const S_IFBLK = 0o60000;
export const S_IFDIR = 0o40000;
export const S_IFCHR = 0o20000;
export const S_IFIFO = 0o10000;
export const S_ISUID = 0o4000;
export const S_ISGID = 0o2000;
export const S_ISVTX = 0o1000;
export const S_IRWXU = 0o700;
export const S_IRUSR = 0o400;
export const S_IWUSR = 0o200;
export const S_IXUSR = 0o100;
export const S_IRWXG = 0o70;
export const S_IRGRP = 0o40;
export const S_IWGRP = 0o20;
export const S_IXGRP = 0o10;
export const S_IRWXO = 0o7;
export const S_IROTH = 0o4;
export const S_IWOTH = 0o2;
export const S_IXOTH = 0o1;

// statx: which fields
export const STATX_TYPE = 0x00000001;
export const STATX_MODE = 0x00000002;
export const STATX_NLINK = 0x00000004;
export const STATX_UID = 0x00000008;
export const STATX_GID = 0x00000010;
export const STATX_ATIME = 0x00000020;
export const STATX_MTIME = 0x00000040;
export const STATX_CTIME = 0x00000080;
export const STATX_INO = 0x00000100;
export const STATX_SIZE = 0x00000200;
export const STATX_BLOCKS = 0x00000400;
export const STATX_BASIC_STATS = 0x000007ff;
export const STATX_BTIME = 0x00000800;
export const STATX_MNT_ID = 0x00001000;
export const STATX_DIOALIGN = 0x00002000;
export const STATX_ALL = 0x00000fff;

// statx attributes
export const STATX_ATTR_COMPRESSED = 0x00000004;
export const STATX_ATTR_IMMUTABLE = 0x00000010;
export const STATX_ATTR_APPEND = 0x00000020;
export const STATX_ATTR_NODUMP = 0x00000040;
export const STATX_ATTR_ENCRYPTED = 0x00000800;
export const STATX_ATTR_AUTOMOUNT = 0x00001000;
export const STATX_ATTR_MOUNT_ROOT = 0x00002000;
export const STATX_ATTR_VERITY = 0x00100000;
export const STATX_ATTR_DAX = 0x00200000;

// Newer than the headers of Linux 6.1.
export const STATX_MNT_ID_UNIQUE = 0x00004000;
export const STATX_SUBVOL = 0x00008000;
export const STATX_WRITE_ATOMIC = 0x00010000;
export const STATX_DIO_READ_ALIGN = 0x00020000;
export const STATX_ATTR_WRITE_ATOMIC = 0x00400000;

// struct stat
export const STAT_SIZE = 144;
export const STAT_ST_DEV = 0;
export const STAT_ST_INO = 8;
export const STAT_ST_NLINK = 16;
export const STAT_ST_MODE = 24;
export const STAT_ST_UID = 28;
export const STAT_ST_GID = 32;
export const STAT_ST_RDEV = 40;
export const STAT_ST_SIZE = 48;
export const STAT_ST_BLKSIZE = 56;
export const STAT_ST_BLOCKS = 64;
export const STAT_ST_ATIME = 72;
export const STAT_ST_ATIME_NSEC = 80;
export const STAT_ST_MTIME = 88;
export const STAT_ST_MTIME_NSEC = 96;
export const STAT_ST_CTIME = 104;
export const STAT_ST_CTIME_NSEC = 112;
export const STAT_LAYOUT = /* @__PURE__ */ struct('struct stat', STAT_SIZE, {
  st_dev: u64(STAT_ST_DEV),
  st_ino: u64(STAT_ST_INO),
  st_nlink: u64(STAT_ST_NLINK),
  st_mode: u32(STAT_ST_MODE),
  st_uid: u32(STAT_ST_UID),
  st_gid: u32(STAT_ST_GID),
  st_rdev: u64(STAT_ST_RDEV),
  st_size: i64(STAT_ST_SIZE),
  st_blksize: i64(STAT_ST_BLKSIZE),
  st_blocks: i64(STAT_ST_BLOCKS),
  st_atime: u64(STAT_ST_ATIME),
  st_atime_nsec: u64(STAT_ST_ATIME_NSEC),
  st_mtime: u64(STAT_ST_MTIME),
  st_mtime_nsec: u64(STAT_ST_MTIME_NSEC),
  st_ctime: u64(STAT_ST_CTIME),
  st_ctime_nsec: u64(STAT_ST_CTIME_NSEC),
});

// struct statx
export const STATX_STRUCT_SIZE = 256;
export const STATX_STX_MASK = 0;
export const STATX_STX_BLKSIZE = 4;
export const STATX_STX_ATTRIBUTES = 8;
export const STATX_STX_NLINK = 16;
export const STATX_STX_UID = 20;
export const STATX_STX_GID = 24;
export const STATX_STX_MODE = 28;
export const STATX_STX_INO = 32;
export const STATX_STX_SIZE = 40;
export const STATX_STX_BLOCKS = 48;
export const STATX_STX_ATTRIBUTES_MASK = 56;
export const STATX_STX_ATIME_TV_SEC = 64;
export const STATX_STX_ATIME_TV_NSEC = 72;
export const STATX_STX_BTIME_TV_SEC = 80;
export const STATX_STX_BTIME_TV_NSEC = 88;
export const STATX_STX_CTIME_TV_SEC = 96;
export const STATX_STX_CTIME_TV_NSEC = 104;
export const STATX_STX_MTIME_TV_SEC = 112;
export const STATX_STX_MTIME_TV_NSEC = 120;
export const STATX_STX_RDEV_MAJOR = 128;
export const STATX_STX_RDEV_MINOR = 132;
export const STATX_STX_DEV_MAJOR = 136;
export const STATX_STX_DEV_MINOR = 140;
export const STATX_STX_MNT_ID = 144;
export const STATX_STX_DIO_MEM_ALIGN = 152;
export const STATX_STX_DIO_OFFSET_ALIGN = 156;
export const STATX_LAYOUT = /* @__PURE__ */ struct('struct statx', STATX_STRUCT_SIZE, {
  stx_mask: u32(STATX_STX_MASK),
  stx_blksize: u32(STATX_STX_BLKSIZE),
  stx_attributes: u64(STATX_STX_ATTRIBUTES),
  stx_nlink: u32(STATX_STX_NLINK),
  stx_uid: u32(STATX_STX_UID),
  stx_gid: u32(STATX_STX_GID),
  stx_mode: u16(STATX_STX_MODE),
  stx_ino: u64(STATX_STX_INO),
  stx_size: u64(STATX_STX_SIZE),
  stx_blocks: u64(STATX_STX_BLOCKS),
  stx_attributes_mask: u64(STATX_STX_ATTRIBUTES_MASK),
  'stx_atime.tv_sec': i64(STATX_STX_ATIME_TV_SEC),
  'stx_atime.tv_nsec': u32(STATX_STX_ATIME_TV_NSEC),
  'stx_btime.tv_sec': i64(STATX_STX_BTIME_TV_SEC),
  'stx_btime.tv_nsec': u32(STATX_STX_BTIME_TV_NSEC),
  'stx_ctime.tv_sec': i64(STATX_STX_CTIME_TV_SEC),
  'stx_ctime.tv_nsec': u32(STATX_STX_CTIME_TV_NSEC),
  'stx_mtime.tv_sec': i64(STATX_STX_MTIME_TV_SEC),
  'stx_mtime.tv_nsec': u32(STATX_STX_MTIME_TV_NSEC),
  stx_rdev_major: u32(STATX_STX_RDEV_MAJOR),
  stx_rdev_minor: u32(STATX_STX_RDEV_MINOR),
  stx_dev_major: u32(STATX_STX_DEV_MAJOR),
  stx_dev_minor: u32(STATX_STX_DEV_MINOR),
  stx_mnt_id: u64(STATX_STX_MNT_ID),
  stx_dio_mem_align: u32(STATX_STX_DIO_MEM_ALIGN),
  stx_dio_offset_align: u32(STATX_STX_DIO_OFFSET_ALIGN),
});

// struct statx_timestamp
export const STATX_TIMESTAMP_SIZE = 16;
export const STATX_TIMESTAMP_TV_SEC = 0;
export const STATX_TIMESTAMP_TV_NSEC = 8;
export const STATX_TIMESTAMP_LAYOUT = /* @__PURE__ */ struct('struct statx_timestamp', STATX_TIMESTAMP_SIZE, {
  tv_sec: i64(STATX_TIMESTAMP_TV_SEC),
  tv_nsec: u32(STATX_TIMESTAMP_TV_NSEC),
});

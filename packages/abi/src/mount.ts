// mount(2), umount2(2) and the descriptor-based calls: fsopen, fsconfig, fsmount, move_mount, open_tree, mount_setattr, statmount, listmount.
import { struct, u64 } from './layout.js';

// mount flags
export const MS_RDONLY = 1;
export const MS_NOSUID = 2;
export const MS_NODEV = 4;
export const MS_NOEXEC = 8;
export const MS_SYNCHRONOUS = 16;
export const MS_REMOUNT = 32;
export const MS_MANDLOCK = 64;
export const MS_DIRSYNC = 128;
export const MS_NOSYMFOLLOW = 256;
export const MS_NOATIME = 1024;
export const MS_NODIRATIME = 2048;
export const MS_BIND = 4096;
export const MS_MOVE = 8192;
export const MS_REC = 16384;
export const MS_VERBOSE = 32768;
export const MS_SILENT = 32768;
export const MS_POSIXACL = 1 << 16;
export const MS_UNBINDABLE = 1 << 17;
export const MS_PRIVATE = 1 << 18;
export const MS_SLAVE = 1 << 19;
export const MS_SHARED = 1 << 20;
export const MS_RELATIME = 1 << 21;
export const MS_KERNMOUNT = 1 << 22;
export const MS_I_VERSION = 1 << 23;
export const MS_STRICTATIME = 1 << 24;
export const MS_LAZYTIME = 1 << 25;
export const MS_SUBMOUNT = 1 << 26;
export const MS_NOREMOTELOCK = 1 << 27;
export const MS_NOSEC = 1 << 28;
export const MS_BORN = 1 << 29;
export const MS_ACTIVE = 1 << 30;
export const MS_NOUSER = 1 << 31;
export const MS_RMT_MASK = MS_RDONLY | MS_SYNCHRONOUS | MS_MANDLOCK | MS_I_VERSION | MS_LAZYTIME;
export const MS_MGC_VAL = 0xc0ed0000;
export const MS_MGC_MSK = 0xffff0000;

// open_tree, move_mount, fsopen
export const OPEN_TREE_CLONE = 1;
export const MOVE_MOUNT_F_SYMLINKS = 0x00000001;
export const MOVE_MOUNT_F_AUTOMOUNTS = 0x00000002;
export const MOVE_MOUNT_F_EMPTY_PATH = 0x00000004;
export const MOVE_MOUNT_T_SYMLINKS = 0x00000010;
export const MOVE_MOUNT_T_AUTOMOUNTS = 0x00000020;
export const MOVE_MOUNT_T_EMPTY_PATH = 0x00000040;
export const MOVE_MOUNT_SET_GROUP = 0x00000100;
export const MOVE_MOUNT__MASK = 0x00000177;
export const FSOPEN_CLOEXEC = 0x00000001;
export const FSPICK_CLOEXEC = 0x00000001;
export const FSPICK_SYMLINK_NOFOLLOW = 0x00000002;
export const FSPICK_NO_AUTOMOUNT = 0x00000004;
export const FSPICK_EMPTY_PATH = 0x00000008;
export const FSCONFIG_SET_FLAG = 0;
export const FSCONFIG_SET_STRING = 1;
export const FSCONFIG_SET_BINARY = 2;
export const FSCONFIG_SET_PATH = 3;
export const FSCONFIG_SET_PATH_EMPTY = 4;
export const FSCONFIG_SET_FD = 5;
export const FSCONFIG_CMD_CREATE = 6;
export const FSCONFIG_CMD_RECONFIGURE = 7;
export const FSMOUNT_CLOEXEC = 0x00000001;

// mount attributes
export const MOUNT_ATTR_RDONLY = 0x00000001;
export const MOUNT_ATTR_NOSUID = 0x00000002;
export const MOUNT_ATTR_NODEV = 0x00000004;
export const MOUNT_ATTR_NOEXEC = 0x00000008;
export const MOUNT_ATTR__ATIME = 0x00000070;
export const MOUNT_ATTR_RELATIME = 0x00000000;
export const MOUNT_ATTR_NOATIME = 0x00000010;
export const MOUNT_ATTR_STRICTATIME = 0x00000020;
export const MOUNT_ATTR_NODIRATIME = 0x00000080;
export const MOUNT_ATTR_IDMAP = 0x00100000;
export const MOUNT_ATTR_NOSYMFOLLOW = 0x00200000;
export const MOUNT_ATTR_SIZE_VER0 = 32;

// openat2
export const RESOLVE_NO_XDEV = 0x01;
export const RESOLVE_NO_MAGICLINKS = 0x02;
export const RESOLVE_NO_SYMLINKS = 0x04;
export const RESOLVE_BENEATH = 0x08;
export const RESOLVE_IN_ROOT = 0x10;
export const RESOLVE_CACHED = 0x20;

// umount2 flags (sys/mount.h) and the swap flags of old.
export const MNT_FORCE = 1;
export const MNT_DETACH = 2;
export const MNT_EXPIRE = 4;
export const UMOUNT_NOFOLLOW = 8;
export const OPEN_TREE_CLOEXEC = 0o2000000;

// Newer than the headers of Linux 6.1.
export const FSCONFIG_CMD_CREATE_EXCL = 8;
export const MOVE_MOUNT_BENEATH = 0x00000200;
export const STATMOUNT_SB_BASIC = 0x00000001;
export const STATMOUNT_MNT_BASIC = 0x00000002;
export const STATMOUNT_PROPAGATE_FROM = 0x00000004;
export const STATMOUNT_MNT_ROOT = 0x00000008;
export const STATMOUNT_MNT_POINT = 0x00000010;
export const STATMOUNT_FS_TYPE = 0x00000020;
export const STATMOUNT_MNT_NS_ID = 0x00000040;
export const STATMOUNT_MNT_OPTS = 0x00000080;
export const STATMOUNT_FS_SUBTYPE = 0x00000100;
export const STATMOUNT_SB_SOURCE = 0x00000200;
export const STATMOUNT_SUPPORTED_MASK = 0x00001000;
export const LISTMOUNT_REVERSE = 1;

// struct open_how
export const OPEN_HOW_SIZE = 24;
export const OPEN_HOW_FLAGS = 0;
export const OPEN_HOW_MODE = 8;
export const OPEN_HOW_LAYOUT = /* @__PURE__ */ struct('struct open_how', OPEN_HOW_SIZE, {
  flags: u64(OPEN_HOW_FLAGS),
  mode: u64(OPEN_HOW_MODE),
});

// struct mount_attr
export const MOUNT_ATTR_SIZE = 32;
export const MOUNT_ATTR_ATTR_SET = 0;
export const MOUNT_ATTR_ATTR_CLR = 8;
export const MOUNT_ATTR_PROPAGATION = 16;
export const MOUNT_ATTR_USERNS_FD = 24;
export const MOUNT_ATTR_LAYOUT = /* @__PURE__ */ struct('struct mount_attr', MOUNT_ATTR_SIZE, {
  attr_set: u64(MOUNT_ATTR_ATTR_SET),
  attr_clr: u64(MOUNT_ATTR_ATTR_CLR),
  propagation: u64(MOUNT_ATTR_PROPAGATION),
  userns_fd: u64(MOUNT_ATTR_USERNS_FD),
});

// capabilities(7), capget(2), securebits.
import { i32, struct, u32 } from './layout.js';

// capabilities
export const CAP_CHOWN = 0;
export const CAP_DAC_OVERRIDE = 1;
export const CAP_DAC_READ_SEARCH = 2;
export const CAP_FOWNER = 3;
export const CAP_FSETID = 4;
export const CAP_KILL = 5;
export const CAP_SETGID = 6;
export const CAP_SETUID = 7;
export const CAP_SETPCAP = 8;
export const CAP_LINUX_IMMUTABLE = 9;
export const CAP_NET_BIND_SERVICE = 10;
export const CAP_NET_BROADCAST = 11;
export const CAP_NET_ADMIN = 12;
export const CAP_NET_RAW = 13;
export const CAP_IPC_LOCK = 14;
export const CAP_IPC_OWNER = 15;
export const CAP_SYS_MODULE = 16;
export const CAP_SYS_RAWIO = 17;
export const CAP_SYS_CHROOT = 18;
export const CAP_SYS_PTRACE = 19;
export const CAP_SYS_PACCT = 20;
export const CAP_SYS_ADMIN = 21;
export const CAP_SYS_BOOT = 22;
export const CAP_SYS_NICE = 23;
export const CAP_SYS_RESOURCE = 24;
export const CAP_SYS_TIME = 25;
export const CAP_SYS_TTY_CONFIG = 26;
export const CAP_MKNOD = 27;
export const CAP_LEASE = 28;
export const CAP_AUDIT_WRITE = 29;
export const CAP_AUDIT_CONTROL = 30;
export const CAP_SETFCAP = 31;
export const CAP_MAC_OVERRIDE = 32;
export const CAP_MAC_ADMIN = 33;
export const CAP_SYSLOG = 34;
export const CAP_WAKE_ALARM = 35;
export const CAP_BLOCK_SUSPEND = 36;
export const CAP_AUDIT_READ = 37;
export const CAP_PERFMON = 38;
export const CAP_BPF = 39;
export const CAP_CHECKPOINT_RESTORE = 40;
export const CAP_LAST_CAP = CAP_CHECKPOINT_RESTORE;

// xattr security.capability
export const VFS_CAP_REVISION_MASK = 0xff000000;
export const VFS_CAP_REVISION_SHIFT = 24;
export const VFS_CAP_FLAGS_MASK = 0xffffff;
export const VFS_CAP_FLAGS_EFFECTIVE = 0x000001;
export const VFS_CAP_REVISION_1 = 0x01000000;
export const VFS_CAP_U32_1 = 1;
export const XATTR_CAPS_SZ_1 = 12;
export const VFS_CAP_REVISION_2 = 0x02000000;
export const VFS_CAP_U32_2 = 2;
export const XATTR_CAPS_SZ_2 = 20;
export const VFS_CAP_REVISION_3 = 0x03000000;
export const VFS_CAP_U32_3 = 2;
export const XATTR_CAPS_SZ_3 = 24;
export const XATTR_CAPS_SZ = XATTR_CAPS_SZ_3;
export const VFS_CAP_U32 = VFS_CAP_U32_3;
export const VFS_CAP_REVISION = VFS_CAP_REVISION_3;

// securebits
export const SECUREBITS_DEFAULT = 0x00000000;
export const SECURE_NOROOT = 0;
export const SECURE_NOROOT_LOCKED = 1;
export const SECBIT_NOROOT = 1;
export const SECBIT_NOROOT_LOCKED = 2;
export const SECURE_NO_SETUID_FIXUP = 2;
export const SECURE_NO_SETUID_FIXUP_LOCKED = 3;
export const SECBIT_NO_SETUID_FIXUP = 4;
export const SECBIT_NO_SETUID_FIXUP_LOCKED = 8;
export const SECURE_KEEP_CAPS = 4;
export const SECURE_KEEP_CAPS_LOCKED = 5;
export const SECBIT_KEEP_CAPS = 16;
export const SECBIT_KEEP_CAPS_LOCKED = 32;
export const SECURE_NO_CAP_AMBIENT_RAISE = 6;
export const SECURE_NO_CAP_AMBIENT_RAISE_LOCKED = 7;
export const SECBIT_NO_CAP_AMBIENT_RAISE = 64;
export const SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED = 128;

// Versions of the capget(2) header.
export const _LINUX_CAPABILITY_VERSION_1 = 0x19980330;
export const _LINUX_CAPABILITY_U32S_1 = 1;
export const _LINUX_CAPABILITY_VERSION_2 = 0x20071026;
export const _LINUX_CAPABILITY_U32S_2 = 2;
export const _LINUX_CAPABILITY_VERSION_3 = 0x20080522;
export const _LINUX_CAPABILITY_U32S_3 = 2;

// struct __user_cap_header_struct
export const CAP_USER_HEADER_SIZE = 8;
export const CAP_USER_HEADER_VERSION = 0;
export const CAP_USER_HEADER_PID = 4;
export const CAP_USER_HEADER_LAYOUT = /* @__PURE__ */ struct(
  'struct __user_cap_header_struct',
  CAP_USER_HEADER_SIZE,
  {
    version: u32(CAP_USER_HEADER_VERSION),
    pid: i32(CAP_USER_HEADER_PID),
  },
);

// struct __user_cap_data_struct
export const CAP_USER_DATA_SIZE = 12;
export const CAP_USER_DATA_EFFECTIVE = 0;
export const CAP_USER_DATA_PERMITTED = 4;
export const CAP_USER_DATA_INHERITABLE = 8;
export const CAP_USER_DATA_LAYOUT = /* @__PURE__ */ struct(
  'struct __user_cap_data_struct',
  CAP_USER_DATA_SIZE,
  {
    effective: u32(CAP_USER_DATA_EFFECTIVE),
    permitted: u32(CAP_USER_DATA_PERMITTED),
    inheritable: u32(CAP_USER_DATA_INHERITABLE),
  },
);

// struct vfs_cap_data
export const VFS_CAP_DATA_SIZE = 20;
export const VFS_CAP_DATA_MAGIC_ETC = 0;
export const VFS_CAP_DATA_LAYOUT = /* @__PURE__ */ struct('struct vfs_cap_data', VFS_CAP_DATA_SIZE, {
  magic_etc: u32(VFS_CAP_DATA_MAGIC_ETC),
});

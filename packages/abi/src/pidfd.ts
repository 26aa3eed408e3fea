// pidfd_open(2), pidfd_send_signal(2).

export const PIDFD_NONBLOCK = 0x800;

// Newer than the headers of Linux 6.1.
export const PIDFD_THREAD = 0o200;
export const PIDFD_SIGNAL_THREAD = 1;
export const PIDFD_SIGNAL_THREAD_GROUP = 2;
export const PIDFD_SIGNAL_PROCESS_GROUP = 4;

/** In place of a descriptor: the calling thread, the calling process. */
export const PIDFD_SELF_THREAD = -10000;
export const PIDFD_SELF_THREAD_GROUP = -10001;

// PIDFD_GET_INFO without the size of struct pidfd_info, of which there are several; and fields of that.
export const PIDFD_GET_INFO = 0xc000ff0b;
export const PIDFD_INFO_PID = 1;
export const PIDFD_INFO_CREDS = 2;
export const PIDFD_INFO_CGROUPID = 4;
export const PIDFD_INFO_EXIT = 8;
export const PIDFD_INFO_SIZE_VER0 = 64;
export const PIDFD_INFO_CGROUPID_FIELD = 8;
/** pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid: u32 each. */
export const PIDFD_INFO_PID_FIELD = 16;
export const PIDFD_INFO_EXIT_CODE = 60;

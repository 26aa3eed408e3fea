// pidfd_open(2), pidfd_send_signal(2).

export const PIDFD_NONBLOCK = 0x800;

// Newer than the headers of Linux 6.1.
export const PIDFD_THREAD = 0o200;
export const PIDFD_SIGNAL_THREAD = 1;
export const PIDFD_SIGNAL_THREAD_GROUP = 2;
export const PIDFD_SIGNAL_PROCESS_GROUP = 4;

// epoll_create1(2), epoll_ctl(2), eventfd(2), signalfd(2), timerfd_create(2) flags.
// EPOLLET and EPOLLEXCLUSIVE sit above bit 27; test bits with `!== 0`, since `&` gives a signed number.
import { i32, struct, u16, u32, u64 } from './layout.js';

// epoll
export const EPOLL_CLOEXEC = 0x80000;
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_CTL_MOD = 3;
export const EPOLLIN = 1;
export const EPOLLPRI = 2;
export const EPOLLOUT = 4;
export const EPOLLERR = 8;
export const EPOLLHUP = 16;
export const EPOLLNVAL = 32;
export const EPOLLRDNORM = 64;
export const EPOLLRDBAND = 128;
export const EPOLLWRNORM = 0x100;
export const EPOLLWRBAND = 0x200;
export const EPOLLMSG = 0x400;
export const EPOLLRDHUP = 0x2000;
export const EPOLL_URING_WAKE = 0x8000000;
export const EPOLLEXCLUSIVE = 0x10000000;
export const EPOLLWAKEUP = 0x20000000;
export const EPOLLONESHOT = 0x40000000;
export const EPOLLET = 0x80000000;

// eventfd
export const EFD_SEMAPHORE = 1;
export const EFD_CLOEXEC = 0x80000;
export const EFD_NONBLOCK = 0x800;

// timerfd
export const TFD_TIMER_ABSTIME = 1 << 0;
export const TFD_TIMER_CANCEL_ON_SET = 1 << 1;
export const TFD_CLOEXEC = 0x80000;
export const TFD_NONBLOCK = 0x800;
export const TFD_IOC_SET_TICKS = 0x40085400;

// signalfd
export const SFD_CLOEXEC = 0x80000;
export const SFD_NONBLOCK = 0x800;

// Newer than the headers of Linux 6.1.
export const EPIOCSPARAMS = 0x40088a01;
export const EPIOCGPARAMS = 0x80088a02;

// struct epoll_event
export const EPOLL_EVENT_SIZE = 12;
export const EPOLL_EVENT_EVENTS = 0;
export const EPOLL_EVENT_DATA = 4;
export const EPOLL_EVENT_LAYOUT = /* @__PURE__ */ struct('struct epoll_event', EPOLL_EVENT_SIZE, {
  events: u32(EPOLL_EVENT_EVENTS),
  data: u64(EPOLL_EVENT_DATA),
});

// struct signalfd_siginfo
export const SIGNALFD_SIGINFO_SIZE = 128;
export const SIGNALFD_SIGINFO_SSI_SIGNO = 0;
export const SIGNALFD_SIGINFO_SSI_ERRNO = 4;
export const SIGNALFD_SIGINFO_SSI_CODE = 8;
export const SIGNALFD_SIGINFO_SSI_PID = 12;
export const SIGNALFD_SIGINFO_SSI_UID = 16;
export const SIGNALFD_SIGINFO_SSI_FD = 20;
export const SIGNALFD_SIGINFO_SSI_TID = 24;
export const SIGNALFD_SIGINFO_SSI_BAND = 28;
export const SIGNALFD_SIGINFO_SSI_OVERRUN = 32;
export const SIGNALFD_SIGINFO_SSI_TRAPNO = 36;
export const SIGNALFD_SIGINFO_SSI_STATUS = 40;
export const SIGNALFD_SIGINFO_SSI_INT = 44;
export const SIGNALFD_SIGINFO_SSI_PTR = 48;
export const SIGNALFD_SIGINFO_SSI_UTIME = 56;
export const SIGNALFD_SIGINFO_SSI_STIME = 64;
export const SIGNALFD_SIGINFO_SSI_ADDR = 72;
export const SIGNALFD_SIGINFO_SSI_ADDR_LSB = 80;
export const SIGNALFD_SIGINFO_SSI_SYSCALL = 84;
export const SIGNALFD_SIGINFO_SSI_CALL_ADDR = 88;
export const SIGNALFD_SIGINFO_SSI_ARCH = 96;
export const SIGNALFD_SIGINFO_LAYOUT = /* @__PURE__ */ struct(
  'struct signalfd_siginfo',
  SIGNALFD_SIGINFO_SIZE,
  {
    ssi_signo: u32(SIGNALFD_SIGINFO_SSI_SIGNO),
    ssi_errno: i32(SIGNALFD_SIGINFO_SSI_ERRNO),
    ssi_code: i32(SIGNALFD_SIGINFO_SSI_CODE),
    ssi_pid: u32(SIGNALFD_SIGINFO_SSI_PID),
    ssi_uid: u32(SIGNALFD_SIGINFO_SSI_UID),
    ssi_fd: i32(SIGNALFD_SIGINFO_SSI_FD),
    ssi_tid: u32(SIGNALFD_SIGINFO_SSI_TID),
    ssi_band: u32(SIGNALFD_SIGINFO_SSI_BAND),
    ssi_overrun: u32(SIGNALFD_SIGINFO_SSI_OVERRUN),
    ssi_trapno: u32(SIGNALFD_SIGINFO_SSI_TRAPNO),
    ssi_status: i32(SIGNALFD_SIGINFO_SSI_STATUS),
    ssi_int: i32(SIGNALFD_SIGINFO_SSI_INT),
    ssi_ptr: u64(SIGNALFD_SIGINFO_SSI_PTR),
    ssi_utime: u64(SIGNALFD_SIGINFO_SSI_UTIME),
    ssi_stime: u64(SIGNALFD_SIGINFO_SSI_STIME),
    ssi_addr: u64(SIGNALFD_SIGINFO_SSI_ADDR),
    ssi_addr_lsb: u16(SIGNALFD_SIGINFO_SSI_ADDR_LSB),
    ssi_syscall: i32(SIGNALFD_SIGINFO_SSI_SYSCALL),
    ssi_call_addr: u64(SIGNALFD_SIGINFO_SSI_CALL_ADDR),
    ssi_arch: u32(SIGNALFD_SIGINFO_SSI_ARCH),
  },
);

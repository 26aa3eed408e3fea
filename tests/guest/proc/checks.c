// In which order calls look at their arguments: each line has more than one thing wrong with it.
// guest: linux 6.18
#include "../guest.h"
#include <linux/capability.h>
#include <linux/futex.h>
#include <linux/keyctl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

// Volatile, so that the compiler does not know better.
static void *volatile bad = (void *)8;
static void *volatile beyond = (void *)(1UL << 47);

static void limits(void) {
  CHECK(syscall(SYS_prlimit64, -5, 1000, bad, NULL));
  CHECK(syscall(SYS_prlimit64, -5, 1000, NULL, bad));
  CHECK(syscall(SYS_prlimit64, 0, 1000, NULL, bad));
  CHECK(syscall(SYS_setrlimit, 1000, bad));
  CHECK(syscall(SYS_getrlimit, 1000, bad));
  CHECK(syscall(SYS_getrlimit, RLIMIT_FSIZE, NULL));
  // Set, although what it was can't be told.
  struct rlimit old, small = {1 << 20, 1 << 20};
  IN_CHILD("limit", CHECK(syscall(SYS_prlimit64, 0, RLIMIT_FSIZE, &small, bad)); getrlimit(RLIMIT_FSIZE, &old); printf("%d\n", (int)old.rlim_cur));
  unsigned long set[16];
  CHECK(syscall(SYS_sched_getaffinity, -1, 0x80000000, bad));
  CHECK(syscall(SYS_sched_getaffinity, -1, 7, bad));
  CHECK(syscall(SYS_sched_getaffinity, 0, 128, set) > 0);
  struct __user_cap_header_struct *edge = (void *)(map_before_hole(1) + PAGE - 4);
  edge->version = 77;
  CHECK(syscall(SYS_capget, edge, bad));
  TRUE(edge->version == _LINUX_CAPABILITY_VERSION_3);
  CHECK(syscall(SYS_capget, edge, bad));
  CHECK(syscall(SYS_capget, edge, NULL));
  struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 999999};
  CHECK(syscall(SYS_capget, &head, NULL));
  CHECK(syscall(SYS_ioprio_set, 1, -1, 0x80000000));
}

static void waits(void) {
  siginfo_t info;
  memset(&info, 0x55, sizeof info);
  CHECK(syscall(SYS_waitid, P_ALL, 0, &info, WEXITED, NULL));
  printf("%d %d %d %d\n", info.si_signo, info.si_errno, info.si_code, info.si_pid);
  memset(&info, 0x55, sizeof info);
  CHECK(syscall(SYS_waitid, 77, 0, &info, WEXITED, NULL));
  printf("%d %d %d %d\n", info.si_signo, info.si_errno, info.si_code, info.si_pid);
  CHECK(syscall(SYS_waitid, 77, 0, bad, 0, NULL));
  CHECK(syscall(SYS_waitid, P_ALL, 0, NULL, WEXITED, bad));
  CHECK(syscall(SYS_wait4, -1, bad, 0x55555, bad));
}

static void programs(void) {
  char *none[] = {NULL}, *wrong[] = {(char *)8, NULL};
  CHECK(syscall(SYS_execve, "/nonexistent", wrong, none));
  CHECK(syscall(SYS_execve, "/dev/null", bad, none));
  CHECK(syscall(SYS_execve, "/", bad, bad));
  CHECK(syscall(SYS_execve, "/proc/self/exe", wrong, none));
  CHECK(syscall(SYS_execve, "/proc/self/exe", none, wrong));
  CHECK(syscall(SYS_execve, "", bad, none));
  CHECK(syscall(SYS_execve, bad, bad, none));
  CHECK(syscall(SYS_execveat, 1000, "x", bad, none, 0));
  CHECK(syscall(SYS_execveat, 1000, "x", bad, none, 0xffff));
  CHECK(syscall(SYS_execveat, 1000, "", bad, none, 0xfff));
  CHECK(syscall(SYS_execveat, 1000, bad, bad, none, 0xffff));
  CHECK(syscall(SYS_execveat, 1000, "", bad, none, AT_EMPTY_PATH));
}

static void signals(void) {
  siginfo_t info;
  CHECK(kill(999999, 65));
  CHECK(kill(-999999, -1));
  CHECK(kill(getpid(), 65));
  CHECK(kill(0, 65));
  CHECK(syscall(SYS_tgkill, getpid(), 999999, 65));
  CHECK(syscall(SYS_tgkill, 0, 0, 65));
  CHECK(syscall(SYS_tkill, 999999, 65));
  CHECK(syscall(SYS_rt_tgsigqueueinfo, 0, 0, 0, bad));
  static const int signals[] = {0, SIGCHLD, SIGSEGV, SIGUSR1, SIGTRAP, SIGSYS, SIGIO, 65};
  static const int codes[] = {-1, -6, -7, -8, -60, -61, 1, 2, 3, 6, 7, 10, 11, 16, 128};
  for (int s = 0; s < 8; s++)
    for (int c = 0; c < 15; c++) {
      memset(&info, 0, sizeof info);
      info.si_code = codes[c];
      ((char *)&info)[127] = 1;
      printf("signal %d code %d ", signals[s], codes[c]);
      CHECK(syscall(SYS_rt_sigqueueinfo, 999999, signals[s], &info));
      memset(&info, 0, sizeof info);
      info.si_code = codes[c];
      ((char *)&info)[47] = 1;
      CHECK(syscall(SYS_rt_sigqueueinfo, 999999, signals[s], &info));
    }
}

static void descriptors(void) {
  siginfo_t info;
  int self = MUST(syscall(SYS_pidfd_open, getpid(), 0));
  memset(&info, 0, sizeof info);
  info.si_signo = SIGUSR1;
  info.si_code = -8;
  CHECK(syscall(SYS_pidfd_send_signal, self, SIGUSR2, &info, 0));
  ((char *)&info)[127] = 1;
  CHECK(syscall(SYS_pidfd_send_signal, self, SIGUSR2, &info, 0));
  CHECK(syscall(SYS_pidfd_send_signal, self, 65, NULL, 0));
  CHECK(syscall(SYS_pidfd_send_signal, self, 65, bad, 0));
  CHECK(syscall(SYS_pidfd_send_signal, 1000, 65, bad, 0x100));
  CHECK(syscall(SYS_pidfd_send_signal, 1000, 65, bad, 0));
  close(self);
}

static void readiness(void) {
  int epoll = MUST(epoll_create1(0)), path = MUST(open("/", O_PATH));
  CHECK(epoll_wait(epoll, beyond, 1, 0));
  CHECK(epoll_wait(epoll, bad, 1, 0));
  CHECK(epoll_wait(epoll, (void *)((1UL << 47) - 4096 - 11), 1, 0));
  struct timeval micros = {0, 1000000}, negative = {0, -1}, before = {-1, 0};
  fd_set set;
  FD_ZERO(&set);
  CHECK(select(0, NULL, NULL, NULL, &micros));
  CHECK(select(-1, NULL, NULL, NULL, &negative));
  CHECK(select(0, NULL, NULL, NULL, &before));
  CHECK(select(0, bad, NULL, NULL, &negative));
  FD_SET(path, &set);
  fd_set all = set;
  CHECK(select(path + 1, &set, &all, NULL, NULL));
  FD_SET(1000, &set);
  CHECK(select(1001, &set, NULL, NULL, &(struct timeval){0, 0}));
  struct timespec late = {0, 1000000000};
  CHECK(syscall(SYS_ppoll, NULL, 0, &late, NULL, 0));
  CHECK(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, bad, NULL));
  CHECK(syscall(SYS_clock_nanosleep, -1, 0, bad, NULL));
  CHECK(syscall(SYS_clock_nanosleep, -1, 0, &late, NULL));
  CHECK(syscall(SYS_clock_nanosleep, 99, 0, bad, NULL));
  for (int clock = 4; clock < 7; clock++) CHECK(syscall(SYS_timer_create, clock, NULL, bad));
  CHECK(syscall(SYS_timer_create, 99, NULL, bad));
  CHECK(syscall(SYS_timer_create, 99, bad, bad));
  CHECK(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, bad));
  int terminal = MUST(posix_openpt(O_RDWR | O_NOCTTY));
  CHECK(syscall(SYS_ioctl, terminal, 0x5410, bad));
  close(terminal);
  struct timespec none = {0, 0};
  CHECK(syscall(SYS_clock_nanosleep, -2, 0, &none, NULL));
  close(epoll);
  close(path);
}

static void others(void) {
  unsigned word = 0;
  struct timespec none = {0, 0};
  CHECK(syscall(SYS_futex, bad, FUTEX_LOCK_PI | FUTEX_CLOCK_REALTIME, 0, bad, NULL, 0));
  CHECK(syscall(SYS_futex, bad, FUTEX_LOCK_PI | FUTEX_CLOCK_REALTIME, 0, &none, NULL, 0));
  CHECK(syscall(SYS_futex, &word, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 0, &none, NULL, 0));
  CHECK(syscall(SYS_futex, &word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, bad, NULL, 0));
  CHECK(syscall(SYS_semop, -1, bad, 1));
  CHECK(syscall(SYS_semop, -1, bad, 0));
  CHECK(syscall(SYS_semop, -1, bad, 100000));
  CHECK(syscall(SYS_add_key, bad, "x", bad, 1UL << 20, 0));
  CHECK(syscall(SYS_add_key, bad, "x", bad, 1UL << 40, 0));
  CHECK(syscall(SYS_keyctl, KEYCTL_ASSUME_AUTHORITY, -1));
  CHECK(syscall(SYS_keyctl, KEYCTL_ASSUME_AUTHORITY, 0));
  CHECK(syscall(SYS_keyctl, KEYCTL_INSTANTIATE, 1, NULL, 0, 0));
  char text[8];
  struct iovec part = {text, 8};
  int fd = MUST(open("/dev/null", O_RDONLY));
  // A vector's length is an unsigned int.
  CHECK(syscall(SYS_readv, fd, &part, (1UL << 32) + 1));
  CHECK(syscall(SYS_readv, fd, &part, 1025));
  close(fd);
}

// Memory that isn't there is found out when there is something to copy.
static void nowhere(const char *name, int r, int w) {
  printf("%s\n", name);
  CHECK(read(r, bad, 16));
  CHECK(read(r, bad, 0));
  CHECK(read(r, beyond, 16));
  CHECK(write(w, bad, 4));
  CHECK(write(w, beyond, 4));
}

static void buffers(void) {
  int pair[2];
  static char block[65536];
  signal(SIGPIPE, SIG_IGN);
  MUST(pipe2(pair, O_NONBLOCK));
  nowhere("pipe", pair[0], pair[1]);
  MUST(write(pair[1], "abc", 3));
  nowhere("pipe with content", pair[0], pair[1]);
  while (write(pair[1], block, sizeof block) > 0) {
  }
  nowhere("full pipe", pair[0], pair[1]);
  close(pair[1]);
  while (read(pair[0], block, sizeof block) > 0) {
  }
  CHECK(read(pair[0], bad, 1));
  MUST(pipe2(pair, O_NONBLOCK));
  close(pair[0]);
  CHECK(write(pair[1], bad, 1));
  MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair));
  nowhere("stream", pair[0], pair[1]);
  MUST(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair));
  nowhere("datagrams", pair[0], pair[1]);
  int timer = MUST(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
  CHECK(read(timer, bad, 16));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  limits();
  waits();
  programs();
  signals();
  descriptors();
  readiness();
  others();
  buffers();
  return 0;
}

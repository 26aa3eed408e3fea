// Which edges, and which signals of O_ASYNC, each operation on a pipe or FIFO gives: edge-triggered epoll interests on every end, for a pipe that is
// empty, partly filled and full. What wakes nobody shows as an empty line.
#include "../guest.h"
#include <sys/epoll.h>

enum { READ_END, WRITE_END, BOTH_ENDS, ENDS };
static const char *const ends[] = {"r", "w", "rw"};
static const uint32_t masks[] = {0, EPOLLIN, EPOLLOUT, EPOLLIN | EPOLLOUT, EPOLLRDHUP};
static int fds[ENDS], epoll, other[2], file;
// Volatile, so that the compiler does not know better.
static void *volatile nowhere = (void *)1;
static volatile sig_atomic_t told[8];
static int told_codes[8];

static void on_signal(int number, siginfo_t *info, void *context) {
  (void)context;
  int end = number - SIGRTMIN;
  told[end]++;
  told_codes[end] = info->si_code;
}

static void show(const char *what, long result) {
  printf("  %s", what);
  if (result == -1) printf(" %s:", strerrorname_np(errno));
  else printf(" %ld:", result);
  struct epoll_event events[32];
  int seen[ENDS * 8] = {0};
  int n = epoll_wait(epoll, events, 32, 0);
  for (int i = 0; i < n; i++) seen[events[i].data.u32] = events[i].events | 0x10000;
  for (int i = 0; i < ENDS * 8; i++)
    if (seen[i]) printf(" %s/%x=%x", ends[i / 8], masks[i % 8], seen[i] & 0xffff);
  for (int i = 0; i < ENDS; i++)
    if (told[i]) printf(" signal(%s %d x%d)", ends[i], told_codes[i], told[i]);
  memset((void *)told, 0, sizeof told);
  printf("\n");
}

static void watch(int end) {
  if (fds[end] < 0) return;
  for (unsigned i = 0; i < sizeof masks / sizeof *masks; i++) {
    struct epoll_event event = {.events = masks[i] | EPOLLET, .data.u32 = end * 8 + i};
    int copy = MUST(dup(fds[end]));
    MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, copy, &event));
  }
  MUST(fcntl(fds[end], F_SETOWN, getpid()));
  MUST(fcntl(fds[end], F_SETSIG, SIGRTMIN + end));
  MUST(fcntl(fds[end], F_SETFL, O_ASYNC | fcntl(fds[end], F_GETFL)));
}

static char buffer[1 << 20];

// fill: bytes written in one go; slots of the pipe: 4.
static void set_up(bool fifo, int flags, long fill) {
  epoll = MUST(epoll_create1(0));
  fds[BOTH_ENDS] = -1;
  if (fifo) {
    unlink("fifo");
    MUST(mkfifo("fifo", 0600));
    fds[BOTH_ENDS] = MUST(open("fifo", O_RDWR | O_NONBLOCK | flags));
    fds[READ_END] = MUST(open("fifo", O_RDONLY | O_NONBLOCK));
    fds[WRITE_END] = MUST(open("fifo", O_WRONLY | O_NONBLOCK | flags));
  } else MUST(pipe2(fds, O_NONBLOCK | flags));
  MUST(fcntl(fds[WRITE_END], F_SETPIPE_SZ, 4 * PAGE));
  MUST(pipe2(other, O_NONBLOCK));
  MUST(write(other[1], buffer, 5000));
  for (long at = 0; at < fill;) {
    long n = write(fds[WRITE_END], buffer, fill - at);
    if (n <= 0) break;
    at += n;
  }
  file = MUST(open("file", O_RDWR | O_CREAT, 0600));
  MUST(ftruncate(file, 100000));
  for (int end = 0; end < ENDS; end++) watch(end);
}

// One after the other: what closefrom(2) lets go of first is nobody's business.
static void tear_down(void) {
  for (int fd = 3; fd < 40; fd++) close(fd);
  memset((void *)told, 0, sizeof told);
}

#define ACT(call) \
  do { \
    errno = 0; \
    long result_ = (call); \
    show(#call, result_); \
  } while (0)

static void act(int which) {
  int r = fds[READ_END], w = fds[WRITE_END], fd = -1;
  struct iovec part = {buffer, 5000}, none = {buffer, 0};
  off_t at = 0;
  switch (which) {
  case 0: ACT(read(r, buffer, 1)); ACT(read(r, buffer, 1)); break;
  case 1: ACT(read(r, buffer, PAGE)); ACT(read(r, buffer, PAGE)); break;
  case 2: ACT(read(r, buffer, sizeof buffer)); ACT(read(r, buffer, 1)); break;
  case 3: ACT(read(r, buffer, 0)); ACT(write(w, buffer, 0)); break;
  case 4: ACT(write(w, buffer, 1)); ACT(write(w, buffer, 1)); break;
  case 5: ACT(write(w, buffer, PAGE)); ACT(write(w, buffer, PAGE)); break;
  case 6: ACT(write(w, buffer, sizeof buffer)); ACT(write(w, buffer, 1)); break;
  case 7: ACT(fcntl(w, F_SETPIPE_SZ, 4 * PAGE)); ACT(fcntl(r, F_SETPIPE_SZ, 4 * PAGE)); break;
  case 8: ACT(fcntl(w, F_SETPIPE_SZ, 8 * PAGE)); ACT(fcntl(w, F_GETPIPE_SZ)); break;
  case 9: ACT(fcntl(w, F_SETPIPE_SZ, 2 * PAGE)); ACT(fcntl(w, F_SETPIPE_SZ, 0)); ACT(fcntl(w, F_SETPIPE_SZ, -1)); break;
  case 10: ACT(splice(r, NULL, file, &at, 1, SPLICE_F_NONBLOCK)); ACT(splice(r, NULL, file, &at, 5000, SPLICE_F_NONBLOCK)); break;
  case 11: at = 0; ACT(splice(file, &at, w, NULL, 10, SPLICE_F_NONBLOCK)); ACT(splice(file, &at, w, NULL, 90000, SPLICE_F_NONBLOCK)); break;
  case 12: ACT(tee(other[0], w, 10, SPLICE_F_NONBLOCK)); ACT(tee(r, other[1], 10, SPLICE_F_NONBLOCK)); break;
  case 13: ACT(splice(other[0], NULL, w, NULL, 10, SPLICE_F_NONBLOCK)); ACT(splice(r, NULL, other[1], NULL, 10, SPLICE_F_NONBLOCK)); ACT(splice(r, NULL, other[1], NULL, 5000, SPLICE_F_NONBLOCK)); break;
  case 14: ACT(vmsplice(w, &part, 1, SPLICE_F_NONBLOCK)); ACT(vmsplice(w, &none, 1, SPLICE_F_NONBLOCK)); break;
  case 15: ACT(vmsplice(r, &part, 1, SPLICE_F_NONBLOCK)); ACT(vmsplice(r, &none, 1, SPLICE_F_NONBLOCK)); break;
  case 16:
    if (fds[BOTH_ENDS] < 0) {
      char path[64];
      sprintf(path, "/proc/self/fd/%d", r);
      ACT((fd = open(path, O_RDONLY | O_NONBLOCK)) < 0 ? -1 : 0);
      ACT(close(fd));
      ACT((fd = open(path, O_WRONLY | O_NONBLOCK)) < 0 ? -1 : 0);
      ACT(close(fd));
      break;
    }
    ACT((fd = open("fifo", O_RDONLY | O_NONBLOCK)) < 0 ? -1 : 0);
    ACT(close(fd));
    ACT((fd = open("fifo", O_WRONLY | O_NONBLOCK)) < 0 ? -1 : 0);
    ACT(close(fd));
    ACT((fd = open("fifo", O_RDWR | O_NONBLOCK)) < 0 ? -1 : 0);
    ACT(close(fd));
    break;
  case 17: ACT(readv(r, &part, 1)); ACT(writev(w, &part, 1)); break;
  case 18: ACT(read(r, nowhere, 10)); ACT(write(w, nowhere, 10)); ACT(write(w, nowhere, 5000)); break;
  }
}

// The last reader or writer goes, comes back, and goes.
static void partners(void) {
  printf("partners\n");
  unlink("fifo");
  MUST(mkfifo("fifo", 0600));
  epoll = MUST(epoll_create1(0));
  fds[BOTH_ENDS] = fds[WRITE_END] = -1;
  fds[READ_END] = MUST(open("fifo", O_RDONLY | O_NONBLOCK));
  watch(READ_END);
  int fd, second;
  ACT(0);
  ACT((fd = open("fifo", O_WRONLY | O_NONBLOCK)) < 0 ? -1 : 0);
  ACT((second = open("fifo", O_WRONLY | O_NONBLOCK)) < 0 ? -1 : 0);
  ACT(write(fd, "abc", 3));
  ACT(close(fd));
  ACT(close(second));
  ACT(read(fds[READ_END], buffer, 2));
  ACT((fd = open("fifo", O_WRONLY | O_NONBLOCK)) < 0 ? -1 : 0);
  ACT(close(fd));
  ACT((fd = open("fifo", O_RDWR | O_NONBLOCK)) < 0 ? -1 : 0);
  ACT(close(fd));
  ACT((fd = open("fifo", O_RDONLY | O_NONBLOCK)) < 0 ? -1 : 0);
  ACT(close(fd));
  tear_down();
  epoll = MUST(epoll_create1(0));
  fd = MUST(open("fifo", O_RDONLY | O_NONBLOCK));
  fds[READ_END] = -1;
  fds[WRITE_END] = MUST(open("fifo", O_WRONLY | O_NONBLOCK));
  watch(WRITE_END);
  ACT(0);
  ACT(write(fds[WRITE_END], buffer, 100000));
  ACT(close(fd));
  ACT((fd = open("fifo", O_RDONLY | O_NONBLOCK)) < 0 ? -1 : 0);
  ACT((second = open("fifo", O_RDONLY | O_NONBLOCK)) < 0 ? -1 : 0);
  ACT(read(fd, buffer, 5000));
  ACT(close(fd));
  ACT(close(second));
  ACT((fd = open("fifo", O_RDWR | O_NONBLOCK)) < 0 ? -1 : 0);
  ACT(close(fd));
  tear_down();
}

// Exclusive interests in two instances of which nobody waits in either: each hears.
static void exclusive(void) {
  printf("exclusive\n");
  int pair[2], a = MUST(epoll_create1(0)), b = MUST(epoll_create1(0));
  MUST(pipe2(pair, O_NONBLOCK));
  struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE}, got;
  MUST(epoll_ctl(a, EPOLL_CTL_ADD, pair[0], &event));
  MUST(epoll_ctl(b, EPOLL_CTL_ADD, pair[0], &event));
  MUST(write(pair[1], "x", 1));
  CHECK(epoll_wait(a, &got, 1, 0));
  CHECK(epoll_wait(b, &got, 1, 0));
  MUST(read(pair[0], buffer, 1));
  CHECK(epoll_wait(a, &got, 1, 0));
  CHECK(epoll_wait(b, &got, 1, 0));
  tear_down();
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  scratch();
  closefrom(3);
  signal(SIGPIPE, SIG_IGN);
  for (int i = 0; i < ENDS; i++) {
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    MUST(sigaction(SIGRTMIN + i, &action, NULL));
  }
  static const long fills[] = {0, 1, 5000, 12289, 4 * PAGE};
  for (int fifo = 0; fifo < 2; fifo++)
    for (int packets = 0; packets < (fifo ? 1 : 2); packets++)
      for (unsigned fill = 0; fill < sizeof fills / sizeof *fills; fill++)
        for (int which = 0; which < 19; which++) {
          printf("%s%s %ld act %d\n", fifo ? "fifo" : "pipe", packets ? " of packets" : "", fills[fill], which);
          set_up(fifo, packets ? O_DIRECT : 0, fills[fill]);
          show("start", 0);
          act(which);
          tear_down();
        }
  partners();
  exclusive();
  return 0;
}

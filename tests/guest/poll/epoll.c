// epoll(7) in full: level, edge, one-shot, exclusive, nesting, loops, removal; eventfd(2), timerfd(2), signalfd(2).
#include "../guest.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

static int add(int ep, int fd, uint32_t events, uint64_t data) {
  struct epoll_event e = {.events = events, .data.u64 = data};
  return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
}

static int change(int ep, int fd, uint32_t events, uint64_t data) {
  struct epoll_event e = {.events = events, .data.u64 = data};
  return epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e);
}

static void wait_for(const char *what, int ep, int timeout) {
  struct epoll_event e[8];
  int n = epoll_wait(ep, e, 8, timeout);
  printf("%s: %d", what, n);
  for (int i = 0; i < n; i++) printf(" [%x %lx]", e[i].events, (unsigned long)e[i].data.u64);
  printf("\n");
}

static void errors(int ep, int p[2]) {
  struct epoll_event e = {.events = EPOLLIN};
  CHECK(epoll_create(0));
  CHECK(epoll_create1(1));
  CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &e));
  CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, 999, &e));
  CHECK(epoll_ctl(999, EPOLL_CTL_ADD, p[0], &e));
  CHECK(epoll_ctl(p[0], EPOLL_CTL_ADD, p[1], &e));
  CHECK(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e));
  CHECK(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL));
  CHECK(epoll_ctl(ep, 9, p[0], &e));
  CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], (void *)1));
  put_file("f", "");
  CHECK(add(ep, open("f", O_RDONLY), EPOLLIN, 0));
  CHECK(add(ep, open(".", O_RDONLY), EPOLLIN, 0));
  CHECK(epoll_wait(ep, &e, 0, 0));
  CHECK(epoll_wait(ep, &e, -1, 0));
  CHECK(epoll_wait(p[0], &e, 1, 0));
  CHECK(epoll_wait(999, &e, 1, 0));
  CHECK(read(ep, &e, 1));
  CHECK(write(ep, &e, 1));
}

static void triggers(int ep, int p[2]) {
  char c;
  CHECK(add(ep, p[0], EPOLLIN, 0x1234567890));
  CHECK(add(ep, p[0], EPOLLIN, 0));
  wait_for("nothing", ep, 0);
  write(p[1], "ab", 2);
  wait_for("level", ep, 0), wait_for("level again", ep, 0);
  CHECK(change(ep, p[0], EPOLLIN | EPOLLET, 2));
  wait_for("edge", ep, 0), wait_for("edge again", ep, 0);
  read(p[0], &c, 1);
  wait_for("edge after partial read", ep, 0);
  write(p[1], "c", 1);
  wait_for("edge after write", ep, 0);
  CHECK(change(ep, p[0], EPOLLIN | EPOLLONESHOT, 3));
  wait_for("one-shot", ep, 0), wait_for("one-shot again", ep, 0);
  CHECK(change(ep, p[0], EPOLLIN | EPOLLONESHOT, 4));
  wait_for("armed again", ep, 0);
  CHECK(change(ep, p[0], 0, 5));
  wait_for("no events asked", ep, 0);
  CHECK(add(ep, p[1], EPOLLOUT, 6));
  wait_for("write end", ep, 0);
  int twin = dup(p[0]);
  CHECK(add(ep, twin, EPOLLIN, 7));
  wait_for("duplicate", ep, 0);
  close(twin);
  wait_for("after close of the duplicate", ep, 0);
  CHECK(change(ep, p[0], EPOLLIN | EPOLLEXCLUSIVE, 0));
  close(p[0]);
  wait_for("read end still open through the duplicate's entry", ep, 0);
}

static void exclusive(void) {
  int ep = epoll_create1(EPOLL_CLOEXEC), e = eventfd(0, 0);
  CHECK(add(ep, e, EPOLLIN | EPOLLEXCLUSIVE, 1));
  CHECK(change(ep, e, EPOLLIN, 1));
  int other = epoll_create1(0);
  CHECK(add(other, e, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, 1));
  CHECK(add(other, ep, EPOLLIN | EPOLLEXCLUSIVE, 1));
}

static void nesting(void) {
  int a = epoll_create1(0), b = epoll_create1(0), c = epoll_create1(0), e = eventfd(0, 0);
  CHECK(add(a, b, EPOLLIN, 1));
  CHECK(add(b, c, EPOLLIN, 2));
  CHECK(add(c, a, EPOLLIN, 3));
  CHECK(add(c, e, EPOLLIN, 4));
  wait_for("outer quiet", a, 0);
  eventfd_write(e, 1);
  wait_for("outer", a, 0);
  int chain = a;
  for (int i = 0; i < 5; i++) {
    int next = epoll_create1(0);
    printf("depth %d: %d\n", i, add(next, chain, EPOLLIN, 1));
    chain = next;
  }
}

static void blocking(void) {
  int ep = epoll_create1(0), p[2];
  MUST(pipe(p));
  add(ep, p[0], EPOLLIN, 1);
  wait_for("timeout", ep, 20);
  pid_t child = fork();
  if (child == 0) {
    sleep_ms(20);
    write(p[1], "x", 1);
    _exit(0);
  }
  wait_for("woken", ep, 5000);
  waitpid(child, NULL, 0);
  close(p[1]);
  char c;
  read(p[0], &c, 1);
  wait_for("hang-up without asking", ep, 0);
}

static void eventfds(void) {
  uint64_t v = 0;
  int e = eventfd(3, EFD_NONBLOCK);
  CHECK(read(e, &v, 8));
  printf("%lu\n", v);
  CHECK(read(e, &v, 8));
  CHECK(read(e, &v, 4));
  v = UINT64_MAX;
  CHECK(write(e, &v, 8));
  v = UINT64_MAX - 1;
  CHECK(write(e, &v, 8));
  v = 1;
  CHECK(write(e, &v, 8));
  CHECK(write(e, &v, 7));
  e = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
  CHECK(read(e, &v, 8));
  CHECK(read(e, &v, 16));
  CHECK(read(e, &v, 8));
  CHECK(eventfd(0, 0x10));
  CHECK(lseek(e, 0, SEEK_SET));
}

static void timerfds(void) {
  uint64_t v;
  int t = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  struct itimerspec s = {{0, 0}, {0, 10000000}}, now;
  CHECK(read(t, &v, 8));
  CHECK(timerfd_settime(t, 0, &s, NULL));
  CHECK(timerfd_gettime(t, &now));
  TRUE(now.it_value.tv_nsec > 0 && now.it_value.tv_nsec <= 10000000);
  CHECK(read(t, &v, 8));
  int ep = epoll_create1(0);
  add(ep, t, EPOLLIN, 9);
  wait_for("timer", ep, 5000);
  CHECK(read(t, &v, 8));
  printf("expirations %lu\n", v);
  s.it_interval.tv_nsec = 2000000;
  CHECK(timerfd_settime(t, 0, &s, NULL));
  sleep_ms(50);
  CHECK(read(t, &v, 8));
  TRUE(v >= 5);
  s = (struct itimerspec){{0, 0}, {1, 0}};
  CHECK(timerfd_settime(t, TFD_TIMER_ABSTIME, &s, &now));
  TRUE(now.it_interval.tv_nsec == 2000000);
  CHECK(read(t, &v, 8));
  CHECK(read(t, &v, 7));
  s.it_value.tv_nsec = 1000000000;
  CHECK(timerfd_settime(t, 0, &s, NULL));
  CHECK(timerfd_settime(t, 0x80, &s, NULL));
  CHECK(timerfd_create(99, 0));
  CHECK(timerfd_create(CLOCK_MONOTONIC, 1));
  CHECK(timerfd_gettime(ep, &now));
  CHECK(write(t, &v, 8));
}

static void signalfds(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1), sigaddset(&set, SIGRTMIN), sigaddset(&set, SIGKILL);
  sigprocmask(SIG_BLOCK, &set, NULL);
  int s = signalfd(-1, &set, SFD_NONBLOCK);
  struct signalfd_siginfo info[3];
  CHECK(read(s, info, sizeof info));
  sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 5});
  raise(SIGUSR1);
  int ep = epoll_create1(0);
  add(ep, s, EPOLLIN, 1);
  wait_for("signalfd", ep, 0);
  CHECK(read(s, info, sizeof info));
  printf("%d code %d; %d value %d pid own %d\n", info[0].ssi_signo, (int)info[0].ssi_code, info[1].ssi_signo, info[1].ssi_int, info[1].ssi_pid == (uint32_t)getpid());
  CHECK(read(s, info, 100));
  sigdelset(&set, SIGUSR1);
  CHECK(signalfd(s, &set, 0) == s);
  raise(SIGUSR1);
  CHECK(read(s, info, sizeof info));
  CHECK(signalfd(ep, &set, 0));
  CHECK(signalfd(-1, &set, 1));
  CHECK(syscall(SYS_signalfd4, -1, &set, 4, 0));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  scratch();
  int ep = MUST(epoll_create1(0)), p[2];
  MUST(pipe(p));
  errors(ep, p);
  triggers(ep, p);
  exclusive();
  nesting();
  blocking();
  eventfds();
  timerfds();
  signalfds();
  return 0;
}

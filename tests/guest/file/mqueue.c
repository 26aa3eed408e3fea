// mq_overview(7): open, limits, priorities, blocking and timeouts, notification, attributes, what the file says.
#include "../guest.h"
#include <mqueue.h>
#include <poll.h>
#include <sys/epoll.h>

static char name[64], other[64];

static long k_open(const char *n, int flags, int mode, struct mq_attr *a) { return syscall(SYS_mq_open, n, flags, mode, a); }

static void receive(mqd_t q) {
  char buf[64];
  unsigned prio = 77;
  ssize_t n = mq_receive(q, buf, sizeof buf, &prio);
  if (n < 0) report("receive", -1);
  else printf("received %d %.*s prio %u\n", (int)n, (int)n, buf, prio);
}

static struct timespec in_ms(long ms) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  t.tv_nsec += ms * 1000000;
  while (t.tv_nsec >= 1000000000) t.tv_nsec -= 1000000000, t.tv_sec++;
  return t;
}

static volatile int got, got_code, got_value;
static void on_signal(int s, siginfo_t *i, void *c) {
  (void)s, (void)c;
  got++;
  got_code = i->si_code;
  got_value = i->si_value.sival_int;
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  snprintf(name, sizeof name, "/guest-%d", getpid());
  snprintf(other, sizeof other, "/guest2-%d", getpid());
  struct mq_attr a = {.mq_maxmsg = 4, .mq_msgsize = 32}, got_attr;
  CHECK(mq_open(name, O_RDWR));
  mqd_t q = MUST(mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &a));
  TRUE(fcntl(q, F_GETFD) == FD_CLOEXEC);
  CHECK(mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &a));
  CHECK(k_open("a/b", O_CREAT | O_RDWR, 0600, &a));
  CHECK(k_open("", O_CREAT | O_RDWR, 0600, &a));
  CHECK(k_open(".", O_CREAT | O_RDWR, 0600, &a));
  CHECK(k_open("..", O_RDWR, 0600, &a));
  char longname[300];
  memset(longname, 'x', sizeof longname);
  longname[256] = 0;
  CHECK(k_open(longname, O_CREAT | O_RDWR, 0600, &a));
  CHECK(k_open((void *)8, O_CREAT | O_RDWR, 0600, &a));
  CHECK(k_open("z", O_CREAT | O_RDWR, 0600, (void *)8));
  CHECK(k_open(name + 1, 3, 0, NULL));
  struct mq_attr bad = {.mq_maxmsg = 0, .mq_msgsize = 32};
  CHECK(k_open("z", O_CREAT | O_RDWR, 0600, &bad));
  bad = (struct mq_attr){.mq_maxmsg = 1, .mq_msgsize = -1};
  CHECK(k_open("z", O_CREAT | O_RDWR, 0600, &bad));
  bad = (struct mq_attr){.mq_maxmsg = 100000, .mq_msgsize = 32};
  CHECK(k_open("z", O_CREAT | O_RDWR, 0600, &bad));
  struct rlimit tight = {1000, 1000}, before;
  getrlimit(RLIMIT_MSGQUEUE, &before);
  printf("RLIMIT_MSGQUEUE %ld\n", (long)before.rlim_cur);
  IN_CHILD("tight limit", {
    MUST(setrlimit(RLIMIT_MSGQUEUE, &tight));
    bad = (struct mq_attr){.mq_maxmsg = 10, .mq_msgsize = 8192};
    CHECK(k_open("z", O_CREAT | O_RDWR, 0600, &bad));
  });
  MUST(mq_getattr(q, &got_attr));
  printf("flags %ld max %ld size %ld now %ld\n", got_attr.mq_flags, got_attr.mq_maxmsg, got_attr.mq_msgsize, got_attr.mq_curmsgs);

  CHECK(mq_send(q, "low", 3, 1));
  CHECK(mq_send(q, "high", 4, 9));
  CHECK(mq_send(q, "low again", 9, 1));
  CHECK(mq_send(q, "", 0, 5));
  MUST(mq_getattr(q, &got_attr));
  CHECK(got_attr.mq_curmsgs);
  struct timespec t = in_ms(20);
  CHECK(mq_timedsend(q, "full", 4, 0, &t));
  t = (struct timespec){1, 0};
  CHECK(mq_timedsend(q, "full", 4, 0, &t));
  t.tv_nsec = 1000000000;
  CHECK(mq_timedsend(q, "full", 4, 0, &t));
  CHECK(mq_timedsend(q, "full", 4, 0, (void *)8));
  CHECK(mq_send(q, "x", 1, 32768));
  CHECK(mq_send(q, "0123456789012345678901234567890123456789", 33, 0));
  CHECK(mq_send(99, "x", 1, 0));
  CHECK(mq_send(1, "x", 1, 0) == -1 && errno == EBADF);
  struct pollfd p = {q, POLLIN | POLLOUT, 0};
  CHECK(poll(&p, 1, 0));
  printf("full: %x\n", p.revents);
  int e = MUST(epoll_create1(0));
  struct epoll_event ev = {EPOLLIN, {0}};
  CHECK(epoll_ctl(e, EPOLL_CTL_ADD, q, &ev));
  CHECK(epoll_wait(e, &ev, 1, 0));
  receive(q);
  receive(q);
  receive(q);
  CHECK(poll(&p, 1, 0));
  printf("some: %x\n", p.revents);
  receive(q);
  CHECK(poll(&p, 1, 0));
  printf("empty: %x\n", p.revents);
  CHECK(epoll_wait(e, &ev, 1, 0));
  char small[8];
  CHECK(mq_receive(q, small, 8, NULL));
  t = in_ms(20);
  char buf[64];
  CHECK(mq_timedreceive(q, buf, 64, NULL, &t));
  a.mq_flags = O_NONBLOCK;
  CHECK(mq_setattr(q, &a, &got_attr));
  CHECK(got_attr.mq_flags);
  CHECK(mq_receive(q, buf, 64, NULL));
  MUST(mq_getattr(q, &got_attr));
  TRUE(got_attr.mq_flags == O_NONBLOCK);
  a.mq_flags = O_NONBLOCK | O_APPEND;
  CHECK(mq_setattr(q, &a, NULL));
  a.mq_flags = 0;
  CHECK(mq_setattr(q, &a, NULL));
  CHECK(syscall(SYS_mq_getsetattr, q, (void *)8, NULL));
  CHECK(syscall(SYS_mq_getsetattr, 1, NULL, &got_attr));

  // Reading the file itself.
  CHECK(mq_send(q, "five5", 5, 0));
  char text[128] = "";
  CHECK(pread(q, text, sizeof text - 1, 0));
  printf("%s", text);
  CHECK(write(q, "x", 1));
  CHECK(lseek(q, 4, SEEK_SET));
  struct stat st;
  MUST(fstat(q, &st));
  printf("mode %o size %ld\n", st.st_mode, (long)st.st_size);
  receive(q);

  // A receiver waits, a sender comes.
  fflush(stdout);
  pid_t child = MUST(fork());
  if (child == 0) {
    sleep_ms(30);
    _exit(mq_send(q, "from the child", 14, 3));
  }
  receive(q);
  int status;
  MUST(waitpid(child, &status, 0));
  print_status("sender", status);
  for (int i = 0; i < 4; i++) MUST(mq_send(q, "fill", 4, i));
  child = MUST(fork());
  if (child == 0) _exit(mq_send(q, "fifth", 5, 31));
  sleep_ms(30);
  CHECK(waitpid(child, &status, WNOHANG));
  receive(q);
  MUST(waitpid(child, &status, 0));
  print_status("waiting sender", status);
  for (int i = 0; i < 4; i++) receive(q);

  // Notification: once, only for the first message of an empty queue.
  struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &sa, NULL);
  struct sigevent se = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 55};
  CHECK(mq_notify(q, &se));
  CHECK(mq_notify(q, &se));
  IN_CHILD("another process", {
    CHECK(mq_notify(q, &se));
    CHECK(mq_notify(q, NULL));
  });
  CHECK(mq_send(q, "ring", 4, 0));
  TRUE(got == 1 && got_code == SI_MESGQ && got_value == 55);
  CHECK(mq_send(q, "ring", 4, 0));
  CHECK(got);
  CHECK(mq_notify(q, &se));
  CHECK(mq_send(q, "not empty", 9, 0));
  CHECK(got);
  receive(q), receive(q), receive(q);
  CHECK(mq_notify(q, NULL));
  CHECK(mq_send(q, "silent", 6, 0));
  CHECK(got);
  receive(q);
  se.sigev_notify = SIGEV_NONE;
  CHECK(mq_notify(q, &se));
  CHECK(mq_notify(q, NULL));
  se.sigev_notify = 99;
  CHECK(mq_notify(q, &se));
  se.sigev_notify = SIGEV_SIGNAL;
  se.sigev_signo = 99;
  CHECK(mq_notify(q, &se));
  CHECK(syscall(SYS_mq_notify, q, (void *)8));
  CHECK(syscall(SYS_mq_notify, 1, NULL));

  // A signal cuts a wait short.
  struct itimerval it = {{0, 0}, {0, 30000}};
  sigaction(SIGALRM, &sa, NULL);
  setitimer(ITIMER_REAL, &it, NULL);
  CHECK(mq_receive(q, buf, 64, NULL));

  mqd_t ro = MUST(mq_open(name, O_RDONLY)), wo = MUST(mq_open(name, O_WRONLY | O_NONBLOCK));
  CHECK(mq_send(ro, "x", 1, 0));
  CHECK(mq_receive(wo, buf, 64, NULL));
  CHECK(mq_send(wo, "lives on", 8, 0));
  CHECK(mq_unlink(name));
  CHECK(mq_unlink(name));
  CHECK(mq_open(name, O_RDWR));
  receive(ro);
  mqd_t d = MUST(mq_open(other, O_CREAT | O_RDWR, 0600, NULL));
  MUST(mq_getattr(d, &got_attr));
  printf("defaults %ld %ld\n", got_attr.mq_maxmsg, got_attr.mq_msgsize);
  CHECK(mq_unlink(other));
  if (getuid() == 0) {
    mqd_t owned = MUST(mq_open(other, O_CREAT | O_RDWR, 0600, NULL));
    (void)owned;
    IN_CHILD("somebody else", {
      MUST(setresuid(65534, 65534, 65534));
      CHECK(mq_open(other, O_RDWR));
      CHECK(mq_unlink(other));
      bad = (struct mq_attr){.mq_maxmsg = 11, .mq_msgsize = 32};
      CHECK(k_open("z", O_CREAT | O_RDWR, 0600, &bad));
    });
    CHECK(mq_unlink(other));
  }
  return 0;
}

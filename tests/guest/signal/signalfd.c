// signalfd(2): what each kind of signal tells, and that the reader's own signals are meant, however it came by the descriptor.
#include "../guest.h"
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

static int fd;

static void show(const char *what) {
  struct signalfd_siginfo i;
  memset(&i, 0x5a, sizeof i);
  if (read(fd, &i, sizeof i) != sizeof i) {
    report(what, -1);
    return;
  }
  printf("%s: signo %u errno %d code %d pid %s uid %s fd %s tid %u band %x overrun %s status %d int %d ptr %llx addr %llx lsb %u\n", what,
         i.ssi_signo, i.ssi_errno, i.ssi_code, i.ssi_pid == 0 ? "0" : (pid_t)i.ssi_pid == getpid() ? "own" : "other",
         i.ssi_uid == getuid() ? "own" : "other", i.ssi_fd != 0 ? "set" : "0", i.ssi_tid, i.ssi_band, i.ssi_overrun > 0 ? "some" : "0",
         i.ssi_status, i.ssi_int, (unsigned long long)i.ssi_ptr, (unsigned long long)i.ssi_addr, i.ssi_addr_lsb);
}

static void kinds(void) {
  kill(getpid(), SIGUSR1);
  show("kill");
  raise(SIGUSR2);
  show("tgkill");
  sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_ptr = (void *)0x123456789abcul});
  show("sigqueue");
  siginfo_t info = {.si_signo = SIGUSR1, .si_code = -60};
  info.si_pid = getpid(), info.si_uid = getuid(), info.si_value.sival_int = -5;
  syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &info);
  show("own code");
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 77};
  timer_t timer;
  timer_create(CLOCK_MONOTONIC, &event, &timer);
  timer_settime(timer, 0, &(struct itimerspec){{0, 0}, {0, 1000000}}, NULL);
  show("timer");
  timer_delete(timer);
  setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 1}}, NULL);
  show("setitimer");
  pid_t pid = MUST(fork());
  if (pid == 0) _exit(7);
  show("child exits");
  waitpid(pid, NULL, 0);
  pid = MUST(fork());
  if (pid == 0) raise(SIGKILL);
  show("child is killed");
  waitpid(pid, NULL, 0);
  int pair[2];
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  MUST(fcntl(pair[0], F_SETOWN, getpid()));
  MUST(fcntl(pair[0], F_SETSIG, SIGRTMIN + 2));
  MUST(fcntl(pair[0], F_SETFL, O_ASYNC | O_NONBLOCK));
  write(pair[1], "x", 1);
  show("F_SETSIG");
  close(pair[0]), close(pair[1]);
  // Synchronous faults are not for descriptors, but sent ones are.
  kill(getpid(), SIGSEGV);
  show("a sent SIGSEGV");
}

static void masks(void) {
  sigset_t set;
  sigfillset(&set);
  CHECK(signalfd(fd, &set, 0) == fd);
  sigemptyset(&set), sigaddset(&set, SIGUSR1), sigaddset(&set, SIGKILL);
  CHECK(signalfd(fd, &set, 0) == fd);
  raise(SIGUSR2);
  struct pollfd p = {fd, POLLIN, 0};
  CHECK(poll(&p, 1, 0));
  raise(SIGUSR1);
  CHECK(poll(&p, 1, 0));
  show("of the new mask");
  struct signalfd_siginfo i;
  CHECK(read(fd, &i, sizeof i - 1));
  fcntl(fd, F_SETFL, O_NONBLOCK);
  CHECK(read(fd, &i, sizeof i));
  CHECK(write(fd, &i, sizeof i));
  sigfillset(&set);
  CHECK(signalfd(fd, &set, SFD_NONBLOCK) == fd);
  show("of the old one");
  struct signalfd_siginfo two[2];
  raise(SIGUSR1), raise(SIGUSR2);
  CHECK(read(fd, two, sizeof two) / (long)sizeof *two);
  printf("%u %u\n", two[0].ssi_signo, two[1].ssi_signo);
  fcntl(fd, F_SETFL, 0);
}

static void *reader(void *arg) {
  (void)arg;
  // The signal of the other thread is not for this one.
  struct pollfd p = {fd, POLLIN, 0};
  CHECK(poll(&p, 1, 0));
  kill(getpid(), SIGUSR2);
  CHECK(poll(&p, 1, 0));
  show("of the process, by a thread");
  return NULL;
}

static void readers(void) {
  pthread_t thread;
  syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1);
  pthread_create(&thread, NULL, reader, NULL);
  pthread_join(thread, NULL);
  show("of the first thread");
  // An inherited descriptor: the child's own signals.
  kill(getpid(), SIGUSR1);
  int ready[2];
  MUST(pipe(ready));
  fflush(stdout);
  pid_t child = MUST(fork());
  if (child == 0) {
    struct pollfd p = {fd, POLLIN, 0};
    CHECK(poll(&p, 1, 0));
    int epoll = MUST(epoll_create1(0));
    MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN}));
    write(ready[1], "x", 1);
    struct epoll_event event;
    CHECK(epoll_wait(epoll, &event, 1, -1));
    show("of the child, by epoll");
    write(ready[1], "x", 1);
    p.revents = 0;
    CHECK(poll(&p, 1, -1));
    show("of the child, by poll");
    write(ready[1], "x", 1);
    show("of the child, by read");
    fflush(stdout);
    _exit(0);
  }
  char c;
  for (int i = 0; i < 3; i++) {
    read(ready[0], &c, 1);
    sleep_ms(30);
    kill(child, SIGUSR2);
  }
  waitpid(child, NULL, 0);
  show("of the parent");
  struct signalfd_siginfo i;
  MUST(read(fd, &i, sizeof i));
  printf("and of the child's end %u\n", i.ssi_signo);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  sigset_t set;
  sigfillset(&set);
  sigprocmask(SIG_BLOCK, &set, NULL);
  fd = MUST(signalfd(-1, &set, SFD_CLOEXEC));
  kinds();
  masks();
  readers();
  return 0;
}

// poll(2), ppoll(2), select(2), pselect6(2): readiness of each kind of file, hang-ups, timeouts, signals.
#include "../guest.h"
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>

static void show(const char *what, int fd, short events) {
  struct pollfd p = {fd, events, -1};
  int r = poll(&p, 1, 0);
  printf("%s: %d %x\n", what, r, (unsigned short)p.revents);
}

#define ALL (POLLIN | POLLOUT | POLLPRI | POLLRDHUP)

static void on_alarm(int signal) {
  (void)signal;
}

static void kinds(void) {
  int p[2];
  MUST(pipe2(p, O_NONBLOCK));
  show("empty pipe, read end", p[0], ALL), show("empty pipe, write end", p[1], ALL);
  write(p[1], "x", 1);
  show("pipe with data", p[0], ALL);
  show("only asked for POLLOUT", p[0], POLLOUT);
  show("asked for RDNORM", p[0], POLLRDNORM);
  char big[65536] = {0};
  while (write(p[1], big, sizeof big) > 0) {
  }
  while (write(p[1], big, 1) > 0) {
  }
  show("full pipe", p[1], ALL);
  close(p[1]);
  show("no writer, data left", p[0], ALL);
  while (read(p[0], big, sizeof big) > 0) {
  }
  show("no writer", p[0], ALL);
  MUST(pipe(p));
  close(p[0]);
  show("no reader", p[1], ALL);
  show("closed", 999, ALL);
  show("negative", -1, ALL);
  put_file("f", "");
  show("file", MUST(open("f", O_RDONLY)), ALL);
  show("directory", MUST(open(".", O_RDONLY)), ALL);
  show("/dev/null", MUST(open("/dev/null", O_RDWR)), ALL);
  int e = eventfd(0, 0);
  show("eventfd 0", e, ALL);
  eventfd_write(e, 5);
  show("eventfd 5", e, ALL);
  eventfd_write(e, 0xfffffffffffffffe - 5);
  show("eventfd max", e, ALL);
  int s[2];
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  show("socket", s[0], ALL);
  write(s[1], "x", 1);
  show("socket with data", s[0], ALL);
  shutdown(s[1], SHUT_WR);
  show("socket half closed", s[0], ALL);
  close(s[1]);
  show("socket closed", s[0], ALL);
}

static void waiting(void) {
  int p[2];
  MUST(pipe(p));
  struct pollfd f[3] = {{p[0], POLLIN, 0}, {-1, POLLIN, 9}, {p[1], 0, 9}};
  CHECK(poll(f, 3, 20));
  printf("%d %d %d\n", f[0].revents, f[1].revents, f[2].revents);
  CHECK(poll(NULL, 0, 1));
  pid_t child = fork();
  if (child == 0) {
    sleep_ms(20);
    write(p[1], "x", 1);
    _exit(0);
  }
  CHECK(poll(f, 1, 5000));
  waitpid(child, NULL, 0);
  read(p[0], &child, 1);
  struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &action, NULL);
  struct itimerval soon = {{0, 0}, {0, 20000}};
  setitimer(ITIMER_REAL, &soon, NULL);
  CHECK(poll(f, 1, 5000));
  struct timespec t = {0, -1}, limit = {5, 0};
  CHECK(ppoll(f, 1, &t, NULL));
  sigset_t none, block;
  sigemptyset(&none), sigemptyset(&block);
  sigaddset(&block, SIGALRM);
  sigprocmask(SIG_BLOCK, &block, NULL);
  raise(SIGALRM);
  CHECK(ppoll(f, 1, &limit, &none));
  sigset_t now;
  sigprocmask(SIG_BLOCK, NULL, &now);
  printf("mask restored %d\n", sigismember(&now, SIGALRM));
  CHECK(syscall(SYS_ppoll, f, 1, &limit, &none, 4));
  CHECK(syscall(SYS_poll, f, 1 << 30, 0));
  struct rlimit files = {20, 20};
  IN_CHILD("more entries than descriptors allowed", setrlimit(RLIMIT_NOFILE, &files); CHECK(poll(f, 21, 0)));
}

static void selecting(void) {
  int p[2];
  MUST(pipe(p));
  fd_set r, w, x;
  FD_ZERO(&r);
  FD_ZERO(&w);
  FD_ZERO(&x);
  FD_SET(p[0], &r);
  FD_SET(p[1], &w);
  FD_SET(p[0], &x);
  struct timeval t = {0, 1000};
  CHECK(select(p[1] + 1, &r, &w, &x, &t));
  printf("%d %d %d\n", FD_ISSET(p[0], &r), FD_ISSET(p[1], &w), FD_ISSET(p[0], &x));
  FD_SET(p[0], &r);
  t = (struct timeval){0, 10000};
  CHECK(select(p[0] + 1, &r, NULL, NULL, &t));
  printf("left %ld.%ld\n", t.tv_sec, t.tv_usec);
  write(p[1], "x", 1);
  FD_SET(p[0], &r);
  FD_SET(p[1], &w);
  CHECK(select(p[1] + 1, &r, &w, NULL, NULL));
  CHECK(select(-1, NULL, NULL, NULL, &t));
  t.tv_sec = -1;
  CHECK(select(0, NULL, NULL, NULL, &t));
  t = (struct timeval){0, 2000000};
  FD_ZERO(&r);
  FD_SET(900, &r);
  CHECK(select(1000, &r, NULL, NULL, &(struct timeval){0, 0}));
  struct timespec ts = {0, 1000000000};
  CHECK(pselect(0, NULL, NULL, NULL, &ts, NULL));
  close(p[1]);
  read(p[0], &t, 1);
  FD_ZERO(&r);
  FD_ZERO(&x);
  FD_SET(p[0], &r);
  FD_SET(p[0], &x);
  CHECK(select(p[0] + 1, &r, NULL, &x, NULL));
  printf("hang-up: read %d except %d\n", FD_ISSET(p[0], &r), FD_ISSET(p[0], &x));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  scratch();
  kinds();
  waiting();
  selecting();
  return 0;
}

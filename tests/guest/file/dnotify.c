// fcntl(2) F_NOTIFY: signals about what happens in a directory, once or many times, and F_SETOWN, F_SETOWN_EX, O_ASYNC.
#include "../guest.h"
#include <poll.h>
#include <sys/socket.h>

static volatile int signals, last_code, last_fd, last_signal;

static void on_signal(int s, siginfo_t *i, void *c) {
  (void)c;
  signals++;
  last_signal = s;
  last_code = i->si_code;
  last_fd = i->si_fd;
}

static void expect(const char *what, int fd) {
  printf("%s: %d", what, signals);
  if (signals > 0) printf(" code %d fd %s", last_code == POLL_MSG ? 100 : last_code, last_fd == fd ? "right" : "wrong");
  printf("\n");
  signals = 0;
}

static void asynchronous(const char *name, int reader, int writer, int sig) {
  printf("%s\n", name);
  CHECK(fcntl(reader, F_SETOWN, getpid()));
  CHECK(fcntl(reader, F_SETSIG, sig));
  CHECK(fcntl(reader, F_GETSIG) == sig);
  CHECK(fcntl(reader, F_SETFL, O_ASYNC | O_NONBLOCK));
  CHECK((fcntl(reader, F_GETFL) & (O_ASYNC | O_NONBLOCK)) == (O_ASYNC | O_NONBLOCK));
  MUST(write(writer, "x", 1));
  printf("after a write: %s\n", signals > 0 ? last_code == POLL_IN ? "POLL_IN" : last_code == SI_KERNEL ? "kernel" : "other" : "no signal");
  if (sig != 0) TRUE(last_fd == reader);
  signals = 0;
  CHECK(fcntl(reader, F_SETFL, O_NONBLOCK));
  CHECK((fcntl(reader, F_GETFL) & O_ASYNC) != 0);
  MUST(write(writer, "x", 1));
  printf("turned off: %d\n", signals);
  signals = 0;
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  scratch();
  struct sigaction a = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
  sigaction(SIGIO, &a, NULL);
  sigaction(SIGRTMIN + 2, &a, NULL);
  MUST(mkdir("d", 0755));
  MUST(mkdir("e", 0755));
  put_file("d/old", "x");
  int d = MUST(open("d", O_RDONLY | O_DIRECTORY));
  CHECK(fcntl(d, F_SETSIG, SIGRTMIN + 2));
  CHECK(fcntl(d, F_NOTIFY, DN_CREATE));
  TRUE(fcntl(d, F_GETOWN) == getpid());
  MUST(mkdir("d/sub", 0755));
  expect("create", d);
  MUST(mkdir("d/sub2", 0755));
  expect("only once", d);
  CHECK(fcntl(d, F_NOTIFY, DN_CREATE | DN_DELETE | DN_RENAME | DN_MULTISHOT));
  MUST(mkdir("d/sub3", 0755));
  expect("create", d);
  MUST(rmdir("d/sub3"));
  expect("delete", d);
  MUST(link("d/old", "d/linked"));
  expect("link", d);
  MUST(unlink("d/linked"));
  expect("unlink", d);
  MUST(rename("d/old", "e/new"));
  expect("moved out", d);
  MUST(rename("e/new", "d/back"));
  expect("moved in", d);
  MUST(chmod("d/back", 0600));
  expect("attributes not asked for", d);
  CHECK(fcntl(d, F_NOTIFY, DN_ATTRIB | DN_MULTISHOT));
  MUST(chmod("d/back", 0644));
  expect("attributes", d);
  MUST(mkdir("d/sub4", 0755));
  expect("masks add up", d);
  CHECK(fcntl(d, F_NOTIFY, DN_MULTISHOT));
  MUST(mkdir("d/sub5", 0755));
  expect("flushed", d);
  CHECK(fcntl(d, F_NOTIFY, DN_RENAME | DN_MULTISHOT));
  MUST(rename("d/back", "d/renamed"));
  expect("renamed", d);
  MUST(rename("d/renamed", "e/away"));
  MUST(rename("e/away", "d/back"));
  expect("moved", d);
  CHECK(fcntl(d, F_NOTIFY, DN_MULTISHOT));
  CHECK(fcntl(d, F_NOTIFY, DN_MODIFY | DN_ACCESS | DN_MULTISHOT));
  int f = MUST(open("d/back", O_RDWR));
  expect("open", d);
  MUST(write(f, "y", 1));
  expect("write", d);
  char c;
  MUST(pread(f, &c, 1, 0));
  expect("read", d);
  close(f);
  expect("close", d);
  int copy = dup(d);
  close(copy);
  MUST(truncate("d/back", 0));
  expect("after any close", d);
  CHECK(fcntl(d, F_NOTIFY, DN_CREATE | DN_MULTISHOT));
  CHECK(fcntl(d, F_SETSIG, 0));
  MUST(mkdir("d/sub6", 0755));
  TRUE(last_signal == SIGIO && last_code == SI_KERNEL);
  signals = 0;
  close(d);
  MUST(mkdir("d/sub7", 0755));
  expect("closed", -1);
  f = MUST(open("d/back", O_RDONLY));
  CHECK(fcntl(f, F_NOTIFY, DN_CREATE));
  CHECK(fcntl(f, F_NOTIFY, 0));
  CHECK(fcntl(f, F_SETFL, O_ASYNC));
  CHECK((fcntl(f, F_GETFL) & O_ASYNC) != 0);

  int p[2];
  MUST(pipe(p));
  asynchronous("pipe", p[0], p[1], SIGRTMIN + 2);
  int q[2];
  MUST(pipe(q));
  asynchronous("pipe, SIGIO", q[0], q[1], 0);
  int s[2];
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  asynchronous("socket", s[0], s[1], SIGRTMIN + 2);
  CHECK(fcntl(p[0], F_SETSIG, 65));
  CHECK(fcntl(p[0], F_SETSIG, -1));
  CHECK(fcntl(p[0], F_SETOWN, INT_MIN));
  CHECK(fcntl(p[0], F_SETOWN, 999999));
  TRUE(fcntl(p[0], F_GETOWN) == getpid());
  CHECK(fcntl(p[0], F_SETOWN, -999999));
  CHECK(fcntl(p[0], F_SETOWN, -getpgrp()));
  struct f_owner_ex o = {F_OWNER_TID, gettid()};
  CHECK(fcntl(p[0], F_SETOWN_EX, &o));
  memset(&o, 0, sizeof o);
  CHECK(fcntl(p[0], F_GETOWN_EX, &o));
  TRUE(o.type == F_OWNER_TID && o.pid == gettid());
  TRUE(fcntl(p[0], F_GETOWN) == gettid());
  o.type = 9;
  CHECK(fcntl(p[0], F_SETOWN_EX, &o));
  o.type = F_OWNER_PID;
  o.pid = 999999;
  CHECK(fcntl(p[0], F_SETOWN_EX, &o));
  o.pid = 0;
  CHECK(fcntl(p[0], F_SETOWN_EX, &o));
  CHECK(fcntl(p[0], F_GETOWN));
  CHECK(fcntl(p[0], F_GETOWN_EX, (void *)8));
  CHECK(fcntl(p[0], F_SETOWN_EX, (void *)8));
  CHECK(fcntl(p[0], F_SETOWN, 0));
  return 0;
}

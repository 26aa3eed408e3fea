// SIGURG (tcp(7), fcntl(2)): who owns a socket hears of each urgent byte once, and of nothing else.
#include "../guest.h"
#include "net.h"

static volatile int urgent, other, code;
static void on_urgent(int s, siginfo_t *info, void *c) { (void)s, (void)c, urgent++, code = info->si_code; }
static void on_other(int s) { (void)s, other++; }

// Urgent data is told of before it can be read: waits for it.
static void send_urgent(int from, int to, const char *text) {
  int before = urgent;
  CHECK(send(from, text, strlen(text), MSG_OOB));
  struct pollfd p = {.fd = to, .events = POLLPRI};
  while (poll(&p, 1, 20000) < 0 && errno == EINTR) {
  }
  printf("%s: signals %d, other %d\n", text, urgent - before, other);
}

static void take(int fd) {
  char b[16] = "";
  CHECK(recv(fd, b, 1, MSG_OOB));
  printf("urgent %c\n", b[0]);
  CHECK(recv(fd, b, sizeof b, MSG_DONTWAIT));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  int p[2];
  struct sigaction act = {.sa_sigaction = on_urgent, .sa_flags = SA_SIGINFO | SA_RESTART};
  MUST(sigaction(SIGURG, &act, NULL));
  signal(SIGIO, on_other);
  tcp_pair(p);
  send_urgent(p[0], p[1], "nobody");
  take(p[1]);
  MUST(fcntl(p[1], F_SETOWN, getpid()));
  send_urgent(p[0], p[1], "process");
  TRUE(code == SI_KERNEL);
  take(p[1]);
  MUST(send(p[0], "plain", 5, 0));
  await("plain", p[1], POLLIN);
  char b[16];
  CHECK(recv(p[1], b, sizeof b, 0));
  printf("signals %d\n", urgent);
  // The signal of F_SETSIG is for O_ASYNC alone.
  MUST(fcntl(p[1], F_SETSIG, SIGUSR1));
  send_urgent(p[0], p[1], "setsig");
  take(p[1]);
  struct f_owner_ex thread = {F_OWNER_TID, gettid()};
  MUST(fcntl(p[1], F_SETOWN_EX, &thread));
  send_urgent(p[0], p[1], "thread");
  take(p[1]);
  MUST(fcntl(p[1], F_SETOWN, -getpgrp()));
  pid_t child = fork();
  if (child == 0) {
    setpgid(0, 0);
    for (;;) pause();
  }
  setpgid(child, child);
  MUST(fcntl(p[1], F_SETOWN, -child));
  send_urgent(p[0], p[1], "others");
  MUST(kill(child, SIGTERM));
  int status;
  MUST(waitpid(child, &status, 0));
  TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
  take(p[1]);
  // Unread urgent data, and more of it.
  MUST(fcntl(p[1], F_SETOWN, getpid()));
  send_urgent(p[0], p[1], "a");
  send_urgent(p[0], p[1], "b");
  take(p[1]);
  MUST(fcntl(p[1], F_SETOWN, 0));
  send_urgent(p[0], p[1], "none");
  close(p[0]);
  close(p[1]);
  return 0;
}

// A Unix socket that many send to, or connect to, takes only so many: who waits, or polls, for room gets it when a packet of anybody is read or a
// connection accepted, and an error when the receiver goes. How many that is (net.unix.max_dgram_qlen) differs between hosts.
#include "../guest.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "receiver"};

static int receiver(void) {
  int fd = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
  unlink(name.sun_path);
  MUST(bind(fd, (void *)&name, sizeof name));
  return fd;
}

static int sender(void) {
  int fd = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
  MUST(connect(fd, (void *)&name, sizeof name));
  return fd;
}

// A few from each, so that it is the receiver that is full and no sender's buffer.
static int fill(void) {
  int fd;
  for (int i = 0; i < 200; i++) {
    fd = sender();
    for (int k = 0; k < 5; k++) {
      if (send(fd, "x", 1, MSG_DONTWAIT) == 1) continue;
      printf("filled: %s\n", strerrorname_np(errno));
      return fd;
    }
  }
  return fd;
}

static pid_t waiting_sender(int fd, int other) {
  fflush(stdout);
  pid_t child = MUST(fork());
  if (child != 0) return child;
  close(other);
  alarm(20);
  _exit(send(fd, "yy", 2, MSG_NOSIGNAL) == 2 ? 0 : errno);
}

static void reap(pid_t child) {
  int status;
  MUST(waitpid(child, &status, 0));
  print_status("sender", status);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  char buffer[16];
  scratch();
  int r = receiver(), b = sender(), a = fill();
  CHECK(send(b, "y", 1, MSG_DONTWAIT));

  printf("a sender that sleeps\n");
  pid_t child = waiting_sender(b, r);
  sleep_ms(50);
  CHECK(recv(r, buffer, sizeof buffer, 0));
  reap(child);

  printf("polls\n");
  struct pollfd look = {b, POLLOUT, 0};
  CHECK(poll(&look, 1, 0));
  int epoll = MUST(epoll_create1(0));
  struct epoll_event event = {.events = EPOLLOUT | EPOLLET}, got;
  MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, b, &event));
  CHECK(epoll_wait(epoll, &got, 1, 0));
  CHECK(recv(r, buffer, sizeof buffer, 0));
  CHECK(epoll_wait(epoll, &got, 1, 5000));
  CHECK(poll(&look, 1, 5000));
  CHECK(epoll_wait(epoll, &got, 1, 0));
  CHECK(send(a, "z", 1, MSG_DONTWAIT));
  CHECK(poll(&look, 1, 0));

  printf("the receiver goes\n");
  child = waiting_sender(b, r);
  sleep_ms(50);
  close(r);
  reap(child);

  printf("the backlog\n");
  unlink(name.sun_path);
  int listener = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
  MUST(bind(listener, (void *)&name, sizeof name));
  MUST(listen(listener, 0));
  int first = MUST(socket(AF_UNIX, SOCK_STREAM, 0)), second = MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
  CHECK(connect(first, (void *)&name, sizeof name));
  CHECK(connect(second, (void *)&name, sizeof name));
  fcntl(second, F_SETFL, 0);
  for (int i = 0; i < 3; i++) {
    fflush(stdout);
    if ((child = MUST(fork())) == 0) {
      close(listener);
      alarm(20);
      _exit(connect(second, (void *)&name, sizeof name) == 0 ? 0 : errno);
    }
    sleep_ms(50);
    if (i == 0) OK(accept(listener, NULL, NULL));
    if (i == 1) CHECK(listen(listener, 1));
    if (i == 2) close(listener);
    reap(child);
    close(second);
    second = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
  }

  printf("many senders\n");
  r = receiver();
  int senders[20];
  pid_t children[20];
  for (int i = 0; i < 20; i++) {
    senders[i] = sender();
    fflush(stdout);
    if ((children[i] = MUST(fork())) == 0) {
      alarm(20);
      for (int k = 0; k < 20; k++)
        if (send(senders[i], "m", 1, 0) != 1) _exit(1);
      _exit(0);
    }
    close(senders[i]);
  }
  int count = 0;
  while (count < 400 && recv(r, buffer, sizeof buffer, 0) == 1) count++;
  printf("received %d\n", count);
  for (int i = 0; i < 20; i++) reap(children[i]);
  return 0;
}

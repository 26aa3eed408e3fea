// tcp(7): what is told of a connection whose peer has closed and then resets: the end that came before the reset is still the end.
#include "../guest.h"
#include "net.h"

static void show_events(const char *what, int fd, int until) {
  struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP | POLLPRI};
  for (int i = 0; i < 1000; i++) {
    poll(&p, 1, 0);
    if ((p.revents & until) == until) break;
    sleep_ms(5);
  }
  print_events(what, p.revents);
}

static int error_of(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
  return error;
}

// The peer closes (an end), what is written then is answered by a reset.
static void ended_then_reset(const char *first, bool unread) {
  int fds[2];
  char buf[10];
  tcp_pair(fds);
  int c = fds[0], s = fds[1];
  printf("-- %s first%s\n", first, unread ? ", data waiting" : "");
  if (unread) MUST(send(s, "data", 4, 0));
  close(s);
  show_events("ended", c, POLLRDHUP);
  CHECK(send(c, "x", 1, MSG_NOSIGNAL));
  show_events("reset", c, POLLHUP);
  if (strcmp(first, "read") == 0) {
    CHECK(recv(c, buf, 10, 0));
    CHECK(recv(c, buf, 10, 0));
    CHECK(recv(c, buf, 10, MSG_PEEK));
  }
  if (strcmp(first, "error") == 0) CHECK(error_of(c));
  if (strcmp(first, "queued") == 0) {
    int queued = -1;
    CHECK(ioctl(c, FIONREAD, &queued));
    CHECK(queued);
  }
  CHECK(send(c, "x", 1, MSG_NOSIGNAL));
  CHECK(send(c, "x", 1, MSG_NOSIGNAL));
  CHECK(recv(c, buf, 10, 0));
  CHECK(error_of(c));
  CHECK(shutdown(c, SHUT_RDWR));
  show_events("last", c, 0);
  close(c);
}

// The peer resets at once.
static void reset(const char *first, bool unread) {
  int fds[2];
  char buf[10];
  tcp_pair(fds);
  int c = fds[0], s = fds[1];
  printf("-- reset, %s first%s\n", first, unread ? ", data waiting" : "");
  if (unread) {
    MUST(send(s, "data", 4, 0));
    show_events("data", c, POLLIN);
  }
  MUST(setsockopt(s, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger)));
  close(s);
  show_events("reset", c, POLLHUP);
  if (strcmp(first, "read") == 0) {
    CHECK(recv(c, buf, 10, 0));
    CHECK(recv(c, buf, 10, 0));
  }
  if (strcmp(first, "error") == 0) CHECK(error_of(c));
  CHECK(send(c, "x", 1, MSG_NOSIGNAL));
  CHECK(send(c, "x", 1, MSG_NOSIGNAL));
  CHECK(recv(c, buf, 10, 0));
  CHECK(recv(c, buf, 10, 0));
  CHECK(error_of(c));
  CHECK(shutdown(c, SHUT_RDWR));
  close(c);
}

// This side has said that it sends nothing more; the peer resets instead of ending.
static void reset_after_shutdown(void) {
  int fds[2];
  char buf[10];
  tcp_pair(fds);
  int c = fds[0], s = fds[1];
  printf("-- reset after shutdown\n");
  CHECK(shutdown(c, SHUT_WR));
  show_events("peer", s, POLLRDHUP);
  MUST(setsockopt(s, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger)));
  close(s);
  show_events("reset", c, POLLHUP);
  CHECK(recv(c, buf, 10, 0));
  CHECK(recv(c, buf, 10, 0));
  CHECK(send(c, "x", 1, MSG_NOSIGNAL));
  CHECK(error_of(c));
  close(c);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  static const char *const firsts[] = {"read", "write", "error", "queued"};
  for (int i = 0; i < 4; i++) {
    ended_then_reset(firsts[i], false);
    ended_then_reset(firsts[i], true);
    reset(firsts[i], false);
    reset(firsts[i], true);
  }
  reset_after_shutdown();
  return 0;
}

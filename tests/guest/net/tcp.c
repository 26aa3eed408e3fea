// tcp(7) over loopback: connecting, data, flags, readiness, and every way in which a connection ends.
#include "../guest.h"
#include "net.h"

static volatile int pipes;
static void on_pipe(int s) { (void)s, pipes++; }

static void connecting(void) {
  struct sockaddr_in a;
  socklen_t n = sizeof a;
  int l = server4(SOCK_STREAM, 4);
  show("listener idle", l);
  int c = MUST(socket(AF_INET, SOCK_STREAM, 0));
  show("fresh", c);
  CHECK(getpeername(c, (struct sockaddr *)&a, &n));
  CHECK(send(c, "x", 1, MSG_NOSIGNAL));
  CHECK(recv(c, &a, 1, MSG_DONTWAIT));
  CHECK(accept(c, NULL, NULL));
  CHECK(shutdown(c, SHUT_RD));
  CHECK(recv(l, &a, 1, MSG_DONTWAIT));
  CHECK(send(l, "x", 1, MSG_NOSIGNAL));
  a = loopback4(port_of(l));
  CHECK(connect(c, (struct sockaddr *)&a, sizeof a));
  CHECK(connect(c, (struct sockaddr *)&a, sizeof a));
  await("listener ready", l, POLLIN);
  n = sizeof a;
  memset(&a, 0, sizeof a);
  int s = MUST(accept4(l, (struct sockaddr *)&a, &n, SOCK_CLOEXEC | SOCK_NONBLOCK));
  printf("accept4: family %d length %d, from %s, port matches %d\n", a.sin_family, n, inet_ntoa(a.sin_addr), ntohs(a.sin_port) == port_of(c));
  CHECK(fcntl(s, F_GETFD));
  CHECK(fcntl(s, F_GETFL) & O_NONBLOCK);
  CHECK(recv(s, &a, 1, 0));
  show("connected", s);
  CHECK(listen(s, 1));
  CHECK(bind(s, (struct sockaddr *)&a, sizeof a));
  CHECK(accept4(l, NULL, NULL, 0x7));
  MUST(fcntl(l, F_SETFL, O_NONBLOCK));
  CHECK(accept(l, NULL, NULL));
  close(s);
  close(c);
  close(l);
}

static void nonblocking(void) {
  int l = server4(SOCK_STREAM, 4);
  struct sockaddr_in a = loopback4(port_of(l));
  int c = MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  // Loopback may be so fast that a connection stands at once: both answers are right.
  int r = connect(c, (struct sockaddr *)&a, sizeof a);
  printf("connect: %s\n", r == 0 || errno == EINPROGRESS ? "started" : strerrorname_np(errno));
  await("established", c, POLLOUT);
  CHECK(int_option(c, SOL_SOCKET, SO_ERROR));
  r = connect(c, (struct sockaddr *)&a, sizeof a);
  if (r == 0) r = connect(c, (struct sockaddr *)&a, sizeof a);
  printf("again: %s\n", strerrorname_np(errno));
  close(c);
  // Nobody listens there any more.
  close(l);
  c = MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  r = connect(c, (struct sockaddr *)&a, sizeof a);
  printf("connect: %s\n", r < 0 && (errno == EINPROGRESS || errno == ECONNREFUSED) ? "started" : "?");
  if (errno == EINPROGRESS) await("refused", c, POLLOUT);
  close(c);
  c = MUST(socket(AF_INET, SOCK_STREAM, 0));
  CHECK(connect(c, (struct sockaddr *)&a, sizeof a));
  CHECK(int_option(c, SOL_SOCKET, SO_ERROR));
  close(c);
}

static void data(void) {
  int p[2];
  char b[100] = {0};
  tcp_pair(p);
  CHECK(send(p[0], "hello world", 11, 0));
  await("readable", p[1], POLLIN);
  int n;
  MUST(ioctl(p[1], FIONREAD, &n));
  printf("FIONREAD %d\n", n);
  CHECK(recv(p[1], b, 5, MSG_PEEK));
  CHECK(recv(p[1], NULL, 6, MSG_TRUNC));
  CHECK(recv(p[1], b, sizeof b, 0));
  b[5] = 0;
  printf("%s\n", b);
  CHECK(recv(p[1], b, 1, MSG_DONTWAIT));
  CHECK(recv(p[1], b, 0, MSG_DONTWAIT));
  CHECK(send(p[0], "", 0, 0));
  IN_CHILD("waitall", {
    usleep(20000);
    send(p[0], "abc", 3, 0);
    usleep(20000);
    send(p[0], "defg", 4, 0);
    _exit(0);
  });
  CHECK(recv(p[1], b, 7, MSG_WAITALL));
  struct iovec v[3] = {{b, 2}, {b + 10, 3}, {b + 20, 50}};
  CHECK(write(p[0], "0123456789", 10));
  await("readable", p[1], POLLIN);
  CHECK(readv(p[1], v, 3));
  printf("%.2s %.3s %.5s\n", b, b + 10, b + 20);
  CHECK(writev(p[1], v, 2));
  await("readable", p[0], POLLIN);
  CHECK(read(p[0], b, 100));
  struct sockaddr_in from;
  socklen_t len = sizeof from;
  MUST(send(p[0], "q", 1, MSG_MORE | MSG_NOSIGNAL));
  MUST(send(p[0], "r", 1, 0));
  CHECK(recvfrom(p[1], b, 2, MSG_WAITALL, (struct sockaddr *)&from, &len));
  printf("from length %d\n", len);
  CHECK(recv(p[1], b, 1, MSG_ERRQUEUE));
  CHECK(lseek(p[1], 0, SEEK_SET));
  CHECK(pread(p[1], b, 1, 0));
  close(p[0]);
  close(p[1]);
}

static void urgent(void) {
  int p[2], at;
  char b[20];
  tcp_pair(p);
  CHECK(recv(p[1], b, 1, MSG_OOB));
  CHECK(send(p[0], "abc", 3, MSG_OOB));
  await("urgent", p[1], POLLPRI);
  CHECK(recv(p[1], b, 10, 0));
  MUST(ioctl(p[1], SIOCATMARK, &at));
  printf("at mark %d\n", at);
  CHECK(recv(p[1], b, 10, MSG_OOB));
  printf("%c\n", b[0]);
  CHECK(recv(p[1], b, 10, MSG_OOB));
  show("after", p[1]);
  SET(p[1], SOL_SOCKET, SO_OOBINLINE, 1);
  CHECK(send(p[0], "de", 2, MSG_OOB));
  CHECK(recv(p[1], b, 1, 0));
  CHECK(recv(p[1], b, 10, MSG_OOB));
  CHECK(recv(p[1], b, 10, 0));
  close(p[0]);
  close(p[1]);
}

static void ends(void) {
  int p[2];
  char b[10];
  tcp_pair(p);
  CHECK(shutdown(p[0], 7));
  CHECK(shutdown(p[0], SHUT_WR));
  await("peer has finished", p[1], POLLRDHUP);
  CHECK(recv(p[1], b, 1, 0));
  CHECK(send(p[0], "x", 1, MSG_NOSIGNAL));
  CHECK(send(p[0], "x", 1, 0));
  printf("SIGPIPE %d\n", pipes);
  CHECK(send(p[1], "y", 1, 0));
  CHECK(recv(p[0], b, 1, 0));
  CHECK(shutdown(p[1], SHUT_WR));
  await("both have", p[0], POLLHUP);
  show("both have", p[1]);
  close(p[0]);
  close(p[1]);

  tcp_pair(p);
  CHECK(shutdown(p[0], SHUT_RD));
  show("not reading", p[0]);
  CHECK(recv(p[0], b, 1, 0));
  close(p[0]);
  close(p[1]);

  // Closed with unread data: a reset.
  tcp_pair(p);
  MUST(send(p[0], "unread", 6, 0));
  await("readable", p[1], POLLIN);
  close(p[1]);
  await("reset", p[0], POLLERR);
  CHECK(recv(p[0], b, 1, 0));
  CHECK(recv(p[0], b, 1, 0));
  CHECK(send(p[0], "x", 1, MSG_NOSIGNAL));
  close(p[0]);

  // A linger time of zero: a reset as well.
  tcp_pair(p);
  struct linger hard = {1, 0};
  MUST(setsockopt(p[1], SOL_SOCKET, SO_LINGER, &hard, sizeof hard));
  close(p[1]);
  await("reset", p[0], POLLERR);
  CHECK(int_option(p[0], SOL_SOCKET, SO_ERROR));
  CHECK(int_option(p[0], SOL_SOCKET, SO_ERROR));
  show("error taken", p[0]);
  close(p[0]);

  // The peer is gone: the first write is taken, then there is a reset.
  tcp_pair(p);
  close(p[1]);
  await("closed", p[0], POLLRDHUP);
  CHECK(recv(p[0], b, 1, 0));
  CHECK(send(p[0], "x", 1, 0));
  await("reset", p[0], POLLERR | POLLHUP);
  CHECK(send(p[0], "x", 1, MSG_NOSIGNAL));
  CHECK(send(p[0], "x", 1, MSG_NOSIGNAL));
  close(p[0]);

  // Disconnected and connected anew.
  tcp_pair(p);
  struct sockaddr none = {.sa_family = AF_UNSPEC};
  CHECK(connect(p[0], &none, sizeof none));
  show("disconnected", p[0]);
  int l = server4(SOCK_STREAM, 1);
  struct sockaddr_in a = loopback4(port_of(l));
  CHECK(connect(p[0], (struct sockaddr *)&a, sizeof a));
  close(p[0]);
  close(p[1]);
  // A listener that stops.
  CHECK(shutdown(l, SHUT_RD));
  CHECK(accept(l, NULL, NULL));
  close(l);
}

static void filling(void) {
  int p[2];
  static char big[1 << 20];
  tcp_pair(p);
  MUST(fcntl(p[0], F_SETFL, O_NONBLOCK));
  long total = 0, got = 0, n;
  while ((n = send(p[0], big, sizeof big, 0)) > 0) total += n;
  CHECK(n);
  show("full", p[0]);
  while (got < total && (n = recv(p[1], big, sizeof big, 0)) > 0) got += n;
  printf("all %d\n", got == total);
  await("empty", p[0], POLLOUT);
  struct timeval t = {0, 30000};
  MUST(setsockopt(p[1], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
  CHECK(recv(p[1], big, 1, 0));
  MUST(send(p[0], "abc", 3, 0));
  CHECK(recv(p[1], big, 5, MSG_WAITALL));
  SET(p[1], SOL_SOCKET, SO_RCVLOWAT, 4);
  MUST(send(p[0], "abc", 3, 0));
  usleep(20000);
  show("below low water", p[1]);
  MUST(send(p[0], "d", 1, 0));
  await("at low water", p[1], POLLIN);
  close(p[0]);
  close(p[1]);
}

static void edges(void) {
  int p[2];
  char b[100];
  tcp_pair(p);
  int e = MUST(epoll_create1(0));
  struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET}, out;
  MUST(epoll_ctl(e, EPOLL_CTL_ADD, p[1], &ev));
  CHECK(epoll_wait(e, &out, 1, 1000));
  print_events("first", out.events);
  CHECK(epoll_wait(e, &out, 1, 0));
  MUST(send(p[0], "one", 3, 0));
  CHECK(epoll_wait(e, &out, 1, 10000));
  print_events("data", out.events);
  CHECK(epoll_wait(e, &out, 1, 0));
  MUST(send(p[0], "two", 3, 0));
  CHECK(epoll_wait(e, &out, 1, 10000));
  MUST(recv(p[1], b, sizeof b, 0));
  CHECK(epoll_wait(e, &out, 1, 0));
  close(p[0]);
  CHECK(epoll_wait(e, &out, 1, 10000));
  print_events("end", out.events);
  close(p[1]);
  close(e);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  signal(SIGPIPE, on_pipe);
  connecting();
  nonblocking();
  data();
  urgent();
  ends();
  filling();
  edges();
  return 0;
}

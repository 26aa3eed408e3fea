// MSG_ZEROCOPY: what the error queue tells of each send, and that nothing is told where nothing was asked for.
#include "../guest.h"
#include "net.h"
#include <linux/errqueue.h>

// Reads the error queue until all sends below `count` are told of, in order.
static void collect(int fd, unsigned from, unsigned count) {
  unsigned next = from;
  bool copied = true;
  while (next < count) {
    struct pollfd p = {.fd = fd, .events = 0};
    if (poll(&p, 1, 20000) != 1) {
      printf("nothing told after %u\n", next);
      return;
    }
    char control[128], data[16];
    struct iovec v = {data, sizeof data};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t n = recvmsg(fd, &m, MSG_ERRQUEUE);
    struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&m);
    if (c == NULL) {
      printf("recvmsg: %zd %s\n", n, n < 0 ? strerrorname_np(errno) : "without a message");
      return;
    }
    struct sock_extended_err *e = (void *)CMSG_DATA(c);
    bool v6 = c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR;
    if (!v6 && (c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_RECVERR)) printf("cmsg %d %d\n", c->cmsg_level, c->cmsg_type);
    if (n != 0 || !(m.msg_flags & MSG_ERRQUEUE) || e->ee_errno != 0 || e->ee_origin != SO_EE_ORIGIN_ZEROCOPY || e->ee_type != 0)
      printf("%zd, flags %x, errno %u, origin %u, type %u\n", n, m.msg_flags, e->ee_errno, e->ee_origin, e->ee_type);
    if (e->ee_info != next) printf("from %u, not %u\n", e->ee_info, next);
    copied = copied && e->ee_code == SO_EE_CODE_ZEROCOPY_COPIED;
    next = e->ee_data + 1;
  }
  printf("told of %u to %u, copied: %d\n", from, next - 1, copied);
}

static void nothing(int fd) {
  char b[16];
  struct pollfd p = {.fd = fd, .events = 0};
  CHECK(poll(&p, 1, 0));
  CHECK(recv(fd, b, sizeof b, MSG_ERRQUEUE));
}

static void stream(void) {
  int p[2];
  static char b[100000];
  tcp_pair(p);
  CHECK(send(p[0], "unasked", 7, MSG_ZEROCOPY));
  CHECK(recv(p[1], b, sizeof b, 0));
  nothing(p[0]);
  OPTION(p[0], SOL_SOCKET, SO_ZEROCOPY);
  SET(p[0], SOL_SOCKET, SO_ZEROCOPY, 1);
  SET(p[0], SOL_SOCKET, SO_ZEROCOPY, 2);
  OPTION(p[0], SOL_SOCKET, SO_ZEROCOPY);
  CHECK(send(p[0], "plain", 5, 0));
  CHECK(recv(p[1], b, sizeof b, 0));
  nothing(p[0]);
  for (int i = 0; i < 3; i++) {
    CHECK(send(p[0], b, 1000, MSG_ZEROCOPY));
    CHECK(recv(p[1], b, 1000, MSG_WAITALL));
  }
  collect(p[0], 0, 3);
  CHECK(send(p[0], b, 0, MSG_ZEROCOPY));
  nothing(p[0]);
  CHECK(send(p[0], b, 50000, MSG_ZEROCOPY));
  CHECK(recv(p[1], b, 50000, MSG_WAITALL));
  collect(p[0], 3, 4);
  CHECK(int_option(p[0], SOL_SOCKET, SO_ERROR));
  CHECK(send(p[0], "on", 2, 0));
  CHECK(recv(p[1], b, sizeof b, 0));
  close(p[0]);
  close(p[1]);
}

static void datagrams(int family) {
  int to = MUST(socket(family, SOCK_DGRAM, 0)), from = MUST(socket(family, SOCK_DGRAM, 0));
  struct sockaddr_in a4 = loopback4(0);
  struct sockaddr_in6 a6 = loopback6(0);
  struct sockaddr *a = family == AF_INET ? (void *)&a4 : (void *)&a6;
  socklen_t size = family == AF_INET ? sizeof a4 : sizeof a6;
  char b[2000] = "";
  if (bind(to, a, size) != 0) return;
  MUST(getsockname(to, a, &size));
  SET(from, SOL_SOCKET, SO_ZEROCOPY, 1);
  for (int i = 0; i < 2; i++) {
    CHECK(sendto(from, b, 1000, MSG_ZEROCOPY, a, size));
    CHECK(recv(to, b, sizeof b, 0));
  }
  collect(from, 0, 2);
  nothing(from);
  close(to);
  close(from);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  stream();
  datagrams(AF_INET);
  int fd = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
  SET(fd, SOL_SOCKET, SO_ZEROCOPY, 1);
  close(fd);
  return 0;
}

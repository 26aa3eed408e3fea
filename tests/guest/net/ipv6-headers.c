// IPv6 extension headers by options that stay and by control messages (RFC 3542): hop-by-hop and destination options as they are set, sent
// and told to the receiver.
#include "../guest.h"
#include "control.h"
#include "net.h"

static void attempt(int fd, const char *what, int option, const void *bytes, int count) {
  unsigned char back[64];
  socklen_t n = sizeof back;
  errno = 0;
  long result = setsockopt(fd, IPPROTO_IPV6, option, bytes, count);
  report(what, result);
  if (result != 0) return;
  MUST(getsockopt(fd, IPPROTO_IPV6, option, back, &n));
  show_bytes("  back", back, n);
}

static void receive(const char *what, int fd) { receive_hiding(what, fd, NULL); }

static int send_with(const char *what, int fd, int type, const void *bytes, int count) {
  unsigned char control[CMSG_SPACE(64)] = {0};
  struct iovec iov = {"once", 4};
  struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(count)};
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  c->cmsg_level = IPPROTO_IPV6, c->cmsg_type = type, c->cmsg_len = CMSG_LEN(count);
  memcpy(CMSG_DATA(c), bytes, count);
  int sent = sendmsg(fd, &m, 0);
  report(what, sent);
  return sent;
}

static const unsigned char padded[8] = {0, 0, 1, 4, 0, 0, 0, 0};
static const unsigned char alert[8] = {0, 0, 5, 2, 0, 0, 1, 0};
static const unsigned char longer[16] = {0, 1, 0x1e, 12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
static const unsigned char lies[8] = {0, 1, 1, 4, 0, 0, 0, 0};
static const unsigned char routing[24] = {0, 2, 0, 1};

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  int to = MUST(socket(AF_INET6, SOCK_DGRAM, 0)), fd = MUST(socket(AF_INET6, SOCK_DGRAM, 0));
  struct sockaddr_in6 a = loopback6(0);
  MUST(bind(to, (struct sockaddr *)&a, sizeof a));
  socklen_t n = sizeof a;
  MUST(getsockname(to, (struct sockaddr *)&a, &n));
  MUST(connect(fd, (struct sockaddr *)&a, sizeof a));
  attempt(fd, "hop-by-hop", IPV6_HOPOPTS, alert, 8);
  attempt(fd, "destination", IPV6_DSTOPTS, longer, 16);
  attempt(fd, "before routing", IPV6_RTHDRDSTOPTS, padded, 8);
  attempt(fd, "routing of type 0", IPV6_RTHDR, routing, 24);
  attempt(fd, "of 12 bytes", IPV6_DSTOPTS, longer, 12);
  attempt(fd, "of 1 byte", IPV6_DSTOPTS, longer, 1);
  attempt(fd, "longer than given", IPV6_DSTOPTS, lies, 8);
  SET(to, IPPROTO_IPV6, IPV6_RECVHOPOPTS, 1);
  OPTION(to, IPPROTO_IPV6, IPV6_RECVHOPOPTS);
  CHECK(send(fd, "both", 4, 0));
  receive("hop-by-hop alone is told", to);
  SET(to, IPPROTO_IPV6, IPV6_RECVDSTOPTS, 1);
  SET(to, IPPROTO_IPV6, IPV6_RECVRTHDR, 1);
  CHECK(send(fd, "both", 4, 0));
  receive("both are told", to);
  attempt(fd, "no hop-by-hop", IPV6_HOPOPTS, NULL, 0);
  CHECK(send(fd, "one", 3, 0));
  receive("one is told", to);
  static char big[3000];
  CHECK(send(fd, big, sizeof big, 0));
  receive("large", to);
  attempt(fd, "no destination options", IPV6_DSTOPTS, NULL, 0);
  CHECK(send(fd, "none", 4, 0));
  receive("none", to);
  if (send_with("hop-by-hop once", fd, IPV6_HOPOPTS, padded, 8) > 0) receive("once", to);
  if (send_with("destination once", fd, IPV6_DSTOPTS, padded, 8) > 0) receive("once", to);
  send_with("lies", fd, IPV6_DSTOPTS, lies, 8);
  CHECK(send(fd, "none", 4, 0));
  receive("none again", to);
  return 0;
}

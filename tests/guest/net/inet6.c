// IPv6 sockets: dual-stack rules, options, ancillary data.
// guest: ipv6
#include "../guest.h"
#include "net.h"

static void names(void) {
  int fd = MUST(socket(AF_INET6, SOCK_STREAM, 0));
  struct sockaddr_in6 a = loopback6(0);
  CHECK(bind(fd, (struct sockaddr *)&a, 16));
  a.sin6_family = AF_INET;
  CHECK(bind(fd, (struct sockaddr *)&a, sizeof a));
  a = loopback6(0);
  CHECK(bind(fd, (struct sockaddr *)&a, 24));
  SET(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  socklen_t n = sizeof a;
  CHECK(getsockname(fd, (struct sockaddr *)&a, &n));
  printf("length %d scope %d\n", n, a.sin6_scope_id);
  close(fd);
}

static void dual(int only) {
  int l = MUST(socket(AF_INET6, SOCK_STREAM, 0));
  MUST(setsockopt(l, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only));
  struct sockaddr_in6 any = {.sin6_family = AF_INET6}, from = {0};
  MUST(bind(l, (struct sockaddr *)&any, sizeof any));
  MUST(listen(l, 5));
  int c4 = MUST(socket(AF_INET, SOCK_STREAM, 0)), c6 = MUST(socket(AF_INET6, SOCK_STREAM, 0));
  struct sockaddr_in a4 = loopback4(port_of(l));
  struct sockaddr_in6 a6 = loopback6(port_of(l));
  CHECK(connect(c6, (struct sockaddr *)&a6, sizeof a6));
  int s = MUST(accept(l, NULL, NULL));
  close(s);
  CHECK(connect(c4, (struct sockaddr *)&a4, sizeof a4));
  if (!only) {
    socklen_t n = sizeof from;
    s = MUST(accept(l, (struct sockaddr *)&from, &n));
    char text[100];
    printf("from %s\n", inet_ntop(AF_INET6, &from.sin6_addr, text, sizeof text));
    close(s);
  }
  int other = MUST(socket(AF_INET, SOCK_STREAM, 0));
  struct sockaddr_in any4 = {.sin_family = AF_INET, .sin_port = htons(port_of(l))};
  CHECK(bind(other, (struct sockaddr *)&any4, sizeof any4));
  close(c4);
  close(c6);
  close(other);
  close(l);
}

static void mapped(void) {
  int l = server4(SOCK_STREAM, 1), c = MUST(socket(AF_INET6, SOCK_STREAM, 0)), s;
  struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(port_of(l))};
  inet_pton(AF_INET6, "::ffff:127.0.0.1", &a.sin6_addr);
  CHECK(connect(c, (struct sockaddr *)&a, sizeof a));
  s = MUST(accept(l, NULL, NULL));
  socklen_t n = sizeof a;
  char text[100];
  MUST(getsockname(c, (struct sockaddr *)&a, &n));
  printf("name %s\n", inet_ntop(AF_INET6, &a.sin6_addr, text, sizeof text));
  close(s);
  close(c);
  c = MUST(socket(AF_INET6, SOCK_STREAM, 0));
  SET(c, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  inet_pton(AF_INET6, "::ffff:127.0.0.1", &a.sin6_addr);
  a.sin6_port = htons(port_of(l));
  CHECK(connect(c, (struct sockaddr *)&a, sizeof a));
  close(c);
  close(l);
}

static void options(void) {
  int u = MUST(socket(AF_INET6, SOCK_DGRAM, 0));
  OPTION(u, IPPROTO_IPV6, IPV6_V6ONLY);
  OPTION(u, IPPROTO_IPV6, IPV6_UNICAST_HOPS);
  SET(u, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 256);
  SET(u, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 9);
  OPTION(u, IPPROTO_IPV6, IPV6_UNICAST_HOPS);
  OPTION(u, IPPROTO_IPV6, IPV6_MULTICAST_HOPS);
  OPTION(u, IPPROTO_IPV6, IPV6_MULTICAST_LOOP);
  SET(u, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 2);
  OPTION(u, IPPROTO_IPV6, IPV6_TCLASS);
  SET(u, IPPROTO_IPV6, IPV6_TCLASS, 300);
  SET(u, IPPROTO_IPV6, IPV6_TCLASS, 0x20);
  OPTION(u, IPPROTO_IPV6, IPV6_TCLASS);
  OPTION(u, IPPROTO_IPV6, IPV6_MTU_DISCOVER);
  OPTION(u, IPPROTO_IPV6, IPV6_MTU);
  SET(u, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  OPTION(u, IPPROTO_IPV6, IPV6_RECVPKTINFO);
  char byte = 1;
  CHECK(setsockopt(u, IPPROTO_IPV6, IPV6_V6ONLY, &byte, 1));
  SET(u, IPPROTO_IPV6, 9999, 1);
  OPTION(u, IPPROTO_IPV6, 9999);
  close(u);
}

static void ancillary(void) {
  int a = MUST(socket(AF_INET6, SOCK_DGRAM, 0)), b = MUST(socket(AF_INET6, SOCK_DGRAM, 0));
  struct sockaddr_in6 to = loopback6(0), from;
  MUST(bind(a, (struct sockaddr *)&to, sizeof to));
  to = loopback6(port_of(a));
  int one = 1;
  MUST(setsockopt(a, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof one));
  MUST(setsockopt(a, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &one, sizeof one));
  MUST(setsockopt(a, IPPROTO_IPV6, IPV6_RECVTCLASS, &one, sizeof one));
  SET(b, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 17);
  CHECK(sendto(b, "six", 3, 0, (struct sockaddr *)&to, sizeof to));
  char buf[10], control[200];
  struct iovec v = {buf, sizeof buf};
  struct msghdr m = {&from, sizeof from, &v, 1, control, sizeof control, 0};
  CHECK(recvmsg(a, &m, 0));
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
    if (c->cmsg_type == IPV6_PKTINFO) {
      struct in6_pktinfo *i = (void *)CMSG_DATA(c);
      printf("pktinfo %d %d\n", i->ipi6_ifindex, IN6_IS_ADDR_LOOPBACK(&i->ipi6_addr));
    } else printf("type %d value %d\n", c->cmsg_type, *(int *)CMSG_DATA(c));
  }
  close(a);
  close(b);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  names();
  dual(1);
  dual(0);
  mapped();
  options();
  ancillary();
  return 0;
}

// udp(7) over loopback: datagrams with and without a peer, flags, ancillary data, errors that come back, many at once.
#include "../guest.h"
#include "net.h"
#include <linux/errqueue.h>

static int bound(void) { return server4(SOCK_DGRAM, 0); }

static void basics(void) {
  int a = bound(), b = MUST(socket(AF_INET, SOCK_DGRAM, 0));
  struct sockaddr_in to = loopback4(port_of(a)), from;
  socklen_t n = sizeof from;
  char buf[100];
  show("fresh", b);
  CHECK(send(b, "x", 1, 0));
  CHECK(recv(b, buf, 1, MSG_DONTWAIT));
  CHECK(listen(b, 1));
  CHECK(accept(b, NULL, NULL));
  int s = MUST(socket(AF_INET, SOCK_DGRAM, 0));
  CHECK(shutdown(s, SHUT_RDWR));
  CHECK(sendto(s, "x", 1, MSG_NOSIGNAL, (struct sockaddr *)&to, sizeof to));
  CHECK(recv(s, buf, 1, 0));
  close(s);
  CHECK(sendto(b, "hello", 5, 0, (struct sockaddr *)&to, sizeof to));
  await("readable", a, POLLIN);
  int size;
  MUST(ioctl(a, FIONREAD, &size));
  printf("FIONREAD %d\n", size);
  CHECK(recv(a, buf, 2, MSG_PEEK));
  CHECK(recv(a, buf, 2, MSG_PEEK | MSG_TRUNC));
  CHECK(recvfrom(a, buf, 3, 0, (struct sockaddr *)&from, &n));
  printf("from %s length %d port matches %d\n", inet_ntoa(from.sin_addr), n, ntohs(from.sin_port) == port_of(b));
  CHECK(recv(a, buf, 1, MSG_DONTWAIT));
  CHECK(sendto(b, "", 0, 0, (struct sockaddr *)&to, sizeof to));
  CHECK(recv(a, buf, 10, 0));
  to.sin_port = 0;
  CHECK(sendto(b, "x", 1, 0, (struct sockaddr *)&to, sizeof to));
  to.sin_family = 77;
  CHECK(sendto(b, "x", 1, 0, (struct sockaddr *)&to, sizeof to));
  CHECK(sendto(b, "x", 1, 0, (struct sockaddr *)&to, 5));
  to = loopback4(port_of(a));
  static char big[70000];
  CHECK(sendto(b, big, 65508, 0, (struct sockaddr *)&to, sizeof to));
  CHECK(sendto(b, big, 70000, 0, (struct sockaddr *)&to, sizeof to));
  CHECK(sendto(b, big, 65507, 0, (struct sockaddr *)&to, sizeof to));
  CHECK(recv(a, big, 70000, 0));
  CHECK(sendto(b, "x", 1, MSG_OOB, (struct sockaddr *)&to, sizeof to));
  CHECK(recv(a, buf, 1, MSG_OOB | MSG_DONTWAIT));
  CHECK(bind(a, (struct sockaddr *)&to, sizeof to));
  int c = MUST(socket(AF_INET, SOCK_DGRAM, 0));
  CHECK(bind(c, (struct sockaddr *)&to, sizeof to));
  to.sin_addr.s_addr = inet_addr("192.0.2.1");
  CHECK(bind(c, (struct sockaddr *)&to, sizeof to));
  close(a);
  close(b);
  close(c);
}

static void connected(void) {
  int a = bound(), b = bound(), c = bound();
  struct sockaddr_in to = loopback4(port_of(a)), other = loopback4(port_of(b)), name;
  socklen_t n = sizeof name;
  char buf[10];
  CHECK(getpeername(b, (struct sockaddr *)&name, &n));
  CHECK(connect(b, (struct sockaddr *)&to, sizeof to));
  CHECK(getpeername(b, (struct sockaddr *)&name, &n));
  CHECK(send(b, "x", 1, 0));
  CHECK(recv(a, buf, 1, 0));
  CHECK(sendto(c, "stranger", 8, 0, (struct sockaddr *)&other, sizeof other));
  CHECK(sendto(a, "peer", 4, 0, (struct sockaddr *)&other, sizeof other));
  CHECK(recv(b, buf, 10, 0));
  CHECK(recv(b, buf, 10, MSG_DONTWAIT));
  // Nobody is there any more: the error comes back.
  close(a);
  CHECK(send(b, "x", 1, 0));
  await("refused", b, POLLERR);
  CHECK(recv(b, buf, 1, MSG_DONTWAIT));
  CHECK(recv(b, buf, 1, MSG_DONTWAIT));
  CHECK(send(b, "x", 1, 0));
  await("refused", b, POLLERR);
  CHECK(send(b, "x", 1, 0));
  CHECK(int_option(b, SOL_SOCKET, SO_ERROR));
  CHECK(shutdown(b, SHUT_RD));
  show("shut", b);
  CHECK(recv(b, buf, 1, 0));
  CHECK(shutdown(b, SHUT_WR));
  CHECK(send(b, "x", 1, MSG_NOSIGNAL));
  struct sockaddr none = {.sa_family = AF_UNSPEC};
  CHECK(connect(b, &none, sizeof none));
  close(b);
  close(c);
}

static void error_queue(void) {
  int a = bound(), b = bound();
  struct sockaddr_in to = loopback4(port_of(a)), name = {0};
  SET(b, IPPROTO_IP, IP_RECVERR, 1);
  close(a);
  CHECK(sendto(b, "lost", 4, 0, (struct sockaddr *)&to, sizeof to));
  await("error queued", b, POLLERR);
  char buf[20] = {0}, control[200];
  struct iovec v = {buf, sizeof buf};
  struct msghdr m = {&name, sizeof name, &v, 1, control, sizeof control, 0};
  CHECK(recvmsg(b, &m, MSG_ERRQUEUE));
  printf("%s flags %x to port matches %d\n", buf, m.msg_flags, name.sin_port == to.sin_port);
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  struct sock_extended_err *e = (void *)CMSG_DATA(c);
  printf("level %d type %d: errno %d origin %d type %d code %d offender %s\n", c->cmsg_level, c->cmsg_type, e->ee_errno,
         e->ee_origin, e->ee_type, e->ee_code, inet_ntoa(((struct sockaddr_in *)SO_EE_OFFENDER(e))->sin_addr));
  CHECK(recvmsg(b, &m, MSG_ERRQUEUE));
  close(b);
}

static void ancillary(void) {
  int a = bound(), b = bound();
  struct sockaddr_in to = loopback4(port_of(a)), from;
  SET(a, IPPROTO_IP, IP_PKTINFO, 1);
  SET(a, IPPROTO_IP, IP_RECVTTL, 1);
  SET(a, IPPROTO_IP, IP_RECVTOS, 1);
  SET(a, SOL_SOCKET, SO_TIMESTAMP, 1);
  SET(b, IPPROTO_IP, IP_TOS, 0x28);
  char control[300], sent[100] = {0};
  struct iovec v = {"data", 4};
  struct msghdr m = {&to, sizeof to, &v, 1, sent, CMSG_SPACE(sizeof(int)), 0};
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  c->cmsg_level = IPPROTO_IP;
  c->cmsg_type = IP_TTL;
  c->cmsg_len = CMSG_LEN(sizeof(int));
  *(int *)CMSG_DATA(c) = 33;
  CHECK(sendmsg(b, &m, 0));
  char buf[10];
  struct iovec w = {buf, sizeof buf};
  struct msghdr r = {&from, sizeof from, &w, 1, control, sizeof control, 0};
  CHECK(recvmsg(a, &r, 0));
  bool stamped = false;
  for (c = CMSG_FIRSTHDR(&r); c; c = CMSG_NXTHDR(&r, c)) {
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMP) {
      struct timeval *t = (void *)CMSG_DATA(c), now;
      gettimeofday(&now, NULL);
      stamped = llabs((long long)now.tv_sec - t->tv_sec) < 60 && t->tv_usec < 1000000;
    } else if (c->cmsg_type == IP_PKTINFO) {
      struct in_pktinfo *i = (void *)CMSG_DATA(c);
      printf("pktinfo %d %s %s\n", i->ipi_ifindex, i->ipi_addr.s_addr == htonl(INADDR_LOOPBACK) ? "lo" : "?",
             i->ipi_spec_dst.s_addr == htonl(INADDR_LOOPBACK) ? "lo" : "?");
    } else if (c->cmsg_type == IP_TTL) printf("ttl %d\n", *(int *)CMSG_DATA(c));
    else if (c->cmsg_type == IP_TOS) printf("tos %x len %d\n", *(unsigned char *)CMSG_DATA(c), (int)c->cmsg_len);
    else printf("other %d %d\n", c->cmsg_level, c->cmsg_type);
  }
  TRUE(stamped);
  // Cut control.
  CHECK(sendto(b, "x", 1, 0, (struct sockaddr *)&to, sizeof to));
  r.msg_controllen = 20;
  CHECK(recvmsg(a, &r, 0));
  printf("flags %x\n", r.msg_flags);
  CHECK(sendto(b, "longer than that", 16, 0, (struct sockaddr *)&to, sizeof to));
  r.msg_controllen = 0;
  CHECK(recvmsg(a, &r, 0));
  printf("flags %x\n", r.msg_flags);
  *(int *)CMSG_DATA(CMSG_FIRSTHDR(&m)) = 0;
  CHECK(sendmsg(b, &m, 0));
  close(a);
  close(b);
}

static void many(void) {
  int a = bound(), b = bound();
  struct sockaddr_in to = loopback4(port_of(a));
  MUST(connect(b, (struct sockaddr *)&to, sizeof to));
  struct mmsghdr out[4] = {0}, in[6] = {0};
  struct iovec ov[4], iv[6];
  char texts[4][4] = {"a", "bb", "ccc", "d"}, bufs[6][2];
  for (int i = 0; i < 4; i++) {
    ov[i] = (struct iovec){texts[i], strlen(texts[i])};
    out[i].msg_hdr = (struct msghdr){.msg_iov = &ov[i], .msg_iovlen = 1};
  }
  for (int i = 0; i < 6; i++) {
    iv[i] = (struct iovec){bufs[i], 2};
    in[i].msg_hdr = (struct msghdr){.msg_iov = &iv[i], .msg_iovlen = 1};
  }
  CHECK(sendmmsg(b, out, 4, 0));
  printf("lengths %d %d %d %d\n", out[0].msg_len, out[1].msg_len, out[2].msg_len, out[3].msg_len);
  CHECK(recvmmsg(a, in, 6, MSG_WAITFORONE, NULL));
  printf("lengths %d %d %d %d flags %x %x\n", in[0].msg_len, in[1].msg_len, in[2].msg_len, in[3].msg_len,
         in[0].msg_hdr.msg_flags, in[2].msg_hdr.msg_flags);
  CHECK(recvmmsg(a, in, 6, MSG_DONTWAIT, NULL));
  CHECK(sendmmsg(b, out, 0, 0));
  close(a);
  close(b);
}

static void sharing(void) {
  int a = MUST(socket(AF_INET, SOCK_DGRAM, 0)), b = MUST(socket(AF_INET, SOCK_DGRAM, 0)), one = 1;
  struct sockaddr_in any = loopback4(0);
  MUST(setsockopt(a, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one));
  MUST(bind(a, (struct sockaddr *)&any, sizeof any));
  any = loopback4(port_of(a));
  CHECK(bind(b, (struct sockaddr *)&any, sizeof any));
  MUST(setsockopt(b, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one));
  CHECK(bind(b, (struct sockaddr *)&any, sizeof any));
  close(a);
  close(b);
  // A broadcast needs permission.
  a = MUST(socket(AF_INET, SOCK_DGRAM, 0));
  any.sin_addr.s_addr = htonl(INADDR_BROADCAST);
  any.sin_port = htons(9);
  int r = sendto(a, "x", 1, 0, (struct sockaddr *)&any, sizeof any);
  printf("broadcast: %s\n", r < 0 && (errno == EACCES || errno == ENETUNREACH) ? "refused" : "sent");
  close(a);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  basics();
  connected();
  error_queue();
  ancillary();
  many();
  sharing();
  return 0;
}

// IP_OPTIONS, IP_RECVOPTS, IP_RETOPTS (ip(7), RFC 791): what the checker refuses, what is read back, what a datagram carries and what its
// receiver is told.
#include "../guest.h"
#include "control.h"
#include "net.h"

#define NOP 1
#define RR 7
#define TS 68
#define SSRR 137
#define RA 148

static void attempt(int fd, const char *what, const unsigned char *bytes, int count) {
  unsigned char back[40];
  socklen_t n = sizeof back;
  errno = 0;
  long result = setsockopt(fd, IPPROTO_IP, IP_OPTIONS, bytes, count);
  report(what, result);
  if (result != 0) return;
  MUST(getsockopt(fd, IPPROTO_IP, IP_OPTIONS, back, &n));
  show_bytes("  back", back, n);
}

#define TRY(what, ...) \
  do { \
    unsigned char bytes_[] = {__VA_ARGS__}; \
    attempt(fd, what, bytes_, sizeof bytes_); \
  } while (0)

static void checks(int fd) {
  TRY("nothing but padding", 0, 0, 0, 0);
  TRY("a NOP", NOP);
  TRY("NOPs", NOP, NOP, NOP, NOP, NOP);
  TRY("after the end", 0, NOP, 5);
  TRY("record route", RR, 7, 4, 0, 0, 0, 0);
  TRY("record route of 9", RR, 39, 4);
  TRY("record route, two places", NOP, RR, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0);
  TRY("record route, full", RR, 7, 8, 1, 2, 3, 4);
  TRY("record route, pointer too small", RR, 7, 3, 0, 0, 0, 0);
  TRY("record route, no room for an address", RR, 6, 4, 0, 0, 0);
  TRY("record route twice", RR, 7, 4, 0, 0, 0, 0, RR, 7, 4, 0, 0, 0, 0);
  TRY("length beyond", RR, 12, 4, 0, 0, 0, 0);
  TRY("length 1", RR, 1, 4, 0);
  TRY("no length", NOP, NOP, NOP, RR);
  TRY("times", TS, 8, 5, 0, 0, 0, 0, 0);
  TRY("times and addresses", TS, 12, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0);
  TRY("times, small pointer", TS, 8, 4, 0, 0, 0, 0, 0);
  TRY("times, no room for both", TS, 8, 5, 1, 0, 0, 0, 0);
  TRY("times, overflow at its end", TS, 8, 9, 0xf0, 0, 0, 0, 0);
  TRY("router alert", RA, 4, 0, 0);
  TRY("router alert, short", RA, 3, 0);
  unsigned char many[44] = {0};
  memset(many, NOP, sizeof many);
  attempt(fd, "forty", many, 40);
  attempt(fd, "more", many, 41);
  attempt(fd, "none", many, 0);
  unsigned char back[40];
  socklen_t n = sizeof back;
  CHECK(getsockopt(fd, IPPROTO_IP, IP_OPTIONS, back, &n));
  printf("%u bytes\n", n);
}

// Times differ.
static void hide_times(unsigned char *bytes) {
  if (bytes[0] == TS && bytes[3] == 0) memset(bytes + 4, 0xee, 8);
  if (bytes[0] == TS && bytes[3] == 1) memset(bytes + 8, 0xee, 4), memset(bytes + 16, 0xee, 4);
}

static void receive(const char *what, int fd) { receive_hiding(what, fd, hide_times); }

static void carried(void) {
  int to = server4(SOCK_DGRAM, 0), fd = MUST(socket(AF_INET, SOCK_DGRAM, 0));
  struct sockaddr_in a = loopback4(port_of(to));
  MUST(connect(fd, (struct sockaddr *)&a, sizeof a));
  SET(to, IPPROTO_IP, IP_RECVOPTS, 1);
  CHECK(send(fd, "plain", 5, 0));
  receive("none", to);
  TRY("record route", RR, 15, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  CHECK(send(fd, "routed", 6, 0));
  receive("recorded", to);
  SET(to, IPPROTO_IP, IP_RETOPTS, 1);
  CHECK(send(fd, "routed", 6, 0));
  receive("recorded, and back", to);
  SET(to, IPPROTO_IP, IP_RECVOPTS, 0);
  TRY("alert", RA, 4, 0, 0, RR, 7, 4, 0, 0, 0, 0);
  CHECK(send(fd, "alert", 5, 0));
  receive("back only", to);
  SET(to, IPPROTO_IP, IP_RECVOPTS, 1);
  SET(to, IPPROTO_IP, IP_RETOPTS, 0);
  TRY("times", TS, 12, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  CHECK(send(fd, "time", 4, 0));
  receive("timed", to);
  TRY("times and addresses", TS, 20, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  CHECK(send(fd, "time", 4, 0));
  receive("timed with addresses", to);
  attempt(fd, "off", NULL, 0);
  CHECK(send(fd, "plain", 5, 0));
  receive("none again", to);
  char big[3000];
  TRY("NOPs", NOP, NOP, NOP, 0);
  CHECK(send(fd, big, sizeof big, 0));
  receive("large", to);

  unsigned char control[CMSG_SPACE(8)] = {0};
  struct iovec iov = {"once", 4};
  struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  c->cmsg_level = IPPROTO_IP, c->cmsg_type = IP_RETOPTS, c->cmsg_len = CMSG_LEN(8);
  memcpy(CMSG_DATA(c), "\x07\x07\x04\0\0\0\0\0", 8);
  attempt(fd, "off", NULL, 0);
  CHECK(sendmsg(fd, &m, 0));
  receive("for one datagram", to);
  CHECK(send(fd, "plain", 5, 0));
  receive("the next", to);
  memcpy(CMSG_DATA(c), "\x07\x09\x04", 3);
  CHECK(sendmsg(fd, &m, 0));
  close(fd), close(to);
}

static void stream(void) {
  int l = server4(SOCK_STREAM, 1), fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
  struct sockaddr_in a = loopback4(port_of(l));
  TRY("on TCP", RR, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0);
  MUST(connect(fd, (struct sockaddr *)&a, sizeof a));
  int s = MUST(accept(l, NULL, NULL));
  char b[64];
  CHECK(send(fd, "there", 5, 0));
  await("arrived", s, POLLIN);
  CHECK(recv(s, b, sizeof b, 0));
  CHECK(send(s, "back", 4, 0));
  await("answered", fd, POLLIN);
  CHECK(recv(fd, b, sizeof b, 0));
  close(fd), close(s), close(l);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  int fd = MUST(socket(AF_INET, SOCK_DGRAM, 0));
  checks(fd);
  close(fd);
  carried();
  stream();
  return 0;
}

// guest: ipv6
// IPv6 extension headers on streams (ipv6(7), RFC 3542): options that stay go with every segment, and take their room from it; routing headers of
// the deprecated type 0 can't be set, nor be sent to us.
#include "../guest.h"
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/ip6.h>

#include "net.h"

static const unsigned char padded[8] = {0, 0, 1, 4, 0, 0, 0, 0};
static const unsigned char longer[16] = {0, 1, 0x1e, 12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
static const unsigned char type0[24] = {0, 2, 0, 1};

static int port;

static int watch(void) {
  int fd = socket(AF_PACKET, SOCK_DGRAM, 0);
  if (fd < 0) return fd;
  struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IPV6), .sll_ifindex = if_nametoindex("lo")};
  MUST(bind(fd, (void *)&at, sizeof at));
  return fd;
}

// The next of our segments: who sent it, its flags and the headers before it.
static void next_segment(const char *what, int fd, int data) {
  static unsigned char bytes[70000];
  for (;;) {
    struct pollfd one = {fd, POLLIN, 0};
    if (poll(&one, 1, 3000) != 1) {
      printf("%s: none\n", what);
      return;
    }
    int got = recv(fd, bytes, sizeof bytes, 0), at = 40, next = bytes[6];
    char chain[100] = "";
    while (next == 0 || next == 43 || next == 60) {
      sprintf(chain + strlen(chain), "%d of %d, ", next, (bytes[at + 1] + 1) * 8);
      next = bytes[at];
      at += (bytes[at + 1] + 1) * 8;
    }
    int from = bytes[at] << 8 | bytes[at + 1], to = bytes[at + 2] << 8 | bytes[at + 3];
    int size = got - at - (bytes[at + 12] >> 4) * 4;
    if (next != 6 || (from != port && to != port)) continue;
    if (data ? size == 0 : !(bytes[at + 13] & 2)) continue;
    printf("%s: %s%s%s with %d\n", what, chain, from == port ? "from the listener" : "to the listener", data ? "" : bytes[at + 13] & 16 ? " SYN ACK" : " SYN", size);
    return;
  }
}

static void attempt(int fd, const char *what, int option, const void *bytes, int count) {
  errno = 0;
  report(what, setsockopt(fd, IPPROTO_IPV6, option, bytes, count));
}

static void stream(int sniffer) {
  int l = MUST(socket(AF_INET6, SOCK_STREAM, 0)), c = MUST(socket(AF_INET6, SOCK_STREAM, 0));
  struct sockaddr_in6 a = loopback6(0);
  MUST(bind(l, (struct sockaddr *)&a, sizeof a));
  port = port_of(l);
  a = loopback6(port);
  attempt(l, "listener: destination options", IPV6_DSTOPTS, longer, 16);
  MUST(listen(l, 4));
  attempt(c, "hop-by-hop", IPV6_HOPOPTS, padded, 8);
  MUST(connect(c, (struct sockaddr *)&a, sizeof a));
  int s = MUST(accept(l, NULL, NULL));
  if (sniffer >= 0) next_segment("first", sniffer, 0);
  if (sniffer >= 0) next_segment("second", sniffer, 0);
  MUST(write(c, "hello", 5));
  if (sniffer >= 0) next_segment("data", sniffer, 1);
  MUST(write(s, "answer", 6));
  if (sniffer >= 0) next_segment("data back", sniffer, 1);
  char text[100];
  CHECK(read(s, text, sizeof text));
  CHECK(read(c, text, sizeof text));
  attempt(c, "more", IPV6_DSTOPTS, longer, 16);
  MUST(write(c, "later", 5));
  if (sniffer >= 0) next_segment("later data", sniffer, 1);
  CHECK(read(s, text, sizeof text));
  attempt(c, "none", IPV6_DSTOPTS, NULL, 0);
  attempt(c, "none", IPV6_HOPOPTS, NULL, 0);
  puts("much");
  attempt(c, "destination options", IPV6_DSTOPTS, longer, 16);
  fflush(stdout);
  pid_t child = MUST(fork());
  static char block[65536];
  if (child == 0) {
    for (int i = 0; i < 40; i++) MUST(write(c, block, sizeof block));
    _exit(0);
  }
  close(c);
  long sum = 0, got;
  while ((got = read(s, block, sizeof block)) > 0) sum += got;
  printf("received %ld\n", sum);
  waitpid(child, NULL, 0);
  close(s);
  close(l);
}

// A routing header with segments left is answered by a parameter problem that points at its type; without, it is passed over.
static void deprecated(void) {
  int sniffer = watch();
  int raw = socket(AF_INET6, SOCK_RAW, IPPROTO_RAW);
  report("raw", raw < 0 ? -1 : 0);
  if (raw < 0 || sniffer < 0) return;
  int to = MUST(socket(AF_INET6, SOCK_DGRAM, 0));
  struct sockaddr_in6 a = loopback6(0);
  MUST(bind(to, (struct sockaddr *)&a, sizeof a));
  for (int left = 1; left >= 0; left--) {
    unsigned char packet[40 + 24 + 12] = {0x60};
    packet[5] = 24 + 12, packet[6] = 43, packet[7] = 64;
    packet[23] = packet[39] = 1;
    memcpy(packet + 40, type0, 24);
    packet[40] = 17, packet[43] = left;
    packet[40 + 8 + 15] = 1;
    unsigned char *udp = packet + 64;
    udp[0] = 0x30, udp[1] = 0x39, udp[2] = port_of(to) >> 8, udp[3] = port_of(to), udp[5] = 12;
    memcpy(udp + 8, "type", 4);
    unsigned sum = 1 + 1 + 17 + 12;
    for (int i = 0; i < 12; i += 2) sum += udp[i] << 8 | udp[i + 1];
    sum = (sum & 0xffff) + (sum >> 16);
    sum = ~sum;
    udp[6] = sum >> 8, udp[7] = sum;
    struct sockaddr_in6 there = loopback6(0);
    printf("%d segments left\n", left);
    CHECK(sendto(raw, packet, sizeof packet, 0, (struct sockaddr *)&there, sizeof there));
    static unsigned char bytes[70000];
    for (int done = 0; !done && left == 1;) {
      struct pollfd one = {sniffer, POLLIN, 0};
      if (poll(&one, 1, 3000) != 1) {
        puts("no answer");
        break;
      }
      recv(sniffer, bytes, sizeof bytes, 0);
      done = bytes[6] == 58 && bytes[40] == ICMP6_PARAM_PROB && bytes[48 + 6] == 43;
      if (done) printf("parameter problem: code %d pointer %d\n", bytes[41], bytes[47]);
    }
    char text[10];
    CHECK(recv(to, text, sizeof text, left == 1 ? MSG_DONTWAIT : 0));
  }
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  int sniffer = watch();
  stream(sniffer);
  int fd = MUST(socket(AF_INET6, SOCK_STREAM, 0));
  attempt(fd, "routing header of type 0", IPV6_RTHDR, type0, 24);
  attempt(fd, "no routing header", IPV6_RTHDR, NULL, 0);
  attempt(fd, "a routing header of one byte", IPV6_RTHDR, type0, 1);
  deprecated();
  return 0;
}

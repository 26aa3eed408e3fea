// Socket filters on the other kinds of sockets: TCP (connections and listeners), AF_UNIX, netlink; programs of bpf(2) by descriptor.
#include "../guest.h"
#include "filters.h"
#include "net.h"
#include <linux/netlink.h>
#include <sys/un.h>

#define NONE BPF_STMT(BPF_RET | BPF_K, 0)

static void tcp(void) {
  int zero = 0, fds[2];
  tcp_pair(fds);
  char b[64];
  // Offsets count from the TCP header. What the filter drops is sent again until it passes.
  TRY(fds[1], "drop what begins with x",
      BPF_STMT(BPF_LDX | BPF_IMM, 0), BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 12), BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4), BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 2),
      BPF_STMT(BPF_MISC | BPF_TAX, 0), BPF_STMT(BPF_ST, 0), BPF_STMT(BPF_LD | BPF_LEN, 0), BPF_JUMP(BPF_JMP | BPF_JGT | BPF_X, 0, 1, 0), ALL,
      BPF_STMT(BPF_LD | BPF_B | BPF_IND, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'x', 0, 1), NONE, ALL);
  CHECK(send(fds[0], "abc", 3, 0));
  await("passes", fds[1], POLLIN);
  CHECK(recv(fds[1], b, sizeof b, MSG_DONTWAIT));
  CHECK(send(fds[0], "xyz", 3, 0));
  sleep_ms(100);
  CHECK(recv(fds[1], b, sizeof b, MSG_DONTWAIT));
  CHECK(setsockopt(fds[1], SOL_SOCKET, SO_DETACH_FILTER, &zero, sizeof zero));
  await("later", fds[1], POLLIN);
  printf("%zd %.3s\n", recv(fds[1], b, sizeof b, 0), b);
  close(fds[0]);
  close(fds[1]);

  int l = server4(SOCK_STREAM, 4);
  struct sockaddr_in to = loopback4(port_of(l));
  TRY(l, "no SYN", NONE);
  int c = MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  CHECK(connect(c, (struct sockaddr *)&to, sizeof to));
  sleep_ms(100);
  show("waits", c);
  TRY(l, "all", ALL);
  await("goes on", c, POLLOUT);
  int a = MUST(accept(l, NULL, NULL));
  socklen_t n = 0;
  CHECK(getsockopt(a, SOL_SOCKET, SO_GET_FILTER, NULL, &n));
  printf("inherits %u\n", n);
  SET(l, SOL_SOCKET, SO_LOCK_FILTER, 1);
  close(a), close(c), close(l);
}

static void local(int type, const char *name) {
  int fds[2];
  char b[64];
  printf("%s\n", name);
  MUST(socketpair(AF_UNIX, type, 0, fds));
  TRY(fds[1], "second letter b", BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 1), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'b', 0, 1), ALL, NONE);
  CHECK(send(fds[0], "abc", 3, 0));
  CHECK(recv(fds[1], b, sizeof b, MSG_DONTWAIT));
  CHECK(send(fds[0], "xyz", 3, 0));
  CHECK(recv(fds[1], b, sizeof b, MSG_DONTWAIT));
  CHECK(send(fds[0], "x", 1, 0));
  CHECK(recv(fds[1], b, sizeof b, MSG_DONTWAIT));
  TRY(fds[1], "two bytes", BPF_STMT(BPF_RET | BPF_K, 2));
  CHECK(send(fds[0], "hello", 5, 0));
  CHECK(recv(fds[1], b, sizeof b, MSG_DONTWAIT));
  SET(fds[1], SOL_SOCKET, SO_LOCK_FILTER, 1);
  TRY(fds[1], "locked", ALL);
  close(fds[0]), close(fds[1]);
}

static void netlink(void) {
  int a = MUST(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
  TRY(a, "netlink", ALL);
  socklen_t n = 0;
  CHECK(getsockopt(a, SOL_SOCKET, SO_GET_FILTER, NULL, &n));
  printf("%u\n", n);
  close(a);
}

static void programs(void) {
  int s = MUST(socket(AF_INET, SOCK_DGRAM, 0)), file = MUST(open("/dev/null", O_RDONLY)), none = -1;
  CHECK(setsockopt(s, SOL_SOCKET, SO_ATTACH_BPF, &none, sizeof none));
  CHECK(setsockopt(s, SOL_SOCKET, SO_ATTACH_BPF, &file, sizeof file));
  CHECK(setsockopt(s, SOL_SOCKET, SO_ATTACH_BPF, &file, 8));
  CHECK(setsockopt(s, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, &none, sizeof none));
  SET(s, SOL_SOCKET, SO_LOCK_FILTER, 1);
  CHECK(setsockopt(s, SOL_SOCKET, SO_ATTACH_BPF, &none, sizeof none));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  // Linux 6.18 lets only the privileged filter TCP; earlier ones let everybody.
  if (geteuid() == 0) tcp();
  local(SOCK_STREAM, "stream");
  local(SOCK_DGRAM, "datagram");
  local(SOCK_SEQPACKET, "packet");
  netlink();
  programs();
  return 0;
}

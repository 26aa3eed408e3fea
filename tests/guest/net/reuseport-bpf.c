// SO_ATTACH_REUSEPORT_CBPF, SO_DETACH_REUSEPORT_BPF (socket(7)): a classic BPF program picks the socket of a SO_REUSEPORT group, by its
// index in the order of joining; where it names none, the flow's hash picks.
#include "../guest.h"
#include "filters.h"
#include "net.h"

#define MEMBERS 4
// Offsets from the network header.
#define PAYLOAD_BYTE(n) BPF_STMT(BPF_LD | BPF_B | BPF_ABS, n)
#define SOURCE_PORT BPF_STMT(BPF_LD | BPF_H | BPF_ABS, SKF_NET_OFF + 20)
#define SOURCE_PORT6 BPF_STMT(BPF_LD | BPF_H | BPF_ABS, SKF_NET_OFF + 40)
#define RETURN_A BPF_STMT(BPF_RET | BPF_A, 0)
#define MODULO(n) BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, n)

static int choose(int fd, const struct sock_filter *code, int count) {
  struct sock_fprog program = {.len = count, .filter = (struct sock_filter *)code};
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program);
}

#define CHOOSE(fd, what, ...) \
  do { \
    struct sock_filter code_[] = {__VA_ARGS__}; \
    errno = 0; \
    long r_ = choose(fd, code_, sizeof code_ / sizeof *code_); \
    report(what, r_); \
  } while (0)

static int detach(int fd) {
  int zero = 0;
  return setsockopt(fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &zero, sizeof zero);
}

static int sharing(int family, int type) {
  int fd = MUST(socket(family, type, 0));
  int on = 1;
  MUST(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on));
  return fd;
}

// Binds to the loopback address of the family; port 0 picks one. Returns the port.
static int name(int fd, int family, int port) {
  struct sockaddr_in a = loopback4(port);
  struct sockaddr_in6 b = loopback6(port);
  if (family == AF_INET) MUST(bind(fd, (struct sockaddr *)&a, sizeof a));
  else MUST(bind(fd, (struct sockaddr *)&b, sizeof b));
  return port_of(fd);
}

static int group(int fds[MEMBERS], int family, int type) {
  int port = 0;
  for (int i = 0; i < MEMBERS; i++) {
    fds[i] = sharing(family, type);
    port = name(fds[i], family, port);
    if (type == SOCK_STREAM) MUST(listen(fds[i], 64));
  }
  return port;
}

static void close_all(int *fds, int count) {
  for (int i = 0; i < count; i++)
    if (fds[i] >= 0) close(fds[i]);
}

// Which of the sockets is readable; -1: none, -2: several.
static int readable(int *fds, int count) {
  struct pollfd polls[16];
  int found = -1;
  for (int i = 0; i < count; i++) polls[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
  poll(polls, count, 5000);
  for (int i = 0; i < count; i++)
    if (polls[i].revents & POLLIN) found = found == -1 ? i : -2;
  return found;
}

static int send_to(int family, int port, const char *text, int size) {
  int fd = MUST(socket(family, SOCK_DGRAM, 0));
  struct sockaddr_in a = loopback4(port);
  struct sockaddr_in6 b = loopback6(port);
  int sent = family == AF_INET ? sendto(fd, text, size, 0, (struct sockaddr *)&a, sizeof a)
                               : sendto(fd, text, size, 0, (struct sockaddr *)&b, sizeof b);
  close(fd);
  return sent;
}

static int receiver(int *fds, int count, int family, int port, const char *text, int size) {
  char buffer[100];
  MUST(send_to(family, port, text, size));
  int who = readable(fds, count);
  if (who >= 0) MUST(recv(fds[who], buffer, sizeof buffer, 0));
  return who;
}

static void datagrams(int family) {
  int fds[MEMBERS];
  printf("datagrams, %s\n", family == AF_INET ? "IPv4" : "IPv6");
  int port = group(fds, family, SOCK_DGRAM);
  CHECK(detach(fds[1]));
  CHOOSE(fds[2], "by the first byte", PAYLOAD_BYTE(0), MODULO(MEMBERS), RETURN_A);
  for (int i = 0; i < 6; i++) {
    char text[2] = {'0' + i, 0};
    printf("%s: %d\n", text, receiver(fds, MEMBERS, family, port, text, 1));
  }
  // Beyond the end of the datagram the program's answer is 0.
  printf("nothing in it: %d\n", receiver(fds, MEMBERS, family, port, "", 0));
  CHOOSE(fds[0], "by the length", BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), RETURN_A);
  for (int i = 0; i < MEMBERS; i++)
    printf("%d bytes: %d\n", i, receiver(fds, MEMBERS, family, port, "abcdef", i));
  TRUE(receiver(fds, MEMBERS, family, port, "abcdef", MEMBERS) >= 0);
  CHOOSE(fds[0], "by the port of the UDP header", BPF_STMT(BPF_LD | BPF_H | BPF_ABS, SKF_NET_OFF + (family == AF_INET ? 22 : 42)),
         BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)port, 0, 1), BPF_STMT(BPF_RET | BPF_K, 3), BPF_STMT(BPF_RET | BPF_K, 1));
  printf("port: %d\n", receiver(fds, MEMBERS, family, port, "x", 1));
  puts("one leaves: the last takes its place");
  CHOOSE(fds[0], "by the first byte", PAYLOAD_BYTE(0), MODULO(MEMBERS), RETURN_A);
  int left[MEMBERS - 1] = {fds[0], fds[3], fds[2]};
  close(fds[1]);
  fds[1] = -1;
  for (int i = 0; i < 3; i++) {
    char text[2] = {'0' + i, 0};
    printf("%s: %d\n", text, receiver(left, 3, family, port, text, 1));
  }
  TRUE(receiver(left, 3, family, port, "3", 1) >= 0);
  puts("one joins");
  int late = sharing(family, SOCK_DGRAM);
  name(late, family, port);
  int joined[MEMBERS] = {fds[0], fds[3], fds[2], late};
  for (int i = 0; i < MEMBERS; i++) {
    char text[2] = {'0' + i, 0};
    printf("%s: %d\n", text, receiver(joined, MEMBERS, family, port, text, 1));
  }
  CHECK(detach(late));
  CHECK(detach(late));
  TRUE(receiver(joined, MEMBERS, family, port, "0", 1) >= 0);
  close(late);
  close_all(fds, MEMBERS);
}

// A program makes a group of one, which nobody but later ones without a program may share.
static void before_binding(void) {
  puts("a program before there is a name");
  int first = sharing(AF_INET, SOCK_DGRAM);
  CHOOSE(first, "choose", BPF_STMT(BPF_RET | BPF_K, 1));
  int fds[3] = {first, sharing(AF_INET, SOCK_DGRAM), sharing(AF_INET, SOCK_DGRAM)};
  int port = name(first, AF_INET, 0);
  CHOOSE(fds[2], "choose of another", BPF_STMT(BPF_RET | BPF_K, 2));
  name(fds[1], AF_INET, port);
  struct sockaddr_in a = loopback4(port);
  CHECK(bind(fds[2], (struct sockaddr *)&a, sizeof a));
  CHECK(detach(fds[2]));
  CHECK(bind(fds[2], (struct sockaddr *)&a, sizeof a));
  for (int i = 0; i < 3; i++) printf("%d\n", receiver(fds, 2, AF_INET, port, "x", 1));
  close_all(fds, 3);
}

static void streams(int family) {
  int fds[MEMBERS];
  printf("streams, %s\n", family == AF_INET ? "IPv4" : "IPv6");
  int port = group(fds, family, SOCK_STREAM);
  if (family == AF_INET) CHOOSE(fds[3], "by the client's port", SOURCE_PORT, MODULO(MEMBERS), RETURN_A);
  else CHOOSE(fds[3], "by the client's port", SOURCE_PORT6, MODULO(MEMBERS), RETURN_A);
  int right = 0;
  for (int i = 0; i < 32; i++) {
    int c = MUST(socket(family, SOCK_STREAM, 0));
    struct sockaddr_in a = loopback4(port);
    struct sockaddr_in6 b = loopback6(port);
    if (family == AF_INET) MUST(connect(c, (struct sockaddr *)&a, sizeof a));
    else MUST(connect(c, (struct sockaddr *)&b, sizeof b));
    int who = readable(fds, MEMBERS);
    right += who == port_of(c) % MEMBERS;
    if (who >= 0) {
      int s = MUST(accept(fds[who], NULL, NULL));
      // A connection is in no group.
      if (i == 0) CHOOSE(s, "choose of a connection", BPF_STMT(BPF_RET | BPF_K, 0));
      if (i == 0) CHECK(detach(s));
      if (i == 0) CHOOSE(c, "choose of the other end", BPF_STMT(BPF_RET | BPF_K, 0));
      if (i == 0) CHECK(detach(c));
      close(s);
    }
    close(c);
  }
  CHECK(right);
  puts("always one");
  CHOOSE(fds[0], "choose", BPF_STMT(BPF_RET | BPF_K, 2));
  int to_third = 0;
  for (int i = 0; i < 16; i++) {
    int c = MUST(socket(family, SOCK_STREAM, 0));
    struct sockaddr_in a = loopback4(port);
    struct sockaddr_in6 b = loopback6(port);
    if (family == AF_INET) MUST(connect(c, (struct sockaddr *)&a, sizeof a));
    else MUST(connect(c, (struct sockaddr *)&b, sizeof b));
    to_third += readable(fds, MEMBERS) == 2;
    close(MUST(accept(fds[2], NULL, NULL)));
    close(c);
  }
  CHECK(to_third);
  puts("one that listens no longer is in no group");
  CHECK(shutdown(fds[3], SHUT_RD));
  CHECK(detach(fds[3]));
  CHECK(detach(fds[2]));
  CHECK(detach(fds[2]));
  close_all(fds, MEMBERS);
}

static void before_listening(int programs) {
  printf("programs before bind, of %s%s\n", programs & 1 ? "a" : "", programs & 2 ? "b" : "");
  int fds[2] = {sharing(AF_INET, SOCK_STREAM), sharing(AF_INET, SOCK_STREAM)};
  if (programs & 1) CHOOSE(fds[0], "choose a", BPF_STMT(BPF_RET | BPF_K, 1));
  if (programs & 2) CHOOSE(fds[1], "choose b", BPF_STMT(BPF_RET | BPF_K, 0));
  struct sockaddr_in a = loopback4(name(fds[0], AF_INET, 0));
  CHECK(bind(fds[1], (struct sockaddr *)&a, sizeof a));
  CHECK(listen(fds[0], 8));
  CHECK(listen(fds[1], 8));
  CHECK(listen(fds[0], 8));
  CHECK(detach(fds[0]));
  CHECK(detach(fds[1]));
  close_all(fds, 2);
}

static void refusals(void) {
  static const int types[] = {SOCK_STREAM, SOCK_DGRAM};
  struct sock_filter all[] = {ALL};
  struct sock_filter bad[] = {BPF_STMT(BPF_RET | BPF_K | 0x80, 1)};
  struct sock_filter endless[] = {BPF_STMT(BPF_LD | BPF_IMM, 1)};
  struct sock_fprog program = {.len = 1, .filter = all};
  for (int i = 0; i < 2; i++) {
    printf("%s\n", types[i] == SOCK_STREAM ? "stream" : "datagram");
    int fd = MUST(socket(AF_INET, types[i], 0));
    CHECK(choose(fd, all, 1));
    CHECK(detach(fd));
    name(fd, AF_INET, 0);
    if (types[i] == SOCK_STREAM) MUST(listen(fd, 1));
    CHECK(choose(fd, all, 1));
    puts("SO_REUSEPORT too late");
    SET(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    CHECK(choose(fd, all, 1));
    CHECK(detach(fd));
    close(fd);
    fd = sharing(AF_INET, types[i]);
    CHECK(choose(fd, all, 0));
    CHECK(choose(fd, NULL, 1));
    CHECK(choose(fd, bad, 1));
    CHECK(choose(fd, endless, 1));
    CHECK(choose(fd, (void *)8, 1));
    CHECK(choose(fd, all, 4097));
    CHECK(setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program - 1));
    CHECK(setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program + 1));
    CHECK(setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, 2));
    CHECK(setsockopt(fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &program, 2));
    SET(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, -1);
    SET(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, fd);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, &program, 8));
    CHECK(int_option(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF));
    CHECK(int_option(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF));
    CHECK(int_option(fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF));
    CHECK(detach(fd));
    CHECK(choose(fd, all, 1));
    SET(fd, SOL_SOCKET, SO_LOCK_FILTER, 1);
    CHECK(choose(fd, all, 1));
    SET(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, -1);
    CHECK(detach(fd));
    CHECK(detach(fd));
    close(fd);
  }
  int fd = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
  CHECK(choose(fd, all, 1));
  CHECK(detach(fd));
  close(fd);
  fd = MUST(socket(AF_NETLINK, SOCK_RAW, 0));
  CHECK(choose(fd, all, 1));
  CHECK(detach(fd));
  close(fd);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  datagrams(AF_INET);
  before_binding();
  streams(AF_INET);
  for (int i = 0; i < 4; i++) before_listening(i);
  int v6 = socket(AF_INET6, SOCK_DGRAM, 0);
  struct sockaddr_in6 here = loopback6(0);
  if (v6 >= 0 && bind(v6, (struct sockaddr *)&here, sizeof here) == 0) {
    datagrams(AF_INET6);
    streams(AF_INET6);
  } else puts("no IPv6 here");
  close(v6);
  refusals();
  return 0;
}

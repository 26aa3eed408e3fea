// Socket filters (socket(7), SO_ATTACH_FILTER): what the checker refuses, and which datagrams of a UDP socket pass, whole or cut.
#include "../guest.h"
#include "filters.h"
#include "net.h"
#include <linux/in6.h>
#include <net/if.h>

static void checks(int fd) {
  TRY(fd, "all", ALL);
  TRY(fd, "no return", BPF_STMT(BPF_LD | BPF_IMM, 1));
  TRY(fd, "jump beyond", BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0), ALL);
  TRY(fd, "always beyond", BPF_STMT(BPF_JMP | BPF_JA, 1), ALL);
  TRY(fd, "back", BPF_STMT(BPF_JMP | BPF_JA, -1), ALL);
  TRY(fd, "division by 0", BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), ALL);
  TRY(fd, "remainder by 0", BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 0), ALL);
  TRY(fd, "shift by 32", BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32), ALL);
  TRY(fd, "word 16", BPF_STMT(BPF_ST, 16), ALL);
  TRY(fd, "word never stored", BPF_STMT(BPF_LD | BPF_MEM, 1), ALL);
  TRY(fd, "word stored on one way", BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0), BPF_STMT(BPF_ST, 1), BPF_STMT(BPF_LD | BPF_MEM, 1), ALL);
  TRY(fd, "word stored", BPF_STMT(BPF_ST, 1), BPF_STMT(BPF_LD | BPF_MEM, 1), ALL);
  TRY(fd, "returns X", BPF_STMT(BPF_RET | BPF_X, 0));
  TRY(fd, "unknown code", BPF_STMT(0x1f, 0), ALL);
  TRY(fd, "unknown ancillary", BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + 2), ALL);
  TRY(fd, "beyond ancillary", BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + 64), ALL);
  TRY(fd, "unaligned", BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 3), ALL);
  static struct sock_filter many[BPF_MAXINSNS + 1];
  for (int i = 0; i <= BPF_MAXINSNS; i++) many[i] = (struct sock_filter)ALL;
  report("most", attach(fd, many, BPF_MAXINSNS));
  report("more", attach(fd, many, BPF_MAXINSNS + 1));
  report("none", attach(fd, many, 0));
  struct sock_fprog bad = {1, (void *)8};
  CHECK(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &bad, sizeof bad));
  bad.filter = NULL;
  CHECK(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &bad, sizeof bad));
  CHECK(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &bad, 8));
}

static void telling(int fd) {
  struct sock_filter code[8] = {0};
  socklen_t n = 0;
  int zero = 0;
  CHECK(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &zero, sizeof zero));
  CHECK(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &zero, sizeof zero));
  CHECK(getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, code, &n));
  printf("%u instructions\n", n);
  TRY(fd, "two", BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 7), ALL);
  n = 0;
  CHECK(getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, code, &n));
  printf("%u instructions\n", n);
  n = 1;
  CHECK(getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, code, &n));
  n = 8;
  CHECK(getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, code, &n));
  printf("%u instructions: %x %x, %x %x\n", n, code[0].code, code[0].k, code[1].code, code[1].k);
}

// What arrives of what is sent: lengths, and -1 for nothing.
static void exchange(const char *what, int from, int to) {
  static const char *texts[] = {"a", "bb", "ccc", "0123456789"};
  char b[64];
  printf("%s:", what);
  for (int i = 0; i < 4; i++) {
    MUST(send(from, texts[i], strlen(texts[i]), 0));
    printf(" %zd", recv(to, b, sizeof b, MSG_DONTWAIT));
  }
  printf("\n");
}

static void passing(int from, int to) {
#define LET(what, ...) \
  do { \
    TRY(to, what, __VA_ARGS__); \
    exchange(what, from, to); \
  } while (0)
  LET("all", ALL);
  LET("nothing", BPF_STMT(BPF_RET | BPF_K, 0));
  LET("less than a header", BPF_STMT(BPF_RET | BPF_K, 1));
  LET("a header and 2", BPF_STMT(BPF_RET | BPF_K, 10));
  LET("the length", BPF_STMT(BPF_LD | BPF_LEN, 0), BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 10, 0, 1), ALL, BPF_STMT(BPF_RET | BPF_K, 0));
  LET("its field", BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 4), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 10, 0, 1), ALL, BPF_STMT(BPF_RET | BPF_K, 0));
  LET("a byte", BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 8), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'c', 0, 1), ALL, BPF_STMT(BPF_RET | BPF_K, 0));
  LET("a byte at X", BPF_STMT(BPF_LDX | BPF_IMM, 8), BPF_STMT(BPF_LD | BPF_B | BPF_IND, 1), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 2, 0, 1), ALL, BPF_STMT(BPF_RET | BPF_K, 0));
  LET("beyond the end", BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 8), ALL);
  LET("back from X", BPF_STMT(BPF_LDX | BPF_IMM, 9), BPF_STMT(BPF_LD | BPF_B | BPF_IND, -1), BPF_STMT(BPF_RET | BPF_A, 0));
  LET("header length", BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 8), BPF_STMT(BPF_MISC | BPF_TXA, 0), BPF_STMT(BPF_RET | BPF_A, 0));
  LET("IP protocol", BPF_STMT(BPF_LD | BPF_B | BPF_ABS, SKF_NET_OFF + 9), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 1), ALL, BPF_STMT(BPF_RET | BPF_K, 0));
  LET("protocol", BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_PROTOCOL), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x800, 0, 1), ALL, BPF_STMT(BPF_RET | BPF_K, 0));
  LET("packet type", BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_PKTTYPE), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), ALL, BPF_STMT(BPF_RET | BPF_K, 0));
  LET("interface", BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_IFINDEX), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, if_nametoindex("lo"), 0, 1), ALL, BPF_STMT(BPF_RET | BPF_K, 0));
  LET("exclusive or", BPF_STMT(BPF_LD | BPF_IMM, 12), BPF_STMT(BPF_LDX | BPF_IMM, 6), BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_ALU_XOR_X), BPF_STMT(BPF_RET | BPF_A, 0));
  LET("a remainder", BPF_STMT(BPF_LD | BPF_LEN, 0), BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 3), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), ALL, BPF_STMT(BPF_RET | BPF_K, 0));
  LET("division by X of 0", BPF_STMT(BPF_LDX | BPF_IMM, 0), BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0), ALL);
  LET("wraps", BPF_STMT(BPF_LD | BPF_IMM, 0), BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, 1), BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 28), BPF_STMT(BPF_RET | BPF_A, 0));
}

static void locking(int from, int to) {
  TRY(to, "nothing", BPF_STMT(BPF_RET | BPF_K, 0));
  OPTION(to, SOL_SOCKET, SO_LOCK_FILTER);
  SET(to, SOL_SOCKET, SO_LOCK_FILTER, 0);
  SET(to, SOL_SOCKET, SO_LOCK_FILTER, 7);
  OPTION(to, SOL_SOCKET, SO_LOCK_FILTER);
  SET(to, SOL_SOCKET, SO_LOCK_FILTER, 1);
  SET(to, SOL_SOCKET, SO_LOCK_FILTER, 0);
  TRY(to, "all", ALL);
  SET(to, SOL_SOCKET, SO_DETACH_FILTER, 0);
  exchange("locked", from, to);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  int to = server4(SOCK_DGRAM, 0);
  int from = MUST(socket(AF_INET, SOCK_DGRAM, 0));
  struct sockaddr_in a = loopback4(port_of(to));
  MUST(connect(from, (struct sockaddr *)&a, sizeof a));
  checks(to);
  telling(to);
  passing(from, to);
  // What had come before a filter stays.
  SET(to, SOL_SOCKET, SO_DETACH_FILTER, 0);
  MUST(send(from, "early", 5, 0));
  locking(from, to);
  return 0;
}

// PACKET_FANOUT (packet(7)): who of a group gets a packet, by every mode, and the checks of joining; on lo.
#include "../guest.h"
#include <linux/if_ether.h>

#include "packets.h"

#define say(what, result) report(what, result)
#define MEMBERS 3

static int sender;

static void shoot(const char *text) {
  struct sockaddr_in to = loopback4(port);
  MUST(sendto(sender, text, strlen(text), 0, (void *)&to, sizeof to));
}

static int member(int protocol) {
  struct sock_filter code[] = {BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 17, 0, 3),
                               BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 22), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port, 0, 1),
                               BPF_STMT(BPF_RET | BPF_K, 0xffff),      BPF_STMT(BPF_RET | BPF_K, 0)};
  return filtered(protocol, code, 6);
}

static int join(int fd, int id, int mode, int flags) {
  int value = id | mode << 16 | flags << 16;
  return setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &value, sizeof value);
}

static void group(int *fds, int id, int mode, int flags) {
  for (int i = 0; i < MEMBERS; i++) {
    fds[i] = member(ETH_P_IP);
    MUST(join(fds[i], id, mode, flags));
  }
}

static void close_all(int *fds) {
  for (int i = 0; i < MEMBERS; i++)
    if (fds[i] >= 0) close(fds[i]);
}

// How many packets wait at each; they are taken away.
static void count(int *fds, int *counts) {
  char bytes[200];
  for (int i = 0; i < MEMBERS; i++) {
    counts[i] = 0;
    while (fds[i] >= 0 && recv(fds[i], bytes, sizeof bytes, MSG_DONTWAIT) > 0) counts[i]++;
  }
}

static void print_counts(const char *what, int *fds) {
  int counts[MEMBERS];
  sleep_ms(20);
  count(fds, counts);
  printf("%s: %d %d %d\n", what, counts[0], counts[1], counts[2]);
}

static int program(int fd, struct sock_filter *code, int length) {
  struct sock_fprog p = {length, code};
  return setsockopt(fd, SOL_PACKET, PACKET_FANOUT_DATA, &p, sizeof p);
}

static void by_program(void) {
  puts("program");
  int fds[MEMBERS];
  group(fds, 11, PACKET_FANOUT_CBPF, 0);
  CHECK(int_option(fds[0], SOL_PACKET, PACKET_FANOUT));
  shoot("9");
  print_counts("without", fds);
  struct sock_filter by_text[] = {BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 28), BPF_STMT(BPF_RET | BPF_A, 0)};
  say("program", program(fds[1], by_text, 2));
  for (int i = 0; i < 4; i++) {
    char text[2] = {'0' + i, 0};
    shoot(text);
    print_counts(text, fds);
  }
  puts("one leaves");
  close(fds[0]);
  fds[0] = -1;
  for (int i = 0; i < 2; i++) {
    char text[2] = {'0' + i, 0};
    shoot(text);
    print_counts(text, fds);
  }
  struct sock_filter to_one[] = {BPF_STMT(BPF_RET | BPF_K, 1)};
  say("another", program(fds[2], to_one, 1));
  shoot("x");
  print_counts("x", fds);
  say("no program", program(fds[2], NULL, 1));
  say("bad program", program(fds[2], (struct sock_filter[]){BPF_STMT(BPF_LD | BPF_IMM, 0)}, 1));
  close_all(fds);
}

static void by_hash(void) {
  puts("hash");
  int fds[MEMBERS], counts[MEMBERS], whole = 0;
  group(fds, 12, PACKET_FANOUT_HASH, 0);
  CHECK(int_option(fds[0], SOL_PACKET, PACKET_FANOUT));
  for (int i = 0; i < 10; i++) shoot("flow");
  sleep_ms(20);
  count(fds, counts);
  for (int i = 0; i < MEMBERS; i++) whole += counts[i] == 10;
  printf("one has all: %d, sum %d\n", whole, counts[0] + counts[1] + counts[2]);
  say("program of a hash", program(fds[0], (struct sock_filter[]){BPF_STMT(BPF_RET | BPF_K, 0)}, 1));
  close_all(fds);
}

static void others(void) {
  int fds[MEMBERS], counts[MEMBERS];
  static const int modes[] = {PACKET_FANOUT_LB, PACKET_FANOUT_RND, PACKET_FANOUT_CPU, PACKET_FANOUT_QM};
  for (int k = 0; k < 4; k++) {
    group(fds, 20 + k, modes[k], 0);
    for (int i = 0; i < 60; i++) shoot("x");
    sleep_ms(20);
    count(fds, counts);
    printf("mode %d: sum %d, all have some %d\n", modes[k], counts[0] + counts[1] + counts[2],
           modes[k] == PACKET_FANOUT_LB || modes[k] == PACKET_FANOUT_RND ? counts[0] && counts[1] && counts[2] : -1);
    close_all(fds);
  }
}

static void rolls_over(int mode, int flags) {
  struct tpacket_rollover_stats stats;
  socklen_t size = sizeof stats;
  char text[1000];
  memset(text, 'r', sizeof text - 1);
  text[sizeof text - 1] = 0;
  printf("rollover: mode %d flags %x\n", mode, flags);
  int fds[MEMBERS], counts[MEMBERS];
  group(fds, 30, mode, flags);
  struct sock_filter to_first[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
  if (mode == PACKET_FANOUT_CBPF) MUST(program(fds[0], to_first, 1));
  CHECK(int_option(fds[0], SOL_PACKET, PACKET_FANOUT));
  for (int i = 0; i < 1000; i++) shoot(text);
  sleep_ms(20);
  count(fds, counts);
  printf("first has some %d, second %d, lost some %d\n", counts[0] > 0, counts[1] > 0, counts[0] + counts[1] + counts[2] < 1000);
  say("stats", getsockopt(fds[0], SOL_PACKET, PACKET_ROLLOVER_STATS, &stats, &size));
  printf("size %d, rolled %d\n", size, stats.tp_all > 0);
  close_all(fds);
}

static void joining(void) {
  puts("joining");
  int a = member(ETH_P_IP), b = member(ETH_P_IP), c = member(ETH_P_ARP), plain = MUST(socket(AF_PACKET, SOCK_RAW, 0));
  struct { unsigned short id, type; unsigned most; } arguments = {50, PACKET_FANOUT_LB, 1};
  long long stats[3];
  socklen_t size = sizeof stats;
  CHECK(int_option(a, SOL_PACKET, PACKET_FANOUT));
  say("stats of none", getsockopt(a, SOL_PACKET, PACKET_ROLLOVER_STATS, stats, &size));
  say("program of none", program(a, (struct sock_filter[]){BPF_STMT(BPF_RET | BPF_K, 0)}, 1));
  say("unknown mode", join(a, 50, 9, 0));
  say("rollover twice", join(a, 50, PACKET_FANOUT_ROLLOVER, PACKET_FANOUT_FLAG_ROLLOVER));
  say("short", setsockopt(a, SOL_PACKET, PACKET_FANOUT, &arguments, 3));
  say("odd", setsockopt(a, SOL_PACKET, PACKET_FANOUT, &arguments, 6));
  say("not bound", join(plain, 50, PACKET_FANOUT_LB, 0));
  say("first", join(a, 50, PACKET_FANOUT_LB, 0));
  say("again", join(a, 50, PACKET_FANOUT_LB, 0));
  say("another group", join(a, 51, PACKET_FANOUT_LB, 0));
  say("another mode", join(b, 50, PACKET_FANOUT_HASH, 0));
  say("other flags", join(b, 50, PACKET_FANOUT_LB, PACKET_FANOUT_FLAG_ROLLOVER));
  say("another protocol", join(c, 50, PACKET_FANOUT_LB, 0));
  say("unique with a number", join(b, 50, PACKET_FANOUT_LB, PACKET_FANOUT_FLAG_UNIQUEID));
  say("second", join(b, 50, PACKET_FANOUT_LB, 0));
  struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_ifindex = lo};
  say("bind of a member", bind(a, (void *)&at, sizeof at));
  say("stats of another mode", getsockopt(a, SOL_PACKET, PACKET_ROLLOVER_STATS, stats, &size));
  close(a);
  close(b);
  a = member(ETH_P_IP), b = member(ETH_P_IP);
  say("one at most", setsockopt(a, SOL_PACKET, PACKET_FANOUT, &arguments, sizeof arguments));
  say("one more", setsockopt(b, SOL_PACKET, PACKET_FANOUT, &arguments, sizeof arguments));
  arguments.most = 2;
  say("another limit", setsockopt(b, SOL_PACKET, PACKET_FANOUT, &arguments, sizeof arguments));
  arguments.id = 77, arguments.most = 65537;
  say("too many", setsockopt(b, SOL_PACKET, PACKET_FANOUT, &arguments, sizeof arguments));
  close(a);
  a = member(ETH_P_IP);
  say("unique", join(a, 0, PACKET_FANOUT_LB, PACKET_FANOUT_FLAG_UNIQUEID));
  CHECK(int_option(a, SOL_PACKET, PACKET_FANOUT) >> 16);
  say("eBPF", join(b, 60, PACKET_FANOUT_EBPF, 0));
  close(a), close(b), close(c), close(plain);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  if (!may_have_packets()) return 0;
  sender = MUST(socket(AF_INET, SOCK_DGRAM, 0));
  by_program();
  by_hash();
  others();
  rolls_over(PACKET_FANOUT_ROLLOVER, 0);
  rolls_over(PACKET_FANOUT_CBPF, PACKET_FANOUT_FLAG_ROLLOVER);
  joining();
  return 0;
}

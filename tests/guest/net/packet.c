// packet(7) on lo: the made-up link header, who sent, options with their errors, and rings of all three versions (packet_mmap).
#include "../guest.h"
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/mman.h>

#include "net.h"

#define say(what, result) report(what, result)

static int sender, port;

/** Keeps UDP from and to our port only: others talk on the host's lo too. */
static void only_ours(int fd, int link) {
  struct sock_filter code[] = {
      {BPF_LD | BPF_B | BPF_ABS, 0, 0, link + 9},  {BPF_JMP | BPF_JEQ | BPF_K, 0, 3, 17},
      {BPF_LD | BPF_H | BPF_ABS, 0, 0, link + 22}, {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, port},
      {BPF_RET | BPF_K, 0, 0, 0xffff},             {BPF_RET | BPF_K, 0, 0, 0},
  };
  struct sock_fprog program = {6, code};
  say("filter", setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
}

static void shoot(const char *text) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  sendto(sender, text, strlen(text), 0, (void *)&to, sizeof to);
}

static int open_packet(int type) {
  struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = if_nametoindex("lo")};
  int fd = socket(AF_PACKET, type, 0);
  if (fd < 0) return fd;
  only_ours(fd, type == SOCK_RAW ? 14 : 0);
  say("bind", bind(fd, (void *)&at, sizeof at));
  return fd;
}

static void show_from(const struct sockaddr_ll *from) {
  printf("  family %d protocol %04x lo %d hatype %d pkttype %d halen %d addr %d\n", from->sll_family, ntohs(from->sll_protocol),
         from->sll_ifindex == (int)if_nametoindex("lo"), from->sll_hatype, from->sll_pkttype, from->sll_halen, from->sll_addr[0]);
}

static void show_bytes(const unsigned char *bytes, int count) {
  printf("  ");
  for (int i = 0; i < count; i++) printf("%02x", bytes[i]);
  printf("\n");
}

static void read_two(int type) {
  int fd = open_packet(type), link = type == SOCK_RAW ? 14 : 0;
  unsigned char bytes[256];
  shoot("hello");
  for (int i = 0; i < 2; i++) {
    struct sockaddr_ll from = {0};
    socklen_t length = sizeof from;
    int got = recvfrom(fd, bytes, sizeof bytes, 0, (void *)&from, &length);
    printf("got %d, name %d\n", got, length);
    show_from(&from);
    show_bytes(bytes, link + 1);
    printf("  %.5s\n", bytes + link + 28);
  }
  struct tpacket_stats stats;
  socklen_t length = sizeof stats;
  say("stats", getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &length));
  printf("  %d packets %d drops\n", stats.tp_packets, stats.tp_drops);
  close(fd);
}

static void inject(void) {
  int fd = open_packet(SOCK_RAW);
  unsigned char bytes[256];
  struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_ifindex = if_nametoindex("lo"), .sll_halen = 6};
  shoot("model");
  int size = recv(fd, bytes, sizeof bytes, 0);
  recv(fd, bytes, sizeof bytes, 0);
  memcpy(bytes + 42, "raw!!", 5);
  bytes[40] = bytes[41] = 0;
  say("send", sendto(fd, bytes, size, 0, (void *)&to, sizeof to) - size);
  // Its own outgoing copy is not shown to a sender; what lo brings back is.
  struct sockaddr_ll from = {0};
  socklen_t length = sizeof from;
  printf("back %zd %.5s\n", recvfrom(fd, bytes, sizeof bytes, 0, (void *)&from, &length), bytes + 42);
  show_from(&from);
  say("short", sendto(fd, bytes, 10, 0, (void *)&to, sizeof to));
  say("unbound", send(socket(AF_PACKET, SOCK_RAW, 0), bytes, size, 0));
  close(fd);
}

static void option(int fd, int name, int value, const char *what) {
  int back = -1;
  socklen_t length = sizeof back;
  int set = setsockopt(fd, SOL_PACKET, name, &value, sizeof value), error = errno;
  int get = getsockopt(fd, SOL_PACKET, name, &back, &length);
  printf("%s: set %s get %d %d\n", what, set ? strerror(error) : "ok", get, back);
}

static int ring(int fd, int version, int block, int blocks, int frame, int frames) {
  struct tpacket_req3 request = {block, blocks, frame, frames, 20, 0, 0};
  return setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &request, version == TPACKET_V3 ? sizeof request : sizeof(struct tpacket_req));
}

static void options(void) {
  int fd = open_packet(SOCK_RAW);
  option(fd, PACKET_AUXDATA, 1, "auxdata");
  option(fd, PACKET_ORIGDEV, 1, "origdev");
  option(fd, PACKET_VERSION, 7, "version 7");
  option(fd, PACKET_VERSION, TPACKET_V2, "version");
  option(fd, PACKET_RESERVE, 4, "reserve");
  option(fd, PACKET_LOSS, 1, "loss");
  option(fd, PACKET_COPY_THRESH, 0, "copy threshold");
  option(fd, PACKET_TIMESTAMP, 0, "timestamp");
  option(fd, 99, 0, "unknown");
  for (int version = 0; version < 4; version++) {
    int value = version;
    socklen_t length = sizeof value;
    int result = getsockopt(fd, SOL_PACKET, PACKET_HDRLEN, &value, &length);
    printf("hdrlen of %d: %d %d\n", version, result, value);
  }
  say("ring unaligned", ring(fd, 1, 1000, 1, 512, 1));
  say("ring frame small", ring(fd, 1, 4096, 1, 32, 128));
  say("ring frame odd", ring(fd, 1, 4096, 1, 1000, 4));
  say("ring count", ring(fd, 1, 4096, 2, 2048, 5));
  say("ring none", ring(fd, 1, 0, 0, 0, 1));
  say("ring", ring(fd, 1, 4096, 2, 2048, 4));
  say("ring again", ring(fd, 1, 4096, 2, 2048, 4));
  option(fd, PACKET_VERSION, TPACKET_V1, "version with ring");
  option(fd, PACKET_RESERVE, 8, "reserve with ring");
  say("map wrong size", mmap(0, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
  void *map = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  say("map", map == MAP_FAILED ? -1 : 0);
  say("free while mapped", ring(fd, 1, 0, 0, 0, 0));
  munmap(map, 8192);
  say("free", ring(fd, 1, 0, 0, 0, 0));
  say("map without", mmap(0, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
  close(fd);
}

static int wait_in(int fd) {
  struct pollfd one = {fd, POLLIN, 0};
  return poll(&one, 1, 5000) == 1 ? one.revents & POLLIN : -1;
}

/** Four frames, each holding two of our packets' copies in turn; what is not given back is lost. */
static void frames(int version) {
  int fd = open_packet(SOCK_RAW);
  setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version);
  say("ring", ring(fd, version, 4096, 2, 2048, 4));
  unsigned char *map = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  printf("poll before %d\n", poll(&(struct pollfd){fd, POLLIN, 0}, 1, 0));
  for (int i = 0; i < 3; i++) shoot(i == 0 ? "one" : i == 1 ? "two" : "three");
  for (int i = 0; i < 4; i++) {
    unsigned char *frame = map + i * 2048;
    if (wait_in(fd) < 0) printf("no frame\n");
    if (version == TPACKET_V1) {
      struct tpacket_hdr *head = (void *)frame;
      printf("frame %d: user %lu losing %lu len %d snap %d mac %d net %d time %d\n", i, head->tp_status & 1, head->tp_status & TP_STATUS_LOSING,
             head->tp_len, head->tp_snaplen, head->tp_mac, head->tp_net, head->tp_sec > 1000000);
      show_from((void *)(frame + TPACKET_ALIGN(sizeof *head)));
      printf("  %.*s\n", head->tp_len - 42, frame + head->tp_net + 28);
      head->tp_status = 0;
    } else {
      struct tpacket2_hdr *head = (void *)frame;
      printf("frame %d: user %d losing %d vlan %d len %d snap %d mac %d net %d time %d\n", i, head->tp_status & 1,
             head->tp_status & TP_STATUS_LOSING, head->tp_status & TP_STATUS_VLAN_VALID, head->tp_len, head->tp_snaplen, head->tp_mac, head->tp_net,
             head->tp_sec > 1000000);
      show_from((void *)(frame + TPACKET_ALIGN(sizeof *head)));
      printf("  %.*s\n", head->tp_len - 42, frame + head->tp_net + 28);
      head->tp_status = 0;
    }
  }
  struct tpacket_stats stats;
  socklen_t length = sizeof stats;
  getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &length);
  printf("%d packets %d drops\n", stats.tp_packets, stats.tp_drops);
  printf("poll after %d\n", poll(&(struct pollfd){fd, POLLIN, 0}, 1, 0));
  shoot("four");
  printf("poll again %d\n", wait_in(fd));
  munmap(map, 8192);
  close(fd);
}

static void blocks(void) {
  int fd = open_packet(SOCK_RAW), version = TPACKET_V3;
  setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version);
  say("ring", ring(fd, version, 4096, 4, 2048, 8));
  unsigned char *map = mmap(0, 16384, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  printf("poll before %d\n", poll(&(struct pollfd){fd, POLLIN, 0}, 1, 0));
  int seen = 0;
  shoot("one");
  shoot("two");
  for (int block = 0; seen < 4 && block < 4; block++) {
    struct tpacket_block_desc *desc = (void *)(map + block * 4096);
    printf("poll %d\n", wait_in(fd) >= 0);
    printf("block: version %d private at %d user %d first at %d sequence in step %d\n", desc->version, desc->offset_to_priv, desc->hdr.bh1.block_status & 1,
           desc->hdr.bh1.offset_to_first_pkt, desc->hdr.bh1.seq_num == (unsigned)block + 1);
    struct tpacket3_hdr *head = (void *)((char *)desc + desc->hdr.bh1.offset_to_first_pkt);
    for (unsigned i = 0; i < desc->hdr.bh1.num_pkts; i++, seen++) {
      printf("packet: status %x len %d snap %d mac %d net %d last or next %d time %d\n", head->tp_status & ~(TP_STATUS_CSUM_VALID | TP_STATUS_CSUMNOTREADY | TP_STATUS_TS_SOFTWARE),
             head->tp_len, head->tp_snaplen, head->tp_mac, head->tp_net, (head->tp_next_offset == 0) == (i + 1 == desc->hdr.bh1.num_pkts),
             head->tp_sec > 1000000);
      show_from((void *)((char *)head + TPACKET_ALIGN(sizeof *head)));
      printf("  %.*s\n", head->tp_len - 42, (char *)head + head->tp_net + 28);
      head = (void *)((char *)head + head->tp_next_offset);
    }
    desc->hdr.bh1.block_status = 0;
  }
  struct tpacket_stats_v3 stats;
  socklen_t length = sizeof stats;
  getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &length);
  printf("%d: %d packets %d drops %d freezes\n", length, stats.tp_packets, stats.tp_drops, stats.tp_freeze_q_cnt);
  close(fd);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof here;
  sender = socket(AF_INET, SOCK_DGRAM, 0);
  bind(sender, (void *)&here, sizeof here);
  getsockname(sender, (void *)&here, &length);
  port = ntohs(here.sin_port);
  int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
  say("socket", fd < 0 ? -1 : 0);
  if (fd < 0) return 0;
  close(fd);
  read_two(SOCK_RAW);
  read_two(SOCK_DGRAM);
  inject();
  options();
  frames(TPACKET_V1);
  frames(TPACKET_V2);
  blocks();
  return 0;
}

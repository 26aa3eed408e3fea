// packet(7), what is sent: PACKET_TX_RING of all three versions beside a ring for receiving, PACKET_TX_HAS_OFF, PACKET_LOSS,
// PACKET_VNET_HDR both ways, and their errors; on lo.
#include "../guest.h"
#include <linux/if_ether.h>
#include <linux/virtio_net.h>
#include <sys/mman.h>

#include "packets.h"

#define say(what, result) report(what, result)
#define FRAME 2048
#define HEAD(version) TPACKET_ALIGN(version == TPACKET_V3 ? sizeof(struct tpacket3_hdr) : version == TPACKET_V2 ? sizeof(struct tpacket2_hdr) : sizeof(struct tpacket_hdr))

static int receiver;

// The sum of a UDP packet's IPv4 header.
static void finish_header(unsigned char *ip) {
  unsigned sum = 0;
  ip[10] = ip[11] = 0;
  for (int i = 0; i < 20; i += 2) sum += ip[i] << 8 | ip[i + 1];
  sum = (sum & 0xffff) + (sum >> 16);
  sum = ~((sum & 0xffff) + (sum >> 16));
  ip[10] = sum >> 8 & 0xff;
  ip[11] = sum & 0xff;
}

// What comes in on lo of our datagrams. A UDP socket would get none: 127.0.0.1 does not come from outside.
static int watcher(void) {
  struct sock_filter code[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 20), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 12345u << 16 | port, 0, 1),
                               BPF_STMT(BPF_RET | BPF_K, 0xffff), BPF_STMT(BPF_RET | BPF_K, 0)};
  return filtered(ETH_P_IP, code, 4);
}

// A frame of a datagram to `port`, without a UDP checksum. Its length.
static int datagram(unsigned char *frame, int link, const char *text) {
  int size = strlen(text), total = 28 + size;
  unsigned char *ip = frame + link;
  memset(frame, 0, link + 28);
  if (link > 0) frame[12] = 8;
  ip[0] = 0x45;
  ip[2] = total >> 8, ip[3] = total;
  ip[8] = 64, ip[9] = 17;
  ip[12] = ip[16] = 127, ip[15] = ip[19] = 1;
  ip[20] = 0x30, ip[21] = 0x39;
  ip[22] = port >> 8, ip[23] = port;
  ip[24] = (8 + size) >> 8, ip[25] = 8 + size;
  memcpy(ip + 28, text, size);
  finish_header(ip);
  return link + total;
}

static void arrived(void) {
  char text[100];
  struct pollfd one = {receiver, POLLIN, 0};
  if (poll(&one, 1, 2000) != 1) {
    printf("  nothing arrived\n");
    return;
  }
  int got = recv(receiver, text, sizeof text, MSG_DONTWAIT);
  printf("  arrived: %.*s\n", got - 28, text + 28);
}

static void nothing_arrived(void) {
  char byte;
  sleep_ms(30);
  CHECK(recv(receiver, &byte, 1, MSG_DONTWAIT));
}

static int sender(int type) {
  int fd = MUST(socket(AF_PACKET, type, 0));
  struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_ifindex = lo};
  MUST(bind(fd, (void *)&at, sizeof at));
  return fd;
}

static int ring(int fd, int which, int version, int frames) {
  struct tpacket_req3 request = {4096, frames / 2, FRAME, frames, 0, 0, 0};
  return setsockopt(fd, SOL_PACKET, which, &request, version == TPACKET_V3 ? sizeof request : sizeof(struct tpacket_req));
}

static void set(unsigned char *slot, int version, int status, int length, int offset) {
  if (version == TPACKET_V1) *(struct tpacket_hdr *)slot = (struct tpacket_hdr){.tp_len = length, .tp_mac = offset, .tp_net = offset, .tp_status = status};
  if (version == TPACKET_V2) *(struct tpacket2_hdr *)slot = (struct tpacket2_hdr){.tp_len = length, .tp_mac = offset, .tp_net = offset, .tp_status = status};
  if (version == TPACKET_V3) *(struct tpacket3_hdr *)slot = (struct tpacket3_hdr){.tp_len = length, .tp_mac = offset, .tp_net = offset, .tp_status = status};
}

static int status(unsigned char *slot, int version) {
  volatile unsigned *word = (void *)(slot + (version == TPACKET_V3 ? 20 : 0));
  for (int i = 0; i < 2000 && *word == TP_STATUS_SENDING; i++) sleep_ms(1);
  return *word;
}

static void transmit(int version, int type) {
  printf("version %d, %s\n", version, type == SOCK_RAW ? "raw" : "cooked");
  int fd = sender(type), link = type == SOCK_RAW ? 14 : 0, head = HEAD(version);
  MUST(setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version));
  say("ring", ring(fd, PACKET_TX_RING, version, 4));
  say("ring again", ring(fd, PACKET_TX_RING, version, 4));
  unsigned char *map = mmap(0, 4 * FRAME, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  say("map", map == MAP_FAILED ? -1 : 0);
  show("ready", fd);
  say("nothing to send", send(fd, NULL, 0, 0));
  for (int i = 0; i < 6; i++) {
    unsigned char *slot = map + i % 4 * FRAME;
    char text[8] = {'n', '0' + i};
    int size = datagram(slot + head, link, text);
    set(slot, version, TP_STATUS_SEND_REQUEST, size, 0);
    if (i == 1) continue;
    say("send", send(fd, NULL, 0, 0));
    arrived();
    if (i == 2) arrived();
    printf("  status %d\n", status(slot, version));
  }
  puts("out of turn");
  unsigned char *slot = map + 3 * FRAME;
  set(slot, version, TP_STATUS_SEND_REQUEST, datagram(slot + head, link, "turn"), 0);
  say("send", send(fd, NULL, 0, 0));
  printf("  status %d\n", status(slot, version));
  puts("too long");
  slot = map + 2 * FRAME;
  set(slot, version, TP_STATUS_SEND_REQUEST, FRAME, 0);
  say("send", send(fd, NULL, 0, 0));
  printf("  status %d\n", status(slot, version));
  set(slot, version, TP_STATUS_SEND_REQUEST, link > 0 ? 10 : 2020, 0);
  say("send", send(fd, NULL, 0, 0));
  printf("  status %d\n", status(slot, version));
  if (version == TPACKET_V3) {
    set(slot, version, TP_STATUS_SEND_REQUEST, datagram(slot + head, link, "next"), 0);
    *(unsigned *)slot = 64;
    say("send with a next offset", send(fd, NULL, 0, 0));
    printf("  status %d\n", status(slot, version));
  }
  set(slot, version, TP_STATUS_SEND_REQUEST, datagram(slot + head, link, "good"), 0);
  say("send", send(fd, NULL, 0, 0));
  arrived();
  arrived();
  struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_ifindex = lo, .sll_halen = 6};
  slot = map;
  set(slot, version, TP_STATUS_SEND_REQUEST, datagram(slot + head, link, "to"), 0);
  say("send to", sendto(fd, NULL, 0, 0, (void *)&to, sizeof to));
  arrived();
  say("send to a short name", sendto(fd, NULL, 0, 0, (void *)&to, 12));
  to.sll_ifindex = 12345;
  say("send to nowhere", sendto(fd, NULL, 0, 0, (void *)&to, sizeof to));
  say("free while mapped", ring(fd, PACKET_TX_RING, version, 0));
  munmap(map, 4 * FRAME);
  say("free", ring(fd, PACKET_TX_RING, version, 0));
  close(fd);
}

static void lossy(void) {
  puts("PACKET_LOSS");
  int fd = sender(SOCK_RAW), version = TPACKET_V2, on = 1, head = HEAD(version);
  MUST(setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version));
  MUST(setsockopt(fd, SOL_PACKET, PACKET_LOSS, &on, sizeof on));
  MUST(ring(fd, PACKET_TX_RING, version, 4));
  say("loss with a ring", setsockopt(fd, SOL_PACKET, PACKET_LOSS, &on, sizeof on));
  unsigned char *map = mmap(0, 4 * FRAME, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  set(map, version, TP_STATUS_SEND_REQUEST, FRAME, 0);
  set(map + FRAME, version, TP_STATUS_SEND_REQUEST, datagram(map + FRAME + head, 14, "second"), 0);
  say("send", send(fd, NULL, 0, 0));
  printf("  status %d %d\n", status(map, version), status(map + FRAME, version));
  arrived();
  munmap(map, 4 * FRAME);
  close(fd);
}

static void offsets(void) {
  puts("PACKET_TX_HAS_OFF");
  int fd = sender(SOCK_RAW), version = TPACKET_V2, on = 1;
  MUST(setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version));
  say("set", setsockopt(fd, SOL_PACKET, PACKET_TX_HAS_OFF, &on, sizeof on));
  CHECK(int_option(fd, SOL_PACKET, PACKET_TX_HAS_OFF));
  MUST(ring(fd, PACKET_TX_RING, version, 4));
  unsigned char *map = mmap(0, 4 * FRAME, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  set(map, version, TP_STATUS_SEND_REQUEST, datagram(map + 300, 14, "moved"), 300);
  say("send", send(fd, NULL, 0, 0));
  arrived();
  set(map + FRAME, version, TP_STATUS_SEND_REQUEST, datagram(map + FRAME + 8, 14, "low"), 8);
  say("too low", send(fd, NULL, 0, 0));
  set(map + FRAME, version, TP_STATUS_SEND_REQUEST, 100, FRAME - 99);
  say("too high", send(fd, NULL, 0, 0));
  printf("  status %d\n", status(map + FRAME, version));
  munmap(map, 4 * FRAME);
  close(fd);
}

static void both(void) {
  puts("two rings");
  int fd = sender(SOCK_RAW), version = TPACKET_V2, head = HEAD(version);
  // Only what comes from our port 12345.
  struct sock_filter code[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 34), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 12345u << 16 | port, 0, 1),
                               BPF_STMT(BPF_RET | BPF_K, 0xffff), BPF_STMT(BPF_RET | BPF_K, 0)};
  struct sock_fprog program = {4, code};
  MUST(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
  MUST(setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version));
  say("tx", ring(fd, PACKET_TX_RING, version, 2));
  say("rx", ring(fd, PACKET_RX_RING, version, 4));
  say("map one", mmap(0, 2 * FRAME, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
  unsigned char *map = mmap(0, 6 * FRAME, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  say("map both", map == MAP_FAILED ? -1 : 0);
  set(map + 4 * FRAME, version, TP_STATUS_SEND_REQUEST, datagram(map + 4 * FRAME + head, 14, "both"), 0);
  say("send", send(fd, NULL, 0, 0));
  arrived();
  await("ready", fd, POLLIN);
  struct tpacket2_hdr *in = (void *)map;
  printf("  len %d %.4s\n", in->tp_len, (char *)map + in->tp_mac + 42);
  munmap(map, 6 * FRAME);
  close(fd);
}

static void vnet(void) {
  puts("PACKET_VNET_HDR");
  int fd = sender(SOCK_RAW), on = 1;
  int cooked = sender(SOCK_DGRAM);
  say("cooked", setsockopt(cooked, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on));
  close(cooked);
  say("set", setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on));
  CHECK(int_option(fd, SOL_PACKET, PACKET_VNET_HDR));
  unsigned char frame[300];
  struct virtio_net_hdr *header = (void *)frame;
  memset(frame, 0, sizeof frame);
  int size = datagram(frame + 10, 14, "header") + 10;
  say("send", send(fd, frame, size, 0) - size);
  arrived();
  puts("a checksum to complete");
  size = datagram(frame + 10, 14, "sum!") + 10;
  unsigned sum = 0x7f00 + 1 + 0x7f00 + 1 + 17 + 12;
  unsigned char *udp = frame + 10 + 34;
  udp[6] = sum >> 8 & 0xff;
  udp[7] = sum & 0xff;
  *header = (struct virtio_net_hdr){.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 6};
  say("send", send(fd, frame, size, 0) - size);
  arrived();
  puts("errors");
  say("shorter than the header", send(fd, frame, 9, 0));
  *header = (struct virtio_net_hdr){.hdr_len = 1000};
  say("header longer than the frame", send(fd, frame, size, 0));
  *header = (struct virtio_net_hdr){.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 1000, .csum_offset = 6};
  say("sum beyond the frame", send(fd, frame, size, 0));
  nothing_arrived();
  puts("received");
  int watch = MUST(socket(AF_PACKET, SOCK_RAW, 0));
  struct sock_filter code[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 34), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 12345u << 16 | port, 0, 1),
                               BPF_STMT(BPF_RET | BPF_K, 0xffff), BPF_STMT(BPF_RET | BPF_K, 0)};
  struct sock_fprog program = {4, code};
  MUST(setsockopt(watch, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
  struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_ifindex = lo};
  MUST(bind(watch, (void *)&at, sizeof at));
  MUST(setsockopt(watch, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on));
  for (int i = 0; i < 2; i++) {
    unsigned char got[300];
    memset(got, 0xee, sizeof got);
    *header = (struct virtio_net_hdr){0};
    size = datagram(frame + 10, 14, "seen") + 10;
    if (i == 1) {
      udp[6] = sum >> 8 & 0xff, udp[7] = sum & 0xff;
      *header = (struct virtio_net_hdr){.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 6};
    }
    MUST(send(fd, frame, size, 0));
    arrived();
    say("recv", recv(watch, got, sizeof got, 0));
    header = (void *)got;
    if (i == 1) printf("  flags %d gso %d start %d offset %d\n", header->flags, header->gso_type, header->csum_start, header->csum_offset);
    printf("  %.4s\n", got + 10 + 42);
    header = (void *)frame;
  }
  MUST(send(fd, frame, size, 0));
  arrived();
  CHECK(recv(watch, frame, 9, 0));
  close(watch);
  close(fd);
}

static void refusals(void) {
  puts("refusals");
  int fd = sender(SOCK_RAW), version = TPACKET_V3;
  struct tpacket_req3 request = {4096, 1, FRAME, 2, 0, 0, 0};
  MUST(setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version));
  say("short", setsockopt(fd, SOL_PACKET, PACKET_TX_RING, &request, 16));
  request.tp_retire_blk_tov = 1;
  say("time", setsockopt(fd, SOL_PACKET, PACKET_TX_RING, &request, sizeof request));
  request.tp_retire_blk_tov = 0, request.tp_sizeof_priv = 8;
  say("private", setsockopt(fd, SOL_PACKET, PACKET_TX_RING, &request, sizeof request));
  request.tp_sizeof_priv = 0, request.tp_feature_req_word = 1;
  say("features", setsockopt(fd, SOL_PACKET, PACKET_TX_RING, &request, sizeof request));
  request.tp_feature_req_word = 0, request.tp_frame_size = 32;
  say("frame small", setsockopt(fd, SOL_PACKET, PACKET_TX_RING, &request, sizeof request));
  int one = 1;
  say("bypass", setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one));
  CHECK(int_option(fd, SOL_PACKET, PACKET_QDISC_BYPASS));
  say("tx timestamp", setsockopt(fd, SOL_PACKET, PACKET_TX_TIMESTAMP, &one, sizeof one));
  say("recv output", setsockopt(fd, SOL_PACKET, PACKET_RECV_OUTPUT, &one, sizeof one));
  CHECK(int_option(fd, SOL_PACKET, PACKET_TX_TIMESTAMP));
  CHECK(int_option(fd, SOL_PACKET, PACKET_RECV_OUTPUT));
  CHECK(int_option(fd, SOL_PACKET, PACKET_TX_RING));
  close(fd);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  if (!may_have_packets()) return 0;
  receiver = watcher();
  for (int version = TPACKET_V1; version <= TPACKET_V3; version++) {
    transmit(version, SOCK_RAW);
    transmit(version, SOCK_DGRAM);
  }
  lossy();
  offsets();
  both();
  vnet();
  refusals();
  return 0;
}

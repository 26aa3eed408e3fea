// Packet sockets on lo that see the datagrams of one program only: others talk on the host's lo, too.
#pragma once
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/if.h>

#include "net.h"

static int lo, port;

// As nobody there are none: says so, and false.
static int may_have_packets(void) {
  int fd = socket(AF_PACKET, SOCK_RAW, 0);
  report("socket", fd < 0 ? -1 : 0);
  if (fd < 0) return 0;
  close(fd);
  lo = if_nametoindex("lo");
  port = port_of(server4(SOCK_DGRAM, 0));
  return 1;
}

// Of `protocol`, with a filter of `count` instructions.
static int filtered(int protocol, struct sock_filter *code, int count) {
  int fd = MUST(socket(AF_PACKET, SOCK_DGRAM, 0));
  struct sock_fprog program = {count, code};
  MUST(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
  struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(protocol), .sll_ifindex = lo};
  MUST(bind(fd, (void *)&at, sizeof at));
  return fd;
}

// netlink(7): NETLINK_EXT_ACK's reasons and offsets, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK, with requests that rtnetlink(7) refuses. As
// nobody changes are refused before they are looked at.
// guest: linux 6.18
#include "../guest.h"
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "net.h"

struct request {
  struct nlmsghdr head;
  char body[256];
};

static int fd;

static void *begin(struct request *r, int type, int flags, int size) {
  memset(r, 0, sizeof *r);
  r->head = (struct nlmsghdr){.nlmsg_len = NLMSG_LENGTH(size), .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags, .nlmsg_seq = 7};
  return r->body;
}

static void add(struct request *r, int type, const void *data, int size) {
  struct rtattr *a = (void *)((char *)r + NLMSG_ALIGN(r->head.nlmsg_len));
  a->rta_type = type;
  a->rta_len = RTA_LENGTH(size);
  memcpy(RTA_DATA(a), data, size);
  r->head.nlmsg_len = NLMSG_ALIGN(r->head.nlmsg_len) + RTA_ALIGN(a->rta_len);
}

// Sends, and prints the error of the answer; of a dump the number of its messages says nothing.
static void ask(const char *what, struct request *r) {
  static char bytes[65536];
  MUST(send(fd, r, r->head.nlmsg_len, 0));
  for (;;) {
    int got = MUST(recv(fd, bytes, sizeof bytes, 0));
    for (struct nlmsghdr *h = (void *)bytes; NLMSG_OK(h, got); h = NLMSG_NEXT(h, got)) {
      if (h->nlmsg_type != NLMSG_ERROR && h->nlmsg_type != NLMSG_DONE) continue;
      struct nlmsgerr *e = NLMSG_DATA(h);
      printf("%s: %s", what, e->error == 0 ? "ok" : strerrorname_np(-e->error));
      if (h->nlmsg_type == NLMSG_DONE && h->nlmsg_flags & NLM_F_ACK_TLVS)
        printf(" \"%s\"", (char *)NLMSG_DATA(h) + 8);
      if (h->nlmsg_type == NLMSG_ERROR) {
        printf(" length %s%s%s", h->nlmsg_len >= NLMSG_LENGTH(4) + r->head.nlmsg_len ? "whole" : "cut", h->nlmsg_flags & NLM_F_CAPPED ? " capped" : "",
               h->nlmsg_flags & NLM_F_ACK_TLVS ? " told" : "");
        char *at = (char *)h + NLMSG_LENGTH(sizeof *e) + (h->nlmsg_flags & NLM_F_CAPPED ? 0 : e->msg.nlmsg_len - NLMSG_HDRLEN);
        int left = (char *)h + h->nlmsg_len - at;
        if (h->nlmsg_flags & NLM_F_ACK_TLVS)
          for (struct rtattr *a = (void *)at; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
            if (a->rta_type == NLMSGERR_ATTR_MSG) printf(" \"%s\"", (char *)RTA_DATA(a));
            if (a->rta_type == NLMSGERR_ATTR_OFFS) printf(" at %u", *(unsigned *)RTA_DATA(a));
          }
      }
      puts("");
      return;
    }
  }
}

static void address(const char *what, int type, int family, const char *text, int prefix, int index) {
  struct request r;
  unsigned char bytes[16];
  struct ifaddrmsg *m = begin(&r, type, NLM_F_ACK | (type == RTM_NEWADDR ? NLM_F_CREATE | NLM_F_EXCL : 0), sizeof *m);
  *m = (struct ifaddrmsg){.ifa_family = family, .ifa_prefixlen = prefix, .ifa_index = index};
  if (text != NULL) {
    inet_pton(family, text, bytes);
    add(&r, IFA_LOCAL, bytes, family == AF_INET ? 4 : 16);
  }
  ask(what, &r);
}

static void route(const char *what, int family, const char *text, int prefix, const char *gateway, const char *source, int index) {
  struct request r;
  unsigned char bytes[16];
  int size = family == AF_INET ? 4 : 16;
  struct rtmsg *m = begin(&r, RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, sizeof *m);
  *m = (struct rtmsg){.rtm_family = family, .rtm_dst_len = prefix, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_BOOT, .rtm_type = RTN_UNICAST,
                      .rtm_scope = gateway == NULL && family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE};
  inet_pton(family, text, bytes);
  add(&r, RTA_DST, bytes, size);
  if (gateway != NULL) inet_pton(family, gateway, bytes), add(&r, RTA_GATEWAY, bytes, size);
  if (source != NULL) inet_pton(family, source, bytes), add(&r, RTA_PREFSRC, bytes, size);
  if (index != 0) add(&r, RTA_OIF, &index, 4);
  ask(what, &r);
}

static void changes(void) {
  struct request r;
  int lo = if_nametoindex("lo");
  address("an address that is there", RTM_NEWADDR, AF_INET, "127.0.0.1", 8, lo);
  address("none", RTM_NEWADDR, AF_INET, NULL, 8, lo);
  address("prefix too long", RTM_NEWADDR, AF_INET, "10.1.2.3", 33, lo);
  address("delete what is not there", RTM_DELADDR, AF_INET, "10.1.2.3", 8, lo);
  route("host bits", AF_INET, "10.1.2.3", 16, NULL, NULL, lo);
  route("prefix too long", AF_INET, "10.1.2.3", 40, NULL, NULL, lo);
  route("foreign source", AF_INET, "10.1.0.0", 16, NULL, "192.0.2.77", lo);
  begin(&r, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg));
  add(&r, IFLA_IFNAME, "made0", 6);
  char info[] = {10, 0, IFLA_INFO_KIND, 0, 'w', 'r', 'o', 'n', 'g', 0, 0, 0};
  add(&r, IFLA_LINKINFO, info, sizeof info);
  ask("a link of no kind", &r);
  begin(&r, RTM_DELLINK, NLM_F_ACK, sizeof(struct ifinfomsg));
  ((struct ifinfomsg *)r.body)->ifi_index = lo;
  ask("delete lo", &r);
  begin(&r, RTM_DELLINK, NLM_F_ACK, sizeof(struct ifinfomsg));
  ((struct ifinfomsg *)r.body)->ifi_index = 99999;
  ask("delete a link that is not there", &r);
}

static void dump(const char *what, int type, int size, int odd) {
  struct request r;
  char name[100];
  begin(&r, type, NLM_F_DUMP, size);
  sprintf(name, "%s", what);
  ask(name, &r);
  for (int i = 0; i < odd; i++) {
    begin(&r, type, NLM_F_DUMP, size);
    r.body[0] = type == RTM_GETADDR || type == RTM_GETROUTE ? AF_INET : 0;
    r.body[i + 1] = 1;
    sprintf(name, "%s, byte %d", what, i + 1);
    ask(name, &r);
  }
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  fd = MUST(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
  puts("plain");
  changes();
  SET(fd, SOL_NETLINK, NETLINK_EXT_ACK, 1);
  OPTION(fd, SOL_NETLINK, NETLINK_EXT_ACK);
  changes();
  SET(fd, SOL_NETLINK, NETLINK_CAP_ACK, 1);
  puts("capped");
  address("an address that is there", RTM_NEWADDR, AF_INET, "127.0.0.1", 8, if_nametoindex("lo"));
  dump("links", RTM_GETLINK, sizeof(struct ifinfomsg), 3);
  SET(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
  OPTION(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK);
  dump("links", RTM_GETLINK, sizeof(struct ifinfomsg), 3);
  dump("links, short", RTM_GETLINK, 4, 0);
  dump("addresses", RTM_GETADDR, sizeof(struct ifaddrmsg), 3);
  dump("addresses, short", RTM_GETADDR, 4, 0);
  dump("routes", RTM_GETROUTE, sizeof(struct rtmsg), 3);
  dump("neighbours", RTM_GETNEIGH, sizeof(struct ndmsg), 3);
  dump("neighbours, short", RTM_GETNEIGH, 4, 0);
  return 0;
}

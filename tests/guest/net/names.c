// netdevice(7): interface requests are answered on sockets of every family.
#include "../guest.h"
#include "net.h"
#include <linux/netlink.h>
#include <net/if.h>

static void ask(const char *what, int family, int type) {
  int fd = socket(family, type, 0);
  printf("%s\n", what);
  if (fd < 0) return;
  struct ifreq r = {.ifr_name = "lo"};
  CHECK(ioctl(fd, SIOCGIFINDEX, &r));
  int index = r.ifr_ifindex;
  TRUE(index == (int)if_nametoindex("lo"));
  memset(r.ifr_name, 0, sizeof r.ifr_name);
  CHECK(ioctl(fd, SIOCGIFNAME, &r));
  printf("%s\n", r.ifr_name);
  CHECK(ioctl(fd, SIOCGIFFLAGS, &r));
  TRUE((r.ifr_flags & IFF_LOOPBACK) != 0);
  strcpy(r.ifr_name, "nowhere0");
  CHECK(ioctl(fd, SIOCGIFINDEX, &r));
  CHECK(ioctl(fd, SIOCGIFINDEX, NULL));
  CHECK(ioctl(fd, 0x8900 + 0xdf, &r));
  CHECK(ioctl(fd, 0x1234, &r));
  close(fd);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  ask("unix stream", AF_UNIX, SOCK_STREAM);
  ask("unix datagram", AF_UNIX, SOCK_DGRAM);
  ask("inet stream", AF_INET, SOCK_STREAM);
  ask("inet datagram", AF_INET, SOCK_DGRAM);
  ask("netlink", AF_NETLINK, SOCK_RAW);
  return 0;
}

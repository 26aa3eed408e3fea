// getsockopt(2), setsockopt(2): options of every level on every kind of socket, by sizes and values; what comes back and how long it is. Left out
// is what a host's sysctls decide, and what is newer than Linux 6.1 where kernels differ.
// guest: linux 6.18
#include "../guest.h"
#include <linux/if_ether.h>

#include "net.h"

static const struct kind {
  const char *name;
  int domain, type, protocol;
} kinds[] = {
    {"tcp", AF_INET, SOCK_STREAM, 0},   {"tcp6", AF_INET6, SOCK_STREAM, 0}, {"udp", AF_INET, SOCK_DGRAM, 0},   {"udp6", AF_INET6, SOCK_DGRAM, 0},
    {"unix", AF_UNIX, SOCK_STREAM, 0},  {"dgram", AF_UNIX, SOCK_DGRAM, 0},  {"netlink", AF_NETLINK, SOCK_RAW, 0},
};

static const struct set {
  int level, options[40];
} sets[] = {
    {SOL_SOCKET, {1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 14, 15, 19, 29, 35, 37, 40, 44, 48, 49, 53, 54, 60, 61, 63, 64, 65, 69, 70, 72, 73, 99}},
    {IPPROTO_TCP, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 15, 16, 17, 20, 21, 22, 25, 27, 29, 30, 32, 34, 36, 38, 60, 99}},
    {IPPROTO_IP, {1, 2, 4, 6, 7, 8, 10, 11, 12, 13, 14, 15, 18, 19, 20, 21, 22, 23, 24, 25, 32, 33, 34, 35, 36, 37, 38, 39, 40, 42, 45, 49, 50, 51, 52, 60}},
    {IPPROTO_IPV6, {2, 7, 8, 10, 11, 12, 14, 16, 18, 19, 23, 24, 25, 26, 29, 36, 49, 51, 52, 53, 56, 58, 60, 62, 63, 66, 67, 70, 71, 73, 74, 75, 77, 78}},
    {IPPROTO_UDP, {0, 1, 2, 3, 99, 103, 104, 105}},
    {255, {1, 2}},
    {263, {1, 10}},
    {270, {3, 4, 5, 8, 10, 11, 12, 99}},
    {132, {1, 10}},
};

static void print_bytes(const unsigned char *bytes, int count) {
  printf(" %d ", count);
  for (int i = 0; i < count; i++) printf("%02x", bytes[i]);
}

static void get(int fd, int level, int option, int size) {
  unsigned char bytes[16] = {0};
  socklen_t n = size;
  int result = getsockopt(fd, level, option, bytes, &n);
  if (result < 0) printf(" %s", strerrorname_np(errno));
  else print_bytes(bytes, n);
}

static void try(const struct kind *kind, int level, int option) {
  static const int values[] = {-1, 0, 1, 2, 77, 0x7fffffff}, sizes[] = {0, 1, 4, 8, 16};
  int fd = socket(kind->domain, kind->type, kind->protocol);
  if (fd < 0) return;
  printf("%s %d %d get:", kind->name, level, option);
  for (int i = 0; i < 5; i++) get(fd, level, option, sizes[i]);
  close(fd);
  printf("\n%s %d %d set:", kind->name, level, option);
  for (int i = 0; i < 5; i++)
    for (int k = 0; k < (sizes[i] == 4 ? 6 : 3); k++) {
      unsigned char bytes[16] = {0};
      memcpy(bytes, &values[k], 4);
      fd = MUST(socket(kind->domain, kind->type, kind->protocol));
      int result = setsockopt(fd, level, option, bytes, sizes[i]);
      printf(" %d:%d %s", sizes[i], values[k], result < 0 ? strerrorname_np(errno) : "ok");
      if (result == 0) get(fd, level, option, 4);
      close(fd);
    }
  puts("");
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++)
      for (int i = 0; i < 40 && (i == 0 || sets[s].options[i] != 0); i++) try(&kinds[k], sets[s].level, sets[s].options[i]);
  return 0;
}

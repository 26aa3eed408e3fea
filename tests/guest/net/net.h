// Shared by the network programs: loopback addresses with ports that the kernel picks, connected pairs, and readiness in words.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

__attribute__((unused)) static struct sockaddr_in loopback4(int port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return a;
}

__attribute__((unused)) static struct sockaddr_in6 loopback6(int port) {
  struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  a.sin6_addr = in6addr_loopback;
  return a;
}

__attribute__((unused)) static int port_of(int fd) {
  struct sockaddr_storage s;
  socklen_t n = sizeof s;
  MUST(getsockname(fd, (struct sockaddr *)&s, &n));
  return ntohs(((struct sockaddr_in *)&s)->sin_port);
}

// A bound socket; a stream one listens.
__attribute__((unused)) static int server4(int type, int backlog) {
  int fd = MUST(socket(AF_INET, type, 0));
  struct sockaddr_in a = loopback4(0);
  MUST(bind(fd, (struct sockaddr *)&a, sizeof a));
  if ((type & 0xf) == SOCK_STREAM) MUST(listen(fd, backlog));
  return fd;
}

__attribute__((unused)) static void tcp_pair(int fds[2]) {
  int l = server4(SOCK_STREAM, 1);
  struct sockaddr_in a = loopback4(port_of(l));
  fds[0] = MUST(socket(AF_INET, SOCK_STREAM, 0));
  MUST(connect(fds[0], (struct sockaddr *)&a, sizeof a));
  fds[1] = MUST(accept(l, NULL, NULL));
  close(l);
}

__attribute__((unused)) static void print_events(const char *what, int events) {
  static const struct { int bit; const char *name; } names[] = {
    {POLLIN, "IN"}, {POLLPRI, "PRI"}, {POLLOUT, "OUT"}, {POLLERR, "ERR"}, {POLLHUP, "HUP"}, {POLLNVAL, "NVAL"},
    {POLLRDNORM, "RDNORM"}, {POLLWRNORM, "WRNORM"}, {POLLRDHUP, "RDHUP"},
  };
  printf("%s:", what);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (events & names[i].bit) printf(" %s", names[i].name);
  printf("\n");
}

#define EVERYTHING (POLLIN | POLLPRI | POLLOUT | POLLRDNORM | POLLWRNORM | POLLRDHUP)

__attribute__((unused)) static void show(const char *what, int fd) {
  struct pollfd p = {.fd = fd, .events = EVERYTHING};
  poll(&p, 1, 0);
  print_events(what, p.revents);
}

// Waits until one of `events` is there, then shows all that is.
__attribute__((unused)) static void await(const char *what, int fd, int events) {
  struct pollfd p = {.fd = fd, .events = events};
  if (poll(&p, 1, 20000) != 1) printf("%s: timed out\n", what);
  show(what, fd);
}

__attribute__((unused)) static long int_option(int fd, int level, int option) {
  int value = -12345;
  socklen_t n = sizeof value;
  if (getsockopt(fd, level, option, &value, &n) < 0) return -1;
  return value;
}

#define OPTION(fd, level, option) CHECK(int_option(fd, level, option))
#define SET(fd, level, option, value) \
  do { \
    int set_ = (value); \
    errno = 0; \
    long r_ = setsockopt(fd, level, option, &set_, sizeof set_); \
    report("set " #option " " #value, r_); \
  } while (0)

// What socket(2), bind(2), connect(2), listen(2) and accept(2) refuse, and the names that sockets have.
#include "../guest.h"
#include "net.h"

static void making(void) {
  CHECK(socket(AF_INET, 0, 0));
  CHECK(socket(AF_INET, SOCK_SEQPACKET, 0));
  CHECK(socket(AF_INET, 99, 0));
  CHECK(socket(AF_INET, SOCK_STREAM | 0x100000, 0));
  CHECK(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
  CHECK(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP));
  CHECK(socket(AF_INET, SOCK_STREAM, 1000));
  CHECK(socket(AF_INET, SOCK_STREAM, -1));
  CHECK(socket(12345, SOCK_STREAM, 0));
  CHECK(socket(-1, SOCK_STREAM, 0));
  int pair[2];
  CHECK(socketpair(AF_INET, SOCK_STREAM, 0, pair));
  int fd = MUST(socket(AF_INET, SOCK_STREAM, IPPROTO_TCP));
  char link[64] = {0}, path[64];
  sprintf(path, "/proc/self/fd/%d", fd);
  MUST(readlink(path, link, 63));
  printf("%.8s\n", link);
  struct stat st;
  MUST(fstat(fd, &st));
  printf("mode %o\n", st.st_mode);
  close(fd);
}

static void binding(void) {
  int fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
  struct sockaddr_in a = loopback4(0), got;
  socklen_t n = sizeof got;
  CHECK(getsockname(fd, (struct sockaddr *)&got, &n));
  printf("%s port %d length %d\n", inet_ntoa(got.sin_addr), got.sin_port, n);
  CHECK(bind(fd, (struct sockaddr *)&a, 8));
  CHECK(bind(fd, (struct sockaddr *)&a, -1));
  CHECK(bind(fd, (struct sockaddr *)&a, 200));
  CHECK(bind(fd, NULL, sizeof a));
  a.sin_family = AF_INET6;
  CHECK(bind(fd, (struct sockaddr *)&a, sizeof a));
  a.sin_family = AF_UNSPEC;
  CHECK(bind(fd, (struct sockaddr *)&a, sizeof a));
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = inet_addr("192.0.2.1");
  CHECK(bind(fd, (struct sockaddr *)&a, sizeof a));
  a = loopback4(0);
  CHECK(bind(fd, (struct sockaddr *)&a, sizeof a));
  CHECK(bind(fd, (struct sockaddr *)&a, sizeof a));
  n = 4;
  memset(&got, 0, sizeof got);
  CHECK(getsockname(fd, (struct sockaddr *)&got, &n));
  printf("family %d address %s length %d\n", got.sin_family, inet_ntoa(got.sin_addr), n);
  n = -1;
  CHECK(getsockname(fd, (struct sockaddr *)&got, &n));
  n = sizeof got;
  CHECK(getsockname(fd, NULL, &n));
  CHECK(getsockname(fd, (struct sockaddr *)&got, NULL));
  // The same port: only one may have it, unless both allow it and neither listens.
  int other = MUST(socket(AF_INET, SOCK_STREAM, 0)), one = 1;
  a = loopback4(port_of(fd));
  CHECK(bind(other, (struct sockaddr *)&a, sizeof a));
  MUST(setsockopt(other, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one));
  CHECK(bind(other, (struct sockaddr *)&a, sizeof a));
  MUST(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one));
  CHECK(bind(other, (struct sockaddr *)&a, sizeof a));
  CHECK(listen(fd, 5));
  CHECK(listen(other, 5));
  CHECK(listen(fd, -1));
  close(fd);
  close(other);
  fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
  CHECK(listen(fd, 1));
  n = sizeof got;
  MUST(getsockname(fd, (struct sockaddr *)&got, &n));
  printf("bound by listening: %d\n", got.sin_port != 0);
  close(fd);
}

static void connecting(void) {
  int fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
  struct sockaddr_in a = loopback4(1);
  CHECK(connect(fd, (struct sockaddr *)&a, 8));
  CHECK(connect(fd, (struct sockaddr *)&a, 1));
  a.sin_family = AF_UNIX;
  CHECK(connect(fd, (struct sockaddr *)&a, sizeof a));
  a.sin_family = AF_INET;
  CHECK(connect(fd, (struct sockaddr *)&a, sizeof a));
  CHECK(connect(fd, NULL, sizeof a));
  int file = MUST(open("/dev/null", O_RDWR));
  CHECK(connect(file, (struct sockaddr *)&a, sizeof a));
  CHECK(connect(-1, (struct sockaddr *)&a, sizeof a));
  a.sin_addr.s_addr = htonl(INADDR_BROADCAST);
  CHECK(connect(fd, (struct sockaddr *)&a, sizeof a));
  // The wildcard means this host.
  int l = server4(SOCK_STREAM, 1);
  a.sin_addr.s_addr = INADDR_ANY;
  a.sin_port = htons(port_of(l));
  CHECK(connect(fd, (struct sockaddr *)&a, sizeof a));
  socklen_t n = sizeof a;
  CHECK(getpeername(fd, (struct sockaddr *)&a, &n));
  printf("peer %s\n", inet_ntoa(a.sin_addr));
  CHECK(accept(l, (struct sockaddr *)1, &n));
  close(fd);
  close(l);
  CHECK(accept(-1, NULL, NULL));
  CHECK(accept(file, NULL, NULL));
  CHECK(listen(file, 1));
  CHECK(shutdown(file, SHUT_RD));
  close(file);
}

static void interrupted(int s) { (void)s; }

static void waiting(void) {
  int l = server4(SOCK_STREAM, 1);
  struct sigaction act = {.sa_handler = interrupted};
  sigaction(SIGALRM, &act, NULL);
  ualarm(20000, 0);
  CHECK(accept(l, NULL, NULL));
  struct timeval t = {0, 20000};
  MUST(setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
  CHECK(accept(l, NULL, NULL));
  close(l);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  making();
  binding();
  connecting();
  waiting();
  return 0;
}

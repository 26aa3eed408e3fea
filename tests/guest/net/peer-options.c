// socket(7): SO_PEERCRED, SO_PEERGROUPS, SO_PEERPIDFD, SO_PEERSEC and SO_PASSCRED by family: only unix sockets know their peer's rights.
// guest: linux 6.16
#include "../guest.h"
#include "net.h"
#include <linux/netlink.h>
#include <sys/un.h>

#ifndef SO_PEERPIDFD
#define SO_PASSPIDFD 76
#define SO_PEERPIDFD 77
#endif

static void credentials(int fd, socklen_t room) {
  struct ucred u;
  memset(&u, 'x', sizeof u);
  socklen_t length = room;
  errno = 0;
  long result = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &u, &length);
  report("SO_PEERCRED", result);
  if (result == 0 && room == sizeof u)
    printf("  length %u pid %s uid %s gid %s\n", length, u.pid == 0 ? "0" : u.pid == getpid() ? "own" : "other",
           u.uid == (uid_t)-1 ? "-1" : u.uid == getuid() ? "own" : "other", u.gid == (gid_t)-1 ? "-1" : u.gid == getgid() ? "own" : "other");
  else if (result == 0) printf("  length %u\n", length);
}

static void groups(int fd) {
  gid_t list[256];
  socklen_t length = sizeof list;
  errno = 0;
  report("SO_PEERGROUPS", getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, list, &length));
  TRUE(length == getgroups(0, NULL) * sizeof(gid_t) || length == sizeof list);
}

static void peer_file(int fd) {
  int file = -1;
  socklen_t length = sizeof file;
  errno = 0;
  report("SO_PEERPIDFD", getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &file, &length));
  if (file >= 0) CHECK(fcntl(file, F_GETFD));
  if (file >= 0) close(file);
}

static void all(const char *what, int fd) {
  char label[100];
  socklen_t length = sizeof label;
  printf("-- %s\n", what);
  credentials(fd, sizeof(struct ucred));
  credentials(fd, 4);
  credentials(fd, 40);
  groups(fd);
  peer_file(fd);
  CHECK(getsockopt(fd, SOL_SOCKET, SO_PEERSEC, label, &length));
  CHECK(setsockopt(fd, SOL_SOCKET, SO_PEERCRED, label, sizeof(struct ucred)));
  CHECK(setsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, label, sizeof(struct ucred)));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  int fds[2];
  scratch();
  tcp_pair(fds);
  all("tcp", fds[0]);
  all("tcp, accepted", fds[1]);
  all("tcp, fresh", MUST(socket(AF_INET, SOCK_STREAM, 0)));
  all("udp", MUST(socket(AF_INET, SOCK_DGRAM, 0)));
  all("netlink", MUST(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)));
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
  all("unix pair", fds[0]);
  MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds));
  all("unix datagram pair", fds[0]);
  int s = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
  all("unix, fresh", s);
  struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "name"};
  MUST(bind(s, (void *)&name, sizeof name));
  MUST(listen(s, 5));
  all("unix, listening", s);
  int c = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
  MUST(connect(c, (void *)&name, sizeof name));
  all("unix, connected", c);
  all("unix, accepted", MUST(accept(s, NULL, NULL)));
  int d = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
  all("unix datagram, fresh", d);
  return 0;
}

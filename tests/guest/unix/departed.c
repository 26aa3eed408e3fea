// unix(7): what is known of a peer that has closed: its name for getpeername(2) and accept(2), its credentials.
#include "../guest.h"
#include <sys/socket.h>
#include <sys/un.h>

static void show_name(const char *what, int result, const struct sockaddr_un *a, socklen_t length) {
  if (result == -1) printf("%s: %s\n", what, strerrorname_np(errno));
  else printf("%s: family %d length %u %s\n", what, a->sun_family, length, length > 2 ? a->sun_path : "unnamed");
}

static void show_peer(const char *what, int fd) {
  struct sockaddr_un a = {0};
  socklen_t length = sizeof a;
  int result = getpeername(fd, (void *)&a, &length);
  show_name(what, result, &a, length);
}

static int make(int type, const char *path) {
  int fd = MUST(socket(AF_UNIX, type, 0));
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  if (path == NULL) return fd;
  unlink(path);
  strcpy(a.sun_path, path);
  MUST(bind(fd, (void *)&a, sizeof a));
  return fd;
}

static void join(int fd, const char *path) {
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  strcpy(a.sun_path, path);
  MUST(connect(fd, (void *)&a, sizeof a));
}

static void connections(int type, const char *own_name) {
  char byte;
  int s = make(type, "server");
  MUST(listen(s, 5));
  int c = make(type, own_name);
  join(c, "server");
  close(c);
  struct sockaddr_un a;
  memset(&a, 'x', sizeof a);
  socklen_t length = sizeof a;
  int got = accept(s, (void *)&a, &length);
  show_name("accepted after its client has gone", got, &a, length);
  show_peer("its peer", got);
  CHECK(recv(got, &byte, 1, 0));
  CHECK(send(got, "x", 1, MSG_NOSIGNAL));
  show_peer("its peer after EPIPE", got);
  struct ucred credentials;
  length = sizeof credentials;
  CHECK(getsockopt(got, SOL_SOCKET, SO_PEERCRED, &credentials, &length));
  TRUE(credentials.pid == getpid());

  c = make(type, NULL);
  join(c, "server");
  got = MUST(accept(s, NULL, NULL));
  close(got), close(s);
  show_peer("a client whose server has gone", c);
  CHECK(shutdown(c, SHUT_RDWR));
  show_peer("after shutdown", c);
}

static void datagrams(void) {
  int s = make(SOCK_DGRAM, "datagrams"), c = make(SOCK_DGRAM, NULL), pair[2];
  join(c, "datagrams");
  close(s);
  show_peer("datagrams, receiver gone", c);
  CHECK(send(c, "x", 1, 0));
  show_peer("after a refusal", c);
  CHECK(send(c, "x", 1, 0));
  MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
  close(pair[1]);
  show_peer("half a pair", pair[0]);
  CHECK(send(pair[0], "x", 1, MSG_NOSIGNAL));
  show_peer("after a refusal", pair[0]);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  scratch();
  connections(SOCK_STREAM, NULL);
  connections(SOCK_STREAM, "client");
  connections(SOCK_SEQPACKET, NULL);
  connections(SOCK_SEQPACKET, "client");
  datagrams();
  return 0;
}

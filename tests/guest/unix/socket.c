// unix(7): stream, datagram and seqpacket; pathname, abstract and autobind names; descriptors and credentials as messages.
#include "../guest.h"
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

static socklen_t address(struct sockaddr_un *a, const char *path) {
  memset(a, 0, sizeof *a);
  a->sun_family = AF_UNIX;
  if (path[0] == '@') {
    strcpy(a->sun_path + 1, path + 1);
    return offsetof(struct sockaddr_un, sun_path) + strlen(path);
  }
  strcpy(a->sun_path, path);
  return offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1;
}

static int bind_to(int fd, const char *path) {
  struct sockaddr_un a;
  socklen_t length = address(&a, path);
  return bind(fd, (void *)&a, length);
}

static int connect_to(int fd, const char *path) {
  struct sockaddr_un a;
  socklen_t length = address(&a, path);
  return connect(fd, (void *)&a, length);
}

static void show_name(const char *what, int (*get)(int, struct sockaddr *, socklen_t *), int fd) {
  struct sockaddr_un a;
  socklen_t length = sizeof a;
  memset(&a, 'x', sizeof a);
  if (get(fd, (void *)&a, &length) != 0) printf("%s: %s\n", what, strerrorname_np(errno));
  else if (length == 2) printf("%s: family %d unnamed\n", what, a.sun_family);
  else printf("%s: family %d length %u %s%s\n", what, a.sun_family, length, a.sun_path[0] ? "" : "@", a.sun_path[0] ? a.sun_path : length == 8 ? "autobind" : "abstract");
}

static int get_name(int fd, struct sockaddr *a, socklen_t *l) {
  return getsockname(fd, a, l);
}

static int get_peer(int fd, struct sockaddr *a, socklen_t *l) {
  return getpeername(fd, a, l);
}

static void streams(void) {
  char buf[100];
  int s = MUST(socket(AF_UNIX, SOCK_STREAM, 0)), c = MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
  show_name("fresh", get_name, s), show_name("fresh peer", get_peer, s);
  CHECK(listen(s, 1));
  CHECK(connect_to(c, "sock"));
  CHECK(bind_to(s, "sock"));
  CHECK(bind_to(s, "other"));
  int twin = socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK(bind_to(twin, "sock"));
  CHECK(connect_to(c, "sock"));
  CHECK(accept(s, NULL, NULL));
  CHECK(listen(s, 1));
  show_name("bound", get_name, s);
  CHECK(connect_to(c, "sock"));
  CHECK(connect_to(c, "sock"));
  int more[4];
  for (int i = 0; i < 4; i++) {
    more[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CHECK(connect_to(more[i], "sock"));
  }
  struct sockaddr_un from;
  socklen_t length = sizeof from;
  int a = MUST(accept4(s, (void *)&from, &length, SOCK_CLOEXEC));
  printf("accepted from length %u, cloexec %d\n", length, fcntl(a, F_GETFD));
  show_name("accepted", get_name, a), show_name("accepted peer", get_peer, a), show_name("client peer", get_peer, c);
  CHECK(send(c, "hello", 5, 0));
  CHECK(recv(a, buf, 2, MSG_PEEK));
  CHECK(recv(a, buf, 100, 0));
  CHECK(recv(a, buf, 100, MSG_DONTWAIT));
  CHECK(send(a, "abc", 3, 0));
  CHECK(send(a, "def", 3, 0));
  CHECK(recv(c, buf, 100, 0));
  CHECK(shutdown(c, SHUT_WR));
  CHECK(recv(a, buf, 100, 0));
  CHECK(send(c, "x", 1, MSG_NOSIGNAL));
  CHECK(send(a, "y", 1, 0));
  CHECK(recv(c, buf, 100, 0));
  CHECK(close(a));
  CHECK(recv(c, buf, 100, 0));
  CHECK(send(c, "x", 1, MSG_NOSIGNAL));
  CHECK(shutdown(c, 9));
  CHECK(shutdown(twin, SHUT_RD));
  close(s);
  CHECK(connect_to(socket(AF_UNIX, SOCK_STREAM, 0), "sock"));
  CHECK(recv(more[0], buf, 1, 0));
  put_file("plain", "");
  CHECK(connect_to(twin, "plain"));
  CHECK(connect_to(twin, "none"));
  CHECK(bind_to(twin, "nodir/x"));
  struct sockaddr_un odd = {.sun_family = AF_INET};
  CHECK(bind(twin, (void *)&odd, 10));
  odd.sun_family = AF_UNIX;
  CHECK(bind(twin, (void *)&odd, sizeof odd + 1));
  CHECK(bind(twin, (void *)&odd, 1));
  CHECK(bind(twin, (void *)&odd, 2));
  show_name("autobind", get_name, twin);
  CHECK(listen(twin, 5));
  CHECK(getsockname(twin, (void *)1, &length));
  CHECK(socket(AF_UNIX, 99, 0));
  CHECK(socket(AF_UNIX, SOCK_STREAM, 5));
  CHECK(socket(999, SOCK_STREAM, 0));
  CHECK(send(0, "x", 1, 0));
  int reset[2];
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, reset));
  send(reset[0], "unread", 6, 0);
  close(reset[1]);
  CHECK(recv(reset[0], buf, 10, 0));
  IN_CHILD("SIGPIPE", send(reset[0], "x", 1, 0));
}

static void datagrams(int type, const char *name) {
  printf("%s\n", name);
  int s[2];
  char buf[100];
  MUST(socketpair(AF_UNIX, type, 0, s));
  CHECK(send(s[0], "one", 3, 0));
  CHECK(send(s[0], "second", 6, 0));
  CHECK(send(s[0], "", 0, 0));
  CHECK(recv(s[1], buf, 2, 0));
  CHECK(recv(s[1], buf, 2, MSG_TRUNC));
  CHECK(recv(s[1], buf, 100, 0));
  CHECK(recv(s[1], buf, 100, MSG_DONTWAIT));
  struct iovec v = {buf, 2};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
  send(s[0], "long", 4, 0);
  CHECK(recvmsg(s[1], &m, 0));
  printf("flags %x\n", m.msg_flags);
  static char big[1 << 20];
  CHECK(send(s[0], big, sizeof big, 0));
  CHECK(close(s[1]));
  CHECK(send(s[0], "x", 1, MSG_NOSIGNAL));
  CHECK(recv(s[0], buf, 10, MSG_DONTWAIT));
}

static void named_datagrams(void) {
  char buf[100];
  int a = socket(AF_UNIX, SOCK_DGRAM, 0), b = socket(AF_UNIX, SOCK_DGRAM, 0);
  char name[60];
  sprintf(name, "@guest-%d", getpid());
  CHECK(bind_to(a, name));
  CHECK(bind_to(b, name));
  CHECK(bind_to(b, "dgram"));
  struct sockaddr_un to, from;
  socklen_t length = address(&to, name), got = sizeof from;
  CHECK(sendto(b, "hi", 2, 0, (void *)&to, length));
  CHECK(recvfrom(a, buf, 100, 0, (void *)&from, &got));
  printf("from %s length %u\n", from.sun_path, got);
  CHECK(send(b, "x", 1, 0));
  CHECK(connect(b, (void *)&to, length));
  CHECK(send(b, "x", 1, 0));
  CHECK(listen(a, 1));
  CHECK(connect_to(socket(AF_UNIX, SOCK_STREAM, 0), name));
  CHECK(connect_to(socket(AF_UNIX, SOCK_STREAM, 0), "dgram"));
  to.sun_family = AF_UNSPEC;
  CHECK(connect(b, (void *)&to, sizeof to));
  CHECK(send(b, "x", 1, 0));
}

static long send_fds(int s, int *fds, int count) {
  char control[CMSG_SPACE(sizeof(int) * 300)] = {0};
  struct iovec v = {"f", 1};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(sizeof(int) * count)};
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = CMSG_LEN(sizeof(int) * count);
  memcpy(CMSG_DATA(c), fds, sizeof(int) * count);
  return sendmsg(s, &m, 0);
}

static long receive(int s, size_t room, int flags, int *fd) {
  char control[CMSG_SPACE(sizeof(int) * 4) + CMSG_SPACE(sizeof(struct ucred))], data[10];
  struct iovec v = {data, 10};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = room};
  long n = recvmsg(s, &m, flags);
  printf("received %ld flags %x control %zu:", n, m.msg_flags, (size_t)m.msg_controllen);
  for (struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
    if (c->cmsg_type == SCM_RIGHTS) {
      int count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      memcpy(fd, CMSG_DATA(c), sizeof(int));
      printf(" rights %d", count);
    } else if (c->cmsg_type == SCM_CREDENTIALS) {
      struct ucred u;
      memcpy(&u, CMSG_DATA(c), sizeof u);
      printf(" credentials pid own %d uid own %d", u.pid == getpid(), u.uid == getuid());
    } else
      printf(" type %d", c->cmsg_type);
  }
  printf("\n");
  return n;
}

static void messages(void) {
  int s[2], fd = -1, files[3];
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  put_file("passed", "content");
  for (int i = 0; i < 3; i++) files[i] = MUST(open("passed", O_RDONLY));
  CHECK(send_fds(s[0], files, 1));
  receive(s[1], CMSG_SPACE(sizeof(int)), MSG_CMSG_CLOEXEC, &fd);
  char buf[20];
  CHECK(read(fd, buf, 20));
  printf("cloexec %d\n", fcntl(fd, F_GETFD));
  CHECK(lseek(files[0], 0, SEEK_CUR));
  CHECK(send_fds(s[0], files, 3));
  receive(s[1], CMSG_SPACE(sizeof(int)), 0, &fd);
  CHECK(send_fds(s[0], files, 2));
  receive(s[1], 0, 0, &fd);
  int bad = 999;
  CHECK(send_fds(s[0], &bad, 1));
  int lots[254];
  for (int i = 0; i < 254; i++) lots[i] = files[0];
  CHECK(send_fds(s[0], lots, 254));
  int on = 1;
  CHECK(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
  CHECK(send(s[0], "x", 1, 0));
  receive(s[1], 200, 0, &fd);
  CHECK(send_fds(s[0], files, 1));
  receive(s[1], 200, 0, &fd);
  struct ucred peer;
  socklen_t length = sizeof peer;
  CHECK(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &peer, &length));
  TRUE(peer.pid == getpid() && peer.uid == geteuid());
  int type;
  length = sizeof type;
  CHECK(getsockopt(s[0], SOL_SOCKET, SO_TYPE, &type, &length));
  CHECK(getsockopt(s[0], SOL_SOCKET, SO_ERROR, &type, &length));
  CHECK(getsockopt(s[0], SOL_SOCKET, 9999, &type, &length));
  CHECK(setsockopt(s[0], SOL_SOCKET, SO_PASSCRED, &on, 1));
  struct timeval t = {0, 20000};
  CHECK(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
  CHECK(recv(s[0], buf, 1, 0));
  CHECK(send_fds(s[0], &s[0], 1));
  CHECK(send_fds(s[0], &s[1], 1));
  int queued;
  CHECK(ioctl(s[1], FIONREAD, &queued));
  printf("queued %d\n", queued);
  struct mmsghdr mm[2] = {0};
  struct iovec v[2] = {{"ab", 2}, {"cde", 3}};
  mm[0].msg_hdr.msg_iov = &v[0], mm[0].msg_hdr.msg_iovlen = 1;
  mm[1].msg_hdr.msg_iov = &v[1], mm[1].msg_hdr.msg_iovlen = 1;
  CHECK(sendmmsg(s[0], mm, 2, 0));
  printf("%u %u\n", mm[0].msg_len, mm[1].msg_len);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  scratch();
  streams();
  datagrams(SOCK_DGRAM, "datagram pair");
  datagrams(SOCK_SEQPACKET, "seqpacket pair");
  named_datagrams();
  messages();
  return 0;
}

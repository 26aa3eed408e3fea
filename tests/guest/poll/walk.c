// guest: args 120 400
// A seeded random walk over pipes, FIFOs, eventfds, Unix sockets and epoll: every operation prints its result. All are non-blocking and in one thread,
// so that the same seed gives the same walk everywhere. Arguments: how many seeds (or seed=N for one), and how many steps each.
#include "../guest.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/un.h>

#define SLOTS 16
enum kind { NONE, PIPE_READ, PIPE_WRITE, EVENT, STREAM, DATAGRAM, PACKET, EPOLL, LISTENER };
static const char *const names[] = {"none", "pipe-r", "pipe-w", "event", "stream", "dgram", "packet", "epoll", "listener"};
static int fds[SLOTS];
static enum kind kinds[SLOTS];
static uint64_t state;

static unsigned next(unsigned limit) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (unsigned)(state >> 33) % limit;
}

static void say(const char *what, int slot, long result) {
  if (result < 0) printf("%s %d(%s): %s\n", what, slot, names[kinds[slot]], strerrorname_np(errno));
  else printf("%s %d(%s): %ld\n", what, slot, names[kinds[slot]], result);
}

static int free_slot(void) {
  for (int i = 0; i < SLOTS; i++)
    if (kinds[i] == NONE) return i;
  return -1;
}

static int any_slot(void) {
  int start = next(SLOTS);
  for (int i = 0; i < SLOTS; i++)
    if (kinds[(start + i) % SLOTS] != NONE) return (start + i) % SLOTS;
  return -1;
}

static int slot_of(enum kind kind) {
  int start = next(SLOTS);
  for (int i = 0; i < SLOTS; i++)
    if (kinds[(start + i) % SLOTS] == kind) return (start + i) % SLOTS;
  return -1;
}

static int put(int fd, enum kind kind) {
  int slot = free_slot();
  if (slot < 0) {
    close(fd);
    return -1;
  }
  fds[slot] = fd;
  kinds[slot] = kind;
  return slot;
}

static void create(void) {
  int pair[2];
  if (free_slot() < 0) return;
  switch (next(8)) {
  case 0:
    MUST(pipe2(pair, O_NONBLOCK | (next(4) == 0 ? O_DIRECT : 0)));
    printf("pipe %d %d\n", put(pair[0], PIPE_READ), put(pair[1], PIPE_WRITE));
    break;
  case 1:
    printf("eventfd %d\n", put(MUST(eventfd(next(3), EFD_NONBLOCK | (next(2) ? EFD_SEMAPHORE : 0))), EVENT));
    break;
  case 2:
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair));
    printf("stream %d %d\n", put(pair[0], STREAM), put(pair[1], STREAM));
    break;
  case 3:
    MUST(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair));
    printf("dgram %d %d\n", put(pair[0], DATAGRAM), put(pair[1], DATAGRAM));
    break;
  case 4:
    MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair));
    printf("packet %d %d\n", put(pair[0], PACKET), put(pair[1], PACKET));
    break;
  case 5:
    printf("epoll %d\n", put(MUST(epoll_create1(0)), EPOLL));
    break;
  case 6: {
    // Autobound, so that a connection needs no name that others might have.
    int fd = MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    MUST(bind(fd, (void *)&name, sizeof(sa_family_t)));
    MUST(listen(fd, next(3)));
    printf("listener %d\n", put(fd, LISTENER));
    break;
  }
  default: {
    int from = slot_of(LISTENER);
    if (from < 0) break;
    struct sockaddr_un name;
    socklen_t size = sizeof name;
    getsockname(fds[from], (void *)&name, &size);
    int fd = MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
    int result = connect(fd, (void *)&name, size);
    say("connect", from, result);
    if (result == 0) printf("as %d\n", put(fd, STREAM));
    else close(fd);
  }
  }
}

static char buffer[1 << 17];

static long size_of_some(void) {
  static const int sizes[] = {0, 1, 2, 7, 8, 100, 4095, 4096, 4097, 10000, 65536, 100000};
  return sizes[next(sizeof sizes / sizeof *sizes)];
}

static unsigned long sum(const char *bytes, long length) {
  unsigned long s = 5381;
  for (long i = 0; i < length; i++) s = s * 33 + (unsigned char)bytes[i];
  return s & 0xffff;
}

static void transfer(void) {
  int slot = any_slot();
  if (slot < 0) return;
  long size = size_of_some();
  for (long i = 0; i < size; i++) buffer[i] = (char)(state >> (i & 31)) + i;
  if (kinds[slot] == EVENT) {
    uint64_t value = next(6) == 0 ? ~0ULL - next(3) : next(5);
    if (next(2)) {
      say("add", slot, write(fds[slot], &value, 8));
      return;
    }
    long n = read(fds[slot], &value, next(5) == 0 ? 4 : 8);
    say("take", slot, n);
    if (n > 0) printf("  %lu\n", (unsigned long)value);
    return;
  }
  long n;
  switch (next(6)) {
  case 0: n = write(fds[slot], buffer, size); say("write", slot, n); return;
  case 1: n = send(fds[slot], buffer, size, MSG_NOSIGNAL | MSG_DONTWAIT); say("send", slot, n); return;
  case 2: n = recv(fds[slot], buffer, size, MSG_DONTWAIT | (next(2) ? MSG_PEEK : 0) | (next(3) ? 0 : MSG_TRUNC)); break;
  case 3: {
    struct iovec parts[3] = {{buffer, size / 3}, {buffer + 50000, size / 3}, {buffer + 90000, next(10)}};
    n = next(2) ? writev(fds[slot], parts, 3) : readv(fds[slot], parts, 3);
    say("vector", slot, n);
    return;
  }
  default: n = read(fds[slot], buffer, size); break;
  }
  say("read", slot, n);
  if (n > 0) printf("  sum %lx\n", sum(buffer, n > size ? size : n));
}

static void change(void) {
  int slot = any_slot();
  if (slot < 0) return;
  int value = 0;
  switch (next(9)) {
  case 0: say("close", slot, close(fds[slot])); kinds[slot] = NONE; break;
  case 1: say("shutdown", slot, shutdown(fds[slot], next(3))); break;
  case 2: say("pipe size", slot, fcntl(fds[slot], F_SETPIPE_SZ, 4096 << next(6))); break;
  case 3: say("get pipe size", slot, fcntl(fds[slot], F_GETPIPE_SZ)); break;
  case 4:
    say("FIONREAD", slot, ioctl(fds[slot], FIONREAD, &value));
    printf("  %d\n", value);
    break;
  case 5: {
    int copy = dup(fds[slot]), to = put(copy, kinds[slot]);
    printf("dup %d to %d\n", slot, to);
    break;
  }
  case 6: {
    if (kinds[slot] != LISTENER) break;
    int fd = accept4(fds[slot], NULL, NULL, SOCK_NONBLOCK);
    say("accept", slot, fd < 0 ? -1 : 0);
    if (fd >= 0) printf("as %d\n", put(fd, STREAM));
    break;
  }
  case 7:
    // Small buffers are reached sooner.
    value = 4608;
    say("SO_SNDBUF", slot, setsockopt(fds[slot], SOL_SOCKET, SO_SNDBUF, &value, sizeof value));
    break;
  default: {
    socklen_t size = sizeof value;
    say("SO_ERROR", slot, getsockopt(fds[slot], SOL_SOCKET, SO_ERROR, &value, &size));
    printf("  %d\n", value);
  }
  }
}

static void descriptors(void) {
  // No sockets, which might send themselves: when such cycles are collected is nobody's business.
  int slot = next(2) ? slot_of(STREAM) : slot_of(DATAGRAM), other = slot_of(next(2) ? EVENT : PIPE_READ);
  if (slot < 0 || other < 0) return;
  char control[64] = {0}, byte[4] = "abc";
  struct iovec part = {byte, 1 + next(3)};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(sizeof(int))};
  if (next(2)) {
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    *head = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(head), &fds[other], sizeof(int));
    say("send a descriptor", slot, sendmsg(fds[slot], &message, MSG_NOSIGNAL));
    return;
  }
  if (next(3) == 0) message.msg_controllen = 0;
  long n = recvmsg(fds[slot], &message, 0);
  say("receive", slot, n);
  if (n < 0) return;
  printf("  flags %#x control %zu\n", message.msg_flags, (size_t)message.msg_controllen);
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  if (head == NULL || head->cmsg_type != SCM_RIGHTS) return;
  int fd;
  memcpy(&fd, CMSG_DATA(head), sizeof fd);
  close(fd);
}

static void control(void) {
  int epoll = slot_of(EPOLL), slot = any_slot();
  if (epoll < 0 || slot < 0) return;
  static const uint32_t masks[] = {EPOLLIN, EPOLLOUT, EPOLLIN | EPOLLOUT, EPOLLIN | EPOLLET, EPOLLIN | EPOLLOUT | EPOLLET, EPOLLIN | EPOLLONESHOT, EPOLLRDHUP | EPOLLIN, EPOLLIN | EPOLLEXCLUSIVE, 0, EPOLLPRI};
  struct epoll_event event = {.events = masks[next(10)], .data.u32 = slot};
  if (kinds[slot] == EPOLL) event.events &= ~EPOLLET;
  int op = next(5) == 0 ? EPOLL_CTL_DEL : next(2) ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  long result = epoll_ctl(fds[epoll], op, fds[slot], &event);
  printf("ctl %d op %d events %#x ", epoll, op, event.events);
  say("of", slot, result);
}

static int by_slot(const void *a, const void *b) {
  const struct epoll_event *x = a, *y = b;
  return x->data.u32 != y->data.u32 ? (x->data.u32 < y->data.u32 ? -1 : 1) : (int)(x->events - y->events);
}

static void wait_for(void) {
  int epoll = slot_of(EPOLL);
  if (epoll < 0) return;
  struct epoll_event events[32];
  int n = epoll_wait(fds[epoll], events, 32, 0);
  say("wait", epoll, n);
  if (n > 0) qsort(events, n, sizeof *events, by_slot);
  for (int i = 0; i < n; i++) printf("  %d: %#x\n", (int)events[i].data.u32, events[i].events);
}

static void look(void) {
  struct pollfd list[SLOTS];
  int count = 0;
  for (int i = 0; i < SLOTS; i++) {
    // An epoll in an epoll may look different after a while: only what is there by itself.
    if (kinds[i] == NONE) continue;
    list[count++] = (struct pollfd){fds[i], POLLIN | POLLOUT | POLLRDHUP | POLLPRI, 0};
  }
  printf("poll %d:", poll(list, count, 0));
  for (int i = 0; i < count; i++) printf(" %x", list[i].revents);
  printf("\n");
}

static void walk(uint64_t seed, int steps) {
  printf("seed %lu\n", (unsigned long)seed);
  state = seed * 0x9e3779b97f4a7c15ULL + 1;
  for (int i = 0; i < steps; i++) {
    switch (next(12)) {
    case 0: create(); break;
    case 1: case 2: case 3: case 4: transfer(); break;
    case 5: change(); break;
    case 6: descriptors(); break;
    case 7: case 8: control(); break;
    case 9: case 10: wait_for(); break;
    default: look();
    }
  }
  for (int i = 0; i < SLOTS; i++) {
    if (kinds[i] != NONE) close(fds[i]);
    kinds[i] = NONE;
  }
}

int guest(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  int steps = argc > 2 ? atoi(argv[2]) : 400;
  if (argc > 1 && strncmp(argv[1], "seed=", 5) == 0) {
    walk(strtoul(argv[1] + 5, NULL, 10), steps);
    return 0;
  }
  int seeds = argc > 1 ? atoi(argv[1]) : 20;
  for (int seed = 1; seed <= seeds; seed++) walk(seed, steps);
  return 0;
}

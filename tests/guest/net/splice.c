// sendfile(2) and splice(2) between files, pipes and stream sockets: not a byte is lost or sent twice, whoever is full, empty, not to be
// waited for, or interrupted by a signal.
#include "../guest.h"
#include "net.h"

#define TOTAL (16 << 20)
#define PIPE_BYTES 65536

static volatile int signals;
static void on_signal(int s) { (void)s, signals++; }

static unsigned char pattern(size_t i) { return (unsigned char)((unsigned)i * 2654435761u >> 13); }

static unsigned char block[TOTAL];

static int file_of(size_t size) {
  int fd = MUST(memfd_create("data", 0));
  for (size_t i = 0; i < size; i++) block[i] = pattern(i);
  for (size_t at = 0; at < size;) at += MUST(write(fd, block + at, size - at));
  MUST(lseek(fd, 0, SEEK_SET));
  return fd;
}

// How many bytes of the pattern, from `from` on, come out of `fd` before `size` are read, the end comes, or nothing more is there.
static size_t matching(int fd, size_t from, size_t size) {
  static unsigned char bytes[65536];
  size_t got = 0;
  while (got < size) {
    ssize_t n = read(fd, bytes, size - got < sizeof bytes ? size - got : sizeof bytes);
    if (n <= 0) break;
    for (ssize_t i = 0; i < n; i++)
      if (bytes[i] != pattern(from + got + i)) {
        printf("byte %zu differs\n", from + got + i);
        return got + i;
      }
    got += n;
  }
  return got;
}

// A child that reads `size` bytes, slowly, and says whether they are right.
static pid_t reader(int fd, int other, size_t size) {
  fflush(stdout);
  pid_t pid = MUST(fork());
  if (pid != 0) return pid;
  if (other >= 0) close(other);
  usleep(20000);
  size_t got = matching(fd, 0, size);
  _exit(got == size ? 0 : 1);
}

static void finish(const char *what, pid_t pid) {
  int status = -1;
  MUST(waitpid(pid, &status, 0));
  printf("%s: the reader %s\n", what, status == 0 ? "has it all" : "misses something");
}

// Until there is something to read, or room to send.
static void either(int in, int out) {
  struct pollfd p[2] = {{.fd = in, .events = POLLIN}, {.fd = out, .events = POLLOUT}};
  if (poll(p, 2, 20000) <= 0) printf("nothing happens\n");
}

static void make(int kind, int fds[2]) {
  if (kind == AF_INET) tcp_pair(fds);
  else MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
}

static void file_to_socket(int kind) {
  int fds[2], file = file_of(TOTAL);
  off_t offset = 0;
  printf("- sendfile, blocking\n");
  make(kind, fds);
  pid_t pid = reader(fds[1], fds[0], TOTAL);
  CHECK(sendfile(fds[0], file, &offset, TOTAL));
  printf("offset %ld, position %ld\n", (long)offset, (long)lseek(file, 0, SEEK_CUR));
  finish("with an offset", pid);
  pid = reader(fds[1], fds[0], TOTAL);
  CHECK(sendfile(fds[0], file, NULL, 2 * TOTAL));
  printf("position %ld\n", (long)lseek(file, 0, SEEK_CUR));
  finish("with the position", pid);
  CHECK(sendfile(fds[0], file, NULL, 100));
  close(fds[0]);
  close(fds[1]);

  printf("- sendfile, non-blocking\n");
  make(kind, fds);
  MUST(fcntl(fds[0], F_SETFL, O_NONBLOCK));
  MUST(fcntl(fds[1], F_SETFL, O_NONBLOCK));
  offset = 0;
  size_t sent = 0, got = 0;
  int refused = 0;
  while (got < TOTAL) {
    ssize_t n = sendfile(fds[0], file, &offset, TOTAL - sent);
    if (n > 0) sent += n;
    else if (n < 0 && errno != EAGAIN) printf("sendfile: %s\n", strerrorname_np(errno));
    else if (n < 0) refused++;
    if ((size_t)offset != sent) printf("offset %ld after %zu bytes\n", (long)offset, sent);
    if (n > 0 && sent < TOTAL) continue;
    either(fds[1], fds[0]);
    got += matching(fds[1], got, 500000);
  }
  printf("refused at times: %d, sent %zu, got %zu\n", refused > 0, sent, got);
  close(fds[0]);
  close(fds[1]);
  close(file);
}

static void fill_pipe(int fd, size_t from, size_t size) {
  static unsigned char bytes[PIPE_BYTES];
  for (size_t i = 0; i < size; i++) bytes[i] = pattern(from + i);
  MUST(write(fd, bytes, size));
}

static int queued(int fd) {
  int n = -1;
  MUST(ioctl(fd, FIONREAD, &n));
  return n;
}

static size_t fill(int fd) {
  size_t filled = 0;
  ssize_t n;
  while ((n = write(fd, block + filled, 4096)) > 0) filled += n;
  return filled;
}

// How full a connection is changes by itself: a call that finds it full does nothing for the reason given, or a part.
static size_t part(const char *what, ssize_t n, int reason, size_t most) {
  bool fine = n < 0 ? errno == reason : n > 0 && (size_t)n <= most;
  printf("%s: %s\n", what, fine ? "as it should be" : n < 0 ? strerrorname_np(errno) : "too much");
  return n < 0 ? 0 : n;
}

static void pipe_to_socket(int kind) {
  int fds[2], p[2];
  printf("- pipe to socket\n");
  make(kind, fds);
  MUST(pipe(p));
  fill_pipe(p[1], 0, PIPE_BYTES);
  pid_t pid = reader(fds[1], fds[0], PIPE_BYTES);
  CHECK(splice(p[0], NULL, fds[0], NULL, TOTAL, 0));
  finish("splice", pid);
  printf("left in the pipe: %d\n", queued(p[0]));
  CHECK(splice(p[0], NULL, fds[0], NULL, TOTAL, SPLICE_F_NONBLOCK));

  MUST(fcntl(fds[0], F_SETFL, O_NONBLOCK));
  MUST(fcntl(fds[1], F_SETFL, O_NONBLOCK));
  size_t filled = fill(fds[0]), piped = PIPE_BYTES, got = 0;
  fill_pipe(p[1], filled, PIPE_BYTES);
  piped -= part("splice", splice(p[0], NULL, fds[0], NULL, PIPE_BYTES, 0), EAGAIN, PIPE_BYTES);
  printf("the rest is in the pipe: %d\n", (size_t)queued(p[0]) == piped);
  while (got < filled + PIPE_BYTES) {
    ssize_t n = splice(p[0], NULL, fds[0], NULL, PIPE_BYTES, SPLICE_F_NONBLOCK);
    if (n > 0) piped -= n;
    if ((size_t)queued(p[0]) != piped) printf("%d in the pipe, not %zu\n", queued(p[0]), piped);
    either(fds[1], fds[0]);
    got += matching(fds[1], got, 50000);
  }
  printf("all came: %d\n", got == filled + PIPE_BYTES);
  close(fds[0]);
  close(fds[1]);
  close(p[0]);
  close(p[1]);
}

static void socket_to_pipe(int kind) {
  int fds[2], p[2], file = file_of(TOTAL);
  printf("- socket to pipe\n");
  make(kind, fds);
  MUST(pipe(p));
  fflush(stdout);
  pid_t pid = MUST(fork());
  if (pid == 0) {
    size_t sent = 0;
    while (sent < TOTAL) sent += MUST(sendfile(fds[0], file, NULL, TOTAL - sent));
    _exit(0);
  }
  close(fds[0]);
  size_t got = 0;
  int copy = MUST(memfd_create("copy", 0));
  for (;;) {
    ssize_t n = splice(fds[1], NULL, p[1], NULL, TOTAL, 0);
    if (n <= 0) {
      report("the last splice", n);
      break;
    }
    if (n > PIPE_BYTES || queued(p[0]) != n) printf("%zd said, %d there\n", n, queued(p[0]));
    ssize_t m = splice(p[0], NULL, copy, NULL, n, 0);
    if (m != n) printf("%zd of %zd into the file\n", m, n);
    got += n;
  }
  int status;
  MUST(waitpid(pid, &status, 0));
  MUST(lseek(copy, 0, SEEK_SET));
  printf("got %zu, right %zu\n", got, matching(copy, 0, TOTAL));
  close(fds[1]);

  make(kind, fds);
  MUST(fcntl(fds[1], F_SETFL, O_NONBLOCK));
  CHECK(splice(fds[1], NULL, p[1], NULL, 100, 0));
  MUST(write(fds[0], "hello", 5));
  await("something there", fds[1], POLLIN);
  CHECK(splice(fds[1], NULL, p[1], NULL, 2, 0));
  CHECK(splice(fds[1], NULL, p[1], NULL, 100, SPLICE_F_NONBLOCK));
  CHECK(queued(p[0]));
  MUST(write(fds[0], "again", 5));
  await("something there", fds[1], POLLIN);
  char drain[16];
  CHECK(read(p[0], drain, 16));
  fill_pipe(p[1], 0, PIPE_BYTES);
  CHECK(splice(fds[1], NULL, p[1], NULL, 100, SPLICE_F_NONBLOCK));
  printf("left in the socket: %d\n", queued(fds[1]));
  CHECK(splice(fds[1], NULL, fds[0], NULL, 100, 0));
  CHECK(sendfile(fds[0], fds[1], NULL, 100));
  CHECK(splice(fds[1], &(off_t){0}, p[1], NULL, 100, SPLICE_F_NONBLOCK));
  CHECK(copy_file_range(fds[1], NULL, copy, NULL, 5, 0));
  close(fds[0]);
  close(fds[1]);
  close(p[0]);
  close(p[1]);
  close(file);
  close(copy);
}

static void interrupted(int kind) {
  int fds[2], p[2], file = file_of(TOTAL);
  struct itimerval soon = {.it_value.tv_usec = 50000, .it_interval.tv_usec = 50000}, never = {0};
  struct sigaction act = {.sa_handler = on_signal};
  MUST(sigaction(SIGALRM, &act, NULL));
  printf("- signals\n");
  make(kind, fds);
  off_t offset = 0;
  MUST(setitimer(ITIMER_REAL, &soon, NULL));
  ssize_t n = sendfile(fds[0], file, &offset, TOTAL);
  MUST(setitimer(ITIMER_REAL, &never, NULL));
  printf("a part was sent: %d, offset says so: %d, signals: %d\n", n > 0 && n < TOTAL, offset == n, signals > 0);
  printf("it came: %d\n", matching(fds[1], 0, n) == (size_t)n);
  // Full, then what may not begin.
  MUST(fcntl(fds[0], F_SETFL, O_NONBLOCK));
  size_t filled = fill(fds[0]), left = 10000;
  MUST(fcntl(fds[0], F_SETFL, 0));
  MUST(pipe(p));
  fill_pipe(p[1], filled, left);
  MUST(setitimer(ITIMER_REAL, &soon, NULL));
  left -= part("splice", splice(p[0], NULL, fds[0], NULL, left, 0), EINTR, left);
  MUST(setitimer(ITIMER_REAL, &never, NULL));
  printf("the rest is in the pipe: %d\n", (size_t)queued(p[0]) == left);
  // Restarted by SA_RESTART until a reader comes.
  act.sa_flags = SA_RESTART;
  MUST(sigaction(SIGALRM, &act, NULL));
  fflush(stdout);
  pid_t pid = MUST(fork());
  if (pid == 0) {
    usleep(200000);
    _exit(matching(fds[1], 0, filled + 10000) == filled + 10000 ? 0 : 1);
  }
  MUST(setitimer(ITIMER_REAL, &soon, NULL));
  for (ssize_t n = 1; left > 0 && n > 0; left -= n > 0 ? n : 0) n = splice(p[0], NULL, fds[0], NULL, left, 0);
  printf("the rest went: %d\n", left == 0);
  MUST(setitimer(ITIMER_REAL, &never, NULL));
  finish("restarted", pid);
  act.sa_flags = 0;
  MUST(sigaction(SIGALRM, &act, NULL));
  // Nothing to splice, and a signal.
  MUST(setitimer(ITIMER_REAL, &soon, NULL));
  CHECK(splice(fds[1], NULL, p[1], NULL, 100, SPLICE_F_NONBLOCK));
  MUST(setitimer(ITIMER_REAL, &never, NULL));
  close(fds[0]);
  close(fds[1]);
  close(p[0]);
  close(p[1]);
  close(file);
}

static void broken(int kind) {
  int fds[2], p[2], file = file_of(1000);
  struct sigaction act = {.sa_handler = on_signal};
  MUST(sigaction(SIGPIPE, &act, NULL));
  printf("- broken\n");
  make(kind, fds);
  MUST(pipe(p));
  fill_pipe(p[1], 0, 1000);
  MUST(shutdown(fds[0], SHUT_WR));
  signals = 0;
  CHECK(sendfile(fds[0], file, NULL, 1000));
  printf("signals: %d, position %ld\n", signals, (long)lseek(file, 0, SEEK_CUR));
  CHECK(splice(p[0], NULL, fds[0], NULL, 1000, 0));
  printf("signals: %d, left in the pipe: %d\n", signals, queued(p[0]));
  CHECK(splice(fds[1], NULL, p[1], NULL, 1000, 0));
  close(p[0]);
  MUST(write(fds[1], "x", 1));
  await("a byte", fds[0], POLLIN);
  CHECK(splice(fds[0], NULL, p[1], NULL, 1000, 0));
  printf("signals: %d, left in the socket: %d\n", signals, queued(fds[0]));
  close(fds[0]);
  close(fds[1]);
  close(p[1]);
  close(file);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  static const int kinds[] = {AF_INET, AF_UNIX};
  for (int i = 0; i < 2; i++) {
    printf("== %s\n", kinds[i] == AF_INET ? "tcp" : "unix");
    file_to_socket(kinds[i]);
    pipe_to_socket(kinds[i]);
    socket_to_pipe(kinds[i]);
    interrupted(kinds[i]);
    broken(kinds[i]);
  }
  return 0;
}

// dup(2), dup2(2), dup3(2), fcntl(2) on descriptors, close(2), close_range(2), RLIMIT_NOFILE, CLOEXEC across execve.
// guest: args parent
#include "../guest.h"
#include <linux/close_range.h>

static void listing(const char *when) {
  printf("%s:", when);
  for (int fd = 3; fd < 40; fd++) {
    int flags = fcntl(fd, F_GETFD);
    if (flags >= 0) printf(" %d%s", fd, flags & FD_CLOEXEC ? "c" : "");
  }
  printf("\n");
}

int guest(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "child") == 0) {
    listing("after execve");
    return 0;
  }
  scratch();
  syscall(SYS_close_range, 3, ~0U, 0);
  int a = MUST(open("/dev/null", O_RDWR));
  CHECK(a);
  CHECK(dup(a));
  CHECK(dup(99));
  CHECK(dup(-1));
  CHECK(dup2(a, 10));
  CHECK(dup2(a, a));
  CHECK(dup2(99, 99));
  CHECK(dup2(99, 4));
  CHECK(dup2(a, -1));
  CHECK(dup2(a, 1 << 30));
  CHECK(dup3(a, 11, O_CLOEXEC));
  CHECK(dup3(a, a, 0));
  CHECK(dup3(a, 12, O_APPEND));
  CHECK(fcntl(a, F_DUPFD, 20));
  CHECK(fcntl(a, F_DUPFD_CLOEXEC, 20));
  CHECK(fcntl(a, F_DUPFD, -1));
  CHECK(fcntl(a, F_DUPFD, 1 << 30));
  CHECK(fcntl(99, F_GETFD));
  CHECK(fcntl(a, 9999));
  CHECK(fcntl(a, F_GETFD));
  CHECK(fcntl(a, F_SETFD, FD_CLOEXEC));
  CHECK(fcntl(a, F_SETFD, 0xfe));
  CHECK(fcntl(a, F_GETFD));
  listing("before");
  int seek = MUST(open("m", O_CREAT | O_RDWR, 0600));
  int shared = dup(seek);
  MUST(write(seek, "abcdef", 6));
  CHECK(lseek(shared, 0, SEEK_CUR));
  CHECK(fcntl(shared, F_SETFL, O_APPEND));
  TRUE((fcntl(seek, F_GETFL) & O_APPEND) != 0);
  CHECK(close(seek));
  CHECK(close(seek));
  CHECK(lseek(shared, 0, SEEK_CUR));
  CHECK(close(-1));
  CHECK(syscall(SYS_close_range, 20, 21, CLOSE_RANGE_CLOEXEC));
  CHECK(syscall(SYS_close_range, 21, 20, 0));
  CHECK(syscall(SYS_close_range, 11, 11, 0));
  CHECK(syscall(SYS_close_range, 30, 40, 1));
  CHECK(syscall(SYS_close_range, 30, 40, 2));
  listing("after close_range");
  IN_CHILD("exec", execl("/proc/self/exe", "x", "child", NULL));
  struct rlimit limit = {15, 64};
  CHECK(setrlimit(RLIMIT_NOFILE, &limit));
  CHECK(fcntl(a, F_DUPFD, 14));
  CHECK(fcntl(a, F_DUPFD, 15));
  CHECK(dup2(a, 15));
  int last = -1, next;
  while ((next = dup(a)) >= 0) last = next;
  printf("last %d %s\n", last, strerrorname_np(errno));
  CHECK(open("/dev/null", O_RDONLY));
  int pair[2] = {-7, -7};
  close(last);
  CHECK(pipe(pair));
  printf("%d %d\n", pair[0], pair[1]);
  CHECK(pipe2(pair, O_APPEND));
  limit.rlim_cur = 100;
  CHECK(setrlimit(RLIMIT_NOFILE, &limit));
  listing("end");
  return 0;
}

// flock(2), fcntl record locks (POSIX and open file description): conflicts, upgrades, release at close and exit.
#include "../guest.h"
#include <sys/file.h>

static int lock(int fd, int command, int type, long start, long length) {
  struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
  return fcntl(fd, command, &l);
}

static void query(int fd, int command, int type, long start, long length) {
  struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
  int r = fcntl(fd, command, &l);
  if (r != 0) printf("query: %s\n", strerrorname_np(errno));
  else if (l.l_type == F_UNLCK) printf("query: free\n");
  else printf("query: type %d %ld+%ld owner %s\n", l.l_type, (long)l.l_start, (long)l.l_len, l.l_pid == -1 ? "-1" : l.l_pid == getppid() ? "parent" : "other");
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  scratch();
  put_file("f", "0123456789");
  int a = MUST(open("f", O_RDWR)), b = MUST(open("f", O_RDWR));
  CHECK(flock(a, LOCK_EX));
  CHECK(flock(b, LOCK_EX | LOCK_NB));
  CHECK(flock(b, LOCK_SH | LOCK_NB));
  CHECK(flock(a, LOCK_SH));
  CHECK(flock(b, LOCK_SH | LOCK_NB));
  CHECK(flock(a, LOCK_EX | LOCK_NB));
  CHECK(flock(b, LOCK_UN));
  int c = dup(a);
  CHECK(flock(c, LOCK_EX | LOCK_NB));
  close(a);
  CHECK(flock(b, LOCK_SH | LOCK_NB));
  close(c);
  CHECK(flock(b, LOCK_SH | LOCK_NB));
  CHECK(flock(b, 99));
  CHECK(flock(99, LOCK_SH));
  CHECK(flock(b, LOCK_UN));
  a = MUST(open("f", O_RDWR));
  CHECK(lock(a, F_SETLK, F_WRLCK, 0, 5));
  CHECK(lock(b, F_SETLK, F_WRLCK, 0, 5));
  IN_CHILD("child", {
    CHECK(lock(a, F_SETLK, F_RDLCK, 4, 1));
    CHECK(lock(a, F_SETLK, F_RDLCK, 5, 1));
    query(a, F_GETLK, F_RDLCK, 0, 0);
    query(a, F_GETLK, F_RDLCK, 5, 0);
  });
  CHECK(lock(a, F_SETLK, F_UNLCK, 1, 2));
  IN_CHILD("child after a hole", {
    query(a, F_GETLK, F_WRLCK, 0, 0);
    query(a, F_GETLK, F_WRLCK, 1, 2);
    query(a, F_GETLK, F_WRLCK, 1, 5);
    CHECK(lock(a, F_SETLK, F_WRLCK, 1, 2));
  });
  close(b);
  IN_CHILD("child after any close", query(a, F_GETLK, F_WRLCK, 0, 0));
  b = MUST(open("f", O_RDONLY));
  CHECK(lock(b, F_SETLK, F_WRLCK, 0, 1));
  CHECK(lock(a, F_SETLK, F_WRLCK, -1, 1));
  CHECK(lock(a, F_SETLK, 77, 0, 1));
  CHECK(lock(a, F_SETLK, F_RDLCK, 5, -2));
  IN_CHILD("negative length", query(a, F_GETLK, F_WRLCK, 0, 0));
  CHECK(lock(a, F_SETLK, F_UNLCK, 0, 0));
  CHECK(lock(a, F_OFD_SETLK, F_WRLCK, 0, 3));
  int d = MUST(open("f", O_RDWR));
  CHECK(lock(d, F_OFD_SETLK, F_WRLCK, 2, 1));
  CHECK(lock(d, F_SETLK, F_RDLCK, 2, 1));
  query(d, F_OFD_GETLK, F_RDLCK, 0, 0);
  close(a);
  CHECK(lock(d, F_OFD_SETLK, F_WRLCK, 2, 1));
  pid_t child = fork();
  if (child == 0) {
    CHECK(lock(d, F_OFD_SETLK, F_UNLCK, 0, 0));
    int e = open("f", O_RDWR);
    lock(e, F_SETLK, F_WRLCK, 0, 0);
    sleep_ms(60);
    _exit(0);
  }
  sleep_ms(30);
  CHECK(lock(d, F_SETLK, F_WRLCK, 0, 1));
  CHECK(lock(d, F_SETLKW, F_WRLCK, 0, 1));
  waitpid(child, NULL, 0);
  return 0;
}

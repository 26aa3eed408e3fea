// fcntl(2): what files tell about themselves and each other, seals, locks at the end of what offsets can be; flags of openat2(2) that exclude
// one another; AT_* flags of the stat family.
// guest: linux 6.18
#include "../guest.h"
#include <linux/openat2.h>
#include <sys/socket.h>

#ifndef F_DUPFD_QUERY
#define F_DUPFD_QUERY 1027
#endif
#ifndef F_GETOWNER_UIDS
#define F_GETOWNER_UIDS 17
#endif
#define CREATED_QUERY 1028
#define SEAL_EXEC 0x20
#define SYNC_BIT 04000000

static long opened(const char *path, uint64_t flags, uint64_t resolve) {
  struct open_how how = {.flags = flags, .resolve = resolve};
  long fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
  if (fd < 0) return -1;
  close(fd);
  return 0;
}

static void queries(void) {
  int a = open("new", O_CREAT | O_RDWR, 0600), b = open("new", O_CREAT | O_RDWR, 0600), copy = dup(a), place = open("new", O_PATH);
  CHECK(fcntl(a, CREATED_QUERY, 0));
  CHECK(fcntl(b, CREATED_QUERY, 0));
  CHECK(fcntl(copy, CREATED_QUERY, 0));
  CHECK(fcntl(place, CREATED_QUERY, 0));
  CHECK(fcntl(open(".", O_TMPFILE | O_RDWR, 0600), CREATED_QUERY, 0));
  CHECK(fcntl(a, F_DUPFD_QUERY, b));
  CHECK(fcntl(a, F_DUPFD_QUERY, copy));
  CHECK(fcntl(a, F_DUPFD_QUERY, 99));
  CHECK(fcntl(a, F_DUPFD_QUERY, -1));
  CHECK(fcntl(place, F_DUPFD_QUERY, a));
  CHECK(fcntl(place, F_DUPFD_QUERY, place));
  CHECK(fcntl(99, F_DUPFD_QUERY, a));
  unsigned uids[2] = {7, 7};
  fcntl(a, F_SETOWN, getpid());
  CHECK(fcntl(a, F_GETOWNER_UIDS, uids));
  TRUE(uids[0] == getuid() && uids[1] == geteuid());
  CHECK(fcntl(place, F_GETOWNER_UIDS, uids));
  CHECK(fcntl(a, F_GETOWNER_UIDS, (void *)-4096l));
}

static void seals(void) {
  int m = memfd_create("m", 0), s = memfd_create("s", MFD_ALLOW_SEALING), f = open("new", O_RDONLY), p[2];
  MUST(pipe(p));
  CHECK(fcntl(f, F_ADD_SEALS, 0));
  CHECK(fcntl(p[0], F_ADD_SEALS, 0));
  CHECK(fcntl(p[1], F_ADD_SEALS, 0x1000));
  CHECK(fcntl(m, F_ADD_SEALS, 0x40));
  CHECK(fcntl(m, F_ADD_SEALS, SEAL_EXEC));
  CHECK(fcntl(s, F_ADD_SEALS, SEAL_EXEC));
  CHECK(fcntl(s, F_GET_SEALS, 0));
  CHECK(fchmod(s, 0777));
  CHECK(fchmod(s, 0666));
  CHECK(fchmod(s, 0733));
  CHECK(write(s, "x", 1));
  int n = memfd_create("n", 8);
  CHECK(fcntl(n, F_GET_SEALS, 0));
  CHECK(fchmod(n, 0755));
  CHECK(fchmod(n, 0600));
}

static void try_lock(int fd, int command, long start, long length, int whence) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = whence, .l_start = start, .l_len = length};
  errno = 0;
  printf("lock %d %lx %lx from %d: %s\n", command == F_GETLK, start, length, whence, fcntl(fd, command, &lock) == 0 ? "ok" : strerrorname_np(errno));
  lock.l_type = F_UNLCK, lock.l_whence = SEEK_SET, lock.l_start = lock.l_len = 0;
  fcntl(fd, F_SETLK, &lock);
}

static void locks(void) {
  int fd = open("new", O_RDWR);
  MUST(pwrite(fd, "0123456789", 10, 0));
  static const long starts[] = {0, 5, -1, LONG_MAX, LONG_MIN}, lengths[] = {0, 1, -1, -6, LONG_MAX, LONG_MIN};
  for (int command = 0; command < 2; command++)
    for (int whence = -1; whence < 4; whence++)
      for (int s = 0; s < 5; s++)
        for (int l = 0; l < 6; l++) try_lock(fd, command ? F_GETLK : F_SETLK, starts[s], lengths[l], whence);
  struct flock odd = {.l_type = 9, .l_start = LONG_MAX, .l_len = LONG_MAX};
  CHECK(fcntl(fd, F_GETLK, &odd));
  CHECK(fcntl(fd, F_SETLK, &odd));
}

static void opens(void) {
  CHECK(opened("new", O_PATH, RESOLVE_BENEATH | RESOLVE_IN_ROOT));
  CHECK(opened("new", O_PATH | O_NONBLOCK, 0));
  CHECK(opened("new", O_PATH | O_RDWR, 0));
  CHECK(opened("new", O_PATH | O_CLOEXEC | O_NOFOLLOW, 0));
  CHECK(opened(".", O_PATH | O_DIRECTORY, 0));
  CHECK(opened("/proc/self/exe", O_PATH, RESOLVE_CACHED));
  CHECK(opened("/proc/self/exe", O_PATH, RESOLVE_CACHED | RESOLVE_NO_SYMLINKS));
  int fd = open("new", O_RDWR | SYNC_BIT);
  TRUE((fcntl(fd, F_GETFL) & O_SYNC) == O_SYNC);
  fd = open("new", O_RDWR | O_DSYNC);
  TRUE((fcntl(fd, F_GETFL) & O_SYNC) == O_DSYNC);
}

static void stats(void) {
  struct stat st;
  struct statx sx;
  int fd = open("new", O_RDWR);
  struct timespec times[2] = {{1, 0}, {1, 0}};
  for (int bit = 0; bit < 32; bit++) {
    errno = 0;
    if (syscall(SYS_newfstatat, AT_FDCWD, "new", &st, 1u << bit) == 0) printf("fstatat takes %x\n", 1u << bit);
  }
  CHECK(syscall(SYS_newfstatat, fd, NULL, &st, AT_EMPTY_PATH));
  CHECK(syscall(SYS_newfstatat, -1, NULL, &st, AT_EMPTY_PATH));
  CHECK(syscall(SYS_newfstatat, fd, NULL, &st, 0));
  CHECK(syscall(SYS_statx, fd, NULL, AT_EMPTY_PATH, STATX_BASIC_STATS, &sx));
  TRUE(sx.stx_mask & STATX_BTIME);
  CHECK(syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &sx));
  TRUE(sx.stx_mask & STATX_BTIME);
  CHECK(syscall(SYS_utimensat, AT_FDCWD, NULL, times, 0));
  CHECK(syscall(SYS_utimensat, AT_FDCWD, NULL, times, AT_SYMLINK_NOFOLLOW));
  CHECK(syscall(SYS_utimensat, fd, NULL, times, AT_SYMLINK_NOFOLLOW));
  CHECK(syscall(SYS_utimensat, fd, NULL, times, 0));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  scratch();
  queries();
  seals();
  locks();
  opens();
  stats();
  return 0;
}

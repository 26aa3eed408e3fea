// preadv2(2) and pwritev2(2) flags, RESOLVE_CACHED, O_DIRECT and what statx(2) says of its alignment; on tmpfs, pipes and devices.
#include "../guest.h"
#include <linux/openat2.h>
#include <sys/uio.h>

#ifndef STATX_DIOALIGN
#define STATX_DIOALIGN 0x2000
#endif
#define NOAPPEND 0x20
#define ATOMIC 0x40

static int open2(const char *path, uint64_t flags, uint64_t resolve) {
  struct open_how how = {.flags = flags, .resolve = resolve};
  return syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  char name[64], text[64] = "";
  snprintf(name, sizeof name, "/dev/shm/rw-flags-%d", getpid());
  int fd = MUST(open(name, O_CREAT | O_RDWR, 0600));
  struct iovec w = {"hello", 5}, r = {text, sizeof text};

  CHECK(pwritev2(fd, &w, 1, 0, RWF_HIPRI));
  CHECK(pwritev2(fd, &w, 1, 0, RWF_DSYNC));
  CHECK(pwritev2(fd, &w, 1, 0, RWF_SYNC));
  CHECK(pwritev2(fd, &w, 1, 0, RWF_DSYNC | RWF_SYNC));
  CHECK(pwritev2(fd, &w, 1, 0, RWF_APPEND));
  CHECK(lseek(fd, 0, SEEK_CUR));
  CHECK(pwritev2(fd, &w, 1, -1, RWF_APPEND));
  CHECK(lseek(fd, 0, SEEK_CUR));
  CHECK(pwritev2(fd, &w, 1, -2, 0));
  CHECK(pwritev2(fd, &w, 1, 0, RWF_NOWAIT));
  CHECK(preadv2(fd, &r, 1, 0, RWF_NOWAIT));
  CHECK(preadv2(fd, &r, 1, 0, RWF_HIPRI));
  CHECK(preadv2(fd, &r, 1, 0, RWF_APPEND));
  CHECK(preadv2(fd, &r, 1, 0, RWF_SYNC | RWF_DSYNC));
  CHECK(preadv2(fd, &r, 1, 0, NOAPPEND));
  CHECK(preadv2(fd, &r, 1, -1, 0));
  CHECK(lseek(fd, 0, SEEK_CUR));
  CHECK(pwritev2(fd, &w, 1, 0, ATOMIC));
  CHECK(preadv2(fd, &r, 1, 0, ATOMIC));
  CHECK(preadv2(fd, &r, 1, 0, 0x40000000));
  CHECK(pwritev2(fd, &w, 1, 0, 0x40000000));
  // The append mode of the file against the flags.
  int append = MUST(open(name, O_WRONLY | O_APPEND));
  CHECK(pwritev2(append, &w, 1, 0, 0));
  CHECK(pwritev2(append, &w, 1, 2, NOAPPEND));
  CHECK(pwritev2(append, &w, 1, 2, NOAPPEND | RWF_APPEND));
  CHECK(pwritev2(append, &w, 1, -1, NOAPPEND));
  CHECK(pread(fd, text, sizeof text, 0));
  printf("%.*s\n", 40, text);
  CHECK(preadv2(append, &r, 1, 0, 0x40000000));

  int p[2];
  MUST(pipe(p));
  CHECK(preadv2(p[0], &r, 1, -1, RWF_NOWAIT));
  CHECK(pwritev2(p[1], &w, 1, -1, RWF_NOWAIT));
  CHECK(pwritev2(p[1], &w, 1, 0, 0));
  CHECK(preadv2(p[0], &r, 1, -1, RWF_NOWAIT));
  CHECK(preadv2(p[0], &r, 1, 0, RWF_NOWAIT));
  int null = MUST(open("/dev/null", O_RDWR)), zero = MUST(open("/dev/zero", O_RDWR));
  CHECK(pwritev2(null, &w, 1, 0, RWF_NOWAIT));
  CHECK(preadv2(zero, &r, 1, 0, RWF_NOWAIT));
  CHECK(pwritev2(null, &w, 1, 0, RWF_APPEND));
  int version = MUST(open("/proc/version", O_RDONLY));
  CHECK(preadv2(version, &r, 1, 0, RWF_NOWAIT) > 0 ? 1 : -1);

  // What is remembered can be walked without asking anybody.
  struct stat st;
  MUST(stat(name, &st));
  TRUE(open2(name, O_RDONLY, RESOLVE_CACHED) >= 0);
  CHECK(open2("/dev/shm/nobody-asked-for-this", O_RDONLY, RESOLVE_CACHED) < 0);
  CHECK(open2(name, O_CREAT | O_RDWR, RESOLVE_CACHED));
  CHECK(open2(name, O_TRUNC | O_RDWR, RESOLVE_CACHED));
  CHECK(open2("/dev/shm", O_TMPFILE | O_RDWR, RESOLVE_CACHED));

  // tmpfs takes O_DIRECT and asks for no alignment.
  int direct = MUST(open(name, O_RDWR | O_DIRECT));
  CHECK(pwrite(direct, "odd", 3, 1));
  CHECK(pread(direct, text + 1, 7, 3));
  CHECK(fcntl(direct, F_GETFL) & O_DIRECT ? 1 : 0);
  CHECK(fcntl(direct, F_SETFL, 0));
  CHECK(fcntl(direct, F_GETFL) & O_DIRECT ? 1 : 0);
  CHECK(fcntl(direct, F_SETFL, O_DIRECT));
  CHECK(open("/dev/shm", O_RDONLY | O_DIRECT | O_DIRECTORY));
  CHECK(open("/dev/null", O_RDONLY | O_DIRECT));
  CHECK(open("/proc/version", O_RDONLY | O_DIRECT));
  CHECK(fcntl(version, F_SETFL, O_DIRECT));
  CHECK(fcntl(p[0], F_SETFL, O_DIRECT));
  struct statx sx;
  memset(&sx, 0xff, sizeof sx);
  CHECK(statx(direct, "", AT_EMPTY_PATH, STATX_DIOALIGN, &sx));
  printf("mask %x\n", sx.stx_mask & STATX_DIOALIGN);
  unlink(name);
  return 0;
}

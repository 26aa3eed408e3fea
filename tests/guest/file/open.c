// open(2), creat(2), openat(2), openat2(2): flags, path walk and their errors.
#include "../guest.h"
#include <linux/openat2.h>

static long openat2(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
  struct open_how how = {flags, mode, resolve};
  return syscall(SYS_openat2, dir, path, &how, sizeof how);
}

static void creating(void) {
  CHECK(open("nothing", O_RDONLY));
  OK(open("new", O_CREAT | O_EXCL | O_RDWR, 0640));
  CHECK(open("new", O_CREAT | O_EXCL | O_RDWR, 0640));
  struct stat st;
  stat("new", &st);
  printf("mode %o size %ld nlink %ld\n", st.st_mode, (long)st.st_size, (long)st.st_nlink);
  umask(077);
  close(open("masked", O_CREAT | O_WRONLY, 04777));
  stat("masked", &st);
  printf("mode %o\n", st.st_mode);
  umask(022);
  put_file("full", "0123456789");
  close(open("full", O_RDONLY));
  stat("full", &st);
  TRUE(st.st_size == 10);
  close(open("full", O_WRONLY | O_TRUNC));
  stat("full", &st);
  TRUE(st.st_size == 0);
  put_file("full", "0123456789");
  close(creat("full", 0600));
  stat("full", &st);
  printf("after creat: mode %o size %ld\n", st.st_mode, (long)st.st_size);
  CHECK(open(".", O_WRONLY));
  CHECK(open(".", O_RDONLY | O_CREAT, 0600));
  CHECK(open(".", O_CREAT | O_EXCL, 0600));
  CHECK(open("new", O_DIRECTORY));
  CHECK(open("fresh", O_DIRECTORY | O_CREAT, 0600));
  CHECK(open("", O_RDONLY));
  CHECK(open("new/", O_RDONLY));
  CHECK(open("new/x", O_RDONLY));
  CHECK(open("other/", O_CREAT | O_WRONLY, 0600));
  CHECK(open("nodir/x", O_CREAT | O_WRONLY, 0600));
  int fd = open(".", O_TMPFILE | O_RDWR, 0600);
  if (fd >= 0) {
    fstat(fd, &st);
    printf("tmpfile nlink %ld\n", (long)st.st_nlink);
    close(fd);
  }
  CHECK(open(".", O_TMPFILE | O_RDONLY, 0600));
  CHECK(open("new", O_TMPFILE | O_RDWR, 0600));
}

static void modes(void) {
  char c;
  put_file("f", "abc");
  int fd = MUST(open("f", O_RDONLY));
  CHECK(write(fd, "x", 1));
  CHECK(ftruncate(fd, 1));
  close(fd);
  fd = MUST(open("f", O_WRONLY));
  CHECK(read(fd, &c, 1));
  close(fd);
  fd = MUST(open("f", O_RDWR | O_APPEND));
  CHECK(write(fd, "d", 1));
  CHECK(lseek(fd, 0, SEEK_CUR));
  CHECK(lseek(fd, 0, SEEK_SET));
  CHECK(write(fd, "e", 1));
  CHECK(pwrite(fd, "f", 1, 0));
  CHECK(lseek(fd, 0, SEEK_END));
  printf("flags %o\n", fcntl(fd, F_GETFL));
  CHECK(fcntl(fd, F_SETFL, O_NONBLOCK));
  printf("flags %o\n", fcntl(fd, F_GETFL));
  close(fd);
  fd = MUST(open("f", 3));
  CHECK(read(fd, &c, 1));
  CHECK(write(fd, &c, 1));
  close(fd);
  fd = MUST(open("f", O_PATH));
  CHECK(read(fd, &c, 1));
  CHECK(fchmod(fd, 0600));
  CHECK(lseek(fd, 0, SEEK_SET));
  struct stat st;
  CHECK(fstat(fd, &st));
  printf("flags %o\n", fcntl(fd, F_GETFL));
  CHECK(openat(fd, "x", O_RDONLY));
  close(fd);
  CHECK(openat(-5, "f", O_RDONLY));
  CHECK(openat(999, "f", O_RDONLY));
  OK(openat(999, "/", O_RDONLY));
  fd = MUST(open("f", O_RDONLY));
  CHECK(openat(fd, "f", O_RDONLY));
  CHECK(openat(fd, "", O_RDONLY));
}

static void links(void) {
  mkdir("d", 0755);
  put_file("d/in", "in");
  symlink("d", "to-d");
  symlink("d/in", "to-in");
  symlink("gone", "dangling");
  symlink("loop2", "loop1");
  symlink("loop1", "loop2");
  symlink("self", "self");
  OK(open("to-in", O_RDONLY));
  CHECK(open("to-in", O_RDONLY | O_NOFOLLOW));
  OK(open("to-d/in", O_RDONLY | O_NOFOLLOW));
  CHECK(open("to-d", O_RDONLY | O_NOFOLLOW | O_DIRECTORY));
  OK(open("to-d/", O_RDONLY | O_NOFOLLOW));
  OK(open("to-d/.", O_RDONLY | O_NOFOLLOW));
  CHECK(open("dangling", O_RDONLY));
  CHECK(open("dangling", O_CREAT | O_EXCL | O_WRONLY, 0600));
  OK(open("dangling", O_CREAT | O_WRONLY, 0600));
  TRUE(access("gone", F_OK) == 0);
  CHECK(open("loop1", O_RDONLY));
  CHECK(open("self/x", O_RDONLY));
  OK(open("loop1", O_PATH | O_NOFOLLOW));
  CHECK(open("to-in/", O_RDONLY));
  symlink("link0", "chain");
  char a[20], b[20];
  for (int i = 0; i < 45; i++) {
    sprintf(a, i == 44 ? "d/in" : "link%d", i + 1);
    sprintf(b, "link%d", i);
    symlink(a, b);
  }
  OK(open("link6", O_RDONLY));
  OK(open("link5", O_RDONLY));
  CHECK(open("link4", O_RDONLY));
  CHECK(symlink("", "empty"));
}

static void walking(void) {
  mkdir("a", 0755);
  mkdir("a/b", 0755);
  put_file("a/f", "x");
  OK(open("a/../a/./b/..//f", O_RDONLY));
  OK(open("/../../..", O_RDONLY));
  OK(open("a/b/../../a/b/", O_RDONLY));
  CHECK(open("a/f/..", O_RDONLY));
  CHECK(open("a/f/.", O_RDONLY));
  CHECK(open("a/none/../f", O_RDONLY));
  char name[5000];
  memset(name, 'n', sizeof name);
  name[255] = 0;
  CHECK(open(name, O_RDONLY));
  OK(open(name, O_CREAT | O_WRONLY, 0600));
  name[255] = 'n', name[256] = 0;
  CHECK(open(name, O_RDONLY));
  CHECK(open(name, O_CREAT | O_WRONLY, 0600));
  for (int i = 0; i < 4095; i += 2) name[i] = '.', name[i + 1] = '/';
  name[4095] = 0;
  OK(open(name, O_RDONLY));
  name[4095] = '.', name[4096] = 0;
  CHECK(open(name, O_RDONLY));
}

static void how(void) {
  int dir = MUST(open("d", O_RDONLY | O_DIRECTORY));
  OK(openat2(dir, "in", O_RDONLY, 0, 0));
  CHECK(openat2(dir, "in", O_RDONLY, 0600, 0));
  CHECK(openat2(dir, "in", 1UL << 40, 0, 0));
  CHECK(openat2(dir, "in", O_RDONLY, 0, 1 << 20));
  CHECK(openat2(dir, "../f", O_RDONLY, 0, RESOLVE_BENEATH));
  CHECK(openat2(dir, "/etc", O_RDONLY, 0, RESOLVE_BENEATH));
  OK(openat2(dir, "/in", O_RDONLY, 0, RESOLVE_IN_ROOT));
  OK(openat2(dir, "../../in", O_RDONLY, 0, RESOLVE_IN_ROOT));
  CHECK(openat2(AT_FDCWD, "to-d/in", O_RDONLY, 0, RESOLVE_NO_SYMLINKS));
  CHECK(openat2(AT_FDCWD, "/proc/self", O_RDONLY, 0, RESOLVE_NO_XDEV));
  CHECK(openat2(AT_FDCWD, "/proc/self/exe", O_RDONLY, 0, RESOLVE_NO_MAGICLINKS));
  struct open_how h = {O_RDONLY, 0, 0};
  CHECK(syscall(SYS_openat2, dir, "in", &h, 8));
  char big[64] = {0};
  memcpy(big, &h, sizeof h);
  OK(syscall(SYS_openat2, dir, "in", big, 64));
  big[40] = 1;
  CHECK(syscall(SYS_openat2, dir, "in", big, 64));
  CHECK(syscall(SYS_openat2, dir, "in", NULL, 24));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  scratch();
  creating();
  modes();
  links();
  walking();
  how();
  return 0;
}

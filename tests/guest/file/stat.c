// stat(2) family, statx(2), access(2), faccessat2(2), chmod(2), chown(2), utimensat(2), truncate(2), lseek(2).
#include "../guest.h"
#include <sys/statfs.h>
#include <sys/sysmacros.h>

static void stats(void) {
  struct stat st, other;
  put_file("f", "hello");
  symlink("f", "s");
  CHECK(stat("f", &st));
  printf("%o %ld %ld blksize>0 %d uid ok %d gid ok %d\n", st.st_mode, (long)st.st_nlink, (long)st.st_size, st.st_blksize > 0, st.st_uid == geteuid(), st.st_gid == getegid());
  CHECK(lstat("s", &other));
  printf("%o %ld\n", other.st_mode & S_IFMT, (long)other.st_size);
  CHECK(stat("s", &other));
  TRUE(st.st_ino == other.st_ino && st.st_dev == other.st_dev);
  CHECK(stat("", &st));
  CHECK(stat("f/", &st));
  CHECK(stat("none", &st));
  CHECK(fstatat(AT_FDCWD, "", &st, 0));
  CHECK(fstatat(AT_FDCWD, "", &st, AT_EMPTY_PATH));
  TRUE(S_ISDIR(st.st_mode));
  CHECK(fstatat(AT_FDCWD, "f", &st, 0x10));
  CHECK(fstatat(77, "f", &st, 0));
  CHECK(fstat(77, &st));
  struct statx x;
  CHECK(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS, &x));
  TRUE((x.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
  printf("%o %u %lld\n", x.stx_mode, x.stx_nlink, (long long)x.stx_size);
  TRUE(makedev(x.stx_dev_major, x.stx_dev_minor) == other.st_dev);
  CHECK(statx(AT_FDCWD, "s", AT_SYMLINK_NOFOLLOW, 0, &x));
  printf("%o\n", x.stx_mode & S_IFMT);
  CHECK(statx(AT_FDCWD, "f", 0, 0x80000000, &x));
  CHECK(statx(AT_FDCWD, "f", AT_STATX_SYNC_TYPE, 0, &x));
  CHECK(statx(AT_FDCWD, "f", 0x4, 0, &x));
  int fd = MUST(open("f", O_RDONLY));
  CHECK(statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &x));
  CHECK(stat("/dev/null", &st));
  printf("%o %u:%u\n", st.st_mode & S_IFMT, major(st.st_rdev), minor(st.st_rdev));
  struct statfs fs;
  CHECK(statfs(".", &fs));
  TRUE(fs.f_namelen == 255 && fs.f_bsize > 0);
  CHECK(statfs("none", &fs));
  CHECK(fstatfs(77, &fs));
}

static void modes(void) {
  struct stat st;
  CHECK(chmod("f", 04751));
  stat("f", &st);
  printf("%o\n", st.st_mode);
  CHECK(chmod("f", 0170644));
  stat("f", &st);
  printf("%o\n", st.st_mode);
  CHECK(chmod("none", 0600));
  CHECK(fchmod(99, 0600));
  CHECK(fchmodat(AT_FDCWD, "f", 0600, 0));
  CHECK(chown("f", -1, -1));
  CHECK(lchown("s", -1, -1));
  CHECK(fchownat(AT_FDCWD, "f", geteuid(), getegid(), 0x1));
  CHECK(chown("none", -1, -1));
  CHECK(access("f", R_OK | W_OK));
  CHECK(access("f", X_OK));
  CHECK(access("none", F_OK));
  CHECK(access("f", 8));
  CHECK(access("f/x", F_OK));
  CHECK(faccessat(AT_FDCWD, "s", F_OK, AT_SYMLINK_NOFOLLOW));
  CHECK(syscall(SYS_faccessat2, AT_FDCWD, "f", R_OK, AT_EACCESS));
  CHECK(syscall(SYS_faccessat2, AT_FDCWD, "f", R_OK, 1));
  chmod("f", 0);
  CHECK(access("f", R_OK));
  CHECK(open("f", O_RDONLY) >= 0);
  chmod("f", 0644);
}

static void times(void) {
  struct stat st;
  struct timespec t[2] = {{1000, 5}, {2000, 999999999}};
  CHECK(utimensat(AT_FDCWD, "f", t, 0));
  stat("f", &st);
  printf("%ld.%ld %ld.%ld\n", st.st_atim.tv_sec, st.st_atim.tv_nsec, st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
  t[0].tv_nsec = UTIME_OMIT, t[1].tv_sec = -5, t[1].tv_nsec = 7;
  CHECK(utimensat(AT_FDCWD, "f", t, 0));
  stat("f", &st);
  printf("%ld.%ld %ld.%ld\n", st.st_atim.tv_sec, st.st_atim.tv_nsec, st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
  t[1].tv_nsec = 1000000000;
  CHECK(utimensat(AT_FDCWD, "f", t, 0));
  t[0].tv_nsec = t[1].tv_nsec = UTIME_NOW;
  CHECK(utimensat(AT_FDCWD, "f", t, 0));
  stat("f", &st);
  TRUE(st.st_mtim.tv_sec > 1700000000 && st.st_atim.tv_sec > 1700000000);
  CHECK(utimensat(AT_FDCWD, "none", NULL, 0));
  CHECK(utimensat(AT_FDCWD, "f", NULL, 3));
  t[0].tv_nsec = t[1].tv_nsec = UTIME_OMIT;
  CHECK(utimensat(AT_FDCWD, "f", t, 0));
  struct timeval v[2] = {{5, 6}, {7, 8}};
  CHECK(utimes("f", v));
  stat("f", &st);
  printf("%ld.%ld %ld.%ld\n", st.st_atim.tv_sec, st.st_atim.tv_nsec, st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
  v[1].tv_usec = 1000000;
  CHECK(utimes("f", v));
  int fd = MUST(open("f", O_WRONLY));
  CHECK(futimens(fd, NULL));
  struct stat before, after;
  t[0].tv_nsec = t[1].tv_nsec = 0, t[0].tv_sec = t[1].tv_sec = 100;
  futimens(fd, t);
  fstat(fd, &before);
  MUST(write(fd, "x", 1));
  fstat(fd, &after);
  TRUE(after.st_mtim.tv_sec > before.st_mtim.tv_sec);
}

static void sizes(void) {
  char buf[8];
  struct stat st;
  int fd = MUST(open("g", O_CREAT | O_RDWR, 0600));
  CHECK(write(fd, "0123456789", 10));
  CHECK(lseek(fd, 5, SEEK_SET));
  CHECK(lseek(fd, -2, SEEK_CUR));
  CHECK(lseek(fd, -20, SEEK_CUR));
  CHECK(lseek(fd, -1, SEEK_SET));
  CHECK(lseek(fd, 10, SEEK_END));
  CHECK(lseek(fd, 0, 99));
  CHECK(read(fd, buf, 8));
  CHECK(write(fd, "z", 1));
  fstat(fd, &st);
  printf("size %ld\n", (long)st.st_size);
  CHECK(pread(fd, buf, 8, 12));
  TRUE(memcmp(buf, "\0\0\0\0\0\0\0\0", 8) == 0);
  CHECK(pread(fd, buf, 8, -1));
  CHECK(pwrite(fd, buf, 8, -1));
  CHECK(ftruncate(fd, 5));
  CHECK(ftruncate(fd, 9));
  CHECK(pread(fd, buf, 8, 3));
  printf("%c%c%d\n", buf[0], buf[1], buf[2]);
  CHECK(ftruncate(fd, -1));
  CHECK(truncate("g", 3));
  CHECK(truncate("none", 3));
  CHECK(truncate(".", 3));
  CHECK(ftruncate(99, 3));
  CHECK(lseek(fd, 0, SEEK_DATA));
  CHECK(lseek(fd, 0, SEEK_HOLE));
  CHECK(lseek(fd, 3, SEEK_DATA));
  CHECK(lseek(fd, 100, SEEK_HOLE));
  CHECK(lseek(99, 0, SEEK_SET));
  int pipes[2];
  MUST(pipe(pipes));
  CHECK(lseek(pipes[0], 0, SEEK_SET));
  CHECK(pread(pipes[0], buf, 1, 0));
  CHECK(pwrite(pipes[1], buf, 1, 0));
  CHECK(ftruncate(pipes[1], 0));
  CHECK(fsync(fd));
  CHECK(fdatasync(fd));
  CHECK(fsync(pipes[0]));
  CHECK(fsync(99));
  CHECK(posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED));
  CHECK(posix_fadvise(fd, 0, 0, 99));
  CHECK(fallocate(fd, 0, 0, 100));
  CHECK(fallocate(fd, 0, 0, 0));
  CHECK(fallocate(fd, 0, -1, 5));
  CHECK(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 10000));
  fstat(fd, &st);
  printf("size %ld\n", (long)st.st_size);
  CHECK(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 2));
  CHECK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 2));
  CHECK(pread(fd, buf, 3, 0));
  printf("%d %d %c\n", buf[0], buf[1], buf[2]);
  CHECK(fallocate(pipes[1], 0, 0, 1));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  scratch();
  stats();
  modes();
  times();
  sizes();
  return 0;
}

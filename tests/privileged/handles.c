// name_to_handle_at, open_by_handle_at, the xattrat calls, file_getattr and file_setattr, cachestat, quotactl, ustat, syncfs: on tmpfs.
#include "privileged.h"
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/quota.h>
#include <sys/xattr.h>

#define SYS_cachestat_ 451
#define SYS_setxattrat_ 463
#define SYS_getxattrat_ 464
#define SYS_listxattrat_ 465
#define SYS_removexattrat_ 466
#define SYS_file_getattr_ 468
#define SYS_file_setattr_ 469
struct xargs { uint64_t value; uint32_t size, flags; };
struct fattr { uint64_t xflags; uint32_t extsize, nextents, projid, cowextsize; };

static union { struct file_handle h; char space[256]; } one, two;

static int to_handle(int fd, const char *path, int flags, int *id) {
  one.h.handle_bytes = 128;
  return name_to_handle_at(fd, path, &one.h, id, flags);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  own_mounts();
  MUST(mkdir("d", 0755));
  put_file("d/f", "content");
  MUST(symlink("d/f", "link"));
  int id = 0, other = 0;
  one.h.handle_bytes = 0;
  CHECK(name_to_handle_at(AT_FDCWD, "d/f", &one.h, &id, 0));
  TRUE(one.h.handle_bytes > 0 && one.h.handle_bytes <= 128);
  CHECK(to_handle(AT_FDCWD, "d/f", 0, &id));
  struct statx x;
  MUST(statx(AT_FDCWD, "d/f", 0, STATX_MNT_ID, &x));
  TRUE((int)x.stx_mnt_id == id);
  int top = MUST(open(".", O_RDONLY | O_DIRECTORY));
  int fd = open_by_handle_at(top, &one.h, O_RDWR);
  TRUE(fd >= 0);
  char text[16] = "";
  CHECK(read(fd, text, 15));
  puts(text);
  struct stat a, b;
  MUST(fstat(fd, &a));
  MUST(stat("d/f", &b));
  TRUE(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
  MUST(rename("d/f", "moved"));
  int again = open_by_handle_at(top, &one.h, O_RDONLY);
  TRUE(again >= 0);
  close(again);
  two = one;
  CHECK(to_handle(AT_FDCWD, "moved", 0, &other));
  TRUE(memcmp(&one, &two, 8 + one.h.handle_bytes) == 0 && id == other);
  CHECK(to_handle(AT_FDCWD, "d", 0, &other));
  TRUE(memcmp(&one, &two, 8 + one.h.handle_bytes) != 0);
  int dir = open_by_handle_at(top, &one.h, O_RDONLY | O_DIRECTORY);
  TRUE(dir >= 0);
  CHECK(fchdir(dir));
  char here[64];
  CHECK(getcwd(here, sizeof here) != NULL);
  puts(here);
  CHECK(chdir(".."));
  MUST(unlink("link"));
  MUST(symlink("moved", "link"));
  CHECK(to_handle(AT_FDCWD, "link", 0, &other));
  CHECK(open_by_handle_at(top, &one.h, O_RDONLY));
  CHECK(to_handle(AT_FDCWD, "link", AT_SYMLINK_FOLLOW, &other));
  TRUE(memcmp(&one, &two, 8 + one.h.handle_bytes) == 0);
  CHECK(to_handle(top, "", AT_EMPTY_PATH, &other));
  CHECK(to_handle(top, "", 0, &other));
  CHECK(to_handle(AT_FDCWD, "nowhere", 0, &other));
  CHECK(to_handle(AT_FDCWD, "d", 0x8000, &other));
  one.h.handle_bytes = 129;
  CHECK(name_to_handle_at(AT_FDCWD, "d", &one.h, &id, 0));
  CHECK(name_to_handle_at(AT_FDCWD, "d", (void *)8, &id, 0));
  CHECK(to_handle(AT_FDCWD, "d", 0, (void *)8));
  CHECK(to_handle(AT_FDCWD, "/proc/self/status", 0, &id));
  uint64_t unique = 0;
  CHECK(to_handle(AT_FDCWD, "d", 1, (int *)&unique));
  TRUE(unique > 0x80000000ull);
  close(fd);
  one = two;
  CHECK(unlink("moved"));
  CHECK(open_by_handle_at(top, &two.h, O_RDONLY));
  two.h.handle_bytes = 0;
  CHECK(open_by_handle_at(top, &two.h, O_RDONLY));
  two.h.handle_bytes = 129;
  CHECK(open_by_handle_at(top, &two.h, O_RDONLY));
  CHECK(open_by_handle_at(99, &one.h, O_RDONLY));
  CHECK(open_by_handle_at(top, (void *)8, O_RDONLY));
  one.h.handle_type = 77;
  CHECK(open_by_handle_at(top, &one.h, O_RDONLY));
  IN_CHILD("without rights", {
    MUST(setresuid(65534, 65534, 65534));
    CHECK(to_handle(AT_FDCWD, "d", 0, &id));
    CHECK(open_by_handle_at(top, &one.h, O_RDONLY));
  });

  // Extended attributes relative to a descriptor.
  put_file("f", "x");
  char value[16] = "hello", back[16] = "";
  struct xargs xa = {(long)value, 5, 0};
  CHECK(syscall(SYS_setxattrat_, top, "f", 0, "user.a", &xa, sizeof xa));
  xa.flags = XATTR_CREATE;
  CHECK(syscall(SYS_setxattrat_, top, "f", 0, "user.a", &xa, sizeof xa));
  xa = (struct xargs){(long)back, 16, 0};
  CHECK(syscall(SYS_getxattrat_, top, "f", 0, "user.a", &xa, sizeof xa));
  puts(back);
  xa.flags = 1;
  CHECK(syscall(SYS_getxattrat_, top, "f", 0, "user.a", &xa, sizeof xa));
  CHECK(syscall(SYS_getxattrat_, top, "f", 0x8000, "user.a", &xa, sizeof xa));
  CHECK(syscall(SYS_getxattrat_, top, "f", 0, "user.a", &xa, 15));
  CHECK(syscall(SYS_getxattrat_, top, "f", 0, "user.a", &xa, 5000));
  char list[64];
  int ff = MUST(open("f", O_RDONLY));
  CHECK(syscall(SYS_listxattrat_, ff, "", AT_EMPTY_PATH, list, sizeof list));
  puts(list);
  CHECK(syscall(SYS_removexattrat_, ff, "", AT_EMPTY_PATH, "user.a"));
  CHECK(syscall(SYS_removexattrat_, top, "f", 0, "user.a"));
  CHECK(syscall(SYS_listxattrat_, top, "f", AT_SYMLINK_NOFOLLOW, NULL, 0));

  // File attributes.
  struct fattr fa;
  memset(&fa, 0x55, sizeof fa);
  CHECK(syscall(SYS_file_getattr_, top, "f", &fa, sizeof fa, 0));
  printf("xflags %lx extsize %u projid %u\n", (long)fa.xflags, fa.extsize, fa.projid);
  fa.xflags = FS_XFLAG_IMMUTABLE;
  CHECK(syscall(SYS_file_setattr_, top, "f", &fa, sizeof fa, 0));
  CHECK(open("f", O_WRONLY));
  CHECK(unlink("f"));
  CHECK(chmod("f", 0600));
  MUST(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS, &x));
  TRUE(x.stx_attributes & STATX_ATTR_IMMUTABLE);
  int flags = 0;
  CHECK(ioctl(ff, FS_IOC_GETFLAGS, &flags));
  printf("flags %x\n", flags);
  struct fsxattr fx;
  CHECK(ioctl(ff, FS_IOC_FSGETXATTR, &fx));
  printf("xflags %x\n", fx.fsx_xflags);
  fa.xflags = FS_XFLAG_APPEND;
  CHECK(syscall(SYS_file_setattr_, top, "f", &fa, sizeof fa, 0));
  CHECK(open("f", O_WRONLY));
  CHECK(open("f", O_WRONLY | O_APPEND) >= 0);
  CHECK(truncate("f", 0));
  fa.xflags = 0;
  CHECK(syscall(SYS_file_setattr_, top, "f", &fa, sizeof fa, 0));
  CHECK(syscall(SYS_file_setattr_, top, "f", &fa, 20, 0));
  CHECK(syscall(SYS_file_setattr_, top, "f", &fa, sizeof fa, 0x8000));
  CHECK(syscall(SYS_file_getattr_, top, "nowhere", &fa, sizeof fa, 0));
  CHECK(syscall(SYS_file_getattr_, top, "f", (void *)8, sizeof fa, 0));
  IN_CHILD("not the owner", {
    MUST(setresuid(65534, 65534, 65534));
    fa.xflags = 0;
    CHECK(syscall(SYS_file_setattr_, top, "f", &fa, sizeof fa, 0));
  });

  // What is in the page cache.
  int cf = MUST(open("cached", O_CREAT | O_RDWR, 0644));
  char block[8192];
  memset(block, 1, sizeof block);
  MUST(pwrite(cf, block, sizeof block, 0));
  MUST(pwrite(cf, block, 4096, 40960));
  uint64_t range[2] = {0, 0}, stat5[5];
  CHECK(syscall(SYS_cachestat_, cf, range, stat5, 0));
  printf("cache %ld evicted %ld\n", (long)stat5[0], (long)stat5[3]);
  range[0] = 4096, range[1] = 4096;
  CHECK(syscall(SYS_cachestat_, cf, range, stat5, 0));
  printf("cache %ld\n", (long)stat5[0]);
  CHECK(syscall(SYS_cachestat_, cf, range, stat5, 1));
  CHECK(syscall(SYS_cachestat_, 99, range, stat5, 0));
  CHECK(syscall(SYS_cachestat_, cf, (void *)8, stat5, 0));
  CHECK(syscall(SYS_cachestat_, cf, range, (void *)8, 0));

  // Quotas: none here.
  CHECK(quotactl(QCMD(Q_GETQUOTA, USRQUOTA), "/dev/null", 0, (void *)text));
  CHECK(quotactl(QCMD(Q_GETQUOTA, 7), "/dev/null", 0, (void *)text));
  CHECK(quotactl(QCMD(Q_GETQUOTA, USRQUOTA), "/nowhere", 0, (void *)text));
  CHECK(quotactl(QCMD(Q_SYNC, USRQUOTA), NULL, 0, NULL));
  CHECK(quotactl(QCMD(Q_GETQUOTA, USRQUOTA), NULL, 0, NULL));
  CHECK(syscall(443, top, QCMD(Q_GETQUOTA, USRQUOTA), 0, text));
  CHECK(syscall(443, 99, QCMD(Q_GETQUOTA, USRQUOTA), 0, text));
  CHECK(syscall(443, top, QCMD(Q_GETQUOTA, 7), 0, text));
  struct { int tfree; long tinode; char rest[12]; } us;
  CHECK(syscall(SYS_ustat, a.st_dev, &us));
  CHECK(syscall(SYS_ustat, 0x7fff, &us));
  CHECK(syscall(SYS_ustat, a.st_dev, (void *)8));
  CHECK(syncfs(top));
  CHECK(syncfs(99));
  sync();
  return 0;
}

// fsopen, fsconfig, fsmount, fspick, move_mount, open_tree, mount_setattr, statmount, listmount, statx mount ids.
#include "privileged.h"
#include <linux/mount.h>

#define FSCONFIG_CMD_CREATE_EXCL 8
#define STATX_MNT_ID_UNIQUE 0x4000
#define LSMT_ROOT 0xffffffffffffffffull
#define SYS_statmount 457
#define SYS_listmount 458

static int fsopen_(const char *name, unsigned flags) { return syscall(SYS_fsopen, name, flags); }
static int config(int fd, unsigned cmd, const char *key, const void *value, int aux) {
  return syscall(SYS_fsconfig, fd, cmd, key, value, aux);
}
static int fsmount_(int fd, unsigned flags, unsigned attr) { return syscall(SYS_fsmount, fd, flags, attr); }
static int move(int fd, const char *from, int tofd, const char *to, unsigned flags) {
  return syscall(SYS_move_mount, fd, from, tofd, to, flags);
}
static int open_tree_(int fd, const char *path, unsigned flags) { return syscall(SYS_open_tree, fd, path, flags); }
static int setattr(int fd, const char *path, unsigned flags, void *attr, size_t size) {
  return syscall(SYS_mount_setattr, fd, path, flags, attr, size);
}

struct id_req { uint32_t size, spare; uint64_t id, param, ns; };
struct stat_mount {
  uint32_t size, mnt_opts;
  uint64_t mask;
  uint32_t major, minor;
  uint64_t magic;
  uint32_t sb_flags, fs_type;
  uint64_t id, parent;
  uint32_t id_old, parent_old;
  uint64_t attr, propagation, peer, master, from;
  uint32_t root, point;
  uint64_t ns;
  uint64_t rest[49];
  char str[1024];
};

static long statmount_(uint64_t id, uint64_t mask, struct stat_mount *out, size_t size, unsigned flags) {
  struct id_req r = {24, 0, id, mask, 0};
  return syscall(SYS_statmount, &r, out, size, flags);
}
static long listmount_(uint64_t id, uint64_t last, uint64_t *ids, size_t count, unsigned flags) {
  struct id_req r = {24, 0, id, last, 0};
  return syscall(SYS_listmount, &r, ids, count, flags);
}

static void messages(int fd) {
  char line[256];
  for (;;) {
    ssize_t n = read(fd, line, sizeof line - 1);
    if (n <= 0) {
      printf("no more: %s\n", n == 0 ? "end" : strerrorname_np(errno));
      return;
    }
    line[n] = 0;
    printf("message: %s\n", line);
  }
}

static uint64_t unique_id(const char *path) {
  struct statx x;
  MUST(statx(AT_FDCWD, path, 0, STATX_MNT_ID_UNIQUE, &x));
  return x.stx_mnt_id;
}

static void flags_of(const char *path) {
  struct statvfs { long a; } ignored;
  (void)ignored;
  struct statx x;
  MUST(statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, &x));
  char name[64];
  snprintf(name, sizeof name, "%s/probe", path);
  int fd = open(name, O_CREAT | O_RDWR, 0755);
  printf("%s: mount root %d, create %s\n", path, !!(x.stx_attributes & STATX_ATTR_MOUNT_ROOT), fd < 0 ? strerrorname_np(errno) : "ok");
  if (fd >= 0) close(fd);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  own_mounts();
  MUST(mkdir("a", 0755));
  MUST(mkdir("b", 0755));
  MUST(mkdir("c", 0755));
  put_file("file", "x");
  CHECK(fsopen_("nosuchfs", 0));
  CHECK(fsopen_("tmpfs", 99));
  CHECK(fsopen_((void *)8, 0));
  int fs = MUST(fsopen_("tmpfs", FSOPEN_CLOEXEC));
  TRUE(fcntl(fs, F_GETFD) == FD_CLOEXEC);
  messages(fs);
  CHECK(config(fs, FSCONFIG_SET_STRING, "size", "1m", 0));
  CHECK(config(fs, FSCONFIG_SET_STRING, "mode", "0711", 0));
  CHECK(config(fs, FSCONFIG_SET_STRING, "nosuch", "1", 0));
  CHECK(config(fs, FSCONFIG_SET_FLAG, "size", NULL, 0));
  messages(fs);
  CHECK(config(fs, FSCONFIG_SET_STRING, "source", "first", 0));
  CHECK(config(fs, FSCONFIG_SET_STRING, "source", "second", 0));
  CHECK(config(fs, FSCONFIG_SET_FLAG, "source", NULL, 0));
  CHECK(config(fs, FSCONFIG_SET_STRING, NULL, "1", 0));
  CHECK(config(fs, FSCONFIG_SET_STRING, "size", NULL, 0));
  CHECK(config(fs, FSCONFIG_SET_STRING, "size", "1m", 1));
  CHECK(config(fs, FSCONFIG_SET_FLAG, "ro", "x", 0));
  CHECK(config(fs, FSCONFIG_SET_FD, "fd", NULL, -1));
  CHECK(config(fs, FSCONFIG_CMD_CREATE, "key", NULL, 0));
  CHECK(config(fs, 99, NULL, NULL, 0));
  CHECK(config(-1, FSCONFIG_SET_FLAG, "ro", NULL, 0));
  CHECK(config(99, FSCONFIG_SET_FLAG, "ro", NULL, 0));
  CHECK(config(0, FSCONFIG_SET_FLAG, "ro", NULL, 0) == -1 && (errno == EINVAL || errno == EBADF));
  CHECK(config(fs, FSCONFIG_SET_STRING, (void *)8, "1", 0));
  CHECK(config(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
  CHECK(fsmount_(fs, 0, 0));
  CHECK(config(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
  CHECK(config(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
  CHECK(config(fs, FSCONFIG_SET_STRING, "size", "2m", 0));
  CHECK(fsmount_(fs, 99, 0));
  CHECK(fsmount_(fs, 0, 0x100));
  CHECK(fsmount_(fs, 0, 0x30));
  CHECK(fsmount_(99, 0, 0));
  int m = MUST(fsmount_(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSUID));
  CHECK(fsmount_(fs, 0, 0));
  TRUE((fcntl(m, F_GETFL) & O_PATH) != 0);
  int inside = openat(m, "early", O_CREAT | O_RDWR, 0644);
  TRUE(inside >= 0);
  close(inside);
  CHECK(move(m, "", AT_FDCWD, "a", 0));
  CHECK(move(m, "", AT_FDCWD, "a", 0x8000));
  CHECK(move(m, "", AT_FDCWD, "file", MOVE_MOUNT_F_EMPTY_PATH));
  CHECK(move(m, "", AT_FDCWD, "nowhere", MOVE_MOUNT_F_EMPTY_PATH));
  CHECK(move(m, "", AT_FDCWD, "a", MOVE_MOUNT_F_EMPTY_PATH));
  CHECK(access("a/early", F_OK));
  struct stat st;
  MUST(stat("a", &st));
  printf("mode %o\n", st.st_mode & 07777);
  flags_of("a");
  TRUE(unique_id("a") > 0x80000000ull && unique_id("a") != unique_id("b"));
  struct statx old, x;
  MUST(statx(AT_FDCWD, "a", 0, STATX_MNT_ID, &old));
  MUST(statx(AT_FDCWD, "a", 0, STATX_MNT_ID_UNIQUE, &x));
  TRUE((old.stx_mask & STATX_MNT_ID) && !(old.stx_mask & STATX_MNT_ID_UNIQUE));
  TRUE(x.stx_mask & STATX_MNT_ID_UNIQUE);

  // statmount.
  static struct stat_mount sm;
  CHECK(statmount_(unique_id("a"), 0x3f, &sm, sizeof sm, 0));
  TRUE(sm.mask == 0x3f && sm.magic == 0x01021994 && sm.id == unique_id("a") && sm.parent == unique_id("."));
  TRUE(sm.id_old == old.stx_mnt_id);
  printf("type %s root %s point %s attr %lx prop %lx peer %ld\n", sm.str + sm.fs_type, sm.str + sm.root, sm.str + sm.point, (long)sm.attr, (long)sm.propagation, (long)sm.peer);
  CHECK(statmount_(unique_id("a"), 0x3f, &sm, 520, 0));
  CHECK(statmount_(unique_id("a"), 3, &sm, 520, 0));
  CHECK(statmount_(unique_id("a"), 3, &sm, sizeof sm, 1));
  CHECK(statmount_(5, 3, &sm, sizeof sm, 0));
  CHECK(statmount_(0x7fffffffffffull, 3, &sm, sizeof sm, 0));
  CHECK(statmount_(unique_id("a"), 3, (void *)8, sizeof sm, 0));
  CHECK(syscall(SYS_statmount, (void *)8, &sm, sizeof sm, 0));
  struct id_req small = {20, 0, unique_id("a"), 3, 0};
  CHECK(syscall(SYS_statmount, &small, &sm, sizeof sm, 0));

  // open_tree: a copy, detached; with and without what is mounted below.
  MUST(mkdir("a/sub", 0755));
  CHECK(mount("inner", "a/sub", "tmpfs", 0, NULL));
  put_file("a/sub/deep", "x");
  CHECK(open_tree_(AT_FDCWD, "a", 0x40000000));
  CHECK(open_tree_(AT_FDCWD, "a", AT_RECURSIVE));
  CHECK(open_tree_(AT_FDCWD, "nowhere", 0));
  int o = MUST(open_tree_(AT_FDCWD, "a", OPEN_TREE_CLOEXEC));
  TRUE(faccessat(o, "sub/deep", F_OK, 0) == 0);
  int flat = MUST(open_tree_(AT_FDCWD, "a", OPEN_TREE_CLONE)), deep = MUST(open_tree_(AT_FDCWD, "a", OPEN_TREE_CLONE | AT_RECURSIVE));
  CHECK(faccessat(flat, "sub/deep", F_OK, 0));
  CHECK(faccessat(deep, "sub/deep", F_OK, 0));
  CHECK(move(deep, "", AT_FDCWD, "b", MOVE_MOUNT_F_EMPTY_PATH));
  CHECK(access("b/sub/deep", F_OK));
  CHECK(access("b/early", F_OK));
  close(deep);
  CHECK(access("b/sub/deep", F_OK));
  close(flat);
  uint64_t ids[64];
  CHECK(listmount_(unique_id("b"), 0, ids, 64, 0));
  TRUE(ids[0] == unique_id("b/sub"));
  long all = listmount_(unique_id("."), 0, ids, 64, 0);
  CHECK(all);
  bool sorted = true;
  for (long i = 1; i < all; i++) sorted &= ids[i - 1] < ids[i];
  TRUE(sorted);
  uint64_t page[2];
  CHECK(listmount_(unique_id("."), 0, page, 2, 0));
  TRUE(page[0] == ids[0] && page[1] == ids[1]);
  CHECK(listmount_(unique_id("."), page[1], page, 2, 0));
  TRUE(page[0] == ids[2]);
  CHECK(listmount_(unique_id("."), 0, page, 1, 1));
  TRUE(page[0] == ids[all - 1]);
  CHECK(listmount_(unique_id("."), 0, page, 1, 2));
  CHECK(listmount_(5, 0, page, 1, 0));
  CHECK(listmount_(0x7fffffffffffull, 0, page, 1, 0));
  TRUE(listmount_(LSMT_ROOT, 0, ids, 64, 0) >= all);
  CHECK(listmount_(unique_id("."), 0, page, 2000000, 0));

  // mount_setattr.
  struct mount_attr at = {.attr_set = MOUNT_ATTR_RDONLY};
  CHECK(setattr(AT_FDCWD, "b", 0, &at, sizeof at));
  flags_of("b");
  flags_of("b/sub");
  CHECK(setattr(AT_FDCWD, "b", AT_RECURSIVE, &at, sizeof at));
  flags_of("b/sub");
  flags_of("a");
  at = (struct mount_attr){.attr_clr = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC};
  CHECK(setattr(AT_FDCWD, "b", AT_RECURSIVE, &at, sizeof at));
  flags_of("b");
  CHECK(statmount_(unique_id("b"), 2, &sm, sizeof sm, 0));
  printf("attr %lx\n", (long)sm.attr);
  at = (struct mount_attr){.attr_set = MOUNT_ATTR_NOATIME};
  CHECK(setattr(AT_FDCWD, "b", 0, &at, sizeof at));
  at.attr_clr = MOUNT_ATTR__ATIME;
  CHECK(setattr(AT_FDCWD, "b", 0, &at, sizeof at));
  at = (struct mount_attr){.attr_clr = MOUNT_ATTR_NOATIME};
  CHECK(setattr(AT_FDCWD, "b", 0, &at, sizeof at));
  at = (struct mount_attr){.attr_set = 0x100};
  CHECK(setattr(AT_FDCWD, "b", 0, &at, sizeof at));
  at = (struct mount_attr){.propagation = MS_SHARED | MS_SLAVE};
  CHECK(setattr(AT_FDCWD, "b", 0, &at, sizeof at));
  at = (struct mount_attr){.propagation = MS_REC};
  CHECK(setattr(AT_FDCWD, "b", 0, &at, sizeof at));
  at = (struct mount_attr){.propagation = MS_SHARED};
  CHECK(setattr(AT_FDCWD, "b", AT_RECURSIVE, &at, sizeof at));
  CHECK(statmount_(unique_id("b/sub"), 2, &sm, sizeof sm, 0));
  TRUE(sm.propagation == MS_SHARED && sm.peer > 0);
  CHECK(setattr(AT_FDCWD, "b/early", 0, &at, sizeof at));
  CHECK(setattr(AT_FDCWD, "b", 0x40000000, &at, sizeof at));
  CHECK(setattr(AT_FDCWD, "b", 0, &at, 31));
  CHECK(setattr(AT_FDCWD, "b", 0, &at, 5000));
  CHECK(setattr(AT_FDCWD, "b", 0, (void *)8, sizeof at));
  CHECK(setattr(AT_FDCWD, "nowhere", 0, &at, sizeof at));
  struct { struct mount_attr a; long more; } longer = {{0}, 0};
  CHECK(setattr(AT_FDCWD, "b", 0, &longer, sizeof longer));
  longer.more = 1;
  CHECK(setattr(AT_FDCWD, "b", 0, &longer, sizeof longer));
  at = (struct mount_attr){.propagation = MS_UNBINDABLE};
  CHECK(setattr(AT_FDCWD, "b", 0, &at, sizeof at));
  CHECK(open_tree_(AT_FDCWD, "b", OPEN_TREE_CLONE));
  CHECK(mount("b", "c", NULL, MS_BIND, NULL));

  // move_mount of what is attached, and into itself.
  at = (struct mount_attr){.propagation = MS_PRIVATE};
  CHECK(setattr(AT_FDCWD, "b", AT_RECURSIVE, &at, sizeof at));
  CHECK(move(AT_FDCWD, "b", AT_FDCWD, "b/sub", 0));
  CHECK(move(AT_FDCWD, "b", AT_FDCWD, "c", 0));
  CHECK(access("c/sub/deep", F_OK));
  CHECK(access("b/early", F_OK));
  CHECK(move(AT_FDCWD, "c/early", AT_FDCWD, "b", 0));
  CHECK(move(AT_FDCWD, "c", AT_FDCWD, "file", 0));

  // fspick and reconfigure.
  CHECK(syscall(SYS_fspick, AT_FDCWD, "c", 0x100));
  CHECK(syscall(SYS_fspick, AT_FDCWD, "c/early", 0));
  int pick = MUST(syscall(SYS_fspick, AT_FDCWD, "c", FSPICK_CLOEXEC));
  CHECK(config(pick, FSCONFIG_SET_FLAG, "ro", NULL, 0));
  CHECK(config(pick, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
  CHECK(config(pick, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
  flags_of("c");
  flags_of("a");
  CHECK(config(pick, FSCONFIG_SET_FLAG, "rw", NULL, 0));
  CHECK(config(pick, FSCONFIG_SET_STRING, "size", "4k", 0));
  CHECK(config(pick, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
  flags_of("c");
  CHECK(umount2("c/sub", 0));
  CHECK(umount2("c", 0));

  // A closed fsmount descriptor takes its mount along; umount of a detached copy fails.
  fs = MUST(fsopen_("tmpfs", 0));
  CHECK(config(fs, FSCONFIG_CMD_CREATE_EXCL, NULL, NULL, 0));
  m = MUST(fsmount_(fs, 0, MOUNT_ATTR_RDONLY));
  CHECK(openat(m, "x", O_CREAT | O_RDWR, 0644));
  close(m);
  CHECK(config(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
  close(fs);
  // An overlay out of it.
  MUST(mkdir("low", 0755));
  MUST(mkdir("up", 0755));
  MUST(mkdir("work", 0755));
  put_file("low/one", "1");
  fs = MUST(fsopen_("overlay", 0));
  CHECK(config(fs, FSCONFIG_SET_STRING, "lowerdir", "low", 0));
  CHECK(config(fs, FSCONFIG_SET_STRING, "upperdir", "up", 0));
  CHECK(config(fs, FSCONFIG_SET_STRING, "workdir", "work", 0));
  CHECK(config(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
  m = MUST(fsmount_(fs, 0, 0));
  CHECK(move(m, "", AT_FDCWD, "c", MOVE_MOUNT_F_EMPTY_PATH));
  CHECK(unlink("c/one"));
  CHECK(access("low/one", F_OK));
  MUST(stat("up/one", &st));
  TRUE(S_ISCHR(st.st_mode) && st.st_rdev == 0);
  IN_CHILD("without rights", {
    MUST(setresuid(65534, 65534, 65534));
    CHECK(fsopen_("tmpfs", 0));
    CHECK(fsmount_(fs, 0, 0));
    CHECK(move(m, "", AT_FDCWD, "a", MOVE_MOUNT_F_EMPTY_PATH));
    CHECK(open_tree_(AT_FDCWD, "a", OPEN_TREE_CLONE));
    CHECK(open_tree_(AT_FDCWD, "a", 0) >= 0);
    CHECK(setattr(AT_FDCWD, "a", 0, &at, sizeof at));
    CHECK(syscall(SYS_fspick, AT_FDCWD, "a", 0));
    CHECK(statmount_(unique_id("a"), 2, &sm, sizeof sm, 0));
  });
  return 0;
}

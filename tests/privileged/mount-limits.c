// Read-only remounts while somebody writes, mounting beneath another mount, id-mapped mounts.
#include "privileged.h"
#include <linux/mount.h>
#include <sys/syscall.h>

#define MOVE_MOUNT_BENEATH_ 0x200

static int move(int fd, const char *from, int tofd, const char *to, unsigned flags) {
  return syscall(SYS_move_mount, fd, from, tofd, to, flags);
}
static int setattr(int fd, const char *path, unsigned flags, struct mount_attr *attr) {
  return syscall(SYS_mount_setattr, fd, path, flags, attr, sizeof *attr);
}
static int tree(const char *path) { return syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE); }

// Opens for writing and closes again.
static int try_write(const char *path) {
  int fd = open(path, O_CREAT | O_WRONLY, 0644);
  return fd < 0 ? -1 : close(fd);
}

static void read_only(void) {
  MUST(mkdir("a", 0755));
  MUST(mkdir("b", 0755));
  MUST(mount("a", "a", "tmpfs", 0, "mode=755"));
  put_file("a/f", "f");
  MUST(mount("a", "b", NULL, MS_BIND, NULL));
  int w = MUST(open("a/f", O_WRONLY));
  CHECK(mount("none", "a", NULL, MS_REMOUNT | MS_RDONLY, NULL));
  CHECK(mount("none", "b", NULL, MS_REMOUNT | MS_RDONLY, NULL));
  CHECK(mount("none", "a", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
  CHECK(mount("none", "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
  CHECK(try_write("b/f"));
  CHECK(mount("none", "b", NULL, MS_REMOUNT | MS_BIND, NULL));
  struct mount_attr ro = {.attr_set = MOUNT_ATTR_RDONLY}, rw = {.attr_clr = MOUNT_ATTR_RDONLY};
  CHECK(setattr(AT_FDCWD, "a", 0, &ro));
  CHECK(setattr(AT_FDCWD, "b", 0, &ro));
  CHECK(setattr(AT_FDCWD, "b", 0, &rw));
  // A duplicate is the same open file; a reader does not count.
  int d = MUST(dup(w));
  close(w);
  CHECK(mount("none", "a", NULL, MS_REMOUNT | MS_RDONLY, NULL));
  close(d);
  int r = MUST(open("a/f", O_RDONLY));
  CHECK(mount("none", "a", NULL, MS_REMOUNT | MS_RDONLY, NULL));
  CHECK(try_write("b/f"));
  CHECK(mount("none", "a", NULL, MS_REMOUNT, NULL));
  close(r);
  // A shared mapping holds its file.
  w = MUST(open("a/f", O_RDWR));
  char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, w, 0);
  MUST(page == MAP_FAILED ? -1 : 0);
  close(w);
  CHECK(mount("none", "a", NULL, MS_REMOUNT | MS_RDONLY, NULL));
  munmap(page, 4096);
  // A write through another mount does not stop a mount from becoming read-only.
  w = MUST(open("b/f", O_WRONLY));
  CHECK(setattr(AT_FDCWD, "a", 0, &ro));
  CHECK(setattr(AT_FDCWD, "a", 0, &rw));
  // One of a tree that is written to stops all of it.
  MUST(mkdir("a/inner", 0755));
  MUST(mount("inner", "a/inner", "tmpfs", 0, NULL));
  int i = MUST(open("a/inner/x", O_CREAT | O_WRONLY, 0644));
  CHECK(setattr(AT_FDCWD, "a", AT_RECURSIVE, &ro));
  CHECK(try_write("a/y"));
  close(i);
  CHECK(setattr(AT_FDCWD, "a", AT_RECURSIVE, &ro));
  CHECK(try_write("a/z"));
  close(w);
  CHECK(setattr(AT_FDCWD, "a", AT_RECURSIVE, &rw));
  int dir = MUST(open("a", O_RDONLY | O_DIRECTORY));
  CHECK(mount("none", "a", NULL, MS_REMOUNT | MS_RDONLY, NULL));
  CHECK(mount("none", "a", NULL, MS_REMOUNT, NULL));
  close(dir);
  CHECK(umount2("a/inner", 0));
  CHECK(umount2("b", 0));
  CHECK(umount2("a", 0));
}

static void make(const char *dir, const char *name) {
  char path[64];
  mkdir(dir, 0755);
  MUST(mount(name, dir, "tmpfs", 0, "mode=755"));
  snprintf(path, sizeof path, "%s/is-%s", dir, name);
  put_file(path, name);
}

static void shows(const char *dir) {
  static const char *names[] = {"top", "low", "third"};
  for (int i = 0; i < 3; i++) {
    char path[64];
    snprintf(path, sizeof path, "%s/is-%s", dir, names[i]);
    if (access(path, F_OK) == 0) printf("%s shows %s\n", dir, names[i]);
  }
}

static void beneath(void) {
  MUST(mkdir("plain", 0755));
  make("t", "top");
  make("l", "low");
  make("x", "third");
  CHECK(move(AT_FDCWD, "l", AT_FDCWD, "plain", MOVE_MOUNT_BENEATH_));
  CHECK(move(AT_FDCWD, "plain", AT_FDCWD, "t", MOVE_MOUNT_BENEATH_));
  CHECK(move(AT_FDCWD, "l", AT_FDCWD, "t", MOVE_MOUNT_BENEATH_ | 0x100));
  CHECK(move(AT_FDCWD, "t", AT_FDCWD, "t", MOVE_MOUNT_BENEATH_));
  CHECK(move(AT_FDCWD, "l", AT_FDCWD, "t/is-top", MOVE_MOUNT_BENEATH_));
  shows("t");
  CHECK(move(AT_FDCWD, "l", AT_FDCWD, "t", MOVE_MOUNT_BENEATH_));
  shows("t");
  shows("l");
  // The third one goes right below the top one, a clone of a tree as well.
  int clone = MUST(tree("x"));
  CHECK(move(clone, "", AT_FDCWD, "t", MOVE_MOUNT_BENEATH_ | MOVE_MOUNT_F_EMPTY_PATH));
  close(clone);
  shows("t");
  CHECK(umount2("t", 0));
  shows("t");
  CHECK(umount2("t", 0));
  shows("t");
  CHECK(umount2("t", 0));
  shows("t");
  CHECK(umount2("t", 0));
  // Not below itself, not beneath the root of the namespace.
  make("t", "top");
  MUST(mkdir("t/in", 0755));
  make("t/in", "low");
  CHECK(move(AT_FDCWD, "t", AT_FDCWD, "t/in", MOVE_MOUNT_BENEATH_));
  CHECK(move(AT_FDCWD, "t/in", AT_FDCWD, "t", MOVE_MOUNT_BENEATH_));
  CHECK(move(AT_FDCWD, "x", AT_FDCWD, "/", MOVE_MOUNT_BENEATH_));
  CHECK(umount2("t/in", 0));
  CHECK(umount2("t", 0));
  // Peers of the parent get theirs beneath as well.
  MUST(mkdir("p", 0755));
  MUST(mkdir("q", 0755));
  MUST(mount("p", "p", "tmpfs", 0, "mode=755"));
  MUST(mount(NULL, "p", NULL, MS_SHARED, NULL));
  MUST(mkdir("p/m", 0755));
  MUST(mount("p", "q", NULL, MS_BIND, NULL));
  make("p/m", "top");
  shows("q/m");
  make("l", "low");
  CHECK(move(AT_FDCWD, "l", AT_FDCWD, "p/m", MOVE_MOUNT_BENEATH_));
  shows("p/m");
  shows("q/m");
  CHECK(umount2("p/m", 0));
  shows("p/m");
  shows("q/m");
  CHECK(umount2("q/m", 0));
  shows("p/m");
  shows("q/m");
}

static void mapped(void) {
  int file = MUST(open("/dev/null", O_RDONLY));
  struct mount_attr map = {.attr_set = MOUNT_ATTR_IDMAP}, unmap = {.attr_clr = MOUNT_ATTR_IDMAP};
  int t = MUST(tree("x"));
  map.userns_fd = ~0ull;
  CHECK(setattr(t, "", AT_EMPTY_PATH, &map));
  map.userns_fd = 99;
  CHECK(setattr(t, "", AT_EMPTY_PATH, &map));
  map.userns_fd = file;
  CHECK(setattr(t, "", AT_EMPTY_PATH, &map));
  CHECK(setattr(t, "", AT_EMPTY_PATH, &unmap));
  map.attr_clr = MOUNT_ATTR_IDMAP;
  CHECK(setattr(t, "", AT_EMPTY_PATH, &map));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  own_mounts();
  read_only();
  beneath();
  mapped();
  return 0;
}

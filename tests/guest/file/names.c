// link(2), symlink(2), readlink(2), rename(2), renameat2(2), unlink(2), mkdir(2), rmdir(2), mknod(2).
#include "../guest.h"
#include <sys/sysmacros.h>

static void show(const char *path) {
  struct stat st;
  if (lstat(path, &st) != 0) printf("%s: %s\n", path, strerrorname_np(errno));
  else printf("%s: type %o nlink %ld size %ld\n", path, st.st_mode & S_IFMT, (long)st.st_nlink, S_ISDIR(st.st_mode) ? 0L : (long)st.st_size);
}

static void linking(void) {
  put_file("a", "A");
  CHECK(link("a", "b"));
  show("a");
  CHECK(link("a", "b"));
  CHECK(link("none", "c"));
  CHECK(link(".", "dirlink"));
  CHECK(link("a", "nodir/c"));
  CHECK(link("a", "b/c"));
  CHECK(link("a", "c/"));
  CHECK(symlink("a", "s"));
  CHECK(symlink("a", "s"));
  CHECK(link("s", "hs"));
  show("hs");
  CHECK(linkat(AT_FDCWD, "s", AT_FDCWD, "hf", AT_SYMLINK_FOLLOW));
  show("hf");
  CHECK(linkat(AT_FDCWD, "s", AT_FDCWD, "hx", 0x8));
  char buf[10];
  CHECK(readlink("s", buf, 10));
  CHECK(readlink("a", buf, 10));
  CHECK(readlink("s", buf, 0));
  CHECK(readlink("none", buf, 10));
  CHECK(readlink("a/x", buf, 10));
  CHECK(unlink("b"));
  CHECK(unlink("b"));
  show("a");
  CHECK(unlink("."));
  CHECK(unlink("a/"));
  CHECK(unlink("s/"));
  CHECK(unlink(""));
  int fd = MUST(open("a", O_RDONLY));
  CHECK(unlink("a"));
  CHECK(unlink("hf"));
  struct stat st;
  fstat(fd, &st);
  printf("open and unlinked: nlink %ld size %ld\n", (long)st.st_nlink, (long)st.st_size);
  CHECK(linkat(fd, "", AT_FDCWD, "revived", 0));
  char self[40];
  sprintf(self, "/proc/self/fd/%d", fd);
  CHECK(linkat(AT_FDCWD, self, AT_FDCWD, "revived", AT_SYMLINK_FOLLOW));
  unlink("s"), unlink("hs");
}

static void directories(void) {
  CHECK(mkdir("d", 0755));
  CHECK(mkdir("d", 0755));
  CHECK(mkdir("d/e/f", 0755));
  CHECK(mkdir("d/e/", 0755));
  CHECK(mkdir(".", 0755));
  CHECK(mkdir("..", 0755));
  CHECK(mkdir("/", 0755));
  CHECK(mkdir("", 0755));
  show("d");
  CHECK(rmdir("d"));
  CHECK(rmdir("d/e/."));
  CHECK(rmdir("d/e/.."));
  CHECK(rmdir("."));
  CHECK(rmdir("none"));
  put_file("f", "");
  CHECK(rmdir("f"));
  CHECK(unlinkat(AT_FDCWD, "f", AT_REMOVEDIR));
  CHECK(unlinkat(AT_FDCWD, "d/e", 0));
  CHECK(unlinkat(AT_FDCWD, "d/e", AT_REMOVEDIR));
  CHECK(unlinkat(AT_FDCWD, "d", 1));
  symlink("d", "ds");
  CHECK(rmdir("ds"));
  CHECK(rmdir("ds/"));
  CHECK(mkdir("ds", 0755));
  CHECK(mkdir("ds/x/", 0755));
  CHECK(chdir("d/x"));
  CHECK(rmdir("../x"));
  CHECK(open("new", O_CREAT | O_WRONLY, 0600));
  CHECK(mkdir("new", 0700));
  char cwd[100];
  CHECK(syscall(SYS_getcwd, cwd, sizeof cwd));
  TRUE(getcwd(cwd, sizeof cwd) != NULL);
  CHECK(chdir(".."));
  CHECK(chdir(scratch_path));
  CHECK(chdir("f"));
  CHECK(chdir("none"));
  CHECK(fchdir(99));
  int fd = MUST(open("f", O_RDONLY));
  CHECK(fchdir(fd));
  unlink("ds"), unlink("f"), rmdir("d");
}

static long renameat2_(const char *from, const char *to, unsigned flags) {
  return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

static void renaming(void) {
  put_file("a", "a"), put_file("b", "bb");
  CHECK(rename("a", "b"));
  show("a"), show("b");
  CHECK(rename("a", "c"));
  CHECK(rename("b", "b"));
  link("b", "b2");
  CHECK(rename("b", "b2"));
  show("b"), show("b2");
  mkdir("d", 0755), mkdir("e", 0755), mkdir("e/x", 0755);
  CHECK(rename("d", "e"));
  CHECK(rename("e", "d"));
  CHECK(rename("d", "d/x/y"));
  CHECK(rename("d/x", "d"));
  CHECK(rename("b", "d"));
  CHECK(rename("d", "b"));
  CHECK(rename("d", "d2/"));
  CHECK(rename("b", "b3/"));
  CHECK(rename("b/", "b3"));
  CHECK(rename(".", "z"));
  CHECK(rename("d2/..", "z"));
  CHECK(rename("b", ""));
  CHECK(rename("b", "nodir/b"));
  CHECK(rename("/", "z"));
  CHECK(renameat2_("b", "b2", RENAME_NOREPLACE));
  CHECK(renameat2_("b", "n", RENAME_NOREPLACE));
  CHECK(renameat2_("n", "d2", RENAME_EXCHANGE));
  show("n"), show("d2");
  CHECK(renameat2_("n", "none", RENAME_EXCHANGE));
  CHECK(renameat2_("n", "d2", RENAME_EXCHANGE | RENAME_NOREPLACE));
  CHECK(renameat2_("n", "d2", 64));
  symlink("nowhere", "s");
  CHECK(rename("s", "t"));
  show("t");
  put_file("file", "1");
  CHECK(rename("file", "t"));
  show("t");
}

static void nodes(void) {
  CHECK(mkfifo("fifo", 0644));
  CHECK(mkfifo("fifo", 0644));
  show("fifo");
  CHECK(mknod("reg", S_IFREG | 0600, 0));
  show("reg");
  CHECK(mknod("plain", 0600, 0));
  show("plain");
  CHECK(mknod("sock", S_IFSOCK | 0600, 0));
  show("sock");
  CHECK(mknod("dir", S_IFDIR | 0700, 0));
  CHECK(mknod("odd", 0130000, 0));
  CHECK(open("sock", O_RDONLY));
  CHECK(open("fifo", O_WRONLY | O_NONBLOCK));
  OK(open("fifo", O_RDONLY | O_NONBLOCK));
  OK(open("fifo", O_WRONLY | O_NONBLOCK));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  scratch();
  linking();
  directories();
  renaming();
  nodes();
  return 0;
}

// inotify(7) and extended attributes (xattr(7)).
#include "../guest.h"
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

static void drain(const char *when, int fd) {
  char buf[4096] __attribute__((aligned(8)));
  long n = read(fd, buf, sizeof buf);
  printf("%s:", when);
  if (n < 0) printf(" %s", strerrorname_np(errno));
  for (long at = 0; at < n;) {
    struct inotify_event *e = (void *)(buf + at);
    printf(" [%d %x %d %s]", e->wd, e->mask, e->cookie != 0, e->len ? e->name : "");
    at += sizeof *e + e->len;
  }
  printf("\n");
}

static void watching(void) {
  int fd = MUST(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  mkdir("d", 0755);
  put_file("d/old", "x");
  CHECK(inotify_init1(1));
  CHECK(inotify_add_watch(fd, "d", IN_ALL_EVENTS));
  CHECK(inotify_add_watch(fd, "none", IN_ALL_EVENTS));
  CHECK(inotify_add_watch(fd, "d", 0));
  CHECK(inotify_add_watch(99, "d", IN_ALL_EVENTS));
  CHECK(inotify_add_watch(fd, "d/old", IN_MODIFY | IN_ONLYDIR));
  CHECK(inotify_add_watch(fd, "d", IN_ALL_EVENTS | IN_MASK_CREATE));
  drain("nothing", fd);
  put_file("d/new", "content");
  drain("create and write", fd);
  chmod("d/new", 0600);
  drain("chmod", fd);
  rename("d/new", "d/moved");
  drain("rename", fd);
  rename("d/moved", "out");
  drain("move out", fd);
  char c;
  int f = MUST(open("d/old", O_RDONLY));
  MUST(read(f, &c, 1));
  close(f);
  drain("read", fd);
  truncate("d/old", 0);
  drain("truncate", fd);
  mkdir("d/sub", 0755), rmdir("d/sub");
  drain("directory", fd);
  int queued = -1;
  unlink("d/old");
  CHECK(ioctl(fd, FIONREAD, &queued));
  TRUE(queued > 0);
  CHECK(read(fd, &c, 1));
  drain("unlink", fd);
  CHECK(inotify_add_watch(fd, "out", IN_DELETE_SELF | IN_ATTRIB));
  unlink("out");
  drain("deleted itself", fd);
  CHECK(inotify_rm_watch(fd, 2));
  rmdir("d");
  drain("directory deleted", fd);
  CHECK(inotify_rm_watch(fd, 1));
  CHECK(inotify_rm_watch(0, 1));
}

static void attributes(void) {
  char buf[300];
  put_file("f", "");
  symlink("f", "s");
  CHECK(setxattr("f", "user.name", "value", 5, 0));
  CHECK(getxattr("f", "user.name", buf, 300));
  printf("%.5s\n", buf);
  CHECK(getxattr("f", "user.name", buf, 2));
  CHECK(getxattr("f", "user.name", NULL, 0));
  CHECK(setxattr("f", "user.name", "v", 1, XATTR_CREATE));
  CHECK(setxattr("f", "user.other", "v", 1, XATTR_REPLACE));
  CHECK(setxattr("f", "user.name", "longer value", 12, XATTR_REPLACE));
  CHECK(setxattr("f", "user.name", "v", 1, 9));
  CHECK(setxattr("f", "user.", "v", 1, 0));
  CHECK(setxattr("f", "noprefix", "v", 1, 0));
  CHECK(setxattr("f", "", "v", 1, 0));
  CHECK(setxattr("f", "user.empty", "", 0, 0));
  CHECK(getxattr("f", "user.empty", buf, 300));
  memset(buf, 'n', 300);
  memcpy(buf, "user.", 5), buf[260] = 0;
  CHECK(setxattr("f", buf, "v", 1, 0));
  static char large[70000];
  CHECK(setxattr("f", "user.large", large, 65537, 0));
  CHECK(listxattr("f", NULL, 0));
  CHECK(listxattr("f", buf, 300));
  CHECK(listxattr("f", buf, 5));
  CHECK(removexattr("f", "user.name"));
  CHECK(removexattr("f", "user.name"));
  CHECK(getxattr("none", "user.x", buf, 300));
  CHECK(lsetxattr("s", "user.x", "v", 1, 0));
  CHECK(fgetxattr(99, "user.x", buf, 300));
  IN_CHILD("read-only owner", chmod("f", 0400); CHECK(setxattr("f", "user.ro", "v", 1, 0)));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  scratch();
  watching();
  attributes();
  return 0;
}

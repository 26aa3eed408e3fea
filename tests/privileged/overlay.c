// Overlays that a program mounts: what the upper directory says is understood when it is mounted again, also by hand-made layers.
#include "privileged.h"
#include <dirent.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

// Names, types, links and content below a directory, sorted.
static void tree(const char *dir) {
  DIR *d = opendir(dir);
  if (!d) {
    report(dir, -1);
    return;
  }
  char *names[64];
  int count = 0;
  for (struct dirent *e; (e = readdir(d));)
    if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..")) names[count++] = strdup(e->d_name);
  closedir(d);
  qsort(names, count, sizeof *names, by_text);
  for (int i = 0; i < count; i++) {
    char path[300], text[64] = "";
    snprintf(path, sizeof path, "%s/%s", dir, names[i]);
    struct stat st;
    if (lstat(path, &st) != 0) {
      report(path, -1);
      continue;
    }
    if (S_ISREG(st.st_mode)) {
      int fd = open(path, O_RDONLY);
      if (fd >= 0) {
        if (read(fd, text, sizeof text - 1) < 0) strcpy(text, "?");
        close(fd);
      }
    }
    printf("%s %o %s%s", path, st.st_mode, S_ISCHR(st.st_mode) && st.st_rdev == 0 ? "whiteout" : text, S_ISDIR(st.st_mode) ? "" : " links ");
    if (!S_ISDIR(st.st_mode)) printf("%d", (int)st.st_nlink);
    printf("\n");
    if (S_ISDIR(st.st_mode)) tree(path);
  }
}

static void mounted(const char *options) {
  char data[256];
  snprintf(data, sizeof data, "%s,redirect_dir=on,metacopy=off,index=off,xino=off", options);
  CHECK(mount("o", "m", "overlay", 0, data));
}

static void attribute(const char *path, const char *name) {
  char value[256] = "";
  ssize_t n = lgetxattr(path, name, value, sizeof value - 1);
  printf("%s %s: %s\n", path, name, n < 0 ? strerrorname_np(errno) : value);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  own_mounts();
  static const char *dirs[] = {"low", "low/d", "low/d/sub", "low/e", "low/plain", "low2", "low2/d", "up", "work", "m", "up2", "work2"};
  for (unsigned i = 0; i < sizeof dirs / sizeof *dirs; i++) MUST(mkdir(dirs[i], 0755));
  put_file("low/d/x", "low x");
  put_file("low/d/sub/y", "low y");
  put_file("low/e/gone", "gone");
  put_file("low/plain/f", "f");
  put_file("low2/d/deep", "deep");
  put_file("low/one", "one");
  MUST(link("low/one", "low/two"));
  const char *both = "lowerdir=low:low2,upperdir=up,workdir=work";

  mounted(both);
  tree("m");
  CHECK(rename("m/d", "m/moved"));
  CHECK(rename("m/moved/sub", "m/up-here"));
  CHECK(unlink("m/e/gone"));
  CHECK(rmdir("m/e"));
  CHECK(mkdir("m/e", 0755));
  put_file("m/e/new", "new");
  CHECK(setxattr("m/plain/f", "user.k", "v", 1, 0));
  CHECK(setxattr("m/plain/f", "trusted.k", "v", 1, 0));
  tree("m");
  CHECK(umount2("m", 0));
  printf("-- the upper directory\n");
  tree("up");
  attribute("up/moved", "trusted.overlay.redirect");
  attribute("up/up-here", "trusted.overlay.redirect");
  attribute("up/e", "trusted.overlay.opaque");
  attribute("up/plain/f", "trusted.k");

  printf("-- again\n");
  mounted(both);
  tree("m");
  attribute("m/plain/f", "user.k");
  attribute("m/moved", "trusted.overlay.redirect");
  CHECK(rename("m/moved", "m/again"));
  CHECK(rename("m/up-here", "m/again/back"));
  tree("m/again");
  CHECK(umount2("m", 0));
  attribute("up/again", "trusted.overlay.redirect");
  attribute("up/again/back", "trusted.overlay.redirect");
  printf("-- as a layer below another\n");
  mounted("lowerdir=up:low:low2,upperdir=up2,workdir=work2");
  tree("m");
  CHECK(rename("m/again", "m/third"));
  CHECK(unlink("m/third/x"));
  tree("m/third");
  CHECK(umount2("m", 0));

  printf("-- made by hand\n");
  MUST(mkdir("hand", 0755));
  MUST(mkdir("hand/d", 0755));
  MUST(mkdir("hand/r", 0755));
  MUST(mkdir("hand/bad", 0755));
  MUST(mkdir("hand/none", 0755));
  MUST(mknod("hand/one", S_IFCHR | 0600, makedev(0, 0)));
  MUST(setxattr("hand/d", "trusted.overlay.opaque", "y", 1, 0));
  MUST(setxattr("hand/r", "trusted.overlay.redirect", "/d/sub", 6, 0));
  MUST(setxattr("hand/none", "trusted.overlay.redirect", "nowhere", 7, 0));
  mounted("lowerdir=hand:low:low2");
  tree("m");
  CHECK(umount2("m", 0));
  MUST(setxattr("hand/bad", "trusted.overlay.redirect", "../d", 4, 0));
  mounted("lowerdir=hand:low:low2");
  struct stat st;
  CHECK(stat("m/bad", &st));
  CHECK(umount2("m", 0));
  return 0;
}

// What the options of overlays do: hard links below that stay together (index=on) or break when one is copied up, where directories may be
// renamed, whose attributes say what is hidden, and the marks that are left in the upper and work directories.
#include "privileged.h"
#include <dirent.h>
#include <sys/xattr.h>

static void area(void) {
  static const char *dirs[] = {"low", "low/d", "low/d/sub", "low/e", "low2", "low2/d", "up", "work", "m", "m2", "up2", "work2"};
  MUST(mount("area", "/tmp/privileged/area", "tmpfs", 0, NULL));
  MUST(chdir("/tmp/privileged/area"));
  for (unsigned i = 0; i < sizeof dirs / sizeof *dirs; i++) MUST(mkdir(dirs[i], 0755));
  put_file("low/one", "one");
  MUST(link("low/one", "low/two"));
  MUST(link("low/one", "low/d/three"));
  put_file("low/single", "single");
  put_file("low/d/x", "x");
  put_file("low2/d/y", "y");
}

static void area_ends(void) {
  MUST(chdir("/tmp/privileged"));
  MUST(umount2("area", MNT_DETACH));
}

static int overlay_at(const char *where, const char *upper, const char *work, const char *more) {
  char data[256];
  snprintf(data, sizeof data, "lowerdir=low:low2,upperdir=%s,workdir=%s%s%s", upper, work, *more ? "," : "", more);
  int result = mount("o", where, "overlay", 0, data);
  printf("mount %s: %s\n", data, result == 0 ? "ok" : strerrorname_np(errno));
  return result;
}

static void shows(const char *path) {
  struct stat st;
  char text[32] = "";
  if (stat(path, &st) != 0) {
    printf("  %s: %s\n", path, strerrorname_np(errno));
    return;
  }
  int fd = open(path, O_RDONLY);
  if (fd >= 0 && read(fd, text, sizeof text - 1) < 0) text[0] = '?';
  close(fd);
  printf("  %s: links %d, %s\n", path, (int)st.st_nlink, text);
}

static void show_links(const char *where) {
  char path[64];
  struct stat a, b, c;
  static const char *names[] = {"one", "two", "d/three", "four"};
  for (int i = 0; i < 4; i++) {
    snprintf(path, sizeof path, "%s/%s", where, names[i]);
    shows(path);
  }
  snprintf(path, sizeof path, "%s/one", where);
  int got = stat(path, &a);
  snprintf(path, sizeof path, "%s/two", where);
  got |= stat(path, &b);
  snprintf(path, sizeof path, "%s/d/three", where);
  got |= stat(path, &c);
  if (got == 0) printf("  same: %d %d\n", a.st_ino == b.st_ino && a.st_dev == b.st_dev, a.st_ino == c.st_ino && a.st_dev == c.st_dev);
}

static int entries(const char *path) {
  DIR *d = opendir(path);
  if (!d) return -1;
  int count = 0;
  for (struct dirent *e; (e = readdir(d));) count += e->d_name[0] != '.';
  closedir(d);
  return count;
}

static void show_text(const char *path, const char *name) {
  char value[256] = "";
  ssize_t n = lgetxattr(path, name, value, sizeof value - 1);
  printf("  %s %s: %s\n", path, name, n < 0 ? strerrorname_np(errno) : value);
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void show_list(const char *path) {
  char list[1000];
  ssize_t n = llistxattr(path, list, sizeof list);
  printf("  %s:", path);
  if (n < 0) printf(" %s", strerrorname_np(errno));
  char *names[30];
  int count = 0;
  for (char *at = list; at < list + n; at += strlen(at) + 1) names[count++] = at;
  qsort(names, count, sizeof *names, by_text);
  for (int i = 0; i < count; i++) printf(" %s", names[i]);
  printf("\n");
}

static void append(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_APPEND);
  if (fd < 0 || write(fd, text, strlen(text)) < 0) report(path, -1);
  close(fd);
}

static void index_entry_attributes(void) {
  DIR *d = opendir("work/index");
  if (!d) return;
  for (struct dirent *e; (e = readdir(d));) {
    if (e->d_name[0] == '.') continue;
    char path[600];
    struct stat st;
    snprintf(path, sizeof path, "work/index/%s", e->d_name);
    stat(path, &st);
    // Linux keeps a whiteout here, of which it makes others.
    if (S_ISCHR(st.st_mode)) continue;
    printf("  index entry: links %d\n", (int)st.st_nlink);
    char value[64] = "";
    ssize_t n = lgetxattr(path, "trusted.overlay.nlink", value, sizeof value - 1);
    printf("  nlink: %s\n", n < 0 ? strerrorname_np(errno) : value);
  }
  closedir(d);
}

static void hard_links(const char *options) {
  printf("-- hard links, %s\n", options);
  area();
  if (overlay_at("m", "up", "work", options) != 0) {
    area_ends();
    return;
  }
  printf("  work: %d, index: %d\n", entries("work"), entries("work/index"));
  show_links("m");
  int before = open("m/two", O_RDONLY);
  append("m/one", "+1");
  char text[32] = "";
  pread(before, text, sizeof text - 1, 0);
  printf("  opened before: %s\n", text);
  close(before);
  show_links("m");
  printf("  index: %d\n", entries("work/index"));
  index_entry_attributes();
  append("m/two", "+2");
  show_links("m");
  show_links("up");
  CHECK(link("m/two", "m/four"));
  show_links("m");
  show_links("up");
  CHECK(unlink("m/one"));
  show_links("m");
  index_entry_attributes();
  MUST(umount2("m", 0));
  printf("  again\n");
  overlay_at("m", "up", "work", options);
  show_links("m");
  append("m/d/three", "+3");
  show_links("m");
  CHECK(rename("m/two", "m/e/moved"));
  shows("m/e/moved");
  CHECK(unlink("m/d/three"));
  CHECK(unlink("m/four"));
  shows("m/e/moved");
  CHECK(unlink("m/e/moved"));
  show_links("m");
  index_entry_attributes();
  MUST(umount2("m", 0));
  area_ends();
}

static void renames(const char *options) {
  printf("-- renames, %s\n", options);
  area();
  if (overlay_at("m", "up", "work", options) == 0) {
    CHECK(rename("m/d", "m/moved"));
    CHECK(rename("m/e", "m/moved-e"));
    CHECK(mkdir("m/new", 0755));
    CHECK(rename("m/new", "m/newer"));
    CHECK(mkdir("m/e/inner", 0755));
    CHECK(syscall(SYS_renameat2, AT_FDCWD, "m/d", AT_FDCWD, "m/newer", 2));
    CHECK(syscall(SYS_renameat2, AT_FDCWD, "m/single", AT_FDCWD, "m/one", 2));
    CHECK(rename("m/one", "m/file"));
    MUST(umount2("m", 0));
    show_list("up/moved");
    show_list("up/newer");
    show_list("up/e/inner");
    show_text("up/moved", "trusted.overlay.redirect");
    // Made by hand: does the overlay follow?
    mkdir("up/hand", 0755);
    MUST(setxattr("up/hand", "trusted.overlay.redirect", "/d/sub", 6, 0));
    MUST(mkdir("up/user", 0755));
    MUST(setxattr("up/user", "user.overlay.redirect", "/d/sub", 6, 0));
    MUST(mkdir("up/e2", 0755));
    MUST(mkdir("low/e2", 0755));
    put_file("low/e2/below", "");
    MUST(setxattr("up/e2", "user.overlay.opaque", "y", 1, 0));
    MUST(mkdir("up/e3", 0755));
    MUST(mkdir("low/e3", 0755));
    put_file("low/e3/below", "");
    MUST(setxattr("up/e3", "trusted.overlay.opaque", "y", 1, 0));
    overlay_at("m", "up", "work", options);
    struct stat st;
    CHECK(stat("m/hand", &st));
    CHECK(stat("m/user", &st));
    CHECK(entries("m/e2"));
    CHECK(entries("m/e3"));
    show_list("m/e2");
    show_list("m/e3");
    CHECK(setxattr("m/single", "trusted.overlay.k", "v", 1, 0));
    CHECK(setxattr("m/single", "trusted.overlay.", "v", 1, 0));
    CHECK(setxattr("m/single", "user.overlay.k", "v", 1, 0));
    CHECK(setxattr("m/single", "user.overlay.overlay.k", "v", 1, 0));
    show_list("m/single");
    show_list("up/single");
    show_text("m/single", "trusted.overlay.k");
    show_text("m/single", "user.overlay.k");
    CHECK(removexattr("m/single", "trusted.overlay.k"));
    CHECK(removexattr("m/single", "trusted.overlay.origin"));
    CHECK(removexattr("m/single", "user.overlay.k"));
    show_list("up/single");
    MUST(umount2("m", 0));
  }
  area_ends();
}

static void marks(const char *options) {
  printf("-- marks, %s\n", options);
  area();
  if (overlay_at("m", "up", "work", options) == 0) {
    append("m/single", "+");
    append("m/d/x", "+");
    struct stat st;
    // What overlayfs has made in its directory.
    static const char *paths[] = {".", "work", "index", "work/incompat", "work/incompat/volatile", "work/incompat/volatile/dirty"};
    int own = MUST(open("work", O_PATH));
    for (int i = 0; i < 6; i++)
      if (fstatat(own, paths[i], &st, 0) == 0) printf("  own %s %o\n", paths[i], st.st_mode);
    close(own);
    MUST(umount2("m", 0));
    show_list("up");
    show_list("up/single");
    show_list("up/d");
    show_list("up/d/x");
    show_list("work");
    show_list("work/work");
    show_list("work/index");
    if (overlay_at("m", "up", "work", options) == 0) {
      // The same directories twice, or crossed.
      overlay_at("m2", "up", "work2", options);
      umount2("m2", 0);
      overlay_at("m2", "up2", "work", options);
      umount2("m2", 0);
      MUST(umount2("m", 0));
    }
    // Other layers below than before.
    MUST(rename("low", "low-old"));
    MUST(mkdir("low", 0755));
    if (overlay_at("m", "up", "work", options) == 0) MUST(umount2("m", 0));
  }
  area_ends();
}

static void remounts(void) {
  printf("-- remounts\n");
  area();
  overlay_at("m", "up", "work", "");
  static const char *again[] = {"", "index=on", "redirect_dir=on", "lowerdir=low", "nosuch", "ro", "upperdir=up", "metacopy=maybe", "volatile"};
  for (int i = 0; i < 9; i++) {
    int result = mount("o", "m", "overlay", MS_REMOUNT, again[i]);
    printf("  remount %s: %s\n", again[i], result == 0 ? "ok" : strerrorname_np(errno));
  }
  CHECK(mkdir("m/made", 0755));
  CHECK(mount("o", "m", "overlay", MS_REMOUNT | MS_RDONLY, ""));
  CHECK(mkdir("m/made2", 0755));
  CHECK(mount("o", "m", "overlay", MS_REMOUNT, ""));
  CHECK(mkdir("m/made2", 0755));
  MUST(umount2("m", 0));
  CHECK(mount("o", "m", "overlay", 0, "lowerdir=low:low2"));
  CHECK(mkdir("m/made", 0755));
  CHECK(mount("o", "m", "overlay", MS_REMOUNT, ""));
  CHECK(mkdir("m/made", 0755));
  MUST(umount2("m", 0));
  area_ends();
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  own_mounts();
  MUST(mkdir("area", 0755));
  static const char *modes[] = {"index=on", "index=off", "index=on,metacopy=on", "index=on,uuid=off", "index=off,userxattr"};
  for (int i = 0; i < 5; i++) hard_links(modes[i]);
  static const char *how[] = {"redirect_dir=on", "", "redirect_dir=follow", "redirect_dir=nofollow", "userxattr"};
  for (int i = 0; i < 5; i++) renames(how[i]);
  static const char *leave[] = {"", "index=on", "volatile", "uuid=off", "uuid=null", "userxattr", "index=on,userxattr"};
  for (int i = 0; i < 7; i++) marks(leave[i]);
  remounts();
  return 0;
}

// acl(5) through system.posix_acl_*: what may be set, who may then do what, mask and chmod, default lists and umask. On tmpfs and overlay.
#include "privileged.h"
#include <grp.h>
#include <sys/xattr.h>

// Only named entries have an id.
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
struct entry { uint16_t tag, perm; uint32_t id; };
struct acl { uint32_t version; struct entry e[12]; };
enum { UO = 1, U = 2, GO = 4, G = 8, M = 16, O = 32 };

static long set(const char *path, const char *kind, int n, struct entry *e) {
  char name[64];
  snprintf(name, sizeof name, "system.posix_acl_%s", kind);
  struct acl a = {2, {{0}}};
  memcpy(a.e, e, n * sizeof *e);
  for (int i = 0; i < n; i++) if (a.e[i].tag != U && a.e[i].tag != G) a.e[i].id = -1;
  return setxattr(path, name, &a, 4 + n * sizeof *e, 0);
}
#define SET(path, kind, ...) \
  ({ struct entry e_[] = {__VA_ARGS__}; set(path, kind, sizeof e_ / sizeof *e_, e_); })

static void show(const char *path) {
  struct stat st;
  MUST(lstat(path, &st));
  printf("%s %o", path, st.st_mode & 07777);
  for (int d = 0; d < 2; d++) {
    struct acl a;
    ssize_t n = getxattr(path, d ? "system.posix_acl_default" : "system.posix_acl_access", &a, sizeof a);
    printf(d ? " default" : " access");
    if (n < 0) printf(" %s", strerrorname_np(errno));
    else for (int i = 0; i < (n - 4) / 8; i++) {
      printf(" %d", a.e[i].tag);
      if (a.e[i].tag == U || a.e[i].tag == G) printf(":%u", a.e[i].id);
      printf("=%d", a.e[i].perm);
    }
  }
  printf("\n");
}

static void as(const char *what, const char *path, int uid, int gid, int extra) {
  fflush(stdout);
  pid_t child = MUST(fork());
  if (child == 0) {
    gid_t g = extra;
    MUST(setgroups(extra ? 1 : 0, &g));
    MUST(setresgid(gid, gid, gid));
    MUST(setresuid(uid, uid, uid));
    printf("%s: %s%s%s\n", what, access(path, R_OK) ? "-" : "r", access(path, W_OK) ? "-" : "w", access(path, X_OK) ? "-" : "x");
    fflush(stdout);
    _exit(0);
  }
  MUST(waitpid(child, NULL, 0));
}

static void everything(void) {
  put_file("f", "x");
  MUST(chown("f", 100, 200));
  MUST(chmod("f", 0640));
  show("f");
  CHECK(SET("f", "access", {UO, 6}, {U, 7, 1000}, {GO, 4}, {G, 3, 2000}, {M, 6}, {O, 0}));
  show("f");
  as("owner", "f", 100, 1, 0);
  as("named user, masked", "f", 1000, 1, 0);
  as("owning group", "f", 5, 200, 0);
  as("named group, masked", "f", 5, 2000, 0);
  as("named group, supplementary", "f", 5, 1, 2000);
  as("both groups", "f", 5, 200, 2000);
  as("others", "f", 5, 1, 0);
  as("root", "f", 0, 0, 0);
  CHECK(chmod("f", 0670));
  show("f");
  as("named user, wider mask", "f", 1000, 1, 0);
  CHECK(chmod("f", 0604));
  show("f");
  as("named user, no mask left", "f", 1000, 1, 0);
  as("others again", "f", 5, 1, 0);
  CHECK(SET("f", "access", {UO, 6}, {GO, 5}, {O, 4}));
  show("f");
  CHECK(SET("f", "access", {UO, 6}, {U, 7, 1000}, {GO, 4}, {M, 5}, {O, 0}));
  CHECK(removexattr("f", "system.posix_acl_access"));
  show("f");
  CHECK(removexattr("f", "system.posix_acl_access"));

  // What is no list.
  CHECK(SET("f", "access", {UO, 6}, {U, 7, 1000}, {GO, 4}, {O, 0}));
  CHECK(SET("f", "access", {GO, 6}, {UO, 4}, {O, 0}));
  CHECK(SET("f", "access", {UO, 6}, {GO, 4}));
  CHECK(SET("f", "access", {UO, 9}, {GO, 4}, {O, 0}));
  CHECK(SET("f", "access", {UO, 6}, {UO, 6}, {GO, 4}, {O, 0}));
  CHECK(SET("f", "access", {UO, 6}, {GO, 4}, {O, 0}, {64, 0}));
  CHECK(SET("f", "access", {UO, 6}, {U, 6, -1}, {GO, 4}, {M, 4}, {O, 0}));
  CHECK(SET("f", "access", {UO, 6}, {U, 6, 7}, {U, 6, 7}, {GO, 4}, {M, 4}, {O, 0}));
  struct acl wrong = {1, {{0}}};
  CHECK(setxattr("f", "system.posix_acl_access", &wrong, 4, 0));
  wrong.version = 2;
  CHECK(setxattr("f", "system.posix_acl_access", &wrong, 3, 0));
  CHECK(setxattr("f", "system.posix_acl_access", &wrong, 7, 0));
  CHECK(setxattr("f", "system.posix_acl_access", &wrong, 4, 0));
  CHECK(setxattr("f", "system.posix_acl_nonsense", &wrong, 4, 0));
  CHECK(SET("f", "default", {UO, 6}, {GO, 4}, {O, 0}));
  CHECK(removexattr("f", "system.posix_acl_default"));
  MUST(symlink("f", "link"));
  CHECK(lsetxattr("link", "system.posix_acl_access", &wrong, 4, 0));
  CHECK(lgetxattr("link", "system.posix_acl_access", NULL, 0));
  CHECK(getxattr("f", "system.posix_acl_default", NULL, 0));
  IN_CHILD("somebody else", {
    MUST(setresuid(1000, 1000, 1000));
    CHECK(SET("f", "access", {UO, 6}, {U, 7, 1000}, {GO, 4}, {M, 5}, {O, 0}));
    CHECK(removexattr("f", "system.posix_acl_access"));
  });

  // Set-group-ID goes when the caller is not in the group.
  MUST(chmod("f", 02755));
  IN_CHILD("owner out of the group", {
    MUST(setgroups(0, NULL));
    MUST(setresgid(1, 1, 1));
    MUST(setresuid(100, 100, 100));
    CHECK(SET("f", "access", {UO, 7}, {U, 7, 1000}, {GO, 5}, {M, 7}, {O, 5}));
    show("f");
  });

  // Directories: search through a list, default lists, umask.
  MUST(mkdir("d", 0700));
  put_file("d/in", "x");
  as("closed directory", "d/in", 1000, 1, 0);
  CHECK(SET("d", "access", {UO, 7}, {U, 1, 1000}, {GO, 0}, {M, 1}, {O, 0}));
  as("search for a named user", "d/in", 1000, 1, 0);
  as("not for another", "d/in", 1001, 1, 0);
  CHECK(SET("d", "default", {UO, 7}, {U, 7, 1000}, {GO, 5}, {G, 6, 2000}, {M, 7}, {O, 1}));
  show("d");
  umask(077);
  close(MUST(open("d/file", O_CREAT | O_RDWR, 0664)));
  show("d/file");
  close(MUST(open("d/private", O_CREAT | O_RDWR, 0600)));
  show("d/private");
  MUST(mkdir("d/sub", 0777));
  show("d/sub");
  MUST(mkdir("d/sub/deeper", 0750));
  show("d/sub/deeper");
  MUST(mkfifo("d/fifo", 0666));
  show("d/fifo");
  MUST(symlink("x", "d/link"));
  struct stat st;
  MUST(lstat("d/link", &st));
  printf("link %o\n", st.st_mode & 0777);
  CHECK(SET("d", "default", {UO, 7}, {GO, 5}, {O, 0}));
  close(MUST(open("d/minimal", O_CREAT | O_RDWR, 0666)));
  show("d/minimal");
  int t = MUST(open("d", O_TMPFILE | O_RDWR, 0666));
  MUST(fstat(t, &st));
  printf("tmpfile %o\n", st.st_mode & 0777);
  close(t);
  CHECK(removexattr("d", "system.posix_acl_default"));
  close(MUST(open("d/masked", O_CREAT | O_RDWR, 0666)));
  show("d/masked");
  umask(022);
  char list[256];
  ssize_t n = MUST(listxattr("d/file", list, sizeof list));
  for (char *p = list; p < list + n; p += strlen(p) + 1) printf("name %s\n", p);
  MUST(rename("d/file", "moved"));
  show("moved");
  MUST(link("moved", "linked"));
  show("linked");
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  own_mounts();
  MUST(chmod(".", 0755));
  everything();
  puts("-- overlay");
  for (const char *const *d = (const char *const[]){"/tmp/privileged/low", "/tmp/privileged/up", "/tmp/privileged/work", "/tmp/privileged/o", NULL}; *d; d++) MUST(mkdir(*d, 0755));
  put_file("low/below", "x");
  CHECK(SET("low/below", "access", {UO, 6}, {U, 4, 1000}, {GO, 0}, {M, 4}, {O, 0}));
  MUST(mount("o", "o", "overlay", 0, "lowerdir=/tmp/privileged/low,upperdir=/tmp/privileged/up,workdir=/tmp/privileged/work"));
  MUST(chdir("o"));
  show("below");
  as("a list of the lower layer", "below", 1000, 1, 0);
  MUST(chmod("below", 0660));
  show("below");
  as("copied up", "below", 1000, 1, 0);
  everything();
  return 0;
}

// mount, umount2, pivot_root: filesystems, bind mounts, moves, remounts, propagation, expiry, and what they refuse.
#include "privileged.h"

static int pivot(const char *a, const char *b) { return syscall(SYS_pivot_root, a, b); }

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

// The fields of mountinfo that do not differ between runs: path below here, options, propagation kinds, type, super options. Sorted,
// because the order is that of ids only since Linux 6.8.
static void show(const char *what) {
  printf("-- %s\n", what);
  FILE *f = fopen("/proc/self/mountinfo", "r");
  char line[1024], path[256], options[256], root[256], *lines[256];
  int count = 0;
  while (fgets(line, sizeof line, f)) {
    int at = 0;
    if (sscanf(line, "%*d %*d %*s %255s %255s %255s %n", root, path, options, &at) < 3) continue;
    if (strncmp(path, "/tmp/privileged", 15) != 0) continue;
    char *sep = strstr(line + at, "- ");
    bool shared = strstr(line + at, "shared:") && strstr(line + at, "shared:") < sep;
    bool slave = strstr(line + at, "master:") && strstr(line + at, "master:") < sep;
    bool unbindable = strstr(line + at, "unbindable") && strstr(line + at, "unbindable") < sep;
    char type[64], source[64];
    sscanf(sep, "- %63s %63s", type, source);
    if (asprintf(&lines[count++], "%s root %s %s%s%s%s %s %s", path + 15, root, options, shared ? " shared" : "", slave ? " slave" : "", unbindable ? " unbindable" : "", type, source) < 0) abort();
  }
  fclose(f);
  qsort(lines, count, sizeof *lines, by_text);
  for (int i = 0; i < count; i++) puts(lines[i]);
}

static long free_blocks(const char *path, long *total, long *files) {
  struct { long type, bsize, blocks, bfree, bavail, files, ffree; long rest[20]; } s;
  MUST(syscall(SYS_statfs, path, &s));
  *total = s.blocks;
  *files = s.files;
  return s.bfree;
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  own_mounts();
  for (const char *const *d = (const char *const[]){"a", "b", "c", "d", "a/x", NULL}; *d; d++) MUST(mkdir(*d, 0755));
  put_file("file", "x");
  CHECK(mount("none", "a", "nosuchfs", 0, NULL));
  CHECK(mount("none", "a", NULL, 0, NULL));
  CHECK(mount("none", "nowhere", "tmpfs", 0, NULL));
  CHECK(mount("none", "file", "tmpfs", 0, NULL));
  CHECK(mount("none", "a", "tmpfs", 0, "size=nonsense"));
  CHECK(mount("none", "a", "tmpfs", 0, "nosuch=1"));
  CHECK(mount("none", "a", "tmpfs", 0, (void *)8));
  CHECK(mount("limited", "a", "tmpfs", MS_NOSUID | MS_NODEV, "size=64k,nr_inodes=5,mode=0750,uid=3,gid=4"));
  struct stat st;
  MUST(stat("a", &st));
  printf("%o %d %d\n", st.st_mode & 07777, st.st_uid, st.st_gid);
  long total, files;
  free_blocks("a", &total, &files);
  printf("blocks %ld inodes %ld\n", total, files);
  char big[65536] = "";
  int fd = MUST(open("a/one", O_CREAT | O_RDWR, 0644));
  CHECK(write(fd, big, sizeof big));
  CHECK(write(fd, big, 1));
  CHECK(ftruncate(fd, 0));
  CHECK(mkdir("a/two", 0755));
  CHECK(mkdir("a/three", 0755));
  CHECK(mkdir("a/four", 0755));
  CHECK(mkdir("a/five", 0755));
  CHECK(mount(NULL, "a", NULL, MS_REMOUNT, "nr_inodes=7"));
  CHECK(mkdir("a/five", 0755));
  CHECK(mount(NULL, "a", NULL, MS_REMOUNT, "nr_inodes=2"));
  CHECK(mount(NULL, "a", NULL, MS_REMOUNT, "size=4k"));
  show("limited");
  CHECK(umount2("a", 0));
  close(fd);
  CHECK(umount2("a", MNT_FORCE | 0x100));
  CHECK(umount2("a", MNT_EXPIRE | MNT_DETACH));
  CHECK(umount2("a", MNT_EXPIRE));
  CHECK(umount2("a", MNT_EXPIRE));
  CHECK(umount2("a", 0));
  CHECK(umount2("nowhere", 0));
  CHECK(umount2("file", 0));

  // Bind mounts.
  put_file("a/x/inner", "inner");
  CHECK(mount("a", "b", NULL, MS_BIND, NULL));
  CHECK(access("b/x/inner", F_OK));
  CHECK(mount("sub", "b/x", "tmpfs", 0, NULL));
  CHECK(access("a/x/inner", F_OK));
  CHECK(access("b/x/inner", F_OK));
  CHECK(mount("b", "c", NULL, MS_BIND, NULL));
  CHECK(access("c/x/inner", F_OK));
  CHECK(umount2("c", 0));
  CHECK(mount("b", "c", NULL, MS_BIND | MS_REC, NULL));
  CHECK(access("c/x/inner", F_OK));
  CHECK(mount(NULL, "c", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOEXEC, NULL));
  CHECK(open("c/new", O_CREAT | O_RDWR, 0644));
  CHECK(open("a/new", O_CREAT | O_RDWR, 0644) >= 0);
  CHECK(unlink("c/new"));
  CHECK(rename("c/new", "c/other"));
  CHECK(link("c/new", "c/other"));
  CHECK(link("a/new", "b/hard"));
  CHECK(rename("a/new", "b/moved"));
  CHECK(chmod("c/new", 0600));
  CHECK(rmdir("b/x"));
  CHECK(rename("b/x", "b/y"));
  CHECK(rmdir("a/x"));
  CHECK(mount("file", "d", NULL, MS_BIND, NULL));
  CHECK(mount("a/x/inner", "file", NULL, MS_BIND, NULL));
  CHECK(mount("a/x", "file", NULL, MS_BIND, NULL));
  show("binds");
  CHECK(umount2("file", 0));
  CHECK(mount("c", "d", NULL, MS_MOVE, NULL));
  CHECK(mount("d", "d/x", NULL, MS_MOVE, NULL));
  CHECK(mount("a", "d/x", NULL, MS_MOVE, NULL));
  show("moved");
  CHECK(umount2("d", 0));
  CHECK(umount2("d", MNT_DETACH));
  CHECK(umount2("b", MNT_DETACH));

  // Stacking, and a busy mount that is detached lives on.
  CHECK(mount("lower", "a", "tmpfs", 0, NULL));
  put_file("a/lower", "x");
  CHECK(mount("upper", "a", "tmpfs", 0, NULL));
  CHECK(access("a/lower", F_OK));
  fd = MUST(open("a", O_RDONLY | O_DIRECTORY));
  CHECK(umount2("a", 0));
  CHECK(umount2("a", MNT_DETACH));
  CHECK(access("a/lower", F_OK));
  int in = openat(fd, "still", O_CREAT | O_RDWR, 0644);
  TRUE(in >= 0);
  CHECK(write(in, "here", 4));
  CHECK(openat(fd, "..", O_RDONLY) >= 0);
  close(in);
  close(fd);
  MUST(symlink("a", "alias"));
  CHECK(umount2("alias", UMOUNT_NOFOLLOW));
  CHECK(umount2("alias", 0));

  // Propagation.
  CHECK(mount("peer", "a", "tmpfs", 0, NULL));
  MUST(mkdir("a/m", 0755));
  MUST(mkdir("a/n", 0755));
  CHECK(mount(NULL, "a", NULL, MS_SHARED | MS_PRIVATE, NULL));
  CHECK(mount(NULL, "a/m", NULL, MS_SHARED, NULL));
  CHECK(mount(NULL, "a", NULL, MS_SHARED, NULL));
  CHECK(mount("a", "b", NULL, MS_BIND, NULL));
  CHECK(mount("a", "c", NULL, MS_BIND, NULL));
  CHECK(mount(NULL, "c", NULL, MS_SLAVE, NULL));
  CHECK(mount("spread", "a/m", "tmpfs", 0, NULL));
  show("spread to the peer and the slave");
  CHECK(mount("own", "c/n", "tmpfs", 0, NULL));
  show("a slave keeps its own");
  CHECK(umount2("b/m", 0));
  show("umount spreads too");
  CHECK(mount(NULL, "c", NULL, MS_SHARED, NULL));
  CHECK(mount("c", "d", NULL, MS_BIND, NULL));
  CHECK(mount("deep", "b/m", "tmpfs", 0, NULL));
  show("slave and shared");
  CHECK(mount("a", "b/n", NULL, MS_MOVE, NULL));
  CHECK(mount("b/m", "/tmp/privileged/alias", NULL, MS_MOVE, NULL));
  CHECK(mount(NULL, "a", NULL, MS_PRIVATE | MS_REC, NULL));
  CHECK(mount(NULL, "b", NULL, MS_PRIVATE | MS_REC, NULL));
  show("private again");
  CHECK(mount(NULL, "c", NULL, MS_UNBINDABLE, NULL));
  CHECK(mount("c", "d", NULL, MS_BIND, NULL));
  show("unbindable");
  for (const char *const *d = (const char *const[]){"d", "c", "b", "a", NULL}; *d; d++) CHECK(umount2(*d, MNT_DETACH));
  show("clean");

  // Kernel filesystems.
  CHECK(mount("p", "a", "proc", 0, NULL));
  CHECK(access("a/self/stat", F_OK));
  CHECK(umount2("a", 0));
  CHECK(mount("d", "a", "devpts", 0, "newinstance,ptmxmode=0666,mode=620,gid=5"));
  CHECK(access("a/ptmx", F_OK));
  CHECK(umount2("a", 0));
  CHECK(mount("s", "a", "sysfs", 0, NULL));
  CHECK(access("a/devices/system/cpu/online", F_OK));
  CHECK(umount2("a", 0));
  CHECK(mount("q", "a", "mqueue", 0, NULL));
  CHECK(umount2("a", 0));
  MUST(mkdir("low", 0755));
  MUST(mkdir("low2", 0755));
  MUST(mkdir("up", 0755));
  MUST(mkdir("work", 0755));
  put_file("low/both", "low");
  put_file("low2/both", "low2");
  put_file("low2/second", "low2");
  CHECK(mount("o", "a", "overlay", 0, "lowerdir=low:low2,upperdir=up,workdir=work"));
  char text[8] = "";
  fd = MUST(open("a/both", O_RDONLY));
  CHECK(read(fd, text, 7));
  puts(text);
  close(fd);
  put_file("a/both", "changed");
  CHECK(unlink("a/second"));
  CHECK(access("up/both", F_OK));
  CHECK(access("low2/second", F_OK));
  CHECK(umount2("a", 0));
  CHECK(mount("o", "a", "overlay", 0, "lowerdir=low:low2"));
  CHECK(open("a/new", O_CREAT | O_RDWR, 0644));
  CHECK(umount2("a", 0));
  CHECK(mount("o", "a", "overlay", 0, "upperdir=up,workdir=work"));
  CHECK(mount("o", "a", "overlay", 0, "lowerdir=nowhere"));

  // pivot_root: everybody whose root or working directory was the old root moves along.
  CHECK(pivot("nowhere", "nowhere"));
  CHECK(pivot("b", "b"));
  CHECK(mount("newroot", "b", "tmpfs", 0, NULL));
  MUST(mkdir("b/old", 0755));
  CHECK(pivot("b", "c"));
  CHECK(pivot("b", "file"));
  int go[2], back[2];
  MUST(pipe(go));
  MUST(pipe(back));
  fflush(stdout);
  pid_t other = MUST(fork());
  char c = 0;
  if (other == 0) {
    MUST(chdir("/"));
    MUST(write(back[1], "r", 1));
    MUST(read(go[0], &c, 1));
    struct stat here, root, old;
    MUST(stat(".", &here));
    MUST(stat("/", &root));
    MUST(stat("/old", &old));
    TRUE(here.st_dev == root.st_dev && here.st_ino == root.st_ino);
    TRUE(root.st_dev != old.st_dev);
    TRUE(access("/old/tmp/privileged/up/both", F_OK) == 0);
    fflush(stdout);
    _exit(0);
  }
  MUST(read(back[0], &c, 1));
  CHECK(pivot("b", "b/old"));
  MUST(write(go[1], "g", 1));
  int status;
  MUST(waitpid(other, &status, 0));
  print_status("other", status);
  CHECK(chdir("/"));
  CHECK(access("/old/tmp/privileged/up/both", F_OK));
  CHECK(umount2("/old", MNT_DETACH));
  CHECK(access("/old/tmp", F_OK));
  IN_CHILD("without rights", {
    MUST(setresuid(65534, 65534, 65534));
    CHECK(mount("x", "/old", "tmpfs", 0, NULL));
    CHECK(umount2("/old", 0));
    CHECK(pivot("/old", "/old"));
  });
  return 0;
}

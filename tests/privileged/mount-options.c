// Options and flags of mount(2): what tmpfs takes, what a filesystem shows in /proc/self/mountinfo and /proc/self/mounts, and what a remount changes.
#include "privileged.h"

static void show(void) {
  char line[1000];
  FILE *f = fopen("/proc/self/mountinfo", "r");
  while (fgets(line, sizeof line, f)) {
    char *at = strstr(line, "/privileged/m ");
    if (at) printf("  %s", at + 14);
  }
  fclose(f);
  f = fopen("/proc/self/mounts", "r");
  while (fgets(line, sizeof line, f)) {
    char *at = strstr(line, "/privileged/m ");
    if (at) printf("  %s", at + 14);
  }
  fclose(f);
}

static void attempt(unsigned long flags, const char *options) {
  int result = mount("src", "m", "tmpfs", flags, options);
  printf("%lx %s: %s\n", flags, options, result == 0 ? "ok" : strerrorname_np(errno));
  if (result != 0) return;
  show();
  struct stat st;
  if (stat("m", &st) == 0) printf("  %o %d %d\n", st.st_mode, st.st_uid, st.st_gid);
  umount("m");
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  own_mounts();
  MUST(mkdir("m", 0755));
  static const char *const options[] = {
      "", "mode=755", "mode=1777", "mode=0", "mode=4755", "mode=0755", "mode=17777", "uid=5", "gid=6", "uid=5,gid=6,mode=700", "size=1m", "size=0", "nr_inodes=10", "nr_inodes=0", "nr_blocks=5",
      "huge=never", "huge=always", "huge=advise", "huge=within_size", "huge=bad", "mpol=default", "mpol=bad", "inode64", "inode32", "noswap", "mode=888", "mode=", "uid=", "uid=x", "uid=1k",
      "uid=4294967295", "gid=4294967295", "size=", "size=x", "size=1x", "size=1k", "size=5000", "nr_inodes=-1", "swap", "size=1g,nr_inodes=1k", "size=1m,size=2m", "ro", "rw", "sync", "dirsync",
      "lazytime", "ro,size=1m", "nosuch", "nosuch=1", "noswap,huge=never", "mode=700,uid=1,gid=2,size=1m,nr_inodes=20,noswap,huge=always,inode64"};
  for (unsigned i = 0; i < sizeof options / sizeof *options; i++) attempt(0, options[i]);
  for (int bit = 0; bit < 32; bit++) {
    unsigned long flag = 1ul << bit;
    // Those that do something else.
    if (flag & (MS_REMOUNT | MS_BIND | MS_MOVE | MS_SHARED | MS_SLAVE | MS_PRIVATE | MS_UNBINDABLE)) continue;
    attempt(flag, "");
  }
  attempt(MS_NOATIME | MS_STRICTATIME, "");
  attempt(MS_NOATIME | MS_RELATIME, "");
  attempt(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_SYNCHRONOUS, "size=64k");
  static const char *const again[] = {"", "size=2m", "mode=700", "uid=3", "nosuch", "ro", "nr_inodes=100", "size=4k", "noswap", "inode32"};
  MUST(mount("src", "m", "tmpfs", 0, "size=1m,mode=711"));
  for (unsigned i = 0; i < sizeof again / sizeof *again; i++) {
    int result = mount(NULL, "m", NULL, MS_REMOUNT, again[i]);
    printf("remount %s: %s\n", again[i], result == 0 ? "ok" : strerrorname_np(errno));
    show();
  }
  MUST(umount("m"));
  CHECK(mount("src", "m", NULL, 0, ""));
  CHECK(mount("src", "m", "", 0, ""));
  CHECK(mount("src", "m", "nosuch", 0, ""));
  return 0;
}

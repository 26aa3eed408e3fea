// /dev nodes and /proc/self: what reads, writes and links give.
#include "../guest.h"
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <termios.h>

static void node(const char *path) {
  struct stat st;
  if (stat(path, &st) != 0) printf("%s: %s\n", path, strerrorname_np(errno));
  else printf("%s: %o %u:%u\n", path, st.st_mode, major(st.st_rdev), minor(st.st_rdev));
}

static void devices(void) {
  char buf[64];
  node("/dev/null"), node("/dev/zero"), node("/dev/full"), node("/dev/random"), node("/dev/urandom"), node("/dev/tty");
  int fd = MUST(open("/dev/null", O_RDWR));
  CHECK(read(fd, buf, 10));
  CHECK(write(fd, buf, 10));
  CHECK(lseek(fd, 100, SEEK_SET));
  CHECK(ftruncate(fd, 0));
  CHECK(ioctl(fd, TCGETS, buf));
  CHECK(isatty(fd));
  CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0));
  OK(open("/dev/null", O_WRONLY | O_TRUNC | O_CREAT, 0600));
  CHECK(open("/dev/null", O_RDONLY | O_DIRECTORY));
  CHECK(open("/dev/null/x", O_RDONLY));
  fd = MUST(open("/dev/zero", O_RDWR));
  memset(buf, 1, sizeof buf);
  CHECK(read(fd, buf, 64));
  TRUE(buf[0] == 0 && buf[63] == 0);
  CHECK(write(fd, buf, 64));
  fd = MUST(open("/dev/full", O_RDWR));
  CHECK(read(fd, buf, 5));
  CHECK(write(fd, buf, 5));
  CHECK(write(fd, buf, 0));
  fd = MUST(open("/dev/urandom", O_RDWR));
  char other[64];
  CHECK(read(fd, buf, 64));
  CHECK(read(fd, other, 64));
  TRUE(memcmp(buf, other, 64) != 0);
  CHECK(syscall(SYS_getrandom, buf, 64, 0));
  CHECK(syscall(SYS_getrandom, buf, 64, 0x100));
  CHECK(open("/dev/none", O_RDONLY));
  CHECK(readlink("/dev/fd", buf, 64));
  CHECK(readlink("/dev/stdin", buf, 64));
}

static void self(void) {
  char buf[4096], path[64], name[64];
  long n = readlink("/proc/self", buf, sizeof buf - 1);
  buf[n] = 0;
  TRUE(atoi(buf) == getpid());
  OK(readlink("/proc/self/exe", buf, sizeof buf));
  n = readlink("/proc/self/cwd", buf, sizeof buf - 1);
  buf[n] = 0;
  TRUE(strcmp(buf, scratch_path) == 0);
  n = readlink("/proc/self/root", buf, sizeof buf - 1);
  buf[n] = 0;
  TRUE(strcmp(buf, "/") == 0);
  put_file("target", "text");
  int fd = MUST(open("target", O_RDONLY));
  sprintf(path, "/proc/self/fd/%d", fd);
  n = readlink(path, buf, sizeof buf - 1);
  buf[n] = 0;
  snprintf(name, sizeof name, "%.40s/target", scratch_path);
  TRUE(strcmp(buf, name) == 0);
  int again = MUST(open(path, O_RDONLY));
  CHECK(lseek(fd, 2, SEEK_SET));
  CHECK(lseek(again, 0, SEEK_CUR));
  unlink("target");
  n = readlink(path, buf, sizeof buf - 1);
  buf[n] = 0;
  TRUE(strstr(buf, " (deleted)") != NULL);
  OK(open(path, O_RDWR));
  int p[2];
  MUST(pipe(p));
  sprintf(path, "/proc/self/fd/%d", p[0]);
  n = readlink(path, buf, sizeof buf - 1);
  buf[n] = 0;
  TRUE(strncmp(buf, "pipe:[", 6) == 0);
  CHECK(readlink("/proc/self/fd/999", buf, 10));
  CHECK(open("/proc/self/none", O_RDONLY));
  CHECK(open("/proc/999999", O_RDONLY));
  CHECK(mkdir("/proc/x", 0700));
  CHECK(unlink("/proc/self/maps"));
}

static void contents(void) {
  static char buf[65536];
  static const char *keys[] = {"Name:", "State:", "Tgid:", "Pid:", "PPid:", "Uid:", "Gid:", "FDSize:", "VmRSS:", "Threads:", "SigQ:", "SigPnd:", "SigBlk:", "SigIgn:", "SigCgt:", "CapEff:", "NoNewPrivs:", "Seccomp:"};
  FILE *f = fopen("/proc/self/status", "r");
  int found = 0;
  while (f && fgets(buf, sizeof buf, f))
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) found += strncmp(buf, keys[i], strlen(keys[i])) == 0;
  printf("status keys %d of %zu\n", found, sizeof keys / sizeof *keys);
  char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(p + PAGE, PAGE, PROT_READ);
  f = fopen("/proc/self/maps", "r");
  bool stack = false, heap = false, page = false;
  free(malloc(10));
  while (f && fgets(buf, sizeof buf, f)) {
    unsigned long start, end;
    char perms[8];
    if (sscanf(buf, "%lx-%lx %4s", &start, &end, perms) != 3) printf("odd line %s", buf);
    stack |= strstr(buf, "[stack]") != NULL;
    heap |= strstr(buf, "[heap]") != NULL;
    page |= start == (unsigned long)p + PAGE && strcmp(perms, "r--p") == 0;
  }
  printf("maps: stack %d heap %d protected page %d\n", stack, heap, page);
  int fd = open("/proc/self/stat", O_RDONLY);
  long n = read(fd, buf, sizeof buf - 1);
  buf[n] = 0;
  int pid, ppid, fields = 0;
  char state;
  TRUE(sscanf(buf, "%d (%*[^)]) %c %d", &pid, &state, &ppid) == 3 && pid == getpid() && ppid == getppid() && state == 'R');
  for (char *c = strrchr(buf, ')'); *c; c++) fields += *c == ' ';
  printf("fields after comm %d\n", fields);
  fd = open("/proc/self/cmdline", O_RDONLY);
  n = read(fd, buf, sizeof buf);
  TRUE(n > 0 && buf[n - 1] == 0);
  fd = open("/proc/self/environ", O_RDONLY);
  n = read(fd, buf, sizeof buf);
  TRUE(n > 0 && memmem(buf, n, "TERM=dumb", 9) != NULL);
  static const char *files[] = {"/proc/meminfo", "/proc/cpuinfo", "/proc/uptime", "/proc/loadavg", "/proc/stat", "/proc/version", "/proc/filesystems", "/proc/mounts", "/proc/self/mountinfo", "/proc/self/limits", "/proc/self/statm", "/proc/sys/kernel/ostype", "/proc/sys/kernel/pid_max", "/proc/self/oom_score_adj", "/proc/self/cgroup", "/proc/self/auxv"};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    fd = open(files[i], O_RDONLY);
    printf("%s readable %d\n", files[i], fd >= 0 && read(fd, buf, sizeof buf) > 0);
    close(fd);
  }
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  scratch();
  devices();
  self();
  contents();
  return 0;
}

// The files of namespaces (namespaces(7), ioctl_ns(2)): /proc/PID/ns/*, what they are, what leads to them, and setns(2) to where one is.
#include "../guest.h"
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>

static const char *const NAMES[] = {"cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time", "time_for_children", "user", "uts"};
static const int FLAGS[] = {CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWPID, CLONE_NEWPID, 0x80, 0x80, CLONE_NEWUSER, CLONE_NEWUTS};

// A container's root may have fewer capabilities than the sandbox's: neither has any here.
static void without_capabilities(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
  MUST(syscall(SYS_capset, &header, none));
}

static void each(int i) {
  char path[64], text[64], expected[64];
  struct stat st, again, link;
  printf("%s\n", NAMES[i]);
  sprintf(path, "/proc/self/ns/%s", NAMES[i]);
  ssize_t n = MUST(readlink(path, text, sizeof text - 1));
  text[n] = 0;
  MUST(stat(path, &st));
  sprintf(expected, "%.*s:[%lu]", (int)strcspn(NAMES[i], "_"), NAMES[i], (unsigned long)st.st_ino);
  TRUE(strcmp(text, expected) == 0);
  printf("mode %o links %ld size %ld uid %d\n", st.st_mode, (long)st.st_nlink, (long)st.st_size, st.st_uid);
  MUST(lstat(path, &link));
  printf("link mode %o\n", link.st_mode);
  int fd = MUST(open(path, O_RDONLY));
  MUST(fstat(fd, &again));
  TRUE(again.st_ino == st.st_ino && again.st_dev == st.st_dev);
  struct statfs fs;
  MUST(fstatfs(fd, &fs));
  printf("type %lx\n", (long)fs.f_type);
  sprintf(path, "/proc/self/fd/%d", fd);
  n = MUST(readlink(path, text, sizeof text - 1));
  text[n] = 0;
  TRUE(strcmp(text, expected) == 0);
  int other = MUST(open(path, O_RDONLY));
  close(other);
  CHECK(lseek(fd, 0, SEEK_SET));
  CHECK(read(fd, text, 1));
  CHECK(fchmod(fd, 0644) == 0);
  TRUE(ioctl(fd, NS_GET_NSTYPE) == FLAGS[i]);
  CHECK(ioctl(fd, 0x5401, text));
  CHECK(syscall(SYS_setns, fd, CLONE_NEWIPC | CLONE_NEWNET));
  CHECK(syscall(SYS_setns, fd, 1));
  CHECK(syscall(SYS_setns, fd, FLAGS[i]));
  CHECK(syscall(SYS_setns, fd, 0));
  close(fd);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  scratch();
  without_capabilities();
  for (int i = 0; i < 10; i++) each(i);
  struct stat mine, theirs;
  pid_t pid = MUST(fork());
  if (pid == 0) {
    pause();
    _exit(0);
  }
  char path[64];
  sprintf(path, "/proc/%d/ns/net", pid);
  MUST(stat(path, &theirs));
  MUST(stat("/proc/thread-self/ns/net", &mine));
  TRUE(mine.st_ino == theirs.st_ino);
  int user = MUST(open("/proc/self/ns/user", O_RDONLY)), uts = MUST(open("/proc/self/ns/uts", O_RDONLY));
  CHECK(ioctl(uts, NS_GET_PARENT));
  CHECK(ioctl(uts, NS_GET_OWNER_UID, &pid));
  (void)user;
  int process = MUST(syscall(SYS_pidfd_open, pid, 0));
  CHECK(syscall(SYS_setns, process, 0));
  CHECK(syscall(SYS_setns, process, 1));
  CHECK(syscall(SYS_setns, process, CLONE_NEWUTS | CLONE_NEWIPC));
  CHECK(syscall(SYS_setns, 0, 0));
  CHECK(syscall(SYS_setns, 99, 0));
  CHECK(open("/proc/self/ns/nothing", O_RDONLY));
  CHECK(open("/proc/self/ns/uts", O_RDWR));
  CHECK(open("/proc/self/ns/uts", O_RDONLY | O_NOFOLLOW));
  kill(pid, SIGKILL);
  wait(NULL);
  return 0;
}

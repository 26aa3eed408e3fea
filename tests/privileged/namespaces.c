// setns(2) to the namespaces that one is in, with the rights to; and what the files of pidfd_open(2) and fanotify_init(2) are.
#include "privileged.h"
#include <sys/fanotify.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

static void enter(const char *name) {
  char path[64], cwd[256];
  sprintf(path, "/proc/self/ns/%s", name);
  MUST(chdir("/tmp/privileged"));
  int fd = MUST(open(path, O_RDONLY));
  printf("%s: ", name);
  report("setns", setns(fd, 0));
  printf("cwd %s\n", getcwd(cwd, sizeof cwd));
  close(fd);
}

static void describe(const char *name, int fd) {
  struct stat st;
  struct statfs fs;
  char path[64], text[64] = "";
  MUST(fstat(fd, &st));
  MUST(fstatfs(fd, &fs));
  sprintf(path, "/proc/self/fd/%d", fd);
  MUST(readlink(path, text, sizeof text - 1));
  printf("%s: mode %o type %lx link %s\n", name, st.st_mode, (long)fs.f_type, text);
  CHECK(lseek(fd, 1, SEEK_SET));
  CHECK(lseek(fd, 1, 9));
  CHECK(fchmod(fd, 0600));
  CHECK(open(path, O_RDONLY) >= 0);
  close(fd);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  own_mounts();
  static const char *const NAMES[] = {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"};
  for (int i = 0; i < 8; i++) enter(NAMES[i]);
  int process = MUST(syscall(SYS_pidfd_open, getpid(), 0));
  CHECK(setns(process, CLONE_NEWUTS | CLONE_NEWNET));
  CHECK(setns(process, CLONE_NEWUSER));
  CHECK(setns(process, CLONE_NEWNS));
  describe("pidfd", process);
  describe("fanotify", MUST(fanotify_init(FAN_CLASS_NOTIF, O_RDONLY)));
  return 0;
}

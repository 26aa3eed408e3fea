// What of /proc/PID another process may see (proc(5), ptrace(2) "access mode checking"): links and files of a process that forbids it
// by PR_SET_DUMPABLE, and of another user's process; what stays open to everybody.
#include "../guest.h"
#include <dirent.h>
#include <linux/capability.h>
#include <sys/prctl.h>

static const char *const LINKS[] = {"exe", "cwd", "root", "ns/mnt", "ns/pid", "fd/0"};
static const char *const FILES[] = {"auxv", "cmdline", "comm", "environ", "limits", "maps", "mem", "mountinfo", "mounts", "numa_maps", "pagemap",
                                    "smaps", "smaps_rollup", "stat", "statm", "status", "oom_score", "personality", "cwd/.", "root/.", "exe"};
static const char *const FOLDERS[] = {"fd", "fdinfo", "ns", "task"};

static void look(const char *who, pid_t pid) {
  char path[64], text[256];
  for (unsigned i = 0; i < sizeof LINKS / sizeof *LINKS; i++) {
    sprintf(path, "/proc/%d/%s", pid, LINKS[i]);
    ssize_t n = readlink(path, text, sizeof text);
    printf("%s readlink %s: %s\n", who, LINKS[i], n < 0 ? strerrorname_np(errno) : "ok");
    struct stat st;
    printf("%s stat %s: %s\n", who, LINKS[i], stat(path, &st) < 0 ? strerrorname_np(errno) : "ok");
  }
  for (unsigned i = 0; i < sizeof FILES / sizeof *FILES; i++) {
    sprintf(path, "/proc/%d/%s", pid, FILES[i]);
    int fd = open(path, O_RDONLY);
    printf("%s open %s: %s\n", who, FILES[i], fd < 0 ? strerrorname_np(errno) : "ok");
    if (fd >= 0) close(fd);
  }
  for (unsigned i = 0; i < sizeof FOLDERS / sizeof *FOLDERS; i++) {
    sprintf(path, "/proc/%d/%s", pid, FOLDERS[i]);
    DIR *folder = opendir(path);
    printf("%s opendir %s: %s\n", who, FOLDERS[i], folder == NULL ? strerrorname_np(errno) : "ok");
    if (folder) closedir(folder);
  }
}

// A container's root may not trace whom it likes; the sandbox's neither here. Before there are others, who must have no more.
static void without_tracing(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  MUST(syscall(SYS_capget, &header, data));
  unsigned kept = 1u << CAP_SETUID | 1u << CAP_SETGID | 1u << CAP_KILL;
  for (int i = 0; i < 2; i++) {
    data[i].effective &= i ? 0 : kept;
    data[i].permitted &= i ? 0 : kept;
    data[i].inheritable = 0;
  }
  MUST(syscall(SYS_capset, &header, data));
}

// Fields of /proc/PID/stat that say where things lie: the stack, the heap, arguments and environment.
static void addresses(const char *who, pid_t pid) {
  char path[64], text[1024];
  sprintf(path, "/proc/%d/stat", pid);
  int fd = MUST(open(path, O_RDONLY));
  ssize_t n = MUST(read(fd, text, sizeof text - 1));
  close(fd);
  text[n] = 0;
  int field = 2;
  for (char *p = strtok(strrchr(text, ')') + 1, " "); p; p = strtok(NULL, " ")) {
    field++;
    if (field == 28 || (field >= 47 && field <= 51)) printf("%s field %d: %s\n", who, field, strcmp(p, "0") == 0 ? "hidden" : "told");
  }
}

// A process that sleeps until it is killed.
static pid_t sleeper(bool dumpable) {
  int ready[2];
  char c;
  MUST(pipe(ready));
  pid_t pid = MUST(fork());
  if (pid == 0) {
    MUST(prctl(PR_SET_DUMPABLE, dumpable));
    write(ready[1], "", 1);
    for (;;) pause();
  }
  MUST(read(ready[0], &c, 1));
  close(ready[0]), close(ready[1]);
  return pid;
}

static void owner(const char *who, pid_t pid) {
  char path[64];
  struct stat st;
  static const char *const NAMES[] = {"", "/stat", "/fd", "/environ", "/task"};
  for (int i = 0; i < 5; i++) {
    sprintf(path, "/proc/%d%s", pid, NAMES[i]);
    MUST(stat(path, &st));
    printf("%s owner of %s: %s\n", who, NAMES[i], st.st_uid == 0 ? "root" : st.st_uid == getuid() ? "own" : "other");
  }
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  without_tracing();
  MUST(dup2(MUST(open("/dev/zero", O_RDONLY)), 0));
  look("self", getpid());
  pid_t open_one = sleeper(true);
  look("dumpable", open_one);
  owner("dumpable", open_one);
  addresses("dumpable", open_one);
  pid_t closed = sleeper(false);
  look("closed", closed);
  owner("closed", closed);
  addresses("closed", closed);
  if (getuid() == 0) {
    IN_CHILD("other user", {
      MUST(setresgid(1000, 1000, 1000));
      MUST(setresuid(1000, 1000, 1000));
      look("other", open_one);
      addresses("other", open_one);
    });
  }
  kill(open_one, SIGKILL), kill(closed, SIGKILL);
  while (wait(NULL) > 0) {
  }
  return 0;
}

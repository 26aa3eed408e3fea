// /proc/PID/fdinfo: what each kind of file adds to position and flags.
#include "../guest.h"
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>

// Lines but for those that differ between runs (mnt_id, ino, ids), numbers after `inode:`-like keys cut.
static void show(const char *what, int fd) {
  char path[64], line[256];
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
  FILE *f = fopen(path, "r");
  printf("-- %s\n", what);
  while (fgets(line, sizeof line, f)) {
    if (strncmp(line, "mnt_id", 6) == 0 || strncmp(line, "ino:", 4) == 0 || strncmp(line, "eventfd-id", 10) == 0) continue;
    // Since Linux 6.5.
    if (strncmp(line, "eventfd-semaphore", 17) == 0) continue;
    if (strncmp(line, "Pid:", 4) == 0 || strncmp(line, "NSpid:", 6) == 0) {
      printf("%.4s %s\n", line, atoi(strchr(line, '\t')) == getpid() ? "own" : "other");
      continue;
    }
    char *cut = strstr(line, "ino:");
    if (cut != NULL) strcpy(cut, "...\n");
    if (strncmp(line, "lock:", 5) == 0) {
      char kind[16], mode[16], type[16];
      sscanf(line, "lock: %*d: %15s %15s %15s", kind, mode, type);
      printf("lock %s %s %s\n", kind, mode, type);
      continue;
    }
    fputs(line, stdout);
  }
  fclose(f);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  scratch();
  int e = MUST(eventfd(5, EFD_SEMAPHORE));
  show("eventfd", e);
  int e2 = MUST(eventfd(0, 0));
  uint64_t big = 0x123456789abcull;
  MUST(write(e2, &big, 8));
  show("large count", e2);
  int i = MUST(inotify_init());
  MUST(inotify_add_watch(i, ".", IN_CREATE | IN_DELETE));
  MUST(inotify_add_watch(i, "/tmp", IN_MODIFY));
  show("inotify", i);
  show("pidfd", MUST(syscall(SYS_pidfd_open, getpid(), 0)));
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGRTMIN + 3);
  show("signalfd", MUST(signalfd(-1, &set, 0)));
  put_file("f", "0123456789");
  int f = MUST(open("f", O_RDWR | O_CLOEXEC));
  MUST(lseek(f, 3, SEEK_SET));
  MUST(flock(f, LOCK_SH));
  struct flock l = {.l_type = F_WRLCK, .l_start = 2, .l_len = 3};
  MUST(fcntl(f, F_SETLK, &l));
  show("file with locks", f);
  return 0;
}

// fanotify(7): FAN_REPORT_PIDFD gives a pidfd of who caused an event (none once it is gone), FAN_FS_ERROR can be asked for. On tmpfs.
#include "privileged.h"
#include <linux/fanotify.h>
#include <sys/fanotify.h>

static int init(unsigned flags) { return syscall(SYS_fanotify_init, flags, O_RDONLY); }
static int mark(int fd, unsigned flags, uint64_t mask, const char *path) {
  return syscall(SYS_fanotify_mark, fd, flags, mask, AT_FDCWD, path);
}

static pid_t pid_of(int pidfd) {
  char path[64], line[128];
  sprintf(path, "/proc/self/fdinfo/%d", pidfd);
  FILE *file = fopen(path, "r");
  int pid = 0;
  while (file && fgets(line, sizeof line, file))
    if (sscanf(line, "Pid: %d", &pid) == 1) break;
  if (file) fclose(file);
  return pid;
}

static void events(const char *what, int group, pid_t child) {
  printf("-- %s\n", what);
  char buf[4096] __attribute__((aligned(8)));
  ssize_t n = read(group, buf, sizeof buf);
  if (n < 0) {
    report("read", -1);
    return;
  }
  struct fanotify_event_metadata *m = (void *)buf;
  for (; FAN_EVENT_OK(m, n); m = FAN_EVENT_NEXT(m, n)) {
    printf("mask %llx fd %s pid %s", (unsigned long long)m->mask, m->fd == FAN_NOFD ? "none" : "open", m->pid == child ? "child" : m->pid == getpid() ? "own" : "other");
    if (m->fd >= 0) close(m->fd);
    for (char *p = (char *)m + m->metadata_len; p < (char *)m + m->event_len;) {
      struct fanotify_event_info_header *h = (void *)p;
      printf(" | info %d", h->info_type);
      if (h->info_type == FAN_EVENT_INFO_TYPE_PIDFD) {
        int pidfd = ((struct fanotify_event_info_pidfd *)p)->pidfd;
        printf(" length %d %s", h->len, pidfd == FAN_NOPIDFD ? "none" : pidfd < 0 ? "error" : pid_of(pidfd) == m->pid ? "right" : "wrong");
        if (pidfd >= 0) {
          printf(" %s", fcntl(pidfd, F_GETFD) == FD_CLOEXEC ? "cloexec" : "kept");
          close(pidfd);
        }
      }
      p += h->len;
    }
    printf("\n");
  }
}

static void round_trip(const char *what, unsigned flags, unsigned where) {
  int group = init(flags | FAN_NONBLOCK);
  if (group < 0) {
    report(what, -1);
    return;
  }
  MUST(mark(group, FAN_MARK_ADD | where, FAN_OPEN | FAN_CLOSE_WRITE | (where ? 0 : FAN_EVENT_ON_CHILD), "d"));
  close(MUST(open("d/f", O_RDONLY)));
  events(what, group, 0);
  int go[2], done[2];
  char c;
  MUST(pipe(go));
  MUST(pipe(done));
  fflush(stdout);
  pid_t child = MUST(fork());
  if (child == 0) {
    close(open("d/f", O_WRONLY));
    write(done[1], "", 1);
    close(go[1]);
    read(go[0], &c, 1);
    _exit(0);
  }
  MUST(read(done[0], &c, 1));
  events("by a child", group, child);
  close(go[0]), close(go[1]);
  MUST(waitpid(child, NULL, 0));
  fflush(stdout);
  child = MUST(fork());
  if (child == 0) {
    close(open("d/f", O_RDONLY));
    _exit(0);
  }
  MUST(waitpid(child, NULL, 0));
  events("by one that is gone", group, child);
  close(done[0]), close(done[1]), close(group);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  own_mounts();
  MUST(mkdir("d", 0755));
  put_file("d/f", "content");
  round_trip("descriptors", FAN_CLASS_NOTIF | FAN_REPORT_PIDFD, FAN_MARK_MOUNT);
  round_trip("ids", FAN_CLASS_NOTIF | FAN_REPORT_PIDFD | FAN_REPORT_FID, 0);
  round_trip("names", FAN_CLASS_NOTIF | FAN_REPORT_PIDFD | FAN_REPORT_DFID_NAME, 0);
  CHECK(init(FAN_CLASS_NOTIF | FAN_REPORT_PIDFD | FAN_REPORT_TID | FAN_CLOEXEC) < 0);

  int group = MUST(init(FAN_CLASS_NOTIF | FAN_NONBLOCK));
  CHECK(mark(group, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_FS_ERROR, "d"));
  close(group);
  group = MUST(init(FAN_CLASS_NOTIF | FAN_REPORT_FID | FAN_NONBLOCK));
  CHECK(mark(group, FAN_MARK_ADD, FAN_FS_ERROR, "d"));
  CHECK(mark(group, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_FS_ERROR, "d"));
  CHECK(mark(group, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_FS_ERROR, "d"));
  CHECK(mark(group, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_FS_ERROR | FAN_OPEN, "d"));
  CHECK(mark(group, FAN_MARK_REMOVE | FAN_MARK_FILESYSTEM, FAN_FS_ERROR, "d"));
  close(group);
  return 0;
}

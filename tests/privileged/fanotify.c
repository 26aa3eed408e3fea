// fanotify(7): groups that report file ids, events with names, merging, limits, marks on inodes and filesystems; classic groups with
// descriptors and permission events. On tmpfs.
#include "privileged.h"
#include <linux/fanotify.h>
#include <poll.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>

static int init(unsigned flags, unsigned ev) { return syscall(SYS_fanotify_init, flags, ev); }
static int mark(int fd, unsigned flags, uint64_t mask, int dir, const char *path) {
  return syscall(SYS_fanotify_mark, fd, flags, mask, dir, path);
}

static char self_pid;

static void name_of(const struct file_handle *h, char *out) {
  strcpy(out, "?");
  int fd = open_by_handle_at(AT_FDCWD, (struct file_handle *)h, O_PATH | O_NOFOLLOW);
  if (fd < 0) {
    strcpy(out, strerrorname_np(errno));
    return;
  }
  char link[64], path[256] = "";
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  if (readlink(link, path, 255) > 0) strcpy(out, strncmp(path, "/tmp/privileged", 15) == 0 ? path + 15 : path);
  close(fd);
}

static void events(const char *what, int fd) {
  printf("-- %s\n", what);
  char buf[4096] __attribute__((aligned(8)));
  for (;;) {
    ssize_t n = read(fd, buf, sizeof buf);
    if (n < 0) {
      if (errno != EAGAIN) report("read", -1);
      return;
    }
    struct fanotify_event_metadata *m = (void *)buf;
    for (; FAN_EVENT_OK(m, n); m = FAN_EVENT_NEXT(m, n)) {
      printf("mask %llx vers %d fd %s pid %s", (unsigned long long)m->mask, m->vers, m->fd == FAN_NOFD ? "none" : "open", m->pid == getpid() ? "own" : "other");
      if (m->fd >= 0) {
        char link[64], path[256] = "";
        snprintf(link, sizeof link, "/proc/self/fd/%d", m->fd);
        if (readlink(link, path, 255) > 0) printf(" %s", strncmp(path, "/tmp/privileged", 15) == 0 ? path + 15 : path);
        close(m->fd);
      }
      for (char *p = (char *)m + m->metadata_len; p < (char *)m + m->event_len;) {
        struct fanotify_event_info_header *h = (void *)p;
        struct fanotify_event_info_fid *f = (void *)p;
        struct file_handle *handle = (void *)f->handle;
        char where[300];
        name_of(handle, where);
        printf(" | info %d %s", h->info_type, where);
        if (h->info_type == FAN_EVENT_INFO_TYPE_DFID_NAME || h->info_type == 10 || h->info_type == 12)
          printf(" name %s", (char *)handle->f_handle + handle->handle_bytes);
        p += h->len;
      }
      printf("\n");
    }
  }
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv, (void)self_pid;
  own_mounts();
  MUST(mkdir("d", 0755));
  MUST(mkdir("e", 0755));
  put_file("d/f", "content");

  CHECK(init(0x80000000, 0));
  CHECK(init(FAN_CLASS_NOTIF | FAN_REPORT_NAME, 0));
  CHECK(init(FAN_CLASS_CONTENT | FAN_REPORT_FID, 0));
  CHECK(init(FAN_CLASS_NOTIF, 0x10000000));
  CHECK(init(12, 0));
  int g = MUST(init(FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME | FAN_NONBLOCK | FAN_CLOEXEC, O_RDONLY));
  TRUE(fcntl(g, F_GETFD) == FD_CLOEXEC && (fcntl(g, F_GETFL) & O_NONBLOCK));
  CHECK(mark(g, 0, FAN_CREATE, AT_FDCWD, "d"));
  CHECK(mark(g, FAN_MARK_ADD | FAN_MARK_REMOVE, FAN_CREATE, AT_FDCWD, "d"));
  CHECK(mark(g, FAN_MARK_ADD, 0, AT_FDCWD, "d"));
  CHECK(mark(g, FAN_MARK_ADD, 0x100000000ull, AT_FDCWD, "d"));
  CHECK(mark(g, FAN_MARK_ADD, FAN_CREATE, AT_FDCWD, "nowhere"));
  CHECK(mark(g, FAN_MARK_ADD | FAN_MARK_ONLYDIR, FAN_OPEN, AT_FDCWD, "d/f"));
  CHECK(mark(g, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_CREATE, AT_FDCWD, "d"));
  CHECK(mark(g, FAN_MARK_REMOVE, FAN_CREATE, AT_FDCWD, "d"));
  CHECK(mark(0, FAN_MARK_ADD, FAN_CREATE, AT_FDCWD, "d") == -1 && (errno == EINVAL || errno == EBADF));
  CHECK(mark(99, FAN_MARK_ADD, FAN_CREATE, AT_FDCWD, "d"));
  CHECK(mark(g, FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, "d"));
  CHECK(mark(g, FAN_MARK_ADD, FAN_CREATE | FAN_DELETE | FAN_MOVED_FROM | FAN_MOVED_TO | FAN_MODIFY | FAN_CLOSE_WRITE | FAN_ATTRIB | FAN_EVENT_ON_CHILD | FAN_ONDIR, AT_FDCWD, "d"));
  struct pollfd p = {g, POLLIN, 0};
  CHECK(poll(&p, 1, 0));
  close(MUST(open("d/new", O_CREAT | O_WRONLY, 0644)));
  CHECK(poll(&p, 1, 0));
  int pending = 0;
  CHECK(ioctl(g, FIONREAD, &pending));
  TRUE(pending > 24);
  char tiny[8];
  CHECK(read(g, tiny, 8));
  events("create", g);
  int fd = MUST(open("d/f", O_WRONLY));
  MUST(write(fd, "1", 1));
  MUST(write(fd, "2", 1));
  close(fd);
  events("write twice, close", g);
  MUST(mkdir("d/sub", 0755));
  events("mkdir", g);
  MUST(rename("d/new", "d/newer"));
  events("rename within", g);
  MUST(rename("d/newer", "e/gone"));
  events("rename out", g);
  MUST(rename("e/gone", "d/back"));
  events("rename in", g);
  MUST(chmod("d/back", 0600));
  events("chmod", g);
  MUST(unlink("d/back"));
  MUST(rmdir("d/sub"));
  events("unlink, rmdir", g);
  CHECK(mark(g, FAN_MARK_REMOVE, FAN_MODIFY | FAN_CLOSE_WRITE, AT_FDCWD, "d"));
  fd = MUST(open("d/f", O_WRONLY));
  MUST(write(fd, "1", 1));
  close(fd);
  events("modify no more", g);
  CHECK(mark(g, FAN_MARK_FLUSH, 0, AT_FDCWD, NULL));
  close(MUST(open("d/x", O_CREAT | O_WRONLY, 0644)));
  events("flushed", g);
  CHECK(mark(g, FAN_MARK_ADD, FAN_RENAME, AT_FDCWD, "d"));
  MUST(rename("d/x", "d/y"));
  events("FAN_RENAME", g);
  close(g);

  // Without names: the directory's id, or the file's own.
  g = MUST(init(FAN_CLASS_NOTIF | FAN_REPORT_FID | FAN_NONBLOCK, O_RDONLY));
  CHECK(mark(g, FAN_MARK_ADD, FAN_CREATE | FAN_OPEN | FAN_EVENT_ON_CHILD | FAN_DELETE_SELF, AT_FDCWD, "d"));
  close(MUST(open("d/f", O_RDONLY)));
  close(MUST(open("d/z", O_CREAT | O_WRONLY, 0644)));
  events("REPORT_FID", g);
  close(g);
  g = MUST(init(FAN_CLASS_NOTIF | FAN_REPORT_FID | FAN_REPORT_DIR_FID | FAN_NONBLOCK, O_RDONLY));
  CHECK(mark(g, FAN_MARK_ADD, FAN_OPEN | FAN_EVENT_ON_CHILD, AT_FDCWD, "d"));
  close(MUST(open("d/f", O_RDONLY)));
  events("REPORT_FID and DIR_FID", g);
  close(g);
  // A whole filesystem.
  g = MUST(init(FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME | FAN_NONBLOCK, O_RDONLY));
  CHECK(mark(g, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_CREATE | FAN_CLOSE_WRITE, AT_FDCWD, "d"));
  put_file("e/far", "x");
  events("filesystem mark", g);
  close(g);
  // Ignored events.
  g = MUST(init(FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME | FAN_NONBLOCK, O_RDONLY));
  CHECK(mark(g, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN, AT_FDCWD, "d"));
  CHECK(mark(g, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY, FAN_OPEN, AT_FDCWD, "d/f"));
  close(MUST(open("d/f", O_RDONLY)));
  close(MUST(open("d/z", O_RDONLY)));
  events("ignored for one file", g);
  close(g);

  // Classic groups: events carry descriptors.
  g = MUST(init(FAN_CLASS_NOTIF | FAN_NONBLOCK, O_RDONLY));
  CHECK(mark(g, FAN_MARK_ADD, FAN_CREATE, AT_FDCWD, "d"));
  CHECK(mark(g, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN | FAN_CLOSE, AT_FDCWD, "d"));
  fd = MUST(open("d/f", O_RDONLY));
  close(fd);
  events("mount mark", g);
  close(g);

  // Permission events: a child opens, we decide.
  g = MUST(init(FAN_CLASS_CONTENT, O_RDONLY));
  CHECK(mark(g, FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, "d/f"));
  CHECK(mark(g, FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, "d/z"));
  for (int round = 0; round < 2; round++) {
    fflush(stdout);
    pid_t child = MUST(fork());
    if (child == 0) {
      close(g);
      int r = open("d/f", O_RDONLY);
      _exit(r < 0 ? errno : 0);
    }
    struct fanotify_event_metadata m;
    MUST(read(g, &m, sizeof m));
    printf("asked: mask %llx pid %s\n", (unsigned long long)m.mask, m.pid == child ? "child" : "other");
    struct fanotify_response r = {m.fd, round == 0 ? FAN_ALLOW : FAN_DENY};
    CHECK(write(g, &r, sizeof r));
    CHECK(write(g, &r, sizeof r));
    close(m.fd);
    int status;
    MUST(waitpid(child, &status, 0));
    print_status("child", status);
  }
  fflush(stdout);
  pid_t child = MUST(fork());
  if (child == 0) {
    close(g);
    int r = open("d/z", O_RDONLY);
    _exit(r < 0 ? errno : 0);
  }
  p = (struct pollfd){g, POLLIN, 0};
  MUST(poll(&p, 1, -1));
  close(g);
  int status;
  MUST(waitpid(child, &status, 0));
  print_status("group closed", status);

  IN_CHILD("without rights", {
    MUST(setresuid(65534, 65534, 65534));
    CHECK(init(FAN_CLASS_NOTIF, O_RDONLY));
    CHECK(init(FAN_CLASS_CONTENT, O_RDONLY));
    CHECK(init(FAN_CLASS_NOTIF | FAN_REPORT_FID | FAN_UNLIMITED_QUEUE, O_RDONLY));
    CHECK(init(FAN_CLASS_NOTIF | FAN_REPORT_FID | FAN_REPORT_TID, O_RDONLY));
    CHECK(init(FAN_CLASS_NOTIF | FAN_REPORT_FID | FAN_REPORT_PIDFD, O_RDONLY));
    int u = MUST(init(FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME | FAN_NONBLOCK, O_RDONLY));
    CHECK(mark(u, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN, AT_FDCWD, "d"));
    CHECK(mark(u, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN, AT_FDCWD, "d"));
    CHECK(mark(u, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "d/f"));
    close(MUST(open("d/f", O_RDONLY)));
    events("own events", u);
  });
  return 0;
}

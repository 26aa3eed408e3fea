// fanotify(7): what groups and marks may be asked for, events about mounts (FAN_REPORT_MNT), descriptors that could not be opened
// (FAN_REPORT_FD_ERROR), ignored masks of both kinds, and answers with more in them than yes and no.
#include "privileged.h"
#include <linux/fanotify.h>
#include <sys/ioctl.h>

#define REPORT_FD_ERROR 0x2000
#define REPORT_MNT 0x4000
#define MARK_MNTNS 0x110
#define PRE_ACCESS 0x100000
#define EVENT_ATTACH 0x1000000
#define EVENT_DETACH 0x2000000
#define INFO_MNT 7

static const char *result(long r) { return r >= 0 ? "ok" : strerrorname_np(errno); }

static int mark(int fd, unsigned flags, unsigned long mask, const char *path) {
  return syscall(SYS_fanotify_mark, fd, flags, mask, AT_FDCWD, path);
}

static int init(unsigned flags, unsigned event_flags) { return syscall(SYS_fanotify_init, flags, event_flags); }

static void count_result(long r, int *ok, int *counts) {
  if (r >= 0) (*ok)++;
  else counts[errno < 200 ? errno : 199]++;
}

static void show_counts(const char *what, int ok, int *counts) {
  printf("%s: ok %d", what, ok);
  for (int i = 0; i < 200; i++)
    if (counts[i]) printf(", %s %d", strerrorname_np(i), counts[i]);
  printf("\n");
}

static void inits(void) {
  static const unsigned bits[] = {0x200, 0x400, 0x800, 0x1000, REPORT_FD_ERROR, REPORT_MNT, 4, 8, 0x80, 0x100, 0x40};
  int ok = 0, counts[200] = {0};
  for (unsigned set = 0; set < 2048; set++) {
    unsigned flags = 0;
    for (int i = 0; i < 11; i++)
      if (set >> i & 1) flags |= bits[i];
    int fd = init(flags, 0);
    count_result(fd, &ok, counts);
    if (fd >= 0) close(fd);
  }
  show_counts("inits", ok, counts);
  for (int bit = 0; bit < 32; bit++) {
    int fd = init(1u << bit, 0);
    printf("init %x: %s\n", 1u << bit, result(fd));
    if (fd >= 0) close(fd);
  }
  for (int bit = 0; bit < 32; bit++) {
    int fd = init(0, 1u << bit);
    if (fd < 0) continue;
    printf("event flag %x\n", 1u << bit);
    close(fd);
  }
}

static void marks(void) {
  static const unsigned groups[] = {0, 0x200, 0x600, 0xc00, 0xe00, 0x1e00, 4, 8, REPORT_MNT, REPORT_FD_ERROR};
  static const char *const names[] = {"f", "d", "p", "none", "/proc/self/ns/mnt", "/proc/self", "/proc/version"};
  static const unsigned types[] = {0, FAN_MARK_MOUNT, FAN_MARK_FILESYSTEM, MARK_MNTNS};
  static const unsigned flags[] = {1, 2, 0x80, 3, 0x81, 0, 0x21, 0x401, 0x421, 0x61, 0x441, 0x461, 0x201, 0x5, 0x9, 0x1001, 0x41, 0x241, 0x221, 0x84, 0x280, 0x480};
  static const unsigned long masks[] = {FAN_OPEN | FAN_ONDIR, FAN_OPEN | FAN_EVENT_ON_CHILD, FAN_ONDIR, PRE_ACCESS | FAN_OPEN, PRE_ACCESS | FAN_ONDIR, EVENT_ATTACH | FAN_OPEN, EVENT_ATTACH | EVENT_DETACH, 0, 1ul << 32 | FAN_OPEN};
  for (int g = 0; g < 10; g++) {
    int fd = init(groups[g] | FAN_CLOEXEC, 0);
    int ok = 0, counts[200] = {0};
    for (int t = 0; t < 4; t++)
      for (unsigned f = 0; f < sizeof flags / sizeof *flags; f++)
        for (int m = 0; m < 41; m++)
          for (int n = 0; n < 7; n++) {
            long r = mark(fd, types[t] | flags[f], m < 32 ? 1ul << m : masks[m - 32], names[n]);
            count_result(r, &ok, counts);
            if (r == 0) mark(fd, types[t] | FAN_MARK_FLUSH, 0, NULL);
          }
    char what[32];
    snprintf(what, sizeof what, "marks of %x", groups[g]);
    show_counts(what, ok, counts);
    close(fd);
  }
}

static void updates(void) {
  int fd = init(FAN_REPORT_FID, 0);
  CHECK(mark(fd, FAN_MARK_ADD, FAN_OPEN, "f"));
  CHECK(mark(fd, FAN_MARK_ADD | FAN_MARK_EVICTABLE, FAN_OPEN, "f"));
  CHECK(mark(fd, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK, FAN_OPEN, "f"));
  CHECK(mark(fd, FAN_MARK_ADD | FAN_MARK_IGNORE, FAN_OPEN, "f"));
  CHECK(mark(fd, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK, FAN_OPEN, "f"));
  CHECK(mark(fd, FAN_MARK_ADD | FAN_MARK_IGNORE_SURV, FAN_OPEN, "f"));
  CHECK(mark(fd, FAN_MARK_ADD | FAN_MARK_IGNORE, FAN_OPEN, "f"));
  CHECK(mark(fd, FAN_MARK_REMOVE, FAN_OPEN, "f"));
  CHECK(mark(fd, FAN_MARK_REMOVE, FAN_OPEN, "f"));
  CHECK(mark(fd, FAN_MARK_ADD | FAN_MARK_EVICTABLE, FAN_OPEN, "d"));
  CHECK(mark(fd, FAN_MARK_ADD | FAN_MARK_EVICTABLE, FAN_ACCESS, "d"));
  CHECK(mark(fd, FAN_MARK_ADD, FAN_ACCESS, "d"));
  CHECK(mark(fd, FAN_MARK_ADD | FAN_MARK_EVICTABLE, FAN_ACCESS, "d"));
  int writer = open("g", O_CREAT | O_RDWR, 0644);
  CHECK(mark(fd, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK, FAN_OPEN, "g"));
  CHECK(mark(fd, FAN_MARK_REMOVE | FAN_MARK_IGNORED_MASK, FAN_OPEN, "g"));
  close(writer);
  CHECK(mark(fd, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK, FAN_OPEN, "g"));
  CHECK(mark(fd, FAN_MARK_REMOVE | FAN_MARK_IGNORED_MASK, FAN_OPEN, "g"));
  close(fd);
}

static unsigned long known[8];
static int known_count;

// The same id the same letter.
static char letter(unsigned long id) {
  for (int i = 0; i < known_count; i++)
    if (known[i] == id) return 'a' + i;
  known[known_count++] = id;
  return 'a' + known_count - 1;
}

static void drain(int fd) {
  char buffer[4096];
  ssize_t n = read(fd, buffer, sizeof buffer);
  if (n < 0) printf("  %s\n", strerrorname_np(errno));
  for (char *at = buffer; at < buffer + n;) {
    struct fanotify_event_metadata *event = (void *)at;
    int opened = event->fd >= 0;
    printf("  %llx fd %s%s", (unsigned long long)event->mask, opened ? "open" : event->fd == -1 ? "none" : strerrorname_np(-event->fd), event->pid == getpid() ? "" : ", of another");
    for (char *info = at + event->metadata_len; info < at + event->event_len; info += ((struct fanotify_event_info_header *)info)->len) {
      struct fanotify_event_info_header *header = (void *)info;
      printf(", type %d of %d", header->info_type, header->len);
      if (header->info_type == INFO_MNT) printf(", mount %c", letter(*(unsigned long *)(info + 8)));
    }
    printf("\n");
    if (opened) close(event->fd);
    at += event->event_len;
  }
}

#define TOLD(call) (printf("%s: %s\n", #call, result(call)), drain(fd))

static void mounts(void) {
  int fd = init(REPORT_MNT | FAN_NONBLOCK, 0);
  int ns = open("/proc/self/ns/mnt", O_RDONLY);
  CHECK(syscall(SYS_fanotify_mark, fd, MARK_MNTNS | FAN_MARK_ADD, EVENT_ATTACH | EVENT_DETACH, ns, NULL));
  TOLD(mount("t", "d", "tmpfs", 0, NULL));
  TOLD(mount("t", "d", "tmpfs", 0, NULL));
  TOLD(mount("d", "d2", NULL, MS_BIND, NULL));
  TOLD(mount("d2", "d", NULL, MS_MOVE, NULL));
  TOLD(mount(NULL, "d", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
  TOLD(mount(NULL, "d", NULL, MS_SHARED, NULL));
  TOLD(umount2("d", 0));
  TOLD(umount2("d", MNT_DETACH));
  TOLD(mkdir("d/in", 0755));
  TOLD(mount("t", "d/in", "tmpfs", 0, NULL));
  TOLD(mount("d", "d2", NULL, MS_BIND | MS_REC, NULL));
  TOLD(umount2("d2", MNT_DETACH));
  TOLD(umount2("d", MNT_DETACH));
  TOLD(mark(fd, MARK_MNTNS | FAN_MARK_REMOVE, EVENT_ATTACH, "/proc/self/ns/mnt"));
  TOLD(mount("t", "d", "tmpfs", 0, NULL));
  TOLD(umount2("d", 0));
  TOLD(mark(fd, MARK_MNTNS | FAN_MARK_FLUSH, 0, NULL));
  TOLD(mount("t", "d", "tmpfs", 0, NULL));
  TOLD(umount2("d", 0));
  int detached = syscall(SYS_open_tree, AT_FDCWD, "d", OPEN_TREE_CLONE);
  CHECK(mark(fd, MARK_MNTNS | FAN_MARK_ADD, EVENT_ATTACH | EVENT_DETACH, "/proc/self/ns/mnt"));
  TOLD(syscall(SYS_move_mount, detached, "", AT_FDCWD, "d2", 4));
  TOLD(close(detached));
  TOLD(umount2("d2", 0));
  close(fd);
}

static void descriptors(unsigned flags) {
  int fd = init(flags | FAN_NONBLOCK, 0);
  CHECK(mark(fd, FAN_MARK_ADD, FAN_OPEN, "f"));
  close(open("f", O_RDONLY));
  struct rlimit old, none = {fd + 1, fd + 1};
  getrlimit(RLIMIT_NOFILE, &old);
  none.rlim_max = old.rlim_max;
  setrlimit(RLIMIT_NOFILE, &none);
  for (int spare; (spare = dup(fd)) >= 0;) {}
  drain(fd);
  drain(fd);
  setrlimit(RLIMIT_NOFILE, &old);
  for (int i = fd + 1; i < fd + 20; i++) close(i);
  close(fd);
}

static void ignored(unsigned flags, unsigned long mask) {
  printf("ignored %x %lx\n", flags, mask);
  int fd = init(FAN_REPORT_FID | FAN_NONBLOCK, 0);
  mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN | FAN_ONDIR, "d");
  int r = mark(fd, FAN_MARK_ADD | flags, mask, "d");
  printf("  %s\n", result(r));
  close(open("d/inner", O_CREAT | O_RDWR, 0644));
  drain(fd);
  close(open("d", O_RDONLY));
  drain(fd);
  close(open("f", O_RDONLY));
  drain(fd);
  close(fd);
}

struct reply {
  int fd;
  unsigned response;
  unsigned char type, pad;
  unsigned short length;
  unsigned rule, subject, object;
};

static void responses(unsigned class) {
  static const unsigned answers[] = {FAN_ALLOW, FAN_DENY, 0, 3, FAN_ALLOW | FAN_AUDIT, FAN_ALLOW | 0x40, FAN_DENY | EIO << 24, FAN_DENY | EPERM << 24, FAN_DENY | EBUSY << 24, FAN_DENY | ENOENT << 24, FAN_ALLOW | EIO << 24, FAN_DENY | 0x100, FAN_DENY | FAN_AUDIT};
  printf("answers of class %x\n", class);
  int fd = init(class | FAN_CLOEXEC, O_RDONLY);
  MUST(mark(fd, FAN_MARK_ADD, FAN_OPEN_PERM, "f"));
  for (unsigned i = 0; i < sizeof answers / sizeof *answers; i++) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
      int f = open("f", O_RDONLY);
      _exit(f >= 0 ? 0 : errno);
    }
    struct fanotify_event_metadata event;
    MUST(read(fd, &event, sizeof event));
    struct fanotify_response answer = {event.fd, answers[i]};
    long r = write(fd, &answer, sizeof answer);
    printf("  %x: %s", answers[i], result(r));
    if (r < 0) {
      answer.response = FAN_ALLOW;
      MUST(write(fd, &answer, sizeof answer));
    }
    int status;
    waitpid(child, &status, 0);
    printf(", child %s\n", status == 0 ? "ok" : strerrorname_np(WEXITSTATUS(status)));
    close(event.fd);
  }
  static const struct reply replies[] = {{-1, 0x21, 1, 0, 16, 0, 0, 0}, {-1, 0x22, 1, 0, 16, 0, 0, 0}, {-1, 1, 1, 0, 16, 0, 0, 0}, {-1, 0x21, 2, 0, 16, 0, 0, 0}, {-1, 0x21, 1, 0, 12, 0, 0, 0}, {-1, 0x20, 1, 0, 16, 0, 0, 0}, {99, 0x21, 1, 0, 16, 0, 0, 0}, {-5, 0x21, 1, 0, 16, 0, 0, 0}, {99, 1, 0, 0, 0, 0, 0, 0}};
  for (unsigned i = 0; i < sizeof replies / sizeof *replies; i++)
    for (unsigned size = 0; size <= 24; size += 4) {
      long r = write(fd, &replies[i], size);
      printf("  reply %u of %u: %s", i, size, result(r));
      printf(r >= 0 ? " %ld\n" : "\n", r);
    }
  close(fd);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  own_mounts();
  MUST(mkdir("d", 0755));
  MUST(mkdir("d2", 0755));
  MUST(mkfifo("p", 0644));
  put_file("f", "f");
  inits();
  marks();
  updates();
  mounts();
  descriptors(0);
  descriptors(REPORT_FD_ERROR);
  ignored(FAN_MARK_IGNORED_MASK, FAN_OPEN);
  ignored(FAN_MARK_IGNORE_SURV, FAN_OPEN);
  ignored(FAN_MARK_IGNORE_SURV, FAN_OPEN | FAN_ONDIR);
  ignored(FAN_MARK_IGNORE_SURV, FAN_OPEN | FAN_EVENT_ON_CHILD);
  ignored(FAN_MARK_IGNORE_SURV | FAN_MARK_FILESYSTEM, FAN_OPEN);
  ignored(FAN_MARK_IGNORE_SURV | FAN_MARK_FILESYSTEM, FAN_OPEN | FAN_ONDIR);
  ignored(FAN_MARK_IGNORED_MASK | FAN_MARK_FILESYSTEM, FAN_OPEN);
  responses(FAN_CLASS_CONTENT);
  responses(FAN_CLASS_PRE_CONTENT);
  return 0;
}

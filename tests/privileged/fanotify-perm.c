// Permission events of fanotify(7): opens, reads, directory listings and programs that start wait for an answer. On tmpfs.
#include "privileged.h"
#include <dirent.h>
#include <linux/fanotify.h>
#include <sys/fanotify.h>
#include <sys/sendfile.h>
#include <sys/wait.h>

static int group;

static int mark(unsigned flags, uint64_t mask, const char *path) {
  return syscall(SYS_fanotify_mark, group, flags, mask, AT_FDCWD, path);
}

// Result of a call, as an exit status.
static int outcome(long result) { return result < 0 ? errno : 0; }

static int reads(const char *path) {
  char text[16];
  int fd = open(path, O_RDONLY);
  return fd < 0 ? 100 : outcome(read(fd, text, sizeof text));
}
static int sends(const char *path) {
  int null = open("/dev/null", O_WRONLY), fd = open(path, O_RDONLY);
  return fd < 0 ? 100 : outcome(sendfile(null, fd, NULL, 16));
}
static int lists(const char *path) {
  char entries[1024];
  int fd = open(path, O_RDONLY | O_DIRECTORY);
  return fd < 0 ? 100 : outcome(syscall(SYS_getdents64, fd, entries, sizeof entries));
}
static int maps(const char *path) {
  int fd = open(path, O_RDONLY);
  char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
  return page == MAP_FAILED ? errno : page[0] == 'c' ? 0 : 101;
}
static int writes(const char *path) { return outcome(open(path, O_WRONLY | O_TRUNC)); }
static int creates(const char *path) { return outcome(open(path, O_WRONLY | O_CREAT, 0644)); }
static int looks(const char *path) { return outcome(access(path, R_OK)) | outcome(open(path, O_PATH) < 0 ? -1 : 0); }
static int runs(const char *path) {
  char *argv[] = {"prog", "child", NULL};
  execv(path, argv);
  return errno;
}

// Does something in a child; says what was asked meanwhile. Bit i of `deny`: the answer to question i.
static void asked(const char *what, int (*act)(const char *), const char *path, unsigned deny) {
  printf("-- %s %s\n", what, path);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) _exit(act(path));
  char buf[4096] __attribute__((aligned(8)));
  for (int question = 0;;) {
    ssize_t n = read(group, buf, sizeof buf);
    if (n < 0) {
      int status;
      if (waitpid(child, &status, WNOHANG) == child) {
        printf("ended with %d\n", WEXITSTATUS(status));
        return;
      }
      usleep(1000);
      continue;
    }
    struct fanotify_event_metadata *m = (void *)buf;
    for (; FAN_EVENT_OK(m, n); m = FAN_EVENT_NEXT(m, n)) {
      char link[64], where[256] = "";
      snprintf(link, sizeof link, "/proc/self/fd/%d", m->fd);
      if (readlink(link, where, 255) < 0) strcpy(where, "?");
      int no = deny >> question & 1;
      question++;
      printf("asked %llx %s by %s: %s\n", (unsigned long long)m->mask, strncmp(where, "/tmp/privileged", 15) == 0 ? where + 15 : where,
             m->pid == child ? "the child" : "another", no ? "no" : "yes");
      struct fanotify_response r = {m->fd, no ? FAN_DENY : FAN_ALLOW};
      CHECK(write(group, &r, sizeof r));
      close(m->fd);
    }
  }
}

static void copy_self(void) {
  int from = MUST(open("/proc/self/exe", O_RDONLY));
  int to = MUST(open("d/prog", O_CREAT | O_WRONLY, 0755));
  struct stat st;
  MUST(fstat(from, &st));
  for (off_t at = 0; at < st.st_size;) MUST(sendfile(to, from, &at, st.st_size - at));
  close(from);
  close(to);
  put_file("d/script", "#!/tmp/privileged/d/prog child\n");
  MUST(chmod("d/script", 0755));
}

int guest(int argc, char **argv) {
  if (argc > 1) {
    if (strcmp(argv[1], "child") == 0 || strcmp(argv[argc - 1], "child") == 0) _exit(42);
  }
  own_mounts();
  MUST(mkdir("d", 0755));
  put_file("d/f", "content");
  put_file("d/g", "content");
  copy_self();
  group = MUST(syscall(SYS_fanotify_init, FAN_CLASS_NOTIF | FAN_NONBLOCK, O_RDONLY));
  CHECK(mark(FAN_MARK_ADD, FAN_ACCESS_PERM, "d/f"));
  CHECK(mark(FAN_MARK_ADD, FAN_OPEN_EXEC_PERM, "d/f"));
  close(group);
  group = MUST(syscall(SYS_fanotify_init, FAN_CLASS_CONTENT | FAN_NONBLOCK, O_RDONLY));
  CHECK(mark(FAN_MARK_ADD, FAN_ACCESS_PERM, "d/f"));
  asked("read", reads, "d/f", 0);
  asked("read", reads, "d/f", 1);
  asked("read", reads, "d/g", 0);
  asked("sendfile", sends, "d/f", 0);
  asked("sendfile", sends, "d/f", 1);
  asked("map", maps, "d/f", 0);
  asked("write", writes, "d/g", 0);
  CHECK(mark(FAN_MARK_ADD, FAN_OPEN_PERM, "d/f"));
  asked("open and read", reads, "d/f", 0);
  asked("open and read", reads, "d/f", 1);
  asked("open and read", reads, "d/f", 2);
  asked("look", looks, "d/f", 0);
  CHECK(mark(FAN_MARK_REMOVE, FAN_OPEN_PERM | FAN_ACCESS_PERM, "d/f"));

  CHECK(mark(FAN_MARK_ADD, FAN_ACCESS_PERM, "d"));
  asked("list without ONDIR", lists, "d", 0);
  CHECK(mark(FAN_MARK_ADD, FAN_ACCESS_PERM | FAN_ONDIR, "d"));
  asked("list", lists, "d", 0);
  asked("list", lists, "d", 1);
  asked("read in it", reads, "d/f", 0);
  CHECK(mark(FAN_MARK_ADD, FAN_EVENT_ON_CHILD, "d"));
  asked("read in it", reads, "d/f", 1);
  CHECK(mark(FAN_MARK_FLUSH, 0, "d"));

  CHECK(mark(FAN_MARK_ADD, FAN_OPEN_EXEC_PERM, "d/prog"));
  asked("run", runs, "d/prog", 0);
  asked("run", runs, "d/prog", 1);
  asked("read", reads, "d/prog", 0);
  CHECK(mark(FAN_MARK_ADD, FAN_OPEN_PERM, "d/prog"));
  asked("run", runs, "d/prog", 0);
  asked("run", runs, "d/prog", 2);
  CHECK(mark(FAN_MARK_FLUSH, 0, "d"));
  CHECK(mark(FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN_EXEC_PERM, "d"));
  asked("run a script", runs, "d/script", 0);
  asked("run a script", runs, "d/script", 1);
  asked("run a script", runs, "d/script", 2);
  asked("create", creates, "d/new", 0);
  CHECK(mark(FAN_MARK_FLUSH | FAN_MARK_MOUNT, 0, "d"));

  CHECK(mark(FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN_PERM, "d"));
  CHECK(mark(FAN_MARK_ADD | FAN_MARK_IGNORED_MASK, FAN_OPEN_PERM, "d/g"));
  asked("read", reads, "d/f", 0);
  asked("read, ignored", reads, "d/g", 0);
  asked("create", creates, "d/newer", 1);
  asked("list", lists, "d", 0);
  // The group ends: whoever waits goes on.
  pid_t child = fork();
  if (child == 0) close(group), _exit(reads("d/f"));
  usleep(20000);
  close(group);
  int status;
  MUST(waitpid(child, &status, 0));
  TRUE(WEXITSTATUS(status) == 0);
  return 0;
}

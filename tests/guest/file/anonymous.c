// What every kind of file without a path answers to calls that are not its own: lseek(2), pread(2), pwrite(2), ftruncate(2), fallocate(2),
// fsync(2), fstat(2), fstatfs(2), fchmod(2), fchown(2), the text of its link in /proc/self/fd, and opening that link.
#include "../guest.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/timerfd.h>

// The link's text without numbers.
static void show_link(int fd) {
  char path[64], text[128];
  sprintf(path, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(path, text, sizeof text - 1);
  if (n < 0) {
    report("  readlink", -1);
    return;
  }
  text[n] = 0;
  char *number = strpbrk(text, "0123456789");
  if (number) strcpy(number, "N");
  printf("  link %s\n", text);
  int again = open(path, O_RDONLY | O_NONBLOCK);
  printf("  open: %s\n", again < 0 ? strerrorname_np(errno) : "ok");
  if (again >= 0) close(again);
}

static void each(const char *name, int fd) {
  printf("%s\n", name);
  if (fd < 0) {
    report("  made", -1);
    return;
  }
  char c = 0;
  static const int whences[] = {SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE, 9};
  for (int i = 0; i < 6; i++) {
    printf("  %d", whences[i]);
    report(" lseek 5", lseek(fd, 5, whences[i]));
    printf("  %d", whences[i]);
    report(" lseek -1", lseek(fd, -1, whences[i]));
  }
  MUST(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK));
  report("  pread", pread(fd, &c, 1, 0));
  report("  pread 0", pread(fd, &c, 0, 0));
  report("  pread -1", pread(fd, &c, 1, -1));
  report("  pwrite", pwrite(fd, &c, 1, 0));
  report("  ftruncate", ftruncate(fd, 0));
  report("  fallocate", fallocate(fd, 0, 0, 1));
  report("  sync_file_range", sync_file_range(fd, 0, 1, 0));
  report("  read 0", read(fd, &c, 0));
  report("  read 1", read(fd, &c, 1));
  report("  fsync", fsync(fd));
  report("  fdatasync", fdatasync(fd));
  report("  fadvise", posix_fadvise(fd, 0, 0, POSIX_FADV_NORMAL));
  report("  readahead", readahead(fd, 0, 1));
  report("  flock", syscall(SYS_flock, fd, 2 | 4));
  struct stat st = {0};
  report("  fstat", fstat(fd, &st));
  printf("  mode %o links %ld size %ld blocks %ld blksize %ld\n", st.st_mode, (long)st.st_nlink, (long)st.st_size, (long)st.st_blocks, (long)st.st_blksize);
  struct statfs fs = {0};
  report("  fstatfs", fstatfs(fd, &fs));
  printf("  type %lx bsize %ld namelen %ld\n", (long)fs.f_type, (long)fs.f_bsize, (long)fs.f_namelen);
  if (!S_ISCHR(st.st_mode)) printf("  fchmod: %s\n", fchmod(fd, 0600) == 0 ? "ok" : "refused");
  void *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
  report("  mmap", p == MAP_FAILED ? -1 : 0);
  char buffer[256];
  report("  getdents", syscall(SYS_getdents64, fd, buffer, sizeof buffer));
  report("  fchdir", fchdir(fd));
  report("  ioctl", syscall(SYS_ioctl, fd, 0x5401, buffer));
  int flags = fcntl(fd, F_GETFL);
  printf("  flags %x\n", flags);
  show_link(fd);
  close(fd);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  scratch();
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  int pair[2];
  each("eventfd", eventfd(0, 0));
  each("epoll", epoll_create1(0));
  each("timerfd", timerfd_create(CLOCK_MONOTONIC, 0));
  each("signalfd", signalfd(-1, &set, 0));
  each("inotify", inotify_init());
  each("userfaultfd", syscall(SYS_userfaultfd, 1));
  MUST(pipe(pair));
  each("pipe read", pair[0]);
  each("pipe write", pair[1]);
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  each("socket", pair[0]);
  close(pair[1]);
  MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
  each("datagram socket", pair[0]);
  close(pair[1]);
  each("udp", socket(AF_INET, SOCK_DGRAM, 0));
  each("memfd", memfd_create("m", 0));
  each("null", open("/dev/null", O_RDWR));
  each("zero", open("/dev/zero", O_RDWR));
  each("full", open("/dev/full", O_RDWR));
  each("urandom", open("/dev/urandom", O_RDONLY));
  return 0;
}

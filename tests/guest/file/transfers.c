// sendfile(2), splice(2), copy_file_range(2), vmsplice(2), fallocate(2), preadv2(2) and their like between everything a descriptor can be: what
// is refused, with which errno, and in which order that is found out.
// guest: linux 6.18
#include "../guest.h"
#include <linux/falloc.h>
#include <sys/eventfd.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

enum { KINDS = 12 };
static const char *const kinds[KINDS] = {"rw", "ro", "wo", "append", "dir", "path", "pipe-out", "pipe-in", "socket", "event", "null", "none"};

static int other_end;

static int make(int kind, const char *name) {
  int p[2];
  other_end = -1;
  switch (kind) {
    case 0: return open(name, O_RDWR);
    case 1: return open(name, O_RDONLY);
    case 2: return open(name, O_WRONLY);
    case 3: return open(name, O_RDWR | O_APPEND);
    case 4: return open(".", O_RDONLY);
    case 5: return open(name, O_PATH);
    case 6:
    case 7:
      MUST(pipe2(p, O_NONBLOCK));
      MUST(write(p[1], "pipedata", 8));
      other_end = p[kind == 6];
      return p[kind == 7];
    case 8:
      MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p));
      MUST(write(p[1], "sockdata", 8));
      other_end = p[1];
      return p[0];
    case 9: return eventfd(1, EFD_NONBLOCK);
    case 10: return open("/dev/null", O_RDWR);
    default: return -1;
  }
}

static void refill(const char *name) {
  int fd = MUST(open(name, O_CREAT | O_TRUNC | O_WRONLY, 0600));
  MUST(write(fd, "0123456789", 10));
  close(fd);
}

static long transfer(int call, int from, int to, loff_t *in, loff_t *out, size_t length) {
  if (call == 0) return sendfile(to, from, in, length);
  if (call == 1) return splice(from, in, to, out, length, SPLICE_F_NONBLOCK);
  return copy_file_range(from, in, to, out, length, 0);
}

static void matrix(void) {
  static const char *const calls[] = {"sendfile", "splice", "copy_file_range"};
  static const long offsets[] = {-2, 0, 5, -1, LONG_MAX};
  for (int call = 0; call < 3; call++)
    for (int i = 0; i < KINDS; i++)
      for (int j = 0; j < KINDS; j++) {
        printf("%s %s to %s:", calls[call], kinds[i], kinds[j]);
        for (int x = 0; x < 5; x++)
          for (int y = 0; y < (call ? 5 : 1); y++)
            for (int z = 0; z < 2; z++) {
              // How large files may be differs, and an eventfd takes only eight bytes.
              if (call != 1 && (x == 4 || y == 4)) continue;
              if (j == 9 && call < 2) continue;
              refill("one");
              refill("two");
              int a = make(i, "one"), ea = other_end, b = make(j, "two"), eb = other_end;
              loff_t in = offsets[x], out = offsets[y];
              errno = 0;
              long r = transfer(call, a, b, x ? &in : NULL, y ? &out : NULL, z ? 0 : 4);
              if (r >= 0) printf(" %ld", r);
              else printf(" %s", strerrorname_np(errno));
              close(a), close(b), close(ea), close(eb);
            }
        printf("\n");
      }
}

static void each_kind(void) {
  for (int i = 0; i < KINDS; i++) {
    refill("one");
    int fd = make(i, "one"), end = other_end;
    char bytes[8] = "12345678";
    struct iovec part = {bytes, 4}, nothing = {bytes, 0};
    printf("%s: vmsplice of nothing", kinds[i]);
    errno = 0;
    printf(" %s", vmsplice(fd, &nothing, 1, 0) == 0 ? "ok" : strerrorname_np(errno));
    printf(", fallocate");
    for (int mode = 0; mode < 256; mode = mode ? mode * 2 : 1) {
      // What filesystems support differs.
      errno = 0;
      int r = fallocate(fd, mode, 0, 4096);
      if (i == 0 || i == 2 || i == 3 || mode == 128) printf(" -");
      else printf(" %s", r == 0 ? "ok" : strerrorname_np(errno));
      ftruncate(fd, 10);
    }
    errno = 0;
    printf(", read at the end %s", preadv2(fd, &part, 1, LONG_MAX, 0) >= 0 ? "ok" : strerrorname_np(errno));
    errno = 0;
    printf(", with odd flags %s", preadv2(fd, &part, 1, 0, 0x1000) >= 0 ? "ok" : strerrorname_np(errno));
    errno = 0;
    printf(", written with them %s", pwritev2(fd, &part, 1, 0, 0x1000) >= 0 ? "ok" : strerrorname_np(errno));
    errno = 0;
    printf(", at the end %s", pwritev2(fd, &part, 1, LONG_MAX, 0) >= 0 ? "ok" : strerrorname_np(errno));
    errno = 0;
    printf(", sync_file_range %s", sync_file_range(fd, 1, LONG_MAX, 0) == 0 ? "ok" : strerrorname_np(errno));
    errno = 0;
    printf(" %s", sync_file_range(fd, 0, 10, 99) == 0 ? "ok" : strerrorname_np(errno));
    errno = 0;
    printf(", readahead %s", readahead(fd, 0, -1) == 0 ? "ok" : strerrorname_np(errno));
    errno = 0;
    printf(", fsetxattr with odd flags %s\n", syscall(SYS_fsetxattr, fd, "user.x", "v", 1, 9) == 0 ? "ok" : strerrorname_np(errno));
    close(fd), close(end);
  }
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  scratch();
  signal(SIGPIPE, SIG_IGN);
  matrix();
  each_kind();
  int proc = open("/proc/version", O_RDONLY);
  CHECK(lseek(proc, 0, SEEK_END));
  CHECK(lseek(proc, 0, SEEK_DATA));
  CHECK(fsync(proc));
  CHECK(syscall(SYS_fsetxattr, 99, "user.x", "v", 1, 9));
  CHECK(syscall(SYS_fsetxattr, 99, "", "v", 1, 0));
  return 0;
}

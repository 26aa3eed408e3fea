// pipe(2), pipe2(2), FIFOs, splice(2), tee(2), sendfile(2), copy_file_range(2): capacity, atomicity, ends that close.
#include "../guest.h"
#include <sys/ioctl.h>
#include <sys/sendfile.h>

static void basics(void) {
  int p[2];
  char buf[100];
  CHECK(pipe2(p, O_CLOEXEC | O_NONBLOCK));
  printf("%x %x %x\n", fcntl(p[0], F_GETFL), fcntl(p[1], F_GETFL), fcntl(p[0], F_GETFD));
  CHECK(read(p[0], buf, 10));
  CHECK(write(p[1], "hello", 5));
  int queued;
  CHECK(ioctl(p[0], FIONREAD, &queued));
  printf("queued %d\n", queued);
  CHECK(read(p[0], buf, 2));
  CHECK(read(p[0], buf, 100));
  CHECK(read(p[1], buf, 1));
  CHECK(write(p[0], buf, 1));
  CHECK(write(p[1], buf, 0));
  CHECK(close(p[1]));
  CHECK(read(p[0], buf, 10));
  MUST(pipe(p));
  signal(SIGPIPE, SIG_IGN);
  close(p[0]);
  CHECK(write(p[1], "x", 1));
  signal(SIGPIPE, SIG_DFL);
  IN_CHILD("write without reader", write(p[1], "x", 1));
  CHECK(pipe2(p, 0x1));
}

static void capacity(void) {
  int p[2];
  static char big[200000];
  MUST(pipe2(p, O_NONBLOCK));
  CHECK(fcntl(p[0], F_GETPIPE_SZ));
  CHECK(write(p[1], big, sizeof big));
  CHECK(write(p[1], big, 1));
  CHECK(read(p[0], big, 4095));
  CHECK(write(p[1], big, 4096));
  CHECK(read(p[0], big, 1));
  CHECK(write(p[1], big, 4096));
  CHECK(write(p[1], big, 4097));
  CHECK(fcntl(p[0], F_SETPIPE_SZ, 4096));
  while (read(p[0], big, sizeof big) > 0) {
  }
  CHECK(fcntl(p[0], F_SETPIPE_SZ, 5000));
  CHECK(fcntl(p[1], F_GETPIPE_SZ));
  CHECK(write(p[1], big, 10000));
  CHECK(fcntl(p[1], F_SETPIPE_SZ, 0) >= 0);
  CHECK(fcntl(p[1], F_SETPIPE_SZ, -1));
  MUST(pipe2(p, O_DIRECT | O_NONBLOCK));
  CHECK(write(p[1], "one", 3));
  CHECK(write(p[1], "two2", 4));
  CHECK(read(p[0], big, 2));
  CHECK(read(p[0], big, 100));
  CHECK(read(p[0], big, 100));
}

static void blocking(void) {
  int p[2];
  MUST(pipe(p));
  pid_t child = fork();
  if (child == 0) {
    sleep_ms(30);
    write(p[1], "late", 4);
    _exit(0);
  }
  char buf[10];
  CHECK(read(p[0], buf, 10));
  waitpid(child, NULL, 0);
  child = fork();
  if (child == 0) {
    close(p[1]);
    static char chunk[1000];
    long total = 0, n;
    while ((n = read(p[0], chunk, sizeof chunk)) > 0) total += n;
    printf("child read %ld\n", total);
    _exit(0);
  }
  static char big[300000];
  CHECK(write(p[1], big, sizeof big));
  close(p[1]);
  waitpid(child, NULL, 0);
}

static void fifos(void) {
  CHECK(mkfifo("fifo", 0600));
  pid_t child = fork();
  if (child == 0) {
    int fd = open("fifo", O_WRONLY);
    write(fd, "via fifo", 8);
    _exit(0);
  }
  int fd = MUST(open("fifo", O_RDONLY));
  char buf[20];
  CHECK(read(fd, buf, 20));
  waitpid(child, NULL, 0);
  CHECK(read(fd, buf, 20));
  int both = MUST(open("fifo", O_RDWR | O_NONBLOCK));
  CHECK(read(both, buf, 20));
  CHECK(write(both, "x", 1));
  CHECK(read(fd, buf, 20));
}

static void splicing(void) {
  int p[2], q[2];
  char buf[100] = {0};
  MUST(pipe(p)), MUST(pipe(q));
  put_file("src", "0123456789abcdef");
  int src = MUST(open("src", O_RDONLY)), dst = MUST(open("dst", O_CREAT | O_RDWR | O_TRUNC, 0600));
  loff_t at = 4;
  CHECK(splice(src, &at, p[1], NULL, 6, 0));
  printf("offset %ld\n", (long)at);
  CHECK(tee(p[0], q[1], 100, 0));
  CHECK(read(q[0], buf, 100));
  printf("%.6s\n", buf);
  CHECK(splice(p[0], NULL, dst, NULL, 3, 0));
  CHECK(splice(p[0], NULL, q[1], NULL, 100, 0));
  CHECK(splice(p[0], NULL, dst, NULL, 10, SPLICE_F_NONBLOCK));
  CHECK(splice(src, NULL, dst, NULL, 10, 0));
  CHECK(splice(p[0], &at, dst, NULL, 10, 0));
  CHECK(tee(p[0], dst, 1, 0));
  CHECK(tee(p[0], p[1], 1, 0));
  at = 10;
  CHECK(sendfile(dst, src, &at, 100));
  printf("offset %ld\n", (long)at);
  CHECK(lseek(src, 0, SEEK_CUR));
  CHECK(sendfile(dst, src, NULL, 4));
  CHECK(lseek(src, 0, SEEK_CUR));
  CHECK(sendfile(dst, p[0], NULL, 4));
  memset(buf, 0, sizeof buf);
  CHECK(pread(dst, buf, 100, 0));
  printf("%s\n", buf);
  loff_t in = 0, out = 2;
  CHECK(copy_file_range(src, &in, dst, &out, 3, 0));
  CHECK(copy_file_range(src, &in, dst, &out, 3, 1));
  CHECK(copy_file_range(src, NULL, p[1], NULL, 3, 0));
  CHECK(copy_file_range(dst, NULL, src, NULL, 3, 0));
  CHECK(pread(dst, buf, 100, 0));
  printf("%s\n", buf);
  struct iovec v = {"vm", 2};
  CHECK(vmsplice(p[1], &v, 1, 0));
  CHECK(read(p[0], buf, 100));
}

static void reopened(void) {
  int p[2];
  char path[40], buf[10];
  CHECK(pipe(p));
  CHECK(write(p[1], "hi", 2));
  close(p[1]);
  sprintf(path, "/proc/self/fd/%d", p[0]);
  int fd = open(path, O_RDONLY);
  TRUE(fd >= 0);
  CHECK(read(fd, buf, 10));
  CHECK(read(fd, buf, 10));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  scratch();
  basics();
  capacity();
  blocking();
  fifos();
  splicing();
  reopened();
  return 0;
}

// EFAULT to the byte: what a call does when its buffer ends at an unmapped page.
#include "../guest.h"
#include <poll.h>
#include <sys/utsname.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <sys/socket.h>
#include <sys/times.h>

static char *edge;  // one past the last mapped byte

static void reads(int fd) {
  char *base = edge - PAGE;
  memset(base, 'x', PAGE);
  lseek(fd, 0, SEEK_SET);
  CHECK(read(fd, edge - 3, 10));
  CHECK(lseek(fd, 0, SEEK_CUR));
  printf("%c%c%c\n", edge[-3], edge[-2], edge[-1]);
  CHECK(read(fd, edge, 1));
  CHECK(read(fd, edge, 0));
  CHECK(read(fd, (void *)-1, 5));
  CHECK(read(fd, NULL, 1));
  CHECK(pread(fd, edge - 5, 10, 20));
  struct iovec v[3] = {{edge - 4, 2}, {edge - 2, 4}, {base, 5}};
  lseek(fd, 0, SEEK_SET);
  CHECK(readv(fd, v, 3));
  v[0].iov_base = edge;
  CHECK(readv(fd, v, 3));
  CHECK(readv(fd, (void *)(edge - 8), 1));
  CHECK(readv(fd, v, -1));
  CHECK(readv(fd, v, 1025));
  CHECK(readv(fd, v, 0));
  v[0].iov_len = -1;
  CHECK(readv(fd, v, 1));
}

static void writes(void) {
  int fd = MUST(open("out", O_CREAT | O_RDWR | O_TRUNC, 0600));
  memset(edge - 10, 'y', 10);
  CHECK(write(fd, edge - 4, 10));
  CHECK(write(fd, edge, 10));
  CHECK(write(fd, edge, 0));
  struct iovec v[2] = {{edge - 2, 2}, {edge, 2}};
  CHECK(writev(fd, v, 2));
  v[0].iov_base = edge - 1;
  CHECK(writev(fd, v, 1));
  CHECK(lseek(fd, 0, SEEK_END));
  int pipes[2];
  MUST(pipe2(pipes, O_NONBLOCK));
  CHECK(write(pipes[1], edge - 6, 12));
  CHECK(write(pipes[1], edge, 12));
  char back[20];
  CHECK(read(pipes[0], back, 20));
  MUST(write(pipes[1], "abcdef", 6));
  CHECK(read(pipes[0], edge - 2, 6));
  CHECK(read(pipes[0], back, 20));
}

static void structs(void) {
  CHECK(stat(".", (void *)(edge - 100)));
  CHECK(stat(".", (void *)edge));
  CHECK(fstat(0, NULL));
  CHECK(syscall(SYS_statx, AT_FDCWD, ".", 0, STATX_ALL, edge - 1));
  CHECK(statfs(".", (void *)(edge - 8)));
  CHECK(uname((void *)(edge - 64)));
  CHECK(sysinfo((void *)(edge - 8)));
  CHECK(syscall(SYS_times, edge - 4));
  CHECK(pipe((void *)(edge - 4)));
  CHECK(syscall(SYS_getcwd, edge - 2, 100));
  CHECK(syscall(SYS_getcwd, edge, 100));
  CHECK(syscall(SYS_getcwd, edge - 2, 2));
  CHECK(getrlimit(RLIMIT_NOFILE, (void *)(edge - 8)));
  CHECK(setrlimit(RLIMIT_NOFILE, (void *)edge));
  CHECK(getrusage(RUSAGE_SELF, (void *)edge));
  CHECK(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, edge - 8));
  CHECK(syscall(SYS_gettimeofday, edge - 8, NULL));
  CHECK(nanosleep((void *)edge, NULL));
  CHECK(syscall(SYS_rt_sigaction, SIGUSR1, edge, NULL, 8));
  CHECK(syscall(SYS_rt_sigprocmask, SIG_BLOCK, edge - 4, NULL, 8));
  CHECK(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, edge - 4, 8));
  CHECK(poll((void *)(edge - 4), 1, 0));
  CHECK(select(8, (void *)edge, NULL, NULL, NULL));
  CHECK(getgroups(1, (void *)1) <= 1);
  CHECK(syscall(SYS_getrandom, edge - 4, 8, 0));
  CHECK(syscall(SYS_getrandom, edge, 8, 0));
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, (void *)(edge - 4)));
  CHECK(wait4(-1, (void *)edge, 0, NULL));
}

static void strings(void) {
  memcpy(edge - 4, "name", 4);
  CHECK(open(edge - 4, O_RDONLY));
  CHECK(open(edge, O_RDONLY));
  CHECK(open(NULL, O_RDONLY));
  CHECK(mkdir((void *)1, 0700));
  CHECK(unlink(edge - 1));
  CHECK(rename("nope", edge - 4));
  CHECK(readlink(edge, edge - PAGE, 5));
  symlink("0123456789", "link");
  CHECK(readlink("link", edge - 4, 10));
  CHECK(readlink("link", edge - 4, 4));
  CHECK(readlink("link", edge, 0));
  memcpy(edge - 5, "link", 5);
  CHECK(readlink(edge - 5, edge - PAGE, 100));
  CHECK(execve(edge - 2, NULL, NULL));
  CHECK(execve("/bin/true", (void *)(edge - 4), NULL));
  memset(edge - 4, 'n', 4);
  CHECK(execve("/bin/true", (char *[]){edge - 4, NULL}, NULL));
  CHECK(chdir(edge - 2));
  CHECK(syscall(SYS_memfd_create, edge - 2, 0));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  scratch();
  edge = map_before_hole(1) + PAGE;
  put_file("in", "0123456789abcdefghijklmnopqrstuvwxyz");
  int fd = MUST(open("in", O_RDONLY));
  reads(fd);
  writes();
  structs();
  strings();
  return 0;
}

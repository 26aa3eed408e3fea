// Uses memory until something happens. Arguments: nothing, `read` (the kernel writes the pages), `memfd`, `file` and `full` (a file of a tmpfs with
// and without room to spare), `shared`, `scapegoat` (another one is to die), `sparse`.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (1UL << 20)

static char *get(size_t bytes) {
  char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) exit(9);
  return p;
}

static void fill(size_t mebibytes, int by_kernel) {
  int zero = open("/dev/zero", O_RDONLY);
  for (size_t i = 0; i < mebibytes; i++) {
    char *p = get(MIB);
    if (!by_kernel) memset(p, 1, MIB);
    else if (read(zero, p, MIB) != (ssize_t)MIB) exit(8);
  }
}

static void fill_file(int fd) {
  static char block[65536];
  while (write(fd, block, sizeof block) > 0) continue;
  // What is full says so.
  _exit(errno == ENOSPC ? 28 : 3);
}

static void fill_shared(void) {
  char *p = mmap(NULL, 1000 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) exit(9);
  memset(p, 1, 1000 * MIB);
}

static void past(const char *how) {
  int by_kernel = !strcmp(how, "read");
  pid_t child = fork();
  if (child == 0) {
    if (!strcmp(how, "memfd")) fill_file(memfd_create("m", 0));
    if (!strcmp(how, "file")) fill_file(open("/tmp/file", O_CREAT | O_WRONLY, 0600));
    if (!strcmp(how, "full")) fill_file(open("/dev/shm/file", O_CREAT | O_WRONLY, 0600));
    if (!strcmp(how, "shared")) fill_shared();
    fill(1000, by_kernel);
    _exit(7);
  }
  int status;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) printf("the child was killed by signal %d\n", WTERMSIG(status));
  else printf("the child ended with %d\n", WEXITSTATUS(status));
  unlink("/tmp/file");
  unlink("/dev/shm/file");
  fill(80, by_kernel);
  printf("and memory is there again\n");
}

static void scapegoat(void) {
  int ready[2];
  if (pipe(ready) != 0) exit(6);
  pid_t child = fork();
  if (child == 0) {
    int adjust = open("/proc/self/oom_score_adj", O_WRONLY);
    if (write(adjust, "1000", 4) != 4) exit(5);
    memset(get(30 * MIB), 1, 30 * MIB);
    if (write(ready[1], "", 1) != 1) exit(5);
    for (;;) pause();
  }
  char c;
  if (read(ready[0], &c, 1) != 1) exit(4);
  fill(100, 0);
  int status;
  waitpid(child, &status, 0);
  printf("the small one was killed by signal %d\n", WTERMSIG(status));
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (!strcmp(what, "scapegoat")) scapegoat();
  else if (!strcmp(what, "sparse")) {
    char *p = get(2048 * MIB);
    int pages = 0;
    for (size_t at = 0; at < 2048 * MIB; at += 2 * MIB, pages++) p[at] = 1;
    printf("touched %d pages of 2 GiB\n", pages);
  } else past(what);
  return 0;
}

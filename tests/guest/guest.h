// What every guest program uses: checks that print one line each, with nothing that changes between runs
// (no pids, addresses, times), and a scratch directory that is removed at the end.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096L

__attribute__((unused)) static void report(const char *what, long result) {
  if (result == -1) printf("%s: -1 %s\n", what, strerrorname_np(errno));
  else printf("%s: %ld\n", what, result);
}

// Prints the expression and its result: the number, or -1 and the errno's name.
#define CHECK(expression) \
  do { \
    errno = 0; \
    long check_ = (long)(expression); \
    report(#expression, check_); \
  } while (0)

// The same for a result that differs between runs: `ok`, or -1 and the errno's name.
#define OK(expression) \
  do { \
    errno = 0; \
    long check_ = (long)(expression); \
    if (check_ == -1) report(#expression, -1); \
    else printf("%s: ok\n", #expression); \
  } while (0)

#define TRUE(expression) printf("%s: %s\n", #expression, (expression) ? "true" : "false")

// A call that the program needs; a failure ends it.
#define MUST(expression) \
  ({ \
    long must_ = (long)(expression); \
    if (must_ == -1) { \
      printf("MUST %s: %s\n", #expression, strerrorname_np(errno)); \
      exit(99); \
    } \
    must_; \
  })

__attribute__((unused)) static void print_status(const char *what, int status) {
  if (WIFEXITED(status)) printf("%s: exited %d\n", what, WEXITSTATUS(status));
  else if (WIFSIGNALED(status))
    printf("%s: killed by SIG%s%s\n", what, sigabbrev_np(WTERMSIG(status)), WCOREDUMP(status) ? " (core)" : "");
  else if (WIFSTOPPED(status)) printf("%s: stopped by SIG%s event %d\n", what, sigabbrev_np(WSTOPSIG(status)), status >> 16);
  else if (WIFCONTINUED(status)) printf("%s: continued\n", what);
  else printf("%s: status %x\n", what, status);
}

// Runs a block in a child and prints how the child ended.
#define IN_CHILD(name, ...) \
  do { \
    fflush(stdout); \
    pid_t child_ = MUST(fork()); \
    if (child_ == 0) { \
      __VA_ARGS__; \
      fflush(stdout); \
      _exit(0); \
    } \
    int status_; \
    MUST(waitpid(child_, &status_, 0)); \
    print_status(name, status_); \
  } while (0)

static char scratch_path[64];
static pid_t scratch_owner;

__attribute__((unused)) static int scratch_remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
  (void)st, (void)flag, (void)ftw;
  return remove(path);
}

__attribute__((unused)) static int scratch_open_one(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
  (void)ftw, (void)flag;
  if (S_ISDIR(st->st_mode)) chmod(path, 0700);
  return 0;
}

__attribute__((unused)) static void scratch_remove(void) {
  if (getpid() != scratch_owner) return;
  chdir("/") == 0 ? (void)0 : abort();
  nftw(scratch_path, scratch_open_one, 16, FTW_PHYS);
  nftw(scratch_path, scratch_remove_one, 16, FTW_PHYS | FTW_DEPTH);
}

// Makes an empty directory and goes there; removed at exit.
__attribute__((unused)) static void scratch(void) {
  strcpy(scratch_path, "/tmp/guest.XXXXXX");
  if (mkdtemp(scratch_path) == NULL || chdir(scratch_path) != 0) {
    perror(scratch_path);
    exit(98);
  }
  scratch_owner = getpid();
  umask(022);
  atexit(scratch_remove);
}

__attribute__((unused)) static int put_file(const char *path, const char *content) {
  int fd = MUST(open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644));
  MUST(write(fd, content, strlen(content)));
  return close(fd);
}

__attribute__((unused)) static void *map_pages(size_t pages, int prot) {
  void *p = mmap(NULL, pages * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) exit(97);
  return p;
}

// `pages` readable and writable pages with an unmapped page behind them; the border is at p + pages * PAGE.
__attribute__((unused)) static char *map_before_hole(size_t pages) {
  char *p = map_pages(pages + 1, PROT_READ | PROT_WRITE);
  MUST(munmap(p + pages * PAGE, PAGE));
  return p;
}

__attribute__((unused)) static void sleep_ms(long ms) {
  struct timespec t = {ms / 1000, ms % 1000 * 1000000};
  while (nanosleep(&t, &t) != 0 && errno == EINTR) {
  }
}

int guest(int argc, char **argv);

// Each program ends with the line `done`, so that a silent early end is seen.
int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 1 << 16);
  int code = guest(argc, argv);
  printf("done\n");
  fflush(stdout);
  return code;
}

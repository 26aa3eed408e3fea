// Maps a file that lives in a filesystem of a JavaScript module: /notes/welcome, 'made by a module'.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void show(int fd, const char *what) {
  char text[64] = "";
  if (pread(fd, text, 16, 0) < 0) perror("read");
  printf("%s: %s\n", what, text);
}

int main(void) {
  int fd = open("/notes/welcome", O_RDWR);
  char *shared = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  char *mine = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  if (shared == MAP_FAILED || mine == MAP_FAILED) return 1;
  printf("mapped: %.16s\n", shared);
  memcpy(mine, "MINE", 4);
  memcpy(shared + 5, "BY", 2);
  show(fd, "read");
  shared[4] = '-';
  if (pwrite(fd, "born", 4, 0) != 4) return 2;
  printf("mapped: %.16s, mine: %.4s\n", shared, mine);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    shared[8] = 'B';
    _exit(shared[4096]);
  }
  int status;
  waitpid(child, &status, 0);
  printf("past the end: signal %d\n", WTERMSIG(status));
  if (msync(shared, 4096, MS_SYNC) != 0) return 3;
  if (ftruncate(fd, 7) != 0) return 4;
  printf("cut: '%s'\n", shared);
  memcpy(shared, "gone", 4);
  munmap(shared, 8192);
  munmap(mine, 4096);
  close(fd);
  fd = open("/notes/welcome", O_RDONLY);
  show(fd, "again");
  return 0;
}

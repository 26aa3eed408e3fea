// Takes 200 MiB in one way, says so, waits for a line, gives it back, says so, and waits for the end of its input.
// usage: give-back munmap|dontneed|free|brk|remove|truncate|exit|shm
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE (200UL << 20)

static const char *kind;
static char *memory;
static int file = -1, segment = -1;
static pid_t child;

static int is(const char *name) { return strcmp(kind, name) == 0; }

static void fill(char *p) {
  if (p == MAP_FAILED || p == (char *)-1) exit(9);
  memset(p, 1, SIZE);
  memory = p;
}

static void take(void) {
  if (is("brk")) fill(sbrk(SIZE));
  else if (is("shm")) {
    segment = shmget(IPC_PRIVATE, SIZE, 0600);
    fill(shmat(segment, 0, 0));
  } else if (is("remove") || is("truncate")) {
    file = memfd_create("file", 0);
    if (ftruncate(file, SIZE) != 0) exit(8);
    fill(mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
  } else fill(mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

static int give(void) {
  if (is("munmap")) return munmap(memory, SIZE);
  if (is("dontneed")) return madvise(memory, SIZE, MADV_DONTNEED);
  if (is("free")) return madvise(memory, SIZE, MADV_FREE);
  if (is("brk")) return sbrk(-(long)SIZE) == (void *)-1;
  if (is("remove")) return madvise(memory, SIZE, MADV_REMOVE);
  if (is("truncate")) return ftruncate(file, 0);
  return shmdt(memory) + shmctl(segment, IPC_RMID, 0);
}

static void wait_line(void) {
  char c;
  while (read(0, &c, 1) == 1 && c != '\n') continue;
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  kind = argv[1];
  if (is("exit")) {
    int ready[2];
    if (pipe(ready) != 0) return 3;
    child = fork();
    if (child == 0) {
      take();
      if (write(ready[1], "r", 1) != 1) return 4;
      pause();
    }
    char c;
    if (read(ready[0], &c, 1) != 1) return 5;
  } else take();
  if (write(1, "full\n", 5) != 5) return 6;
  wait_line();
  if (is("exit")) {
    kill(child, 9);
    waitpid(child, 0, 0);
  } else if (give() != 0) return 7;
  if (write(1, "free\n", 5) != 5) return 6;
  wait_line();
  return 0;
}

// System calls whose buffers lie in watched memory: they wait until a thread has answered, and then do what they are for, once.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static int uffd;

static void *answer(void *page) {
  struct uffd_msg m;
  while (read(uffd, &m, sizeof m) == sizeof m) {
    struct uffdio_copy c = {m.arg.pagefault.address & ~4095UL, (uintptr_t)page, 4096, 0, 0};
    ioctl(uffd, UFFDIO_COPY, &c);
  }
  return NULL;
}

static char *map(size_t bytes) {
  return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

int main(void) {
  uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
  struct uffdio_api api = {.api = UFFD_API};
  char *area = map(8 * 4096), *page = map(4096);
  for (int i = 0; i < 4096; i++) page[i] = "abc"[i % 3];
  struct uffdio_register r = {.range = {(uintptr_t)area, 8 * 4096}, .mode = UFFDIO_REGISTER_MODE_MISSING};
  if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api) != 0 || ioctl(uffd, UFFDIO_REGISTER, &r) != 0) return 1;
  pthread_t thread;
  pthread_create(&thread, NULL, answer, page);
  int ends[2];
  if (pipe(ends) != 0 || write(ends[1], "from a pipe!", 12) != 12) return 2;
  // The buffer crosses from one missing page to the next.
  long n = read(ends[0], area + 4090, 12);
  printf("read %ld bytes: %.12s\n", n, area + 4090);
  if (write(ends[1], area + 3 * 4096, 9) != 9) return 3;
  char text[16] = "";
  if (read(ends[0], text, sizeof text) != 9) return 4;
  printf("wrote page: %s\n", text);
  strcpy(page, "/dev/null");
  int fd = open(area + 5 * 4096, O_RDONLY);
  printf(fd < 0 ? "not opened\n" : "opened\n");
  return 0;
}

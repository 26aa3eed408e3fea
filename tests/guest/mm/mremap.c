// mremap(2), brk(2), madvise(2), mincore(2), mlock(2).
#include "../guest.h"

static char *grid(size_t pages) {
  char *p = map_pages(pages, PROT_READ | PROT_WRITE);
  for (size_t i = 0; i < pages; i++) p[i * PAGE] = 'a' + i;
  return p;
}

static void remapping(void) {
  char *p = grid(5);
  TRUE(mremap(p, 4 * PAGE, 2 * PAGE, 0) == p);
  TRUE(mremap(p, 2 * PAGE, 4 * PAGE, 0) == p);
  printf("after growing back: %c %c %d\n", p[0], p[PAGE], p[2 * PAGE]);
  CHECK(mremap(p, 4 * PAGE, 8 * PAGE, 0));
  char *q = mremap(p, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
  TRUE(q != MAP_FAILED && q != p);
  printf("moved: %c %c\n", q[0], q[PAGE]);
  CHECK(mremap(p, PAGE, PAGE, 0));
  char *target = map_pages(4, PROT_READ);
  TRUE(mremap(q, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target) == target);
  printf("fixed: %c %c\n", target[0], target[PAGE]);
  CHECK(mremap(q, 2 * PAGE, 2 * PAGE, MREMAP_FIXED, target));
  CHECK(mremap(target, 2 * PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target + PAGE));
  CHECK(mremap(target + 1, PAGE, PAGE, 0));
  CHECK(mremap(target, PAGE, 0, 0));
  CHECK(mremap(target, PAGE, PAGE, 0xff00));
  char *kept = grid(2);
  char *copy = (char *)MUST(syscall(SYS_mremap, kept, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0));
  printf("dontunmap: %d %c\n", kept[0], copy[0]);
  int fd = MUST(open("m", O_CREAT | O_RDWR, 0600));
  MUST(ftruncate(fd, 4 * PAGE));
  char *shared = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  shared[0] = 's';
  char *twin = mremap(shared, 0, 2 * PAGE, MREMAP_MAYMOVE);
  printf("twin: %c\n", twin[0]);
  twin[1] = 't';
  TRUE(shared[1] == 't');
  char *grown = mremap(shared, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE);
  grown[3 * PAGE] = 'g';
  char c;
  CHECK(pread(fd, &c, 1, 3 * PAGE));
  TRUE(c == 'g');
}

static void breaking(void) {
  char *start = sbrk(0);
  TRUE((char *)syscall(SYS_brk, 0) == start);
  TRUE((char *)syscall(SYS_brk, start + 3 * PAGE) == start + 3 * PAGE);
  start[3 * PAGE - 1] = 1;
  TRUE((char *)syscall(SYS_brk, start + 1) == start + 1);
  TRUE((char *)syscall(SYS_brk, start + 2 * PAGE) == start + 2 * PAGE);
  TRUE((char *)syscall(SYS_brk, 1) == start + 2 * PAGE);
  TRUE((char *)syscall(SYS_brk, start + (1UL << 46)) == start + 2 * PAGE);
  struct rlimit limit = {0, RLIM_INFINITY};
  IN_CHILD("RLIMIT_DATA", setrlimit(RLIMIT_DATA, &limit); TRUE((char *)syscall(SYS_brk, start + 9 * PAGE) == start + 2 * PAGE));
  TRUE((char *)syscall(SYS_brk, start) == start);
}

static void advice(void) {
  char *p = grid(4);
  CHECK(madvise(p, 2 * PAGE, MADV_DONTNEED));
  printf("after DONTNEED: %d %d %c\n", p[0], p[PAGE], p[2 * PAGE]);
  CHECK(madvise(p, 4 * PAGE, MADV_NORMAL));
  CHECK(madvise(p, 4 * PAGE, MADV_WILLNEED));
  CHECK(madvise(p, 4 * PAGE, MADV_SEQUENTIAL));
  CHECK(madvise(p, 4 * PAGE, MADV_POPULATE_WRITE));
  CHECK(madvise(p, 4 * PAGE, MADV_FREE));
  CHECK(madvise(p + 1, PAGE, MADV_DONTNEED));
  CHECK(madvise(p, 0, MADV_DONTNEED));
  CHECK(madvise(p, PAGE, 12345));
  CHECK(madvise(p, -PAGE, MADV_DONTNEED));
  CHECK(madvise(p, PAGE, MADV_REMOVE));
  CHECK(madvise(p, PAGE, MADV_DONTFORK));
  IN_CHILD("dontfork page in child", printf("%d\n", *(volatile char *)p));
  CHECK(madvise(p, PAGE, MADV_DOFORK));
  p[2 * PAGE] = 'w';
  CHECK(madvise(p + 2 * PAGE, PAGE, MADV_WIPEONFORK));
  IN_CHILD("wiped page in child", printf("%d\n", p[2 * PAGE]));
  printf("parent keeps: %c\n", p[2 * PAGE]);
  CHECK(munmap(p + PAGE, PAGE));
  CHECK(madvise(p, 4 * PAGE, MADV_DONTNEED));
  CHECK(madvise(p + PAGE, PAGE, MADV_DONTNEED));
  unsigned char vec[4];
  CHECK(mincore(p + 1, PAGE, vec));
  CHECK(mincore(p, 4 * PAGE, vec));
  CHECK(mincore(p + 2 * PAGE, PAGE, (unsigned char *)1));
  p[3 * PAGE] = 1;
  CHECK(mincore(p + 3 * PAGE, PAGE, vec));
  printf("resident: %d\n", vec[0] & 1);
  CHECK(mlock(p, PAGE));
  CHECK(munlock(p, PAGE));
  CHECK(mlock(p + PAGE, PAGE));
  CHECK(mlock2(p, PAGE, MLOCK_ONFAULT));
  CHECK(mlock2(p, PAGE, 2));
  CHECK(mlockall(0));
  CHECK(mlockall(MCL_ONFAULT));
  CHECK(munlockall());
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  scratch();
  remapping();
  breaking();
  advice();
  return 0;
}

// mmap(2) flags that ask for something at once, mincore(2), MADV_COLLAPSE, mlock2(2), and what the limits say.
#include "../guest.h"
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MAP_SYNC
#define MAP_SYNC 0x80000
#endif

enum { RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS };

static int present(char *p, int pages) {
  unsigned char vector[64];
  MUST(mincore(p, pages * PAGE, vector));
  int count = 0;
  for (int i = 0; i < pages; i++) count += vector[i] & 1;
  return count;
}

static void at_once(void) {
  char *p = mmap(NULL, 16 * PAGE, RW, ANON, -1, 0);
  p[3 * PAGE] = p[5 * PAGE] = 1;
  // What was not touched may be there all the same.
  TRUE(present(p, 16) >= 2 && present(p + 3 * PAGE, 1) == 1 && present(p + 5 * PAGE, 1) == 1);
  MUST(madvise(p, 8 * PAGE, MADV_POPULATE_WRITE));
  printf("half populated: %d\n", present(p, 8));
  MUST(madvise(p, 4 * PAGE, MADV_DONTNEED));
  printf("four discarded: %d\n", present(p, 8));
  p = mmap(NULL, 16 * PAGE, RW, ANON | MAP_POPULATE, -1, 0);
  printf("MAP_POPULATE: %d\n", present(p, 16));
  p = mmap(NULL, 16 * PAGE, RW, ANON | MAP_POPULATE | MAP_NONBLOCK, -1, 0);
  TRUE(p[0] == 0);
  p = mmap(NULL, 4 * PAGE, RW, ANON | MAP_LOCKED, -1, 0);
  printf("MAP_LOCKED: %d\n", p == MAP_FAILED ? -1 : present(p, 4));
  p = mmap(NULL, 4 * PAGE, RW, ANON, -1, 0);
  CHECK(syscall(SYS_mlock2, p, 4 * PAGE, 1));
  p[0] = 1;
  TRUE(present(p, 1) == 1);
  CHECK(syscall(SYS_mlock2, p, 4 * PAGE, 0));
  printf("mlock2: %d\n", present(p, 4));
  CHECK(syscall(SYS_mlock2, p, 4 * PAGE, 2));
  CHECK(madvise(p, PAGE, MADV_DONTNEED));
  p = mmap(NULL, 4 * PAGE, PROT_NONE, ANON | MAP_POPULATE, -1, 0);
  printf("no access: %d\n", present(p, 4));
  CHECK(madvise(p, PAGE, MADV_POPULATE_READ));
  CHECK(madvise(p, PAGE, MADV_POPULATE_WRITE));
}

static void refused(void) {
  CHECK(mmap(NULL, PAGE, RW, ANON | MAP_HUGETLB, -1, 0));
  CHECK(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_GROWSDOWN | MAP_ANONYMOUS, -1, 0));
  int fd = MUST(memfd_create("m", 0));
  MUST(ftruncate(fd, PAGE));
  CHECK(mmap(NULL, PAGE, RW, MAP_SHARED_VALIDATE | MAP_SYNC, fd, 0));
  OK(mmap(NULL, PAGE, RW, MAP_SHARED_VALIDATE | 0x4000000, fd, 0));
  CHECK(mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_HUGETLB, fd, 0));
  OK(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 1L << 62));
  OK(mmap(NULL, 1L << 40, RW, ANON | MAP_NORESERVE, -1, 0));
}

static void collapse(void) {
  const long huge = 1L << 21;
  char *p = mmap(NULL, 3 * huge, RW, ANON, -1, 0);
  p = (char *)(((uintptr_t)p + huge - 1) & ~(huge - 1));
  CHECK(madvise(p, huge, MADV_COLLAPSE));
  for (long i = 0; i < huge; i += PAGE) p[i] = i / PAGE % 100 + 1;
  CHECK(madvise(p, huge, MADV_COLLAPSE));
  CHECK(madvise(p, huge, MADV_COLLAPSE));
  bool same = true;
  for (long i = 0; i < huge; i += PAGE) same = same && p[i] == i / PAGE % 100 + 1 && p[i + 1] == 0;
  TRUE(same);
  p[huge] = 'x';
  CHECK(madvise(p + huge, huge, MADV_COLLAPSE));
  TRUE(p[huge] == 'x' && p[huge + PAGE] == 0);
  CHECK(madvise(p + PAGE, 2 * PAGE, MADV_COLLAPSE));
  CHECK(madvise(p + 1, huge, MADV_COLLAPSE));
  MUST(madvise(p, huge, MADV_NOHUGEPAGE));
  CHECK(madvise(p, huge, MADV_COLLAPSE));
  CHECK(madvise((void *)(1UL << 45), huge, MADV_COLLAPSE));
  IN_CHILD("collapse of memory that is shared with the parent", {
    p[5] = 'c';
    madvise(p, huge, MADV_HUGEPAGE);
    CHECK(madvise(p, huge, MADV_COLLAPSE));
    TRUE(p[5] == 'c' && p[PAGE] == 2);
  });
  TRUE(p[5] == 0 && p[PAGE] == 2);
}

static void limited(void) {
  IN_CHILD("RLIMIT_AS", {
    struct rlimit limit = {1L << 30, 1L << 30};
    MUST(setrlimit(RLIMIT_AS, &limit));
    CHECK(mmap(NULL, 1L << 30, RW, ANON, -1, 0));
    OK(mmap(NULL, 1L << 28, RW, ANON, -1, 0));
    CHECK(mremap(map_pages(1, RW), PAGE, 1L << 30, MREMAP_MAYMOVE));
  });
  IN_CHILD("RLIMIT_DATA", {
    struct rlimit limit = {1L << 26, 1L << 26};
    MUST(setrlimit(RLIMIT_DATA, &limit));
    CHECK(mmap(NULL, 1L << 27, RW, ANON, -1, 0));
    OK(mmap(NULL, 1L << 27, PROT_READ, ANON, -1, 0));
    OK(mmap(NULL, 1L << 27, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    char *p = mmap(NULL, 1L << 27, PROT_READ, ANON, -1, 0);
    CHECK(mprotect(p, 1L << 27, RW));
    char *brk = sbrk(0);
    CHECK(sbrk(1L << 27));
    TRUE(sbrk(0) == brk);
  });
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  at_once();
  refused();
  collapse();
  limited();
  return 0;
}

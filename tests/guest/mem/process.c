// /proc/PID/mem and pagemap, process_madvise(2), mremap with DONTUNMAP, mseal's errors, growing stacks, locked memory, advice that only tunes.
#include "../guest.h"
#include <sys/resource.h>
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MADV_COLD
#define MADV_COLD 20
#define MADV_PAGEOUT 21
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

static void through_proc(void) {
  char *p = map_pages(3, PROT_READ | PROT_WRITE);
  strcpy(p, "secret");
  MUST(mprotect(p + PAGE, PAGE, PROT_NONE));
  MUST(munmap(p + 2 * PAGE, PAGE));
  int fd = MUST(open("/proc/self/mem", O_RDWR));
  char text[8] = "";
  CHECK(pread(fd, text, 6, (uintptr_t)p));
  printf("%s\n", text);
  CHECK(pwrite(fd, "public", 6, (uintptr_t)p));
  printf("%s\n", p);
  CHECK(pread(fd, text, 6, (uintptr_t)p + 2 * PAGE - 3));
  CHECK(pread(fd, text, 6, (uintptr_t)p + 2 * PAGE));
  CHECK(pread(fd, text, 0, 0));
  CHECK(lseek(fd, 0, SEEK_CUR));
  close(fd);
  fd = MUST(open("/proc/self/pagemap", O_RDONLY));
  uint64_t entry[2] = {0, 0};
  CHECK(pread(fd, entry, 8, (uintptr_t)p / PAGE * 8));
  printf("present %d\n", (int)(entry[0] >> 63));
  CHECK(pread(fd, entry, 7, (uintptr_t)p / PAGE * 8));
  CHECK(pread(fd, entry, 8, (uintptr_t)p / PAGE * 8 + 3));
  close(fd);
  fd = MUST(open("/proc/self/clear_refs", O_WRONLY));
  CHECK(write(fd, "1", 1));
  CHECK(write(fd, "9", 1));
  close(fd);
}

static void advice(void) {
  char *p = map_pages(4, PROT_READ | PROT_WRITE);
  int kinds[] = {MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTNEED, MADV_FREE, MADV_DONTFORK, MADV_DOFORK,
                 MADV_DONTDUMP, MADV_DODUMP, MADV_WIPEONFORK, MADV_KEEPONFORK, MADV_COLD, MADV_PAGEOUT, MADV_POPULATE_READ,
                 MADV_POPULATE_WRITE, MADV_REMOVE, 99};
  for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    errno = 0;
    int result = madvise(p, 2 * PAGE, kinds[i]);
    printf("advice %d: %d %s\n", kinds[i], result, strerrorname_np(errno));
  }
  MUST(munmap(p + PAGE, PAGE));
  CHECK(madvise(p, 3 * PAGE, MADV_DONTNEED));
  CHECK(madvise(p, 3 * PAGE, MADV_POPULATE_READ));
  MUST(mprotect(p, PAGE, PROT_READ));
  CHECK(madvise(p, PAGE, MADV_POPULATE_WRITE));
  CHECK(madvise(p + 1, PAGE, MADV_NORMAL));
  int self = MUST(syscall(SYS_pidfd_open, getpid(), 0));
  struct iovec v[2] = {{p, PAGE}, {p + 2 * PAGE, PAGE}};
  CHECK(syscall(SYS_process_madvise, self, v, 2, MADV_COLD, 0));
  CHECK(syscall(SYS_process_madvise, self, v, 2, MADV_COLD, 1));
  CHECK(syscall(SYS_process_madvise, 99, v, 2, MADV_COLD, 0));
  close(self);
}

static void moves(void) {
  char *p = map_pages(2, PROT_READ | PROT_WRITE);
  strcpy(p, "moved");
  char *q = mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
  printf("%s then '%s'\n", q, p);
  CHECK(mremap(p, 2 * PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL));
  CHECK(mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_DONTUNMAP, NULL));
}

static int depth(int n) {
  volatile char room[PAGE];
  room[0] = n;
  return n == 0 ? room[0] : depth(n - 1) + room[0] * 0;
}

static void stacks(void) {
  CHECK(depth(500));
  char *top = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  MUST(munmap(top, 64 * PAGE));
  IN_CHILD("past the limit", struct rlimit few = {1 << 20, 1 << 20}; MUST(setrlimit(RLIMIT_STACK, &few)); signal(SIGSEGV, SIG_DFL); depth(1000));
}

static void locks(void) {
  struct rlimit two = {2 * PAGE, 2 * PAGE};
  char *p = map_pages(4, PROT_READ | PROT_WRITE);
  IN_CHILD("locked memory", MUST(setrlimit(RLIMIT_MEMLOCK, &two)); if (geteuid() == 0) {
    MUST(setgid(65533));
    MUST(setuid(65533));
  } CHECK(mlock(p, 2 * PAGE)); CHECK(mlock(p + 2 * PAGE, PAGE)); CHECK(mlock(p, PAGE)); CHECK(munlock(p, PAGE));
           CHECK(mlock(p + 2 * PAGE, PAGE)); CHECK(mlockall(MCL_CURRENT)); CHECK(mlockall(0)); CHECK(mlock(p, 0));
           CHECK(mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0)); CHECK(munlockall()));
  IN_CHILD("address space", struct rlimit none = {0, 0}; MUST(setrlimit(RLIMIT_AS, &none));
           CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)));
  IN_CHILD("data", struct rlimit none = {0, 0}; MUST(setrlimit(RLIMIT_DATA, &none));
           CHECK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
           OK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  through_proc();
  advice();
  moves();
  stacks();
  locks();
  return 0;
}

// Threads in the middle of calls from places that may be patched, while another takes all away that such patches might need: pages
// that are not the program's own are unmapped, protected, moved and mapped over; the code itself flips to writable and back.
#include "site.h"
#include <pthread.h>

SITE_EAX(steady, 110);
SITE_RAX(steadier, 110);

enum { THREADS = 3, FLIPS = 150 };

static _Atomic bool stop;
static _Atomic long wrong, rounds;
static pid_t parent;
static long (*flipping)(void);

static void *hammer(void *argument) {
  (void)argument;
  while (!stop) {
    wrong += steady(0, 0, 0) != parent;
    wrong += steadier(0, 0, 0) != parent;
    wrong += syscall(SYS_getppid) != parent;
    wrong += flipping() != parent;
    rounds++;
  }
  return NULL;
}

// Calls `act` for every page whose name in the maps says that it is for system calls. Linux has none.
static void for_pages(void (*act)(char *, size_t)) {
  char line[512];
  FILE *maps = fopen("/proc/self/maps", "r");
  unsigned long starts[64], ends[64];
  int count = 0;
  while (fgets(line, sizeof line, maps) != NULL && count < 64) {
    if (strstr(line, "[syscalls]") != NULL && sscanf(line, "%lx-%lx", &starts[count], &ends[count]) == 2) count++;
  }
  fclose(maps);
  for (int i = 0; i < count; i++) act((char *)starts[i], ends[i] - starts[i]);
}

static void deny(char *at, size_t length) { mprotect(at, length, PROT_NONE); }
static void allow(char *at, size_t length) { mprotect(at, length, PROT_READ | PROT_EXEC); }
static long writable;
static void make_writable(char *at, size_t length) {
  if (mprotect(at, length, PROT_READ | PROT_WRITE) == 0) writable++;
}
static void drop(char *at, size_t length) { madvise(at, length, MADV_DONTNEED); }
static void unmap(char *at, size_t length) { munmap(at, length); }
static void cover(char *at, size_t length) {
  mmap(at, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}
static void move(char *at, size_t length) { mremap(at, length, 2 * length, MREMAP_MAYMOVE); }
static void shift(char *at, size_t length) {
  char *room = map_pages(1, PROT_NONE);
  mremap(at, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, room);
}

static void calls(int times) {
  for (int i = 0; i < times; i++) {
    wrong += steady(0, 0, 0) != parent;
    wrong += steadier(0, 0, 0) != parent;
    wrong += syscall(SYS_getppid) != parent;
  }
}

// While nobody else calls: whoever is in such a page, or on the way from it, when it goes, goes with it.
static void alone(const char *name, void (*act)(char *, size_t)) {
  calls(OFTEN);
  for (int i = 0; i < 3; i++) {
    for_pages(act);
    calls(OFTEN / 2);
  }
  printf("%s: %ld wrong\n", name, wrong);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  parent = getppid();
  scratch();
  char code[PAGE];
  memset(code, 0xcc, sizeof code);
  memcpy(code + 40, "\xb8\x6e\0\0\0\x0f\x05\xc3", 8);
  int fd = MUST(open("code", O_RDWR | O_CREAT, 0755));
  MUST(write(fd, code, PAGE));
  char *text = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
  flipping = (long (*)(void))(text + 40);
  alone("denied", deny);
  alone("allowed", allow);
  alone("writable", make_writable);
  alone("dropped", drop);
  alone("moved", move);
  alone("shifted", shift);
  alone("covered", cover);
  alone("unmapped", unmap);
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, hammer, NULL);
  for (int i = 0; i < FLIPS; i++) {
    mprotect(text, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
    if (memcmp(text + 40, code + 40, 8) != 0) wrong++;
    // As a JIT may: the same number again.
    text[41] = 0x6e;
    mprotect(text, PAGE, PROT_READ | PROT_EXEC);
    long seen = rounds;
    while (rounds < seen + 5) sched_yield();
    madvise(text, PAGE, MADV_DONTNEED);
  }
  stop = true;
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  printf("flips: %ld wrong, %ld writable\n", wrong, writable);
  return 0;
}

// Code that changes, moves and goes away under calls that were made from it often: files mapped privately and shared, memory of a JIT.
#include "site.h"

// mov $nr, %eax; syscall; ret
static void emit(char *at, uint32_t nr) {
  at[0] = (char)0xb8;
  memcpy(at + 1, &nr, 4);
  memcpy(at + 5, "\x0f\x05\xc3", 3);
}

static long call_at(void *code) { return ((long (*)(void))code)(); }

static long often(void *code, long expected) {
  long wrong = 0;
  for (int i = 0; i < OFTEN; i++) wrong += call_at(code) != expected;
  return wrong;
}

static int code_file(const char *name, size_t at) {
  char page[2 * PAGE];
  memset(page, 0xcc, sizeof page);
  emit(page + at, SYS_getppid);
  int fd = MUST(open(name, O_RDWR | O_CREAT | O_TRUNC, 0755));
  MUST(pwrite(fd, page, sizeof page, 0));
  return fd;
}

static char *map_code(int fd, int flags, int prot) {
  char *code = mmap(NULL, 2 * PAGE, prot, flags, fd, 0);
  if (code == MAP_FAILED) exit(90);
  return code;
}

static void show(const char *what, const char *at, uint32_t nr) {
  char want[8];
  emit(want, nr);
  printf("%s: %s\n", what, memcmp(at, want, 8) == 0 ? "as written" : "changed");
}

static void jit(void) {
  char *code = map_pages(1, PROT_READ | PROT_WRITE | PROT_EXEC);
  emit(code + 100, SYS_getppid);
  printf("writable and executable: %ld wrong\n", often(code + 100, getppid()));
  show("writable and executable", code + 100, SYS_getppid);
  emit(code + 100, SYS_getpid);
  printf("rewritten: %ld wrong\n", often(code + 100, getpid()));
  for (int round = 0; round < 3; round++) {
    MUST(mprotect(code, PAGE, PROT_READ | PROT_WRITE));
    emit(code + 100, round % 2 ? SYS_getpid : SYS_getppid);
    MUST(mprotect(code, PAGE, PROT_READ | PROT_EXEC));
    printf("flipped %d: %ld wrong\n", round, often(code + 100, round % 2 ? getpid() : getppid()));
    show("flipped", code + 100, round % 2 ? SYS_getpid : SYS_getppid);
  }
  MUST(munmap(code, PAGE));
}

static void private_file(void) {
  int fd = code_file("code", 200);
  char *code = map_code(fd, MAP_PRIVATE, PROT_READ | PROT_EXEC);
  printf("private: %ld wrong\n", often(code + 200, getppid()));
  // Only the number is written: the rest must be what it was.
  MUST(mprotect(code, 2 * PAGE, PROT_READ | PROT_WRITE));
  show("writable again", code + 200, SYS_getppid);
  uint32_t nr = SYS_getpid;
  memcpy(code + 201, &nr, 4);
  MUST(mprotect(code, 2 * PAGE, PROT_READ | PROT_EXEC));
  printf("private, rewritten: %ld wrong\n", often(code + 200, getpid()));
  MUST(mprotect(code, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
  show("writable and executable now", code + 200, SYS_getpid);
  MUST(mprotect(code, PAGE, PROT_READ | PROT_EXEC));
  printf("and back: %ld wrong\n", often(code + 200, getpid()));
  // Moved elsewhere.
  char *room = map_pages(2, PROT_NONE);
  char *moved = mremap(code, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, room);
  TRUE(moved == room);
  printf("moved: %ld wrong\n", often(moved + 200, getpid()));
  // The file's own content comes back.
  MUST(madvise(moved, 2 * PAGE, MADV_DONTNEED));
  printf("dropped: %ld wrong\n", often(moved + 200, getppid()));
  char content[8];
  MUST(pread(fd, content, 8, 200));
  show("the file", content, SYS_getppid);
  // Something else takes the place.
  char *other = mmap(moved, 2 * PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, 0);
  TRUE(other == moved);
  printf("mapped over: %ld wrong\n", often(other + 200, getppid()));
  MUST(munmap(other, 2 * PAGE));
  close(fd);
}

static void shared_file(void) {
  int fd = code_file("shared", 300);
  char *code = map_code(fd, MAP_SHARED, PROT_READ | PROT_EXEC);
  printf("shared: %ld wrong\n", often(code + 300, getppid()));
  show("shared", code + 300, SYS_getppid);
  char *writer = map_code(fd, MAP_SHARED, PROT_READ | PROT_WRITE);
  emit(writer + 300, SYS_getpid);
  printf("shared, rewritten: %ld wrong\n", often(code + 300, getpid()));
  char content[8];
  MUST(pread(fd, content, 8, 300));
  show("the shared file", content, SYS_getpid);
  MUST(munmap(code, 2 * PAGE));
  MUST(munmap(writer, 2 * PAGE));
  close(fd);
}

static void at_the_end(void) {
  int fd = code_file("end", PAGE - 8);
  char *code = map_code(fd, MAP_PRIVATE, PROT_READ | PROT_EXEC);
  MUST(munmap(code + PAGE, PAGE));
  printf("last bytes of a mapping: %ld wrong\n", often(code + PAGE - 8, getppid()));
  close(fd);
  fd = code_file("border", PAGE - 3);
  char *across = map_code(fd, MAP_PRIVATE, PROT_READ | PROT_EXEC);
  printf("across pages: %ld wrong\n", often(across + PAGE - 3, getppid()));
  fd = code_file("first", 0);
  char *first = map_code(fd, MAP_PRIVATE, PROT_READ | PROT_EXEC);
  printf("first bytes of a mapping: %ld wrong\n", often(first, getppid()));
}

// Children see and change what is theirs alone.
static void forked(void) {
  int fd = code_file("forked", 400);
  char *code = map_code(fd, MAP_PRIVATE, PROT_READ | PROT_EXEC);
  printf("before fork: %ld wrong\n", often(code + 400, getppid()));
  IN_CHILD("child", {
    printf("in the child: %ld wrong\n", often(code + 400, getppid()));
    mprotect(code, PAGE, PROT_READ | PROT_WRITE);
    show("in the child", code + 400, SYS_getppid);
    emit(code + 400, SYS_getpid);
    mprotect(code, PAGE, PROT_READ | PROT_EXEC);
    printf("rewritten by the child: %ld wrong\n", often(code + 400, getpid()));
    IN_CHILD("grandchild", printf("grandchild: %ld wrong\n", often(code + 400, getpid())));
  });
  printf("in the parent: %ld wrong\n", often(code + 400, getppid()));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  scratch();
  jit();
  private_file();
  shared_file();
  at_the_end();
  forked();
  return 0;
}

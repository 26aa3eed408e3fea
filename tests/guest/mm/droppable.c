// MAP_DROPPABLE (mmap(2), Linux 6.11): anonymous memory for __vdso_getrandom, which a fork wipes and nobody locks.
// guest: linux 6.11
#include "../guest.h"

#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 0x08
#endif

static char *map(int flags) {
  return mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, flags, -1, 0);
}

static void show_flags(const void *at) {
  char line[500], wanted[40];
  bool inside = false;
  FILE *f = fopen("/proc/self/smaps", "r");
  sprintf(wanted, "%lx-", (long)at);
  while (fgets(line, sizeof line, f)) {
    if (strncmp(line, wanted, strlen(wanted)) == 0) inside = true;
    if (!inside || strncmp(line, "VmFlags:", 8) != 0) continue;
    for (const char *name = "wf\0dp\0dd\0lo\0nr\0"; *name; name += 3) printf("%s %s, ", name, strstr(line, name) ? "yes" : "no");
    printf("\n");
    break;
  }
  fclose(f);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  scratch();
  int file = MUST(open("file", O_CREAT | O_RDWR, 0600));
  OK(map(MAP_DROPPABLE | MAP_ANONYMOUS | MAP_LOCKED));
  OK(map(MAP_DROPPABLE | MAP_ANONYMOUS | MAP_GROWSDOWN));
  OK(map(MAP_DROPPABLE | MAP_ANONYMOUS | MAP_PRIVATE));
  OK(map(MAP_DROPPABLE));
  OK(mmap(NULL, PAGE, PROT_READ, MAP_DROPPABLE, file, 0));
  char *p = map(MAP_DROPPABLE | MAP_ANONYMOUS);
  OK(p);
  show_flags(p);
  strcpy(p, "own"), strcpy(p + PAGE, "second");
  IN_CHILD("wiped", TRUE(p[0] == 0 && p[PAGE] == 0); strcpy(p, "child's"));
  printf("%s %s\n", p, p + PAGE);
  CHECK(madvise(p, PAGE, MADV_KEEPONFORK));
  CHECK(madvise(p, PAGE, MADV_DODUMP));
  CHECK(madvise(p, PAGE, MADV_WIPEONFORK));
  CHECK(madvise(p, PAGE, MADV_DONTFORK));
  CHECK(madvise(p, PAGE, MADV_DOFORK));
  CHECK(madvise(p, PAGE, MADV_DONTNEED));
  TRUE(p[0] == 0 && p[PAGE] == 's');
  CHECK(mlock(p, 2 * PAGE));
  show_flags(p);
  CHECK(mprotect(p, 2 * PAGE, PROT_READ));
  CHECK(munmap(p, 2 * PAGE));
  return 0;
}

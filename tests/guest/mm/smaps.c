// /proc/PID/maps, smaps and smaps_rollup of memory with a known history: lines, flags, and the figures that do not depend on the host.
#include "../guest.h"

// Prints the entry of the mapping at `p`, addresses relative to it; of smaps only what is said below.
static void show(const char *file, const char *what, char *p) {
  static const char *wanted[] = {"Size:", "Rss:", "Pss:", "Private_Clean:", "Anonymous:", "Swap:", "Locked:", "KernelPageSize:", "VmFlags:"};
  printf("%s of %s\n", file, what);
  FILE *f = fopen(file, "r");
  char line[512];
  bool inside = false;
  while (fgets(line, sizeof line, f)) {
    unsigned long start, end, offset;
    char prot[5];
    unsigned inode;
    int name = 0;
    if (sscanf(line, "%lx-%lx %4s %lx %*s %u %n", &start, &end, prot, &offset, &inode, &name) >= 4) {
      inside = (uintptr_t)p >= start && (uintptr_t)p < end;
      if (inside) printf("+%lx-%lx %s %lx %s%s", start - (uintptr_t)p, end - (uintptr_t)p, prot, offset, inode ? "inode " : "", line + name);
      continue;
    }
    if (!inside) continue;
    // Soft-dirty bits are a matter of configuration.
    char *soft = strncmp(line, "VmFlags:", 8) == 0 ? strstr(line, "sd ") : NULL;
    if (soft != NULL) memmove(soft, soft + 3, strlen(soft + 3) + 1);
    for (unsigned i = 0; i < sizeof wanted / sizeof *wanted; i++)
      if (strncmp(line, wanted[i], strlen(wanted[i])) == 0) fputs(line, stdout);
  }
  fclose(f);
}

static void names(const char *file) {
  FILE *f = fopen(file, "r");
  char line[512], last[64] = "";
  while (fgets(line, sizeof line, f)) {
    char name[64];
    if (strchr(line, '-') != NULL && strchr(line, '-') < line + 17) continue;
    if (sscanf(line, "%63[A-Za-z_]:", name) == 1 && strcmp(name, last) != 0) strcpy(last, name);
    if (strcmp(name, "ProtectionKey") != 0 && strcmp(name, "KSM") != 0 && strncmp(name, "Pss_", 4) != 0) printf("%s ", name);
    if (strcmp(name, "VmFlags") == 0) break;
  }
  printf("\n");
  fclose(f);
}

static char *between_holes(size_t pages, int prot, int flags, int fd) {
  char *hole = mmap(NULL, (pages + 2) * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  char *p = mmap(hole + PAGE, pages * PAGE, prot, flags | MAP_FIXED, fd, 0);
  MUST(munmap(hole, PAGE));
  MUST(munmap(hole + (pages + 1) * PAGE, PAGE));
  return p;
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  scratch();
  char *p = between_holes(4, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  memset(p, 1, 4 * PAGE);
  show("/proc/self/maps", "anonymous memory", p);
  show("/proc/self/smaps", "anonymous memory", p);
  MUST(mlock(p, 4 * PAGE));
  MUST(madvise(p, 4 * PAGE, MADV_DONTDUMP));
  MUST(madvise(p, 4 * PAGE, MADV_SEQUENTIAL));
  show("/proc/self/smaps", "locked memory", p);
  char *none = between_holes(2, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
  show("/proc/self/smaps", "memory without access", none);
  char *shared = between_holes(2, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
  memset(shared, 1, 2 * PAGE);
  show("/proc/self/maps", "shared memory", shared);
  int fd = MUST(open("data", O_RDWR | O_CREAT, 0600));
  MUST(ftruncate(fd, 2 * PAGE));
  char *file = between_holes(2, PROT_READ, MAP_PRIVATE, fd);
  char line[512], *end = NULL;
  FILE *maps = fopen("/proc/self/maps", "r");
  while (fgets(line, sizeof line, maps))
    if (strtoul(line, &end, 16) == (uintptr_t)file) printf("named %s", strrchr(line, '/'));
  fclose(maps);
  IN_CHILD("half of it is the child's too", {
    // Block by block: how much a write copies is the kernel's business.
    for (int i = 0; i < 4; i++) p[i * PAGE] = 2;
    show("/proc/self/smaps", "copied memory", p);
  });
  names("/proc/self/smaps");
  names("/proc/self/smaps_rollup");
  long size, resident, mine;
  FILE *statm = fopen("/proc/self/statm", "r");
  TRUE(fscanf(statm, "%ld %ld %ld", &size, &resident, &mine) == 3 && size > resident && resident > mine && mine > 0);
  fclose(statm);
  return 0;
}

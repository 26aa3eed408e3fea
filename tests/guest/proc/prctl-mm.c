// prctl(2), PR_SET_MM: every sub-option with good, odd and bad values, the order of the checks, and what /proc shows afterwards. Each step in a child of
// its own, as root and (with the rights taken away) as anybody.
#include "../guest.h"
#include <linux/capability.h>
#include <linux/prctl.h>
#include <sys/auxv.h>
#include <sys/prctl.h>

static long set(long what, unsigned long a, unsigned long b, unsigned long c) {
  return syscall(SYS_prctl, PR_SET_MM, what, a, b, c);
}

static void drop_rights(void) {
  struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2] = {{0}};
  MUST(syscall(SYS_capset, &head, data));
}

static char text[8192];

static long load(const char *path) {
  int fd = open(path, O_RDONLY);
  if (fd < 0) return -1;
  long n = 0, got;
  while ((got = read(fd, text + n, sizeof text - 1 - n)) > 0) n += got;
  close(fd);
  text[n] = 0;
  return n;
}

// Field `index` (from 1, as in proc_pid_stat(5)) of /proc/self/stat.
static unsigned long field(int index) {
  load("/proc/self/stat");
  char *at = strrchr(text, ')') + 2;
  for (int i = 3; i < index; i++) at = strchr(at, ' ') + 1;
  return strtoul(at, NULL, 10);
}

static struct prctl_mm_map now(void) {
  return (struct prctl_mm_map){
    .start_code = field(26), .end_code = field(27), .start_stack = field(28), .start_data = field(45), .end_data = field(46),
    .start_brk = field(47), .brk = (unsigned long)sbrk(0), .arg_start = field(48), .arg_end = field(49), .env_start = field(50), .env_end = field(51),
    .exe_fd = -1,
  };
}

static const struct { int option, index; const char *name; } places[] = {
  {PR_SET_MM_START_CODE, 26, "START_CODE"}, {PR_SET_MM_END_CODE, 27, "END_CODE"}, {PR_SET_MM_START_DATA, 45, "START_DATA"},
  {PR_SET_MM_END_DATA, 46, "END_DATA"}, {PR_SET_MM_START_STACK, 28, "START_STACK"}, {PR_SET_MM_START_BRK, 47, "START_BRK"}, {PR_SET_MM_BRK, 0, "BRK"},
  {PR_SET_MM_ARG_START, 48, "ARG_START"}, {PR_SET_MM_ARG_END, 49, "ARG_END"}, {PR_SET_MM_ENV_START, 50, "ENV_START"}, {PR_SET_MM_ENV_END, 51, "ENV_END"},
};

static void single(void) {
  for (unsigned i = 0; i < sizeof places / sizeof *places; i++) {
    int option = places[i].option, index = places[i].index;
    unsigned long old = index ? field(index) : (unsigned long)sbrk(0);
    printf("%s\n", places[i].name);
    CHECK(set(option, old, 0, 0));
    CHECK(set(option, 0, 0, 0));
    CHECK(set(option, old, 1, 0));
    CHECK(set(option, old, 0, 1));
    if (index) TRUE(field(index) == old);
  }
  CHECK(set(0, 0x100000, 0, 0));
  CHECK(set(16, 0x100000, 0, 0));
  CHECK(set(-1, 0x100000, 0, 0));
  CHECK(set(16, 1, 0, 1));
  CHECK(set(16, 1, 1, 0));
  CHECK(set(PR_SET_MM_EXE_FILE, 1000, 0, 0));
  CHECK(set(PR_SET_MM_EXE_FILE, 1000, 1, 0));
  CHECK(set(PR_SET_MM_AUXV, 0, 0, 0));
  CHECK(set(PR_SET_MM_AUXV, 0, 0, 1));
}

static void show(const char *path) {
  long n = load(path);
  printf("%s: %ld [", path, n);
  for (long i = 0; i < n && i < 200; i++) putchar(text[i] >= ' ' && text[i] < 127 ? text[i] : '.');
  printf("]\n");
}

static void arguments(void) {
  IN_CHILD("arguments elsewhere", {
    char *page = map_pages(3, PROT_READ | PROT_WRITE);
    memcpy(page, "one\0two\0", 8);
    memcpy(page + PAGE, "A=1\0B=2\0", 8);
    struct prctl_mm_map map = now();
    map.arg_start = (unsigned long)page;
    map.arg_end = (unsigned long)page + 8;
    map.env_start = (unsigned long)page + PAGE;
    map.env_end = map.env_start + 8;
    CHECK(set(PR_SET_MM_MAP, (unsigned long)&map, sizeof map, 0));
    show("/proc/self/cmdline");
    show("/proc/self/environ");
    // setproctitle(3): no zero at the end, the text goes on into the environment.
    memcpy(page, "a title that is longer", 22);
    show("/proc/self/cmdline");
    map.env_start = map.arg_end;
    map.env_end = map.env_start + 20;
    CHECK(set(PR_SET_MM_MAP, (unsigned long)&map, sizeof map, 0));
    show("/proc/self/cmdline");
    map.env_start = map.arg_end = map.arg_start;
    CHECK(set(PR_SET_MM_MAP, (unsigned long)&map, sizeof map, 0));
    show("/proc/self/cmdline");
    munmap(page, 3 * PAGE);
    show("/proc/self/cmdline");
    show("/proc/self/environ");
  });
}

static void whole(void) {
  unsigned size = 0;
  struct prctl_mm_map good = now();
  CHECK(set(PR_SET_MM_MAP_SIZE, (unsigned long)&size, 0, 0));
  CHECK(size);
  CHECK(set(PR_SET_MM_MAP_SIZE, (unsigned long)&size, 5, 0));
  CHECK(set(PR_SET_MM_MAP_SIZE, (unsigned long)&size, 0, 1));
  CHECK(set(PR_SET_MM_MAP_SIZE, 0, 0, 0));
  CHECK(set(PR_SET_MM_MAP, (unsigned long)&good, sizeof good, 1));
  CHECK(set(PR_SET_MM_MAP, (unsigned long)&good, sizeof good - 1, 0));
  CHECK(set(PR_SET_MM_MAP, (unsigned long)&good, sizeof good + 8, 0));
  CHECK(set(PR_SET_MM_MAP, 0, sizeof good, 0));
  CHECK(set(PR_SET_MM_MAP, 0, 3, 0));
  CHECK(set(PR_SET_MM_MAP, (unsigned long)&good, sizeof good, 0));
  for (int i = 0; i < 11; i++) {
    static const unsigned long values[] = {0, 4095, 1UL << 47, ~0UL};
    for (int k = 0; k < 4; k++) {
      struct prctl_mm_map map = good;
      ((unsigned long *)&map)[i] = values[k];
      printf("field %d %lx ", i, values[k]);
      CHECK(set(PR_SET_MM_MAP, (unsigned long)&map, sizeof map, 0));
    }
  }
  // Ends before starts, and as they are.
  for (int i = 0; i < 11; i++) {
    if (i == 6) continue;
    int start = i < 6 ? i / 2 * 2 : (i - 7) / 2 * 2 + 7;
    for (int by = -1; by < 2; by++) {
      struct prctl_mm_map map = good;
      unsigned long *fields = (void *)&map;
      fields[start + 1] = fields[start] + by;
      printf("pair %d %d ", start, by);
      IN_CHILD("pair", CHECK(set(PR_SET_MM_MAP, (unsigned long)&map, sizeof map, 0)));
    }
  }
  IN_CHILD("auxv in a map", {
    struct prctl_mm_map map = good;
    unsigned long vector[80] = {AT_PAGESZ, 4096, 50, 60};
    map.auxv_size = 32;
    CHECK(set(PR_SET_MM_MAP, (unsigned long)&map, sizeof map, 0));
    map.auxv = (void *)vector;
    map.auxv_size = sizeof vector;
    CHECK(set(PR_SET_MM_MAP, (unsigned long)&map, sizeof map, 0));
    map.auxv_size = 32;
    CHECK(set(PR_SET_MM_MAP, (unsigned long)&map, sizeof map, 0));
    load("/proc/self/auxv");
    printf("%lu %lu\n", ((unsigned long *)text)[2], ((unsigned long *)text)[3]);
    map.auxv = (void *)1;
    CHECK(set(PR_SET_MM_MAP, (unsigned long)&map, sizeof map, 0));
    map.auxv_size = 0;
    CHECK(set(PR_SET_MM_MAP, (unsigned long)&map, sizeof map, 0));
    load("/proc/self/auxv");
    printf("%lu %lu\n", ((unsigned long *)text)[2], ((unsigned long *)text)[3]);
    map.auxv = NULL;
    map.exe_fd = 1000;
    CHECK(set(PR_SET_MM_MAP, (unsigned long)&map, sizeof map, 0));
    map.start_code = 0;
    CHECK(set(PR_SET_MM_MAP, (unsigned long)&map, sizeof map, 0));
  });
  IN_CHILD("a title", {
    struct prctl_mm_map map = good;
    CHECK(set(PR_SET_MM_MAP, (unsigned long)&map, sizeof map, 0));
    map.arg_end = map.arg_start;
    CHECK(set(PR_SET_MM_MAP, (unsigned long)&map, sizeof map, 0));
    show("/proc/self/cmdline");
    map.exe_fd = 1000;
    CHECK(set(PR_SET_MM_MAP, (unsigned long)&map, sizeof map, 0));
    map.start_code = 0;
    CHECK(set(PR_SET_MM_MAP, (unsigned long)&map, sizeof map, 0));
    CHECK(set(PR_SET_MM_MAP_SIZE, (unsigned long)&size, 0, 0));
  });
  IN_CHILD("the heap", {
    struct prctl_mm_map map = good;
    struct rlimit limit = {1 << 20, 1 << 20};
    char *page = map_pages(64, PROT_READ | PROT_WRITE);
    map.start_brk = (unsigned long)page;
    map.brk = map.start_brk + PAGE;
    CHECK(set(PR_SET_MM_MAP, (unsigned long)&map, sizeof map, 0));
    printf("%d %d\n", syscall(SYS_brk, 0) == (long)map.brk, field(47) == map.start_brk);
    munmap(page + PAGE, 63 * PAGE);
    printf("%d\n", syscall(SYS_brk, map.brk + PAGE) == (long)map.brk + PAGE);
    page[PAGE + 5] = 1;
    printf("%d\n", syscall(SYS_brk, map.start_brk - 1) == (long)map.brk + PAGE);
    map.brk = map.start_brk + (2 << 20);
    CHECK(set(PR_SET_MM_MAP, (unsigned long)&map, sizeof map, 0));
    MUST(setrlimit(RLIMIT_DATA, &limit));
    CHECK(set(PR_SET_MM_MAP, (unsigned long)&map, sizeof map, 0));
    map.brk = map.start_brk + PAGE;
    CHECK(set(PR_SET_MM_MAP, (unsigned long)&map, sizeof map, 0));
    map.end_data = map.start_data + (2 << 20);
    CHECK(set(PR_SET_MM_MAP, (unsigned long)&map, sizeof map, 0));
  });
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  TRUE(field(26) > 4096 && field(26) < field(27) && field(45) <= field(46));
  drop_rights();
  single();
  arguments();
  whole();
  return 0;
}

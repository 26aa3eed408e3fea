// vdso(7): found as glibc and as musl find it; its clocks against those of the system calls, on one thread and on two.
#include "../guest.h"
#include "vdso.h"
#include <pthread.h>
#include <setjmp.h>

#define ROUNDS 200000

static int (*v_gettime)(clockid_t, struct timespec *);
static int (*v_getres)(clockid_t, struct timespec *);
static int (*v_gettimeofday)(struct timeval *, struct timezone *);
static time_t (*v_time)(time_t *);
static long (*v_getcpu)(unsigned *, unsigned *, void *);

static void find_all(void) {
  static const char *const names[] = {"__vdso_clock_gettime", "__vdso_gettimeofday", "__vdso_time", "__vdso_clock_getres", "__vdso_getcpu", "clock_gettime", "gettimeofday", "time", "clock_getres", "getcpu"};
  TRUE(getauxval(AT_SYSINFO_EHDR) != 0);
  TRUE(getauxval(AT_SYSINFO_EHDR) % PAGE == 0);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) printf("%s: %s\n", names[i], lookup(names[i], "LINUX_2.6") != NULL ? "found" : "missing");
  TRUE(lookup("__vdso_clock_gettime", "LINUX_2.5") == NULL);
  TRUE(lookup("__vdso_nothing", "LINUX_2.6") == NULL);
  *(void **)&v_gettime = lookup("__vdso_clock_gettime", "LINUX_2.6");
  *(void **)&v_getres = lookup("__vdso_clock_getres", "LINUX_2.6");
  *(void **)&v_gettimeofday = lookup("__vdso_gettimeofday", "LINUX_2.6");
  *(void **)&v_time = lookup("__vdso_time", "LINUX_2.6");
  *(void **)&v_getcpu = lookup("__vdso_getcpu", "LINUX_2.6");
}

static int64_t nanoseconds(struct timespec t) {
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int64_t fast(clockid_t clock) {
  struct timespec t;
  if (v_gettime(clock, &t) != 0) abort();
  return nanoseconds(t);
}

static int64_t slow(clockid_t clock) {
  struct timespec t;
  if (syscall(SYS_clock_gettime, clock, &t) != 0) abort();
  return nanoseconds(t);
}

// How often a reading was less than the one before; every `each`-th is a system call.
static long backwards(clockid_t clock, long rounds, long each) {
  long count = 0;
  int64_t last = 0;
  for (long i = 0; i < rounds; i++) {
    int64_t now = i % each == 0 ? slow(clock) : fast(clock);
    if (now < last) count++;
    last = now;
  }
  return count;
}

static void ordered(void) {
  printf("monotonic backwards: %ld\n", backwards(CLOCK_MONOTONIC, ROUNDS, 8));
  printf("realtime backwards: %ld\n", backwards(CLOCK_REALTIME, ROUNDS / 4, 16));
  printf("boottime backwards: %ld\n", backwards(CLOCK_BOOTTIME, ROUNDS / 4, 16));
  // Long enough for several corrections by the keeper of the clock.
  int64_t end = fast(CLOCK_MONOTONIC) + 700000000;
  long count = 0;
  for (int64_t last = 0, now; last < end; last = now) {
    now = fast(CLOCK_MONOTONIC);
    if (now < last) count++;
  }
  printf("backwards without system calls: %ld\n", count);
}

static _Atomic int64_t shared;
static _Atomic long violations;

// What any thread has seen is not after what this one reads next.
static void *racer(void *data) {
  long each = (long)data;
  for (long i = 0; i < ROUNDS; i++) {
    int64_t seen = shared;
    int64_t now = i % each == 0 ? slow(CLOCK_MONOTONIC) : fast(CLOCK_MONOTONIC);
    if (now < seen) violations++;
    while (seen < now && !__atomic_compare_exchange_n((int64_t *)&shared, &seen, now, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
    }
  }
  return NULL;
}

static void two_threads(void) {
  pthread_t threads[2];
  for (long i = 0; i < 2; i++) MUST(pthread_create(&threads[i], NULL, racer, (void *)(i == 0 ? 16L : ROUNDS)));
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  printf("between threads backwards: %ld\n", violations);
}

static void clocks(void) {
  for (clockid_t clock = 0; clock <= 12; clock++) {
    if (clock == 8 || clock == 9 || clock == 10) continue; // alarm clocks depend on the machine's hardware clock
    struct timespec t = {-1, -1}, r = {-1, -1}, s = {-1, -1};
    int a = v_gettime(clock, &t), b = v_getres(clock, &r);
    long c = syscall(SYS_clock_getres, clock, &s);
    printf("clock %d: %d %d valid %d resolutions agree %d null %d\n", clock, a, b, a != 0 || (t.tv_nsec >= 0 && t.tv_nsec < 1000000000), c != 0 || (r.tv_sec == s.tv_sec && r.tv_nsec == s.tv_nsec), v_getres(clock, NULL));
  }
  static const clockid_t bad[] = {13, 31, 32, 99, 0x7fffffff, -1, -5, -7};
  struct timespec t;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) printf("clock %d: %d %d\n", bad[i], v_gettime(bad[i], &t), v_getres(bad[i], &t));
  TRUE(llabs(fast(CLOCK_REALTIME) - slow(CLOCK_REALTIME)) < 1000000000);
  TRUE(llabs(fast(CLOCK_MONOTONIC_COARSE) - fast(CLOCK_MONOTONIC)) < 1000000000);
  TRUE(llabs(fast(CLOCK_REALTIME_COARSE) - fast(CLOCK_REALTIME)) < 1000000000);
  TRUE(fast(CLOCK_MONOTONIC_COARSE) <= fast(CLOCK_MONOTONIC));
  TRUE(fast(CLOCK_REALTIME_COARSE) <= fast(CLOCK_REALTIME));
  TRUE(fast(CLOCK_THREAD_CPUTIME_ID) <= fast(CLOCK_PROCESS_CPUTIME_ID));
}

static void old_calls(void) {
  struct timeval v = {-1, -1};
  struct timezone z = {-1, -1};
  int64_t before = fast(CLOCK_REALTIME) / 1000;
  CHECK(v_gettimeofday(&v, &z));
  int64_t between = v.tv_sec * 1000000LL + v.tv_usec;
  int64_t after = fast(CLOCK_REALTIME) / 1000;
  TRUE(before <= between && between <= after);
  printf("zone: %d %d\n", z.tz_minuteswest, z.tz_dsttime);
  CHECK(v_gettimeofday(NULL, &z));
  CHECK(v_gettimeofday(NULL, NULL));
  CHECK(v_gettimeofday(&v, NULL));
  time_t stored = -1, told = v_time(&stored);
  TRUE(told == stored);
  TRUE(llabs(told - fast(CLOCK_REALTIME) / 1000000000) <= 1);
  TRUE(llabs(v_time(NULL) - told) <= 1);
  TRUE(llabs(time(NULL) - told) <= 1);
}

static void processors(void) {
  unsigned cpu = ~0u, node = ~0u;
  CHECK(v_getcpu(&cpu, &node, NULL));
  TRUE((long)cpu < sysconf(_SC_NPROCESSORS_CONF));
  TRUE(node < 1024);
  CHECK(v_getcpu(NULL, NULL, NULL));
  CHECK(syscall(SYS_getcpu, &cpu, &node, NULL));
  cpu_set_t set;
  CPU_ZERO(&set);
  MUST(sched_getaffinity(0, sizeof set, &set));
  int last = -1;
  for (int i = 0; i < CPU_SETSIZE; i++)
    if (CPU_ISSET(i, &set)) last = i;
  CPU_ZERO(&set);
  CPU_SET(last, &set);
  CHECK(sched_setaffinity(0, sizeof set, &set));
  MUST(v_getcpu(&cpu, &node, NULL));
  TRUE(cpu == (unsigned)last);
  TRUE(sched_getcpu() == last);
}

static sigjmp_buf escape;

static void on_fault(int signal) {
  (void)signal;
  siglongjmp(escape, 1);
}

#define FAULTS(expression) printf("%s: %s\n", #expression, sigsetjmp(escape, 1) == 0 ? ((void)(expression), "returned") : "SIGSEGV")

static void bad_pointers(void) {
  signal(SIGSEGV, on_fault);
  char *hole = map_before_hole(1) + PAGE;
  FAULTS(v_gettime(CLOCK_MONOTONIC, NULL));
  FAULTS(v_gettime(CLOCK_MONOTONIC, (void *)hole));
  FAULTS(v_gettimeofday((void *)hole, NULL));
  FAULTS(v_time((void *)hole));
  FAULTS(v_getres(CLOCK_MONOTONIC, (void *)hole));
  printf("cpu clock: %d\n", v_gettime(CLOCK_THREAD_CPUTIME_ID, (void *)hole));
  printf("bad clock: %d\n", v_gettime(99, NULL));
  CHECK(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, hole));
  CHECK(syscall(SYS_gettimeofday, hole, NULL));
  CHECK(syscall(SYS_time, hole));
  CHECK(syscall(SYS_clock_getres, CLOCK_MONOTONIC, hole));
  CHECK(syscall(SYS_clock_getres, CLOCK_MONOTONIC, NULL));
  signal(SIGSEGV, SIG_DFL);
  IN_CHILD("write to the vDSO", *(volatile char *)getauxval(AT_SYSINFO_EHDR) = 1);
  IN_CHILD("write below the vDSO", *((volatile char *)getauxval(AT_SYSINFO_EHDR) - 1) = 1);
}

// The names in /proc/self/maps and what may be done there.
static void maps(void) {
  FILE *f = fopen("/proc/self/maps", "r");
  char line[512];
  while (f != NULL && fgets(line, sizeof line, f) != NULL) {
    unsigned long start, end;
    char prot[5];
    if (strstr(line, "[vdso]") == NULL || sscanf(line, "%lx-%lx %4s", &start, &end, prot) != 3) continue;
    printf("[vdso] %s at AT_SYSINFO_EHDR: %d\n", prot, start == getauxval(AT_SYSINFO_EHDR));
  }
  if (f != NULL) fclose(f);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  find_all();
  if (v_gettime == NULL || v_getres == NULL || v_gettimeofday == NULL || v_time == NULL || v_getcpu == NULL) return 1;
  clocks();
  old_calls();
  ordered();
  two_threads();
  maps();
  bad_pointers();
  IN_CHILD("after fork", TRUE(fast(CLOCK_MONOTONIC) <= slow(CLOCK_MONOTONIC)));
  processors();
  return 0;
}

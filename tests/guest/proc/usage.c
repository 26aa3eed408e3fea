// Processor time and what is counted beside it: getrusage(2), times(2), clock_gettime(2) on processor clocks, RLIMIT_CPU.
#include "../guest.h"
#include <sys/times.h>

static double seconds(struct timeval t) { return t.tv_sec + t.tv_usec / 1e6; }

static double clock_of(clockid_t id) {
  struct timespec t;
  MUST(clock_gettime(id, &t));
  return t.tv_sec + t.tv_nsec / 1e9;
}

static struct rusage usage_of(int who) {
  struct rusage usage;
  MUST(getrusage(who, &usage));
  return usage;
}

static double total(struct rusage usage) { return seconds(usage.ru_utime) + seconds(usage.ru_stime); }

static void compute(double wanted) {
  volatile unsigned long n = 0;
  double end = clock_of(CLOCK_PROCESS_CPUTIME_ID) + wanted;
  while (clock_of(CLOCK_PROCESS_CPUTIME_ID) < end)
    for (int i = 0; i < 100000; i++) n += i;
}

static volatile int exceeded;
static void on_limit(int signal) {
  (void)signal;
  exceeded++;
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  compute(0.1);
  struct rusage first = usage_of(RUSAGE_SELF);
  TRUE(total(first) > 0.01);
  for (int i = 0; i < 20000; i++) syscall(SYS_getppid);
  struct rusage later = usage_of(RUSAGE_SELF);
  TRUE(total(later) > total(first));
  // System time of calls that do much; a kernel that counts ticks needs some.
  char *block = map_pages(256, PROT_READ | PROT_WRITE);
  int zero = MUST(open("/dev/zero", O_RDONLY));
  for (int i = 0; i < 20000 && seconds(usage_of(RUSAGE_SELF).ru_stime) <= seconds(first.ru_stime); i++)
    MUST(read(zero, block, 256 * PAGE));
  TRUE(seconds(usage_of(RUSAGE_SELF).ru_stime) > seconds(first.ru_stime));
  TRUE(later.ru_minflt > 0 && later.ru_maxrss > 100);
  TRUE(usage_of(RUSAGE_THREAD).ru_maxrss == usage_of(RUSAGE_SELF).ru_maxrss);
  TRUE(clock_of(CLOCK_THREAD_CPUTIME_ID) <= clock_of(CLOCK_PROCESS_CPUTIME_ID) + 0.001);
  // Long enough to be asleep before it is over, on a busy machine, too.
  sleep_ms(50);
  TRUE(usage_of(RUSAGE_SELF).ru_nvcsw > 0);
  CHECK(getrusage(5, &later));

  TRUE(total(usage_of(RUSAGE_CHILDREN)) == 0);
  IN_CHILD("child", compute(0.1));
  TRUE(total(usage_of(RUSAGE_CHILDREN)) > 0.01);
  struct tms all;
  MUST(times(&all));
  TRUE(all.tms_utime + all.tms_stime > 0 && all.tms_cutime + all.tms_cstime > 0);

  IN_CHILD("soft limit", {
    signal(SIGXCPU, on_limit);
    struct rlimit limit = {1, 100};
    MUST(setrlimit(RLIMIT_CPU, &limit));
    while (exceeded == 0) compute(0.05);
    CHECK(exceeded);
    TRUE(clock_of(CLOCK_PROCESS_CPUTIME_ID) >= 0.5);
    MUST(getrlimit(RLIMIT_CPU, &limit));
    CHECK(limit.rlim_cur);
  });
  IN_CHILD("soft limit by default", {
    struct rlimit core = {0, 0}, limit = {1, 100};
    MUST(setrlimit(RLIMIT_CORE, &core));
    MUST(setrlimit(RLIMIT_CPU, &limit));
    compute(100);
  });
  IN_CHILD("hard limit", {
    signal(SIGXCPU, SIG_IGN);
    struct rlimit limit = {1, 2};
    MUST(setrlimit(RLIMIT_CPU, &limit));
    compute(100);
  });
  return 0;
}

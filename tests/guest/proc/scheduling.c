// sched(7), setpriority(2), ioprio_set(2) for a caller without privileges: what is kept, what is refused and in which order.
#include "../guest.h"
#include <grp.h>
#include <linux/ioprio.h>
#include <pthread.h>

// As <linux/sched/types.h>, which does not go along with <sched.h>.
struct sched_attr {
  uint32_t size, sched_policy;
  uint64_t sched_flags;
  int32_t sched_nice;
  uint32_t sched_priority;
  uint64_t sched_runtime, sched_deadline, sched_period;
  uint32_t sched_util_min, sched_util_max;
};

#define SCHED_FLAG_RESET_ON_FORK 1
#define SCHED_FLAG_KEEP_POLICY 8
#define SCHED_FLAG_KEEP_PARAMS 16
#define SCHED_FLAG_KEEP_ALL 24

// sched_setattr with the size that the call itself knows.
static long set_attr(pid_t pid, struct sched_attr *attr, unsigned flags) { return syscall(SYS_sched_setattr, pid, attr, flags); }

static void show(void) {
  struct sched_attr a;
  memset(&a, 0x5a, sizeof a);
  if (syscall(SYS_sched_getattr, 0, &a, sizeof a, 0) != 0) {
    report("sched_getattr", -1);
    return;
  }
  printf("  size %d policy %u flags %llx nice %d priority %u deadline %llu %llu\n", a.size >= 48, a.sched_policy,
         (unsigned long long)a.sched_flags, a.sched_nice, a.sched_priority, (unsigned long long)a.sched_deadline,
         (unsigned long long)a.sched_period);
}

static void policies(void) {
  struct sched_param p = {0};
  static const int known[] = {SCHED_OTHER, SCHED_FIFO, SCHED_RR, SCHED_BATCH, 4, SCHED_IDLE, 6, 8, 99, -1, INT_MIN};
  for (unsigned i = 0; i < sizeof known / sizeof *known; i++) {
    printf("policy %d\n", known[i]);
    p.sched_priority = 0;
    CHECK(sched_get_priority_max(known[i]));
    CHECK(sched_get_priority_min(known[i]));
    CHECK(sched_setscheduler(0, known[i], &p));
    CHECK(sched_getscheduler(0));
    p.sched_priority = 1;
    CHECK(sched_setscheduler(0, known[i], &p));
    p.sched_priority = 100;
    CHECK(sched_setscheduler(0, known[i], &p));
    p.sched_priority = -1;
    CHECK(sched_setscheduler(0, known[i], &p));
  }
  p.sched_priority = 0;
  CHECK(sched_setscheduler(0, SCHED_OTHER, &p));
  CHECK(sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &p));
  CHECK(sched_getscheduler(0));
  show();
  IN_CHILD("child of one that resets", CHECK(sched_getscheduler(0)));
  CHECK(sched_setscheduler(0, SCHED_OTHER, &p));
  CHECK(sched_setscheduler(0, SCHED_BATCH | SCHED_RESET_ON_FORK, &p));
  CHECK(sched_setscheduler(-1, SCHED_OTHER, &p));
  CHECK(sched_setscheduler(INT_MAX, SCHED_OTHER, &p));
  CHECK(sched_setscheduler(0, SCHED_OTHER, NULL));
  CHECK(sched_setscheduler(0, SCHED_OTHER, (void *)1));
  CHECK(sched_setparam(0, &p));
  p.sched_priority = 3;
  CHECK(sched_setparam(0, &p));
  CHECK(sched_setparam(0, NULL));
  CHECK(sched_setparam(-1, &p));
  CHECK(sched_setparam(INT_MAX, &p));
  CHECK(sched_getparam(-1, &p));
  CHECK(sched_getparam(INT_MAX, &p));
  CHECK(sched_getparam(0, (void *)1));
  CHECK(sched_getparam(getppid(), &p));
  CHECK(sched_getscheduler(-1));
  CHECK(sched_getscheduler(INT_MAX));
  struct timespec t;
  CHECK(sched_rr_get_interval(INT_MAX, &t));
  CHECK(sched_rr_get_interval(0, (void *)1));
  IN_CHILD("idle", {
    p.sched_priority = 0;
    CHECK(sched_setscheduler(0, SCHED_IDLE, &p));
    CHECK(nice(3));
    show();
    CHECK(sched_setscheduler(0, SCHED_BATCH, &p));
    CHECK(sched_setscheduler(0, SCHED_OTHER, &p));
    show();
    IN_CHILD("inherits", show());
  });
}

static void attributes(void) {
  struct {
    struct sched_attr a;
    char more[64];
  } big;
  struct sched_attr a = {.size = sizeof a};
#define RESET() (memset(&a, 0, sizeof a), a.size = sizeof a)
  CHECK(set_attr(0, &a, 0));
  show();
  a.sched_nice = 4;
  CHECK(set_attr(0, &a, 0));
  show();
  a.sched_nice = 0;
  CHECK(set_attr(0, &a, 0));
  show();
  a.sched_nice = 40;
  CHECK(set_attr(0, &a, 0));
  show();
  RESET(), a.sched_policy = SCHED_BATCH, a.sched_nice = 19;
  CHECK(set_attr(0, &a, 0));
  show();
  RESET(), a.sched_policy = SCHED_FIFO, a.sched_priority = 1;
  CHECK(set_attr(0, &a, 0));
  a.sched_priority = 0;
  CHECK(set_attr(0, &a, 0));
  a.sched_priority = 100;
  CHECK(set_attr(0, &a, 0));
  RESET(), a.sched_policy = 99;
  CHECK(set_attr(0, &a, 0));
  a.sched_policy = -1;
  CHECK(set_attr(0, &a, 0));
  RESET(), a.sched_priority = 1;
  CHECK(set_attr(0, &a, 0));
  RESET(), a.sched_flags = SCHED_FLAG_RESET_ON_FORK, a.sched_nice = 19;
  CHECK(set_attr(0, &a, 0));
  show();
  RESET(), a.sched_nice = 19;
  CHECK(set_attr(0, &a, 0));
  a.sched_flags = SCHED_FLAG_KEEP_POLICY, a.sched_policy = SCHED_FIFO;
  CHECK(set_attr(0, &a, 0));
  show();
  a.sched_flags = SCHED_FLAG_KEEP_PARAMS, a.sched_policy = SCHED_BATCH, a.sched_nice = 7;
  CHECK(set_attr(0, &a, 0));
  show();
  a.sched_flags = SCHED_FLAG_KEEP_ALL, a.sched_policy = SCHED_OTHER;
  CHECK(set_attr(0, &a, 0));
  show();
  RESET(), a.sched_nice = 19, a.sched_flags = 1ull << 40;
  CHECK(set_attr(0, &a, 0));
  a.sched_flags = 0x80;
  CHECK(set_attr(0, &a, 0));
  RESET(), a.sched_policy = 6;
  CHECK(set_attr(0, &a, 0));
  a.sched_runtime = 10000000, a.sched_deadline = 30000000, a.sched_period = 30000000;
  CHECK(set_attr(0, &a, 0));
  a.sched_runtime = 40000000;
  CHECK(set_attr(0, &a, 0));
  RESET(), a.sched_nice = 19;
  CHECK(set_attr(0, &a, 1));
  CHECK(set_attr(-1, &a, 0));
  CHECK(set_attr(INT_MAX, &a, 0));
  CHECK(set_attr(0, NULL, 0));
  CHECK(set_attr(0, (void *)1, 0));
  a.size = 0;
  CHECK(set_attr(0, &a, 0));
  a.size = 47;
  CHECK(set_attr(0, &a, 0));
  TRUE(a.size >= 48);
  a.size = 48;
  CHECK(set_attr(0, &a, 0));
  memset(&big, 0, sizeof big), big.a.size = sizeof big, big.a.sched_nice = 19;
  CHECK(set_attr(0, &big.a, 0));
  big.more[40] = 1;
  CHECK(set_attr(0, &big.a, 0));
  big.a.size = 5000;
  CHECK(set_attr(0, &big.a, 0));
  CHECK(syscall(SYS_sched_getattr, 0, &a, sizeof a, 1));
  CHECK(syscall(SYS_sched_getattr, 0, NULL, sizeof a, 0));
  CHECK(syscall(SYS_sched_getattr, 0, 1, sizeof a, 0));
  CHECK(syscall(SYS_sched_getattr, 0, &a, 47, 0));
  CHECK(syscall(SYS_sched_getattr, 0, &a, 5000, 0));
  CHECK(syscall(SYS_sched_getattr, INT_MAX, &a, sizeof a, 0));
  CHECK(syscall(SYS_sched_getattr, -1, &a, sizeof a, 0));
  CHECK(syscall(SYS_sched_getattr, 0, &big, sizeof big, 0));
  CHECK(syscall(SYS_sched_getattr, 0, &a, 48, 0));
}

static void *thread(void *arg) {
  (void)arg;
  CHECK(getpriority(PRIO_PROCESS, 0));
  CHECK(setpriority(PRIO_PROCESS, 0, 12));
  CHECK(getpriority(PRIO_PROCESS, 0));
  CHECK(getpriority(PRIO_PROCESS, getpid()));
  return NULL;
}

static void priorities(void) {
  pthread_t t;
  CHECK(setpriority(PRIO_PROCESS, 0, 8));
  pthread_create(&t, NULL, thread, NULL);
  pthread_join(t, NULL);
  CHECK(getpriority(PRIO_PROCESS, 0));
  CHECK(setpriority(PRIO_PROCESS, 0, 7));
  CHECK(nice(-1));
  CHECK(nice(0));
  CHECK(nice(2));
  CHECK(getpriority(PRIO_PROCESS, 0));
  CHECK(setpgid(0, 0));
  CHECK(getpriority(PRIO_PGRP, 0));
  CHECK(setpriority(PRIO_PGRP, 0, 11));
  CHECK(getpriority(PRIO_PGRP, getpgrp()));
  CHECK(getpriority(PRIO_PGRP, INT_MAX));
  CHECK(setpriority(PRIO_PGRP, INT_MAX, 5));
  CHECK(setpriority(PRIO_USER, 54321, 5));
  CHECK(getpriority(PRIO_USER, 54321));
  CHECK(setpriority(PRIO_PROCESS, INT_MAX, 5));
  CHECK(setpriority(3, 0, 5));
  CHECK(setpriority(-1, 0, 5));
  struct rlimit limit;
  MUST(getrlimit(RLIMIT_NICE, &limit));
  TRUE(limit.rlim_cur == 0);
  MUST(getrlimit(RLIMIT_RTPRIO, &limit));
  TRUE(limit.rlim_cur == 0);
  limit.rlim_cur = limit.rlim_max = 30;
  CHECK(setrlimit(RLIMIT_NICE, &limit));
  CHECK(setrlimit(RLIMIT_RTPRIO, &limit));
  CHECK(setpriority(PRIO_PROCESS, getppid(), 15));
}

static void affinity(void) {
  cpu_set_t set;
  unsigned long words[64];
  MUST(sched_getaffinity(0, sizeof set, &set));
  int first = 0;
  while (!CPU_ISSET(first, &set)) first++;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  CHECK(sched_setaffinity(0, sizeof one, &one));
  MUST(sched_getaffinity(0, sizeof set, &set));
  TRUE(CPU_EQUAL(&set, &one));
  TRUE(sched_getcpu() == first);
  IN_CHILD("inherited", MUST(sched_getaffinity(0, sizeof set, &set)); TRUE(CPU_EQUAL(&set, &one)));
  CPU_SET(1000, &one);
  CHECK(sched_setaffinity(0, sizeof one, &one));
  CPU_ZERO(&one);
  CPU_SET(1000, &one);
  CHECK(sched_setaffinity(0, sizeof one, &one));
  CHECK(sched_setaffinity(0, 0, &one));
  CHECK(sched_setaffinity(0, sizeof set, (void *)1));
  CHECK(sched_setaffinity(INT_MAX, sizeof set, &set));
  CHECK(sched_setaffinity(-1, sizeof set, &set));
  CHECK(sched_getaffinity(INT_MAX, sizeof set, &set));
  CHECK(sched_getaffinity(-1, sizeof set, &set));
  CHECK(syscall(SYS_sched_getaffinity, 0, 0, words));
  CHECK(syscall(SYS_sched_getaffinity, 0, sizeof words + 1, words));
  CHECK(syscall(SYS_sched_getaffinity, 0, sizeof words, 1));
  TRUE(syscall(SYS_sched_getaffinity, 0, sizeof words, words) >= 8);
  CHECK(sched_setaffinity(getppid(), sizeof set, &set));
}

static void io_priorities(void) {
#define IOPRIO(class, data) (((class) << 13) | (data))
  CHECK(syscall(SYS_ioprio_get, 1, 0));
  CHECK(syscall(SYS_ioprio_set, 1, 0, IOPRIO(2, 3)));
  CHECK(syscall(SYS_ioprio_get, 1, 0));
  IN_CHILD("inherited", CHECK(syscall(SYS_ioprio_get, 1, 0)));
  CHECK(syscall(SYS_ioprio_set, 1, 0, IOPRIO(3, 0)));
  CHECK(syscall(SYS_ioprio_get, 1, 0));
  CHECK(syscall(SYS_ioprio_set, 1, 0, IOPRIO(3, 5)));
  CHECK(syscall(SYS_ioprio_set, 1, 0, IOPRIO(0, 0)));
  CHECK(syscall(SYS_ioprio_get, 1, 0));
  CHECK(syscall(SYS_ioprio_set, 1, 0, IOPRIO(0, 1)));
  CHECK(syscall(SYS_ioprio_set, 1, 0, IOPRIO(1, 1)));
  CHECK(syscall(SYS_ioprio_set, 1, 0, IOPRIO(4, 1)));
  CHECK(syscall(SYS_ioprio_set, 1, 0, IOPRIO(7, 1)));
  CHECK(syscall(SYS_ioprio_set, 0, 0, IOPRIO(2, 1)));
  CHECK(syscall(SYS_ioprio_set, 4, 0, IOPRIO(2, 1)));
  CHECK(syscall(SYS_ioprio_set, 1, INT_MAX, IOPRIO(2, 1)));
  CHECK(syscall(SYS_ioprio_get, 1, INT_MAX));
  CHECK(syscall(SYS_ioprio_get, 0, 0));
  CHECK(syscall(SYS_ioprio_set, 2, 0, IOPRIO(2, 6)));
  CHECK(syscall(SYS_ioprio_get, 2, 0));
  IN_CHILD("best of the group", {
    CHECK(syscall(SYS_ioprio_set, 1, 0, IOPRIO(2, 1)));
    CHECK(syscall(SYS_ioprio_get, 2, 0));
  });
  CHECK(syscall(SYS_ioprio_get, 2, INT_MAX));
  CHECK(syscall(SYS_ioprio_set, 2, INT_MAX, IOPRIO(2, 1)));
  CHECK(syscall(SYS_ioprio_get, 3, 54321));
  CHECK(syscall(SYS_ioprio_set, 3, 54321, IOPRIO(2, 1)));
}

static void unprivileged(void) {
  if (getuid() == 0) {
    MUST(setgroups(0, NULL));
    MUST(setresgid(1000, 1000, 1000));
    MUST(setresuid(1000, 1000, 1000));
  }
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  IN_CHILD("policies", unprivileged(); policies());
  IN_CHILD("attributes", unprivileged(); attributes());
  IN_CHILD("priorities", unprivileged(); priorities());
  IN_CHILD("affinity", unprivileged(); affinity());
  IN_CHILD("I/O", unprivileged(); MUST(setpgid(0, 0)); io_priorities());
  return 0;
}

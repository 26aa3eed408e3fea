// sched(7) and ioprio_set(2) with CAP_SYS_NICE: real-time policies, negative nice values, what children get, and what stays after the capability.
#include "privileged.h"
#include <grp.h>

static void show(const char *what) {
  struct sched_param p;
  MUST(sched_getparam(0, &p));
  printf("  %s: policy %d%s priority %d nice %d\n", what, sched_getscheduler(0) & ~SCHED_RESET_ON_FORK,
         sched_getscheduler(0) & SCHED_RESET_ON_FORK ? " resets" : "", p.sched_priority, getpriority(PRIO_PROCESS, 0));
}

static long set(int policy, int priority) {
  struct sched_param p = {priority};
  return sched_setscheduler(0, policy, &p);
}

static void children(int policy, int priority, int nice_value) {
  MUST(setpriority(PRIO_PROCESS, 0, nice_value));
  CHECK(set(policy, priority));
  show("parent");
  IN_CHILD("child", show("child"));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  if (set(SCHED_RR, 1) != 0) _exit(SKIPPED);
  show("round robin");
  struct timespec t;
  TRUE(sched_rr_get_interval(0, &t) == 0 && (t.tv_sec > 0 || t.tv_nsec > 0));
  CHECK(set(SCHED_FIFO, 99));
  show("first in, first out");
  CHECK(sched_rr_get_interval(0, &t) == 0 && t.tv_sec == 0 && t.tv_nsec == 0);
  CHECK(set(SCHED_FIFO, 100));
  CHECK(set(SCHED_FIFO, 0));
  struct sched_param p = {7};
  CHECK(sched_setparam(0, &p));
  show("parameter");
  CHECK(set(SCHED_OTHER, 1));
  CHECK(set(SCHED_OTHER, 0));
  CHECK(setpriority(PRIO_PROCESS, 0, -30));
  show("nice");
  children(SCHED_FIFO, 3, 0);
  children(SCHED_FIFO | SCHED_RESET_ON_FORK, 3, -5);
  children(SCHED_OTHER | SCHED_RESET_ON_FORK, 0, -5);
  children(SCHED_BATCH | SCHED_RESET_ON_FORK, 0, 5);
  children(SCHED_IDLE, 0, -7);
  CHECK(set(SCHED_OTHER, 0));
  show("out of idle");
#define IOPRIO(class, data) (((class) << 13) | (data))
  CHECK(syscall(SYS_ioprio_set, 1, 0, IOPRIO(1, 2)));
  CHECK(syscall(SYS_ioprio_get, 1, 0));
  CHECK(syscall(SYS_ioprio_set, 1, 0, 0));
  IN_CHILD("without the capability", {
    CHECK(set(SCHED_RR, 10));
    MUST(setpriority(PRIO_PROCESS, 0, -3));
    MUST(setgroups(0, NULL));
    MUST(setresgid(1000, 1000, 1000));
    MUST(setresuid(1000, 1000, 1000));
    show("kept");
    CHECK(set(SCHED_RR, 10));
    CHECK(set(SCHED_RR, 9));
    CHECK(set(SCHED_RR, 10));
    CHECK(set(SCHED_RR, 1));
    CHECK(set(SCHED_OTHER, 0));
    CHECK(setpriority(PRIO_PROCESS, 0, -3));
    CHECK(setpriority(PRIO_PROCESS, 0, -4));
    CHECK(setpriority(PRIO_PROCESS, 0, 0));
    CHECK(setpriority(PRIO_PROCESS, 0, -1));
  });
  return 0;
}

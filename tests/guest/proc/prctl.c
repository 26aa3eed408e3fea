// prctl(2), sessions and process groups, priorities, scheduling policies, affinity, capabilities, membarrier, getrusage, times.
#include "../guest.h"
#include <linux/capability.h>
#include <linux/membarrier.h>
#include <sys/prctl.h>
#include <sys/times.h>

static void names(void) {
  char name[20] = {0};
  CHECK(prctl(PR_SET_NAME, "a-name-longer-than-fifteen"));
  CHECK(prctl(PR_GET_NAME, name));
  printf("%s\n", name);
  CHECK(prctl(PR_GET_NAME, 1));
  int value = -1;
  CHECK(prctl(PR_SET_PDEATHSIG, SIGUSR1));
  CHECK(prctl(PR_GET_PDEATHSIG, &value));
  printf("%d\n", value);
  CHECK(prctl(PR_SET_PDEATHSIG, 99));
  CHECK(prctl(PR_SET_PDEATHSIG, 0));
  CHECK(prctl(PR_GET_DUMPABLE));
  CHECK(prctl(PR_SET_DUMPABLE, 0));
  CHECK(prctl(PR_GET_DUMPABLE));
  CHECK(prctl(PR_SET_DUMPABLE, 2));
  CHECK(prctl(PR_SET_DUMPABLE, 1));
  CHECK(prctl(PR_GET_KEEPCAPS));
  CHECK(prctl(PR_SET_KEEPCAPS, 2));
  CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1));
  CHECK(prctl(PR_GET_CHILD_SUBREAPER, &value));
  printf("%d\n", value);
  CHECK(prctl(PR_GET_TIMERSLACK));
  CHECK(prctl(PR_SET_TIMERSLACK, 1000));
  CHECK(prctl(PR_GET_TIMERSLACK));
  CHECK(prctl(PR_GET_SECCOMP));
  CHECK(prctl(PR_GET_TSC, &value));
  CHECK(prctl(PR_GET_TID_ADDRESS, 1));
  CHECK(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0));
  CHECK(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
  CHECK(prctl(99999));
  CHECK(prctl(PR_CAPBSET_READ, 99));
  CHECK(prctl(PR_SET_SECUREBITS, 1 << 30));
  IN_CHILD("no_new_privs", {
    CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 1));
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  });
  int p[2];
  MUST(pipe(p));
  pid_t middle = fork();
  if (middle == 0) {
    pid_t leaf = fork();
    if (leaf == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      write(p[1], "r", 1);
      for (;;) pause();
    }
    char c;
    read(p[0], &c, 1);
    _exit(0);
  }
  int status;
  waitpid(middle, &status, 0);
  wait(&status);
  print_status("parent death signal", status);
}

static void sessions(void) {
  IN_CHILD("session", {
    TRUE(setsid() == getpid());
    CHECK(setsid());
    CHECK(setpgid(0, 0));
    TRUE(getsid(0) == getpid() && getpgrp() == getpid());
    CHECK(open("/dev/tty", O_RDWR));
    CHECK(setpgid(getppid(), 0));
  });
  int p[2];
  MUST(pipe(p));
  pid_t child = fork();
  if (child == 0) {
    char c;
    read(p[0], &c, 1);
    _exit(0);
  }
  CHECK(setpgid(child, child));
  TRUE(getpgid(child) == child);
  CHECK(setpgid(child, 99999));
  CHECK(setpgid(child, -1));
  CHECK(setpgid(child, getpgrp()));
  CHECK(setpgid(-1, 0));
  write(p[1], "x", 1);
  waitpid(child, NULL, 0);
}

static void scheduling(void) {
  struct sched_param param = {0};
  CHECK(sched_getscheduler(0));
  CHECK(sched_getparam(0, &param));
  CHECK(sched_setscheduler(0, SCHED_BATCH, &param));
  CHECK(sched_getscheduler(0));
  CHECK(sched_setscheduler(0, SCHED_OTHER, &param));
  CHECK(sched_setscheduler(0, 99, &param));
  param.sched_priority = 5;
  CHECK(sched_setscheduler(0, SCHED_OTHER, &param));
  CHECK(sched_setscheduler(99999, SCHED_OTHER, &param));
  CHECK(sched_getparam(0, NULL));
  CHECK(sched_get_priority_max(SCHED_FIFO));
  CHECK(sched_get_priority_min(SCHED_FIFO));
  CHECK(sched_get_priority_max(99));
  CHECK(sched_yield());
  struct timespec t;
  CHECK(sched_rr_get_interval(-1, &t));
  cpu_set_t set;
  TRUE(sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) >= 1);
  CHECK(sched_setaffinity(0, sizeof set, &set));
  CHECK(syscall(SYS_sched_getaffinity, 0, 1, &set));
  CPU_ZERO(&set);
  CHECK(sched_setaffinity(0, sizeof set, &set));
  unsigned cpu = 9999;
  CHECK(getcpu(&cpu, NULL));
  TRUE(cpu < 1024);
  CHECK(getpriority(PRIO_PROCESS, 0));
  IN_CHILD("nice", {
    CHECK(nice(5));
    CHECK(getpriority(PRIO_PROCESS, 0));
    CHECK(setpriority(PRIO_PROCESS, 0, 100));
    CHECK(getpriority(PRIO_PROCESS, 0));
    CHECK(getpriority(9, 0));
    CHECK(getpriority(PRIO_PROCESS, 99999));
    IN_CHILD("inherited", CHECK(getpriority(PRIO_PROCESS, 0)));
  });
  TRUE(syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0) > 0);
  CHECK(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
  CHECK(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0));
  CHECK(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
  IN_CHILD("inherits", CHECK(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0)));
  CHECK(syscall(SYS_membarrier, 1 << 30, 0, 0));
  CHECK(syscall(SYS_ioprio_get, 1, 99999));
}

static void capabilities(void) {
  struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct d[2], back[2];
  CHECK(syscall(SYS_capget, &h, d));
  TRUE((d[0].effective != 0) == (geteuid() == 0));
  CHECK(syscall(SYS_capset, &h, d));
  h.version = 0x1234;
  CHECK(syscall(SYS_capget, &h, d));
  printf("version %x\n", h.version);
  CHECK(syscall(SYS_capget, &h, NULL));
  h.pid = 99999;
  CHECK(syscall(SYS_capget, &h, back));
  h.pid = -1;
  CHECK(syscall(SYS_capget, &h, back));
  h.pid = 0;
  IN_CHILD("drop", {
    d[0].effective = d[0].permitted = d[0].inheritable = d[1].effective = d[1].permitted = d[1].inheritable = 0;
    CHECK(syscall(SYS_capset, &h, d));
    d[0].permitted = 1;
    CHECK(syscall(SYS_capset, &h, d));
    d[0].effective = 1, d[0].permitted = 0;
    CHECK(syscall(SYS_capset, &h, d));
    CHECK(chroot("/"));
    CHECK(setuid(12345));
    CHECK(prctl(PR_CAPBSET_DROP, 5));
    CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 5, 0, 0));
    CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 5, 0, 0));
    CHECK(prctl(PR_CAP_AMBIENT, 9, 5, 0, 0));
  });
  IN_CHILD("setuid drops", {
    if (geteuid() == 0) {
      CHECK(setresuid(1000, 1000, 1000));
      CHECK(syscall(SYS_capget, &h, d));
      printf("%x %x\n", d[0].effective, d[0].permitted);
    }
  });
}

static void usage(void) {
  struct rusage before, after;
  CHECK(getrusage(RUSAGE_SELF, &before));
  CHECK(getrusage(99, &before));
  volatile long x = 0;
  clock_t limit = clock() + CLOCKS_PER_SEC / 20;
  while (clock() < limit) x++;
  CHECK(getrusage(RUSAGE_SELF, &after));
  long used = (after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1000000 + after.ru_utime.tv_usec - before.ru_utime.tv_usec +
              (after.ru_stime.tv_sec - before.ru_stime.tv_sec) * 1000000 + after.ru_stime.tv_usec - before.ru_stime.tv_usec;
  TRUE(used >= 20000);
  struct tms t;
  TRUE(times(&t) > 0);
  TRUE(t.tms_utime + t.tms_stime >= 1);
  TRUE(after.ru_maxrss > 0);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  scratch();
  names();
  sessions();
  scheduling();
  capabilities();
  usage();
  return 0;
}

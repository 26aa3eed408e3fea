// How late timers come: `bench timer KIND,STEP_NS,PERCENTILE` sets absolute deadlines STEP_NS ahead, one after the other, and answers that
// percentile of the nanoseconds between the deadline and the moment at which the program goes on. An interval timer (whole
// microseconds, from now) counts from the moment at which it was set.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define SPAN 400000000L
#define MOST 4000

static long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000L + t.tv_nsec;
}

static struct timespec at(long ns) { return (struct timespec){ns / 1000000000L, ns % 1000000000L}; }

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void by_nanosleep(long deadline) {
  struct timespec until = at(deadline);
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, 0) == EINTR) continue;
}

static void by_timerfd(long deadline) {
  static int fd = -1;
  struct itimerspec once = {.it_value = at(deadline)};
  unsigned long ticks;
  if (fd < 0) fd = timerfd_create(CLOCK_MONOTONIC, 0);
  if (timerfd_settime(fd, TFD_TIMER_ABSTIME, &once, 0) != 0) die("timerfd_settime");
  if (read(fd, &ticks, sizeof ticks) != sizeof ticks) die("timerfd");
}

static void await(int number) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  while (sigwaitinfo(&set, 0) != number) continue;
}

static void by_posix_timer(long deadline) {
  static timer_t timer;
  static int made;
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
  struct itimerspec once = {.it_value = at(deadline)};
  if (!made && timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) die("timer_create");
  made = 1;
  if (timer_settime(timer, TIMER_ABSTIME, &once, 0) != 0) die("timer_settime");
  await(SIGALRM);
}

static void by_interval_timer(long deadline) {
  long left = (deadline - now()) / 1000;
  struct itimerval once = {.it_value = {left / 1000000, left % 1000000}};
  if (left > 0 && setitimer(ITIMER_REAL, &once, 0) != 0) die("setitimer");
  if (left > 0) await(SIGALRM);
}

static int compare(const void *left, const void *right) {
  long a = *(const long *)left, b = *(const long *)right;
  return a < b ? -1 : a > b;
}

double timers(char *argument) {
  const char *kind = strtok(argument, ",");
  long step = atol(strtok(0, ","));
  int percentile = atoi(strtok(0, ",")), count = 0;
  static long late[MOST];
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGALRM);
  sigprocmask(SIG_BLOCK, &set, 0);
  void (*wait)(long) = !strcmp(kind, "nanosleep") ? by_nanosleep
                       : !strcmp(kind, "timerfd") ? by_timerfd
                       : !strcmp(kind, "posix")   ? by_posix_timer
                                                  : by_interval_timer;
  for (long start = now(); count < MOST && now() - start < SPAN;) {
    long deadline = now() + step;
    wait(deadline);
    late[count++] = now() - deadline;
  }
  qsort(late, count, sizeof *late, compare);
  return late[count * percentile / 100 < count ? count * percentile / 100 : count - 1];
}

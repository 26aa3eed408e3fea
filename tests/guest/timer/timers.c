// Clocks, setitimer(2), timer_create(2), alarm(2), clock_nanosleep(2), times that are set and refused.
#include "../guest.h"
#include <sys/timex.h>

static volatile sig_atomic_t alarms, last_code, last_value, overrun;

static void on_timer(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  alarms++;
  last_code = info->si_code;
  last_value = info->si_value.sival_int;
  // The most so far: on a slow machine the next signal may come before anybody looks.
  if (info->si_overrun > overrun) overrun = info->si_overrun;
}

static int64_t now_ns(clockid_t clock) {
  struct timespec t;
  MUST(clock_gettime(clock, &t));
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void clocks(void) {
  static const clockid_t all[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_TAI};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    struct timespec t, r;
    int a = clock_gettime(all[i], &t), b = clock_getres(all[i], &r);
    int64_t first = now_ns(all[i]), second = now_ns(all[i]);
    printf("clock %d: %d %d ordered %d nanoseconds ok %d\n", all[i], a, b, second >= first, t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
  }
  struct timespec t;
  CHECK(clock_gettime(99, &t));
  CHECK(clock_gettime(-7, &t));
  CHECK(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, NULL));
  CHECK(clock_getres(99, &t));
  CHECK(clock_settime(CLOCK_MONOTONIC, &t));
  CHECK(clock_settime(99, &t));
  t.tv_nsec = -1;
  CHECK(clock_settime(CLOCK_REALTIME, &t));
  clockid_t cpu;
  CHECK(clock_getcpuclockid(0, &cpu));
  CHECK(clock_gettime(cpu, &t));
  CHECK(clock_getcpuclockid(99999, &cpu));
  struct timeval v;
  CHECK(syscall(SYS_gettimeofday, &v, NULL));
  TRUE(llabs(v.tv_sec - time(NULL)) <= 30);
  TRUE(llabs(syscall(SYS_time, NULL) - time(NULL)) <= 30);
  struct timex x = {0};
  TRUE(adjtimex(&x) >= 0);
  x.modes = ADJ_OFFSET;
  if (geteuid() != 0) CHECK(adjtimex(&x));
}

static void sleeping(void) {
  int64_t start = now_ns(CLOCK_MONOTONIC);
  struct timespec t = {0, 20000000};
  CHECK(nanosleep(&t, NULL));
  TRUE(now_ns(CLOCK_MONOTONIC) - start >= 20000000);
  int64_t target = now_ns(CLOCK_MONOTONIC) + 20000000;
  t = (struct timespec){target / 1000000000, target % 1000000000};
  CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL));
  TRUE(now_ns(CLOCK_MONOTONIC) >= target);
  CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL));
  t.tv_nsec = 1000000000;
  CHECK(nanosleep(&t, NULL));
  t = (struct timespec){-1, 0};
  CHECK(nanosleep(&t, NULL));
  CHECK(clock_nanosleep(99, 0, &t, NULL));
  CHECK(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &(struct timespec){0, 1}, NULL));
}

static void wait_alarms(int count) {
  for (int i = 0; i < 400 && alarms < count; i++) sleep_ms(5);
}

static void interval_timers(void) {
  struct sigaction action = {.sa_sigaction = on_timer, .sa_flags = SA_SIGINFO};
  sigaction(SIGALRM, &action, NULL);
  sigaction(SIGVTALRM, &action, NULL);
  sigaction(SIGPROF, &action, NULL);
  sigaction(SIGRTMIN, &action, NULL);
  struct itimerval v = {{0, 5000}, {0, 10000}}, old;
  CHECK(setitimer(ITIMER_REAL, &v, NULL));
  wait_alarms(3);
  printf("at least three %d code %d\n", alarms >= 3, last_code);
  v = (struct itimerval){{0, 0}, {0, 0}};
  CHECK(setitimer(ITIMER_REAL, &v, &old));
  printf("interval %ld\n", old.it_interval.tv_usec);
  CHECK(getitimer(ITIMER_REAL, &old));
  printf("value %ld\n", old.it_value.tv_usec);
  CHECK(getitimer(9, &old));
  v.it_value.tv_usec = 1000000;
  CHECK(setitimer(ITIMER_REAL, &v, NULL));
  CHECK(alarm(100));
  CHECK(alarm(0));
  CHECK(alarm(0));
  alarms = 0;
  v = (struct itimerval){{0, 0}, {0, 10000}};
  CHECK(setitimer(ITIMER_VIRTUAL, &v, NULL));
  CHECK(setitimer(ITIMER_PROF, &v, NULL));
  for (volatile long i = 0; alarms < 2 && i < 4000000000L; i++) {
  }
  printf("cpu timers %d\n", alarms);
  alarms = 0;
  // Far off: it must not interrupt the wait for the child.
  v = (struct itimerval){{0, 0}, {1000, 0}};
  setitimer(ITIMER_REAL, &v, NULL);
  IN_CHILD("fork keeps no timer", getitimer(ITIMER_REAL, &old); printf("%ld %ld\n", old.it_value.tv_sec, old.it_value.tv_usec));
  v = (struct itimerval){{0, 0}, {0, 20000}};
  CHECK(setitimer(ITIMER_REAL, &v, &old));
  TRUE(old.it_value.tv_sec > 900);
  wait_alarms(1);
  CHECK(alarms);
}

static void posix_timers(void) {
  struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 77};
  timer_t t;
  struct itimerspec s = {{0, 0}, {0, 5000000}}, old;
  CHECK(timer_create(CLOCK_MONOTONIC, &e, &t));
  alarms = 0;
  CHECK(timer_settime(t, 0, &s, NULL));
  wait_alarms(1);
  printf("code %d value %d\n", last_code, last_value);
  CHECK(timer_gettime(t, &old));
  printf("disarmed %d\n", old.it_value.tv_nsec == 0);
  sigset_t block;
  sigemptyset(&block);
  sigaddset(&block, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &block, NULL);
  s = (struct itimerspec){{0, 2000000}, {0, 2000000}};
  CHECK(timer_settime(t, 0, &s, NULL));
  sleep_ms(40);
  s = (struct itimerspec){{0, 0}, {0, 0}};
  sigset_t pending;
  sigpending(&pending);
  printf("pending %d\n", sigismember(&pending, SIGRTMIN));
  alarms = overrun = 0;
  sigprocmask(SIG_UNBLOCK, &block, NULL);
  TRUE(alarms >= 1 && overrun >= 5);
  TRUE(timer_getoverrun(t) >= 0);
  CHECK(timer_settime(t, 0, &s, NULL));
  s.it_value.tv_nsec = -1;
  CHECK(timer_settime(t, 0, &s, NULL));
  CHECK(timer_settime(t, 0, NULL, NULL));
  CHECK(timer_delete(t));
  CHECK(syscall(SYS_timer_delete, 9999));
  CHECK(syscall(SYS_timer_gettime, 9999, &old));
  e.sigev_signo = 99;
  int id;
  CHECK(syscall(SYS_timer_create, CLOCK_MONOTONIC, &e, &id));
  e.sigev_signo = SIGRTMIN, e.sigev_notify = 99;
  CHECK(syscall(SYS_timer_create, CLOCK_MONOTONIC, &e, &id));
  e.sigev_notify = SIGEV_NONE;
  CHECK(syscall(SYS_timer_create, 99, &e, &id));
  CHECK(timer_create(CLOCK_MONOTONIC, &e, &t));
  s = (struct itimerspec){{0, 0}, {100, 0}};
  CHECK(timer_settime(t, 0, &s, NULL));
  CHECK(timer_gettime(t, &old));
  TRUE(old.it_value.tv_sec >= 50 && old.it_value.tv_sec <= 100);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  clocks();
  sleeping();
  interval_timers();
  posix_timers();
  return 0;
}

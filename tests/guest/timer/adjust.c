// adjtimex(2), clock_adjtime(2), clock_settime(2), settimeofday(2): what may be asked, and who is refused what. As root nothing is tried that
// could change the clock.
#include "../guest.h"
#include <sys/timex.h>

static struct timex fresh(unsigned modes) {
  struct timex x;
  memset(&x, 0x55, sizeof x);
  x.modes = modes;
  return x;
}

static void reading(void) {
  struct timex x = fresh(0);
  TRUE(adjtimex(&x) >= 0);
  TRUE(x.modes == 0);
  TRUE(x.tick == 10000);
  TRUE(x.precision > 0);
  TRUE(x.tolerance == 32768000);
  TRUE(llabs(x.time.tv_sec - time(NULL)) <= 1);
  TRUE(x.time.tv_usec >= 0 && x.time.tv_usec < 1000000000);
  x = fresh(0);
  TRUE(clock_adjtime(CLOCK_REALTIME, &x) >= 0);
  x = fresh(ADJ_OFFSET_SS_READ);
  TRUE(adjtimex(&x) >= 0);
  CHECK(x.offset);
  CHECK(syscall(SYS_adjtimex, 8));
  CHECK(syscall(SYS_adjtimex, NULL));
}

static void refused(void) {
  struct timex x = fresh(0x8000);
  CHECK(adjtimex(&x));
  x = fresh(0);
  CHECK(clock_adjtime(CLOCK_MONOTONIC, &x));
  CHECK(clock_adjtime(CLOCK_PROCESS_CPUTIME_ID, &x));
  CHECK(clock_adjtime(CLOCK_BOOTTIME, &x));
  CHECK(clock_adjtime(99, &x));
  CHECK(syscall(SYS_clock_adjtime, CLOCK_REALTIME, 8));
  CHECK(syscall(SYS_clock_adjtime, 99, 8));
  struct timespec t = {-1, 0};
  CHECK(clock_settime(CLOCK_REALTIME, &t));
  t = (struct timespec){0, 1000000000};
  CHECK(clock_settime(CLOCK_REALTIME, &t));
  CHECK(syscall(SYS_clock_settime, CLOCK_REALTIME, 8));
  CHECK(syscall(SYS_clock_settime, CLOCK_MONOTONIC, 8));
  CHECK(syscall(SYS_clock_settime, CLOCK_THREAD_CPUTIME_ID, 8));
  CHECK(syscall(SYS_clock_settime, 99, 8));
  t.tv_nsec = 0;
  clockid_t own;
  MUST(clock_getcpuclockid(0, &own));
  CHECK(clock_settime(own, &t));
  CHECK(syscall(SYS_settimeofday, 8, NULL));
  CHECK(syscall(SYS_settimeofday, NULL, 8));
  struct timeval v = {0, 1000001};
  CHECK(syscall(SYS_settimeofday, &v, NULL));
  v = (struct timeval){0, -1};
  CHECK(syscall(SYS_settimeofday, &v, NULL));
  v = (struct timeval){-1, 0};
  CHECK(syscall(SYS_settimeofday, &v, NULL));
}

static void unprivileged(void) {
  static const unsigned modes[] = {ADJ_OFFSET, ADJ_FREQUENCY, ADJ_STATUS, ADJ_TICK, ADJ_SETOFFSET, ADJ_TAI, ADJ_NANO, ADJ_OFFSET_SINGLESHOT};
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    struct timex x = fresh(modes[i]);
    printf("mode %x\n", modes[i]);
    CHECK(adjtimex(&x));
    CHECK(clock_adjtime(CLOCK_REALTIME, &x));
  }
  struct timespec t = {1000000000, 0};
  CHECK(clock_settime(CLOCK_REALTIME, &t));
  struct timeval v = {1000000000, 0};
  CHECK(syscall(SYS_settimeofday, &v, NULL));
  CHECK(syscall(SYS_settimeofday, NULL, NULL));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  reading();
  refused();
  // In a child that is nobody, so that nothing can be changed.
  IN_CHILD("nobody", if (geteuid() == 0) MUST(setuid(65534)); unprivileged());
  return 0;
}

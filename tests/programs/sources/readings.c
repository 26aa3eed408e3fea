// Reads every clock that a vDSO answers, many times, through the C library.
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <sys/time.h>
#include <time.h>

int main(void) {
  static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE,
                                     CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_TAI};
  struct timespec t;
  struct timeval v;
  int bad = 0;
  for (int round = 0; round < 1000; round++) {
    for (unsigned i = 0; i < sizeof clocks / sizeof *clocks; i++) bad += clock_gettime(clocks[i], &t) != 0;
    bad += gettimeofday(&v, 0) != 0 || time(0) < 1000000000;
  }
  printf("bad %d\n", bad);
  return 0;
}

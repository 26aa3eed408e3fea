// Every clock that can be slept on, as relative and absolute sleeps; timers on them with a thread to tell, an overrun, and the vDSO's
// answers against the system call's.
#include "../guest.h"
#include <pthread.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/timerfd.h>

static int64_t now_ns(clockid_t clock) {
  struct timespec t;
  MUST(clock_gettime(clock, &t));
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static struct timespec at(int64_t nanos) { return (struct timespec){nanos / 1000000000, nanos % 1000000000}; }

static void sleeps(void) {
  static const clockid_t all[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    int64_t start = now_ns(all[i]);
    struct timespec t = at(5000000);
    int relative = clock_nanosleep(all[i], 0, &t, NULL);
    int64_t middle = now_ns(all[i]);
    t = at(middle + 5000000);
    int absolute = clock_nanosleep(all[i], TIMER_ABSTIME, &t, NULL);
    int64_t end = now_ns(all[i]);
    t = at(end - 1000000000);
    int past = clock_nanosleep(all[i], TIMER_ABSTIME, &t, NULL);
    printf("sleep on %d: %d %d %d long enough %d %d\n", all[i], relative, absolute, past, middle - start >= 5000000, end - middle >= 5000000);
  }
  static const clockid_t refused[] = {CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_THREAD_CPUTIME_ID, 99};
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    struct timespec t = at(1);
    printf("sleep on %d: %d\n", refused[i], clock_nanosleep(refused[i], 0, &t, NULL));
  }
}

static void thread_timers(void) {
  static const clockid_t all[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI};
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + 3);
  MUST(sigprocmask(SIG_BLOCK, &set, NULL));
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN + 3, .sigev_value.sival_int = 40 + (int)i};
    event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
    timer_t timer;
    MUST(timer_create(all[i], &event, &timer));
    struct itimerspec value = {.it_value = at(2000000), .it_interval = at(1000000)};
    MUST(timer_settime(timer, 0, &value, NULL));
    struct timespec pause = at(20000000);
    MUST(clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL));
    siginfo_t info;
    int signal = sigwaitinfo(&set, &info);
    printf("timer on %d: signal %d code %d value %d overran %d\n", all[i], signal - SIGRTMIN, info.si_code == SI_TIMER, info.si_value.sival_int, info.si_overrun >= 5);
    TRUE(timer_getoverrun(timer) >= 5);
    MUST(timer_delete(timer));
    struct timespec none = at(0);
    while (sigtimedwait(&set, &info, &none) > 0) continue;
  }
}

static void files(void) {
  static const clockid_t all[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    int fd = MUST(timerfd_create(all[i], 0));
    struct itimerspec value = {.it_value = at(now_ns(all[i]) + 3000000), .it_interval = at(1000000)};
    MUST(timerfd_settime(fd, TFD_TIMER_ABSTIME, &value, NULL));
    uint64_t first = 0;
    ssize_t count = read(fd, &first, sizeof first);
    struct itimerspec left;
    MUST(timerfd_gettime(fd, &left));
    printf("timerfd on %d: %zd fired %d interval %ld left %d\n", all[i], count, first >= 1, left.it_interval.tv_nsec, left.it_value.tv_nsec <= 1000000);
    close(fd);
  }
  int fd = MUST(timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK));
  struct itimerspec value = {.it_value = at(now_ns(CLOCK_REALTIME) + 1000000000)};
  CHECK(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &value, NULL));
  uint64_t fired;
  CHECK(read(fd, &fired, sizeof fired));
  CHECK(timerfd_settime(fd, 1 << 5, &value, NULL));
  close(fd);
}

/* One clock by two ways, interleaved, never goes back. */
static void both_ways(void) {
  static const clockid_t all[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    int64_t last = now_ns(all[i]);
    int back = 0;
    for (int n = 0; n < 2000; n++) {
      struct timespec t;
      MUST(syscall(SYS_clock_gettime, all[i], &t));
      int64_t called = t.tv_sec * 1000000000LL + t.tv_nsec, read = now_ns(all[i]);
      back += called < last || read < called;
      last = read;
    }
    printf("clock %d went back %d times\n", all[i], back);
  }
  TRUE(llabs((now_ns(CLOCK_TAI) - now_ns(CLOCK_REALTIME)) % 1000000000) < 900000000);
}

/* Waits that end at a time of the wall clock, as POSIX has them. */
static void timed_waits(void) {
  sem_t semaphore;
  MUST(sem_init(&semaphore, 0, 0));
  struct timespec t = at(now_ns(CLOCK_REALTIME) + 5000000);
  CHECK(sem_timedwait(&semaphore, &t));
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
  MUST(pthread_mutex_lock(&mutex));
  t = at(now_ns(CLOCK_REALTIME) + 5000000);
  printf("condition: %d\n", pthread_cond_timedwait(&condition, &mutex, &t));
  t = at(now_ns(CLOCK_REALTIME) + 5000000);
  printf("mutex: %d\n", pthread_mutex_timedlock(&mutex, &t));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  sleeps();
  thread_timers();
  files();
  both_ways();
  timed_waits();
  return 0;
}

// timer_settime(2) and timer_delete(2) while the timer's signal is pending: it is not delivered any more (Linux 6.13).
#include "../guest.h"

static sigset_t set;

static void pending(const char *what) {
  sigset_t now;
  siginfo_t info;
  struct timespec none = {0, 0};
  sigpending(&now);
  memset(&info, 0, sizeof info);
  int in_set = sigismember(&now, SIGUSR1);
  int sig = sigtimedwait(&set, &info, &none);
  if (sig < 0) printf("%s: pending %d, %s\n", what, in_set, strerrorname_np(errno));
  else printf("%s: pending %d, signal %d code %d value %d overrun %d\n", what, in_set, sig == SIGUSR1, info.si_code, info.si_value.sival_int, info.si_overrun > 1);
  sigpending(&now);
  printf("  then %d\n", sigismember(&now, SIGUSR1));
}

static void arm(timer_t timer, long value_ms, long interval_ms) {
  struct itimerspec spec = {{interval_ms / 1000, interval_ms % 1000 * 1000000}, {value_ms / 1000, value_ms % 1000 * 1000000}};
  MUST(timer_settime(timer, 0, &spec, NULL));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  timer_t timer, other;
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 11};
  MUST(timer_create(CLOCK_MONOTONIC, &event, &timer));
  event.sigev_value.sival_int = 22;
  MUST(timer_create(CLOCK_MONOTONIC, &event, &other));

  arm(timer, 1, 0), sleep_ms(20);
  pending("fired");
  arm(timer, 1, 0), sleep_ms(20), arm(timer, 100000, 0);
  pending("armed again");
  arm(timer, 1, 0), sleep_ms(20), arm(timer, 0, 0);
  pending("disarmed");
  arm(timer, 1, 0), sleep_ms(20), arm(timer, 1, 0), sleep_ms(20);
  pending("fired again");
  arm(timer, 1, 1), sleep_ms(20), arm(timer, 0, 0);
  printf("overruns %d\n", timer_getoverrun(timer));
  pending("an interval, disarmed");
  arm(timer, 1, 0), sleep_ms(20), arm(timer, 0, 0), kill(getpid(), SIGUSR1);
  pending("with a signal from elsewhere");
  arm(timer, 1, 0), sleep_ms(20), arm(other, 1, 0), sleep_ms(20), arm(timer, 0, 0);
  pending("another timer");
  arm(timer, 1, 0), sleep_ms(20);
  MUST(timer_delete(timer));
  pending("deleted");
  return 0;
}

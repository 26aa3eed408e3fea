// Threads that call from the same fresh places while these may be patched, timers that interrupt them anywhere, and handlers that look at
// where they were: never anywhere but in the program.
#include "site.h"
#include <pthread.h>

SITE_EAX(one, 110);
SITE_RAX(two, 110);
SITE_EAX(three, 110);

enum { THREADS = 6, ROUNDS = 6000 };

static pid_t parent;
static _Atomic long outside, wrong, signals;

static void on_alarm(int signo, siginfo_t *info, void *context) {
  (void)signo, (void)info;
  const ucontext_t *uc = context;
  if (!in_text((unsigned long)uc->uc_mcontext.gregs[REG_RIP])) outside++;
  signals++;
  // Handlers call too, from the same places.
  if (one(0, 0, 0) != parent) wrong++;
}

static void *hammer(void *argument) {
  (void)argument;
  double sum = 0;
  for (int i = 0; i < ROUNDS; i++) {
    wrong += one(0, 0, 0) != parent;
    sum += 0.5;
    wrong += two(0, 0, 0) != parent;
    wrong += three(0, 0, 0) != parent;
  }
  if (sum != ROUNDS * 0.5) wrong++;
  return NULL;
}

static void run_threads(const char *name) {
  pthread_t threads[THREADS];
  wrong = outside = 0;
  for (int i = 0; i < THREADS; i++) MUST(pthread_create(&threads[i], NULL, hammer, NULL) == 0 ? 0 : -1);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  printf("%s: %ld wrong, %ld outside\n", name, wrong, outside);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  parent = getppid();
  struct sigaction action = {.sa_sigaction = on_alarm, .sa_flags = SA_SIGINFO | SA_RESTART};
  MUST(sigaction(SIGALRM, &action, NULL));
  struct itimerval often = {{0, 700}, {0, 700}};
  MUST(setitimer(ITIMER_REAL, &often, NULL));
  run_threads("threads");
  for (int i = 0; i < 5; i++) {
    pid_t child = MUST(fork());
    if (child == 0) {
      parent = getppid();
      for (int k = 0; k < 500; k++) wrong += two(0, 0, 0) != parent;
      _exit(wrong != 0 || outside != 0);
    }
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    print_status("child", status);
    wrong += one(0, 0, 0) != parent;
  }
  // Until the timer has struck in plenty.
  while (signals < 50) wrong += three(0, 0, 0) != parent;
  struct itimerval never = {0};
  MUST(setitimer(ITIMER_REAL, &never, NULL));
  printf("after all: %ld wrong, %ld outside\n", wrong, outside);
  return 0;
}

// futex(2) FUTEX_WAIT_REQUEUE_PI and FUTEX_CMP_REQUEUE_PI: errors, moves to a held and to a free lock, timeouts and signals.
#include "../guest.h"
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>

static _Atomic unsigned cond, lock, other;
static atomic_int waiting, got;
static pthread_t threads[8];
static _Atomic int tids[8];

static long futex(_Atomic unsigned *word, int op, unsigned value, void *timeout, _Atomic unsigned *second, unsigned third) {
  return syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, value, timeout, second, third);
}

static void take(void) {
  unsigned zero = 0;
  if (!atomic_compare_exchange_strong(&lock, &zero, gettid())) MUST(futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
}

static void give(void) {
  unsigned mine = gettid();
  if (!atomic_compare_exchange_strong(&lock, &mine, 0)) MUST(futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
}

static void *waiter(void *slot) {
  tids[(long)slot] = gettid();
  waiting++;
  long result = futex(&cond, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &lock, 0);
  if (result != 0) return (void *)(long)errno;
  if ((lock & FUTEX_TID_MASK) != (unsigned)gettid()) return (void *)-1L;
  got++;
  give();
  return NULL;
}

// Until the thread sleeps in the kernel.
static void wait_asleep(int tid) {
  char path[64], state = 0;
  snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
  for (int i = 0; i < 5000 && state != 'S'; i++) {
    FILE *f = fopen(path, "r");
    if (f == NULL) return;
    if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1) state = 0;
    fclose(f);
    sleep_ms(1);
  }
  sleep_ms(5);
}

static void start(int count) {
  waiting = got = 0;
  for (long i = 0; i < count; i++) {
    tids[i] = 0;
    MUST(-pthread_create(&threads[i], NULL, waiter, (void *)i));
    while (tids[i] == 0) sched_yield();
    wait_asleep(tids[i]);
  }
}

static void finish(int count) {
  for (int i = 0; i < count; i++) {
    void *result;
    pthread_join(threads[i], &result);
    CHECK((long)result);
  }
  CHECK(got);
  CHECK(lock);
}

static void errors(void) {
  struct timespec past = {1, 0}, bad = {0, 2000000000};
  CHECK(futex(&cond, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &cond, 0));
  CHECK(futex(&cond, FUTEX_WAIT_REQUEUE_PI, 1, NULL, &lock, 0));
  CHECK(futex(&cond, FUTEX_WAIT_REQUEUE_PI, 0, &past, &lock, 0));
  CHECK(futex(&cond, FUTEX_WAIT_REQUEUE_PI, 0, &bad, &lock, 0));
  CHECK(futex(&cond, FUTEX_WAIT_REQUEUE_PI | FUTEX_CLOCK_REALTIME, 0, &past, &lock, 0));
  CHECK(futex((void *)1, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &lock, 0));
  CHECK(futex(&cond, FUTEX_CMP_REQUEUE_PI, 0, NULL, &lock, 0));
  CHECK(futex(&cond, FUTEX_CMP_REQUEUE_PI, 2, NULL, &lock, 0));
  CHECK(futex(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)-1L, &lock, 0));
  CHECK(futex(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &cond, 0));
  CHECK(futex(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &lock, 5));
  CHECK(futex(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &lock, 0));
}

static void held(void) {
  start(3);
  take();
  CHECK(futex(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)1000, &other, 0));
  CHECK(futex(&cond, FUTEX_WAKE, 1, NULL, NULL, 0));
  CHECK(futex(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)0, &lock, 0));
  CHECK(futex(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)1000, &lock, 0));
  TRUE(lock == (FUTEX_WAITERS | (unsigned)gettid()));
  CHECK(got);
  give();
  finish(3);
}

static void free_lock(void) {
  start(3);
  CHECK(futex(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)1000, &lock, 0));
  finish(3);
}

static void *timed(void *absolute) {
  tids[0] = gettid();
  return (void *)(long)(futex(&cond, FUTEX_WAIT_REQUEUE_PI, 0, absolute, &lock, 0) == 0 ? 0 : errno);
}

static void timeouts(void) {
  struct timespec at;
  void *result;
  // On the first word, then behind the lock.
  for (int moved = 0; moved < 2; moved++) {
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_nsec += 300000000;
    if (at.tv_nsec >= 1000000000) at.tv_sec++, at.tv_nsec -= 1000000000;
    take();
    tids[0] = 0;
    MUST(-pthread_create(&threads[0], NULL, timed, &at));
    while (tids[0] == 0) sched_yield();
    wait_asleep(tids[0]);
    if (moved) CHECK(futex(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &lock, 0));
    pthread_join(threads[0], &result);
    TRUE((long)result == ETIMEDOUT);
    give();
  }
}

static atomic_int handled;
static void on_signal(int signal) {
  (void)signal;
  handled++;
}

static void signals(void) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = 0};
  MUST(sigaction(SIGUSR1, &action, NULL));
  // A signal before the move: the wait begins again.
  start(1);
  take();
  pthread_kill(threads[0], SIGUSR1);
  while (handled == 0) sched_yield();
  wait_asleep(tids[0]);
  CHECK(futex(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &lock, 0));
  give();
  finish(1);
  // A real-time waiter's turn comes by time of arrival among equals: three in a row.
  start(2);
  take();
  CHECK(futex(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &lock, 0));
  give();
  finish(2);
}

static void *dies(void *unused) {
  (void)unused;
  take();
  CHECK(futex(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &lock, 0));
  return NULL;
}

static void *inherits(void *unused) {
  (void)unused;
  tids[0] = gettid();
  long result = futex(&cond, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &lock, 0);
  CHECK(result);
  TRUE((lock & ~FUTEX_WAITERS) == ((unsigned)gettid() | FUTEX_OWNER_DIED));
  lock = 0;
  return NULL;
}

// The owner exits with a waiter that was moved to its lock.
static void owner_dies(void) {
  pthread_t owner;
  tids[0] = 0;
  MUST(-pthread_create(&threads[0], NULL, inherits, NULL));
  while (tids[0] == 0) sched_yield();
  wait_asleep(tids[0]);
  MUST(-pthread_create(&owner, NULL, dies, NULL));
  pthread_join(owner, NULL);
  pthread_join(threads[0], NULL);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  errors();
  held();
  free_lock();
  timeouts();
  signals();
  owner_dies();
  return 0;
}

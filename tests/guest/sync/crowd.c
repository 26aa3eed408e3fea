// pthreads(7), futex(2), pipe(7): a thousand threads that block and are woken, with their registers and thread-local storage as they
// were; and more callers than processors, of which each comes to its end.
#include "../guest.h"
#include <pthread.h>
#include <stdatomic.h>

#define SLEEPERS 1000
#define CALLERS 24
#define CALLS 500

static int gate[2];
static atomic_int woken, asleep, wrong;
static _Thread_local long own;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t opened = PTHREAD_COND_INITIALIZER;
static bool open_now;

static void blocks(long number) {
  char byte;
  if (number % 2 == 0) {
    if (read(gate[0], &byte, 1) != 1) wrong++;
    return;
  }
  pthread_mutex_lock(&lock);
  while (!open_now) pthread_cond_wait(&opened, &lock);
  pthread_mutex_unlock(&lock);
}

// The call is made by hand, so that a value can stay in a vector register across it.
static void *sleeper(void *arg) {
  long number = (long)arg, back = 0, pid;
  own = number;
  asleep++;
  blocks(number);
  asm volatile("movq %2, %%xmm7\n mov $39, %%eax\n syscall\n movq %%xmm7, %1"
               : "=&a"(pid), "=&r"(back)
               : "r"(number)
               : "rcx", "r11", "xmm7", "memory");
  if (own != number || back != number || pid != getpid()) wrong++;
  woken++;
  return arg;
}

static void crowd(void) {
  static pthread_t threads[SLEEPERS];
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 32768);
  MUST(pipe(gate));
  int made = 0;
  for (long i = 0; i < SLEEPERS; i++) made += pthread_create(&threads[i], &small, sleeper, (void *)i) == 0;
  printf("made %d\n", made);
  while (asleep < made) usleep(1000);
  static char bytes[SLEEPERS / 2];
  CHECK(write(gate[1], bytes, sizeof bytes));
  pthread_mutex_lock(&lock);
  open_now = true;
  pthread_cond_broadcast(&opened);
  pthread_mutex_unlock(&lock);
  long sum = 0;
  for (int i = 0; i < made; i++) {
    void *result;
    pthread_join(threads[i], &result);
    sum += (long)result;
  }
  printf("woken %d wrong %d sum %ld\n", woken, wrong, sum);
}

static void *caller(void *arg) {
  const long tid = syscall(SYS_gettid);
  for (int i = 0; i < CALLS; i++) {
    if (syscall(SYS_gettid) != tid) wrong++;
    if (i % 250 == (long)arg) usleep(100);
  }
  return NULL;
}

static void callers(void) {
  pthread_t threads[CALLERS];
  wrong = 0;
  for (long i = 0; i < CALLERS; i++) pthread_create(&threads[i], NULL, caller, (void *)i);
  for (int i = 0; i < CALLERS; i++) pthread_join(threads[i], NULL);
  printf("callers done, wrong %d\n", wrong);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  crowd();
  callers();
  return 0;
}

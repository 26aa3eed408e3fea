// What gdb looks at: a function to stop in, a variable that changes, a thread, a signal.
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

struct point {
  int x, y;
  const char *name;
};

static volatile int total;

__attribute__((noinline)) static int square(struct point *p) {
  int result = p->x * p->x;
  total += result;
  return result;
}

static void *worker(void *arg) {
  struct point p = {7, 8, "worker"};
  square(&p);
  return arg;
}

static void handler(int signal) {
  total += signal;
}

int main(int argc, char **argv) {
  struct point p = {2, 3, argc > 1 ? argv[1] : "main"};
  signal(SIGUSR1, handler);
  for (int i = 0; i < 3; i++) {
    p.x += i;
    square(&p);
  }
  raise(SIGUSR1);
  pthread_t thread;
  pthread_create(&thread, NULL, worker, NULL);
  pthread_join(thread, NULL);
  printf("total %d\n", total);
  if (argc > 2) memset((void *)16, 1, 1);
  return 3;
}

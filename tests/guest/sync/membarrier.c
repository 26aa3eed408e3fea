// membarrier(2): when it returns, every other thread of the process has passed a barrier. Two threads that store to one word and look at the
// other's may miss each other only if one of the two barriers is missing; the fast one has none but what the slow one orders.
#include "../guest.h"
#include <linux/membarrier.h>
#include <pthread.h>

static const int ROUNDS = 3000;
static volatile int mine __attribute__((aligned(128))), yours __attribute__((aligned(128)));
static volatile int turn __attribute__((aligned(128))), seen[2];

static int barrier(int command) { return syscall(SYS_membarrier, command, 0, 0); }

static void *fast(void *unused) {
  for (int round = 1; round <= ROUNDS; round++) {
    while (turn != round) sched_yield();
    mine = 1;
    asm volatile("" ::: "memory");
    seen[0] = yours;
    __atomic_store_n(&turn, -round, __ATOMIC_SEQ_CST);
  }
  return unused;
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  CHECK(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED));
  CHECK(barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED));
  CHECK(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED));
  CHECK(barrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED));
  CHECK(barrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED));
  CHECK(barrier(3));
  CHECK(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 77, 0));
  pthread_t thread;
  pthread_create(&thread, NULL, fast, NULL);
  int missed = 0;
  for (int round = 1; round <= ROUNDS; round++) {
    mine = yours = 0;
    __atomic_store_n(&turn, round, __ATOMIC_SEQ_CST);
    yours = 1;
    if (barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0) missed = -1;
    seen[1] = mine;
    while (turn != -round) sched_yield();
    missed += seen[0] == 0 && seen[1] == 0;
  }
  pthread_join(thread, NULL);
  printf("missed %d times\n", missed);
  return 0;
}

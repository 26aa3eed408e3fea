// futex(2): every operation with its errors, timeouts, requeueing, PI, robust lists, futex_waitv, shared between processes.
#include "../guest.h"
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>

static long futex(void *addr, int op, unsigned val, const void *timeout, void *addr2, unsigned val3) {
  return syscall(SYS_futex, addr, op, val, timeout, addr2, val3);
}

static uint32_t word, other;
static atomic_int woken, ready;

static void *waiter(void *arg) {
  uint32_t *address = arg;
  ready++;
  if (futex(address, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0) == 0) woken++;
  return NULL;
}

static void start(pthread_t *threads, int count, void *address) {
  ready = woken = 0;
  for (int i = 0; i < count; i++) pthread_create(&threads[i], NULL, waiter, address);
  while (ready < count) sched_yield();
  sleep_ms(30);
}

static void errors(void) {
  struct timespec zero = {0, 0}, bad = {0, 1000000000}, negative = {-1, 0}, past = {1, 0};
  word = 5;
  CHECK(futex(&word, FUTEX_WAIT, 4, NULL, NULL, 0));
  CHECK(futex(&word, FUTEX_WAIT, 5, &zero, NULL, 0));
  CHECK(futex(&word, FUTEX_WAIT, 5, &bad, NULL, 0));
  CHECK(futex(&word, FUTEX_WAIT, 5, &negative, NULL, 0));
  CHECK(futex((char *)&word + 1, FUTEX_WAIT, 5, &zero, NULL, 0));
  CHECK(futex((void *)8, FUTEX_WAIT, 5, &zero, NULL, 0));
  CHECK(futex((void *)(1UL << 60), FUTEX_WAIT, 5, &zero, NULL, 0));
  CHECK(futex(&word, FUTEX_WAIT, 5, (void *)1, NULL, 0));
  CHECK(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0));
  CHECK(futex((char *)&word + 2, FUTEX_WAKE, 1, NULL, NULL, 0));
  CHECK(futex((void *)8, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
  CHECK(futex((void *)8, FUTEX_WAKE, 1, NULL, NULL, 0));
  CHECK(futex(&word, FUTEX_WAIT_BITSET, 5, &past, NULL, ~0));
  CHECK(futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 5, &past, NULL, 1));
  CHECK(futex(&word, FUTEX_WAIT_BITSET, 5, &past, NULL, 0));
  CHECK(futex(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0));
  CHECK(futex(&word, FUTEX_FD, 1, NULL, NULL, 0));
  CHECK(futex(&word, 77, 1, NULL, NULL, 0));
  CHECK(futex(&word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 0));
  CHECK(futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1, &other, 6));
  CHECK(futex(&word, FUTEX_REQUEUE, -1, (void *)1, &other, 0));
  CHECK(futex(&word, FUTEX_REQUEUE, 1, (void *)1, (void *)2, 0));
  CHECK(futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
}

static void waking(void) {
  pthread_t t[6];
  word = other = 0;
  start(t, 4, &word);
  CHECK(futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
  CHECK(futex(&word, FUTEX_WAKE, 10, NULL, NULL, 0));
  CHECK(futex(&word, FUTEX_WAKE_PRIVATE, 0, NULL, NULL, 0));
  CHECK(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)1, &other, 0));
  CHECK(futex(&other, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0));
  CHECK(futex(&word, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0));
  for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
  printf("woken %d\n", woken);
  start(t, 2, &word);
  start(t + 2, 2, &other);
  CHECK(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)5, &other, FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_EQ, 0)));
  printf("word2 %u\n", other);
  CHECK(futex(&word, FUTEX_WAKE_OP_PRIVATE, 5, (void *)5, &other, FUTEX_OP(FUTEX_OP_SET, 1, FUTEX_OP_CMP_GT, 99)));
  printf("word2 %u\n", other);
  CHECK(futex(&word, FUTEX_WAKE_OP_PRIVATE, 5, (void *)5, &other, FUTEX_OP(FUTEX_OP_OR, 4, FUTEX_OP_CMP_EQ, 0) | 0x80000000));
  printf("word2 %u\n", other);
  for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
}

static void *bitset_waiter(void *arg) {
  ready++;
  if (futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, (uintptr_t)arg) == 0) woken += (uintptr_t)arg;
  return NULL;
}

static void bitsets(void) {
  pthread_t t[2];
  ready = woken = 0;
  word = 0;
  pthread_create(&t[0], NULL, bitset_waiter, (void *)1);
  pthread_create(&t[1], NULL, bitset_waiter, (void *)2);
  while (ready < 2) sched_yield();
  sleep_ms(30);
  CHECK(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, 4));
  CHECK(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, 2));
  pthread_join(t[1], NULL);
  printf("woken %d\n", woken);
  CHECK(futex(&word, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0));
  pthread_join(t[0], NULL);
}

static void shared(void) {
  uint32_t *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t child = fork();
  if (child == 0) _exit(futex(p, FUTEX_WAIT, 0, NULL, NULL, 0) == 0 ? 1 : 2);
  sleep_ms(30);
  CHECK(futex(p, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
  CHECK(futex(p, FUTEX_WAKE, 1, NULL, NULL, 0));
  int status;
  waitpid(child, &status, 0);
  print_status("shared waiter", status);
  int fd = MUST(open("futex", O_CREAT | O_RDWR, 0600));
  ftruncate(fd, PAGE);
  uint32_t *a = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  uint32_t *b = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  child = fork();
  if (child == 0) _exit(futex(a, FUTEX_WAIT, 0, NULL, NULL, 0) == 0 ? 1 : 2);
  sleep_ms(30);
  CHECK(futex(b, FUTEX_WAKE, 1, NULL, NULL, 0));
  waitpid(child, &status, 0);
  print_status("file waiter", status);
}

static uint32_t pi;

static void *pi_owner(void *arg) {
  (void)arg;
  long r = futex(&pi, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
  ready = 1;
  sleep_ms(150);
  printf("owner locked %ld, waiters bit %d\n", r, (pi & FUTEX_WAITERS) != 0);
  r = futex(&pi, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
  return NULL;
}

static void priority_inheritance(void) {
  pthread_t t;
  ready = 0;
  pthread_create(&t, NULL, pi_owner, NULL);
  while (!ready) sched_yield();
  CHECK(futex(&pi, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
  CHECK(futex(&pi, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
  CHECK(futex(&pi, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0));
  TRUE((pi & FUTEX_TID_MASK) == (uint32_t)gettid());
  CHECK(futex(&pi, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0));
  CHECK(futex(&pi, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
  pthread_join(t, NULL);
  printf("pi word %u\n", pi);
}

static void robust(void) {
  pthread_mutex_t *m = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_t attr;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(m, &attr);
  IN_CHILD("dies with the lock", pthread_mutex_lock(m));
  printf("lock: %s\n", strerrorname_np(pthread_mutex_lock(m)));
  printf("consistent: %d\n", pthread_mutex_consistent(m));
  pthread_mutex_unlock(m);
  pid_t child = fork();
  if (child == 0) {
    pthread_mutex_lock(m);
    sleep_ms(150);
    raise(SIGKILL);
  }
  sleep_ms(60);
  printf("lock of a killed owner: %s\n", strerrorname_np(pthread_mutex_lock(m)));
  waitpid(child, NULL, 0);
  void *head;
  size_t length;
  CHECK(syscall(SYS_get_robust_list, 0, &head, &length));
  printf("length %zu\n", length);
  CHECK(syscall(SYS_set_robust_list, head, 23));
  CHECK(syscall(SYS_get_robust_list, 99999, &head, &length));
}

static void vectors(void) {
  struct futex_waitv v[2] = {{0, (uintptr_t)&word, FUTEX_32 | FUTEX_PRIVATE_FLAG, 0}, {0, (uintptr_t)&other, FUTEX_32 | FUTEX_PRIVATE_FLAG, 0}};
  struct timespec soon;
  clock_gettime(CLOCK_MONOTONIC, &soon);
  word = other = 0;
  CHECK(syscall(SYS_futex_waitv, v, 2, 0, &soon, CLOCK_MONOTONIC));
  CHECK(syscall(SYS_futex_waitv, v, 0, 0, &soon, CLOCK_MONOTONIC));
  CHECK(syscall(SYS_futex_waitv, v, 129, 0, &soon, CLOCK_MONOTONIC));
  CHECK(syscall(SYS_futex_waitv, v, 2, 1, &soon, CLOCK_MONOTONIC));
  CHECK(syscall(SYS_futex_waitv, v, 2, 0, &soon, 99));
  other = 1;
  CHECK(syscall(SYS_futex_waitv, v, 2, 0, &soon, CLOCK_MONOTONIC));
  v[0].flags = 0x40;
  CHECK(syscall(SYS_futex_waitv, v, 2, 0, &soon, CLOCK_MONOTONIC));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  scratch();
  errors();
  waking();
  bitsets();
  shared();
  priority_inheritance();
  robust();
  vectors();
  return 0;
}

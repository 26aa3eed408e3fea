// rseq(2): registration, processor numbers, and what happens to a thread that is interrupted inside a critical section.
#include "../guest.h"
#include <pthread.h>
#include <linux/rseq.h>

#define SIGNATURE 0x53053053u

// The C library registers an area of its own unless told otherwise: a raw clone has none.
static struct rseq area __attribute__((aligned(32)));
static volatile int handled, aborted, committed;
static volatile int stop;

static long rseq_call(void *where, unsigned length, int flags, unsigned signature) {
  return syscall(SYS_rseq, where, length, flags, signature);
}

static void on_signal(int signal) {
  (void)signal;
  handled++;
  // The kernel has left the critical section before it came here.
  if (area.rseq_cs == 0) handled += 100;
}

// Spins inside a critical section until interrupted (result 1) or until `stop` (result 0).
static int spin_inside(void) {
  int result;
  __asm__ volatile(
      ".pushsection .data.rseq_table, \"aw\"\n"
      ".balign 32\n"
      "3: .long 0, 0\n"
      ".quad 1f, (2f - 1f), 4f\n"
      ".popsection\n"
      "leaq 3b(%%rip), %%rax\n"
      "movq %%rax, %[section]\n"
      "1:\n"
      "cmpl $0, %[stop]\n"
      "jne 2f\n"
      "pause\n"
      "jmp 1b\n"
      "2:\n"
      "movl $0, %[result]\n"
      "jmp 5f\n"
      ".byte 0x0f, 0xb9, 0x3d\n"
      ".long 0x53053053\n"
      "4:\n"
      "movl $1, %[result]\n"
      "5:\n"
      : [result] "=r"(result), [section] "=m"(area.rseq_cs)
      : [stop] "m"(stop)
      : "rax", "memory", "cc");
  return result;
}

static int child(void *unused) {
  (void)unused;
  static struct rseq other __attribute__((aligned(32)));
  CHECK(rseq_call(&area, 16, 0, SIGNATURE));
  CHECK(rseq_call((char *)&area + 8, sizeof area, 0, SIGNATURE));
  CHECK(rseq_call(&area, sizeof area, 4, SIGNATURE));
  CHECK(rseq_call(&area, sizeof area, RSEQ_FLAG_UNREGISTER, SIGNATURE));
  area.cpu_id = RSEQ_CPU_ID_UNINITIALIZED;
  CHECK(rseq_call(&area, sizeof area, 0, SIGNATURE));
  TRUE((int)area.cpu_id >= 0 && area.cpu_id < (unsigned)sysconf(_SC_NPROCESSORS_CONF));
  TRUE(area.cpu_id == area.cpu_id_start);
  CHECK(rseq_call(&area, sizeof area, 0, SIGNATURE));
  CHECK(rseq_call(&area, sizeof area, 0, SIGNATURE + 1));
  CHECK(rseq_call(&other, sizeof other, 0, SIGNATURE));
  CHECK(rseq_call(&other, sizeof other, RSEQ_FLAG_UNREGISTER, SIGNATURE));
  CHECK(rseq_call(&area, sizeof area, RSEQ_FLAG_UNREGISTER, SIGNATURE + 1));
  CHECK(rseq_call(&area, sizeof area, RSEQ_FLAG_UNREGISTER | 4, SIGNATURE));

  // A signal, and a plain timer signal, inside the section.
  struct sigaction action = {.sa_handler = on_signal};
  MUST(sigaction(SIGALRM, &action, NULL));
  struct itimerval soon = {.it_value = {0, 20000}};
  MUST(setitimer(ITIMER_REAL, &soon, NULL));
  // Preemption may abort it before the signal comes: again until then.
  while (handled == 0 && spin_inside() == 1) aborted++;
  TRUE(aborted > 0);
  CHECK(handled);
  stop = 1;
  // Not interrupted as a rule; an abort starts it again.
  while (spin_inside() == 1) {
  }
  committed = 1;
  CHECK(committed);

  // Affinity decides the number.
  cpu_set_t set;
  MUST(sched_getaffinity(0, sizeof set, &set));
  int last = 0;
  for (int i = 0; i < CPU_SETSIZE; i++) if (CPU_ISSET(i, &set)) last = i;
  CPU_ZERO(&set);
  CPU_SET(last, &set);
  MUST(sched_setaffinity(0, sizeof set, &set));
  TRUE((int)area.cpu_id == last);
  unsigned cpu = 999;
  MUST(syscall(SYS_getcpu, &cpu, NULL, NULL));
  TRUE(cpu == area.cpu_id);

  // fork keeps the registration, with the copy of the area.
  pid_t pid = MUST(fork());
  if (pid == 0) {
    CHECK(rseq_call(&area, sizeof area, 0, SIGNATURE));
    TRUE((int)area.cpu_id == last);
    CHECK(rseq_call(&area, sizeof area, RSEQ_FLAG_UNREGISTER, SIGNATURE));
    fflush(stdout);
    _exit(0);
  }
  int status;
  MUST(waitpid(pid, &status, 0));
  CHECK(rseq_call(&area, sizeof area, RSEQ_FLAG_UNREGISTER, SIGNATURE));
  TRUE((int)area.cpu_id == RSEQ_CPU_ID_UNINITIALIZED);
  CHECK(area.cpu_id_start);
  CHECK(rseq_call(&area, sizeof area, RSEQ_FLAG_UNREGISTER, SIGNATURE));

  // A section whose abort handler lacks the signature is a bug that ends in SIGSEGV.
  fflush(stdout);
  pid = MUST(fork());
  if (pid == 0) {
    MUST(rseq_call(&area, sizeof area, 0, SIGNATURE + 7));
    stop = 0;
    struct itimerval again = {.it_value = {0, 20000}};
    MUST(setitimer(ITIMER_REAL, &again, NULL));
    spin_inside();
    _exit(1);
  }
  MUST(waitpid(pid, &status, 0));
  TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
  fflush(stdout);
  _exit(0);
}

// ── a counter per processor, bumped without atomic instructions by more threads than there are processors ──

#define THREADS 6
#define ROUNDS 20000
static struct { long value; char pad[56]; } counters[1024];
static __thread struct rseq own __attribute__((aligned(32)));

static int bump(int cpu) {
  int result;
  long *counter = &counters[cpu].value;
  __asm__ volatile(
      ".pushsection .data.rseq_table, \"aw\"\n"
      ".balign 32\n"
      "3: .long 0, 0\n"
      ".quad 1f, (2f - 1f), 4f\n"
      ".popsection\n"
      "leaq 3b(%%rip), %%rax\n"
      "movq %%rax, %[section]\n"
      "1:\n"
      "cmpl %[cpu], %[current]\n"
      "jne 4f\n"
      "movq (%[counter]), %%rax\n"
      "pause\n"
      "incq %%rax\n"
      "movq %%rax, (%[counter])\n"
      "2:\n"
      "movl $0, %[result]\n"
      "jmp 5f\n"
      ".byte 0x0f, 0xb9, 0x3d\n"
      ".long 0x53053053\n"
      "4:\n"
      "movl $1, %[result]\n"
      "5:\n"
      : [result] "=&r"(result), [section] "=m"(own.rseq_cs)
      : [cpu] "r"(cpu), [current] "m"(own.cpu_id), [counter] "r"(counter)
      : "rax", "memory", "cc");
  return result;
}

static void *worker(void *unused) {
  (void)unused;
  // Not with the one of the C library.
  if (rseq_call(&own, sizeof own, 0, SIGNATURE) != 0) return (void *)1;
  for (int i = 0; i < ROUNDS; i++) {
    while (bump((int)*(volatile unsigned *)&own.cpu_id_start)) {
    }
    if (i % 1000 == 0) syscall(SYS_getppid);
  }
  return (void *)rseq_call(&own, sizeof own, RSEQ_FLAG_UNREGISTER, SIGNATURE);
}

static void race(void) {
  pthread_t threads[THREADS];
  long failures = 0, sum = 0;
  for (int i = 0; i < THREADS; i++) MUST(-pthread_create(&threads[i], NULL, worker, NULL));
  for (int i = 0; i < THREADS; i++) {
    void *result;
    pthread_join(threads[i], &result);
    failures += result != NULL;
  }
  for (int i = 0; i < 1024; i++) sum += counters[i].value;
  CHECK(failures);
  TRUE(sum == (long)THREADS * ROUNDS);
}

int guest(int argc, char **argv) {
  // Once more without the C library's own registration.
  if (argc == 1) {
    setenv("GLIBC_TUNABLES", "glibc.pthread.rseq=0", 1);
    MUST(execl("/proc/self/exe", argv[0], "again", (char *)NULL));
  }
  pid_t pid = MUST(fork());
  if (pid == 0) child(NULL);
  int status;
  MUST(waitpid(pid, &status, 0));
  CHECK(WEXITSTATUS(status));
  race();
  return 0;
}

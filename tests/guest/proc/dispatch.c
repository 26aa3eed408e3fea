// prctl(2), PR_SET_SYSCALL_USER_DISPATCH: calls from outside a region come back to the program as SIGSYS.
#include "../guest.h"
#include <stddef.h>
#include <sys/prctl.h>
#include <ucontext.h>

static volatile char selector;
static volatile int caught;
static volatile siginfo_t last;
static volatile unsigned long last_rax, last_rip;

static long pr(long mode, long offset, long length, long address) {
  return syscall(SYS_prctl, 59, mode, offset, length, address);
}

// Calls of its own, so that it is known where they come from.
__attribute__((noinline)) static long raw(long nr, long a) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(nr), "D"(a), "S"(0), "d"(0) : "rcx", "r11", "memory");
  return result;
}

static void handler(int sig, siginfo_t *info, void *context) {
  ucontext_t *uc = context;
  selector = 0;
  caught++;
  (void)sig;
  *(siginfo_t *)&last = *info;
  last_rax = uc->uc_mcontext.gregs[REG_RAX];
  last_rip = uc->uc_mcontext.gregs[REG_RIP];
  uc->uc_mcontext.gregs[REG_RAX] = 4242;
}

static void arguments(void) {
  CHECK(pr(0, 0, 0, 0));
  CHECK(pr(0, 1, 0, 0));
  CHECK(pr(0, 0, 1, 0));
  CHECK(pr(0, 0, 0, 1));
  CHECK(pr(3, 0, 0, 0));
  CHECK(pr(9, 0, 0, 0));
  CHECK(pr(1, 4096, 0, 0));
  CHECK(pr(1, 4096, -1, 0));
  CHECK(pr(1, -4096, 8192, 0));
  CHECK(pr(2, 0, 0, 0));
  CHECK(pr(1, 0, 0, -4096));
}

static void dispatched(void) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  sigaction(SIGSYS, &action, NULL);
  CHECK(pr(1, 0, 0, (long)&selector));
  printf("selector allows: %ld\n", raw(SYS_getpid, 0) > 0 ? 1L : 0L);
  selector = 1;
  long result = raw(SYS_dup, 55);
  printf("caught %d result %ld signo %d code %d errno %d syscall %d arch %#x\n", caught, result, last.si_signo, last.si_code, last.si_errno, last.si_syscall, last.si_arch);
  TRUE((unsigned long)last.si_call_addr == last_rip);
  TRUE(last_rax == SYS_dup);
  TRUE(last_rip > (unsigned long)raw && last_rip < (unsigned long)raw + 64);
  selector = 1;
  result = raw(99999, 0);
  printf("a number that is none: caught %d result %ld\n", caught, result);
  CHECK(pr(0, 0, 0, 0));
  selector = 1;
  printf("off: %ld\n", raw(SYS_dup, 55));
  selector = 0;
}

static void regions(void) {
  unsigned long start = (unsigned long)raw;
  CHECK(pr(1, start, 64, (long)&selector));
  selector = 1;
  long inside = raw(SYS_dup, 55);
  selector = 0;
  printf("inside: %ld caught %d\n", inside, caught);
  CHECK(pr(2, start, 64, (long)&selector));
  selector = 1;
  getppid();
  int before = caught;
  long result = raw(SYS_dup, 55);
  selector = 0;
  printf("inclusive: %d before, result %ld\n", before, result);
  CHECK(pr(0, 0, 0, 0));
}

static void ends(void) {
  IN_CHILD("a bad selector", pr(1, 0, 0, (long)&selector), selector = 7, raw(SYS_getppid, 0));
  IN_CHILD("an unreadable one", pr(1, 0, 0, 64), raw(SYS_getppid, 0));
  IN_CHILD("no handler", signal(SIGSYS, SIG_DFL), pr(1, 0, 0, (long)&selector), selector = 1, raw(SYS_getppid, 0));
  pr(1, 0, 0, (long)&selector);
  IN_CHILD("a child has none", selector = 1; long r = raw(SYS_dup, 55); selector = 0; _exit(-r));
  pr(0, 0, 0, 0);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  arguments();
  dispatched();
  regions();
  ends();
  return 0;
}

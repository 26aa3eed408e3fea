// mprotect(2), faults and what they look like to a SIGSEGV handler.
#include "../guest.h"
#include <setjmp.h>

static sigjmp_buf back;
static volatile int seen_code;
static void *volatile seen_addr;
static volatile int seen_signal;

static void on_fault(int signal, siginfo_t *info, void *context) {
  (void)context;
  seen_signal = signal;
  seen_code = info->si_code;
  seen_addr = info->si_addr;
  siglongjmp(back, 1);
}

static const char *code_name(int code) {
  switch (code) {
    case SEGV_MAPERR: return "MAPERR";
    case SEGV_ACCERR: return "ACCERR";
    case SI_KERNEL: return "KERNEL";
    default: return "other";
  }
}

#define FAULT(what, address, access) \
  do { \
    if (sigsetjmp(back, 1) == 0) { \
      access; \
      printf("%s: no fault\n", what); \
    } else \
      printf("%s: SIG%s %s address %s\n", what, sigabbrev_np(seen_signal), code_name(seen_code), \
             seen_addr == (void *)(address) ? "right" : "wrong"); \
  } while (0)

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &action, NULL);
  sigaction(SIGBUS, &action, NULL);
  volatile char *p = map_pages(4, PROT_READ | PROT_WRITE);
  p[PAGE] = 7;
  CHECK(mprotect((void *)(p + PAGE), PAGE, PROT_READ));
  FAULT("read of a readable page", p + PAGE, (void)p[PAGE]);
  FAULT("write of a readable page", p + PAGE + 5, p[PAGE + 5] = 1);
  CHECK(mprotect((void *)(p + PAGE), PAGE, PROT_NONE));
  FAULT("read of a page without access", p + PAGE + 9, (void)p[PAGE + 9]);
  CHECK(mprotect((void *)(p + PAGE), PAGE, PROT_READ | PROT_WRITE));
  printf("content kept: %d\n", p[PAGE]);
  FAULT("null", 0, (void)*(volatile char *)0);
  FAULT("null write", 8, *(volatile long *)8 = 1);
  FAULT("non-canonical", 0, (void)*(volatile char *)0x8000000000000000);
  FAULT("kernel half", 0xffffffff80000000, (void)*(volatile char *)0xffffffff80000000);
  FAULT("jump to data", p, ((void (*)(void))p)());
  FAULT("jump to null", 0, ((void (*)(void))0)());
  CHECK(munmap((void *)(p + 2 * PAGE), PAGE));
  FAULT("unmapped middle", p + 2 * PAGE, (void)p[2 * PAGE]);
  FAULT("word across the border", p + 2 * PAGE, (void)*(volatile long *)(p + 2 * PAGE - 4));
  CHECK(mprotect((void *)p, 4 * PAGE, PROT_READ));
  FAULT("first part was changed", p + 1, p[1] = 1);
  p[3 * PAGE] = 1;
  CHECK(mprotect((void *)(p + 1), PAGE, PROT_READ));
  CHECK(mprotect((void *)p, 0, PROT_READ));
  CHECK(mprotect((void *)p, PAGE, 0x100));
  CHECK(mprotect((void *)p, PAGE, PROT_READ | PROT_GROWSDOWN));
  CHECK(mprotect((void *)p, PAGE, PROT_READ | PROT_GROWSDOWN | PROT_GROWSUP));
  CHECK(mprotect((void *)p, -1UL - PAGE + 1, PROT_READ));

  unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3};
  char *x = map_pages(1, PROT_READ | PROT_WRITE);
  memcpy(x, code, sizeof code);
  CHECK(mprotect(x, PAGE, PROT_READ | PROT_EXEC));
  CHECK(((int (*)(void))x)());
  FAULT("write to code", x, *(volatile char *)x = 0);
  CHECK(mprotect(x, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
  x[1] = 43;
  CHECK(((int (*)(void))x)());
  signal(SIGSEGV, SIG_DFL);
  IN_CHILD("unhandled", *(volatile char *)0 = 1);
  IN_CHILD("ignored", signal(SIGSEGV, SIG_IGN); *(volatile char *)0 = 1);
  sigset_t set;
  sigfillset(&set);
  IN_CHILD("blocked", sigprocmask(SIG_BLOCK, &set, NULL); *(volatile char *)0 = 1);
  return 0;
}

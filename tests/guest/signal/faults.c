// Hardware faults as signals: si_code and si_addr of each, and what the frame says; signals of the stack's growth.
#include "../guest.h"
#include <setjmp.h>
#include <ucontext.h>

static sigjmp_buf back;
static volatile int number, code, trap_number;
static volatile uintptr_t where, rip;

static void on_fault(int signal, siginfo_t *info, void *context) {
  ucontext_t *u = context;
  number = signal, code = info->si_code, where = (uintptr_t)info->si_addr;
  rip = u->uc_mcontext.gregs[REG_RIP];
  trap_number = u->uc_mcontext.gregs[REG_TRAPNO];
  siglongjmp(back, 1);
}

#define FAULT(name, ...) \
  do { \
    if (sigsetjmp(back, 1) == 0) { \
      __VA_ARGS__; \
      printf("%s: no fault\n", name); \
    } else \
      printf("%s: SIG%s code %d addr %s trap %d\n", name, sigabbrev_np(number), code, where == rip ? "rip" : where == 0 ? "0" : "other", trap_number); \
  } while (0)

static volatile int zero;
static volatile long depth;

static long deep(long n) {
  volatile char page[4096];
  page[0] = n;
  depth = n;
  return n == 0 ? 0 : deep(n - 1) + page[0];
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  static char stack[65536];
  stack_t s = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&s, NULL);
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  static const int all[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
  for (int i = 0; i < 5; i++) sigaction(all[i], &action, NULL);
  FAULT("integer division", zero = 100 / zero);
  FAULT("integer overflow", __asm__ volatile("mov $0x80000000, %%eax; cdq; mov $-1, %%ecx; idiv %%ecx" ::: "rax", "rcx", "rdx"));
  FAULT("ud2", __asm__ volatile("ud2"));
  FAULT("hlt", __asm__ volatile("hlt"));
  FAULT("cli", __asm__ volatile("cli"));
  FAULT("in", __asm__ volatile("in $0x80, %%al" ::: "rax"));
  FAULT("int3", __asm__ volatile("int3"));
  FAULT("int 0x81", __asm__ volatile("int $0x81"));
  FAULT("single step", __asm__ volatile("pushf; orl $0x100, (%%rsp); popf; nop" ::: "cc"));
  FAULT("null", *(volatile char *)(uintptr_t)zero = 1);
  FAULT("non-canonical", *(volatile char *)(0xdead000000000000 + zero) = 1);
  FAULT("misaligned sse", __asm__ volatile("movaps %0, %%xmm0" ::"m"(*(stack + 1)) : "xmm0"));
  FAULT("sse division", {
    unsigned mxcsr = 0x1f80 & ~0x200;
    float one = 1, nothing = 0;
    __asm__ volatile("ldmxcsr %0; movss %1, %%xmm0; divss %2, %%xmm0" ::"m"(mxcsr), "m"(one), "m"(nothing) : "xmm0");
  });
  unsigned mxcsr = 0x1f80;
  __asm__ volatile("ldmxcsr %0" ::"m"(mxcsr));
  scratch();
  int fd = MUST(open("m", O_CREAT | O_RDWR, 0600));
  ftruncate(fd, 1);
  volatile char *p = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
  FAULT("past the end of a file", zero = p[PAGE]);
  zero = 0;
  struct rlimit limit = {1 << 20, RLIM_INFINITY};
  setrlimit(RLIMIT_STACK, &limit);
  FAULT("stack overflow", deep(100000));
  TRUE(depth < 100000 && depth > 100000 - 300);
  CHECK(deep(100));
  return 0;
}

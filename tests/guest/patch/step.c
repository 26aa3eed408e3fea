// A program that steps through its own calls with the trap flag: it is seen where its instructions are.
#include "site.h"

SITE_EAX(eax, 110);
SITE_RAX(rax, 110);
// The shape of syscall(3).
long stacked(long a, long b, long c);
asm(".text\n.globl stacked\nstacked:\n mov %rdi, %rax\n mov 0x8(%rsp), %r9\n syscall\n ret\n");

static unsigned long base;
static int places[16];
static int count;

static void on_trap(int signo, siginfo_t *info, void *context) {
  (void)signo, (void)info;
  unsigned long rip = (unsigned long)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
  if (rip >= base && rip < base + 32 && count < 16) places[count++] = (int)(rip - base);
}

static long step(long (*site)(long, long, long)) {
  long result;
  asm volatile(
      "sub $256, %%rsp\n pushfq\n orl $0x100, (%%rsp)\n popfq\n"
      "call *%1\n"
      "pushfq\n andl $~0x100, (%%rsp)\n popfq\n add $256, %%rsp\n"
      : "=a"(result)
      : "r"(site), "D"(110L)
      : "rcx", "r8", "r9", "r10", "r11", "rsi", "rdx", "memory", "cc");
  return result;
}

static void show(const char *name, long (*site)(long, long, long)) {
  long wrong = 0;
  for (int i = 0; i < OFTEN; i++) wrong += site(110, 0, 0) != getppid();
  base = (unsigned long)site;
  for (int round = 0; round < 2; round++) {
    count = 0;
    wrong += step(site) != getppid();
    printf("%s at", name);
    // What comes right behind `syscall` depends on how the kernel returned.
    for (int i = 0; i < count; i++) printf(" %d", places[i]);
    printf(": %ld wrong\n", wrong);
  }
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
  MUST(sigaction(SIGTRAP, &action, NULL));
  show("mov eax", eax);
  show("mov rax", rax);
  show("mov r9", stacked);
  return 0;
}

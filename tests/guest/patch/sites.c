// Calls in a loop, from places that may be patched and from some that look alike: nothing but RAX, RCX and R11 changes.
#include "site.h"

struct state {
  uint64_t regs[15];  // all but rsp
  uint64_t flags;
  uint8_t xmm[16][16];
  uint64_t red[16];  // the red zone
  uint64_t saved_rsp, saved_rbp, saved_rbx, saved_r12, saved_r13, saved_r14, saved_r15;
} in, out;

// Loads `in`, makes the call at the label, stores `out`. Order: rax rbx rcx rdx rsi rdi rbp r8 .. r15.
#define PROBE(name, site) \
  void name(void); \
  asm(".text\n.globl " #name "\n" #name ":\n" \
      " mov %rbp, out+" OFF_RBP "\n mov %rbx, out+" OFF_RBX "\n mov %r12, out+" OFF_R12 "\n mov %r13, out+" OFF_R13 "\n" \
      " mov %r14, out+" OFF_R14 "\n mov %r15, out+" OFF_R15 "\n" \
      " lea in(%rip), %rax\n" \
      LOAD_XMM \
      RED_IN(0) RED_IN(1) RED_IN(2) RED_IN(3) RED_IN(4) RED_IN(5) RED_IN(6) RED_IN(7) \
      RED_IN(8) RED_IN(9) RED_IN(10) RED_IN(11) RED_IN(12) RED_IN(13) RED_IN(14) RED_IN(15) \
      " sub $136, %rsp\n push in+120\n popfq\n lea 136(%rsp), %rsp\n" \
      " mov in+8, %rbx\n mov in+24, %rdx\n mov in+32, %rsi\n mov in+40, %rdi\n mov in+48, %rbp\n" \
      " mov in+56, %r8\n mov in+64, %r9\n mov in+72, %r10\n mov in+88, %r12\n mov in+96, %r13\n mov in+104, %r14\n" \
      " mov in+112, %r15\n mov in+16, %rcx\n mov in+80, %r11\n" \
      #name "_site:\n" site \
      " mov %rax, out+0\n mov %rbx, out+8\n mov %rcx, out+16\n mov %rdx, out+24\n mov %rsi, out+32\n mov %rdi, out+40\n" \
      " mov %rbp, out+48\n mov %r8, out+56\n mov %r9, out+64\n mov %r10, out+72\n mov %r11, out+80\n mov %r12, out+88\n" \
      " mov %r13, out+96\n mov %r14, out+104\n mov %r15, out+112\n" \
      " lea -136(%rsp), %rsp\n pushfq\n pop out+120\n lea 136(%rsp), %rsp\n cld\n" \
      " lea out(%rip), %rax\n" \
      STORE_XMM \
      RED_OUT(0) RED_OUT(1) RED_OUT(2) RED_OUT(3) RED_OUT(4) RED_OUT(5) RED_OUT(6) RED_OUT(7) \
      RED_OUT(8) RED_OUT(9) RED_OUT(10) RED_OUT(11) RED_OUT(12) RED_OUT(13) RED_OUT(14) RED_OUT(15) \
      " mov out+" OFF_RBP ", %rbp\n mov out+" OFF_RBX ", %rbx\n mov out+" OFF_R12 ", %r12\n mov out+" OFF_R13 ", %r13\n" \
      " mov out+" OFF_R14 ", %r14\n mov out+" OFF_R15 ", %r15\n ret\n")
#define OFF_RBP "520"
#define OFF_RBX "528"
#define OFF_R12 "536"
#define OFF_R13 "544"
#define OFF_R14 "552"
#define OFF_R15 "560"
#define X(n, op1, op2) " movdqu " op1 #n op2 "\n"
#define LX(n) " movdqu 128+16*" #n "(%rax), %xmm" #n "\n"
#define SX(n) " movdqu %xmm" #n ", 128+16*" #n "(%rax)\n"
#define LOAD_XMM LX(0) LX(1) LX(2) LX(3) LX(4) LX(5) LX(6) LX(7) LX(8) LX(9) LX(10) LX(11) LX(12) LX(13) LX(14) LX(15)
#define STORE_XMM SX(0) SX(1) SX(2) SX(3) SX(4) SX(5) SX(6) SX(7) SX(8) SX(9) SX(10) SX(11) SX(12) SX(13) SX(14) SX(15)
#define RED_IN(n) " mov 384+8*" #n "(%rax), %rcx\n mov %rcx, -8-8*" #n "(%rsp)\n"
#define RED_OUT(n) " mov -8-8*" #n "(%rsp), %rcx\n mov %rcx, 384+8*" #n "(%rax)\n"

PROBE(probe_eax, " mov $110, %eax\n syscall\n");
PROBE(probe_rax, " .byte 0x48, 0xc7, 0xc0\n .long 110\n syscall\n");

static void differ(const char *name, void (*probe)(void), uint64_t flags) {
  static const char *const names[15] = {"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8",
                                        "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
  long wrong = 0;
  for (int round = 0; round < OFTEN; round++) {
    for (size_t i = 0; i < 15; i++) in.regs[i] = 0x0101010101010101UL * (i + 1) + (unsigned)round;
    in.flags = flags | 0x202;
    memset(in.red, 0x5a + round, sizeof in.red);
    memset(in.xmm, 0xc3 - round, sizeof in.xmm);
    probe();
    for (int i = 0; i < 15; i++) {
      if (i == 0 || i == 2 || i == 10) continue;
      if (in.regs[i] != out.regs[i] && wrong++ < 3) printf("%s: %s changed\n", name, names[i]);
    }
    if (out.regs[0] != (uint64_t)getppid() && wrong++ < 3) printf("%s: result\n", name);
    // With the flags as they were before the call, and the address behind it.
    if (!in_text(out.regs[2]) && wrong++ < 3) printf("%s: rcx\n", name);
    if ((out.regs[10] & 0xcd5) != (flags & 0xcd5) && wrong++ < 3) printf("%s: r11 %lx\n", name, out.regs[10]);
    if ((out.flags & 0xcd5) != (flags & 0xcd5) && wrong++ < 3) printf("%s: flags %lx\n", name, out.flags);
    if (memcmp(in.red, out.red, sizeof in.red) != 0 && wrong++ < 3) printf("%s: red zone\n", name);
    if (memcmp(in.xmm, out.xmm, sizeof in.xmm) != 0 && wrong++ < 3) printf("%s: xmm\n", name);
  }
  printf("%s with flags %lx: %ld wrong\n", name, (unsigned long)flags, wrong);
}

// The number comes from elsewhere: these only look like sites.
asm(".text\n"
    "looks_r8: mov $110, %eax\n .byte 0x41, 0xb8\n .long 110\n syscall\n mov %r8, %rdx\n ret\n"
    "looks_store: mov $110, %eax\n .byte 0xc7, 0x45, 0xb8\n .long 110\n syscall\n ret\n"
    "looks_stored: push %rbp\n mov %rsp, %rbp\n sub $128, %rsp\n movl $7, -0x48(%rbp)\n call looks_store\n"
    " mov -0x48(%rbp), %edx\n leave\n ret\n"
    "middle: mov $110, %eax\nmiddle_call: syscall\n ret\n"
    "loop_back: mov $39, %eax\n1: syscall\n mov %rax, %rdx\n mov $110, %eax\n sub $1, %rdi\n jnz 1b\n mov %rdx, %rax\n ret\n");
long looks_r8(void), looks_stored(void), middle(void), loop_back(long);

static long second(long (*f)(void)) {
  long rdx;
  asm volatile("call *%1" : "=&d"(rdx) : "r"(f) : "rax", "rcx", "r8", "r11", "rsi", "rdi", "memory");
  return rdx;
}

static long middle_with(long number) {
  long result;
  asm volatile("call middle_call" : "=a"(result) : "a"(number) : "rcx", "r11", "memory");
  return result;
}

// Sites at every distance to the end of a page.
asm(".text\n.balign 4096\nedges:\n"
    ".irp left, 1, 2, 3, 4, 5, 6, 7, 8, 9\n"
    " .skip 4096 - \\left - (. - edges) % 4096\n"
    " mov $110, %eax\n syscall\n ret\n"
    ".endr\n");
extern char edges[];

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  const uint64_t flags[] = {0, 0x40, 0x8d5, 0x895, 0x400, 0xcd5, 0x1, 0x800};
  for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
    differ("mov eax", probe_eax, flags[i]);
    differ("mov rax", probe_rax, flags[i]);
  }
  long wrong = 0;
  for (int i = 0; i < OFTEN; i++) {
    wrong += second(looks_r8) != 110;
    wrong += second(looks_stored) != 110;
    wrong += middle() != getppid();
    wrong += middle_with(SYS_getpid) != getpid();
    wrong += loop_back(3) != getppid();
  }
  printf("look-alikes and middles: %ld wrong\n", wrong);
  wrong = 0;
  for (int left = 1; left <= 9; left++) {
    long (*site)(void) = (long (*)(void))(edges + 4096L * left - left);
    for (int i = 0; i < OFTEN; i++) wrong += site() != getppid();
  }
  printf("at the edges of pages: %ld wrong\n", wrong);
  wrong = 0;
  for (int i = 0; i < OFTEN; i++) wrong += syscall(SYS_getppid) != getppid();
  // All six arguments, the last from the stack.
  for (int i = 0; i < OFTEN; i++) {
    void *p = (void *)syscall(SYS_mmap, NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);
    wrong += p == MAP_FAILED || syscall(SYS_munmap, p, PAGE) != 0;
    wrong += syscall(SYS_mmap, NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 1L) != -1 || errno != EINVAL;
  }
  printf("syscall(): %ld wrong\n", wrong);
  return 0;
}

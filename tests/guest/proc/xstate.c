// Extended state of the processor: AVX-512's (or AVX's, where there is no more) is kept over calls of every shape, faults, signals, fork
// and turns with other threads; handlers find it in their frame, and what they change there is what the program goes on with. And what
// arch_prctl(2) tells of features that a process must ask for.
#include "../guest.h"
#include <asm/prctl.h>
#include <cpuid.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <ucontext.h>

#ifndef ARCH_GET_XCOMP_SUPP
#define ARCH_GET_XCOMP_SUPP 0x1021
#define ARCH_GET_XCOMP_PERM 0x1022
#define ARCH_REQ_XCOMP_PERM 0x1023
#define ARCH_GET_XCOMP_GUEST_PERM 0x1024
#define ARCH_REQ_XCOMP_GUEST_PERM 0x1025
#endif

#define OFTEN 100
#define TILES 0x60000UL  // XTILECFG and XTILEDATA: where the processor has them, a process must ask
#define OFFSET_HIGH16 7
#define OFFSET_MAGIC 464

typedef struct {
  uint8_t vectors[32][64];
  uint64_t masks[8];
} __attribute__((aligned(64))) Registers;

static int vectors, width;

// Loads everything, does `what` with RAX, RDI, RSI and RDX as given and R10 0, and stores everything.
#define EACH_ZMM(op) \
  ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n" op "\n.endr\n"
#define EACH_YMM(op) ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n" op "\n.endr\n"
#define EACH_K(op) ".irp n,0,1,2,3,4,5,6,7\n" op "\n.endr\n"
#define AROUND(name, what) \
  long name##_zmm(const Registers *in, Registers *out, long nr, long a, long b, long c); \
  long name##_ymm(const Registers *in, Registers *out, long nr, long a, long b, long c); \
  asm(".text\n" #name "_zmm:\n" \
      " push %rbx\n push %r12\n mov %rsi, %rbx\n" EACH_ZMM("vmovdqu64 64*\\n(%rdi), %zmm\\n") \
      EACH_K("kmovq 2048+8*\\n(%rdi), %k\\n") " mov %rdx, %rax\n mov %rcx, %rdi\n mov %r8, %rsi\n mov %r9, %rdx\n xor %r10d, %r10d\n" what \
      EACH_ZMM("vmovdqu64 %zmm\\n, 64*\\n(%rbx)") EACH_K("kmovq %k\\n, 2048+8*\\n(%rbx)") " pop %r12\n pop %rbx\n ret\n" \
      #name "_ymm:\n" \
      " push %rbx\n push %r12\n mov %rsi, %rbx\n" EACH_YMM("vmovdqu 64*\\n(%rdi), %ymm\\n") \
      " mov %rdx, %rax\n mov %rcx, %rdi\n mov %r8, %rsi\n mov %r9, %rdx\n xor %r10d, %r10d\n" what \
      EACH_YMM("vmovdqu %ymm\\n, 64*\\n(%rbx)") " pop %r12\n pop %rbx\n ret\n"); \
  static long name(const Registers *in, Registers *out, long nr, long a, long b, long c) { \
    return width == 64 ? name##_zmm(in, out, nr, a, b, c) : name##_ymm(in, out, nr, a, b, c); \
  }

AROUND(odd_call, " syscall\n")
AROUND(getppid_call, " mov $110, %eax\n syscall\n")
AROUND(fault, " mov (%rdi), %rax\n")
AROUND(store, " movb $1, (%rdi)\n")
AROUND(undefined, " ud2\n")
AROUND(await, "1: pause\n cmpl $0, (%rdi)\n je 1b\n")
AROUND(compute, "1: imul $7, %rdx, %rdx\n add $3, %rdx\n dec %rdi\n jnz 1b\n")

static void fill(Registers *state, int seed) {
  for (int i = 0; i < 32; i++)
    for (int j = 0; j < 64; j++) state->vectors[i][j] = (uint8_t)(seed * 31 + i * 64 + j * 7);
  for (int i = 0; i < 8; i++) state->masks[i] = 0x0123456789abcdefUL * (unsigned)(seed + i + 1);
}

static int differ(const Registers *left, const Registers *right) {
  int count = 0;
  for (int i = 0; i < vectors; i++) count += memcmp(left->vectors[i], right->vectors[i], (size_t)width) != 0;
  for (int i = 0; width == 64 && i < 8; i++) count += left->masks[i] != right->masks[i];
  return count;
}

static bool has_masks_of_64(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
}

static void calls(void) {
  Registers in, out;
  int wrong = 0, bad = 0;
  for (int i = 0; i < OFTEN; i++) {
    fill(&in, i);
    bad += odd_call(&in, &out, SYS_getpid, 0, 0, 0) != getpid();
    wrong += differ(&in, &out);
    bad += getppid_call(&in, &out, 0, 0, 0, 0) != getppid();
    wrong += differ(&in, &out);
    bad += odd_call(&in, &out, 100000, 0, 0, 0) != -ENOSYS;
    wrong += differ(&in, &out);
  }
  printf("over calls: %d wrong, %d bad\n", wrong, bad);
  struct timespec while_others_run = {0, 2000000};
  fill(&in, 1);
  odd_call(&in, &out, SYS_nanosleep, (long)&while_others_run, 0, 0);
  printf("over a call that sleeps: %d wrong\n", differ(&in, &out));
}

static volatile int handled, wanted;
static char *room;

// Leaves nothing as it was.
static void clobber(void) {
  Registers other, none;
  fill(&other, 77);
  odd_call(&other, &none, SYS_gettid, 0, 0, 0);
}

static void on_signal(int signo, siginfo_t *info, void *context) {
  ucontext_t *uc = context;
  (void)info;
  handled++;
  clobber();
  if (signo == SIGSEGV) mprotect(room, PAGE, PROT_READ | PROT_WRITE);
  if (signo == SIGILL) uc->uc_mcontext.gregs[REG_RIP] += 2;
  wanted = 1;
}

static void catch(int signo, void (*handler)(int, siginfo_t *, void *)) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  MUST(sigaction(signo, &action, NULL));
}

static void faults(void) {
  Registers in, out;
  int wrong = 0;
  catch(SIGSEGV, on_signal);
  catch(SIGILL, on_signal);
  handled = 0;
  for (int i = 0; i < 20; i++) {
    room = map_pages(1, PROT_NONE);
    fill(&in, i);
    fault(&in, &out, 0, (long)room, 0, 0);
    wrong += differ(&in, &out);
    fill(&in, i + 50);
    undefined(&in, &out, 0, 0, 0, 0);
    wrong += differ(&in, &out);
    MUST(munmap(room, PAGE));
  }
  printf("over faults with handlers: %d wrong, %d handled\n", wrong, handled);
  // Those that no program sees: the first touch of a page, and a copy after fork.
  wrong = 0;
  char *fresh = map_pages(64, PROT_READ | PROT_WRITE);
  fill(&in, 5);
  for (int i = 0; i < 64; i++) {
    store(&in, &out, 0, (long)(fresh + i * PAGE), 0, 0);
    wrong += differ(&in, &out);
  }
  fflush(stdout);
  pid_t child = MUST(fork());
  for (int i = 0; i < 64; i++) {
    store(&in, &out, 0, (long)(fresh + i * PAGE), 0, 0);
    wrong += differ(&in, &out);
  }
  if (child == 0) _exit(wrong);
  int status;
  MUST(waitpid(child, &status, 0));
  print_status("copies in the child", status);
  printf("over touches and copies: %d wrong\n", wrong);
}

static void interrupts(void) {
  Registers in, out;
  int wrong = 0;
  catch(SIGALRM, on_signal);
  for (int i = 0; i < 20; i++) {
    struct itimerval soon = {.it_value = {0, 500}};
    wanted = 0;
    fill(&in, i);
    MUST(setitimer(ITIMER_REAL, &soon, NULL));
    await(&in, &out, 0, (long)&wanted, 0, 0);
    wrong += differ(&in, &out);
  }
  printf("over signals while it computes: %d wrong\n", wrong);
  pid_t parent = getpid();
  fflush(stdout);
  catch(SIGUSR1, on_signal);
  pid_t child = MUST(fork());
  if (child == 0) {
    for (int i = 0; i < 30; i++) {
      sleep_ms(1);
      kill(parent, SIGUSR1);
    }
    _exit(0);
  }
  wrong = 0;
  int status = 0;
  long ended = 0;
  while (ended == 0) {
    fill(&in, 9);
    ended = odd_call(&in, &out, SYS_wait4, child, (long)&status, 0);
    wrong += differ(&in, &out);
    if (ended == -EINTR) ended = 0;
  }
  TRUE(ended == child);
  printf("over signals while it sleeps: %d wrong\n", wrong);
}

static _Atomic int wrongs;

static void *turns(void *argument) {
  Registers in, out;
  for (int i = 0; i < 40; i++) {
    fill(&in, (int)(long)argument * 100 + i);
    compute(&in, &out, 0, 200000, 0, 1);
    wrongs += differ(&in, &out);
    odd_call(&in, &out, SYS_sched_yield, 0, 0, 0);
    wrongs += differ(&in, &out);
  }
  return NULL;
}

static void together(void) {
  pthread_t threads[6];
  for (long i = 0; i < 6; i++) MUST(-pthread_create(&threads[i], NULL, turns, (void *)i));
  for (int i = 0; i < 6; i++) pthread_join(threads[i], NULL);
  printf("over turns of threads: %d wrong\n", wrongs);
}

// The highest parts of the vectors, as the frame has them: where CPUID says.
static int seen_in_frame;

static void on_change(int signo, siginfo_t *info, void *context) {
  (void)signo, (void)info;
  ucontext_t *uc = context;
  uint8_t *area = (uint8_t *)uc->uc_mcontext.fpregs;
  uint32_t magic, a, b, c, d;
  uint64_t features;
  memcpy(&magic, area + OFFSET_MAGIC, 4);
  memcpy(&features, area + 512, 8);
  int state = width == 64 ? OFFSET_HIGH16 : 2;
  __cpuid_count(0xd, state, a, b, c, d);
  // zmm16, or the upper half of ymm0.
  uint8_t *part = area + b;
  Registers expected;
  fill(&expected, 42);
  seen_in_frame = magic == 0x46505853 && (features >> state & 1) != 0 &&
                  memcmp(part, width == 64 ? expected.vectors[16] : expected.vectors[0] + 16, 16) == 0;
  part[0] ^= 0xff;
  wanted = 1;
}

static void frames(void) {
  Registers in, out;
  catch(SIGILL, on_change);
  fill(&in, 42);
  struct sigaction action = {.sa_sigaction = on_change, .sa_flags = SA_SIGINFO};
  MUST(sigaction(SIGALRM, &action, NULL));
  struct itimerval soon = {.it_value = {0, 500}};
  wanted = 0;
  MUST(setitimer(ITIMER_REAL, &soon, NULL));
  await(&in, &out, 0, (long)&wanted, 0, 0);
  TRUE(seen_in_frame);
  printf("changed in the frame: %d, %d more\n",
         width == 64 ? (out.vectors[16][0] ^ in.vectors[16][0]) == 0xff : (out.vectors[0][16] ^ in.vectors[0][16]) == 0xff,
         differ(&in, &out) - 1);
}

static void features(void) {
  uint32_t low, high;
  uint64_t supported = 0, permitted = 0, guest = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  uint64_t enabled = (uint64_t)high << 32 | low;
  CHECK(syscall(SYS_arch_prctl, ARCH_GET_XCOMP_SUPP, &supported));
  CHECK(syscall(SYS_arch_prctl, ARCH_GET_XCOMP_PERM, &permitted));
  CHECK(syscall(SYS_arch_prctl, ARCH_GET_XCOMP_GUEST_PERM, &guest));
  TRUE((supported & ~TILES) == (enabled & ~TILES));
  TRUE(permitted == (supported & ~TILES));
  TRUE(guest == permitted);
  CHECK(syscall(SYS_arch_prctl, ARCH_GET_XCOMP_SUPP, 8));
  CHECK(syscall(SYS_arch_prctl, ARCH_GET_XCOMP_PERM, 8));
  CHECK(syscall(SYS_arch_prctl, ARCH_GET_XCOMP_GUEST_PERM, 8));
  static const long never[] = {0, 1, 2, 7, 9, 17, 64, 1000, -1, 1L << 40};
  for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
    printf("feature %ld\n", never[i]);
    CHECK(syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, never[i]));
    CHECK(syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_GUEST_PERM, never[i]));
  }
  // What is not supported can't be asked for.
  TRUE((supported & TILES) != 0 || (syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, 18) == -1 && errno == EOPNOTSUPP));
  TRUE((supported & TILES) != 0 || (syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_GUEST_PERM, 18) == -1 && errno == EOPNOTSUPP));
  CHECK(syscall(SYS_arch_prctl, ARCH_GET_CPUID, 0));
  CHECK(syscall(SYS_arch_prctl, 0x7777, 0));
}

static volatile int on_small_stack;

static void on_small(int signo) {
  (void)signo;
  on_small_stack++;
}

// The stack that AT_MINSIGSTKSZ asks for is enough; it says how large the processor's state is.
static void smallest_stack(void) {
  uint64_t supported = 0;
  size_t least = getauxval(AT_MINSIGSTKSZ);
  syscall(SYS_arch_prctl, ARCH_GET_XCOMP_SUPP, &supported);
  if ((supported & TILES) == 0) CHECK(least);
  for (int shift = 0; shift < 64; shift += 8) {
    stack_t stack = {.ss_sp = (char *)map_pages(8, PROT_READ | PROT_WRITE) + shift, .ss_size = least};
    struct sigaction action = {.sa_handler = on_small, .sa_flags = SA_ONSTACK};
    MUST(sigaltstack(&stack, NULL));
    MUST(sigaction(SIGUSR2, &action, NULL));
    raise(SIGUSR2);
  }
  CHECK(on_small_stack);
  stack_t tiny = {.ss_sp = map_pages(1, PROT_READ | PROT_WRITE), .ss_size = 2047}, off = {.ss_flags = SS_DISABLE};
  CHECK(sigaltstack(&tiny, NULL));
  CHECK(sigaltstack(&off, NULL));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  __builtin_cpu_init();
  features();
  smallest_stack();
  width = has_masks_of_64() ? 64 : 32;
  vectors = width == 64 ? 32 : 16;
  if (width == 32 && !__builtin_cpu_supports("avx")) return 0;
  calls();
  faults();
  interrupts();
  together();
  frames();
  return 0;
}

// On a processor with AMX: tiles must be asked for (arch_prctl(2), Linux's documentation of x86's xstate); then they outlive calls, handlers of
// signals and other threads' work, a child starts without what is in them, and a new program without the permission.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define TILE_CONFIG 0x20000UL
#define TILE_DATA 0x40000UL
#define ROWS 16
#define ROW_BYTES 64
#define GET_SUPPORTED 0x1021
#define GET_PERMITTED 0x1022
#define REQUEST 0x1023

static sigjmp_buf back;
static uint8_t config[64] __attribute__((aligned(64))) = {[0] = 1, [16] = ROW_BYTES, [48] = ROWS};

static void on_illegal(int signo) { siglongjmp(back, signo); }

static void load_config(void) {
  asm volatile(".byte 0xc4, 0xe2, 0x78, 0x49, 0x00" : : "a"(config) : "memory");  // ldtilecfg (%rax)
}

static void load_tile(const uint8_t *from) {
  long stride = ROW_BYTES;
  asm volatile(".byte 0xc4, 0xe2, 0x7b, 0x4b, 0x04, 0x18" : : "a"(from), "b"(stride) : "memory");  // tileloadd (%rax,%rbx), %tmm0
}

static void store_tile(uint8_t *to) {
  long stride = ROW_BYTES;
  asm volatile(".byte 0xc4, 0xe2, 0x7a, 0x4b, 0x04, 0x18" : : "a"(to), "b"(stride) : "memory");  // tilestored %tmm0, (%rax,%rbx)
}

static void release(void) { asm volatile(".byte 0xc4, 0xe2, 0x78, 0x49, 0xc0" : : : "memory"); }  // tilerelease

static void fill(uint8_t *bytes, int seed) {
  for (int i = 0; i < ROWS * ROW_BYTES; i++) bytes[i] = (uint8_t)(i * 7 + seed);
}

static int holds(const uint8_t *wanted) {
  uint8_t now[ROWS * ROW_BYTES];
  store_tile(now);
  return memcmp(now, wanted, sizeof now) == 0;
}

static void try(const char *when) {
  uint8_t bytes[ROWS * ROW_BYTES];
  int signo = sigsetjmp(back, 1);
  if (signo != 0) {
    printf("%s: SIG%s\n", when, sigabbrev_np(signo));
    return;
  }
  fill(bytes, 1);
  load_config();
  load_tile(bytes);
  printf("%s: %d\n", when, holds(bytes));
  release();
}

static void tell(const char *when) {
  uint64_t supported = 0, permitted = 0;
  syscall(SYS_arch_prctl, GET_SUPPORTED, &supported);
  syscall(SYS_arch_prctl, GET_PERMITTED, &permitted);
  printf("%s: supported %d %d permitted %d %d\n", when, (supported & TILE_CONFIG) != 0, (supported & TILE_DATA) != 0,
         (permitted & TILE_CONFIG) != 0, (permitted & TILE_DATA) != 0);
}

static int ask(const char *when, unsigned long feature) {
  long result = syscall(SYS_arch_prctl, REQUEST, feature);
  printf("%s: %s\n", when, result == 0 ? "granted" : strerrorname_np(errno));
  return result == 0;
}

static volatile uint32_t frame_bytes;
static volatile int frame_has_tiles;

static void on_signal(int signo, siginfo_t *info, void *context) {
  (void)signo, (void)info;
  const uint8_t *area = (const uint8_t *)((ucontext_t *)context)->uc_mcontext.fpregs;
  uint64_t features;
  memcpy((void *)&frame_bytes, area + 480, 4);
  memcpy(&features, area + 512, 8);
  frame_has_tiles = (features & TILE_DATA) != 0;
  uint8_t other[ROWS * ROW_BYTES];
  fill(other, 99);
  load_config();
  load_tile(other);
}

static void survive_handler(void) {
  uint8_t bytes[ROWS * ROW_BYTES];
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &action, 0);
  fill(bytes, 5);
  load_config();
  load_tile(bytes);
  raise(SIGUSR1);
  printf("after a handler: %d, tiles in the frame %d, frame is large %d\n", holds(bytes), frame_has_tiles, frame_bytes > 8192);
  for (int i = 0; i < 1000; i++) syscall(SYS_getppid);
  printf("after calls: %d\n", holds(bytes));
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    tell("child");
    try("child");
    fflush(stdout);
    _exit(0);
  }
  waitpid(child, 0, 0);
  printf("after fork: %d\n", holds(bytes));
  release();
}

static void *work(void *seed) {
  uint8_t bytes[ROWS * ROW_BYTES];
  long wrong = 0;
  fill(bytes, (int)(long)seed);
  load_config();
  for (int i = 0; i < 2000; i++) {
    load_tile(bytes);
    syscall(i % 16 == 0 ? SYS_sched_yield : SYS_gettid);
    wrong += !holds(bytes);
  }
  release();
  return (void *)wrong;
}

static void share(void) {
  pthread_t threads[4];
  void *wrong;
  long sum = 0;
  for (long i = 0; i < 4; i++) pthread_create(&threads[i], 0, work, (void *)(i + 10));
  for (int i = 0; i < 4; i++) pthread_join(threads[i], &wrong), sum += (long)wrong;
  printf("threads: %ld wrong\n", sum);
}

static void stacks(void) {
  stack_t small = {.ss_sp = malloc(4096), .ss_size = 4096}, none = {.ss_flags = SS_DISABLE};
  if (sigaltstack(&small, 0) != 0) puts("small stack refused before");
  ask("with a small stack", 18);
  sigaltstack(&none, 0);
  ask("without", 18);
  printf("small stack: %s\n", sigaltstack(&small, 0) == 0 ? "taken" : strerrorname_np(errno));
}

int main(int argc, char **argv) {
  signal(SIGILL, on_illegal);
  tell(argc > 1 ? "new program" : "start");
  try("not asked");
  if (argc > 1) return 0;
  ask("unknown feature", 19);
  ask("not to be asked for", 2);
  stacks();
  if (!ask("again", 18)) return 0;
  tell("granted");
  try("asked");
  survive_handler();
  share();
  printf("least stack is large: %d\n", getauxval(AT_MINSIGSTKSZ) > 8192);
  fflush(stdout);
  execl("/proc/self/exe", argv[0], "again", (char *)0);
  return 1;
}

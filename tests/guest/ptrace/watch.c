// ptrace(2): debug registers (hardware breakpoints, and watchpoints for stores that change something), and other requests of x86.
#include "../guest.h"
#include "tracee.h"
#include <asm/ptrace-abi.h>
#include <asm/prctl.h>
#include <stddef.h>
#include <sys/user.h>

#ifndef PTRACE_ARCH_PRCTL
#define PTRACE_ARCH_PRCTL 30
#endif
#define DR(n) (offsetof(struct user, u_debugreg) + (n) * 8)
enum { EXECUTE, STORE, IO, ACCESS };

static struct { volatile char a; volatile char pad[7]; volatile short b; volatile short c; volatile int d; volatile long e, f; } __attribute__((aligned(64))) data;

static long peek(int n) {
  long value = 0x5555;
  if (pt(PTRACE_PEEKUSER, child, DR(n), (long)&value) != 0) return -errno;
  return value;
}

static long poke(int n, unsigned long value) {
  return pt(PTRACE_POKEUSER, child, DR(n), value) == 0 ? 0 : -errno;
}

static unsigned long enable(int n, int kind, int length) {
  unsigned long size = length == 8 ? 2 : length - 1;
  return 1UL << (n * 2) | (kind | size << 2) << (16 + n * 4);
}

static bool await(const char *what) {
  int status = 0;
  MUST(waitpid(child, &status, __WALL));
  print_status(what, status);
  return WIFSTOPPED(status);
}

__attribute__((noinline)) static void one(void) {
  asm volatile("");
}

__attribute__((noinline)) static int two(int x) {
  asm volatile("" : "+r"(x));
  return x + 1;
}

static long word_at(void *addr) {
  long value = 0;
  MUST(pt(PTRACE_PEEKDATA, child, (long)addr, (long)&value));
  return value;
}

static void where(const char *what) {
  siginfo_t info;
  struct user_regs_struct regs;
  MUST(pt(PTRACE_GETSIGINFO, child, 0, (long)&info));
  MUST(pt(PTRACE_GETREGS, child, 0, (long)&regs));
  printf("  %s: code %d, addr is rip %d, at one %d, at two %d, dr6 %#lx, a %d b %hd d %d e %ld\n", what, info.si_code, (unsigned long)info.si_addr == regs.rip,
         regs.rip == (unsigned long)one, regs.rip == (unsigned long)two, peek(6), (int)(char)word_at((void *)&data.a), (short)word_at((void *)&data.b),
         (int)word_at((void *)&data.d), word_at((void *)&data.e));
}

static void values(void) {
  printf("-- values\n");
  TRACED(raise(SIGSTOP));
  await("stop");
  for (int i = 0; i < 8; i++) printf("%d: %#lx\n", i, peek(i));
  for (int i = 0; i < 8; i++) printf("zero to %d: %ld\n", i, poke(i, 0));
  static const unsigned long odd[] = {1, 0x1000, (unsigned long)-1, 1UL << 47, (1UL << 47) - 4096, (1UL << 47) - 1, 1UL << 63};
  for (int i = 0; i < 6; i++)
    for (unsigned k = 0; k < sizeof odd / sizeof *odd; k++) {
      long result = poke(i, odd[k]);
      printf("%d = %#lx: %ld, now %#lx\n", i, odd[k], result, peek(i));
    }
  for (int i = 0; i < 4; i++) poke(i, 0);
  for (int bit = 0; bit < 64; bit++) {
    long result = poke(6, 1UL << bit);
    printf("dr6 bit %d: %ld %#lx\n", bit, result, peek(6));
  }
  poke(6, 0);
  CHECK(pt(PTRACE_PEEKUSER, child, DR(8), (long)&data));
  CHECK(pt(PTRACE_POKEUSER, child, DR(8), 0));
  CHECK(pt(PTRACE_POKEUSER, child, DR(0) + 4, 0));
  pt(PTRACE_CONT, child, 0, 0);
  await("end");
}

static void control(void) {
  printf("-- control\n");
  TRACED(raise(SIGSTOP));
  await("stop");
  for (int bit = 0; bit < 34; bit++) {
    long result = poke(7, 1UL << bit);
    printf("dr7 bit %d: %ld %#lx\n", bit, result, peek(7));
    poke(7, 0);
  }
  // Without an address, with one, aligned and not.
  for (int kind = 0; kind < 4; kind++)
    for (int size = 1; size <= 8; size++) {
      if (size != 1 && size != 2 && size != 4 && size != 8) continue;
      for (int off = 0; off < 4; off++) {
        if (kind == ACCESS) continue;
        poke(7, 0);
        long set = poke(0, (unsigned long)&data + off);
        long result = poke(7, enable(0, kind, size));
        printf("kind %d size %d offset %d: %ld %ld %#lx\n", kind, size, off, set, result, peek(7));
      }
    }
  poke(7, 0);
  // The address moves while it is on.
  CHECK(poke(0, (unsigned long)&data));
  CHECK(poke(7, enable(0, STORE, 4)));
  CHECK(poke(0, (unsigned long)&data + 1));
  TRUE(peek(0) == (long)&data);
  CHECK(poke(0, (unsigned long)&data + 4));
  TRUE(peek(0) == (long)&data + 4);
  CHECK(poke(0, -1));
  CHECK(peek(7));
  CHECK(poke(7, enable(0, STORE, 4) | enable(1, STORE, 8)));
  CHECK(peek(7));
  CHECK(poke(7, 0));
  for (int i = 0; i < 4; i++) CHECK(poke(i, (unsigned long)&data + 8 * i));
  CHECK(poke(7, enable(0, STORE, 1) | enable(1, STORE, 2) | enable(2, STORE, 4) | enable(3, STORE, 8)));
  CHECK(peek(7));
  CHECK(poke(7, 0));
  pt(PTRACE_CONT, child, 0, 0);
  await("end");
}

static void stores(void) {
  printf("-- stores\n");
  int pipe_ends[2];
  MUST(pipe(pipe_ends));
  MUST(write(pipe_ends[1], "abcdefgh", 8));
  TRACED({
    raise(SIGSTOP);
    data.pad[0] = 1;
    data.a = 7;
    data.b = 3;
    data.c = 4;
    data.d = 5;
    data.e = 6;
    data.f = 7;
    // A call's store is none of the program's.
    if (read(pipe_ends[0], (void *)&data.e, 8) != 8) _exit(3);
    data.d = 8;
  });
  await("stop");
  CHECK(poke(0, (unsigned long)&data.a));
  CHECK(poke(1, (unsigned long)&data.b));
  CHECK(poke(2, (unsigned long)&data.d));
  CHECK(poke(3, (unsigned long)&data.e));
  CHECK(poke(7, enable(0, STORE, 1) | enable(1, STORE, 2) | enable(2, STORE, 4) | enable(3, STORE, 8)));
  CHECK(pt(PTRACE_CONT, child, 0, 0));
  while (await("watch")) {
    where("store");
    poke(6, 0);
    pt(PTRACE_CONT, child, 0, 0);
  }
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

static void breaks(void) {
  printf("-- breakpoints\n");
  TRACED({
    raise(SIGSTOP);
    for (int i = 0; i < 3; i++) {
      one();
      data.e = two(i);
    }
    getppid();
    one();
  });
  await("stop");
  CHECK(poke(0, (unsigned long)one));
  CHECK(poke(1, (unsigned long)two));
  CHECK(poke(2, (unsigned long)&data.e));
  CHECK(poke(7, enable(0, EXECUTE, 1) | enable(1, EXECUTE, 1) | enable(2, STORE, 8)));
  pt(PTRACE_CONT, child, 0, 0);
  for (int i = 0; await("break"); i++) {
    where("break");
    if (i == 4) printf("  off: %ld\n", poke(7, enable(0, EXECUTE, 1) | enable(2, STORE, 8)));
    pt(PTRACE_CONT, child, 0, 0);
  }
}

static void with_steps(void) {
  printf("-- steps and calls\n");
  TRACED({
    raise(SIGSTOP);
    for (volatile int i = 0; i < 10; i++) data.e = i + 1;
    syscall(SYS_getppid);
    one();
    syscall(SYS_getppid);
  });
  await("stop");
  CHECK(poke(0, (unsigned long)one));
  CHECK(poke(1, (unsigned long)&data.e));
  CHECK(poke(7, enable(0, EXECUTE, 1) | enable(1, STORE, 8)));
  int hits = 0;
  long last = -1;
  for (int i = 0; i < 400; i++) {
    poke(6, 0);
    pt(PTRACE_SINGLESTEP, child, 0, 0);
    int status;
    waitpid(child, &status, 0);
    if (!WIFSTOPPED(status)) break;
    siginfo_t info;
    MUST(pt(PTRACE_GETSIGINFO, child, 0, (long)&info));
    long dr6 = peek(6);
    if ((dr6 & 15) != 0 && hits++ < 3) printf("code %d dr6 %#lx e %ld\n", info.si_code, dr6, word_at((void *)&data.e));
    last = info.si_code;
    if (word_at((void *)&data.e) >= 5) break;
  }
  printf("hits %d, last code %ld\n", hits, last);
  poke(7, enable(0, EXECUTE, 1));
  poke(6, 0);
  pt(PTRACE_SYSCALL, child, 0, 0);
  for (int i = 0; i < 8 && await("call"); i++) {
    siginfo_t info;
    MUST(pt(PTRACE_GETSIGINFO, child, 0, (long)&info));
    printf("  code %d dr6 %#lx\n", info.si_code, peek(6) & 15);
    pt(PTRACE_SYSCALL, child, 0, 0);
  }
}

static void inheritance(void) {
  printf("-- fork and execve\n");
  TRACED({
    raise(SIGSTOP);
    pid_t forked = fork();
    if (forked == 0) {
      data.e = 1;
      _exit(7);
    }
    int status;
    waitpid(forked, &status, 0);
    print_status("  forked", status);
    fflush(stdout);
    execl("/proc/self/exe", "watch", "again", NULL);
  });
  await("stop");
  CHECK(poke(0, (unsigned long)&data.e));
  CHECK(poke(7, enable(0, STORE, 8)));
  pt(PTRACE_CONT, child, 0, 0);
  while (await("next")) {
    printf("  dr0 %d dr7 %#lx\n", peek(0) == (long)&data.e, peek(7));
    siginfo_t info;
    MUST(pt(PTRACE_GETSIGINFO, child, 0, (long)&info));
    pt(PTRACE_CONT, child, 0, info.si_signo == SIGCHLD ? SIGCHLD : 0);
  }
}

static void bases(void) {
  printf("-- PTRACE_ARCH_PRCTL\n");
  TRACED(raise(SIGSTOP); unsigned long gs; syscall(SYS_arch_prctl, ARCH_GET_GS, &gs); printf("  gs %#lx\n", gs); fflush(stdout));
  await("stop");
  unsigned long value = 0;
  struct user_regs_struct regs;
  MUST(pt(PTRACE_GETREGS, child, 0, (long)&regs));
  CHECK(pt(PTRACE_ARCH_PRCTL, child, (long)&value, ARCH_GET_FS));
  TRUE(value == regs.fs_base);
  CHECK(pt(PTRACE_ARCH_PRCTL, child, 0, ARCH_GET_FS));
  CHECK(pt(PTRACE_ARCH_PRCTL, child, 0x12345, ARCH_SET_GS));
  CHECK(pt(PTRACE_ARCH_PRCTL, child, (long)&value, ARCH_GET_GS));
  CHECK(value);
  CHECK(pt(PTRACE_ARCH_PRCTL, child, -1, ARCH_SET_GS));
  CHECK(pt(PTRACE_ARCH_PRCTL, child, 1L << 47, ARCH_SET_FS));
  CHECK(pt(PTRACE_ARCH_PRCTL, child, 0, 0));
  CHECK(pt(PTRACE_ARCH_PRCTL, child, 0, -1));
  MUST(pt(PTRACE_GETREGS, child, 0, (long)&regs));
  CHECK(regs.gs_base);
  pt(PTRACE_CONT, child, 0, 0);
  await("end");
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  if (argc > 1) {
    data.e = 5;
    return 0;
  }
  values();
  control();
  stores();
  breaks();
  with_steps();
  inheritance();
  bases();
  return 0;
}

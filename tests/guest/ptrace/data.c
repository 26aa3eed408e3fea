// ptrace(2): what a tracer reads and writes of its tracee, threads, what remains when either side ends, and who may trace whom.
#include "../guest.h"
#include "tracee.h"
#include <elf.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>

static volatile long word = 0x1122334455667788;
static const char constant[] __attribute__((aligned(8))) = "constant";

static int await(const char *what, pid_t pid) {
  int status = 0;
  if (waitpid(pid, &status, __WALL) < 0) printf("%s: %s\n", what, strerrorname_np(errno));
  else print_status(what, status);
  return status;
}

static void memory(void) {
  printf("-- memory\n");
  char *hole = map_before_hole(1);
  char *shut = map_pages(1, PROT_NONE);
  TRACED(raise(SIGSTOP); printf("  word %#lx constant %s\n", word, constant); fflush(stdout));
  await("stop", child);
  long value = 0;
  CHECK(pt(PTRACE_PEEKDATA, child, (long)&word, (long)&value));
  printf("%#lx\n", value);
  CHECK(pt(PTRACE_PEEKTEXT, child, (long)&word + 1, (long)&value));
  CHECK(pt(PTRACE_PEEKDATA, child, (long)hole + PAGE - 4, (long)&value));
  CHECK(pt(PTRACE_PEEKDATA, child, (long)shut, (long)&value));
  CHECK(pt(PTRACE_PEEKDATA, child, 0, (long)&value));
  CHECK(pt(PTRACE_PEEKDATA, child, (long)&word, 8));
  CHECK(pt(PTRACE_POKEDATA, child, (long)&word, -2));
  CHECK(pt(PTRACE_POKEDATA, child, (long)constant, 0x746e617473796e61));
  CHECK(pt(PTRACE_POKEDATA, child, 16, 1));
  CHECK(pt(PTRACE_PEEKUSER, child, 4, (long)&value));
  CHECK(pt(PTRACE_PEEKUSER, child, sizeof(struct user) + 16, (long)&value));
  CHECK(pt(PTRACE_PEEKUSER, child, offsetof(struct user, u_debugreg[7]), (long)&value));
  CHECK(pt(PTRACE_POKEUSER, child, offsetof(struct user_regs_struct, cs), 0x12));
  CHECK(pt(PTRACE_POKEUSER, child, offsetof(struct user_regs_struct, fs_base), -1));
  CHECK(pt(PTRACE_POKEUSER, child, offsetof(struct user, u_debugreg[7]), 0));
  CHECK(pt(PTRACE_GETREGS, child, 0, 8));
  CHECK(pt(PTRACE_CONT, child, 0, 100));
  CHECK(pt(0x7777, child, 0, 0));
  pt(PTRACE_CONT, child, 0, 0);
  await("end", child);
}

__attribute__((noinline)) static long twice(long x) {
  __asm__ volatile("" : "+r"(x));
  return x * 2;
}

static void breakpoints(void) {
  printf("-- breakpoint\n");
  TRACED(raise(SIGSTOP); printf("  %ld\n", twice(21)); fflush(stdout));
  await("stop", child);
  long code = 0;
  MUST(pt(PTRACE_PEEKTEXT, child, (long)twice, (long)&code));
  MUST(pt(PTRACE_POKETEXT, child, (long)twice, (code & ~0xffL) | 0xcc));
  pt(PTRACE_CONT, child, 0, 0);
  await("hit", child);
  siginfo_t info;
  MUST(pt(PTRACE_GETSIGINFO, child, 0, (long)&info));
  printf("signo %d code %#x\n", info.si_signo, info.si_code);
  struct user_regs_struct regs;
  MUST(pt(PTRACE_GETREGS, child, 0, (long)&regs));
  TRUE(regs.rip == (unsigned long)twice + 1);
  printf("rdi %lld cs %#llx ss %#llx orig %lld\n", regs.rdi, regs.cs, regs.ss, (long long)regs.orig_rax);
  regs.rip--;
  regs.rdi = 50;
  MUST(pt(PTRACE_POKETEXT, child, (long)twice, code));
  CHECK(pt(PTRACE_SETREGS, child, 0, (long)&regs));
  CHECK(pt(PTRACE_SINGLESTEP, child, 0, 0));
  await("stepped", child);
  pt(PTRACE_CONT, child, 0, 0);
  await("end", child);
}

static void sets(void) {
  printf("-- register sets\n");
  TRACED(
    double d = 1.5; unsigned long out; raise(SIGSTOP);
    __asm__ volatile("movsd %1, %%xmm7; mov $0, %%eax; int3; movq %%xmm7, %0" : "=r"(out) : "m"(d) : "xmm7", "rax");
    printf("  xmm7 %#lx\n", out); fflush(stdout));
  await("stop", child);
  pt(PTRACE_CONT, child, 0, 0);
  await("int3", child);
  char bytes[8192];
  struct iovec iov = {bytes, sizeof bytes};
  CHECK(pt(PTRACE_GETREGSET, child, NT_PRSTATUS, (long)&iov));
  printf("%zu\n", iov.iov_len);
  iov.iov_len = 16;
  CHECK(pt(PTRACE_GETREGSET, child, NT_PRSTATUS, (long)&iov));
  printf("%zu\n", iov.iov_len);
  iov.iov_len = 17;
  CHECK(pt(PTRACE_GETREGSET, child, NT_PRSTATUS, (long)&iov));
  iov.iov_len = sizeof bytes;
  CHECK(pt(PTRACE_GETREGSET, child, NT_PRFPREG, (long)&iov));
  printf("%zu\n", iov.iov_len);
  iov.iov_len = sizeof bytes;
  CHECK(pt(PTRACE_GETREGSET, child, 0x9999, (long)&iov));
  CHECK(pt(PTRACE_GETREGSET, child, NT_X86_XSTATE, (long)&iov));
  printf("%s\n", iov.iov_len >= 832 ? "extended" : "short");
  printf("xmm7 in it %#lx, components %s\n", *(unsigned long *)(bytes + 160 + 7 * 16), (*(unsigned long *)(bytes + 464) & 7) == 7 ? "x87 sse avx" : "fewer");
  size_t whole = iov.iov_len;
  *(unsigned long *)(bytes + 160 + 7 * 16) = 0x4008000000000000;
  CHECK(pt(PTRACE_SETREGSET, child, NT_X86_XSTATE, (long)&iov));
  iov.iov_len = whole - 8;
  CHECK(pt(PTRACE_SETREGSET, child, NT_X86_XSTATE, (long)&iov));
  struct user_fpregs_struct floats;
  CHECK(pt(PTRACE_GETFPREGS, child, 0, (long)&floats));
  printf("xmm7 %#lx mxcsr %#x\n", *(unsigned long *)((char *)floats.xmm_space + 7 * 16), floats.mxcsr);
  *(unsigned long *)((char *)floats.xmm_space + 7 * 16) += 0x10;
  CHECK(pt(PTRACE_SETFPREGS, child, 0, (long)&floats));
  CHECK(pt(PTRACE_GETREGSET, child, NT_PRSTATUS, 8));
  pt(PTRACE_CONT, child, 0, 0);
  await("end", child);
}

static void *thread_exits(void *arg) {
  return arg;
}

static void *thread_exec(void *arg) {
  execl("/proc/self/exe", "x", "child", NULL);
  return arg;
}

static void threads(void) {
  printf("-- threads\n");
  TRACED(
    pthread_t t; raise(SIGSTOP);
    pthread_create(&t, NULL, thread_exits, NULL); pthread_join(t, NULL);
    raise(SIGSTOP);
    pthread_create(&t, NULL, thread_exec, NULL); pause());
  await("stop", child);
  CHECK(pt(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC));
  pt(PTRACE_CONT, child, 0, 0);
  await("clone", child);
  unsigned long tid = 0;
  CHECK(pt(PTRACE_GETEVENTMSG, child, 0, (long)&tid));
  await("thread", tid);
  CHECK(pt(PTRACE_CONT, child, 0, 0));
  CHECK(pt(PTRACE_CONT, tid, 0, 0));
  await("thread", tid);
  await("child", child);
  CHECK(pt(PTRACE_CONT, tid, 0, 0));
  pt(PTRACE_CONT, child, 0, 0);
  await("clone", child);
  CHECK(pt(PTRACE_GETEVENTMSG, child, 0, (long)&tid));
  await("thread", tid);
  pt(PTRACE_CONT, child, 0, 0);
  pt(PTRACE_CONT, tid, 0, 0);
  await("exec", child);
  unsigned long former = 0;
  CHECK(pt(PTRACE_GETEVENTMSG, child, 0, (long)&former));
  TRUE(former == tid);
  CHECK(waitpid(tid, NULL, __WALL | WNOHANG));
  pt(PTRACE_CONT, child, 0, 0);
  await("end", child);
}

static void tracer_ends(void) {
  printf("-- the tracer ends\n");
  int status;
  for (int kill_too = 0; kill_too < 2; kill_too++) {
    int ready[2];
    MUST(pipe(ready));
    fflush(stdout);
    child = MUST(fork());
    if (child == 0) {
      for (;;) pause();
    }
    pid_t tracer = MUST(fork());
    if (tracer == 0) {
      long r = pt(PTRACE_SEIZE, child, 0, kill_too ? PTRACE_O_EXITKILL : 0);
      pt(PTRACE_INTERRUPT, child, 0, 0);
      waitpid(child, &status, __WALL);
      print_status("interrupted", status);
      fflush(stdout);
      write(ready[1], "x", 1);
      sleep_ms(20);
      _exit(r != 0);
    }
    char c;
    read(ready[0], &c, 1);
    CHECK(waitpid(child, &status, WNOHANG | WUNTRACED));
    await("tracer", tracer);
    if (!kill_too) {
      CHECK(waitpid(child, &status, WNOHANG | WUNTRACED));
      kill(child, SIGTERM);
    }
    await("tracee", child);
    close(ready[0]), close(ready[1]);
  }
}

// A process that somebody else than its parent traces: the parent hears of its end when the tracer has.
static void not_the_parent(void) {
  printf("-- a tracer that is not the parent\n");
  int status, go[2], ready[2];
  MUST(pipe(go)), MUST(pipe(ready));
  fflush(stdout);
  child = MUST(fork());
  if (child == 0) {
    for (;;) pause();
  }
  pid_t tracer = MUST(fork());
  if (tracer == 0) {
    char c;
    pt(PTRACE_SEIZE, child, 0, 0);
    write(ready[1], "x", 1);
    read(go[0], &c, 1);
    printf("  wait %s\n", waitpid(child, &status, 0) == child ? "finds it" : strerrorname_np(errno));
    print_status("  tracee", status);
    fflush(stdout);
    _exit(0);
  }
  char c;
  read(ready[0], &c, 1);
  kill(child, SIGTERM);
  sleep_ms(30);
  kill(child, SIGKILL);
  siginfo_t info = {0};
  CHECK(waitid(P_PID, child, &info, WEXITED | WNOHANG));
  printf("pid %d\n", info.si_pid);
  write(go[1], "x", 1);
  await("tracer", tracer);
  await("tracee", child);
}

static void rights(void) {
  printf("-- rights\n");
  int status;
  fflush(stdout);
  child = MUST(fork());
  if (child == 0) {
    prctl(PR_SET_DUMPABLE, 0);
    for (;;) pause();
  }
  sleep_ms(30);
  pid_t pid = MUST(fork());
  if (pid == 0) {
    if (getuid() == 0) {
      setgid(65534);
      setuid(65534);
    }
    char byte;
    struct iovec local = {&byte, 1}, remote = {(void *)constant, 1};
    CHECK(pt(PTRACE_ATTACH, child, 0, 0));
    CHECK(pt(PTRACE_SEIZE, child, 0, 0));
    CHECK(process_vm_readv(child, &local, 1, &remote, 1, 0));
    CHECK(pt(PTRACE_SEIZE, getppid(), 0, 0) == -1 || getuid() == 0 || 1);
    char path[64];
    sprintf(path, "/proc/%d/mem", child);
    printf("open %s\n", open(path, O_RDONLY) < 0 ? strerrorname_np(errno) : "works");
    CHECK(syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, child, 0), 0, 0));
    fflush(stdout);
    _exit(0);
  }
  waitpid(pid, &status, 0);
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
}

int guest(int argc, char **argv) {
  if (argc > 1) return 5;
  (void)argv;
  memory();
  breakpoints();
  sets();
  threads();
  tracer_ends();
  not_the_parent();
  rights();
  return 0;
}

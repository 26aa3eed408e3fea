// sigaction(2) flags, masks, queues, SA_RESTART, sigaltstack(2), sigsuspend(2), sigtimedwait(2), sigqueue(3), frame changes.
#include "../guest.h"
#include <ucontext.h>

static volatile int count, depth, deepest;
static volatile uintptr_t handler_stack;

static void counting(int signal) {
  (void)signal;
  count++;
}

static void detailed(int signal, siginfo_t *info, void *context) {
  (void)context;
  count++;
  printf("SIG%s code %d value %d pid own %d\n", sigabbrev_np(signal) ? sigabbrev_np(signal) : "RT", info->si_code, info->si_value.sival_int, info->si_pid == getpid());
}

static void nesting(int signal) {
  if (++depth > deepest) deepest = depth;
  if (count++ < 3) raise(signal);
  depth--;
}

static void on_stack(int signal) {
  (void)signal;
  char local;
  handler_stack = (uintptr_t)&local;
}

static void set(int signal, void *handler, int flags) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
  sigemptyset(&action.sa_mask);
  MUST(sigaction(signal, &action, NULL));
}

static void flags(void) {
  set(SIGUSR1, nesting, 0);
  raise(SIGUSR1);
  printf("deepest %d\n", deepest);
  deepest = count = 0;
  set(SIGUSR1, nesting, SA_NODEFER);
  raise(SIGUSR1);
  printf("deepest with NODEFER %d\n", deepest);
  set(SIGUSR1, counting, SA_RESETHAND);
  count = 0;
  raise(SIGUSR1);
  struct sigaction action;
  sigaction(SIGUSR1, NULL, &action);
  printf("count %d reset %d\n", count, action.sa_handler == SIG_DFL);
  CHECK(sigaction(SIGKILL, &action, NULL));
  CHECK(sigaction(SIGSTOP, &action, NULL));
  CHECK(sigaction(SIGKILL, NULL, &action));
  CHECK(sigaction(65, NULL, &action));
  CHECK(sigaction(0, NULL, &action));
  CHECK(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4));
  CHECK(syscall(SYS_rt_sigprocmask, 99, &action, NULL, 8));
  CHECK(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &action, NULL, 16));
}

static void queues(void) {
  sigset_t all, old, pending;
  sigfillset(&all);
  MUST(sigprocmask(SIG_BLOCK, &all, &old));
  set(SIGUSR1, detailed, SA_SIGINFO);
  set(SIGUSR2, detailed, SA_SIGINFO);
  set(SIGRTMIN, detailed, SA_SIGINFO);
  set(SIGRTMIN + 1, detailed, SA_SIGINFO);
  sigset_t now;
  sigprocmask(SIG_BLOCK, NULL, &now);
  printf("KILL blocked %d STOP blocked %d\n", sigismember(&now, SIGKILL), sigismember(&now, SIGSTOP));
  kill(getpid(), SIGUSR2), kill(getpid(), SIGUSR2), kill(getpid(), SIGUSR1);
  for (int i = 1; i <= 3; i++) CHECK(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = i}));
  CHECK(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 9}));
  sigpending(&pending);
  printf("pending %d %d %d\n", sigismember(&pending, SIGUSR1), sigismember(&pending, SIGRTMIN + 1), sigismember(&pending, SIGTERM));
  count = 0;
  MUST(sigprocmask(SIG_SETMASK, &old, NULL));
  printf("delivered %d\n", count);
  set(SIGUSR1, SIG_IGN, 0);
  raise(SIGUSR1);
  MUST(sigprocmask(SIG_BLOCK, &all, &old));
  raise(SIGUSR1);
  sigpending(&pending);
  printf("ignored but pending %d\n", sigismember(&pending, SIGUSR1));
  raise(SIGTERM);
  set(SIGTERM, SIG_IGN, 0);
  sigpending(&pending);
  printf("dropped by SIG_IGN %d\n", sigismember(&pending, SIGTERM) == 0);
  siginfo_t info;
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGUSR2), sigaddset(&wanted, SIGRTMIN);
  CHECK(sigtimedwait(&wanted, &info, &(struct timespec){0, 1000000}));
  sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 77});
  raise(SIGUSR2);
  CHECK(sigtimedwait(&wanted, &info, &(struct timespec){1, 0}));
  CHECK(sigwaitinfo(&wanted, &info));
  printf("value %d code %d\n", info.si_value.sival_int, info.si_code);
  CHECK(sigtimedwait(&wanted, &info, &(struct timespec){0, 1000000000}));
  CHECK(sigqueue(99999, SIGUSR1, (union sigval){.sival_int = 1}));
  CHECK(kill(99999, 0));
  CHECK(kill(getpid(), 99));
  CHECK(kill(getpid(), -1));
  CHECK(kill(-99999, 0));
  CHECK(syscall(SYS_tgkill, getpid(), getpid(), 0));
  CHECK(syscall(SYS_tgkill, getpid(), 99999, 0));
  CHECK(syscall(SYS_tgkill, -1, 1, 0));
  CHECK(syscall(SYS_tkill, 0, 0));
  MUST(sigprocmask(SIG_SETMASK, &old, NULL));
}

static void restarting(void) {
  int p[2];
  char c;
  MUST(pipe(p));
  struct itimerval soon = {{0, 0}, {0, 20000}};
  set(SIGALRM, counting, 0);
  setitimer(ITIMER_REAL, &soon, NULL);
  CHECK(read(p[0], &c, 1));
  set(SIGALRM, counting, SA_RESTART);
  pid_t child = fork();
  if (child == 0) {
    sleep_ms(60);
    write(p[1], "x", 1);
    _exit(0);
  }
  count = 0;
  setitimer(ITIMER_REAL, &soon, NULL);
  CHECK(read(p[0], &c, 1));
  printf("handler ran %d\n", count);
  waitpid(child, NULL, 0);
  setitimer(ITIMER_REAL, &soon, NULL);
  CHECK(pause());
  setitimer(ITIMER_REAL, &soon, NULL);
  struct timespec left, second = {1, 0};
  CHECK(nanosleep(&second, &left));
  TRUE(left.tv_sec == 0 && left.tv_nsec > 0);
  setitimer(ITIMER_REAL, &soon, NULL);
  CHECK(clock_nanosleep(CLOCK_MONOTONIC, 0, &second, &left));
  sigset_t none, block, old;
  sigemptyset(&none), sigemptyset(&block);
  sigaddset(&block, SIGALRM);
  sigprocmask(SIG_BLOCK, &block, &old);
  raise(SIGALRM);
  CHECK(sigsuspend(&none));
  sigprocmask(SIG_BLOCK, NULL, &none);
  printf("mask restored %d\n", sigismember(&none, SIGALRM));
  sigprocmask(SIG_SETMASK, &old, NULL);
  set(SIGCHLD, counting, SA_RESTART);
  child = fork();
  if (child == 0) _exit(0);
  CHECK(waitpid(child, NULL, 0) == child);
  set(SIGCHLD, counting, SA_NOCLDWAIT);
  child = fork();
  if (child == 0) _exit(0);
  sleep_ms(20);
  CHECK(waitpid(child, NULL, 0));
  signal(SIGCHLD, SIG_DFL);
}

static void stacks(void) {
  stack_t s = {.ss_sp = malloc(65536), .ss_size = 65536}, old;
  CHECK(sigaltstack(NULL, &old));
  printf("flags %d size %zu\n", old.ss_flags, old.ss_size);
  CHECK(sigaltstack(&s, NULL));
  set(SIGUSR1, on_stack, SA_ONSTACK);
  raise(SIGUSR1);
  TRUE(handler_stack >= (uintptr_t)s.ss_sp && handler_stack < (uintptr_t)s.ss_sp + 65536);
  set(SIGUSR1, on_stack, 0);
  raise(SIGUSR1);
  TRUE(handler_stack < (uintptr_t)s.ss_sp || handler_stack >= (uintptr_t)s.ss_sp + 65536);
  stack_t small = {.ss_sp = s.ss_sp, .ss_size = 100};
  CHECK(sigaltstack(&small, NULL));
  small.ss_size = 65536, small.ss_flags = 99;
  CHECK(sigaltstack(&small, NULL));
  s.ss_flags = SS_DISABLE;
  CHECK(sigaltstack(&s, &old));
  printf("flags %d size %zu\n", old.ss_flags, old.ss_size);
  IN_CHILD("overflow without stack", {
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    __asm__ volatile("xor %esp, %esp; push %rax");
  });
}

static void change_registers(int signal, siginfo_t *info, void *context) {
  ucontext_t *u = context;
  (void)info;
  if (signal == SIGTRAP) {
    u->uc_mcontext.gregs[REG_RBX] += 5;
    return;
  }
  u->uc_mcontext.gregs[REG_RIP] += 2;
  u->uc_mcontext.gregs[REG_RAX] = 1234;
  sigaddset(&u->uc_sigmask, SIGUSR2);
  float *xmm0 = (float *)u->uc_mcontext.fpregs->_xmm;
  xmm0[0] = 2.5f;
}

static void frames(void) {
  set(SIGILL, change_registers, SA_SIGINFO);
  set(SIGTRAP, change_registers, SA_SIGINFO);
  long rax;
  float xmm = 1.0f;
  __asm__ volatile("movss %1, %%xmm0; ud2; movss %%xmm0, %1" : "=a"(rax), "+m"(xmm) : : "xmm0", "memory");
  printf("rax %ld xmm0 %.1f\n", rax, xmm);
  sigset_t now;
  sigprocmask(SIG_BLOCK, NULL, &now);
  printf("USR2 blocked after return %d\n", sigismember(&now, SIGUSR2));
  long rbx = 10;
  __asm__ volatile("int3" : "+b"(rbx));
  printf("rbx %ld\n", rbx);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  flags();
  queues();
  restarting();
  stacks();
  frames();
  return 0;
}

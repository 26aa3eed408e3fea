// Queues of signals (signal(7)): what collapses, order, limits (RLIMIT_SIGPENDING), rt_sigqueueinfo(2) and rt_tgsigqueueinfo(2),
// alternate stacks with SS_AUTODISARM, what fork and execve keep.
// guest: args start
#include "../guest.h"
#include <pthread.h>

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif

static char log_text[4096];
static void note(int signal, siginfo_t *info, void *context) {
  (void)context;
  sprintf(log_text + strlen(log_text), " %d:%d:%d", signal, info->si_code, info->si_value.sival_int);
}

static void flush_log(const char *what) {
  printf("%s:%s\n", what, log_text);
  log_text[0] = 0;
}

static long queue_info(pid_t pid, int signal, siginfo_t *info) { return syscall(SYS_rt_sigqueueinfo, pid, signal, info); }
static long tg_queue_info(pid_t group, pid_t pid, int signal, siginfo_t *info) {
  return syscall(SYS_rt_tgsigqueueinfo, group, pid, signal, info);
}

static void order(void) {
  sigset_t set;
  sigfillset(&set);
  sigprocmask(SIG_BLOCK, &set, NULL);
  for (int i = 0; i < 3; i++) {
    sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = i});
    sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = i});
    sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 10 + i});
  }
  siginfo_t info = {.si_code = SI_QUEUE};
  info.si_value.sival_int = 99;
  CHECK(tg_queue_info(getpid(), gettid(), SIGRTMIN + 1, &info));
  kill(getpid(), SIGSEGV);
  raise(SIGTERM);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  flush_log("order");
}

static void by_hand(void) {
  pid_t other = MUST(fork());
  if (other == 0) {
    for (;;) pause();
  }
  siginfo_t info = {.si_code = SI_QUEUE};
  info.si_value.sival_int = 5;
  CHECK(queue_info(getpid(), SIGUSR1, &info));
  info.si_code = -100;
  CHECK(queue_info(getpid(), SIGUSR1, &info));
  info.si_code = SI_USER;
  CHECK(queue_info(getpid(), SIGUSR1, &info));
  info.si_code = SI_TKILL;
  CHECK(queue_info(getpid(), SIGUSR1, &info));
  flush_log("to itself");
  CHECK(queue_info(other, 0, &info));
  info.si_code = SI_KERNEL;
  CHECK(queue_info(other, 0, &info));
  info.si_code = SI_QUEUE;
  CHECK(queue_info(other, 0, &info));
  CHECK(queue_info(INT_MAX, SIGUSR1, &info));
  CHECK(queue_info(getpid(), 65, &info));
  CHECK(queue_info(getpid(), SIGUSR1, (void *)1));
  CHECK(tg_queue_info(getpid(), gettid(), SIGUSR2, &info));
  CHECK(tg_queue_info(getpid(), 0, SIGUSR2, &info));
  CHECK(tg_queue_info(-1, gettid(), SIGUSR2, &info));
  CHECK(tg_queue_info(other, gettid(), SIGUSR2, &info));
  CHECK(tg_queue_info(getpid(), gettid(), 65, &info));
  flush_log("to a thread");
  kill(other, SIGKILL);
  waitpid(other, NULL, 0);
}

static void limits(void) {
  IN_CHILD("limit", {
    struct rlimit limit = {3, 3};
    if (getuid() == 0) MUST(setresuid(54322, 54322, 54322));
    MUST(setrlimit(RLIMIT_SIGPENDING, &limit));
    sigset_t set;
    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    if (getuid() == 54322)
      for (int i = 0; i < 5; i++) CHECK(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i}));
    limit.rlim_cur = 0;
    MUST(setrlimit(RLIMIT_SIGPENDING, &limit));
    CHECK(sigqueue(getpid(), SIGRTMIN + 3, (union sigval){.sival_int = 7}));
    CHECK(sigqueue(getpid(), SIGUSR2, (union sigval){.sival_int = 8}));
    CHECK(kill(getpid(), SIGUSR1));
    CHECK(kill(getpid(), SIGRTMIN + 2));
    sigpending(&set);
    printf("pending USR1 %d USR2 %d RT2 %d RT3 %d\n", sigismember(&set, SIGUSR1), sigismember(&set, SIGUSR2),
           sigismember(&set, SIGRTMIN + 2), sigismember(&set, SIGRTMIN + 3));
    sigfillset(&set);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    flush_log("delivered");
  });
}

static void *stack_base;
static volatile int depth;
static void on_stack(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)info, (void)context;
  char here;
  stack_t now;
  sigaltstack(NULL, &now);
  printf("on the stack %d, flags %x\n", &here >= (char *)stack_base && &here < (char *)stack_base + 65536, now.ss_flags);
  stack_t other = {.ss_sp = stack_base, .ss_size = 65536, .ss_flags = 0};
  CHECK(sigaltstack(&other, NULL));
  if (depth++ == 0) raise(SIGRTMIN + 4);
}

static void alternate(unsigned flags) {
  stack_base = malloc(65536);
  struct sigaction action = {.sa_sigaction = on_stack, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigaction(SIGUSR1, &action, NULL);
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGRTMIN + 4, &action, NULL);
  stack_t stack = {.ss_sp = stack_base, .ss_size = 65536, .ss_flags = flags}, back;
  depth = 0;
  CHECK(sigaltstack(&stack, NULL));
  CHECK(sigaltstack(NULL, &back));
  printf("flags %x\n", back.ss_flags);
  raise(SIGUSR1);
  CHECK(sigaltstack(NULL, &back));
  printf("flags %x same %d\n", back.ss_flags, back.ss_sp == stack_base);
  stack.ss_flags = SS_DISABLE;
  CHECK(sigaltstack(&stack, NULL));
  stack.ss_flags = 4;
  CHECK(sigaltstack(&stack, NULL));
  stack.ss_flags = SS_ONSTACK;
  CHECK(sigaltstack(&stack, NULL));
  stack.ss_flags = 0, stack.ss_size = 100;
  CHECK(sigaltstack(&stack, NULL));
  CHECK(sigaltstack((void *)1, NULL));
  stack.ss_flags = SS_DISABLE;
  sigaltstack(&stack, NULL);
}

static void *other_thread(void *arg) {
  stack_t back;
  CHECK(sigaltstack(NULL, &back));
  printf("thread's flags %x\n", back.ss_flags);
  sigset_t set;
  sigpending(&set);
  printf("process-wide %d, the other's %d\n", sigismember(&set, SIGUSR1), sigismember(&set, SIGUSR2));
  return arg;
}

static void inherited(char *self) {
  sigset_t set;
  sigemptyset(&set), sigaddset(&set, SIGUSR1), sigaddset(&set, SIGUSR2);
  sigprocmask(SIG_BLOCK, &set, NULL);
  stack_base = malloc(65536);
  stack_t stack = {.ss_sp = stack_base, .ss_size = 65536};
  sigaltstack(&stack, NULL);
  kill(getpid(), SIGUSR1);
  syscall(SYS_tgkill, getpid(), gettid(), SIGUSR2);
  pthread_t thread;
  pthread_create(&thread, NULL, other_thread, NULL);
  pthread_join(thread, NULL);
  IN_CHILD("fork", {
    stack_t back;
    sigpending(&set);
    CHECK(sigaltstack(NULL, &back));
    printf("pending %d %d, flags %x\n", sigismember(&set, SIGUSR1), sigismember(&set, SIGUSR2), back.ss_flags);
  });
  fflush(stdout);
  char *args[] = {self, "again", NULL}, *env[] = {NULL};
  execve("/proc/self/exe", args, env);
}

int guest(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "again") == 0) {
    sigset_t set;
    stack_t back;
    sigpending(&set);
    CHECK(sigaltstack(NULL, &back));
    printf("execve: pending %d %d, flags %x\n", sigismember(&set, SIGUSR1), sigismember(&set, SIGUSR2), back.ss_flags);
    return 0;
  }
  struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
  sigfillset(&action.sa_mask);
  for (int i = 1; i < 65; i++)
    if (i != SIGCHLD && i != SIGCONT && i != 32 && i != 33) sigaction(i, &action, NULL);
  order();
  by_hand();
  limits();
  alternate(0);
  alternate(SS_AUTODISARM);
  inherited(argv[0]);
  return 1;
}

// seccomp(2): strict mode, filters and each of their answers, chains, threads, inheritance, and how a tracer sees them (ptrace(2)).
#include "../guest.h"
#include "../ptrace/tracee.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/user.h>

#ifndef PTRACE_EVENT_SECCOMP
#define PTRACE_EVENT_SECCOMP 7
#endif
#define NR offsetof(struct seccomp_data, nr)
#define ARG(n) (offsetof(struct seccomp_data, args) + (n) * 8)
#define LOAD(where) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, where)
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, what)
#define IF_NOT(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip)
#define PROGRAM(...) \
  struct sock_filter code_[] = {__VA_ARGS__}; \
  struct sock_fprog program = {sizeof code_ / sizeof *code_, code_}

static long seccomp(unsigned op, unsigned flags, const void *args) {
  return syscall(SYS_seccomp, op, flags, args);
}

static void no_new_privs(void) {
  MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

// `nr` gets `what`, everything else is allowed.
static long filter(long nr, unsigned what, unsigned flags) {
  PROGRAM(LOAD(NR), IF_NOT(nr, 1), RETURN(what), RETURN(SECCOMP_RET_ALLOW));
  return seccomp(SECCOMP_SET_MODE_FILTER, flags, &program);
}

static void core_off(void) {
  setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
}

static void arguments(void) {
  printf("-- arguments\n");
  PROGRAM(RETURN(SECCOMP_RET_ALLOW));
  struct sock_fprog empty = {0, code_}, big = {4097, code_}, nowhere = {1, NULL};
  IN_CHILD("arguments", {
    CHECK(prctl(PR_GET_SECCOMP));
    CHECK(seccomp(99, 0, NULL));
    CHECK(seccomp(SECCOMP_SET_MODE_STRICT, 1, NULL));
    CHECK(seccomp(SECCOMP_SET_MODE_STRICT, 0, &program));
    no_new_privs();
    CHECK(seccomp(SECCOMP_SET_MODE_FILTER, 0, NULL));
    CHECK(seccomp(SECCOMP_SET_MODE_FILTER, 0, (void *)8));
    CHECK(seccomp(SECCOMP_SET_MODE_FILTER, 1 << 20, &program));
    CHECK(seccomp(SECCOMP_SET_MODE_FILTER, 0, &empty));
    CHECK(seccomp(SECCOMP_SET_MODE_FILTER, 0, &big));
    CHECK(seccomp(SECCOMP_SET_MODE_FILTER, 0, &nowhere));
    CHECK(prctl(PR_SET_SECCOMP, 0, 0, 0, 0));
    CHECK(prctl(PR_SET_SECCOMP, 3, 0, 0, 0));
    CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, 0, 0, 0));
    CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &empty, 0, 0));
    CHECK(prctl(PR_GET_SECCOMP));
    CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0));
    CHECK(prctl(PR_GET_SECCOMP));
    CHECK(seccomp(SECCOMP_SET_MODE_STRICT, 0, NULL));
    CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0));
    CHECK(seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program));
  });
  // Without no_new_privs it takes a right: only then.
  IN_CHILD("rights", {
    if (geteuid() == 0) MUST(syscall(SYS_setresuid, 65534, 65534, 65534));
    CHECK(seccomp(SECCOMP_SET_MODE_FILTER, 0, &program));
    CHECK(seccomp(SECCOMP_SET_MODE_FILTER, 0, &nowhere));
    CHECK(seccomp(SECCOMP_SET_MODE_FILTER, 0, &empty));
    CHECK(seccomp(SECCOMP_SET_MODE_FILTER, 0, (void *)8));
  });
  static const unsigned actions[] = {SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP, SECCOMP_RET_ERRNO, SECCOMP_RET_TRACE, SECCOMP_RET_LOG,
                                     SECCOMP_RET_ALLOW, 0x12340000, SECCOMP_RET_ERRNO | 1};
  for (unsigned i = 0; i < sizeof actions / sizeof *actions; i++) {
    printf("%#x ", actions[i]);
    CHECK(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &actions[i]));
  }
  CHECK(seccomp(SECCOMP_GET_ACTION_AVAIL, 1, &actions[0]));
  CHECK(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, (void *)8));
}

static void programs(void) {
  printf("-- programs\n");
  no_new_privs();
  static const struct sock_filter first[] = {
    {BPF_LD | BPF_W | BPF_ABS, 0, 0, 64}, {BPF_LD | BPF_W | BPF_ABS, 0, 0, 60}, {BPF_LD | BPF_W | BPF_ABS, 0, 0, 2}, {BPF_LD | BPF_H | BPF_ABS, 0, 0, 0},
    {BPF_LD | BPF_W | BPF_IND, 0, 0, 0}, {BPF_LD | BPF_W | BPF_LEN, 0, 0, 0}, {BPF_LDX | BPF_W | BPF_LEN, 0, 0, 0}, {BPF_LDX | BPF_B | BPF_MSH, 0, 0, 0},
    {BPF_ALU | BPF_MOD | BPF_K, 0, 0, 3}, {BPF_ALU | BPF_DIV | BPF_K, 0, 0, 0}, {BPF_ALU | BPF_DIV | BPF_K, 0, 0, 2}, {BPF_ALU | BPF_LSH | BPF_K, 0, 0, 32},
    {BPF_LD | BPF_MEM, 0, 0, 0}, {BPF_ST, 0, 0, 15}, {BPF_ST, 0, 0, 16}, {BPF_JMP | BPF_JA, 0, 0, 1}, {BPF_JMP | BPF_JA, 0, 0, 0}, {BPF_JMP | BPF_JEQ, 0, 1, 0},
    {BPF_JMP | BPF_JEQ, 0, 0, 0}, {BPF_ALU | BPF_XOR | BPF_X, 0, 0, 0}, {BPF_ALU | BPF_NEG, 0, 0, 0}, {0xffff, 0, 0, 0}, {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
  };
  for (unsigned i = 0; i < sizeof first / sizeof *first; i++) {
    printf("%#x %u: ", first[i].code, first[i].k);
    fflush(stdout);
    IN_CHILD("", PROGRAM(first[i], RETURN(SECCOMP_RET_ALLOW)); CHECK(seccomp(SECCOMP_SET_MODE_FILTER, 0, &program)));
  }
  IN_CHILD("no return at the end", PROGRAM(RETURN(SECCOMP_RET_ALLOW), LOAD(NR)); CHECK(seccomp(SECCOMP_SET_MODE_FILTER, 0, &program)));
  IN_CHILD("too many", {
    static struct sock_filter code[4096];
    for (int i = 0; i < 4095; i++) code[i] = (struct sock_filter)LOAD(NR);
    code[4095] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
    struct sock_fprog program = {4096, code};
    int count = 0;
    while (count < 12 && seccomp(SECCOMP_SET_MODE_FILTER, 0, &program) == 0) count++;
    printf("%d %s\n", count, strerrorname_np(errno));
  });
}

static void on_sigsys(int number, siginfo_t *info, void *context) {
  (void)number;
  ucontext_t *frame = context;
  printf("  signal: code %d errno %d call %d arch %x rax %lld\n", info->si_code, info->si_errno, info->si_syscall, info->si_arch, frame->uc_mcontext.gregs[REG_RAX]);
  TRUE(info->si_call_addr == (void *)frame->uc_mcontext.gregs[REG_RIP]);
  frame->uc_mcontext.gregs[REG_RAX] = 55;
}

static void *in_thread(void *arg) {
  return (void *)syscall((long)arg);
}

static void *dies(void *arg) {
  (void)arg;
  filter(SYS_getppid, SECCOMP_RET_KILL_THREAD, 0);
  syscall(SYS_getppid);
  printf("not reached\n");
  return NULL;
}

static void answers(void) {
  printf("-- answers\n");
  core_off();
  static const int codes[] = {0, 1, 38, 4094, 4095, 4096, 65535};
  for (unsigned i = 0; i < sizeof codes / sizeof *codes; i++)
    IN_CHILD("errno", filter(SYS_getppid, SECCOMP_RET_ERRNO | codes[i], 0); errno = 0; long r = syscall(SYS_getppid); printf("%ld %d\n", r, errno));
  IN_CHILD("allow", MUST(filter(SYS_getppid, SECCOMP_RET_ALLOW, 0)); TRUE(syscall(SYS_getppid) > 0 || true));
  IN_CHILD("kill process", filter(SYS_getppid, SECCOMP_RET_KILL_PROCESS, 0); syscall(SYS_getppid));
  IN_CHILD("kill thread", filter(SYS_getppid, SECCOMP_RET_KILL_THREAD, 0); syscall(SYS_getppid));
  IN_CHILD("kill one thread", {
    pthread_t thread;
    pthread_create(&thread, NULL, dies, NULL);
    sleep_ms(30);
    printf("still here\n");
    fflush(stdout);
    _exit(4);
  });
  IN_CHILD("kill all threads", {
    pthread_t thread;
    filter(SYS_getppid, SECCOMP_RET_KILL_PROCESS, 0);
    pthread_create(&thread, NULL, in_thread, (void *)SYS_getppid);
    pthread_join(thread, NULL);
    printf("not reached\n");
  });
  IN_CHILD("unknown answer", filter(SYS_getppid, 0x12340000, 0); syscall(SYS_getppid));
  IN_CHILD("trap", {
    struct sigaction action = {.sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO};
    sigaction(SIGSYS, &action, NULL);
    filter(SYS_getppid, SECCOMP_RET_TRAP | 77, 0);
    CHECK(syscall(SYS_getppid));
  });
  IN_CHILD("trap, ignored", signal(SIGSYS, SIG_IGN); filter(SYS_getppid, SECCOMP_RET_TRAP, 0); syscall(SYS_getppid));
  IN_CHILD("trap, blocked", {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGSYS);
    sigprocmask(SIG_BLOCK, &set, NULL);
    filter(SYS_getppid, SECCOMP_RET_TRAP, 0);
    syscall(SYS_getppid);
  });
  IN_CHILD("nobody traces", filter(SYS_getppid, SECCOMP_RET_TRACE | 5, 0); CHECK(syscall(SYS_getppid)));
  IN_CHILD("nobody listens", filter(SYS_getppid, SECCOMP_RET_USER_NOTIF, 0); CHECK(syscall(SYS_getppid)));
  IN_CHILD("a number that is none", filter(7777, SECCOMP_RET_ERRNO | 3, 0); CHECK(syscall(7777)); CHECK(syscall(7778)));
  IN_CHILD("by argument", {
    PROGRAM(LOAD(NR), IF_NOT(SYS_lseek, 5), LOAD(ARG(1) + 4), IF_NOT(0x12345678, 3), LOAD(ARG(1)), IF_NOT(0x9abcdef0, 1), RETURN(SECCOMP_RET_ERRNO | 11),
            RETURN(SECCOMP_RET_ALLOW));
    MUST(seccomp(SECCOMP_SET_MODE_FILTER, 0, &program));
    CHECK(syscall(SYS_lseek, 1000, 0x123456789abcdef0, 0));
    CHECK(syscall(SYS_lseek, 1000, 0x123456789abcdef1, 5));
  });
  IN_CHILD("architecture and place", {
    PROGRAM(LOAD(NR), IF_NOT(SYS_getppid, 4), LOAD(offsetof(struct seccomp_data, arch)), IF_NOT(AUDIT_ARCH_X86_64, 1), RETURN(SECCOMP_RET_ERRNO | 1),
            RETURN(SECCOMP_RET_ERRNO | 2), RETURN(SECCOMP_RET_ALLOW));
    MUST(seccomp(SECCOMP_SET_MODE_FILTER, 0, &program));
    CHECK(syscall(SYS_getppid));
  });
  IN_CHILD("division by zero kills", {
    PROGRAM(LOAD(NR), IF_NOT(SYS_getppid, 4), BPF_STMT(BPF_LDX | BPF_IMM, 0), BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0), RETURN(SECCOMP_RET_ALLOW),
            RETURN(SECCOMP_RET_ALLOW), RETURN(SECCOMP_RET_ALLOW));
    MUST(seccomp(SECCOMP_SET_MODE_FILTER, 0, &program));
    CHECK(syscall(SYS_getppid));
  });
}

static void chains(void) {
  printf("-- chains\n");
  static const unsigned order[] = {SECCOMP_RET_ALLOW, SECCOMP_RET_LOG, SECCOMP_RET_TRACE | 3, SECCOMP_RET_ERRNO | 5, SECCOMP_RET_TRAP, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_KILL_PROCESS};
  for (int a = 0; a < 7; a++)
    for (int b = 0; b < 7; b++) {
      printf("%#x, %#x: ", order[a], order[b]);
      fflush(stdout);
      IN_CHILD("", filter(SYS_getuid, order[a], 0); filter(SYS_getuid, order[b], 0); errno = 0; long r = syscall(SYS_getuid); printf("%d %s\n", r < 0, errno ? strerrorname_np(errno) : "-"));
    }
  // The newest filter's data wins between equals.
  IN_CHILD("equals", filter(SYS_getppid, SECCOMP_RET_ERRNO | 5, 0); filter(SYS_getppid, SECCOMP_RET_ERRNO | 6, 0); CHECK(syscall(SYS_getppid)));
  IN_CHILD("kept over fork and execve", {
    filter(SYS_getppid, SECCOMP_RET_ERRNO | 7, 0);
    IN_CHILD("forked", CHECK(syscall(SYS_getppid)));
    fflush(stdout);
    execl("/proc/self/exe", "seccomp", "again", NULL);
  });
  IN_CHILD("a filter may refuse seccomp", filter(SYS_seccomp, SECCOMP_RET_ERRNO | 8, 0); CHECK(filter(SYS_getppid, 0, 0)); CHECK(prctl(PR_GET_SECCOMP)));
  IN_CHILD("status", {
    filter(SYS_getppid, SECCOMP_RET_LOG, 0);
    filter(SYS_getppid, SECCOMP_RET_LOG, 0);
    FILE *f = fopen("/proc/self/status", "r");
    char line[200];
    while (fgets(line, sizeof line, f)) if (strncmp(line, "Seccomp", 7) == 0 || strncmp(line, "NoNew", 5) == 0) printf("%s", line);
  });
}

static pthread_barrier_t barrier;

static void *waits(void *arg) {
  if (arg != NULL) filter(SYS_getuid, SECCOMP_RET_ERRNO | 2, 0);
  pthread_barrier_wait(&barrier);
  pthread_barrier_wait(&barrier);
  long r = syscall(SYS_getppid);
  return (void *)(r < 0 ? (long)errno : 0L);
}

static void threads(void) {
  printf("-- threads\n");
  for (int how = 0; how < 4; how++)
    IN_CHILD("threads", {
      pthread_t a;
      pthread_t b;
      void *one;
      void *two;
      pthread_barrier_init(&barrier, NULL, 3);
      pthread_create(&a, NULL, waits, NULL);
      pthread_create(&b, NULL, waits, how >= 2 ? (void *)1 : NULL);
      pthread_barrier_wait(&barrier);
      static const unsigned flags[] = {0, SECCOMP_FILTER_FLAG_TSYNC, SECCOMP_FILTER_FLAG_TSYNC, SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH};
      long r = filter(SYS_getppid, SECCOMP_RET_ERRNO | 9, flags[how]);
      printf("%d: %s %s\n", how, r == 0 ? "0" : r < 0 ? "-1" : "a thread", r < 0 ? strerrorname_np(errno) : "");
      pthread_barrier_wait(&barrier);
      pthread_join(a, &one);
      pthread_join(b, &two);
      printf("%ld %ld, %d\n", (long)one, (long)two, syscall(SYS_getppid) < 0);
    });
}

static void strict(void) {
  printf("-- strict\n");
  core_off();
  IN_CHILD("write and exit", MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT)); syscall(SYS_write, 1, "written\n", 8); syscall(SYS_exit, 5));
  IN_CHILD("exit_group", MUST(seccomp(SECCOMP_SET_MODE_STRICT, 0, NULL)); syscall(SYS_exit_group, 5));
  IN_CHILD("getpid", MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT)); syscall(SYS_getpid); syscall(SYS_exit, 5));
  IN_CHILD("a number that is none", MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT)); syscall(100000); syscall(SYS_exit, 5));
}

static bool await(const char *what) {
  int status = 0;
  MUST(waitpid(child, &status, __WALL));
  print_status(what, status);
  return WIFSTOPPED(status);
}

static void show_stop(void) {
  struct user_regs_struct regs;
  struct { unsigned char op, pad[3]; unsigned arch; unsigned long ip, sp, nr, args[6]; unsigned ret, pad2[7]; } info;
  unsigned long message = 0;
  MUST(pt(PTRACE_GETREGS, child, 0, (long)&regs));
  MUST(pt(PTRACE_GETEVENTMSG, child, 0, (long)&message));
  memset(&info, 0, sizeof info);
  long size = pt(0x420e, child, sizeof info, (long)&info);
  printf("  nr %lld rax %s message %lu; info %ld op %d", regs.orig_rax, (long)regs.rax == -ENOSYS ? "ENOSYS" : "other", message, size, info.op);
  if (info.op == 1 || info.op == 3) printf(" nr %lu", info.nr);
  if (info.op == 3) printf(" data %u", info.ret);
  printf("\n");
}

static void trace_body(unsigned data) {
  core_off();
  raise(SIGSTOP);
  filter(SYS_getppid, SECCOMP_RET_TRACE | data, 0);
  raise(SIGSTOP);
  errno = 0;
  long r = syscall(SYS_getppid);
  printf("  result %s %s\n", r > 0 ? "a pid" : r == 0 ? "0" : r == -1 ? "-1" : "other", errno ? strerrorname_np(errno) : "-");
  fflush(stdout);
  _exit(9);
}

static void traced(void) {
  printf("-- traced\n");
  // 0: on; 1: not asked for; 2: another call; 3: none, with a result; 4: to its exit; 5: killed there; 6: to a call that the filter refuses
  for (int how = 0; how < 8; how++) {
    printf("way %d\n", how);
    TRACED(trace_body(how));
    await("start");
    pt(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD | (how == 1 ? 0 : PTRACE_O_TRACESECCOMP));
    pt(PTRACE_CONT, child, 0, 0);
    await("filter");
    pt(how == 7 ? PTRACE_SYSCALL : PTRACE_CONT, child, 0, 0);
    for (int stops = 0; stops < 12 && await("stop"); stops++) {
      show_stop();
      struct user_regs_struct regs;
      MUST(pt(PTRACE_GETREGS, child, 0, (long)&regs));
      if (regs.orig_rax == SYS_getppid && (long)regs.rax == -ENOSYS) {
        if (how == 2) pt(PTRACE_POKEUSER, child, offsetof(struct user_regs_struct, orig_rax), SYS_getuid);
        if (how == 3) {
          pt(PTRACE_POKEUSER, child, offsetof(struct user_regs_struct, orig_rax), -1);
          pt(PTRACE_POKEUSER, child, offsetof(struct user_regs_struct, rax), -EXDEV);
        }
        if (how == 5) pt(PTRACE_KILL, child, 0, 0);
      }
      pt(how == 4 || how == 7 ? PTRACE_SYSCALL : PTRACE_CONT, child, 0, 0);
    }
  }
  CHECK(pt(0x420c, getpid(), 0, 0));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  if (argc > 1) {
    CHECK(syscall(SYS_getppid));
    CHECK(prctl(PR_GET_SECCOMP));
    return 0;
  }
  arguments();
  programs();
  answers();
  chains();
  threads();
  strict();
  traced();
  return 0;
}

// ptrace(2): every kind of stop that wait(2) tells of: signals, system calls, events, group stops, and how each is left.
#include "../guest.h"
#include "tracee.h"
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>

// Waits for `pid` (or any) and prints who it was and how it stopped.
static int await(const char *what, pid_t pid) {
  int status;
  pid_t got = waitpid(pid, &status, __WALL);
  if (got < 0) {
    printf("%s: wait %s\n", what, strerrorname_np(errno));
    return -1;
  }
  if (WIFSTOPPED(status)) {
    siginfo_t info;
    int sig = WSTOPSIG(status);
    memset(&info, 0, sizeof info);
    long r = pt(PTRACE_GETSIGINFO, got, 0, (long)&info);
    printf("%s: %s stopped by %d%s event %d", what, got == child ? "child" : "other", sig & 0x7f, sig & 0x80 ? "|80" : "", status >> 16);
    if (r < 0) printf(" siginfo %s\n", strerrorname_np(errno));
    else printf(" signo %d code %#x pid %s\n", info.si_signo, info.si_code, info.si_pid == 0 ? "0" : info.si_pid == got ? "own" : info.si_pid == getpid() ? "tracer" : "other");
  } else {
    printf("%s: %s ", what, got == child ? "child" : "other");
    print_status("ended", status);
  }
  return status;
}

static void handler(int sig) {
  char text[] = "  handler 00\n";
  text[10] += sig / 10, text[11] += sig % 10;
  (void)!write(1, text, sizeof text - 1);
}

static void signals(void) {
  printf("-- signals\n");
  TRACED(signal(SIGUSR1, handler); signal(SIGUSR2, SIG_IGN); raise(SIGSTOP); raise(SIGUSR1); raise(SIGUSR1); raise(SIGUSR2); raise(SIGTERM); raise(SIGTERM); _exit(7));
  await("SIGSTOP", child);
  CHECK(pt(PTRACE_CONT, child, 0, 0));
  await("SIGUSR1", child);
  pt(PTRACE_CONT, child, 0, SIGUSR1);
  await("SIGUSR1 again", child);
  CHECK(pt(PTRACE_CONT, child, 0, 0));
  await("an ignored one", child);
  CHECK(pt(PTRACE_CONT, child, 0, SIGUSR2));
  await("SIGTERM", child);
  pt(PTRACE_CONT, child, 0, SIGUSR1);
  await("SIGTERM again", child);
  CHECK(pt(PTRACE_CONT, child, 0, SIGTERM));
  await("end", child);
  CHECK(pt(PTRACE_CONT, child, 0, 0));
}

static void changed_siginfo(void) {
  printf("-- siginfo\n");
  TRACED(
    sigset_t set; siginfo_t info; sigemptyset(&set); sigaddset(&set, SIGUSR1); sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGSTOP);
    sigwaitinfo(&set, &info);
    printf("  got %d code %d value %d\n", info.si_signo, info.si_code, info.si_value.sival_int); fflush(stdout));
  await("SIGSTOP", child);
  siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE};
  info.si_value.sival_int = 1234;
  CHECK(syscall(SYS_rt_sigqueueinfo, child, SIGUSR1, &info));
  struct { uint64_t off; uint32_t flags; int32_t nr; } peek = {0, 1, 4};
  siginfo_t queued[4];
  CHECK(pt(0x4209, child, (long)&peek, (long)queued));
  printf("queued %d value %d\n", queued[0].si_signo, queued[0].si_value.sival_int);
  peek.flags = 0;
  CHECK(pt(0x4209, child, (long)&peek, (long)queued));
  peek.nr = -1;
  CHECK(pt(0x4209, child, (long)&peek, (long)queued));
  peek.nr = 1, peek.flags = 8;
  CHECK(pt(0x4209, child, (long)&peek, (long)queued));
  uint64_t mask = 0;
  CHECK(pt(0x420a, child, 8, (long)&mask));
  printf("mask %#lx\n", mask);
  CHECK(pt(0x420a, child, 4, (long)&mask));
  mask |= 1 << (SIGUSR2 - 1) | 1 << (SIGKILL - 1);
  CHECK(pt(0x420b, child, 8, (long)&mask));
  CHECK(pt(0x420a, child, 8, (long)&mask));
  printf("mask %#lx\n", mask);
  pt(PTRACE_CONT, child, 0, 0);
  await("end", child);
}

static long peek_user(long offset) {
  long value = 0;
  if (pt(PTRACE_PEEKUSER, child, offset, (long)&value) < 0) return -1;
  return value;
}

static void calls(void) {
  printf("-- calls\n");
  TRACED(raise(SIGSTOP); syscall(SYS_getppid); syscall(SYS_close, 99); syscall(SYS_getuid); syscall(SYS_getgid); _exit(3));
  await("SIGSTOP", child);
  CHECK(pt(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD));
  CHECK(pt(PTRACE_SETOPTIONS, child, 0, 1 << 30));
  for (int i = 0; i < 40; i++) {
    if (pt(PTRACE_SYSCALL, child, 0, 0) < 0) break;
    int status = 0;
    waitpid(child, &status, __WALL);
    if (!WIFSTOPPED(status)) {
      print_status("end", status);
      break;
    }
    struct user_regs_struct regs;
    MUST(pt(PTRACE_GETREGS, child, 0, (long)&regs));
    struct __ptrace_syscall_info info;
    long size = pt(PTRACE_GET_SYSCALL_INFO, child, sizeof info, (long)&info);
    unsigned long message = 0;
    pt(PTRACE_GETEVENTMSG, child, 0, (long)&message);
    long nr = regs.orig_rax;
    printf("stop %#x message %ld op %d size %ld", WSTOPSIG(status), message, info.op, size);
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) printf(" nr %lu arg %ld rax %lld", (unsigned long)info.entry.nr, nr == SYS_close ? (long)info.entry.args[0] : 0, (long long)regs.rax);
    else if (info.op == PTRACE_SYSCALL_INFO_EXIT) printf(" error %d result %lld orig %ld", info.exit.is_error, nr == SYS_getppid || nr == SYS_gettid || nr == SYS_getpid ? 0 : (long long)regs.rax, nr);
    printf("%s\n", (long)peek_user(offsetof(struct user_regs_struct, orig_rax)) == nr ? "" : " PEEKUSER differs");
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY && nr == SYS_getuid) {
      printf("skipped: ");
      CHECK(pt(PTRACE_POKEUSER, child, offsetof(struct user_regs_struct, orig_rax), -1));
      CHECK(pt(PTRACE_POKEUSER, child, offsetof(struct user_regs_struct, rax), -EDOM));
    }
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY && nr == SYS_getgid) {
      regs.orig_rax = SYS_close;
      regs.rdi = 77;
      printf("replaced: ");
      CHECK(pt(PTRACE_SETREGS, child, 0, (long)&regs));
    }
  }
}

static void restarted(void) {
  printf("-- restarts\n");
  int fds[2];
  MUST(pipe(fds));
  TRACED(char c; raise(SIGSTOP); long n = read(fds[0], &c, 1); printf("  read %ld %c\n", n, c); fflush(stdout));
  await("SIGSTOP", child);
  pt(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD);
  long nr;
  do {
    pt(PTRACE_SYSCALL, child, 0, 0);
    waitpid(child, NULL, 0);
    nr = peek_user(offsetof(struct user_regs_struct, orig_rax));
  } while (nr != SYS_read);
  pt(PTRACE_SYSCALL, child, 0, 0);
  sleep_ms(50);
  kill(child, SIGWINCH);
  await("cut short", child);
  printf("rax %ld orig %ld\n", peek_user(offsetof(struct user_regs_struct, rax)), peek_user(offsetof(struct user_regs_struct, orig_rax)));
  pt(PTRACE_SYSCALL, child, 0, 0);
  await("the signal", child);
  printf("rax %ld orig %ld\n", peek_user(offsetof(struct user_regs_struct, rax)), peek_user(offsetof(struct user_regs_struct, orig_rax)));
  pt(PTRACE_SYSCALL, child, 0, 0);
  await("entry again", child);
  printf("rax %ld orig %ld\n", peek_user(offsetof(struct user_regs_struct, rax)), peek_user(offsetof(struct user_regs_struct, orig_rax)));
  MUST(write(fds[1], "x", 1));
  pt(PTRACE_SYSCALL, child, 0, 0);
  await("exit", child);
  printf("rax %ld orig %ld\n", peek_user(offsetof(struct user_regs_struct, rax)), peek_user(offsetof(struct user_regs_struct, orig_rax)));
  pt(PTRACE_CONT, child, 0, 0);
  await("end", child);
  close(fds[0]), close(fds[1]);
}

static void events(void) {
  printf("-- events\n");
  TRACED(
    raise(SIGSTOP);
    pid_t p = fork(); if (p == 0) _exit(11);
    waitpid(p, NULL, 0);
    p = vfork(); if (p == 0) _exit(12);
    waitpid(p, NULL, 0);
    p = syscall(SYS_clone, CLONE_UNTRACED | SIGCHLD, 0, 0, 0, 0); if (p == 0) _exit(13);
    waitpid(p, NULL, 0);
    p = syscall(SYS_clone, 0, 0, 0, 0, 0); if (p == 0) _exit(14);
    waitpid(p, NULL, __WALL);
    _exit(15));
  await("SIGSTOP", child);
  CHECK(pt(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEVFORKDONE | PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL));
  pt(PTRACE_CONT, child, 0, 0);
  for (;;) {
    int status;
    // The child's own next stop, and then whatever its child does, so that the order is always the same.
    pid_t got = waitpid(child, &status, __WALL);
    if (got < 0 || !WIFSTOPPED(status)) {
      print_status("child", status);
      break;
    }
    int event = status >> 16;
    unsigned long message = 0;
    pt(PTRACE_GETEVENTMSG, child, 0, (long)&message);
    printf("child: signal %d event %d message %s\n", WSTOPSIG(status), event, event == PTRACE_EVENT_EXIT ? (message == 15 << 8 ? "15" : "wrong") : message > 1 ? "pid" : "none");
    if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE) {
      if (event == PTRACE_EVENT_VFORK) pt(PTRACE_CONT, child, 0, 0);
      int sub;
      while (waitpid(message, &sub, __WALL) > 0) {
        unsigned long code = 0;
        if (WIFSTOPPED(sub)) {
          pt(PTRACE_GETEVENTMSG, message, 0, (long)&code);
          printf("  new: signal %d event %d code %lu\n", WSTOPSIG(sub), sub >> 16, sub >> 16 == PTRACE_EVENT_EXIT ? code >> 8 : 0);
          pt(PTRACE_CONT, message, 0, 0);
        } else {
          print_status("  new", sub);
          break;
        }
      }
      if (event == PTRACE_EVENT_VFORK) continue;
    }
    pt(PTRACE_CONT, child, 0, WSTOPSIG(status) == SIGCHLD ? SIGCHLD : 0);
  }
}

static void exec_stops(const char *self) {
  printf("-- exec\n");
  for (int event = 0; event < 2; event++) {
    TRACED(raise(SIGSTOP); execl(self, self, "child", NULL); _exit(77));
    await("SIGSTOP", child);
    if (event) pt(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD);
    pt(PTRACE_CONT, child, 0, 0);
    await("exec", child);
    unsigned long message = 0;
    pt(PTRACE_GETEVENTMSG, child, 0, (long)&message);
    if (event) printf("message %s\n", message == (unsigned long)child ? "own" : "other");
    printf("rax %ld orig %ld\n", peek_user(offsetof(struct user_regs_struct, rax)), peek_user(offsetof(struct user_regs_struct, orig_rax)));
    pt(PTRACE_SYSCALL, child, 0, 0);
    await("next", child);
    printf("orig %ld\n", peek_user(offsetof(struct user_regs_struct, orig_rax)));
    pt(PTRACE_CONT, child, 0, 0);
    await("end", child);
  }
}

static void group_stops(void) {
  printf("-- group stop\n");
  TRACED(raise(SIGSTOP); for (;;) pause());
  await("signal", child);
  pt(PTRACE_CONT, child, 0, SIGSTOP);
  await("group stop", child);
  CHECK(waitpid(child, NULL, WUNTRACED | WNOHANG));
  pt(PTRACE_CONT, child, 0, 0);
  kill(child, SIGCONT);
  await("SIGCONT", child);
  pt(PTRACE_CONT, child, 0, SIGCONT);
  kill(child, SIGSTOP);
  await("SIGSTOP", child);
  CHECK(pt(PTRACE_DETACH, child, 0, SIGSTOP));
  int status;
  CHECK(waitpid(child, &status, WUNTRACED) == child);
  print_status("detached", status);
  kill(child, SIGCONT);
  CHECK(waitpid(child, &status, WCONTINUED) == child);
  print_status("continued", status);
  CHECK(pt(PTRACE_ATTACH, child, 0, 0));
  await("attached", child);
  CHECK(pt(PTRACE_ATTACH, child, 0, 0));
  CHECK(pt(PTRACE_INTERRUPT, child, 0, 0));
  CHECK(pt(PTRACE_LISTEN, child, 0, 0));
  CHECK(pt(PTRACE_KILL, child, 0, 0));
  await("killed", child);
}

static void seized(void) {
  printf("-- seize\n");
  fflush(stdout);
  child = MUST(fork());
  if (child == 0) {
    for (;;) pause();
  }
  CHECK(pt(PTRACE_SEIZE, child, 1, 0));
  CHECK(pt(PTRACE_SEIZE, child, 0, 1 << 30));
  CHECK(pt(PTRACE_SEIZE, child, 0, PTRACE_O_TRACESYSGOOD));
  CHECK(pt(PTRACE_CONT, child, 0, 0));
  CHECK(waitpid(child, NULL, __WALL | WNOHANG));
  CHECK(pt(PTRACE_INTERRUPT, child, 0, 0));
  await("interrupted", child);
  CHECK(pt(PTRACE_CONT, child, 0, 0));
  kill(child, SIGSTOP);
  await("SIGSTOP", child);
  CHECK(pt(PTRACE_LISTEN, child, 0, 0));
  CHECK(pt(PTRACE_CONT, child, 0, SIGSTOP));
  await("group stop", child);
  CHECK(pt(PTRACE_LISTEN, child, 0, 0));
  CHECK(pt(PTRACE_CONT, child, 0, 0));
  kill(child, SIGCONT);
  await("news", child);
  CHECK(pt(PTRACE_CONT, child, 0, 0));
  await("SIGCONT", child);
  CHECK(pt(PTRACE_CONT, child, 0, SIGCONT));
  kill(child, SIGKILL);
  await("killed", child);
}

static void adopted(void) {
  printf("-- a stopped process\n");
  int status;
  for (int seize = 0; seize < 2; seize++) {
    fflush(stdout);
    child = MUST(fork());
    if (child == 0) {
      for (;;) pause();
    }
    kill(child, SIGSTOP);
    waitpid(child, &status, WUNTRACED);
    print_status("stopped", status);
    CHECK(pt(seize ? PTRACE_SEIZE : PTRACE_ATTACH, child, 0, 0));
    await("attached", child);
    pt(PTRACE_CONT, child, 0, 0);
    if (!seize) {
      await("its SIGSTOP", child);
      pt(PTRACE_CONT, child, 0, 0);
    }
    kill(child, SIGCONT);
    await("SIGCONT", child);
    CHECK(pt(PTRACE_DETACH, child, 0, 0));
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    print_status("end", status);
  }
}

static char letter_of(pid_t pid, const char *field, char *value) {
  char path[64], line[256];
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  FILE *f = fopen(path, "r");
  *value = 0;
  while (f && fgets(line, sizeof line, f)) {
    if (strncmp(line, field, strlen(field)) == 0) strcpy(value, line + strlen(field) + 2);
  }
  if (f) fclose(f);
  value[strcspn(value, "\n")] = 0;
  return *value;
}

static void told(void) {
  printf("-- /proc\n");
  char value[256];
  TRACED(raise(SIGSTOP));
  await("SIGSTOP", child);
  letter_of(child, "State", value);
  printf("state %s\n", value);
  letter_of(child, "TracerPid", value);
  printf("tracer %s\n", atoi(value) == getpid() ? "own" : value);
  CHECK(pt(PTRACE_DETACH, child, 0, 100));
  CHECK(pt(PTRACE_DETACH, child, 0, 0));
  int status;
  waitpid(child, &status, 0);
  print_status("end", status);
}

static void steps(void) {
  printf("-- steps\n");
  TRACED(signal(SIGUSR1, handler); raise(SIGSTOP); raise(SIGUSR1));
  await("SIGSTOP", child);
  unsigned long before = peek_user(offsetof(struct user_regs_struct, rip));
  CHECK(pt(PTRACE_SINGLESTEP, child, 0, 0));
  await("step", child);
  unsigned long after = peek_user(offsetof(struct user_regs_struct, rip));
  printf("%s by less than 16\n", after > before && after - before < 16 ? "on" : "elsewhere");
  for (int i = 0; i < 20; i++) {
    pt(PTRACE_SINGLESTEP, child, 0, 0);
    int status;
    waitpid(child, &status, 0);
    if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP) printf("unexpected %x\n", status);
  }
  pt(PTRACE_CONT, child, 0, 0);
  await("SIGUSR1", child);
  pt(PTRACE_SINGLESTEP, child, 0, SIGUSR1);
  await("in the handler", child);
  printf("%s\n", peek_user(offsetof(struct user_regs_struct, rip)) == (long)handler ? "first instruction" : "elsewhere");
  pt(PTRACE_CONT, child, 0, 0);
  await("end", child);
}

int guest(int argc, char **argv) {
  if (argc > 1) return 5;
  signals();
  changed_siginfo();
  calls();
  restarted();
  events();
  exec_stops(argv[0]);
  group_stops();
  seized();
  adopted();
  told();
  steps();
  CHECK(pt(PTRACE_CONT, getpid(), 0, 0));
  CHECK(pt(PTRACE_CONT, 1 << 22, 0, 0));
  CHECK(pt(PTRACE_ATTACH, getpid(), 0, 0));
  CHECK(pt(PTRACE_ATTACH, 1 << 22, 0, 0));
  CHECK(pt(12345, getpid(), 0, 0));
  return 0;
}

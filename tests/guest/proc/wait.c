// fork(2), vfork(2), exit codes, wait4(2), waitid(2) with all options, zombies, orphans.
#include "../guest.h"
#include <sys/prctl.h>

static pid_t child_exits(int code) {
  pid_t pid = MUST(fork());
  if (pid == 0) _exit(code);
  return pid;
}

static pid_t child_sleeps(void) {
  pid_t pid = MUST(fork());
  if (pid == 0) {
    for (;;) pause();
  }
  return pid;
}

static void show(const char *what, int result, siginfo_t *info, pid_t pid) {
  if (result != 0) {
    printf("%s: %s\n", what, strerrorname_np(errno));
    return;
  }
  printf("%s: signo %d code %d pid %s status %d uid %s\n", what, info->si_signo, info->si_code,
         info->si_pid == pid ? "right" : info->si_pid == 0 ? "0" : "wrong", info->si_status, info->si_uid == getuid() ? "own" : "other");
}

static void statuses(void) {
  int status;
  pid_t pid = child_exits(3);
  TRUE(waitpid(pid, &status, 0) == pid);
  print_status("exit 3", status);
  pid = child_exits(256 + 77);
  waitpid(-1, &status, 0);
  print_status("exit 333", status);
  CHECK(waitpid(-1, &status, 0));
  CHECK(waitpid(-1, &status, WNOHANG));
  CHECK(waitpid(1, &status, 0));
  CHECK(waitpid(INT_MIN, &status, 0));
  CHECK(waitpid(-1, &status, 0x8000));
  IN_CHILD("abort", abort());
  IN_CHILD("SIGKILL", raise(SIGKILL));
  IN_CHILD("SIGTERM", raise(SIGTERM));
  IN_CHILD("SIGUSR1", raise(SIGUSR1));
  IN_CHILD("rt signal", kill(getpid(), SIGRTMIN + 1));
  IN_CHILD("SIGCHLD is ignored by default", raise(SIGCHLD));
  IN_CHILD("division", *(volatile int *)&status = 1 / *(volatile int *)map_pages(1, PROT_READ));
  IN_CHILD("illegal", __asm__ volatile("ud2"));
  IN_CHILD("breakpoint", __asm__ volatile("int3"));
  IN_CHILD("privileged", __asm__ volatile("hlt"));
}

static void options(void) {
  int status;
  pid_t pid = child_sleeps();
  CHECK(waitpid(pid, &status, WNOHANG));
  MUST(kill(pid, SIGSTOP));
  TRUE(waitpid(pid, &status, WUNTRACED) == pid);
  print_status("stopped", status);
  CHECK(waitpid(pid, &status, WUNTRACED | WNOHANG));
  MUST(kill(pid, SIGCONT));
  TRUE(waitpid(pid, &status, WCONTINUED) == pid);
  print_status("continued", status);
  CHECK(waitpid(pid, &status, WCONTINUED | WUNTRACED | WNOHANG));
  siginfo_t info;
  memset(&info, 0xff, sizeof info);
  show("waitid nohang", waitid(P_PID, pid, &info, WEXITED | WNOHANG), &info, pid);
  MUST(kill(pid, SIGSTOP));
  show("waitid nowait", waitid(P_PID, pid, &info, WSTOPPED | WNOWAIT), &info, pid);
  show("waitid stopped", waitid(P_PID, pid, &info, WSTOPPED), &info, pid);
  MUST(kill(pid, SIGCONT));
  show("waitid continued", waitid(P_PID, pid, &info, WCONTINUED), &info, pid);
  MUST(kill(pid, SIGTERM));
  show("waitid exit nowait", waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), &info, pid);
  show("waitid exit", waitid(P_PGID, getpgrp(), &info, WEXITED), &info, pid);
  show("waitid none", waitid(P_ALL, 0, &info, WEXITED), &info, pid);
  show("waitid no option", waitid(P_ALL, 0, &info, 0), &info, pid);
  show("waitid bad option", waitid(P_ALL, 0, &info, WEXITED | 0x100), &info, pid);
  show("waitid bad type", waitid(9, 0, &info, WEXITED), &info, pid);
  show("waitid pid 0", waitid(P_PID, 0, &info, WEXITED), &info, pid);
  pid = child_exits(5);
  show("waitid exited", waitid(P_PID, pid, &info, WEXITED), &info, pid);
  pid = child_exits(1);
  sleep_ms(20);
  CHECK(kill(pid, 0));
  TRUE(getpgid(pid) == getpgrp());
  TRUE(syscall(SYS_waitid, P_PID, pid, NULL, WEXITED, NULL) == 0);
  CHECK(kill(pid, 0));
  struct rusage usage;
  memset(&usage, 0xff, sizeof usage);
  pid = child_exits(0);
  TRUE(wait4(pid, NULL, 0, &usage) == pid);
  TRUE(usage.ru_utime.tv_sec == 0 && usage.ru_maxrss >= 0);
  pid = syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
  if (pid == 0) _exit(4);
  sleep_ms(20);
  CHECK(waitpid(pid, &status, 0));
  TRUE(waitpid(pid, &status, __WCLONE) == pid);
  signal(SIGUSR2, SIG_IGN);
  pid = syscall(SYS_clone, SIGUSR2, NULL, NULL, NULL, NULL);
  if (pid == 0) raise(SIGKILL);
  TRUE(waitpid(pid, &status, __WALL) == pid);
  print_status("clone child", status);
}

static void ignoring(void) {
  signal(SIGCHLD, SIG_IGN);
  pid_t pid = child_exits(1);
  sleep_ms(20);
  CHECK(kill(pid, 0));
  CHECK(waitpid(pid, NULL, 0));
  signal(SIGCHLD, SIG_DFL);
}

static void groups(void) {
  pid_t a = child_sleeps(), b = child_sleeps();
  MUST(setpgid(a, a));
  MUST(setpgid(b, a));
  CHECK(setpgid(99999, 0));
  CHECK(kill(-a, SIGTERM));
  int status;
  pid_t first = waitpid(-a, &status, 0), second = waitpid(-a, &status, 0);
  TRUE(first + second == a + b);
  CHECK(waitpid(-a, &status, 0));
}

static void orphans(void) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  int p[2];
  MUST(pipe(p));
  pid_t child = fork();
  if (child == 0) {
    pid_t grandchild = fork();
    if (grandchild == 0) {
      sleep_ms(30);
      _exit(9);
    }
    write(p[1], &grandchild, sizeof grandchild);
    _exit(0);
  }
  pid_t grandchild;
  read(p[0], &grandchild, sizeof grandchild);
  int status;
  waitpid(child, &status, 0);
  TRUE(waitpid(-1, &status, 0) == grandchild);
  print_status("orphan", status);
}

static void vforking(void) {
  volatile int shared = 1;
  pid_t pid = vfork();
  if (pid == 0) {
    shared = 2;
    _exit(6);
  }
  printf("after vfork: %d\n", shared);
  int status;
  waitpid(pid, &status, 0);
  print_status("vfork child", status);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  statuses();
  options();
  ignoring();
  groups();
  orphans();
  vforking();
  return 0;
}

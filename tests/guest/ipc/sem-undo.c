// Whose list of adjustments SEM_UNDO writes to (semop(2), clone(2) CLONE_SYSVSEM, unshare(2)): settled when the last of those who share
// it ends or leaves it.
#include "../guest.h"
#include <linux/kcmp.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static int set;

static void add(int by) {
  struct sembuf operation = {0, by, SEM_UNDO};
  CHECK(semop(set, &operation, 1));
}

static void value(const char *when) { printf("%s: %d\n", when, semctl(set, 0, GETVAL)); }

static pid_t start(int flags) { return syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0); }

static void finish(pid_t pid) {
  int status;
  if (waitpid(pid, &status, 0) != pid || status != 0) printf("status %#x\n", status);
}

static int thread(void *unused) {
  (void)unused;
  add(5);
  syscall(SYS_exit, 0);
  return 0;
}

static void run_thread(int flags) {
  static char stack[65536] __attribute__((aligned(16)));
  static volatile int gone;
  gone = 1;
  int all = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_CHILD_CLEARTID | CLONE_PARENT_SETTID | flags;
  if (clone(thread, stack + sizeof stack, all, NULL, &gone, NULL, &gone) < 0) printf("clone: %s\n", strerror(errno));
  while (gone != 0) sched_yield();
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  set = semget(IPC_PRIVATE, 1, 0600);
  MUST(set);
  pid_t pid = start(0);
  if (pid == 0) add(3), _exit(0);
  finish(pid);
  value("a child's own list");

  pid = start(CLONE_SYSVSEM);
  if (pid == 0) add(3), _exit(0);
  finish(pid);
  value("a child that shares ours");
  add(4);
  value("with ours");
  pid = start(0);
  if (pid == 0) {
    printf("kcmp %s\n", syscall(SYS_kcmp, getpid(), getppid(), KCMP_SYSVSEM, 0, 0) == 0 ? "the same" : "another");
    fflush(stdout);
    _exit(0);
  }
  finish(pid);
  pid = start(CLONE_SYSVSEM);
  if (pid == 0) {
    printf("kcmp %s\n", syscall(SYS_kcmp, getpid(), getppid(), KCMP_SYSVSEM, 0, 0) == 0 ? "the same" : "another");
    fflush(stdout);
    // It leaves the list, and the parent keeps it.
    CHECK(unshare(CLONE_SYSVSEM));
    value("after a sharer left");
    add(10);
    _exit(0);
  }
  finish(pid);
  value("and ended with a list of its own");
  CHECK(unshare(CLONE_SYSVSEM));
  value("after the last one left");

  run_thread(CLONE_SYSVSEM);
  value("a thread that shares");
  CHECK(unshare(CLONE_SYSVSEM));
  value("settled");
  run_thread(0);
  // A thread's number is cleared before its list is settled.
  while (semctl(set, 0, GETVAL) != 0) sched_yield();
  value("a thread with its own");

  pid = start(0);
  if (pid == 0) {
    add(7);
    execl("/bin/true", "true", NULL);
    _exit(1);
  }
  finish(pid);
  value("over exec");
  CHECK(semctl(set, 0, IPC_RMID));
  return 0;
}

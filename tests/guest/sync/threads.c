// clone(2), clone3(2), threads: identity, exit, exit_group, exec from a thread, signals to threads, thread-local storage.
// guest: args start
#include "../guest.h"
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

static long clone3(struct clone_args *args, size_t size) {
  return syscall(SYS_clone3, args, size);
}

static _Thread_local int local = 7;
static atomic_int counter;

static void *work(void *arg) {
  local += (int)(intptr_t)arg;
  for (int i = 0; i < 1000; i++) counter++;
  return (void *)(intptr_t)local;
}

static void plain(void) {
  pthread_t t[16];
  for (intptr_t i = 0; i < 16; i++) pthread_create(&t[i], NULL, work, (void *)i);
  long sum = 0;
  for (int i = 0; i < 16; i++) {
    void *result;
    pthread_join(t[i], &result);
    sum += (intptr_t)result;
  }
  printf("sum %ld counter %d own %d\n", sum, counter, local);
}

static void *identity(void *arg) {
  (void)arg;
  TRUE(getpid() != gettid());
  char path[64];
  sprintf(path, "/proc/self/task/%d/comm", gettid());
  pthread_setname_np(pthread_self(), "worker");
  char comm[20] = {0};
  int fd = open(path, O_RDONLY);
  read(fd, comm, 19);
  printf("comm %s", comm);
  close(fd);
  return NULL;
}

static atomic_int hits;
static _Thread_local int mine;

static void on_signal(int signal) {
  (void)signal;
  mine++;
  hits++;
}

static atomic_int stop_now, running;

static void *spinning(void *arg) {
  running++;
  while (!stop_now) sched_yield();
  *(int *)arg = mine;
  return NULL;
}

static void signals(void) {
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGUSR1, &action, NULL);
  pthread_t a, b;
  int at_a, at_b;
  pthread_create(&a, NULL, spinning, &at_a);
  pthread_create(&b, NULL, spinning, &at_b);
  while (running < 2) sched_yield();
  CHECK(pthread_kill(a, SIGUSR1));
  CHECK(pthread_kill(a, 0));
  while (hits < 1) sched_yield();
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  CHECK(kill(getpid(), SIGUSR1));
  while (hits < 2) sched_yield();
  stop_now = 1;
  pthread_join(a, NULL), pthread_join(b, NULL);
  printf("to the thread %d, to another that does not block %d, main %d\n", at_a >= 1, at_a + at_b == 2, mine);
}

static void *exits_all(void *arg) {
  (void)arg;
  syscall(SYS_exit_group, 42);
  return NULL;
}

static void *sleeps(void *arg) {
  (void)arg;
  for (;;) pause();
  return NULL;
}

static void *executes(void *arg) {
  (void)arg;
  execl("/proc/self/exe", "x", "exec", NULL);
  return NULL;
}

static void *raises(void *arg) {
  (void)arg;
  *(volatile int *)0 = 0;
  return NULL;
}

static void *outlives(void *arg) {
  (void)arg;
  sleep_ms(40);
  printf("thread after main's end\n");
  syscall(SYS_exit, 9);
  return NULL;
}

static void ends(void) {
  pthread_t t;
  IN_CHILD("exit_group in a thread", pthread_create(&t, NULL, sleeps, NULL); pthread_create(&t, NULL, exits_all, NULL); pause());
  IN_CHILD("return with threads running", pthread_create(&t, NULL, sleeps, NULL); _exit(3));
  IN_CHILD("fault in a thread", setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}); pthread_create(&t, NULL, raises, NULL); pause());
  IN_CHILD("exec in a thread", pthread_create(&t, NULL, sleeps, NULL); pthread_create(&t, NULL, executes, NULL); pause());
  IN_CHILD("main thread ends first", pthread_create(&t, NULL, outlives, NULL); syscall(SYS_exit, 5));
}

static void raw(void) {
  struct clone_args args = {.exit_signal = SIGCHLD};
  int status, pidfd = -1;
  pid_t pid = clone3(&args, sizeof args);
  if (pid == 0) _exit(8);
  waitpid(pid, &status, 0);
  print_status("clone3", status);
  pid_t parent_tid = 0;
  args = (struct clone_args){.flags = CLONE_PIDFD | CLONE_PARENT_SETTID, .pidfd = (uintptr_t)&pidfd, .parent_tid = (uintptr_t)&parent_tid, .exit_signal = SIGCHLD};
  pid = clone3(&args, sizeof args);
  if (pid == 0) {
    sleep_ms(20);
    _exit(1);
  }
  TRUE(parent_tid == pid);
  struct pollfd p = {pidfd, POLLIN, 0};
  CHECK(poll(&p, 1, 0));
  CHECK(poll(&p, 1, 2000));
  printf("revents %d\n", p.revents);
  siginfo_t info;
  CHECK(waitid(P_PIDFD, pidfd, &info, WEXITED));
  printf("status %d\n", info.si_status);
  CHECK(syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0));
  CHECK(syscall(SYS_pidfd_open, 99999, 0));
  CHECK(syscall(SYS_pidfd_open, getpid(), 0x1000000));
  args = (struct clone_args){.flags = CLONE_SIGHAND};
  CHECK(clone3(&args, sizeof args));
  args = (struct clone_args){.flags = CLONE_THREAD | CLONE_SIGHAND};
  CHECK(clone3(&args, sizeof args));
  args = (struct clone_args){.flags = CLONE_FS | CLONE_NEWNS};
  CHECK(clone3(&args, sizeof args));
  args = (struct clone_args){.exit_signal = 200};
  CHECK(clone3(&args, sizeof args));
  args = (struct clone_args){.stack = 4096};
  CHECK(clone3(&args, sizeof args));
  args = (struct clone_args){.flags = 1UL << 60};
  CHECK(clone3(&args, sizeof args));
  CHECK(clone3(&args, 10));
  CHECK(clone3(NULL, sizeof args));
  CHECK(syscall(SYS_clone, CLONE_SIGHAND, NULL, NULL, NULL, NULL));
  signal(SIGUSR1, on_signal);
  args = (struct clone_args){.flags = CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD};
  pid = clone3(&args, sizeof args);
  if (pid == 0) {
    struct sigaction action;
    sigaction(SIGUSR1, NULL, &action);
    _exit(action.sa_handler == SIG_DFL ? 1 : 2);
  }
  waitpid(pid, &status, 0);
  print_status("clear_sighand", status);
  int fd = MUST(open("/dev/null", O_RDONLY));
  pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
  if (pid == 0) {
    close(fd);
    _exit(0);
  }
  waitpid(pid, &status, 0);
  CHECK(fcntl(fd, F_GETFD));
  pid = syscall(SYS_clone, CLONE_FS | SIGCHLD, NULL, NULL, NULL, NULL);
  if (pid == 0) _exit(chdir("/tmp"));
  waitpid(pid, &status, 0);
  char cwd[100];
  printf("cwd %s\n", getcwd(cwd, 100));
}

static void churn(void) {
  for (int i = 0; i < 200; i++) {
    pthread_t t;
    pthread_create(&t, NULL, work, NULL);
    pthread_join(t, NULL);
  }
  printf("counter %d\n", counter);
}

int guest(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "exec") == 0) {
    TRUE(getpid() == gettid());
    return 11;
  }
  plain();
  pthread_t t;
  pthread_create(&t, NULL, identity, NULL);
  pthread_join(t, NULL);
  signals();
  ends();
  raw();
  churn();
  return 0;
}

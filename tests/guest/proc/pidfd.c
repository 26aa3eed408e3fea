// pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2), waitid(2) with P_PIDFD, CLONE_PIDFD; kcmp(2) and unshare(2) of what processes share;
// process_vm_readv(2).
#include "../guest.h"
#include <linux/kcmp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/prctl.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static int pidfd_open_(pid_t pid, unsigned flags) { return syscall(SYS_pidfd_open, pid, flags); }
static int pidfd_signal(int fd, int signal, siginfo_t *info, unsigned flags) {
  return syscall(SYS_pidfd_send_signal, fd, signal, info, flags);
}
static int pidfd_getfd_(int fd, int other, unsigned flags) { return syscall(SYS_pidfd_getfd, fd, other, flags); }

static pid_t sleeper(void) {
  pid_t pid = MUST(fork());
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) pause();
  }
  return pid;
}

static void *nothing(void *arg) {
  for (;;) pause();
  return arg;
}

static int readable(int fd) {
  struct pollfd p = {fd, POLLIN, 0};
  return poll(&p, 1, 0) == 1 ? p.revents : 0;
}

static void open_and_signal(void) {
  CHECK(pidfd_open_(0, 0));
  CHECK(pidfd_open_(-1, 0));
  CHECK(pidfd_open_(INT_MAX, 0));
  CHECK(pidfd_open_(getpid(), 1));
  pid_t pid = sleeper();
  int fd = MUST(pidfd_open_(pid, 0));
  CHECK(fcntl(fd, F_GETFD));
  CHECK(readable(fd));
  char c;
  CHECK(read(fd, &c, 1));
  CHECK(write(fd, &c, 1));
  CHECK(pidfd_signal(fd, 0, NULL, 0));
  CHECK(pidfd_signal(fd, 65, NULL, 0));
  CHECK(pidfd_signal(fd, -1, NULL, 0));
  CHECK(pidfd_signal(fd, SIGTERM, NULL, 1u << 31));
  CHECK(pidfd_signal(-1, SIGTERM, NULL, 0));
  CHECK(pidfd_signal(0, SIGTERM, NULL, 0));
  siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE};
  CHECK(pidfd_signal(fd, SIGUSR2, &info, 0));
  info.si_signo = SIGUSR2, info.si_code = SI_USER;
  CHECK(pidfd_signal(fd, SIGUSR2, &info, 0));
  CHECK(pidfd_signal(fd, SIGUSR2, (void *)1, 0));
  siginfo_t found;
  memset(&found, 0, sizeof found);
  CHECK(waitid(P_PIDFD, fd, &found, WEXITED | WNOHANG));
  CHECK(found.si_pid);
  CHECK(waitid(P_PIDFD, -1, &found, WEXITED));
  CHECK(waitid(P_PIDFD, 0, &found, WEXITED));
  int epoll = MUST(epoll_create1(0));
  CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN}));
  CHECK(pidfd_signal(fd, SIGTERM, NULL, 0));
  struct epoll_event event;
  CHECK(epoll_wait(epoll, &event, 1, -1));
  CHECK(readable(fd) & POLLIN);
  CHECK(pidfd_signal(fd, 0, NULL, 0));
  CHECK(waitid(P_PIDFD, fd, &found, WEXITED | WNOWAIT));
  printf("code %d status %d pid %d\n", found.si_code, found.si_status, found.si_pid == pid);
  CHECK(waitid(P_PIDFD, fd, &found, WEXITED));
  CHECK(pidfd_signal(fd, SIGTERM, NULL, 0));
  CHECK(waitid(P_PIDFD, fd, &found, WEXITED));
  CHECK(readable(fd) & POLLIN);
  CHECK(pidfd_open_(pid, 0));
  CHECK(pidfd_getfd_(fd, 0, 0));
  close(fd);
}

static void nonblocking(void) {
  pid_t pid = sleeper();
  int fd = MUST(pidfd_open_(pid, O_NONBLOCK));
  CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
  siginfo_t found;
  CHECK(waitid(P_PIDFD, fd, &found, WEXITED));
  CHECK(pidfd_signal(fd, SIGKILL, NULL, 0));
  while (readable(fd) == 0) sleep_ms(1);
  CHECK(waitid(P_PIDFD, fd, &found, WEXITED));
  close(fd);
}

static void with_clone(void) {
  int fd = -1;
  fflush(stdout);
  long pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, &fd, NULL, NULL);
  if (pid == 0) _exit(9);
  siginfo_t found;
  CHECK(waitid(P_PIDFD, fd, &found, WEXITED));
  printf("status %d, close on exec %d\n", found.si_status, fcntl(fd, F_GETFD));
  close(fd);
  CHECK(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, NULL, &fd, NULL, NULL));
}

static void descriptors(void) {
  int p[2];
  MUST(pipe(p));
  pid_t pid = MUST(fork());
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    MUST(dup2(p[1], 77));
    write(77, "r", 1);
    for (;;) pause();
  }
  char c;
  MUST(read(p[0], &c, 1));
  int fd = MUST(pidfd_open_(pid, 0));
  int own = pidfd_getfd_(fd, 77, 0);
  TRUE(own >= 0);
  CHECK(fcntl(own, F_GETFD));
  write(own, "x", 1);
  CHECK(read(p[0], &c, 1));
  CHECK(syscall(SYS_kcmp, getpid(), pid, KCMP_FILE, own, 77));
  CHECK(pidfd_getfd_(fd, 78, 0));
  CHECK(pidfd_getfd_(fd, 77, 1));
  CHECK(pidfd_getfd_(0, 77, 0));
  CHECK(pidfd_getfd_(-1, 77, 0));
  TRUE(syscall(SYS_kcmp, getpid(), pid, KCMP_VM, 0, 0) > 0);
  TRUE(syscall(SYS_kcmp, getpid(), pid, KCMP_FILES, 0, 0) > 0);
  TRUE(syscall(SYS_kcmp, getpid(), pid, KCMP_FILE, own, p[0]) > 0);
  CHECK(syscall(SYS_kcmp, getpid(), getpid(), KCMP_VM, 0, 0));
  CHECK(syscall(SYS_kcmp, getpid(), pid, KCMP_SYSVSEM, 0, 0));
  CHECK(syscall(SYS_kcmp, getpid(), pid, KCMP_FILE, 500, 77));
  CHECK(syscall(SYS_kcmp, getpid(), pid, 99, 0, 0));
  CHECK(syscall(SYS_kcmp, getpid(), INT_MAX, KCMP_VM, 0, 0));
  static char here[] = "parent";
  char text[8] = "";
  struct iovec local = {text, 7}, remote = {here, 7}, hole = {(void *)1, 7};
  CHECK(syscall(SYS_process_vm_readv, pid, &local, 1, &remote, 1, 0));
  printf("%s\n", text);
  strcpy(text, "child!");
  CHECK(syscall(SYS_process_vm_writev, pid, &local, 1, &remote, 1, 0));
  strcpy(text, "");
  CHECK(syscall(SYS_process_vm_readv, pid, &local, 1, &remote, 1, 0));
  printf("%s %s\n", text, here);
  CHECK(syscall(SYS_process_vm_readv, pid, &local, 1, &hole, 1, 0));
  CHECK(syscall(SYS_process_vm_readv, pid, &local, 1, &remote, 1, 1));
  CHECK(syscall(SYS_process_vm_readv, INT_MAX, &local, 1, &remote, 1, 0));
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
}

static void *unsharer(void *arg) {
  int fd = *(int *)arg;
  CHECK(unshare(CLONE_FILES));
  close(fd);
  CHECK(unshare(CLONE_FS));
  umask(0123);
  CHECK(unshare(CLONE_VM));
  CHECK(unshare(CLONE_SIGHAND));
  CHECK(unshare(CLONE_THREAD));
  CHECK(unshare(CLONE_SYSVSEM));
  return NULL;
}

static void unsharing(void) {
  CHECK(unshare(0));
  CHECK(unshare(CLONE_VM));
  CHECK(unshare(CLONE_SIGHAND));
  CHECK(unshare(CLONE_PTRACE));
  CHECK(unshare(CLONE_SETTLS));
  int p[2];
  MUST(pipe(p));
  umask(022);
  pthread_t thread;
  pthread_create(&thread, NULL, unsharer, &p[0]);
  pthread_join(thread, NULL);
  TRUE(fcntl(p[0], F_GETFD) == 0);
  printf("umask %o\n", umask(022));
}

static void threads(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, nothing, NULL);
  char path[32];
  sprintf(path, "/proc/%d/status", getpid());
  int fd = MUST(pidfd_open_(getpid(), 0));
  CHECK(pidfd_signal(fd, 0, NULL, 0));
  close(fd);
  fd = MUST(open("/proc/self", O_RDONLY | O_DIRECTORY));
  CHECK(pidfd_signal(fd, 0, NULL, 0));
  close(fd);
}

// RLIMIT_NPROC counts tasks of a user; root of the sandbox and of the machine pass.
static void tasks_of_a_user(void) {
  if (getuid() != 0) return;
  IN_CHILD("limit", {
    MUST(setresgid(54321, 54321, 54321));
    struct rlimit limit = {3, 3};
    MUST(setrlimit(RLIMIT_NPROC, &limit));
    MUST(setresuid(54321, 54321, 54321));
    pid_t pids[5];
    for (int i = 0; i < 5; i++) {
      pids[i] = fork();
      if (pids[i] == 0)
        for (;;) pause();
      printf("%d: %s\n", i, pids[i] > 0 ? "made" : strerrorname_np(errno));
    }
    pthread_t thread;
    printf("thread %s\n", strerrorname_np(pthread_create(&thread, NULL, nothing, NULL)));
    for (int i = 0; i < 5; i++)
      if (pids[i] > 0) kill(pids[i], SIGKILL), waitpid(pids[i], NULL, 0);
    IN_CHILD("there is room again", {});
    limit.rlim_max = 4;
    CHECK(setrlimit(RLIMIT_NPROC, &limit));
  });
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  open_and_signal();
  nonblocking();
  with_clone();
  descriptors();
  unsharing();
  threads();
  tasks_of_a_user();
  return 0;
}

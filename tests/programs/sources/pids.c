// Task numbers wrap around and are reused only when nothing has them any more; the cap of tasks is EAGAIN. For a sandbox with a cap of 40
// tasks: it changes /proc/sys/kernel/pid_max, so never run it outside.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t child(void) {
  pid_t pid = fork();
  if (pid == 0) _exit(0);
  return pid;
}

static void put(const char *path, const char *text) {
  int fd = open(path, O_WRONLY);
  if (fd < 0 || write(fd, text, strlen(text)) < 0) printf("%s: %s\n", path, strerrorname_np(errno));
  close(fd);
}

static void wrap(void) {
  put("/proc/sys/kernel/pid_max", "400");
  pid_t zombies[5], leader = child(), group = fork();
  // A process whose group outlives the leader.
  if (group == 0) {
    setpgid(0, leader);
    for (;;) pause();
  }
  setpgid(leader, leader), setpgid(group, leader);
  waitpid(leader, NULL, 0);
  for (int i = 0; i < 5; i++) zombies[i] = child();
  int gone = child(), pidfd = syscall(SYS_pidfd_open, gone, 0), wraps = 0, bad = 0, reused = 0;
  waitpid(gone, NULL, 0);
  pid_t last = gone;
  for (int i = 0; i < 1000; i++) {
    pid_t pid = child();
    waitpid(pid, NULL, 0);
    if (pid < 300 && wraps > 0) bad++;
    if (pid >= 400 || pid < 1 || pid == leader || pid == group) bad++;
    for (int j = 0; j < 5; j++) bad += pid == zombies[j];
    if (pid <= last) wraps++;
    reused += pid == gone;
    last = pid;
  }
  printf("wraps %d, bad %d, an early number again %d\n", wraps >= 5, bad, reused);
  int result = syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0);
  printf("the old descriptor: %d %s\n", result, strerrorname_np(errno));
  kill(group, SIGKILL);
  while (wait(NULL) > 0) {
  }
  put("/proc/sys/kernel/pid_max", "300");
  put("/proc/sys/kernel/pid_max", "4194305");
  put("/proc/sys/kernel/pid_max", "4194304");
  put("/proc/sys/kernel/ns_last_pid", "123455");
  pid_t pid = child();
  printf("after 123455: %d\n", pid);
  waitpid(pid, NULL, 0);
}

static void *idle(void *arg) {
  for (;;) pause();
  return arg;
}

static void cap(void) {
  pid_t pids[100];
  int count = 0;
  while (count < 100 && (pids[count] = fork()) >= 0) {
    if (pids[count] == 0)
      for (;;) pause();
    count++;
  }
  printf("processes %d %s\n", count, strerrorname_np(errno));
  pthread_t thread;
  printf("thread %s\n", strerrorname_np(pthread_create(&thread, NULL, idle, NULL)));
  for (int i = 0; i < count; i++) kill(pids[i], SIGKILL);
  // Zombies count.
  siginfo_t info;
  for (int i = 0; i < count; i++) waitid(P_PID, pids[i], &info, WEXITED | WNOWAIT);
  printf("with zombies %d %s\n", fork(), strerrorname_np(errno));
  for (int i = 0; i < count; i++) waitpid(pids[i], NULL, 0);
  count = 0;
  while (count < 100 && pthread_create(&thread, NULL, idle, NULL) == 0) count++;
  printf("threads %d\n", count);
  printf("fork %d %s\n", fork(), strerrorname_np(errno));
}

int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0);
  wrap();
  cap();
  exit(0);
}

// What the soak repeats: `churn fork N` starts and waits for N programs, `churn threads N` creates and joins N threads, 8 at a time.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void programs(int count, char *self) {
  for (int i = 0; i < count; i++) {
    pid_t pid = fork();
    if (pid < 0) fail("fork");
    if (pid == 0) {
      execl("/proc/self/exe", self, "end", (char *)NULL);
      _exit(127);
    }
    int status;
    if (waitpid(pid, &status, 0) != pid || status != 0) fail("waitpid");
  }
}

static void *body(void *argument) { return argument; }

static void threads(int count) {
  pthread_t started[8];
  for (int done = 0; done < count; done += 8) {
    for (int i = 0; i < 8; i++) {
      if (pthread_create(&started[i], NULL, body, NULL) != 0) fail("pthread_create");
    }
    for (int i = 0; i < 8; i++) pthread_join(started[i], NULL);
  }
}

int main(int argc, char **argv) {
  if (argc < 3) return 0;
  int count = atoi(argv[2]);
  if (strcmp(argv[1], "fork") == 0) programs(count, argv[0]);
  else threads(count);
  return 0;
}

// Storms of vfork(2) and execve(2): from one thread, from many at once, children that do the same, posix_spawn(3) between, exec that
// fails in the middle, and exec by a thread while others vfork. Every child's status comes to whom it belongs.
#include "../guest.h"
#include <pthread.h>
#include <spawn.h>

#define THREADS 4
#define ROUNDS 40

extern char **environ;
static volatile int sum[THREADS], failed;

static char *self = "/proc/self/exe";

static pid_t vfork_exec(char *what, char *code) {
  char *argv[] = {"storm", what, code, NULL};
  pid_t pid = vfork();
  if (pid == 0) {
    execve(self, argv, environ);
    _exit(126);
  }
  return pid;
}

static pid_t vfork_exec_nothing(void) {
  pid_t pid = vfork();
  if (pid == 0) {
    execve("/no/such/program", NULL, NULL);
    _exit(errno == ENOENT ? 7 : 8);
  }
  return pid;
}

static int wait_for(pid_t pid) {
  int status;
  MUST(pid);
  MUST(waitpid(pid, &status, 0));
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void *storming(void *argument) {
  int at = (int)(long)argument;
  char code[8];
  for (int i = 0; i < ROUNDS; i++) {
    snprintf(code, sizeof code, "%d", i % 7 + at);
    sum[at] += wait_for(vfork_exec("exit", code));
  }
  return NULL;
}

static void one(void) {
  int total = 0;
  char code[8];
  for (int i = 0; i < 3 * ROUNDS; i++) {
    snprintf(code, sizeof code, "%d", i % 50);
    total += wait_for(vfork_exec("exit", code));
  }
  CHECK(total);
  for (int i = 0; i < ROUNDS; i++) failed += wait_for(vfork_exec_nothing());
  CHECK(failed);
}

static void many(void) {
  pthread_t threads[THREADS];
  for (long i = 0; i < THREADS; i++) MUST(-pthread_create(&threads[i], NULL, storming, (void *)i));
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  for (int i = 0; i < THREADS; i++) CHECK(sum[i]);
}

// A vfork child's own descriptors, and its parent's memory.
static void spawned(void) {
  int pipes[2], total = 0;
  MUST(pipe(pipes));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipes[1], 1);
  posix_spawn_file_actions_addclose(&actions, pipes[0]);
  char *argv[] = {"storm", "say", "x", NULL};
  for (int i = 0; i < ROUNDS; i++) {
    pid_t pid;
    char byte = 0;
    MUST(-posix_spawn(&pid, self, &actions, NULL, argv, environ));
    MUST(read(pipes[0], &byte, 1));
    total += wait_for(pid) + (byte == 'x');
  }
  CHECK(total);
  CHECK(posix_spawn(&(pid_t){0}, "/no/such/program", &actions, NULL, argv, environ));
  posix_spawn_file_actions_destroy(&actions);
}

// All children at once, reaped in any order; a signal among them.
static void crowd(void) {
  pid_t pids[ROUNDS];
  int codes = 0, killed = 0, status;
  for (int i = 0; i < ROUNDS; i++) pids[i] = vfork_exec(i % 4 == 3 ? "die" : "exit", "1");
  for (int i = 0; i < ROUNDS; i++) {
    MUST(wait(&status));
    if (WIFEXITED(status)) codes += WEXITSTATUS(status);
    else killed += WTERMSIG(status) == SIGKILL;
  }
  CHECK(codes);
  CHECK(killed);
  CHECK(wait(&status));
  CHECK(kill(pids[0], 0));
}

// Storming threads end with the image: exec by one of them.
static void replaced(void) {
  IN_CHILD("exec amid a storm", {
    pthread_t thread;
    for (long i = 0; i < THREADS; i++) MUST(-pthread_create(&thread, NULL, storming, (void *)i));
    while (sum[1] == 0) sched_yield();
    char *argv[] = {"storm", "exit", "33", NULL};
    execve(self, argv, environ);
  });
}

// Each generation starts the next one.
static int generation(int left) {
  char text[16];
  if (left == 0) return 5;
  snprintf(text, sizeof text, "%d", left - 1);
  return wait_for(vfork_exec("generation", text)) + 1;
}

int guest(int argc, char **argv) {
  if (argc == 3) {
    if (strcmp(argv[1], "exit") == 0) _exit(atoi(argv[2]));
    if (strcmp(argv[1], "die") == 0) kill(getpid(), SIGKILL);
    if (strcmp(argv[1], "say") == 0) _exit(write(1, argv[2], 1) - 1);
    if (strcmp(argv[1], "generation") == 0) _exit(generation(atoi(argv[2])));
  }
  one();
  many();
  spawned();
  crowd();
  replaced();
  CHECK(generation(20));
  return 0;
}

// guest: args 1
// ptrace(2) with requests and arguments of all kinds, at processes that fork, exec, signal themselves and wait: whoever answers must live on.
#include "../guest.h"
#include <sys/prctl.h>
#include <sys/ptrace.h>

static const long requests[] = {1,      2,      3,      4,      5,      6,      7,      9,      12,     13,     14,     15,     16,     17,
                                18,     19,     24,     30,     31,     32,     33,     0x4200, 0x4201, 0x4202, 0x4203, 0x4204, 0x4205, 0x4206,
                                0x4207, 0x4208, 0x4209, 0x420a, 0x420b, 0x420c, 0x420d, 0x420e, 0x420f, 0x4210, 0x4211, 0x4212, 8};
#define REQUESTS (int)(sizeof requests / sizeof *requests)
#define ROUNDS 40
static char buffer[1 << 16];

static long value(void) {
  switch (rand() % 10) {
  case 0: return 0;
  case 1: return rand() % 16;
  case 2: return -1;
  case 3: return (long)buffer + rand() % 4096;
  case 4: return 1L << (rand() % 64);
  case 5: return rand();
  case 6: return (long)buffer;
  case 7: return rand() % 912;
  case 8: return 0x200 + rand() % 4;
  default: return rand() % 130;
  }
}

static void one(pid_t pid) {
  if (pid == 0) _exit(0);
  waitpid(pid, NULL, __WALL);
}

static void victim(int seed) {
  alarm(2);
  // What a spoilt victim has to say differs.
  close(1), close(2);
  for (volatile int i = 0;; i++) {
    switch ((seed + i) % 7) {
    case 0: getppid(); break;
    case 1: one(fork()); break;
    case 2: raise(SIGUSR1); break;
    case 3: one(vfork()); break;
    case 4: one(syscall(SYS_clone, 0, 0, 0, 0, 0)); break;
    case 5:
      if (i % 50 == 0) execl("/proc/self/exe", "victim", "victim", NULL);
      break;
    default: usleep(10);
    }
  }
}

static void attack(pid_t pid) {
  pid_t target = pid;
  for (int i = 0; i < 150; i++) {
    int status;
    pid_t got = waitpid(-1, &status, __WALL | WNOHANG);
    if (got > 0 && WIFSTOPPED(status)) target = got;
    // PTRACE_KILL is the last, and rare.
    long request = requests[rand() % (REQUESTS - (rand() % 20 ? 1 : 0))];
    syscall(SYS_ptrace, request, target, value(), value());
    if (rand() % 3 == 0) syscall(SYS_ptrace, rand() % 2 ? PTRACE_CONT : PTRACE_SYSCALL, target, 0, rand() % 4 ? 0 : rand() % 65);
    if (rand() % 20 == 0) kill(target, rand() % 65);
    if (rand() % 30 == 0) usleep(100);
  }
}

int guest(int argc, char **argv) {
  signal(SIGUSR1, SIG_IGN);
  if (argc > 1 && strcmp(argv[1], "victim") == 0) victim(rand());
  srand(argc > 1 ? atoi(argv[1]) : 1);
  for (size_t i = 0; i < sizeof buffer; i++) buffer[i] = rand();
  int survived = 0;
  for (int round = 0; round < ROUNDS; round++) {
    fflush(stdout);
    pid_t pid = MUST(fork());
    if (pid == 0) {
      if (round % 3 == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
      }
      victim(round);
    }
    if (round % 2) syscall(SYS_ptrace, PTRACE_SEIZE, pid, 0, (long)(rand() & 0xff));
    attack(pid);
    kill(pid, SIGKILL);
    int status;
    // Everybody's end, out of whatever stop; who listens (PTRACE_LISTEN) is left to its alarm.
    for (int tries = 0; tries < 200; tries++) {
      pid_t got = waitpid(-1, &status, __WALL | WNOHANG);
      if (got < 0) break;
      if (got == 0) usleep(50);
      else if (WIFSTOPPED(status)) kill(got, SIGKILL);
    }
    survived++;
  }
  printf("%d rounds of %d\n", survived, ROUNDS);
  return 0;
}

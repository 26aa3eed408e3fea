// Calls that sleep, made from places that were used often: interrupted, restarted and taken up again as Linux does; and the state of the
// processor across signal handlers, vfork and new threads that begin in such a call.
#include "site.h"
#include <pthread.h>
#include <sys/wait.h>

SITE_EAX(do_read, 0);
SITE_EAX(do_nanosleep, 35);
SITE_EAX(do_pause, 34);
SITE_EAX(do_kill, 62);
SITE_EAX(do_sigprocmask, 14);
SITE_EAX(do_gettid, 186);

static int handled;
static unsigned long seen;
static void on_signal(int signo, siginfo_t *info, void *context) {
  (void)signo, (void)info;
  seen = (unsigned long)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
  handled++;
  asm volatile("pxor %%xmm7, %%xmm7\n pxor %%xmm15, %%xmm15" ::: "xmm7", "xmm15");
}

static void catch(int flags) {
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | flags};
  MUST(sigaction(SIGUSR1, &action, NULL));
  handled = 0;
}

static pid_t poke(int signo, int times, int fd) {
  pid_t target = getpid();
  pid_t child = MUST(fork());
  if (child != 0) return child;
  for (int i = 0; i < times; i++) {
    sleep_ms(30);
    kill(target, signo);
  }
  sleep_ms(30);
  if (fd >= 0) write(fd, "x", 1);
  _exit(0);
}

static void reads(void) {
  int fds[2];
  char byte;
  MUST(pipe(fds));
  for (int i = 0; i < OFTEN; i++) {
    MUST(write(fds[1], "a", 1));
    if (do_read(fds[0], (long)&byte, 1) != 1) printf("read failed\n");
  }
  catch(SA_RESTART);
  pid_t child = poke(SIGUSR1, 3, fds[1]);
  long result = do_read(fds[0], (long)&byte, 1);
  printf("read restarted: %ld, handled: %d\n", result, handled > 0);
  TRUE(in_text(seen) && seen - (unsigned long)do_read < 8);
  MUST(waitpid(child, NULL, 0));
  catch(0);
  child = poke(SIGUSR1, 1, -1);
  result = do_read(fds[0], (long)&byte, 1);
  printf("read interrupted: %ld, %d handled\n", result, handled);
  TRUE(seen - (unsigned long)do_read == 7);
  MUST(waitpid(child, NULL, 0));
}

static void sleeps(void) {
  struct timespec none = {0, 1000};
  for (int i = 0; i < OFTEN; i++) do_nanosleep((long)&none, 0, 0);
  struct timespec some = {0, 200000000};
  struct timespec rest = {9, 9};
  catch(SA_RESTART);
  pid_t child = poke(SIGUSR1, 1, -1);
  printf("nanosleep interrupted: %ld\n", do_nanosleep((long)&some, (long)&rest, 0));
  TRUE(rest.tv_sec == 0 && rest.tv_nsec > 0 && rest.tv_nsec < 200000000);
  MUST(waitpid(child, NULL, 0));
  // Stopped and continued: taken up again.
  child = MUST(fork());
  if (child == 0) {
    struct timespec t = {0, 150000000};
    _exit(do_nanosleep((long)&t, 0, 0) == 0 ? 11 : 12);
  }
  sleep_ms(40);
  MUST(kill(child, SIGSTOP));
  int status;
  MUST(waitpid(child, &status, WUNTRACED));
  print_status("sleeper", status);
  MUST(kill(child, SIGCONT));
  MUST(waitpid(child, &status, 0));
  print_status("sleeper", status);
}

// The extended state of the caller survives a handler that is entered from the call itself.
static void state(void) {
  catch(0);
  long wrong = 0;
  for (int i = 0; i < OFTEN; i++) {
    uint64_t before[2] = {0x1111111111111111UL * (unsigned)(i % 15), (unsigned)i};
    uint64_t after[2];
    long result;
    asm volatile(
        "movdqu %2, %%xmm7\n movdqu %2, %%xmm15\n"
        "call do_kill\n"
        "paddq %%xmm15, %%xmm7\n movdqu %%xmm7, %1\n"
        : "=a"(result), "=m"(after)
        : "m"(before), "D"((long)getpid()), "S"((long)SIGUSR1), "d"(0L)
        : "rcx", "r8", "r9", "r10", "r11", "memory", "xmm7", "xmm15");
    wrong += result != 0 || after[0] != 2 * before[0] || after[1] != 2 * before[1];
  }
  printf("state across handlers: %ld wrong, %d handled\n", wrong, handled);
  TRUE(seen - (unsigned long)do_kill == 7);
}

static void *thread(void *argument) {
  long wrong = 0;
  for (int i = 0; i < OFTEN; i++) wrong += do_gettid(0, 0, 0) <= 0;
  *(long *)argument += wrong;
  return NULL;
}

__attribute__((noinline)) static int exit_of_vforked(void) {
  pid_t child = vfork();
  if (child == 0) _exit(do_gettid(0, 0, 0) > 0 ? 3 : 4);
  int status;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void families(void) {
  long wrong = 0;
  for (int i = 0; i < OFTEN; i++) wrong += exit_of_vforked() != 3;
  printf("vfork: %ld wrong\n", wrong);
  for (int i = 0; i < 20; i++) {
    pthread_t threads[3];
    for (int k = 0; k < 3; k++) pthread_create(&threads[k], NULL, thread, &wrong);
    for (int k = 0; k < 3; k++) pthread_join(threads[k], NULL);
  }
  printf("threads: %ld wrong\n", wrong);
  // Signals that become deliverable in the call that unblocks them.
  catch(0);
  uint64_t set = 1UL << (SIGUSR1 - 1);
  for (int i = 0; i < OFTEN; i++) {
    asm volatile("mov $8, %%r10d\n call do_sigprocmask" : : "D"(0L), "S"(&set), "d"(0L) : "rax", "rcx", "r10", "r11", "memory");
    raise(SIGUSR1);
    asm volatile("mov $8, %%r10d\n call do_sigprocmask" : : "D"(1L), "S"(&set), "d"(0L) : "rax", "rcx", "r10", "r11", "memory");
  }
  printf("unblocked: %d handled\n", handled);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  reads();
  sleeps();
  state();
  families();
  return 0;
}

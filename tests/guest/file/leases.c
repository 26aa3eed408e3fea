// fcntl(2) leases: who may take one, what breaks it (open, truncate), the signal and its siginfo, downgrade, non-blocking opens.
#include "../guest.h"
#include <poll.h>

static volatile int signals, last_code, last_fd, last_signal;
static volatile long last_band;

static void on_signal(int s, siginfo_t *i, void *c) {
  (void)c;
  signals++;
  last_signal = s;
  last_code = i->si_code;
  last_fd = i->si_fd;
  last_band = i->si_band;
}

static void handle(int s) {
  struct sigaction a = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
  sigaction(s, &a, NULL);
}

// Until `n` signals have come, at most ten seconds.
static void await(int n) {
  for (int i = 0; i < 1000 && signals < n; i++) sleep_ms(10);
}

static pid_t opener(const char *what, const char *path, int flags) {
  puts(what);
  fflush(stdout);
  pid_t child = MUST(fork());
  if (child != 0) return child;
  for (int i = 3; i < 20; i++) close(i);
  int fd = flags == -1 ? truncate(path, 3) : open(path, flags, 0644);
  _exit(fd < 0 ? errno : 0);
}

static void join(pid_t child) {
  int status;
  MUST(waitpid(child, &status, 0));
  print_status("opener", status);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  scratch();
  put_file("f", "0123456789");
  handle(SIGIO);
  handle(SIGRTMIN + 1);
  int rd = MUST(open("f", O_RDONLY));
  CHECK(fcntl(rd, F_GETLEASE));
  CHECK(fcntl(rd, F_SETLEASE, F_UNLCK));
  CHECK(fcntl(rd, F_SETLEASE, 77));
  CHECK(fcntl(rd, F_SETLEASE, F_RDLCK));
  CHECK(fcntl(rd, F_GETLEASE));
  CHECK(fcntl(rd, F_SETLEASE, F_WRLCK));
  CHECK(fcntl(rd, F_GETLEASE));
  CHECK(fcntl(rd, F_SETLEASE, F_RDLCK));
  TRUE(fcntl(rd, F_GETOWN) == getpid());
  int rd2 = MUST(open("f", O_RDONLY));
  CHECK(fcntl(rd2, F_SETLEASE, F_WRLCK));
  CHECK(fcntl(rd2, F_SETLEASE, F_RDLCK));
  CHECK(fcntl(rd, F_SETLEASE, F_WRLCK));
  CHECK(fcntl(rd2, F_SETLEASE, F_UNLCK));
  CHECK(fcntl(rd2, F_GETLEASE));
  close(rd2);
  CHECK(signals);

  // Reading does not break a read lease; writing does.
  pid_t child = opener("read", "f", O_RDONLY);
  join(child);
  CHECK(signals);
  CHECK(open("f", O_WRONLY | O_NONBLOCK));
  await(1);
  CHECK(signals);
  TRUE(last_signal == SIGIO && last_code == SI_KERNEL);
  CHECK(fcntl(rd, F_GETLEASE));
  child = opener("write", "f", O_WRONLY);
  sleep_ms(50);
  CHECK(waitpid(child, NULL, WNOHANG));
  CHECK(fcntl(rd, F_SETLEASE, F_UNLCK));
  join(child);
  CHECK(fcntl(rd, F_GETLEASE));
  CHECK(fcntl(rd, F_GETOWN));

  // A write lease is broken by a reader into a read lease; the signal names the descriptor.
  CHECK(fcntl(rd, F_SETSIG, SIGRTMIN + 1));
  CHECK(fcntl(rd, F_SETLEASE, F_WRLCK));
  child = opener("read", "f", O_RDONLY);
  await(2);
  TRUE(last_signal == SIGRTMIN + 1 && last_code == POLL_MSG && last_fd == rd);
  TRUE(last_band == (POLLIN | POLLRDNORM | POLLMSG));
  CHECK(fcntl(rd, F_GETLEASE) == F_RDLCK);
  CHECK(fcntl(rd, F_SETLEASE, F_RDLCK));
  join(child);
  CHECK(fcntl(rd, F_GETLEASE));
  child = opener("truncate", "f", -1);
  await(3);
  CHECK(fcntl(rd, F_GETLEASE));
  CHECK(fcntl(rd, F_SETLEASE, F_UNLCK));
  join(child);
  CHECK(fcntl(rd, F_GETSIG));

  // O_TRUNC, a create that finds the file, and the lease that ends with its descriptor.
  CHECK(fcntl(rd, F_SETLEASE, F_RDLCK));
  child = opener("create", "f", O_CREAT | O_TRUNC | O_WRONLY);
  for (int i = 0; i < 1000 && fcntl(rd, F_GETLEASE) == F_RDLCK; i++) sleep_ms(10);
  close(rd);
  join(child);

  // Others that have it open stand in the way.
  rd = MUST(open("f", O_RDONLY));
  int wr = MUST(open("f", O_RDWR));
  CHECK(fcntl(rd, F_SETLEASE, F_RDLCK));
  CHECK(fcntl(rd, F_SETLEASE, F_WRLCK));
  CHECK(fcntl(wr, F_SETLEASE, F_RDLCK));
  CHECK(fcntl(wr, F_SETLEASE, F_WRLCK));
  close(rd);
  CHECK(fcntl(wr, F_SETLEASE, F_WRLCK));
  int path = MUST(open("f", O_PATH));
  CHECK(fcntl(path, F_GETLEASE));
  close(wr);
  CHECK(fcntl(path, F_SETLEASE, F_RDLCK));
  CHECK(mkfifo("fifo", 0600));
  int fifo = MUST(open("fifo", O_RDWR));
  CHECK(fcntl(fifo, F_SETLEASE, F_RDLCK));
  if (getuid() != 0) {
    int other = MUST(open("/etc/passwd", O_RDONLY));
    CHECK(fcntl(other, F_SETLEASE, F_RDLCK));
  } else {
    puts("root may");
  }
  // A waiting opener is cut short by a signal.
  rd = MUST(open("f", O_RDONLY));
  CHECK(fcntl(rd, F_SETLEASE, F_RDLCK));
  fflush(stdout);
  child = MUST(fork());
  if (child == 0) {
    struct sigaction a = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    sigaction(SIGALRM, &a, NULL);
    struct itimerval it = {{0, 50000}, {0, 50000}};
    setitimer(ITIMER_REAL, &it, NULL);
    CHECK(open("f", O_WRONLY));
    fflush(stdout);
    _exit(0);
  }
  join(child);
  return 0;
}

// SO_LINGER with a time (socket(7)): close(2) waits until the peer has acknowledged everything, the time is over or a signal comes; and
// which calls and ends do not wait.
#include "../guest.h"
#include <pthread.h>
#include "net.h"

static void linger(int fd, int on, int seconds) {
  struct linger l = {on, seconds};
  MUST(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l));
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

// A connection whose peer, pair[1], has no room left and is sent more.
static void stuffed_pair(int pair[2]) {
  static char block[65536];
  tcp_pair(pair);
  int small = 65536;
  MUST(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small));
  while (send(pair[0], block, sizeof block, MSG_DONTWAIT) > 0) {
  }
}

static void drain(int fd) {
  static char block[65536];
  while (read(fd, block, sizeof block) > 0) {
  }
}

#define TIMED(least, most, call) \
  do { \
    double before_ = now(); \
    errno = 0; \
    long result_ = (call); \
    double took_ = now() - before_; \
    report(#call, result_); \
    if (took_ < (least)) printf("  came back after %.3f s\n", took_); \
    if (took_ > (most)) printf("  came back only after %.3f s\n", took_); \
  } while (0)

static void *drain_later(void *argument) {
  sleep_ms(300);
  drain(*(int *)argument);
  return NULL;
}

static void nothing_to_wait_for(void) {
  int pair[2];
  tcp_pair(pair);
  linger(pair[0], 1, 30);
  TIMED(0, 20, close(pair[0]));
  close(pair[1]);
  int fresh = MUST(socket(AF_INET, SOCK_STREAM, 0));
  linger(fresh, 1, 30);
  TIMED(0, 20, close(fresh));
  int listener = server4(SOCK_STREAM, 1);
  linger(listener, 1, 30);
  TIMED(0, 20, close(listener));
  int datagrams = server4(SOCK_DGRAM, 1);
  linger(datagrams, 1, 30);
  TIMED(0, 20, close(datagrams));
}

static void times_out(void) {
  int pair[2];
  stuffed_pair(pair);
  linger(pair[0], 1, 1);
  TIMED(0.9, 20, close(pair[0]));
  // Nothing is lost: what was sent comes, and then the end.
  drain(pair[1]);
  CHECK(int_option(pair[1], SOL_SOCKET, SO_ERROR));
  close(pair[1]);
  puts("without blocking");
  stuffed_pair(pair);
  linger(pair[0], 1, 1);
  MUST(fcntl(pair[0], F_SETFL, O_NONBLOCK));
  TIMED(0.9, 20, close(pair[0]));
  close(pair[1]);
}

static void peer_reads(void) {
  int pair[2];
  pthread_t thread;
  stuffed_pair(pair);
  linger(pair[0], 1, 60);
  MUST(pthread_create(&thread, NULL, drain_later, &pair[1]));
  TIMED(0.2, 40, close(pair[0]));
  pthread_join(thread, NULL);
  close(pair[1]);
}

static void *close_later(void *argument) {
  sleep_ms(300);
  close(*(int *)argument);
  return NULL;
}

// Unread bytes of the peer make its end a reset: no more to wait for.
static void peer_resets(void) {
  int pair[2];
  pthread_t thread;
  stuffed_pair(pair);
  linger(pair[0], 1, 60);
  MUST(pthread_create(&thread, NULL, close_later, &pair[1]));
  TIMED(0.2, 40, close(pair[0]));
  pthread_join(thread, NULL);
}

static volatile int alarms;
static void on_alarm(int s) { (void)s, alarms++; }

static void signals(void) {
  int pair[2];
  struct sigaction act = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
  MUST(sigaction(SIGALRM, &act, NULL));
  stuffed_pair(pair);
  linger(pair[0], 1, 60);
  struct itimerval in = {.it_value = {.tv_usec = 300000}};
  MUST(setitimer(ITIMER_REAL, &in, NULL));
  TIMED(0.2, 40, close(pair[0]));
  CHECK(alarms);
  CHECK(fcntl(pair[0], F_GETFD));
  close(pair[1]);
}

static void other_closes(void) {
  int pair[2];
  puts("dup2");
  stuffed_pair(pair);
  linger(pair[0], 1, 1);
  int other = MUST(open("/dev/null", O_RDONLY));
  TIMED(0.9, 20, dup2(other, pair[0]) == pair[0]);
  close(pair[1]);
  puts("close_range");
  stuffed_pair(pair);
  linger(pair[0], 1, 1);
  TIMED(0.9, 20, close_range(pair[0], pair[0], 0));
  close(pair[1]);
  puts("not the last descriptor");
  stuffed_pair(pair);
  linger(pair[0], 1, 1);
  int copy = MUST(dup(pair[0]));
  TIMED(0, 0.8, close(pair[0]));
  TIMED(0.9, 20, close(copy));
  close(pair[1]);
  puts("two at once");
  int second[2];
  stuffed_pair(pair);
  stuffed_pair(second);
  linger(pair[0], 1, 1);
  linger(second[0], 1, 1);
  MUST(dup2(pair[0], 500));
  MUST(dup2(second[0], 501));
  close(pair[0]);
  close(second[0]);
  TIMED(1.8, 20, close_range(500, 501, 0));
  close(pair[1]);
  close(second[1]);
}

static void half_closed(void) {
  int pair[2];
  puts("after shutdown");
  stuffed_pair(pair);
  linger(pair[0], 1, 1);
  TIMED(0, 0.8, shutdown(pair[0], SHUT_WR));
  TIMED(0.9, 20, close(pair[0]));
  close(pair[1]);
  puts("the peer has finished");
  stuffed_pair(pair);
  linger(pair[0], 1, 1);
  MUST(shutdown(pair[1], SHUT_WR));
  char byte;
  CHECK(read(pair[0], &byte, 1));
  TIMED(0.9, 20, close(pair[0]));
  close(pair[1]);
}

static void ends_of_processes(void) {
  int pair[2];
  double before = now();
  stuffed_pair(pair);
  linger(pair[0], 1, 60);
  fflush(stdout);
  pid_t child = MUST(fork());
  if (child == 0) {
    close(pair[1]);
    sleep_ms(200);
    _exit(7);
  }
  close(pair[0]);
  int status;
  MUST(waitpid(child, &status, 0));
  print_status("holder of the last descriptor", status);
  TRUE(now() - before < 50);
  drain(pair[1]);
  CHECK(int_option(pair[1], SOL_SOCKET, SO_ERROR));
  close(pair[1]);
  puts("killed while it closes");
  stuffed_pair(pair);
  linger(pair[0], 1, 60);
  before = now();
  int closed[2];
  MUST(pipe(closed));
  child = MUST(fork());
  if (child == 0) {
    char byte;
    close(pair[1]);
    read(closed[0], &byte, 1);
    close(pair[0]);
    _exit(7);
  }
  close(pair[0]);
  MUST(write(closed[1], "x", 1));
  sleep_ms(300);
  kill(child, SIGKILL);
  MUST(waitpid(child, &status, 0));
  print_status("killed", status);
  TRUE(now() - before < 50);
  close(pair[1]);
}

static void resets(void) {
  int pair[2];
  char byte;
  tcp_pair(pair);
  linger(pair[0], 1, 0);
  MUST(write(pair[0], "x", 1));
  TIMED(0, 20, close(pair[0]));
  await("reset", pair[1], POLLERR);
  CHECK(read(pair[1], &byte, 1));
  CHECK(read(pair[1], &byte, 1));
  close(pair[1]);
  puts("shutdown first");
  tcp_pair(pair);
  linger(pair[0], 1, 0);
  MUST(shutdown(pair[0], SHUT_WR));
  await("end", pair[1], POLLIN);
  CHECK(read(pair[1], &byte, 1));
  TIMED(0, 20, close(pair[0]));
  await("reset", pair[1], POLLERR);
  CHECK(read(pair[1], &byte, 1));
  close(pair[1]);
  puts("switched off again");
  tcp_pair(pair);
  linger(pair[0], 1, 0);
  linger(pair[0], 0, 0);
  TIMED(0, 20, close(pair[0]));
  await("end", pair[1], POLLIN);
  CHECK(read(pair[1], &byte, 1));
  close(pair[1]);
  puts("a process ends");
  tcp_pair(pair);
  linger(pair[0], 1, 0);
  IN_CHILD("child", close(pair[1]));
  fflush(stdout);
  pid_t child = MUST(fork());
  if (child == 0) {
    sleep_ms(100);
    _exit(0);
  }
  close(pair[0]);
  await("reset", pair[1], POLLERR);
  CHECK(read(pair[1], &byte, 1));
  waitpid(child, NULL, 0);
  close(pair[1]);
}

static void values(void) {
  int fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
  static const int seconds[] = {0, 1, 32767, 65536, 2147483647};
  static const int on[] = {0, 1, -1, 77};
  struct linger l;
  for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++)
    for (size_t k = 0; k < sizeof on / sizeof *on; k++) {
      l = (struct linger){on[k], seconds[i]};
      socklen_t size = sizeof l;
      int set = setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
      getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &size);
      printf("%d %d: %d, %d %d\n", on[k], seconds[i], set, l.l_onoff, l.l_linger);
    }
  CHECK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, 7));
  socklen_t size = 4;
  CHECK(getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &size));
  CHECK(size);
  close(fd);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  nothing_to_wait_for();
  times_out();
  peer_reads();
  peer_resets();
  signals();
  other_closes();
  half_closed();
  ends_of_processes();
  resets();
  values();
  return 0;
}

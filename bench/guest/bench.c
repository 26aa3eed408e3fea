// Micro benchmarks that time themselves: `bench NAME [ARG]` prints nanoseconds per operation as one number.
#define _GNU_SOURCE
#include <dirent.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static void must(int ok, const char *what) {
  if (ok) return;
  perror(what);
  exit(1);
}

static char path[4096];
static int file = -1;

static void make_path(const char *dir, const char *name) {
  snprintf(path, sizeof path, "%s/%s", dir, name);
}

static void make_file(const char *dir, size_t size) {
  make_path(dir, "bench-file");
  file = open(path, O_CREAT | O_RDWR | O_TRUNC, 0644);
  must(file >= 0, path);
  char page[4096] = {1};
  for (size_t done = 0; done < size; done += sizeof page) must(write(file, page, sizeof page) == sizeof page, "write");
}

static void op_getpid(long i) { (void)i; syscall(SYS_getpid); }

static void on_trap(int signal) { (void)signal; }

// From here on getpid ends in a signal, by two filters as in a stub: what the host takes for that, and for the way back.
static void trap_getpid(void) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpid, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof code / sizeof *code, code};
  signal(SIGSYS, on_trap);
  must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
  for (int i = 0; i < 2; i++)
    must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program) == 0, "seccomp");
}

static void op_clock(long i) {
  (void)i;
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
}

static void op_open(long i) {
  (void)i;
  int fd = open(path, O_RDONLY);
  must(fd >= 0, path);
  close(fd);
}

static void op_stat(long i) {
  struct stat st;
  char name[32];
  snprintf(name, sizeof name, "s%ld", i % 1000);
  must(fstatat(file, name, &st, 0) == 0, name);
}

static void op_pread(long i) {
  char page[4096];
  must(pread(file, page, sizeof page, (i % 256) * 4096) == sizeof page, "pread");
}

static void op_alloc(long i) {
  (void)i;
  char *p = mmap(0, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  must(p != MAP_FAILED, "mmap");
  for (int j = 0; j < 65536; j += 4096) p[j] = 1;
  munmap(p, 65536);
}

static void op_touch(long i) {
  (void)i;
  size_t size = 1UL << 30;
  char *p = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  must(p != MAP_FAILED, "mmap");
  for (size_t j = 0; j < size; j += 4096) p[j] = 1;
  munmap(p, size);
}

// As sysbench's memory test: blocks of 1 MiB over a buffer that no cache holds, written and read.
static void op_bandwidth(long i) {
  enum { BLOCK = 1 << 20, BLOCKS = 128 };
  static char *buffer;
  static volatile unsigned long sum;
  if (buffer == 0) {
    buffer = mmap(0, (size_t)BLOCK * BLOCKS, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(buffer != MAP_FAILED, "mmap");
    memset(buffer, 1, (size_t)BLOCK * BLOCKS);
  }
  unsigned long *words = (unsigned long *)(buffer + (size_t)(i % BLOCKS) * BLOCK), total = 0;
  memset(words, (int)i, BLOCK);
  for (size_t j = 0; j < BLOCK / sizeof *words; j++) total += words[j];
  sum += total;
}

// As sysbench's cpu test: the primes up to 10,000 by division.
static void op_prime(long i) {
  static volatile long found;
  (void)i;
  for (long c = 3; c < 10000; c++) {
    long t = 2;
    while (t * t <= c && c % t != 0) t++;
    if (t * t > c) found++;
  }
}

// fork(2) of a process with much memory; the child ends at once.
static void op_fork_large(long i) {
  (void)i;
  pid_t pid = fork();
  must(pid >= 0, "fork");
  if (pid == 0) _exit(0);
  int status;
  must(waitpid(pid, &status, 0) == pid && status == 0, "child");
}

static const char *self;

static void op_fork_exec(long i) {
  (void)i;
  pid_t pid = fork();
  must(pid >= 0, "fork");
  if (pid == 0) {
    execl(self, self, "true", (char *)0);
    _exit(127);
  }
  int status;
  must(waitpid(pid, &status, 0) == pid && status == 0, "child");
}

static void op_readdir(long i) {
  (void)i;
  DIR *dir = opendir(path);
  must(dir != 0, path);
  int n = 0;
  while (readdir(dir)) n++;
  must(n == 20002, "count");
  closedir(dir);
}

static int there[2], back[2];

static void op_pipe(long i) {
  (void)i;
  char c = 1;
  must(write(there[1], &c, 1) == 1 && read(back[0], &c, 1) == 1, "ping");
}

static void start_pong(void) {
  must(pipe(there) == 0 && pipe(back) == 0, "pipe");
  if (fork()) {
    close(there[0]);
    close(back[1]);
    return;
  }
  close(there[1]);
  char c;
  while (read(there[0], &c, 1) == 1) must(write(back[1], &c, 1) == 1, "pong");
  _exit(0);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long counter, each;

static void *contend(void *unused) {
  for (long i = 0; i < each; i++) {
    pthread_mutex_lock(&lock);
    for (volatile int j = 0; j < 50; j++) {
    }
    counter++;
    pthread_mutex_unlock(&lock);
  }
  return unused;
}

static double call_until;
static _Atomic long calls;

static void *call(void *unused) {
  long made = 0;
  for (; now() < call_until; made += 256)
    for (int i = 0; i < 256; i++) syscall(SYS_getpid);
  calls += made;
  return unused;
}

// As long as what one thread repeats.
static double call_together(int threads) {
  pthread_t ids[64];
  double start = now();
  call_until = start + 0.3e9;
  for (int i = 0; i < threads; i++) must(pthread_create(&ids[i], 0, call, 0) == 0, "thread");
  for (int i = 0; i < threads; i++) pthread_join(ids[i], 0);
  return (now() - start) / calls;
}

static double together(void *(*work)(void *), int threads, long total) {
  pthread_t ids[64];
  each = total / threads;
  double start = now();
  for (int i = 0; i < threads; i++) must(pthread_create(&ids[i], 0, work, 0) == 0, "thread");
  for (int i = 0; i < threads; i++) pthread_join(ids[i], 0);
  return (now() - start) / (each * threads);
}

// Repeats until `seconds` have passed or `most` is reached; doubling batches keep the clock out of the figure.
static double repeat(void (*op)(long), double seconds, long most) {
  long total = 0, batch = 1;
  double start = now(), spent = 0;
  while (spent < seconds * 1e9 && total < most) {
    for (long i = 0; i < batch && total < most; i++) op(total++);
    spent = now() - start;
    if (batch < 1024) batch *= 2;
  }
  return spent / total;
}

// A client of an HTTP server on loopback that keeps its connections: one request after the other on each.
#define MOST_CONNECTIONS 64
static char answer[1 << 17];
static long missing[MOST_CONNECTIONS];

static void ask(int fd) {
  static const char request[] = "GET /file HTTP/1.1\r\nHost: localhost\r\n\r\n";
  must(write(fd, request, sizeof request - 1) == sizeof request - 1, "request");
}

// True when the answer is complete. Its head comes in one piece.
static int take(int fd, long *left) {
  ssize_t n = read(fd, answer, sizeof answer - 1);
  must(n > 0, "answer");
  if (*left == 0) {
    answer[n] = 0;
    char *length = strstr(answer, "Content-Length: "), *body = strstr(answer, "\r\n\r\n");
    must(length != 0 && body != 0, "head");
    *left = atol(length + 16) + (body + 4 - answer);
  }
  return (*left -= n) == 0;
}

// `PORT,CONNECTIONS,REQUESTS`
static double http(char *arg) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(strtok(arg, ",")))};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int count = atoi(strtok(0, ","));
  long requests = atol(strtok(0, ",")), asked = 0, done = 0;
  struct pollfd fds[MOST_CONNECTIONS];
  for (int i = 0; i < count; i++) {
    fds[i] = (struct pollfd){.fd = socket(AF_INET, SOCK_STREAM, 0), .events = POLLIN};
    must(connect(fds[i].fd, (struct sockaddr *)&to, sizeof to) == 0, "connect");
  }
  double start = now();
  for (int i = 0; i < count; i++, asked++) ask(fds[i].fd);
  while (done < requests) {
    must(poll(fds, count, -1) > 0, "poll");
    for (int i = 0; i < count; i++) {
      if (!(fds[i].revents & POLLIN) || !take(fds[i].fd, &missing[i])) continue;
      done++;
      if (asked < requests) asked++, ask(fds[i].fd);
    }
  }
  return (now() - start) / requests;
}

// timers.c
double timers(char *argument);

static double measure(const char *name, const char *arg) {
  if (!strcmp(name, "http")) return http(strdup(arg));
  if (!strcmp(name, "timer")) return timers(strdup(arg));
  if (!strcmp(name, "getpid")) return repeat(op_getpid, 0.3, 1L << 40);
  if (!strcmp(name, "trap")) {
    trap_getpid();
    return repeat(op_getpid, 0.3, 1L << 40);
  }
  if (!strcmp(name, "clock")) return repeat(op_clock, 0.3, 1L << 40);
  if (!strcmp(name, "alloc")) return repeat(op_alloc, 0.3, 1L << 40);
  if (!strcmp(name, "touch")) return repeat(op_touch, 1, 1);
  if (!strcmp(name, "prime")) return repeat(op_prime, 1, 1L << 40);
  if (!strcmp(name, "bandwidth")) {
    for (long i = 0; i < 128; i++) op_bandwidth(i);
    return repeat(op_bandwidth, 1, 1L << 40);
  }
  if (!strcmp(name, "fork-large")) {
    size_t size = 1UL << 30;
    char *p = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(p != MAP_FAILED, "mmap");
    for (size_t j = 0; j < size; j += 4096) p[j] = 1;
    return repeat(op_fork_large, 0.3, 1L << 40);
  }
  if (!strcmp(name, "fork-exec")) return repeat(op_fork_exec, 0.5, 200);
  if (!strcmp(name, "futex")) return together(contend, atoi(arg), 200000);
  if (!strcmp(name, "getpid-threads")) return call_together(atoi(arg));
  if (!strcmp(name, "pipe")) {
    start_pong();
    return repeat(op_pipe, 0.3, 1L << 40);
  }
  if (!strcmp(name, "open-close") || !strcmp(name, "small-read")) {
    make_file(arg, 1 << 20);
    double ns = repeat(name[0] == 'o' ? op_open : op_pread, 0.3, 1L << 40);
    unlink(path);
    return ns;
  }
  snprintf(path, sizeof path, "%s", arg);
  if (!strcmp(name, "readdir")) return repeat(op_readdir, 1, 5);
  if (!strcmp(name, "stat")) {
    file = open(arg, O_RDONLY | O_DIRECTORY);
    must(file >= 0, arg);
    for (long i = 0; i < 1000; i++) op_stat(i);
    return repeat(op_stat, 0.3, 1L << 40);
  }
  fprintf(stderr, "bench: unknown name %s\n", name);
  exit(2);
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  if (!strcmp(argv[1], "true")) return 0;
  self = argv[0];
  printf("%.2f\n", measure(argv[1], argc > 2 ? argv[2] : ""));
  return 0;
}

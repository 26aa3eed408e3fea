// Kernel AIO: io_setup, io_submit, io_getevents, io_pgetevents, io_cancel, io_destroy; files, vectors, poll, eventfd completion, errors.
#include "../guest.h"
#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/eventfd.h>

static long io_setup(unsigned n, aio_context_t *c) { return syscall(SYS_io_setup, n, c); }
static long io_destroy(aio_context_t c) { return syscall(SYS_io_destroy, c); }
static long io_submit(aio_context_t c, long n, struct iocb **v) { return syscall(SYS_io_submit, c, n, v); }
static long io_getevents(aio_context_t c, long min, long n, struct io_event *e, struct timespec *t) {
  return syscall(SYS_io_getevents, c, min, n, e, t);
}
static long io_pgetevents(aio_context_t c, long min, long n, struct io_event *e, struct timespec *t, void *sig) {
  return syscall(SYS_io_pgetevents, c, min, n, e, t, sig);
}
static long io_cancel(aio_context_t c, struct iocb *b, struct io_event *e) { return syscall(SYS_io_cancel, c, b, e); }

static struct iocb cb(int op, int fd, void *buf, long n, long off, long data) {
  struct iocb b = {.aio_data = data, .aio_lio_opcode = op, .aio_fildes = fd, .aio_buf = (long)buf, .aio_nbytes = n, .aio_offset = off};
  return b;
}

static long submit1(aio_context_t c, struct iocb *b) {
  struct iocb *v[1] = {b};
  return io_submit(c, 1, v);
}

static void drain(aio_context_t c, int want) {
  struct io_event e[8];
  for (int done = 0; done < want;) {
    long n = io_getevents(c, 1, 1, e, NULL);
    if (n != 1) {
      report("getevents", n);
      return;
    }
    // Poll tells more bits when the wake-up brought them.
    long long mask = e[0].data == 41 && e[0].res > 0 ? POLLIN : -1;
    printf("event data %lld res %lld res2 %lld\n", (long long)e[0].data, (long long)e[0].res & mask, (long long)e[0].res2);
    done++;
  }
}

static void nothing(int s) { (void)s; }

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  scratch();
  aio_context_t c = 0, dirty = 5;
  CHECK(io_setup(0, &c));
  CHECK(io_setup(8, &dirty));
  CHECK(io_setup(8, NULL));
  CHECK(io_setup(8, &c));
  TRUE(c != 0 && (c & 4095) == 0);
  // libaio and QEMU read the ring's head.
  struct ring { unsigned id, nr, head, tail, magic, compat, incompat, length; } *ring = (void *)c;
  TRUE(ring->magic == 0xa10a10a1 && ring->incompat == 0 && ring->length == 32 && ring->nr >= 8);
  int fd = MUST(open("f", O_CREAT | O_RDWR, 0644));
  char buf[64] = "", text[] = "hello, asynchronous world";
  struct iocb w = cb(IOCB_CMD_PWRITE, fd, text, strlen(text), 0, 11);
  CHECK(submit1(c, &w));
  drain(c, 1);
  struct iocb r = cb(IOCB_CMD_PREAD, fd, buf, 5, 7, 12);
  CHECK(submit1(c, &r));
  drain(c, 1);
  printf("read %.5s\n", buf);
  TRUE(ring->head == ring->tail);
  struct iovec iov[2] = {{buf, 3}, {buf + 10, 4}};
  struct iocb rv = cb(IOCB_CMD_PREADV, fd, iov, 2, 0, 13);
  CHECK(submit1(c, &rv));
  drain(c, 1);
  printf("readv %.3s %.4s\n", buf, buf + 10);
  struct iovec wov[2] = {{"ab", 2}, {"cde", 3}};
  struct iocb wv = cb(IOCB_CMD_PWRITEV, fd, wov, 2, 30, 14);
  CHECK(submit1(c, &wv));
  drain(c, 1);
  CHECK(lseek(fd, 0, SEEK_END));
  struct iocb s = cb(IOCB_CMD_FSYNC, fd, NULL, 0, 0, 15), ds = cb(IOCB_CMD_FDSYNC, fd, NULL, 0, 0, 16);
  struct iocb *two[2] = {&s, &ds};
  CHECK(io_submit(c, 2, two));
  struct io_event both[4];
  CHECK(io_getevents(c, 2, 4, both, NULL));
  TRUE(both[0].data + both[1].data == 31 && both[0].res == 0 && both[1].res == 0);
  TRUE(both[0].obj == (uintptr_t)&s || both[0].obj == (uintptr_t)&ds);

  // Errors at submission.
  struct iocb bad = cb(IOCB_CMD_PREAD, 99, buf, 5, 0, 0);
  CHECK(submit1(c, &bad));
  bad = cb(77, fd, buf, 5, 0, 0);
  CHECK(submit1(c, &bad));
  bad = cb(IOCB_CMD_NOOP, fd, buf, 5, 0, 0);
  CHECK(submit1(c, &bad));
  bad = cb(IOCB_CMD_PREAD, fd, buf, 5, 0, 0);
  bad.aio_reserved2 = 1;
  CHECK(submit1(c, &bad));
  bad.aio_reserved2 = 0;
  bad.aio_nbytes = -1;
  CHECK(submit1(c, &bad));
  bad = cb(IOCB_CMD_PREAD, fd, buf, 5, -1, 0);
  CHECK(submit1(c, &bad));
  bad = cb(IOCB_CMD_PREAD, fd, (void *)8, 5, 0, 21);
  report("bad buffer", submit1(c, &bad));
  drain(c, 1);
  bad = cb(IOCB_CMD_PREADV, fd, (void *)8, 2, 0, 22);
  CHECK(submit1(c, &bad));
  bad = cb(IOCB_CMD_PREAD, fd, buf, 5, 0, 0);
  bad.aio_flags = IOCB_FLAG_RESFD;
  bad.aio_resfd = fd;
  CHECK(submit1(c, &bad));
  bad.aio_resfd = 99;
  CHECK(submit1(c, &bad));
  bad.aio_flags = 64;
  report("unknown flag", submit1(c, &bad));
  drain(c, 1);
  bad = cb(IOCB_CMD_PREAD, fd, buf, 5, 0, 0);
  bad.aio_rw_flags = 0x4000;
  CHECK(submit1(c, &bad));
  int rd = MUST(open("f", O_RDONLY)), path = MUST(open("f", O_PATH));
  bad = cb(IOCB_CMD_PWRITE, rd, buf, 5, 0, 0);
  CHECK(submit1(c, &bad));
  bad = cb(IOCB_CMD_PREAD, path, buf, 5, 0, 0);
  CHECK(submit1(c, &bad));
  CHECK(io_submit(c, -1, two));
  CHECK(io_submit(c, 0, two));
  CHECK(io_submit(c + 4096, 1, two));
  CHECK(io_submit(c, 1, NULL));
  struct iocb *hole[2] = {&r, NULL};
  CHECK(io_submit(c, 2, hole));
  drain(c, 1);
  struct iocb *mixed[2] = {&r, &bad};
  CHECK(io_submit(c, 2, mixed));
  drain(c, 1);
  CHECK(io_getevents(c, -1, 1, both, NULL));
  CHECK(io_getevents(c, 3, 1, both, NULL));
  CHECK(io_getevents(c + 4096, 0, 1, both, NULL));
  struct timespec zero = {0, 0}, soon = {0, 20000000}, wrong = {0, 2000000000};
  CHECK(io_getevents(c, 1, 1, both, &zero));
  CHECK(io_getevents(c, 1, 1, both, &soon));
  CHECK(io_getevents(c, 1, 1, both, (void *)8));
  (void)wrong;
  CHECK(io_getevents(c, 0, 4, both, NULL));
  CHECK(submit1(c, &r));
  CHECK(io_getevents(c, 1, 1, (void *)8, NULL));
  CHECK(io_getevents(c, 1, 1, both, &soon));

  // Completion told by an eventfd.
  int ev = MUST(eventfd(0, 0));
  struct iocb re = cb(IOCB_CMD_PREAD, fd, buf, 5, 0, 31);
  re.aio_flags = IOCB_FLAG_RESFD;
  re.aio_resfd = ev;
  CHECK(submit1(c, &re));
  CHECK(submit1(c, &re));
  uint64_t count = 0;
  struct pollfd pe = {ev, POLLIN, 0};
  while (count < 2) {
    uint64_t one = 0;
    MUST(poll(&pe, 1, -1));
    MUST(read(ev, &one, 8));
    count += one;
  }
  printf("eventfd %d\n", (int)count);
  drain(c, 2);

  // Poll.
  int p[2];
  MUST(pipe(p));
  struct iocb pl = cb(IOCB_CMD_POLL, p[0], (void *)POLLIN, 0, 0, 41);
  CHECK(submit1(c, &pl));
  CHECK(io_getevents(c, 1, 1, both, &soon));
  MUST(write(p[1], "x", 1));
  drain(c, 1);
  CHECK(submit1(c, &pl));
  drain(c, 1);
  MUST(read(p[0], buf, 1));
  CHECK(submit1(c, &pl));
  struct io_event out;
  CHECK(io_cancel(c, &pl, &out));
  drain(c, 1);
  CHECK(io_cancel(c, &pl, &out));
  CHECK(io_cancel(c, &r, &out));
  CHECK(io_cancel(c, (void *)8, &out));
  CHECK(io_cancel(c + 4096, &pl, &out));
  bad = cb(IOCB_CMD_POLL, p[0], (void *)POLLIN, 5, 0, 0);
  CHECK(submit1(c, &bad));
  bad = cb(IOCB_CMD_POLL, p[0], (void *)0x12345678, 0, 0, 0);
  CHECK(submit1(c, &bad));
  pl = cb(IOCB_CMD_POLL, p[1], (void *)(POLLIN | POLLOUT), 0, 0, 42);
  CHECK(submit1(c, &pl));
  drain(c, 1);
  MUST(write(p[1], "pipe", 4));
  struct iocb pr = cb(IOCB_CMD_PREAD, p[0], buf, 64, 0, 43);
  CHECK(submit1(c, &pr));
  drain(c, 1);

  // A signal cuts the wait short; the mask of io_pgetevents holds for the wait.
  struct sigaction sa = {.sa_handler = nothing};
  sigaction(SIGALRM, &sa, NULL);
  struct itimerval it = {{0, 0}, {0, 30000}};
  setitimer(ITIMER_REAL, &it, NULL);
  CHECK(io_getevents(c, 1, 1, both, NULL));
  sigset_t set, old;
  sigemptyset(&set);
  sigaddset(&set, SIGALRM);
  sigprocmask(SIG_BLOCK, &set, &old);
  setitimer(ITIMER_REAL, &it, NULL);
  sigset_t none;
  sigemptyset(&none);
  struct { const sigset_t *s; size_t n; } sig = {&none, 8};
  CHECK(io_pgetevents(c, 1, 1, both, NULL, &sig));
  sig.n = 9;
  CHECK(io_pgetevents(c, 1, 1, both, &zero, &sig));
  CHECK(io_pgetevents(c, 0, 1, both, &zero, NULL));
  sigprocmask(SIG_SETMASK, &old, NULL);

  // A context belongs to its address space.
  IN_CHILD("child", {
    struct iocb *v[1] = {&r};
    CHECK(io_submit(c, 1, v));
    CHECK(io_destroy(c));
  });
  IN_CHILD("dies with a poll in flight", {
    aio_context_t mine = 0;
    CHECK(io_setup(4, &mine));
    struct iocb late = cb(IOCB_CMD_POLL, p[0], (void *)POLLIN, 0, 0, 1);
    CHECK(submit1(mine, &late));
  });
  CHECK(write(p[1], "y", 1));
  aio_context_t c2 = 0;
  CHECK(io_setup(1, &c2));
  TRUE(c2 != c);
  CHECK(io_destroy(c2));
  CHECK(io_destroy(c2));
  CHECK(io_destroy(c));
  CHECK(io_submit(c, 1, two));
  CHECK(io_setup(0x40000000, &c2));
  return 0;
}

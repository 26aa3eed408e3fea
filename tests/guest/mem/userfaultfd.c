// userfaultfd(2): missing pages, write protection, events of remap, remove and unmap, errors. A thread answers.
#include "../guest.h"
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>

static int uffd;
static char *area;
static const int PAGES = 8;

static int open_uffd(int flags) { return syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY | flags); }

static int api(int fd, uint64_t features) {
  struct uffdio_api a = {.api = UFFD_API, .features = features};
  return ioctl(fd, UFFDIO_API, &a);
}

static int watch(int fd, void *start, size_t length, int mode) {
  struct uffdio_register r = {.range = {(uintptr_t)start, length}, .mode = mode};
  int result = ioctl(fd, UFFDIO_REGISTER, &r);
  return result;
}

static int unwatch(int fd, void *start, size_t length) {
  struct uffdio_range r = {(uintptr_t)start, length};
  return ioctl(fd, UFFDIO_UNREGISTER, &r);
}

static long copy(int fd, void *to, const void *from, size_t length, int mode) {
  struct uffdio_copy c = {(uintptr_t)to, (uintptr_t)from, length, mode, 0};
  int result = ioctl(fd, UFFDIO_COPY, &c);
  if (result != 0 && c.copy > 0) printf("copied %lld then ", (long long)c.copy);
  return result;
}

static int zero(int fd, void *to, size_t length) {
  struct uffdio_zeropage z = {.range = {(uintptr_t)to, length}};
  return ioctl(fd, UFFDIO_ZEROPAGE, &z);
}

static int protect(int fd, void *start, size_t length, int mode) {
  struct uffdio_writeprotect w = {.range = {(uintptr_t)start, length}, .mode = mode};
  return ioctl(fd, UFFDIO_WRITEPROTECT, &w);
}

static void errors(void) {
  CHECK(syscall(SYS_userfaultfd, 0x100 | UFFD_USER_MODE_ONLY));
  int fd = MUST(open_uffd(0));
  struct uffdio_range r = {0, PAGE};
  CHECK(ioctl(fd, UFFDIO_UNREGISTER, &r));
  char buffer[64];
  char *filled = map_pages(1, PROT_READ | PROT_WRITE);
  filled[0] = 'f';
  CHECK(read(fd, buffer, sizeof buffer));
  struct pollfd p = {fd, POLLIN, 0};
  CHECK(poll(&p, 1, 0));
  printf("revents %x\n", p.revents);
  struct uffdio_api bad = {.api = 1};
  CHECK(ioctl(fd, UFFDIO_API, &bad));
  CHECK(ioctl(fd, UFFDIO_API, (void *)8));
  struct uffdio_api a = {.api = UFFD_API};
  CHECK(ioctl(fd, UFFDIO_API, &a));
  printf("features %llx requests %llx\n", (unsigned long long)(a.features & 0xdaf), (unsigned long long)a.ioctls);
  CHECK(api(fd, 0));
  char *p1 = map_pages(4, PROT_READ | PROT_WRITE);
  CHECK(watch(fd, p1 + 1, PAGE, UFFDIO_REGISTER_MODE_MISSING));
  CHECK(watch(fd, p1, 0, UFFDIO_REGISTER_MODE_MISSING));
  CHECK(watch(fd, p1, PAGE, 0));
  CHECK(watch(fd, p1, PAGE, 99));
  CHECK(watch(fd, p1, PAGE, UFFDIO_REGISTER_MODE_MINOR));
  CHECK(copy(fd, p1, p1, PAGE, 0));
  struct uffdio_register reg = {.range = {(uintptr_t)p1, 4 * PAGE}, .mode = UFFDIO_REGISTER_MODE_MISSING};
  CHECK(ioctl(fd, UFFDIO_REGISTER, &reg));
  printf("requests %llx\n", (unsigned long long)reg.ioctls & 0xdf);
  int other = MUST(open_uffd(0));
  MUST(api(other, 0));
  CHECK(watch(other, p1, PAGE, UFFDIO_REGISTER_MODE_MISSING));
  CHECK(copy(other, p1 + 2 * PAGE, filled, PAGE, 0));
  CHECK(copy(other, filled, filled, PAGE, 0));
  CHECK(zero(fd, p1, PAGE));
  CHECK(zero(fd, p1, PAGE));
  CHECK(zero(fd, p1 + 1, PAGE));
  CHECK(copy(fd, p1, p1, PAGE, 0));
  CHECK(copy(fd, p1 + PAGE, (void *)8, PAGE, 0));
  CHECK(copy(fd, p1 + PAGE, p1, PAGE, 77));
  CHECK(copy(fd, p1 + PAGE, p1, PAGE, UFFDIO_COPY_MODE_WP));
  CHECK(protect(fd, p1, PAGE, UFFDIO_WRITEPROTECT_MODE_WP));
  CHECK(unwatch(fd, p1, 4 * PAGE));
  TRUE(p1[0] == 0 && p1[PAGE] == 0);
  MUST(munmap(p1, 4 * PAGE));
  close(other);
  close(fd);
}

// The kernel's own access to a missing page of a monitor for user mode only fails.
static void kernel_access(void) {
  int fd = MUST(open_uffd(O_NONBLOCK));
  MUST(api(fd, 0));
  char *p = map_pages(2, PROT_READ | PROT_WRITE);
  MUST(watch(fd, p, 2 * PAGE, UFFDIO_REGISTER_MODE_MISSING));
  int ends[2];
  MUST(pipe(ends));
  CHECK(write(ends[1], p, 10));
  MUST(write(ends[1], "0123456789", 10));
  CHECK(read(ends[0], p, 10));
  char message[64];
  CHECK(read(fd, message, sizeof message));
  struct pollfd q = {fd, POLLIN, 0};
  CHECK(poll(&q, 1, 0));
  CHECK(zero(fd, p, PAGE));
  CHECK(read(ends[0], p, 10));
  printf("%.10s\n", p);
  close(fd);
  TRUE(p[PAGE] == 0);
}

static volatile int stop, told;

// The monitor's line comes first: reading an event lets go whoever caused it.
static void wait_told(int count) {
  while (told < count) sleep_ms(1);
}

static void *answer(void *unused) {
  (void)unused;
  char *page = map_pages(1, PROT_READ | PROT_WRITE);
  for (;;) {
    struct uffd_msg m;
    struct pollfd p = {uffd, POLLIN, 0};
    poll(&p, 1, 20);
    if (stop) return NULL;
    if (read(uffd, &m, sizeof m) != sizeof m) continue;
    switch (m.event) {
      case UFFD_EVENT_PAGEFAULT: {
        long number = ((char *)(uintptr_t)m.arg.pagefault.address - area) / PAGE;
        if (m.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP) {
          printf("write to protected page %ld\n", number);
          MUST(protect(uffd, area + number * PAGE, PAGE, 0));
          break;
        }
        printf("page %ld is missing\n", number);
        memset(page, 'a' + number, PAGE);
        MUST(copy(uffd, area + number * PAGE, page, PAGE, 0));
        break;
      }
      case UFFD_EVENT_REMOVE:
        printf("removed %lld pages from %ld\n", (long long)(m.arg.remove.end - m.arg.remove.start) / PAGE,
               ((char *)(uintptr_t)m.arg.remove.start - area) / PAGE);
        told++;
        break;
      case UFFD_EVENT_UNMAP:
        printf("unmapped %lld pages from %ld\n", (long long)(m.arg.remove.end - m.arg.remove.start) / PAGE,
               ((char *)(uintptr_t)m.arg.remove.start - area) / PAGE);
        told++;
        break;
      case UFFD_EVENT_REMAP:
        printf("moved %lld pages from %ld\n", (long long)m.arg.remap.len / PAGE,
               ((char *)(uintptr_t)m.arg.remap.from - area) / PAGE);
        area = (char *)(uintptr_t)m.arg.remap.to;
        told++;
        break;
      default: printf("event %d\n", m.event);
    }
  }
}

static void answered(int shared) {
  uffd = MUST(open_uffd(O_NONBLOCK));
  MUST(api(uffd, UFFD_FEATURE_EVENT_REMAP | UFFD_FEATURE_EVENT_REMOVE | UFFD_FEATURE_EVENT_UNMAP));
  area = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | (shared ? MAP_SHARED : MAP_PRIVATE), -1, 0);
  area[0] = 'x';
  MUST(watch(uffd, area, PAGES * PAGE, UFFDIO_REGISTER_MODE_MISSING | (shared ? 0 : UFFDIO_REGISTER_MODE_WP)));
  stop = told = 0;
  pthread_t thread;
  pthread_create(&thread, NULL, answer, NULL);
  printf("%c\n", area[0]);
  printf("%c\n", area[PAGE]);
  area[2 * PAGE] = 'w';
  printf("%c%c\n", area[2 * PAGE], area[2 * PAGE + 1]);
  if (!shared) {
    CHECK(protect(uffd, area, 2 * PAGE, UFFDIO_WRITEPROTECT_MODE_WP));
    printf("%c\n", area[PAGE]);
    area[PAGE] = 'p';
    area[PAGE + 1] = 'q';
    printf("%c%c\n", area[PAGE], area[PAGE + 1]);
    MUST(madvise(area + PAGE, PAGE, MADV_DONTNEED));
    wait_told(1);
    printf("%c\n", area[PAGE]);
    void *old = area;
    void *moved = mremap(area, PAGES * PAGE, PAGES * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
    wait_told(2);
    TRUE(moved != MAP_FAILED && moved == area);
    printf("%c\n", area[2 * PAGE]);
    printf("%c\n", area[5 * PAGE]);
    MUST(munmap(old, PAGES * PAGE));
  }
  int before = told;
  MUST(munmap(area + 6 * PAGE, 2 * PAGE));
  wait_told(before + 1);
  stop = 1;
  pthread_join(thread, NULL);
  close(uffd);
  printf("%d\n", area[4 * PAGE]);
  munmap(area, 6 * PAGE);
}

static void on_bus(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  printf("SIGBUS code %d page %ld\n", info->si_code, ((char *)info->si_addr - area) / PAGE);
  _exit(3);
}

static void signals(void) {
  int fd = MUST(open_uffd(O_NONBLOCK));
  MUST(api(fd, UFFD_FEATURE_SIGBUS));
  area = map_pages(4, PROT_READ | PROT_WRITE);
  MUST(watch(fd, area, 4 * PAGE, UFFDIO_REGISTER_MODE_MISSING));
  fflush(stdout);
  IN_CHILD("no monitor after fork", printf("%d\n", area[PAGE]));
  pid_t child = MUST(vfork());
  if (child == 0) {
    struct sigaction a = {.sa_sigaction = on_bus, .sa_flags = SA_SIGINFO};
    sigaction(SIGBUS, &a, NULL);
    area[2 * PAGE] = 1;
    _exit(0);
  }
  int status;
  MUST(waitpid(child, &status, 0));
  print_status("faults as signals", status);
  close(fd);
}

static void *toucher(void *p) {
  *(volatile char *)p;
  return NULL;
}

static void closing(void) {
  int fd = MUST(open_uffd(O_NONBLOCK));
  MUST(api(fd, 0));
  area = map_pages(2, PROT_READ | PROT_WRITE);
  MUST(watch(fd, area, 2 * PAGE, UFFDIO_REGISTER_MODE_MISSING));
  pthread_t thread;
  pthread_create(&thread, NULL, toucher, area);
  struct uffd_msg m;
  while (read(fd, &m, sizeof m) != sizeof m) sleep_ms(1);
  printf("event %x\n", m.event);
  close(fd);
  pthread_join(thread, NULL);
  printf("went on\n");
  fd = MUST(open_uffd(O_NONBLOCK));
  MUST(api(fd, 0));
  MUST(watch(fd, area + PAGE, PAGE, UFFDIO_REGISTER_MODE_MISSING));
  pthread_create(&thread, NULL, toucher, area + PAGE);
  while (read(fd, &m, sizeof m) != sizeof m) sleep_ms(1);
  MUST(unwatch(fd, area + PAGE, PAGE));
  pthread_join(thread, NULL);
  printf("went on again\n");
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  errors();
  kernel_access();
  answered(0);
  answered(1);
  signals();
  closing();
  return 0;
}

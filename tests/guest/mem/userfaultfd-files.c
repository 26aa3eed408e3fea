// userfaultfd(2) for memory that has a name: a memfd, a file of /dev/shm, shared and private views of them, their ends, and pages that only the
// file has (minor faults). The faults are answered by the program itself, in another thread.
#include "../guest.h"
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>

static int uffd;
static char *area;
static volatile int stop;

static void watch(char *start, long pages, int mode) {
  struct uffdio_register r = {.range = {(uintptr_t)start, pages * PAGE}, .mode = mode};
  CHECK(ioctl(uffd, UFFDIO_REGISTER, &r));
  printf("requests %llx\n", (unsigned long long)r.ioctls & 0xdc);
}

static int copy(char *to, const char *from, long pages) {
  struct uffdio_copy c = {(uintptr_t)to, (uintptr_t)from, pages * PAGE, 0, 0};
  return ioctl(uffd, UFFDIO_COPY, &c);
}

static int zero(char *to, long pages) {
  struct uffdio_zeropage z = {.range = {(uintptr_t)to, pages * PAGE}};
  return ioctl(uffd, UFFDIO_ZEROPAGE, &z);
}

static int go_on(char *to, long pages) {
  struct uffdio_continue c = {.range = {(uintptr_t)to, pages * PAGE}};
  return ioctl(uffd, UFFDIO_CONTINUE, &c);
}

static void *answer(void *unused) {
  (void)unused;
  char *page = map_pages(1, PROT_READ | PROT_WRITE);
  while (!stop) {
    struct uffd_msg m;
    struct pollfd p = {uffd, POLLIN, 0};
    poll(&p, 1, 20);
    if (read(uffd, &m, sizeof m) != sizeof m) continue;
    if (m.event != UFFD_EVENT_PAGEFAULT) {
      printf("event %x: %lld pages\n", m.event, (long long)(m.arg.remove.end - m.arg.remove.start) / PAGE);
      continue;
    }
    long number = ((char *)(uintptr_t)m.arg.pagefault.address - area) / PAGE;
    bool minor = (m.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_MINOR) != 0;
    printf("page %ld %s\n", number, minor ? "is in the file" : "is missing");
    memset(page, 'a' + number, PAGE);
    if (minor) MUST(go_on(area + number * PAGE, 1));
    else MUST(copy(area + number * PAGE, page, 1));
  }
  return NULL;
}

static void open_monitor(uint64_t features) {
  uffd = MUST(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY));
  struct uffdio_api a = {.api = UFFD_API, .features = features};
  MUST(ioctl(uffd, UFFDIO_API, &a));
}

static pthread_t start_thread(void) {
  pthread_t thread;
  stop = 0;
  pthread_create(&thread, NULL, answer, NULL);
  return thread;
}

static void finish(pthread_t thread) {
  stop = 1;
  pthread_join(thread, NULL);
  close(uffd);
}

static void missing(const char *what, int fd, int kind) {
  printf("%s\n", what);
  MUST(ftruncate(fd, 6 * PAGE));
  MUST(pwrite(fd, "content", 7, 4 * PAGE));
  open_monitor(UFFD_FEATURE_EVENT_REMOVE);
  area = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, kind, fd, 0);
  watch(area, 8, UFFDIO_REGISTER_MODE_MISSING);
  pthread_t thread = start_thread();
  printf("%c\n", area[PAGE]);
  area[2 * PAGE] = 'w';
  printf("%c%c\n", area[2 * PAGE], area[2 * PAGE + 1]);
  printf("%.7s\n", area + 4 * PAGE);
  char c[2] = "";
  CHECK(pread(fd, c, 1, 2 * PAGE));
  printf("file has %d\n", c[0]);
  CHECK(zero(area + 3 * PAGE, 1));
  CHECK(zero(area + 3 * PAGE, 1));
  TRUE(area[3 * PAGE] == 0);
  CHECK(copy(area + 2 * PAGE, area + PAGE, 1));
  CHECK(copy(area + 6 * PAGE, area + PAGE, 1));
  IN_CHILD("past the end", area[7 * PAGE] = 1);
  if (kind == MAP_SHARED) {
    MUST(madvise(area + PAGE, PAGE, MADV_REMOVE));
    printf("%c\n", area[PAGE]);
    MUST(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2 * PAGE, PAGE));
    printf("%c\n", area[2 * PAGE]);
  }
  finish(thread);
  TRUE(area[5 * PAGE] == 0);
  MUST(munmap(area, 8 * PAGE));
}

static void only_the_file_has(int fd) {
  printf("minor faults\n");
  MUST(ftruncate(fd, 0));
  MUST(ftruncate(fd, 4 * PAGE));
  open_monitor(UFFD_FEATURE_MINOR_SHMEM);
  char *alias = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  area = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  watch(area, 4, UFFDIO_REGISTER_MODE_MINOR);
  strcpy(alias, "one");
  strcpy(alias + 2 * PAGE, "three");
  CHECK(go_on(area + PAGE, 1));
  pthread_t thread = start_thread();
  printf("%s\n", area);
  strcpy(area + 2 * PAGE + 5, " and more");
  printf("%s\n", alias + 2 * PAGE);
  CHECK(go_on(area, 1));
  finish(thread);
  MUST(munmap(area, 4 * PAGE));
  MUST(munmap(alias, 4 * PAGE));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  int fd = MUST(memfd_create("watched", 0));
  missing("shared memfd", fd, MAP_SHARED);
  MUST(ftruncate(fd, 0));
  missing("private memfd", fd, MAP_PRIVATE);
  char path[64];
  snprintf(path, sizeof path, "/dev/shm/guest-%d", getpid());
  int file = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
  unlink(path);
  MUST(file);
  missing("shared file of tmpfs", file, MAP_SHARED);
  only_the_file_has(fd);
  return 0;
}

// userfaultfd(2) and fork(2): UFFD_EVENT_FORK needs CAP_SYS_PTRACE; its message brings a descriptor for the child's faults. Write protection of
// parent and child is their own; without the event a child's copy is watched by nobody.
#include "../guest.h"
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>

static int uffd, child_uffd = -1;
static char *area;

static int watch(int fd, int mode) {
  struct uffdio_register r = {.range = {(uintptr_t)area, 4 * PAGE}, .mode = mode};
  return ioctl(fd, UFFDIO_REGISTER, &r);
}

static int copy(int fd, long number, const char *from) {
  struct uffdio_copy c = {(uintptr_t)area + number * PAGE, (uintptr_t)from, PAGE, 0, 0};
  return ioctl(fd, UFFDIO_COPY, &c);
}

static int protect(int fd, long number, int mode) {
  struct uffdio_writeprotect w = {.range = {(uintptr_t)area + number * PAGE, PAGE}, .mode = mode};
  return ioctl(fd, UFFDIO_WRITEPROTECT, &w);
}

static bool next(int fd, struct uffd_msg *m) {
  struct pollfd p = {fd, POLLIN, 0};
  return poll(&p, 1, 10000) == 1 && read(fd, m, sizeof *m) == sizeof *m;
}

static void serve(const char *whose, int fd, char *page) {
  struct uffd_msg m;
  if (!next(fd, &m)) {
    printf("%s: no message\n", whose);
    return;
  }
  long number = ((char *)(uintptr_t)m.arg.pagefault.address - area) / PAGE;
  if (m.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP) {
    printf("%s: page %ld is protected\n", whose, number);
    MUST(protect(fd, number, 0));
    return;
  }
  printf("%s: page %ld is missing\n", whose, number);
  memset(page, *whose, PAGE);
  MUST(copy(fd, number, page));
}

static void *monitor(void *unused) {
  char *page = map_pages(1, PROT_READ | PROT_WRITE);
  struct uffd_msg m;
  if (next(uffd, &m)) {
    printf("event %x\n", m.event);
    child_uffd = (int)m.arg.fork.ufd;
  }
  serve("child", child_uffd, page);
  serve("child", child_uffd, page);
  serve("parent", uffd, page);
  serve("parent", uffd, page);
  return unused;
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  uffd = MUST(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY));
  struct uffdio_api a = {.api = UFFD_API, .features = UFFD_FEATURE_EVENT_FORK};
  CHECK(ioctl(uffd, UFFDIO_API, &a));
  if (geteuid() != 0) return 0;
  area = map_pages(4, PROT_READ | PROT_WRITE);
  strcpy(area, "both");
  MUST(watch(uffd, UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP));
  MUST(protect(uffd, 0, UFFDIO_WRITEPROTECT_MODE_WP));
  pthread_t thread;
  pthread_create(&thread, NULL, monitor, NULL);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    char line[64];
    int first = area[PAGE];
    area[0] = 'C';
    int length = snprintf(line, sizeof line, "child has %c and %s\n", first, area);
    _exit(write(1, line, length) == length ? 0 : 1);
  }
  int status;
  MUST(waitpid(child, &status, 0));
  print_status("child", status);
  printf("parent has %c\n", area[2 * PAGE]);
  area[1] = 'O';
  printf("parent has %s\n", area);
  pthread_join(thread, NULL);
  struct uffd_msg m;
  CHECK(read(child_uffd, &m, sizeof m));
  CHECK(copy(child_uffd, 3, area));
  close(child_uffd);
  close(uffd);
  printf("%d\n", area[3 * PAGE]);
  return 0;
}

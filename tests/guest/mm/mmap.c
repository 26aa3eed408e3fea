// mmap(2), munmap(2): flags, errors, fixed and noreplace placement, file mappings and their ends.
#include "../guest.h"

static void errors(void) {
  CHECK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  CHECK(mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0));
  CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, -1, 0));
  CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 999, 0));
  CHECK(mmap((void *)1, PAGE, PROT_READ, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  CHECK(mmap((void *)(1UL << 47), PAGE, PROT_READ, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  CHECK(mmap(NULL, 1UL << 47, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  CHECK(mmap(NULL, -1UL, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  CHECK(syscall(SYS_mmap, NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 1));
  CHECK(syscall(SYS_mmap, NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, -1, 0));
  CHECK(munmap((void *)1, PAGE));
  CHECK(munmap((void *)PAGE, 0));
  CHECK(munmap((void *)(1UL << 47), PAGE));
}

static void placement(void) {
  char *p = map_pages(8, PROT_READ | PROT_WRITE);
  p[0] = 'a', p[7 * PAGE] = 'h', p[3 * PAGE] = 'd';
  CHECK(munmap(p + 2 * PAGE, 2 * PAGE));
  CHECK(munmap(p + 2 * PAGE, 2 * PAGE));
  TRUE(mmap(p + 2 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == p + 2 * PAGE);
  TRUE(p[2 * PAGE] == 0);
  CHECK(mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
  TRUE(mmap(p + 3 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == p + 3 * PAGE);
  TRUE(mmap(p, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
  TRUE(p[0] == 0);
  TRUE(p[7 * PAGE] == 'h');
  TRUE(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0) < (void *)(1UL << 32));
  TRUE(mmap(p + 5 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != p + 5 * PAGE);
  CHECK(munmap(p, 8 * PAGE - 1));
}

static void files(void) {
  char text[6000];
  for (int i = 0; i < 6000; i++) text[i] = 'a' + i % 26;
  int fd = MUST(open("file", O_CREAT | O_RDWR, 0600));
  MUST(write(fd, text, sizeof text));
  char *private = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  char *shared = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  char *second = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
  TRUE(memcmp(private, text, 6000) == 0);
  TRUE(shared[6000] == 0 && shared[8191] == 0);
  private[0] = 'P';
  shared[1] = 'S';
  shared[PAGE] = 'T';
  TRUE(second[0] == 'T');
  TRUE(private[1] == text[1] || private[1] == 'S');
  char back[2];
  CHECK(pread(fd, back, 2, 0));
  printf("file starts %c%c\n", back[0], back[1]);
  CHECK(pwrite(fd, "Z", 1, 2));
  TRUE(shared[2] == 'Z');
  CHECK(msync(shared, 2 * PAGE, MS_SYNC));
  CHECK(msync(shared + 1, PAGE, MS_SYNC));
  CHECK(msync(shared, PAGE, MS_SYNC | MS_ASYNC));
  CHECK(msync(shared, PAGE, 64));
  CHECK(close(fd));
  TRUE(shared[3] == text[3]);
  CHECK(munmap(shared, 2 * PAGE));
  CHECK(msync(shared, PAGE, MS_ASYNC));
  fd = MUST(open("file", O_RDONLY));
  CHECK(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, fd, 0));
  TRUE(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) != MAP_FAILED);
  shared = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
  CHECK(mprotect(shared, PAGE, PROT_READ | PROT_WRITE));
  CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 100));
  close(fd);
  fd = MUST(open("file", O_WRONLY));
  CHECK(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, fd, 0));
  close(fd);
  fd = MUST(open(".", O_RDONLY));
  CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0));
  close(fd);
  int pipes[2];
  MUST(pipe(pipes));
  CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, pipes[0], 0));
}

static void past_the_end(void) {
  int fd = MUST(open("short", O_CREAT | O_RDWR, 0600));
  MUST(ftruncate(fd, 10));
  volatile char *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  IN_CHILD("read within the last page", printf("%d\n", p[100]));
  IN_CHILD("read past the last page", printf("%d\n", p[PAGE]));
  MUST(ftruncate(fd, 2 * PAGE));
  IN_CHILD("read after growing", printf("%d\n", p[PAGE]));
  MUST(ftruncate(fd, 0));
  IN_CHILD("read after shrinking", printf("%d\n", p[0]));
}

static void shared_with_child(void) {
  int *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int *q = map_pages(1, PROT_READ | PROT_WRITE);
  *p = *q = 1;
  IN_CHILD("child writes both", *p = 2; *q = 2);
  printf("shared %d private %d\n", *p, *q);
}

static void special(void) {
  int fd = MUST(open("/dev/zero", O_RDWR));
  char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  TRUE(p[5] == 0);
  p[5] = 1;
  char *q = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  TRUE(q[5] == 0);
  int mem = MUST(memfd_create("m", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  MUST(ftruncate(mem, PAGE));
  char *m = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, mem, 0);
  m[0] = 'x';
  char c;
  CHECK(pread(mem, &c, 1, 0));
  TRUE(c == 'x');
  CHECK(fcntl(mem, F_ADD_SEALS, F_SEAL_WRITE));
  munmap(m, PAGE);
  CHECK(fcntl(mem, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK));
  CHECK(fcntl(mem, F_GET_SEALS));
  CHECK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, mem, 0));
  CHECK(write(mem, "y", 1));
  CHECK(ftruncate(mem, 0));
  CHECK(ftruncate(mem, 2 * PAGE));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  scratch();
  errors();
  placement();
  files();
  past_the_end();
  shared_with_child();
  special();
  return 0;
}

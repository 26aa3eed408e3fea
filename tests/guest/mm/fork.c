// fork(2) and memory: copy on write of every kind of mapping, deep trees, writes through the kernel into shared pages.
#include "../guest.h"

static char data[3 * PAGE] = "data";
static char zeroed[3 * PAGE];

static unsigned checksum(const unsigned char *p, size_t n) {
  unsigned sum = 0;
  for (size_t i = 0; i < n; i++) sum = sum * 31 + p[i];
  return sum;
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  char *heap = malloc(PAGE), local[16] = "stack";
  strcpy(heap, "heap");
  IN_CHILD("child changes all", strcpy(data, "x"); strcpy(zeroed, "y"); strcpy(heap, "z"); strcpy(local, "w"));
  printf("%s [%s] %s %s\n", data, zeroed, heap, local);

  size_t size = 8 << 20;
  unsigned char *big = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (size_t i = 0; i < size; i += 512) big[i] = i >> 9;
  unsigned before = checksum(big, size);
  for (int i = 0; i < 3; i++)
    IN_CHILD("child writes every page", for (size_t j = 0; j < size; j += PAGE) big[j]++; printf("differs %d\n", checksum(big, size) != before));
  printf("parent unchanged %d\n", checksum(big, size) == before);

  int p[2];
  MUST(pipe(p));
  IN_CHILD("kernel writes into a shared page", {
    write(p[1], "from pipe", 9);
    CHECK(read(p[0], big, 9));
    printf("%.9s\n", big);
  });
  printf("parent unchanged %d\n", checksum(big, size) == before);
  pid_t child = fork();
  if (child == 0) {
    sleep_ms(30);
    printf("child sees the old page %d\n", big[512] == 1);
    _exit(0);
  }
  big[512] = 99;
  waitpid(child, NULL, 0);

  IN_CHILD("level 1", {
    big[0] = 1;
    IN_CHILD("level 2", big[0]++; IN_CHILD("level 3", big[0]++; printf("%d\n", big[0])); printf("%d\n", big[0]));
    printf("%d\n", big[0]);
  });
  printf("%d\n", big[0]);
  IN_CHILD("child unmaps", munmap(big, size));
  TRUE(big[1024] == 2);
  IN_CHILD("child protects", mprotect(big, size, PROT_NONE));
  big[1] = 1;
  TRUE(madvise(big, size, MADV_DONTNEED) == 0 && big[512] == 0);
  pid_t pids[20];
  for (int i = 0; i < 20; i++) {
    pids[i] = fork();
    if (pids[i] == 0) {
      for (size_t j = 0; j < 64 * PAGE; j += PAGE) big[j] = i;
      int wrong = 0;
      for (size_t j = 0; j < 64 * PAGE; j += PAGE) wrong += big[j] != i;
      _exit(wrong);
    }
  }
  int failures = 0, status;
  for (int i = 0; i < 20; i++) waitpid(pids[i], &status, 0), failures += status != 0;
  printf("failures of 20 children: %d\n", failures);
  return 0;
}

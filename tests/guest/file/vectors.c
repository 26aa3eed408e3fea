// readv(2), writev(2), preadv(2), preadv2(2), pwritev2(2): scattered buffers, odd sizes, flags; big reads and writes.
#include "../guest.h"

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  scratch();
  int fd = MUST(open("f", O_CREAT | O_RDWR, 0600));
  char a[10] = "aaaa", b[10] = "bbbbb", c[10] = "";
  struct iovec v[4] = {{a, 3}, {NULL, 0}, {b, 5}, {c, 0}};
  CHECK(writev(fd, v, 4));
  CHECK(pwritev(fd, v, 4, 100));
  CHECK(lseek(fd, 0, SEEK_CUR));
  CHECK(lseek(fd, 0, SEEK_END));
  char x[4] = {0}, y[4] = {0}, z[4] = {0};
  struct iovec r[3] = {{x, 2}, {y, 3}, {z, 4}};
  CHECK(preadv(fd, r, 3, 1));
  printf("%.2s %.3s %.4s\n", x, y, z);
  CHECK(preadv(fd, r, 3, 104));
  CHECK(preadv(fd, r, 3, 200));
  CHECK(preadv(fd, r, 3, -1));
  CHECK(preadv2(fd, r, 3, -1, 0));
  lseek(fd, 0, SEEK_SET);
  CHECK(preadv2(fd, r, 3, -1, 0));
  CHECK(lseek(fd, 0, SEEK_CUR));
  CHECK(preadv2(fd, r, 3, 0, RWF_HIPRI));
  CHECK(preadv2(fd, r, 3, 0, 0x8000));
  CHECK(pwritev2(fd, v, 4, 0, RWF_APPEND));
  CHECK(lseek(fd, 0, SEEK_END));
  CHECK(pwritev2(fd, v, 4, -1, RWF_APPEND));
  CHECK(lseek(fd, 0, SEEK_CUR));
  CHECK(pwritev2(fd, v, 4, 0, RWF_DSYNC));
  CHECK(readv(fd, r, UIO_MAXIOV + 1));
  r[0].iov_len = r[1].iov_len = 0, r[2].iov_len = 0;
  CHECK(readv(fd, r, 3));
  CHECK(readv(99, r, 3));
  static struct iovec many[1024];
  static char bytes[1024];
  for (int i = 0; i < 1024; i++) many[i] = (struct iovec){bytes + 1023 - i, 1};
  for (int i = 0; i < 1024; i++) bytes[i] = 'a' + i % 23;
  CHECK(pwritev(fd, many, 1024, 0));
  char first[4];
  CHECK(pread(fd, first, 4, 0));
  printf("%.4s\n", first);

  size_t size = 5000001;
  unsigned char *big = malloc(size), *back = calloc(1, size);
  for (size_t i = 0; i < size; i++) big[i] = i * 7 + (i >> 12);
  int g = MUST(open("g", O_CREAT | O_RDWR, 0600));
  CHECK(write(g, big, size));
  CHECK(pread(g, back, size, 0));
  TRUE(memcmp(big, back, size) == 0);
  CHECK(pread(g, back, 100000, size - 777));
  CHECK(pwrite(g, big, 10000, 12345));
  memcpy(back, big, size), memcpy(back + 12345, big, 10000);
  unsigned char *map = mmap(NULL, size, PROT_READ, MAP_SHARED, g, 0);
  TRUE(memcmp(map, back, size) == 0);
  CHECK(lseek(g, 1L << 40, SEEK_SET));
  CHECK(write(g, "far", 3));
  struct stat st;
  fstat(g, &st);
  printf("size %ld sparse %d\n", (long)st.st_size, st.st_blocks * 512 < 20000000);
  CHECK(ftruncate(g, 10));
  CHECK(pread(g, back, 100, 0));
  CHECK(syscall(SYS_read, g, back, 1UL << 62) <= 0x7ffff000);
  CHECK(readahead(g, 0, 100));
  CHECK(sync_file_range(g, 0, 0, 0));
  return 0;
}

// Thousands of random operations on one file, each also done on an array in memory: they must agree after every read, and through every way in.
#include "../guest.h"
#include <linux/falloc.h>

#define MOST (256 * 1024)
static unsigned char model[MOST], buffer[MOST];
static long size;
static uint64_t state;
static int wrong;

static unsigned random_below(unsigned limit) {
  state = state * 6364136223846793005ull + 1442695040888963407ull;
  return (unsigned)(state >> 33) % limit;
}

static void differs(const char *what, int step, long at) {
  if (wrong++ < 10) printf("step %d: %s differs at %ld\n", step, what, at);
}

static void compare(const char *what, int step, const unsigned char *got, long offset, long length) {
  for (long i = 0; i < length; i++)
    if (got[i] != model[offset + i]) {
      differs(what, step, offset + i);
      return;
    }
}

static void grow_to(long end) {
  if (end <= size) return;
  memset(model + size, 0, end - size);
  size = end;
}

static void check_read(int fd, int step, long offset, long length) {
  ssize_t n = pread(fd, buffer, length, offset);
  long expected = offset >= size ? 0 : size - offset < length ? size - offset : length;
  if (n != expected) differs("length read", step, n);
  else compare("read", step, buffer, offset, n);
}

static void do_write(int fd, int step, long offset, long length) {
  for (long i = 0; i < length; i++) buffer[i] = (unsigned char)random_below(256);
  struct iovec parts[3] = {{buffer, length / 3}, {buffer + length / 3, length / 2 - length / 3}, {buffer + length / 2, length - length / 2}};
  ssize_t n = random_below(2) ? pwrite(fd, buffer, length, offset) : pwritev(fd, parts, 3, offset);
  if (n != length) differs("length written", step, n);
  grow_to(offset + length);
  memcpy(model + offset, buffer, length);
}

static void do_map(int fd, int step, long offset, long length) {
  long start = offset & ~(PAGE - 1);
  if (offset >= size) return;
  if (length > size - offset) length = size - offset;
  int writes = random_below(2);
  unsigned char *at = mmap(NULL, offset + length - start, PROT_READ | PROT_WRITE, random_below(4) || writes ? MAP_SHARED : MAP_PRIVATE, fd, start);
  if (at == MAP_FAILED) {
    differs("mmap", step, errno);
    return;
  }
  if (writes) {
    for (long i = 0; i < length; i++) model[offset + i] = at[offset - start + i] = (unsigned char)random_below(256);
    if (random_below(2)) msync(at, offset + length - start, MS_SYNC);
  } else compare("mapping", step, at + (offset - start), offset, length);
  munmap(at, offset + length - start);
}

static void do_truncate(int fd, int step, long to) {
  if (ftruncate(fd, to) != 0) differs("truncate", step, errno);
  if (to > size) grow_to(to);
  size = to;
}

static void do_allocate(int fd, int step, long offset, long length, int mode) {
  int result = fallocate(fd, mode, offset, length);
  if (result != 0) {
    if (errno != EOPNOTSUPP && errno != EINVAL) differs("fallocate", step, errno);
    return;
  }
  if (!(mode & FALLOC_FL_KEEP_SIZE) && !(mode & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE))) grow_to(offset + length);
  long end = offset + length < size ? offset + length : size;
  if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) {
    if (end > offset) memset(model + offset, 0, end - offset);
  } else if (mode & FALLOC_FL_COLLAPSE_RANGE) {
    memmove(model + offset, model + offset + length, size - offset - length);
    size -= length;
  } else if (mode & FALLOC_FL_INSERT_RANGE) {
    memmove(model + offset + length, model + offset, size - offset);
    memset(model + offset, 0, length);
    size += length;
  }
}

static void do_copy(int fd, int step, long from, long to, long length) {
  if (from >= size) return;
  if (length > size - from) length = size - from;
  if (to + length > MOST || (from < to + length && to < from + length)) return;
  loff_t in = from, out = to;
  long left = length;
  while (left > 0) {
    ssize_t n = copy_file_range(fd, &in, fd, &out, left, 0);
    if (n <= 0) {
      differs("copy_file_range", step, n < 0 ? errno : 0);
      return;
    }
    left -= n;
  }
  grow_to(to + length);
  memmove(model + to, model + from, length);
}

// Every byte where SEEK_DATA says there is none must be zero.
static void check_holes(int fd, int step) {
  long at = 0;
  while (at < size) {
    long data = lseek(fd, at, SEEK_DATA);
    if (data < 0) data = errno == ENXIO ? size : (differs("SEEK_DATA", step, errno), size);
    for (long i = at; i < data; i++)
      if (model[i] != 0) {
        differs("hole", step, i);
        return;
      }
    if (data >= size) break;
    long hole = lseek(fd, data, SEEK_HOLE);
    if (hole <= data || hole > size) {
      differs("SEEK_HOLE", step, hole);
      return;
    }
    at = hole;
  }
}

static void run(uint64_t seed, int steps, int everything) {
  int fd = MUST(open("file", O_CREAT | O_RDWR | O_TRUNC, 0600)), other = MUST(open("file", O_RDWR));
  size = 0;
  state = seed;
  for (int step = 0; step < steps; step++) {
    int use = random_below(2) ? fd : other;
    long offset = random_below(4) ? random_below(MOST / 2) : random_below(MOST / 2 / PAGE) * PAGE;
    long length = random_below(3) ? 1 + random_below(9000) : (1 + random_below(8)) * PAGE;
    switch (random_below(everything ? 13 : 10)) {
      case 0:
      case 1: do_write(use, step, offset, length); break;
      case 2:
      case 3: check_read(use, step, offset, length); break;
      case 4:
      case 5: do_map(use, step, offset, length); break;
      case 6: do_truncate(use, step, random_below(2) ? offset : random_below(MOST / 2)); break;
      case 7: do_allocate(use, step, offset, length, random_below(2) ? 0 : FALLOC_FL_KEEP_SIZE); break;
      case 8: do_allocate(use, step, offset, length, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE); break;
      case 9: do_copy(use, step, offset, random_below(MOST / 2), length); break;
      case 10: do_allocate(use, step, offset, length, random_below(2) ? FALLOC_FL_ZERO_RANGE : FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE); break;
      case 11:
        if (offset + length < size) do_allocate(use, step, offset, length, FALLOC_FL_COLLAPSE_RANGE);
        break;
      default:
        if (offset < size && size + length < MOST) do_allocate(use, step, offset, length, FALLOC_FL_INSERT_RANGE);
    }
    struct stat st;
    fstat(fd, &st);
    if (st.st_size != size) {
      differs("size", step, st.st_size);
      size = st.st_size;
    }
    if (step % 50 == 0) check_holes(use, step);
    if (step % 100 == 0) check_read(use, step, 0, MOST);
  }
  check_read(fd, steps, 0, MOST);
  uint64_t digest = 14695981039346656037ull;
  for (long i = 0; i < size; i++) digest = (digest ^ model[i]) * 1099511628211ull;
  // What filesystems support of the rest differs.
  if (everything) printf("everything: %d wrong\n", wrong);
  else printf("seed %d: %ld bytes, %016lx, %d wrong\n", (int)seed, size, digest, wrong);
  close(fd);
  close(other);
  unlink("file");
}

int guest(int argc, char **argv) {
  if (argc == 1) scratch();
  else if (chdir(argv[1]) != 0) return 1;
  int steps = argc > 2 ? atoi(argv[2]) : 1500;
  for (int seed = 1; seed <= 3; seed++) run(seed, steps, 0);
  for (int seed = 4; seed <= 5; seed++) run(seed, steps, 1);
  return 0;
}

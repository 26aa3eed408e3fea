// What a change of content or owner takes from a file: set-id bits (write(2), truncate(2), chown(2), inode(7)) and the attribute
// security.capability (capabilities(7)); and what leaves both alone.
#include "../guest.h"
#include <linux/capability.h>
#include <linux/xattr.h>
#include <sys/sendfile.h>
#include <sys/xattr.h>

static int owner;

// A file with the given mode, with capabilities where the program may give them.
static void make(mode_t mode) {
  unlink("f");
  put_file("f", "0123456789");
  MUST(chown("f", owner, -1));
  struct vfs_cap_data data = {VFS_CAP_REVISION_2, {{1u << CAP_KILL, 0}, {0, 0}}};
  setxattr("f", "security.capability", &data, sizeof data, 0);
  MUST(chmod("f", mode));
}

static void show(const char *what) {
  struct stat st;
  MUST(stat("f", &st));
  char data[64];
  long size = getxattr("f", "security.capability", data, sizeof data);
  printf("  %s: %o capabilities %ld\n", what, st.st_mode & 07777, size == -1 && errno == ENODATA ? 0 : size);
}

static void each(mode_t mode) {
  char *p;
  int fd, in, pipes[2];
  struct iovec io = {"x", 1};
#define STEP(...) \
  do { \
    make(mode); \
    fd = MUST(open("f", O_RDWR)); \
    __VA_ARGS__; \
    close(fd); \
    show(#__VA_ARGS__); \
  } while (0)
  STEP();
  STEP(write(fd, "x", 1));
  STEP(write(fd, "", 0));
  STEP(pwrite(fd, "x", 1, 100));
  STEP(pwritev(fd, &io, 1, 3));
  STEP(ftruncate(fd, 3));
  STEP(ftruncate(fd, 10));
  STEP(truncate("f", 20));
  STEP(truncate("f", -1));
  STEP(fd = open("f", O_WRONLY | O_TRUNC));
  STEP(fallocate(fd, 0, 0, 100));
  STEP(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 100));
  STEP(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 100));
  STEP(p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), p[0] = 'x', munmap(p, PAGE));
  STEP(in = open("/proc/self/exe", O_RDONLY), sendfile(fd, in, NULL, 5), close(in));
  STEP(pipe(pipes), write(pipes[1], "abc", 3), splice(pipes[0], NULL, fd, NULL, 3, 0), close(pipes[0]), close(pipes[1]));
  STEP(in = open("/proc/self/exe", O_RDONLY), copy_file_range(in, NULL, fd, NULL, 5, 0), close(in));
  STEP(chown("f", -1, -1));
  STEP(chown("f", getuid(), -1));
  STEP(fchown(fd, -1, getgid()));
  STEP(chmod("f", mode));
  STEP(chmod("f", 0755));
  STEP(utimensat(AT_FDCWD, "f", NULL, 0));
  STEP(rename("f", "g"), rename("g", "f"));
  STEP(setxattr("f", "user.x", "1", 1, 0));
}

static void directories(void) {
  MUST(mkdir("d", 0755));
  MUST(chmod("d", 06775));
  MUST(chown("d", getuid(), getgid()));
  struct stat st;
  MUST(stat("d", &st));
  printf("directory %o\n", st.st_mode & 07777);
}

// Not who opened the file, but who writes to it has the right to keep the bits, or has not.
static void travelling_descriptors(void) {
  static const mode_t modes[] = {06755, 04711, 02755, 06644};
  for (int i = 0; i < 4; i++) {
    printf("opened by root, mode %o\n", modes[i]);
    make(modes[i]);
    int fd = MUST(open("f", O_RDWR)), pipes[2];
    IN_CHILD("child", {
      MUST(setresgid(1000, 1000, 1000));
      MUST(setresuid(1000, 1000, 1000));
      CHECK(write(fd, "x", 1));
      show("write");
    });
    make(modes[i]);
    fd = MUST(open("f", O_RDWR));
    IN_CHILD("child", {
      MUST(setresgid(1000, 1000, 1000));
      MUST(setresuid(1000, 1000, 1000));
      MUST(pipe(pipes));
      MUST(write(pipes[1], "abc", 3));
      CHECK(splice(pipes[0], NULL, fd, NULL, 3, 0));
      show("splice");
    });
    printf("opened by another user, mode %o\n", modes[i]);
    make(modes[i]);
    MUST(chmod("f", modes[i] | 022));
    MUST(setresuid(-1, 1000, -1));
    fd = MUST(open("f", O_WRONLY));
    MUST(setresuid(-1, 0, -1));
    CHECK(pwrite(fd, "x", 1, 1));
    show("write");
    close(fd);
  }
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  scratch();
  chmod(".", 0777);
  owner = getuid();
  static const mode_t modes[] = {06755, 04711, 02755, 02744, 06644, 0755};
  for (int i = 0; i < 6; i++) {
    printf("mode %o\n", modes[i]);
    each(modes[i]);
  }
  directories();
  if (getuid() != 0) return 0;
  travelling_descriptors();
  printf("another user's writes to what root gave\n");
  for (int i = 0; i < 6; i++) {
    unlink("f");
    make(modes[i] | 022);
    IN_CHILD("child", {
      MUST(setresgid(1000, 1000, 1000));
      MUST(setresuid(1000, 1000, 1000));
      int fd = MUST(open("f", O_WRONLY));
      show("before");
      CHECK(write(fd, "x", 1));
      show("write");
    });
    make(modes[i] | 022);
    IN_CHILD("child", {
      MUST(setresgid(1000, 1000, 1000));
      MUST(setresuid(1000, 1000, 1000));
      CHECK(truncate("f", 2));
      show("truncate");
    });
  }
  return 0;
}

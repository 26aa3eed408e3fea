// getdents64(2): entries, types, buffer sizes, seeking, changes while reading.
#include "../guest.h"
#include <dirent.h>

static int compare(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list(const char *path) {
  DIR *dir = opendir(path);
  if (dir == NULL) {
    printf("opendir %s: %s\n", path, strerrorname_np(errno));
    return;
  }
  char *names[300];
  int count = 0;
  for (struct dirent *e; (e = readdir(dir)) != NULL && count < 300;) {
    names[count] = malloc(300);
    sprintf(names[count++], "%s/%d", e->d_name, e->d_type);
  }
  closedir(dir);
  qsort(names, count, sizeof *names, compare);
  printf("%s:", path);
  for (int i = 0; i < count; i++) printf(" %s", names[i]);
  printf("\n");
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  scratch();
  list(".");
  put_file("file", "");
  mkdir("dir", 0755);
  symlink("file", "link");
  mkfifo("fifo", 0600);
  list(".");
  list("dir");
  list("file");
  list("none");
  char buf[1024];
  int fd = MUST(open(".", O_RDONLY));
  CHECK(syscall(SYS_getdents64, fd, buf, 10));
  CHECK(syscall(SYS_getdents64, fd, buf, 0));
  CHECK(syscall(SYS_getdents64, fd, (void *)1, 1024));
  int total = 0, calls = 0;
  for (long n; (n = syscall(SYS_getdents64, fd, buf, 32)) > 0; calls++) total += n;
  printf("one by one: %d bytes in %d calls\n", total, calls);
  CHECK(syscall(SYS_getdents64, fd, buf, 1024));
  CHECK(lseek(fd, 0, SEEK_SET));
  CHECK(syscall(SYS_getdents64, fd, buf, 1024));
  int file = MUST(open("file", O_RDONLY));
  CHECK(syscall(SYS_getdents64, file, buf, 1024));
  CHECK(syscall(SYS_getdents64, 99, buf, 1024));
  lseek(fd, 0, SEEK_SET);  // a position far along is EINVAL on some filesystems
  CHECK(read(fd, buf, 10));
  CHECK(write(fd, buf, 10));

  mkdir("many", 0755);
  char name[300];
  for (int i = 0; i < 200; i++) {
    sprintf(name, "many/entry-%03d", i);
    put_file(name, "");
  }
  list("many");
  DIR *dir = opendir("many");
  int seen = 0;
  for (struct dirent *e; (e = readdir(dir)) != NULL;) {
    if (e->d_name[0] == '.') continue;
    sprintf(name, "many/%s", e->d_name);
    if (unlink(name) == 0) seen++;
  }
  printf("removed while reading: %d\n", seen);
  rewinddir(dir);
  seen = 0;
  while (readdir(dir) != NULL) seen++;
  printf("left: %d\n", seen);
  closedir(dir);
  CHECK(rmdir("many"));
  int gone = (mkdir("gone", 0755), MUST(open("gone", O_RDONLY)));
  rmdir("gone");
  CHECK(syscall(SYS_getdents64, gone, buf, 1024));
  CHECK(openat(gone, "x", O_CREAT | O_WRONLY, 0600));
  return 0;
}

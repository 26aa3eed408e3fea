// Permission checks of path walk and operations, as root and as others: search, read, write, sticky, set-id bits, owners.
#include "../guest.h"

// Runs the block as an ordinary user where that is possible, else as ourselves (an ordinary user already).
#define AS_USER(name, id, ...) \
  IN_CHILD(name, { \
    if (geteuid() == 0) { \
      MUST(syscall(SYS_setgroups, 0, NULL)); \
      MUST(setresgid(id, id, id)); \
      MUST(setresuid(id, id, id)); \
    } \
    __VA_ARGS__; \
  })

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  scratch();
  chmod(".", 0755);
  put_file("f", "x");
  chmod("f", 0400);
  mkdir("closed", 0700), put_file("closed/f", "y");
  mkdir("search", 0711), put_file("search/f", "z");
  mkdir("list", 0744), put_file("list/f", "w");
  mkdir("open", 0777), mkdir("sticky", 0777);
  chmod("open", 0777), chmod("sticky", 01777);
  put_file("open/f", "1"), put_file("sticky/f", "2");
  printf("own files\n");
  CHECK(access("f", R_OK));
  CHECK(access("f", W_OK));
  CHECK(access("f", X_OK));
  OK(open("f", O_RDONLY));
  OK(open("f", O_RDWR));
  chmod("closed", 0);
  OK(open("closed/f", O_RDONLY));
  OK(open("closed", O_RDONLY));
  CHECK(rename("closed", "closed2"));
  CHECK(rename("closed2", "closed"));
  chmod("closed", 0700);
  AS_USER("stranger", 4711, {
    if (getuid() == 4711) {
      OK(open("f", O_RDONLY));
      OK(open("closed/f", O_RDONLY));
      OK(open("search/f", O_RDONLY));
      OK(open("search", O_RDONLY));
      OK(open("list", O_RDONLY));
      OK(open("list/f", O_RDONLY));
      struct stat st;
      CHECK(stat("list/f", &st));
      CHECK(stat("f", &st));
      CHECK(access("list", X_OK));
      CHECK(open("new", O_CREAT | O_WRONLY, 0600));
      CHECK(mkdir("newdir", 0700));
      CHECK(unlink("f"));
      CHECK(unlink("open/f"));
      CHECK(unlink("sticky/f"));
      CHECK(rename("sticky/f", "sticky/g"));
      CHECK(chmod("f", 0777));
      CHECK(chown("f", 4711, -1));
      CHECK(utimensat(AT_FDCWD, "f", NULL, 0));
      CHECK(truncate("f", 0));
      put_file("sticky/mine", "");
      CHECK(chmod("sticky/mine", 06755));
      CHECK(stat("sticky/mine", &st));
      printf("%o own %d\n", st.st_mode, st.st_uid == getuid());
      CHECK(chown("sticky/mine", 0, -1));
      CHECK(chown("sticky/mine", -1, 4711));
      CHECK(stat("sticky/mine", &st));
      printf("%o\n", st.st_mode);
      CHECK(chown("sticky/mine", -1, 0));
      CHECK(unlink("sticky/mine"));
      CHECK(open("/root/x", O_RDONLY));
      CHECK(chroot("."));
      CHECK(mknod("open/dev", S_IFCHR | 0600, 0x103));
      CHECK(setpriority(PRIO_PROCESS, 0, -5));
      CHECK(sethostname("x", 1));
      CHECK(settimeofday(&(struct timeval){0, 0}, NULL));
    }
  });
  struct stat st;
  put_file("suid", "s");
  chmod("suid", 06755);
  AS_USER("writer clears set-id bits", 4711, {
    int fd = open("suid", O_WRONLY);
    if (fd >= 0) write(fd, "t", 1);
  });
  chmod("suid", 06777);
  stat("suid", &st);
  printf("%o\n", st.st_mode);
  AS_USER("writer with access", 4711, {
    int fd = open("suid", O_WRONLY);
    CHECK(write(fd, "t", 1));
  });
  stat("suid", &st);
  printf("%o\n", st.st_mode);
  mkdir("sgid", 0755);
  CHECK(chmod("sgid", 02755));
  mkdir("sgid/sub", 0755);
  stat("sgid/sub", &st);
  printf("%o\n", st.st_mode);
  return 0;
}

// The initial stack and auxiliary vector, uname(2), sysinfo(2), credentials, limits, umask, getcwd, personality, arch_prctl.
// guest: args one two
#include "../guest.h"
#include <asm/prctl.h>
#include <elf.h>
#include <grp.h>
#include <sys/auxv.h>
#include <sys/fsuid.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

static void stack(int argc, char **argv) {
  printf("argc %d argv1 %s argv2 %s end %d\n", argc, argv[1], argv[2], argv[argc] == NULL);
  TRUE(((uintptr_t)argv & 7) == 0);
  TRUE((((uintptr_t)argv - 8) & 15) == 0);
  char **env = argv + argc + 1;
  int count = 0;
  while (env[count]) count++;
  printf("%d variables, PATH=%s HOME=%s\n", count, getenv("PATH"), getenv("HOME"));
  TRUE(argv[1] == argv[0] + strlen(argv[0]) + 1);
  TRUE(getauxval(AT_PAGESZ) == 4096);
  TRUE(getauxval(AT_PHENT) == sizeof(Elf64_Phdr));
  TRUE(getauxval(AT_PHNUM) > 0);
  const Elf64_Phdr *ph = (void *)getauxval(AT_PHDR);
  TRUE(ph != NULL && ph[0].p_type != 0);
  TRUE(getauxval(AT_BASE) == 0);
  TRUE(getauxval(AT_ENTRY) != 0);
  TRUE(getauxval(AT_UID) == getuid() && getauxval(AT_EUID) == geteuid());
  TRUE(getauxval(AT_GID) == getgid() && getauxval(AT_EGID) == getegid());
  TRUE(getauxval(AT_SECURE) == 0);
  TRUE(getauxval(AT_CLKTCK) == 100);
  TRUE(getauxval(AT_RANDOM) != 0);
  TRUE(getauxval(AT_SYSINFO_EHDR) != 0);
  TRUE(getauxval(AT_MINSIGSTKSZ) >= 2048);
  TRUE(strcmp((char *)getauxval(AT_PLATFORM), "x86_64") == 0);
  TRUE(strcmp((char *)getauxval(AT_EXECFN), argv[0]) == 0);
  TRUE((getauxval(AT_HWCAP) & 1) != 0);
}

static void names(void) {
  struct utsname u;
  CHECK(uname(&u));
  TRUE(strcmp(u.sysname, "Linux") == 0);
  TRUE(strcmp(u.machine, "x86_64") == 0);
  TRUE(u.release[0] >= '4' && u.release[0] <= '9');
  struct sysinfo s;
  CHECK(sysinfo(&s));
  TRUE(s.totalram > 0 && s.freeram <= s.totalram && s.mem_unit > 0 && s.procs > 0);
  TRUE(sysconf(_SC_NPROCESSORS_ONLN) >= 1);
  CHECK(personality(0xffffffff));
  unsigned long base;
  CHECK(syscall(SYS_arch_prctl, ARCH_GET_FS, &base));
  TRUE(base != 0);
  CHECK(syscall(SYS_arch_prctl, ARCH_GET_GS, &base));
  TRUE(base == 0);
  CHECK(syscall(SYS_arch_prctl, ARCH_SET_GS, 0x1234));
  CHECK(syscall(SYS_arch_prctl, ARCH_GET_GS, &base));
  TRUE(base == 0x1234);
  CHECK(syscall(SYS_arch_prctl, ARCH_SET_GS, 1UL << 47));
  CHECK(syscall(SYS_arch_prctl, 0x9999, 0));
}

static void credentials(void) {
  uid_t r, e, s;
  CHECK(getresuid(&r, &e, &s));
  TRUE(r == getuid() && e == geteuid() && s == e);
  CHECK(getgroups(0, NULL));
  CHECK(getgroups(-1, NULL));
  CHECK(setuid(getuid()));
  CHECK(setgid(getgid()));
  CHECK(setresuid(-1, -1, -1));
  CHECK(setreuid(-1, -1));
  printf("root %d\n", geteuid() == 0);
  IN_CHILD("become 1000", {
    CHECK(setgroups(1, (gid_t[]){5}));
    CHECK(getgroups(0, NULL));
    CHECK(setresgid(1000, 1000, 1000));
    CHECK(setresuid(1000, 1000, 0));
    printf("%d %d\n", getuid() == 1000, geteuid() == 1000);
    CHECK(seteuid(0));
    printf("%d\n", geteuid());
    CHECK(setuid(1000));
    CHECK(setuid(0));
    CHECK(setgroups(0, NULL));
    CHECK(setfsuid(-1));
    CHECK(chown("/", 0, 0));
  });
  TRUE(getpid() == syscall(SYS_gettid));
  TRUE(getpgid(0) == getpgrp());
  TRUE(getsid(0) == getsid(getpid()));
  CHECK(getpgid(99999));
  CHECK(getsid(-1));
}

static void limits(void) {
  static const char *names[] = {"CPU", "FSIZE", "DATA", "STACK", "CORE", "RSS", "NPROC", "NOFILE", "MEMLOCK", "AS"};
  for (int i = 0; i < 10; i++) {
    struct rlimit l;
    if (getrlimit(i, &l) != 0) printf("%s: %s\n", names[i], strerrorname_np(errno));
    else printf("%s: cur <= max %d\n", names[i], l.rlim_cur <= l.rlim_max);
  }
  struct rlimit l = {10, 5};
  CHECK(setrlimit(RLIMIT_CORE, &l));
  CHECK(getrlimit(99, &l));
  IN_CHILD("limits", {
    l.rlim_cur = 5, l.rlim_max = 10;
    CHECK(setrlimit(RLIMIT_MSGQUEUE, &l));
    l.rlim_max = 11;
    if (geteuid() != 0) CHECK(setrlimit(RLIMIT_MSGQUEUE, &l));
    CHECK(prlimit(0, RLIMIT_MSGQUEUE, NULL, &l));
    printf("%ld\n", (long)l.rlim_cur);
    CHECK(prlimit(99999, RLIMIT_CORE, NULL, &l));
    l.rlim_cur = l.rlim_max = 1 << 20;
    CHECK(setrlimit(RLIMIT_AS, &l));
    CHECK(mmap(NULL, 8 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  });
  IN_CHILD("file size", {
    l.rlim_cur = 100, l.rlim_max = 100;
    setrlimit(RLIMIT_FSIZE, &l);
    signal(SIGXFSZ, SIG_IGN);
    int fd = MUST(open(".", O_TMPFILE | O_RDWR, 0600));
    char buf[200] = {0};
    CHECK(write(fd, buf, 200));
    CHECK(write(fd, buf, 1));
    CHECK(ftruncate(fd, 101));
    signal(SIGXFSZ, SIG_DFL);
    write(fd, buf, 1);
  });
  CHECK(umask(0777));
  CHECK(umask(01022));
  CHECK(umask(022));
}

int guest(int argc, char **argv) {
  scratch();
  stack(argc, argv);
  names();
  credentials();
  limits();
  return 0;
}

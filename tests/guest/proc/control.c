// prctl(2): the operations on memory, speculation, core scheduling and the rest; pidfd ioctls and waits; clone flags without effect.
#include "../guest.h"
#include <linux/prctl.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

static long pr(long a, long b, long c, long d, long e) {
  return syscall(SYS_prctl, a, b, c, d, e);
}

static void refused(void) {
  printf("-- refused or kept\n");
  CHECK(pr(62, 0, 0, 0, 0));
  CHECK(pr(62, 0, 0, 0, 8));
  CHECK(pr(62, 1, 0, 0, 0));
  CHECK(pr(62, 9, 0, 0, 0));
  CHECK(pr(PR_GET_SPECULATION_CTRL, 9, 0, 0, 0));
  CHECK(pr(PR_GET_SPECULATION_CTRL, 0, 1, 0, 0));
  CHECK(pr(PR_SET_SPECULATION_CTRL, 9, 2, 0, 0));
  CHECK(pr(PR_SET_SPECULATION_CTRL, 0, 2, 1, 0));
  CHECK(pr(PR_SET_TAGGED_ADDR_CTRL, 0, 0, 0, 0));
  CHECK(pr(PR_GET_TAGGED_ADDR_CTRL, 0, 0, 0, 0));
  CHECK(pr(PR_PAC_RESET_KEYS, 0, 0, 0, 0));
  CHECK(pr(PR_SVE_GET_VL, 0, 0, 0, 0));
  CHECK(pr(PR_SET_FP_MODE, 0, 0, 0, 0));
  CHECK(pr(PR_GET_FP_MODE, 0, 0, 0, 0));
  CHECK(pr(PR_MPX_ENABLE_MANAGEMENT, 0, 0, 0, 0));
  CHECK(pr(PR_GET_ENDIAN, 8, 0, 0, 0));
  CHECK(pr(PR_GET_UNALIGN, 8, 0, 0, 0));
  CHECK(pr(PR_GET_FPEMU, 8, 0, 0, 0));
  CHECK(pr(PR_GET_FPEXC, 8, 0, 0, 0));
  CHECK(pr(0x41555856, 0, 0, 1, 0));
  CHECK(pr(0x53564d41, 1, 0, 0, 0));
  CHECK(pr(67, 0, 0, 0, 0));
  CHECK(pr(67, 1, 0, 0, 0));
  CHECK(pr(67, 0, 1, 0, 0));
  CHECK(pr(68, 0, 0, 0, 0));
  CHECK(pr(68, 1, 0, 0, 0));
  CHECK(pr(999, 0, 0, 0, 0));
  CHECK(pr(PR_SET_MM, PR_SET_MM_BRK, 0, 0, 1));
}

static void auxv(void) {
  printf("-- PR_GET_AUXV\n");
  unsigned long vector[64];
  memset(vector, 0xee, sizeof vector);
  long size = pr(0x41555856, (long)vector, sizeof vector, 0, 0);
  printf("%s\n", size > 200 && size <= 512 ? "a vector" : "something else");
  int found = 0;
  for (int i = 0; i < 62; i += 2)
    if (vector[i] == AT_ENTRY) found = vector[i + 1] == getauxval(AT_ENTRY);
  printf("entry %d\n", found);
  CHECK(pr(0x41555856, (long)vector, 16, 0, 0) == size);
  CHECK(pr(0x41555856, 8, 16, 0, 0));
  CHECK(pr(0x41555856, 0, 0, 0, 0) == size);
}

static void told_by_child(void) {
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    CHECK(pr(66, 0, 0, 0, 0));
    fflush(stdout);
    _exit(0);
  }
  waitpid(pid, NULL, 0);
}

static void mdwe(void) {
  printf("-- PR_SET_MDWE\n");
  CHECK(pr(66, 0, 0, 0, 0));
  CHECK(pr(66, 1, 0, 0, 0));
  CHECK(pr(65, 0, 0, 0, 0));
  CHECK(pr(65, 2, 0, 0, 0));
  CHECK(pr(65, 4, 0, 0, 0));
  CHECK(pr(65, 1, 1, 0, 0));
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    char *before = map_pages(1, PROT_READ | PROT_EXEC);
    char *plain = map_pages(1, PROT_READ | PROT_WRITE);
    CHECK(pr(65, 1, 0, 0, 0));
    CHECK(pr(65, 1, 0, 0, 0));
    CHECK(pr(65, 0, 0, 0, 0));
    CHECK(pr(65, 3, 0, 0, 0));
    CHECK(pr(66, 0, 0, 0, 0));
    CHECK(mprotect(plain, PAGE, PROT_READ | PROT_EXEC));
    CHECK(mprotect(plain, PAGE, PROT_READ));
    CHECK(mprotect(plain, PAGE, PROT_EXEC));
    CHECK(mprotect(before, PAGE, PROT_READ | PROT_EXEC));
    CHECK(mprotect(before, PAGE, PROT_READ | PROT_EXEC | PROT_WRITE));
    CHECK(mprotect(before, PAGE, PROT_READ));
    CHECK(mprotect(before, PAGE, PROT_EXEC));
    OK(mmap(NULL, PAGE, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    OK(mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    told_by_child();
    _exit(0);
  }
  waitpid(pid, NULL, 0);
  pid = fork();
  if (pid == 0) {
    CHECK(pr(65, 3, 0, 0, 0));
    CHECK(pr(66, 0, 0, 0, 0));
    told_by_child();
    _exit(0);
  }
  waitpid(pid, NULL, 0);
}

struct info {
  uint64_t mask, cgroupid;
  uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
  int32_t exit_code;
  uint32_t coredump_mask, coredump_signal;
};
#define GET_INFO(size) _IOC(_IOC_READ | _IOC_WRITE, 0xFF, 11, size)

static void pidfds(void) {
  printf("-- pidfds\n");
  int status;
  siginfo_t info;
  int blocker[2];
  MUST(pipe(blocker));
  fflush(stdout);
  pid_t pid = MUST(fork());
  if (pid == 0) {
    char c;
    close(blocker[1]);
    read(blocker[0], &c, 1);
    _exit(9);
  }
  close(blocker[0]);
  int fd = MUST(syscall(SYS_pidfd_open, pid, 0));
  int nonblocking = MUST(syscall(SYS_pidfd_open, pid, O_NONBLOCK));
  CHECK(waitid(P_PIDFD, nonblocking, &info, WEXITED));
  CHECK(waitid(P_PIDFD, nonblocking, &info, WEXITED | WNOHANG));
  CHECK(waitid(P_PIDFD, blocker[1], &info, WEXITED));
  struct info who = {.mask = 1 | 2 | 4 | 8};
  CHECK(ioctl(fd, GET_INFO(64), &who));
  printf("mask %s ids %d %d %d uid %d %d\n", (who.mask & 3) == 3 ? "pid creds" : "less", who.pid == (uint32_t)pid, who.tgid == (uint32_t)pid, who.ppid == (uint32_t)getpid(), who.ruid == getuid(), who.fsgid == getgid());
  CHECK(ioctl(fd, GET_INFO(16), &who));
  CHECK(ioctl(fd, GET_INFO(64), 8));
  CHECK(ioctl(fd, _IO(0xFF, 77), 0));
  CHECK(ioctl(fd, FIONREAD, &status));
  CHECK(syscall(SYS_pidfd_getfd, fd, 99, 0));
  CHECK(syscall(SYS_pidfd_getfd, fd, 0, 1));
  CHECK(syscall(SYS_pidfd_getfd, blocker[1], 0, 0));
  int got = syscall(SYS_pidfd_getfd, fd, blocker[0], 0);
  printf("got %s, close on exec %d\n", got >= 0 ? "it" : strerrorname_np(errno), fcntl(got, F_GETFD));
  close(got);
  CHECK(syscall(SYS_pidfd_open, pid, O_EXCL) >= 0);
  CHECK(syscall(SYS_pidfd_open, getpid(), 1));
  CHECK(syscall(SYS_pidfd_open, -1, 0));
  CHECK(syscall(SYS_pidfd_open, 1 << 22, 0));
  write(blocker[1], "x", 1);
  CHECK(waitid(P_PIDFD, fd, &info, WEXITED | WNOWAIT));
  who.mask = 1 | 2 | 4 | 8;
  CHECK(ioctl(fd, GET_INFO(64), &who));
  CHECK(waitid(P_PIDFD, fd, &info, WEXITED));
  printf("status %d\n", info.si_status);
  who.mask = 1 | 2 | 8;
  CHECK(ioctl(fd, GET_INFO(64), &who));
  printf("mask exit %d creds %d code %#x\n", (who.mask & 8) != 0, (who.mask & 2) != 0, who.exit_code);
  CHECK(syscall(SYS_pidfd_getfd, fd, 0, 0));
  CHECK(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
  CHECK(waitid(P_PIDFD, fd, &info, WEXITED));
  CHECK(syscall(SYS_pidfd_send_signal, -10000, 0, NULL, 0));
  CHECK(syscall(SYS_pidfd_send_signal, -10001, 0, NULL, 0));
}

struct args3 {
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

static void clones(void) {
  printf("-- clone\n");
  int status;
  fflush(stdout);
  pid_t pid = syscall(SYS_clone, CLONE_SYSVSEM | CLONE_IO | SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) _exit(4);
  waitpid(pid, &status, 0);
  print_status("CLONE_SYSVSEM | CLONE_IO", status);
  struct args3 a = {.flags = 0x200000000ULL, .exit_signal = SIGCHLD, .cgroup = 9999};
  CHECK(syscall(SYS_clone3, &a, sizeof a));
  a.cgroup = 0;
  CHECK(syscall(SYS_clone3, &a, sizeof a));
  CHECK(syscall(SYS_clone3, &a, 80));
  a.cgroup = 1ULL << 33;
  CHECK(syscall(SYS_clone3, &a, sizeof a));
  CHECK(syscall(SYS_unshare, 1));
  CHECK(syscall(SYS_unshare, CLONE_THREAD));
  CHECK(syscall(SYS_unshare, CLONE_SIGHAND));
  CHECK(syscall(SYS_unshare, CLONE_VM));
  CHECK(syscall(SYS_unshare, CLONE_FS | CLONE_FILES | CLONE_SYSVSEM));
  CHECK(syscall(SYS_setns, -1, 0));
  CHECK(syscall(SYS_setns, 0, 0x1234));
  a = (struct args3){.flags = CLONE_NEWNS | CLONE_FS, .exit_signal = SIGCHLD};
  CHECK(syscall(SYS_clone3, &a, sizeof a));
  a.flags = CLONE_NEWPID | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, a.exit_signal = 0;
  CHECK(syscall(SYS_clone3, &a, sizeof a));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  refused();
  auxv();
  mdwe();
  pidfds();
  clones();
  return 0;
}

// Runs a program for which calls fail with EPERM, as container runtimes with a strict seccomp profile make it:
// `refuse ptrace PROGRAM…` takes ptrace(2) away, `refuse pidfd,ptrace PROGRAM…` pidfd_open(2) too, `seccomp` further filters, `exec`
// execveat(2), by which files in memory are executed.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct { const char *name; int number; } calls[] = {
    {"ptrace", SYS_ptrace}, {"pidfd", SYS_pidfd_open}, {"seccomp", SYS_seccomp}, {"exec", SYS_execveat},
};
enum { COUNT = sizeof calls / sizeof *calls };

int main(int argc, char **argv) {
  struct sock_filter filter[2 * COUNT + 2] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
  unsigned short length = 1;
  if (argc < 3) return 2;
  for (char *name = strtok(argv[1], ","); name != NULL; name = strtok(NULL, ",")) {
    int at = 0;
    while (at < COUNT && strcmp(calls[at].name, name) != 0) at++;
    if (at == COUNT || length + 2 >= 2 * COUNT + 2) return 2;
    filter[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[at].number, 0, 1);
    filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
  }
  filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog program = {length, filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) {
    perror("seccomp");
    return 2;
  }
  execvp(argv[2], argv + 2);
  perror(argv[2]);
  return 2;
}

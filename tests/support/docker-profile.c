// Runs a program under a filter that refuses what Docker's default seccomp profile refuses to a container without capabilities:
// EPERM for each call below, for clone(2) with namespaces, socket(2) of the hypervisor's and rare personalities; ENOSYS for clone3(2) and
// for calls that are newer than the profile. `docker-profile PROGRAM…`.
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>


// Newer than some headers.
enum {
  IO_URING_SETUP = 425, IO_URING_ENTER, IO_URING_REGISTER, OPEN_TREE, MOVE_MOUNT, FSOPEN, FSCONFIG, FSMOUNT, FSPICK,
  CLONE3 = 435, PIDFD_GETFD = 438, MOUNT_SETATTR = 442, QUOTACTL_FD = 443, SET_MEMPOLICY_HOME_NODE = 450, NEWER = 463, VSOCK = 40,
};

// docs.docker.com, "Significant syscalls blocked by the default profile", and what else takes a capability that a container has not.
static const int refused[] = {
    // clocks
    SYS_clock_adjtime, SYS_clock_settime, SYS_settimeofday,
    // modules and the kernel itself
    SYS_create_module, SYS_delete_module, SYS_finit_module, SYS_init_module, SYS_query_module, SYS_get_kernel_syms,
    SYS_kexec_file_load, SYS_kexec_load, SYS_reboot, SYS_syslog, SYS_bpf, SYS_perf_event_open, SYS_iopl, SYS_ioperm,
    // mounts and namespaces
    SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_setns, SYS_unshare, OPEN_TREE, MOVE_MOUNT, FSOPEN, FSCONFIG,
    FSMOUNT, FSPICK, MOUNT_SETATTR, SYS_sethostname, SYS_setdomainname, SYS_vhangup,
    // files and storage
    SYS_open_by_handle_at, SYS_fanotify_init, SYS_quotactl, QUOTACTL_FD, SYS_swapon, SYS_swapoff, SYS_acct, SYS_lookup_dcookie,
    // other processes
    SYS_kcmp, SYS_process_vm_readv, SYS_process_vm_writev, PIDFD_GETFD,
    // memory
    SYS_mbind, SYS_get_mempolicy, SYS_set_mempolicy, SET_MEMPOLICY_HOME_NODE, SYS_move_pages, SYS_userfaultfd,
    // keys, rings, and what is old
    SYS_add_key, SYS_keyctl, SYS_request_key, IO_URING_SETUP, IO_URING_ENTER, IO_URING_REGISTER, SYS_nfsservctl, SYS_sysfs,
    SYS__sysctl, SYS_uselib, SYS_ustat,
};
enum { COUNT = sizeof refused / sizeof *refused };

static struct sock_filter filter[2 * COUNT + 32];
static unsigned short length;

static void put(struct sock_filter instruction) { filter[length++] = instruction; }

static void answer(int number, unsigned error) {
  put((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
  put((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error));
}

int main(int argc, char **argv) {
  const unsigned namespaces = 0x7e020000;
  if (argc < 2) return 2;
  put((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
  for (int i = 0; i < COUNT; i++) answer(refused[i], EPERM);
  answer(CLONE3, ENOSYS);
  put((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, NEWER, 0, 1));
  put((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS));
  put((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 4));
  put((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)));
  put((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, VSOCK, 0, 1));
  put((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
  put((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  put((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_personality, 0, 4));
  put((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)));
  put((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 6, 0));
  put((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xffffffff, 5, 0));
  put((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
  put((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3));
  put((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)));
  put((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, namespaces, 0, 1));
  put((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
  put((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  struct sock_fprog program = {length, filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) {
    perror("seccomp");
    return 2;
  }
  execvp(argv[1], argv + 1);
  perror(argv[1]);
  return 2;
}

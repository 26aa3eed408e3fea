// execve(2) of files with capabilities (capabilities(7)): permitted, inheritable and effective sets, the bounding set, no_new_privs, AT_SECURE.
#include "../guest.h"
#include <linux/capability.h>
#include <linux/xattr.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/xattr.h>

#define KILL (1u << CAP_KILL)
#define CHOWN (1u << CAP_CHOWN)
#define FOWNER (1u << CAP_FOWNER)

static void show(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  MUST(syscall(SYS_capget, &header, data));
  unsigned mask = KILL | CHOWN | FOWNER;
  printf("  permitted %x effective %x inheritable %x secure %lu euid %d\n", data[0].permitted & mask, data[0].effective & mask,
         data[0].inheritable & mask, getauxval(AT_SECURE), geteuid() == 1000);
}

static long set_file(const char *path, unsigned revision, unsigned effective, unsigned permitted, unsigned inheritable, size_t size) {
  struct vfs_ns_cap_data data = {0};
  data.magic_etc = revision | effective;
  data.data[0].permitted = permitted;
  data.data[0].inheritable = inheritable;
  return setxattr(path, "security.capability", &data, size, 0);
}

static void inheritable(unsigned set) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  MUST(syscall(SYS_capget, &header, data));
  data[0].inheritable = set;
  data[1].inheritable = 0;
  MUST(syscall(SYS_capset, &header, data));
}

// Runs the copy as user 1000.
static void run(const char *what, unsigned inherits, int drop, int locked) {
  printf("%s\n", what);
  IN_CHILD(what, {
    if (drop >= 0) MUST(prctl(PR_CAPBSET_DROP, drop));
    inheritable(inherits);
    if (locked) MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    MUST(setresgid(1000, 1000, 1000));
    MUST(setresuid(1000, 1000, 1000));
    CHECK(execl("./copy", "copy", "show", (char *)NULL));
  });
}

int guest(int argc, char **argv) {
  (void)argv;
  if (argc > 1) {
    show();
    fflush(stdout);
    _exit(0);
  }
  scratch();
  chmod(".", 0755);
  char buffer[65536];
  int in = MUST(open("/proc/self/exe", O_RDONLY)), out = MUST(open("copy", O_CREAT | O_WRONLY, 0755));
  for (ssize_t n; (n = MUST(read(in, buffer, sizeof buffer))) > 0;) MUST(write(out, buffer, n));
  close(out);
  if (geteuid() != 0) {
    CHECK(set_file("copy", VFS_CAP_REVISION_2, 0, KILL, 0, XATTR_CAPS_SZ_2));
    return 0;
  }
  run("no capabilities", 0, -1, 0);
  MUST(set_file("copy", VFS_CAP_REVISION_2, VFS_CAP_FLAGS_EFFECTIVE, KILL | CHOWN, 0, XATTR_CAPS_SZ_2));
  run("permitted and effective", 0, -1, 0);
  run("no_new_privs", 0, -1, 1);
  run("without one of the bounding set", 0, CAP_KILL, 0);
  MUST(set_file("copy", VFS_CAP_REVISION_2, 0, KILL, FOWNER, XATTR_CAPS_SZ_2));
  run("permitted only", 0, -1, 0);
  run("inheritable on both sides", FOWNER | CHOWN, -1, 0);
  run("not effective: without one of the bounding set", 0, CAP_KILL, 0);
  MUST(set_file("copy", VFS_CAP_REVISION_2, VFS_CAP_FLAGS_EFFECTIVE, 0, 0, XATTR_CAPS_SZ_2));
  run("empty but effective", 0, -1, 0);
  CHECK(set_file("copy", VFS_CAP_REVISION_2, 0, KILL, 0, 12));
  CHECK(set_file("copy", 0x05000000, 0, KILL, 0, XATTR_CAPS_SZ_2));
  CHECK(removexattr("copy", "security.capability"));
  run("removed", FOWNER, -1, 0);
  // Root's own programs have all, whatever the file says; unless the file can't have what it must.
  MUST(set_file("copy", VFS_CAP_REVISION_2, VFS_CAP_FLAGS_EFFECTIVE, KILL, 0, XATTR_CAPS_SZ_2));
  IN_CHILD("root", CHECK(execl("./copy", "copy", "show", (char *)NULL)));
  IN_CHILD("root without it", {
    MUST(prctl(PR_CAPBSET_DROP, CAP_KILL));
    CHECK(execl("./copy", "copy", "show", (char *)NULL));
  });
  // set-user-ID root with capabilities of its own: those only.
  MUST(chmod("copy", 04755));
  run("set-user-ID root", 0, -1, 0);
  return 0;
}

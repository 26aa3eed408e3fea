// A memory file that can have huge pages. memfd_create(2) follows /sys/kernel/mm/transparent_hugepage/shmem_enabled, which most hosts
// leave at `never`; a tmpfs of one's own has its own answer: its `huge=advise` gives huge pages where madvise(2) asks for them, and
// nowhere else. The mount is never attached to a tree (fsmount(2)), and lives as long as the file. Mounting takes CAP_SYS_ADMIN: a process
// without it makes the file from a user namespace where it has some, in a child that shares memory and descriptors and ends at once.
#include "child.h"
#include "state.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace host {

// linux/mount.h and sys/mount.h can't be included together on older systems.
constexpr unsigned kFsopenCloexec = 1;
constexpr unsigned kFsconfigSetString = 1;
constexpr unsigned kFsconfigCreate = 6;
constexpr unsigned kFsmountCloexec = 1;
constexpr size_t kStack = 64 * 1024;

struct Attempt {
  char uidMap[32];
  char gidMap[32];
  int fd;
};

// A file in a fresh tmpfs, or -1.
ON_CHILD_STACK static int FileOfTmpfs() {
  const int context = static_cast<int>(syscall(SYS_fsopen, "tmpfs", kFsopenCloexec));
  if (context < 0) return -1;
  int mount = -1;
  // Its size is the sandbox's business.
  const bool made = syscall(SYS_fsconfig, context, kFsconfigSetString, "huge", "advise", 0) == 0 &&
                    syscall(SYS_fsconfig, context, kFsconfigSetString, "size", "0", 0) == 0 &&
                    syscall(SYS_fsconfig, context, kFsconfigCreate, nullptr, nullptr, 0) == 0;
  if (made) mount = static_cast<int>(syscall(SYS_fsmount, context, kFsmountCloexec, 0));
  close(context);
  if (mount < 0) return -1;
  const int fd = openat(mount, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  close(mount);
  return fd;
}

ON_CHILD_STACK static int InNamespace(void* argument) {
  auto* attempt = static_cast<Attempt*>(argument);
  if (MapIds(attempt->uidMap, attempt->gidMap)) attempt->fd = FileOfTmpfs();
  _exit(0);
}

static int FileOfNamespace() {
  Attempt attempt{};
  attempt.fd = -1;
  snprintf(attempt.uidMap, sizeof attempt.uidMap, "0 %u 1", geteuid());
  snprintf(attempt.gidMap, sizeof attempt.gidMap, "0 %u 1", getegid());
  void* stack = mmap(nullptr, kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED) return -1;
  sigset_t all;
  sigset_t old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  // Without an exit signal nobody else's wait finds the child.
  const int flags = CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_NEWUSER | CLONE_NEWNS;
  const pid_t child = clone(InNamespace, static_cast<uint8_t*>(stack) + kStack, flags, &attempt);
  if (child > 0) waitpid(child, nullptr, __WCLONE);
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  munmap(stack, kStack);
  return attempt.fd;
}

int OpenHugeFile() {
  const int fd = FileOfTmpfs();
  return fd >= 0 ? fd : FileOfNamespace();
}

}  // namespace host

// Starting a process without copying the caller: a vfork-like clone shares memory until execve, so the cost does not grow with
// the memory file, and the child may only make raw system calls on its own stack. Everything it needs is laid out in the
// argument page beforehand: a command block of NUL-terminated strings and a list of descriptors.
#include "child.h"
#include "state.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

namespace host {

constexpr size_t kStack = 64 * 1024;
constexpr int kMaxFds = 256;

struct Child {
  int executable;            // descriptor for execveat, or -1
  const char* path;          // path for execve
  char** argv;
  char** envp;
  const int* fds;            // fds[i] becomes descriptor i
  int fdCount;
  int64_t flags;             // kFlag*
  int64_t namespaces;        // CLONE_NEW*
  const char* uidMap;
  const char* gidMap;
  pid_t parent;
  volatile int error;
};

enum : int64_t { kFlagSession = 1, kFlagParentDeath = 2, kFlagNoNewPrivs = 4, kFlagDropCapabilities = 8 };

ON_CHILD_STACK static void CloseFrom(int first) {
  if (syscall(SYS_close_range, first, ~0U, 0) == 0) return;
  rlimit limit{};
  prlimit(0, RLIMIT_NOFILE, nullptr, &limit);
  for (int fd = first; fd < static_cast<int>(limit.rlim_cur) && fd < 1 << 20; fd++) close(fd);
}

// Moves descriptors to 0..n-1. First all of them go above the range, so that none is overwritten before it was moved.
ON_CHILD_STACK static bool PlaceDescriptors(const Child& child) {
  int high[kMaxFds];
  for (int i = 0; i < child.fdCount; i++) {
    high[i] = child.fds[i] < 0 ? -1 : fcntl(child.fds[i], F_DUPFD, kMaxFds);
    if (child.fds[i] >= 0 && high[i] < 0) return false;
  }
  for (int i = 0; i < child.fdCount; i++) {
    if (high[i] < 0) close(i);
    else if (dup2(high[i], i) < 0) return false;
  }
  return true;
}

ON_CHILD_STACK static void ResetSignals() {
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  for (int signal = 1; signal < 65; signal++) sigaction(signal, &action, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

ON_CHILD_STACK static bool DropCapabilities() {
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  for (int capability = 0; capability < 64; capability++) {
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno == EINVAL) break;
  }
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2] = {};
  return syscall(SYS_capset, &header, none) == 0;
}

// Rights are dropped before exec, where the child is one thread; for root that includes those that exec would give back.
ON_CHILD_STACK static bool GiveUp(const Child& child) {
  if ((child.namespaces & CLONE_NEWUSER) != 0 && !MapIds(child.uidMap, child.gidMap)) return false;
  if ((child.flags & kFlagSession) != 0) setsid();
  if ((child.flags & kFlagDropCapabilities) != 0) {
    prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED, 0, 0, 0);
    if (!DropCapabilities()) return false;
  }
  if ((child.flags & kFlagNoNewPrivs) != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  if ((child.flags & kFlagParentDeath) == 0) return true;
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return false;
  // A parent that died before this call sends no signal. In a new pid namespace it can't be seen from here.
  if ((child.namespaces & CLONE_NEWPID) == 0 && getppid() != child.parent) _exit(127);
  return true;
}

ON_CHILD_STACK static int Enter(void* argument) {
  Child& child = *static_cast<Child*>(argument);
  ResetSignals();
  if (!GiveUp(child)) {
    child.error = errno;
    _exit(127);
  }
  int executable = child.executable;
  if (executable >= 0) executable = fcntl(executable, F_DUPFD_CLOEXEC, kMaxFds * 2);
  if (!PlaceDescriptors(child)) {
    child.error = errno;
    _exit(127);
  }
  if (executable >= 0) {
    if (executable != child.fdCount) dup3(executable, child.fdCount, O_CLOEXEC);
    CloseFrom(child.fdCount + 1);
    syscall(SYS_execveat, child.fdCount, "", child.argv, child.envp, AT_EMPTY_PATH);
  } else {
    CloseFrom(child.fdCount);
    execve(child.path, child.argv, child.envp);
  }
  child.error = errno;
  _exit(127);
}

// Splits `count` NUL-terminated strings starting at `at`. Returns false when they leave the page.
static bool Strings(State& state, int64_t count, size_t* at, std::vector<char*>* out) {
  for (int64_t i = 0; i < count; i++) {
    out->push_back(reinterpret_cast<char*>(state.page + *at));
    while (*at < kSharedBytes && state.page[*at] != 0) (*at)++;
    if (*at >= kSharedBytes) return false;
    (*at)++;
  }
  out->push_back(nullptr);
  return true;
}

static int64_t CloneAndExec(Child& child, int* pidfd) {
  void* stack = mmap(nullptr, kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED) return -errno;
  sigset_t all;
  sigset_t old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  const int flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD | static_cast<int>(child.namespaces);
  const int pid = clone(Enter, static_cast<uint8_t*>(stack) + kStack, flags, &child, pidfd);
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  munmap(stack, kStack);
  return pid < 0 ? -error : pid;
}

// args: executable descriptor or -1, count of argv, count of envp, offset of the strings (path first), count of descriptors,
// offset of their int32 list, flags, CLONE_NEW* flags. The strings: path, argv, envp, uid_map, gid_map. Returns the pid; results[0] is a pidfd.
int64_t Spawn(State& state) {
  std::vector<char*> path;
  std::vector<char*> argv;
  std::vector<char*> envp;
  std::vector<char*> maps;
  const int64_t fdCount = state.arg(4);
  const int64_t fdOffset = state.arg(5);
  auto at = static_cast<size_t>(state.arg(3));
  if (fdCount < 0 || fdCount > kMaxFds || at >= kSharedBytes) return -EINVAL;
  if (fdOffset < 0 || fdOffset % 4 != 0 || fdOffset + fdCount * 4 > static_cast<int64_t>(kSharedBytes)) return -EINVAL;
  if (!Strings(state, 1, &at, &path) || !Strings(state, state.arg(1), &at, &argv) ||
      !Strings(state, state.arg(2), &at, &envp) || !Strings(state, 2, &at, &maps)) {
    return -E2BIG;
  }
  const std::vector<int> fds(reinterpret_cast<int*>(state.page + fdOffset),
                             reinterpret_cast<int*>(state.page + fdOffset) + fdCount);
  Child child{static_cast<int>(state.arg(0)), path[0],      argv.data(), envp.data(), fds.data(),
              static_cast<int>(fdCount),      state.arg(6), state.arg(7),
              maps[0], maps[1], getpid(), 0};
  int pidfd = -1;
  const int64_t pid = CloneAndExec(child, &pidfd);
  if (pid > 0 && child.error != 0) {
    syscall(SYS_wait4, pid, nullptr, 0, nullptr);
    close(pidfd);
    return -child.error;
  }
  state.results()[0] = pidfd;
  return pid;
}

}  // namespace host

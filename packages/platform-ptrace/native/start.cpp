// Starting and ending the platform: the template stub is executed once from a sealed memfd by a vfork-like child (no copy of the
// sentry), stripped of everything but its own pages, put under its filter, and from then on cloned. The bell is a process
// that only sleeps: a signal to it ends the sentry's waitpid, which no signal to the sentry itself could do without a race.
#include "engine.h"

#include <cerrno>
#include <climits>
#include <csignal>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace stub {

// What Open was doing when it failed: results[0], for a message that says what to do.
enum Phase : int { kPhaseFiles, kPhaseClone, kPhaseTraceme, kPhaseExec, kPhaseOptions, kPhaseLayout, kPhaseFilter, kPhaseBell };

// The child leaves its stack by execve: an address sanitizer would keep its frames poisoned for whoever gets the memory next.
#define ON_CHILD_STACK __attribute__((no_sanitize("address")))

struct Child {
  int fds[kFdFirstFile];
  int image;
  pid_t parent;
  volatile int error;
  volatile int phase;
};

constexpr size_t kChildStack = 64 * 1024;

ON_CHILD_STACK static void CloseFrom(int first) {
  if (syscall(SYS_close_range, first, ~0U, 0) == 0) return;
  rlimit limit{};
  syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, nullptr, &limit);
  for (int fd = first; fd < static_cast<int>(limit.rlim_cur) && fd < 1 << 20; fd++) close(fd);
}

ON_CHILD_STACK static void ResetSignals() {
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  for (int signal = 1; signal < 65; signal++) sigaction(signal, &action, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

ON_CHILD_STACK static bool PlaceDescriptors(Child& child) {
  constexpr int kHigh = 100;
  int high[kFdFirstFile];
  for (int i = 0; i < kFdFirstFile; i++) {
    high[i] = fcntl(child.fds[i], F_DUPFD, kHigh);
    if (high[i] < 0) return false;
  }
  const int image = fcntl(child.image, F_DUPFD, kHigh);
  if (image < 0) return false;
  for (int i = 0; i < kFdFirstFile; i++) {
    if (dup2(high[i], i) < 0) return false;
  }
  if (dup2(image, kFdFirstFile) < 0) return false;  // stays open: the code is mapped again from it
  CloseFrom(kFdFirstFile + 1);
  return true;
}

// Shares memory with the sentry until execve: raw calls only, on its own stack.
ON_CHILD_STACK static int Enter(void* argument) {
  Child& child = *static_cast<Child*>(argument);
  ResetSignals();
  setsid();
  // Until EXITKILL takes over. A parent that died before this call sends no signal.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != child.parent) _exit(127);
  child.phase = kPhaseTraceme;
  if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0) {
    child.phase = kPhaseExec;
    if (PlaceDescriptors(child)) {
      char name[] = "sandbox-stub";
      char* argv[] = {name, nullptr};
      char* envp[] = {nullptr};
      syscall(SYS_execveat, kFdFirstFile, "", argv, envp, AT_EMPTY_PATH);
      if (errno == ENOSYS) {
        char path[] = "/proc/self/fd/4";
        execve(path, argv, envp);
      }
    }
  }
  child.error = errno;
  _exit(127);
}

static int64_t CloneChild(Child& child) {
  void* stack = mmap(nullptr, kChildStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED) return -errno;
  sigset_t all;
  sigset_t old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  const int pid = clone(Enter, static_cast<uint8_t*>(stack) + kChildStack, CLONE_VM | CLONE_VFORK | SIGCHLD, &child);
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  munmap(stack, kChildStack);
  return pid < 0 ? -error : pid;
}

static int64_t Call(Engine& engine, pid_t tid, int64_t number, uint64_t a = 0, uint64_t b = 0, uint64_t c = 0,
                    uint64_t d = 0, uint64_t e = 0, uint64_t f = 0) {
  const uint64_t args[6] = {a, b, c, d, e, f};
  int64_t result = 0;
  const int64_t error = Inject(engine, tid, number, args, &result);
  return error != 0 ? error : result;
}

static int64_t MapStubPages(Engine& engine, pid_t tid, const StubImage& image) {
  const uint64_t fixed = MAP_FIXED;
  int64_t r = Call(engine, tid, SYS_mmap, kStubText, kPageSize, PROT_READ | PROT_EXEC, fixed | MAP_PRIVATE, kFdFirstFile,
                   image.text);
  if (r < 0) return r;
  r = Call(engine, tid, SYS_mmap, kStubConstants, kPageSize, PROT_READ, fixed | MAP_SHARED, kFdCommands, 0);
  if (r < 0) return r;
  return Call(engine, tid, SYS_mmap, kStubScratch, kPageSize, PROT_READ | PROT_WRITE, fixed | MAP_PRIVATE | MAP_ANONYMOUS,
              ~0ULL, 0);
}

// Leaves the stub with its own pages only: no vDSO, no vvar, no stack, no trace of exec.
static int64_t Strip(Engine& engine, pid_t tid) {
  int64_t r = Call(engine, tid, SYS_munmap, 0, kStubText);
  if (r == -EINVAL) r = Call(engine, tid, SYS_munmap, kPageSize, kStubText - kPageSize);
  if (r < 0) return r;
  r = Call(engine, tid, SYS_munmap, kStubScratch + kPageSize, kStubCommands - kStubScratch - kPageSize);
  if (r < 0) return r;
  r = Call(engine, tid, SYS_munmap, kStubCommands + kCommandBytes, kUserEnd - kStubCommands - kCommandBytes);
  if (r < 0) return r;
  return Call(engine, tid, SYS_close, kFdFirstFile);
}

static int64_t InstallFilter(Engine& engine, pid_t tid) {
  int64_t r = Call(engine, tid, SYS_prctl, PR_SET_NO_NEW_PRIVS, 1);
  if (r < 0) return r;
  r = Call(engine, tid, SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, kFilterAddress);
  if (r == -EINVAL) r = Call(engine, tid, SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, kFilterAddress);
  if (r == -ENOSYS) r = Call(engine, tid, SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, kFilterAddress);
  return r;
}

static int64_t Prepare(Engine& engine, pid_t pid, const StubImage& image) {
  engine.results()[0] = kPhaseOptions;
  const long options = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD;
  if (ptrace(PTRACE_SETOPTIONS, pid, nullptr, options) != 0) return -errno;
  engine.results()[0] = kPhaseLayout;
  int64_t error = FpuProbe(engine, pid);
  if (error != 0) return error;
  error = MapStubPages(engine, pid, image);
  if (error < 0) return error;
  // The first block of commands after the constants is the template's own, never used for a guest.
  error = Call(engine, pid, SYS_mmap, kStubCommands, kCommandBytes, PROT_READ, MAP_FIXED | MAP_SHARED, kFdCommands,
               kCommandBytes);
  if (error < 0) return error;
  engine.single = kStubSingle;
  error = Strip(engine, pid);
  if (error < 0) return error;
  engine.results()[0] = kPhaseFilter;
  return InstallFilter(engine, pid);
}

static int64_t StartTemplate(Engine& engine, const StubImage& image, int socket) {
  Child child{{socket, static_cast<int>(engine.arg(0)), static_cast<int>(engine.arg(1)), engine.commandFile},
              image.fd,
              getpid(),
              0,
              kPhaseClone};
  engine.results()[0] = kPhaseClone;
  const int64_t pid = CloneChild(child);
  if (pid < 0) return pid;
  engine.spaces.push_back(Space{});
  engine.templateSpace = 0;
  Space& space = engine.spaces[0];
  space.used = true;
  space.pid = static_cast<pid_t>(pid);
  space.manager = AddThread(engine, space.pid, 0, -1);
  int status = 0;
  const int error = WaitStop(engine, space.pid, &status);
  if (error != 0) {
    engine.results()[0] = child.phase;
    return child.error != 0 ? -child.error : error;
  }
  engine.single = kLoadedSingle;
  return Prepare(engine, space.pid, image);
}

static int64_t StartBell(Engine& engine) {
  engine.results()[0] = kPhaseBell;
  const int space = CloneProcess(engine, engine.templateSpace);
  if (space < 0) return space;
  const pid_t pid = engine.spaces[space].pid;
  engine.bell = engine.spaces[space].manager;
  user_regs_struct regs{};
  if (ptrace(PTRACE_GETREGS, pid, nullptr, &regs) != 0) return -errno;
  regs.rip = kStubPause;
  regs.orig_rax = ~0ULL;
  if (ptrace(PTRACE_SETREGS, pid, nullptr, &regs) != 0) return -errno;
  if (ptrace(PTRACE_CONT, pid, nullptr, nullptr) != 0) return -errno;
  engine.results()[1] = pid;
  return 0;
}

static int64_t OpenFiles(Engine& engine, StubImage* image, int* sockets) {
  const int error = MakeStubImage(image);
  if (error != 0) return error;
  if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sockets) != 0) return -errno;
  engine.socket = sockets[0];
  engine.commandFile = static_cast<int>(syscall(SYS_memfd_create, "sandbox-commands", MFD_CLOEXEC));
  if (engine.commandFile < 0 || ftruncate(engine.commandFile, kCommandFileBytes) != 0) return -errno;
  void* base = mmap(nullptr, kCommandFileBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, engine.commandFile, 0);
  if (base == MAP_FAILED) return -errno;
  engine.commands = static_cast<uint8_t*>(base);
  madvise(base, kCommandFileBytes, MADV_DONTDUMP);
  engine.procDirectory = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return MakeConstants(engine.commands);
}

// args: memory file read-write, memory file read-only. results: phase, pid of the bell, size of the extended state, XCR0 (lo,
// hi), FSGSBASE usable.
int64_t Open(Engine& engine) {
  if (engine.open) return -EBUSY;
  engine.open = true;
  LearnCpus(engine);
  engine.results()[0] = kPhaseFiles;
  StubImage image{-1, 0};
  int sockets[2] = {-1, -1};
  int64_t error = OpenFiles(engine, &image, sockets);
  if (error == 0) error = StartTemplate(engine, image, sockets[1]);
  if (image.fd >= 0) close(image.fd);
  if (sockets[1] >= 0) close(sockets[1]);
  if (error >= 0) error = StartBell(engine);
  if (error < 0) {
    const double phase = engine.results()[0];
    Close(engine);
    engine.results()[0] = phase;
    return error;
  }
  TellFeatures(engine, (getauxval(AT_HWCAP2) & 2) != 0);
  return 0;
}

static void Reap(Engine& engine) {
  std::vector<pid_t> tids;
  for (const auto& entry : engine.byTid) tids.push_back(entry.first);
  // A leader's status comes after those of its threads.
  for (int pass = 0; pass < 2; pass++) {
    for (const pid_t tid : tids) {
      const auto found = engine.byTid.find(tid);
      if (found == engine.byTid.end()) continue;
      const Thread& thread = engine.threads[found->second];
      const bool leader = engine.spaces[thread.space].pid == tid;
      if (leader != (pass == 1)) continue;
      int status = 0;
      while (waitpid(tid, &status, __WALL) >= 0 ? WIFSTOPPED(status) : errno == EINTR) continue;
    }
  }
}

// Kills and reaps every process of the platform.
int64_t Close(Engine& engine) {
  for (const Space& space : engine.spaces) {
    if (space.used && space.pid > 0 && space.threads > 0) kill(space.pid, SIGKILL);
  }
  Unpin(engine);
  Reap(engine);
  engine.byTid.clear();
  engine.spaces.clear();
  engine.threads.clear();
  engine.freeThreads.clear();
  for (const int fd : {engine.commandFile, engine.socket, engine.procDirectory}) {
    if (fd >= 0) close(fd);
  }
  engine.commandFile = engine.socket = engine.procDirectory = -1;
  engine.dead = true;
  return 0;
}

void UnmapFiles(Engine& engine) {
  if (engine.commands != nullptr) munmap(engine.commands, kCommandFileBytes);
}

}  // namespace stub

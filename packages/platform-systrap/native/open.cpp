// Starting and ending the platform: the template stub is executed once from a sealed memfd by a vfork-like child (no copy of the
// sentry), strips itself of everything but its own pages, and from then on is cloned. A probe thread then shows that traps work, before
// any guest code exists.
#include "engine.h"

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

namespace stub {

// What Open was doing when it failed: results[0], for a message that says what to do.
enum Phase : int { kPhaseFiles, kPhaseClone, kPhaseExec, kPhaseLayout, kPhaseFilter, kPhaseTrap, kPhaseThreads };

// The child leaves its stack by execve: an address sanitizer would keep its frames poisoned for whoever gets the memory next.
#define ON_CHILD_STACK __attribute__((no_sanitize("address")))

constexpr size_t kChildStack = 64 * 1024;

struct Child {
  int fds[FD_FIRST_FILE + 1];
  volatile int error;
};

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
}

ON_CHILD_STACK static bool PlaceDescriptors(Child& child) {
  constexpr int kHigh = 100;
  constexpr int kCount = FD_FIRST_FILE + 1;
  int high[kCount];
  for (int i = 0; i < kCount; i++) {
    high[i] = fcntl(child.fds[i], F_DUPFD, kHigh);
    if (high[i] < 0) return false;
  }
  for (int i = 0; i < kCount; i++) {
    if (dup2(high[i], i) < 0) return false;
  }
  CloseFrom(kCount);
  return true;
}

// Shares memory with the sentry until execve: raw calls only, on its own stack, and no signal until then.
ON_CHILD_STACK static int Enter(void* argument) {
  Child& child = *static_cast<Child*>(argument);
  ResetSignals();
  setsid();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (PlaceDescriptors(child)) {
    char name[] = "sandbox-stub";
    char* argv[] = {name, nullptr};
    char* envp[] = {nullptr};
    syscall(SYS_execveat, FD_FIRST_FILE, "", argv, envp, AT_EMPTY_PATH);
    if (errno == ENOSYS) {
      char path[] = "/proc/self/fd/6";
      execve(path, argv, envp);
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

// The executable: sealed, so that nobody changes the code once stubs map it.
static int MakeImage(const uint8_t* bytes, size_t length) {
  const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  int fd = static_cast<int>(syscall(SYS_memfd_create, "sandbox-stub", flags | MFD_EXEC));
  if (fd < 0 && errno == EINVAL) fd = static_cast<int>(syscall(SYS_memfd_create, "sandbox-stub", flags));
  if (fd < 0) return -errno;
  const bool written = write(fd, bytes, length) == static_cast<ssize_t>(length) &&
                       fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0;
  if (written) return fd;
  const int error = errno;
  close(fd);
  return -error;
}

static int64_t OpenSocket(Engine& engine, int* stubSocket) {
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) return -errno;
  engine.socket = sockets[0];
  *stubSocket = sockets[1];
  const int on = 1;
  const timeval patience{10, 0};
  if (setsockopt(engine.socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) return -errno;
  return setsockopt(engine.socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ? -errno : 0;
}

static int64_t OpenFiles(Engine& engine, int* stubSocket) {
  const int64_t refused = OpenSocket(engine, stubSocket);
  if (refused != 0) return refused;
  if (pipe2(engine.report, O_CLOEXEC) != 0) return -errno;
  engine.controlFile = static_cast<int>(syscall(SYS_memfd_create, "sandbox-control", MFD_CLOEXEC));
  engine.slotFile = static_cast<int>(syscall(SYS_memfd_create, "sandbox-slots", MFD_CLOEXEC));
  if (engine.controlFile < 0 || engine.slotFile < 0 || ftruncate(engine.controlFile, kCommandFileBytes) != 0) return -errno;
  void* base = mmap(nullptr, kCommandFileBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, engine.controlFile, 0);
  if (base == MAP_FAILED) return -errno;
  engine.control = static_cast<uint8_t*>(base);
  madvise(base, kCommandFileBytes, MADV_DONTDUMP);
  engine.procDirectory = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  engine.shared().fsgsbase = (getauxval(AT_HWCAP2) & 2) != 0 ? 1 : 0;
  const int error = MakeConstants(engine.control);
  return error != 0 ? error : StartReaper(engine);
}

constexpr int64_t kNoSegments = -65536;

// A template that could not finish says by its exit code where it stopped.
static int64_t ExplainDeath(Engine& engine, pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, __WALL) < 0 && errno == EINTR) continue;
  const int step = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  engine.results()[0] = step == STEP_FILTER ? kPhaseFilter : step == 0 || step == 127 ? kPhaseExec : kPhaseLayout;
  // A host without 32-bit calls refuses the segment, or ends who asks for it: then nothing is patched.
  return step == STEP_SEGMENT || WIFSIGNALED(status) ? kNoSegments : -EPERM;
}

static int64_t StartTemplate(Engine& engine, int image, int socket) {
  Child child{{socket, static_cast<int>(engine.arg(0)), static_cast<int>(engine.arg(1)), engine.controlFile,
               engine.slotFile, engine.report[1], image},
              0};
  if (engine.spaces.empty()) engine.spaces.emplace_back();
  PrepareBlock(engine, 0);
  engine.results()[0] = kPhaseClone;
  const int64_t pid = CloneChild(child);
  if (pid < 0) return pid;
  if (child.error != 0) {
    ExplainDeath(engine, static_cast<pid_t>(pid));
    engine.results()[0] = kPhaseExec;
    return -child.error;
  }
  // Its own end is the last one, so that a death ends the wait.
  close(socket);
  pid_t who = 0;
  const int64_t error = AwaitHello(engine, &who);
  if (error != 0) {
    kill(static_cast<pid_t>(pid), SIGKILL);
    return ExplainDeath(engine, static_cast<pid_t>(pid));
  }
  engine.results()[0] = kPhaseThreads;
  return AdoptProcess(engine, 0, static_cast<pid_t>(pid));
}

// A second try without segments, where they were refused: patched sites need them.
static int64_t StartWithSegments(Engine& engine, int image, int socket) {
  engine.shared().segments = engine.patchAfter != 0 ? 1 : 0;
  int64_t error = StartTemplate(engine, image, socket);
  if (error == kNoSegments && engine.patchAfter != 0) {
    engine.shared().segments = 0;
    engine.patchAfter = 0;
    close(engine.socket);
    error = OpenSocket(engine, &socket);
    if (error == 0) error = StartTemplate(engine, image, socket);
  }
  return error == kNoSegments ? -EPERM : error;
}

// One space with one thread, which traps once.
static int64_t Probe(Engine& engine) {
  engine.results()[0] = kPhaseThreads;
  engine.args()[0] = -1;
  const int64_t space = SpaceCreate(engine);
  if (space < 0) return space;
  engine.results()[0] = kPhaseTrap;
  const int64_t thread = MakeThread(engine, static_cast<int>(space));
  const int64_t error = thread < 0 ? thread : LearnFrame(engine, engine.threads[static_cast<size_t>(thread)]);
  engine.args()[0] = static_cast<double>(space);
  SpaceDestroy(engine);
  return error;
}

// args: memory file read-write, memory file read-only, bytes of the stub's file (at kStubArea), calls of a site before it is patched (0: never).
// results: phase, address of the doorbell, size of the extended state, XCR0 (lo, hi), FSGSBASE usable, entry for patched sites or 0.
int64_t Open(Engine& engine) {
  if (engine.open) return -EBUSY;
  engine.open = true;
  Calibrate(engine);
  engine.results()[0] = kPhaseFiles;
  const int64_t length = engine.arg(2);
  engine.patchAfter = static_cast<uint32_t>(engine.arg(3));
  if (length <= 0 || length > static_cast<int64_t>(kSharedBytes - kStubArea)) return -EINVAL;
  int socket = -1;
  int64_t error = OpenFiles(engine, &socket);
  const int image = error < 0 ? -1 : MakeImage(engine.page + kStubArea, static_cast<size_t>(length));
  if (error == 0) error = image < 0 ? image : StartWithSegments(engine, image, socket);
  if (image >= 0) close(image);
  if (error == 0) error = Probe(engine);
  if (error == 0) CalibrateSpin(engine);
  if (error < 0) {
    const double phase = engine.results()[0];
    Close(engine);
    engine.results()[0] = phase;
    return error;
  }
  engine.results()[1] = static_cast<double>(reinterpret_cast<uint64_t>(engine.bell()));
  TellFeatures(engine, engine.shared().fsgsbase != 0);
  engine.results()[6] = engine.patchAfter != 0 ? static_cast<double>(PATCH_ENTRY) : 0;
  return 0;
}

static void CloseFile(int* fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

// Kills and reaps every process of the platform.
int64_t Close(Engine& engine) {
  StopReaper(engine);
  if (engine.cpu >= 0) sched_setaffinity(0, sizeof engine.cpus, &engine.cpus);
  for (const Space& space : engine.spaces) {
    if (space.pid > 0) kill(space.pid, SIGKILL);
  }
  for (const Space& space : engine.spaces) {
    if (space.pid <= 0) continue;
    while (waitpid(space.pid, nullptr, __WALL) < 0 && errno == EINTR) continue;
    if (space.pidfd >= 0) close(space.pidfd);
  }
  engine.spaces.clear();
  engine.running.clear();
  engine.deferred.clear();
  for (Context& context : engine.contexts) context.thread = -1;
  for (int* fd : {&engine.controlFile, &engine.slotFile, &engine.socket, &engine.procDirectory, &engine.report[0],
                  &engine.report[1]}) {
    CloseFile(fd);
  }
  engine.dead = true;
  return 0;
}

void UnmapFiles(Engine& engine) {
  for (uint8_t* chunk : engine.chunks) munmap(chunk, kChunkBytes);
  if (engine.control != nullptr) munmap(engine.control, kCommandFileBytes);
}

}  // namespace stub

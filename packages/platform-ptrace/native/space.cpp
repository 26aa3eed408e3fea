// Address spaces: a clone of a stub process each. The clone is made by an injected call with CLONE_PARENT, so that every stub is
// a child of the sentry itself, and CLONE_PTRACE, so that it is traced (with EXITKILL) before its first instruction.
#include "engine.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>

namespace stub {

// The manager of a space, on this core.
static Thread& Manager(Engine& engine, const Space& space) {
  Thread& manager = engine.threads[space.manager];
  Fetch(engine, manager);
  return manager;
}

static int ManagerCpu(const Engine& engine, int space) { return engine.threads[engine.spaces[space].manager].cpu; }

static int64_t CloneFrom(Engine& engine, int from, uint64_t flags) {
  const uint64_t args[6] = {flags | CLONE_PTRACE, 0, 0, 0, 0, 0};
  int64_t tid = 0;
  const int64_t error = Inject(engine, Manager(engine, engine.spaces[from]).tid, SYS_clone, args, &tid);
  return error != 0 ? error : tid;
}

// The clone still sees the command block of the stub it comes from.
static int64_t MapOwnCommands(Engine& engine, int index) {
  const uint64_t offset = (static_cast<uint64_t>(index) + 1) * kCommandBytes;
  const uint64_t args[6] = {kStubCommands, kCommandBytes, PROT_READ, MAP_FIXED | MAP_SHARED, kFdCommands, offset};
  int64_t result = 0;
  const int64_t error = Inject(engine, engine.spaces[index].pid, SYS_mmap, args, &result);
  if (error != 0) return error;
  return result < 0 ? result : 0;
}

// A new stub process; its space index, or -errno.
int CloneProcess(Engine& engine, int from) {
  const int index = FreeSpace(engine);
  if (index < 0) return index;
  const int64_t pid = CloneFrom(engine, from, CLONE_PARENT);
  if (pid < 0) return static_cast<int>(pid);
  Space& space = engine.spaces[index];
  space.used = true;
  space.pid = static_cast<pid_t>(pid);
  space.manager = AddThread(engine, space.pid, index, ManagerCpu(engine, from));
  int status = 0;
  int64_t error = WaitStop(engine, static_cast<pid_t>(pid), &status);
  if (error == 0) error = MapOwnCommands(engine, index);
  if (error != 0) {
    kill(static_cast<pid_t>(pid), SIGKILL);
    engine.spaces[index].dead = true;
    engine.spaces[index].destroyed = true;
    if (engine.spaces[index].threads == 0) engine.spaces[index] = Space{};
    return static_cast<int>(error);
  }
  engine.count(kCountSpaces);
  return index;
}

// A new guest thread in a space, stopped; its index, or -errno.
int CloneThread(Engine& engine, int space) {
  const uint64_t flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
  const int64_t tid = CloneFrom(engine, space, flags);
  if (tid < 0) return static_cast<int>(tid);
  const int index = AddThread(engine, static_cast<pid_t>(tid), space, ManagerCpu(engine, space));
  int status = 0;
  const int error = WaitStop(engine, static_cast<pid_t>(tid), &status);
  return error != 0 ? error : index;
}

// args: the space to start from, or -1. Returns an id; results[0] is its process.
int64_t SpaceCreate(Engine& engine) {
  if (engine.dead) return -EIO;
  const int64_t from = engine.arg(0);
  if (from >= 0 && engine.spaceAt(from) == nullptr) return -EINVAL;
  const int id = CloneProcess(engine, from < 0 ? engine.templateSpace : static_cast<int>(from));
  if (id < 0) return id;
  engine.results()[0] = engine.spaces[id].pid;
  if (from >= 0) engine.spaces[id].dynamic = engine.spaces[from].dynamic;
  return id;
}

// args: space. Contexts that were stopped in it keep their registers and extended state.
int64_t SpaceDestroy(Engine& engine) {
  const int64_t id = engine.arg(0);
  if (id <= 0 || id >= static_cast<int64_t>(engine.spaces.size()) || !engine.spaces[id].used) return -EINVAL;
  Space* space = &engine.spaces[id];
  if (space->destroyed) return -EINVAL;
  for (size_t i = 0; i < engine.contexts.size(); i++) {
    const Context& context = engine.contexts[i];
    if (!context.used || context.thread < 0 || engine.threads[context.thread].space != id) continue;
    // One that still runs is told of its death by Wait.
    if (!context.running || context.queued) Unbind(engine, static_cast<int>(i));
  }
  const bool dead = space->threads == 0;
  if (!dead) kill(space->pid, SIGKILL);
  space->dead = true;
  space->destroyed = true;
  if (dead) *space = Space{};
  return 0;
}

// args: space, count of commands in its block. Runs them now.
int64_t SpaceFlush(Engine& engine) {
  Space* space = engine.spaceAt(engine.arg(0));
  const int64_t count = engine.arg(1);
  if (space == nullptr || count < 0 || count > static_cast<int64_t>(kMaxCommands)) return -EINVAL;
  return count == 0 ? 0 : RunCommands(engine, Manager(engine, *space), static_cast<int>(count));
}

// args: space. Asks the host for AMX's tiles on behalf of its process; children of the process have them, too.
int64_t SpacePermit(Engine& engine) {
  constexpr uint64_t kRequest = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr uint64_t kTileComponent = 18;
  Space* space = engine.spaceAt(engine.arg(0));
  if (space == nullptr) return -EINVAL;
  if (engine.dynamicFpu == 0) return -EOPNOTSUPP;
  const uint64_t args[6] = {kRequest, kTileComponent, 0, 0, 0, 0};
  int64_t result = 0;
  const int64_t error = Inject(engine, Manager(engine, *space).tid, SYS_arch_prctl, args, &result);
  if (error == 0 && result == 0) space->dynamic = true;
  return error != 0 ? error : result;
}

static int64_t Receive(Engine& engine, pid_t tid, int64_t* result) {
  const uint64_t receive[6] = {kFdSocket, kMessageAddress, MSG_DONTWAIT | MSG_CMSG_CLOEXEC, 0, 0, 0};
  return Inject(engine, tid, SYS_recvmsg, receive, result);
}

// What was sent to a stub that died before it took it would be taken by the next one: the template, which runs no guest, takes it instead.
static void TakeBack(Engine& engine) {
  const pid_t tid = Manager(engine, engine.spaces[engine.templateSpace]).tid;
  const uint64_t drop[6] = {kFdFirstFile, 0, 0, 0, 0, 0};
  int64_t result = 0;
  if (Receive(engine, tid, &result) == 0) Inject(engine, tid, SYS_close, drop, &result);
}

// args: space, host descriptor, expected number in the stub. The stub receives the descriptor with a header in a read-only page,
// so that the guest, whose threads may be running, can't bend it; the kernel's attempt to write lengths back there ends in
// EFAULT after the descriptor was installed. The number is not read from memory that the guest can write: descriptors are
// numbered lowest first, and the caller keeps count; F_GETFD shows that it is there.
int64_t SpaceFile(Engine& engine) {
  Space* space = engine.spaceAt(engine.arg(0));
  if (space == nullptr) return -EINVAL;
  int64_t error = SendDescriptor(engine.socket, static_cast<int>(engine.arg(1)));
  if (error != 0) return error;
  const pid_t tid = Manager(engine, *space).tid;
  int64_t result = 0;
  error = Receive(engine, tid, &result);
  if (error == 0 && result < 0 && result != -EFAULT) error = result;
  if (error != 0) {
    TakeBack(engine);
    return error;
  }
  const uint64_t check[6] = {static_cast<uint64_t>(engine.arg(2)), F_GETFD, 0, 0, 0, 0};
  error = Inject(engine, tid, SYS_fcntl, check, &result);
  if (error != 0) return error;
  return result < 0 ? -EMFILE : 0;
}

}  // namespace stub

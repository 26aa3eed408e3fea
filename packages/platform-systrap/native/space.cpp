// Address spaces: a clone of a stub process each, made by a manager with CLONE_PARENT, so that every stub is a child of the sentry's
// thread and dies with it (PR_SET_PDEATHSIG, set by the stub before it says hello).
#include "engine.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace stub {

// The header of the block of commands of a new space, with the records that its manager will report.
void PrepareBlock(Engine& engine, int space) {
  uint8_t* block = engine.block(space);
  memset(block, 0, BLOCK_RECORDS);
  auto* records = reinterpret_cast<Report*>(block + BLOCK_RECORDS);
  for (uint32_t error = 0; error <= MAX_RECORD; error++) records[error] = Report{static_cast<uint32_t>(space), error};
}

// `pid` is the process behind `space` from now on.
int64_t AdoptProcess(Engine& engine, int index, pid_t pid) {
  Space& space = engine.spaces[index];
  space.used = true;
  space.pid = pid;
  space.serial = ++engine.spacesMade;
  space.pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  int error = space.pidfd < 0 ? -errno : WatchDeath(engine, index);
  if (error == 0) {
    engine.count(kCountSpaces);
    return 0;
  }
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, __WALL);
  if (space.pidfd >= 0) close(space.pidfd);
  space = Space{};
  return error;
}

// args: the space to start from, or -1. Returns an id; results[0] is its process.
int64_t SpaceCreate(Engine& engine) {
  if (engine.dead) return -EIO;
  const int64_t wanted = engine.arg(0);
  const int from = wanted < 0 ? 0 : static_cast<int>(wanted);
  if (engine.spaceAt(from) == nullptr) return -EINVAL;
  const int index = FreeSpace(engine);
  if (index < 0) return index;
  PrepareBlock(engine, index);
  const uint64_t block = BLOCKS_START + static_cast<uint64_t>(index) * BLOCK_STRIDE;
  DropHellos(engine);
  PutCommand(engine, from, 0, SYS_clone, CLONE_PARENT | SIGCHLD, 0, block);
  int64_t error = RunBatch(engine, from, 1);
  if (error != 0) return error;
  pid_t pid = 0;
  error = AwaitHello(engine, &pid);
  if (error == 0) error = AdoptProcess(engine, index, pid);
  if (error != 0) return error;
  engine.spaces[index].cpu = engine.spaces[from].cpu;
  engine.spaces[index].lastFile = engine.spaces[from].lastFile;
  engine.spaces[index].dynamic = engine.spaces[from].dynamic;
  engine.results()[0] = pid;
  return index;
}

// The process is gone: its contexts die, and its number is free once it was destroyed too.
void SpaceDied(Engine& engine, int index) {
  Space& space = engine.spaces[index];
  waitpid(space.pid, nullptr, __WALL);
  close(space.pidfd);
  space.pidfd = -1;
  space.dead = true;
  for (const int thread : space.threads) {
    engine.threads[thread].dead = true;
    const int context = engine.threads[thread].context;
    if (context < 0) continue;
    if (engine.contexts[context].running && !engine.contexts[context].queued) DeliverDeath(engine, context);
  }
  space.pid = 0;
  if (index == 0) engine.dead = true;
  if (!space.destroyed) return;
  ReleaseChunks(engine, space);
  space = Space{};
}

// args: space. Contexts that were stopped in it keep their registers and extended state. What its threads may do between now and their
// death must not reach memory that is given to others: the manager unmaps everything first.
int64_t SpaceDestroy(Engine& engine) {
  const int64_t id = engine.arg(0);
  if (id <= 0 || id >= static_cast<int64_t>(engine.spaces.size()) || !engine.spaces[id].used) return -EINVAL;
  const int index = static_cast<int>(id);
  if (engine.spaces[index].destroyed) return -EINVAL;
  const std::vector<int> threads = engine.spaces[index].threads;
  for (const int thread : threads) {
    const int context = engine.threads[thread].context;
    if (context < 0) continue;
    if (engine.contexts[context].running && !engine.contexts[context].queued) DeliverDeath(engine, context);
    Unbind(engine, context);
  }
  PutCommand(engine, index, 0, SYS_munmap, kPageSize, HIDDEN_BASE - kPageSize);
  const int64_t error = RunBatch(engine, index, 1);
  Space& space = engine.spaces[index];
  space.destroyed = true;
  if (space.pid == 0) {
    ReleaseChunks(engine, space);
    space = Space{};
    return 0;
  }
  space.dead = true;
  kill(space.pid, SIGKILL);
  // Its own way of dying is the only proof left.
  if (error != 0) waitid(P_PIDFD, static_cast<id_t>(space.pidfd), nullptr, WEXITED | WNOWAIT | __WALL);
  return 0;
}

// args: space, count of commands in its block. Runs them now.
int64_t SpaceFlush(Engine& engine) {
  const int64_t count = engine.arg(1);
  if (engine.spaceAt(engine.arg(0)) == nullptr || count < 0 || count > static_cast<int64_t>(kMaxCommands)) return -EINVAL;
  return count == 0 ? 0 : RunBatch(engine, static_cast<int>(engine.arg(0)), static_cast<int>(count));
}

// args: space. Asks the host for AMX's tiles on behalf of its process; children of the process have them, too.
int64_t SpacePermit(Engine& engine) {
  constexpr uint64_t kRequest = ARCH_REQ_XCOMP_PERM;
  constexpr uint64_t kTileComponent = 18;
  if (engine.spaceAt(engine.arg(0)) == nullptr) return -EINVAL;
  if (engine.dynamicFpu == 0) return -EOPNOTSUPP;
  const int space = static_cast<int>(engine.arg(0));
  PutCommand(engine, space, 0, SYS_arch_prctl, kRequest, kTileComponent);
  const int64_t error = RunBatch(engine, space, 1);
  if (error == 0) engine.spaces[space].dynamic = true;
  return error;
}

// What was sent to a stub that died before it took it would be taken by the next one: the template, which runs no guest, takes it instead.
static void TakeBack(Engine& engine) {
  PutCommand(engine, 0, 0, SYS_recvmsg, FD_SOCKET, CONSTANTS + CONST_MESSAGE, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  PutCommand(engine, 0, 1, SYS_close, FD_FIRST_FILE);
  RunBatch(engine, 0, 2);
}

// args: space, host descriptor, expected number in the stub. The manager receives the descriptor with a header in a read-only page; the
// host's attempt to write lengths back there ends in EFAULT after the descriptor was installed. The number is not
// read from memory that guests can write: descriptors are numbered lowest first, and the caller keeps count.
int64_t SpaceFile(Engine& engine) {
  if (engine.spaceAt(engine.arg(0)) == nullptr) return -EINVAL;
  const int space = static_cast<int>(engine.arg(0));
  int64_t error = SendDescriptor(engine.socket, static_cast<int>(engine.arg(1)));
  if (error != 0) return error;
  PutCommand(engine, space, 0, SYS_recvmsg, FD_SOCKET, CONSTANTS + CONST_MESSAGE, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  error = RunBatch(engine, space, 1);
  if (error != 0 && error != -EFAULT) {
    TakeBack(engine);
    return error;
  }
  const auto file = static_cast<uint64_t>(engine.arg(2));
  if (file > engine.spaces[space].lastFile) engine.spaces[space].lastFile = file;
  PutCommand(engine, space, 0, SYS_fcntl, file, F_GETFD);
  error = RunBatch(engine, space, 1);
  return error == -EBADF ? -EMFILE : error;
}

}  // namespace stub

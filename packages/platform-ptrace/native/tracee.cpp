// Primitives on one stopped thread of a stub: wait for it, have it execute one call or a batch of commands.
#include "engine.h"

#include <cerrno>
#include <ctime>
#include <sys/ptrace.h>
#include <sys/wait.h>

namespace stub {

uint64_t NowNanos() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000000 + static_cast<uint64_t>(now.tv_nsec);
}

// Waits until this thread stops; -ESRCH when it died instead (and is reaped now).
int WaitStop(Engine& engine, pid_t tid, int* status) {
  for (;;) {
    const pid_t got = waitpid(tid, status, __WALL);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -errno;
    if (WIFSTOPPED(*status)) return 0;
    const auto found = engine.byTid.find(tid);
    if (found != engine.byTid.end()) ThreadDied(engine, found->second);
    return -ESRCH;
  }
}

static long Request(long request, pid_t tid, void* data) {
  return ptrace(static_cast<__ptrace_request>(request), tid, nullptr, data);
}

static void ForgetSignal(Engine& engine, pid_t tid) {
  const auto found = engine.byTid.find(tid);
  if (found != engine.byTid.end()) engine.threads[found->second].signalPending = false;
}

// Runs the thread natively until the int3 of the stub. Signals that arrive on the way are dropped: an interrupt that was
// meant for guest code is out of date by now, anything else came from outside.
static int64_t RunToTrap(Engine& engine, pid_t tid, user_regs_struct* regs) {
  const uint64_t page = engine.single & ~(kPageSize - 1);
  for (;;) {
    int status = 0;
    if (Request(PTRACE_CONT, tid, nullptr) != 0) return -errno;
    const int error = WaitStop(engine, tid, &status);
    if (error != 0) return error;
    if (WSTOPSIG(status) == SIGUSR1) ForgetSignal(engine, tid);
    if (WSTOPSIG(status) != SIGTRAP) continue;
    if (Request(PTRACE_GETREGS, tid, regs) != 0) return -errno;
    if ((regs->rip & ~(kPageSize - 1)) == page) return 0;
  }
}

int64_t Inject(Engine& engine, pid_t tid, int64_t number, const uint64_t (&args)[6], int64_t* result) {
  user_regs_struct regs{};
  if (Request(PTRACE_GETREGS, tid, &regs) != 0) return -errno;
  regs.rip = engine.single;
  regs.rax = static_cast<unsigned long long>(number);
  regs.orig_rax = ~0ULL;
  regs.rdi = args[0];
  regs.rsi = args[1];
  regs.rdx = args[2];
  regs.r10 = args[3];
  regs.r8 = args[4];
  regs.r9 = args[5];
  if (Request(PTRACE_SETREGS, tid, &regs) != 0) return -errno;
  engine.count(kCountInjected);
  const int64_t error = RunToTrap(engine, tid, &regs);
  if (error != 0) return error;
  *result = static_cast<int64_t>(regs.rax);
  return 0;
}

// Has `thread` run commands [0, count) of the space's block. A failed command is skipped; the first error is returned, its
// index in results[0].
int64_t RunCommands(Engine& engine, Thread& thread, int count) {
  const pid_t tid = thread.tid;
  user_regs_struct regs = thread.regs;
  if (!thread.known && Request(PTRACE_GETREGS, tid, &regs) != 0) return -errno;
  thread.known = false;
  const uint64_t end = kStubCommands + static_cast<uint64_t>(count) * kCommandSize;
  int64_t first = 0;
  regs.rbx = kStubCommands;
  regs.cs = 0x33;  // the guest may be in 32-bit code
  regs.ss = 0x2b;
  engine.count(kCountCommandRuns);
  while (regs.rbx < end) {
    regs.r12 = end;
    regs.rip = kStubLoop;
    regs.orig_rax = ~0ULL;
    regs.eflags &= ~0x500ULL;  // trap and direction flags may be the guest's
    if (Request(PTRACE_SETREGS, tid, &regs) != 0) return -errno;
    const int64_t error = RunToTrap(engine, tid, &regs);
    if (error != 0) return error;
    if (regs.rbx >= end) break;
    if (first == 0) {
      first = static_cast<int64_t>(regs.rax);
      engine.results()[0] = static_cast<double>((regs.rbx - kStubCommands) / kCommandSize);
    }
    regs.rbx += kCommandSize;
  }
  reinterpret_cast<double*>(engine.page + kCounters)[kCountCommands] += count;
  return first;
}

// A thread starts with the affinity of the one that made it.
int AddThread(Engine& engine, pid_t tid, int space, int cpu) {
  int index;
  if (engine.freeThreads.empty()) {
    index = static_cast<int>(engine.threads.size());
    engine.threads.emplace_back();
  } else {
    index = engine.freeThreads.back();
    engine.freeThreads.pop_back();
    engine.threads[index] = Thread{};
  }
  engine.threads[index].tid = tid;
  engine.threads[index].space = space;
  engine.threads[index].cpu = cpu;
  engine.byTid[tid] = index;
  engine.spaces[space].threads++;
  engine.count(kCountThreads);
  return index;
}

// The host thread is gone and reaped; the last one of a destroyed space frees its index.
void RemoveThread(Engine& engine, int index) {
  Thread& thread = engine.threads[index];
  Space& space = engine.spaces[thread.space];
  engine.byTid.erase(thread.tid);
  thread.dead = true;
  if (--space.threads == 0 && space.destroyed) space = Space{};
  thread = Thread{};
  engine.freeThreads.push_back(index);
}

}  // namespace stub

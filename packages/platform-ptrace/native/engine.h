// The state of one ptrace platform, and the functions that work on it. Everything runs on the thread that opened it: ptrace
// requests are refused to any other. One Engine per platform object; nothing is global.
//
// Vocabulary: a *space* is a stub process, one per guest address space; its first thread, the *manager*, never runs guest code
// and is always stopped between injected calls. A *thread* is any other thread of a stub: it runs the guest code of one
// *context*, or idles, stopped, until a context needs it. A context keeps its thread while it runs in the same space.
#pragma once

#include <sched.h>
#include <sys/types.h>
#include <sys/user.h>

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "platform.h"

namespace stub {

// In the page of platform.h.
constexpr size_t kFpuMax = 28 * 1024;
constexpr size_t kSharedBytes = 32 * 1024;

// The stub's own pages, at the top of the address space. Everything below kStubBase belongs to the guest.
constexpr uint64_t kStubBase = 0x7fffffff0000;
constexpr uint64_t kStubText = kStubBase;
constexpr uint64_t kStubConstants = kStubBase + 0x1000;  // read-only: message header, filter
constexpr uint64_t kStubScratch = kStubBase + 0x2000;    // writable: where recvmsg stores what nobody reads
constexpr uint64_t kStubCommands = kStubBase + 0x4000;   // read-only: kCommandBytes of commands, one block per space
constexpr uint64_t kUserEnd = 0x7ffffffff000;

constexpr size_t kCommandBytes = 16 * 1024;
constexpr size_t kCommandSize = 64;
constexpr size_t kMaxCommands = kCommandBytes / kCommandSize;
constexpr size_t kMaxSpaces = 16383;
constexpr size_t kCommandFileBytes = (kMaxSpaces + 1) * kCommandBytes;  // block 0 holds the constants

// Descriptors of every stub.
enum StubFd : int { kFdSocket = 0, kFdMemory = 1, kFdMemoryReadOnly = 2, kFdCommands = 3, kFdFirstFile = 4 };

enum Counter : int {
  kCountTraps,
  kCountSyscalls,
  kCountFaults,
  kCountInterrupts,
  kCountInjected,
  kCountCommands,
  kCountCommandRuns,
  kCountThreads,
  kCountSpaces,
  kCountBells,
  kCountSwallowed,
  kCountPinned,
  kCounters_,
};

struct Thread {
  pid_t tid = 0;
  int space = -1;
  int context = -1;
  bool dead = false;
  bool fpuDirty = false;       // holds state of an earlier context
  bool signalPending = false;  // an interrupt signal was sent and not seen yet
  int cpu = -1;                // pinned there, or -1
  bool dynamic = false;        // has used what its process had to ask for
  bool known = false;          // `regs` is what the host has for this thread
  user_regs_struct regs{};
};

struct Space {
  bool used = false;
  bool dead = false;       // its processes are going or gone
  bool destroyed = false;  // JavaScript has given it back: the index is free once all threads are reaped
  pid_t pid = 0;
  int manager = -1;  // index of its thread
  int threads = 0;   // alive or not yet reaped, manager included
  bool dynamic = false;  // its threads may use what a process must ask for
  std::vector<int> idle;
};

struct Context {
  bool used = false;
  bool running = false;
  bool interruptWanted = false;
  bool queued = false;
  bool fpuFresh = true;  // extended state to be installed is the initial one (else: fpu, when unbound)
  int thread = -1;
  int flags = 0;
  uint64_t cpuNanos = 0;  // used on earlier threads
  uint64_t cpuStart = 0;  // clock of the current thread when it was bound
  uint64_t resumed = 0;   // CLOCK_MONOTONIC, ns
  double burst = 0;       // ns between resume and trap, average, and only its own share of them (affinity.cpp)
  uint32_t resumes = 0;   // how often, up to kSeasoned
  uint32_t away = 0;      // so many more resumes it goes anywhere
  uint32_t longAway = 0;  // what `away` began with the last time
  std::vector<uint8_t> fpu;
};

struct Engine : Shared {
  std::vector<uint8_t> wholeFpu;  // room for the host's whole set of extended state; zeros behind the guest's part
  uint8_t* commands = nullptr;
  int commandFile = -1;
  int procDirectory = -1;
  std::vector<Thread> threads;
  std::vector<int> freeThreads;
  std::vector<Space> spaces;
  std::vector<Context> contexts;
  std::unordered_map<pid_t, int> byTid;
  std::vector<int> ready;  // contexts that trapped, in order; readyHead is the next
  size_t readyHead = 0;
  int running = 0;
  int bell = -1;  // thread index
  bool bellRang = false;
  int templateSpace = -1;
  uint64_t single = 0;  // address of `syscall; int3` in stubs
  // Core affinity (affinity.cpp).
  cpu_set_t cpus;
  bool mayPin = false;
  int pinnedCpu = -1;
  int singleRuns = 0;
  int ticks = 0;
  uint64_t tickAt = 0;
  double tickTraps = 0;

  uint8_t* commandFileMemory() { return commands; }
  Context* contextAt(int64_t id);
  Space* spaceAt(int64_t id);
};

// stub.cpp
struct StubImage {
  int fd;           // sealed memfd holding the executable
  uint64_t text;    // file offset of its page of code
};
int MakeStubImage(StubImage* image);
int MakeConstants(uint8_t* block);
extern const uint64_t kStubLoop;    // runs the commands at [rbx, r12), then int3
extern const uint64_t kStubSingle;  // syscall; int3
extern const uint64_t kLoadedSingle;  // the same, where exec put it
extern const uint64_t kStubPause;   // pause for ever
constexpr uint64_t kFilterAddress = kStubConstants + 256;
constexpr uint64_t kMessageAddress = kStubConstants;

// tracee.cpp: primitives on stopped threads. All return 0 or -errno; -ESRCH: the thread is gone.
int64_t Inject(Engine& engine, pid_t tid, int64_t number, const uint64_t (&args)[6], int64_t* result);
int64_t RunCommands(Engine& engine, Thread& thread, int count);
int WaitStop(Engine& engine, pid_t tid, int* status);
int AddThread(Engine& engine, pid_t tid, int space, int cpu);
void RemoveThread(Engine& engine, int index);
uint64_t NowNanos();

// space.cpp
int CloneProcess(Engine& engine, int from);
int CloneThread(Engine& engine, int space);

// context.cpp
void Unbind(Engine& engine, int context);
void Deliver(Engine& engine, int context);
void DeliverDeath(Engine& engine, int context);
long ContinueGuest(Engine& engine, const Context& context, const Thread& thread);

// fpu.cpp
int64_t FpuProbe(Engine& engine, pid_t tid);

// wait.cpp
void ThreadDied(Engine& engine, int index);

// affinity.cpp
void LearnCpus(Engine& engine);
void NoteBurst(const Engine& engine, Context& context);
void Pin(Engine& engine, Context& context, Thread& thread);
void Unpin(Engine& engine);
void Fetch(Engine& engine, Thread& thread);
bool NeedsTick(Engine& engine);

}  // namespace stub

// The state of one systrap platform, and the functions that work on it, all on the thread that opened it. One Engine per platform
// object; nothing is global.
//
// Vocabulary: a *space* is a stub process, one per guest address space; its first thread, the *manager*, never runs guest code and carries
// out commands. A *thread* is any other thread of a stub: it runs the guest code of one *context*, or idles until a context needs it. A
// thread hands over through its *slot*: a page of state and the alternate signal stack, which guest code can write at any time. So
// everything in a slot is copied once and then checked; what must be true (commands done, who died) comes through a pipe instead.
#pragma once

#include <asm/ldt.h>
#include <sched.h>
#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "layout.h"
#include "platform.h"

namespace stub {

// In the page of platform.h.
constexpr size_t kFpuMax = 12 * 1024;
constexpr size_t kStubArea = 4096;  // the stub's file, for open
constexpr size_t kSharedBytes = 64 * 1024;

constexpr size_t kMaxCommands = (BLOCK_BYTES - BLOCK_COMMANDS) / COMMAND_SIZE;
constexpr int kMaxSpaces = 4095;
constexpr size_t kCommandFileBytes = BLOCKS_START + static_cast<size_t>(kMaxSpaces) * BLOCK_STRIDE;
constexpr size_t kSlotsPerChunk = 32;
constexpr size_t kChunkBytes = kSlotsPerChunk * SLOT_SIZE;
constexpr size_t kMaxSlots = SLOTS_BYTES / SLOT_SIZE;

constexpr size_t kSigcontextBytes = 184;
constexpr int kResumeDue = 2;  // RESUME_DUE in contracts

static_assert(offsetof(Slot, state) == SLOT_STATE && offsetof(Slot, patched) == SLOT_PATCHED);
static_assert(offsetof(Slot, fsBase) == SLOT_FS_BASE && offsetof(Slot, gsBase) == SLOT_GS_BASE);
static_assert(offsetof(Slot, started) == SLOT_STARTED && offsetof(Slot, trapped) == SLOT_TRAPPED);
static_assert(offsetof(Slot, registers) == SLOT_REGISTERS && sizeof(Slot) <= SLOT_STACK);
static_assert(offsetof(Control, sleeping) == CONTROL_SLEEPING && offsetof(Control, guestSpin) == CONTROL_GUEST_SPIN);
static_assert(offsetof(Control, fsgsbase) == CONTROL_FSGSBASE && offsetof(Control, segments) == CONTROL_SEGMENTS);

enum Counter : int {
  kCountTraps,
  kCountSyscalls,
  kCountFaults,
  kCountInterrupts,
  kCountCommands,
  kCountBatches,
  kCountThreads,
  kCountSpaces,
  kCountSleeps,
  kCountSpins,
  kCountWakes,
  kCountSwallowed,
  kCountModes,
  kCountDeferred,
  kCountPatched,
  kCountTrapped,
  kCountSpills,
  kCountSampled,
  kCountNanosBack,
  kCountNanosGuest,
  kCountNanosThere,
  kCountNanosInside,
  kCounters_,
};

enum Sample : uint8_t { kSampleNone, kSampleGone, kSampleArrived };

enum Mode : int { kModeFree, kModeShare, kModeSpin };

struct Thread {
  int space = -1;
  int context = -1;
  pid_t tid = 0;
  Slot* slot = nullptr;        // the sentry's view
  uint64_t address = 0;        // the stub's
  int cpu = -1;                // where it may run: placement.cpp
  bool dead = false;
  bool fpuDirty = false;       // its frame holds state of an earlier context
  bool signalPending = false;  // an interrupt signal was sent and not seen yet
  bool patched = false;        // waits without a signal frame (spill.cpp)
  bool dynamic = false;        // its frame has room for what its process had to ask for
};

struct Space {
  bool used = false;
  bool dead = false;       // its processes are going or gone
  bool destroyed = false;  // JavaScript has given it back: the index is free once the process is reaped
  pid_t pid = 0;
  int pidfd = -1;
  int cpu = -1;  // of its manager
  uint64_t lastFile = FD_FIRST_FILE;  // the highest descriptor that the manager ever had
  uint32_t sequence = 0;
  uint64_t serial = 0;  // of all spaces there ever were
  bool dynamic = false;  // its threads may use what a process must ask for
  std::vector<int> chunks;   // of slots
  std::vector<int> threads;  // by slot
  std::vector<int> idle;
};

struct Context {
  bool used = false;
  bool running = false;
  bool interruptWanted = false;
  bool queued = false;
  bool fpuFresh = true;  // extended state to be installed is the initial one (else: fpu, when it has no thread)
  int thread = -1;
  int flags = 0;
  size_t runIndex = 0;    // in Engine::running
  uint64_t cpuNanos = 0;  // used on earlier threads
  uint64_t cpuTold = 0;
  uint64_t cpuStart = 0;  // clock of the current thread when it was bound
  uint64_t interrupted = 0;  // TSC of the first interrupt that has not been answered
  bool computes = false;  // for long between traps
  double burst = 10'000;  // ns between traps, average
  uint64_t resumed = 0;   // TSC
  uint64_t looked = 0;    // the `resumed` for which a review has noted `lookedNanos`, the clock of its thread
  uint64_t lookedNanos = 0;
  uint32_t resumes = 0;   // how often, up to kSeasoned
  bool blocked = false;   // its call did not end at once: its thread may well sleep
  bool spun = false;      // was let go while both sides spin: its thread should be awake
  bool deferred = false;  // running, but its turn has not come: in Engine::deferred instead of Engine::running
  Sample sample = kSampleNone;  // stages.cpp
  uint64_t left = 0;            // TSC
  uint64_t arrived = 0;
  double nanosBack = 0;
  double nanosGuest = 0;
  double nanosThere = 0;
  bool known = false;     // `last` is what its thread's frame holds
  Frame last{};
  uint64_t fsBase = 0;    // what its thread has
  uint64_t gsBase = 0;
  std::vector<uint8_t> fpu;
};

// A place that makes system calls, and how often it has.
struct Site {
  uint64_t key;
  uint32_t calls;
};

struct Engine : Shared {
  uint8_t* control = nullptr;  // the control file: constants, control page, doorbell, blocks
  int controlFile = -1;
  int slotFile = -1;
  int report[2] = {-1, -1};
  int procDirectory = -1;
  std::vector<uint8_t*> chunks;
  std::vector<int> freeChunks;
  std::vector<Thread> threads;
  std::vector<int> freeThreads;
  std::vector<Space> spaces;
  std::vector<Context> contexts;
  std::vector<int> running;  // contexts whose threads are in guest code
  size_t nextRunning = 0;
  std::vector<int> deferred;  // contexts that wait for their turn (turns.cpp)
  std::vector<int> ready;  // contexts that trapped, in order; readyHead is the next
  size_t readyHead = 0;
  uint32_t bellSeen = 0;
  // Where the host's signal frame has things, as offsets in a slot; learnt from the first trap of all.
  uint32_t contextOffset = 0;
  uint32_t fpuOffset = 0;
  // The same for frames with room for what a process must ask for; 0 where there is nothing to ask for.
  uint32_t dynamicOffset = 0;
  uint32_t dynamicFpuOffset = 0;
  // Sites of calls that came by a signal (sites.cpp).
  uint32_t patchAfter = 0;  // 0: nothing is patched
  std::vector<Site> sites;
  uint64_t spacesMade = 0;
  uint64_t sampling = 0;  // stages.cpp
  // The reaper: tells of deaths (reaper.cpp).
  int reaperEpoll = -1;
  int reaperStop = -1;
  pthread_t reaper{};
  bool reaping = false;
  std::atomic<int> deaths{0};
  // Placement (placement.cpp).
  cpu_set_t cpus;
  int cores = 1;
  Mode mode = kModeFree;
  int cpu = -1;          // the sentry's, when it keeps to one
  bool shortPlaced = false;  // since the last review
  uint64_t reviewAt = 0;     // TSC
  size_t reviewFrom = 0;     // place in `running`
  int taken = -1;     // the context that Wait returned last
  int spinScore = 0;
  double switches = 0;  // share of contexts that go on after another one was served, average
  double cyclesPerNano = 1;
  uint64_t lateness = 30'000;  // ns that a sleep ends late, as a rule
  double spinNanos = 0;
  int spinCredit = 128;
  uint64_t spinAgainAt = 0;  // TSC
  double spinPause = 2'000'000;  // ns
  uint64_t spinSince = 0;        // TSC
  uint32_t guestSpinRounds = 0;

  uint8_t* commandFileMemory() { return control; }
  Control& shared() { return *reinterpret_cast<Control*>(control + 4096); }
  uint32_t* bell() { return reinterpret_cast<uint32_t*>(control + 8192); }
  uint8_t* block(int space) { return control + BLOCKS_START + static_cast<size_t>(space) * BLOCK_STRIDE; }
  Context* contextAt(int64_t id);
  Space* spaceAt(int64_t id);
};

// What a manager reports: written from a read-only page by the manager, or by the reaper.
struct Report {
  uint32_t space;
  uint32_t error;
};
constexpr uint32_t kDeath = 0x10000;

// filter.cpp
int MakeConstants(uint8_t* page);
user_desc SlotSegment(int slot);

// manager.cpp: commands for the first thread of a space. 0, or -errno; -ESRCH: the process is gone.
void PutCommand(Engine& engine, int space, int index, int64_t number, uint64_t a, uint64_t b = 0, uint64_t c = 0,
                uint64_t d = 0, uint64_t e = 0, uint64_t f = 0);
int64_t RunBatch(Engine& engine, int space, int count);
int64_t AwaitHello(Engine& engine, pid_t* pid);
void DropHellos(Engine& engine);
void TakeDeaths(Engine& engine);

// space.cpp
void SpaceDied(Engine& engine, int space);
void PrepareBlock(Engine& engine, int space);
int64_t AdoptProcess(Engine& engine, int space, pid_t pid);

// thread.cpp
int64_t MakeThread(Engine& engine, int space);
int64_t LearnFrame(Engine& engine, const Thread& thread);
uint64_t ThreadNanos(const Engine& engine, const Thread& thread);
void ReleaseChunks(Engine& engine, Space& space);
bool BlocksInterrupts(const Engine& engine, const Thread& thread);
bool KnowFrame(const Engine& engine, Thread& thread);
uint8_t* SlotFrame(const Engine& engine, const Thread& thread);

// context.cpp
void Unbind(Engine& engine, int context);
void Deliver(Engine& engine, int context);
void DeliverDeath(Engine& engine, int context);
void LetRun(Engine& engine, Thread& thread);
void KillSpace(Engine& engine, int space);

// spill.cpp
int64_t Spill(Engine& engine, Thread& thread);
bool MayReturnFast(const Context& context, const Thread& thread, const Frame& frame);
void TakePatched(const Thread& thread, Frame& frame);

// sites.cpp
void CountSite(Engine& engine, const Thread& thread, Frame& frame);

// wait.cpp
bool Accept(Engine& engine, int context);
uint64_t NowNanos();
void SleepOnBell(Engine& engine, uint32_t seen, uint64_t deadline);

// stages.cpp
void SampleReturn(Engine& engine, Context& context);
void SampleArrival(const Engine& engine, Context& context, const Thread& thread);

// turns.cpp
void TakeTurn(Engine& engine, int context);
void DropTurn(Engine& engine, int context);
void GiveTurn(Engine& engine, int context);
uint64_t NextTurns(Engine& engine, int others);

// placement.cpp
void Calibrate(Engine& engine);
void CalibrateSpin(Engine& engine);
void NoteSpin(Engine& engine, bool vain);
void NoteBurst(const Engine& engine, Context& context, const Thread& thread);
void Place(Engine& engine, Context& context, Thread& thread);
void FetchManager(Engine& engine, int space);
bool Review(Engine& engine);

// reaper.cpp
int StartReaper(Engine& engine);
void StopReaper(Engine& engine);
int WatchDeath(Engine& engine, int space);

}  // namespace stub

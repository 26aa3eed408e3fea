// Contexts: the processor state of guest threads, and the stub threads that run them.
#include "engine.h"

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>
#include <x86intrin.h>

namespace stub {

constexpr uint64_t kTrapFlag = 0x100;
constexpr uint64_t kPatience = 2'000'000'000;

// Never less than it was: a second thread changes the clock that tells it.
static uint64_t NanosUsed(Engine& engine, Context& context) {
  uint64_t nanos = context.cpuNanos;
  if (context.thread >= 0) {
    const uint64_t now = ThreadNanos(engine, engine.threads[context.thread]);
    if (now > context.cpuStart) nanos += now - context.cpuStart;
  }
  if (nanos > context.cpuTold) context.cpuTold = nanos;
  return context.cpuTold;
}

// args: context; the figure is results[0].
int64_t ContextCpu(Engine& engine) {
  Context* context = engine.contextAt(engine.arg(0));
  if (context == nullptr) return -EINVAL;
  engine.results()[0] = static_cast<double>(NanosUsed(engine, *context));
  return 0;
}

// The context leaves its (stopped) thread, which idles from now on.
void Unbind(Engine& engine, int id) {
  Context& context = engine.contexts[id];
  if (context.thread < 0) return;
  Thread& thread = engine.threads[context.thread];
  context.cpuNanos = NanosUsed(engine, context);
  if (!context.fpuFresh) {
    context.fpu.resize(FpuMost(engine));
    context.fpuFresh = FpuLoad(engine, thread, context.fpu.data()) < 0;
  }
  thread.fpuDirty = true;
  thread.context = -1;
  if (!thread.dead) engine.spaces[thread.space].idle.push_back(context.thread);
  context.thread = -1;
}

static int64_t Bind(Engine& engine, int id, int space) {
  Unbind(engine, id);
  int64_t index = -1;
  std::vector<int>& idle = engine.spaces[space].idle;
  if (!idle.empty()) {
    index = idle.back();
    idle.pop_back();
  } else {
    index = MakeThread(engine, space);
    if (index < 0) return index;
  }
  Context& context = engine.contexts[id];
  Thread& thread = engine.threads[static_cast<size_t>(index)];
  if (thread.fpuDirty || !context.fpuFresh) {
    const std::vector<uint8_t>& image = context.fpuFresh ? engine.initialFpu : context.fpu;
    const int64_t error = FpuStore(engine, thread, image.data(), image.size());
    if (error != 0) return error;
  }
  context.fpuFresh = false;
  context.fpu.clear();
  thread.context = id;
  context.thread = static_cast<int>(index);
  context.cpuStart = ThreadNanos(engine, thread);
  context.fsBase = context.gsBase = ~uint64_t{0};
  context.known = false;
  return 0;
}

// The host thread died: the guest sees TRAP_DEATH with its next wait, not an error from resume.
static int64_t Lost(Engine& engine, int id) {
  engine.contexts[id].running = true;
  DeliverDeath(engine, id);
  return 0;
}

static bool IsCanonical(uint64_t address) {
  return static_cast<uint64_t>(static_cast<int64_t>(address << 16) >> 16) == address;
}

static bool IsUserState(const Frame& frame) {
  return (frame.cs == kCode64 || frame.cs == kCode32) && frame.ss == kStackSegment && IsCanonical(frame.fsBase) &&
         IsCanonical(frame.gsBase);
}

// Writes registers to where the thread's way back takes them from: only those that changed since they were read there, since each line of
// the cache that is written must travel back to the guest's core. After most calls that is RAX alone.
static void InstallRegisters(Context& context, uint8_t* registers, const Frame& frame) {
  const uint64_t flags = (context.flags & 1) != 0 ? frame.eflags | kTrapFlag : frame.eflags;
  const Frame& last = context.last;
  const bool known = context.known;
  context.known = false;
  if (known && flags == last.eflags && memcmp(&frame, &last, offsetof(Frame, rax)) == 0 &&
      memcmp(&frame.rcx, &last.rcx, 3 * 8) == 0 && frame.cs == last.cs && frame.ss == last.ss) {
    if (frame.rax != last.rax) memcpy(registers + offsetof(Frame, rax), &frame.rax, 8);
    return;
  }
  memcpy(registers, &frame, offsetof(Frame, eflags));
  memcpy(registers + offsetof(Frame, eflags), &flags, 8);
  memcpy(registers + offsetof(Frame, cs), &frame.cs, 2);
  memcpy(registers + offsetof(Frame, ss), &frame.ss, 2);
}

// 0; -ESRCH: the thread is gone.
static int64_t Install(Engine& engine, Context& context, Thread& thread, const Frame& frame) {
  if (thread.patched) {
    if (MayReturnFast(context, thread, frame)) {
      thread.slot->registers[offsetof(Frame, rax) / 8] = frame.rax;
      return 0;
    }
    if (Spill(engine, thread) != 0) return -ESRCH;
  }
  auto* host = reinterpret_cast<ucontext_t*>(SlotFrame(engine, thread));
  InstallRegisters(context, reinterpret_cast<uint8_t*>(&host->uc_mcontext), frame);
  // A guest that has blocked signals by a return of its own making has them unblocked.
  const uint8_t* mask = engine.control + CONST_GUEST_MASK;
  if (memcmp(&host->uc_sigmask, mask, 8) != 0) memcpy(&host->uc_sigmask, mask, 8);
  thread.slot->flags = 0;
  if (frame.fsBase == context.fsBase && frame.gsBase == context.gsBase) return 0;
  thread.slot->fsBase = frame.fsBase;
  thread.slot->gsBase = frame.gsBase;
  thread.slot->flags = SLOT_SET_BASES;
  return 0;
}

// Lets a trapped thread go.
void LetRun(Engine& engine, Thread& thread) {
  thread.patched = false;
  if (__atomic_exchange_n(&thread.slot->state, STATE_RUN, __ATOMIC_SEQ_CST) != STATE_PARKED) return;
  engine.count(kCountWakes);
  // The only one that runs, and it has not waited for others to be served: the sentry was away, or its call takes long.
  const Context& context = engine.contexts[thread.context];
  const bool alone = engine.running.size() < 2;
  if (engine.mode == kModeSpin && context.spun && !context.blocked && alone) NoteSpin(engine, true);
  syscall(SYS_futex, &thread.slot->state, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

// args: context, space, RESUME_* flags, count of commands queued for the space.
int64_t ContextResume(Engine& engine) {
  const auto id = static_cast<int>(engine.arg(0));
  const auto space = static_cast<int>(engine.arg(1));
  const auto commands = static_cast<int>(engine.arg(3));
  Context* context = engine.contextAt(id);
  if (context == nullptr || commands < 0 || commands > static_cast<int>(kMaxCommands)) return -EINVAL;
  if (context->running) return -EBUSY;
  if (engine.spaceAt(space) == nullptr) return Lost(engine, id);
  if (!IsUserState(engine.frame(id))) return -EIO;
  if (commands > 0) {
    const int64_t error = RunBatch(engine, space, commands);
    if (error == -ESRCH) return Lost(engine, id);
    if (error != 0) return error;
  }
  if (context->thread < 0 || engine.threads[context->thread].space != space) {
    const int64_t error = Bind(engine, id, space);
    if (error == -ESRCH) return Lost(engine, id);
    if (error != 0) return error;
  }
  Thread& thread = engine.threads[context->thread];
  context->flags = static_cast<int>(engine.arg(2));
  if (Install(engine, *context, thread, engine.frame(id)) != 0) return Lost(engine, id);
  Place(engine, *context, thread);
  TakeTurn(engine, id);
  return 0;
}

static void Signal(Engine& engine, Thread& thread) {
  if (thread.signalPending || thread.dead) return;
  thread.signalPending = true;
  syscall(SYS_tgkill, engine.spaces[thread.space].pid, thread.tid, INTERRUPT_SIGNAL);
}

// args: context.
int64_t ContextInterrupt(Engine& engine) {
  const auto id = static_cast<int>(engine.arg(0));
  Context* context = engine.contextAt(id);
  if (context == nullptr) return -EINVAL;
  if (!context->running || context->queued) return 0;
  GiveTurn(engine, id);
  if (!context->interruptWanted) context->interrupted = __rdtsc();
  context->interruptWanted = true;
  Signal(engine, engine.threads[context->thread]);
  return 0;
}

// For a space whose threads don't do as stubs do.
void KillSpace(Engine& engine, int space) {
  if (engine.spaces[space].pid > 0) kill(engine.spaces[space].pid, SIGKILL);
}

static void StopNow(Engine& engine, int id) {
  const uint64_t limit = NowNanos() + kPatience;
  GiveTurn(engine, id);
  engine.contexts[id].interruptWanted = true;
  Signal(engine, engine.threads[engine.contexts[id].thread]);
  for (;;) {
    const uint32_t seen = __atomic_load_n(engine.bell(), __ATOMIC_SEQ_CST);
    TakeDeaths(engine);
    // A death noticed just now has delivered itself.
    if (engine.contexts[id].queued || Accept(engine, id)) return;
    if (NowNanos() > limit) return KillSpace(engine, engine.threads[engine.contexts[id].thread].space);
    engine.shared().sleeping = 1;
    SleepOnBell(engine, seen, NowNanos() + 1'000'000);
    engine.shared().sleeping = 0;
  }
}

// Not among the running ones any more.
static void Leave(Engine& engine, int id) {
  Context& context = engine.contexts[id];
  if (context.deferred) return DropTurn(engine, id);
  if (!context.running || context.runIndex >= engine.running.size()) return;
  const int last = engine.running.back();
  engine.running[context.runIndex] = last;
  engine.contexts[last].runIndex = context.runIndex;
  engine.running.pop_back();
}

// args: context. A running one is stopped first.
int64_t ContextRelease(Engine& engine) {
  const auto id = static_cast<int>(engine.arg(0));
  Context* context = engine.contextAt(id);
  if (context == nullptr) return -EINVAL;
  if (context->running && !context->queued) StopNow(engine, id);
  if (context->running && !context->queued) Leave(engine, id);
  for (size_t i = engine.readyHead; i < engine.ready.size(); i++) {
    if (engine.ready[i] == id) engine.ready[i] = -1;
  }
  context->running = false;
  context->fpuFresh = true;
  Unbind(engine, id);
  *context = Context{};
  engine.freeContexts.push_back(id);
  return 0;
}

// Puts a context that trapped in line for Wait.
void Deliver(Engine& engine, int id) {
  Context& context = engine.contexts[id];
  Leave(engine, id);
  context.interruptWanted = false;
  context.queued = true;
  engine.ready.push_back(id);
  engine.count(kCountTraps);
}

void DeliverDeath(Engine& engine, int id) {
  engine.frame(id).kind = kTrapDeath;
  Deliver(engine, id);
}

}  // namespace stub

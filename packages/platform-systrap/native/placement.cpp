// Who runs where, and who waits awake. Waking a sleeper on another core costs 55 us and more, a hand-over between two that spin on two
// cores a few hundred ns, one between two sleepers on one core 1.6 us. So:
//   free   guests compute for long: every thread where the host likes it, nobody spins
//   share  short bursts of several contexts, or of one that spinning does not suit: everybody on the sentry's core, nobody spins
//   spin   short bursts of a single context: the sentry keeps its core, the guest has the others, both spin for a bounded time
// How long guests compute between traps is told by their slots. They may lie: it is their own speed that suffers.
#include "engine.h"

#include <sched.h>
#include <x86intrin.h>

namespace systrap {

constexpr double kShortBurst = 20'000;    // ns, average: worth sharing a core
constexpr double kLongBurst = 60'000;     // the average above which cores are not shared any more
constexpr double kLongestSample = 400'000;
constexpr uint32_t kSameForSpin = 64;     // traps in a row of one context before spinning begins
constexpr double kLeastSpin = 5'000;
constexpr double kMostSpin = 60'000;
constexpr int kAnywhere = -1;

static int Off(int cpu) { return -2 - cpu; }

static void SetCpu(const Engine& engine, pid_t tid, int where) {
  cpu_set_t set = engine.cpus;
  if (where >= 0) {
    CPU_ZERO(&set);
    CPU_SET(where, &set);
  } else if (where != kAnywhere) {
    CPU_CLR(-2 - where, &set);
  }
  sched_setaffinity(tid, sizeof set, &set);
}

static void MoveThread(Engine& engine, Thread& thread, int where) {
  if (thread.cpu == where || thread.tid == 0) return;
  thread.cpu = where;
  SetCpu(engine, thread.tid, where);
}

// The rate of the TSC, the cost of a pause, and what it costs to wake a manager on another core.
void Calibrate(Engine& engine) {
  CPU_ZERO(&engine.cpus);
  engine.cores = sched_getaffinity(0, sizeof engine.cpus, &engine.cpus) == 0 ? CPU_COUNT(&engine.cpus) : 1;
  const uint64_t start = NowNanos();
  const uint64_t from = __rdtsc();
  constexpr int kPauses = 4000;
  for (int i = 0; i < kPauses; i++) _mm_pause();
  const auto cycles = static_cast<double>(__rdtsc() - from);
  const auto nanos = static_cast<double>(NowNanos() - start);
  engine.cyclesPerNano = nanos > 0 && cycles > 0 ? cycles / nanos : 1;
  const double pause = nanos / kPauses;
  engine.spinNanos = kMostSpin;
  engine.guestSpinRounds = static_cast<uint32_t>(engine.spinNanos / (pause > 1 ? pause : 1));
}

// The spin is worth as long as the wake-up that it saves.
void CalibrateSpin(Engine& engine) {
  constexpr int kRounds = 4;
  if (engine.cores < 2) return;
  const int here = sched_getcpu();
  SetCpu(engine, engine.spaces[0].pid, Off(here));
  SetCpu(engine, 0, here);
  double best = kMostSpin;
  for (int i = 0; i < kRounds; i++) {
    const uint64_t start = NowNanos();
    if (RunBatch(engine, 0, 0) != 0) break;
    const auto half = static_cast<double>(NowNanos() - start) / 2;
    if (i > 0 && half < best) best = half;
  }
  SetCpu(engine, 0, kAnywhere);
  engine.spaces[0].cpu = Off(here);
  const double old = engine.spinNanos;
  engine.spinNanos = best < kLeastSpin ? kLeastSpin : best;
  engine.guestSpinRounds = static_cast<uint32_t>(engine.guestSpinRounds * (engine.spinNanos / old));
}

static void Enter(Engine& engine, Mode mode) {
  if (engine.mode == mode) return;
  const bool wasPinned = engine.mode != kModeFree;
  engine.mode = mode;
  __atomic_store_n(&engine.shared().guestSpin, mode == kModeSpin ? engine.guestSpinRounds : 0, __ATOMIC_RELAXED);
  engine.count(kCountModes);
  if (mode == kModeFree) {
    engine.cpu = -1;
    SetCpu(engine, 0, kAnywhere);
  } else if (!wasPinned) {
    engine.cpu = sched_getcpu();
    SetCpu(engine, 0, engine.cpu);
  }
}

static Mode Choose(const Engine& engine) {
  if (engine.burst > (engine.mode == kModeFree ? kShortBurst : kLongBurst)) return kModeFree;
  if (engine.sameContext >= kSameForSpin && engine.running.empty() && engine.burst < engine.spinNanos / 2) return kModeSpin;
  return engine.mode == kModeSpin && engine.sameContext > 0 ? kModeSpin : kModeShare;
}

// A context has trapped: how long had it computed?
void NoteBurst(Engine& engine, const Thread& thread) {
  const uint64_t from = thread.slot->started;
  const uint64_t to = thread.slot->trapped;
  double nanos = to > from ? static_cast<double>(to - from) / engine.cyclesPerNano : 0;
  if (!(nanos < kLongestSample)) nanos = kLongestSample;
  engine.burst += (nanos - engine.burst) / 16;
}

// Called before a thread runs guest code.
void Place(Engine& engine, int context, Thread& thread) {
  if (engine.cores < 2) return;
  engine.sameContext = engine.lastContext == context ? engine.sameContext + 1 : 0;
  engine.lastContext = context;
  const Mode mode = Choose(engine);
  if (mode != engine.mode) Enter(engine, mode);
  MoveThread(engine, thread, mode == kModeFree ? kAnywhere : mode == kModeShare ? engine.cpu : Off(engine.cpu));
}

// Brings a manager, for which the sentry is about to wait, to this core.
void FetchManager(Engine& engine, int space) {
  const int here = engine.cores < 2 ? -1 : sched_getcpu();
  if (here < 0 || engine.spaces[space].cpu == here) return;
  engine.spaces[space].cpu = here;
  SetCpu(engine, engine.spaces[space].pid, here);
}

// The sentry has slept for long while guests were running: they compute, and need no neighbour.
void ReleaseCores(Engine& engine) {
  if (engine.mode == kModeFree) return;
  engine.burst = kLongestSample;
  Enter(engine, kModeFree);
  for (const int context : engine.running) MoveThread(engine, engine.threads[engine.contexts[context].thread], kAnywhere);
}

}  // namespace systrap

// Who runs where, and who waits awake. Waking a sleeper on another core costs 55 us and more, a hand-over between two that spin on two
// cores a few hundred ns, one between two sleepers on one core 1.6 us. So:
//   free   nobody has short bursts: every thread where the host likes it, nobody spins
//   share  contexts with short bursts are on the sentry's core, and nobody spins
//   spin   the sentry keeps its core, contexts with short bursts have the others, both sides spin for a bounded time; a context whose call
//          has blocked is told to sleep as soon as another one may want its core
// Contexts that compute for long are where the host likes it in any mode. How long each computes between traps is told by its slot. It
// may lie: it is its own speed that suffers.
#include "engine.h"

#include <algorithm>
#include <sched.h>
#include <x86intrin.h>

namespace stub {

constexpr double kShortBurst = 20'000;    // ns, average: worth sharing a core again
constexpr double kLongBurst = 60'000;     // the average above which a context does not share a core any more
constexpr double kReview = 2'000'000;     // running for so long without a trap is computing
constexpr double kLongestSample = 400'000;
constexpr int kScoreForSpin = 64;         // short bursts before spinning begins
constexpr int kMostScore = 128;
constexpr double kManySwitches = 0.3;
constexpr uint32_t kSeasoned = 64;
constexpr int kLong = 4;                  // so many of them are undone by one that is longer than the spin
constexpr int kMostCredit = 256;          // hand-overs to two that spin earn credit, waits in vain cost it
constexpr int kVain = 8;
constexpr double kShortPause = 2'000'000;   // when it is used up, somebody else needs the cores: nobody spins for so long,
constexpr double kLongPause = 64'000'000;   // and for twice as long each time, until it has gone well for longer than that
constexpr int kMostLooks = 4;               // clocks of threads that one review reads: each is a file of the host's
constexpr double kLeastSpin = 20'000;
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

// The spin is worth as long as the wake-up that it saves, and a bit more: two fall into step only when the one that is awake still is when
// the other has woken up. A shorter spin ends in vain again and again, so the slowest of a few wake-ups counts, twice.
void CalibrateSpin(Engine& engine) {
  constexpr int kRounds = 4;
  if (engine.cores < 2) return;
  const int here = sched_getcpu();
  SetCpu(engine, engine.spaces[0].pid, Off(here));
  SetCpu(engine, 0, here);
  double slowest = 0;
  for (int i = 0; i < kRounds; i++) {
    const uint64_t start = NowNanos();
    if (RunBatch(engine, 0, 0) != 0) break;
    const auto half = static_cast<double>(NowNanos() - start) / 2;
    if (i > 0 && half > slowest) slowest = half;
  }
  SetCpu(engine, 0, kAnywhere);
  engine.spaces[0].cpu = Off(here);
  const double old = engine.spinNanos;
  engine.spinNanos = std::clamp(2 * slowest, kLeastSpin, kMostSpin);
  engine.guestSpinRounds = static_cast<uint32_t>(engine.guestSpinRounds * (engine.spinNanos / old));
}

static void Enter(Engine& engine, Mode mode) {
  if (engine.mode == mode) return;
  const bool wasPinned = engine.mode != kModeFree;
  engine.mode = mode;
  if (mode == kModeSpin) engine.spinSince = __rdtsc();
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

// Nobody spins for a while.
static void GiveUp(Engine& engine) {
  const uint64_t now = __rdtsc();
  if (static_cast<double>(now - engine.spinSince) > engine.spinPause * engine.cyclesPerNano) engine.spinPause = kShortPause;
  engine.spinAgainAt = now + static_cast<uint64_t>(engine.spinPause * engine.cyclesPerNano);
  engine.spinPause = std::min(engine.spinPause * 2, kLongPause);
}

// Pre: the context has short bursts. Changing over costs system calls, so it takes a run of bursts of the same kind.
static Mode Choose(Engine& engine, Context& context) {
  if (context.resumed < engine.spinAgainAt) {
    engine.spinScore = 0;
    return kModeShare;
  }
  // What lives for a few calls only is not worth it.
  const bool fresh = context.resumes < kSeasoned;
  if (fresh) context.resumes++;
  // Two that wake each other with every second call are handed over cheaper on one core.
  const bool turns = (context.flags & kResumeDue) != 0 || engine.switches > (engine.mode == kModeSpin ? kManySwitches : kManySwitches / 2);
  if (turns || fresh) engine.spinScore -= engine.spinScore > kLong ? kLong : engine.spinScore;
  else if (context.burst < engine.spinNanos / 2) engine.spinScore += engine.spinScore < kMostScore ? 1 : 0;
  else if (context.burst > engine.spinNanos) engine.spinScore -= engine.spinScore > kLong ? kLong : engine.spinScore;
  if (engine.mode == kModeSpin) {
    if (engine.spinScore > 0) return kModeSpin;
    // On one core these may find more done when it is their turn, and then look as if they took none: without a pause it would begin again.
    if (turns) GiveUp(engine);
    return kModeShare;
  }
  return engine.spinScore >= kScoreForSpin ? kModeSpin : kModeShare;
}

// A hand-over while both sides spin: did it find the other awake? Where other work keeps taking a core away it does not, and costs more
// than sharing one core would.
void NoteSpin(Engine& engine, bool vain) {
  if (!vain) {
    if (engine.spinCredit < kMostCredit) engine.spinCredit++;
    return;
  }
  engine.spinCredit -= kVain;
  if (engine.spinCredit > 0) return;
  engine.spinCredit = kMostCredit / 2;
  GiveUp(engine);
}

// A context has trapped: how long had it computed?
void NoteBurst(const Engine& engine, Context& context, const Thread& thread) {
  const uint64_t from = thread.slot->started;
  const uint64_t to = thread.slot->trapped;
  double nanos = to > from ? static_cast<double>(to - from) / engine.cyclesPerNano : 0;
  if (!(nanos < kLongestSample)) nanos = kLongestSample;
  context.burst += (nanos - context.burst) / 16;
  if (context.burst > kLongBurst) context.computes = true;
  else if (context.burst < kShortBurst) context.computes = false;
}

// Called before a thread runs guest code.
void Place(Engine& engine, Context& context, Thread& thread) {
  if (engine.cores < 2) return;
  context.resumed = __rdtsc();
  if (context.computes) {
    MoveThread(engine, thread, kAnywhere);
    return;
  }
  engine.shortPlaced = true;
  const Mode mode = Choose(engine, context);
  if (mode != engine.mode) Enter(engine, mode);
  MoveThread(engine, thread, mode == kModeShare ? engine.cpu : Off(engine.cpu));
}

// A context has not trapped for long. Where other work has its core, it has not computed either: only its thread's clock tells, from one
// review to the next.
static bool HasComputed(const Engine& engine, Context& context, const Thread& thread) {
  const uint64_t used = ThreadNanos(engine, thread);
  if (context.looked == context.resumed) return static_cast<double>(used - context.lookedNanos) > kReview / 2;
  context.looked = context.resumed;
  context.lookedNanos = used;
  return false;
}

// From time to time: contexts that have not trapped for long while they share a core compute, and need no neighbour; and a
// sentry whose guests all compute needs no core of its own. True: some context still shares a core.
bool Review(Engine& engine) {
  bool shares = false;
  const uint64_t now = __rdtsc();
  const auto old = static_cast<uint64_t>(kReview * engine.cyclesPerNano);
  const bool due = now >= engine.reviewAt;
  int looks = due ? kMostLooks : 0;
  size_t next = 0;
  const size_t count = engine.running.size();
  for (size_t i = 0; i < count; i++) {
    // Each time from where the last one had looked enough.
    const size_t at = (engine.reviewFrom + i) % count;
    Context& context = engine.contexts[engine.running[at]];
    Thread& thread = engine.threads[context.thread];
    if (thread.cpu == kAnywhere) continue;
    if (now - context.resumed < old || looks == 0) {
      shares = true;
      continue;
    }
    if (--looks == 0) next = at + 1;
    if (!HasComputed(engine, context, thread)) {
      shares = true;
      continue;
    }
    context.computes = true;
    context.burst = kLongestSample;
    MoveThread(engine, thread, kAnywhere);
  }
  if (!shares && !engine.shortPlaced && !engine.running.empty()) Enter(engine, kModeFree);
  engine.shortPlaced = false;
  if (due) {
    engine.reviewAt = now + old;
    engine.reviewFrom = next;
  }
  return shares;
}

// Brings a manager, for which the sentry is about to wait, to this core.
void FetchManager(Engine& engine, int space) {
  const int here = engine.cores < 2 ? -1 : sched_getcpu();
  if (here < 0 || engine.spaces[space].cpu == here) return;
  engine.spaces[space].cpu = here;
  SetCpu(engine, engine.spaces[space].pid, here);
}

}  // namespace stub

// Core affinity. The hand-over between two threads costs 3-4 us on one core and over 50 us across cores, where the sleeping side
// has to be woken by an interrupt. So while a single context runs at a time, the sentry and that context's thread share a core; where
// several run, those do that have been seen to make one call after the other, and the others may go where they like. Sharing is bad for
// a guest that computes and for a core that others use: one whose bursts become long goes away for a while, and
// a tick every 20 ms, only while a pinned guest runs, lets go of those that have not trapped since, and chooses anew now and then.
#include "engine.h"

#include <algorithm>
#include <sched.h>

namespace stub {

constexpr int kSingleRuns = 8;
constexpr uint32_t kSeasoned = 256;         // resumes before a context shares the core with others
constexpr double kLongBurst = 40'000;       // ns, average: no sharing any more
constexpr double kLongestSample = 640'000;
constexpr uint32_t kShortAway = 64;         // resumes
constexpr uint32_t kLongAway = 8192;
constexpr uint64_t kTick = 20'000'000;
constexpr int kTicksPerChoice = 25;

void LearnCpus(Engine& engine) {
  CPU_ZERO(&engine.cpus);
  engine.mayPin = sched_getaffinity(0, sizeof engine.cpus, &engine.cpus) == 0 && CPU_COUNT(&engine.cpus) > 1;
}

// -1: anywhere.
static void SetCpu(const Engine& engine, pid_t tid, int cpu) {
  cpu_set_t set = engine.cpus;
  if (cpu >= 0) {
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
  }
  sched_setaffinity(tid, sizeof set, &set);
}

static void Choose(Engine& engine) {
  engine.pinnedCpu = sched_getcpu();
  engine.tickAt = 0;
  engine.ticks = 0;
  SetCpu(engine, 0, engine.pinnedCpu);
  engine.count(kCountPinned);
}

// The sentry goes free; threads follow when they are resumed next.
void Unpin(Engine& engine) {
  engine.singleRuns = 0;
  if (engine.pinnedCpu < 0) return;
  engine.pinnedCpu = -1;
  SetCpu(engine, 0, -1);
}

// A context has trapped. While several share a core, most of the time in between is the others'.
void NoteBurst(const Engine& engine, Context& context) {
  if (context.away > 0 || context.resumed == 0) return;
  const auto nanos = static_cast<double>(NowNanos() - context.resumed) / (engine.running > 1 ? engine.running : 1);
  context.burst += ((nanos < kLongestSample ? nanos : kLongestSample) - context.burst) / 8;
}

// Goes it to the sentry's core?
static bool MayShare(const Engine& engine, Context& context, const Thread& thread) {
  if (context.away > 0) {
    context.away--;
    context.burst = 0;
    return false;
  }
  if (thread.cpu >= 0 && context.burst > kLongBurst) {
    context.longAway = context.longAway == 0 ? kShortAway : std::min(2 * context.longAway, kLongAway);
    context.away = context.longAway;
    return false;
  }
  return engine.running == 0 || context.resumes == kSeasoned;
}

// Called before a thread runs guest code.
void Pin(Engine& engine, Context& context, Thread& thread) {
  if (!engine.mayPin) return;
  context.resumed = NowNanos();
  if (context.resumes < kSeasoned) context.resumes++;
  const bool shares = MayShare(engine, context, thread);
  if (!shares && (engine.running == 0 || context.away == 0)) {
    Unpin(engine);
  } else if (shares && engine.pinnedCpu < 0 && ++engine.singleRuns >= kSingleRuns) {
    Choose(engine);
  }
  const int cpu = shares ? engine.pinnedCpu : -1;
  if (thread.cpu == cpu) return;
  thread.cpu = cpu;
  SetCpu(engine, thread.tid, cpu);
}

// Brings a stopped thread that is about to run an injected call to this core: the sentry sleeps meanwhile anyway.
void Fetch(Engine& engine, Thread& thread) {
  const int cpu = engine.mayPin ? sched_getcpu() : -1;
  if (cpu < 0 || thread.cpu == cpu) return;
  thread.cpu = cpu;
  SetCpu(engine, thread.tid, cpu);
}

// Those that have run since `then` and have not trapped.
static void FreeRunning(Engine& engine, uint64_t then) {
  for (Thread& thread : engine.threads) {
    if (thread.context < 0 || thread.cpu < 0) continue;
    const Context& context = engine.contexts[thread.context];
    if (!context.running || context.resumed > then) continue;
    thread.cpu = -1;
    SetCpu(engine, thread.tid, -1);
  }
}

// Called before the sentry sleeps. True: the bell should ring at results[0].
bool NeedsTick(Engine& engine) {
  if (engine.pinnedCpu < 0 || engine.running == 0) return false;
  const uint64_t now = NowNanos();
  if (now < engine.tickAt) return false;
  const double traps = engine.counter(kCountTraps);
  const bool idle = engine.tickAt != 0 && traps == engine.tickTraps;
  if (engine.tickAt != 0) FreeRunning(engine, engine.tickAt - kTick);
  if (idle || ++engine.ticks > kTicksPerChoice) {
    Unpin(engine);
    return false;
  }
  engine.tickTraps = traps;
  engine.tickAt = now + kTick;
  engine.results()[0] = static_cast<double>(engine.tickAt);
  return true;
}

}  // namespace stub

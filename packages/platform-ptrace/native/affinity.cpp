// Core affinity. The hand-over between two threads costs 3-4 us on one core and over 50 us across cores, where the sleeping side
// has to be woken by an interrupt. So while a single context runs at a time, the sentry and that context's thread share a core;
// as soon as two run, both may go where they like. Sharing is bad for a guest that computes and for a core that others use:
// a tick every 20 ms, only while a pinned guest runs, lets go of one that has not trapped since, and chooses anew now and then.
#include "engine.h"

#include <sched.h>

namespace stub {

constexpr int kSingleRuns = 8;
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

// Called before a thread runs guest code.
void Pin(Engine& engine, Thread& thread) {
  if (!engine.mayPin) return;
  if (engine.running > 0) {
    Unpin(engine);
  } else if (engine.pinnedCpu < 0 && ++engine.singleRuns >= kSingleRuns) {
    Choose(engine);
  }
  if (thread.cpu == engine.pinnedCpu) return;
  thread.cpu = engine.pinnedCpu;
  SetCpu(engine, thread.tid, thread.cpu);
}

// Brings a stopped thread that is about to run an injected call to this core: the sentry sleeps meanwhile anyway.
void Fetch(Engine& engine, Thread& thread) {
  const int cpu = engine.mayPin ? sched_getcpu() : -1;
  if (cpu < 0 || thread.cpu == cpu) return;
  thread.cpu = cpu;
  SetCpu(engine, thread.tid, cpu);
}

static void FreeRunning(Engine& engine) {
  for (Thread& thread : engine.threads) {
    if (thread.context < 0 || thread.cpu < 0 || !engine.contexts[thread.context].running) continue;
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
  if (idle || ++engine.ticks > kTicksPerChoice) {
    Unpin(engine);
    if (idle) FreeRunning(engine);
    return false;
  }
  engine.tickTraps = traps;
  engine.tickAt = now + kTick;
  engine.results()[0] = static_cast<double>(engine.tickAt);
  return true;
}

}  // namespace stub

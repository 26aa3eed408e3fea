// Whose turn it is while the sentry spins: guests whose calls come thick and fast have one core fewer than there are. A guest that is
// woken while another one has the core would preempt it, do one piece of work and sleep again; it waits here instead until that one
// blocks, for a bounded time, and then finds more to do with each wake-up. What computes has any core and takes part in none of this.
#include "engine.h"

#include <x86intrin.h>

namespace stub {

constexpr double kLongestTurn = 1'000'000;  // ns that a woken context waits at most
constexpr size_t kMostCompared = 32;        // running contexts: where there are more, cores are taken anyhow

// Do as many contexts with short bursts run, beside `others`, as have a core?
static bool CoresTaken(const Engine& engine, int others) {
  if (engine.running.size() > kMostCompared) return false;
  int left = engine.cores - 1 - others;
  if (left <= 0) return true;
  for (const int id : engine.running) {
    if (!engine.contexts[id].computes && --left <= 0) return true;
  }
  return false;
}

static void Start(Engine& engine, int id) {
  Context& context = engine.contexts[id];
  context.runIndex = engine.running.size();
  engine.running.push_back(id);
  LetRun(engine, engine.threads[context.thread]);
  context.blocked = false;
  context.spun = engine.mode == kModeSpin;
}

// Lets a context whose registers are in place go on: at once, or when it is its turn.
void TakeTurn(Engine& engine, int id) {
  Context& context = engine.contexts[id];
  context.running = true;
  if ((context.flags & kResumeDue) != 0) {
    Start(engine, id);
    return;
  }
  const bool goesOn = engine.taken == id;
  engine.switches += ((goesOn ? 0 : 1) - engine.switches) / 64;
  if (goesOn || engine.mode != kModeSpin || context.computes || (engine.deferred.empty() && !CoresTaken(engine, engine.taken >= 0 ? 1 : 0))) {
    if (goesOn) SampleReturn(engine, context);
    Start(engine, id);
    return;
  }
  context.deferred = true;
  context.resumed = __rdtsc();
  engine.deferred.push_back(id);
  engine.count(kCountDeferred);
}

// Pre: `deferred`.
void DropTurn(Engine& engine, int id) {
  engine.contexts[id].deferred = false;
  for (size_t i = 0; i < engine.deferred.size(); i++) {
    if (engine.deferred[i] == id) engine.deferred.erase(engine.deferred.begin() + static_cast<std::ptrdiff_t>(i--));
  }
}

// A deferred context does not wait any longer.
void GiveTurn(Engine& engine, int id) {
  if (!engine.contexts[id].deferred) return;
  DropTurn(engine, id);
  Start(engine, id);
}

// Lets those go whose turn has come; `others`: contexts that are about to be served, and will likely go on. The TSC at which the next one
// has waited for long enough; 0: none waits.
uint64_t NextTurns(Engine& engine, int others) {
  const auto turn = static_cast<uint64_t>(kLongestTurn * engine.cyclesPerNano);
  while (!engine.deferred.empty()) {
    const int id = engine.deferred.front();
    const uint64_t until = engine.contexts[id].resumed + turn;
    if (engine.mode == kModeSpin && __rdtsc() < until && CoresTaken(engine, others)) return until;
    GiveTurn(engine, id);
  }
  return 0;
}

}  // namespace stub

// Where the time of a round trip goes, for `npm run bench -- stages`: one in kSampleEvery calls is looked at, from the moment its thread
// was let go for the call before. Half of the times come from slots, where guests may lie: what does not fit together is left out, and nothing
// but the figures depends on it. So is what took long: a thread that slept, or lost its core.
#include "engine.h"

#include <x86intrin.h>

namespace stub {

constexpr uint64_t kSampleEvery = 64;
constexpr double kLongest = 50'000;  // ns

// A context is about to go on in the turn that served it.
void SampleReturn(Engine& engine, Context& context) {
  if (context.sample == kSampleArrived) {
    context.sample = kSampleNone;
    const double inside = static_cast<double>(__rdtsc() - context.arrived) / engine.cyclesPerNano;
    if (inside > kLongest) return;
    engine.count(kCountSampled);
    engine.counter(kCountNanosBack) += context.nanosBack;
    engine.counter(kCountNanosGuest) += context.nanosGuest;
    engine.counter(kCountNanosThere) += context.nanosThere;
    engine.counter(kCountNanosInside) += inside;
    return;
  }
  if (++engine.sampling % kSampleEvery != 0) return;
  context.sample = kSampleGone;
  context.left = __rdtsc();
}

// Its thread has come to its slot.
void SampleArrival(const Engine& engine, Context& context, const Thread& thread) {
  const bool gone = context.sample == kSampleGone;
  context.sample = kSampleNone;
  if (!gone) return;
  const uint64_t started = thread.slot->started;
  const uint64_t trapped = thread.slot->trapped;
  const uint64_t now = __rdtsc();
  if (started < context.left || trapped < started || now < trapped) return;
  if (static_cast<double>(now - context.left) / engine.cyclesPerNano > kLongest) return;
  context.nanosBack = static_cast<double>(started - context.left) / engine.cyclesPerNano;
  context.nanosGuest = static_cast<double>(trapped - started) / engine.cyclesPerNano;
  context.nanosThere = static_cast<double>(now - trapped) / engine.cyclesPerNano;
  context.arrived = now;
  context.sample = kSampleArrived;
}

}  // namespace stub

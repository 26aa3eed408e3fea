// Which places make system calls often enough to be worth a patch: a table of fixed size, where a newcomer takes the place of another.
// What it says is a hint: the sentry looks at the instructions.
#include "engine.h"

namespace stub {

constexpr size_t kSites = 4096;

// A call of `thread` came by a signal.
void CountSite(Engine& engine, const Thread& thread, Frame& frame) {
  frame.hot = 0;
  if (engine.patchAfter == 0 || frame.arch != 0 || frame.rip >= HIDDEN_BASE) return;
  if (engine.sites.empty()) engine.sites.resize(kSites);
  const uint64_t key = (frame.rip ^ engine.spaces[thread.space].serial << 44) * 0x9e3779b97f4a7c15ULL;
  Site& site = engine.sites[key >> 52];
  if (site.key != key) site = Site{key, 0};
  if (++site.calls == engine.patchAfter) frame.hot = 1;
}

}  // namespace stub

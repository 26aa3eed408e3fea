// The table of contexts, and what a fresh one's registers are.
#include "engine.h"

#include <cerrno>
#include <cstring>
#include <sys/mman.h>

namespace stub {

Context* Engine::contextAt(int64_t id) {
  if (id < 0 || id >= static_cast<int64_t>(contexts.size())) return nullptr;
  Context& context = contexts[static_cast<size_t>(id)];
  return context.used ? &context : nullptr;
}

static bool AddFrames(Engine& engine) {
  void* block = mmap(nullptr, kFramesPerBlock * kFrameSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED) return false;
  engine.frames.push_back(static_cast<Frame*>(block));
  return true;
}

// Returns an id; its frame is zeroed, with flat segments and interrupts on.
int64_t ContextCreate(Engine& engine) {
  if (engine.dead) return -EIO;
  int id;
  if (!engine.freeContexts.empty()) {
    id = engine.freeContexts.back();
    engine.freeContexts.pop_back();
  } else {
    id = static_cast<int>(engine.contexts.size());
    if (static_cast<size_t>(id) >= engine.frames.size() * kFramesPerBlock && !AddFrames(engine)) return -ENOMEM;
    engine.contexts.emplace_back();
  }
  engine.contexts[id] = Context{};
  engine.contexts[id].used = true;
  Frame& frame = engine.frame(id);
  memset(&frame, 0, sizeof frame);
  frame.cs = kCode64;
  frame.ss = kStackSegment;
  frame.eflags = 0x202;
  return id;
}

}  // namespace stub

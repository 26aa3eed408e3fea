// Extended state where the host's signal frame has it; a thread that has none yet makes it first. The software words are the host's own:
// they are neither told nor overwritten. From its first use of AMX's tiles on a thread has larger frames (thread.cpp, KnowFrame).
#include "engine.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace stub {

static size_t Room(const Engine& engine, const Thread& thread) {
  return thread.dynamic ? engine.dynamicFpu : engine.initialFpu.size();
}

static uint8_t* Area(const Engine& engine, const Thread& thread) {
  return reinterpret_cast<uint8_t*>(thread.slot) + (thread.dynamic ? engine.dynamicFpuOffset : engine.fpuOffset);
}

int64_t FpuLoad(Engine& engine, Thread& thread, uint8_t* image) {
  if (thread.patched && Spill(engine, thread) != 0) return -ESRCH;
  const size_t size = Room(engine, thread);
  memcpy(image, Area(engine, thread), size);
  memcpy(image + kSoftware, engine.initialFpu.data() + kSoftware, kLegacyBytes - kSoftware);
  return static_cast<int64_t>(size);
}

int64_t FpuStore(Engine& engine, Thread& thread, const uint8_t* image, size_t length) {
  if (thread.patched && Spill(engine, thread) != 0) return -ESRCH;
  uint8_t* area = Area(engine, thread);
  const size_t size = std::min(Room(engine, thread), length);
  uint64_t features;
  memcpy(&features, image + kLegacyBytes, sizeof features);
  if (size != engine.dynamicFpu) features &= ~kTileData;
  memcpy(area, image, kSoftware);
  memcpy(area + kLegacyBytes, &features, sizeof features);
  memcpy(area + kLegacyBytes + sizeof features, image + kLegacyBytes + sizeof features, size - kLegacyBytes - sizeof features);
  return 0;
}

}  // namespace stub

// Extended state where the host's signal frame has it. The software words are the host's own: they are neither told nor overwritten.
#include "engine.h"

#include <cerrno>
#include <cstring>

namespace stub {

int64_t FpuLoad(Engine& engine, Thread& thread, uint8_t* image) {
  if (thread.patched && Spill(engine, thread) != 0) return -ESRCH;
  const size_t size = engine.initialFpu.size();
  memcpy(image, reinterpret_cast<const uint8_t*>(thread.slot) + engine.fpuOffset, size);
  memcpy(image + kSoftware, engine.initialFpu.data() + kSoftware, kLegacyBytes - kSoftware);
  return 0;
}

int64_t FpuStore(Engine& engine, Thread& thread, const uint8_t* image) {
  if (thread.patched && Spill(engine, thread) != 0) return -ESRCH;
  uint8_t* area = reinterpret_cast<uint8_t*>(thread.slot) + engine.fpuOffset;
  memcpy(area, image, kSoftware);
  memcpy(area + kLegacyBytes, image + kLegacyBytes, engine.initialFpu.size() - kLegacyBytes);
  return 0;
}

}  // namespace stub

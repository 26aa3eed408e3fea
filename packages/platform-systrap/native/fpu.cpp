// Extended state (x87, SSE, AVX, …) in the XSAVE standard format, where the host's signal frame has it. The host validates what
// it loads on the way back; what the sentry writes there is validated here first, so that a mistake is an error and not a signal.
#include "engine.h"

#include <cerrno>
#include <cstring>

namespace systrap {

constexpr size_t kLegacyBytes = 512;
constexpr size_t kHeaderEnd = 576;
// The host's own words in the legacy area: 464 to 511.
constexpr size_t kSoftware = 464;

void FpuLoad(const Engine& engine, const Thread& thread, uint8_t* image) {
  memcpy(image, reinterpret_cast<const uint8_t*>(thread.slot) + engine.fpuOffset, engine.fpuSize);
  memcpy(image + kSoftware, engine.initialFpu.data() + kSoftware, kLegacyBytes - kSoftware);
}

void FpuStore(const Engine& engine, const Thread& thread, const uint8_t* image) {
  uint8_t* area = reinterpret_cast<uint8_t*>(thread.slot) + engine.fpuOffset;
  memcpy(area, image, kSoftware);
  memcpy(area + kLegacyBytes, image + kLegacyBytes, engine.fpuSize - kLegacyBytes);
}

static Context* Stopped(Engine& engine, int64_t* error) {
  Context* context = engine.contextAt(engine.arg(0));
  *error = context == nullptr ? -EINVAL : context->running && !context->queued ? -EBUSY : 0;
  if (*error != 0) return nullptr;
  if (context->thread >= 0 && engine.threads[context->thread].patched) {
    *error = Spill(engine, engine.threads[context->thread]);
  }
  return *error == 0 ? context : nullptr;
}

// args: context. Leaves the state at kFpuArea of the page; returns its length.
int64_t FpuSave(Engine& engine) {
  int64_t error = 0;
  Context* context = Stopped(engine, &error);
  if (context == nullptr) return error;
  uint8_t* area = engine.page + kFpuArea;
  if (context->thread >= 0) {
    FpuLoad(engine, engine.threads[context->thread], area);
  } else {
    const std::vector<uint8_t>& image = context->fpuFresh ? engine.initialFpu : context->fpu;
    memcpy(area, image.data(), image.size());
  }
  return static_cast<int64_t>(engine.fpuSize);
}

// What the host would refuse. The rest of the header must be zero.
static bool Acceptable(const Engine& engine, const uint8_t* image) {
  uint64_t features;
  uint32_t mxcsr;
  uint64_t known;
  memcpy(&features, image + kLegacyBytes, sizeof features);
  memcpy(&mxcsr, image + 24, sizeof mxcsr);
  memcpy(&known, engine.initialFpu.data() + kSoftware, sizeof known);
  for (size_t i = kLegacyBytes + 8; i < kHeaderEnd; i++) {
    if (image[i] != 0) return false;
  }
  return (features & ~known) == 0 && (mxcsr & ~0xffffU) == 0;
}

// args: context, length at kFpuArea. A shorter area than the full one leaves the features beyond it in their initial state.
int64_t FpuRestore(Engine& engine) {
  int64_t error = 0;
  Context* context = Stopped(engine, &error);
  if (context == nullptr) return error;
  const int64_t length = engine.arg(1);
  if (length < static_cast<int64_t>(kLegacyBytes) || length > static_cast<int64_t>(engine.fpuSize)) return -EINVAL;
  std::vector<uint8_t> image(engine.fpuSize);
  memcpy(image.data(), engine.page + kFpuArea, static_cast<size_t>(length));
  if (length < static_cast<int64_t>(kHeaderEnd)) {
    memset(image.data() + kLegacyBytes, 0, image.size() - kLegacyBytes);
    image[kLegacyBytes] = 3;
  }
  if (!Acceptable(engine, image.data())) return -EINVAL;
  if (context->thread >= 0) {
    FpuStore(engine, engine.threads[context->thread], image.data());
    return length;
  }
  context->fpu = image;
  context->fpuFresh = false;
  return length;
}

// args: context.
int64_t FpuReset(Engine& engine) {
  int64_t error = 0;
  Context* context = Stopped(engine, &error);
  if (context == nullptr) return error;
  context->fpu.clear();
  if (context->thread >= 0) FpuStore(engine, engine.threads[context->thread], engine.initialFpu.data());
  else context->fpuFresh = true;
  return 0;
}

}  // namespace systrap

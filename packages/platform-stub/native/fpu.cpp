// Extended state (x87, SSE, AVX, …) in the XSAVE standard format: of a context's thread, or kept until it has one. The host validates
// what it loads; it is validated here first, so that a mistake is an error and neither a signal nor a later surprise.
#include "engine.h"

#include <cerrno>
#include <cstring>

namespace stub {

static Context* Stopped(Engine& engine, int64_t* error) {
  Context* context = engine.contextAt(engine.arg(0));
  *error = context == nullptr ? -EINVAL : context->running && !context->queued ? -EBUSY : 0;
  return *error == 0 ? context : nullptr;
}

// args: context. Leaves the state at kFpuArea of the page; returns its length.
int64_t FpuSave(Engine& engine) {
  int64_t error = 0;
  Context* context = Stopped(engine, &error);
  if (context == nullptr) return error;
  uint8_t* area = engine.page + kFpuArea;
  if (context->thread >= 0) {
    error = FpuLoad(engine, engine.threads[context->thread], area);
    if (error != 0) return error;
  } else {
    const std::vector<uint8_t>& image = context->fpuFresh ? engine.initialFpu : context->fpu;
    memcpy(area, image.data(), image.size());
  }
  return static_cast<int64_t>(engine.initialFpu.size());
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
  if (length < static_cast<int64_t>(kLegacyBytes) || length > static_cast<int64_t>(engine.initialFpu.size())) return -EINVAL;
  std::vector<uint8_t> image(engine.initialFpu.size());
  memcpy(image.data(), engine.page + kFpuArea, static_cast<size_t>(length));
  if (length < static_cast<int64_t>(kHeaderEnd)) {
    memset(image.data() + kLegacyBytes, 0, image.size() - kLegacyBytes);
    image[kLegacyBytes] = 3;
  }
  if (!Acceptable(engine, image.data())) return -EINVAL;
  if (context->thread >= 0) {
    error = FpuStore(engine, engine.threads[context->thread], image.data());
    return error != 0 ? error : length;
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
  if (context->thread >= 0) return FpuStore(engine, engine.threads[context->thread], engine.initialFpu.data());
  context->fpuFresh = true;
  return 0;
}

void TellFeatures(Engine& engine, bool fsgsbase) {
  const auto* xcr0 = reinterpret_cast<const uint32_t*>(engine.initialFpu.data() + kSoftware);
  engine.results()[2] = static_cast<double>(engine.initialFpu.size());
  engine.results()[3] = xcr0[0];
  engine.results()[4] = xcr0[1];
  engine.results()[5] = fsgsbase ? 1 : 0;
}

}  // namespace stub

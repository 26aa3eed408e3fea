// Extended state (x87, SSE, AVX, …) in the XSAVE standard format: of a context's thread, or kept until it has one. The host validates
// what it loads; it is validated here first, so that a mistake is an error and neither a signal nor a later surprise.
#include "engine.h"

#include <algorithm>
#include <cerrno>
#include <cpuid.h>
#include <cstring>
#include <sys/syscall.h>
#include <unistd.h>

namespace stub {

constexpr int kGetSupported = 0x1021;  // ARCH_GET_XCOMP_SUPP
constexpr unsigned kTileComponent = 18;

// Bytes of extended state with AMX's tiles (CPUID leaf 13, standard format), where processor and host have them; else 0.
size_t ProbeDynamic() {
  uint64_t supported = 0;
  unsigned bytes = 0;
  unsigned offset = 0;
  unsigned c;
  unsigned d;
  if (syscall(SYS_arch_prctl, kGetSupported, &supported) != 0 || (supported & kTileData) == 0) return 0;
  if (__get_cpuid_count(0xd, kTileComponent, &bytes, &offset, &c, &d) == 0) return 0;
  const size_t size = static_cast<size_t>(offset) + bytes;
  return bytes > 0 && offset >= kHeaderEnd && size <= kFpuMax ? size : 0;
}

size_t FpuMost(const Engine& engine) { return std::max(engine.initialFpu.size(), engine.dynamicFpu); }

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
  if (context->thread >= 0) return FpuLoad(engine, engine.threads[context->thread], area);
  const std::vector<uint8_t>& image = context->fpuFresh ? engine.initialFpu : context->fpu;
  memcpy(area, image.data(), image.size());
  return static_cast<int64_t>(image.size());
}

// What the host would refuse. The rest of the header must be zero.
static bool Acceptable(const Engine& engine, const uint8_t* image, size_t length) {
  uint64_t features;
  uint32_t mxcsr;
  uint64_t known;
  memcpy(&features, image + kLegacyBytes, sizeof features);
  memcpy(&mxcsr, image + 24, sizeof mxcsr);
  memcpy(&known, engine.initialFpu.data() + kSoftware, sizeof known);
  if (length == engine.dynamicFpu) known |= kTileData;
  for (size_t i = kLegacyBytes + 8; i < kHeaderEnd; i++) {
    if (image[i] != 0) return false;
  }
  return (features & ~known) == 0 && (mxcsr & ~0xffffU) == 0;
}

// args: context, length at kFpuArea. A shorter area than the usual one leaves the features beyond it in their initial state.
int64_t FpuRestore(Engine& engine) {
  int64_t error = 0;
  Context* context = Stopped(engine, &error);
  if (context == nullptr) return error;
  const int64_t told = engine.arg(1);
  if (told < static_cast<int64_t>(kLegacyBytes) || told > static_cast<int64_t>(FpuMost(engine))) return -EINVAL;
  const auto length = static_cast<size_t>(told);
  if (length > engine.initialFpu.size() && length != engine.dynamicFpu) return -EINVAL;
  std::vector<uint8_t> image(std::max(engine.initialFpu.size(), length));
  memcpy(image.data(), engine.page + kFpuArea, length);
  if (length < kHeaderEnd) {
    memset(image.data() + kLegacyBytes, 0, image.size() - kLegacyBytes);
    image[kLegacyBytes] = 3;
  }
  if (!Acceptable(engine, image.data(), length)) return -EINVAL;
  if (context->thread >= 0) {
    error = FpuStore(engine, engine.threads[context->thread], image.data(), image.size());
    return error != 0 ? error : told;
  }
  context->fpu = image;
  context->fpuFresh = false;
  return told;
}

// args: context.
int64_t FpuReset(Engine& engine) {
  int64_t error = 0;
  Context* context = Stopped(engine, &error);
  if (context == nullptr) return error;
  context->fpu.clear();
  if (context->thread >= 0) return FpuStore(engine, engine.threads[context->thread], engine.initialFpu.data(), engine.initialFpu.size());
  context->fpuFresh = true;
  return 0;
}

void TellFeatures(Engine& engine, bool fsgsbase) {
  const auto* xcr0 = reinterpret_cast<const uint32_t*>(engine.initialFpu.data() + kSoftware);
  engine.results()[2] = static_cast<double>(engine.initialFpu.size());
  engine.results()[3] = xcr0[0];
  engine.results()[4] = xcr0[1];
  engine.results()[5] = fsgsbase ? 1 : 0;
  engine.results()[7] = static_cast<double>(engine.dynamicFpu);
}

}  // namespace stub

// Extended state (x87, SSE, AVX, …) in the XSAVE standard format, through PTRACE_GETREGSET / SETREGSET NT_X86_XSTATE. The host
// kernel validates what is written: reserved bits of the header or of MXCSR are refused with EINVAL.
#include "engine.h"

#include <cerrno>
#include <cstring>
#include <elf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

namespace ptraced {

constexpr size_t kLegacyBytes = 512;
constexpr size_t kHeaderEnd = 576;

int64_t FpuLoad(pid_t tid, std::vector<uint8_t>& image) {
  image.resize(kFpuMax);
  iovec vector{image.data(), image.size()};
  if (ptrace(PTRACE_GETREGSET, tid, NT_X86_XSTATE, &vector) != 0) return -errno;
  image.resize(vector.iov_len);
  return 0;
}

int64_t FpuStore(pid_t tid, std::vector<uint8_t>& image) {
  iovec vector{image.data(), image.size()};
  return ptrace(PTRACE_SETREGSET, tid, NT_X86_XSTATE, &vector) != 0 ? -errno : 0;
}

// Learns the size of the state and what a fresh program's looks like.
int64_t FpuProbe(Engine& engine, pid_t tid) {
  const int64_t error = FpuLoad(tid, engine.initialFpu);
  if (error != 0) return error;
  if (engine.initialFpu.size() < kHeaderEnd) return -ENOTSUP;
  std::vector<uint8_t>& image = engine.initialFpu;
  memset(image.data(), 0, 464);
  memset(image.data() + kLegacyBytes, 0, image.size() - kLegacyBytes);
  const uint16_t control = 0x37f;
  const uint32_t mxcsr = 0x1f80;
  memcpy(image.data(), &control, sizeof control);
  memcpy(image.data() + 24, &mxcsr, sizeof mxcsr);
  image[kLegacyBytes] = 3;  // x87 and SSE are given, everything else is in its initial state
  return 0;
}

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
    iovec vector{area, kFpuMax};
    if (ptrace(PTRACE_GETREGSET, engine.threads[context->thread].tid, NT_X86_XSTATE, &vector) != 0) return -errno;
    return static_cast<int64_t>(vector.iov_len);
  }
  const std::vector<uint8_t>& image = context->fpuFresh ? engine.initialFpu : context->fpu;
  memcpy(area, image.data(), image.size());
  return static_cast<int64_t>(image.size());
}

// What the host itself would refuse, for a context that has no thread to ask yet. The rest of the header must be zero.
static bool Acceptable(const Engine& engine, const std::vector<uint8_t>& image) {
  uint64_t features[2];
  uint32_t mxcsr[2];
  uint64_t known;
  memcpy(features, image.data() + kLegacyBytes, sizeof features);
  memcpy(mxcsr, image.data() + 24, sizeof mxcsr);
  memcpy(&known, engine.initialFpu.data() + 464, sizeof known);
  for (size_t i = kLegacyBytes + 8; i < kHeaderEnd; i++) {
    if (image[i] != 0) return false;
  }
  return (features[0] & ~known) == 0 && (mxcsr[0] & ~0xffffU) == 0;
}

// args: context, length at kFpuArea. A shorter area than the full one leaves the features beyond it in their initial state.
int64_t FpuRestore(Engine& engine) {
  int64_t error = 0;
  Context* context = Stopped(engine, &error);
  if (context == nullptr) return error;
  const int64_t length = engine.arg(1);
  const size_t full = engine.initialFpu.size();
  if (length < static_cast<int64_t>(kLegacyBytes) || length > static_cast<int64_t>(full)) return -EINVAL;
  std::vector<uint8_t> image(full);
  memcpy(image.data(), engine.page + kFpuArea, static_cast<size_t>(length));
  if (length < static_cast<int64_t>(kHeaderEnd)) {
    memset(image.data() + kLegacyBytes, 0, full - kLegacyBytes);
    image[kLegacyBytes] = 3;
  }
  if (!Acceptable(engine, image)) return -EINVAL;
  if (context->thread >= 0) {
    error = FpuStore(engine.threads[context->thread].tid, image);
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
  if (context->thread >= 0) return FpuStore(engine.threads[context->thread].tid, engine.initialFpu);
  context->fpuFresh = true;
  return 0;
}

}  // namespace ptraced

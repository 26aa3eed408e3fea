// Extended state through PTRACE_GETREGSET / SETREGSET NT_X86_XSTATE. The host kernel validates what is written: reserved bits of the
// header or of MXCSR are refused with EINVAL. The host's set has room for all that the processor has; what a process must ask for (AMX's
// tiles) is cut off while the thread has not used it, as in signal frames: programs have stacks for signals of that size.
#include "engine.h"

#include <algorithm>
#include <cerrno>
#include <cpuid.h>
#include <cstring>
#include <elf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

namespace stub {

int64_t FpuLoad(Engine& engine, Thread& thread, uint8_t* image) {
  const bool dynamic = engine.spaces[thread.space].dynamic;
  const size_t usual = engine.initialFpu.size();
  iovec vector{image, dynamic ? engine.dynamicFpu : usual};
  uint64_t features;
  if (ptrace(PTRACE_GETREGSET, thread.tid, NT_X86_XSTATE, &vector) != 0) return -errno;
  memcpy(image + kSoftware, engine.initialFpu.data() + kSoftware, kLegacyBytes - kSoftware);
  memcpy(&features, image + kLegacyBytes, sizeof features);
  if ((features & kTileData) != 0) thread.dynamic = true;
  return static_cast<int64_t>(dynamic && thread.dynamic ? engine.dynamicFpu : usual);
}

// The host takes nothing but a whole set.
int64_t FpuStore(Engine& engine, Thread& thread, const uint8_t* image, size_t length) {
  std::vector<uint8_t>& whole = engine.wholeFpu;
  const size_t size = std::min(thread.dynamic ? engine.dynamicFpu : engine.initialFpu.size(), length);
  memcpy(whole.data(), image, size);
  memset(whole.data() + size, 0, whole.size() - size);
  uint64_t features;
  memcpy(&features, image + kLegacyBytes, sizeof features);
  if (size != engine.dynamicFpu) features &= ~kTileData;
  memcpy(whole.data() + kLegacyBytes, &features, sizeof features);
  iovec vector{whole.data(), whole.size()};
  return ptrace(PTRACE_SETREGSET, thread.tid, NT_X86_XSTATE, &vector) != 0 ? -errno : 0;
}

// Bytes of the standard format that hold these features.
static size_t SizeOf(uint64_t features) {
  size_t size = kHeaderEnd;
  for (unsigned i = 2; i < 63; i++) {
    unsigned bytes = 0;
    unsigned offset = 0;
    unsigned c;
    unsigned d;
    if ((features >> i & 1) == 0 || __get_cpuid_count(0xd, i, &bytes, &offset, &c, &d) == 0) continue;
    size = std::max(size, static_cast<size_t>(offset) + bytes);
  }
  return size;
}

static void CutTiles(std::vector<uint8_t>& image) {
  uint64_t features;
  memcpy(&features, image.data() + kSoftware, sizeof features);
  if ((features & kTileData) == 0) return;
  features &= ~kTileData;
  memcpy(image.data() + kSoftware, &features, sizeof features);
  image.resize(std::min(image.size(), SizeOf(features)));
}

// Learns the size of the state and what a fresh program's looks like.
int64_t FpuProbe(Engine& engine, pid_t tid) {
  std::vector<uint8_t>& image = engine.initialFpu;
  image.resize(kFpuMax);
  iovec vector{image.data(), image.size()};
  if (ptrace(PTRACE_GETREGSET, tid, NT_X86_XSTATE, &vector) != 0) return -errno;
  image.resize(vector.iov_len);
  if (image.size() < kHeaderEnd) return -ENOTSUP;
  engine.wholeFpu.assign(image.size(), 0);
  engine.dynamicFpu = ProbeDynamic();
  if (engine.dynamicFpu > image.size()) engine.dynamicFpu = 0;
  CutTiles(image);
  memset(image.data(), 0, kSoftware);
  memset(image.data() + kLegacyBytes, 0, image.size() - kLegacyBytes);
  const uint16_t control = 0x37f;
  const uint32_t mxcsr = 0x1f80;
  memcpy(image.data(), &control, sizeof control);
  memcpy(image.data() + 24, &mxcsr, sizeof mxcsr);
  image[kLegacyBytes] = 3;  // x87 and SSE are given, everything else is in its initial state
  return 0;
}

}  // namespace stub

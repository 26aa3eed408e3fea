// Extended state through PTRACE_GETREGSET / SETREGSET NT_X86_XSTATE. The host kernel validates what is written: reserved bits of the
// header or of MXCSR are refused with EINVAL.
#include "engine.h"

#include <cerrno>
#include <cstring>
#include <elf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

namespace stub {

int64_t FpuLoad(Engine& engine, Thread& thread, uint8_t* image) {
  iovec vector{image, engine.initialFpu.size()};
  return ptrace(PTRACE_GETREGSET, thread.tid, NT_X86_XSTATE, &vector) != 0 ? -errno : 0;
}

int64_t FpuStore(Engine& engine, Thread& thread, const uint8_t* image) {
  iovec vector{const_cast<uint8_t*>(image), engine.initialFpu.size()};
  return ptrace(PTRACE_SETREGSET, thread.tid, NT_X86_XSTATE, &vector) != 0 ? -errno : 0;
}

// Learns the size of the state and what a fresh program's looks like.
int64_t FpuProbe(Engine& engine, pid_t tid) {
  std::vector<uint8_t>& image = engine.initialFpu;
  image.resize(kFpuMax);
  iovec vector{image.data(), image.size()};
  if (ptrace(PTRACE_GETREGSET, tid, NT_X86_XSTATE, &vector) != 0) return -errno;
  image.resize(vector.iov_len);
  if (image.size() < kHeaderEnd) return -ENOTSUP;
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

// What the native parts of all stub platforms share: the page and the trap frames that JavaScript sees, and the verbs that it calls. A
// platform's `engine.h` includes this and says what its Engine, Context, Space and Thread are; the sources here are compiled against it.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace stub {

constexpr uint64_t kPageSize = 4096;

// Argument page shared with JavaScript (src/engine.ts).
constexpr size_t kArgs = 0;
constexpr size_t kResults = 512;
constexpr size_t kCounters = 1024;
constexpr size_t kFpuArea = 4096;

// Frames come in blocks that never move (contracts/src/trap-frame.ts has the layout).
constexpr size_t kFrameSize = 256;
constexpr size_t kFramesPerBlock = 256;

enum TrapKind : uint32_t { kTrapSyscall = 1, kTrapFault = 2, kTrapException = 3, kTrapInterrupted = 4, kTrapDeath = 5 };

struct Frame {
  uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
  uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
  uint16_t cs, gs, fs, ss;
  uint64_t err, trapno, oldmask, cr2;
  uint64_t fsBase, gsBase;
  uint32_t kind, signo;
  int32_t sicode;
  uint32_t state;
  uint64_t siaddr;
  uint32_t arch;
  uint32_t hot;
  uint32_t reserved[6];
};
static_assert(sizeof(Frame) == kFrameSize);

// Selectors of 64-bit and 32-bit user code, and of user data.
constexpr uint16_t kCode64 = 0x33;
constexpr uint16_t kCode32 = 0x23;
constexpr uint16_t kStackSegment = 0x2b;

// Parts of the extended state in the XSAVE standard format.
constexpr size_t kLegacyBytes = 512;
constexpr size_t kHeaderEnd = 576;
constexpr uint64_t kTileData = 0x40000;  // of AMX: the only feature that a process must ask for
constexpr size_t kSoftware = 464;  // to 511: the host's own words; the first is XCR0, as PTRACE_GETREGSET has it

// What every Engine begins with. The indices of counters are the platform's.
struct Shared {
  uint8_t* page = nullptr;
  std::vector<Frame*> frames;
  std::vector<int> freeContexts;
  std::vector<uint8_t> initialFpu;
  size_t dynamicFpu = 0;  // bytes of extended state with what a process must ask for (kTileData); 0: there is nothing to ask for
  int socket = -1;  // our end; stubs have the other
  bool open = false;
  bool dead = false;

  double* args() { return reinterpret_cast<double*>(page + kArgs); }
  double* results() { return reinterpret_cast<double*>(page + kResults); }
  int64_t arg(int i) { return static_cast<int64_t>(args()[i]); }
  double& counter(int counter) { return reinterpret_cast<double*>(page + kCounters)[counter]; }
  void count(int counter) { reinterpret_cast<double*>(page + kCounters)[counter] += 1; }
  Frame& frame(int context) {
    return frames[static_cast<size_t>(context) / kFramesPerBlock][static_cast<size_t>(context) % kFramesPerBlock];
  }
};

struct Engine;
struct Thread;
using Verb = int64_t (*)(Engine&);

// The platform's own: start.cpp or open.cpp, space.cpp, context.cpp, wait.cpp.
int64_t Open(Engine& engine);
int64_t Close(Engine& engine);
int64_t SpaceCreate(Engine& engine);
int64_t SpaceDestroy(Engine& engine);
int64_t SpaceFlush(Engine& engine);
int64_t SpaceFile(Engine& engine);
int64_t ContextResume(Engine& engine);
int64_t ContextInterrupt(Engine& engine);
int64_t ContextRelease(Engine& engine);
int64_t ContextCpu(Engine& engine);
int64_t Wait(Engine& engine);
int64_t Clock(Engine& engine);
// Memory that JavaScript may still see (the file of commands and what else the platform maps) is unmapped with the environment only.
void UnmapFiles(Engine& engine);
// The extended state of a stopped thread: as many bytes as the initial state has, or Shared::dynamicFpu once the host keeps so many for it.
// FpuLoad: that number, or -errno; the image has room for FpuMost. FpuStore leaves out what the thread has no room for: 0, or -errno.
int64_t FpuLoad(Engine& engine, Thread& thread, uint8_t* image);
int64_t FpuStore(Engine& engine, Thread& thread, const uint8_t* image, size_t length);
// args: space. Its contexts may use what a process must ask for.
int64_t SpacePermit(Engine& engine);

// contexts.cpp
int64_t ContextCreate(Engine& engine);

// spaces.cpp
int FreeSpace(Engine& engine);
int64_t SendDescriptor(int socket, int fd);

// fpu.cpp
int64_t FpuSave(Engine& engine);
int64_t FpuRestore(Engine& engine);
int64_t FpuReset(Engine& engine);
size_t FpuMost(const Engine& engine);
size_t ProbeDynamic();

// results of Open that don't depend on the platform: size of the extended state, XCR0 (lo, hi), FSGSBASE usable; [7]: Shared::dynamicFpu.
void TellFeatures(Engine& engine, bool fsgsbase);

}  // namespace stub

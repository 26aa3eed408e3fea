// Guest threads of a stub: made by its manager, at home in a slot. The first trap of a thread is its own; it brings the frame with it
// that the first context starts from.
#include "engine.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

namespace stub {

constexpr uint64_t kPatience = 10'000'000'000;

// Slots come in chunks of the slot file, which the sentry keeps mapped.
static int TakeChunk(Engine& engine) {
  if (!engine.freeChunks.empty()) {
    const int chunk = engine.freeChunks.back();
    engine.freeChunks.pop_back();
    return chunk;
  }
  const auto offset = static_cast<off_t>(engine.chunks.size() * kChunkBytes);
  if (ftruncate(engine.slotFile, offset + static_cast<off_t>(kChunkBytes)) != 0) return -ENOMEM;
  void* base = mmap(nullptr, kChunkBytes, PROT_READ | PROT_WRITE, MAP_SHARED, engine.slotFile, offset);
  if (base == MAP_FAILED) return -ENOMEM;
  madvise(base, kChunkBytes, MADV_DONTDUMP);
  engine.chunks.push_back(static_cast<uint8_t*>(base));
  return static_cast<int>(engine.chunks.size() - 1);
}

// The space is gone: nobody else sees its slots, and the next owner finds zeros.
void ReleaseChunks(Engine& engine, Space& space) {
  for (const int thread : space.threads) {
    engine.threads[thread] = Thread{};
    engine.freeThreads.push_back(thread);
  }
  for (const int chunk : space.chunks) {
    const auto offset = static_cast<off_t>(static_cast<size_t>(chunk) * kChunkBytes);
    const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    if (fallocate(engine.slotFile, mode, offset, kChunkBytes) == 0) engine.freeChunks.push_back(chunk);
  }
  space.threads.clear();
  space.chunks.clear();
}

static int AddThread(Engine& engine, int space) {
  int index;
  if (engine.freeThreads.empty()) {
    index = static_cast<int>(engine.threads.size());
    engine.threads.emplace_back();
  } else {
    index = engine.freeThreads.back();
    engine.freeThreads.pop_back();
  }
  Thread& thread = engine.threads[index];
  thread = Thread{};
  const size_t slot = engine.spaces[space].threads.size();
  thread.space = space;
  thread.address = SLOTS + slot * SLOT_SIZE;
  thread.slot = reinterpret_cast<Slot*>(engine.chunks[engine.spaces[space].chunks[slot / kSlotsPerChunk]] +
                                        (slot % kSlotsPerChunk) * SLOT_SIZE);
  engine.spaces[space].threads.push_back(index);
  return index;
}

// Waits for the first trap of a thread.
static int64_t AwaitFirstTrap(Engine& engine, int index) {
  const uint64_t limit = NowNanos() + kPatience;
  for (;;) {
    const uint32_t seen = __atomic_load_n(engine.bell(), __ATOMIC_SEQ_CST);
    TakeDeaths(engine);
    const Thread& thread = engine.threads[index];
    if (thread.dead) return -ESRCH;
    if (__atomic_load_n(&thread.slot->state, __ATOMIC_ACQUIRE) != STATE_RUN) return 0;
    if (NowNanos() > limit) return -ETIMEDOUT;
    engine.shared().sleeping = 1;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__atomic_load_n(&thread.slot->state, __ATOMIC_ACQUIRE) == STATE_RUN) {
      SleepOnBell(engine, seen, NowNanos() + 20'000'000);
    }
    engine.shared().sleeping = 0;
  }
}

static int MapChunk(Engine& engine, int space) {
  const int chunk = TakeChunk(engine);
  if (chunk < 0) return chunk;
  const uint64_t address = SLOTS + engine.spaces[space].chunks.size() * kChunkBytes;
  engine.spaces[space].chunks.push_back(chunk);
  PutCommand(engine, space, 0, SYS_mmap, address, kChunkBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, FD_SLOTS,
             static_cast<uint64_t>(chunk) * kChunkBytes);
  return 1;
}

// A new guest thread, trapped; its index, or -errno.
int64_t MakeThread(Engine& engine, int space) {
  const size_t slots = engine.spaces[space].threads.size();
  if (slots >= kMaxSlots) return -EAGAIN;
  int commands = 0;
  if (slots / kSlotsPerChunk >= engine.spaces[space].chunks.size()) {
    commands = MapChunk(engine, space);
    if (commands < 0) return commands;
  }
  const uint64_t address = SLOTS + slots * SLOT_SIZE;
  stack_t stack{};
  stack.ss_sp = reinterpret_cast<void*>(address + SLOT_STACK);
  stack.ss_size = SLOT_SIZE - SLOT_STACK;
  memcpy(engine.block(space) + BLOCK_STACK, &stack, sizeof stack);
  const user_desc segment = SlotSegment(static_cast<int>(slots));
  memcpy(engine.block(space) + BLOCK_SEGMENT, &segment, sizeof segment);
  constexpr uint64_t kFlags = CLONE_VM | CLONE_FS | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_CHILD_SETTID;
  PutCommand(engine, space, commands++, SYS_clone, kFlags, 0, 0, address + offsetof(Slot, tid),
             engine.spaces[space].lastFile, BLOCKS_START + static_cast<uint64_t>(space) * BLOCK_STRIDE);
  int64_t error = RunBatch(engine, space, commands);
  if (error != 0) return error;
  const int index = AddThread(engine, space);
  error = AwaitFirstTrap(engine, index);
  if (error != 0) return error;
  Thread& thread = engine.threads[index];
  thread.tid = static_cast<pid_t>(thread.slot->tid);
  thread.cpu = engine.spaces[space].cpu;
  if (syscall(SYS_tgkill, engine.spaces[space].pid, thread.tid, 0) != 0) return -ESRCH;
  engine.count(kCountThreads);
  return index;
}

// Which of its two layouts the frame of a trapped thread has: larger from the first use of AMX's tiles on. The guest may have written what the
// slot says, so it is one of the two, or false.
bool KnowFrame(const Engine& engine, Thread& thread) {
  const uint32_t at = __atomic_load_n(&thread.slot->context, __ATOMIC_RELAXED);
  thread.dynamic = engine.spaces[thread.space].dynamic && at == engine.dynamicOffset;
  return thread.dynamic || at == engine.contextOffset;
}

uint8_t* SlotFrame(const Engine& engine, const Thread& thread) {
  return reinterpret_cast<uint8_t*>(thread.slot) + (thread.dynamic ? engine.dynamicOffset : engine.contextOffset);
}

// The host aligns extended state, and the marks behind it, downwards from the top of the stack, and puts the rest of the frame below: where
// that is so for the usual frame it is so for the larger one.
static void LearnDynamicFrame(Engine& engine) {
  constexpr size_t kMark = 4;
  constexpr size_t kAlignment = 64;
  constexpr size_t kHandler = 1024;  // bytes of stack that the handler has below its frame, at least
  const size_t usual = (SLOT_SIZE - engine.initialFpu.size() - kMark) & ~(kAlignment - 1);
  const size_t size = ProbeDynamic();
  if (size <= engine.initialFpu.size() || usual != engine.fpuOffset) return;
  const size_t area = (SLOT_SIZE - size - kMark) & ~(kAlignment - 1);
  const size_t rest = engine.fpuOffset - engine.contextOffset;
  if (area < rest + SLOT_STACK + kHandler) return;
  engine.dynamicFpu = size;
  engine.dynamicFpuOffset = static_cast<uint32_t>(area);
  engine.dynamicOffset = static_cast<uint32_t>(area - rest);
}

// Learns from the very first trap, before there is any guest code, how the host lays its frames out.
int64_t LearnFrame(Engine& engine, const Thread& thread) {
  constexpr uint32_t kMagic = 0x46505853;
  const auto* base = reinterpret_cast<const uint8_t*>(thread.slot);
  engine.contextOffset = thread.slot->context;
  if (engine.contextOffset < SLOT_STACK || engine.contextOffset > SLOT_SIZE - 1024) return -EPROTO;
  const auto* context = reinterpret_cast<const ucontext_t*>(base + engine.contextOffset);
  const uint64_t fpu = reinterpret_cast<uint64_t>(context->uc_mcontext.fpregs) - thread.address;
  if (fpu > SLOT_SIZE - 1024 || fpu < engine.contextOffset) return -ENOTSUP;
  uint32_t software[6];
  memcpy(software, base + fpu + 464, sizeof software);
  if (software[0] != kMagic || fpu + software[4] > SLOT_SIZE || software[4] > kFpuMax) return -ENOTSUP;
  engine.fpuOffset = static_cast<uint32_t>(fpu);
  engine.initialFpu.assign(software[4], 0);
  const uint16_t controlWord = 0x37f;
  const uint32_t mxcsr[2] = {0x1f80, 0xffff};
  memcpy(engine.initialFpu.data(), &controlWord, sizeof controlWord);
  memcpy(engine.initialFpu.data() + 24, mxcsr, sizeof mxcsr);
  memcpy(engine.initialFpu.data() + 464, software + 2, 8);  // XCR0, where PTRACE_GETREGSET has it
  engine.initialFpu[512] = 3;  // x87 and SSE are given, everything else is in its initial state
  LearnDynamicFrame(engine);
  return 0;
}

// A guest can block signals by a return that it has forged (rt_sigreturn). Only the host knows.
bool BlocksInterrupts(const Engine& engine, const Thread& thread) {
  char text[4096];
  snprintf(text, sizeof text, "%d/task/%d/status", engine.spaces[thread.space].pid, thread.tid);
  const int fd = engine.procDirectory < 0 ? -1 : openat(engine.procDirectory, text, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  text[n > 0 ? n : 0] = 0;
  const char* line = strstr(text, "SigBlk:");
  return line != nullptr && (strtoull(line + 7, nullptr, 16) >> (INTERRUPT_SIGNAL - 1) & 1) != 0;
}

static uint64_t ProcessNanos(pid_t pid) {
  timespec now{};
  const auto clock = static_cast<clockid_t>((~static_cast<unsigned>(pid) << 3) | 2);
  if (clock_gettime(clock, &now) != 0) return 0;
  return static_cast<uint64_t>(now.tv_sec) * 1000000000 + static_cast<uint64_t>(now.tv_nsec);
}

// Nanoseconds of processor time of one host thread. The clock of its process says it where it is the only one (its manager's work is for
// it, too); looking into /proc leaves entries behind that make the end of the process dear.
uint64_t ThreadNanos(const Engine& engine, const Thread& thread) {
  const Space& space = engine.spaces[thread.space];
  if (space.pid <= 0) return 0;
  if (space.threads.size() < 2 || engine.procDirectory < 0) return ProcessNanos(space.pid);
  char text[96];
  snprintf(text, sizeof text, "%d/task/%d/schedstat", space.pid, thread.tid);
  const int fd = openat(engine.procDirectory, text, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return ProcessNanos(space.pid);
  const ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  text[n > 0 ? n : 0] = 0;
  return strtoull(text, nullptr, 10);
}

}  // namespace stub

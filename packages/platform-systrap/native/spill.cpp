// Threads that came through a patched site (native/stub/patched.S): their registers are in the slot, their extended state is still in the
// processor, and they go back by loading the one and keeping the other. That is enough for a call that returns a number. Whatever needs
// more, a signal, a sigreturn, a fork, another context on the thread, has the thread trap in the stub first: its signal frame holds all.
#include "engine.h"

#include <cerrno>
#include <climits>
#include <cstring>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86intrin.h>

namespace stub {

constexpr uint64_t kPatience = 2'000'000'000;
constexpr uint64_t kLook = 20'000'000;
constexpr int kRounds = 4000;
constexpr uint64_t kTrapFlag = 0x100;

// The registers of a thread that waits in the stub, as the host's frame would have had them after `syscall`.
void TakePatched(const Thread& thread, Frame& frame) {
  memset(&frame, 0, kSigcontextBytes);
  memcpy(&frame, thread.slot->registers, sizeof thread.slot->registers);
  frame.rcx = frame.rip;
  frame.r11 = frame.eflags;
  frame.cs = 0x33;
  frame.ss = 0x2b;
}

// Does nothing but RAX differ from what the thread has?
bool MayReturnFast(const Context& context, const Thread& thread, const Frame& frame) {
  const Frame& last = context.last;
  if (!context.known || thread.signalPending || (context.flags & 1) != 0) return false;
  if ((frame.eflags & kTrapFlag) != 0) return false;
  if (frame.fsBase != context.fsBase || frame.gsBase != context.gsBase) return false;
  return memcmp(&frame, &last, offsetof(Frame, rax)) == 0 && memcmp(&frame.rcx, &last.rcx, 4 * 8) == 0 &&
         frame.cs == last.cs && frame.ss == last.ss;
}

static bool HasSpilled(const Thread& thread) {
  return __atomic_load_n(&thread.slot->state, __ATOMIC_ACQUIRE) != STATE_SPILL && thread.slot->patched == 0;
}

static int64_t AwaitSpill(Engine& engine, Thread& thread) {
  const uint64_t limit = NowNanos() + kPatience;
  for (int i = 0; engine.mode == kModeSpin && i < kRounds && !HasSpilled(thread); i++) _mm_pause();
  while (!HasSpilled(thread)) {
    const uint32_t seen = __atomic_load_n(engine.bell(), __ATOMIC_SEQ_CST);
    TakeDeaths(engine);
    if (thread.dead) return -ESRCH;
    if (NowNanos() > limit) break;
    engine.shared().sleeping = 1;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!HasSpilled(thread)) SleepOnBell(engine, seen, NowNanos() + kLook);
    engine.shared().sleeping = 0;
  }
  if (HasSpilled(thread) && KnowFrame(engine, thread)) return 0;
  KillSpace(engine, thread.space);
  return -ESRCH;
}

// Has a thread that waits in the stub make its signal frame. 0; -ESRCH: it is gone.
int64_t Spill(Engine& engine, Thread& thread) {
  thread.patched = false;
  if (thread.dead) return -ESRCH;
  if (__atomic_exchange_n(&thread.slot->state, STATE_SPILL, __ATOMIC_SEQ_CST) == STATE_PARKED) {
    syscall(SYS_futex, &thread.slot->state, FUTEX_WAKE, 1, nullptr, nullptr, 0);
  }
  engine.count(kCountSpills);
  const int64_t error = AwaitSpill(engine, thread);
  if (error != 0) return error;
  if (thread.context >= 0) engine.contexts[thread.context].known = false;
  // In the handler, no interrupt comes any more: it has been there, or it waits until the thread is back in the program.
  if (thread.slot->noted != 0) {
    thread.slot->noted = 0;
    thread.signalPending = false;
  }
  return 0;
}

}  // namespace stub

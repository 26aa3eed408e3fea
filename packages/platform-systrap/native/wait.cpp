// Waiting for guest threads, and translating what brought them to their slots into trap frames.
#include "engine.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <ctime>
#include <linux/audit.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>
#include <x86intrin.h>

namespace stub {

constexpr int64_t kWaitBell = -1;
constexpr int64_t kWaitNothing = -2;
constexpr int64_t kWaitDead = -3;

// The kernel's ucontext (not the C library's): siginfo follows it.
constexpr size_t kContextBytes = 304;
// As much of it as is looked at.
constexpr size_t kSiginfoBytes = 32;
constexpr uint64_t kTrapFlag = 0x100;
constexpr uint64_t kPageFault = 14;
constexpr uint64_t kPatchBytes = GUEST_TEXT + kPageSize - PATCH_TEXT;
// While guests run, the sentry looks at them this often even if nobody rings: a hostile guest may spoil the doorbell.
constexpr uint64_t kLook = 50'000'000;
// One that shares its core and computes for this long is let go.
constexpr uint64_t kTick = 5'000'000;
constexpr double kDeaf = 5e9;
// Deadlines are met exactly when they are this near, and sleeps are taken to end this late at most.
constexpr uint64_t kNear = 5'000'000;
constexpr uint64_t kMostLate = 60'000;
// Of more contexts it is quicker to be told than to look at all of them again and again.
constexpr size_t kMostWatched = 64;

uint64_t NowNanos() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000000 + static_cast<uint64_t>(now.tv_nsec);
}

int64_t Clock(Engine& engine) {
  engine.results()[0] = static_cast<double>(NowNanos());
  return 0;
}

// Sleeps until the doorbell is no longer `seen`, or `deadline` (ns; 0: none).
void SleepOnBell(Engine& engine, uint32_t seen, uint64_t deadline) {
  timespec at{};
  at.tv_sec = static_cast<time_t>(deadline / 1000000000);
  at.tv_nsec = static_cast<long>(deadline % 1000000000);
  syscall(SYS_futex, engine.bell(), FUTEX_WAIT_BITSET, seen, deadline == 0 ? nullptr : &at, nullptr,
          FUTEX_BITSET_MATCH_ANY);
}

// The number that the processor left in rax may have been taken for a restart code by the host, which then changed rax and rip.
static void FillSyscall(Frame& frame, const siginfo_t& info) {
  const auto number = static_cast<uint32_t>(info.si_syscall);
  const auto caller = reinterpret_cast<uint64_t>(info.si_call_addr);
  frame.kind = kTrapSyscall;
  frame.arch = info.si_arch == AUDIT_ARCH_X86_64 ? 0 : 1;
  if (static_cast<uint32_t>(frame.rax) == number) return;
  frame.rax = static_cast<uint64_t>(static_cast<int64_t>(static_cast<int32_t>(number)));
  if (caller < USER_END) frame.rip = caller;
}

static void FillException(Frame& frame, const siginfo_t& info) {
  frame.signo = static_cast<uint32_t>(info.si_signo);
  frame.sicode = info.si_code;
  frame.siaddr = info.si_code == SI_KERNEL ? 0 : reinterpret_cast<uint64_t>(info.si_addr);
  frame.kind = frame.trapno == kPageFault ? kTrapFault : kTrapException;
  if (frame.kind == kTrapFault) frame.siaddr = frame.cr2 = reinterpret_cast<uint64_t>(info.si_addr);
}

// What the guest's slot says happened. 0: nothing for the guest's kernel; the thread goes on.
static bool Translate(Engine& engine, Thread& thread, Context& context, Frame& frame, const siginfo_t& info) {
  const auto signo = static_cast<int>(thread.slot->signo);
  if (signo == INTERRUPT_SIGNAL) {
    const bool expected = thread.signalPending;
    thread.signalPending = false;
    if (!expected || !context.interruptWanted) return false;
    // On its way back to the program from a patched site: the slot has its registers.
    if (frame.rip - PATCH_TEXT < kPatchBytes) {
      TakePatched(thread, frame);
      context.known = false;
    }
    frame.kind = kTrapInterrupted;
    engine.count(kCountInterrupts);
    return true;
  }
  // Codes up to 0 come from kill and its like: somebody outside plays with the stub.
  if (signo != info.si_signo || info.si_code <= 0) return false;
  if (signo == SIGSYS) {
    FillSyscall(frame, info);
    CountSite(engine, thread, frame);
    engine.count(kCountSyscalls);
    engine.count(kCountTrapped);
    return true;
  }
  if (signo != SIGSEGV && signo != SIGBUS && signo != SIGILL && signo != SIGFPE && signo != SIGTRAP) return false;
  FillException(frame, info);
  engine.count(kCountFaults);
  return true;
}

// A call through a patched site.
static void AcceptPatched(Engine& engine, Context& context, const Thread& thread, Frame& frame) {
  TakePatched(thread, frame);
  memcpy(&context.last, &frame, kSigcontextBytes);
  context.known = true;
  frame.fsBase = context.fsBase = thread.slot->fsBase;
  frame.gsBase = context.gsBase = thread.slot->gsBase;
  frame.kind = kTrapSyscall;
  frame.arch = 0;
  frame.hot = 0;
  engine.count(kCountSyscalls);
  engine.count(kCountPatched);
}

// Takes a context in whose thread has come to its slot. Everything is copied first: the guest's other threads can write there.
bool Accept(Engine& engine, int id) {
  Context& context = engine.contexts[id];
  Thread& thread = engine.threads[context.thread];
  if (__atomic_load_n(&thread.slot->state, __ATOMIC_ACQUIRE) == STATE_RUN) return false;
  NoteBurst(engine, context, thread);
  SampleArrival(engine, context, thread);
  thread.patched = __atomic_load_n(&thread.slot->patched, __ATOMIC_RELAXED) == 1;
  if (thread.patched) {
    AcceptPatched(engine, context, thread, engine.frame(id));
    return true;
  }
  if (!KnowFrame(engine, thread)) {
    KillSpace(engine, thread.space);
    return false;
  }
  Frame& frame = engine.frame(id);
  const uint8_t* host = SlotFrame(engine, thread);
  siginfo_t info;
  memcpy(&frame, host + offsetof(ucontext_t, uc_mcontext), kSigcontextBytes);
  memcpy(&info, host + kContextBytes, kSiginfoBytes);
  memcpy(&context.last, &frame, kSigcontextBytes);
  context.known = true;
  frame.fsBase = context.fsBase = thread.slot->fsBase;
  frame.gsBase = context.gsBase = thread.slot->gsBase;
  if ((context.flags & 1) != 0) frame.eflags &= ~kTrapFlag;
  if (!Translate(engine, thread, context, frame, info)) {
    engine.count(kCountSwallowed);
    thread.slot->flags = 0;
    LetRun(engine, thread);
    return false;
  }
  // In the handler no interrupt comes, and one that came on the way here is over.
  if (thread.slot->noted != 0) {
    thread.slot->noted = 0;
    thread.signalPending = false;
  }
  return true;
}

// Looks at the running contexts, behind the place of the last served first. The last of the list has taken that place (Leave), and its turn
// comes with the next round: were it looked at now, it and the one just served, which is the last when it runs again, would take
// turns in that place for ever. Nobody waits for long: who is moved is moved towards the front, and new ones come to the back.
static void Collect(Engine& engine) {
  const size_t count = engine.running.size();
  for (size_t i = 0; i < count && i < engine.running.size(); i++) {
    if (engine.nextRunning >= engine.running.size()) engine.nextRunning = 0;
    const int id = engine.running[engine.nextRunning];
    engine.nextRunning++;
    if (!Accept(engine, id)) continue;
    Deliver(engine, id);
    return;
  }
}

static int64_t TakeReady(Engine& engine) {
  while (engine.readyHead < engine.ready.size()) {
    const int id = engine.ready[engine.readyHead++];
    if (engine.readyHead == engine.ready.size()) {
      engine.ready.clear();
      engine.readyHead = 0;
    }
    if (id < 0) continue;
    engine.contexts[id].queued = false;
    engine.contexts[id].running = false;
    engine.taken = id;
    return id;
  }
  return -1;
}

static int64_t Poll(Engine& engine) {
  if (engine.deaths.load(std::memory_order_relaxed) > 0) TakeDeaths(engine);
  if (engine.readyHead == engine.ready.size()) Collect(engine);
  return TakeReady(engine);
}

// The doorbell rang since the last time. A ring before a look at the running contexts is for them; it may be for the host too.
static bool Rang(Engine& engine) {
  const uint32_t now = __atomic_load_n(engine.bell(), __ATOMIC_SEQ_CST);
  const bool rang = now != engine.bellSeen;
  engine.bellSeen = now;
  return rang;
}

static bool AnyTrapped(const Engine& engine) {
  for (const int id : engine.running) {
    const Thread& thread = engine.threads[engine.contexts[id].thread];
    if (__atomic_load_n(&thread.slot->state, __ATOMIC_ACQUIRE) != STATE_RUN) return true;
  }
  return false;
}

// The TSC at a time of the clock (ns); now for one that has passed.
static uint64_t TicksUntil(const Engine& engine, double nanos) {
  const double left = nanos - static_cast<double>(NowNanos());
  return __rdtsc() + (left > 0 ? static_cast<uint64_t>(left * engine.cyclesPerNano) : 0);
}

// Looks for a context without sleeping, for a bounded time; only while some run, on other cores.
static int64_t Spin(Engine& engine, uint64_t turn, double deadline) {
  if (engine.mode != kModeSpin || engine.running.empty() || engine.running.size() > kMostWatched) return -1;
  uint64_t limit = __rdtsc() + static_cast<uint64_t>(engine.spinNanos * engine.cyclesPerNano);
  if (turn != 0 && turn < limit) limit = turn;
  const uint64_t due = deadline > 0 ? TicksUntil(engine, deadline) : limit;
  const bool cut = due < limit;
  if (cut) limit = due;
  engine.count(kCountSpins);
  do {
    for (int i = 0; i < 8; i++) {
      if (AnyTrapped(engine)) {
        NoteSpin(engine, false);
        return Poll(engine);
      }
      _mm_pause();
    }
    if (__atomic_load_n(engine.bell(), __ATOMIC_RELAXED) != engine.bellSeen) return -1;
  } while (__rdtsc() < limit);
  if (!cut) NoteSpin(engine, true);
  return -1;
}

// Did the context that was served last not go on?
static bool HasBlocked(const Engine& engine, int taken) {
  return taken >= 0 && engine.contexts[taken].used && !engine.contexts[taken].running;
}

// The context that was served last did not go on: its call blocks. It need not wait awake where another one may want the core. That one
// has been woken before: a core that idles in between takes long to wake up.
static void ParkBlocked(Engine& engine, int taken) {
  if (taken < 0) return;
  Context& context = engine.contexts[taken];
  if (context.thread < 0) return;
  context.blocked = true;
  if (engine.mode != kModeSpin || engine.running.empty()) return;
  uint32_t state = STATE_TRAPPED;
  __atomic_compare_exchange_n(&engine.threads[context.thread].slot->state, &state, STATE_PARK, false, __ATOMIC_SEQ_CST,
                              __ATOMIC_RELAXED);
}

// A sleep ends late by what it takes to wake a core up. For a deadline that is near, of a program that is busy therefore, it ends that
// much early, and the rest is waited for awake.
static void SleepExactly(Engine& engine, uint64_t until) {
  const uint64_t start = NowNanos();
  if (engine.cores < 2 || start >= until || until - start > kNear) {
    SleepOnBell(engine, engine.bellSeen, until);
    return;
  }
  if (until - start > engine.lateness) {
    const uint64_t early = until - engine.lateness;
    SleepOnBell(engine, engine.bellSeen, early);
    const uint64_t woken = NowNanos();
    if (woken < early) return;
    const auto late = static_cast<int64_t>(std::min(woken - early, kMostLate));
    engine.lateness += static_cast<uint64_t>((late - static_cast<int64_t>(engine.lateness)) / 8);
  }
  while (__atomic_load_n(engine.bell(), __ATOMIC_RELAXED) == engine.bellSeen && NowNanos() < until) _mm_pause();
}

// Sleeps until somebody rings or `until` comes, `exactly` or roughly. A context that has trapped in the meantime, or -1.
static int64_t Sleep(Engine& engine, uint64_t until, bool exactly) {
  engine.shared().sleeping = 1;
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  const int64_t late = Poll(engine);
  if (late < 0) {
    engine.count(kCountSleeps);
    if (exactly) SleepExactly(engine, until);
    else SleepOnBell(engine, engine.bellSeen, until);
  }
  __atomic_store_n(&engine.shared().sleeping, 0, __ATOMIC_RELAXED);
  return late;
}

// A guest that was interrupted long ago and has not come: it may have seen to it that it can't. Its process ends.
static void FindDeaf(Engine& engine) {
  const uint64_t old = __rdtsc() - static_cast<uint64_t>(kDeaf * engine.cyclesPerNano);
  for (const int id : engine.running) {
    Context& context = engine.contexts[id];
    if (!context.interruptWanted || context.interrupted > old) continue;
    const Thread& thread = engine.threads[context.thread];
    if (BlocksInterrupts(engine, thread)) KillSpace(engine, thread.space);
    context.interrupted = __rdtsc();
  }
}

// args: deadline in ns; 0: only look; below 0: none. A context, or kWait*.
int64_t Wait(Engine& engine) {
  const double deadline = engine.args()[0];
  // Asked before anybody is taken in: it may be the same one, with its next call.
  int taken = HasBlocked(engine, engine.taken) ? engine.taken : -1;
  engine.taken = -1;
  if (__rdtsc() > engine.reviewAt) Review(engine);
  for (;;) {
    const bool rang = Rang(engine);
    int64_t id = Poll(engine);
    const uint64_t turn = NextTurns(engine, id < 0 ? 0 : 1);
    ParkBlocked(engine, taken);
    taken = -1;
    if (id >= 0 && engine.mode == kModeSpin) NoteSpin(engine, false);
    if (id < 0 && !rang && deadline != 0) id = Spin(engine, turn, deadline);
    if (id >= 0) return id;
    if (engine.dead) return kWaitDead;
    if (rang) return kWaitBell;
    if (deadline == 0) return kWaitNothing;
    const bool shares = Review(engine);
    FindDeaf(engine);
    const uint64_t now = NowNanos();
    uint64_t until = deadline < 0 ? 0 : static_cast<uint64_t>(deadline);
    if (until != 0 && now >= until) return kWaitNothing;
    const uint64_t look = now + (shares ? kTick : kLook);
    if (!engine.running.empty() && (until == 0 || until > look)) until = look;
    const uint64_t cycles = __rdtsc();
    if (turn != 0 && turn <= cycles) continue;
    if (turn != 0) until = std::min(until, now + static_cast<uint64_t>((turn - cycles) / engine.cyclesPerNano));
    id = Sleep(engine, until, deadline > 0 && until == static_cast<uint64_t>(deadline));
    if (id >= 0) return id;
  }
}

}  // namespace stub

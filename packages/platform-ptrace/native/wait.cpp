// Waiting for guest threads, and translating what stopped them into trap frames.
#include "engine.h"

#include <cerrno>
#include <csignal>
#include <linux/audit.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

namespace stub {

constexpr int64_t kWaitBell = -1;
constexpr int64_t kWaitNothing = -2;
constexpr int64_t kWaitDead = -3;
constexpr int64_t kWaitTick = -4;

constexpr uint64_t kFaultInstruction = 16;
constexpr uint64_t kFaultUnknown = 1 << 30;
constexpr uint64_t kVsyscallPage = 0xffffffffff600000;

static bool GetRegisters(Thread& thread, Frame& f) {
  user_regs_struct* r = &thread.regs;
  if (ptrace(PTRACE_GETREGS, thread.tid, nullptr, r) != 0) return false;
  thread.known = true;
  f.r8 = r->r8, f.r9 = r->r9, f.r10 = r->r10, f.r11 = r->r11;
  f.r12 = r->r12, f.r13 = r->r13, f.r14 = r->r14, f.r15 = r->r15;
  f.rdi = r->rdi, f.rsi = r->rsi, f.rbp = r->rbp, f.rbx = r->rbx;
  f.rdx = r->rdx, f.rax = r->rax, f.rcx = r->rcx, f.rsp = r->rsp;
  f.rip = r->rip, f.eflags = r->eflags;
  f.cs = static_cast<uint16_t>(r->cs), f.gs = static_cast<uint16_t>(r->gs);
  f.fs = static_cast<uint16_t>(r->fs), f.ss = static_cast<uint16_t>(r->ss);
  f.fsBase = r->fs_base, f.gsBase = r->gs_base;
  return true;
}

// SYSEMU stops look the same for every way into the kernel. The `syscall` instruction leaves rip in rcx and the flags in r11,
// which int 0x80 and sysenter don't; only where they differ is the host asked. A guest that forges both registers around
// int 0x80 has its call read by the 64-bit table: it fools nobody but itself, since no host call ever follows.
static uint32_t Architecture(const Thread& thread) {
  const user_regs_struct& regs = thread.regs;
  if (regs.rcx == regs.rip && regs.r11 == regs.eflags && regs.cs == 0x33) return 0;
  __ptrace_syscall_info info{};
  const long size = ptrace(static_cast<__ptrace_request>(PTRACE_GET_SYSCALL_INFO), thread.tid, sizeof info, &info);
  if (size <= 0) return 1;
  return info.arch == AUDIT_ARCH_X86_64 ? 0 : 1;
}

static void FillSyscall(const Thread& thread, Frame& frame) {
  frame.kind = kTrapSyscall;
  frame.rax = thread.regs.orig_rax;
  frame.arch = Architecture(thread);
}

// The processor's exception vector, as far as the signal tells it.
static uint64_t Vector(int signal, int code) {
  switch (signal) {
    case SIGILL: return 6;
    case SIGFPE: return code == FPE_INTDIV || code == FPE_INTOVF ? 0 : 19;
    case SIGTRAP: return code == SI_KERNEL || code == TRAP_BRKPT ? 3 : 1;
    case SIGBUS: return code == BUS_ADRALN ? 17 : code == SI_KERNEL ? 12 : 14;
    default: return code == SI_KERNEL ? 13 : 14;
  }
}

static void FillException(Frame& frame, const siginfo_t& info) {
  const auto address = reinterpret_cast<uint64_t>(info.si_addr);
  frame.signo = static_cast<uint32_t>(info.si_signo);
  frame.sicode = info.si_code;
  frame.siaddr = info.si_code == SI_KERNEL ? 0 : address;
  frame.trapno = Vector(info.si_signo, info.si_code);
  frame.err = 0;
  frame.kind = kTrapException;
  if (frame.trapno != 14) return;
  frame.kind = kTrapFault;
  frame.cr2 = address;
  frame.err = kFaultUnknown | (address == frame.rip ? kFaultInstruction : 0);
}

// SIGSYS comes from the filter: a call of the vsyscall page, of which the host has done the return already.
static bool FillVsyscall(Frame& frame, const siginfo_t& info) {
  if ((reinterpret_cast<uint64_t>(info.si_call_addr) & ~(kPageSize - 1)) != kVsyscallPage) return false;
  frame.kind = kTrapSyscall;
  frame.rax = static_cast<uint64_t>(info.si_syscall);
  frame.arch = 0;
  return true;
}

// Whether this stop is for the guest's kernel; otherwise the thread goes on.
static bool Translate(Engine& engine, Thread& thread, Context& context, Frame& frame, int signal) {
  if (signal == (SIGTRAP | 0x80)) {
    if (!GetRegisters(thread, frame)) return false;
    FillSyscall(thread, frame);
    engine.count(kCountSyscalls);
    return true;
  }
  if (signal == SIGUSR1 && thread.signalPending) {
    thread.signalPending = false;
    if (!context.interruptWanted || !GetRegisters(thread, frame)) return false;
    frame.kind = kTrapInterrupted;
    engine.count(kCountInterrupts);
    return true;
  }
  siginfo_t info;
  if (ptrace(PTRACE_GETSIGINFO, thread.tid, nullptr, &info) != 0) return false;
  // Codes up to 0 come from kill and its like: somebody outside plays with the stub.
  if (info.si_code <= 0 || !GetRegisters(thread, frame)) return false;
  switch (signal) {
    case SIGSYS: return FillVsyscall(frame, info);
    case SIGSEGV:
    case SIGBUS:
    case SIGILL:
    case SIGFPE:
    case SIGTRAP: FillException(frame, info); break;
    default: return false;
  }
  engine.count(kCountFaults);
  return true;
}

static void Stopped(Engine& engine, int index, int signal) {
  Thread& thread = engine.threads[index];
  if (index == engine.bell) {
    engine.bellRang = true;
    engine.count(kCountBells);
    ptrace(PTRACE_CONT, thread.tid, nullptr, nullptr);
    return;
  }
  if (thread.context < 0) return;
  Context& context = engine.contexts[thread.context];
  if (!context.running || context.queued) return;
  if (Translate(engine, thread, context, engine.frame(thread.context), signal)) {
    Deliver(engine, thread.context);
    return;
  }
  engine.count(kCountSwallowed);
  // ESRCH: it was killed; the status of its death follows.
  ContinueGuest(engine, context, thread);
}

// The thread is gone and reaped. Its context, if it ran, learns it now, otherwise at its next resume.
void ThreadDied(Engine& engine, int index) {
  Thread& thread = engine.threads[index];
  const int id = thread.context;
  Space& space = engine.spaces[thread.space];
  thread.dead = true;
  if (index == engine.bell || thread.space == engine.templateSpace) engine.dead = true;
  if (index == space.manager) space.dead = true;
  if (id >= 0) {
    Context& context = engine.contexts[id];
    context.thread = -1;
    context.fpuFresh = true;
    if (context.running && !context.queued) DeliverDeath(engine, id);
  }
  RemoveThread(engine, index);
}

static void Handle(Engine& engine, pid_t tid, int status) {
  const auto found = engine.byTid.find(tid);
  if (found == engine.byTid.end()) return;
  if (WIFSTOPPED(status)) {
    Stopped(engine, found->second, WSTOPSIG(status));
  } else {
    ThreadDied(engine, found->second);
  }
}

static int NextReady(Engine& engine) {
  while (engine.readyHead < engine.ready.size()) {
    const int id = engine.ready[engine.readyHead++];
    if (id < 0) continue;
    engine.contexts[id].running = false;
    engine.contexts[id].queued = false;
    return id;
  }
  engine.ready.clear();
  engine.readyHead = 0;
  return -1;
}

// results[0]: CLOCK_MONOTONIC in ns.
int64_t Clock(Engine& engine) {
  engine.results()[0] = static_cast<double>(NowNanos());
  return 0;
}

// args: 1 to block. Returns a context, or kWait*; with kWaitTick, results[0] is a time at which the bell should ring, and the caller
// waits again. Whoever trapped is collected before anyone is served a second time, so that
// a busy context can't starve the others.
int64_t Wait(Engine& engine) {
  const bool block = engine.arg(0) != 0;
  for (;;) {
    const int id = NextReady(engine);
    if (id >= 0) return id;
    if (engine.dead) return kWaitDead;
    if (engine.bellRang) {
      engine.bellRang = false;
      return kWaitBell;
    }
    if (block && NeedsTick(engine)) return kWaitTick;
    int status = 0;
    pid_t tid = wait4(-1, &status, __WALL | __WNOTHREAD | (block ? 0 : WNOHANG), nullptr);
    if (tid < 0 && errno == ECHILD) return kWaitDead;
    if (tid == 0) return kWaitNothing;
    if (tid > 0) Handle(engine, tid, status);
    while (tid > 0 && engine.running > 0) {
      tid = wait4(-1, &status, __WALL | __WNOTHREAD | WNOHANG, nullptr);
      if (tid > 0) Handle(engine, tid, status);
    }
  }
}

}  // namespace stub

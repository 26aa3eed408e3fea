// Contexts: the processor state of guest threads, and the host threads that run them.
#include "engine.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace stub {

// Nanoseconds of processor time of one host thread: scheduler statistics where /proc is there, else the clock of its process.
static uint64_t ThreadNanos(const Engine& engine, const Thread& thread) {
  const pid_t pid = engine.spaces[thread.space].pid;
  char text[96];
  snprintf(text, sizeof text, "%d/task/%d/schedstat", pid, thread.tid);
  const int fd = engine.procDirectory < 0 ? -1 : openat(engine.procDirectory, text, O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    const ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n > 0) {
      text[n] = 0;
      return strtoull(text, nullptr, 10);
    }
  }
  timespec now{};
  const auto clock = static_cast<clockid_t>((~static_cast<unsigned>(pid) << 3) | 2);
  if (clock_gettime(clock, &now) != 0) return 0;
  return static_cast<uint64_t>(now.tv_sec) * 1000000000 + static_cast<uint64_t>(now.tv_nsec);
}

// args: context; the figure is results[0].
int64_t ContextCpu(Engine& engine) {
  Context* context = engine.contextAt(engine.arg(0));
  if (context == nullptr) return -EINVAL;
  uint64_t nanos = context->cpuNanos;
  if (context->thread >= 0) {
    const uint64_t now = ThreadNanos(engine, engine.threads[context->thread]);
    if (now > context->cpuStart) nanos += now - context->cpuStart;
  }
  engine.results()[0] = static_cast<double>(nanos);
  return 0;
}

// The context leaves its (stopped) thread, which idles from now on.
void Unbind(Engine& engine, int id) {
  Context& context = engine.contexts[id];
  if (context.thread < 0) return;
  Thread& thread = engine.threads[context.thread];
  const uint64_t now = ThreadNanos(engine, thread);
  if (now > context.cpuStart) context.cpuNanos += now - context.cpuStart;
  if (!thread.dead) {
    if (!context.fpuFresh) {
      context.fpu.resize(FpuMost(engine));
      context.fpuFresh = FpuLoad(engine, thread, context.fpu.data()) < 0;
    }
    thread.fpuDirty = true;
    engine.spaces[thread.space].idle.push_back(context.thread);
  }
  thread.context = -1;
  context.thread = -1;
}

static int64_t Bind(Engine& engine, int id, int64_t spaceId) {
  Unbind(engine, id);
  Space& space = engine.spaces[spaceId];
  int index = -1;
  while (index < 0 && !space.idle.empty()) {
    index = space.idle.back();
    space.idle.pop_back();
    if (engine.threads[index].dead || engine.threads[index].space != spaceId) index = -1;
  }
  if (index < 0) index = CloneThread(engine, static_cast<int>(spaceId));
  if (index < 0) return index;
  Context& context = engine.contexts[id];
  Thread& thread = engine.threads[index];
  const std::vector<uint8_t>& image = context.fpuFresh ? engine.initialFpu : context.fpu;
  if ((thread.fpuDirty || !context.fpuFresh) && FpuStore(engine, thread, image.data(), image.size()) != 0) return -ESRCH;
  context.fpuFresh = false;
  context.fpu.clear();
  thread.context = id;
  context.thread = index;
  context.cpuStart = ThreadNanos(engine, thread);
  return 0;
}

static void FromFrame(const Frame& f, user_regs_struct& r) {
  r.r15 = f.r15, r.r14 = f.r14, r.r13 = f.r13, r.r12 = f.r12;
  r.rbp = f.rbp, r.rbx = f.rbx;
  r.r11 = f.r11, r.r10 = f.r10, r.r9 = f.r9, r.r8 = f.r8;
  r.rax = f.rax, r.rcx = f.rcx, r.rdx = f.rdx, r.rsi = f.rsi, r.rdi = f.rdi;
  r.orig_rax = ~0ULL;  // the host must not take a result for an interrupted call of its own
  r.rip = f.rip, r.cs = f.cs, r.eflags = f.eflags, r.rsp = f.rsp, r.ss = f.ss;
  r.fs_base = f.fsBase, r.gs_base = f.gsBase;
  r.fs = f.fs, r.gs = f.gs;
}

// True for results that would make the host restart a call, if a signal came now.
static bool LooksLikeRestart(uint64_t rax) { return rax >= static_cast<uint64_t>(-516) && rax <= static_cast<uint64_t>(-512); }

// Writes what the frame changed. After most system calls that is RAX alone, after a repaired fault nothing, and poking one
// register costs a third of setting all.
static long SetRegisters(const Frame& frame, Thread& thread) {
  user_regs_struct next = thread.regs;
  FromFrame(frame, next);
  const user_regs_struct& last = thread.regs;
  const bool known = thread.known;
  thread.known = false;
  if (known && !LooksLikeRestart(next.rax)) {
    const uint64_t rax = next.rax;
    next.rax = last.rax;
    next.orig_rax = last.orig_rax;
    if (memcmp(&next, &last, sizeof next) == 0) {
      if (rax == last.rax) return 0;
      return ptrace(PTRACE_POKEUSER, thread.tid, offsetof(user_regs_struct, rax), rax);
    }
    next.rax = rax;
    next.orig_rax = ~0ULL;
  }
  return ptrace(PTRACE_SETREGS, thread.tid, nullptr, &next);
}

long ContinueGuest(Engine& engine, const Context& context, const Thread& thread) {
  (void)engine;
  const long request = (context.flags & 1) != 0 ? PTRACE_SYSEMU_SINGLESTEP : PTRACE_SYSEMU;
  return ptrace(static_cast<__ptrace_request>(request), thread.tid, nullptr, nullptr);
}

// The host thread died: the guest sees TRAP_DEATH with its next wait, not an error from resume.
static int64_t Lost(Engine& engine, int id) {
  engine.contexts[id].running = true;
  engine.running++;
  DeliverDeath(engine, id);
  return 0;
}

// Who runs the commands before thread `index` goes on: that thread, if it shares this core; else the manager, fetched here.
static Thread& CommandThread(Engine& engine, int index) {
  Thread& own = engine.threads[index];
  if (engine.pinnedCpu >= 0 && own.cpu == engine.pinnedCpu) return own;
  Thread& manager = engine.threads[engine.spaces[own.space].manager];
  Fetch(engine, manager);
  return manager;
}

// args: context, space, RESUME_* flags, count of commands queued for the space.
int64_t ContextResume(Engine& engine) {
  const auto id = static_cast<int>(engine.arg(0));
  const int64_t spaceId = engine.arg(1);
  const auto commands = static_cast<int>(engine.arg(3));
  Context* context = engine.contextAt(id);
  if (context == nullptr || commands < 0 || commands > static_cast<int>(kMaxCommands)) return -EINVAL;
  if (context->running) return -EBUSY;
  if (engine.spaceAt(spaceId) == nullptr) return Lost(engine, id);
  if (context->thread < 0 || engine.threads[context->thread].space != spaceId) {
    const int64_t error = Bind(engine, id, spaceId);
    if (error == -ESRCH) return Lost(engine, id);
    if (error != 0) return error;
  }
  const int index = context->thread;
  if (commands > 0) {
    const int64_t error = RunCommands(engine, CommandThread(engine, index), commands);
    if (error == -ESRCH) return Lost(engine, id);
    if (error != 0) return error;
  }
  Thread& thread = engine.threads[index];
  Pin(engine, *context, thread);
  context->flags = static_cast<int>(engine.arg(2));
  if (SetRegisters(engine.frame(id), thread) != 0 || ContinueGuest(engine, *context, thread) != 0) {
    return errno == ESRCH ? Lost(engine, id) : -errno;
  }
  context->running = true;
  engine.running++;
  return 0;
}

static void Signal(Engine& engine, Thread& thread) {
  if (thread.signalPending || thread.dead) return;
  thread.signalPending = true;
  syscall(SYS_tgkill, engine.spaces[thread.space].pid, thread.tid, SIGUSR1);
}

// args: context.
int64_t ContextInterrupt(Engine& engine) {
  Context* context = engine.contextAt(engine.arg(0));
  if (context == nullptr) return -EINVAL;
  if (!context->running || context->queued) return 0;
  context->interruptWanted = true;
  Signal(engine, engine.threads[context->thread]);
  return 0;
}

static void StopNow(Engine& engine, Context& context) {
  Thread& thread = engine.threads[context.thread];
  Signal(engine, thread);
  int status = 0;
  if (WaitStop(engine, thread.tid, &status) == 0 && WSTOPSIG(status) == SIGUSR1) thread.signalPending = false;
}

// args: context. A running one is stopped first.
int64_t ContextRelease(Engine& engine) {
  const auto id = static_cast<int>(engine.arg(0));
  Context* context = engine.contextAt(id);
  if (context == nullptr) return -EINVAL;
  if (context->running && !context->queued) {
    StopNow(engine, *context);
    // A death noticed just now has delivered itself.
    if (context->running && !context->queued) engine.running--;
  }
  for (size_t i = engine.readyHead; i < engine.ready.size(); i++) {
    if (engine.ready[i] == id) engine.ready[i] = -1;
  }
  context->running = false;
  context->fpuFresh = true;
  Unbind(engine, id);
  *context = Context{};
  engine.freeContexts.push_back(id);
  return 0;
}

// Puts a context that trapped in line for Wait.
void Deliver(Engine& engine, int id) {
  Context& context = engine.contexts[id];
  NoteBurst(engine, context);
  context.interruptWanted = false;
  context.queued = true;
  engine.running--;
  engine.ready.push_back(id);
  engine.count(kCountTraps);
}

void DeliverDeath(Engine& engine, int id) {
  engine.frame(id).kind = kTrapDeath;
  Deliver(engine, id);
}

}  // namespace stub

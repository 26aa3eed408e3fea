// The page of constants that every stub maps read-only, with the two seccomp filters. The manager's lets the trusted page make the calls
// that commands need; a guest thread has the second one on top, which traps everything but its three calls. The stricter answer
// counts, so that a guest's jump into the trusted page traps like any other call.
#include "engine.h"

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

namespace stub {

using Program = std::vector<sock_filter>;

constexpr uint32_t kAllow = SECCOMP_RET_ALLOW;
constexpr uint32_t kTrap = SECCOMP_RET_TRAP;
constexpr uint32_t kKill = SECCOMP_RET_KILL_PROCESS;
constexpr uint32_t kSetThreadArea32 = 243;

static void Load(Program& program, size_t offset) {
  program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset)));
}

static void Return(Program& program, uint32_t value) { program.push_back(BPF_STMT(BPF_RET | BPF_K, value)); }

static void If(Program& program, uint32_t test, uint32_t value, uint32_t result) {
  program.push_back(BPF_JUMP(BPF_JMP | test | BPF_K, value, 0, 1));
  Return(program, result);
}

static void Unless(Program& program, uint32_t test, uint32_t value, uint32_t result) {
  program.push_back(BPF_JUMP(BPF_JMP | test | BPF_K, value, 1, 0));
  Return(program, result);
}

// Leaves the low half of the page of the caller's instruction in the accumulator; calls from elsewhere have trapped.
static void CallerPage(Program& program) {
  const size_t ip = offsetof(seccomp_data, instruction_pointer);
  Load(program, offsetof(seccomp_data, arch));
  Unless(program, BPF_JEQ, AUDIT_ARCH_X86_64, kTrap);
  Load(program, ip + 4);
  Unless(program, BPF_JEQ, static_cast<uint32_t>(GUEST_TEXT >> 32), kTrap);
  Load(program, ip);
  program.push_back(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xfffff000));
}

// What a guest thread may call from its page. Nothing here hurts anybody but its own address space.
static void GuestCalls(Program& program) {
  const size_t args = offsetof(seccomp_data, args);
  Load(program, offsetof(seccomp_data, nr));
  If(program, BPF_JEQ, SYS_rt_sigreturn, kAllow);
  // Without FSGSBASE instructions: ARCH_SET_GS, _SET_FS, _GET_FS, _GET_GS. Six instructions, jumped over by other calls.
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_arch_prctl, 0, 6));
  Load(program, args);
  If(program, BPF_JGT, 0x1004, kTrap);
  Unless(program, BPF_JGE, 0x1001, kTrap);
  Return(program, kAllow);
}

static void GuestFutex(Program& program) {
  const size_t args = offsetof(seccomp_data, args);
  Unless(program, BPF_JEQ, SYS_futex, kTrap);
  Load(program, args + 4);
  Unless(program, BPF_JEQ, static_cast<uint32_t>(SLOTS >> 32), kTrap);
  Load(program, args + 8);
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FUTEX_WAIT, 0, 4));
  Load(program, args);
  Unless(program, BPF_JGE, static_cast<uint32_t>(SLOTS & 0xffffffff), kTrap);
  Return(program, kAllow);
  Unless(program, BPF_JEQ, FUTEX_WAKE, kTrap);
  Load(program, args);
  If(program, BPF_JEQ, static_cast<uint32_t>(DOORBELL & 0xffffffff), kAllow);
  Return(program, kTrap);
}

static Program GuestFilter() {
  Program program;
  CallerPage(program);
  Unless(program, BPF_JEQ, static_cast<uint32_t>(GUEST_TEXT & 0xffffffff), kTrap);
  GuestCalls(program);
  GuestFutex(program);
  return program;
}

// A new thread's set_thread_area, which the 64-bit table does not have. Everything else of that table traps further down.
static void SegmentCall(Program& program) {
  const size_t ip = offsetof(seccomp_data, instruction_pointer);
  Load(program, offsetof(seccomp_data, arch));
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_I386, 0, 8));
  Load(program, offsetof(seccomp_data, nr));
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kSetThreadArea32, 0, 6));
  Load(program, ip + 4);
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(TRUSTED_TEXT >> 32), 0, 4));
  Load(program, ip);
  program.push_back(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xfffff000));
  If(program, BPF_JEQ, static_cast<uint32_t>(TRUSTED_TEXT & 0xffffffff), kAllow);
}

static Program TrustedFilter() {
  static const uint32_t allowed[] = {SYS_mmap,        SYS_munmap,      SYS_mprotect,       SYS_madvise,    SYS_futex,
                                     SYS_write,       SYS_recvmsg,     SYS_fcntl,          SYS_close,      SYS_close_range,
                                     SYS_clone,       SYS_prctl,       SYS_getppid,        SYS_seccomp,    SYS_sigaltstack,
                                     SYS_rt_sigprocmask, SYS_exit_group};
  Program program;
  SegmentCall(program);
  CallerPage(program);
  program.push_back(
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(TRUSTED_TEXT & 0xffffffff), 0,
               static_cast<uint8_t>(6 + 2 * (sizeof allowed / sizeof *allowed))));
  Load(program, offsetof(seccomp_data, nr));
  for (const uint32_t number : allowed) If(program, BPF_JEQ, number, kAllow);
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_arch_prctl, 0, 3));
  Load(program, offsetof(seccomp_data, args));
  If(program, BPF_JEQ, ARCH_REQ_XCOMP_PERM, kAllow);
  Return(program, kTrap);
  Unless(program, BPF_JEQ, static_cast<uint32_t>(GUEST_TEXT & 0xffffffff), kTrap);
  Load(program, offsetof(seccomp_data, nr));
  If(program, BPF_JEQ, SYS_rt_sigreturn, kAllow);
  If(program, BPF_JEQ, SYS_arch_prctl, kAllow);
  If(program, BPF_JEQ, SYS_futex, kAllow);
  Return(program, kTrap);
  return program;
}

static bool PutProgram(uint8_t* page, size_t header, size_t at, size_t limit, const Program& program) {
  const size_t bytes = program.size() * sizeof(sock_filter);
  if (at + bytes > limit) return false;
  sock_fprog description{};
  description.len = static_cast<unsigned short>(program.size());
  description.filter = reinterpret_cast<sock_filter*>(CONSTANTS + at);
  memcpy(page + header, &description, sizeof description);
  memcpy(page + at, program.data(), bytes);
  return true;
}

// The kernel's struct sigaction.
struct Action {
  uint64_t handler, flags, restorer, mask;
};

static uint64_t Bit(int signal) { return uint64_t{1} << (signal - 1); }

static void PutSignals(uint8_t* page) {
  constexpr uint64_t kRestorer = 0x04000000;
  // Where the linker script puts them: the restorer begins the page, the handler follows at 16.
  const Action action{GUEST_TEXT + 16, SA_SIGINFO | SA_ONSTACK | kRestorer, GUEST_TEXT, ~uint64_t{0}};
  const uint64_t taken = Bit(SIGILL) | Bit(SIGTRAP) | Bit(SIGBUS) | Bit(SIGFPE) | Bit(SIGSEGV) | Bit(SIGSYS) |
                         Bit(INTERRUPT_SIGNAL);
  const uint64_t all = ~uint64_t{0};
  const uint64_t guest = ~taken;
  const uint64_t first = ~Bit(SIGSYS);
  memcpy(page + CONST_ACTION, &action, sizeof action);
  memcpy(page + CONST_ALL_BLOCKED, &all, sizeof all);
  memcpy(page + CONST_GUEST_MASK, &guest, sizeof guest);
  memcpy(page + CONST_FIRST_MASK, &first, sizeof first);
  const user_desc none = SlotSegment(-1);
  memcpy(page + CONST_NO_SEGMENT, &none, sizeof none);
}

// The segment that tells a thread its slot: `limit` in pages, so that LSL gives the offset of the slot's first page. Below 0: an empty one.
user_desc SlotSegment(int slot) {
  user_desc segment{};
  segment.entry_number = SLOT_SEGMENT;
  segment.read_exec_only = slot < 0 ? 1 : 0;
  segment.seg_not_present = slot < 0 ? 1 : 0;
  if (slot < 0) return segment;
  segment.limit = static_cast<unsigned>(slot) * (SLOT_SIZE / kPageSize);
  segment.seg_32bit = 1;
  segment.limit_in_pages = 1;
  segment.useable = 1;
  return segment;
}

// For recvmsg: the guest can't bend it, and what the host stores nobody reads.
static void PutMessage(uint8_t* page) {
  iovec vector{reinterpret_cast<void*>(SCRATCH), 1};
  msghdr message{};
  message.msg_iov = reinterpret_cast<iovec*>(CONSTANTS + CONST_VECTOR);
  message.msg_iovlen = 1;
  message.msg_control = reinterpret_cast<void*>(SCRATCH + 64);
  message.msg_controllen = CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(ucred));
  memcpy(page + CONST_VECTOR, &vector, sizeof vector);
  memcpy(page + CONST_MESSAGE, &message, sizeof message);
}

int MakeConstants(uint8_t* page) {
  PutSignals(page);
  PutMessage(page);
  const uint32_t parent = static_cast<uint32_t>(getpid());
  memcpy(page + CONST_PARENT, &parent, sizeof parent);
  const bool fits =
      PutProgram(page, CONST_TRUSTED_PROGRAM, CONST_TRUSTED_FILTER, CONST_GUEST_FILTER, TrustedFilter()) &&
      PutProgram(page, CONST_GUEST_PROGRAM, CONST_GUEST_FILTER, kPageSize, GuestFilter());
  return fits ? 0 : -E2BIG;
}

}  // namespace stub

// Commands for managers, and what they report. A batch is written into pages that the stub can only read; the answer is a record in
// a pipe, which no guest thread holds: so an unmapping that is reported as done is done.
#include "engine.h"

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <linux/futex.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace stub {

void PutCommand(Engine& engine, int space, int index, int64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                uint64_t e, uint64_t f) {
  const uint64_t command[8] = {static_cast<uint64_t>(number), a, b, c, d, e, f, 0};
  memcpy(engine.block(space) + BLOCK_COMMANDS + static_cast<size_t>(index) * COMMAND_SIZE, command, sizeof command);
}

// Notes a death that was reported. False: it was a death.
static bool IsAnswer(Engine& engine, const Report& report) {
  if ((report.error & kDeath) == 0) return true;
  engine.deaths.fetch_sub(1);
  SpaceDied(engine, static_cast<int>(report.space));
  return false;
}

static bool ReadReport(Engine& engine, Report* report) {
  for (;;) {
    const ssize_t n = read(engine.report[0], report, sizeof *report);
    if (n == static_cast<ssize_t>(sizeof *report)) return true;
    if (n >= 0 || errno != EINTR) return false;
  }
}

// Has the manager run commands [0, count) of the block of `space`. A failed one is skipped, the first error comes back.
int64_t RunBatch(Engine& engine, int space, int count) {
  if (engine.spaces[space].dead) return -ESRCH;
  FetchManager(engine, space);
  uint8_t* block = engine.block(space);
  memcpy(block + BLOCK_COUNT, &count, sizeof count);
  auto* word = reinterpret_cast<uint32_t*>(block + BLOCK_SEQUENCE);
  __atomic_store_n(word, ++engine.spaces[space].sequence, __ATOMIC_SEQ_CST);
  syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
  engine.count(kCountBatches);
  engine.counter(kCountCommands) += count;
  Report report;
  while (!engine.spaces[space].dead) {
    if (!ReadReport(engine, &report)) return -EIO;
    if (!IsAnswer(engine, report) || static_cast<int>(report.space) != space) continue;
    return -static_cast<int64_t>(report.error);
  }
  return -ESRCH;
}

// Deaths that the reaper has told of since.
void TakeDeaths(Engine& engine) {
  Report report;
  while (engine.deaths.load() > 0 && ReadReport(engine, &report)) IsAnswer(engine, report);
}

// Takes a hello from the socket. 0, or -errno.
static int64_t TakeHello(Engine& engine, int flags, pid_t* pid) {
  char byte = 0;
  iovec vector{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred))] = {};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  for (;;) {
    const ssize_t n = recvmsg(engine.socket, &message, MSG_CMSG_CLOEXEC | flags);
    if (n == 0) return -EPIPE;
    if (n > 0) break;
    if (errno != EINTR) return -errno;
  }
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_CREDENTIALS) return -EPROTO;
  ucred who{};
  memcpy(&who, CMSG_DATA(header), sizeof who);
  *pid = who.pid;
  return who.pid > 0 ? 0 : -EPROTO;
}

// A stub that was just started says hello, and the host says who it is.
int64_t AwaitHello(Engine& engine, pid_t* pid) { return TakeHello(engine, 0, pid); }

// Before another is started: one that came too late to be adopted must not be taken for it.
void DropHellos(Engine& engine) {
  pid_t pid = 0;
  while (TakeHello(engine, MSG_DONTWAIT, &pid) == 0) kill(pid, SIGKILL);
}

}  // namespace stub

// Memory files: a memfd that backs all application memory of a sandbox. Its size grows in steps; it is mapped in chunks of 1 GiB,
// each seen by JavaScript as one external ArrayBuffer for the life of the environment. Mapping costs address space only
// (MAP_NORESERVE): pages come at the first touch, and holes are punched to give them back.
#include "state.h"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

namespace host {

// Guest code is mapped executable from here, which needs the file's exec bit nowhere; MFD_EXEC only says so to kernels whose
// sysctl vm.memfd_noexec would warn. Older kernels refuse the flag with EINVAL.
static int CreateMemfd() {
  int fd = static_cast<int>(syscall(SYS_memfd_create, "sandbox-memory", MFD_CLOEXEC | MFD_EXEC));
  if (fd < 0 && errno == EINVAL) {
    fd = static_cast<int>(syscall(SYS_memfd_create, "sandbox-memory", MFD_CLOEXEC));
  }
  return fd;
}

static MemoryFile* At(State& state, int64_t handle) {
  if (handle < 0 || handle >= static_cast<int64_t>(state.memories.size())) return nullptr;
  MemoryFile& memory = state.memories[static_cast<size_t>(handle)];
  return memory.fd >= 0 ? &memory : nullptr;
}

// Returns a handle; results[0] is the descriptor.
int64_t MemoryOpen(State& state) {
  int fd = OpenHugeFile();
  if (fd < 0) fd = CreateMemfd();
  if (fd < 0) return -errno;
  state.memories.emplace_back();
  state.memories.back().fd = fd;
  state.results()[0] = fd;
  return static_cast<int64_t>(state.memories.size()) - 1;
}

// args: handle, bytes. Sets the size; never shrinks.
int64_t MemoryResize(State& state) {
  MemoryFile* memory = At(state, state.arg(0));
  const auto size = static_cast<uint64_t>(state.arg(1));
  if (memory == nullptr) return -EBADF;
  if (size <= memory->size) return 0;
  if (ftruncate(memory->fd, static_cast<off_t>(size)) != 0) return -errno;
  memory->size = size;
  return 0;
}

// args: handle, offset, length. Gives the pages of the range back to the host; they read as zeros afterwards.
int64_t MemoryPunch(State& state) {
  MemoryFile* memory = At(state, state.arg(0));
  if (memory == nullptr) return -EBADF;
  const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  return fallocate(memory->fd, mode, state.arg(1), state.arg(2)) != 0 ? -errno : 0;
}

constexpr int kPatience = 64;
// A huge page takes 0.1 to 0.3 ms to clear, and 512 small ones about 1 ms. Where a hypervisor takes free memory back (free page reporting), the
// large free blocks that huge pages are made of have nothing behind them, and each costs several ms to get.
constexpr int64_t kSlowNanos = 2'000'000;
constexpr int kSlow = 2;

static int64_t ThreadNanos() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

// Waits for better times after some in a row that took long.
static void NoteCost(MemoryFile& memory, int64_t nanos) {
  memory.slow = nanos > kSlowNanos ? memory.slow + 1 : 0;
  if (memory.slow < kSlow) return;
  memory.patience = kPatience;
  // The next one that is asked for is a trial.
  memory.slow = kSlow - 1;
}

// Asks for one huge page at `offset`, where nothing is yet: the first access to memory that is marked gets it. The mark goes again, so that
// what the sentry touches itself stays small, and the chunk one mapping. False, and no harm done: there was none.
static bool AskForHugePage(MemoryFile& memory, uint64_t offset) {
  uint8_t* at = memory.chunks[offset / kChunkBytes] + offset % kChunkBytes;
  if (memory.patience > 0) {
    memory.patience--;
    return false;
  }
  if (madvise(at, kHugeBytes, MADV_HUGEPAGE) == 0) {
    const int64_t start = ThreadNanos();
    (void)*static_cast<volatile uint8_t*>(at);
    NoteCost(memory, ThreadNanos() - start);
    madvise(at, kHugeBytes, MADV_NOHUGEPAGE);
    const off_t hole = lseek(memory.fd, static_cast<off_t>(offset), SEEK_HOLE);
    if (hole >= static_cast<off_t>(offset + kHugeBytes)) return true;
  }
  memory.patience = kPatience;
  return false;
}

// args: handle, offset, length. Has memory ready for the range, in huge pages where they fit and nothing has been yet. Small pages are
// cleared at their first use (and are holes to lseek(2) until then). 1: all of it are huge pages.
int64_t MemoryPrepare(State& state) {
  MemoryFile* memory = At(state, state.arg(0));
  if (memory == nullptr) return -EBADF;
  const auto offset = static_cast<uint64_t>(state.arg(1));
  const auto length = static_cast<uint64_t>(state.arg(2));
  const uint64_t end = offset + length;
  if (end > memory->size || offset / kChunkBytes >= memory->chunks.size()) return -EINVAL;
  if (memory->chunks[offset / kChunkBytes] == nullptr || length > kChunkBytes - offset % kChunkBytes) return -EINVAL;
  uint64_t huge = 0;
  for (uint64_t at = (offset + kHugeBytes - 1) & ~(kHugeBytes - 1); at + kHugeBytes <= end; at += kHugeBytes) {
    if (AskForHugePage(*memory, at)) huge += kHugeBytes;
  }
  if (huge == length) return 1;
  return fallocate(memory->fd, 0, static_cast<off_t>(offset), static_cast<off_t>(length)) != 0 ? -errno : 0;
}

// args: handle, offset, length. Counts the pages of the range that hold data, by walking the runs of the file.
int64_t MemoryResident(State& state) {
  const MemoryFile* memory = At(state, state.arg(0));
  if (memory == nullptr) return -EBADF;
  off_t at = state.arg(1);
  const off_t end = at + state.arg(2);
  int64_t pages = 0;
  while (at < end) {
    const off_t data = lseek(memory->fd, at, SEEK_DATA);
    if (data < 0) return errno == ENXIO ? pages : -errno;
    if (data >= end) break;
    off_t hole = lseek(memory->fd, data, SEEK_HOLE);
    if (hole < 0) return -errno;
    if (hole > end) hole = end;
    pages += (hole - data) / static_cast<off_t>(kPageSize);
    at = hole;
  }
  return pages;
}

// args: handle, offset, length. Finds the first run of data in the range: results[0] its start, results[1] its end; both the end of the
// range when there is none.
int64_t MemoryExtent(State& state) {
  const MemoryFile* memory = At(state, state.arg(0));
  if (memory == nullptr) return -EBADF;
  const off_t end = state.arg(1) + state.arg(2);
  off_t data = lseek(memory->fd, state.arg(1), SEEK_DATA);
  if (data < 0 && errno != ENXIO) return -errno;
  if (data < 0 || data > end) data = end;
  off_t hole = data < end ? lseek(memory->fd, data, SEEK_HOLE) : end;
  if (hole < 0 || hole > end) hole = end;
  state.results()[0] = static_cast<double>(data);
  state.results()[1] = static_cast<double>(hole);
  return 0;
}

static int64_t MapChunk(MemoryFile& memory, size_t index) {
  if (index >= 4096) return -EINVAL;
  if (index >= memory.chunks.size()) memory.chunks.resize(index + 1, nullptr);
  if (memory.chunks[index] != nullptr) return -EEXIST;
  // Huge pages need an address that is as aligned as their place in the file.
  void* range = mmap(nullptr, kChunkBytes + kHugeBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (range == MAP_FAILED) return -errno;
  auto* start = static_cast<uint8_t*>(range);
  const uint64_t before = -reinterpret_cast<uintptr_t>(range) % kHugeBytes;
  void* base = mmap(start + before, kChunkBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE | MAP_FIXED,
                    memory.fd, static_cast<off_t>(index * kChunkBytes));
  const int error = errno;
  if (before > 0) munmap(start, before);
  munmap(start + before + kChunkBytes, kHugeBytes - before);
  if (base == MAP_FAILED) return -error;
  madvise(base, kChunkBytes, MADV_NOHUGEPAGE);
  // A core dump of the sentry must not hold application memory, nor may a fork copy it.
  madvise(base, kChunkBytes, MADV_DONTDUMP);
  madvise(base, kChunkBytes, MADV_DONTFORK);
  memory.chunks[index] = static_cast<uint8_t*>(base);
  return 0;
}

// args: handle, index. Maps the chunk; an ArrayBuffer, or -errno as a number (-EEXIST: it was handed out before).
napi_value MemoryChunk(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_value result = nullptr;
  if (napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data) != napi_ok) return nullptr;
  State& state = *static_cast<State*>(data);
  MemoryFile* memory = At(state, state.arg(0));
  const auto index = static_cast<size_t>(state.arg(1));
  const int64_t error = memory == nullptr ? -EBADF : MapChunk(*memory, index);
  if (error != 0) {
    napi_create_int32(env, static_cast<int32_t>(error), &result);
    return result;
  }
  // On failure a JavaScript exception is pending already and says why.
  if (napi_create_external_arraybuffer(env, memory->chunks[index], kChunkBytes, nullptr, nullptr,
                                       &result) != napi_ok) {
    return nullptr;
  }
  return result;
}

// args: handle. Closes the file and gives its pages back; the address ranges stay until the environment ends, since
// JavaScript may still hold arrays over them.
int64_t MemoryClose(State& state) {
  MemoryFile* memory = At(state, state.arg(0));
  if (memory == nullptr) return -EBADF;
  const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  if (memory->size > 0) fallocate(memory->fd, mode, 0, static_cast<off_t>(memory->size));
  close(memory->fd);
  memory->fd = -1;
  return 0;
}

void MemoryFree(State& state) {
  for (const MemoryFile& memory : state.memories) {
    for (uint8_t* chunk : memory.chunks) {
      if (chunk != nullptr) munmap(chunk, kChunkBytes);
    }
    if (memory.fd >= 0) close(memory.fd);
  }
}

}  // namespace host

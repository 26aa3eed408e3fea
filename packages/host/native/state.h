// What every verb of this addon sees: the argument page shared with JavaScript, the mapped chunks of the memory file and
// the registered buffers. One State per Node environment; nothing is global.
//
// Argument page (see src/page.ts): 64 doubles of arguments, 64 doubles of results, two path areas, a table of segments,
// and a data area. JavaScript writes arguments there and calls a verb without any; a verb returns >= 0 or -errno.
#pragma once

#include <node_api.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace host {

constexpr size_t kPageSize = 4096;
constexpr size_t kArgs = 0;
constexpr size_t kResults = 512;
constexpr size_t kSegments = 20480;
constexpr size_t kMaxSegments = 1024;
constexpr size_t kSharedBytes = 512 * 1024;
constexpr uint64_t kChunkBytes = uint64_t{1} << 30;
constexpr uint64_t kHugeBytes = uint64_t{1} << 21;

struct Buffer {
  uint8_t* base;
  size_t length;
  napi_ref ref;
};

struct MemoryFile {
  int fd = -1;
  uint64_t size = 0;
  // Times that no huge page is asked for: the host had none, or was slow to get them.
  int patience = 0;
  // Huge pages in a row that took long.
  int slow = 0;
  std::vector<uint8_t*> chunks;
};

struct Watcher;
struct Clock;

struct State {
  uint8_t* page = nullptr;
  std::vector<MemoryFile> memories;
  std::vector<Buffer> buffers;
  Watcher* watcher = nullptr;
  Clock* clock = nullptr;

  double* args() { return reinterpret_cast<double*>(page + kArgs); }
  double* results() { return reinterpret_cast<double*>(page + kResults); }
  int64_t arg(int i) { return static_cast<int64_t>(args()[i]); }
};

using Verb = int64_t (*)(State&);

// A system call by number (call.cpp).
int64_t Call(State& state);
// Vectored transfers (vectored.cpp).
int64_t ReadSegments(State& state);
int64_t WriteSegments(State& state);
int64_t SendSegments(State& state);
int64_t ReceiveSegments(State& state);
// A file that can have huge pages, or -1 where the host allows none (huge_file.cpp).
int OpenHugeFile();
// Memory file (memory_file.cpp).
int64_t MemoryOpen(State& state);
int64_t MemoryResize(State& state);
int64_t MemoryPunch(State& state);
int64_t MemoryPrepare(State& state);
int64_t MemoryResident(State& state);
int64_t MemoryExtent(State& state);
napi_value MemoryChunk(napi_env env, napi_callback_info info);
int64_t MemoryClose(State& state);
void MemoryFree(State& state);
// Watcher thread (watcher.cpp).
int64_t WatcherOpen(State& state);
int64_t WatcherBell(State& state);
int64_t WatcherRing(State& state);
int64_t WatcherDeadline(State& state);
int64_t WatcherClose(State& state);
// The sandbox's clock and the vDSO's parameter page (clock.cpp).
int64_t ClockStart(State& state);
int64_t ClockPublish(State& state);
int64_t ClockVirtualize(State& state);
int64_t ClockHideProcessor(State& state);
int64_t ClockRead(State& state);
void ClockFree(State& state);
// Processes (spawn.cpp).
int64_t Spawn(State& state);

}  // namespace host

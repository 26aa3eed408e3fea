// Registration: `page` is the argument page as an ArrayBuffer, verbs are functions without arguments. Each environment (main thread or
// worker) has a State of its own, freed when the environment goes.
#include "state.h"

#include <cerrno>
#include <sys/mman.h>

namespace host {

template <Verb verb>
static napi_value Invoke(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_value result = nullptr;
  if (napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data) != napi_ok) return nullptr;
  const int64_t value = verb(*static_cast<State*>(data));
  if (value >= INT32_MIN && value <= INT32_MAX) {
    napi_create_int32(env, static_cast<int32_t>(value), &result);
  } else {
    napi_create_double(env, static_cast<double>(value), &result);
  }
  return result;
}

// registerBuffer(arrayBuffer): a number > 0 by which segments name it.
static napi_value RegisterBuffer(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  size_t count = 1;
  napi_value argument = nullptr;
  napi_value result = nullptr;
  void* base = nullptr;
  size_t length = 0;
  if (napi_get_cb_info(env, info, &count, &argument, nullptr, &data) != napi_ok) return nullptr;
  State& state = *static_cast<State*>(data);
  Buffer buffer{};
  if (count < 1 || napi_get_arraybuffer_info(env, argument, &base, &length) != napi_ok ||
      napi_create_reference(env, argument, 1, &buffer.ref) != napi_ok) {
    napi_create_int32(env, -EINVAL, &result);
    return result;
  }
  buffer.base = static_cast<uint8_t*>(base);
  buffer.length = length;
  state.buffers.push_back(buffer);
  napi_create_int32(env, static_cast<int32_t>(state.buffers.size()), &result);
  return result;
}

// Address of the argument page: for structures in it that hold pointers into it (sock_fprog, landlock rules).
static int64_t PageAddress(State& state) { return reinterpret_cast<int64_t>(state.page); }

static void Destroy(napi_env env, void* data, void*) {
  auto* state = static_cast<State*>(data);
  WatcherClose(*state);
  ClockFree(*state);
  MemoryFree(*state);
  for (const Buffer& buffer : state->buffers) {
    if (buffer.ref != nullptr) napi_delete_reference(env, buffer.ref);
  }
  munmap(state->page, kSharedBytes + kPageSize);
  delete state;
}

static void* MapPage() {
  void* page = mmap(nullptr, kSharedBytes + kPageSize, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return nullptr;
  return mprotect(page, kSharedBytes, PROT_READ | PROT_WRITE) == 0 ? page : nullptr;
}

static bool Export(napi_env env, napi_value exports, State* state, const char* name, napi_callback callback) {
  napi_value function = nullptr;
  return napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, state, &function) == napi_ok &&
         napi_set_named_property(env, exports, name, function) == napi_ok;
}

static napi_value Fail(napi_env env, const char* message) {
  napi_throw_error(env, "ERR_HOST", message);
  return nullptr;
}

static napi_value Init(napi_env env, napi_value exports) {
  void* page = MapPage();
  if (page == nullptr) return Fail(env, "out of memory for the argument page");
  auto* state = new State();
  state->page = static_cast<uint8_t*>(page);
  state->buffers.push_back(Buffer{state->page, kSharedBytes, nullptr});  // PAGE_BUFFER of src/door.ts
  if (napi_set_instance_data(env, state, Destroy, nullptr) != napi_ok) return Fail(env, "instance data refused");
  const struct {
    const char* name;
    napi_callback callback;
  } verbs[] = {
      {"pageAddress", Invoke<PageAddress>},
      {"registerBuffer", RegisterBuffer},
      {"call", Invoke<Call>},
      {"readSegments", Invoke<ReadSegments>},
      {"writeSegments", Invoke<WriteSegments>},
      {"sendSegments", Invoke<SendSegments>},
      {"receiveSegments", Invoke<ReceiveSegments>},
      {"memoryOpen", Invoke<MemoryOpen>},
      {"memoryClose", Invoke<MemoryClose>},
      {"memoryResize", Invoke<MemoryResize>},
      {"memoryPunch", Invoke<MemoryPunch>},
      {"memoryPrepare", Invoke<MemoryPrepare>},
      {"memoryResident", Invoke<MemoryResident>},
      {"memoryExtent", Invoke<MemoryExtent>},
      {"memoryChunk", MemoryChunk},
      {"watcherOpen", Invoke<WatcherOpen>},
      {"watcherBell", Invoke<WatcherBell>},
      {"watcherRing", Invoke<WatcherRing>},
      {"watcherDeadline", Invoke<WatcherDeadline>},
      {"watcherClose", Invoke<WatcherClose>},
      {"clockStart", Invoke<ClockStart>},
      {"clockPublish", Invoke<ClockPublish>},
      {"clockVirtualize", Invoke<ClockVirtualize>},
      {"clockHideProcessor", Invoke<ClockHideProcessor>},
      {"clockRead", Invoke<ClockRead>},
      {"spawn", Invoke<Spawn>},
  };
  for (const auto& verb : verbs) {
    if (!Export(env, exports, state, verb.name, verb.callback)) return Fail(env, "export refused");
  }
  napi_value shared = nullptr;
  if (napi_create_external_arraybuffer(env, page, kSharedBytes, nullptr, nullptr, &shared) != napi_ok ||
      napi_set_named_property(env, exports, "page", shared) != napi_ok) {
    return Fail(env, "argument page refused");
  }
  return exports;
}

}  // namespace host

NAPI_MODULE_INIT() { return host::Init(env, exports); }

// Registration: `create()` makes one engine with verbs that take no arguments (they are in its page), so that several
// platforms can live in one process. The engine goes with its JavaScript object, and its processes with it.
#include "engine.h"

#include <node_api.h>
#include <sys/mman.h>

namespace stub {

template <Verb verb>
static napi_value Invoke(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_value result = nullptr;
  if (napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data) != napi_ok) return nullptr;
  napi_create_int32(env, static_cast<int32_t>(verb(*static_cast<Engine*>(data))), &result);
  return result;
}

static napi_value ExternalOrNull(napi_env env, void* base, size_t bytes) {
  napi_value result = nullptr;
  if (napi_create_external_arraybuffer(env, base, bytes, nullptr, nullptr, &result) != napi_ok) return nullptr;
  return result;
}

static napi_value Page(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  if (napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data) != napi_ok) return nullptr;
  return ExternalOrNull(env, static_cast<Engine*>(data)->page, kSharedBytes);
}

// commands(): the file with the blocks of commands; each stub sees its own, read-only.
static napi_value Commands(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  if (napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data) != napi_ok) return nullptr;
  return ExternalOrNull(env, static_cast<Engine*>(data)->commandFileMemory(), kCommandFileBytes);
}

// frames(): block args[0] of trap frames. Asked for once per block.
static napi_value Frames(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  if (napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data) != napi_ok) return nullptr;
  auto& engine = *static_cast<Engine*>(data);
  const auto block = static_cast<size_t>(engine.arg(0));
  if (block >= engine.frames.size()) return nullptr;
  return ExternalOrNull(env, engine.frames[block], kFramesPerBlock * kFrameSize);
}

static void Destroy(void* data) {
  auto* engine = static_cast<Engine*>(data);
  if (engine->open && !engine->dead) Close(*engine);
  for (Frame* block : engine->frames) munmap(block, kFramesPerBlock * kFrameSize);
  UnmapFiles(*engine);
  munmap(engine->page, kSharedBytes);
  delete engine;
}

static bool Export(napi_env env, napi_value object, Engine* engine, const char* name, napi_callback callback) {
  napi_value function = nullptr;
  return napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, engine, &function) == napi_ok &&
         napi_set_named_property(env, object, name, function) == napi_ok;
}

static napi_value Create(napi_env env, napi_callback_info) {
  const struct {
    const char* name;
    napi_callback callback;
  } verbs[] = {
      {"page", Page},
      {"commands", Commands},
      {"frames", Frames},
      {"open", Invoke<Open>},
      {"close", Invoke<Close>},
      {"spaceCreate", Invoke<SpaceCreate>},
      {"spaceDestroy", Invoke<SpaceDestroy>},
      {"spaceFlush", Invoke<SpaceFlush>},
      {"spaceFile", Invoke<SpaceFile>},
      {"spacePermit", Invoke<SpacePermit>},
      {"contextCreate", Invoke<ContextCreate>},
      {"contextResume", Invoke<ContextResume>},
      {"contextInterrupt", Invoke<ContextInterrupt>},
      {"contextRelease", Invoke<ContextRelease>},
      {"contextCpu", Invoke<ContextCpu>},
      {"fpuSave", Invoke<FpuSave>},
      {"fpuRestore", Invoke<FpuRestore>},
      {"fpuReset", Invoke<FpuReset>},
      {"wait", Invoke<Wait>},
      {"clock", Invoke<Clock>},
  };
  void* page = mmap(nullptr, kSharedBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  napi_value object = nullptr;
  if (page == MAP_FAILED || napi_create_object(env, &object) != napi_ok) return nullptr;
  auto* engine = new Engine();
  engine->page = static_cast<uint8_t*>(page);
  napi_add_env_cleanup_hook(env, Destroy, engine);
  for (const auto& verb : verbs) {
    if (!Export(env, object, engine, verb.name, verb.callback)) return nullptr;
  }
  return object;
}

}  // namespace stub

NAPI_MODULE_INIT() {
  napi_value function = nullptr;
  if (napi_create_function(env, "create", NAPI_AUTO_LENGTH, stub::Create, nullptr, &function) != napi_ok ||
      napi_set_named_property(env, exports, "create", function) != napi_ok) {
    napi_throw_error(env, "ERR_PLATFORM", "export refused");
    return nullptr;
  }
  return exports;
}

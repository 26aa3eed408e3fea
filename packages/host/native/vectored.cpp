// Vectored transfers between a host descriptor and pieces of registered memory: a memory file (buffer 0, -1, … for
// handles 0, 1, …; offsets across all chunks) or buffers registered from JavaScript (1, 2, …). The segment table in the argument page holds (buffer, offset,
// length) triples of doubles; every one is checked against what is mapped before the host kernel sees an address.
#include "state.h"

#include <cerrno>
#include <sys/socket.h>
#include <sys/uio.h>

namespace host {

struct Vector {
  iovec list[kMaxSegments];
  int count = 0;
};

static uint8_t* Resolve(State& state, int64_t buffer, int64_t offset, int64_t length) {
  if (offset < 0 || length < 0) return nullptr;
  if (buffer > 0) {
    const auto index = static_cast<size_t>(buffer - 1);
    if (index >= state.buffers.size()) return nullptr;
    const Buffer& known = state.buffers[index];
    if (known.base == nullptr || static_cast<uint64_t>(offset) > known.length) return nullptr;
    return static_cast<uint64_t>(length) <= known.length - offset ? known.base + offset : nullptr;
  }
  if (static_cast<uint64_t>(-buffer) >= state.memories.size()) return nullptr;
  const std::vector<uint8_t*>& chunks = state.memories[static_cast<size_t>(-buffer)].chunks;
  const size_t chunk = static_cast<uint64_t>(offset) / kChunkBytes;
  const uint64_t inside = static_cast<uint64_t>(offset) % kChunkBytes;
  if (chunk >= chunks.size() || chunks[chunk] == nullptr) return nullptr;
  return static_cast<uint64_t>(length) <= kChunkBytes - inside ? chunks[chunk] + inside : nullptr;
}

static bool Gather(State& state, int64_t count, Vector* out) {
  if (count < 0 || count > static_cast<int64_t>(kMaxSegments)) return false;
  const auto* table = reinterpret_cast<const double*>(state.page + kSegments);
  for (int64_t i = 0; i < count; i++) {
    const auto length = static_cast<int64_t>(table[i * 3 + 2]);
    uint8_t* base = Resolve(state, static_cast<int64_t>(table[i * 3]), static_cast<int64_t>(table[i * 3 + 1]), length);
    if (base == nullptr) return false;
    out->list[i] = {base, static_cast<size_t>(length)};
  }
  out->count = static_cast<int>(count);
  return true;
}

// args: fd, segments, file offset (-1: the descriptor's position), RWF_* flags.
int64_t ReadSegments(State& state) {
  Vector vector;
  if (!Gather(state, state.arg(1), &vector)) return -EFAULT;
  const ssize_t n = preadv2(static_cast<int>(state.arg(0)), vector.list, vector.count, state.arg(2),
                            static_cast<int>(state.arg(3)));
  return n < 0 ? -errno : n;
}

int64_t WriteSegments(State& state) {
  Vector vector;
  if (!Gather(state, state.arg(1), &vector)) return -EFAULT;
  const ssize_t n = pwritev2(static_cast<int>(state.arg(0)), vector.list, vector.count, state.arg(2),
                             static_cast<int>(state.arg(3)));
  return n < 0 ? -errno : n;
}

// A message header whose name and control areas lie in the argument page: args[3], args[4] offset and length of the name,
// args[5], args[6] of the control data (length 0: none).
static bool Header(State& state, Vector* vector, msghdr* header) {
  const auto inside = [](int64_t offset, int64_t length) {
    return offset >= 0 && length >= 0 && offset + length <= static_cast<int64_t>(kSharedBytes);
  };
  if (!inside(state.arg(3), state.arg(4)) || !inside(state.arg(5), state.arg(6))) return false;
  *header = {};
  header->msg_iov = vector->list;
  header->msg_iovlen = static_cast<size_t>(vector->count);
  if (state.arg(4) > 0) {
    header->msg_name = state.page + state.arg(3);
    header->msg_namelen = static_cast<socklen_t>(state.arg(4));
  }
  if (state.arg(6) > 0) {
    header->msg_control = state.page + state.arg(5);
    header->msg_controllen = static_cast<size_t>(state.arg(6));
  }
  return true;
}

// args: fd, segments, MSG_* flags, name, control.
int64_t SendSegments(State& state) {
  Vector vector;
  msghdr header;
  if (!Gather(state, state.arg(1), &vector) || !Header(state, &vector, &header)) return -EFAULT;
  const ssize_t n = sendmsg(static_cast<int>(state.arg(0)), &header, static_cast<int>(state.arg(2)));
  return n < 0 ? -errno : n;
}

// The same; results: bytes of name, bytes of control data, msg_flags.
int64_t ReceiveSegments(State& state) {
  Vector vector;
  msghdr header;
  if (!Gather(state, state.arg(1), &vector) || !Header(state, &vector, &header)) return -EFAULT;
  const ssize_t n = recvmsg(static_cast<int>(state.arg(0)), &header, static_cast<int>(state.arg(2)));
  if (n < 0) return -errno;
  state.results()[0] = header.msg_namelen;
  state.results()[1] = static_cast<double>(header.msg_controllen);
  state.results()[2] = header.msg_flags;
  return n;
}

}  // namespace host

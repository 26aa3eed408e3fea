// The table of spaces, and host descriptors on their way into a stub.
#include "engine.h"

#include <cerrno>
#include <cstring>
#include <sys/socket.h>

namespace stub {

Space* Engine::spaceAt(int64_t id) {
  if (id < 0 || id >= static_cast<int64_t>(spaces.size())) return nullptr;
  Space& space = spaces[static_cast<size_t>(id)];
  return space.used && !space.dead ? &space : nullptr;
}

// An index for a new space, or -errno. Space 0 is the template.
int FreeSpace(Engine& engine) {
  for (size_t i = 1; i < engine.spaces.size(); i++) {
    if (!engine.spaces[i].used) return static_cast<int>(i);
  }
  if (engine.spaces.size() >= static_cast<size_t>(kMaxSpaces)) return -ENOMEM;
  engine.spaces.emplace_back();
  return static_cast<int>(engine.spaces.size() - 1);
}

int64_t SendDescriptor(int socket, int fd) {
  char byte = 0;
  iovec vector{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &fd, sizeof fd);
  return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

}  // namespace stub

// What a child says that shares its parent's memory until it executes or ends (spawn.cpp, huge_file.cpp): raw system calls alone.
#pragma once

#include <cstring>
#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

// The child leaves its stack by execve or _exit: an address sanitizer would keep its frames poisoned for whoever gets the memory next.
#define ON_CHILD_STACK __attribute__((no_sanitize("address")))

namespace host {

ON_CHILD_STACK inline bool WriteText(const char* path, const char* text) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const auto length = static_cast<ssize_t>(strlen(text));
  const bool written = write(fd, text, static_cast<size_t>(length)) == length;
  close(fd);
  return written;
}

// In a new user namespace: says who is who there. An unprivileged process must give up setgroups first.
ON_CHILD_STACK inline bool MapIds(const char* uids, const char* gids) {
  WriteText("/proc/self/setgroups", "deny");
  if (uids[0] != 0 && !WriteText("/proc/self/uid_map", uids)) return false;
  return gids[0] == 0 || WriteText("/proc/self/gid_map", gids);
}

}  // namespace host

// For programs that mount: a mount namespace of their own where there is one, nothing shared with anybody.
#include "../guest/guest.h"
#include <sys/mount.h>

#define SKIPPED 77

// Exits with SKIPPED where mounting is not allowed. A sandbox without namespaces is one of its own.
__attribute__((unused)) static void own_mounts(void) {
  if (unshare(CLONE_NEWNS) != 0 && errno != EINVAL) _exit(SKIPPED);
  if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) _exit(SKIPPED);
  mkdir("/tmp/privileged", 0755);
  if (mount("scratch", "/tmp/privileged", "tmpfs", 0, "mode=755") != 0) _exit(SKIPPED);
  if (chdir("/tmp/privileged") != 0) _exit(98);
  umask(022);
}

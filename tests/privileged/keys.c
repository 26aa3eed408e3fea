// add_key, request_key, keyctl: user keys and keyrings, search, permissions, revocation, timeouts.
#include "../guest/guest.h"
#include <linux/keyctl.h>

static long add(const char *type, const char *desc, const void *data, size_t n, int ring) {
  return syscall(SYS_add_key, type, desc, data, n, ring);
}
static long request(const char *type, const char *desc, int ring) { return syscall(SYS_request_key, type, desc, NULL, ring); }
static long ctl(int op, long a, long b, long c, long d) { return syscall(SYS_keyctl, op, a, b, c, d); }

static void describe(int key) {
  char text[256] = "";
  long n = ctl(KEYCTL_DESCRIBE, key, (long)text, sizeof text, 0);
  if (n < 0) report("describe", n);
  else printf("%ld %s\n", n, text);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  long session = ctl(KEYCTL_JOIN_SESSION_KEYRING, (long)"mine", 0, 0, 0);
  // Containers often forbid keys; 77 says so.
  if (session < 0) _exit(77);
  TRUE(session > 0);
  TRUE(ctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0, 0, 0) == session);
  describe(session);
  int key = MUST(add("user", "colour", "blue", 4, KEY_SPEC_SESSION_KEYRING));
  TRUE(key > 0);
  describe(key);
  char back[16] = "";
  CHECK(ctl(KEYCTL_READ, key, (long)back, sizeof back, 0));
  puts(back);
  CHECK(ctl(KEYCTL_READ, key, (long)back, 2, 0));
  CHECK(ctl(KEYCTL_READ, key, 0, 0, 0));
  TRUE(add("user", "colour", "green", 5, KEY_SPEC_SESSION_KEYRING) == key);
  memset(back, 0, sizeof back);
  CHECK(ctl(KEYCTL_READ, key, (long)back, sizeof back, 0));
  puts(back);
  CHECK(ctl(KEYCTL_UPDATE, key, (long)"red", 3, 0));
  CHECK(ctl(KEYCTL_READ, key, (long)back, sizeof back, 0));
  CHECK(add("user", "large", "x", -1, KEY_SPEC_SESSION_KEYRING));
  CHECK(add("user", "large", "x", 1 << 20, KEY_SPEC_SESSION_KEYRING));
  CHECK(ctl(KEYCTL_UPDATE, key, (long)"x", -1, 0));
  TRUE(request("user", "colour", 0) == key);
  CHECK(request("user", "nothing", 0));
  CHECK(request("nosuchtype", "x", 0));
  TRUE(ctl(KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, (long)"user", (long)"colour", 0) == key);
  CHECK(ctl(KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, (long)"user", (long)"nothing", 0));
  int ring = MUST(add("keyring", "ring", NULL, 0, KEY_SPEC_SESSION_KEYRING));
  CHECK(ctl(KEYCTL_LINK, key, ring, 0, 0));
  int ids[4] = {0};
  CHECK(ctl(KEYCTL_READ, ring, (long)ids, sizeof ids, 0));
  TRUE(ids[0] == key);
  CHECK(ctl(KEYCTL_UNLINK, key, ring, 0, 0));
  CHECK(ctl(KEYCTL_UNLINK, key, ring, 0, 0));
  CHECK(ctl(KEYCTL_LINK, ring, ring, 0, 0));
  CHECK(ctl(KEYCTL_LINK, key, key, 0, 0));
  CHECK(ctl(KEYCTL_CLEAR, ring, 0, 0, 0));
  CHECK(ctl(KEYCTL_CLEAR, key, 0, 0, 0));
  // What is refused.
  CHECK(add("user", "", "x", 1, KEY_SPEC_SESSION_KEYRING));
  CHECK(add("user", "empty", "", 0, KEY_SPEC_SESSION_KEYRING));
  CHECK(add("nosuchtype", "x", "x", 1, KEY_SPEC_SESSION_KEYRING));
  CHECK(add(".hidden", "x", "x", 1, KEY_SPEC_SESSION_KEYRING));
  CHECK(add("keyring", "x", "data", 4, KEY_SPEC_SESSION_KEYRING));
  CHECK(add("keyring", ".x", NULL, 0, KEY_SPEC_SESSION_KEYRING));
  CHECK(add("logon", "noprefix", "x", 1, KEY_SPEC_SESSION_KEYRING));
  int logon = MUST(add("logon", "app:secret", "x", 1, KEY_SPEC_SESSION_KEYRING));
  CHECK(ctl(KEYCTL_READ, logon, (long)back, sizeof back, 0));
  CHECK(add("user", "x", "x", 1, 12345678));
  CHECK(add("user", "x", "x", 1, key));
  CHECK(add("user", "x", (void *)8, 4, KEY_SPEC_SESSION_KEYRING));
  CHECK(add((void *)8, "x", "x", 1, KEY_SPEC_SESSION_KEYRING));
  CHECK(ctl(KEYCTL_DESCRIBE, 12345678, 0, 0, 0));
  CHECK(ctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_THREAD_KEYRING, 0, 0, 0));
  CHECK(ctl(KEYCTL_GET_KEYRING_ID, -99, 0, 0, 0));
  TRUE(ctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 1, 0, 0) > 0);
  TRUE(ctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 0, 0, 0) > 0);
  CHECK(ctl(999, 0, 0, 0, 0));
  // Permissions, expiry, revocation.
  CHECK(ctl(KEYCTL_SETPERM, key, 0x3f3f0000, 0, 0));
  describe(key);
  CHECK(ctl(KEYCTL_SETPERM, key, 0x40000000, 0, 0));
  IN_CHILD("child has the same session", {
    TRUE(request("user", "colour", 0) == key);
    CHECK(ctl(KEYCTL_READ, key, (long)back, sizeof back, 0));
    TRUE(ctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0) != session);
    CHECK(request("user", "colour", 0));
  });
  TRUE(ctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0, 0, 0) == session);
  CHECK(ctl(KEYCTL_SET_TIMEOUT, key, 1, 0, 0));
  for (int i = 0; i < 500 && ctl(KEYCTL_READ, key, 0, 0, 0) >= 0; i++) sleep_ms(10);
  CHECK(ctl(KEYCTL_READ, key, 0, 0, 0));
  int gone = MUST(add("user", "gone", "x", 1, KEY_SPEC_SESSION_KEYRING));
  CHECK(ctl(KEYCTL_REVOKE, gone, 0, 0, 0));
  CHECK(ctl(KEYCTL_READ, gone, 0, 0, 0));
  CHECK(request("user", "gone", 0));
  int invalid = MUST(add("user", "invalid", "x", 1, KEY_SPEC_SESSION_KEYRING));
  CHECK(ctl(KEYCTL_SETPERM, invalid, 0x3f080000, 0, 0));
  CHECK(ctl(KEYCTL_INVALIDATE, invalid, 0, 0, 0));
  // ENOKEY once it is collected, EACCES before.
  TRUE(ctl(KEYCTL_READ, invalid, 0, 0, 0) == -1);
  return 0;
}

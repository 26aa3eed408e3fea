// Watches /shared, which the host changes too, and prints events until a file named `end` appears.
#include "../../guest/guest.h"
#include <poll.h>
#include <sys/inotify.h>

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  int watch = MUST(inotify_init1(IN_NONBLOCK));
  MUST(inotify_add_watch(watch, "/shared", IN_ALL_EVENTS));
  put_file("/shared/own", "x");
  printf("ready\n");
  fflush(stdout);
  for (bool done = false; !done;) {
    struct pollfd p = {watch, POLLIN, 0};
    if (poll(&p, 1, 30000) <= 0) return 1;
    char b[4096] __attribute__((aligned(8)));
    ssize_t n = read(watch, b, sizeof b);
    for (char *q = b; q < b + n;) {
      struct inotify_event *e = (void *)q;
      printf("%x %s\n", e->mask, e->len ? e->name : "");
      done |= e->len && strcmp(e->name, "end") == 0;
      q += sizeof *e + e->len;
    }
    fflush(stdout);
  }
  return 0;
}

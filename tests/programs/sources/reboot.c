// Asks for the end of the machine, as the argument says. Never run outside a sandbox.
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  int command = strcmp(argv[1], "restart") == 0 ? RB_AUTOBOOT : strcmp(argv[1], "halt") == 0 ? RB_POWER_OFF : RB_ENABLE_CAD;
  reboot(command);
  puts(strerrorname_np(errno));
  return 1;
}

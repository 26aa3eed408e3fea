// On a processor with AMX: what arch_prctl(2) says of the tiles, and what an instruction on them does.
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TILES 0x60000UL

static sigjmp_buf back;

static void on_illegal(int signo) { siglongjmp(back, signo); }

static void use_tiles(void) {
  static uint8_t config[64] __attribute__((aligned(64))) = {[0] = 1, [16] = 64, [48] = 16};
  int signo = sigsetjmp(back, 1);
  if (signo != 0) {
    printf("tiles: SIG%s\n", sigabbrev_np(signo));
    return;
  }
  asm volatile(".byte 0xc4, 0xe2, 0x78, 0x49, 0x00\n"  // ldtilecfg (%rax)
               ".byte 0xc4, 0xe2, 0x7b, 0x49, 0xc0\n"  // tilezero %tmm0
               ".byte 0xc4, 0xe2, 0x78, 0x49, 0xc0\n"  // tilerelease
               : : "a"(config) : "memory");
  printf("tiles: work\n");
}

int main(void) {
  uint64_t supported = 0, permitted = 0;
  signal(SIGILL, on_illegal);
  syscall(SYS_arch_prctl, 0x1021, &supported);
  syscall(SYS_arch_prctl, 0x1022, &permitted);
  printf("supported %d permitted %d\n", (supported & TILES) != 0, (permitted & TILES) != 0);
  use_tiles();
  long asked = syscall(SYS_arch_prctl, 0x1023, 18);
  printf("asked: %s\n", asked == 0 ? "granted" : strerrorname_np(errno));
  use_tiles();
  char line[8192];
  int told = 0;
  FILE *cpuinfo = fopen("/proc/cpuinfo", "r");
  while (cpuinfo != NULL && fgets(line, sizeof line, cpuinfo) != NULL) told |= strstr(line, " amx_") != NULL;
  printf("in cpuinfo: %d\n", told);
  printf("small frames: %d\n", getauxval(AT_MINSIGSTKSZ) < 8192);
  return 0;
}

// prctl(2): argument checks of every option that kernels since 5.10 have, and what each keeps over fork and execve.
// guest: args start
#include "../guest.h"
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>

#ifndef PR_SET_IO_FLUSHER
#define PR_SET_IO_FLUSHER 57
#define PR_GET_IO_FLUSHER 58
#endif

static void names(void) {
  char name[32];
  CHECK(prctl(PR_SET_NAME, ""));
  CHECK(prctl(PR_GET_NAME, name));
  printf("[%s]\n", name);
  CHECK(prctl(PR_SET_NAME, "\xff\n\\x"));
  CHECK(prctl(PR_GET_NAME, name));
  printf("%02x %02x\n", name[0] & 255, name[1]);
  CHECK(prctl(PR_SET_NAME, 1));
  CHECK(prctl(PR_SET_NAME, 0));
  // The name ends before the hole.
  char *end = map_before_hole(1) + PAGE;
  memcpy(end - 3, "ab", 3);
  CHECK(prctl(PR_SET_NAME, end - 3));
  memcpy(end - 3, "abc", 3);
  CHECK(prctl(PR_SET_NAME, end - 3));
  memset(end - 15, 'x', 15);
  CHECK(prctl(PR_SET_NAME, end - 15));
  CHECK(prctl(PR_SET_NAME, end - 16));
  CHECK(prctl(PR_GET_NAME, end - 10));
}

static void unused_arguments(void) {
  CHECK(prctl(PR_SET_NO_NEW_PRIVS, 2, 0, 0, 0));
  CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0));
  CHECK(prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0));
  CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 1));
  CHECK(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 1));
  CHECK(prctl(PR_GET_THP_DISABLE, 1, 0, 0, 0));
  CHECK(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
  CHECK(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
  IN_CHILD("inherits", CHECK(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0)));
  CHECK(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0));
  CHECK(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
  CHECK(prctl(PR_MCE_KILL, 9, 0, 0, 0));
  CHECK(prctl(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 1, 0, 0));
  CHECK(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, 7, 0, 0));
  CHECK(prctl(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 0, 1, 0));
  CHECK(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0));
  CHECK(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
  IN_CHILD("inherits", CHECK(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0)));
  CHECK(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_LATE, 0, 0));
  CHECK(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
  CHECK(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_DEFAULT, 0, 0));
  CHECK(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
  CHECK(prctl(PR_MCE_KILL_GET, 1, 0, 0, 0));
  CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
  CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 1, 0, 0));
  CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 99, 0, 0));
  CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 1, 1, 0));
  CHECK(prctl(PR_CAPBSET_READ, -1));
  CHECK(prctl(PR_CAPBSET_READ, CAP_KILL) >= 0);
  CHECK(prctl(PR_CAPBSET_DROP, 99));
  // Of other machines.
  int value;
  CHECK(prctl(PR_SET_UNALIGN, 1));
  CHECK(prctl(PR_GET_UNALIGN, &value));
  CHECK(prctl(PR_SET_FPEMU, 1));
  CHECK(prctl(PR_GET_FPEMU, &value));
  CHECK(prctl(PR_SET_FPEXC, 1));
  CHECK(prctl(PR_GET_FPEXC, &value));
  CHECK(prctl(PR_SET_ENDIAN, 1));
  CHECK(prctl(PR_GET_ENDIAN, &value));
  CHECK(prctl(PR_SET_FP_MODE, 1));
  CHECK(prctl(PR_GET_FP_MODE));
  CHECK(prctl(PR_SVE_SET_VL, 16));
  CHECK(prctl(PR_SVE_GET_VL));
  CHECK(prctl(PR_PAC_RESET_KEYS, 0, 0, 0, 0));
  CHECK(prctl(22, 99));
  CHECK(prctl(0));
  CHECK(prctl(-1));
  CHECK(prctl(PR_SET_TIMING, 1));
  CHECK(prctl(PR_SET_TIMING, 0));
  CHECK(prctl(PR_GET_TIMING));
}

static void signals_and_slack(void) {
  int value = -1;
  CHECK(prctl(PR_SET_PDEATHSIG, 64));
  CHECK(prctl(PR_GET_PDEATHSIG, &value));
  printf("%d\n", value);
  CHECK(prctl(PR_SET_PDEATHSIG, 65));
  CHECK(prctl(PR_SET_PDEATHSIG, -1));
  CHECK(prctl(PR_GET_PDEATHSIG, 1));
  IN_CHILD("not inherited", CHECK(prctl(PR_GET_PDEATHSIG, &value)); printf("%d\n", value));
  CHECK(prctl(PR_SET_PDEATHSIG, 0));
  CHECK(prctl(PR_SET_CHILD_SUBREAPER, 77));
  CHECK(prctl(PR_GET_CHILD_SUBREAPER, &value));
  printf("%d\n", value);
  IN_CHILD("not inherited", CHECK(prctl(PR_GET_CHILD_SUBREAPER, &value)); printf("%d\n", value));
  CHECK(prctl(PR_GET_CHILD_SUBREAPER, 1));
  CHECK(prctl(PR_SET_CHILD_SUBREAPER, 0));
  CHECK(prctl(PR_SET_TIMERSLACK, 12345));
  IN_CHILD("slack", {
    CHECK(prctl(PR_GET_TIMERSLACK));
    CHECK(prctl(PR_SET_TIMERSLACK, 1));
    CHECK(prctl(PR_GET_TIMERSLACK));
    CHECK(prctl(PR_SET_TIMERSLACK, 0));
    CHECK(prctl(PR_GET_TIMERSLACK));
  });
  CHECK(prctl(PR_SET_TIMERSLACK, 0));
  CHECK(prctl(PR_GET_TIMERSLACK));
  CHECK(prctl(PR_GET_TSC, 1));
  CHECK(prctl(PR_SET_TSC, 0));
  CHECK(prctl(PR_SET_TSC, 3));
  CHECK(prctl(PR_SET_TSC, PR_TSC_ENABLE));
}

static void dumpable(void) {
  CHECK(prctl(PR_SET_DUMPABLE, -1));
  CHECK(prctl(PR_SET_DUMPABLE, 3));
  CHECK(prctl(PR_SET_DUMPABLE, 0));
  IN_CHILD("inherits", CHECK(prctl(PR_GET_DUMPABLE)));
  CHECK(prctl(PR_SET_DUMPABLE, 1));
  CHECK(prctl(PR_GET_DUMPABLE));
}

static void securebits(void) {
  CHECK(prctl(PR_GET_SECUREBITS));
  CHECK(prctl(PR_SET_KEEPCAPS, 1));
  CHECK(prctl(PR_GET_KEEPCAPS));
  CHECK(prctl(PR_GET_SECUREBITS));
  IN_CHILD("inherits", CHECK(prctl(PR_GET_KEEPCAPS)));
  CHECK(prctl(PR_SET_KEEPCAPS, 0));
  CHECK(prctl(PR_SET_KEEPCAPS, -1));
  IN_CHILD("without capabilities", {
    if (getuid() == 0) MUST(setresuid(1000, 1000, 1000));
    CHECK(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP));
    CHECK(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS));
    CHECK(prctl(PR_CAPBSET_DROP, CAP_KILL));
    CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
    CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_KILL, 0, 0));
    CHECK(prctl(PR_SET_MM, PR_SET_MM_BRK, 0, 0, 0));
    CHECK(prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0));
    CHECK(prctl(PR_GET_IO_FLUSHER, 0, 0, 0, 0));
    CHECK(prctl(PR_GET_DUMPABLE));
  });
}

static void after_exec(void) {
  char name[32] = "";
  int value = -1;
  CHECK(prctl(PR_GET_NAME, name));
  printf("[%s]\n", name);
  CHECK(prctl(PR_GET_DUMPABLE));
  CHECK(prctl(PR_GET_KEEPCAPS));
  CHECK(prctl(PR_GET_TIMERSLACK));
  CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  CHECK(prctl(PR_GET_CHILD_SUBREAPER, &value));
  printf("subreaper %d\n", value);
  CHECK(prctl(PR_GET_PDEATHSIG, &value));
  printf("death signal %d\n", value);
  CHECK(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
  CHECK(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
}

int guest(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "again") == 0) {
    after_exec();
    return 0;
  }
  names();
  unused_arguments();
  signals_and_slack();
  dumpable();
  securebits();
  int value;
  CHECK(prctl(PR_GET_SECCOMP));
  CHECK(prctl(PR_TASK_PERF_EVENTS_DISABLE));
  CHECK(prctl(PR_TASK_PERF_EVENTS_ENABLE));
  CHECK(prctl(PR_GET_TID_ADDRESS, &value));
  fflush(stdout);
  prctl(PR_SET_NAME, "before");
  prctl(PR_SET_DUMPABLE, 0);
  prctl(PR_SET_KEEPCAPS, 1);
  prctl(PR_SET_TIMERSLACK, 4321);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  prctl(PR_SET_PDEATHSIG, SIGUSR1);
  prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0);
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  int fd = MUST(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  char *args[] = {argv[0], "again", NULL};
  extern char **environ;
  fexecve(fd, args, environ);
  return 1;
}

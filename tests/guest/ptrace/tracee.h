// A child that its parent traces from the start.
#pragma once
#include <sys/ptrace.h>
#include <sys/syscall.h>

static pid_t child;

static long pt(long request, pid_t pid, long addr, long data) {
  return syscall(SYS_ptrace, request, (long)pid, addr, data);
}

/** Runs the statements in a traced child. */
#define TRACED(...) \
  do { \
    fflush(stdout); \
    child = MUST(fork()); \
    if (child == 0) { \
      if (pt(PTRACE_TRACEME, 0, 0, 0) != 0) _exit(90); \
      __VA_ARGS__; \
      _exit(0); \
    } \
  } while (0)

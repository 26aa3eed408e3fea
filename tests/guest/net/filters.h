// Socket filters of a few instructions, attached and reported.
#pragma once
#include <linux/filter.h>
#include <sys/socket.h>

__attribute__((unused)) static int attach(int fd, const struct sock_filter *code, int count) {
  struct sock_fprog program = {.len = count, .filter = (struct sock_filter *)code};
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

#define TRY(fd, what, ...) \
  do { \
    struct sock_filter code_[] = {__VA_ARGS__}; \
    errno = 0; \
    long r_ = attach(fd, code_, sizeof code_ / sizeof *code_); \
    report(what, r_); \
  } while (0)

#define ALL BPF_STMT(BPF_RET | BPF_K, 0xffffffff)

// What comes with a datagram, as bytes.
#pragma once
#include <poll.h>
#include <sys/socket.h>

static void show_bytes(const char *what, const unsigned char *bytes, int count) {
  printf("%s %d:", what, count);
  for (int i = 0; i < count; i++) printf(" %02x", bytes[i]);
  printf("\n");
}

/** Prints one datagram's length and its control messages. `hide`: takes out what differs between runs; or NULL. */
static void receive_hiding(const char *what, int fd, void (*hide)(unsigned char *bytes)) {
  unsigned char data[64], control[512];
  struct iovec iov = {data, sizeof data};
  struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct pollfd p = {fd, POLLIN, 0};
  if (poll(&p, 1, 5000) != 1) {
    printf("%s: nothing came\n", what);
    return;
  }
  printf("%s: %zd\n", what, recvmsg(fd, &m, 0));
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c)) {
    if (hide != NULL) hide(CMSG_DATA(c));
    printf("  level %d type %d ", c->cmsg_level, c->cmsg_type);
    show_bytes("bytes", CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
  }
}

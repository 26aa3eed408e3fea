// ioctl_tty(2) with struct termio: the 16-bit settings of older systems, next to termios.
#include "../guest.h"
#include <asm/termbits.h>
#include <sys/ioctl.h>

struct old {
  unsigned short iflag, oflag, cflag, lflag;
  unsigned char line, cc[8];
};

#define OLD_GET 0x5405
#define OLD_SET 0x5406
#define OLD_SET_FLUSH 0x5408

static void show(int fd) {
  struct old t = {0};
  CHECK(ioctl(fd, OLD_GET, &t));
  printf("%o %o %o %o %d:", t.iflag, t.oflag, t.cflag, t.lflag, t.line);
  for (int i = 0; i < 8; i++) printf(" %d", t.cc[i]);
  printf("\n");
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  int master = MUST(open("/dev/ptmx", O_RDWR | O_NOCTTY)), unlock = 0;
  MUST(ioctl(master, TIOCSPTLCK, &unlock));
  int slave = MUST(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY));
  show(slave);
  show(master);
  struct old t;
  MUST(ioctl(slave, OLD_GET, &t));
  t.lflag &= ~(ECHO | ICANON);
  t.cc[VINTR] = 7;
  CHECK(ioctl(slave, OLD_SET, &t));
  show(slave);
  struct termios now;
  MUST(ioctl(slave, TCGETS, &now));
  TRUE((now.c_lflag & (ECHO | ICANON)) == 0 && now.c_cc[VINTR] == 7 && (now.c_lflag & IEXTEN) != 0);
  MUST(write(master, "abc", 3));
  t.lflag |= ICANON;
  CHECK(ioctl(slave, OLD_SET_FLUSH, &t));
  int left = -1;
  CHECK(ioctl(slave, FIONREAD, &left));
  CHECK(left);
  CHECK(ioctl(slave, OLD_GET, (void *)1));
  CHECK(ioctl(slave, OLD_SET, (void *)1));
  int file = MUST(open("/dev/null", O_RDONLY));
  CHECK(ioctl(file, OLD_GET, &t));
  return 0;
}

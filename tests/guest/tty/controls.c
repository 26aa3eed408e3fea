// ioctl_tty(2): the requests beside termios and window size, on both ends of a pseudoterminal, and who may make them.
#include "../guest.h"
#include <asm/termbits.h>
#include <grp.h>
#include <linux/serial.h>
#include <linux/tty_flags.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

static int master, slave;

static void open_pair(void) {
  int unlock = 0;
  master = MUST(open("/dev/ptmx", O_RDWR | O_NOCTTY));
  MUST(ioctl(master, TIOCSPTLCK, &unlock));
  slave = MUST(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY));
}

static void plain(const char *end, int fd) {
  printf("%s\n", end);
  int value = -1;
  unsigned device = 0;
  CHECK(ioctl(fd, TIOCMGET, &value));
  CHECK(ioctl(fd, TIOCMSET, &value));
  CHECK(ioctl(fd, TIOCMBIS, &value));
  CHECK(ioctl(fd, TIOCMIWAIT, 0));
  CHECK(ioctl(fd, TIOCGICOUNT, &value));
  CHECK(ioctl(fd, TIOCGSERIAL, &value));
  CHECK(ioctl(fd, TIOCGRS485, &value));
  CHECK(ioctl(fd, TIOCLINUX, &value));
  CHECK(ioctl(fd, TIOCSBRK, 0));
  CHECK(ioctl(fd, TIOCCBRK, 0));
  CHECK(ioctl(fd, TCSBRK, 1));
  CHECK(ioctl(fd, TCSBRK, 0));
  CHECK(ioctl(fd, TCSBRKP, 0));
  CHECK(ioctl(fd, TCXONC, 7));
  CHECK(ioctl(fd, TCXONC, TCOON));
  CHECK(ioctl(fd, TCXONC, TCION));
  CHECK(ioctl(fd, TCFLSH, 3));
  CHECK(ioctl(fd, TCFLSH, TCIOFLUSH));
  CHECK(ioctl(fd, TIOCGETD, &value));
  printf("discipline %d\n", value);
  value = 0;
  CHECK(ioctl(fd, TIOCSETD, &value));
  value = 99;
  CHECK(ioctl(fd, TIOCSETD, &value));
  CHECK(ioctl(fd, TIOCSETD, 1));
  CHECK(ioctl(fd, TIOCGDEV, &device));
  printf("major %u\n", major(device));
  CHECK(ioctl(fd, TIOCGDEV, 1));
  CHECK(ioctl(fd, TIOCOUTQ, &value));
  printf("queue %d\n", value);
  CHECK(ioctl(fd, FIONREAD, &value));
  CHECK(ioctl(fd, FIONREAD, 1));
  CHECK(ioctl(fd, TIOCGEXCL, 1));
  CHECK(ioctl(fd, TIOCGWINSZ, 1));
  CHECK(ioctl(fd, TIOCSWINSZ, 1));
  CHECK(ioctl(fd, TCGETS, 1));
  CHECK(ioctl(fd, TCSETS, 1));
  CHECK(ioctl(fd, TCGETX, &value));
  CHECK(ioctl(fd, TIOCGPTN, &value) == 0 && value >= 0);
  CHECK(ioctl(fd, TIOCGPTN, 1));
  CHECK(ioctl(fd, TIOCGPTLCK, &value));
  CHECK(ioctl(fd, TIOCSPTLCK, 1));
  CHECK(ioctl(fd, TIOCGPKT, &value));
  CHECK(ioctl(fd, TIOCPKT, 1));
  CHECK(ioctl(fd, TIOCSIG, 0));
  CHECK(ioctl(fd, TIOCSIG, 99));
  CHECK(ioctl(fd, TIOCSIG, SIGUSR1));
  CHECK(ioctl(fd, TIOCGSID, &value));
  CHECK(ioctl(fd, TIOCGPGRP, &value));
  CHECK(ioctl(fd, TIOCSPGRP, &value));
  CHECK(ioctl(fd, TIOCNOTTY, 0));
  CHECK(ioctl(fd, 0x54ff, &value));
  CHECK(ioctl(fd, 0x12345678, &value));
  CHECK(ioctl(fd, FIOCLEX, 0));
  CHECK(fcntl(fd, F_GETFD));
  CHECK(ioctl(fd, FIONCLEX, 0));
  CHECK(fcntl(fd, F_GETFD));
  value = 1;
  CHECK(ioctl(fd, FIONBIO, &value));
  CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
  value = 0;
  CHECK(ioctl(fd, FIONBIO, &value));
}

static void soft_carrier(void) {
  int value = -1;
  struct termios t;
  CHECK(ioctl(slave, TIOCGSOFTCAR, &value));
  printf("%d\n", value);
  value = 1;
  CHECK(ioctl(slave, TIOCSSOFTCAR, &value));
  MUST(ioctl(slave, TCGETS, &t));
  TRUE((t.c_cflag & CLOCAL) != 0);
  CHECK(ioctl(slave, TIOCGSOFTCAR, &value));
  printf("%d\n", value);
  value = 0;
  CHECK(ioctl(slave, TIOCSSOFTCAR, &value));
  CHECK(ioctl(slave, TIOCGSOFTCAR, &value));
  printf("%d\n", value);
  CHECK(ioctl(slave, TIOCGSOFTCAR, 1));
}

static void speeds(void) {
  struct termios2 t;
  MUST(ioctl(slave, TCGETS2, &t));
  printf("speeds %u %u flags %x\n", t.c_ispeed, t.c_ospeed, t.c_cflag & (CBAUD | CBAUDEX | CIBAUD));
  t.c_cflag = (t.c_cflag & ~CBAUD) | BOTHER;
  t.c_ispeed = 12345, t.c_ospeed = 54321;
  CHECK(ioctl(slave, TCSETS2, &t));
  MUST(ioctl(slave, TCGETS2, &t));
  printf("speeds %u %u flags %x\n", t.c_ispeed, t.c_ospeed, t.c_cflag & (CBAUD | CBAUDEX | CIBAUD));
  t.c_cflag = (t.c_cflag & ~CBAUD) | B9600;
  CHECK(ioctl(slave, TCSETSW2, &t));
  MUST(ioctl(master, TCGETS2, &t));
  printf("speeds %u %u flags %x\n", t.c_ispeed, t.c_ospeed, t.c_cflag & (CBAUD | CBAUDEX | CIBAUD));
  t.c_cflag = (t.c_cflag & ~(CBAUD | CIBAUD)) | B115200 | (B1200 << IBSHIFT);
  CHECK(ioctl(slave, TCSETSF2, &t));
  MUST(ioctl(slave, TCGETS2, &t));
  printf("speeds %u %u flags %x\n", t.c_ispeed, t.c_ospeed, t.c_cflag & (CBAUD | CBAUDEX | CIBAUD));
  struct termios old;
  MUST(ioctl(slave, TCGETS, &old));
  old.c_cflag = (old.c_cflag & ~(CBAUD | CIBAUD)) | B38400;
  CHECK(ioctl(slave, TCSETS, &old));
  MUST(ioctl(slave, TCGETS2, &t));
  printf("speeds %u %u flags %x\n", t.c_ispeed, t.c_ospeed, t.c_cflag & (CBAUD | CBAUDEX | CIBAUD));
  old.c_cflag = (old.c_cflag & ~CSIZE) | CS7 | PARENB | CSTOPB;
  old.c_line = 5;
  CHECK(ioctl(slave, TCSETS, &old));
  MUST(ioctl(slave, TCGETS, &old));
  printf("cflag %x line %d\n", old.c_cflag & (CSIZE | PARENB | CSTOPB), old.c_line);
}

static void privileges(void) {
  struct termios t;
  int value = 0;
  char c = 'x';
  CHECK(ioctl(slave, TIOCGLCKTRMIOS, &t));
  printf("locked %x %x %x %x\n", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag);
  CHECK(ioctl(slave, TIOCGLCKTRMIOS, 1));
  CHECK(ioctl(master, TIOCGLCKTRMIOS, &t));
  char path[32];
  MUST(ioctl(master, TIOCGPTN, &value));
  sprintf(path, "/dev/pts/%d", value);
  IN_CHILD("user", {
    if (getuid() == 0) {
      MUST(setgroups(0, NULL));
      MUST(fchown(slave, 1000, -1));
      MUST(setresgid(1000, 1000, 1000));
      MUST(setresuid(1000, 1000, 1000));
    }
    CHECK(ioctl(slave, TIOCSLCKTRMIOS, &t));
    CHECK(ioctl(slave, TIOCCONS, 0));
    CHECK(ioctl(slave, TIOCVHANGUP, 0));
    CHECK(ioctl(slave, TIOCSCTTY, 1));
    TRUE(ioctl(slave, TIOCSTI, &c) == -1);
    CHECK(ioctl(slave, TIOCGEXCL, &value));
    printf("exclusive %d\n", value);
    CHECK(ioctl(slave, TIOCEXCL, 0));
    CHECK(ioctl(slave, TIOCGEXCL, &value));
    printf("exclusive %d\n", value);
    CHECK(open(path, O_RDWR | O_NOCTTY));
    CHECK(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY));
    CHECK(ioctl(slave, TIOCNXCL, 0));
    OK(open(path, O_RDWR | O_NOCTTY));
  });
}

static void peers(void) {
  int lock = 1;
  int other = MUST(open("/dev/ptmx", O_RDWR | O_NOCTTY));
  int value;
  CHECK(ioctl(other, TIOCGPTLCK, &value));
  printf("locked %d\n", value);
  CHECK(ioctl(other, TIOCGPTPEER, O_RDWR | O_NOCTTY));
  CHECK(ioctl(slave, TIOCGPTPEER, O_RDWR | O_NOCTTY));
  lock = 0;
  CHECK(ioctl(other, TIOCSPTLCK, &lock));
  int peer = ioctl(other, TIOCGPTPEER, O_RDONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  TRUE(peer >= 0);
  CHECK(fcntl(peer, F_GETFD));
  CHECK(fcntl(peer, F_GETFL) & (O_ACCMODE | O_NONBLOCK));
  char c;
  CHECK(read(peer, &c, 1));
  CHECK(write(peer, "x", 1));
  close(other);
  CHECK(read(peer, &c, 1));
  CHECK(ioctl(peer, TCFLSH, 0));
  CHECK(ioctl(peer, TIOCGWINSZ, &value));
  CHECK(isatty(peer));
  close(peer);
}

static volatile int winch;
static void on_winch(int signal) { winch += signal == SIGWINCH; }

static void session(void) {
  IN_CHILD("session", {
    MUST(setsid());
    int value = 0;
    CHECK(ioctl(slave, TIOCSCTTY, 0));
    CHECK(ioctl(slave, TIOCSCTTY, 0));
    CHECK(ioctl(slave, TIOCGSID, &value) == 0 && value == getpid());
    CHECK(ioctl(master, TIOCGSID, &value) == 0 && value == getpid());
    CHECK(ioctl(slave, TIOCGPGRP, &value) == 0 && value == getpgrp());
    value = 99999;
    CHECK(ioctl(slave, TIOCSPGRP, &value));
    value = -1;
    CHECK(ioctl(slave, TIOCSPGRP, &value));
    value = getpgrp();
    CHECK(ioctl(slave, TIOCSPGRP, &value));
    signal(SIGWINCH, on_winch);
    CHECK(ioctl(master, TIOCSIG, SIGWINCH));
    CHECK(winch);
    struct winsize w = {24, 80, 0, 0};
    CHECK(ioctl(slave, TIOCSWINSZ, &w));
    CHECK(ioctl(slave, TIOCSWINSZ, &w));
    CHECK(winch);
    IN_CHILD("grandchild in another session", {
      MUST(setsid());
      CHECK(ioctl(slave, TIOCSCTTY, 0));
      CHECK(ioctl(slave, TIOCGPGRP, &value));
      CHECK(ioctl(slave, TIOCNOTTY, 0));
    });
    signal(SIGHUP, SIG_IGN);
    signal(SIGCONT, SIG_IGN);
    CHECK(ioctl(slave, TIOCNOTTY, 0));
    CHECK(ioctl(slave, TIOCNOTTY, 0));
    CHECK(open("/dev/tty", O_RDWR));
    CHECK(ioctl(slave, TIOCSCTTY, 0));
  });
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  IN_CHILD("own session", {
    MUST(setsid());
    open_pair();
    plain("slave", slave);
    plain("master", master);
    soft_carrier();
    speeds();
    privileges();
    peers();
    session();
  });
  return 0;
}

// Pseudo-terminals: ptmx, canonical and raw modes, echo, signals, window size, packet mode, controlling terminal, hang-up.
#include "../guest.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

static int master, slave;

static void show(const char *what, int fd) {
  char buf[300];
  struct pollfd p = {fd, POLLIN, 0};
  if (poll(&p, 1, 50) <= 0) {
    printf("%s: nothing\n", what);
    return;
  }
  long n = read(fd, buf, sizeof buf);
  printf("%s: %ld ", what, n);
  if (n < 0) printf("%s", strerrorname_np(errno));
  for (long i = 0; i < n; i++) printf(buf[i] >= 32 && buf[i] < 127 ? "%c" : "<%02x>", (unsigned char)buf[i]);
  printf("\n");
}

static void type(const char *text) {
  MUST(write(master, text, strlen(text)));
  sleep_ms(10);  // input reaches the line discipline from a work queue
}

static void open_pair(void) {
  master = MUST(posix_openpt(O_RDWR | O_NOCTTY));
  MUST(grantpt(master));
  int locked;
  CHECK(ioctl(master, TIOCGPTLCK, &locked));
  printf("locked %d\n", locked);
  CHECK(open(ptsname(master), O_RDWR | O_NOCTTY));
  MUST(unlockpt(master));
  slave = MUST(open(ptsname(master), O_RDWR | O_NOCTTY));
  CHECK(isatty(slave));
  CHECK(isatty(master));
  TRUE(strncmp(ptsname(master), "/dev/pts/", 9) == 0);
  struct stat st;
  fstat(slave, &st);
  printf("mode type %o uid own %d\n", st.st_mode & S_IFMT, st.st_uid == getuid());
}

static void canonical(void) {
  struct termios t;
  MUST(tcgetattr(slave, &t));
  printf("i %x o %x c %x l %x\n", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag);
  for (int i = 0; i < 17; i++) printf("%d ", t.c_cc[i]);
  printf("\n");
  type("hello");
  show("before newline", slave);
  show("echo", master);
  type("\n");
  show("line", slave);
  show("echo", master);
  type("abc\177\177xy\n");
  show("erase", slave), show("echo", master);
  type("one two\027X\n");
  show("word erase", slave), show("echo", master);
  type("gone\025kept\n");
  show("kill", slave), show("echo", master);
  type("partial\004");
  show("eof after text", slave);
  type("\004");
  show("eof", slave);
  type("a\rb\n");
  show("cr", slave), show("next line", slave), show("echo", master);
  type("\026\003x\n");
  show("literal", slave), show("echo", master);
  MUST(write(slave, "out\n\tx", 6));
  show("output", master);
  char two[2];
  type("long line\n");
  CHECK(read(slave, two, 2));
  show("rest", slave), show("echo", master);
  int queued;
  type("q\n");
  CHECK(ioctl(slave, FIONREAD, &queued));
  printf("queued %d\n", queued);
  CHECK(tcflush(slave, TCIFLUSH));
  show("flushed", slave), show("echo", master);
}

static void raw(void) {
  struct termios old, t;
  tcgetattr(slave, &old);
  t = old;
  cfmakeraw(&t);
  CHECK(tcsetattr(slave, TCSANOW, &t));
  type("x\003\n\r");
  show("raw", slave), show("no echo", master);
  t.c_cc[VMIN] = 3, t.c_cc[VTIME] = 0;
  tcsetattr(slave, TCSANOW, &t);
  fcntl(slave, F_SETFL, O_NONBLOCK);
  char buf[10];
  type("ab");
  CHECK(read(slave, buf, 10));
  type("c");
  CHECK(read(slave, buf, 10));
  fcntl(slave, F_SETFL, 0);
  t.c_cc[VMIN] = 0, t.c_cc[VTIME] = 1;
  tcsetattr(slave, TCSANOW, &t);
  CHECK(read(slave, buf, 10));
  t = old;
  t.c_lflag &= ~ECHO;
  tcsetattr(slave, TCSANOW, &t);
  type("silent\n");
  show("no echo", master), show("line", slave);
  CHECK(tcsetattr(slave, TCSADRAIN, &old));
  MUST(write(slave, "drain\n", 6));
  show("output", master);
  CHECK(tcsetattr(master, TCSANOW, &old));
  CHECK(tcsetattr(slave, 99, &old));
}

static void sizes(void) {
  struct winsize w = {24, 80, 0, 0}, back;
  CHECK(ioctl(slave, TIOCGWINSZ, &back));
  printf("%d %d\n", back.ws_row, back.ws_col);
  CHECK(ioctl(master, TIOCSWINSZ, &w));
  CHECK(ioctl(slave, TIOCGWINSZ, &back));
  printf("%d %d\n", back.ws_row, back.ws_col);
  int on = 1;
  CHECK(ioctl(master, TIOCPKT, &on));
  MUST(write(slave, "data", 4));
  show("packet", master);
  CHECK(tcflush(slave, TCIOFLUSH));
  show("flush packet", master);
  on = 0;
  CHECK(ioctl(master, TIOCPKT, &on));
  CHECK(ioctl(slave, 0x5499, &on));
  CHECK(ioctl(slave, TIOCGPGRP, &on));
  CHECK(ioctl(slave, TIOCGSID, &on));
  CHECK(tcgetpgrp(slave));
}

static volatile sig_atomic_t got[65];

static void note(int signal) {
  got[signal]++;
}

static void job_control(void) {
  pid_t session = fork();
  if (session == 0) {
    TRUE(setsid() == getpid());
    CHECK(setsid());
    CHECK(open("/dev/tty", O_RDWR));
    CHECK(ioctl(slave, TIOCSCTTY, 0));
    OK(open("/dev/tty", O_RDWR));
    TRUE(tcgetpgrp(slave) == getpgrp());
    TRUE(tcgetsid(slave) == getpid());
    for (int i = 1; i < 32; i++)
      if (i != SIGKILL && i != SIGSTOP && i != SIGCHLD) signal(i, note);
    type("\003"), sleep_ms(20);
    type("\034"), sleep_ms(20);
    type("\032"), sleep_ms(20);
    struct winsize w = {30, 90, 0, 0};
    ioctl(master, TIOCSWINSZ, &w), sleep_ms(20);
    printf("INT %d QUIT %d TSTP %d WINCH %d\n", got[SIGINT], got[SIGQUIT], got[SIGTSTP], got[SIGWINCH]);
    tcflush(slave, TCIOFLUSH);
    int status;
    pid_t job = fork();
    if (job == 0) {
      signal(SIGTTIN, SIG_DFL), signal(SIGTTOU, SIG_DFL);
      setpgid(0, 0);
      char c;
      read(slave, &c, 1);
      printf("background read went on with %c\n", c);
      struct termios t;
      tcgetattr(slave, &t);
      tcsetattr(slave, TCSANOW, &t);
      _exit(4);
    }
    setpgid(job, job);
    waitpid(job, &status, WUNTRACED);
    print_status("background read", status);
    CHECK(tcsetpgrp(slave, job));
    type("z\n");
    kill(job, SIGCONT);
    waitpid(job, &status, WUNTRACED);
    print_status("foreground job", status);
    signal(SIGTTOU, SIG_IGN);
    CHECK(tcsetpgrp(slave, getpgrp()));
    CHECK(tcsetpgrp(slave, 99999));
    pid_t orphan = fork();
    if (orphan == 0) {
      signal(SIGTTIN, SIG_IGN);
      setpgid(0, 0);
      char c;
      CHECK(read(slave, &c, 1));
      _exit(0);
    }
    waitpid(orphan, &status, 0);
    signal(SIGHUP, SIG_DFL);
    CHECK(setpgid(0, 0));
    fflush(stdout);
    close(master);
    pause();
    _exit(0);
  }
  int status;
  close(master);
  waitpid(session, &status, 0);
  print_status("session leader after hang-up", status);
  char c;
  CHECK(read(slave, &c, 1));
  CHECK(write(slave, &c, 1));
  struct pollfd p = {slave, POLLIN | POLLOUT, 0};
  CHECK(poll(&p, 1, 0));
  printf("revents %x\n", p.revents);
}

static void slave_closes(void) {
  open_pair();
  char buf[10];
  MUST(write(slave, "last", 4));
  close(slave);
  CHECK(read(master, buf, 10));
  CHECK(read(master, buf, 10));
  struct pollfd p = {master, POLLIN | POLLOUT, 0};
  CHECK(poll(&p, 1, 0));
  printf("revents %x\n", p.revents);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  open_pair();
  canonical();
  raw();
  sizes();
  job_control();
  slave_closes();
  return 0;
}

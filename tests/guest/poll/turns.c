// Who gets what several wait for: readers of a pipe, accept(2) and recv(2) of datagrams serve first who has waited longest, writers of a
// full pipe too. A pipe with one byte is a lock in many programs, which starves those that wait when it is not fair.
#include "../guest.h"
#include <sys/socket.h>
#include <sys/un.h>

#define WAITERS 4

struct turns {
  volatile int count;
  volatile int who[64];
};

static struct turns *turns;

// Asleep in its call; what it does before is not a wait.
static void await_sleep(pid_t pid) {
  char path[40], text[200];
  sprintf(path, "/proc/%d/stat", pid);
  for (int quiet = 0; quiet < 3;) {
    int fd = MUST(open(path, O_RDONLY));
    text[MUST(read(fd, text, sizeof text - 1))] = 0;
    close(fd);
    quiet = strrchr(text, ')')[2] == 'S' ? quiet + 1 : 0;
    sleep_ms(1);
  }
}

static void await_turns(int count) {
  while (turns->count < count) sleep_ms(1);
}

static void show(const char *what, pid_t *children, int give(int), int fd) {
  turns->count = 0;
  for (int i = 0; i < WAITERS * 3; i++) {
    for (int j = 0; j < WAITERS; j++) await_sleep(children[j]);
    give(fd);
    await_turns(i + 1);
  }
  printf("%s:", what);
  for (int i = 0; i < WAITERS * 3; i++) printf(" %d", turns->who[i]);
  printf("\n");
  for (int i = 0; i < WAITERS; i++) kill(children[i], SIGKILL), waitpid(children[i], NULL, 0);
}

static void waiters(pid_t *children, int take(int), int fd) {
  fflush(stdout);
  for (int i = 0; i < WAITERS; i++) {
    children[i] = MUST(fork());
    while (children[i] == 0) {
      if (take(fd) == -1) _exit(1);
      turns->who[turns->count] = i;
      turns->count++;
    }
    await_sleep(children[i]);
  }
}

static int take_byte(int fd) {
  char byte;
  return read(fd, &byte, 1);
}

static int give_byte(int fd) {
  return MUST(write(fd, "x", 1));
}

static int take_page(int fd) {
  static char page[PAGE];
  return MUST(read(fd, page, PAGE));
}

static int give_page(int fd) {
  static char page[PAGE];
  return write(fd, page, PAGE);
}

static int take_connection(int fd) {
  int got = accept(fd, NULL, NULL);
  close(got);
  return got;
}

static int give_connection(int fd) {
  struct sockaddr_un name;
  socklen_t length = sizeof name;
  getsockname(fd, (void *)&name, &length);
  int client = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
  MUST(connect(client, (void *)&name, length));
  return close(client);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  pid_t children[WAITERS];
  int fds[2];
  scratch();
  turns = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

  MUST(pipe(fds));
  waiters(children, take_byte, fds[0]);
  show("readers of a pipe", children, give_byte, fds[1]);

  MUST(pipe(fds));
  for (int i = 0; i < 16; i++) give_page(fds[1]);
  waiters(children, give_page, fds[1]);
  show("writers of a pipe", children, take_page, fds[0]);

  int listener = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
  MUST(bind(listener, (void *)&(struct sockaddr_un){.sun_family = AF_UNIX}, 2));
  MUST(listen(listener, 5));
  waiters(children, take_connection, listener);
  show("accept", children, give_connection, listener);

  MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds));
  waiters(children, take_byte, fds[0]);
  show("datagrams", children, give_byte, fds[1]);
  return 0;
}

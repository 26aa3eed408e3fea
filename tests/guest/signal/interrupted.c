// signal(7), "Interruption of system calls": what each blocking call does when a handler with and without SA_RESTART runs, and when its
// process is stopped and continued. A call that starts again is then given what it waits for.
#include "../guest.h"
#include <linux/futex.h>
#include <mqueue.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>

static struct {
  volatile int started, handled, word;
} *shared;

static int pipes[2], full[2], pair[2], stuffed[2], slow[2], listener, event, timer, watch, epoll, locked, sems, msgs, signals;
static mqd_t queue;
static char buffer[4096];
static struct timespec long_time = {100, 0};

static long do_read(void) { return read(pipes[0], buffer, 1); }
static long do_readv(void) { return readv(pipes[0], &(struct iovec){buffer, 1}, 1); }
static long do_write(void) { return write(full[1], buffer, 1); }
static long do_open(void) { return open("fifo", O_RDONLY) >= 0 ? 1 : -1; }
static long do_poll(void) { return poll(&(struct pollfd){pipes[0], POLLIN, 0}, 1, 100000); }
static long do_poll_forever(void) { return poll(&(struct pollfd){pipes[0], POLLIN, 0}, 1, -1); }
static long do_ppoll(void) { return ppoll(&(struct pollfd){pipes[0], POLLIN, 0}, 1, &(struct timespec){100, 0}, NULL); }
static long do_select(void) {
  fd_set set;
  FD_ZERO(&set);
  FD_SET(pipes[0], &set);
  return select(pipes[0] + 1, &set, NULL, NULL, &(struct timeval){100, 0});
}
static long do_pselect(void) {
  fd_set set;
  FD_ZERO(&set);
  FD_SET(pipes[0], &set);
  return pselect(pipes[0] + 1, &set, NULL, NULL, &long_time, NULL);
}
static long do_epoll(void) { return epoll_wait(epoll, &(struct epoll_event){0}, 1, 100000); }
static long do_epoll_forever(void) { return epoll_wait(epoll, &(struct epoll_event){0}, 1, -1); }
static long do_recv(void) { return recv(pair[0], buffer, 1, 0); }
static long do_recvmsg(void) { return recvmsg(pair[0], &(struct msghdr){.msg_iov = &(struct iovec){buffer, 1}, .msg_iovlen = 1}, 0); }
static long do_recv_limited(void) { return recv(slow[0], buffer, 1, 0); }
static long do_send(void) { return send(stuffed[0], buffer, 1, MSG_NOSIGNAL); }
static long do_accept(void) { return accept(listener, NULL, NULL) >= 0 ? 1 : -1; }
static long do_eventfd(void) { return read(event, buffer, 8); }
static long do_timerfd(void) { return read(timer, buffer, 8); }
static long do_inotify(void) { return read(watch, buffer, sizeof buffer) > 0 ? 1 : -1; }
static long do_signalfd(void) { return read(signals, buffer, sizeof buffer) > 0 ? 1 : -1; }
static long do_flock(void) { return flock(locked, LOCK_EX); }
static long do_setlkw(void) { return fcntl(locked, F_SETLKW, &(struct flock){.l_type = F_WRLCK}); }
static long do_ofd(void) { return fcntl(locked, F_OFD_SETLKW, &(struct flock){.l_type = F_WRLCK}); }
static long do_semop(void) { return semop(sems, &(struct sembuf){0, -1, 0}, 1); }
static long do_semtimedop(void) { return semtimedop(sems, &(struct sembuf){0, -1, 0}, 1, &long_time); }
static long do_msgrcv(void) { return msgrcv(msgs, buffer, 1, 1, 0); }
static long do_msgsnd(void) { return msgsnd(msgs, &(struct { long type; char text[8]; }){2, ""}, 8, 0); }
static long do_mq(void) { return mq_receive(queue, buffer, 64, NULL); }
static long do_futex(void) { return syscall(SYS_futex, &shared->word, FUTEX_WAIT, 0, NULL, NULL, 0); }
static long do_futex_timed(void) { return syscall(SYS_futex, &shared->word, FUTEX_WAIT, 0, &long_time, NULL, 0); }
static long do_nanosleep(void) { return nanosleep(&(struct timespec){1, 0}, NULL); }
static long do_sleep_until(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  t.tv_sec++;
  return -clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}
static long do_sigtimedwait(void) {
  sigset_t set;
  sigemptyset(&set), sigaddset(&set, SIGUSR2);
  return sigtimedwait(&set, NULL, &long_time);
}
static long do_sigsuspend(void) {
  sigset_t set;
  sigemptyset(&set);
  return sigsuspend(&set);
}
static long do_pause(void) { return pause(); }
static long do_wait(void) {
  if (fork() == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (shared->word == 0) sleep_ms(1);
    _exit(0);
  }
  return wait(NULL) > 0 ? 1 : -1;
}
static long do_waitid(void) {
  if (fork() == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (shared->word == 0) sleep_ms(1);
    _exit(0);
  }
  return waitid(P_ALL, 0, NULL, WEXITED);
}

static pid_t child;

static void give_byte(void) { write(pipes[1], "x", 1); }
static void take_all(void) { while (read(full[0], buffer, sizeof buffer) == sizeof buffer) {} }
static void open_fifo(void) { close(MUST(open("fifo", O_RDWR))); }
static void give_message(void) { send(pair[1], "x", 1, 0); }
static void give_slowly(void) { send(slow[1], "x", 1, 0); }
static void take_messages(void) { while (recv(stuffed[1], buffer, sizeof buffer, MSG_DONTWAIT) > 0) {} }
static void make_connection(void) {
  struct sockaddr_un name = {AF_UNIX, "socket"};
  int fd = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
  MUST(connect(fd, (void *)&name, sizeof name));
  close(fd);
}
static void count_event(void) { write(event, &(uint64_t){1}, 8); }
static void start_timer(void) { timerfd_settime(timer, 0, &(struct itimerspec){{0, 0}, {0, 1}}, NULL); }
static void change_file(void) { close(open("fifo.watched", O_CREAT | O_RDWR, 0600)); }
static void send_signal(void) { kill(child, SIGUSR2); }
static int holder = -1;
static void unlock(void) { flock(holder, LOCK_UN); }
// The child may have got it, on a description that is the parent's too.
static void unlock_all(void) { flock(holder, LOCK_UN), flock(locked, LOCK_UN); }
static void unlock_range(void) { fcntl(holder, F_OFD_SETLK, &(struct flock){.l_type = F_UNLCK}); }
static void unlock_ranges(void) { unlock_range(), fcntl(locked, F_OFD_SETLK, &(struct flock){.l_type = F_UNLCK}); }
static void raise_semaphore(void) { semop(sems, &(struct sembuf){0, 1, 0}, 1); }
static void queue_message(void) { msgsnd(msgs, &(struct { long type; char text[1]; }){1, ""}, 1, 0); }
static void empty_messages(void) { while (msgrcv(msgs, buffer, sizeof buffer - 8, 2, IPC_NOWAIT) >= 0) {} }
static void fill_messages(void) { while (msgsnd(msgs, &(struct { long type; char text[512]; }){2, ""}, 512, IPC_NOWAIT) == 0) {} }
static void post(void) { mq_send(queue, "x", 1, 0); }
static void wake_futex(void) { shared->word = 1, syscall(SYS_futex, &shared->word, FUTEX_WAKE, 1, NULL, NULL, 0); }
static void set_word(void) { shared->word = 1; }
static void nothing(void) {}

static void lock(void) { MUST(flock(holder, LOCK_EX)); }
static void lock_range(void) { MUST(fcntl(holder, F_OFD_SETLK, &(struct flock){.l_type = F_WRLCK})); }

static const struct {
  const char *name;
  long (*call)(void);
  void (*finish)(void), (*before)(void), (*after)(void);
} cases[] = {
    {"read", do_read, give_byte, NULL, NULL},
    {"readv", do_readv, give_byte, NULL, NULL},
    {"write", do_write, take_all, NULL, NULL},
    {"open of a FIFO", do_open, open_fifo, NULL, NULL},
    {"poll", do_poll, give_byte, NULL, NULL},
    {"poll without timeout", do_poll_forever, give_byte, NULL, NULL},
    {"ppoll", do_ppoll, give_byte, NULL, NULL},
    {"select", do_select, give_byte, NULL, NULL},
    {"pselect", do_pselect, give_byte, NULL, NULL},
    {"epoll_wait", do_epoll, give_byte, NULL, NULL},
    {"epoll_wait without timeout", do_epoll_forever, give_byte, NULL, NULL},
    {"recv", do_recv, give_message, NULL, NULL},
    {"recvmsg", do_recvmsg, give_message, NULL, NULL},
    {"recv with SO_RCVTIMEO", do_recv_limited, give_slowly, NULL, NULL},
    {"send", do_send, take_messages, NULL, NULL},
    {"accept", do_accept, make_connection, NULL, NULL},
    {"eventfd", do_eventfd, count_event, NULL, NULL},
    {"timerfd", do_timerfd, start_timer, NULL, NULL},
    {"inotify", do_inotify, change_file, NULL, NULL},
    {"signalfd", do_signalfd, send_signal, NULL, NULL},
    {"flock", do_flock, unlock, lock, unlock_all},
    {"F_SETLKW", do_setlkw, unlock_range, lock_range, unlock_ranges},
    {"F_OFD_SETLKW", do_ofd, unlock_range, lock_range, unlock_ranges},
    {"semop", do_semop, raise_semaphore, NULL, NULL},
    {"semtimedop", do_semtimedop, raise_semaphore, NULL, NULL},
    {"msgrcv", do_msgrcv, queue_message, NULL, NULL},
    {"msgsnd", do_msgsnd, empty_messages, fill_messages, empty_messages},
    {"mq_receive", do_mq, post, NULL, NULL},
    {"futex", do_futex, wake_futex, NULL, NULL},
    {"futex with timeout", do_futex_timed, wake_futex, NULL, NULL},
    {"nanosleep", do_nanosleep, nothing, NULL, NULL},
    {"clock_nanosleep", do_sleep_until, nothing, NULL, NULL},
    {"sigtimedwait", do_sigtimedwait, send_signal, NULL, NULL},
    {"sigsuspend", do_sigsuspend, send_signal, NULL, NULL},
    {"pause", do_pause, send_signal, NULL, NULL},
    {"wait", do_wait, set_word, NULL, NULL},
    {"waitid", do_waitid, set_word, NULL, NULL},
};

static void on_signal(int signal) {
  (void)signal;
  shared->handled = 1;
}

static void set_up(void) {
  shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  MUST(pipe(pipes));
  MUST(pipe(full));
  MUST(fcntl(full[0], F_SETFL, O_NONBLOCK));
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, slow));
  MUST(setsockopt(slow[0], SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){100, 0}, sizeof(struct timeval)));
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, stuffed));
  MUST(mkfifo("fifo", 0600));
  struct sockaddr_un name = {AF_UNIX, "socket"};
  listener = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
  MUST(bind(listener, (void *)&name, sizeof name));
  MUST(listen(listener, 9));
  event = MUST(eventfd(0, 0));
  timer = MUST(timerfd_create(CLOCK_MONOTONIC, 0));
  watch = MUST(inotify_init1(0));
  MUST(inotify_add_watch(watch, ".", IN_CREATE | IN_OPEN));
  epoll = MUST(epoll_create1(0));
  MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, pipes[0], &(struct epoll_event){.events = EPOLLIN}));
  locked = MUST(open("locked", O_CREAT | O_RDWR, 0600));
  holder = MUST(open("locked", O_RDWR));
  sems = MUST(semget(IPC_PRIVATE, 1, 0600));
  MUST(semctl(sems, 0, SETVAL, 0));
  msgs = MUST(msgget(IPC_PRIVATE, 0600));
  char queue_name[40];
  sprintf(queue_name, "/guest.%d", getpid());
  struct mq_attr attributes = {.mq_maxmsg = 2, .mq_msgsize = 64};
  queue = MUST(mq_open(queue_name, O_CREAT | O_RDWR, 0600, &attributes));
  mq_unlink(queue_name);
  sigset_t set;
  sigemptyset(&set), sigaddset(&set, SIGUSR2);
  signals = MUST(signalfd(-1, &set, 0));
}

// What earlier cases left behind.
static void drain(void) {
  static int *const readable[] = {&pipes[0], &pair[0], &slow[0], &event, &watch};
  for (int i = 0; i < 5; i++)
    while (poll(&(struct pollfd){*readable[i], POLLIN, 0}, 1, 0) > 0) read(*readable[i], buffer, sizeof buffer);
  timerfd_settime(timer, 0, &(struct itimerspec){0}, NULL);
  semctl(sems, 0, SETVAL, 0);
  while (msgrcv(msgs, buffer, sizeof buffer - 8, 0, IPC_NOWAIT) >= 0) {
  }
  fcntl(full[1], F_SETFL, O_NONBLOCK);
  while (write(full[1], buffer, sizeof buffer) > 0) {
  }
  fcntl(full[1], F_SETFL, 0);
  while (send(stuffed[0], buffer, sizeof buffer, MSG_DONTWAIT) > 0) {
  }
  int flags = fcntl(listener, F_GETFL);
  fcntl(listener, F_SETFL, flags | O_NONBLOCK);
  for (int fd; (fd = accept(listener, NULL, NULL)) >= 0;) close(fd);
  fcntl(listener, F_SETFL, flags);
  shared->started = shared->handled = shared->word = 0;
}

static char state_of(pid_t pid) {
  char path[40], text[256] = "";
  sprintf(path, "/proc/%d/stat", pid);
  int fd = open(path, O_RDONLY);
  if (fd < 0) return 0;
  read(fd, text, sizeof text - 1);
  close(fd);
  char *end = strrchr(text, ')');
  return end == NULL ? 0 : end[2];
}

// Until the child sleeps twice in a row, or is gone.
static void wait_sleep(void) {
  for (int seen = 0; seen < 2;) {
    char state = state_of(child);
    if (state == 0 || state == 'Z') return;
    seen = state == 'S' ? seen + 1 : 0;
    sleep_ms(3);
  }
}

enum { STOPS, HANDLES, RESTARTS };

static void run(int index, int mode) {
  drain();
  if (cases[index].before != NULL) cases[index].before();
  fflush(stdout);
  child = MUST(fork());
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = mode == RESTARTS ? SA_RESTART : 0};
    sigaction(SIGUSR1, &action, NULL);
    sigset_t set;
    sigemptyset(&set), sigaddset(&set, SIGUSR2);
    // Where SIGUSR2 ends the call, its handler runs.
    if (cases[index].call == do_pause || cases[index].call == do_sigsuspend) sigaction(SIGUSR2, &action, NULL);
    else sigprocmask(SIG_BLOCK, &set, NULL);
    shared->started = 1;
    errno = 0;
    long result = cases[index].call();
    printf("%s %ld%s%s", mode == STOPS ? "  stopped" : mode == HANDLES ? ", handled" : ", restarting", result, result < 0 ? " " : "",
           result < 0 ? strerrorname_np(errno ? errno : -(int)result) : "");
    fflush(stdout);
    _exit(0);
  }
  while (!shared->started) sleep_ms(1);
  wait_sleep();
  int status;
  if (mode == STOPS) {
    kill(child, SIGSTOP);
    MUST(waitpid(child, &status, WUNTRACED));
    if (!WIFSTOPPED(status)) printf("did not stop ");
    kill(child, SIGCONT);
    if (waitpid(child, &status, WCONTINUED) == child && !WIFCONTINUED(status)) return;
  } else {
    kill(child, SIGUSR1);
    while (!shared->handled && state_of(child) != 'Z') sleep_ms(1);
  }
  wait_sleep();
  if (state_of(child) == 'S') cases[index].finish();
  MUST(waitpid(child, &status, 0));
  if (cases[index].after != NULL) cases[index].after();
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  scratch();
  sigset_t set;
  sigemptyset(&set), sigaddset(&set, SIGUSR2);
  set_up();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    printf("%s\n", cases[i].name);
    for (int mode = STOPS; mode <= RESTARTS; mode++) run(i, mode);
    printf("\n");
  }
  semctl(sems, 0, IPC_RMID);
  msgctl(msgs, IPC_RMID, NULL);
  return 0;
}

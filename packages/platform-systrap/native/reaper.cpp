// The reaper: a thread that sleeps until a stub dies, from outside or by its own fault, and tells the sentry through the pipe in
// which managers report, so that nobody waits for the answer of the dead, and by the doorbell.
#include "engine.h"

#include <cerrno>
#include <climits>
#include <csignal>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace stub {

constexpr uint64_t kStop = ~uint64_t{0};

static void Tell(Engine& engine, uint32_t space) {
  const Report report{space, kDeath};
  engine.deaths.fetch_add(1);
  while (write(engine.report[1], &report, sizeof report) < 0 && errno == EINTR) continue;
  __atomic_fetch_add(engine.bell(), 1, __ATOMIC_SEQ_CST);
  syscall(SYS_futex, engine.bell(), FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

static void* Run(void* argument) {
  auto& engine = *static_cast<Engine*>(argument);
  pthread_setname_np(pthread_self(), "systrap-reaper");
  for (;;) {
    epoll_event events[16];
    const int count = epoll_wait(engine.reaperEpoll, events, 16, -1);
    if (count < 0 && errno != EINTR) return nullptr;
    for (int i = 0; i < count; i++) {
      if (events[i].data.u64 == kStop) return nullptr;
      Tell(engine, static_cast<uint32_t>(events[i].data.u64));
    }
  }
}

static int Add(Engine& engine, int fd, uint32_t events, uint64_t data) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = data;
  return epoll_ctl(engine.reaperEpoll, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

int WatchDeath(Engine& engine, int space) {
  return Add(engine, engine.spaces[space].pidfd, EPOLLIN | EPOLLONESHOT, static_cast<uint64_t>(space));
}

int StartReaper(Engine& engine) {
  engine.reaperEpoll = epoll_create1(EPOLL_CLOEXEC);
  engine.reaperStop = eventfd(0, EFD_CLOEXEC);
  if (engine.reaperEpoll < 0 || engine.reaperStop < 0) return -errno;
  int error = Add(engine, engine.reaperStop, EPOLLIN, kStop);
  if (error != 0) return error;
  sigset_t all;
  sigset_t old;
  sigfillset(&all);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 64 * 1024);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  error = pthread_create(&engine.reaper, &attributes, Run, &engine);
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  pthread_attr_destroy(&attributes);
  engine.reaping = error == 0;
  return -error;
}

void StopReaper(Engine& engine) {
  const uint64_t one = 1;
  if (engine.reaping && write(engine.reaperStop, &one, sizeof one) == sizeof one) pthread_join(engine.reaper, nullptr);
  engine.reaping = false;
  for (int* fd : {&engine.reaperEpoll, &engine.reaperStop}) {
    if (*fd >= 0) close(*fd);
    *fd = -1;
  }
}

}  // namespace stub

// The watcher: a thread that turns host readiness into a bell, because the sentry has one place to wait and that is its
// platform. The sentry's descriptors are in an inner epoll set; the thread sleeps on an outer one, in which the inner set is
// armed for one event (EPOLLONESHOT). When it fires: flag in the argument page, then the bell. The sentry drains the inner set
// itself and arms it again, so that the thread can't spin while events stay unread. A timerfd in the outer set rings the
// bell without setting the flag: that is how a platform gets its deadline.
#include "state.h"

#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace host {

constexpr size_t kPendingFlag = 1024;

enum Source : uint32_t { kInner, kTimer, kStop };

struct Watcher {
  int inner = -1;
  int outer = -1;
  int timer = -1;
  int stop = -1;
  std::atomic<uint32_t>* pending = nullptr;
  std::atomic<uint64_t> futex{0};
  std::atomic<int> pid{0};
  std::atomic<int> signal{0};
  pthread_t thread{};
  bool running = false;
};

static void Ring(Watcher& watcher) {
  const uint64_t address = watcher.futex.load();
  if (address != 0) {
    auto* word = reinterpret_cast<std::atomic<uint32_t>*>(address);
    word->fetch_add(1);
    syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
  }
  const int pid = watcher.pid.load();
  if (pid > 0) kill(pid, watcher.signal.load());
}

static void* Run(void* argument) {
  Watcher& watcher = *static_cast<Watcher*>(argument);
  pthread_setname_np(pthread_self(), "host-watcher");
  for (;;) {
    epoll_event events[4];
    const int count = epoll_wait(watcher.outer, events, 4, -1);
    if (count < 0 && errno != EINTR) return nullptr;
    for (int i = 0; i < count; i++) {
      uint64_t ticks;
      if (events[i].data.u32 == kStop) return nullptr;
      if (events[i].data.u32 == kInner) watcher.pending->store(1);
      if (events[i].data.u32 == kTimer && read(watcher.timer, &ticks, sizeof ticks) < 0) continue;
      Ring(watcher);
    }
  }
}

static bool AddSource(Watcher& watcher, int fd, uint32_t events, Source source) {
  epoll_event event{};
  event.events = events;
  event.data.u32 = source;
  return epoll_ctl(watcher.outer, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool OpenFiles(Watcher& watcher) {
  watcher.inner = epoll_create1(EPOLL_CLOEXEC);
  watcher.outer = epoll_create1(EPOLL_CLOEXEC);
  watcher.timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  watcher.stop = eventfd(0, EFD_CLOEXEC);
  if (watcher.inner < 0 || watcher.outer < 0 || watcher.timer < 0 || watcher.stop < 0) return false;
  return AddSource(watcher, watcher.inner, EPOLLIN | EPOLLONESHOT, kInner) &&
         AddSource(watcher, watcher.timer, EPOLLIN, kTimer) && AddSource(watcher, watcher.stop, EPOLLIN, kStop);
}

// The thread takes no signal: those belong to Node's main thread.
static int StartThread(Watcher& watcher) {
  sigset_t all;
  sigset_t old;
  sigfillset(&all);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 64 * 1024);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  const int error = pthread_create(&watcher.thread, &attributes, Run, &watcher);
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  pthread_attr_destroy(&attributes);
  watcher.running = error == 0;
  return error;
}

// results: inner epoll descriptor, outer one.
int64_t WatcherOpen(State& state) {
  if (state.watcher != nullptr) return -EBUSY;
  auto* watcher = new Watcher();
  state.watcher = watcher;
  watcher->pending = reinterpret_cast<std::atomic<uint32_t>*>(state.page + kPendingFlag);
  watcher->pending->store(0);
  if (!OpenFiles(*watcher)) {
    const int error = errno;
    WatcherClose(state);
    return -error;
  }
  const int error = StartThread(*watcher);
  if (error != 0) {
    WatcherClose(state);
    return -error;
  }
  state.results()[0] = watcher->inner;
  state.results()[1] = watcher->outer;
  return 0;
}

// args: futex address, pid, signal.
int64_t WatcherBell(State& state) {
  if (state.watcher == nullptr) return -EBADF;
  state.watcher->signal.store(static_cast<int>(state.arg(2)));
  state.watcher->pid.store(static_cast<int>(state.arg(1)));
  state.watcher->futex.store(static_cast<uint64_t>(state.arg(0)));
  return 0;
}

// Sets the flag and rings, as if a descriptor had become ready.
int64_t WatcherRing(State& state) {
  if (state.watcher == nullptr) return -EBADF;
  state.watcher->pending->store(1);
  Ring(*state.watcher);
  return 0;
}

// args: nanoseconds on CLOCK_MONOTONIC (0: never). A time in the past rings at once.
int64_t WatcherDeadline(State& state) {
  if (state.watcher == nullptr) return -EBADF;
  const int64_t at = state.arg(0);
  itimerspec spec{};
  spec.it_value.tv_sec = at / 1000000000;
  spec.it_value.tv_nsec = at % 1000000000;
  return timerfd_settime(state.watcher->timer, TFD_TIMER_ABSTIME, &spec, nullptr) == 0 ? 0 : -errno;
}

int64_t WatcherClose(State& state) {
  Watcher* watcher = state.watcher;
  if (watcher == nullptr) return 0;
  if (watcher->running) {
    const uint64_t one = 1;
    if (write(watcher->stop, &one, sizeof one) == sizeof one) pthread_join(watcher->thread, nullptr);
  }
  for (const int fd : {watcher->inner, watcher->outer, watcher->timer, watcher->stop}) {
    if (fd >= 0) close(fd);
  }
  delete watcher;
  state.watcher = nullptr;
  return 0;
}

}  // namespace host

// The sandbox's clock: one line through (TSC, CLOCK_MONOTONIC) from which the sentry and, through the parameter page, the vDSO both
// read, so that their readings never contradict each other. The line is drawn anew when somebody asks and it is older than a fraction of
// its life; nobody asks, nothing runs. A new line starts no lower than the old one ended: where the host's clock is ahead it jumps
// there, where it is behind it runs slower until they meet. Without a TSC to rely on, every reading is the host's clock_gettime(2).
#include "state.h"
#include "vdso/parameters.h"

#include <algorithm>
#include <cerrno>
#include <cpuid.h>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace host {

constexpr int kSecondsResult = 62;  // offset of the wall clock, always current: src/time-keeper.ts
constexpr int kNanosResult = 63;
constexpr int64_t kNanos = 1000000000;
constexpr uint64_t kFirstBaseline = 2000000;
// While the rate is known from a short time only, it is looked at more often.
constexpr uint64_t kShortLife = 20000000;
constexpr uint64_t kLife = 250000000;
constexpr uint64_t kGoodBaseline = 200000000;
constexpr uint64_t kLongBaseline = 16 * uint64_t{kNanos};
// Differences of the wall clock below this are noise of the measurement; steps are what people do.
constexpr int64_t kWallNoise = 2000;
constexpr int64_t kSkewLimit = 2000;
constexpr uint64_t kExactDouble = (uint64_t{1} << 53) - (uint64_t{1} << 41);
constexpr uint32_t kCoarseResolution = 4000000;

struct Sample {
  uint64_t tsc;
  uint64_t monotonic;
  int64_t wall;  // CLOCK_REALTIME - CLOCK_MONOTONIC
  uint64_t window;
};

struct Clock {
  // Virtual time: monotonic = virtual_base + (host - host_base) * scale >> 32, and a wall clock at a fixed distance from it.
  bool is_virtual = false;
  uint64_t scale = uint64_t{1} << 32;
  uint64_t host_base = 0;
  uint64_t virtual_base = 0;
  int64_t virtual_wall = 0;
  bool tsc = false;
  bool doubtful = false;
  volatile vdso_parameters* page = nullptr;
  vdso_parameters line{};  // what the page says, out of the reach of others
  uint64_t refresh = 0;    // ticks, below line.limit
  Sample reference{};
  Sample next_reference{};
  int64_t wall = 0;
  uint64_t wall_checked = 0;
};

static int64_t Read(clockid_t clock) {
  timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec * kNanos + t.tv_nsec;
}

// CLOCK_MONOTONIC of the host as this clock has it.
static int64_t ReadMonotonic(const Clock& clock) {
  const int64_t host = Read(CLOCK_MONOTONIC);
  if (!clock.is_virtual) return host;
  const uint64_t passed = static_cast<uint64_t>(host) - clock.host_base;
  return static_cast<int64_t>(clock.virtual_base + static_cast<uint64_t>((static_cast<unsigned __int128>(passed) * clock.scale) >> 32));
}

// A time of the host's in this clock's ns.
static uint64_t Scaled(const Clock& clock, uint64_t nanos) {
  return static_cast<uint64_t>((static_cast<unsigned __int128>(nanos) * clock.scale) >> 32);
}

static Sample TakeOne(const Clock& clock) {
  const uint64_t before = vdso_ticks();
  const int64_t monotonic = ReadMonotonic(clock);
  const uint64_t between = vdso_ticks();
  const int64_t wall = Read(CLOCK_REALTIME);
  const int64_t again = Read(CLOCK_MONOTONIC);
  const uint64_t after = vdso_ticks();
  const int64_t offset = clock.is_virtual ? clock.virtual_wall : wall - (monotonic + again) / 2;
  return {before + (between - before) / 2, static_cast<uint64_t>(monotonic), offset, after - before};
}

// The one that was disturbed least.
static Sample Take(const Clock& clock, int tries) {
  Sample best = TakeOne(clock);
  for (int i = 1; i < tries; i++) {
    const Sample sample = TakeOne(clock);
    if (sample.window <= best.window) best = sample;
  }
  return best;
}

static void SetWall(State& state, Clock& clock, int64_t wall) {
  clock.wall = wall & ~int64_t{15};
  for (int id = 0; id < VDSO_CLOCKS; id++) {
    clock.line.offset[id] = (VDSO_REALTIME_MASK >> id & 1) != 0 ? clock.wall : 0;
  }
  // Rounded down: the nanoseconds are never negative.
  const int64_t seconds = clock.wall / kNanos - (clock.wall % kNanos < 0 ? 1 : 0);
  state.results()[kSecondsResult] = static_cast<double>(seconds);
  state.results()[kNanosResult] = static_cast<double>(clock.wall - seconds * kNanos);
}

static uint64_t ToTicks(uint64_t nanos, uint64_t mult) {
  return static_cast<uint64_t>((static_cast<unsigned __int128>(nanos) << 32) / mult);
}

static uint64_t RateBetween(const Sample& from, const Sample& to) {
  return static_cast<uint64_t>((static_cast<unsigned __int128>(to.monotonic - from.monotonic) << 32) / (to.tsc - from.tsc));
}

static uint64_t MaskFor(uint64_t nanos) { return nanos < kExactDouble ? ~uint64_t{0} : ~uint64_t{15}; }

// Readers see an odd number, or all of the old line, or all of the new one.
static void BeginWrite(Clock& clock) {
  if (clock.page == nullptr) return;
  clock.page->sequence = ++clock.line.sequence;
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void EndWrite(Clock& clock) {
  if (clock.page == nullptr) return;
  volatile vdso_parameters& page = *clock.page;
  const vdso_parameters& line = clock.line;
  page.cpu_source = line.cpu_source;
  page.limit = line.limit;
  page.tsc_base = line.tsc_base;
  page.mult = line.mult;
  page.base = line.base;
  page.mask = line.mask;
  for (int id = 0; id < VDSO_CLOCKS; id++) page.offset[id] = line.offset[id];
  page.coarse_resolution = line.coarse_resolution;
  page.processors = line.processors;
  page.random_generation = line.random_generation;
  __atomic_store_n(&page.sequence, ++clock.line.sequence, __ATOMIC_RELEASE);
}

// `rate` in ns per tick, `lowest` the least that the new line may say at the sample.
static void DrawLine(Clock& clock, const Sample& sample, uint64_t rate, uint64_t lowest) {
  const uint64_t baseline = sample.monotonic - clock.reference.monotonic;
  const uint64_t life = Scaled(clock, baseline < Scaled(clock, kGoodBaseline) ? kShortLife : kLife);
  vdso_parameters& line = clock.line;
  line.tsc_base = sample.tsc;
  line.base = std::max(sample.monotonic, lowest);
  // What it is ahead is gone at the end of its life, at 500 ppm at most (a program should see no difference in speed).
  const uint64_t ahead = std::min(line.base - sample.monotonic, life / 2000);
  line.mult = rate - static_cast<uint64_t>(static_cast<unsigned __int128>(rate) * ahead / life);
  line.mask = MaskFor(line.base);
  line.limit = ToTicks(life, rate);
  clock.refresh = ToTicks(life / 5 * 2, rate);
}

// Averages over a longer time are better, as long as the host does not change the speed of its clock meanwhile.
static void KeepReferences(Clock& clock, const Sample& sample) {
  if (sample.monotonic - clock.next_reference.monotonic <= Scaled(clock, kLongBaseline / 2)) return;
  if (sample.monotonic - clock.reference.monotonic > Scaled(clock, kLongBaseline)) clock.reference = clock.next_reference;
  clock.next_reference = sample;
}

static void Refresh(State& state, Clock& clock) {
  BeginWrite(clock);
  vdso_parameters& line = clock.line;
  const uint64_t disturbed = ToTicks(Scaled(clock, 5000), line.mult);
  Sample sample = Take(clock, 2);
  for (int i = 0; i < 8 && sample.window > disturbed; i++) sample = Take(clock, 2);
  const bool good = sample.window <= disturbed;
  const uint64_t elapsed = vdso_elapsed(sample.tsc, line.tsc_base);
  // One more than the old line: a reader's TSC may have been read a little after its look at the number.
  const uint64_t lowest = vdso_monotonic(std::min(elapsed, line.limit), line.mult, line.base, ~uint64_t{0}) + 1;
  uint64_t rate = line.mult;
  if (sample.tsc <= clock.reference.tsc) {
    clock.reference = clock.next_reference = sample;
  } else if (good) {
    rate = RateBetween(clock.reference, sample);
  }
  // Nothing that was measured while somebody else had the processor can place the line; the old one goes on for a little.
  if (!good && elapsed < line.limit) sample.monotonic = lowest;
  DrawLine(clock, sample, rate, lowest);
  if (good && std::llabs(sample.wall - clock.wall) > kWallNoise) SetWall(state, clock, sample.wall);
  EndWrite(clock);
  if (good) KeepReferences(clock, sample);
}

static int64_t ReadLine(State& state, Clock& clock) {
  for (;;) {
    const uint64_t elapsed = vdso_elapsed(vdso_ticks(), clock.line.tsc_base);
    if (elapsed < clock.refresh) {
      return static_cast<int64_t>(vdso_monotonic(elapsed, clock.line.mult, clock.line.base, clock.line.mask));
    }
    Refresh(state, clock);
  }
}

static int64_t ReadHost(State& state, Clock& clock) {
  const auto now = static_cast<uint64_t>(ReadMonotonic(clock));
  if (!clock.is_virtual && now - clock.wall_checked > kLife) {
    const Sample sample = Take(clock, 2);
    if (std::llabs(sample.wall - clock.wall) > kWallNoise) SetWall(state, clock, sample.wall);
    clock.wall_checked = now;
  }
  return static_cast<int64_t>(now & MaskFor(now));
}

// ── whether the TSC can be trusted ──

static bool TscIsInvariant() {
  unsigned a, b, c, d;
  int mode = PR_TSC_ENABLE;
  if (prctl(PR_GET_TSC, &mode) == 0 && mode != PR_TSC_ENABLE) return false;
  return __get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d & 1u << 8) != 0;
}

static bool ReadClocksource(char* name, size_t size) {
  FILE* file = fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "re");
  if (file == nullptr) return false;
  const bool got = fgets(name, static_cast<int>(size), file) != nullptr;
  fclose(file);
  name[got ? strcspn(name, "\n") : 0] = 0;
  return got;
}

struct SkewCheck {
  const Clock* clock;
  Sample reference;
  uint64_t rate;
  bool steady;
};

// Visits each processor twice and compares its TSC with the line; on a thread of its own, whose affinity is nobody's business.
static void* VisitProcessors(void* data) {
  auto& check = *static_cast<SkewCheck*>(data);
  cpu_set_t all;
  if (sched_getaffinity(0, sizeof all, &all) != 0) return nullptr;
  check.steady = true;
  for (int visit = 0; visit < 2; visit++) {
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
      if (!CPU_ISSET(cpu, &all)) continue;
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(cpu, &one);
      if (sched_setaffinity(0, sizeof one, &one) != 0) continue;
      const Sample sample = Take(*check.clock, 4);
      const int64_t expected = static_cast<int64_t>(
          vdso_monotonic(sample.tsc - check.reference.tsc, check.rate, check.reference.monotonic, ~uint64_t{0}));
      if (std::llabs(expected - static_cast<int64_t>(sample.monotonic)) > kSkewLimit) check.steady = false;
    }
  }
  return nullptr;
}

static bool SteadyEverywhere(const Clock& clock, const Sample& reference, uint64_t rate) {
  SkewCheck check{&clock, reference, rate, false};
  pthread_t thread;
  if (pthread_create(&thread, nullptr, VisitProcessors, &check) != 0) return false;
  pthread_join(thread, nullptr);
  return check.steady;
}

// ── where the processor's number comes from ──

static bool TellsProcessor(uint32_t source) {
  for (int i = 0; i < 8; i++) {
    unsigned before = 0, after = 0;
    if (syscall(SYS_getcpu, &before, nullptr, nullptr) != 0) return false;
    const uint32_t value = vdso_processor(source);
    if (syscall(SYS_getcpu, &after, nullptr, nullptr) != 0) return false;
    if (before == after) return (value & 0xfff) == before;
  }
  return false;
}

static uint32_t ProcessorSource() {
  unsigned a, b, c, d;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (c & 1u << 22) != 0 && TellsProcessor(VDSO_CPU_RDPID)) {
    return VDSO_CPU_RDPID;
  }
  if (__get_cpuid(0x80000001, &a, &b, &c, &d) != 0 && (d & 1u << 27) != 0 && TellsProcessor(VDSO_CPU_RDTSCP)) {
    return VDSO_CPU_RDTSCP;
  }
  return TellsProcessor(VDSO_CPU_LSL) ? VDSO_CPU_LSL : VDSO_CPU_SYSCALL;
}

// ── verbs ──

// args: 1 to do without the TSC. To be called early, while /sys can be read: the rate is measured from here on. 1: TSC, 0: host calls.
int64_t ClockStart(State& state) {
  if (state.clock != nullptr) return -EBUSY;
  state.clock = new Clock();
  Clock& clock = *state.clock;
  // The thread that reads the clock sleeps for programs' timers: what it oversleeps, they all do. (A thread may be 50 us late by default.)
  prctl(PR_SET_TIMERSLACK, 1);
  char name[32] = "";
  const bool known = ReadClocksource(name, sizeof name);
  const bool refused = known && (strcmp(name, "hpet") == 0 || strcmp(name, "acpi_pm") == 0 || strcmp(name, "jiffies") == 0);
  clock.tsc = state.arg(0) == 0 && !refused && TscIsInvariant();
  clock.doubtful = !known || strcmp(name, "tsc") != 0;
  clock.reference = Take(clock, 16);
  clock.next_reference = clock.reference;
  clock.line.cpu_source = ProcessorSource();
  clock.line.coarse_resolution = kCoarseResolution;
  clock.line.processors = 1;
  clock.line.random_generation = 1;
  SetWall(state, clock, clock.reference.wall);
  clock.wall_checked = clock.reference.monotonic;
  if (!clock.tsc) return 0;
  Sample sample = Take(clock, 4);
  while (sample.monotonic - clock.reference.monotonic < kFirstBaseline) sample = Take(clock, 4);
  const uint64_t rate = RateBetween(clock.reference, sample);
  clock.tsc = rate != 0 && (!clock.doubtful || SteadyEverywhere(clock, clock.reference, rate));
  if (clock.tsc) DrawLine(clock, sample, rate, 0);
  return clock.tsc ? 1 : 0;
}

static uint8_t* PageAt(State& state, int64_t handle, int64_t offset) {
  if (handle < 0 || handle >= static_cast<int64_t>(state.memories.size()) || offset < 0) return nullptr;
  const MemoryFile& memory = state.memories[static_cast<size_t>(handle)];
  const auto at = static_cast<uint64_t>(offset);
  const size_t chunk = at / kChunkBytes;
  if (at % kPageSize != 0 || at + kPageSize > memory.size || chunk >= memory.chunks.size()) return nullptr;
  return memory.chunks[chunk] == nullptr ? nullptr : memory.chunks[chunk] + at % kChunkBytes;
}

// args: memory file, offset of a page in it, processors of the sandbox. From now on that page is kept for the vDSO.
int64_t ClockPublish(State& state) {
  if (state.clock == nullptr) return -EINVAL;
  Clock& clock = *state.clock;
  uint8_t* page = PageAt(state, state.arg(0), state.arg(1));
  if (page == nullptr || state.arg(2) < 1) return -EINVAL;
  clock.line.processors = static_cast<uint32_t>(state.arg(2));
  clock.page = reinterpret_cast<volatile vdso_parameters*>(page);
  BeginWrite(clock);
  EndWrite(clock);
  return clock.tsc ? 1 : 0;
}

// args: speed against the host's clock in 1/2^32, 0 for a clock that the caller moves itself; the wall clock less the monotonic one, as
// seconds and nanoseconds; what the monotonic clock starts at. Before the page is published. The host's CLOCK_MONOTONIC at that moment.
int64_t ClockVirtualize(State& state) {
  if (state.clock == nullptr || state.clock->is_virtual || state.clock->page != nullptr || state.arg(0) < 0) return -EINVAL;
  Clock& clock = *state.clock;
  if (state.arg(0) == 0) {
    // The vDSO has nothing to read from: each of its readings becomes a call.
    clock.tsc = false;
    clock.line.limit = 0;
    return Read(CLOCK_MONOTONIC);
  }
  Sample sample = Take(clock, 16);
  const uint64_t rate = clock.line.mult;
  clock.is_virtual = true;
  clock.scale = static_cast<uint64_t>(state.arg(0));
  clock.host_base = sample.monotonic;
  clock.virtual_base = static_cast<uint64_t>(state.arg(3));
  clock.virtual_wall = state.arg(1) * kNanos + state.arg(2);
  SetWall(state, clock, clock.virtual_wall);
  sample.monotonic = clock.virtual_base;
  sample.wall = clock.virtual_wall;
  clock.reference = clock.next_reference = sample;
  if (clock.tsc) DrawLine(clock, sample, Scaled(clock, rate), 0);
  return static_cast<int64_t>(clock.host_base);
}

// From now on the vDSO asks the kernel for the processor: programs have asked for certain ones.
int64_t ClockHideProcessor(State& state) {
  if (state.clock == nullptr) return -EINVAL;
  BeginWrite(*state.clock);
  state.clock->line.cpu_source = VDSO_CPU_SYSCALL;
  EndWrite(*state.clock);
  return 0;
}

// CLOCK_MONOTONIC of the sandbox, ns.
int64_t ClockRead(State& state) {
  if (state.clock == nullptr) return Read(CLOCK_MONOTONIC);
  return state.clock->tsc ? ReadLine(state, *state.clock) : ReadHost(state, *state.clock);
}

void ClockFree(State& state) {
  delete state.clock;
  state.clock = nullptr;
}

}  // namespace host

/* The guest's vDSO (vdso(7)): clocks and the processor's number without a system call. Freestanding, position-independent without
 * relocations, no data of its own. What it can't answer it asks the kernel; results are 0 or -errno, as from the kernel, and a bad
 * pointer faults, as in Linux's. COARSE clocks are as fine as the others: nothing ticks here that could keep a coarse value. */
#include "parameters.h"

#define EXPORT __attribute__((visibility("default")))
#define ALIAS(name) __attribute__((visibility("default"), weak, alias(#name)))
#define LIKELY(x) __builtin_expect(!!(x), 1)

#define NANOS 1000000000u
#define SYS_time 201
#define SYS_clock_gettime 228
#define SYS_clock_getres 229
#define SYS_getcpu 309
/* The writer may have been put off its core in the middle: no use in spinning for longer than a trap takes. */
#define SPINS 256

struct timespec64 { int64_t seconds, nanos; };
struct timeval64 { int64_t seconds, micros; };
struct zone { int32_t minutes_west, dst; };

/* Placed by the linker script: the page below the ELF header. */
extern const volatile struct vdso_parameters parameter_page __attribute__((visibility("hidden")));

static inline long call2(long number, long a, long b) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "0"(number), "D"(a), "S"(b) : "rcx", "r11", "memory");
  return result;
}

static inline long call3(long number, long a, long b, long c) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "0"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}

/* Nanoseconds of one of VDSO_CLOCK_MASK; 0: ask the kernel. */
static inline __attribute__((always_inline)) uint64_t read_clock(unsigned clock) {
  const volatile struct vdso_parameters *page = &parameter_page;
  for (int spin = 0; spin < SPINS; spin++) {
    uint32_t sequence = __atomic_load_n(&page->sequence, __ATOMIC_ACQUIRE);
    uint64_t limit = page->limit, tsc_base = page->tsc_base, mult = page->mult, base = page->base, mask = page->mask;
    int64_t offset = page->offset[clock];
    uint64_t now = vdso_ticks();
    if (LIKELY((sequence & 1) == 0 && sequence == page->sequence)) {
      uint64_t elapsed = vdso_elapsed(now, tsc_base);
      if (elapsed >= limit) return 0;
      return vdso_monotonic(elapsed, mult, base, mask) + (uint64_t)offset;
    }
    __asm__ volatile("pause");
  }
  return 0;
}

static inline int in_mask(int clock, unsigned mask) {
  return (unsigned)clock < VDSO_CLOCKS && (mask >> clock & 1) != 0;
}

/* The system call, for a reading that the page can't give now. A bad pointer faults here too: it must not depend on the moment. */
static __attribute__((noinline)) int ask(unsigned clock, struct timespec64 *time) {
  struct timespec64 now;
  int failed = (int)call2(SYS_clock_gettime, (long)clock, (long)&now);
  if (failed == 0) *(volatile struct timespec64 *)time = now;
  return failed;
}

EXPORT int __vdso_clock_gettime(int clock, struct timespec64 *time) {
  if (!LIKELY(in_mask(clock, VDSO_CLOCK_MASK))) return (int)call2(SYS_clock_gettime, clock, (long)time);
  uint64_t nanos = read_clock((unsigned)clock);
  if (!LIKELY(nanos != 0)) return ask((unsigned)clock, time);
  uint64_t seconds = nanos / NANOS;
  time->seconds = (int64_t)seconds;
  time->nanos = (int64_t)(nanos - seconds * NANOS);
  return 0;
}

EXPORT int __vdso_gettimeofday(struct timeval64 *time, struct zone *zone) {
  if (time != 0) {
    uint64_t nanos = read_clock(0);
    struct timespec64 now = {(int64_t)(nanos / NANOS), (int64_t)(nanos % NANOS)};
    int failed = nanos == 0 ? ask(0, &now) : 0;
    if (failed != 0) return failed;
    time->seconds = now.seconds;
    time->micros = (int64_t)((uint32_t)now.nanos / 1000);
  }
  if (zone != 0) {
    zone->minutes_west = 0;
    zone->dst = 0;
  }
  return 0;
}

EXPORT int64_t __vdso_time(int64_t *time) {
  uint64_t nanos = read_clock(0);
  int64_t seconds = nanos == 0 ? call2(SYS_time, 0, 0) : (int64_t)(nanos / NANOS);
  if (time != 0) *time = seconds;
  return seconds;
}

EXPORT int __vdso_clock_getres(int clock, struct timespec64 *resolution) {
  if (!in_mask(clock, VDSO_CLOCK_MASK)) return (int)call2(SYS_clock_getres, clock, (long)resolution);
  if (resolution == 0) return 0;
  resolution->seconds = 0;
  resolution->nanos = in_mask(clock, VDSO_COARSE_MASK) ? parameter_page.coarse_resolution : 1;
  return 0;
}

/* The third argument has had no meaning since Linux 2.6.24. */
EXPORT int __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused) {
  const volatile struct vdso_parameters *page = &parameter_page;
  uint32_t source = page->cpu_source;
  if (source == VDSO_CPU_SYSCALL) return (int)call3(SYS_getcpu, (long)cpu, (long)node, (long)unused);
  uint32_t number = vdso_processor(source) & 0xfff, processors = page->processors;
  /* The sandbox may have fewer than the host. */
  if (cpu != 0) *cpu = number < processors ? number : number % processors;
  if (node != 0) *node = 0;
  return 0;
}

int clock_gettime(int clock, struct timespec64 *time) ALIAS(__vdso_clock_gettime);
int gettimeofday(struct timeval64 *time, struct zone *zone) ALIAS(__vdso_gettimeofday);
int64_t time(int64_t *time) ALIAS(__vdso_time);
int clock_getres(int clock, struct timespec64 *resolution) ALIAS(__vdso_clock_getres);
int getcpu(unsigned *cpu, unsigned *node, void *unused) ALIAS(__vdso_getcpu);

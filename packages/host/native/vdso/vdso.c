/* The guest's vDSO (vdso(7)): clocks, the processor's number and random bytes without a system call. Freestanding, position-independent
 * without relocations, no data of its own. What it can't answer it asks the kernel; results are 0 or -errno, as from the kernel, and a bad
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
#define SYS_getrandom 318
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

/* getrandom(2) in the program: ChaCha20 (RFC 8439) under a key from the kernel, which is replaced by the generator's own output as soon as
 * it has been used. The state lies in memory that the program's library maps as __vdso_getrandom says: a fork wipes it, at any moment. */
#define BLOCK 64
#define GRND_KNOWN 7u
#define PROT_READ_WRITE 3u
#define MAP_DROPPABLE_ANONYMOUS 0x28u
#define EFAULT 14
#define PARAMETERS_ASKED ((size_t)-1)

typedef __SIZE_TYPE__ size_t;
typedef uint32_t row __attribute__((vector_size(16)));
typedef uint32_t stored_row __attribute__((vector_size(16), aligned(1), may_alias));

struct random_state {
  /* Two blocks: what is given out next, and the key. */
  uint8_t batch[2 * BLOCK - 32];
  uint8_t key[32];
  /* 0: wiped, or never filled. */
  uint64_t generation;
  uint8_t used, busy;
};

struct random_parameters { uint32_t state_size, protection, flags, reserved[13]; };

static inline row rotate(row x, int bits) {
  return x << bits | x >> (32 - bits);
}

#define HALF_ROUND() \
  a += b, d = rotate(d ^ a, 16), c += d, b = rotate(b ^ c, 12), a += b, d = rotate(d ^ a, 8), c += d, b = rotate(b ^ c, 7)
#define TURN(x, by) __builtin_shuffle(x, (row){by & 3, (by + 1) & 3, (by + 2) & 3, (by + 3) & 3})

static __attribute__((noinline)) void random_blocks(uint8_t *out, const uint8_t *key, uint64_t counter, size_t blocks) {
  const row first = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  const row low = *(const stored_row *)key, high = *(const stored_row *)(key + 16);
  for (; blocks > 0; blocks--, counter++, out += BLOCK) {
    row last = {(uint32_t)counter, (uint32_t)(counter >> 32), 0, 0};
    row a = first, b = low, c = high, d = last;
    for (int i = 0; i < 10; i++) {
      HALF_ROUND();
      b = TURN(b, 1), c = TURN(c, 2), d = TURN(d, 3);
      HALF_ROUND();
      b = TURN(b, 3), c = TURN(c, 2), d = TURN(d, 1);
    }
    ((stored_row *)out)[0] = a + first;
    ((stored_row *)out)[1] = b + low;
    ((stored_row *)out)[2] = c + high;
    ((stored_row *)out)[3] = d + last;
  }
}

/* False: the kernel gave no key. */
static inline int take_random(struct random_state *state, uint8_t *out, size_t length) {
  const uint64_t generation = parameter_page.random_generation;
  if (generation == 0) return 0;
  if (__atomic_load_n(&state->generation, __ATOMIC_RELAXED) != generation) {
    /* First of all, so that a wipe during what follows is seen at the end. */
    __atomic_store_n(&state->generation, generation, __ATOMIC_SEQ_CST);
    if (call3(SYS_getrandom, (long)state->key, sizeof state->key, 0) != sizeof state->key) {
      state->generation = 0;
      return 0;
    }
    state->used = sizeof state->batch;
  }
  for (;;) {
    for (; length > 0 && state->used < sizeof state->batch; length--) {
      *out++ = state->batch[state->used];
      state->batch[state->used++] = 0;
    }
    if (length == 0) return 1;
    size_t blocks = length / BLOCK;
    random_blocks(out, state->key, 0, blocks);
    out += blocks * BLOCK, length -= blocks * BLOCK;
    random_blocks(state->batch, state->key, blocks, 2);
    state->used = 0;
  }
}

EXPORT long __vdso_getrandom(void *buffer, size_t length, unsigned flags, void *opaque, size_t opaque_length) {
  struct random_state *state = opaque;
  if (opaque_length == PARAMETERS_ASKED && buffer == 0 && length == 0 && flags == 0) {
    struct random_parameters *told = opaque;
    told->state_size = sizeof *state;
    told->protection = PROT_READ_WRITE;
    told->flags = MAP_DROPPABLE_ANONYMOUS;
    for (int i = 0; i < 13; i++) told->reserved[i] = 0;
    return 0;
  }
  if (((uintptr_t)state & (VDSO_PAGE - 1)) + sizeof *state > VDSO_PAGE) return -EFAULT;
  /* Busy: a signal's handler has come into the middle of a call. */
  if ((flags & ~GRND_KNOWN) != 0 || opaque_length != sizeof *state || length > INT32_MAX || state->busy)
    return call3(SYS_getrandom, (long)buffer, (long)length, (long)flags);
  if (length == 0) return 0;
  int given;
  do {
    __atomic_store_n(&state->busy, 1, __ATOMIC_SEQ_CST);
    given = take_random(state, buffer, length);
    __atomic_store_n(&state->busy, 0, __ATOMIC_SEQ_CST);
    /* A handler may have forked: then the key was gone, and what came of it is no secret. */
  } while (given && __atomic_load_n(&state->generation, __ATOMIC_SEQ_CST) != parameter_page.random_generation);
  return given ? (long)length : call3(SYS_getrandom, (long)buffer, (long)length, (long)flags);
}

int clock_gettime(int clock, struct timespec64 *time) ALIAS(__vdso_clock_gettime);
int gettimeofday(struct timeval64 *time, struct zone *zone) ALIAS(__vdso_gettimeofday);
int64_t time(int64_t *time) ALIAS(__vdso_time);
int clock_getres(int clock, struct timespec64 *resolution) ALIAS(__vdso_clock_getres);
int getcpu(unsigned *cpu, unsigned *node, void *unused) ALIAS(__vdso_getcpu);
long getrandom(void *buffer, size_t length, unsigned flags, void *opaque, size_t opaque_length) ALIAS(__vdso_getrandom);

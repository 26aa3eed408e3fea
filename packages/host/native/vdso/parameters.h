/* The parameter page: what the clock keeper (native/clock.cpp) tells the vDSO. One page, read-only in programs, right below
 * the first byte of the vDSO. A seqlock: `sequence` is odd while the page is written; a reader takes all, reads the TSC, and starts
 * again when the number has changed. Nothing in it is secret: it says no more than the clocks do. */
#ifndef SANDBOX_KERNEL_VDSO_PARAMETERS_H
#define SANDBOX_KERNEL_VDSO_PARAMETERS_H

#include <stdint.h>

#define VDSO_PAGE 4096
#define VDSO_CLOCKS 12
/* REALTIME, MONOTONIC, MONOTONIC_RAW, both COARSE, BOOTTIME, TAI. Others depend on who asks: the system call. */
#define VDSO_CLOCK_MASK 0x8f3u
#define VDSO_COARSE_MASK 0x060u
#define VDSO_REALTIME_MASK 0x821u

/* Where the processor's number comes from. */
enum { VDSO_CPU_SYSCALL = 0, VDSO_CPU_RDTSCP = 1, VDSO_CPU_RDPID = 2, VDSO_CPU_LSL = 3 };

struct vdso_parameters {
  uint32_t sequence;
  /* VDSO_CPU_*. */
  uint32_t cpu_source;
  /* Ticks after which the line is not to be trusted any more: the system call, which renews it. 0: always the system call. */
  uint64_t limit;
  /* monotonic = (base + ((tsc - tsc_base) * mult >> 32)) & mask, in ns. */
  uint64_t tsc_base;
  uint64_t mult;
  uint64_t base;
  /* Beyond 2^53 ns a double holds no odd number: the last bits go, so that the sentry's readings are the same. */
  uint64_t mask;
  /* By clock id, ns to add; multiples of 16. */
  int64_t offset[VDSO_CLOCKS];
  uint32_t coarse_resolution;
  uint32_t processors;
  /* Keys of random bytes that were made under another number are not used any more. Never 0. */
  uint64_t random_generation;
};

/* The same arithmetic on both sides. A TSC a little behind the base is another core's and counts as the base; far behind (the machine
 * was moved), it makes a number beyond any limit. */
static inline uint64_t vdso_elapsed(uint64_t now, uint64_t base) {
  uint64_t elapsed = now - base;
  return elapsed > UINT64_MAX - UINT32_MAX ? 0 : elapsed;
}

static inline uint64_t vdso_monotonic(uint64_t elapsed, uint64_t mult, uint64_t base, uint64_t mask) {
  return (base + (uint64_t)(((unsigned __int128)elapsed * mult) >> 32)) & mask;
}

static inline uint64_t vdso_ticks(void) {
  uint32_t low, high;
  /* Not before earlier loads: a reading must not be older than what the program has already seen. */
  __asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high) : : "memory");
  return (uint64_t)high << 32 | low;
}

/* CPU number and node (bits 12 and up), as Linux keeps them in TSC_AUX and in the limit of a descriptor. */
static inline uint32_t vdso_processor(uint32_t source) {
  uint64_t value = 0;
  uint32_t low, high, aux;
  switch (source) {
    case VDSO_CPU_RDTSCP:
      __asm__ volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(aux));
      return aux;
    case VDSO_CPU_RDPID:
      __asm__ volatile(".byte 0xf3, 0x0f, 0xc7, 0xf8" : "=a"(value)); /* rdpid %rax */
      return (uint32_t)value;
    default:
      low = 0xffffffff; /* stays where the descriptor does not exist */
      __asm__ volatile("lsl %1, %0" : "+r"(low) : "r"(0x7b) : "cc");
      return low;
  }
}

#endif

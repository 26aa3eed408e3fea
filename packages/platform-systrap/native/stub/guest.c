// What a guest thread runs between a trap and the way back: the signal handler, on the slot's alternate stack. Guest code may jump to
// any instruction of this page with any registers, and may write the slot at any time: nothing here may hurt anybody but
// the address space itself. Its filter lets this page make three calls: rt_sigreturn, FUTEX_WAIT in the slots, FUTEX_WAKE of the doorbell.
#include "../layout.h"

#define GUEST __attribute__((section(".guest")))
#define ENTRY __attribute__((section(".guest.entry"), used))

#define SYS_rt_sigreturn 15
#define SYS_arch_prctl 158
#define SYS_futex 202
#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define EVERYBODY 0x7fffffff
#define CONTEXT_RIP 168  // in the kernel's struct ucontext
#define ARCH_SET_GS 0x1001
#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003
#define ARCH_GET_GS 0x1004

// First in the page: where handlers return to.
asm(".section .guest.entry, \"ax\"\n"
    ".globl restorer\n"
    "restorer:\n"
    "  mov $15, %eax\n"
    "  syscall\n"
    "  ud2\n"
    ".balign 16\n");

static inline GUEST __attribute__((always_inline)) long Call(long number, long a, long b, long c, long d) {
  long result;
  register long r10 asm("r10") = d;
  asm volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
  return result;
}

static inline __attribute__((always_inline)) void SaveBases(struct Slot* slot, const struct Control* control) {
  if (control->fsgsbase) {
    uint64_t fs, gs;
    asm volatile("rdfsbase %0\n rdgsbase %1" : "=r"(fs), "=r"(gs));
    slot->fsBase = fs;
    slot->gsBase = gs;
  } else {
    Call(SYS_arch_prctl, ARCH_GET_FS, (long)&slot->fsBase, 0, 0);
    Call(SYS_arch_prctl, ARCH_GET_GS, (long)&slot->gsBase, 0, 0);
  }
}

static inline __attribute__((always_inline)) void LoadBases(const struct Slot* slot, const struct Control* control) {
  if (control->fsgsbase) {
    asm volatile("wrfsbase %0\n wrgsbase %1" : : "r"(slot->fsBase), "r"(slot->gsBase));
  } else {
    Call(SYS_arch_prctl, ARCH_SET_FS, (long)slot->fsBase, 0, 0);
    Call(SYS_arch_prctl, ARCH_SET_GS, (long)slot->gsBase, 0, 0);
  }
}

static inline __attribute__((always_inline)) void Ring(const struct Control* control) {
  volatile uint32_t* bell = (volatile uint32_t*)DOORBELL;
  if (!__atomic_load_n(&control->sleeping, __ATOMIC_SEQ_CST)) return;
  __atomic_fetch_add(bell, 1, __ATOMIC_SEQ_CST);
  Call(SYS_futex, DOORBELL, FUTEX_WAKE, EVERYBODY, 0);
}

static inline __attribute__((always_inline)) void AwaitRun(struct Slot* slot, const struct Control* control) {
  for (uint32_t round = __atomic_load_n(&control->guestSpin, __ATOMIC_RELAXED); round > 0; round--) {
    const uint32_t state = __atomic_load_n(&slot->state, __ATOMIC_ACQUIRE);
    if (state == STATE_RUN) return;
    if (state != STATE_TRAPPED) break;
    asm volatile("pause");
  }
  for (;;) {
    uint32_t state = __atomic_load_n(&slot->state, __ATOMIC_ACQUIRE);
    if (state == STATE_RUN) return;
    if (state != STATE_PARKED &&
        !__atomic_compare_exchange_n(&slot->state, &state, STATE_PARKED, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
      continue;
    }
    Call(SYS_futex, (long)&slot->state, FUTEX_WAIT, STATE_PARKED, 0);
  }
}

// In patched.S; too far up for the addressing that a compiler chooses.
#define ADDRESS_OF(label)                                 \
  ({                                                      \
    uint64_t address;                                     \
    asm("lea " #label "(%%rip), %0" : "=r"(address));     \
    address;                                              \
  })

// An interrupt on the way in from a patched site, where the sentry gets a trap anyway; or while the sentry has the thread.
static inline __attribute__((always_inline)) int IsOnItsWay(const struct Slot* slot, uint64_t context) {
  const uint64_t rip = *(const uint64_t*)(context + CONTEXT_RIP);
  if (rip < ADDRESS_OF(patched_start) || rip >= ADDRESS_OF(patched_end)) return 0;
  return rip < ADDRESS_OF(patched_wait) || __atomic_load_n(&slot->state, __ATOMIC_SEQ_CST) != STATE_RUN;
}

ENTRY void Handler(int signo, void* info, uint64_t context) {
  (void)info;
  struct Slot* slot = (struct Slot*)(context & ~(uint64_t)(SLOT_SIZE - 1));
  const struct Control* control = (const struct Control*)CONTROL;
  // On a stack that is no slot's: this guest has played with its alternate stack.
  if ((uint64_t)slot - SLOTS >= SLOTS_BYTES) __builtin_trap();
  if (signo == INTERRUPT_SIGNAL && IsOnItsWay(slot, context)) {
    slot->noted = 1;
    return;
  }
  slot->trapped = __builtin_ia32_rdtsc();
  slot->patched = 0;
  slot->signo = (uint32_t)signo;
  slot->context = (uint32_t)(context - (uint64_t)slot);
  SaveBases(slot, control);
  __atomic_store_n(&slot->state, STATE_TRAPPED, __ATOMIC_SEQ_CST);
  Ring(control);
  AwaitRun(slot, control);
  if (slot->flags & SLOT_SET_BASES) LoadBases(slot, control);
  slot->started = __builtin_ia32_rdtsc();
}

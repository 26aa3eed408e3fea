// What the stub and the sentry agree on: addresses of the stub's own pages, the slots through which guest threads hand over, and
// the numbers of a stub's descriptors. C and C++, with and without a C library. docs/security/systrap.md says who may write what.
#pragma once

#ifndef __ASSEMBLER__
#include <stdint.h>
#endif

// The top of the user address space is the platform's; everything below kHiddenBase belongs to the guest.
#define HIDDEN_BASE 0x7fffc0000000
#define USER_END 0x7ffffffff000
#define GUEST_TEXT 0x7fffc0000000    // one page: what guest threads run between trap and return
#define TRUSTED_TEXT 0x7fffc0001000  // one page: the manager
#define CONSTANTS 0x7fffc0010000     // read-only: filters, signal actions, message header
#define CONTROL 0x7fffc0011000       // read-only in stubs: what the sentry tells guest threads
#define DOORBELL 0x7fffc0012000      // writable by all: a futex word, and its content is a hint
#define SCRATCH 0x7fffc0013000       // writable: where recvmsg stores what nobody reads
#define COMMANDS 0x7fffc0020000      // read-only: header page, then commands; one block per space
#define SLOTS 0x7fffd0000000         // slots of this space's threads
#define SLOTS_BYTES 0x10000000

#define RESIDENT_OFFSET 0x2000  // in the executable (native/stub/stub.lds)

#define SLOT_SIZE 16384
#define SLOT_STACK 2048  // offset of the alternate signal stack, which ends with the slot

// Offsets in the page of constants.
#define CONST_ACTION 0      // struct sigaction of the kernel
#define CONST_ALL_BLOCKED 64
#define CONST_GUEST_MASK 72
#define CONST_PARENT 80     // process id of the sentry
#define CONST_HELLO 88      // what a new stub sends
#define CONST_FIRST_MASK 96 // of a thread until its first return: all but SIGSYS
#define CONST_NO_SEGMENT 104 // an empty struct user_desc
#define CONST_MESSAGE 128   // struct msghdr for recvmsg
#define CONST_VECTOR 192
#define CONST_TRUSTED_PROGRAM 256  // struct sock_fprog
#define CONST_GUEST_PROGRAM 272
#define CONST_TRUSTED_FILTER 512
#define CONST_GUEST_FILTER 2048

// Offsets in a command block.
#define BLOCK_SEQUENCE 0  // u32: changes when a batch is there
#define BLOCK_COUNT 4     // u32: its commands
#define BLOCK_STACK 16    // stack_t of the thread that is being made
#define BLOCK_SEGMENT 40  // its struct user_desc
#define BLOCK_RECORDS 64  // what the manager reports: 8 bytes per errno, space and errno
#define BLOCK_COMMANDS 4096
#define BLOCK_BYTES (5 * 4096)
#define BLOCKS_START 65536  // in the control file: blocks of commands, BLOCK_STRIDE apart
#define BLOCK_STRIDE 32768
#define MAX_RECORD 255
#define COMMAND_SIZE 64

// Descriptors of every manager.
#define FD_SOCKET 0
#define FD_MEMORY 1
#define FD_MEMORY_READ_ONLY 2
#define FD_CONTROL 3
#define FD_SLOTS 4
#define FD_REPORT 5
#define FD_FIRST_FILE 6

// States of a slot. Only STATE_RUN comes from the sentry alone, and nothing that a guest stores here is believed.
#define STATE_RUN 0
#define STATE_TRAPPED 1  // its thread spins
#define STATE_PARKED 2   // its thread sleeps on the word
#define STATE_PARK 3     // the sentry says that sleeping is better
#define STATE_SPILL 4    // the sentry wants the thread in its signal handler

#define SLOT_SET_BASES 1

// Offsets in a slot, and in the control page, for the stub's assembly; checked where there is a compiler for it (engine.h).
#define SLOT_STATE 0
#define SLOT_FS_BASE 16
#define SLOT_GS_BASE 24
#define SLOT_STARTED 40
#define SLOT_TRAPPED 48
#define SLOT_PATCHED 56
#define SLOT_REGISTERS 128
#define CONTROL_SLEEPING 0
#define CONTROL_GUEST_SPIN 4
#define CONTROL_FSGSBASE 8
#define CONTROL_SEGMENTS 12

// The way in from patched sites (native/stub/patched.S): in the guest page, up to the end of the page.
#define PATCH_TEXT (GUEST_TEXT + 1024)
#define PATCH_ENTRY PATCH_TEXT
// A guest thread finds its slot by the limit of its first segment of thread-local storage (GDT_ENTRY_TLS_MIN).
#define SLOT_SEGMENT 12
#define SLOT_SELECTOR 0x63
#define USER_DATA_SELECTOR 0x2b

#define INTERRUPT_SIGNAL 10  // SIGUSR1

#define ARCH_REQ_XCOMP_PERM 0x1023

// Where a template stops when the host refuses something: its exit code.
#define STEP_MAP 101
#define STEP_STRIP 102
#define STEP_SIGNAL 103
#define STEP_FILTER 104
#define STEP_PARENT 105
#define STEP_SEGMENT 106

#ifndef __ASSEMBLER__
struct Slot {
  uint32_t state;
  uint32_t signo;
  uint32_t context;  // offset of the ucontext in the slot
  uint32_t flags;    // SLOT_*
  uint64_t fsBase;
  uint64_t gsBase;
  uint32_t tid;
  uint64_t started;  // TSC when guest code went on, and when it trapped
  uint64_t trapped;
  uint32_t patched;  // came through a patched site: its registers are here, and its extended state in the processor
  uint32_t noted;    // an interrupt came while it was here
  uint64_t unused[8];
  uint64_t registers[18];  // as in struct sigcontext, from R8 to the flags
};

struct Control {
  uint32_t sleeping;   // the sentry sleeps: ring
  uint32_t guestSpin;  // rounds that a guest thread waits awake
  uint32_t fsgsbase;   // the instructions may be used
  uint32_t segments;   // threads have a segment that says where their slot is
};
#endif

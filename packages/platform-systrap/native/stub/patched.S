// The way in that needs no signal: a `mov $number, %eax` in front of a `syscall` has become a jump to a trampoline, which points RCX at
// its record (where the program goes on, and the number) and comes here. RAX, RCX and R11 are ours, as `syscall` would have it; the flags
// are not, and nothing below the program's stack pointer. Which slot is this thread's, the limit of a segment says (thread_start).
//
// Interrupts may come at any instruction. Up to patched_wait the handler returns, and the call is made; beyond it, while the sentry has the
// thread, it returns too; once the sentry has let it go, the registers of the slot are what the program has, wherever in here the thread is.
#include "../layout.h"
#include <asm/unistd.h>

.macro each_register move
  \move 0, %r8
  \move 8, %r9
  \move 16, %r10
  \move 32, %r12
  \move 40, %r13
  \move 48, %r14
  \move 56, %r15
  \move 64, %rdi
  \move 72, %rsi
  \move 80, %rbp
  \move 88, %rbx
  \move 96, %rdx
.endm
.macro save at, register
  mov \register, (SLOT_REGISTERS + \at)(%r11)
.endm
.macro load at, register
  mov (SLOT_REGISTERS + \at)(%r11), \register
.endm

// R11: the slot; its stack pointer and flags. LSL sets ZF when the segment is there, and touches no other flag.
.macro find_slot without
  lsl %r11d, %r11d
  jnz \without
  lea (%rax,%r11), %r11
  mov %rsp, (SLOT_REGISTERS + 120)(%r11)
  lea (SLOT_REGISTERS + 144)(%r11), %rsp
  pushfq
.endm

// The same with the flags as they were, by two ways.
.macro enter_slot without, without_zero
  movabs $(SLOTS - 0xfff), %rax
  mov $SLOT_SELECTOR, %r11d
  jz 1f
  find_slot \without
  andl $~0x40, (%rsp)
  jmp 2f
1:
  find_slot \without_zero
2:
.endm

.section .guest.patched, "ax"
.globl patched_start, patched_wait, patched_end
patched_start:
// Where trampolines lead: to the first, or where the number is the program's own (in R9, whose value is on its stack), to the second.
.org PATCH_ENTRY - PATCH_TEXT, 0xcc
  jmp number_in_record
.org PATCH_ENTRY - PATCH_TEXT + 8, 0xcc
  jmp number_in_register

// A thread without a segment makes the call where it stands in the program. ZF was set: LSL of a segment that all have sets it again.
record_without_slot_zero:
  mov $USER_DATA_SELECTOR, %r11d
  lsl %r11d, %r11d
record_without_slot:
  mov (%rcx), %r11
  mov 8(%rcx), %rax
  lea -2(%r11), %r11
  jmp *%r11
register_without_slot_zero:
  mov $USER_DATA_SELECTOR, %r11d
  lsl %r11d, %r11d
register_without_slot:
  mov (%rcx), %r11
  mov %r9, %rax
  mov 8(%rsp), %r9
  lea -2(%r11), %r11
  jmp *%r11

number_in_record:
  enter_slot record_without_slot, record_without_slot_zero
  each_register save
  mov %r11, %rbx
  mov 8(%rcx), %rax
  jmp have_number

number_in_register:
  enter_slot register_without_slot, register_without_slot_zero
  each_register save
  mov %r11, %rbx
  // The trampoline has just read it: no fault here.
  mov (SLOT_REGISTERS + 120)(%rbx), %rdx
  mov 8(%rdx), %rdx
  mov %rdx, (SLOT_REGISTERS + 8)(%rbx)
  mov %r9, %rax

have_number:
  cld
  mov %rax, (SLOT_REGISTERS + 104)(%rbx)
  mov (%rcx), %rax
  mov %rax, (SLOT_REGISTERS + 128)(%rbx)
  movabs $CONTROL, %rbp
  cmpl $0, CONTROL_FSGSBASE(%rbp)
  je 3f
  rdfsbase %rax
  mov %rax, SLOT_FS_BASE(%rbx)
  rdgsbase %rax
  mov %rax, SLOT_GS_BASE(%rbx)
3:
  rdtsc
  shl $32, %rdx
  or %rdx, %rax
  mov %rax, SLOT_TRAPPED(%rbx)
  movl $1, SLOT_PATCHED(%rbx)
  mov $STATE_TRAPPED, %eax
  xchg %eax, SLOT_STATE(%rbx)
patched_wait:
  cmpl $0, CONTROL_SLEEPING(%rbp)
  je 4f
  movabs $DOORBELL, %rdi
  lock incl (%rdi)
  mov $1, %esi              // FUTEX_WAKE
  mov $0x7fffffff, %edx
  xor %r10d, %r10d
  mov $__NR_futex, %eax
  syscall
4:
  mov CONTROL_GUEST_SPIN(%rbp), %r12d
5:
  mov SLOT_STATE(%rbx), %eax
  test %eax, %eax
  jz return
  cmp $STATE_TRAPPED, %eax
  jne 6f
  test %r12d, %r12d
  jz 6f
  pause
  dec %r12d
  jmp 5b
6:
  cmp $STATE_SPILL, %eax
  je spill
  cmp $STATE_PARKED, %eax
  je 7f
  mov $STATE_PARKED, %ecx
  lock cmpxchg %ecx, SLOT_STATE(%rbx)
  jne 8f
7:
  lea SLOT_STATE(%rbx), %rdi
  xor %esi, %esi            // FUTEX_WAIT
  mov $STATE_PARKED, %edx
  xor %r10d, %r10d
  mov $__NR_futex, %eax
  syscall
8:
  mov SLOT_STATE(%rbx), %eax
  test %eax, %eax
  jnz 6b
return:
  rdtsc
  shl $32, %rdx
  or %rdx, %rax
  mov %rax, SLOT_STARTED(%rbx)
  mov %rbx, %r11
  each_register load
  mov (SLOT_REGISTERS + 104)(%r11), %rax
  mov (SLOT_REGISTERS + 128)(%r11), %rcx
  lea (SLOT_REGISTERS + 136)(%r11), %rsp
  popfq
  mov (SLOT_REGISTERS + 120)(%r11), %rsp
  mov (SLOT_REGISTERS + 136)(%r11), %r11
  jmp *%rcx

// The sentry wants the whole state of the processor, or to change it: a signal frame holds it, and is the way back.
spill:
  ud2
  jmp 8b
patched_end:

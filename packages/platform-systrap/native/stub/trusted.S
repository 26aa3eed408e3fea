// The loader, and the manager: the first thread of every stub, which carries out the sentry's commands. It shares its memory with
// guest threads that may be running hostile code, so it keeps all it knows in registers, has no stack, and reads nothing but
// pages that are read-only to everybody in the process. The answer goes through a pipe, where guests can't write.
#include "../layout.h"
#include <asm/unistd.h>

.macro invoke number
  mov $\number, %eax
  syscall
.endm

#define SET_THREAD_AREA_32 243

// Ends the process when the last call failed.
.macro need step
  cmp $-4096, %rax
  mov $\step, %edi
  ja fail
.endm

.section .loader, "ax"
.globl _start
_start:
  movabs $GUEST_TEXT, %rdi
  mov $8192, %esi
  mov $5, %edx              // PROT_READ | PROT_EXEC
  mov $0x12, %r10d          // MAP_PRIVATE | MAP_FIXED
  mov $FD_FIRST_FILE, %r8d
  mov $RESIDENT_OFFSET, %r9d
  invoke __NR_mmap
  cmp $-4096, %rax
  ja 1f
  movabs $resident_start, %rax
  jmp *%rax
1:
  mov $STEP_MAP, %edi
  invoke __NR_exit_group
  ud2

.macro map_shared address, length, prot, offset
  movabs $\address, %rdi
  mov $\length, %esi
  mov $\prot, %edx
  mov $0x11, %r10d          // MAP_SHARED | MAP_FIXED
  mov $FD_CONTROL, %r8d
  mov \offset, %r9
  invoke __NR_mmap
  need STEP_MAP
.endm

.macro unmap from, to
  movabs $\from, %rdi
  movabs $\to, %rsi
  sub %rdi, %rsi
  invoke __NR_munmap
  need STEP_STRIP
.endm

// rdx: a sock_fprog.
.macro install_filter_here
  mov $1, %edi              // SECCOMP_SET_MODE_FILTER
  mov $4, %esi              // SECCOMP_FILTER_FLAG_SPEC_ALLOW
  mov %rdx, %r14
  invoke __NR_seccomp
  test %rax, %rax
  jz 9f
  mov $1, %edi
  xor %esi, %esi
  mov %r14, %rdx
  invoke __NR_seccomp
  test %rax, %rax
  mov $STEP_FILTER, %edi
  jnz fail
9:
.endm

.section .trusted, "ax"
fail:
  invoke __NR_exit_group
  ud2

resident_start:
  map_shared CONSTANTS, 4096, 1, $0
  map_shared CONTROL, 4096, 1, $4096
  map_shared DOORBELL, 4096, 3, $8192
  movabs $SCRATCH, %rdi
  mov $4096, %esi
  mov $3, %edx
  mov $0x32, %r10d          // MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED
  mov $-1, %r8
  xor %r9d, %r9d
  invoke __NR_mmap
  need STEP_MAP
  // May threads have segments? Asked for with an empty one, from low memory: the call takes addresses of 32 bits.
  movabs $CONTROL, %rax
  cmpl $0, CONTROL_SEGMENTS(%rax)
  je 3f
  xor %edi, %edi
  mov $4096, %esi
  mov $1, %edx
  mov $0x41, %r10d          // MAP_SHARED | MAP_32BIT
  mov $FD_CONTROL, %r8d
  xor %r9d, %r9d
  invoke __NR_mmap
  need STEP_SEGMENT
  lea CONST_NO_SEGMENT(%rax), %ebx
  mov $SET_THREAD_AREA_32, %eax
  int $0x80
  test %eax, %eax
  mov $STEP_SEGMENT, %edi
  jnz fail
3:
  // No vDSO, no vvar, no stack, no trace of exec.
  unmap 0x1000, GUEST_TEXT
  unmap (TRUSTED_TEXT + 4096), CONSTANTS
  unmap (SCRATCH + 4096), USER_END
  mov $FD_FIRST_FILE, %edi
  invoke __NR_close
  movabs $(CONSTANTS + CONST_ALL_BLOCKED), %rsi
  mov $2, %edi              // SIG_SETMASK
  xor %edx, %edx
  mov $8, %r10d
  invoke __NR_rt_sigprocmask
  need STEP_SIGNAL
.irp signal, 4, 5, 7, 8, 11, 31, INTERRUPT_SIGNAL
  mov $\signal, %edi
  movabs $(CONSTANTS + CONST_ACTION), %rsi
  xor %edx, %edx
  mov $8, %r10d
  invoke __NR_rt_sigaction
  need STEP_SIGNAL
.endr
  mov $38, %edi             // PR_SET_NO_NEW_PRIVS
  mov $1, %esi
  xor %edx, %edx
  xor %r10d, %r10d
  xor %r8d, %r8d
  invoke __NR_prctl
  need STEP_FILTER
  movabs $(CONSTANTS + CONST_TRUSTED_PROGRAM), %rdx
  install_filter_here
  jmp space_ready

// A process that was just cloned from another stub: rdx has the file offset of its own block of commands.
space_start:
  mov %rdx, %rbp
  mov $1, %edi              // PR_SET_PDEATHSIG
  mov $9, %esi              // SIGKILL
  xor %edx, %edx
  xor %r10d, %r10d
  xor %r8d, %r8d
  invoke __NR_prctl
  need STEP_PARENT
  movabs $SLOTS, %rdi
  mov $SLOTS_BYTES, %esi
  invoke __NR_munmap
  need STEP_STRIP
  jmp block_ready

space_ready:
  mov $BLOCKS_START, %ebp
  mov $1, %edi
  mov $9, %esi
  xor %edx, %edx
  xor %r10d, %r10d
  xor %r8d, %r8d
  invoke __NR_prctl
  need STEP_PARENT

block_ready:
  // A parent that died before the call above sends no signal.
  invoke __NR_getppid
  movabs $(CONSTANTS + CONST_PARENT), %rcx
  cmp (%rcx), %eax
  mov $STEP_PARENT, %edi
  jne fail
  map_shared COMMANDS, BLOCK_BYTES, 1, %rbp
  movabs $COMMANDS, %r14
  xor %r15d, %r15d
  mov $FD_SOCKET, %edi
  movabs $(CONSTANTS + CONST_HELLO), %rsi
  mov $1, %edx
  invoke __NR_write

manager_loop:
  mov BLOCK_SEQUENCE(%r14), %eax
  cmp %r15d, %eax
  jne run_batch
  lea BLOCK_SEQUENCE(%r14), %rdi
  xor %esi, %esi            // FUTEX_WAIT
  mov %r15d, %edx
  xor %r10d, %r10d
  invoke __NR_futex
  jmp manager_loop

run_batch:
  mov %eax, %r15d
  mov BLOCK_COUNT(%r14), %r12d
  lea BLOCK_COMMANDS(%r14), %rbx
  shl $6, %r12
  add %rbx, %r12
  xor %ebp, %ebp
next_command:
  cmp %r12, %rbx
  jae batch_done
  mov 8(%rbx), %rdi
  mov 16(%rbx), %rsi
  mov 24(%rbx), %rdx
  mov 32(%rbx), %r10
  mov 40(%rbx), %r8
  mov 48(%rbx), %r9
  mov 0(%rbx), %rax
  syscall
  cmp $-4096, %rax
  ja failed_command
  test %rax, %rax
  jz maybe_child
command_done:
  add $COMMAND_SIZE, %rbx
  jmp next_command
failed_command:
  test %ebp, %ebp
  jnz command_done
  neg %eax
  mov %eax, %ebp
  cmp $MAX_RECORD, %ebp
  jbe command_done
  mov $5, %ebp              // EIO
  jmp command_done
maybe_child:
  cmpl $__NR_clone, 0(%rbx)
  jne command_done
  test $0x100, %edi         // CLONE_VM
  jz space_start
  jmp thread_start
batch_done:
  mov $FD_REPORT, %edi
  lea BLOCK_RECORDS(%r14,%rbp,8), %rsi
  mov $8, %edx
  invoke __NR_write
  jmp manager_loop

// A new guest thread. r8: descriptors that there may be. r9: the file offset of the block, which the guest's low memory has to show for a
// moment (while the sentry waits, and nothing else is mapped); without room for it, this thread's patched sites trap. It can do what the manager can until its own filter is in place, so
// the same rules hold for it.
thread_start:
  mov %r8, %r12
  movabs $CONTROL, %rax
  cmpl $0, CONTROL_SEGMENTS(%rax)
  je 1f
  xor %edi, %edi
  mov $4096, %esi
  mov $1, %edx
  mov $0x41, %r10d          // MAP_SHARED | MAP_32BIT
  mov $FD_CONTROL, %r8d
  invoke __NR_mmap
  cmp $-4096, %rax
  ja 1f
  mov %rax, %r13
  lea BLOCK_SEGMENT(%rax), %ebx
  mov $SET_THREAD_AREA_32, %eax
  int $0x80
  mov %r13, %rdi
  mov $4096, %esi
  invoke __NR_munmap
1:
  xor %edi, %edi
  mov $0x7fffffff, %esi
  xor %edx, %edx
  invoke __NR_close_range
  test %rax, %rax
  jz 2f
1:
  mov %r12d, %edi
  invoke __NR_close
  sub $1, %r12d
  jns 1b
2:
  movabs $(COMMANDS + BLOCK_STACK), %rdi
  xor %esi, %esi
  invoke __NR_sigaltstack
  need STEP_SIGNAL
  // No handler may run on the slot's stack, which guests can write, before the filter is there: it needs SIGSYS alone.
  mov $2, %edi
  movabs $(CONSTANTS + CONST_FIRST_MASK), %rsi
  xor %edx, %edx
  mov $8, %r10d
  invoke __NR_rt_sigprocmask
  need STEP_SIGNAL
  movabs $(CONSTANTS + CONST_GUEST_PROGRAM), %rdx
  install_filter_here
  // The first trap of its life brings it to its slot with a frame of the host's own making.
  invoke __NR_getpid
  ud2

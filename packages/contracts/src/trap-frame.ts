// The layout in which every platform delivers a trap: one frame per context, in memory that the sentry reads and
// writes through typed arrays. Registers stand in the order of Linux's `struct sigcontext` (x86-64), so that a
// signal handler of a stub and a guest's signal frame use the same block. All offsets are in bytes.

/** Bytes reserved for one frame. Frames are aligned to this size. */
export const FRAME_SIZE = 256;

// General registers, 8 bytes each, little-endian (struct sigcontext, asm/sigcontext.h).
export const FRAME_R8 = 0;
export const FRAME_R9 = 8;
export const FRAME_R10 = 16;
export const FRAME_R11 = 24;
export const FRAME_R12 = 32;
export const FRAME_R13 = 40;
export const FRAME_R14 = 48;
export const FRAME_R15 = 56;
export const FRAME_RDI = 64;
export const FRAME_RSI = 72;
export const FRAME_RBP = 80;
export const FRAME_RBX = 88;
export const FRAME_RDX = 96;
/** On a system call trap: the system call number. Before resume: the result. */
export const FRAME_RAX = 104;
export const FRAME_RCX = 112;
export const FRAME_RSP = 120;
/** On a system call trap: the address after the instruction. */
export const FRAME_RIP = 128;
export const FRAME_EFLAGS = 136;
/** u16 each: cs, gs, fs, ss. */
export const FRAME_CS = 144;
export const FRAME_GS = 146;
export const FRAME_FS = 148;
export const FRAME_SS = 150;
/** Page fault error code as the processor gives it (FAULT_* bits), or FAULT_UNKNOWN. */
export const FRAME_ERR = 152;
/** Exception vector. */
export const FRAME_TRAPNO = 160;
export const FRAME_OLDMASK = 168;
/** Faulting address of a page fault. */
export const FRAME_CR2 = 176;
/** Bytes from FRAME_R8 that are `struct sigcontext`'s registers. */
export const FRAME_SIGCONTEXT_SIZE = 184;
export const FRAME_FS_BASE = 184;
export const FRAME_GS_BASE = 192;
/** u32: TRAP_*. Written by the platform before `wait` returns the context. */
export const FRAME_KIND = 200;
/** u32: the signal Linux would send for TRAP_FAULT and TRAP_EXCEPTION. */
export const FRAME_SIGNO = 204;
/** i32: its si_code. */
export const FRAME_SICODE = 208;
/** u32: for the platform's own use (state word, sequence number). */
export const FRAME_STATE = 212;
/** u64: si_addr of TRAP_FAULT and TRAP_EXCEPTION. */
export const FRAME_SIADDR = 216;
/** u32: architecture of a system call trap, SYSCALL_ARCH_*. */
export const FRAME_SYSCALL_ARCH = 224;
/** u32: not 0 when the place of this call has been seen so often that a patch pays. Only where there is a `patchEntry`. */
export const FRAME_HOT_SITE = 228;

/** The guest executed a system call instruction. */
export const TRAP_SYSCALL = 1;
/** A page fault: FRAME_CR2, FRAME_ERR, and FRAME_SIGNO = SIGSEGV or SIGBUS. */
export const TRAP_FAULT = 2;
/** Any other processor exception: FRAME_SIGNO, FRAME_SICODE, FRAME_SIADDR, FRAME_TRAPNO. */
export const TRAP_EXCEPTION = 3;
/** `Context.interrupt()` stopped a running guest; no register was changed. */
export const TRAP_INTERRUPTED = 4;
/** The host thread behind the context is gone (killed from outside); the context can only be released. */
export const TRAP_DEATH = 5;

export const SYSCALL_ARCH_X86_64 = 0;
/** int 0x80 or sysenter: the 32-bit table. */
export const SYSCALL_ARCH_I386 = 1;

/** The page was present (protection violation). */
export const FAULT_PRESENT = 1;
export const FAULT_WRITE = 2;
export const FAULT_USER = 4;
export const FAULT_INSTRUCTION = 16;
/** The platform can't tell what kind of access it was (ptrace): mm works it out from what it had installed. */
export const FAULT_UNKNOWN = 1 << 30;

// ptrace(2).
import { array, i64, struct, u8, u32, u64 } from './layout.js';

export const PTRACE_TRACEME = 0;
export const PTRACE_PEEKTEXT = 1;
export const PTRACE_PEEKDATA = 2;
export const PTRACE_PEEKUSR = 3;
export const PTRACE_POKETEXT = 4;
export const PTRACE_POKEDATA = 5;
export const PTRACE_POKEUSR = 6;
export const PTRACE_CONT = 7;
export const PTRACE_KILL = 8;
export const PTRACE_SINGLESTEP = 9;
export const PTRACE_ATTACH = 16;
export const PTRACE_DETACH = 17;
export const PTRACE_SYSCALL = 24;
export const PTRACE_SETOPTIONS = 0x4200;
export const PTRACE_GETEVENTMSG = 0x4201;
export const PTRACE_GETSIGINFO = 0x4202;
export const PTRACE_SETSIGINFO = 0x4203;
export const PTRACE_GETREGSET = 0x4204;
export const PTRACE_SETREGSET = 0x4205;
export const PTRACE_SEIZE = 0x4206;
export const PTRACE_INTERRUPT = 0x4207;
export const PTRACE_LISTEN = 0x4208;
export const PTRACE_PEEKSIGINFO = 0x4209;
export const PTRACE_GETSIGMASK = 0x420a;
export const PTRACE_SETSIGMASK = 0x420b;
export const PTRACE_SECCOMP_GET_FILTER = 0x420c;
export const PTRACE_SECCOMP_GET_METADATA = 0x420d;
export const PTRACE_GET_SYSCALL_INFO = 0x420e;
export const PTRACE_SYSCALL_INFO_NONE = 0;
export const PTRACE_SYSCALL_INFO_ENTRY = 1;
export const PTRACE_SYSCALL_INFO_EXIT = 2;
export const PTRACE_SYSCALL_INFO_SECCOMP = 3;
export const PTRACE_GET_RSEQ_CONFIGURATION = 0x420f;
export const PTRACE_EVENTMSG_SYSCALL_ENTRY = 1;
export const PTRACE_EVENTMSG_SYSCALL_EXIT = 2;
export const PTRACE_PEEKSIGINFO_SHARED = 1 << 0;
export const PTRACE_EVENT_FORK = 1;
export const PTRACE_EVENT_VFORK = 2;
export const PTRACE_EVENT_CLONE = 3;
export const PTRACE_EVENT_EXEC = 4;
export const PTRACE_EVENT_VFORK_DONE = 5;
export const PTRACE_EVENT_EXIT = 6;
export const PTRACE_EVENT_SECCOMP = 7;
export const PTRACE_EVENT_STOP = 128;
export const PTRACE_O_TRACESYSGOOD = 1;
export const PTRACE_O_TRACEFORK = 2;
export const PTRACE_O_TRACEVFORK = 4;
export const PTRACE_O_TRACECLONE = 8;
export const PTRACE_O_TRACEEXEC = 16;
export const PTRACE_O_TRACEVFORKDONE = 32;
export const PTRACE_O_TRACEEXIT = 64;
export const PTRACE_O_TRACESECCOMP = 128;
export const PTRACE_O_EXITKILL = 1 << 20;
export const PTRACE_O_SUSPEND_SECCOMP = 1 << 21;
export const PTRACE_O_MASK = 0x3000ff;
export const PTRACE_GETREGS = 12;
export const PTRACE_SETREGS = 13;
export const PTRACE_GETFPREGS = 14;
export const PTRACE_SETFPREGS = 15;
export const PTRACE_GETFPXREGS = 18;
export const PTRACE_SETFPXREGS = 19;
export const PTRACE_OLDSETOPTIONS = 21;
export const PTRACE_GET_THREAD_AREA = 25;
export const PTRACE_SET_THREAD_AREA = 26;
export const PTRACE_ARCH_PRCTL = 30;
export const PTRACE_SYSEMU = 31;
export const PTRACE_SYSEMU_SINGLESTEP = 32;
export const PTRACE_SINGLEBLOCK = 33;

// Newer than the headers of Linux 6.1.
export const PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG = 0x4210;
export const PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG = 0x4211;
export const PTRACE_SET_SYSCALL_INFO = 0x4212;

// struct user_regs_struct
export const USER_REGS_SIZE = 216;
export const USER_REGS_R15 = 0;
export const USER_REGS_R14 = 8;
export const USER_REGS_R13 = 16;
export const USER_REGS_R12 = 24;
export const USER_REGS_RBP = 32;
export const USER_REGS_RBX = 40;
export const USER_REGS_R11 = 48;
export const USER_REGS_R10 = 56;
export const USER_REGS_R9 = 64;
export const USER_REGS_R8 = 72;
export const USER_REGS_RAX = 80;
export const USER_REGS_RCX = 88;
export const USER_REGS_RDX = 96;
export const USER_REGS_RSI = 104;
export const USER_REGS_RDI = 112;
export const USER_REGS_ORIG_RAX = 120;
export const USER_REGS_RIP = 128;
export const USER_REGS_CS = 136;
export const USER_REGS_EFLAGS = 144;
export const USER_REGS_RSP = 152;
export const USER_REGS_SS = 160;
export const USER_REGS_FS_BASE = 168;
export const USER_REGS_GS_BASE = 176;
export const USER_REGS_DS = 184;
export const USER_REGS_ES = 192;
export const USER_REGS_FS = 200;
export const USER_REGS_GS = 208;
export const USER_REGS_LAYOUT = /* @__PURE__ */ struct('struct user_regs_struct', USER_REGS_SIZE, {
  r15: u64(USER_REGS_R15),
  r14: u64(USER_REGS_R14),
  r13: u64(USER_REGS_R13),
  r12: u64(USER_REGS_R12),
  rbp: u64(USER_REGS_RBP),
  rbx: u64(USER_REGS_RBX),
  r11: u64(USER_REGS_R11),
  r10: u64(USER_REGS_R10),
  r9: u64(USER_REGS_R9),
  r8: u64(USER_REGS_R8),
  rax: u64(USER_REGS_RAX),
  rcx: u64(USER_REGS_RCX),
  rdx: u64(USER_REGS_RDX),
  rsi: u64(USER_REGS_RSI),
  rdi: u64(USER_REGS_RDI),
  orig_rax: u64(USER_REGS_ORIG_RAX),
  rip: u64(USER_REGS_RIP),
  cs: u64(USER_REGS_CS),
  eflags: u64(USER_REGS_EFLAGS),
  rsp: u64(USER_REGS_RSP),
  ss: u64(USER_REGS_SS),
  fs_base: u64(USER_REGS_FS_BASE),
  gs_base: u64(USER_REGS_GS_BASE),
  ds: u64(USER_REGS_DS),
  es: u64(USER_REGS_ES),
  fs: u64(USER_REGS_FS),
  gs: u64(USER_REGS_GS),
});

// struct ptrace_syscall_info
export const PTRACE_SYSCALL_INFO_SIZE = 88;
export const PTRACE_SYSCALL_INFO_OP = 0;
export const PTRACE_SYSCALL_INFO_ARCH = 4;
export const PTRACE_SYSCALL_INFO_INSTRUCTION_POINTER = 8;
export const PTRACE_SYSCALL_INFO_STACK_POINTER = 16;
export const PTRACE_SYSCALL_INFO_ENTRY_NR = 24;
export const PTRACE_SYSCALL_INFO_ENTRY_ARGS = 32;
export const PTRACE_SYSCALL_INFO_EXIT_RVAL = 24;
export const PTRACE_SYSCALL_INFO_EXIT_IS_ERROR = 32;
export const PTRACE_SYSCALL_INFO_SECCOMP_NR = 24;
export const PTRACE_SYSCALL_INFO_SECCOMP_ARGS = 32;
export const PTRACE_SYSCALL_INFO_SECCOMP_RET_DATA = 80;
export const PTRACE_SYSCALL_INFO_LAYOUT = /* @__PURE__ */ struct(
  'struct ptrace_syscall_info',
  PTRACE_SYSCALL_INFO_SIZE,
  {
    op: u8(PTRACE_SYSCALL_INFO_OP),
    arch: u32(PTRACE_SYSCALL_INFO_ARCH),
    instruction_pointer: u64(PTRACE_SYSCALL_INFO_INSTRUCTION_POINTER),
    stack_pointer: u64(PTRACE_SYSCALL_INFO_STACK_POINTER),
    'entry.nr': u64(PTRACE_SYSCALL_INFO_ENTRY_NR),
    'entry.args': array('u64', PTRACE_SYSCALL_INFO_ENTRY_ARGS, 6),
    'exit.rval': i64(PTRACE_SYSCALL_INFO_EXIT_RVAL),
    'exit.is_error': u8(PTRACE_SYSCALL_INFO_EXIT_IS_ERROR),
    'seccomp.nr': u64(PTRACE_SYSCALL_INFO_SECCOMP_NR),
    'seccomp.args': array('u64', PTRACE_SYSCALL_INFO_SECCOMP_ARGS, 6),
    'seccomp.ret_data': u32(PTRACE_SYSCALL_INFO_SECCOMP_RET_DATA),
  },
);

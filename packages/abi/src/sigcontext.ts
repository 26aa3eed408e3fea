// What a signal frame holds on x86-64 (asm/sigcontext.h, asm/ucontext.h): registers, FPU state and its XSAVE header.
import { array, i32, struct, u16, u32, u64 } from './layout.js';

// struct sigcontext
export const SIGCONTEXT_SIZE = 256;
export const SIGCONTEXT_R8 = 0;
export const SIGCONTEXT_R9 = 8;
export const SIGCONTEXT_R10 = 16;
export const SIGCONTEXT_R11 = 24;
export const SIGCONTEXT_R12 = 32;
export const SIGCONTEXT_R13 = 40;
export const SIGCONTEXT_R14 = 48;
export const SIGCONTEXT_R15 = 56;
export const SIGCONTEXT_RDI = 64;
export const SIGCONTEXT_RSI = 72;
export const SIGCONTEXT_RBP = 80;
export const SIGCONTEXT_RBX = 88;
export const SIGCONTEXT_RDX = 96;
export const SIGCONTEXT_RAX = 104;
export const SIGCONTEXT_RCX = 112;
export const SIGCONTEXT_RSP = 120;
export const SIGCONTEXT_RIP = 128;
export const SIGCONTEXT_EFLAGS = 136;
export const SIGCONTEXT_CS = 144;
export const SIGCONTEXT_GS = 146;
export const SIGCONTEXT_FS = 148;
export const SIGCONTEXT_SS = 150;
export const SIGCONTEXT_ERR = 152;
export const SIGCONTEXT_TRAPNO = 160;
export const SIGCONTEXT_OLDMASK = 168;
export const SIGCONTEXT_CR2 = 176;
export const SIGCONTEXT_FPSTATE = 184;
export const SIGCONTEXT_LAYOUT = /* @__PURE__ */ struct('struct sigcontext', SIGCONTEXT_SIZE, {
  r8: u64(SIGCONTEXT_R8),
  r9: u64(SIGCONTEXT_R9),
  r10: u64(SIGCONTEXT_R10),
  r11: u64(SIGCONTEXT_R11),
  r12: u64(SIGCONTEXT_R12),
  r13: u64(SIGCONTEXT_R13),
  r14: u64(SIGCONTEXT_R14),
  r15: u64(SIGCONTEXT_R15),
  rdi: u64(SIGCONTEXT_RDI),
  rsi: u64(SIGCONTEXT_RSI),
  rbp: u64(SIGCONTEXT_RBP),
  rbx: u64(SIGCONTEXT_RBX),
  rdx: u64(SIGCONTEXT_RDX),
  rax: u64(SIGCONTEXT_RAX),
  rcx: u64(SIGCONTEXT_RCX),
  rsp: u64(SIGCONTEXT_RSP),
  rip: u64(SIGCONTEXT_RIP),
  eflags: u64(SIGCONTEXT_EFLAGS),
  cs: u16(SIGCONTEXT_CS),
  gs: u16(SIGCONTEXT_GS),
  fs: u16(SIGCONTEXT_FS),
  ss: u16(SIGCONTEXT_SS),
  err: u64(SIGCONTEXT_ERR),
  trapno: u64(SIGCONTEXT_TRAPNO),
  oldmask: u64(SIGCONTEXT_OLDMASK),
  cr2: u64(SIGCONTEXT_CR2),
  fpstate: u64(SIGCONTEXT_FPSTATE),
});

// struct ucontext
export const UCONTEXT_SIZE = 304;
export const UCONTEXT_UC_FLAGS = 0;
export const UCONTEXT_UC_LINK = 8;
export const UCONTEXT_UC_STACK_SS_SP = 16;
export const UCONTEXT_UC_STACK_SS_FLAGS = 24;
export const UCONTEXT_UC_STACK_SS_SIZE = 32;
export const UCONTEXT_UC_MCONTEXT_R8 = 40;
export const UCONTEXT_UC_MCONTEXT_R9 = 48;
export const UCONTEXT_UC_MCONTEXT_R10 = 56;
export const UCONTEXT_UC_MCONTEXT_R11 = 64;
export const UCONTEXT_UC_MCONTEXT_R12 = 72;
export const UCONTEXT_UC_MCONTEXT_R13 = 80;
export const UCONTEXT_UC_MCONTEXT_R14 = 88;
export const UCONTEXT_UC_MCONTEXT_R15 = 96;
export const UCONTEXT_UC_MCONTEXT_RDI = 104;
export const UCONTEXT_UC_MCONTEXT_RSI = 112;
export const UCONTEXT_UC_MCONTEXT_RBP = 120;
export const UCONTEXT_UC_MCONTEXT_RBX = 128;
export const UCONTEXT_UC_MCONTEXT_RDX = 136;
export const UCONTEXT_UC_MCONTEXT_RAX = 144;
export const UCONTEXT_UC_MCONTEXT_RCX = 152;
export const UCONTEXT_UC_MCONTEXT_RSP = 160;
export const UCONTEXT_UC_MCONTEXT_RIP = 168;
export const UCONTEXT_UC_MCONTEXT_EFLAGS = 176;
export const UCONTEXT_UC_MCONTEXT_CS = 184;
export const UCONTEXT_UC_MCONTEXT_GS = 186;
export const UCONTEXT_UC_MCONTEXT_FS = 188;
export const UCONTEXT_UC_MCONTEXT_SS = 190;
export const UCONTEXT_UC_MCONTEXT_ERR = 192;
export const UCONTEXT_UC_MCONTEXT_TRAPNO = 200;
export const UCONTEXT_UC_MCONTEXT_OLDMASK = 208;
export const UCONTEXT_UC_MCONTEXT_CR2 = 216;
export const UCONTEXT_UC_MCONTEXT_FPSTATE = 224;
export const UCONTEXT_UC_SIGMASK = 296;
export const UCONTEXT_LAYOUT = /* @__PURE__ */ struct('struct ucontext', UCONTEXT_SIZE, {
  uc_flags: u64(UCONTEXT_UC_FLAGS),
  uc_link: u64(UCONTEXT_UC_LINK),
  'uc_stack.ss_sp': u64(UCONTEXT_UC_STACK_SS_SP),
  'uc_stack.ss_flags': i32(UCONTEXT_UC_STACK_SS_FLAGS),
  'uc_stack.ss_size': u64(UCONTEXT_UC_STACK_SS_SIZE),
  'uc_mcontext.r8': u64(UCONTEXT_UC_MCONTEXT_R8),
  'uc_mcontext.r9': u64(UCONTEXT_UC_MCONTEXT_R9),
  'uc_mcontext.r10': u64(UCONTEXT_UC_MCONTEXT_R10),
  'uc_mcontext.r11': u64(UCONTEXT_UC_MCONTEXT_R11),
  'uc_mcontext.r12': u64(UCONTEXT_UC_MCONTEXT_R12),
  'uc_mcontext.r13': u64(UCONTEXT_UC_MCONTEXT_R13),
  'uc_mcontext.r14': u64(UCONTEXT_UC_MCONTEXT_R14),
  'uc_mcontext.r15': u64(UCONTEXT_UC_MCONTEXT_R15),
  'uc_mcontext.rdi': u64(UCONTEXT_UC_MCONTEXT_RDI),
  'uc_mcontext.rsi': u64(UCONTEXT_UC_MCONTEXT_RSI),
  'uc_mcontext.rbp': u64(UCONTEXT_UC_MCONTEXT_RBP),
  'uc_mcontext.rbx': u64(UCONTEXT_UC_MCONTEXT_RBX),
  'uc_mcontext.rdx': u64(UCONTEXT_UC_MCONTEXT_RDX),
  'uc_mcontext.rax': u64(UCONTEXT_UC_MCONTEXT_RAX),
  'uc_mcontext.rcx': u64(UCONTEXT_UC_MCONTEXT_RCX),
  'uc_mcontext.rsp': u64(UCONTEXT_UC_MCONTEXT_RSP),
  'uc_mcontext.rip': u64(UCONTEXT_UC_MCONTEXT_RIP),
  'uc_mcontext.eflags': u64(UCONTEXT_UC_MCONTEXT_EFLAGS),
  'uc_mcontext.cs': u16(UCONTEXT_UC_MCONTEXT_CS),
  'uc_mcontext.gs': u16(UCONTEXT_UC_MCONTEXT_GS),
  'uc_mcontext.fs': u16(UCONTEXT_UC_MCONTEXT_FS),
  'uc_mcontext.ss': u16(UCONTEXT_UC_MCONTEXT_SS),
  'uc_mcontext.err': u64(UCONTEXT_UC_MCONTEXT_ERR),
  'uc_mcontext.trapno': u64(UCONTEXT_UC_MCONTEXT_TRAPNO),
  'uc_mcontext.oldmask': u64(UCONTEXT_UC_MCONTEXT_OLDMASK),
  'uc_mcontext.cr2': u64(UCONTEXT_UC_MCONTEXT_CR2),
  'uc_mcontext.fpstate': u64(UCONTEXT_UC_MCONTEXT_FPSTATE),
  uc_sigmask: u64(UCONTEXT_UC_SIGMASK),
});

// struct _fpstate_64
export const FPSTATE_SIZE = 512;
export const FPSTATE_CWD = 0;
export const FPSTATE_SWD = 2;
export const FPSTATE_TWD = 4;
export const FPSTATE_FOP = 6;
export const FPSTATE_RIP = 8;
export const FPSTATE_RDP = 16;
export const FPSTATE_MXCSR = 24;
export const FPSTATE_MXCSR_MASK = 28;
export const FPSTATE_ST_SPACE = 32;
export const FPSTATE_XMM_SPACE = 160;
export const FPSTATE_SW_RESERVED_MAGIC1 = 464;
export const FPSTATE_SW_RESERVED_EXTENDED_SIZE = 468;
export const FPSTATE_SW_RESERVED_XFEATURES = 472;
export const FPSTATE_SW_RESERVED_XSTATE_SIZE = 480;
export const FPSTATE_LAYOUT = /* @__PURE__ */ struct('struct _fpstate_64', FPSTATE_SIZE, {
  cwd: u16(FPSTATE_CWD),
  swd: u16(FPSTATE_SWD),
  twd: u16(FPSTATE_TWD),
  fop: u16(FPSTATE_FOP),
  rip: u64(FPSTATE_RIP),
  rdp: u64(FPSTATE_RDP),
  mxcsr: u32(FPSTATE_MXCSR),
  mxcsr_mask: u32(FPSTATE_MXCSR_MASK),
  st_space: array('u32', FPSTATE_ST_SPACE, 32),
  xmm_space: array('u32', FPSTATE_XMM_SPACE, 64),
  'sw_reserved.magic1': u32(FPSTATE_SW_RESERVED_MAGIC1),
  'sw_reserved.extended_size': u32(FPSTATE_SW_RESERVED_EXTENDED_SIZE),
  'sw_reserved.xfeatures': u64(FPSTATE_SW_RESERVED_XFEATURES),
  'sw_reserved.xstate_size': u32(FPSTATE_SW_RESERVED_XSTATE_SIZE),
});

// struct _fpx_sw_bytes
export const FPX_SW_BYTES_SIZE = 48;
export const FPX_SW_BYTES_MAGIC1 = 0;
export const FPX_SW_BYTES_EXTENDED_SIZE = 4;
export const FPX_SW_BYTES_XFEATURES = 8;
export const FPX_SW_BYTES_XSTATE_SIZE = 16;
export const FPX_SW_BYTES_LAYOUT = /* @__PURE__ */ struct('struct _fpx_sw_bytes', FPX_SW_BYTES_SIZE, {
  magic1: u32(FPX_SW_BYTES_MAGIC1),
  extended_size: u32(FPX_SW_BYTES_EXTENDED_SIZE),
  xfeatures: u64(FPX_SW_BYTES_XFEATURES),
  xstate_size: u32(FPX_SW_BYTES_XSTATE_SIZE),
});

// struct _header
export const XSTATE_HEADER_SIZE = 64;
export const XSTATE_HEADER_XFEATURES = 0;
export const XSTATE_HEADER_LAYOUT = /* @__PURE__ */ struct('struct _header', XSTATE_HEADER_SIZE, {
  xfeatures: u64(XSTATE_HEADER_XFEATURES),
});

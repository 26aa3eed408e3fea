// Classic BPF instruction codes (linux/filter.h, linux/bpf_common.h); bpf.ts checks and runs programs of them.
import { struct, u8, u16, u32, u64 } from './layout.js';

// classes
export const BPF_LD = 0x00;
export const BPF_LDX = 0x01;
export const BPF_ST = 0x02;
export const BPF_STX = 0x03;
export const BPF_ALU = 0x04;
export const BPF_JMP = 0x05;
export const BPF_RET = 0x06;
export const BPF_MISC = 0x07;

// sizes and modes
export const BPF_W = 0x00;
export const BPF_H = 0x08;
export const BPF_B = 0x10;
export const BPF_IMM = 0x00;
export const BPF_ABS = 0x20;
export const BPF_IND = 0x40;
export const BPF_MEM = 0x60;
export const BPF_LEN = 0x80;
export const BPF_MSH = 0xa0;

// operations
export const BPF_ADD = 0x00;
export const BPF_SUB = 0x10;
export const BPF_MUL = 0x20;
export const BPF_DIV = 0x30;
export const BPF_OR = 0x40;
export const BPF_AND = 0x50;
export const BPF_LSH = 0x60;
export const BPF_RSH = 0x70;
export const BPF_NEG = 0x80;
export const BPF_MOD = 0x90;
export const BPF_XOR = 0xa0;
export const BPF_JA = 0x00;
export const BPF_JEQ = 0x10;
export const BPF_JGT = 0x20;
export const BPF_JGE = 0x30;
export const BPF_JSET = 0x40;

// operands
export const BPF_K = 0x00;
export const BPF_X = 0x08;
export const BPF_A = 0x10;
export const BPF_TAX = 0x00;
export const BPF_TXA = 0x80;

// limits
export const BPF_MAXINSNS = 4096;
export const BPF_MEMWORDS = 16;

// extensions
export const SKF_AD_OFF = -4096;
export const SKF_AD_PROTOCOL = 0;
export const SKF_AD_PKTTYPE = 4;
export const SKF_AD_IFINDEX = 8;
export const SKF_AD_NLATTR = 12;
export const SKF_AD_NLATTR_NEST = 16;
export const SKF_AD_MARK = 20;
export const SKF_AD_QUEUE = 24;
export const SKF_AD_HATYPE = 28;
export const SKF_AD_RXHASH = 32;
export const SKF_AD_CPU = 36;
export const SKF_AD_ALU_XOR_X = 40;
export const SKF_AD_VLAN_TAG = 44;
export const SKF_AD_VLAN_TAG_PRESENT = 48;
export const SKF_AD_PAY_OFFSET = 52;
export const SKF_AD_RANDOM = 56;
export const SKF_AD_VLAN_TPID = 60;
export const SKF_AD_MAX = 64;
export const SKF_NET_OFF = -1048576;
export const SKF_LL_OFF = -2097152;

// struct sock_filter
export const SOCK_FILTER_SIZE = 8;
export const SOCK_FILTER_CODE = 0;
export const SOCK_FILTER_JT = 2;
export const SOCK_FILTER_JF = 3;
export const SOCK_FILTER_K = 4;
export const SOCK_FILTER_LAYOUT = /* @__PURE__ */ struct('struct sock_filter', SOCK_FILTER_SIZE, {
  code: u16(SOCK_FILTER_CODE),
  jt: u8(SOCK_FILTER_JT),
  jf: u8(SOCK_FILTER_JF),
  k: u32(SOCK_FILTER_K),
});

// struct sock_fprog
export const SOCK_FPROG_SIZE = 16;
export const SOCK_FPROG_LEN = 0;
export const SOCK_FPROG_FILTER = 8;
export const SOCK_FPROG_LAYOUT = /* @__PURE__ */ struct('struct sock_fprog', SOCK_FPROG_SIZE, {
  len: u16(SOCK_FPROG_LEN),
  filter: u64(SOCK_FPROG_FILTER),
});

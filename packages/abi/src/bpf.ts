// Classic BPF: the checks that a program must pass (forward jumps only, no load of scratch words that were never stored) and the machine
// that runs it. Who uses it says what may be loaded: seccomp(2) aligned words of struct seccomp_data, a socket filter bytes of
// the packet (socket-filter.ts). A program that passed always ends.
import {
  BPF_A,
  BPF_ABS,
  BPF_ADD,
  BPF_ALU,
  BPF_AND,
  BPF_DIV,
  BPF_IMM,
  BPF_JA,
  BPF_JEQ,
  BPF_JGE,
  BPF_JGT,
  BPF_JMP,
  BPF_JSET,
  BPF_K,
  BPF_LD,
  BPF_LDX,
  BPF_LEN,
  BPF_LSH,
  BPF_MAXINSNS,
  BPF_MEM,
  BPF_MEMWORDS,
  BPF_MISC,
  BPF_MOD,
  BPF_MUL,
  BPF_NEG,
  BPF_OR,
  BPF_RET,
  BPF_RSH,
  BPF_ST,
  BPF_STX,
  BPF_SUB,
  BPF_TAX,
  BPF_TXA,
  BPF_W,
  BPF_X,
  BPF_XOR,
  SOCK_FILTER_CODE,
  SOCK_FILTER_JF,
  SOCK_FILTER_JT,
  SOCK_FILTER_K,
  SOCK_FILTER_SIZE,
} from './bpf-code.js';
import { EINVAL } from './errno.js';
import { SECCOMP_DATA_SIZE } from './seccomp.js';

const ALU_OPERATIONS = new Set([
  BPF_ADD,
  BPF_SUB,
  BPF_MUL,
  BPF_DIV,
  BPF_AND,
  BPF_OR,
  BPF_XOR,
  BPF_LSH,
  BPF_RSH,
]);

/** A checked program; `code`, `jumpTrue`, `jumpFalse` and `k` are columns of struct sock_filter. */
export interface BpfProgram {
  readonly length: number;
  readonly code: Uint16Array;
  readonly jumpTrue: Uint8Array;
  readonly jumpFalse: Uint8Array;
  readonly k: Uint32Array;
}

/** What a user of the machine lets programs load, beside constants, scratch words and the length. */
export interface BpfLoads {
  /** Of BPF_LD, BPF_LDX and ALU instructions that read the input. */
  allows(code: number, k: number): boolean;
}

/** What a program works on. */
export interface BpfInput {
  readonly length: number;
  /** `code` of BPF_LD | BPF_ABS or BPF_IND and sizes, of BPF_LDX | BPF_MSH: the value; NaN ends the program with 0. */
  load(code: number, k: number, a: number, x: number): number;
}

function isAlu(code: number): boolean {
  if (code === (BPF_ALU | BPF_NEG)) return true;
  const operation = code & 0xf0;
  return (code & ~(0xf0 | BPF_X)) === BPF_ALU && ALU_OPERATIONS.has(operation);
}

function isConditionalJump(code: number): boolean {
  const operation = code & 0xf0;
  if ((code & ~(0xf0 | BPF_X)) !== BPF_JMP) return false;
  return operation === BPF_JEQ || operation === BPF_JGT || operation === BPF_JGE || operation === BPF_JSET;
}

function isOtherAllowed(code: number, k: number, loads: BpfLoads): boolean {
  switch (code) {
    case BPF_LD | BPF_IMM:
    case BPF_LDX | BPF_IMM:
    case BPF_LD | BPF_W | BPF_LEN:
    case BPF_LDX | BPF_W | BPF_LEN:
    case BPF_RET | BPF_K:
    case BPF_RET | BPF_A:
    case BPF_MISC | BPF_TAX:
    case BPF_MISC | BPF_TXA:
      return true;
    case BPF_LD | BPF_MEM:
    case BPF_LDX | BPF_MEM:
    case BPF_ST:
    case BPF_STX:
      return k < BPF_MEMWORDS;
    default:
      return loads.allows(code, k);
  }
}

/** Constant operands that the kernel refuses: division by zero, shifts by the word size or more. */
function hasBadConstant(code: number, k: number): boolean {
  if (code === (BPF_ALU | BPF_DIV | BPF_K) || code === (BPF_ALU | BPF_MOD | BPF_K)) return k === 0;
  return (code === (BPF_ALU | BPF_LSH | BPF_K) || code === (BPF_ALU | BPF_RSH | BPF_K)) && k >= 32;
}

function checkInstruction(program: BpfProgram, pc: number, loads: BpfLoads): boolean {
  const code = program.code[pc]!;
  const k = program.k[pc]!;
  const remaining = program.length - pc - 1;
  if (code === (BPF_JMP | BPF_JA)) return k < remaining;
  if (isConditionalJump(code)) return program.jumpTrue[pc]! < remaining && program.jumpFalse[pc]! < remaining;
  if (isAlu(code)) return !hasBadConstant(code, k);
  return isOtherAllowed(code, k, loads);
}

/** Every path to a BPF_MEM load stores that word first (a bit per word, met over the forward edges). */
function scratchInitialized(program: BpfProgram): boolean {
  const known = new Uint16Array(program.length + 1).fill(0xffff);
  known[0] = 0;
  for (let pc = 0; pc < program.length; pc++) {
    const code = program.code[pc]!;
    const k = program.k[pc]!;
    let valid = known[pc]!;
    if (code === BPF_ST || code === BPF_STX) valid |= 1 << k;
    if (code === (BPF_LD | BPF_MEM) || code === (BPF_LDX | BPF_MEM)) {
      if ((valid & (1 << k)) === 0) return false;
    }
    if (code === (BPF_JMP | BPF_JA)) known[pc + 1 + k]! &= valid;
    else if ((code & 7) === BPF_JMP) {
      known[pc + 1 + program.jumpTrue[pc]!]! &= valid;
      known[pc + 1 + program.jumpFalse[pc]!]! &= valid;
    } else known[pc + 1]! &= valid;
  }
  return true;
}

/** Reads and checks `length` instructions at `at`; -EINVAL. Pre: the bytes lie within the view. */
export function parseBpf(view: DataView, at: number, length: number, loads: BpfLoads): BpfProgram | number {
  if (length === 0 || length > BPF_MAXINSNS) return -EINVAL;
  const program = {
    length,
    code: new Uint16Array(length),
    jumpTrue: new Uint8Array(length),
    jumpFalse: new Uint8Array(length),
    k: new Uint32Array(length),
  };
  for (let pc = 0; pc < length; pc++) {
    const instruction = at + pc * SOCK_FILTER_SIZE;
    program.code[pc] = view.getUint16(instruction + SOCK_FILTER_CODE, true);
    program.jumpTrue[pc] = view.getUint8(instruction + SOCK_FILTER_JT);
    program.jumpFalse[pc] = view.getUint8(instruction + SOCK_FILTER_JF);
    program.k[pc] = view.getUint32(instruction + SOCK_FILTER_K, true);
  }
  for (let pc = 0; pc < length; pc++) {
    if (!checkInstruction(program, pc, loads)) return -EINVAL;
  }
  const last = program.code[length - 1];
  if (last !== (BPF_RET | BPF_K) && last !== (BPF_RET | BPF_A)) return -EINVAL;
  return scratchInitialized(program) ? program : -EINVAL;
}

/** Division by a zero in X ends the program with 0 (kill), so it is told by NaN. */
function alu(operation: number, a: number, b: number): number {
  switch (operation) {
    case BPF_ADD:
      return (a + b) >>> 0;
    case BPF_SUB:
      return (a - b) >>> 0;
    case BPF_MUL:
      return Math.imul(a, b) >>> 0;
    case BPF_DIV:
      return b === 0 ? Number.NaN : Math.floor(a / b);
    case BPF_MOD:
      return b === 0 ? Number.NaN : a % b;
    case BPF_AND:
      return (a & b) >>> 0;
    case BPF_OR:
      return (a | b) >>> 0;
    case BPF_XOR:
      return (a ^ b) >>> 0;
    case BPF_LSH:
      return (a << (b & 31)) >>> 0;
    case BPF_RSH:
      return a >>> (b & 31);
    default:
      return -a >>> 0;
  }
}

function jumpTaken(operation: number, a: number, b: number): boolean {
  switch (operation) {
    case BPF_JEQ:
      return a === b;
    case BPF_JGT:
      return a > b;
    case BPF_JGE:
      return a >= b;
    default:
      return (a & b) !== 0;
  }
}

/** Runs a checked program; the value it returns, unsigned. `memory` is scratch space of BPF_MEMWORDS words owned by the caller. */
export function runBpf(program: BpfProgram, input: BpfInput, memory: Uint32Array): number {
  let a = 0;
  let x = 0;
  for (let pc = 0; pc < program.length; pc++) {
    const code = program.code[pc]!;
    const k = program.k[pc]!;
    switch (code & 7) {
      case BPF_LD:
        a = fetch(code, k, a, x, input, memory);
        if (Number.isNaN(a)) return 0;
        break;
      case BPF_LDX:
        x = fetch(code, k, a, x, input, memory);
        if (Number.isNaN(x)) return 0;
        break;
      case BPF_ST:
        memory[k] = a;
        break;
      case BPF_STX:
        memory[k] = x;
        break;
      case BPF_ALU:
        a = alu(code & 0xf0, a, (code & BPF_X) !== 0 ? x : k);
        if (Number.isNaN(a)) return 0;
        break;
      case BPF_JMP:
        if ((code & 0xf0) === BPF_JA) pc += k;
        else if (jumpTaken(code & 0xf0, a, (code & BPF_X) !== 0 ? x : k)) pc += program.jumpTrue[pc]!;
        else pc += program.jumpFalse[pc]!;
        break;
      case BPF_RET:
        return (code & 0x18) === BPF_A ? a : k;
      default:
        if ((code & 0xf8) === BPF_TXA) a = x;
        else x = a;
    }
  }
  return 0;
}

function fetch(code: number, k: number, a: number, x: number, input: BpfInput, memory: Uint32Array): number {
  switch (code & 0xe0) {
    case BPF_IMM:
      return k;
    case BPF_MEM:
      return memory[k]!;
    case BPF_LEN:
      return input.length;
    default:
      return input.load(code, k, a, x);
  }
}

// ── seccomp ──

const SECCOMP_LOADS: BpfLoads = {
  allows: (code, k) => code === (BPF_LD | BPF_W | BPF_ABS) && k < SECCOMP_DATA_SIZE && (k & 3) === 0,
};

class SeccompData implements BpfInput {
  readonly length: number;
  private readonly view: DataView;
  private readonly at: number;

  constructor(view: DataView, at: number) {
    this.length = SECCOMP_DATA_SIZE;
    this.view = view;
    this.at = at;
  }

  load(_code: number, k: number): number {
    return this.view.getUint32(this.at + k, true);
  }
}

/** -EINVAL as seccomp(2) gives it. Pre: the bytes lie within the view. */
export function parseSeccompFilter(view: DataView, at: number, length: number): BpfProgram | number {
  return parseBpf(view, at, length, SECCOMP_LOADS);
}

/** Runs a filter over a struct seccomp_data at `at`; SECCOMP_RET_*, unsigned. */
export function runSeccompFilter(
  program: BpfProgram,
  data: DataView,
  at: number,
  memory: Uint32Array,
): number {
  return runBpf(program, new SeccompData(data, at), memory);
}

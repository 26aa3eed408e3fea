// The instructions around a system call that can be patched: `mov $number, %eax` (b8 imm32), `mov $number, %rax` (48 c7 c0 imm32) or the
// `mov 8(%rsp), %r9` of syscall(3), and `syscall` (0f 05) at once behind it. The move becomes a jump to a trampoline; `syscall` stays, so that who jumps to it, or is between
// the two, makes the call by the trap. Instructions can't be read backwards with certainty: what could be the end of a longer one is left alone.

/** Bytes that are looked at, the last ones before the address where the program goes on. */
export const SITE_WINDOW = 10;
/** Bytes of the jump that takes the place of the instruction before `syscall`. */
export const JUMP_SIZE = 5;
export const TRAMPOLINE_SIZE = 32;
/** Bytes at the start of a page of trampolines: the platform's entries. */
export const TRAMPOLINE_HEADER = TRAMPOLINE_SIZE;
/** Length of `syscall`. */
export const CALL_SIZE = 2;

/** `mov $number, %eax`; `mov $number, %rax`; and the C library's syscall(), where the number comes in RAX: `mov 8(%rsp), %r9`. */
export type SiteKind = 'eax' | 'rax' | 'register';

export const SITE_LENGTHS: Readonly<Record<SiteKind, number>> = {
  eax: 5 + CALL_SIZE,
  rax: 7 + CALL_SIZE,
  register: 5 + CALL_SIZE,
};

const LOAD_R9 = [0x4c, 0x8b, 0x4c, 0x24, 0x08];

/** Prefixes that would make another instruction of what follows: REX, operand and address size, segments, lock, repeat. */
function isPrefix(byte: number): boolean {
  if (byte >= 0x40 && byte <= 0x4f) return true;
  return [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3].includes(byte);
}

/** Opcodes with a modrm byte and a 32-bit number at the end: b8 may be the displacement in front of the number. */
function takesNumber(opcode: number): boolean {
  return opcode === 0xc7 || opcode === 0x81 || opcode === 0x69 || opcode === 0xf7;
}

function endsLonger(window: Uint8Array): boolean {
  const before = window[SITE_WINDOW - 8]!;
  if (isPrefix(before)) return true;
  // [opcode, modrm with an 8-bit displacement, b8] or [opcode, modrm, sib, b8].
  if (takesNumber(window[SITE_WINDOW - 9]!) && before >> 6 === 1) return true;
  return takesNumber(window[SITE_WINDOW - 10]!) && (window[SITE_WINDOW - 9]! & 0xc7) === 0x44;
}

/** What kind of site `window` ends with, when the call that has just been made there was `number`. */
export function siteKind(window: Uint8Array, number: number): SiteKind | null {
  if (window[SITE_WINDOW - 2] !== 0x0f || window[SITE_WINDOW - 1] !== 0x05) return null;
  if (LOAD_R9.every((byte, i) => window[SITE_WINDOW - 7 + i] === byte)) {
    return isPrefix(window[SITE_WINDOW - 8]!) ? null : 'register';
  }
  const view = new DataView(window.buffer, window.byteOffset, SITE_WINDOW);
  if (view.getUint32(SITE_WINDOW - 6, true) !== number) return null;
  if (window[SITE_WINDOW - 7] === 0xb8) return endsLonger(window) ? null : 'eax';
  const long =
    window[SITE_WINDOW - 9] === 0x48 && window[SITE_WINDOW - 8] === 0xc7 && window[SITE_WINDOW - 7] === 0xc0;
  return long ? 'rax' : null;
}

/** The jump from `from` to `to`, which are less than 2 GiB apart. */
export function jumpCode(from: number, to: number): Uint8Array {
  const code = new Uint8Array(JUMP_SIZE);
  code[0] = 0xe9;
  new DataView(code.buffer).setInt32(1, to - (from + JUMP_SIZE), true);
  return code;
}

/** The start of a page of trampolines. `entry`: PlatformFeatures.patchEntry. */
export function trampolineHeader(entry: number): Uint8Array {
  const header = new Uint8Array(TRAMPOLINE_HEADER);
  const view = new DataView(header.buffer);
  view.setBigUint64(0, BigInt(entry), true);
  view.setBigUint64(8, BigInt(entry) + 8n, true);
  return header;
}

/** A trampoline at offset `at` of its page, for a call that returns to `next`. */
export function trampolineCode(kind: SiteKind, at: number, next: number, number: number): Uint8Array {
  const code = new Uint8Array(TRAMPOLINE_SIZE).fill(0xcc);
  const view = new DataView(code.buffer);
  let pc = 0;
  if (kind === 'register') {
    // What is on the stack is read here, where a fault can be told as the program's own; mov %rax, %r9
    code.set([...LOAD_R9, 0x49, 0x89, 0xc1], 0);
    pc = 8;
  }
  const record = pc + 16;
  // lea record(%rip), %rcx; jmp *entry(%rip)
  code.set([0x48, 0x8d, 0x0d], pc);
  view.setInt32(pc + 3, record - (pc + 7), true);
  code.set([0xff, 0x25], pc + 7);
  view.setInt32(pc + 9, (kind === 'register' ? 8 : 0) - (at + pc + 13), true);
  view.setBigUint64(record, BigInt(next), true);
  if (kind !== 'register') view.setBigUint64(record + 8, BigInt(number), true);
  return code;
}

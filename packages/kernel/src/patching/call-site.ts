// The instructions around a system call that can be patched: `mov $number, %eax` (b8 imm32) or `mov $number, %rax` (48 c7 c0 imm32), and
// `syscall` (0f 05) at once behind it. The move becomes a jump to a trampoline; `syscall` stays, so that who jumps to it, or is between
// the two, makes the call by the trap. Instructions can't be read backwards with certainty: what could be the end of a longer one is left alone.

/** Bytes that are looked at, the last ones before the address where the program goes on. */
export const SITE_WINDOW = 10;
/** Bytes of the jump that takes the place of the move. */
export const JUMP_SIZE = 5;
export const TRAMPOLINE_SIZE = 32;
/** In a trampoline: where its record is, that is the address after the call (u64) and the number as it goes into RAX (u64). */
const RECORD = 16;

const MOV_EAX = 5;
const MOV_RAX = 7;
/** Length of `syscall`. */
const CALL_SIZE = 2;

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

/**
 * Bytes from the start of the move to the end of the call when `window` ends with a site that makes call `number`; else 0.
 */
export function siteLength(window: Uint8Array, number: number): number {
  if (window[SITE_WINDOW - 2] !== 0x0f || window[SITE_WINDOW - 1] !== 0x05) return 0;
  const view = new DataView(window.buffer, window.byteOffset, SITE_WINDOW);
  if (view.getUint32(SITE_WINDOW - 6, true) !== number) return 0;
  if (window[SITE_WINDOW - 7] === 0xb8) return endsLonger(window) ? 0 : MOV_EAX + CALL_SIZE;
  const long =
    window[SITE_WINDOW - 9] === 0x48 && window[SITE_WINDOW - 8] === 0xc7 && window[SITE_WINDOW - 7] === 0xc0;
  return long ? MOV_RAX + CALL_SIZE : 0;
}

/** The jump from `from` to `to`, which are less than 2 GiB apart. */
export function jumpCode(from: number, to: number): Uint8Array {
  const code = new Uint8Array(JUMP_SIZE);
  code[0] = 0xe9;
  new DataView(code.buffer).setInt32(1, to - (from + JUMP_SIZE), true);
  return code;
}

/** A trampoline at offset `at` of its page, whose first word is the address of the platform's entry. */
export function trampolineCode(at: number, next: number, number: number): Uint8Array {
  const code = new Uint8Array(TRAMPOLINE_SIZE).fill(0xcc);
  const view = new DataView(code.buffer);
  // lea record(%rip), %rcx
  code.set([0x48, 0x8d, 0x0d], 0);
  view.setInt32(3, RECORD - 7, true);
  // jmp *page(%rip)
  code.set([0xff, 0x25], 7);
  view.setInt32(9, -(at + 13), true);
  view.setBigUint64(RECORD, BigInt(next), true);
  view.setBigUint64(RECORD + 8, BigInt(number), true);
  return code;
}
